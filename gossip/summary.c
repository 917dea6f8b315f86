/*
 * summary.c - plane A: the small record of each node that everybody gets, told
 * when it moves and each half minute.
 */
#include "brief.h"
#include "inner.h"

enum {
	SUMMARY_GAP_MS = 1000,
	SUMMARY_AGAIN_MS = 30000,
	COUNTS_S = 3600, /* 13 bits of a count a second tell for 68 minutes what is newer */
	BEGIN_SHIFT = 40,    /* of a short id: its first three bytes */
	PICK_MAX = SEAL_BODY_MAX / 10,
	STR_BYTES = 3, /* msgpack's word before a string */
};

void
summary_init(struct mesh *m, msec now)
{
	struct report *r = &m->report;

	r->summary_again = MSEC_NEVER;
	r->summary_next = now;
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
	    s->instances != told->instances || s->facts_hash != told->facts_hash)
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
	self->summary_count = self->summary_count % BRIEF_COUNT_MAX + 1;
	if (m->member)
		spread_push(&m->ms.summaries, 0);
}

msec
summary_deadline(const struct mesh *m)
{
	const struct report *r = &m->report;

	return r->summary_due ? msec_min(r->summary_again, r->summary_next) : r->summary_again;
}

/* --- of others ---------------------------------------------------------------------- */

static bool
same(const struct mesh_summary *a, const struct mesh_summary *b)
{
	return a->cpu_percent == b->cpu_percent && a->mem_percent == b->mem_percent &&
	    a->disk_percent == b->disk_percent && a->load_centi == b->load_centi &&
	    a->instances == b->instances && a->facts_hash == b->facts_hash;
}

void
summary_forget(struct mesh *m, uint32_t i)
{
	m->ms.m[i].summary_count = 0;
	spread_drop(&m->ms.summaries, i);
}

void
summary_rise(struct mesh *m, msec now, uint32_t i)
{
	if (m->ms.m[i].state == MESH_FAILED && now - m->ms.m[i].since > COUNTS_S * 1000)
		summary_forget(m, i);
}

/* Taken for the newest, and not of mine: of an earlier life, or another's.  Above it. */
static void
outbid(struct mesh *m, uint16_t count)
{
	struct member *self = &m->ms.m[0];

	if (!m->report.summary_set || brief_ahead(count, self->summary_count) <= 0)
		return;
	self->summary_count = count;
	m->report.summary_due = true;
}

static void
hear_one(struct mesh *m, msec now, const struct brief *b, bool known)
{
	uint32_t i = b->whole ? members_find(&m->ms, b->who) :
				members_find_begin(&m->ms, (uint32_t)(b->who >> BEGIN_SHIFT));
	struct member *x = &m->ms.m[i == MEMBER_NONE ? 0 : i];

	if (i == MEMBER_NONE || x->evicted || (x->generation & BRIEF_LIFE_MAX) != b->life)
		return;
	if (i == 0) {
		outbid(m, b->count);
		return;
	}
	/* Each is told twice a minute: whoever slept through an hour of it knows no order. */
	if (x->summary_count != 0 && now / 1000 - x->summarized_s < COUNTS_S &&
	    brief_ahead(b->count, x->summary_count) <= 0)
		return;
	/* What all others know, or its repetition each half minute, need not reach all
	 * at once. */
	if (known || (x->summary_count != 0 && same(&x->summary, &b->summary)))
		spread_push_last(&m->ms.summaries, i, SUMMARY_REPEATS, out_limit(m));
	else
		spread_push(&m->ms.summaries, i);
	x->summary = b->summary;
	x->summary_count = b->count;
	x->summarized_s = (uint32_t)(now / 1000);
	gather_hint(m, i);
}

int
summary_hear(struct mesh *m, msec now, const uint8_t *briefs, size_t len, bool known)
{
	struct briefs_in r = {.at = briefs, .end = briefs + len};
	struct brief b;
	int rc;

	while ((rc = brief_next(&r, &b)) > 0)
		hear_one(m, now, &b, known);
	return rc;
}

static bool
put(const struct mesh *m, struct briefs_out *w, uint32_t i)
{
	const struct member *x = &m->ms.m[i];
	struct brief b = {.who = x->short_id, .life = x->generation & BRIEF_LIFE_MAX,
	    .count = x->summary_count, .summary = x->summary};

	b.whole = members_find_begin(&m->ms, (uint32_t)(b.who >> BEGIN_SHIFT)) == MEMBER_NONE;
	return brief_put(w, &b);
}

uint32_t
summary_put(struct mesh *m, struct cargo *c, const uint16_t *which, uint32_t n)
{
	uint8_t bytes[SEAL_BODY_MAX];
	size_t room = c->w.cap - c->w.len;
	struct briefs_out w = {.buf = bytes, .cap = room > STR_BYTES ? room - STR_BYTES : 0};
	struct rumour r = {.briefs = bytes};
	uint32_t k = 0;

	while (k < n && put(m, &w, which[k]))
		k++;
	r.briefs_len = w.len;
	return w.len > 0 && cargo_load(c, &r) ? k : 0;
}

void
summary_load(struct mesh *m, msec now, struct cargo *c)
{
	uint16_t pick[PICK_MAX];
	uint32_t limit = out_limit(m);
	uint32_t n = summary_put(m, c, pick, spread_pick(&m->ms.summaries, pick, PICK_MAX));

	for (uint32_t k = 0; k < n; k++)
		spread_sent(&m->ms.summaries, pick[k], limit);
	if (n > 0)
		budget_told(&m->budget, now);
}
