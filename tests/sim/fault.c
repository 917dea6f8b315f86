/*
 * fault.c - the faults by name, as a seed draws them.  Every step draws the
 * same numbers whatever is allowed, so a run that is shrunk keeps its fate.
 */
#include "sim.h"

#include <stdlib.h>

const char *const fault_names[] = {
#define X(name) #name,
    FAULTS(X)
#undef X
	NULL};

/* As clusters are: three and five most of all. */
uint32_t
fault_nodes(uint64_t seed)
{
	static const uint8_t sizes[] = {3, 5, 3, 5, 2, 4, 6, 7, 3, 5, 9, 1, 15, 4, 5, 3};

	return sizes[prng_mix(seed ^ 0x6e6f6465) % ARRAY_LEN(sizes)];
}

/* A swarm: each seed lives under its own few faults, so that one that hides
 * another's work is away in half of them. */
uint64_t
fault_draw(uint64_t seed)
{
	uint64_t h = prng_mix(seed ^ 0x6661756c74), few = h & prng_mix(h) & FAULTS_ALL;

	return prng_mix(h + 1) % 4 == 0 ? FAULTS_ALL : few;
}

/* --- a step ------------------------------------------------------------------------ */

static void
on_network(struct sim *s, enum sim_fault f, uint32_t strength)
{
	switch (f) {
	case FAULT_loss:
		s->loss_permille = strength * 3 / 10;
		break;
	case FAULT_dup:
		s->dup_permille = strength / 2;
		break;
	case FAULT_reorder:
		s->reorder_permille = strength / 10;
		break;
	case FAULT_delay:
		net_delays(s);
		s->delay_max += (usec)strength * strength;
		break;
	case FAULT_tail:
		s->harm.tail_permille = 10;
		break;
	case FAULT_queue:
		s->harm.queue = 2 + strength % 19;
		s->harm.queue_each = 1000 * (1 + strength / 50);
		break;
	case FAULT_replay:
		s->replay_permille = strength / 10;
		break;
	case FAULT_mtu:
		s->mtu = 400 + strength;
		break;
	case FAULT_flip:
		s->flip_permille = strength / 20;
		break;
	case FAULT_trim:
		s->trim_permille = strength / 20;
		break;
	case FAULT_disk:
		s->disk_permille = strength / 20;
		break;
	case FAULT_torn:
		s->harm.torn_permille = strength / 20;
		break;
	case FAULT_fsync:
		s->fsync_permille = strength / 20;
		break;
	default:
		break;
	}
}

/* It is in, and has no vote yet. */
static bool
newcomer(const struct sim *s, uint32_t i)
{
	const struct mesh *m = s->node[i].mesh;

	return m != NULL && m->member && m->ms.m[0].roster == 0;
}

/* Node `by` says that i is out: refused to a newcomer, and to who is one no more. */
static bool
puts_out(struct sim *s, uint32_t by, uint32_t i)
{
	const struct sim_node *x = &s->node[by];

	return x->mesh != NULL && x->out_at == 0 && by != i && s->now >= x->paused_until &&
	    node_evict(s, by, i) == 0;
}

/* So many stay in that a crash at the wrong moment leaves a majority to come back; the
 * seeds do. */
static void
put_out(struct sim *s, uint32_t by, uint32_t r)
{
	uint32_t n = s->conf.nodes, gone = 1, i;

	for (i = 0; i < n; i++)
		gone += s->node[i].out_at != 0;
	i = n < 4 ? 0 : 3 + r % (n - 3);
	if (n < 4 || 2 * gone >= n || (s->conf.faults & FAULT_BIT(policy)) != 0 || s->node[i].out_at != 0)
		return; /* a spare place too: who lives there is another one */
	if (!newcomer(s, by))
		(void)!puts_out(s, by, i);
}

