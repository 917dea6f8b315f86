/*
 * swim.c - who is believed alive: probe one member a second in shuffled
 * round robin, ask three others before accusing, gossip what is new, and keep
 * knocking at the doors of the dead, so that partitions heal by themselves.
 *
 *	probe_at ----- ask_at (half a period) ----- probe_at (next)
 *	 PING target    no ACK: PINGREQ to 3         no ACK at all: suspect
 */
#include "be.h"
#include "inner.h"

#include <stdlib.h>

enum {
	PERIOD_MS = 1000,
	ASK_MS = 500,
	GOSSIP_MS = 200,
	GOSSIP_IDLE_MS = 500, /* only summaries wait, and those did not move */
	SUMMARIES_MS = 50,    /* a whole datagram of them waits, and the budget allows it */
	SUMMARIES_MANY = 60,
	GOSSIP_FANOUT = 3,
	GOSSIP_SETTLED = 2, /* of those ... */
	SETTLED_TRIES = 8,  /* ... so hard */
	RECONNECT_MS = 2000,
	BOOT_MS = 10000, /* after a start everybody is "failed": hurry */
	BOOT_RECONNECT_MS = 200,
	ACCUSE_MS = 300,
	HEALTH_MAX = 8,
};

int
swim_init(struct mesh *m, msec now)
{
	struct swim *s = &m->swim;

	if ((s->ring = calloc(m->conf.members_max, sizeof *s->ring)) == NULL)
		return -1;
	s->target = MEMBER_NONE;
	s->acked = true;
	s->probe_at = now + 1 + (msec)prng_below(&m->rng, (uint64_t)pace(m, PERIOD_MS));
	s->gossip_at = s->who_at = now;
	s->reconnect_at = now + 1 + (msec)prng_below(&m->rng, BOOT_RECONNECT_MS);
	s->seeds_at = now;
	s->suspect_at = s->quiet_at = s->cut_at = MSEC_NEVER;
	s->forget_at = now + 1;
	s->next_seq = prng_u64(&m->numbers) >> 16;
	s->join_token = prng_u64(&m->numbers);
	sync_init(m, now);
	relay_init(m);
	return 0;
}

/* A newcomer is probed somewhere within the round, not always last. */
void
swim_added(struct mesh *m, uint32_t i)
{
	struct swim *s = &m->swim;
	uint32_t at;

	if (i <= s->ring_len) /* each since 1 is in it */
		return; /* a slot that changed hands */
	s->ring[s->ring_len++] = (uint16_t)i;
	at = (uint32_t)prng_below(&m->rng, s->ring_len);
	s->ring[s->ring_len - 1] = s->ring[at];
	s->ring[at] = (uint16_t)i;
}

void
swim_ask_next(struct mesh *m, uint32_t i)
{
	struct swim *s = &m->swim;

	for (uint32_t k = s->ring_at + 1; k < s->ring_len; k++)
		if (s->ring[k] == i) {
			s->ring[k] = s->ring[s->ring_at];
			s->ring[s->ring_at] = (uint16_t)i;
			return;
		}
	/* It was asked this round already: trade places with who is next. */
	for (uint32_t k = 0; k < s->ring_at && s->ring_at < s->ring_len; k++)
		if (s->ring[k] == i) {
			s->ring[k] = s->ring[s->ring_at];
			s->ring[s->ring_at] = (uint16_t)i;
			return;
		}
}

uint32_t
swim_next_up(const struct mesh *m, uint32_t after, uint32_t except)
{
	uint32_t n = m->ms.count;

	for (uint32_t k = 1; k <= n; k++) {
		uint32_t i = (after + k) % n;

		if (i != 0 && i != except && member_up(&m->ms.m[i]))
			return i;
	}
	return MEMBER_NONE;
}

uint32_t
swim_random_up(struct mesh *m, uint32_t except)
{
	uint32_t n = m->ms.count;

	for (uint32_t tries = 0; tries < 3 * 8; tries++) {
		uint32_t i = (uint32_t)prng_below(&m->rng, n);

		if (i != 0 && i != except && member_up(&m->ms.m[i]))
			return i;
	}
	/* Few are up: walk from a random place. */
	return swim_next_up(m, (uint32_t)prng_below(&m->rng, n), except);
}

