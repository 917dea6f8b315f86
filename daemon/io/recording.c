/*
 * recording.c - see recording.h.
 */
#include "recording.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../base/ctl.h"
#include "../base/log.h"
#include "../base/scriptio.h"
#include "confine.h"
#include "engine.h"
#include "roundzip.h"

/* What the copy gives back: raw, for it is this very program.  Behind it the round, zipped. */
struct written {
	struct rounds_at at;
	uint64_t bytes, plain_bytes;
};

/* --- in the copy --------------------------------------------------------------------- */

static int
say(const char *text)
{
	(void)!write(STDERR_FILENO, text, strlen(text));
	return 1;
}

static bool
give(const void *bytes, size_t len)
{
	const uint8_t *b = bytes;
	ssize_t n;

	for (; len > 0; b += n, len -= (size_t)n)
		if ((n = write(STDOUT_FILENO, b, len)) <= 0)
			return false;
	return true;
}

static int
copy(void *arg)
{
	const struct rlimit cpu = {RECORDING_CPU_S, RECORDING_CPU_S + 1}, none = {0, 0};
	struct engine *e = arg;
	struct recording *r = &e->lead.recording;
	const struct rounds_bound bound = {e->conf.rounds_bytes, e->conf.rounds_keep_ms};
	struct written out = {.at = r->at};
	struct blob plain, zipped, before = {0};
	struct err err = {0};

	prctl(PR_SET_NAME, "meshd-rounds", 0, 0, 0);
	crypto_wipe(&e->keys, sizeof e->keys);
	identity_wipe(&e->identity);
	(void)setpriority(PRIO_PROCESS, 0, 5); /* the leader's own work first */
	if (setrlimit(RLIMIT_CPU, &cpu) < 0 || setrlimit(RLIMIT_CORE, &none) < 0)
		return say("its copy of the engine can't be limited");
	if (!confine_files())
		return say("its copy of the engine can't be confined here");
	if (r->before.len > 0 &&
	    roundzip_open(blob_slice(&r->before), (struct slice){0}, r->before_bytes, &before, &err) < 0)
		return say(err.text);
	if (round_pack(&r->writing.rec, &plain) < 0)
		return say("out of memory, or a round of more than 96 MiB");
	if (rounds_add(3, &bound, &out.at,
		&(struct rounds_new){.plain = blob_slice(&plain),
		    .before = blob_slice(&before),
		    .code = blob_slice(&r->code),
		    .at_ms = r->at_ms},
		&out.bytes, &err) < 0)
		return say(err.text);
	if (roundzip_pack(blob_slice(&plain), (struct slice){0}, &zipped, &err) < 0)
		return say(err.text);
	out.plain_bytes = plain.len;
	return give(&out, sizeof out) && give(zipped.b, zipped.len) ? 0 : say("pipe");
}

/* --- in the engine --------------------------------------------------------------------- */

static void
round_free(struct recording_round *x)
{
	blob_free(&x->input);
	blob_free(&x->result);
	for (int i = 0; i < RECORDING_TEXTS; i++)
		blob_free(&x->texts[i]);
	*x = (struct recording_round){.input = {0}};
}

/* Takes *input; the rest is copied.  0, or -ERR_FULL and *x is empty. */
static int
round_keep(struct recording_round *x, const struct round_rec *rec, struct blob *input)
{
	struct slice *const texts[RECORDING_TEXTS] = {
	    &x->rec.why, &x->rec.error, &x->rec.excerpt, &x->rec.log};
	int rc;

	*x = (struct recording_round){.rec = *rec, .input = *input};
	*input = (struct blob){0};
	rc = blob_copy(&x->result, rec->result);
	for (int i = 0; i < RECORDING_TEXTS && rc == 0; i++) {
		rc = blob_copy(&x->texts[i], *texts[i]);
		*texts[i] = blob_slice(&x->texts[i]);
	}
	x->rec.result = blob_slice(&x->result);
	x->rec.input = blob_slice(&x->input);
	if (rc < 0)
		round_free(x);
	return rc;
}

static void
forget(struct recording *r)
{
	blob_free(&r->before);
	r->at = (struct rounds_at){0};
}

static void
pause_(struct engine *e, const char *why)
{
	struct recording *r = &e->lead.recording;
	char line[ERR_TEXT_CAP];

	err_escape(line, sizeof line, why, strcspn(why, "\n"));
	if (strcmp(line, r->error) != 0)
		log_warn("rounds are not recorded: %s", line);
	snprintf(r->error, sizeof r->error, "%s", line);
	r->again = net_now() + RECORDING_PAUSE_MS;
	r->failed++;
	forget(r);
}

