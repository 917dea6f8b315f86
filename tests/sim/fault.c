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

/* --- cuts ------------------------------------------------------------------------ */

void
fault_cuts(struct sim *s)
{
	if (s->cut == NULL)
		s->cut = sim_must(calloc((size_t)s->conf.nodes * s->conf.nodes, 1));
}

static void
cut(struct sim *s, uint32_t from, uint32_t to, bool is)
{
	s->cut[(size_t)from * s->conf.nodes + to] = is && from != to ? CUT_ALL : CUT_NOT;
}

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
	for (size_t k = 0; hits_one(f) && k < (size_t)s->conf.nodes * s->conf.nodes; k++)
		if (s->cut[k] == CUT_ALL)
			s->cut[k] = f == FAULT_udp ? CUT_UDP : CUT_TCP;
}

/* --- a step ------------------------------------------------------------------------ */

static uint32_t
some_leader(const struct sim *s)
{
	uint32_t leader = 0;

	for (uint32_t i = 0; i < s->conf.nodes; i++)
		if (s->node[i].mesh != NULL && s->node[i].mesh->elect.role == MESH_LEADER)
			leader = i;
	return leader;
}

static void
on_network(struct sim *s, enum sim_fault f, uint32_t strength)
{
	switch (f) {
	case FAULT_loss:
		s->loss_permille = strength * 3 / 10;
		break;
	case FAULT_dup:
		s->dup_permille = strength / 4;
		break;
	case FAULT_reorder:
		s->reorder_permille = strength / 10;
		break;
	case FAULT_delay:
		net_delays(s);
		s->delay_max += (usec)strength * strength;
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
	case FAULT_fsync:
		s->fsync_permille = strength / 20;
		break;
	default:
		break;
	}
}

static void
on_leader(struct sim *s, uint32_t leader)
{
	for (uint32_t i = 0; i < s->conf.nodes; i++) {
		cut(s, leader, i, prng_below(&s->fate, 2) == 0);
		cut(s, i, leader, prng_below(&s->fate, 2) == 0);
	}
}

/* Could this node tell one that forgot?  What only the lost disk knew is lost: of a
 * roster of two nobody else knows the vote of the other, and a later roster that
 * some do not hold yet may have been held by it alone. */
static bool
remembers(const struct mesh *m, const struct roster_id *lost)
{
	return m != NULL && m->roster.n.all >= 3 && !m->roster.joint && m->ms.m[0].roster != 0 &&
	    roster_cmp(&m->roster.id, lost) == 0;
}

/* Has the key changed, or does it just now? */
static bool
keys_moved(const struct sim *s, bool now)
{
	bool moved = false;

	for (uint32_t i = 0; i < s->conf.nodes; i++) {
		const struct sim_node *n = &s->node[i];
		const struct mesh_keys *k = n->mesh != NULL ? &n->mesh->saved.keys : &n->disk.keys;

		moved |= n->out_at == 0 && (k->next || k->old || (!now && k->used > 0));
	}
	return moved;
}

/* While it is down: everything but its identity and the count of its starts. */
static void
lose_disk(struct sim *s, uint32_t i)
{
	struct sim_node *n = &s->node[i];

	/* It would come back with the first key, and an operator give it the one of now. */
	if (n->mesh != NULL || i == 0 || n->out_at != 0 || keys_moved(s, false))
		return;
	for (uint32_t j = 0; j < s->conf.nodes; j++)
		if (j != i && !s->node[j].spare && !remembers(s->node[j].mesh, &n->done_roster))
			return;
	n->disk = (struct mesh_saved){.generation = n->disk.generation};
	n->done = (struct mesh_saved){.generation = n->done.generation};
	n->done_roster = (struct roster_id){0};
	n->done_evicted = 0;
	n->issued = (struct stamp){0};
	n->drains = false;
	sim_note(s, i, 1);
}

/* A newcomer that has no vote yet tries it first, and then `by` does.  So many stay in
 * that a crash at the wrong moment leaves a majority to come back; the seeds do. */
