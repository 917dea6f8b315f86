/*
 * dark.c - the fallback probe of memberlist's SWIM: where a datagram gets no
 * answer, a stream may.  A firewall that drops UDP, or a path that eats long
 * packets, is not the death of a host.
 *
 *	swim, report        dark                 the caller          member
 *	 no ACK yet     ->  wanted           ->  a stream        ->  id?
 *	                    lives, in that   <-                  <-  id, generation
 *	                    life; dark + 1
 *
 * The machine has no sockets: it says whom to ask (mesh_poll_stream), and is
 * told who answered (mesh_stream_heard).  An answer is as good as a datagram
 * for living on and takes back a death; it teaches nothing else, for beats and
 * reports are datagrams.  So a member that answers by streams alone stays one,
 * is named as blocked, and gets nothing new to do.
 */
#include "ask.h"
#include "inner.h"

void
dark_want(struct mesh *m, uint32_t i)
{
	struct dark *r = &m->dark;

	for (uint32_t k = 0; k < r->len; k++)
		if (r->wanted[k] == i)
			return;
	if (r->len == DARK_MAX)
		m->stats.no_room[MESH_ROOM_STREAMS]++;
	else
		r->wanted[r->len++] = (uint16_t)i;
}

void
dark_lit(struct mesh *m, uint32_t i)
{
	struct member_doubt *x = &m->ms.doubts[i];

	if (x->dark >= DARK_ANSWERS)
		m->ms.changes++;
	if (x->dark != 0)
		x->dark = 0;
}

bool
dark_blocked(const struct mesh *m, uint32_t i)
{
	return member_up(&m->ms.m[i]) && m->ms.doubts[i].dark >= DARK_ANSWERS;
}

bool
mesh_poll_stream(struct mesh *m, struct mesh_ask *out)
{
	const struct member *x;

	if (m->dark.len == 0)
		return false;
	x = &m->ms.m[m->dark.wanted[--m->dark.len]];
	*out = (struct mesh_ask){.id = x->id, .addr = x->addr};
	return true;
}

void
mesh_stream_heard(struct mesh *m, msec now, const struct node_id *id, uint64_t generation)
{
	uint32_t i = members_find_id(&m->ms, id);
	struct member_doubt *x;

	if (i == MEMBER_NONE || i == 0 || m->left)
		return;
	/* Of another life only its owner's record tells. */
	if (m->ms.m[i].generation != generation || m->ms.m[i].state == MESH_LEFT)
		return;
	x = &m->ms.doubts[i];
	x->streamed = now;
	rumour_evidence(m, now, i, now);
	if (x->dark < DARK_ANSWERS && ++x->dark == DARK_ANSWERS) {
		m->ms.changes++;
		trace(m, now, "udp blocked", i, 0);
	}
}
