/*
 * watch.c - what must hold of every table after every event, by name.  The
 * truth that no node has is here: who lived when, and what the network did.
 *
 *	known-by-itself-first	nobody knows a later life of a node than itself
 *	rank-monotonic		a table never goes back in a member's order
 *	time-to-speak		nobody is given up before he had time to answer
 *	no-resurrection		who was dead when it was given up stays so
 *	living-not-killed	in a calm world, with ways around a link that is cut, nobody
 *				who lives is given up
 *	no-suspicion-in-peace	in a still one nobody is even suspected
 *	well-blames-itself	... nor blames its own ears
 *	suspicion-ends		one way or the other
 *	restarting-left-alone	who said that it restarts is not dead before its time
 *	drained-over-a-start	who drained when it began is never seen as one who stays
 *	evicted-for-good	who is out counts for nothing, and is never forgotten
 *	digest-is-table		equal digests, equal tables; and back
 *
 * Worlds above WATCH_MAX nodes are compared at their end only.
 */
#include "sim.h"

#include <stdlib.h>

enum {
	SUSPECT_BASE = 24 * SECOND, /* the longest suspicion at ten nodes */
	SLACK = 6 * SECOND,
	CHURN = 10 * SECOND,
	PATIENCE = 19 * SECOND / 10, /* three reports and twelve probes take 2.2 s */
};

/* What node i last held of another. */
struct sim_seen {
	uint64_t generation;
	uint32_t incarnation;
	uint8_t state;
	bool known;
	usec since; /* in this state; of the dead: by that table */
};

void
watch_forget(struct sim *s, uint32_t i)
{
	struct sim_node *n = &s->node[i];

	if (s->conf.nodes > WATCH_MAX)
		return;
	if (n->seen == NULL)
		n->seen = sim_must(malloc(s->conf.nodes * sizeof *n->seen));
	memset(n->seen, 0, s->conf.nodes * sizeof *n->seen);
	n->digest = 0;
}

void
watch_another(struct sim *s, uint32_t i, uint32_t j)
{
	if (s->node[i].seen != NULL)
		memset(&s->node[i].seen[j], 0, sizeof s->node[i].seen[j]);
}

/* Suspicions last with the logarithm of the size. */
static usec
suspicion_max(const struct sim *s)
{
	usec tenths = s->conf.nodes > 100 ? 25 : s->conf.nodes > 10 ? 20 : 10;

	return net_pace(s, SUSPECT_BASE / 10 * tenths + SLACK);
}

/* Where nobody is there to confirm one, a sixth of that, or a third for who hears few. */
static usec
suspicion_ends(const struct sim *s)
{
	if (s->conf.nodes > 3 || s->conf.paces || s->faults_done[FAULT_reborn] > 0)
		return suspicion_max(s);
	return net_pace(s, SUSPECT_BASE / 3 + SLACK);
}

/* How many others started, stopped or are down lately; a host made anew is two. */
static uint32_t
churned(const struct sim *s)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < s->conf.nodes; i++)
		if (s->node[i].mesh == NULL || s->now - s->node[i].changed_at < net_pace(s, CHURN))
			n += s->node[i].harm.lives_before > 0 ? 2 : 1;
	return n;
}

static bool
lives(const struct sim *s, uint32_t j, uint64_t generation, usec so_long)
{
	const struct sim_node *n = &s->node[j];

	return n->mesh != NULL && !n->mesh->left && n->mesh->ms.m[0].generation == generation &&
	    s->now - n->changed_at >= so_long;
}

static void
order(struct sim *s, uint32_t i, uint32_t j, const struct sim_seen *was, const struct member *x)
{
	const struct sim_node *n = &s->node[j];
	bool forgotten = x->generation <= n->harm.forgot; /* its disk knows nothing of that life */
	uint32_t of_life = !forgotten && n->mesh != NULL && n->mesh->ms.m[0].generation == x->generation ?
	    n->mesh->ms.m[0].incarnation : UINT32_MAX;

	if ((!forgotten && x->generation > n->done.generation) || x->incarnation > of_life)
		check_break(s, "known-by-itself-first", i, j, x->incarnation);
	if (!forgotten && x->proven && n->mesh != NULL && n->mesh->ms.m[0].generation == x->generation &&
	    of_life == x->incarnation && x->notice != n->mesh->ms.m[0].notice)
		check_break(s, "notice-is-its-owners", i, j, x->notice);
	if (!forgotten && x->generation == n->done.generation && n->mesh != NULL && n->drained &&
	    going_kind(x) == MESH_STAYS)
		check_break(s, "drained-over-a-start", i, j, x->incarnation);
	if (!was->known || x->generation > was->generation)
		return;
	if (x->generation < was->generation || x->incarnation < was->incarnation ||
	    (was->state == MESH_LEFT && x->state != MESH_LEFT))
		check_break(s, "rank-monotonic", i, j, x->generation);
}

