/*
 * roster.c - whose votes count: everybody who ever joined and neither left nor
 * was evicted, dead or alive.  Kept as two bits on the members; changed only
 * by a leader with a live lease.
 *
 * A change may add and remove many.  As in Raft §6, but for one register
 * instead of a log: the leader first makes a JOINT roster (old and new sets,
 * a quorum of both is needed for anything), and once quorums of both have
 * stored it, the new set alone.  Before its first change a leader stamps the
 * roster it found with its own term and waits until a quorum stored that, so
 * no change builds on one that might yet be lost.
 *
 * Only a full side changes or even stamps it: a degraded side of `any`, whose
 * term may be the higher one, would pass off an old roster as later than the one
 * in force on the full side.  And only a leader whom a full quorum elected: below
 * that a term may have two, who would make two rosters of one id.  One that became
 * full otherwise takes a ballot first.  A leader whose elector knows a later roster fetches
 * that and stamps it, instead of building on its own.
 *
 * The roster's id and hash ride in every beat; who lacks it asks the leader and
 * gets it in chunks; its next echo says that it is stored (the caller saves
 * before it polls, so an echo that left is on disk).
 */
#include "inner.h"

#include <stdlib.h>

enum { CHANGE_MS = 1000, CHANGE_EACH_MS = 10, ASK_MS = 300, AGAIN_MS = 5000, ENTRY_BLOB_MAX = 330 + CERT_BYTES_MAX + 3 };

int
roster_cmp(const struct roster_id *a, const struct roster_id *b)
{
	if (a->term != b->term)
		return a->term < b->term ? -1 : 1;
	if (a->version != b->version)
		return a->version < b->version ? -1 : 1;
	return 0;
}

/* The one byte of an entry that says in which sets it votes. */
uint8_t
roster_bits(const struct member *x)
{
	return (uint8_t)(x->roster | x->weight.tie << ROSTER_TIE_SHIFT);
}

uint64_t
roster_entry_hash(uint64_t short_id, struct ballot_weight w, uint8_t bits)
{
	return prng_mix(short_id ^ prng_mix((uint64_t)w.new << 16 | (uint64_t)w.old << 8 | bits));
}

/* Does its vote count otherwise in the new set than in the old one? */
static bool
reweighed(const struct member *x)
{
	return x->weight.old != x->weight.new ||
	    (x->weight.tie != 0 && x->weight.tie != MEMBER_VOTES);
}

void
roster_recount(struct mesh *m)
{
	struct roster *ro = &m->roster;

	ro->n = (struct tally){0};
	ro->hash = 0;
	ro->joint = false;
	for (uint32_t i = 0; i < m->ms.count; i++) {
		const struct member *x = &m->ms.m[i];

		if (x->roster == 0)
			continue;
		tally_add(&ro->n, x);
		ro->joint = ro->joint || x->roster != MEMBER_VOTES || reweighed(x);
		ro->hash ^= roster_entry_hash(x->short_id, x->weight, roster_bits(x));
	}
	if (ro->id.version > ro->seen_version)
		ro->seen_version = ro->id.version;
	ro->blob_stale = true;
	m->ms.changes++;
	m->must_save = true;
}

/* A leader changed its roster: a new id, and every lease is earned anew. */
static void
restamp(struct mesh *m, msec now)
{
	struct roster *ro = &m->roster;

	ro->id.term = m->elect.ballot_term;
	ro->id.version = ro->seen_version + 1;
	roster_recount(m);
	/* Rounds counted under the old sets say nothing about the new ones;
	 * the lease already earned stands (see the essay of elect.c). */
	memset(m->elect.rounds, 0, sizeof m->elect.rounds);
	trace(m, now, ro->joint ? "roster joint" : "roster", MEMBER_NONE, ro->id.version);
}

/* --- the leader changes it ----------------------------------------------------- */

/* Everybody fetches every change: the more they are, the more wait for one. */
static msec
change_gap(const struct mesh *m)
{
	return msec_min(CHANGE_MS, CHANGE_EACH_MS * (msec)m->roster.n.all);
}

static bool
stored(const struct mesh *m)
{
	struct tally t = {0};

	tally_add(&t, &m->ms.m[0]);
	for (uint32_t i = 1; i < m->ms.count; i++)
		if (roster_cmp(&m->ms.votes[i].stored, &m->roster.id) == 0)
			tally_add(&t, &m->ms.m[i]);
	/* Never a mere side of `any`: it may propose, but a roster that only a
	 * part of the old one stored could make two full sides. */
	return quorum_full(m, &t);
}

