/*
 * leave.c - see leave.h.
 */
#include "inner.h"

enum {
	ASK_MS = 300,
	ASKED_MAX = 48,
	AGREED_MS = 1000, /* a beat that was under way then has come */
	BYE_MS = 2000,
	BYE_EACH_MS = 400,
};

void
leave_init(struct mesh *m)
{
	if (m->conf.draining)
		going_told(m, 0, MESH_DRAINING);
	if (!m->member)
		return;
	if (m->saved.left)
		m->left = true;
	else if (m->saved.leaving)
		going_told(m, 0, MESH_LEAVING);
}

static void
say_goodbye(struct mesh *m, msec now)
{
	members_set(&m->ms, 0, now, MESH_LEFT, m->ms.m[0].generation, m->ms.m[0].incarnation);
	vouch_self(m);
	members_tell(&m->ms, 0);
	m->saved.left = true;
	m->must_save = true;
	m->leave.bye_at = now + pace(m, BYE_EACH_MS);
	m->leave.end_at = now + pace(m, BYE_MS);
	going_tell(m);
	trace(m, now, "leave", 0, 0);
}

/* --- is it in force? ----------------------------------------------------------------- */

bool
leave_holds(const struct mesh *m, const struct roster_id *id)
{
	return m->leave.without.version > 0 && roster_cmp(id, &m->leave.without) == 0;
}

bool
leave_fetched(struct mesh *m, msec now)
{
	const struct roster *ro = &m->roster;

	if (going_kind(&m->ms.m[0]) != MESH_LEAVING)
		return false;
	m->leave.without = ro->fetch;
	m->leave.ask_at = now;
	m->ms.votes[ro->fetch_from].stored = ro->fetch; /* who sends it has it on disk */
	return true;
}

/* What was fetched, entry by entry: its weight in all to n, and to t that of those
 * who are known to have stored it.  Who has not is asked. */
static void
count(struct mesh *m, struct tally *n, struct tally *t, bool asks)
{
	const struct roster *ro = &m->roster;
	uint32_t first = asks ? (uint32_t)prng_below(&m->rng, ro->fetch_entries) : 0, asked = 0;

	for (uint32_t k = 0; k < ro->fetch_entries; k++) {
		const uint8_t *e = ro->fetch_bytes +
		    (size_t)((first + k) % ro->fetch_entries) * ROSTER_ENTRY_BYTES;
		struct member x = {.roster = 0};
		struct node_id id;
		uint32_t i;

		memcpy(id.b, e, ID_BYTES);
		roster_vote(&x, e[ID_BYTES], e[ID_BYTES + 1], e[ID_BYTES + 2]);
		tally_add(n, &x);
		if ((i = members_find_id(&m->ms, &id)) == MEMBER_NONE)
			continue;
		if (roster_cmp(&m->ms.votes[i].stored, &m->leave.without) == 0)
			tally_add(t, &x);
		else if (asks && member_up(&m->ms.m[i]) && asked++ < ASKED_MAX)
			out_to(m, PACKET_PREVOTE, i, m->elect.recall, 0, 0);
	}
}

/* A chunk that contradicts starts the fetching anew; then nothing is held. */
static bool
in_force(struct mesh *m, bool asks)
{
	const struct roster *ro = &m->roster;
	struct tally n = {0}, t = {0};

	if (m->leave.without.version == 0)
		return false;
	if (roster_cmp(&ro->fetch, &m->leave.without) != 0 || ro->fetch_chunks == 0 ||
	    ro->fetch_count != ro->fetch_chunks) {
		m->leave.without = (struct roster_id){0};
		return false;
	}
	count(m, &n, &t, asks);
	return quorum_of(&n, &t);
}

void
leave_told(struct mesh *m, msec now, uint32_t from, const struct roster_id *id)
{
	if (m->leave.without.version == 0)
		return;
	m->ms.votes[from].stored = *id;
	if (m->elect.role != MESH_LEADER && in_force(m, false))
		say_goodbye(m, now);
}

void
leave_led(struct mesh *m, uint32_t from, const struct packet *p)
{
	if (going_kind(&m->ms.m[0]) == MESH_LEAVING && p->hash == m->roster.hash)
		m->ms.votes[from].stored = p->roster;
}

void
leave_compared(struct mesh *m, msec now, uint32_t from, uint64_t hash)
{
	struct leave *l = &m->leave;

	if (going_kind(&m->ms.m[0]) == MESH_LEAVING && l->agreed == 0 && from == m->elect.leader &&
	    hash == members_hash(&m->ms))
		l->agreed = now;
}

/* Without a vote here: did the leader hear of it, and count on nothing else since? */
static bool
never_voted(struct mesh *m, msec now)
{
	struct leave *l = &m->leave;
	uint32_t leader = m->elect.leader;

	if (m->ms.m[0].roster != 0 || m->roster.n.all == 0 || leader == MEMBER_NONE || leader == 0) {
		l->agreed = 0;
		return false;
	}
	if (l->agreed == 0)
		out_introduce(m, PACKET_PING, leader, ++m->swim.next_seq);
	return l->agreed != 0 && now >= l->agreed + pace(m, AGREED_MS) &&
	    roster_cmp(&m->ms.votes[leader].stored, &m->roster.id) == 0;
}

/* --- goodbye ------------------------------------------------------------------------- */

bool
leave_said(const struct mesh *m)
{
	return m->leave.end_at != 0;
}

