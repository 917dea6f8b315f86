/*
 * runs.c - see runs.h.
 */
#include "runs.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "../base/execproto.h"
#include "../base/log.h"
#include "../base/name.h"
#include "../base/own.h"
#include "engine.h"
#include "logs.h"
#include "pack.h"
#include "wants.h"

enum { LOOK_MS = 50 }; /* its logs keep 128 KiB */

/* One that runs, or is being judged. */
struct run {
	struct run *next;
	struct engine *e;
	struct ctl_req *r;
	uint64_t ticket;
	char role[NAME_CAP], instance[NAME_CAP], command[NAME_CAP];
	int logs[2]; /* that it writes in turn; -1: not told yet */
	struct logs_want want; /* what was not shown yet */
	uv_timer_t look;
};

static void
on_closed(uv_handle_t *h)
{
	free(h->data);
}

static void
drop(struct run *run)
{
	struct run **at = &run->e->runs;

	while (*at != run)
		at = &(*at)->next;
	*at = run->next;
	for (size_t i = 0; i < ARRAY_LEN(run->logs); i++)
		if (run->logs[i] >= 0)
			close(run->logs[i]);
	uv_close((uv_handle_t *)&run->look, on_closed);
}

static void
fail(struct run *run, int code, const char *hint, const char *text)
{
	run->r->on_gone = NULL;
	ctl_fail(run->r, code, hint, "run: %s: %s", run->command, text);
	drop(run);
}

/* Who asked has gone: nobody waits for it.  Its EXIT ends this record. */
static void
on_gone(struct ctl_req *r)
{
	struct run *run = r->work;
	struct sup_req req;

	if (launch_req(&req, SUP_STOP, run->role, run->instance))
		(void)launch_send(&run->e->launch, &req, NULL, 0);
}

/* The Commands of a sandbox: how many; *found is the one of that name, if one. */
static size_t
find(const struct engine *e, const char *sandbox, const char *command,
    const struct apply_job **job, const struct apply_want **want)
{
	size_t n = 0;

	for (const struct apply_job *j = e->apply.jobs; j != NULL; j = j->next) {
		const struct apply_want *w;

		if (!j->ready || strcmp(j->face.sandbox, sandbox) != 0)
			continue;
		w = wants_find(j->wants, j->wants_count, command);
		if (w == NULL || !w->command)
			continue;
		n++;
		*job = j;
		*want = w;
	}
	return n;
}

/* The names of a sandbox's Commands, and how many they are. */
static uint32_t
pack_commands(const struct engine *e, const char *sandbox, msgpack_packer *pk)
{
	uint32_t n = 0;

	for (const struct apply_job *j = e->apply.jobs; j != NULL; j = j->next)
		for (size_t i = 0; j->ready && strcmp(j->face.sandbox, sandbox) == 0 &&
		     i < j->wants_count; i++) {
			if (!j->wants[i].command)
				continue;
			n++;
			if (pk != NULL)
				pk_str(pk, j->wants[i].instance);
		}
	return n;
}

static void
list(struct engine *e, struct ctl_req *r, const char *sandbox)
{
	msgpack_packer *pk = ctl_begin(r);

	msgpack_pack_map(pk, 2);
	pk_kstr(pk, "sandbox", sandbox);
	pk_str(pk, "commands");
	msgpack_pack_array(pk, pack_commands(e, sandbox, NULL));
	pack_commands(e, sandbox, pk);
	ctl_end(r);
}

static int
begin(struct run *run, const char *sandbox, const struct apply_want *w)
{
	struct sup_req req;
	char name[NAME_CAP + 8];

	/* A name of its own: a check may run the same Command meanwhile. */
	snprintf(name, sizeof name, "%s.run", run->command);
	if (!launch_req(&req, SUP_RUN, run->role, name))
		return -1;
	memcpy(run->instance, req.instance, sizeof run->instance);
	snprintf(req.sandbox, sizeof req.sandbox, "%s", sandbox);
	wants_ask(w, &req);
	req.flags = SUP_F_ASKED;
	run->ticket = launch_send(&run->e->launch, &req, w->vars.b, w->vars.len);
	return run->ticket == 0 ? -1 : 0;
}

void
runs_verb(struct engine *e, struct ctl_req *r)
{
	char sandbox[NAME_CAP], command[NAME_CAP], hint[NAME_CAP + 32];
	const struct apply_want *w = NULL;
	const struct apply_job *j = NULL;
	struct run *run;
	size_t n;

	if (!ctl_arg_str(r, "sandbox", sandbox, sizeof sandbox)) {
		ctl_fail(r, EXIT_USAGE_, "mesh run SANDBOX COMMAND", "run: missing SANDBOX");
		return;
	}
	if (!ctl_arg_str(r, "command", command, sizeof command)) {
		if (pack_commands(e, sandbox, NULL) > 0)
			list(e, r, sandbox);
		else
			ctl_fail(r, EXEC_CODE_REFUSED, "mesh ps shows the roles of this node",
			    "run: no role of this node has a Command in sandbox %s", sandbox);
		return;
	}
	if (r->uid != 0) {
		ctl_fail(r, EXEC_CODE_REFUSED, "sudo mesh run", "run: only root may");
		return;
	}
	if ((n = find(e, sandbox, command, &j, &w)) != 1) {
		snprintf(hint, sizeof hint, "mesh run %s lists them", sandbox);
		ctl_fail(r, EXEC_CODE_REFUSED, hint,
		    n == 0 ? "run: no role of this node has a Command %s in sandbox %s" :
			     "run: more than one role of this node has a Command %s in sandbox %s",
		    command, sandbox);
		return;
	}
	if ((run = calloc(1, sizeof *run)) == NULL) {
		ctl_fail(r, 1, "", "out of memory");
		return;
	}
	*run = (struct run){.e = e, .r = r, .logs = {-1, -1}, .want = {.lines = SIZE_MAX}};
	uv_timer_init(e->loop, &run->look);
	run->look.data = run;
	run->next = e->runs;
	e->runs = run;
	memcpy(run->role, j->role, sizeof run->role);
	memcpy(run->command, command, sizeof run->command);
	log_info("run: %s in sandbox %s for uid %u", command, sandbox, r->uid);
	if (begin(run, sandbox, w) < 0) {
		fail(run, 1, "mesh status", "its name is too long, or the supervisor's queue is full");
		return;
	}
	r->work = run;
	r->on_gone = on_gone;
	ctl_patient(r); /* a pager that is not read on must not end it */
}