/* Should member i have a vote?  A rumour alone gives nobody one. */
static bool
wanted(const struct mesh *m, uint32_t i)
{
	const struct member *x = &m->ms.m[i];

	/* A leader that leaves stays where nobody else can lead. */
	if (going_kind(x) == MESH_LEAVING && !(i == 0 && going_may_lead(m)))
		return false;
	if (x->roster != 0)
		return x->state != MESH_LEFT;
	return member_up(x) && x->name_len > 0 &&
	    (i == 0 || (x->seen != MSEC_NEVER && keys_newest(m, x->spoke))) &&
	    admit_vote(m, i) == MESH_ENTRY_OK;
}

static bool
change_wanted(const struct mesh *m)
{
	for (uint32_t i = 0; i < m->ms.count; i++) {
		const struct member *x = &m->ms.m[i];
		struct ballot_weight w;

		if (wanted(m, i) != (x->roster != 0))
			return true;
		if (x->roster == 0)
			continue;
		w = quorum_weight(m, i);
		if (w.new != x->weight.new || (w.tie & MEMBER_NEW) != (x->weight.tie & MEMBER_NEW))
			return true;
	}
	return false;
}

/* Could those who are alive conclude it?  A joint roster that waits for the dead
 * would take the lease from a side that has a quorum of the old one. */
static bool
change_possible(const struct mesh *m)
{
	uint32_t all = 0, alive = 0;
	bool tie = false;

	for (uint32_t i = 0; i < m->ms.count; i++) {
		struct ballot_weight w;

		if (!wanted(m, i))
			continue;
		w = quorum_weight(m, i);
		all += w.new;
		if (m->ms.m[i].state != MESH_ALIVE)
			continue;
		alive += w.new;
		tie = tie || (w.tie & MEMBER_NEW) != 0;
	}
	return 2 * alive > all || (2 * alive == all && tie);
}

static void
make_joint(struct mesh *m)
{
	for (uint32_t i = 0; i < m->ms.count; i++) {
		struct member *x = &m->ms.m[i];
		uint8_t bits = x->roster != 0 ? MEMBER_OLD : 0;

		if (wanted(m, i)) {
			bits |= MEMBER_NEW;
			x->weight = quorum_weight(m, i);
		} else {
			x->weight.new = 0;
			x->weight.tie &= MEMBER_OLD;
		}
		x->roster = bits;
	}
}

/* By somebody who can be asked: a full leader's quorum proves that what a dead
 * elector alone may know is not in force. */
static bool
overtaken(const struct mesh *m)
{
	for (uint32_t i = 1; i < m->ms.count; i++)
		if (m->ms.m[i].roster != 0 && member_up(&m->ms.m[i]) &&
		    roster_cmp(&m->ms.votes[i].stored, &m->roster.id) > 0)
			return true;
	return false;
}

/* A leader that is on its way out must not conclude: it would be the only one
 * to know a roster that it is not in, and nobody could follow it.  One of those
 * who stay takes over, whoever knows the latest. */
static void
hand_over(struct mesh *m, msec now)
{
	uint32_t best = MEMBER_NONE;

	for (uint32_t i = 1; i < m->ms.count; i++) {
		const struct member *x = &m->ms.m[i];

		if ((x->roster & MEMBER_NEW) != 0 && x->state == MESH_ALIVE && m->ms.votes[i].echoed != 0 &&
		    (best == MEMBER_NONE || roster_cmp(&m->ms.votes[i].stored, &m->ms.votes[best].stored) > 0))
			best = i;
	}
	if (best != MEMBER_NONE)
		lead_resign(m, now, m->ms.m[best].short_id);
}

/* One step of a change; false when there is none to make, or not yet. */
static bool
step(struct mesh *m, msec now)
{
	struct roster *ro = &m->roster;
	bool mine = ro->id.term == m->elect.ballot_term;

	if (!ro->joint && !ro->foreign && !change_wanted(m))
		return false;
	if (!m->elect.by_quorum) { /* one that is */
		if (m->elect.wish_term <= m->elect.ballot_term)
			m->elect.wish_term = m->elect.ballot_term + 1;
		return false;
	}
	if (!mine || ro->foreign) {
		ro->foreign = false;
	} else if (!stored(m)) {
		return false;
	} else if (ro->joint) {
		roster_conclude(m);
		ro->change_at = now + change_gap(m);
	} else if (change_possible(m)) {
		make_joint(m);
	} else {
		return false;
	}
	restamp(m, now);
	return true;
}

