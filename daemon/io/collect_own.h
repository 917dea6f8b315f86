/*
 * collect_own.h - the engine's own figures as mesh_*: traffic, drop reasons, queues,
 * rounds, what others say, memory and CPU, and of the metrics themselves.  One table; each
 * five seconds, and drop reasons that never happened not at all.
 */
#ifndef IO_COLLECT_OWN_H
#define IO_COLLECT_OWN_H

#include "reading.h"

struct engine;
struct collect_own;

/* What the collectors tell of themselves. */
struct collect_self {
	uint64_t ticks, missed, late_us; /* late: the last one, behind its second */
	uint64_t unread; /* containers that run and whose groups are not read */
};

/* of: borrowed until the end.  NULL: no memory. */
MUST_CHECK struct collect_own *collect_own_new(const struct reading_of *of);
void collect_own_tick(struct collect_own *c, const struct engine *e, const struct collect_self *self,
    int64_t tick);
void collect_own_free(struct collect_own *c);

#endif
