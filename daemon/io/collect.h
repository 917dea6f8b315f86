/*
 * collect.h - what this node measures, once a second, into e->series: the host
 * (collect_host.h), its containers (collect_group.h), the processes that use most
 * (collect_top.h), and itself (collect_own.h).
 *
 * The tick is a second of CLOCK_BOOTTIME, taken when the wall clock's second begins, so
 * all nodes sample together (core/ticks.h).  doc/metrics.md says what is measured.
 */
#ifndef IO_COLLECT_H
#define IO_COLLECT_H

#include "../base/err.h"
#include "../core/series.h"

struct engine;
struct collect;

/* Make e->series and begin; before anybody reads or writes them.  EXIT_ENVIRONMENT. */
MUST_CHECK int collect_start(struct engine *e, struct err *err);
/* The tick that was sampled last, or 0: how far the series of now go. */
int64_t collect_tick(const struct engine *e);
/* By the wall clock as it stands now, tick t was at t * 1000 + this: at a whole second. */
int64_t collect_wall_offset_ms(const struct engine *e);

#endif
