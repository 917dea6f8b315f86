/*
 * hostacts.c - see hostacts.h.
 */
#include "hostacts.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "../base/log.h"
#include "../base/name.h"
#include "../base/own.h"
#include "engine.h"
#include "events.h"

enum {
	RETRY_FIRST_MS = 1000,
	RETRY_MAX_MS = 60000,
	ANSWER_MS = 700000, /* the longest timeout an administrator may set is 600 s */
	GONE_MS = 30000,    /* by then a role of this node has its job */
	LINE_MAX_ = 2 * NAME_CAP,
};

static const char owed_key[] = "host-actions";

/* --- what is kept ----------------------------------------------------------------- */

static struct hostact_owed *
find(struct hostacts *h, const char *role, const char *action)
{
	for (size_t i = 0; i < h->count; i++)
		if (strcmp(h->all[i].role, role) == 0 && strcmp(h->all[i].action, action) == 0)
			return &h->all[i];
	return NULL;
}

static struct hostact_owed *
add(struct hostacts *h, const char *role, const char *action)
{
	struct hostact_owed *o;

	if (h->count == HOSTACTS_WAIT_MAX)
		return NULL;
	o = &h->all[h->count++];
	memset(o, 0, sizeof *o);
	snprintf(o->role, sizeof o->role, "%s", role);
	snprintf(o->action, sizeof o->action, "%s", action);
	return o;
}

bool
hostacts_parse(struct hostacts *h, const uint8_t *text, size_t len)
{
	h->count = 0;
	for (size_t off = 0; off < len;) {
		const uint8_t *nl = memchr(text + off, '\n', len - off);
		size_t n = nl != NULL ? (size_t)(nl - text) - off : LINE_MAX_;
		char line[LINE_MAX_ + 1] = "", *space;

		memcpy(line, text + off, n < LINE_MAX_ ? n : 0);
		if ((space = strchr(line, ' ')) != NULL)
			*space++ = '\0';
		if (space == NULL || !name_ok(line, strlen(line)) || !name_ok(space, strlen(space)) ||
		    strlen(line) + 1 + strlen(space) != n || find(h, line, space) != NULL ||
		    add(h, line, space) == NULL) {
			h->count = 0;
			return false;
		}
		off += n + 1;
	}
	return true;
}

int
hostacts_load(struct engine *e, struct err *err)
{
	AUTO_FREE uint8_t *text = NULL;
	size_t len = 0;
	int rc = store_get(e->store, STORE_MISC, owed_key, strlen(owed_key), &text, &len, err);

	if (rc > 0 && !hostacts_parse(&e->apply.hostacts, text, len))
		log_warn("what host actions are owed can't be read: none is");
	return rc < 0 ? rc : 0;
}

/* Not kept, it is done all the same, if the engine lives to. */
static void
save(struct engine *e)
{
	const struct hostacts *h = &e->apply.hostacts;
	AUTO_FREE char *text = malloc(HOSTACTS_WAIT_MAX * (LINE_MAX_ + 2));
	struct err err = {0};
	size_t n = 0;
	int rc = 0;

	for (size_t i = 0; i < h->count && text != NULL; i++)
		n += (size_t)snprintf(text + n, LINE_MAX_ + 2, "%s %s\n", h->all[i].role, h->all[i].action);
	if (text == NULL)
		rc = err_set(&err, 1, "out of memory");
	else if (n == 0)
		rc = store_del(e->store, STORE_MISC, owed_key, strlen(owed_key), &err);
	else
		rc = store_put(e->store, STORE_MISC, owed_key, strlen(owed_key), text, n, &err);
	if (rc < 0)
		log_warn("what host actions are owed is not kept: %s", err.text);
}

static void
drop(struct engine *e, struct hostact_owed *o)
{
	struct hostacts *h = &e->apply.hostacts;
	size_t at = (size_t)(o - h->all);

	memmove(o, o + 1, (--h->count - at) * sizeof *o);
	save(e);
}

/* --- asking ----------------------------------------------------------------------- */

static bool
under_way(const struct hostacts *h, const char *action)
{
	for (size_t i = 0; i < h->count; i++)
		if (h->all[i].ticket != 0 && strcmp(h->all[i].action, action) == 0)
			return true;
	return false;
}

static void
ask(struct engine *e, struct hostact_owed *o, msec now)
{
	struct sup_req req;

	if (!launch_req(&req, SUP_HOST, o->role, o->action) ||
	    (o->ticket = launch_send(&e->launch, &req, NULL, 0)) == 0)
		return; /* in a second */
	o->again = false;
	o->at = now + ANSWER_MS;
}

