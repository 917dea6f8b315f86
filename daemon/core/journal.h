/*
 * journal.h - what happened to the mesh, as this node saw it: a ring of the last
 * JOURNAL_EVENTS events.  Writing never waits and never fails; who reads too
 * slowly finds a gap in the numbers, and can say how wide it is.
 */
#ifndef CORE_JOURNAL_H
#define CORE_JOURNAL_H

#include "../../gossip/base.h"

enum { JOURNAL_EVENTS = 1024, JOURNAL_KIND_CAP = 16, JOURNAL_TEXT_CAP = 200 };

struct journal_event {
	uint64_t seq;	/* 1, 2, 3 ... of this start of the engine */
	uint64_t at_ms; /* wall clock */
	char kind[JOURNAL_KIND_CAP];
	char subject[NAME_CAP]; /* a node, "" = none */
	char text[JOURNAL_TEXT_CAP]; /* why, or what; printable */
};

struct journal {
	struct journal_event *ring; /* owned */
	uint64_t next;		    /* the number of the next */
};

/* 0, or -ERR_FULL without memory. */
MUST_CHECK int journal_init(struct journal *j);
void journal_free(struct journal *j);
/* What does not fit is cut; what is not printable is escaped. */
void journal_add(struct journal *j, uint64_t at_ms, const char *kind, const char *subject,
    const char *fmt, ...) __attribute__((format(printf, 5, 6)));
/* A line of the mesh machine's trace hook ("suspect n3", "leader n1 4"), put into
 * words.  by: who said so, or "". */
void journal_trace(struct journal *j, uint64_t at_ms, const char *self, const char *line,
    const char *by);
/* The oldest number that is kept; == next when there is none. */
uint64_t journal_first(const struct journal *j);
/* NULL when it is not kept any more, or not there yet. */
const struct journal_event *journal_get(const struct journal *j, uint64_t seq);

#endif