/* Called with every beat; may resign. */
void
roster_step(struct mesh *m, msec now)
{
	while (lead_grade(m, now) == MESH_GRADE_FULL && now >= m->roster.change_at) {
		if (m->ms.m[0].roster == MEMBER_OLD) {
			hand_over(m, now);
			return;
		}
		/* First fetch what they know, see roster_echoed. */
		if (overtaken(m) || !step(m, now))
			return;
	}
}

/* --- carrying it -------------------------------------------------------------------- */

/* Entries index*ROSTER_CHUNK.. of the roster in id order; how many. */
uint32_t
roster_chunk(const struct mesh *m, uint32_t index, uint8_t *out)
{
	uint32_t skip = index * ROSTER_CHUNK, n = 0;

	for (uint32_t k = 0; k < m->ms.count && n < ROSTER_CHUNK; k++) {
		const struct member *x = &m->ms.m[m->ms.order[k]];

		if (x->roster == 0)
			continue;
		if (skip > 0) {
			skip--;
			continue;
		}
		memcpy(out + n * ROSTER_ENTRY_BYTES, x->id.b, ID_BYTES);
		out[n * ROSTER_ENTRY_BYTES + ID_BYTES] = roster_bits(x);
		out[n * ROSTER_ENTRY_BYTES + ID_BYTES + 1] = x->weight.old;
		out[n++ * ROSTER_ENTRY_BYTES + ID_BYTES + 2] = x->weight.new;
	}
	return n;
}

static void
fetch_start(struct roster *ro, const struct roster_id *id)
{
	ro->fetch = *id;
	ro->fetch_chunks = ro->fetch_count = ro->fetch_entries = 0;
	memset(ro->fetch_have, 0, sizeof ro->fetch_have);
	ro->ask_at = 0;
}

static void
fetch(struct mesh *m, msec now, uint32_t from, const struct roster_id *id)
{
	struct roster *ro = &m->roster;
	uint32_t missing = 0;

	if (now < ro->pause_until || leave_holds(m, id))
		return;
	if (roster_cmp(id, &ro->fetch) != 0 || ro->fetch_from != from)
		fetch_start(ro, id);
	ro->fetch_from = (uint16_t)from;
	if (now < ro->ask_at)
		return;
	ro->ask_at = now + pace(m, ASK_MS);
	while (missing < ro->fetch_chunks && (ro->fetch_have[missing / 8] >> missing % 8 & 1) != 0)
		missing++;
	out_to(m, PACKET_ROSTER_ASK, from, missing, 0, 0);
}

/*
 * An echo tells what its sender stored.  A later roster than this leader's may be
 * in force: take it over before counting on anybody it may have added.  And when
 * it was the last that a change waited for, the next step follows at once.
 */
void
roster_echoed(struct mesh *m, msec now, uint32_t from, const struct packet *p)
{
	struct roster *ro = &m->roster;
	const struct member *x = &m->ms.m[from];
	struct member_vote *v = &m->ms.votes[from];
	bool had = roster_cmp(&v->stored, &ro->id) == 0;
	int cmp = roster_cmp(&p->roster, &ro->id);

	v->stored = p->roster;
	if (p->roster.version > ro->seen_version)
		ro->seen_version = p->roster.version;
	if (x->roster != 0 && cmp > 0)
		fetch(m, now, from, &v->stored);
	if (x->roster != 0 && cmp == 0 && !had && (ro->joint || change_wanted(m)) && stored(m))
		m->elect.beat_at = now;
}

void
roster_recall(struct mesh *m, msec now, uint32_t from, const struct roster_id *id)
{
	if (id->version > 0 && m->roster.n.all == 0)
		fetch(m, now, from, id);
	leave_told(m, now, from, id);
}

