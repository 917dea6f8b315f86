/*
 * fault_disk.c - what becomes of a disk while its node is down: lost, put back from an
 * older copy, unreadable in part, or gone with the host's very key.
 *
 * An older copy of all that it says is an older state of the world, and who starts from
 * one can't know: what its votes since then bound it to is lost.  What is asked of it
 * all the same: its lives go on rising (daemon/io/critical.c takes them from the wall
 * clock), and so do its frames' numbers; its hold-off is waited, so there are never two
 * full leases.  Not asked: one vote, and so one leader, in the terms that were voted in.
 * A copy from before a change of the roster may give a side a quorum that it lost: that
 * no rule can heal, and it is not drawn.
 */
#include "sim.h"

enum { LIFE = 20 * SECOND }; /* daemon/io/critical.c */

bool
fault_keys_moved(const struct sim *s, bool now)
{
	bool moved = false;

	for (uint32_t i = 0; i < s->conf.nodes; i++) {
		const struct sim_node *n = &s->node[i];
		const struct mesh_keys *k = n->mesh != NULL ? &n->mesh->saved.keys : &n->disk.keys;

		moved |= n->out_at == 0 && (k->next || k->old || (!now && k->used > 0));
	}
	return moved;
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

static bool
all_others_remember(const struct sim *s, uint32_t i)
{
	for (uint32_t j = 0; j < s->conf.nodes; j++)
		if (j != i && !s->node[j].spare && !remembers(s->node[j].mesh, &s->node[i].done_roster))
			return false;
	return true;
}

static void
wipe(struct sim *s, uint32_t i, uint64_t generation)
{
	struct sim_node *n = &s->node[i];

	n->disk = (struct mesh_saved){.generation = generation};
	n->done = (struct mesh_saved){.generation = generation};
	n->done_roster = (struct roster_id){0};
	n->done_evicted = 0;
	n->issued = (struct stamp){0};
	n->drains = false;
	n->went = 0;
	n->harm.copy.is = n->harm.last.is = false;
	sim_note(s, i, 1);
}

/* Everything but its identity.  The next life is numbered by the clock, in steps of 20 s:
 * it is above the last one, or, soon after that began, of that very number; or, after
 * starts in a row, below it. */
static void
lose(struct sim *s, uint32_t i, usec restart_at, uint64_t draw)
{
	uint64_t last = s->node[i].disk.generation;
	uint64_t back = restart_at - s->node[i].born_at < LIFE ? draw % 4 : 0;

	/* It would come back with the first key, and an operator give it the one of now. */
	if (i == 0 || s->node[i].out_at != 0 || fault_keys_moved(s, false) || !all_others_remember(s, i))
		return;
	wipe(s, i, last > back ? last - back : 0);
	if (last > s->node[i].harm.forgot)
		s->node[i].harm.forgot = last;
	s->node[i].counter = 0; /* new salts, new keys: numbers count anew */
	s->faults_done[FAULT_lost]++;
}

/* Another host of that name, at that address; who was there is dead, and keeps its vote,
 * as nobody put it out. */
static void
replace(struct sim *s, uint32_t i)
{
	struct sim_node *n = &s->node[i];

	if (i == 0 || s->harm.reborn || n->out_at != 0 || n->copied || n->spare || n->disk.left ||
	    (s->conf.faults & FAULT_BIT(policy)) != 0 || fault_keys_moved(s, false) ||
	    !all_others_remember(s, i))
		return;
	n->was = n->id;
	n->was_roster = n->done_roster;
	sim_identity(n, i, &s->fate);
	wipe(s, i, 0);
	n->harm.lives_before = n->lives;
	n->counter = 0;
	n->leave_for = 0;
	n->voted = n->passed = false;
	exclusive_crash(s, i, true);
	for (uint32_t j = 0; j < s->conf.nodes; j++)
		watch_another(s, j, i);
	s->harm.reborn = true;
	s->faults_done[FAULT_reborn]++;
}

static bool
same_keys(const struct mesh_keys *a, const struct mesh_keys *b)
{
	return a->used == b->used && a->next == b->next && a->old == b->old;
}

/* Its roster, keys and who is out are as they were; the rest goes back. */
static bool
restore(struct sim *s, uint32_t i, const struct harm_disk *old)
{
	struct sim_node *n = &s->node[i];
	struct mesh_saved now = n->disk;

	if (!old->is || n->out_at != 0 || n->copied || now.left || now.leaving || old->saved.leaving ||
	    old->saved.left || roster_cmp(&old->roster, &n->done_roster) != 0 ||
	    memcmp(old->saved.cluster, now.cluster, ID_BYTES) != 0 ||
	    !same_keys(&old->saved.keys, &now.keys) || old->saved.evicted_bytes != now.evicted_bytes)
		return false;
	if ((old->saved.term != n->done.term || !id_eq(&old->saved.voted_for, &n->done.voted_for)) &&
	    n->done.term > s->harm.lost_terms)
		s->harm.lost_terms = n->done.term;
	n->disk.term = old->saved.term;
	n->disk.voted_for = old->saved.voted_for;
	n->disk.promised_to = old->saved.promised_to;
	n->disk.promise_ms = old->saved.promise_ms;
	n->disk.applied = old->saved.applied;
	n->disk.applied_hash = old->saved.applied_hash;
	n->done.term = n->disk.term;
	n->done.voted_for = n->disk.voted_for;
	n->done.applied = n->disk.applied;
	sim_note(s, i, n->disk.term);
	return true;
}

/* All disks are copied, or one of those copies is put back. */
static void
roll_back(struct sim *s, uint32_t i, usec restart_at, uint64_t draw)
{
	struct sim_node *n = &s->node[i];

	for (uint32_t j = 0; j < s->conf.nodes && (draw % 3 == 0 || !n->harm.copy.is); j++)
		s->node[j].harm.copy = (struct harm_disk){.saved = s->node[j].disk,
		    .roster = s->node[j].done_roster, .is = s->node[j].disk.generation > 0};
	if (draw % 3 == 0)
		return;
	node_crash(s, i, restart_at);
	s->faults_done[FAULT_rollback] += n->mesh == NULL && restore(s, i, &n->harm.copy);
}

void
fault_disk(struct sim *s, enum sim_fault f, uint32_t i, usec restart_at, uint64_t draw)
{
	if (f == FAULT_rollback) {
		roll_back(s, i, restart_at, draw);
		return;
	}
	node_crash(s, i, restart_at);
	if (s->node[i].mesh != NULL)
		return;
	if (f == FAULT_lost)
		lose(s, i, restart_at, draw >> 8);
	else if (f == FAULT_reborn)
		replace(s, i);
	else if (f == FAULT_rot)
		s->faults_done[FAULT_rot] += restore(s, i, &s->node[i].harm.last);
}