static void
on_copy(void *arg, struct spawn_result *res)
{
	struct engine *e = arg;
	struct recording *r = &e->lead.recording;
	struct written out;
	struct slice zipped;

	r->copy = NULL;
	if (res->killed_by_deadline) {
		pause_(e, "the disk took longer than 20 s");
	} else if (res->exit_status == -SIGSYS) {
		pause_(e, "the copy of the engine that writes them asked the kernel for something that it may not, and was killed: that is a fault of meshd's (mesh debug bundle)");
	} else if (res->exit_status != 0 || res->out_len <= sizeof out) {
		pause_(e, res->errtext[0] != '\0' ? res->errtext : "the copy of the engine that writes them was killed");
	} else {
		memcpy(&out, res->out, sizeof out);
		r->at = out.at;
		r->bytes = out.bytes;
		r->before_bytes = out.plain_bytes;
		zipped = (struct slice){res->out + sizeof out, res->out_len - sizeof out};
		blob_free(&r->before);
		if (blob_copy(&r->before, zipped) < 0)
			forget(r); /* the next one begins a file */
		r->kept++;
		if (r->error[0] != '\0')
			log_info("rounds are recorded again");
		r->error[0] = '\0';
	}
	round_free(&r->writing);
	if (r->stopped)
		forget(r);
}

static bool
open_dir(struct engine *e)
{
	struct recording *r = &e->lead.recording;
	char text[ERR_TEXT_CAP];

	if (r->dir > 0)
		return true;
	if (mkdirat(e->state_fd, "rounds", 0750) < 0 && errno != EEXIST) {
		snprintf(text, sizeof text, "make the directory rounds: %s", strerror(errno));
		pause_(e, text);
		return false;
	}
	r->dir = openat(e->state_fd, "rounds", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	/* The mask of this process is for secrets; group mesh may read these. */
	if (r->dir > 0 && fchmod(r->dir, 0750) == 0)
		return true;
	snprintf(text, sizeof text, "open the directory rounds: %s", strerror(errno));
	if (r->dir > 0)
		close(r->dir);
	r->dir = 0;
	pause_(e, text);
	return false;
}

void
recording_begin(struct engine *e, struct blob *input, struct slice code)
{
	struct recording *r = &e->lead.recording;

	r->stopped = false;
	blob_free(&r->input);
	blob_free(&r->code);
	if (e->conf.rounds_bytes > 0 && blob_copy(&r->code, code) == 0)
		r->input = *input;
	else
		blob_free(input);
	*input = (struct blob){0};
}

static struct slice
text_of(const char *s)
{
	return (struct slice){(const uint8_t *)s, strlen(s)};
}

static void
start(struct engine *e)
{
	struct recording *r = &e->lead.recording;
	struct spawn_conf c = {.prog_fd = -1,
	    .input = "",
	    .out_cap = sizeof(struct written) + ROUND_PLAIN_BYTES_MAX,
	    .deadline_ms = RECORDING_WAIT_MS,
	    .work = copy,
	    .work_arg = e,
	    .work_fd = r->dir};
	struct err err;

	r->at_ms = engine_wall_ms();
	if (spawn_run(e->loop, &c, on_copy, e, &r->copy, &err) == 0)
		return;
	pause_(e, err.text);
	round_free(&r->writing);
}

void
recording_end(struct engine *e, const struct script_answer *a, enum round_fate fate,
    const char *why)
{
	struct recording *r = &e->lead.recording;
	struct round_rec rec = {.heap_bytes = (uint64_t)e->conf.script_heap_bytes,
	    .cpu_ms = (uint64_t)e->conf.script_cpu_ms,
	    .output_bytes = SCRIPT_SCHEDULE_BYTES_MAX,
	    .ok = a->ok,
	    .ms = a->ms,
	    .fate = fate,
	    .why = text_of(why),
	    .error = text_of(a->error),
	    .excerpt = text_of(a->excerpt),
	    .log = a->log,
	    .version = text_of(MESH_VERSION),
	    .result = a->ok ? a->result : (struct slice){0}};
	bool busy, paused = r->error[0] != '\0' && net_now() < r->again;

	if (r->input.len == 0)
		return;
	busy = r->copy != NULL || r->writing.input.len > 0;
	r->left_out += busy || paused;
	if (!busy && !paused && open_dir(e)) {
		r->turn.run = start;
		if (round_keep(&r->writing, &rec, &r->input) < 0)
			pause_(e, "out of memory");
		else
			turns_add(e, &r->turn);
	}
	blob_free(&r->input);
}

void
recording_stop(struct engine *e)
{
	struct recording *r = &e->lead.recording;

	r->stopped = true;
	r->error[0] = '\0';
	turns_drop(e, &r->turn);
	if (r->copy == NULL)
		round_free(&r->writing);
	blob_free(&r->input);
	blob_free(&r->code);
	if (r->copy == NULL)
		forget(r);
}

void
recording_wipe(struct engine *e)
{
	struct recording *r = &e->lead.recording;
	int dir = openat(e->state_fd, "rounds", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (r->copy != NULL)
		spawn_cancel(r->copy);
	r->copy = NULL;
	round_free(&r->writing);
	recording_stop(e);
	if (dir < 0)
		return;
	rounds_wipe(dir);
	close(dir);
}
