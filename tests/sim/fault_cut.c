/*
 * fault_cut.c - who hears whom: cuts by their shape, cuts that come and go, that heal in
 * two steps, and one that does not heal.
 */
#include "sim.h"

#include <stdlib.h>

void
fault_cuts(struct sim *s)
{
	if (s->cut == NULL)
		s->cut = sim_must(calloc((size_t)s->conf.nodes * s->conf.nodes, 1));
}

static size_t
links(const struct sim *s)
{
	return (size_t)s->conf.nodes * s->conf.nodes;
}

static void
cut(struct sim *s, uint32_t from, uint32_t to, bool is)
{
	s->cut[(size_t)from * s->conf.nodes + to] = is && from != to ? CUT_ALL : CUT_NOT;
}

uint32_t
fault_leader(const struct sim *s)
{
	uint32_t leader = 0;

	for (uint32_t i = 0; i < s->conf.nodes; i++)
		if (s->node[i].mesh != NULL && s->node[i].mesh->elect.role == MESH_LEADER)
			leader = i;
	return leader;
}

/* --- shapes ------------------------------------------------------------------------ */

static bool
together(enum sim_fault f, uint32_t n, uint32_t a, uint32_t i, uint32_t j)
{
	uint32_t at = (i + a) % n, to = (j + a) % n, half = n / 2;

	switch (f) {
	case FAULT_isolate:
	case FAULT_udp:
	case FAULT_tcp:
		return i != a && j != a;
	case FAULT_halves:
		return (at < half) == (to < half);
	case FAULT_oneway:
		return (at < half) == (to < half) || at < half;
	case FAULT_ring:
		return at == (to + 1) % n || to == (at + 1) % n;
	case FAULT_bridge:
		return (at < half) == (to < half) || at == 0 || to == 0;
	case FAULT_three:
		return 3 * at / n == 3 * to / n;
	default:
		return true;
	}
}

/* Of datagrams and streams one only. */
static bool
hits_one(enum sim_fault f)
{
	return f == FAULT_udp || f == FAULT_tcp;
}

void
fault_partition(struct sim *s, enum sim_fault f, uint32_t a)
{
	for (uint32_t i = 0; i < s->conf.nodes; i++)
		for (uint32_t j = 0; j < s->conf.nodes; j++)
			cut(s, i, j, !together(f, s->conf.nodes, a, i, j));
	for (size_t k = 0; hits_one(f) && k < links(s); k++)
		if (s->cut[k] == CUT_ALL)
			s->cut[k] = f == FAULT_udp ? CUT_UDP : CUT_TCP;
}

/* Is node i in a side of about so many in a thousand? */
static bool
in_part(uint64_t draw, uint32_t i, uint64_t permille)
{
	return prng_mix(draw ^ (i + 1)) % 1000 < permille;
}

static void
parts(struct sim *s, uint64_t draw)
{
	uint64_t permille = draw % 1000;

	for (uint32_t i = 0; i < s->conf.nodes; i++)
		for (uint32_t j = 0; j < s->conf.nodes; j++)
			cut(s, i, j, in_part(draw, i, permille) != in_part(draw, j, permille));
}

static void
mute(struct sim *s, uint32_t leader, bool hears)
{
	for (uint32_t i = 0; i < s->conf.nodes; i++)
		if (hears)
			cut(s, leader, i, true);
		else
			cut(s, i, leader, true);
}

static void
deaf(struct sim *s, uint32_t leader)
{
	for (uint32_t i = 0; i < s->conf.nodes; i++) {
		cut(s, leader, i, prng_below(&s->fate, 2) == 0);
		cut(s, i, leader, prng_below(&s->fate, 2) == 0);
	}
}

/* --- what lasts -------------------------------------------------------------------- */

static bool
is_cut(const struct sim *s)
{
	for (size_t k = 0; k < links(s); k++)
		if (s->cut[k] != CUT_NOT)
			return true;
	return false;
}

static void
some_cut(struct sim *s, uint32_t a, uint64_t draw)
{
	static const uint8_t shapes[] = {FAULT_isolate, FAULT_halves, FAULT_oneway, FAULT_three};

	if (!is_cut(s))
		fault_partition(s, (enum sim_fault)shapes[draw / 1000 % ARRAY_LEN(shapes)], a);
}

static void
flap(struct sim *s, uint32_t a, uint64_t draw)
{
	struct harm *h = &s->harm;

	some_cut(s, a, draw);
	if (h->flap == NULL)
		h->flap = sim_must(malloc(links(s)));
	memcpy(h->flap, s->cut, links(s));
	h->flapped = true;
	h->flap_every = SECOND + (usec)(draw % (9 * SECOND));
	h->flap_at = s->now + h->flap_every;
}

