/*
 * expotext.h - the newest sample of every series, as Prometheus scrapes it: text 0.0.4 or
 * OpenMetrics 1.0, families in one piece, in the order of their names.
 *
 *   expotext_new -> expotext_write, at each scrape -> expotext_free
 *
 * From one scrape to the next it keeps what does not change: names and labels as they are
 * written, heads of families, their order; what came and went meanwhile is put in and
 * taken out.  So a scrape is values printed behind texts.  It takes about twice the text.
 *
 * What OpenMetrics demands of a type and a series does not have by its name (a counter
 * without `_total`) is of type unknown there; parts of histograms and summaries are too,
 * since several of them in one family may not be mixed.  No sample is left out for that.
 */
#ifndef CORE_EXPOTEXT_H
#define CORE_EXPOTEXT_H

#include "series.h"

/* Series that ended, or had no sample for longer, are not there (PromQL's look-back). */
enum { EXPOTEXT_AGE_TICKS = 300, EXPOTEXT_BYTES_MAX = 8 << 20, EXPOTEXT_SERIES_MAX = 100000 };

struct expotext; /* of one store and one format */

MUST_CHECK struct expotext *expotext_new(bool openmetrics); /* NULL: no memory */
/* 0 and *out, borrowed until the next call; 1: all together are too much, and those of
 * applications are left out, for what these make must not cost the host its own; or
 * -ERR_FULL: no memory, or still more than the bounds. */
MUST_CHECK int expotext_write(struct expotext *x, const struct series_store *s, int64_t now_tick, struct slice *out);
void expotext_free(struct expotext *x);

#endif
