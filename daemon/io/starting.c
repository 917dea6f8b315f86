/*
 * starting.c - see starting.h.
 */
#include "starting.h"

#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../base/proto.h"
#include "certify.h"
#include "engine.h"

static const char no_key_tail[] = ": mesh init | mesh join"; /* of what the supervisor says */

bool
starting_is(const struct engine *e)
{
	return e->mesh == NULL && !sodium_is_zero(e->saved.cluster, ID_BYTES);
}

/* --- until the key is there --------------------------------------------------------- */

/* The answer to the first question for the key is on its way. */
static bool
waits(const struct engine *e)
{
	return starting_is(e) && !e->saved.certified && !certify_is(e) && e->key_error[0] == '\0' &&
	    e->starting.ends == NULL;
}

bool
starting_holds(struct engine *e, struct ctl_req *r)
{
	struct starting *s = &e->starting;

	if (!waits(e) || s->count == ARRAY_LEN(s->held) || net_now() - e->started >= STARTING_HOLD_MS ||
	    strcmp(r->verb, "version") == 0)
		return false;
	s->held[s->count++] = r;
	return true;
}

void
starting_over(struct engine *e)
{
	struct starting s = e->starting;

	e->starting.count = 0;
	for (size_t i = 0; i < s.count; i++)
		if (ctl_alive(s.held[i]))
			verbs_handle(e, s.held[i]);
		else /* and its arguments are gone: it would ask something else */
			ctl_fail(s.held[i], 1, "", "gone");
}

void
starting_second(struct engine *e)
{
	if (e->starting.count > 0 && net_now() - e->started >= STARTING_HOLD_MS)
		starting_over(e);
}

/* --- what is said meanwhile ------------------------------------------------------------ */

const char *
starting_problem(const struct engine *e, char text[ERR_TEXT_CAP], const char **hint)
{
	char of[2 * ID_BYTES + 1];
	const char *tail = strstr(e->key_error, no_key_tail);
	int len = (int)(tail != NULL ? (size_t)(tail - e->key_error) : strlen(e->key_error));

	if (e->starting.ends != NULL) {
		*hint = "what runs here runs on; the engine starts again by itself, and ends again until that is mended";
		snprintf(text, ERR_TEXT_CAP, "the engine stops: %.480s", e->starting.ends);
		return text;
	}
	if (!starting_is(e))
		return NULL;
	sodium_bin2hex(of, sizeof of, e->saved.cluster, ID_BYTES);
	*hint = "";
	if (waits(e)) {
		snprintf(text, ERR_TEXT_CAP, "member of cluster %.8s, starting: its key is not read yet", of);
	} else if (e->saved.certified || certify_is(e)) {
		snprintf(text, ERR_TEXT_CAP, "member of cluster %.8s, and nothing lets it in: %.400s", of, e->key_error);
	} else {
		snprintf(text, ERR_TEXT_CAP, "member of cluster %.8s, its key is gone: copy it from a member; %.*s", of,
		    len < 400 ? len : 400, e->key_error);
		*hint = "a member's file of mode 0600 (there: mesh keys export), then restart meshd or mesh join HOST:PORT";
	}
	return text;
}

bool
starting_refuses(const struct engine *e, struct ctl_req *r)
{
	char text[ERR_TEXT_CAP];
	const char *hint, *why = starting_problem(e, text, &hint);

	if (why == NULL)
		return false;
	ctl_fail(r, e->starting.ends != NULL || waits(e) ? 1 : EXIT_KEY, hint, "%s: %s", r->verb, why);
	return true;
}

/* --- the last words ---------------------------------------------------------------------- */

/* No other node hears of this one any more, nor gets an answer; whoever asked here hears
 * that the engine is gone.  The loop they belong to never turns again. */
static void
hang_up(uv_handle_t *h, void *arg)
{
	uv_os_fd_t fd;

	(void)arg;
	if ((h->type == UV_UDP || h->type == UV_TCP || h->type == UV_NAMED_PIPE) &&
	    uv_fileno(h, &fd) == 0 && fd > SUP_FD_LAST)
		(void)close(fd);
}

/* May write: nothing is done, so all hear why not. */
static bool
anybody(void *arg, uint32_t uid)
{
	(void)arg;
	(void)uid;
	return true;
}

static void
on_end(uv_timer_t *timer)
{
	uv_stop(timer->loop);
}

void
starting_ends(struct engine *e, int code, const char *why)
{
	struct ctl ctl;
	uv_loop_t loop;
	uv_timer_t timer;

	if (net_now() - e->started >= STARTING_LONG_MS || e->starting.ends != NULL)
		exit(code);
	signal(SIGTERM, SIG_DFL);
	e->mesh = NULL; /* it may say nothing any more, so nothing of it is shown */
	e->starting.ends = why;
	starting_over(e); /* written at once, or never */
	uv_walk(e->loop, hang_up, NULL);
	if (uv_loop_init(&loop) < 0 || uv_timer_init(&loop, &timer) < 0 ||
	    ctl_init(&ctl, &loop, SUP_FD_CTL, e, anybody, verbs_handle) < 0)
		exit(code);
	uv_timer_start(&timer, on_end, STARTING_LAST_MS, 0);
	uv_run(&loop, UV_RUN_DEFAULT);
	exit(code);
}
