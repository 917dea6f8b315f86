/*
 * gather.c - who asks whom for facts, so that a change reaches all and floods nobody.
 *
 *	asker                                  one who is up
 *	hint differs                           its owner, or anybody
 *	question: of these I hold that  ---->
 *	                                <----  records that are newer, as many as fit
 *
 * A question is of all that is lacked, and goes to one node.  In a small mesh that is
 * first the owner of one of them.  In a large one only OWNERS of all, as far as chance
 * goes, ask an owner in each round; the others ask anybody, who may have been
 * answered meanwhile: holders double, and no node is asked by all at once.  When
 * everybody's facts change in one minute, a question of 128 saves as many streams, and
 * since no two questions of one node are about the same, nothing is sent twice.
 *
 * What an answer did not bring, though it brought something, is asked for in the next
 * round.  Where it brought nothing that is a try in vain: the first 2 + log2(N) are a
 * round apart, as a change in a large mesh needs them, then each is twice as late, and
 * goes to the owner every other time.  What it did bring was a try too, and tries are
 * forgotten by time alone, one each COOL_MS.  So neither a hint that never matches nor an
 * owner who signs something new each second makes anybody ask about it more often than
 * each half minute, in the long run.
 */
#include "be.h"
#include "inner.h"

enum {
	ROUND_MS = 1000, /* between two questions of one node; less in small meshes */
	ROUND_MIN_MS = 100,
	ROUND_NODE_MS = 20, /* for each that is up */
	GAINED_PART = 4, /* of a round, after an answer that brought something */
	OWNERS = 32,
	FLIGHT_MS = 6000, /* the caller should have said long since that it is over */
	COOL_MS = 30000,
	SWEEP_MS = 10000, /* a look at all, whatever was heard */
	LATER_MAX = 6, /* times twice as late */
};

void
gather_init(struct mesh *m, msec now)
{
	struct gather *g = &m->gather;

	memset(g, 0, sizeof *g);
	prng_init(&g->rng, prng_mix(m->conf.seed ^ UINT64_C(0x6661637473)));
	g->at = now + 1 + (msec)prng_below(&g->rng, SWEEP_MS);
	g->round_at = now;
}

static bool
wants(const struct mesh *m, uint32_t i)
{
	const struct member *x = &m->ms.m[i];

	return i != 0 && member_up(x) && facts_counts(x) && x->summary_count != 0 &&
	    x->summary.facts_hash != 0 && x->summary.facts_hash != m->ms.facts[i].hint;
}

static msec
round_ms(const struct mesh *m)
{
	uint32_t ms = mesh_up(m) * ROUND_NODE_MS;

	return pace(m, ms < ROUND_MIN_MS ? ROUND_MIN_MS : ms > ROUND_MS ? ROUND_MS : ms);
}

/* From three quarters to five quarters of it. */
static msec
about(struct mesh *m, msec ms)
{
	return ms - ms / 4 + (msec)prng_below(&m->gather.rng, (uint64_t)ms / 2 + 1);
}

void
gather_hint(struct mesh *m, uint32_t i)
{
	struct member_facts *x = &m->ms.facts[i];

	if (!wants(m, i) || x->flight != 0)
		return;
	if (x->next <= m->ticked)
		x->next = m->ticked + 1 + (msec)prng_below(&m->gather.rng, (uint64_t)round_ms(m));
	m->gather.at = msec_min(m->gather.at, x->next);
}

/* Tries that are no reason to wait yet. */
static uint32_t
quick(const struct mesh *m)
{
	uint32_t tries = 2;

	for (uint32_t n = mesh_up(m); n > 1; n /= 2)
		tries++;
	return tries;
}

/* When it may be asked for again. */
static msec
again(struct mesh *m, const struct member_facts *x)
{
	uint32_t later = x->tries > quick(m) ? x->tries - quick(m) : 0;

	return about(m, pace(m, ROUND_MS)) << (later > LATER_MAX ? LATER_MAX : later);
}

static void
count_try(const struct mesh *m, struct member_facts *x, msec now)
{
	msec cooled = (now - x->asked) / pace(m, COOL_MS);

	x->tries = x->tries > cooled ? (uint16_t)(x->tries - cooled) : 0;
	x->asked = now;
	if (x->tries < UINT16_MAX)
		x->tries++;
}

/* --- a question -------------------------------------------------------------------- */

/* Anybody else who is up; MEMBER_NONE: nobody. */
static uint32_t
anybody(struct mesh *m)
{
	uint32_t n = m->ms.count, first = (uint32_t)prng_below(&m->gather.rng, n);

	for (uint32_t k = 0; k < n; k++) {
		uint32_t i = (first + k) % n;

		if (i != 0 && member_up(&m->ms.m[i]) && facts_counts(&m->ms.m[i]))
			return i;
	}
	return MEMBER_NONE;
}

/* An owner is asked first, and where that is in vain another, and so on. */
static uint32_t
whom(struct mesh *m, const struct gather_flight *f)
{
	uint32_t owner = f->item[prng_below(&m->gather.rng, f->items)];
	const struct member_facts *x = &m->ms.facts[owner];

	if (!x->vain && (x->tries > quick(m) || prng_below(&m->gather.rng, mesh_up(m)) < OWNERS))
		return owner;
	return anybody(m);
}

