/*
 * relay.c - asking for others.  SWIM's indirect probe, for networks in which not
 * everybody hears everybody: a ring, two halves with one node in common.
 *
 *	A            B (within earshot of A)         C (of B)           T
 *	PINGREQ T -> PING T, silent before too:
 *	             PINGON T, 15 -----------------> PING T  ---------->
 *	   <-- ACK      <------------------- ACK        <---------- ACK
 *
 * SWIM asks three at random.  In a ring of nine most of them are as far from the
 * target as the asker, who would call it dead.  So those are asked who answer, and
 * who is asked about one that does not answer himself asks on.  A node asks on about
 * one target once at a time, and what else comes meanwhile waits for the same answer.
 * Each that is asked is told how many more may be, and shares that out among those it
 * asks itself: in a ring all of it goes one way, elsewhere it soon comes to nothing, and
 * a question costs no more in a mesh of thousands than in one of twenty.
 *
 * Of a target that was well a moment ago only the first asks on, and not before it
 * was silent to him for a while: a death costs no flood.
 */
#include "inner.h"

enum {
	NACK_MS = 400, /* a helper answers "nor me" before the asker gives up */
	ON_MS = 100,   /* so long the asked one waits itself before it asks on */
	ONWARD = 2,    /* so many are asked on */
	LOOKS = 16,    /* by chance, and as many more in a row */
};

void
relay_init(struct mesh *m)
{
	for (size_t i = 0; i < RELAYS_MAX; i++)
		m->swim.relays[i] = (struct relay){.from = MEMBER_NONE, .on_at = MSEC_NEVER, .nack_at = MSEC_NEVER};
}

bool
relay_near(const struct mesh *m, uint32_t i)
{
	return m->ms.m[i].missed == 0;
}

void
relay_missed(struct mesh *m, uint32_t i)
{
	struct member *x = &m->ms.m[i];

	if (!member_up(x))
		return;
	flap_restless(m, m->ticked, i);
	if (x->missed == UINT8_MAX)
		return;
	m->ms.far += x->missed == 0;
	x->missed++;
}

void
relay_answers(struct mesh *m, uint32_t i)
{
	m->ms.far -= m->ms.m[i].missed != 0;
	m->ms.m[i].missed = 0;
}

bool
relay_far(const struct mesh *m)
{
	return 2 * m->ms.far > mesh_up(m);
}

void
relay_measure(struct mesh *m, uint32_t i, msec took)
{
	struct member *x = &m->ms.m[i];
	int32_t rtt = took > 60000 ? 60000 : (int32_t)took;

	x->rtt_ms = x->rtt_ms < 0 ? rtt : (3 * x->rtt_ms + rtt + 2) / 4;
}

/* Would it be of use?  Who is ill himself hears little, and who does not answer me
 * helps nobody: those only when there is nobody else. */
static bool
helps(const struct mesh *m, msec now, uint32_t i, uint32_t pass)
{
	if (pass == 0)
		return relay_near(m, i) && !member_unstable(&m->ms, i, now);
	return pass > 1 || relay_near(m, i);
}

static bool
among(const uint16_t *all, uint32_t n, uint32_t i)
{
	for (uint32_t k = 0; k < n; k++)
		if (all[k] == i)
			return true;
	return false;
}

uint32_t
relay_helpers(struct mesh *m, msec now, uint32_t target, uint32_t except, uint32_t max,
    uint16_t *out)
{
	uint32_t n = 0, i;

	for (uint32_t tries = 0; tries < 4 * max && n < max; tries++) {
		i = swim_random_up(m, target);
		if (i != MEMBER_NONE && i != except && helps(m, now, i, 0) && !among(out, n, i))
			out[n++] = (uint16_t)i;
	}
	/* They are few: walk from a random place. */
	for (uint32_t pass = 0; pass < 3 && n < max; pass++) {
		i = (uint32_t)prng_below(&m->rng, m->ms.count);
		for (uint32_t k = 0; k < m->ms.count && n < max; k++) {
			i = (i + 1) % m->ms.count;
			if (i != 0 && i != target && i != except && member_up(&m->ms.m[i]) &&
			    helps(m, now, i, pass) && !among(out, n, i))
				out[n++] = (uint16_t)i;
		}
	}
	return n;
}

static bool
serves(const struct mesh *m, uint32_t i, uint32_t target, uint32_t except)
{
	return i != 0 && i != target && i != except && member_up(&m->ms.m[i]) && relay_near(m, i);
}

/* In a ring the same two are found each time, and each must be tried for everybody: so by
 * chance, and not in turn. */
