/*
 * keyring.c - leading a change of the cluster key, step by step: announced to
 * all, held by all, used by all, and the old one wiped.  A leader that dies leaves
 * nothing behind that the next one could not go on from: what the members hold.
 */
#include "inner.h"

/* Does the step wait for i?  Not for who left, nor for who was named. */
static bool
counts(const struct mesh *m, uint32_t i)
{
	const struct member *x = &m->ms.m[i];

	return i != 0 && x->roster != 0 && x->state != MESH_LEFT && !m->ms.votes[i].keys.passed;
}

static bool
ready(const struct mesh *m, uint32_t i)
{
	const struct mesh_keys *mine = &m->saved.keys;
	const struct member_keys *x = &m->ms.votes[i].keys;

	if (!x->known)
		return false;
	if (!mine->next)
		return x->have.used >= mine->used;
	return x->have.used > mine->used ||
	    (x->have.used == mine->used && x->have.next && x->id == keys_newest_id(m));
}

static bool
under_way(const struct mesh *m)
{
	return m->saved.keys.next || m->saved.keys.old;
}

static uint32_t
waiting(const struct mesh *m)
{
	uint32_t n = 0;

	for (uint32_t i = 1; i < m->ms.count; i++)
		n += counts(m, i) && !ready(m, i);
	return n;
}

/* Whoever leads next asks a quorum, and one of these is in it. */
static bool
quorum_ready(const struct mesh *m)
{
	struct tally t = {0};

	tally_add(&t, &m->ms.m[0]);
	for (uint32_t i = 1; i < m->ms.count; i++)
		if (ready(m, i))
			tally_add(&t, &m->ms.m[i]);
	return quorum_full(m, &t);
}

void
keys_office(struct mesh *m)
{
	for (uint32_t i = 0; i < m->ms.count; i++)
		m->ms.votes[i].keys = (struct member_keys){.known = false};
}

void
keys_step(struct mesh *m, msec now)
{
	if (lead_grade(m, now) != MESH_GRADE_FULL || !under_way(m) || waiting(m) > 0 ||
	    !quorum_ready(m))
		return;
	if (m->saved.keys.next) {
		keys_use(m, now);
		return;
	}
	keys_retire(m, now);
	for (uint32_t i = 0; i < m->ms.count; i++)
		m->ms.votes[i].keys.passed = false;
}

/* --- the operator ------------------------------------------------------------------ */

int
mesh_keys_rotate(struct mesh *m, msec now)
{
	if (lead_grade(m, now) != MESH_GRADE_FULL)
		return -ERR_NOT_LEADER;
	if (under_way(m))
		return 0;
	if (m->saved.keys.used + 1 >= KEYS_EPOCH_MAX)
		return -ERR_RANGE;
	for (uint32_t i = 1; i < m->ms.count; i++)
		if (member_up(&m->ms.m[i]) &&
		    (m->ms.m[i].roster == 0 || !m->ms.votes[i].keys.known))
			return -ERR_UNKNOWN;
	keys_announce(m);
	trace(m, now, "keys announced", MEMBER_NONE, m->saved.keys.used + 1);
	lead_beat(m, now);
	return 0;
}

int
mesh_keys_pass(struct mesh *m, msec now, const struct node_id *id)
{
	uint32_t i = members_find_id(&m->ms, id);

	if (lead_grade(m, now) != MESH_GRADE_FULL)
		return -ERR_NOT_LEADER;
	if (i == MEMBER_NONE || m->ms.m[i].roster == 0)
		return -ERR_UNKNOWN;
	if (member_up(&m->ms.m[i]))
		return -ERR_RANGE;
	m->ms.votes[i].keys.passed = true;
	return 0;
}

void
mesh_keys_state(const struct mesh *m, struct mesh_keys_state *out)
{
	*out = (struct mesh_keys_state){.keys = m->saved.keys,
	    .phase = m->saved.keys.next ? MESH_KEYS_ANNOUNCED :
		m->saved.keys.old	? MESH_KEYS_CHANGING :
					  MESH_KEYS_STEADY,
	    .leads = m->elect.role == MESH_LEADER};
	for (uint32_t i = 0; i < m->ms.count; i++)
		out->members += m->ms.m[i].roster != 0 && m->ms.m[i].state != MESH_LEFT;
	if (out->leads && under_way(m))
		out->waiting = waiting(m);
}

bool
mesh_keys_member(const struct mesh *m, uint32_t index, struct mesh_keys_member *out)
{
	const struct member *x;
	uint32_t i;

	*out = (struct mesh_keys_member){.known = false};
	if (index >= m->ms.count)
		return false;
	i = m->ms.order[index];
	x = &m->ms.m[i];
	if (x->roster == 0)
		return true;
	out->id = x->id;
	out->have = i == 0 ? m->saved.keys : m->ms.votes[i].keys.have;
	out->known = i == 0 || m->ms.votes[i].keys.known;
	out->passed = m->ms.votes[i].keys.passed;
	out->waited = under_way(m) && counts(m, i) && !ready(m, i);
	return true;
}
