/*
 * gens.h - the rendered generations of one role (DESIGN §7):
 *
 *   rendered/ROLE/            made by the supervisor, root:mesh 0775
 *     check/current/          what is staged; the check container's "current"
 *     gens/N/                 the last GENS_KEPT, N rises
 *     current -> gens/N       a relative symlink, replaced by rename
 *
 * Readers inside containers see the old generation or the new one, whole.
 */
#ifndef IO_GENS_H
#define IO_GENS_H

#include "../base/err.h"

enum { GENS_KEPT = 3, GENS_FILES_MAX = 256 };

struct gens_file {
	char name[NAME_CAP];
	const uint8_t *data; /* borrowed */
	size_t len;
	uint32_t mode; /* permission bits */
	bool changed;  /* set by gens_compare: new, or other bytes or mode */
};

/* rendered/ROLE below the state directory; -1 and *err when it is not there. */
int gens_open(int state_fd, const char *role, struct err *err);
/* Mark what differs from the current generation; *same when nothing does.
 * gen is the number of the current one, 0 = none. */
MUST_CHECK int gens_compare(int role_fd, struct gens_file *files, size_t count, bool *same,
    uint64_t *gen, struct err *err);
/* Write all files to check/current, fsync'd, replacing what was staged. */
MUST_CHECK int gens_stage(int role_fd, const struct gens_file *files, size_t count,
    struct err *err);
/* The staged files become a generation, above all that are there, and `current`; old
 * ones go.  *gen is its number. */
MUST_CHECK int gens_switch(int role_fd, uint64_t *gen, struct err *err);
/* What is there, oldest first; how many.  A held one may be older than GENS_KEPT. */
struct gens_one {
	uint64_t gen;
	uint64_t made_ms; /* wall clock */
	uint32_t files;
	bool current, held;
};
size_t gens_list(int role_fd, struct gens_one out[GENS_KEPT + 1]);
/* That one stays current, whatever is rendered, until gens_release; 0 is none. */
MUST_CHECK int gens_hold(int role_fd, uint64_t gen, struct err *err);
MUST_CHECK int gens_release(int role_fd, struct err *err);
uint64_t gens_held(int role_fd);
/* Generation gen is `current` again: 1, or 0: it was.  Of files, by name, those that are
 * other there than in what was current are marked. */
MUST_CHECK int gens_use(int role_fd, uint64_t gen, struct gens_file *files, size_t count,
    struct err *err);
/* Remove everything inside (un-rendering); the supervisor removes the rest. */
MUST_CHECK int gens_clear(int role_fd, struct err *err);

#endif