uint32_t
relay_next(struct mesh *m, msec now, uint32_t target, uint32_t except)
{
	uint32_t ill = MEMBER_NONE, last = m->swim.near_last, i = 0, n = m->ms.count;

	for (uint32_t k = 0; k < LOOKS + n && k < 2 * LOOKS; k++) {
		i = k <= LOOKS ? (uint32_t)prng_below(&m->rng, n) : (i + 1) % n;
		if (!serves(m, i, target, except))
			continue;
		if (!member_unstable(&m->ms, i, now)) {
			m->swim.near_last = i;
			return i;
		}
		ill = i;
	}
	return serves(m, last, target, except) ? last : ill;
}

/* Is somebody asked about it already? */
static bool
under_way(const struct mesh *m, msec now, uint32_t target)
{
	const struct swim *s = &m->swim;

	if (s->target == target && s->asked && !s->acked)
		return true;
	for (size_t i = 0; i < RELAYS_MAX; i++)
		if (s->relays[i].from != MEMBER_NONE && s->relays[i].target == target &&
		    s->relays[i].on && now - s->relays[i].sent < pace(m, NACK_MS))
			return true;
	return false;
}

/* Somebody else may hear it. */
static void
ask_on(struct mesh *m, msec now, struct relay *r, uint32_t more)
{
	uint16_t others[ONWARD];
	uint32_t n, near = 0, rest;

	r->on_at = MSEC_NEVER;
	if (!member_up(&m->ms.m[r->target]) || under_way(m, now, r->target))
		return;
	r->on = true;
	n = relay_helpers(m, now, r->target, r->from, more < ONWARD ? more : ONWARD, others);
	for (uint32_t k = 0; k < n; k++)
		if (relay_near(m, others[k]))
			others[near++] = others[k];
	rest = more - near;
	for (uint32_t k = 0; k < near; k++)
		out_to(m, PACKET_PINGON, others[k], r->seq, m->ms.m[r->target].short_id,
		    rest / near + (k < rest % near));
}

void
relay_ask(struct mesh *m, msec now, uint32_t from, const struct packet *p, uint32_t more)
{
	struct swim *s = &m->swim;
	struct relay *r = &s->relays[s->relay_next++ % RELAYS_MAX];
	uint32_t target = members_find(&m->ms, p->who);

	if (target == MEMBER_NONE || target == 0)
		return;
	/* Who asked there was told nothing yet. */
	m->stats.no_room[MESH_ROOM_PINGS] += r->from != MEMBER_NONE && r->nack_at != MSEC_NEVER;
	more = more < RELAY_ASKED ? more : RELAY_ASKED;
	*r = (struct relay){.seq = ++s->next_seq, .their_seq = p->seq, .from = (uint16_t)from,
	    .target = (uint16_t)target, .sent = now, .on_at = MSEC_NEVER,
	    .nack_at = now + pace(m, NACK_MS)};
	out_to(m, PACKET_PING, target, r->seq, 0, 0);
	if (!relay_near(m, target) && more > 0)
		ask_on(m, now, r, more);
	else if (p->kind == PACKET_PINGREQ)
		r->on_at = now + pace(m, ON_MS);
}

/* All who asked about it hear that it lives. */
static void
answer(struct mesh *m, uint32_t target)
{
	for (size_t i = 0; i < RELAYS_MAX; i++) {
		struct relay *r = &m->swim.relays[i];

		if (r->from == MEMBER_NONE || r->target != target)
			continue;
		out_to(m, PACKET_ACK, r->from, r->their_seq, 0, 0);
		*r = (struct relay){.from = MEMBER_NONE, .on_at = MSEC_NEVER, .nack_at = MSEC_NEVER};
	}
}

void
relay_acked(struct mesh *m, msec now, uint32_t from, uint64_t seq)
{
	for (size_t i = 0; i < RELAYS_MAX; i++) {
		const struct relay *r = &m->swim.relays[i];

		if (r->from == MEMBER_NONE || r->seq != seq)
			continue;
		if (r->target == from)
			relay_measure(m, from, now - r->sent);
		else
			carry_learn(m, r->target, from);
		answer(m, r->target);
		return;
	}
}

void
relay_tick(struct mesh *m, msec now)
{
	for (size_t i = 0; i < RELAYS_MAX; i++) {
		struct relay *r = &m->swim.relays[i];

		if (r->on_at <= now)
			ask_on(m, now, r, RELAY_ASKED);
		if (r->nack_at > now)
			continue;
		relay_missed(m, r->target); /* it said nothing to my ping either */
		out_to(m, PACKET_NACK, r->from, r->their_seq, 0, 0);
		r->nack_at = MSEC_NEVER; /* a late ack is still passed on */
	}
}

msec
relay_deadline(const struct mesh *m)
{
	msec at = MSEC_NEVER;

	for (size_t i = 0; i < RELAYS_MAX; i++)
		at = msec_min(at, msec_min(m->swim.relays[i].on_at, m->swim.relays[i].nack_at));
	return at;
}