/* The leader's beat shows its roster: fetch it when it is not mine. */
void
roster_beat(struct mesh *m, msec now, uint32_t from, const struct packet *p)
{
	struct roster *ro = &m->roster;
	int cmp = roster_cmp(&p->roster, &ro->id);

	if (p->roster.version > ro->seen_version)
		ro->seen_version = p->roster.version;
	leave_led(m, from, p);
	if (p->roster.version == 0 || cmp < 0 || (cmp == 0 && p->hash == ro->hash))
		return;
	if (cmp > 0 && roster_next(m, now, from, p))
		return;
	fetch(m, now, from, &p->roster);
}

/* Does what was fetched leave me out, who has a vote?  Then it is not for me: to
 * be in force it needs those it names, and until it is, the others may need the
 * vote that I have in the roster I hold. */
static bool
leaves_me_out(const struct mesh *m)
{
	const struct roster *ro = &m->roster;

	for (uint32_t k = 0; k < ro->fetch_entries; k++)
		if (memcmp(ro->fetch_bytes + k * ROSTER_ENTRY_BYTES, m->ms.m[0].id.b, ID_BYTES) == 0)
			return false;
	return m->ms.m[0].roster != 0;
}

/* This leader is not in the roster its electors know: one who is leads them. */
static void
step_aside(struct mesh *m, msec now)
{
	const struct roster *ro = &m->roster;

	for (uint32_t k = 0; k < ro->fetch_entries; k++) {
		const uint8_t *entry = ro->fetch_bytes + k * ROSTER_ENTRY_BYTES;
		struct node_id id;
		uint32_t i;

		memcpy(id.b, entry, ID_BYTES);
		i = members_find_id(&m->ms, &id);
		if (i != MEMBER_NONE && (entry[ID_BYTES] & MEMBER_NEW) != 0 &&
		    m->ms.m[i].state == MESH_ALIVE && m->ms.votes[i].echoed != 0) {
			lead_resign(m, now, m->ms.m[i].short_id);
			return;
		}
	}
}

/* As an entry says.  A weight that cannot be is one that counts nothing twice. */
void
roster_vote(struct member *x, uint64_t bits, uint64_t old, uint64_t new)
{
	x->roster = (uint8_t)(bits & MEMBER_VOTES);
	x->weight.tie = (uint8_t)(bits >> ROSTER_TIE_SHIFT & x->roster);
	x->weight.old = (x->roster & MEMBER_OLD) == 0 ? 0 : (uint8_t)(old > MESH_WEIGHT_MAX ? 1 : old);
	x->weight.new = (x->roster & MEMBER_NEW) == 0 ? 0 : (uint8_t)(new > MESH_WEIGHT_MAX ? 1 : new);
}

/* Its entries are in the table: it is the roster held here. */
void
roster_taken(struct mesh *m, msec now, const struct roster_id *id)
{
	struct roster *ro = &m->roster;
	struct elect *e = &m->elect;

	ro->id = *id;
	ro->foreign = e->role == MESH_LEADER;
	fetch_start(ro, &(struct roster_id){0});
	roster_recount(m);
	/* Rounds counted under another roster say nothing about this one. */
	memset(e->rounds, 0, sizeof e->rounds);
	/* The leader waits for it; the echo leaves when this is on disk. */
	if (e->role != MESH_LEADER && e->leader != MEMBER_NONE)
		out_to(m, PACKET_ECHO, e->leader, e->ballot_term, 0, 0);
	trace(m, now, "roster", MEMBER_NONE, ro->id.version);
}

static int
fetched(struct mesh *m, msec now)
{
	struct roster *ro = &m->roster;
	struct elect *e = &m->elect;

	if (leaves_me_out(m)) {
		if (e->role == MESH_LEADER)
			step_aside(m, now);
		if (!leave_fetched(m, now))
			fetch_start(ro, &(struct roster_id){0});
		return 0;
	}
	for (uint32_t k = 0; k < ro->fetch_entries; k++) {
		struct node_id id;

		memcpy(id.b, ro->fetch_bytes + k * ROSTER_ENTRY_BYTES, ID_BYTES);
		if (members_find_id(&m->ms, &id) == MEMBER_NONE) {
			int i = members_add(&m->ms, &id, now);

			if (i < 0)
				return i;
			swim_added(m, (uint32_t)i);
		}
	}
	for (uint32_t i = 0; i < m->ms.count; i++) {
		m->ms.m[i].roster = 0;
		m->ms.m[i].weight = (struct ballot_weight){0};
	}
	for (uint32_t k = 0; k < ro->fetch_entries; k++) {
		const uint8_t *entry = ro->fetch_bytes + k * ROSTER_ENTRY_BYTES;
		struct node_id id;
		uint32_t i;

		memcpy(id.b, entry, ID_BYTES);
		if ((i = members_find_id(&m->ms, &id)) != MEMBER_NONE)
			roster_vote(&m->ms.m[i], entry[ID_BYTES], entry[ID_BYTES + 1], entry[ID_BYTES + 2]);
	}
	evict_mark_all(m, now);
	roster_taken(m, now, &ro->fetch);
	return 0;
}