/* Whoever has no vote yet tries it all the time. */
static void
newcomers_put_out(struct sim *s, uint32_t i)
{
	if ((s->conf.faults & (FAULT_BIT(evict) | FAULT_BIT(policy))) != FAULT_BIT(evict) || s->node[i].out_at != 0)
		return;
	for (uint32_t by = 0; by < s->conf.nodes; by++)
		if (newcomer(s, by))
			(void)!puts_out(s, by, i);
}

/* Who is not there, or leaves meanwhile, would come back with a key that is no more. */
static void
rotate(struct sim *s, uint32_t leader)
{
	struct sim_node *n = &s->node[leader];

	if (n->mesh == NULL || s->now < n->paused_until)
		return;
	for (uint32_t i = 0; i < s->conf.nodes; i++) {
		const struct mesh *m = s->node[i].mesh;
		uint32_t x = members_find_id(&n->mesh->ms, &s->node[i].id);

		/* By its own disk it may still belong, though it left. */
		if (s->node[i].out_at == 0 &&
		    (m == NULL || !m->member || m->left || m->saved.leaving || m->ms.m[0].roster == 0 ||
		     x == MEMBER_NONE || n->mesh->ms.m[x].roster == 0))
			return;
	}
	(void)!mesh_keys_rotate(n->mesh, node_clock(s, leader));
}

usec
fault_long(struct sim *s, uint64_t draw, usec max)
{
	usec part = (usec)(draw / 8 % 1000);

	if (draw % 5 != 0 || s->harm.long_until != 0)
		return 0;
	part = 5 * SECOND + max / 1000 * part / 1000 * part / 1000 * part; /* most are shorter */
	s->harm.long_until = s->now + part;
	return part;
}

/* For minutes; the story goes on until it is back. */
static void
for_long(struct sim *s, enum sim_fault f, uint32_t a, uint64_t draw)
{
	bool there = s->node[a].mesh != NULL && s->now >= s->node[a].paused_until;
	usec so_long = !there ? 0 : fault_long(s, draw, (f == FAULT_asleep ? 600 : 300) * SECOND);

	if (so_long == 0)
		return;
	s->faults_done[f]++;
	if (f == FAULT_away)
		node_crash(s, a, s->now + so_long);
	else
		node_pause(s, a, s->now + so_long, f == FAULT_asleep);
}

static void
breaks_disk(struct sim *s, enum sim_fault f, uint32_t a, uint64_t draw)
{
	struct harm_node *h = &s->node[a].harm;
	usec part = (usec)(draw % 1000);

	h->readonly = f == FAULT_readonly;
	h->disk_bad_until = h->readonly ? INT64_MAX / 2 :
					  s->now + SECOND + 59 * SECOND / 1000 * part / 1000 * part;
}

static void
roll(struct sim *s, uint32_t a, uint64_t draw)
{
	struct harm *h = &s->harm;

	if (h->roll_left > 0)
		return;
	h->roll_left = s->conf.nodes;
	h->roll_next = a;
	h->roll_newer = draw % 2 == 0;
	h->roll_at = s->now;
	s->faults_done[FAULT_rolling]++;
}

static void
roll_on(struct sim *s)
{
	struct harm *h = &s->harm;
	uint32_t i = h->roll_next++ % s->conf.nodes;

	h->roll_left--;
	h->roll_at = s->now + SECOND / 5 + (usec)prng_below(&s->fate, 3 * SECOND);
	if (s->node[i].mesh == NULL)
		return;
	s->node[i].newer = h->roll_newer;
	node_crash(s, i, s->now + 20000 + (usec)prng_below(&s->fate, SECOND));
}

static void
on_host(struct sim *s, enum sim_fault f, uint32_t a, usec how_long, uint64_t draw)
{
	switch (f) {
	case FAULT_midway:
		s->node[a].harm.dies_after = 1 + (uint32_t)(draw % 8);
		break;
	case FAULT_away:
	case FAULT_stopped:
	case FAULT_asleep:
		for_long(s, f, a, draw);
		break;
	case FAULT_rolling:
		roll(s, a, draw);
		break;
	case FAULT_eio:
	case FAULT_readonly:
		breaks_disk(s, f, a, draw);
		break;
	case FAULT_lost:
	case FAULT_reborn:
	case FAULT_rollback:
	case FAULT_rot:
		fault_disk(s, f, a, s->now + 20000 + how_long / 5, draw);
		break;
	default:
		break;
	}
}