/* --- the probe ---------------------------------------------------------------- */

static uint32_t
next_target(struct mesh *m)
{
	struct swim *s = &m->swim;

	for (uint32_t k = 0; k < s->ring_len; k++) {
		uint32_t i;

		if (s->ring_at >= s->ring_len) {
			s->ring_at = 0;
			for (uint32_t j = s->ring_len; j > 1; j--) {
				uint32_t pick = (uint32_t)prng_below(&m->rng, j);
				uint16_t was = s->ring[j - 1];

				s->ring[j - 1] = s->ring[pick];
				s->ring[pick] = was;
			}
		}
		i = s->ring[s->ring_at++];
		if (i != 0 && i < m->ms.count && member_up(&m->ms.m[i]))
			return i;
	}
	return MEMBER_NONE;
}

static void
probe_next(struct mesh *m, msec now)
{
	struct swim *s = &m->swim;
	msec scale = 1 + (msec)s->health;

	s->target = (uint16_t)next_target(m);
	s->acked = s->asked = m->paths.direct = false;
	s->nacks = s->helpers = 0;
	s->sent = now;
	s->ask_at = now + pace(m, ASK_MS) * scale;
	s->probe_at = now + pace(m, PERIOD_MS) * scale;
	if (s->target == MEMBER_NONE) {
		s->acked = true;
		return;
	}
	s->silent_target = true;
	s->life = m->ms.m[s->target].generation;
	s->seq = ++s->next_seq;
	out_to(m, PACKET_PING, s->target, s->seq, 0, 0);
}

static void
probe_end(struct mesh *m, msec now)
{
	struct swim *s = &m->swim;
	const struct member *x;

	/* Who said nothing, to me who asked: not within earshot. */
	if (s->target != MEMBER_NONE && s->silent_target)
		relay_missed(m, s->target);
	for (uint32_t k = 0; k < s->helpers; k++)
		if (s->silent[k])
			relay_missed(m, s->helper[k]);
	if (s->target == MEMBER_NONE)
		return;
	x = &m->ms.m[s->target];
	if (x->generation != s->life)
		return; /* it restarted: that silence was the old life's */
	/* Or it spoke to me some other way meanwhile: alive, whatever got lost. */
	if (s->acked || (x->seen != MSEC_NEVER && x->seen > s->sent)) {
		paths_probed(m, now, s->target, s->silent_target);
		return;
	}
	if (m->ms.doubts[s->target].streamed > s->sent)
		return;
	if (cut_ended(m, now, s->sent)) {
		if (x->heard <= s->sent)
			swim_ask_next(m, s->target);
		return;
	}
	/* Nobody even said "nor me": perhaps it is I who am deaf. */
	if (s->health < HEALTH_MAX && (s->helpers == 0 || s->nacks < s->helpers))
		s->health++;
	rumour_suspect(m, now, s->target, m->ms.m[0].short_id);
}

static void
probe_ask(struct mesh *m, msec now)
{
	struct swim *s = &m->swim;

	s->asked = true;
	if (s->acked || s->target == MEMBER_NONE)
		return;
	s->helpers = relay_helpers(m, now, s->target, MEMBER_NONE, HELPERS, s->helper);
	for (uint32_t k = 0; k < s->helpers; k++) {
		s->silent[k] = true;
		out_to(m, PACKET_PINGREQ, s->helper[k], s->seq, m->ms.m[s->target].short_id, 0);
	}
	dark_want(m, s->target);
	out_hello(m, s->target, 0, false); /* perhaps it lives anew, without my salt */
	out_to(m, PACKET_PING, s->target, s->seq, 0, 0);
}

static void
acked(struct mesh *m, msec now, uint32_t from, uint64_t seq)
{
	struct swim *s = &m->swim;

	if (!s->acked && seq == s->seq) {
		s->acked = true;
		if (from == s->target && !s->asked) {
			relay_measure(m, from, now - s->sent);
			m->paths.direct = true;
		}
		if (from != s->target)
			carry_learn(m, s->target, from);
		if (s->health > 0)
			s->health--;
		return;
	}
	if (!reach_acked(m, now, from, seq) && !report_vouched(m, now, from, seq))
		relay_acked(m, now, from, seq);
}

