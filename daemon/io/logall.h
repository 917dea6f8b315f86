/*
 * logall.h - `mesh logs ROLE`: what all instances of a role wrote, on every node, merged
 * by the stamps of the lines; or one instance that nobody here knows the place of.
 *
 *   round:  every node that is due is asked (logrole.h), LOGALL_AT_ONCE at a time
 *           -> the last `lines` of all are kept -> told, each with its instance and node
 *
 * Followed, the next round asks each node for what is new: those that have such a log, or
 * by the schedule should, each time; the others now and then, for what comes later.  Who
 * does not answer holds nobody up for longer than a round, is named once, and is asked on.
 * Nothing is asked for while the reader does not read.  So it keeps LOGALL_BYTES_MAX and
 * the answers under way, whatever is written, and whoever reads.
 *
 * The stamps are of each host's own clock.  A clock that differs by more than
 * LOGALL_SKEW_MS from this node's is told.
 *
 * Frames:  {instance, node, text}   lines of one after the other
 *          {node, note}             what is to be known of a node
 *          {asked, answered, logs}  the last one, unless it is followed
 */
#ifndef IO_LOGALL_H
#define IO_LOGALL_H

#include "ctl.h"

struct engine;

enum {
	LOGALL_MAX = 8, /* such questions of one engine at a time */
	LOGALL_AT_ONCE = 16,
	LOGALL_BYTES_MAX = 2 << 20,
	LOGALL_SKEW_MS = 1000,
};

/* A frame of what is to be known of a node, or of its own. */
void logall_note(struct ctl_req *r, const char *node, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* since_ms of the wall clock, 0 = any. */
void logall_start(struct engine *e, struct ctl_req *r, const char *name, size_t lines,
    uint64_t since_ms, bool follow);
/* How much a clock that was read between two times of this node's is ahead (negative:
 * behind) for certain, all of wall clocks; 0: no more than LOGALL_SKEW_MS. */
int64_t logall_skew(uint64_t asked_ms, uint64_t now_ms, uint64_t at_ms);

#endif
