/*
 * scrape.h - asks one endpoint of an application for its metrics (HTTP, core/expo.h), each
 * interval, into its series; and tells of itself as Prometheus does: up,
 * scrape_duration_seconds, scrape_samples_scraped.
 *
 * A scrape counts for the second at which it was due, and each endpoint is due in another
 * one and at another moment of it.  One at a time; an answer is taken whole or not at all,
 * so a text that is wrong somewhere puts nothing, and all series of the endpoint end
 * until it is right again.
 */
#ifndef IO_SCRAPE_H
#define IO_SCRAPE_H

#include <uv.h>

#include "../base/probes.h"
#include "../core/series.h"
#include "../core/target.h"

enum { SCRAPE_WHY_CAP = 400 };

struct scrape;

/* Borrowed until the end, but for how. */
struct scrape_of {
	uv_loop_t *loop;
	struct series_store *store;
	uint32_t owner;
	const char *instance;
	struct target target;
	struct addr addr;
	struct sup_scrape how;
};

/* NULL: no memory. */
MUST_CHECK struct scrape *scrape_new(const struct scrape_of *of);
/* Each second. */
void scrape_tick(struct scrape *s, int64_t tick);
/* What is wrong, with the endpoint before it, or "". */
const char *scrape_why(const struct scrape *s);
/* Its series end at that tick. */
void scrape_free(struct scrape *s, int64_t tick);

#endif
