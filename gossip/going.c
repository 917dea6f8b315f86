/*
 * going.c - see going.h.
 */
#include "inner.h"

enum { KIND_BITS = 2, KIND_MASK = (1 << KIND_BITS) - 1, DRAINED = 1 << 15, TOLD_MAX = 64 };
_Static_assert(MESH_GRACE_S_MAX << KIND_BITS < DRAINED, "a bit of its own");

enum mesh_going
going_kind(const struct member *x)
{
	return (enum mesh_going)(x->notice & KIND_MASK);
}

bool
going_drains(const struct member *x)
{
	enum mesh_going kind = going_kind(x);

	return kind == MESH_DRAINING || kind == MESH_LEAVING ||
	    (kind == MESH_RESTARTING && (x->notice & DRAINED) != 0);
}

msec
going_wait_until(const struct member *x)
{
	if (going_kind(x) != MESH_RESTARTING || x->state == MESH_LEFT)
		return 0;
	if (x->state != MESH_FAILED)
		return MSEC_NEVER;
	return x->since + 1000 * msec_min((x->notice & ~DRAINED) >> KIND_BITS, MESH_GRACE_S_MAX);
}

void
going_told(struct mesh *m, uint32_t i, uint16_t notice)
{
	if (m->ms.m[i].notice == notice)
		return;
	m->ms.m[i].notice = notice;
	m->ms.changes++;
}

bool
going_may_lead(const struct mesh *m)
{
	enum mesh_going kind = going_kind(&m->ms.m[0]);

	for (uint32_t i = 1; kind == MESH_LEAVING && i < m->ms.count; i++)
		if (m->ms.m[i].roster != 0 && m->ms.m[i].state == MESH_ALIVE &&
		    going_kind(&m->ms.m[i]) != MESH_LEAVING)
			return false;
	return kind != MESH_RESTARTING;
}

/* Whoever holds the latest roster; by id among those, so that it does not
 * depend on the order in which this node met them. */
uint32_t
going_successor(const struct mesh *m)
{
	uint32_t best = MEMBER_NONE;

	for (uint32_t k = 0; k < m->ms.count; k++) {
		uint32_t i = m->ms.order[k];
		const struct member *x = &m->ms.m[i];

		if (i != 0 && (x->roster & MEMBER_NEW) != 0 && x->state == MESH_ALIVE &&
		    m->ms.votes[i].echoed != 0 && going_kind(x) != MESH_RESTARTING &&
		    going_kind(x) != MESH_LEAVING &&
		    (best == MEMBER_NONE || roster_cmp(&m->ms.votes[i].stored, &m->ms.votes[best].stored) > 0))
			best = i;
	}
	return best;
}

void
going_tell(struct mesh *m)
{
	uint32_t told = 0;

	for (uint32_t i = 1; i < m->ms.count && told < TOLD_MAX; i++)
		if (member_up(&m->ms.m[i])) {
			out_introduce(m, PACKET_GOSSIP, i, 0);
			told++;
		}
}

void
going_say(struct mesh *m, msec now, uint32_t notice)
{
	struct member *self = &m->ms.m[0];

	going_told(m, 0, (uint16_t)notice);
	members_set(&m->ms, 0, now, MESH_ALIVE, self->generation, self->incarnation + 1);
	vouch_self(m);
	members_tell(&m->ms, 0);
	going_tell(m);
}

int
mesh_restarting(struct mesh *m, msec now, uint32_t grace_s)
{
	uint32_t next;

	if (!m->member || m->left || grace_s == 0 || grace_s > MESH_GRACE_S_MAX ||
	    going_kind(&m->ms.m[0]) == MESH_LEAVING)
		return -ERR_RANGE;
	if (going_kind(&m->ms.m[0]) == MESH_RESTARTING)
		return 0;
	next = going_successor(m);
	going_say(m, now, (going_drains(&m->ms.m[0]) ? DRAINED : 0) | grace_s << KIND_BITS |
	    MESH_RESTARTING);
	trace(m, now, "restarting", 0, grace_s);
	/* With nobody to take it, the office is this node's to the end. */
	if (m->elect.role == MESH_LEADER && next != MEMBER_NONE)
		lead_resign(m, now, m->ms.m[next].short_id, 0);
	return 0;
}

int
mesh_drain(struct mesh *m, msec now, bool on)
{
	enum mesh_going kind = going_kind(&m->ms.m[0]);

	if (!m->member || m->left || kind == MESH_RESTARTING || kind == MESH_LEAVING)
		return -ERR_RANGE;
	m->conf.draining = on;
	if (on == (kind == MESH_DRAINING))
		return 0;
	going_say(m, now, on ? MESH_DRAINING : MESH_STAYS);
	trace(m, now, on ? "draining" : "drains no more", 0, 0);
	return 0;
}