static void
put_out(struct sim *s, uint32_t by, uint32_t r)
{
	uint32_t n = s->conf.nodes, gone = 1, i;

	for (i = 0; i < n; i++)
		gone += s->node[i].out_at != 0;
	i = n < 4 ? 0 : 3 + r % (n - 3);
	if (n < 4 || 2 * gone >= n || (s->conf.faults & FAULT_BIT(policy)) != 0 || s->node[i].out_at != 0)
		return; /* a spare place too: who lives there is another one */
	for (uint32_t k = 0; k <= n; k++) {
		uint32_t j = k < n ? k : by;
		const struct sim_node *x = &s->node[j];
		bool newcomer = x->mesh != NULL && x->mesh->member && x->mesh->ms.m[0].roster == 0;

		if (x->mesh != NULL && x->out_at == 0 && j != i && s->now >= x->paused_until &&
		    newcomer == (k < n) && node_evict(s, j, i) == 0)
			return;
	}
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

static void
on_node(struct sim *s, enum sim_fault f, uint32_t a, usec how_long)
{
	bool stays = s->node[a].out_at != 0 || keys_moved(s, true);

	switch (f) {
	case FAULT_crash: /* quick, so that only the hold-off is between */
		node_crash(s, a, s->now + 20000 + how_long / 5);
		break;
	case FAULT_lost:
		node_crash(s, a, s->now + 20000 + how_long / 5);
		lose_disk(s, a);
		break;
	case FAULT_storm:
		for (uint32_t i = 0, leader = some_leader(s); i < s->conf.nodes; i++)
			if (i != leader)
				node_crash(s, i, s->now + 20000 + (usec)i * 50000);
		break;
	case FAULT_evict:
		put_out(s, a, (uint32_t)how_long);
		break;
	case FAULT_rotate:
		rotate(s, some_leader(s));
		break;
	case FAULT_leave: /* with its vote first, or at once; the first seed always belongs */
		if (stays)
			break;
		if (how_long % 2 == 0 || a == 0 || s->node[a].mesh == NULL ||
		    s->now < s->node[a].paused_until ||
		    node_leaving(s, a, true, 20000 + how_long) < 0)
			node_leave(s, a, s->now + 20000 + how_long);
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
		if (s->node[a].mesh != NULL)
			node_pause(s, a, s->now + how_long, f == FAULT_suspend);
		break;
	case FAULT_blocked:
		node_block(s, a, s->now + how_long);
		break;
	case FAULT_slow:
		s->node[a].slow = s->node[a].slow > 0 ? 0 : 1000 + how_long / 40;
		net_late(s, s->node[a].slow > 0 ? INT64_MAX / 2 : s->now);
		break;
	default:
		break;
	}
}

static bool
hits_network(enum sim_fault f)
{
	return f <= FAULT_trim || f == FAULT_disk || f == FAULT_fsync;
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
	bool back = prng_below(&s->fate, 3) != 0;

	if (at_leader && f >= FAULT_crash)
		a = some_leader(s);
	fault_cuts(s);
	if (ends) { /* the network is well again */
		memset(s->cut, 0, (size_t)n * n);
		s->mtu = 0;
		net_delays(s);
	} else if (f == FAULT_clone && (s->conf.faults & FAULT_BIT(clone)) != 0) {
		if (!copy_happens(s, a, (uint64_t)how_long % 3))
			return false;
	} else if ((s->conf.faults >> f & 1) != 0) {
		s->faults_done[f]++;
		if (f == FAULT_link) {
			cut(s, a, b, true);
			cut(s, b, a, back);
		} else if (f == FAULT_deaf) {
			on_leader(s, some_leader(s));
		} else if (hits_network(f)) {
			on_network(s, f, strength);
		} else if (f < FAULT_deaf) {
			fault_partition(s, f, a);
		} else {
			on_node(s, f, a, how_long);
		}
	}
	net_changed(s);
	return sim_run(s, s->now + wait);
}

void
fault_network_ends(struct sim *s)
{
	fault_cuts(s);
	memset(s->cut, 0, (size_t)s->conf.nodes * s->conf.nodes);
	s->loss_permille = s->reorder_permille = s->dup_permille = 0;
	s->replay_permille = s->disk_permille = s->fsync_permille = s->mtu = 0;
	s->flip_permille = s->trim_permille = 0;
	net_delays(s);
}

void
fault_end(struct sim *s)
{
	fault_network_ends(s);
	for (uint32_t i = 0; i < s->conf.nodes; i++) {
		net_group(s, i, 0);
		s->node[i].slow = 0;
		if (s->node[i].mesh != NULL && s->node[i].mesh->saved.leaving)
			(void)!node_leaving(s, i, false, 20000); /* or it is too late for that */
		if (s->node[i].mesh == NULL && s->node[i].restart_at == INT64_MAX && !s->node[i].spare)
			node_start(s, i);
	}
	s->conf.span = 0;
	s->prompt_since = s->calm_since = s->still_since = s->now;
	for (uint32_t i = 0; i < s->conf.nodes; i++) {
		net_late(s, s->node[i].paused_until);
		net_late(s, s->node[i].blocked_until);
	}
	net_changed(s);
}
