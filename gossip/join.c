/*
 * join.c - finding the others: seeds, and the way into a cluster for a node
 * that holds its key but belongs to none yet.
 *
 *	newcomer                          any member
 *	  JOIN token, ballast       ->
 *	                            <-    JOINED token, cluster id, its record, a cookie
 *	                                  (no cluster, no record: why not, as its term)
 *	  (cluster id on disk)
 *	  HELLO, my record, cookie  ->    a record is signed for one cluster
 *	                            <-    HELLO (pair.h)
 *	  SYNC                      ->    the whole table, in datagrams
 *
 * A JOIN carries as many bytes as the longest JOINED has, and a shorter one is
 * refused: who repeats a recorded one with another's address gets no more bytes
 * sent there than he spends himself.  Both are asked for ever: a mesh that is
 * down today is up tomorrow.
 */
#include "inner.h"

enum {
	JOIN_MS = 1000,
	SEEDS_MS = 5000,
	LIFE_REST = 1 << 24, /* frames between two ticks, and more */
	UNHEARD_MS = 20000,  /* a life by the clock (daemon/io/critical.c) */
	UNHEARD_MAX = 3,
	/* A member asks a seed at which no member is known of which cluster it is. */
	ELSE_FIRST = 2,	      /* at the second time ... */
	ELSE_FIRST_ALONE = 4, /* ... or, as it may have just restarted, when WHO was in vain */
	ELSE_EACH = 12,
};
_Static_assert(MESH_SEEDS_MAX <= 64, "a bit for each seed");

/* The one record a JOINED must carry: the sender's own. */
static int
introduction(const struct packet *p, struct rumour *out)
{
	struct mp r;
	int rc;

	mp_init(&r, p->rumours, p->rumours_len, 2);
	if (p->rumours_count < 1)
		return -ERR_MALFORMED;
	if ((rc = rumour_read(&r, out)) < 0)
		return rc;
	if (out->briefs != NULL || !out->is_long || out->state != MESH_ALIVE)
		return -ERR_MALFORMED;
	return addr_possible(&out->addr) ? 0 : -ERR_BAD_ADDRESS;
}

/* A lost disk forgot how often this node started: be newer than its last life. */
void
join_relive(struct mesh *m, msec now, uint64_t generation)
{
	m->saved.generation = generation;
	m->seal.counter = (generation << SEAL_COUNTER_BITS) + 1;
	report_relive(m);
	members_set(&m->ms, 0, now, MESH_ALIVE, generation, 0);
}

bool
join_lives_left(const struct mesh *m, uint64_t generation)
{
	return generation <= m->saved.generation + GENERATION_JUMP_MAX;
}

bool
join_next_life(struct mesh *m, msec now, uint64_t generation)
{
	if (generation >= UINT64_MAX >> SEAL_COUNTER_BITS)
		return false;
	join_relive(m, now, generation + 1);
	vouch_self(m);
	members_tell(&m->ms, 0);
	m->must_save = true;
	for (uint32_t i = 0; i < m->ms.pairs.count; i++)
		m->ms.pairs.all[i].heard = false;
	return true;
}

/* A leader of thousands may come to the last number that a life has; what it said
 * under the next would be in a life that nobody knows. */
void
join_count(struct mesh *m, msec now)
{
	uint64_t last = ((m->ms.m[0].generation + 1) << SEAL_COUNTER_BITS) - 1;

	if (m->seal.counter >= last - LIFE_REST && m->member &&
	    join_next_life(m, now, m->ms.m[0].generation))
		trace(m, now, "a life's numbers are used up", 0, m->ms.m[0].generation);
}

void
join_begin(struct mesh *m, msec now, const uint8_t *cluster, uint64_t term, uint64_t generation)
{
	leave_entered(m, cluster);
	memcpy(m->saved.cluster, cluster, ID_BYTES);
	memcpy(m->seal.cluster, cluster, ID_BYTES);
	m->member = true;
	m->must_save = true;
	m->enter.refusal = (struct mesh_refusal){.why = MESH_ENTRY_OK};
	elect_joined(m, now, term);
	/* An equal one is another life too: of a disk that was lost within the 20 s of a number
	 * (daemon/io/critical.c).  One answer is taken, to what this life asked itself. */
	if (generation >= m->saved.generation && generation < UINT64_MAX >> SEAL_COUNTER_BITS)
		join_relive(m, now, generation + 1);
	vouch_self(m);
	trace(m, now, "joined", MEMBER_NONE, 0);
}

/* --- what came of the seeds ---------------------------------------------------------- */

