/*
 * summary.c - plane A: the small record of each node that everybody gets, told
 * when it moves and each half minute.
 */
#include "inner.h"

enum {
	SUMMARY_GAP_MS = 1000,
	SUMMARY_AGAIN_MS = 30000,
};

void
summary_init(struct mesh *m, msec now)
{
	struct report *r = &m->report;

	r->summary_again = MSEC_NEVER;
	r->summary_next = now;
	/* Above every version this node told in its earlier lives. */
	m->ms.m[0].summary_version = (uint32_t)(m->saved.generation << 18) | 1;
}

static bool
moved(uint32_t a, uint32_t b, uint32_t by)
{
	return a > b ? a - b > by : b - a > by;
}

void
mesh_set_summary(struct mesh *m, msec now, const struct mesh_summary *s)
{
	struct report *r = &m->report;
	const struct mesh_summary *told = &m->ms.m[0].summary;

	r->summary = *s;
	if (!r->summary_set || moved(s->cpu_percent, told->cpu_percent, 5) ||
	    moved(s->mem_percent, told->mem_percent, 3) ||
	    moved(s->disk_percent, told->disk_percent, 1) ||
	    moved(s->load_centi, told->load_centi, 25u + told->load_centi / 10u) ||
	    s->instances != told->instances || s->config_hash != told->config_hash)
		r->summary_due = true;
	if (!r->summary_set)
		r->summary_again = now;
	r->summary_set = true;
}

void
summary_tick(struct mesh *m, msec now)
{
	struct report *r = &m->report;
	struct member *self = &m->ms.m[0];

	if (!(r->summary_due && now >= r->summary_next) && now < r->summary_again)
		return;
	r->summary_due = false;
	r->summary_next = now + SUMMARY_GAP_MS;
	/* A tenth of jitter keeps nodes that started together apart. */
	r->summary_again = now + SUMMARY_AGAIN_MS -
	    (msec)prng_below(&m->rng, SUMMARY_AGAIN_MS / 10);
	self->summary = r->summary;
	if (++self->summary_version == 0)
		self->summary_version = 1;
	if (m->member)
		spread_push(&m->ms.summaries, 0);
}

msec
summary_deadline(const struct mesh *m)
{
	const struct report *r = &m->report;

	return r->summary_due ? msec_min(r->summary_again, r->summary_next) : r->summary_again;
}
