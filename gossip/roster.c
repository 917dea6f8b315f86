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
 * in force on the full side.  A leader whose elector knows a later roster fetches
 * that and stamps it, instead of building on its own.
 *
 * The roster's id and hash ride in every beat; who lacks it asks the leader and
 * gets it in chunks; its next echo says that it is stored (the caller saves
 * before it polls, so an echo that left is on disk).
 */
#include "inner.h"

#include <stdlib.h>

enum { CHANGE_MS = 1000, CHANGE_EACH_MS = 10, ASK_MS = 300, BLOB_VERSION = 1, ENTRY_BLOB_MAX = 330 };

int
roster_cmp(const struct roster_id *a, const struct roster_id *b)
{
	if (a->term != b->term)
		return a->term < b->term ? -1 : 1;
	if (a->version != b->version)
		return a->version < b->version ? -1 : 1;
	return 0;
}

static void
recount(struct mesh *m)
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
		ro->joint = ro->joint || x->roster != MEMBER_VOTES;
		ro->hash ^= prng_mix(x->short_id * 4 + x->roster);
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
	recount(m);
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
		if (roster_cmp(&m->ms.m[i].stored, &m->roster.id) == 0)
			tally_add(&t, &m->ms.m[i]);
	/* Never a mere side of `any`: it may propose, but a roster that only a
	 * part of the old one stored could make two full sides. */
	return elect_quorum(m, &t);
}

/* Should member i have a vote?  A rumour alone gives nobody one. */
static bool
wanted(const struct mesh *m, uint32_t i)
{
	const struct member *x = &m->ms.m[i];

	if (x->roster != 0)
		return x->state != MESH_LEFT;
	return member_up(x) && x->name_len > 0 && (i == 0 || x->seen != MSEC_NEVER);
}

static bool
change_wanted(const struct mesh *m)
{
	for (uint32_t i = 0; i < m->ms.count; i++)
		if (wanted(m, i) != (m->ms.m[i].roster != 0))
			return true;
	return false;
}

static void
make_joint(struct mesh *m)
{
	for (uint32_t i = 0; i < m->ms.count; i++) {
		struct member *x = &m->ms.m[i];
		uint8_t bits = x->roster != 0 ? MEMBER_OLD : 0;

		if (wanted(m, i))
			bits |= MEMBER_NEW;
		x->roster = bits;
	}
}

static void
make_new(struct mesh *m)
{
	for (uint32_t i = 0; i < m->ms.count; i++) {
		struct member *x = &m->ms.m[i];

		x->roster = (x->roster & MEMBER_NEW) != 0 ? MEMBER_VOTES : 0;
	}
}

/* By somebody who can be asked: a full leader's quorum proves that what a dead
 * elector alone may know is not in force. */
static bool
overtaken(const struct mesh *m)
{
	for (uint32_t i = 1; i < m->ms.count; i++)
		if (m->ms.m[i].roster != 0 && member_up(&m->ms.m[i]) &&
		    roster_cmp(&m->ms.m[i].stored, &m->roster.id) > 0)
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

		if ((x->roster & MEMBER_NEW) != 0 && x->state == MESH_ALIVE && x->echoed != 0 &&
		    (best == MEMBER_NONE || roster_cmp(&x->stored, &m->ms.m[best].stored) > 0))
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
	if (!mine || ro->foreign) {
		ro->foreign = false;
	} else if (!stored(m)) {
		return false;
	} else if (ro->joint) {
		make_new(m);
		ro->change_at = now + change_gap(m);
	} else {
		make_joint(m);
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
		out[n++ * ROSTER_ENTRY_BYTES + ID_BYTES] = x->roster;
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

	if (roster_cmp(id, &ro->fetch) != 0 || ro->fetch_from != from)
		fetch_start(ro, id);
	ro->fetch_from = (uint16_t)from;
	if (now < ro->ask_at)
		return;
	ro->ask_at = now + ASK_MS;
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
	struct member *x = &m->ms.m[from];
	bool had = roster_cmp(&x->stored, &ro->id) == 0;
	int cmp = roster_cmp(&p->roster, &ro->id);

	x->stored = p->roster;
	if (p->roster.version > ro->seen_version)
		ro->seen_version = p->roster.version;
	if (x->roster != 0 && cmp > 0)
		fetch(m, now, from, &x->stored);
	if (x->roster != 0 && cmp == 0 && !had && (ro->joint || change_wanted(m)) && stored(m))
		m->elect.beat_at = now;
}

/* The leader's beat shows its roster: fetch it when it is not mine. */
void
roster_beat(struct mesh *m, msec now, uint32_t from, const struct packet *p)
{
	struct roster *ro = &m->roster;
	int cmp = roster_cmp(&p->roster, &ro->id);

	if (p->roster.version > ro->seen_version)
		ro->seen_version = p->roster.version;
	if (p->roster.version == 0 || cmp < 0 || (cmp == 0 && p->hash == ro->hash))
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
		    m->ms.m[i].state == MESH_ALIVE && m->ms.m[i].echoed != 0) {
			lead_resign(m, now, m->ms.m[i].short_id);
			return;
		}
	}
}