void
join_heard(struct mesh *m, const struct addr *from)
{
	for (size_t i = 0; i < m->conf.seeds_count; i++)
		if ((m->seeds_heard >> i & 1) == 0 && addr_eq(&m->conf.seeds[i], from))
			m->seeds_heard |= UINT64_C(1) << i;
}

void
join_seed_added(struct mesh *m)
{
	uint64_t bit = UINT64_C(1) << m->conf.seeds_count;

	m->seeds_heard &= ~bit;
	m->seeds_foreign &= ~bit;
	m->seeds_turn = 0;
}

void
join_seed_dropped(struct mesh *m, size_t index)
{
	uint64_t bit = UINT64_C(1) << index;
	size_t last = m->conf.seeds_count;

	m->seeds_heard = (m->seeds_heard & ~bit) | (m->seeds_heard >> last & 1) << index;
	m->seeds_foreign = (m->seeds_foreign & ~bit) | (m->seeds_foreign >> last & 1) << index;
}

bool
mesh_seed(const struct mesh *m, uint32_t index, struct mesh_seed *out)
{
	if (index >= m->conf.seeds_count)
		return false;
	*out = (struct mesh_seed){.addr = m->conf.seeds[index],
	    .heard = m->seeds_heard >> index & 1,
	    .foreign = m->seeds_foreign >> index & 1};
	for (uint32_t i = 1; i < m->ms.count && !out->heard; i++)
		out->heard = addr_eq(&m->ms.m[i].addr, &out->addr);
	return true;
}

/* A member asked that: two clusters that hold one key hear nothing else of each other. */
static int
elsewhere(struct mesh *m, const struct addr *from, const struct packet *p)
{
	struct rumour who;
	uint64_t was = m->seeds_foreign;
	bool other;

	if (p->bytes_len != ID_BYTES || introduction(p, &who) < 0 || !vouch_holds(m, p->bytes, &who))
		return 0;
	other = memcmp(p->bytes, m->saved.cluster, ID_BYTES) != 0;
	for (size_t i = 0; i < m->conf.seeds_count; i++)
		if (addr_eq(&m->conf.seeds[i], from))
			m->seeds_foreign = (m->seeds_foreign & ~(UINT64_C(1) << i)) | (uint64_t)other << i;
	m->changes += m->seeds_foreign != was;
	return 0;
}

/* --- being let in ---------------------------------------------------------------------- */

/* What out_join_not says, from whoever has the cluster key; what is not known means: wait. */
static enum mesh_entry
why_not(uint64_t term)
{
	if (term == MESH_ENTRY_EVICTED || term == MESH_ENTRY_FULL)
		return (enum mesh_entry)term;
	return MESH_ENTRY_CHANGING;
}

static int
admitted(struct mesh *m, msec now, const struct addr *from, const struct packet *p)
{
	enum mesh_entry why;
	struct rumour who;
	uint32_t i;
	int rc;

	if (p->seq != m->swim.join_token)
		return 0; /* to somebody else */
	if (m->member)
		return elsewhere(m, from, p);
	if (p->bytes_len == 0) {
		why = why_not(p->term);
		(void)enter_refused(m, now, from, why, NULL); /* its code is of certificates */
		return why == MESH_ENTRY_FULL ? -ERR_FULL : why == MESH_ENTRY_EVICTED ? -ERR_EVICTED : 0;
	}
	if (p->bytes_len != ID_BYTES)
		return -ERR_MALFORMED;
	if ((rc = introduction(p, &who)) < 0)
		return rc;
	if (!vouch_holds(m, p->bytes, &who))
		return -ERR_AUTH;
	if (!join_lives_left(m, p->generation))
		return -ERR_RANGE;
	keys_joined(m, p->keys);
	m->cookie = (struct cookie_got){.from = *from, .cookie = p->cookie};
	join_begin(m, now, p->bytes, p->term, p->generation);
	if ((rc = rumour_hear(m, now, &who)) < 0)
		return rc;
	members_tell(&m->ms, 0);
	m->swim.seeds_at = now + JOIN_MS;
	if ((i = members_find_id(&m->ms, &who.id)) != MEMBER_NONE) {
		out_introduce(m, PACKET_PING, i, ++m->swim.next_seq);
		out_to(m, PACKET_SYNC, i, 1, 0, 0);
	}
	return 0;
}

