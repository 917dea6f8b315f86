/*
 * roster_fetch.c - how a roster comes to whoever lacks it, and can't make it
 * (roster_next.c).
 *
 *	ROSTER_ASK  id, i        yours from chunk i on, if it is that one
 *	ROSTER      id, i, n     chunk i of n entries, 48 in each; with the first who made it
 *
 * The roster's id and hash ride in every beat; who lacks it asks the leader, and gets it
 * in chunks; its next echo says that it is stored (the caller saves before it polls, so
 * an echo that left is on disk).
 *
 * In a mesh of thousands one node's line is too thin: 5,000 times 105 chunks take a
 * leader minutes.  There almost everybody asks two others at random, and has it as
 * soon as they: with each beat twice or three times as many hold it.  The leader serves
 * a few at a time, so that these soon serve others.  Who holds the roster before waits
 * some beats first: most often the change can be made out of the table.
 *
 * What others hand out is nobody's word: it is taken as a whole, and only if its hash is
 * the one that the leader's beat names, which nobody can make other entries to
 * (roster_sum.c).  When it is not, the leader alone is asked for it.  A roster that no
 * beat names (the sender of an echo holds it) comes from that node alone.  Either way it
 * is the word of who made it (roster_sign.h), and counts only if that one may make it.
 */
#include "inner.h"

enum {
	ASK_MS = 300,
	AGAIN_MS = 5000,
	NEWS_MS = 2000,	   /* until those who came are known to all */
	LEADER_SHARE = 32, /* of so many who ask one asks the leader */
};

bool
roster_crowd(const struct mesh *m)
{
	return mesh_up(m) > LEASE_BIG_ELECTORS;
}

/* Entries index*ROSTER_CHUNK.. of the roster in id order; how many.  One chunk after the
 * other is found where the last one ended. */
uint32_t
roster_chunk(const struct mesh *m, uint32_t index, struct roster_place *at, uint8_t *out)
{
	uint32_t skip = 0, n = 0;

	if (at->index != index || at->changes != m->ms.changes) {
		*at = (struct roster_place){.changes = m->ms.changes};
		skip = index * ROSTER_CHUNK;
	}
	for (; at->next < m->ms.count && n < ROSTER_CHUNK; at->next++) {
		const struct member *x = &m->ms.m[m->ms.order[at->next]];

		if (x->roster == 0)
			continue;
		if (skip > 0) {
			skip--;
			continue;
		}
		roster_entry(out + n++ * ROSTER_ENTRY_BYTES, &x->id, x->roster, &x->weight);
	}
	at->index = index + 1;
	return n;
}

/* What came counts no more. */
static void
fetch_again(struct roster *ro)
{
	ro->fetch_chunks = ro->fetch_count = ro->fetch_counted = ro->fetch_entries = 0;
	memset(ro->fetch_have, 0, sizeof ro->fetch_have);
}

static void
fetch_start(struct roster *ro, const struct roster_id *id)
{
	ro->fetch = *id;
	fetch_again(ro);
	memset(ro->fetch_peers, 0, sizeof ro->fetch_peers);
	ro->fetch_distrust = ro->fetch_signed = false;
	ro->ask_at = 0;
}

static void
ask(struct mesh *m)
{
	struct roster *ro = &m->roster;
	uint32_t missing = 0;

	while (missing < ro->fetch_chunks && (ro->fetch_have[missing / 8] >> missing % 8 & 1) != 0)
		missing++;
	if (ro->fetch_hash == 0 || ro->fetch_distrust || !roster_crowd(m)) {
		out_to(m, PACKET_ROSTER_ASK, ro->fetch_from, missing, 0, 0);
		return;
	}
	if (ro->fetch_count != ro->fetch_counted) { /* it is coming */
		ro->fetch_counted = ro->fetch_count;
		return;
	}
	if (prng_below(&m->rng, LEADER_SHARE) == 0)
		out_to(m, PACKET_ROSTER_ASK, ro->fetch_from, missing, 0, 0);
	for (size_t k = 0; k < ROSTER_PEERS; k++) {
		uint32_t i = swim_random_up(m, ro->fetch_from);

		ro->fetch_peers[k] = i == MEMBER_NONE ? 0 : (uint16_t)i;
		out_to(m, PACKET_ROSTER_ASK, ro->fetch_peers[k], missing, 0, 0);
	}
}

