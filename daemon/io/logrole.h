/*
 * logrole.h - what the instances of a role wrote on this node, merged by their stamps.
 *
 *   question  [name, lines, bytes, since_ms, cursors]
 *   answer    [at_ms, more, cut, cursors, [instance, text, ...]]
 *
 * name is a role, or one instance; lines and bytes are of all of them together, the last
 * ones; since_ms of this host's wall clock, 0 = any.  cursors is what the answer before
 * said, opaque to who asks: what was given is not given again.  An instance that has none
 * came later.  at_ms is this host's wall clock; more logs there are than are read;
 * cut: lines were left out for want of bytes.  text is whole lines.
 *
 * Which instances: those whose log is here, so also what is gone since a day.  Read one
 * after the other, a few milliseconds of the loop at a time; LOGROLE_MAX at once, each
 * with one log open and no more than `bytes` and one log's end kept.
 */
#ifndef IO_LOGROLE_H
#define IO_LOGROLE_H

#include "../../gossip/mp.h"
#include "../core/blob.h"
#include "stream.h"

struct engine;

enum {
	LOGROLE_BYTES_MAX = 1 << 20,
	LOGROLE_CURSORS_BYTES = 30 << 10, /* some 700 instances; a question is 32 KiB at most */
	LOGROLE_INSTANCES_MAX = 4096, /* of one answer */
	LOGROLE_MAX = 16,
};
/* Of a clock: the end of the year 9999, as of a stamp. */
#define LOGROLE_AT_MS_MAX UINT64_C(253402300799999)

/* Pack a question. */
MUST_CHECK int logrole_question(const char *name, size_t lines, size_t bytes, uint64_t since_ms,
    struct slice cursors, struct blob *out);
/* An answer, of whoever: what it borrows is good as long as the bytes are. */
struct logrole_answer {
	uint64_t at_ms, more;
	bool cut, has; /* has: there are logs of it */
	struct slice cursors;
	struct mp rest;
	uint32_t left;
};
/* 0, or -ERR_MALFORMED. */
MUST_CHECK int logrole_answer_open(struct logrole_answer *a, const uint8_t *b, size_t len);
/* 1: the next instance and its text; 0: that were all; -ERR_MALFORMED. */
MUST_CHECK int logrole_answer_next(struct logrole_answer *a, char instance[NAME_CAP],
    struct slice *text);
/* Answer one.  done: as of stream_request, later, with rc 0 or -ERR_; it is called exactly
 * once, unless a negative ERR_ is returned here. */
MUST_CHECK int logrole_start(struct engine *e, const uint8_t *payload, size_t len,
    stream_done *done, void *arg);
/* QUERY_LOGS_OF came: answer it. */
void logrole_serve(struct engine *e, const uint8_t *payload, size_t len,
    struct stream_answer *answer);
/* Is there a log of this role, or is it one that is known here? */
bool logrole_known(struct engine *e, const char *role);

#endif