int
join_recv(struct mesh *m, msec now, const struct addr *from, uint64_t sender, const struct packet *p)
{
	uint64_t lived = 0, term = 0;
	uint32_t i;

	if (p->kind != PACKET_JOIN && p->kind != PACKET_JOINED)
		return -ERR_AUTH; /* nothing else may come from outside */
	if (m->ms.certs != NULL) { /* the key alone lets nobody in */
		admit_stranger(m, -ERR_CERT, sender, from);
		return -ERR_CERT;
	}
	if (p->kind == PACKET_JOINED && m->member && evict_find(&m->ms.evict, sender) != EVICT_NONE)
		return -ERR_EVICTED; /* what cluster it is of is nobody's business any more */
	if (p->kind == PACKET_JOINED)
		return admitted(m, now, from, p);
	if (p->bytes_len != JOIN_BALLAST)
		return -ERR_SHORT;
	if (!m->member || !pair_source(m, now, from))
		return 0;
	if (evict_find(&m->ms.evict, sender) != EVICT_NONE) {
		out_join_not(m, from, p->seq, MESH_ENTRY_EVICTED);
		return -ERR_EVICTED;
	}
	if (m->saved.keys.next) { /* nobody comes in under a key that is about to go */
		out_join_not(m, from, p->seq, MESH_ENTRY_CHANGING);
		return 0;
	}
	if ((i = members_find(&m->ms, sender)) != MEMBER_NONE) {
		term = m->ms.m[i].roster != 0 ? m->saved.term : 0;
		lived = m->ms.m[i].generation;
	} else if (!members_room(&m->ms, now)) {
		out_join_not(m, from, p->seq, MESH_ENTRY_FULL);
		return -ERR_FULL;
	}
	out_join(m, PACKET_JOINED, from, p->seq, term, lived);
	return 0;
}

static bool
is_up(const struct mesh *m, const struct addr *a)
{
	for (uint32_t i = 0; i < m->ms.count; i++)
		if (member_up(&m->ms.m[i]) && addr_eq(&m->ms.m[i].addr, a))
			return true;
	return false;
}

/*
 * A state directory that is put back from a copy soon after its last start begins a life
 * that was, as the clock counts them by 20 s: the others take it for a word of old, and
 * nobody answers.  Nothing tells that from a mesh that is down, so who was heard by nobody
 * since it started goes on in the next life, a few times: that costs a write each.
 */
static void
unheard(struct mesh *m, msec now)
{
	bool any = false;

	if (now < m->unheard_at)
		return;
	for (uint32_t i = 1; i < m->ms.count; i++)
		any = any || m->ms.m[i].seen != MSEC_NEVER;
	m->unheard_at = any || ++m->unheard == UNHEARD_MAX ? MSEC_NEVER : now + UNHEARD_MS;
	if (!any && m->ms.count > 1 && join_next_life(m, now, m->ms.m[0].generation))
		trace(m, now, "nobody answers: the next life", 0, m->ms.m[0].generation);
}

/* Who is of no cluster is told in which life it comes. */
void
join_init(struct mesh *m, msec now)
{
	m->unheard_at = m->member ? now + UNHEARD_MS : MSEC_NEVER;
}

msec
join_deadline(const struct mesh *m)
{
	return msec_min(m->conf.seeds_count > 0 ? m->swim.seeds_at : MSEC_NEVER,
	    m->member ? m->unheard_at : MSEC_NEVER);
}

/* Where no member is known, in place of WHO now and then: one is answered at a time. */
static bool
asks_whose(const struct mesh *m, size_t i, bool alone)
{
	struct mesh_seed x;

	return m->member && m->ms.certs == NULL && m->seeds_turn % ELSE_EACH == (alone ? ELSE_FIRST_ALONE : ELSE_FIRST) &&
	    mesh_seed(m, (uint32_t)i, &x) && !x.heard;
}

void
join_tick(struct mesh *m, msec now)
{
	bool alone = mesh_up(m) <= 1;

	if (m->member)
		unheard(m, now);
	if (m->conf.seeds_count == 0 || now < m->swim.seeds_at)
		return;
	if (leave_keeps_out(m)) {
		m->swim.seeds_at = MSEC_NEVER;
		return;
	}
	m->swim.seeds_at = now + (alone ? JOIN_MS : SEEDS_MS);
	m->seeds_turn++;
	for (size_t i = 0; i < m->conf.seeds_count; i++) {
		const struct addr *seed = &m->conf.seeds[i];

		if (enter_wanted(m))
			enter_ask(m, seed);
		if ((!m->member && m->ms.certs == NULL) || asks_whose(m, i, alone))
			out_join(m, PACKET_JOIN, seed, m->swim.join_token, 0, 0);
		else if (m->member && !is_up(m, seed))
			out_addr(m, PACKET_WHO, seed, NULL, 0, true);
	}
}
