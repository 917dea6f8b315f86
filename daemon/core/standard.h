/*
 * standard.h - the standard set: what each node tells of itself with every report, so
 * that schedulers decide on figures without asking for any (DESIGN §5, plane B).
 *
 * One table is all there is to it: name, unit, resolution, and the PromQL that a figure
 * comes from, evaluated by each node over its own hour.  Scripts see them as
 * input.nodes[name].metrics[NAME], people in `mesh status --json`; doc/standard.md is
 * checked against the table.
 *
 *   each node  daemon/io/standing.c: standard_text in turn -> standard_take -> codes
 *              standard_settle: of the five that are read and not asked (view.h)
 *   report     a code is a number of the sample (sample.h); by place, so new ones come
 *              at the end of the table, and one that is of no use any more stays
 *   hearer     standard_value
 *
 * A code is the value in steps of the row's resolution; 0 = there is none, which is also
 * what an older node says of figures that it does not know.  It follows the value only
 * when that moved by a whole step, and by its row's part of what it was: what stands
 * nearly still costs nothing.
 */
#ifndef CORE_STANDARD_H
#define CORE_STANDARD_H

#include "prom.h"
#include "view.h"

struct standard_row {
	const char *name, *unit, *help;
	const char *expr; /* several rows in a row may share one */
	const char *mode; /* of expr's series the one whose label `mode` is this; NULL: it has one series */
	double step;	  /* resolution, in units */
	uint32_t part;	  /* and at least 1/part of the value; 0: the step alone */
};

extern const struct standard_row standard_rows[VIEW_STANDARD_COUNT];

/* NaN: there is none. */
double standard_value(uint32_t row, int64_t code);
/* What is told from now on, where `told` was. */
MUST_CHECK int64_t standard_code(uint32_t row, double value, int64_t told);
/* The row behind those that share this one's expr. */
uint32_t standard_next(uint32_t row);
/* What expr came to, an instant query's: into the codes of all rows that share it.  NULL:
 * it could not be evaluated, so there are none. */
void standard_take(uint32_t row, const struct prom_result *r, int64_t codes[VIEW_STANDARD_COUNT]);

/* Of the figures that are read each second, what is told: moved where it is worth it. */
void standard_settle(struct view_metrics *told, const struct view_metrics *now);

/* All that there are, the five too: true and the next one from *at on (0 at first). */
bool standard_each(const struct view_metrics *m, uint64_t now_ms, uint32_t *at, const char **name, double *value);

#endif
