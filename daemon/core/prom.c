/*
 * prom.c - a parsed expression as others see it: its kind, what it needs, its end.
 */
#include "prom_in.h"

#include <stdio.h>
#include <stdlib.h>

enum { CHUNK_BYTES = 8192 };

struct prom_chunk {
	struct prom_chunk *next;
	size_t used, cap;
	_Alignas(16) uint8_t b[];
};

void *
prom_alloc(struct prom_arena *a, size_t bytes)
{
	struct prom_chunk *c = a->chunks;
	size_t need = (bytes + 15) & ~(size_t)15, cap;

	if (need == 0)
		need = 16;
	if (bytes > a->max || need > a->max - a->used)
		return NULL;
	if (c == NULL || need > c->cap - c->used) {
		cap = need > CHUNK_BYTES ? need : CHUNK_BYTES;
		c = calloc(1, sizeof *c + cap);
		if (c == NULL)
			return NULL;
		c->cap = cap;
		c->next = a->chunks;
		a->chunks = c;
	}
	c->used += need;
	a->used += need;
	return c->b + c->used - need;
}

void
prom_arena_free(struct prom_arena *a)
{
	while (a->chunks != NULL) {
		struct prom_chunk *next = a->chunks->next;

		free(a->chunks);
		a->chunks = next;
	}
	a->used = 0;
}

const struct pattern *
prom_pattern(struct prom *p, struct slice re, struct err *err)
{
	struct pattern *made;

	if (p->patterns_count == p->patterns_cap) {
		uint32_t cap = p->patterns_cap == 0 ? 8 : p->patterns_cap * 2;
		struct pattern **all = realloc(p->patterns, cap * sizeof(struct pattern *));

		if (all == NULL) {
			err_set(err, 1, "no memory for a pattern");
			return NULL;
		}
		p->patterns = all;
		p->patterns_cap = cap;
	}
	made = pattern_new(re, err);
	if (made != NULL)
		p->patterns[p->patterns_count++] = made;
	return made;
}

void
prom_free(struct prom *p)
{
	if (p == NULL)
		return;
	for (uint32_t i = 0; i < p->patterns_count; i++)
		pattern_free(p->patterns[i]);
	free(p->patterns);
	prom_arena_free(&p->arena);
	free(p);
}

enum prom_kind
prom_kind(const struct prom *p)
{
	return p->root->type;
}

/* --- what is needed ---------------------------------------------------------------- */

/* Earliest and latest time that something is asked for. */
struct span {
	int64_t from, to;
};

static struct span
moved(const struct prom_expr *e, struct span s, const struct prom_when *w)
{
	if (e->at_kind == AT_START)
		s.from = s.to = w->start_ms;
	else if (e->at_kind == AT_END)
		s.from = s.to = w->step_ms > 0 ? w->end_ms : w->start_ms;
	else if (e->at_kind == AT_TIME)
		s.from = s.to = e->at_ms;
	s.from -= e->offset_ms;
	s.to -= e->offset_ms;
	return s;
}

static void
needs(const struct prom_expr *e, struct span s, int64_t back, const struct prom_when *w,
    struct prom_need *out)
{
	if (e->kind == EXPR_MATRIX) {
		const struct prom_expr *of = e->args[0];
		s = moved(e, s, w);
		out[of->selector] = (struct prom_need){of->matchers, of->matchers_count,
		    s.from - e->range_ms, s.to};
		return;
	}
	if (e->kind == EXPR_SELECTOR) {
		s = moved(e, s, w);
		out[e->selector] = (struct prom_need){e->matchers, e->matchers_count, s.from - back, s.to};
		return;
	}
	if (e->kind == EXPR_SUBQUERY) {
		s = moved(e, s, w);
		s.from -= e->range_ms;
	}
	for (uint32_t i = 0; i < e->count; i++)
		needs(e->args[i], s, back, w, out);
}

static int64_t
clamped(int64_t ms)
{
	return ms > PROM_TIME_MAX ? PROM_TIME_MAX : ms < -PROM_TIME_MAX ? -PROM_TIME_MAX : ms;
}

uint32_t
prom_needs(const struct prom *p, const struct prom_when *w, struct prom_need *out)
{
	/* Times beyond that are prom_eval's to refuse, not ours to add to. */
	const struct prom_when when = {clamped(w->start_ms), clamped(w->end_ms), w->step_ms};

	needs(p->root, (struct span){when.start_ms, when.step_ms > 0 ? when.end_ms : when.start_ms},
	    PROM_LOOKBACK_MS, &when, out);
	return p->selectors_count;
}