/* hash: as my leader's beat names it; 0 = from holds it, and says no more. */
void
roster_fetch(struct mesh *m, msec now, uint32_t from, const struct roster_id *id, uint64_t hash)
{
	struct roster *ro = &m->roster;

	if (now < ro->pause_until || leave_holds(m, id))
		return;
	if (roster_cmp(id, &ro->fetch) != 0 || ro->fetch_from != from || ro->fetch_hash != hash) {
		fetch_start(ro, id);
		if (hash != 0 && ro->n.all > 0 && roster_crowd(m))
			ro->ask_at = now + pace(m, NEWS_MS);
	}
	ro->fetch_from = (uint16_t)from;
	ro->fetch_hash = hash;
	if (now < ro->ask_at)
		return;
	ro->ask_at = now + pace(m, ASK_MS);
	ask(m);
}

void
roster_told(struct mesh *m, msec now, uint32_t from, const struct packet *p)
{
	recall_told(m, now, from, p);
	if (m->roster.n.all == 0 && p->roster.version > 0 && recall_agreed(m, now, &p->roster, p->hash))
		roster_fetch(m, now, from, &p->roster, p->hash);
	leave_told(m, now, from, &p->roster);
}

/* Is who made it no stranger here, or told by another too? */
static bool
believed(struct mesh *m, msec now, uint32_t from, const struct packet *p)
{
	struct node_id signer;
	uint32_t i = MEMBER_NONE;

	if (p->sign != NULL) {
		roster_signer(m, p->sign, &signer);
		i = members_find_id(&m->ms, &signer);
	}
	if (m->roster.n.all > 0 && (p->sign == NULL || (i != MEMBER_NONE && m->ms.m[i].roster != 0)))
		return true;
	recall_heard(m, now, from, p);
	return recall_agreed(m, now, &p->roster, p->hash);
}

/* May it be taken, from whoever has it?  Asked once for each that a beat names. */
static bool
named(struct mesh *m, msec now, uint32_t from, const struct packet *p)
{
	struct roster_named *x = &m->roster.named;
	int rc;

	if (x->id.version > 0 && roster_cmp(&x->id, &p->roster) == 0 && x->hash == p->hash)
		return true;
	if ((rc = roster_judge(m, now, from, &p->roster, p->hash, p->sign)) < 0) {
		m->stats.dropped[-rc]++;
		return false;
	}
	if (!believed(m, now, from, p))
		return false;
	*x = (struct roster_named){.id = p->roster, .hash = p->hash, .is_signed = p->sign != NULL};
	if (p->sign != NULL)
		memcpy(x->sign, p->sign, ROSTER_SIGN_BYTES);
	return true;
}

/* The one held was taken before anybody signed it, or its signature is on no disk. */
static void
signed_now(struct mesh *m, msec now, uint32_t from, const struct packet *p)
{
	struct roster *ro = &m->roster;
	int rc;

	if (ro->is_signed || p->sign == NULL)
		return;
	if ((rc = roster_judge(m, now, from, &p->roster, p->hash, p->sign)) < 0) {
		m->stats.dropped[-rc]++;
		return;
	}
	memcpy(ro->sign, p->sign, ROSTER_SIGN_BYTES);
	ro->is_signed = ro->blob_stale = m->must_save = true;
}

