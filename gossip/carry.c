/*
 * carry.c - the way around.  Where the path between two is cut, one way or both,
 * but a third hears both, a leader's beat and its echo go over that third as well:
 *
 *	leader L                 B, within earshot of both         follower F
 *	BEAT ----------------------------- cut ---------x
 *	AROUND [F, the BEAT as sealed for F] -> AROUND [F, ...] ------>
 *	   <-- AROUND [L, ...] <-------- AROUND [L, the ECHO as sealed for L]
 *
 * What is carried is the whole frame, sealed by who speaks for who hears it.  So B can
 * neither read nor change it, nor say it twice: its number is fresh once.  To hold it
 * back is all that B can do, and any network may do that: a lease counts from when the
 * beat was sent, by the leader's own clock, and comes back in the echo; a promise is
 * from when it is heard, which is later.  A detour lengthens no lease and shortens no
 * promise, and no rule of the election knows of it.
 *
 * When: y does not hear me, as it says in what it sends around itself; or I do not
 * hear y while what it sends around comes, and that tells it so; or it answered none
 * of my last pings or beats.  When the path is whole again neither is, and nothing
 * goes around any more.  Every packet goes straight too.
 *
 * Over whom: who carried its last frame to me, or got an answer of it for me; else
 * one after another who answers me.  A member asked to carry hands it to whom it is
 * for, or to who carried that one's last; and else to nobody, unless it hears less than
 * half of all itself: then on to another who answers it, never back.
 *
 * How far: a ring of 14, seven hops, keeps its leader once it has one.  That costs an
 * election where more voters than a half have to be found a way to within a lease: of a
 * hundred rings of 7, 8 and 9 one, 14 and 19, from 10 on each.  It keeps all alive up to
 * 11: beyond, the word of who is suspected may come back later than a suspicion lasts.
 * Two who never met have no keys, and what makes those (HELLO) goes straight alone: who
 * starts anew in a ring follows no leader but a neighbour.
 */
#include "inner.h"

#include <stdlib.h>

enum {
	CARRY_HOPS = RELAY_HOPS,
	HEARS_MS = 1000, /* leader and follower speak four times in it */
	CARRY_MS = 2000, /* so long what came around counts */
};

int
carry_init(struct mesh *m)
{
	m->carry.frames = calloc(CARRY_MAX, sizeof *m->carry.frames);
	return m->carry.frames != NULL ? 0 : -1;
}

void
carry_fini(struct mesh *m)
{
	free(m->carry.frames);
}

bool
carry_takes(enum packet_kind kind)
{
	switch (kind) {
	case PACKET_BEAT:
	case PACKET_ECHO:
	case PACKET_OTHER:
	case PACKET_REJECT:
	case PACKET_PREVOTE:
	case PACKET_PREVOTED:
	case PACKET_VOTE:
	case PACKET_VOTED:
	case PACKET_RESIGN:
	case PACKET_REPORT:
	case PACKET_REPORTED:
	case PACKET_ROLE_ASK:
	case PACKET_ROLE_LEASE:
		return true;
	default:
		return false;
	}
}

static bool
lately(const struct mesh *m, msec at, msec span)
{
	return at != 0 && at != MSEC_NEVER && m->ticked - at < pace(m, span);
}

static bool
hears(const struct mesh *m, uint32_t i)
{
	return lately(m, m->ms.m[i].seen, HEARS_MS);
}

bool
carry_deaf(const struct mesh *m, uint32_t i)
{
	return member_up(&m->ms.m[i]) && lately(m, m->ms.doubts[i].deaf, CARRY_MS);
}

static bool
useful(const struct mesh *m, uint32_t via, uint32_t to)
{
	return via != 0 && via != MEMBER_NONE && via != to && member_up(&m->ms.m[via]) &&
	    relay_near(m, via);
}

