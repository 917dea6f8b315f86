/*
 * factslook.c - see factslook.h.
 */
#include "factslook.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "../base/log.h"
#include "../base/own.h"
#include "../core/factcode.h"
#include "engine.h"
#include "spawn.h"

enum {
	OUT_MAX = 128 << 10, /* all names that there can be */
	LOOK_MS_MAX = 4000,
	KNOWN_MS = 2000,
	TOLD_MS = 10000,
};

/* --- in the copy ------------------------------------------------------------------- */

static int
open_dir(const char *path, uint8_t *shut)
{
	int fd = open(path, O_DIRECTORY | O_RDONLY | O_CLOEXEC);

	*shut = fd < 0 && errno == EACCES;
	return fd;
}

static int
write_all(const void *buf, size_t len)
{
	for (size_t at = 0; at < len;) {
		ssize_t n = write(STDOUT_FILENO, (const uint8_t *)buf + at, len - at);

		if (n < 0 && errno != EINTR)
			return -1;
		at += n > 0 ? (size_t)n : 0;
	}
	return 0;
}

static int
look(void *arg)
{
	const struct engine *e = arg;
	uint8_t shut[FACTSLOOK_DIRS];
	struct view_facts f;
	struct blob out = {0};
	struct err err;
	uint32_t cut;

	prctl(PR_SET_NAME, "meshd-facts", 0, 0, 0);
	AUTO_CLOSE int images = open_dir(e->conf.images_dir, &shut[0]);
	AUTO_CLOSE int sandboxes = open_dir(e->conf.sandboxes_dir, &shut[1]);
	if (facts_fill(&f, images, sandboxes, &err) < 0 || factcode_pack(&f, OUT_MAX, &out, &cut) < 0)
		return 1;
	return write_all(shut, sizeof shut) < 0 || write_all(out.b, out.len) < 0;
}

/* --- in the engine ------------------------------------------------------------------ */

static void
take(struct engine *e, struct view_facts *fresh)
{
	bool news = fresh->images_count != e->facts.images_count ||
	    fresh->sandboxes_count != e->facts.sandboxes_count;

	fresh->config_hash = e->trees.config_hash;
	facts_free(&e->facts);
	e->facts = *fresh;
	if (news)
		engine_report_soon(e);
}

static void
on_end(void *arg, struct spawn_result *r)
{
	struct engine *e = arg;
	struct factslook *l = &e->factslook;
	struct view_facts fresh;
	uint32_t cut;

	l->run = NULL;
	l->known = true;
	/* Else the last ones stand. */
	if (r->exit_status != 0 || r->killed_by_output || r->out_len < FACTSLOOK_DIRS ||
	    factcode_read(r->out + FACTSLOOK_DIRS, r->out_len - FACTSLOOK_DIRS, &fresh, &cut) < 0)
		return;
	for (size_t i = 0; i < FACTSLOOK_DIRS; i++)
		l->shut[i] = r->out[i] != 0;
	take(e, &fresh);
}

void
factslook_begin(struct engine *e)
{
	struct spawn_conf c = {.prog_fd = -1, .input = "", .out_cap = OUT_MAX + FACTSLOOK_DIRS,
	    .deadline_ms = LOOK_MS_MAX, .work = look, .work_arg = e};
	struct err err;

	if (e->factslook.run != NULL)
		return;
	e->factslook.begun = net_now();
	if (spawn_run(e->loop, &c, on_end, e, &e->factslook.run, &err) < 0)
		log_debug("%s", err.text);
}

bool
factslook_known(struct engine *e)
{
	struct factslook *l = &e->factslook;

	l->known = l->known || net_now() - l->begun >= KNOWN_MS;
	return l->known;
}

const char *
factslook_problem(const struct engine *e, char text[ERR_TEXT_CAP], const char **hint)
{
	const char *const dirs[FACTSLOOK_DIRS] = {e->conf.images_dir, e->conf.sandboxes_dir};
	const struct factslook *l = &e->factslook;
	msec since = net_now() - l->begun;

	if (l->run != NULL && since >= TOLD_MS) {
		snprintf(text, ERR_TEXT_CAP,
		    "who looks into %.150s and %.150s has waited for %lld s: which images and sandboxes are there is told as it was before",
		    dirs[0], dirs[1], (long long)since / 1000);
		*hint = "does a file system below it (NFS, FUSE) not answer?";
		return text;
	}
	for (size_t i = 0; i < FACTSLOOK_DIRS; i++) {
		if (!l->shut[i])
			continue;
		/* What is in it exists, and the scheduler is told of none. */
		snprintf(text, ERR_TEXT_CAP,
		    "%.350s can't be listed by the account of the engine: nothing in it is known to the scheduler",
		    dirs[i]);
		*hint = "chmod o+rx that directory, and those above it";
		return text;
	}
	return NULL;
}