/* Node a or, now and then, one that is in just now, leaves for good: with its vote first,
 * or at once; the first seed always belongs. */
static void
leave(struct sim *s, uint32_t a, usec how_long)
{
	for (uint32_t k = 0; how_long % 3 == 0 && k < s->conf.nodes; k++)
		a = newcomer(s, a) ? a : (a + 1) % s->conf.nodes;
	if (s->node[a].out_at != 0 || fault_keys_moved(s, true))
		return;
	if ((how_long % 2 == 0 && !newcomer(s, a)) || a == 0 || s->node[a].mesh == NULL ||
	    s->now < s->node[a].paused_until || node_leaving(s, a, true, 20000 + how_long) < 0)
		node_leave(s, a, s->now + 20000 + how_long);
}

static void
on_node(struct sim *s, enum sim_fault f, uint32_t a, usec how_long)
{
	switch (f) {
	case FAULT_crash: /* quick, so that only the hold-off is between */
		node_crash(s, a, s->now + 20000 + how_long / 5);
		break;
	case FAULT_storm:
		for (uint32_t i = 0, leader = fault_leader(s); i < s->conf.nodes; i++)
			if (i != leader)
				node_crash(s, i, s->now + 20000 + (usec)i * 50000);
		break;
	case FAULT_evict:
		put_out(s, a, (uint32_t)how_long);
		break;
	case FAULT_rotate:
		rotate(s, fault_leader(s));
		break;
	case FAULT_leave:
		leave(s, a, how_long);
		break;
	case FAULT_restart: /* a short grace now and then: it is given up before it is back */
		if (s->node[a].out_at == 0 && s->node[a].mesh != NULL && s->now >= s->node[a].paused_until &&
		    node_restarting(s, a, 1 + (uint32_t)(how_long / 1000 % 10)) == 0)
			node_crash(s, a, s->now + 20000 + how_long);
		break;
	case FAULT_drain:
		node_drain(s, a, !s->node[a].drains);
		break;
	case FAULT_upgrade:
		s->node[a].newer ^= s->node[a].mesh != NULL;
		node_crash(s, a, s->now + 20000 + how_long / 5);
		break;
	case FAULT_pause:
	case FAULT_suspend:
		if (s->node[a].mesh != NULL && s->now >= s->node[a].paused_until)
			node_pause(s, a, s->now + how_long, f == FAULT_suspend);
		break;
	case FAULT_blocked:
		node_block(s, a, s->now + how_long);
		break;
	case FAULT_slow:
		s->node[a].slow = s->node[a].slow > 0 ? 0 : 1000 + how_long / 40;
		break;
	default:
		break;
	}
}

static bool
hits_network(enum sim_fault f)
{
	return f <= FAULT_trim || f == FAULT_disk || f == FAULT_torn || f == FAULT_fsync;
}

/* Where what is drawn need not come: it is counted when it does. */
static bool
counted_later(enum sim_fault f)
{
	static const uint64_t later = FAULT_BIT(lost) | FAULT_BIT(reborn) | FAULT_BIT(rollback) |
	    FAULT_BIT(rot) | FAULT_BIT(midway) | FAULT_BIT(eio) | FAULT_BIT(readonly) |
	    FAULT_BIT(torn) | FAULT_BIT(away) | FAULT_BIT(stopped) | FAULT_BIT(asleep) |
	    FAULT_BIT(forever) | FAULT_BIT(rolling) | FAULT_BIT(clone);

	return (later >> f & 1) != 0;
}