/* --- what it says ------------------------------------------------------------------ */

/* The second log older than the first, at the first look: the first was written anew. */
static bool
has_wrapped(const struct run *run)
{
	char head[2][LINES_STAMP_BYTES + 1], first[2][LINES_STAMP_CAP];

	for (int i = 0; i < 2; i++) {
		ssize_t n = pread(run->logs[i], head[i], sizeof head[i], 0);

		lines_stamp(head[i], n > 0 ? (size_t)n : 0, first[i]);
	}
	return run->want.after[0] == '\0' && first[1][0] != '\0' && strcmp(first[1], first[0]) < 0;
}

static void
pack_text(msgpack_packer *pk, const struct run *run, uint32_t keys, const struct blob *text,
    bool missing)
{
	msgpack_pack_map(pk, keys);
	pk_kstr(pk, "command", run->command);
	pk_str(pk, "text");
	pk_strn(pk, (const char *)text->b, text->len);
	pk_kbool(pk, "missing", missing);
}

/* Nothing is read for a reader who does not read. */
static void
on_look(uv_timer_t *timer)
{
	struct run *run = timer->data;
	bool missing = has_wrapped(run), cut = false;
	struct blob text;
	msgpack_sbuffer buf;
	msgpack_packer pk;

	if (ctl_busy(run->r) || logs_read_files(run->logs, 2, &run->want, &text, &cut) < 0)
		return;
	if (text.len > 0) {
		pk_begin(&buf, &pk);
		pack_text(&pk, run, 3, &text, missing || cut);
		ctl_answer(run->r, buf.data, buf.size, true);
		msgpack_sbuffer_destroy(&buf);
	}
	blob_free(&text);
}

void
runs_output(struct engine *e, const struct sup_event *ev, int fd)
{
	struct run *run = e->runs;

	while (run != NULL && (ev->ticket == 0 || run->ticket != ev->ticket))
		run = run->next;
	if (run == NULL || run->logs[1] >= 0) {
		if (fd >= 0)
			close(fd);
		return;
	}
	run->logs[run->logs[0] >= 0] = fd;
	if (run->logs[1] >= 0)
		uv_timer_start(&run->look, on_look, 0, LOOK_MS);
}

static void
ended(struct run *run, const struct sup_event *ev, int fd)
{
	int status = ev->exit_status;
	struct blob text = {0};
	msgpack_packer *pk;
	bool cut = false, own = run->logs[1] >= 0, missing = own && has_wrapped(run);

	run->r->on_gone = NULL;
	/* Its two logs, which say in which order they are; of one file somebody had to guess. */
	if ((own || fd >= 0) && logs_read_files(own ? run->logs : &fd, own ? 2 : 1, &run->want, &text, &cut) < 0)
		cut = true;
	pk = ctl_begin(run->r);
	pack_text(pk, run, 4, &text, cut || missing);
	pk_kint(pk, "code", status < 0 ? EXEC_CODE_REFUSED :
		WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
	ctl_end(run->r);
	blob_free(&text);
	drop(run);
}

bool
runs_event(struct engine *e, const struct sup_event *ev, int fd)
{
	char why[ERR_TEXT_CAP];
	struct run *run = e->runs;

	/* Stopped before it was judged it has no EXIT, but only this. */
	bool gone = ev->kind == SUP_EV_STATE && ev->state == SUP_ST_GONE;

	while (run != NULL && (gone ? strcmp(run->instance, ev->instance) != 0 :
				      ev->ticket == 0 || run->ticket != ev->ticket))
		run = run->next;
	if (run == NULL)
		return false;
	if (gone) {
		fail(run, EXEC_CODE_REFUSED, "", "stopped before it began");
		return true;
	}
	err_escape(why, sizeof why, ev->text, strnlen(ev->text, sizeof ev->text));
	if (ev->code != 0)
		fail(run, EXEC_CODE_REFUSED, "mesh status", why);
	else if (ev->kind == SUP_EV_EXIT)
		ended(run, ev, fd);
	return true;
}

void
runs_lost(struct engine *e)
{
	while (e->runs != NULL)
		fail(e->runs, EXEC_CODE_REFUSED, "mesh ps", "the supervisor's answer was lost; it may have run");
}