/* --- gossip, sync, the dead --------------------------------------------------- */

/* How soon the next round of gossip is due, and to how many. */
static msec
gossip_pace(const struct mesh *m, uint32_t *fanout)
{
	uint32_t news = members_untold(&m->ms);
	msec pace = news > NEWS_MANY ? GOSSIP_MS / 2 : GOSSIP_MS;

	*fanout = GOSSIP_FANOUT;
	if (news > 0)
		return pace;
	*fanout = 1;
	if (m->ms.summaries.count >= SUMMARIES_MANY)
		return SUMMARIES_MS;
	return spread_fresh(&m->ms.summaries, SUMMARY_REPEATS, out_limit(m)) ? GOSSIP_MS / 2 :
									       GOSSIP_IDLE_MS;
}

/* Whom to tell: who hears me, as far as I know.  While bad news waits the first are
 * such as know everybody: newcomers, however many, get the rest. */
static uint32_t
hearer(struct mesh *m, msec now, uint32_t chosen)
{
	uint32_t i = swim_random_up(m, 0);

	for (uint32_t tries = 0; tries < SETTLED_TRIES && i != MEMBER_NONE; tries++) {
		if (relay_near(m, i) && (m->ms.urgent.count == 0 || chosen >= GOSSIP_SETTLED ||
					    member_settled(&m->ms.m[i], now)))
			break;
		i = swim_random_up(m, 0);
	}
	return i;
}

msec
swim_gossip_due(const struct mesh *m)
{
	const struct swim *s = &m->swim;

	if (members_untold(&m->ms) > 0)
		return s->gossip_at;
	if (m->ms.summaries.count == 0)
		return MSEC_NEVER;
	return s->gossip_at > s->spare_at ? s->gossip_at : s->spare_at;
}

/* Is there something left for what can wait? */
static bool
can_afford(struct mesh *m, msec now)
{
	m->swim.spare_at = now + budget_wait(&m->budget, now);
	return m->swim.spare_at <= now;
}

/* The last thing of an instant: every part may have made news in it. */
void
swim_gossip(struct mesh *m, msec now)
{
	struct swim *s = &m->swim;
	uint32_t fanout, chosen[GOSSIP_FANOUT], n = 0, strangers = 0;

	if (now < swim_gossip_due(m) || (members_untold(&m->ms) == 0 && !can_afford(m, now)))
		return;
	s->gossip_at = now + gossip_pace(m, &fanout);
	for (uint32_t tries = 0; tries < 4 * fanout && n < fanout; tries++) {
		uint32_t i = hearer(m, now, n);
		bool again = i == MEMBER_NONE;

		for (uint32_t k = 0; k < n; k++)
			again = again || chosen[k] == i;
		if (again)
			continue;
		/* With strangers keys come first, and news would wait: in a crowd of
		 * newcomers it must not be for them that others do not hear it. */
		if (pair_stands(m, i))
			chosen[n++] = i;
		else if (strangers++ >= fanout)
			continue;
		out_to(m, PACKET_GOSSIP, i, 0, 0, 0);
	}
}

static uint32_t
random_failed(struct mesh *m)
{
	uint64_t pick = prng_below(&m->rng, m->ms.by_state[MESH_FAILED] - m->ms.forgotten);

	for (uint32_t i = 1; i < m->ms.count; i++)
		if (m->ms.m[i].state == MESH_FAILED && !m->ms.m[i].forgotten && pick-- == 0)
			return i;
	return MEMBER_NONE;
}

void
swim_call(struct mesh *m, uint32_t i)
{
	m->ms.doubts[i].called = ++m->swim.next_seq;
	out_introduce(m, PACKET_PING, i, m->swim.next_seq);
}