static bool
healthy(const struct sim *s, uint32_t j)
{
	return (j + s->conf.nodes - s->slow_first) % s->conf.nodes >= s->slow_count;
}

/* Who just came has keys to exchange, and may accuse a slow one meanwhile. */
static bool
nobody_is_new(const struct sim *s)
{
	for (uint32_t i = 0; i < s->conf.nodes; i++)
		if (s->now - s->node[i].changed_at < net_pace(s, CHURN))
			return false;
	return true;
}

/* j failed for i, who has its word that it restarts: i waits as long as it asked. */
static void
graced(struct sim *s, uint32_t i, uint32_t j, const struct member *x)
{
	const struct sim_node *n = &s->node[i];
	struct mesh_member m;

	if (x->proven && x->generation == s->node[j].grace.life &&
	    (!mesh_find(n->mesh, &x->id, &m) ||
		m.wait_until < x->since + 1000 * (msec)s->node[j].grace.s))
		check_break(s, "restarting-left-alone", i, j, s->node[j].grace.s);
}

static void
moved(struct sim *s, uint32_t i, uint32_t j, const struct sim_seen *was, const struct member *x)
{
	bool same = was->known && was->generation == x->generation;
	usec enough = suspicion_max(s);

	if (same && lives(s, j, x->generation, SECOND)) {
		if (x->state == MESH_FAILED && was->state != MESH_FAILED && healthy(s, j)) {
			s->false_of_healthy++;
			s->false_by_healthy += healthy(s, i);
		}
		s->false_deaths += x->state == MESH_FAILED && was->state != MESH_FAILED;
		s->false_suspects += x->state == MESH_SUSPECT && was->state == MESH_ALIVE;
	}
	if (x->state == MESH_FAILED && same && was->state != MESH_FAILED &&
	    net_calm(s, s->calm_since, enough) && net_calm(s, s->around_since, enough) &&
	    lives(s, j, x->generation, net_pace(s, CHURN)))
		check_break(s, "living-not-killed", i, j, x->incarnation);
	if (x->state == MESH_FAILED && same && was->state != MESH_FAILED &&
	    s->node[j].mesh == NULL && s->now - s->node[j].changed_at < net_pace(s, PATIENCE) &&
	    s->node[j].changed_at - s->node[j].born_at >= net_pace(s, CHURN) &&
	    net_calm(s, s->calm_since, enough))
		check_break(s, "time-to-speak", i, j, x->incarnation);
	if (x->state == MESH_FAILED && same && was->state != MESH_FAILED && s->node[j].grace.s > 0 &&
	    x->incarnation >= s->node[j].grace.word)
		graced(s, i, j, x);
	if (x->state == MESH_SUSPECT && same && was->state == MESH_ALIVE &&
	    net_calm(s, s->still_since, enough) && lives(s, j, x->generation, net_pace(s, CHURN)) &&
	    nobody_is_new(s))
		check_break(s, "no-suspicion-in-peace", i, j, x->incarnation);
	/* Cut or not, where nothing is late its last word is as old as its end. */
	if (x->state == MESH_ALIVE && same && was->state == MESH_FAILED &&
	    s->node[j].mesh == NULL && s->node[j].changed_at < was->since - net_pace(s, SECOND / 2) &&
	    net_calm(s, s->prompt_since, s->now - s->node[j].changed_at + net_pace(s, SLACK)))
		check_break(s, "no-resurrection", i, j, x->incarnation);
}

/* Two sets, each in the order it was heard of. */
static bool
same_evicted(const struct mesh *a, const struct mesh *b)
{
	const struct evict *x = &a->ms.evict, *y = &b->ms.evict;
	struct node_id id;

	for (uint32_t k = 0; k < x->count; k++) {
		memcpy(id.b, x->all[k].id, ID_BYTES);
		if (evict_find(y, seal_short(&id)) == EVICT_NONE)
			return false;
	}
	return x->count == y->count;
}

static bool
same_tables(const struct mesh *a, const struct mesh *b)
{
	uint32_t k = 0, l = 0;

	/* Who left is not there; the rest is in order of ids in both. */
	for (;; k++, l++) {
		const struct member *x, *y;

		while (k < a->ms.count && a->ms.m[a->ms.order[k]].state == MESH_LEFT)
			k++;
		while (l < b->ms.count && b->ms.m[b->ms.order[l]].state == MESH_LEFT)
			l++;
		if (k == a->ms.count || l == b->ms.count)
			return k == a->ms.count && l == b->ms.count && same_evicted(a, b);
		x = &a->ms.m[a->ms.order[k]];
		y = &b->ms.m[b->ms.order[l]];
		if (!id_eq(&x->id, &y->id) || x->generation != y->generation ||
		    x->incarnation != y->incarnation || x->state != y->state)
			return false;
	}
}