uint32_t
carry_via(struct mesh *m, enum packet_kind kind, uint32_t to)
{
	const struct member_doubt *x = &m->ms.doubts[to];

	if (!carry_takes(kind) || !member_up(&m->ms.m[to]))
		return MEMBER_NONE;
	if (relay_near(m, to) && !carry_deaf(m, to) &&
	    (hears(m, to) || !lately(m, x->carried, CARRY_MS)))
		return MEMBER_NONE;
	if (useful(m, x->via, to))
		return x->via;
	return relay_next(m, m->ticked, to, MEMBER_NONE);
}

void
carry_learn(struct mesh *m, uint32_t i, uint32_t from)
{
	m->ms.doubts[i].via = (uint16_t)from;
}

void
carry_came(struct mesh *m, msec now, uint32_t i, uint32_t via, bool hears_me)
{
	struct member_doubt *x = &m->ms.doubts[i];

	x->carried = now;
	x->deaf = hears_me ? 0 : now;
	if (m->elect.role == MESH_LEADER)
		m->ms.reports[i].vouched = now;
	carry_learn(m, i, via);
}

/* By whatever way: but when it hears me, the straight one serves. */
void
carry_echoed(struct mesh *m, uint32_t i)
{
	if (hears(m, i) && !carry_deaf(m, i))
		relay_answers(m, i);
}

void
carry_label(const struct mesh *m, uint32_t to, struct packet *p)
{
	p->who = m->ms.m[to].short_id;
	p->count = CARRY_HOPS;
	p->flag = hears(m, to);
}

void
carry_fill(const struct mesh *m, const struct out *o, struct packet *p)
{
	const struct carried *c;

	if (o->kind == PACKET_PINGON)
		p->count = o->c;
	if (o->kind != PACKET_AROUND)
		return;
	c = &m->carry.frames[o->a % CARRY_MAX];
	if (m->carry.next - o->a > CARRY_MAX) {
		p->kind = PACKET_NONE_; /* others took its place */
		return;
	}
	p->who = c->who;
	p->count = c->hops;
	p->flag = c->hears;
	p->bytes = c->bytes;
	p->bytes_len = c->len;
}

/* To whom next: who carried its last, and never back to where it came from.  In a network
 * of which this node hears but a little, a ring, it then goes on the way it went: there
 * it arrives, and what comes back that way tells all on it. */
static bool
onward(struct mesh *m, msec now, uint32_t to, uint32_t from, uint32_t *via)
{
	*via = m->ms.doubts[to].via;
	if (useful(m, *via, to) && *via != from)
		return true;
	if (relay_far(m))
		*via = relay_next(m, now, to, from);
	else
		*via = MEMBER_NONE;
	return *via != MEMBER_NONE;
}

int
carry_recv(struct mesh *m, msec now, uint32_t from, const struct packet *p)
{
	uint32_t to = members_find(&m->ms, p->who), sender, via = MEMBER_NONE;
	struct seal_frame frame;
	struct carried *c;
	int rc;

	if ((rc = seal_read(p->bytes, p->bytes_len, &frame)) < 0)
		return rc;
	if (to == 0)
		return mesh_carried(m, now, from, p->flag != 0, p->bytes, p->bytes_len);
	sender = members_find(&m->ms, frame.sender);
	if (to == MEMBER_NONE || sender == MEMBER_NONE || sender == 0 || p->count == 0)
		return -ERR_UNKNOWN;
	if (sender != from)
		carry_learn(m, sender, from); /* its answer goes back that way */
	if (!relay_near(m, to) && !onward(m, now, to, from, &via))
		return -ERR_NO_WAY;
	c = &m->carry.frames[m->carry.next % CARRY_MAX];
	*c = (struct carried){.who = p->who,
	    .hops = (p->count < CARRY_HOPS ? p->count : CARRY_HOPS) - 1, .hears = p->flag,
	    .len = p->bytes_len};
	memcpy(c->bytes, p->bytes, p->bytes_len);
	out_to(m, PACKET_AROUND, relay_near(m, to) ? to : via, m->carry.next++, 0, 0);
	return 0;
}