static int
fetched(struct mesh *m, msec now)
{
	struct roster *ro = &m->roster;
	struct elect *e = &m->elect;

	if (leaves_me_out(m)) {
		if (e->role == MESH_LEADER)
			step_aside(m, now);
		fetch_start(ro, &(struct roster_id){0});
		return 0;
	}
	for (uint32_t k = 0; k < ro->fetch_entries; k++) {
		struct node_id id;

		memcpy(id.b, ro->fetch_bytes + k * ROSTER_ENTRY_BYTES, ID_BYTES);
		if (members_find_id(&m->ms, &id) == MEMBER_NONE) {
			int i = members_add(&m->ms, &id, now);

			if (i < 0)
				return i; /* fetched again later */
			swim_added(m, (uint32_t)i);
		}
	}
	for (uint32_t i = 0; i < m->ms.count; i++)
		m->ms.m[i].roster = 0;
	for (uint32_t k = 0; k < ro->fetch_entries; k++) {
		const uint8_t *entry = ro->fetch_bytes + k * ROSTER_ENTRY_BYTES;
		struct node_id id;
		uint32_t i;

		memcpy(id.b, entry, ID_BYTES);
		if ((i = members_find_id(&m->ms, &id)) != MEMBER_NONE)
			m->ms.m[i].roster = entry[ID_BYTES] & MEMBER_VOTES;
	}
	ro->id = ro->fetch;
	ro->foreign = e->role == MESH_LEADER;
	fetch_start(ro, &(struct roster_id){0});
	recount(m);
	/* Rounds counted under another roster say nothing about this one. */
	memset(e->rounds, 0, sizeof e->rounds);
	/* The leader waits for it; the echo leaves when this is on disk. */
	if (e->role != MESH_LEADER && e->leader != MEMBER_NONE)
		out_to(m, PACKET_ECHO, e->leader, e->ballot_term, 0, 0);
	trace(m, now, "roster", MEMBER_NONE, ro->id.version);
	return 0;
}

static int
chunk_came(struct mesh *m, msec now, const struct packet *p)
{
	struct roster *ro = &m->roster;
	uint32_t entries = (uint32_t)p->count, index = (uint32_t)p->index;
	uint32_t chunks = (entries + ROSTER_CHUNK - 1) / ROSTER_CHUNK, n;

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
	return ++ro->fetch_count == chunks ? fetched(m, now) : 0;
}

int
roster_recv(struct mesh *m, msec now, uint32_t from, const struct packet *p)
{
	struct elect *e = &m->elect;

	if (p->kind == PACKET_ROSTER_ASK) {
		if (roster_cmp(&p->roster, &m->roster.id) == 0)
			out_job(m, PACKET_ROSTER, from, 0, (uint32_t)p->index);
		return 0;
	}
	if (m->roster.fetch_from != from || (e->role != MESH_LEADER && e->leader != from))
		return 0; /* only my leader tells me who votes, or whom I asked */
	return chunk_came(m, now, p);
}

/* --- on disk ----------------------------------------------------------------------------- */