static void
digests(struct sim *s, uint32_t i)
{
	const struct mesh *m = s->node[i].mesh, *other = s->node[(i + 1) % s->conf.nodes].mesh;

	if (other != NULL &&
	    same_tables(m, other) != (members_hash(&m->ms) == members_hash(&other->ms)))
		check_break(s, "digest-is-table", i, (i + 1) % s->conf.nodes, 0);
}

static void
health(struct sim *s, uint32_t i)
{
	struct sim_node *n = &s->node[i];
	uint32_t now = n->mesh->swim.health;

	if (now > n->health && s->conf.nodes >= 3 && net_calm(s, s->still_since, suspicion_max(s)) &&
	    s->now - n->changed_at >= net_pace(s, CHURN) && churned(s) <= 1)
		check_break(s, "well-blames-itself", i, n->health, now);
	n->health = now;
}

/*
 * Whoever knows that a node is out takes nothing of it for anything: it is not
 * up, no promise, echo or stored roster of it is on the books, and a life or a
 * word later than the eviction is not known.  What is out itself says nothing.
 */
static void
evicted(struct sim *s, uint32_t i)
{
	struct sim_node *n = &s->node[i];
	const struct evict *e = &n->mesh->ms.evict;

	if (e->count < n->done_evicted)
		check_break(s, "evicted-for-good", i, n->done_evicted, e->count);
	n->done_evicted = e->count;
	if (e->self && (!n->mesh->left || n->leads || n->mesh->elect.role == MESH_LEADER))
		check_break(s, "evicted-for-good", i, i, 0);
	for (uint32_t k = 0; k < e->count; k++) {
		struct node_id id;
		uint32_t x;
		const struct member *out;

		memcpy(id.b, e->all[k].id, ID_BYTES);
		x = members_find_id(&n->mesh->ms, &id);
		out = &n->mesh->ms.m[x == MEMBER_NONE ? 0 : x];
		if (x == MEMBER_NONE || x == 0)
			continue;
		if (!out->evicted || out->state != MESH_LEFT || n->mesh->ms.votes[x].granted != 0 ||
		    n->mesh->ms.votes[x].echoed != 0 ||
		    n->mesh->ms.votes[x].stored.version != 0)
			check_break(s, "evicted-for-good", i, node_find(s, &id), out->state);
	}
}

/* Who just started takes a death from others as they date it (gossip/forget.c): whoever
 * was heard after that was cut off from them, and lived. */
static usec
dated(const struct sim *s, uint32_t i, const struct member *x)
{
	return x->state == MESH_FAILED ? s->now - 1000 * (node_clock(s, i) - x->since) : s->now;
}

void
watch_node(struct sim *s, uint32_t i)
{
	struct sim_node *n = &s->node[i];
	const struct members *ms = &n->mesh->ms;
	uint64_t digest = members_hash(ms);

	if (s->conf.nodes > WATCH_MAX)
		return;
	health(s, i);
	evicted(s, i);
	if (n->mesh->left)
		return; /* it is silent, and its table stands still */
	if (digest == n->digest && ms->by_state[MESH_SUSPECT] == 0)
		return;
	for (uint32_t k = 1; k < ms->count; k++) {
		const struct member *x = &ms->m[k];
		uint32_t j = node_find(s, &x->id);
		struct sim_seen *seen = &n->seen[j == UINT32_MAX ? 0 : j];
		bool fresh;

		if (j == UINT32_MAX)
			continue;
		fresh = copy_fresh(s, j);
		if (!fresh && x->state == MESH_SUSPECT && seen->state == MESH_SUSPECT && seen->known &&
		    seen->generation == x->generation && seen->incarnation == x->incarnation &&
		    s->now - seen->since > suspicion_ends(s))
			check_break(s, "suspicion-ends", i, j, x->incarnation);
		if (seen->known && seen->state == x->state && seen->generation == x->generation &&
		    seen->incarnation == x->incarnation) {
			seen->since = x->state == MESH_FAILED ? dated(s, i, x) : seen->since;
			continue;
		}
		/* Of one that may be two nothing is asked, but what is seen last is remembered. */
		if (!fresh) {
			order(s, i, j, seen, x);
			moved(s, i, j, seen, x);
		}
		*seen = (struct sim_seen){.generation = x->generation, .known = true,
		    .incarnation = x->incarnation, .state = x->state, .since = dated(s, i, x)};
	}
	if (digest != n->digest) {
		digests(s, i);
		check_entered(s, i);
	}
	n->digest = digest;
}