/* All that is lacked and due, from anywhere in the table on, as far as it fits. */
static void
pick(struct mesh *m, msec now, struct gather_flight *f)
{
	uint32_t n = m->ms.count, first = (uint32_t)prng_below(&m->gather.rng, n);
	struct gather *g = &m->gather;

	f->items = 0;
	for (uint32_t k = 0; k < n; k++) {
		uint32_t i = (first + k) % n;
		struct member_facts *x = &m->ms.facts[i];

		if (x->flight != 0 || !wants(m, i))
			continue;
		if (x->next > now || f->items == FACTS_ITEMS_MAX)
			g->at = msec_min(g->at, x->next > now ? x->next : g->round_at);
		else
			f->item[f->items++] = (uint16_t)i;
	}
	for (uint32_t k = 0; k < f->items; k++)
		m->ms.facts[f->item[k]].flight = (uint8_t)(f - g->flight + 1);
}

static void
land(struct mesh *m, msec now, struct gather_flight *f)
{
	struct gather *g = &m->gather;

	if (f->gained > 0)
		g->round_at = msec_min(g->round_at, now + about(m, round_ms(m) / GAINED_PART));
	for (uint32_t k = 0; k < f->items; k++) {
		struct member_facts *x = &m->ms.facts[f->item[k]];
		bool lacks = wants(m, f->item[k]);

		x->flight = 0;
		x->vain = lacks && !x->vain;
		if (f->gained == 0 || !lacks) {
			count_try(m, x, now);
			x->next = now + again(m, x);
		}
		if (lacks)
			g->at = msec_min(g->at, x->next > now ? x->next : now + 1);
	}
	f->number = 0;
}

static struct gather_flight *
free_flight(struct gather *g)
{
	for (uint32_t k = 0; k < GATHER_FLIGHTS; k++)
		if (g->flight[k].number == 0)
			return &g->flight[k];
	return NULL;
}

static void
begin(struct mesh *m, msec now)
{
	struct gather *g = &m->gather;
	struct gather_flight *f = free_flight(g);
	uint32_t to;

	if (now < g->at || f == NULL)
		return;
	if (now < g->round_at) {
		g->at = g->round_at;
		return;
	}
	g->at = now + about(m, SWEEP_MS);
	g->round_at = now + about(m, round_ms(m));
	facts_sweep(m);
	pick(m, now, f);
	if (f->items == 0)
		return;
	f->gained = 0;
	if ((to = whom(m, f)) == MEMBER_NONE) {
		land(m, now, f);
		return;
	}
	f->to = (uint16_t)to;
	f->polled = false;
	f->until = now + pace(m, FLIGHT_MS);
	if ((f->number = ++g->number) == 0)
		f->number = g->number = 1;
	g->stats.asked++;
}

void
gather_tick(struct mesh *m, msec now)
{
	struct gather *g = &m->gather;

	for (uint32_t k = 0; k < GATHER_FLIGHTS; k++)
		if (g->flight[k].number != 0 && now >= g->flight[k].until)
			land(m, now, &g->flight[k]);
	begin(m, now);
}

msec
gather_deadline(const struct mesh *m)
{
	const struct gather *g = &m->gather;
	bool all = true;
	msec at = MSEC_NEVER;

	for (uint32_t k = 0; k < GATHER_FLIGHTS; k++)
		if (g->flight[k].number != 0)
			at = msec_min(at, g->flight[k].until);
		else
			all = false;
	return all ? at : msec_min(at, g->at);
}

/* --- for the caller ------------------------------------------------------------------ */

static void
write_question(const struct mesh *m, const struct gather_flight *f, struct mesh_facts_ask *out)
{
	uint8_t *p = out->question;

	for (uint32_t k = 0; k < f->items; k++, p += FACTS_ITEM_BYTES) {
		const struct member_facts *x = &m->ms.facts[f->item[k]];

		be_put(p, m->ms.m[f->item[k]].short_id, 8);
		be_put(p + 8, x->generation, 8);
		be_put(p + 16, x->version, 4);
	}
	out->len = (size_t)(p - out->question);
}

bool
mesh_facts_poll(struct mesh *m, msec now, struct mesh_facts_ask *out)
{
	struct gather *g = &m->gather;

	for (uint32_t k = 0; k < GATHER_FLIGHTS; k++) {
		struct gather_flight *f = &g->flight[k];

		if (f->number == 0 || f->polled || now >= f->until)
			continue;
		f->polled = true;
		out->number = f->number;
		out->id = m->ms.m[f->to].id;
		out->addr = m->ms.m[f->to].addr;
		write_question(m, f, out);
		return true;
	}
	return false;
}

void
mesh_facts_over(struct mesh *m, msec now, uint32_t number)
{
	for (uint32_t k = 0; k < GATHER_FLIGHTS; k++)
		if (number != 0 && m->gather.flight[k].number == number)
			land(m, now, &m->gather.flight[k]);
}
