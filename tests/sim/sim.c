/*
 * sim.c - the heap of events and the clock of the world.
 */
#include "sim.h"

#include <stdlib.h>

void *
sim_must(void *p)
{
	if (p == NULL) {
		fputs("mesh-sim: out of memory; use fewer --nodes\n", stderr);
		exit(5);
	}
	return p;
}

/* --- the heap ------------------------------------------------------------------ */

static bool
before(const struct sim_event *a, const struct sim_event *b)
{
	return a->at != b->at ? a->at < b->at : a->seq < b->seq;
}

void
sim_push(struct sim *s, struct sim_event e)
{
	size_t i = s->heap_len++;

	if (s->heap_len > s->heap_cap) {
		s->heap_cap = s->heap_cap == 0 ? 1024 : 2 * s->heap_cap;
		s->heap = sim_must(realloc(s->heap, s->heap_cap * sizeof *s->heap));
	}
	e.seq = s->seq++;
	for (; i > 0 && before(&e, &s->heap[(i - 1) / 2]); i = (i - 1) / 2)
		s->heap[i] = s->heap[(i - 1) / 2];
	s->heap[i] = e;
}

static struct sim_event
pop(struct sim *s)
{
	struct sim_event out = s->heap[0], e = s->heap[--s->heap_len];
	size_t i = 0, child;

	for (; (child = 2 * i + 1) < s->heap_len; i = child) {
		if (child + 1 < s->heap_len && before(&s->heap[child + 1], &s->heap[child]))
			child++;
		if (!before(&s->heap[child], &e))
			break;
		s->heap[i] = s->heap[child];
	}
	if (s->heap_len > 0)
		s->heap[i] = e;
	return out;
}

void
sim_note(struct sim *s, uint64_t a, uint64_t b)
{
	s->history = prng_mix(s->history ^ prng_mix(a ^ prng_mix(b)));
}

bool
sim_run(struct sim *s, usec until)
{
	while (s->broken == NULL && s->heap_len > 0 && s->heap[0].at <= until) {
		struct sim_event e = pop(s);

		s->now = e.at;
		node_happen(s, &e);
	}
	s->now = until > s->now ? until : s->now;
	return s->broken == NULL;
}

/* --- a world ---------------------------------------------------------------------- */

struct sim *
sim_new(const struct sim_conf *conf)
{
	struct sim *s = sim_must(calloc(1, sizeof *s));

	if (conf->nodes > WATCH_MAX)
		disk_large_world();
	s->conf = *conf;
	net_delays(s);
	s->last_issuer = UINT32_MAX;
	s->report_bytes = 100;
	s->harm.long_until = INT64_MAX; /* not before a story says */
	plant_of(conf->mutant);
	prng_init(&s->rng, conf->seed);
	prng_init(&s->fate, prng_mix(conf->seed));
	s->node = sim_must(calloc(conf->nodes, sizeof *s->node));
	if (conf->nodes <= WATCH_MAX)
		s->told = sim_must(calloc((size_t)conf->nodes * conf->nodes, sizeof *s->told));
	for (uint32_t i = 0; i < conf->nodes; i++) {
		struct sim_node *n = &s->node[i];

		sim_identity(n, i, &s->rng);
		if (conf->alike && i % 3 == 1)
			sim_identity_alike(n);
		if (conf->ca)
			ca_member(s, i);
		else
			sim_ring_put(&n->ring, 0, prng_mix(conf->seed) | 1);
		n->disk_ring = n->ring;
		n->clock_off = 1000 + (msec)prng_below(&s->rng, 1000000);
		n->clock_ppm = (int64_t)prng_below(&s->rng, 401) - 200;
		if ((conf->faults & FAULT_BIT(clock)) != 0)
			n->clock_ppm = n->clock_ppm * 5 / 2 * (prng_mix(conf->seed * 19 + i) % 20 == 0 ? 9 : 1);
		n->newer = (conf->mixed || (conf->faults & (FAULT_BIT(upgrade) | FAULT_BIT(rolling))) != 0) && i % 2 == 1;
		n->namesake = (conf->faults & FAULT_BIT(namesake)) != 0 && i + 1 == conf->nodes;
		n->spare = (conf->faults & FAULT_BIT(clone)) != 0 && conf->nodes >= SPARE_NODES && i + 1 == conf->nodes &&
		    !conf->settled;
		n->out_at = n->spare;
		exclusive_crash(s, i, true);
		n->restart_at = n->wake_at = (usec)prng_below(&s->rng,
		    conf->late && i > 0 && i >= conf->nodes * 2 / 3 ? 100 * SECOND : SECOND);
		if (conf->settled)
			continue;
		if (n->spare || (conf->ca && i >= conf->nodes - CA_LATE))
			n->restart_at = n->wake_at = INT64_MAX; /* when the story says */
		else
			sim_push(s, (struct sim_event){.at = n->restart_at, .node = i});
	}
	net_changed(s);
	if (conf->settled)
		settled_start(s);
	return s;
}

void
sim_free(struct sim *s)
{
	for (size_t i = 0; i < s->heap_len; i++)
		net_release(s, s->heap[i].dgram);
	for (size_t i = 0; i < OLD_MAX; i++)
		net_release(s, s->old[i]);
	facts_free(s);
	free(s->plans);
	for (uint32_t i = 0; i < s->conf.nodes; i++) {
		mesh_free(s->node[i].mesh);
		disk_free(s, i);
		free(s->node[i].seen);
		free(s->node[i].ca);
		free(s->node[i].held_reports);
	}
	for (size_t i = 0; i < s->pool_len; i++)
		free(s->pool[i]);
	free(s->pool);
	free(s->heap);
	free(s->node);
	free(s->cut);
	free(s->harm.flap);
	free(s->harm.path_free);
	free(s->told);
	free(s->sets);
	free(s->leader_of_term);
	free(s);
}

bool
sim_converged(const struct sim *s, uint32_t *leader)
{
	struct node_id who = {{0}};
	uint64_t hash = 0;
	uint32_t up = 0, first = UINT32_MAX;

	for (uint32_t i = 0; i < s->conf.nodes; i++)
		up += s->node[i].mesh != NULL && s->node[i].out_at == 0;
	for (uint32_t i = 0; i < s->conf.nodes; i++) {
		const struct mesh *m = s->node[i].mesh;
		struct mesh_side side;

		if (m == NULL || s->node[i].out_at != 0)
			continue;
		known_side(m, node_clock(s, i), &side);
		if (!side.has_leader || side.grade != MESH_GRADE_FULL ||
		    m->ms.by_state[MESH_ALIVE] != up || m->roster.n.new < up || m->roster.joint)
			return false;
		if (first == UINT32_MAX) {
			first = i;
			who = side.leader;
			hash = members_hash(&m->ms);
		}
		if (!id_eq(&who, &side.leader) || hash != members_hash(&m->ms))
			return false;
		if (side.role == MESH_LEADER)
			*leader = i;
	}
	return up > 0;
}

usec
sim_converge(struct sim *s, usec patience)
{
	usec start = s->now, step = s->conf.nodes > 100 ? 100000 : 20000;
	uint32_t leader;

	while (s->now - start <= patience) {
		if (sim_converged(s, &leader))
			return s->now - start;
		if (!sim_run(s, s->now + step))
			return -1;
	}
	return -1;
}