/* What was begun goes on meanwhile. */
static bool
run(struct sim *s, usec until)
{
	struct harm *h = &s->harm;

	for (;;) {
		usec cuts = fault_cut_due(s), rolls = h->roll_left > 0 ? h->roll_at : INT64_MAX;
		usec at = cuts < rolls ? cuts : rolls;

		if (at > until)
			return sim_run(s, until);
		if (!sim_run(s, at))
			return false;
		if (at == cuts)
			fault_cut_goes_on(s);
		else
			roll_on(s);
	}
}

/* Cuts, and what makes a path long or narrow. */
static void
paths_end(struct sim *s)
{
	struct harm *h = &s->harm;

	memset(s->cut, 0, (size_t)s->conf.nodes * s->conf.nodes);
	s->mtu = h->tail_permille = h->queue = 0;
	h->flap_every = h->heal_at = h->clog_until = 0;
	net_delays(s);
	for (uint32_t i = 0; i < s->conf.nodes; i++)
		if (s->node[i].harm.readonly)
			s->node[i].harm.disk_bad_until = 0;
}

bool
fault_step(struct sim *s)
{
	uint32_t n = s->conf.nodes, a = (uint32_t)prng_below(&s->fate, n);
	uint32_t b = (uint32_t)prng_below(&s->fate, n);
	uint32_t strength = (uint32_t)prng_below(&s->fate, 1000);
	usec how_long = (usec)prng_below(&s->fate, 5 * SECOND);
	usec wait = 100000 + (usec)prng_below(&s->fate, 1500000);
	enum sim_fault f = (enum sim_fault)prng_below(&s->fate, FAULTS_COUNT);
	bool at_leader = prng_below(&s->fate, 2) == 0, ends = prng_below(&s->fate, 5) == 0;
	uint64_t draw = prng_u64(&s->fate);

	if (at_leader && f >= FAULT_crash)
		a = fault_leader(s);
	fault_cuts(s);
	newcomers_put_out(s, b);
	if (ends) { /* the network is well again */
		paths_end(s);
	} else if (f == FAULT_clone && (s->conf.faults & FAULT_BIT(clone)) != 0) {
		if (!copy_happens(s, a, (uint64_t)how_long % 3))
			return false;
	} else if ((s->conf.faults >> f & 1) != 0) {
		s->faults_done[f] += !counted_later(f);
		if (hits_network(f)) {
			on_network(s, f, strength);
		} else if (f < FAULT_forever) {
			fault_cut(s, f, a, b, draw);
		} else {
			on_node(s, f, a, how_long);
			on_host(s, f, a, how_long, draw);
		}
	}
	net_changed(s);
	return run(s, s->now + wait);
}

void
fault_network_ends(struct sim *s)
{
	fault_cuts(s);
	paths_end(s);
	s->loss_permille = s->reorder_permille = s->dup_permille = 0;
	s->replay_permille = s->disk_permille = s->fsync_permille = s->mtu = 0;
	s->flip_permille = s->trim_permille = s->harm.torn_permille = 0;
	for (uint32_t i = 0; i < s->conf.nodes; i++)
		s->node[i].harm.disk_bad_until = 0;
}

void
fault_end(struct sim *s)
{
	fault_network_ends(s);
	s->harm.roll_left = 0;
	for (uint32_t i = 0; i < s->conf.nodes; i++) {
		s->node[i].harm.dies_after = 0;
		net_group(s, i, 0);
		s->node[i].slow = 0;
		if (s->node[i].mesh != NULL && s->node[i].mesh->saved.leaving)
			(void)!node_leaving(s, i, false, 20000); /* or it is too late for that */
		if (s->node[i].mesh == NULL && s->node[i].restart_at == INT64_MAX && !s->node[i].spare && !s->node[i].stranger)
			node_start(s, i);
	}
	s->conf.span = 0;
	s->prompt_since = s->calm_since = s->still_since = NEVER_CALM;
	net_changed(s);
}