void
hostacts_want(struct engine *e, const char *role, const char *action)
{
	struct hostact_owed *o = find(&e->apply.hostacts, role, action);

	if (o == NULL && (o = add(&e->apply.hostacts, role, action)) == NULL) {
		log_warn("role %s: host action %s is not done: %d others wait", role, action, HOSTACTS_WAIT_MAX);
		events_note(e, "host-action", role, "%s is not done: %d others wait", action, HOSTACTS_WAIT_MAX);
		return;
	}
	save(e);
	if (o->ticket != 0) {
		o->again = true;
		return;
	}
	o->failures = 0;
	o->at = net_now();
	if (!under_way(&e->apply.hostacts, action))
		ask(e, o, net_now());
}

static void
failed(struct engine *e, struct hostact_owed *o, const char *why)
{
	uint32_t k = o->failures < 6 ? o->failures : 6;
	msec wait = (msec)RETRY_FIRST_MS << k;

	o->ticket = 0;
	o->failures++;
	o->at = net_now() + (wait < RETRY_MAX_MS ? wait : RETRY_MAX_MS);
	if (strcmp(o->error, why) != 0) {
		log_warn("role %s: host action %s: %s", o->role, o->action, why);
		events_note(e, "host-action", o->role, "%s: %s", o->action, why);
	}
	snprintf(o->error, sizeof o->error, "%s", why);
	engine_report_soon(e);
}

static void
went_well(struct engine *e, struct hostact_owed *o)
{
	log_info("role %s: host action %s: done", o->role, o->action);
	events_note(e, "host-action", o->role, "%s: done", o->action);
	o->ticket = 0;
	o->failures = 0;
	o->error[0] = '\0';
	o->at = net_now();
	if (!o->again)
		drop(e, o);
	engine_report_soon(e);
}

bool
hostacts_event(struct engine *e, const struct sup_event *ev)
{
	struct hostacts *h = &e->apply.hostacts;
	char text[3 * SUP_TEXT_CAP], why[sizeof h->all[0].error];
	struct hostact_owed *o = NULL;
	int st = ev->exit_status;

	for (size_t i = 0; i < h->count && o == NULL; i++)
		if (h->all[i].ticket != 0 && h->all[i].ticket == ev->ticket)
			o = &h->all[i];
	if (o == NULL)
		return false;
	err_escape(text, sizeof text, ev->text, strnlen(ev->text, sizeof ev->text));
	if (ev->code != 0 || ev->kind != SUP_EV_EXIT)
		failed(e, o, text);
	else if (WIFEXITED(st) && WEXITSTATUS(st) == 0)
		went_well(e, o);
	else {
		snprintf(why, sizeof why, "%s %d%s%s", WIFSIGNALED(st) ? "killed by signal" : "exit code",
		    WIFSIGNALED(st) ? WTERMSIG(st) : WEXITSTATUS(st), text[0] != '\0' ? ": " : "", text);
		failed(e, o, why);
	}
	return true;
}

void
hostacts_lost(struct engine *e)
{
	for (size_t i = 0; i < e->apply.hostacts.count; i++)
		if (e->apply.hostacts.all[i].ticket != 0)
			failed(e, &e->apply.hostacts.all[i], "the supervisor's answer was lost");
}

void
hostacts_second(struct engine *e, msec now)
{
	struct hostacts *h = &e->apply.hostacts;

	for (size_t i = 0; i < h->count; i++) {
		struct hostact_owed *o = &h->all[i];
		const struct apply_job *j = apply_job(e, o->role);

		if (now < o->at)
			continue;
		if (o->ticket != 0)
			failed(e, o, "the supervisor does not answer");
		else if ((j != NULL && j->gone) || (j == NULL && now - e->started >= GONE_MS))
			drop(e, &h->all[i--]); /* not this node's any more */
		else if (j != NULL && j->ready && !under_way(h, o->action))
			ask(e, o, now);
	}
}

size_t
hostacts_failed(const struct hostacts *h)
{
	size_t n = 0;

	for (size_t i = 0; i < h->count; i++)
		n += h->all[i].error[0] != '\0';
	return n;
}

size_t
hostacts_view(const struct hostacts *h, struct view_hostact *out, size_t cap)
{
	size_t n = 0;

	for (size_t i = 0; i < h->count && n < cap; i++) {
		const struct hostact_owed *o = &h->all[i];

		if (o->error[0] == '\0')
			continue;
		memcpy(out[n].role, o->role, sizeof out[n].role);
		memcpy(out[n].action, o->action, sizeof out[n].action);
		snprintf(out[n++].error, VIEW_TEXT_CAP, "%.*s", VIEW_TEXT_CAP - 1, o->error);
	}
	return n;
}