static int
chunk_came(struct mesh *m, msec now, const struct packet *p)
{
	struct roster *ro = &m->roster;
	uint32_t entries = (uint32_t)p->count, index = (uint32_t)p->index;
	uint32_t chunks = (entries + ROSTER_CHUNK - 1) / ROSTER_CHUNK, n;
	int rc;

	if (ro->fetch.version == 0 || roster_cmp(&p->roster, &ro->fetch) != 0)
		return 0; /* of a roster that is history */
	if (roster_cmp(&ro->fetch, &ro->id) < 0)
		return 0; /* mine became later while it was on its way */
	if (entries == 0 || entries > MESH_MEMBERS_LIMIT || index >= chunks)
		return -ERR_RANGE;
	if (entries > m->conf.members_max)
		return -ERR_FULL;
	n = index + 1 < chunks ? ROSTER_CHUNK : entries - index * ROSTER_CHUNK;
	if (p->bytes_len != (size_t)n * ROSTER_ENTRY_BYTES)
		return -ERR_MALFORMED;
	if (ro->fetch_entries != entries) { /* the first, or one that contradicts */
		struct roster_id id = ro->fetch;

		fetch_start(ro, &id);
		ro->fetch_entries = entries;
		ro->fetch_chunks = chunks;
	}
	if ((ro->fetch_have[index / 8] >> index % 8 & 1) != 0)
		return 0;
	ro->fetch_have[index / 8] |= (uint8_t)(1 << index % 8);
	memcpy(ro->fetch_bytes + (size_t)index * ROSTER_CHUNK * ROSTER_ENTRY_BYTES, p->bytes,
	    p->bytes_len);
	if (++ro->fetch_count < chunks)
		return 0;
	if ((rc = fetched(m, now)) < 0) {
		/* No room for those it names: perhaps there is some later. */
		fetch_start(ro, &(struct roster_id){0});
		ro->pause_until = now + AGAIN_MS;
	}
	return rc;
}

int
roster_recv(struct mesh *m, msec now, uint32_t from, const struct packet *p)
{
	struct elect *e = &m->elect;

	if (p->kind == PACKET_ROSTER_ASK) {
		if (roster_cmp(&p->roster, &m->roster.id) == 0)
			out_roster(m, from, (uint32_t)p->index);
		return 0;
	}
	if (m->roster.fetch_from != from ||
	    (e->role != MESH_LEADER && e->leader != from && m->roster.n.all > 0))
		return 0; /* only my leader tells me who votes, or whom I asked */
	return chunk_came(m, now, p);
}

/* --- verbs ------------------------------------------------------------------------ */

int
roster_init(struct mesh *m, msec now)
{
	struct roster *ro = &m->roster;

	ro->blob_cap = (size_t)m->conf.members_max * ENTRY_BLOB_MAX + 64;
	ro->blob = malloc(ro->blob_cap);
	ro->fetch_bytes = malloc(
	    ((size_t)m->conf.members_max + ROSTER_CHUNK) * ROSTER_ENTRY_BYTES);
	if (ro->blob == NULL || ro->fetch_bytes == NULL)
		return -1;
	return m->conf.saved.roster_bytes > 0 ? roster_load(m, now) : 0;
}

void
roster_fini(struct mesh *m)
{
	free(m->roster.blob);
	free(m->roster.fetch_bytes);
}

/* A new cluster begins with one voter. */
void
roster_first(struct mesh *m)
{
	struct ballot_weight w = quorum_weight(m, 0);

	roster_vote(&m->ms.m[0], roster_bits(&(struct member){.roster = MEMBER_VOTES,
	    .weight.tie = (w.tie & MEMBER_NEW) != 0 ? MEMBER_VOTES : 0}), w.new, w.new);
	m->roster.id.version = 1;
	roster_recount(m);
}