bool
roster_is_other(const struct mesh *m, const struct packet *beat)
{
	return roster_cmp(&beat->roster, &m->roster.id) == 0 && beat->hash != m->roster.hash;
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
	if (cmp == 0 && p->hash == ro->hash)
		signed_now(m, now, from, p);
	if (p->roster.version == 0 || cmp < 0 || (cmp == 0 && p->hash == ro->hash))
		return;
	if (!named(m, now, from, p))
		return;
	if (cmp > 0 && roster_next(m, now, from, p))
		return;
	roster_fetch(m, now, from, &p->roster, p->hash);
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
			lead_resign(m, now, m->ms.m[i].short_id, 0);
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
roster_taken(struct mesh *m, msec now, const struct roster_id *id, const uint8_t *sign)
{
	struct roster *ro = &m->roster;
	struct elect *e = &m->elect;

	ro->id = *id;
	ro->is_signed = sign != NULL;
	if (sign != NULL)
		memcpy(ro->sign, sign, ROSTER_SIGN_BYTES);
	recall_over(m);
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

/* The votes of all as the entries say, whose owners are in the table. */
void
roster_votes(struct mesh *m)
{
	const struct roster *ro = &m->roster;

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
}

/* What came is what the beat named; else it is nobody's, and the leader's own is asked for. */
static bool
matches(struct roster *ro, const struct crypto *c)
{
	struct roster_sum sum = {.crypto = c};

	if (ro->fetch_hash == 0)
		return true;
	for (uint32_t k = 0; k < ro->fetch_entries; k++)
		roster_sum_add(&sum, ro->fetch_bytes + (size_t)k * ROSTER_ENTRY_BYTES);
	if (roster_sum_end(&sum) == ro->fetch_hash)
		return true;
	fetch_again(ro);
	ro->fetch_distrust = true;
	ro->ask_at = 0;
	return false;
}

/* Whose word is it?  NULL: nobody's, as before rosters were signed.  -ERR_AUTH,
 * -ERR_RANGE, -ERR_NO_VOTE: of who may not. */
static int
made_by(struct mesh *m, msec now, const uint8_t **sign)
{
	const struct roster *ro = &m->roster;
	const struct roster_named *x = &ro->named;
	struct roster_sum sum = {.crypto = &m->conf.crypto};
	struct node_id signer;
	uint64_t hash;
	int rc;

	for (uint32_t k = 0; k < ro->fetch_entries; k++)
		roster_sum_add(&sum, ro->fetch_bytes + (size_t)k * ROSTER_ENTRY_BYTES);
	hash = roster_sum_end(&sum);
	if (x->id.version > 0 && roster_cmp(&x->id, &ro->fetch) == 0 && x->hash == hash) {
		*sign = x->is_signed ? x->sign : NULL;
	} else {
		*sign = ro->fetch_signed ? ro->fetch_sign : NULL;
		if ((rc = roster_judge(m, now, ro->fetch_from, &ro->fetch, hash, *sign)) < 0)
			return rc;
	}
	if (*sign == NULL)
		return 0;
	roster_signer(m, *sign, &signer);
	for (uint32_t k = 0; k < ro->fetch_entries; k++)
		if (memcmp(ro->fetch_bytes + k * ROSTER_ENTRY_BYTES, signer.b, ID_BYTES) == 0)
			return 0;
	return roster_refuse(m, now, ro->fetch_from, &ro->fetch, -ERR_NO_VOTE);
}

/* Nobody's word: perhaps who told of it does better; if that was him, there is some later. */
static void
distrust(struct roster *ro, msec now)
{
	if (ro->fetch_distrust || ro->fetch_hash == 0) {
		fetch_start(ro, &(struct roster_id){0});
		ro->pause_until = now + AGAIN_MS;
		return;
	}
	fetch_again(ro);
	ro->fetch_distrust = true;
	ro->fetch_signed = false;
	ro->ask_at = 0;
}

static int
fetched(struct mesh *m, msec now)
{
	struct roster *ro = &m->roster;
	struct elect *e = &m->elect;
	const uint8_t *sign;
	int rc;

	if (!matches(ro, &m->conf.crypto))
		return -ERR_AUTH;
	if ((rc = made_by(m, now, &sign)) < 0) {
		distrust(ro, now);
		return rc;
	}
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
	roster_votes(m);
	evict_mark_all(m, now);
	roster_taken(m, now, &ro->fetch, sign);
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
		ro->fetch_distrust = ro->fetch_distrust || ro->fetch_count > 0;
		fetch_again(ro);
		ro->fetch_entries = entries;
		ro->fetch_chunks = chunks;
	}
	if ((ro->fetch_have[index / 8] >> index % 8 & 1) != 0)
		return 0;
	if (p->sign != NULL) {
		memcpy(ro->fetch_sign, p->sign, ROSTER_SIGN_BYTES);
		ro->fetch_signed = true;
	}
	ro->fetch_have[index / 8] |= (uint8_t)(1 << index % 8);
	memcpy(ro->fetch_bytes + (size_t)index * ROSTER_CHUNK * ROSTER_ENTRY_BYTES, p->bytes,
	    p->bytes_len);
	if (++ro->fetch_count < chunks)
		return 0;
	if ((rc = fetched(m, now)) == -ERR_FULL || rc == -ERR_IDENTITY) {
		/* No room for those it names: perhaps there is some later. */
		fetch_start(ro, &(struct roster_id){0});
		ro->pause_until = now + AGAIN_MS;
	}
	return rc;
}

/* Only my leader tells me who votes, or whom I asked; what it named may come from others. */
static bool
may_tell(const struct mesh *m, uint32_t from)
{
	const struct roster *ro = &m->roster;
	const struct elect *e = &m->elect;

	if (e->role != MESH_LEADER && e->leader != ro->fetch_from && ro->n.all > 0)
		return false;
	for (size_t k = 0; k < ROSTER_PEERS && !ro->fetch_distrust; k++)
		if (ro->fetch_hash != 0 && ro->fetch_peers[k] == from)
			return true;
	return ro->fetch_from == from;
}

int
roster_recv(struct mesh *m, msec now, uint32_t from, const struct packet *p)
{
	if (p->kind == PACKET_ROSTER_ASK) {
		if (roster_cmp(&p->roster, &m->roster.id) == 0)
			out_roster(m, from, (uint32_t)p->index);
		return 0;
	}
	return may_tell(m, from) ? chunk_came(m, now, p) : 0;
}