/* [version, term, count, entries, [id, bits, name, address, meta] ...]: also the
 * addresses, so that a restart knows whom to call when every seed is gone. */
void
roster_save(struct mesh *m)
{
	struct roster *ro = &m->roster;
	struct mpw w;

	if (!ro->blob_stale)
		return;
	ro->blob_stale = false;
	mpw_init(&w, ro->blob, ro->blob_cap);
	mpw_array(&w, 4 + ro->n.all);
	mpw_uint(&w, BLOB_VERSION);
	mpw_uint(&w, ro->id.term);
	mpw_uint(&w, ro->id.version);
	mpw_uint(&w, ro->n.all);
	for (uint32_t k = 0; k < m->ms.count; k++) {
		uint32_t i = m->ms.order[k];
		const struct member *x = &m->ms.m[i];

		if (x->roster == 0)
			continue;
		mpw_array(&w, 6);
		mpw_bin(&w, x->id.b, ID_BYTES);
		mpw_uint(&w, x->roster);
		mpw_str(&w, members_name(&m->ms, i), x->name_len);
		mpw_bin(&w, x->addr.ip, sizeof x->addr.ip);
		mpw_uint(&w, x->addr.port);
		mpw_bin(&w, members_meta(&m->ms, i), x->meta_len);
	}
	assert(!w.full);
	ro->blob_len = w.len;
}

static int
load_entry(struct mesh *m, msec now, struct mp *r)
{
	struct node_id id;
	struct addr addr;
	uint64_t bits, port;
	const char *name;
	const uint8_t *meta;
	size_t name_len, meta_len;
	uint32_t n, i;
	int rc;

	if ((rc = mp_array(r, &n)) < 0)
		return rc;
	if (n != 6)
		return -ERR_MALFORMED;
	if ((rc = mp_bytes(r, id.b, ID_BYTES)) < 0 ||
	    (rc = mp_uint_max(r, MEMBER_VOTES, &bits)) < 0 ||
	    (rc = mp_str(r, &name, &name_len)) < 0 ||
	    (rc = mp_bytes(r, addr.ip, sizeof addr.ip)) < 0 ||
	    (rc = mp_uint_max(r, UINT16_MAX, &port)) < 0 ||
	    (rc = mp_bin(r, &meta, &meta_len)) < 0)
		return rc;
	if (name_len > NAME_BYTES_MAX || meta_len > MESH_META_BYTES_MAX)
		return -ERR_RANGE;
	if ((i = members_find_id(&m->ms, &id)) == MEMBER_NONE) {
		if ((rc = members_add(&m->ms, &id, now)) < 0)
			return rc;
		i = (uint32_t)rc;
		addr.port = (uint16_t)port;
		m->ms.m[i].addr = addr;
		members_set_text(&m->ms, i, name, name_len, meta, meta_len);
		swim_added(m, i);
	}
	m->ms.m[i].roster = (uint8_t)bits;
	return 0;
}

static int
load_blob(struct mesh *m, msec now)
{
	uint64_t version, count;
	struct mp r;
	uint32_t n;
	int rc;

	mp_init(&r, m->conf.saved.roster, m->conf.saved.roster_bytes, 2);
	if ((rc = mp_array(&r, &n)) < 0)
		return rc;
	if (n < 4)
		return -ERR_MALFORMED;
	if ((rc = mp_uint_max(&r, BLOB_VERSION, &version)) < 0 ||
	    (rc = mp_uint_max(&r, INT64_MAX, &m->roster.id.term)) < 0 ||
	    (rc = mp_uint_max(&r, INT64_MAX, &m->roster.id.version)) < 0 ||
	    (rc = mp_uint_max(&r, n - 4, &count)) < 0)
		return rc;
	for (uint64_t k = 0; k < count; k++)
		if ((rc = load_entry(m, now, &r)) < 0)
			return rc;
	if ((rc = mp_end(&r)) == 0)
		recount(m);
	return rc;
}

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
	return m->conf.saved.roster_bytes > 0 ? load_blob(m, now) : 0;
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
	m->ms.m[0].roster = MEMBER_VOTES;
	m->roster.id.version = 1;
	recount(m);
}