/* One part hears all again, and is heard. */
static void
heal_half(struct sim *s, uint32_t a, uint64_t draw)
{
	some_cut(s, a, draw);
	for (uint32_t i = 0; i < s->conf.nodes; i++)
		for (uint32_t j = 0; j < s->conf.nodes; j++)
			if (in_part(draw, i, 500) && in_part(draw, j, 500))
				cut(s, i, j, false);
	s->harm.heal_at = s->now + SECOND + (usec)(draw % (9 * SECOND));
}

static void
clogs(struct sim *s, uint32_t a, uint32_t b, uint64_t draw)
{
	struct harm *h = &s->harm;

	h->clog_from = draw % 3 == 0 ? ANY_NODE : a;
	h->clog_to = draw % 3 == 1 ? ANY_NODE : b;
	h->clog_until = s->now + (usec)(draw / 3 % (5 * SECOND));
	net_late(s, h->clog_until + SECOND / 10);
}

void
fault_cut(struct sim *s, enum sim_fault f, uint32_t a, uint32_t b, uint64_t draw)
{
	if (f != FAULT_clog)
		s->harm.flap_every = s->harm.heal_at = 0;
	switch (f) {
	case FAULT_clog:
		clogs(s, a, b, draw);
		break;
	case FAULT_link:
		cut(s, a, b, true);
		cut(s, b, a, draw % 3 != 0);
		break;
	case FAULT_parts:
		parts(s, draw);
		break;
	case FAULT_mute:
		mute(s, fault_leader(s), draw % 2 == 0);
		break;
	case FAULT_deaf:
		deaf(s, fault_leader(s));
		break;
	case FAULT_flap:
		flap(s, a, draw);
		break;
	case FAULT_steps:
		heal_half(s, a, draw);
		break;
	default:
		fault_partition(s, f, a);
	}
}

usec
fault_cut_due(const struct sim *s)
{
	const struct harm *h = &s->harm;
	usec at = h->flap_every > 0 ? h->flap_at : INT64_MAX;

	return h->heal_at > 0 && h->heal_at < at ? h->heal_at : at;
}

void
fault_cut_goes_on(struct sim *s)
{
	struct harm *h = &s->harm;

	if (h->heal_at > 0 && s->now >= h->heal_at) {
		h->heal_at = 0;
		memset(s->cut, 0, links(s));
	}
	if (h->flap_every > 0 && s->now >= h->flap_at) {
		h->flapped = !h->flapped;
		h->flap_at += h->flap_every;
		if (h->flapped)
			memcpy(s->cut, h->flap, links(s));
		else
			memset(s->cut, 0, links(s));
	}
	net_changed(s);
}

/* --- a core -------------------------------------------------------------------------- */

/* By its own roster those in group 0 are a full quorum, and each of them may be led. */
static bool
enough_without(const struct sim *s, const struct mesh *m)
{
	struct tally t = {0};

	for (uint32_t k = 0; k < m->ms.count; k++) {
		uint32_t j = node_find(s, &m->ms.m[k].id);

		if (j != UINT32_MAX && s->node[j].group == 0 && s->node[j].mesh != NULL && s->node[j].out_at == 0)
			tally_add(&t, &m->ms.m[k]);
	}
	return m->roster.n.all > 0 && quorum_full(m, &t);
}

/* Who is not there may be on its way in: a leader that proposes a roster with it needs
 * enough of that one too.  Weights make that another count, and each has its own. */
bool
fault_spares(struct sim *s, uint64_t draw)
{
	const struct roster_id *newest = &s->node[0].done_roster;
	bool spares = false, known = false;
	uint32_t core = 0;

	for (uint32_t i = 0; i < s->conf.nodes; i++) {
		const struct sim_node *n = &s->node[i];

		net_group(s, i, in_part(draw, i, 300) && n->out_at == 0 ? 1 : 0);
		spares |= s->node[i].group != 0;
		core += s->node[i].group == 0 && n->mesh != NULL && n->out_at == 0;
		if (roster_cmp(&n->done_roster, newest) > 0)
			newest = &n->done_roster;
	}
	spares = spares && 2 * core > s->conf.nodes + s->harm.reborn &&
	    (s->conf.faults & FAULT_BIT(policy)) == 0;
	for (uint32_t i = 0; i < s->conf.nodes && spares; i++) {
		const struct sim_node *n = &s->node[i];

		if (n->mesh == NULL || n->out_at != 0 || n->group != 0)
			continue;
		known |= roster_cmp(&n->done_roster, newest) == 0;
		spares = n->mesh->roster.n.all > 0 && enough_without(s, n->mesh);
	}
	for (uint32_t i = 0; i < s->conf.nodes && !(spares && known); i++)
		net_group(s, i, 0);
	return spares && known;
}
