/*
 * script.h - one run of meshd-script: the question's head, the answer's shape,
 * and what to say when the process was killed (base/scriptio.h).
 */
#ifndef IO_SCRIPT_H
#define IO_SCRIPT_H

#include <msgpack.h>

#include "../core/blob.h"
#include "config.h"
#include "spawn.h"
#include "tree.h"

enum { SCRIPT_EXCERPT_CAP = 4096 };

struct script_answer {
	bool ok;
	bool crashed; /* !ok: killed, or ended without an orderly answer */
	struct slice result; /* ok: one packed value; borrowed for the call */
	struct slice log;    /* text; may be empty */
	char error[ERR_TEXT_CAP]; /* !ok: one line */
	/* !ok: the source line it points at, or ""; behind an empty line, the frames and the
	 * variables of the one it was in, without secrets. */
	char excerpt[SCRIPT_EXCERPT_CAP];
	uint32_t ms;
};

struct script_run;
typedef void script_done(void *arg, const struct script_answer *a);

/* Begin the question: a map of count entries in all, of which this writes
 * mode, limits and seed (three); the caller packs the others. */
void script_head(msgpack_packer *pk, uint32_t count, const char *mode, const struct config *c,
    uint64_t seed);
/* A tree as meshd-script gets it: one map {path: text}, 0 and a blob to free, or -ERR_FULL. */
MUST_CHECK int script_pack_files(const struct tree *t, struct blob *out);
/* The whole question of a round, in buf, which is initialised: files of script_pack_files; the
 * seed is the input's hash, so the same two give the same bytes. */
void script_question(const struct config *c, struct slice files, struct slice input,
    msgpack_sbuffer *buf);
/* what: "scheduler" or "template", for the line of a killed process. */
struct script_run *script_start(uv_loop_t *loop, int prog_fd, const struct config *c,
    const char *what, struct slice question, script_done *done, void *arg, struct err *err);
void script_cancel(struct script_run *r);

#endif