int
leave_recv(struct mesh *m, uint32_t from, const struct packet *p)
{
	if (p->kind == PACKET_PING && (p->who == 0 || p->who == m->ms.m[0].short_id))
		out_introduce(m, PACKET_ACK, from, p->seq);
	return 0;
}

static void
bye_tick(struct mesh *m, msec now)
{
	struct leave *l = &m->leave;

	if (now >= l->end_at) {
		m->left = true;
		m->changes++;
		return;
	}
	if (now < l->bye_at)
		return;
	l->bye_at = now + pace(m, BYE_EACH_MS);
	going_tell(m);
}

void
leave_tick(struct mesh *m, msec now)
{
	struct leave *l = &m->leave;

	if (leave_said(m)) {
		bye_tick(m, now);
		return;
	}
	if (going_kind(&m->ms.m[0]) != MESH_LEAVING || now < l->ask_at)
		return;
	l->ask_at = now + pace(m, ASK_MS);
	if (m->elect.role != MESH_LEADER && (in_force(m, true) || never_voted(m, now)))
		say_goodbye(m, now);
}

msec
leave_deadline(const struct mesh *m)
{
	if (leave_said(m))
		return msec_min(m->leave.bye_at, m->leave.end_at);
	return going_kind(&m->ms.m[0]) == MESH_LEAVING ? m->leave.ask_at : MSEC_NEVER;
}

/* --- the wish ------------------------------------------------------------------------ */

/* Could those who stay, as far as they are alive, be a roster of their own? */
static bool
others_can(const struct mesh *m)
{
	struct tally n = {0}, alive = {0};

	for (uint32_t i = 1; i < m->ms.count; i++) {
		const struct member *x = &m->ms.m[i];
		struct member as = {.roster = MEMBER_VOTES};

		if (x->roster == 0 || x->state == MESH_LEFT || going_kind(x) == MESH_LEAVING)
			continue;
		as.weight = quorum_weight(m, i);
		as.weight.old = as.weight.new;
		as.weight.tie = (as.weight.tie & MEMBER_NEW) != 0 ? MEMBER_VOTES : 0;
		tally_add(&n, &as);
		if (x->state == MESH_ALIVE)
			tally_add(&alive, &as);
	}
	return quorum_of(&n, &alive);
}

int
mesh_may_leave(const struct mesh *m)
{
	if (!m->member || m->left || leave_said(m) || going_kind(&m->ms.m[0]) == MESH_RESTARTING)
		return -ERR_RANGE;
	return m->ms.m[0].roster != 0 && !others_can(m) ? -ERR_QUORUM : 0;
}

int
mesh_leaving(struct mesh *m, msec now, bool on)
{
	int rc = mesh_may_leave(m);
	uint32_t next;

	if (rc == -ERR_RANGE || on == (going_kind(&m->ms.m[0]) == MESH_LEAVING))
		return rc == -ERR_RANGE ? rc : 0;
	if (on && rc < 0)
		return rc;
	m->saved.leaving = on;
	m->must_save = true;
	m->leave = (struct leave){.ask_at = now};
	next = going_successor(m);
	going_say(m, now, on ? MESH_LEAVING : m->conf.draining ? MESH_DRAINING : MESH_STAYS);
	trace(m, now, on ? "leaving" : "leaves no more", 0, 0);
	if (on && m->elect.role == MESH_LEADER && next != MEMBER_NONE)
		lead_resign(m, now, m->ms.m[next].short_id, 0);
	return 0;
}

void
mesh_leave(struct mesh *m, msec now)
{
	uint32_t next = going_successor(m);

	if (m->left || !m->member)
		return;
	if (m->elect.role == MESH_LEADER)
		lead_resign(m, now, next == MEMBER_NONE ? 0 : m->ms.m[next].short_id, 0);
	if (!leave_said(m)) {
		going_told(m, 0, MESH_STAYS); /* by its vote it is in still: roster_spent */
		say_goodbye(m, now);
	}
	m->left = true;
	m->changes++;
}

/* --- afterwards ---------------------------------------------------------------------- */

bool
mesh_left(const struct mesh *m)
{
	return m->left && m->saved.left;
}

void
mesh_kept(const struct mesh *m, struct mesh_saved *out)
{
	*out = m->saved;
}

void
mesh_left_behind(struct mesh_saved *s)
{
	memcpy(s->was, s->cluster, ID_BYTES);
	memset(s->cluster, 0, ID_BYTES);
	s->leaving = false;
	s->left = true;
	s->roster = s->evicted = NULL;
	s->roster_bytes = s->evicted_bytes = 0;
}

bool
leave_keeps_out(const struct mesh *m)
{
	return m->saved.left && !m->member;
}

int
mesh_return(struct mesh *m, msec now)
{
	if (!leave_keeps_out(m))
		return -ERR_RANGE;
	m->saved.left = false;
	m->must_save = true;
	m->swim.seeds_at = now;
	return 0;
}

void
leave_entered(struct mesh *m, const uint8_t *cluster)
{
	static const uint8_t none[ID_BYTES];
	struct mesh_saved *s = &m->saved;

	s->left = s->leaving = false;
	if (memcmp(s->was, none, ID_BYTES) != 0 && memcmp(s->was, cluster, ID_BYTES) != 0) {
		s->term = 0;
		s->voted_for = s->promised_to = (struct node_id){{0}};
		s->applied = (struct stamp){.term = 0};
		s->applied_hash = (struct hash){{0}};
	}
	memset(s->was, 0, ID_BYTES);
}