static void
reconnect_tick(struct mesh *m, msec now)
{
	struct swim *s = &m->swim;
	uint32_t failed = m->ms.by_state[MESH_FAILED] - m->ms.forgotten;
	bool boot = now - m->started < BOOT_MS;

	if (now < s->reconnect_at)
		return;
	s->reconnect_at = now + (boot && failed > 0 ? BOOT_RECONNECT_MS : RECONNECT_MS);
	for (uint32_t k = 0; k < (boot ? 3u : 1u) && failed > 0; k++) {
		uint32_t i = random_failed(m);

		if (!boot && prng_below(&m->rng, mesh_up(m)) >= failed)
			continue;
		if (pair_stands(m, i))
			out_hello(m, i, 0, true); /* it may live anew */
		swim_call(m, i);
		if (!boot)
			dark_want(m, i);
	}
}

/* Heard from somebody the table thinks badly of.  Does it hear me too? */
static void
face(struct mesh *m, msec now, uint32_t from)
{
	if (m->ms.m[from].state == MESH_ALIVE ||
	    now - m->ms.doubts[from].accused < pace(m, ACCUSE_MS))
		return;
	m->ms.doubts[from].accused = now;
	swim_call(m, from);
}

/* Only who hears me answers. */
static void
answered(struct mesh *m, uint32_t from)
{
	struct swim *s = &m->swim;

	relay_answers(m, from);
	s->silent_target = s->silent_target && from != s->target;
	for (uint32_t k = 0; k < s->helpers; k++)
		s->silent[k] = s->silent[k] && from != s->helper[k];
}

/* --- verbs ------------------------------------------------------------------------ */

int
swim_recv(struct mesh *m, msec now, uint32_t from, const struct packet *p)
{
	face(m, now, from);
	switch ((enum packet_kind)p->kind) {
	case PACKET_PING:
		if (p->who != 0 && p->who != m->ms.m[0].short_id)
			return -ERR_UNKNOWN; /* an address that changed hands */
		out_to(m, PACKET_ACK, from, p->seq, 0, 0);
		leave_compared(m, now, from, p->hash);
		sync_consider(m, now, from, p->hash);
		return 0;
	case PACKET_ACK:
		answered(m, from);
		if (p->seq != 0 && p->seq == m->ms.doubts[from].called)
			rumour_answered(m, now, from);
		acked(m, now, from, p->seq);
		leave_compared(m, now, from, p->hash);
		sync_consider(m, now, from, p->hash);
		return 0;
	case PACKET_PINGREQ:
		relay_ask(m, now, from, p, RELAY_ASKED);
		return 0;
	case PACKET_PINGON:
		relay_ask(m, now, from, p, (uint32_t)p->count);
		return 0;
	case PACKET_NACK:
		answered(m, from);
		if (p->seq == m->swim.seq && !m->swim.acked)
			m->swim.nacks++;
		return 0;
	case PACKET_SYNC:
		return sync_recv(m, now, from, p);
	default:
		return 0; /* GOSSIP: the rumours are all */
	}
}

void
swim_tick(struct mesh *m, msec now)
{
	struct swim *s = &m->swim;

	sync_tick(m, now);
	if (now >= s->probe_at) {
		probe_end(m, now);
		probe_next(m, now);
	} else if (now >= s->ask_at && !s->asked) {
		probe_ask(m, now);
	}
	relay_tick(m, now);
	rumour_tick(m, now);
	cut_tick(m, now);
	forget_tick(m, now);
	reconnect_tick(m, now);
}

msec
swim_deadline(const struct mesh *m)
{
	const struct swim *s = &m->swim;
	msec at = msec_min(s->probe_at, s->reconnect_at);

	/* Who answers again, or one accuser more, can end a suspicion in the past, and after
	 * those were looked at: then it is the next tick's. */
	at = msec_min(at, s->suspect_at > m->ticked ? s->suspect_at : m->ticked + 1);
	at = msec_min(at, msec_min(msec_min(s->quiet_at, s->cut_at), s->forget_at));

	if (!s->asked && !s->acked)
		at = msec_min(at, s->ask_at);
	at = msec_min(at, swim_gossip_due(m));
	return msec_min(at, relay_deadline(m));
}
