/*
 * sandbox.h - meshd-script from `mesh`: the program, the confinement and the limits that a
 * daemon gives a script, without a daemon.
 */
#ifndef CLI_SANDBOX_H
#define CLI_SANDBOX_H

#include <jansson.h>

#include "../base/err.h"
#include "../core/blob.h"
#include "../io/tree.h"

enum { SANDBOX_WALL_MS = 10 * 1000 }; /* limits: script-wall where nothing is said */

/* What a check looks for: what asks for it, for messages, and a template's file. */
struct sandbox_want {
	char *name, *template_name;
};

/* One question of base/scriptio.h.  Zero is the daemon's own default of each limit. */
struct sandbox_ask {
	const char *mode;	  /* "schedule", "test", "lint", "check" */
	const struct tree *files; /* borrowed */
	const char *entry;	  /* a file of them; NULL = main.lua */
	struct slice input;	  /* one packed map; empty = {} */
	bool check_input;	  /* schedule: it may be none of a round: say so, and run nothing */
	const struct sandbox_want *wants; /* check; borrowed */
	size_t wants_count;
	uint64_t seed;
	int64_t heap_bytes, cpu_ms, wall_ms;
};

struct sandbox_answer {
	json_t *json; /* the answer's map; of a process that was killed one that says so */
	uint8_t *bytes; /* the same as it came; NULL: it was killed */
	size_t len;
	struct slice result; /* "result" in bytes, if it has one */
	int64_t ms;	     /* wall time it took */
};

/*
 * Ask, and wait for the answer: at most wall_ms, then SIGKILL.  0 and an answer to
 * sandbox_free, whose "ok" may be false with "error", "excerpt" and the rest; or a negative
 * code: meshd-script is not where it belongs, or cannot be started.
 */
MUST_CHECK int sandbox_run(const struct sandbox_ask *q, struct sandbox_answer *out, struct err *err);
/* A program of ours, O_PATH, of where we are or are installed; the caller closes it. */
MUST_CHECK int sandbox_program(const char *name, struct err *err);
void sandbox_free(struct sandbox_answer *a);

#endif
