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
 * Newcomers of a crowd come in crowds, and each change costs all of them: there one
 * waits until for a moment nobody new came, though not for ever.
 *
 * roster_next.c and roster_fetch.c are how the others come to it, roster_recall.c how
 * who lost it; roster_sum.c is its hash, roster_sign.c whose word it is, roster_disk.c how
 * it lies on disk.
 */
#include "inner.h"

#include <stdlib.h>

enum {
	CHANGE_MS = 1000,
	CHANGE_EACH_MS = 10,
	QUIET_MS = 300,
	QUIET_WAIT_MS = 5000,
	ENTRY_BLOB_MAX = 330 + CERT_BYTES_MAX + 3,
};

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
	struct roster_sum sum = {.crypto = &m->conf.crypto};
	uint8_t entry[ROSTER_ENTRY_BYTES];

	ro->n = (struct tally){0};
	ro->joint = false;
	for (uint32_t k = 0; k < m->ms.count; k++) {
		const struct member *x = &m->ms.m[m->ms.order[k]];

		if (x->roster == 0)
			continue;
		tally_add(&ro->n, x);
		ro->joint = ro->joint || x->roster != MEMBER_VOTES || reweighed(x);
		roster_entry(entry, &x->id, x->roster, &x->weight);
		roster_sum_add(&sum, entry);
	}
	ro->hash = roster_sum_end(&sum);
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
	struct roster_id parent = ro->id;
	uint64_t was = ro->hash;

	ro->id.term = m->elect.ballot_term;
	ro->id.version = ro->seen_version + 1;
	roster_recount(m);
	roster_sign(m, &parent, was);
	/* Rounds counted under the old sets say nothing about the new ones;
	 * the lease already earned stands (see the essay of elect.c). */
	memset(m->elect.rounds, 0, sizeof m->elect.rounds);
	trace(m, now, ro->joint ? "roster joint" : "roster", MEMBER_NONE, ro->id.version);
}

/* --- the leader changes it ----------------------------------------------------- */

/* Every change costs everybody a save, and some a fetch: the more they are, the more
 * wait for one. */
static msec
change_gap(const struct mesh *m)
{
	return msec_min(CHANGE_MS, CHANGE_EACH_MS * (msec)m->roster.n.all);
}

void
roster_left(struct mesh *m, uint32_t i)
{
	if (m->ms.m[i].roster == 0 || going_kind(&m->ms.m[i]) != MESH_LEAVING)
		return; /* who goes at once has its vote still */
	if (roster_cmp(&m->ms.votes[i].gone, &m->roster.id) == 0)
		return; /* again, in another life: nobody makes all write for each of those */
	m->ms.votes[i].gone = m->roster.id;
	m->roster.blob_stale = m->must_save = true;
}

bool
roster_spent(const struct mesh *m, uint32_t i)
{
	const struct roster_id *gone = &m->ms.votes[i].gone;

	return gone->version != 0 && roster_cmp(&m->roster.id, gone) <= 0;
}

static bool
stored(const struct mesh *m)
{
	struct tally t = {0};

	tally_add(&t, &m->ms.m[0]);
	for (uint32_t i = 1; i < m->ms.count; i++)
		if (!roster_spent(m, i) && roster_cmp(&m->ms.votes[i].stored, &m->roster.id) == 0)
			tally_add(&t, &m->ms.m[i]);
	/* Never a mere side of `any`: it may propose, but a roster that only a
	 * part of the old one stored could make two full sides. */
	return quorum_full(m, &t);
}

/* Is it here, by more than a rumour?  That alone gives nobody a vote. */
static bool
heard(const struct mesh *m, uint32_t i)
{
	const struct member *x = &m->ms.m[i];

	return i == 0 || (x->seen != MSEC_NEVER && keys_newest(m, x->spoke));
}

bool
roster_wanted(const struct mesh *m, uint32_t i, bool votes)
{
	const struct member *x = &m->ms.m[i];

	/* A leader that leaves stays where nobody else can lead. */
	if (going_kind(x) == MESH_LEAVING && !(i == 0 && going_may_lead(m)))
		return false;
	if (votes)
		return x->state != MESH_LEFT;
	return member_up(x) && x->name_len > 0 && (m->elect.role != MESH_LEADER || heard(m, i)) &&
	    admit_vote(m, i) == MESH_ENTRY_OK;
}

static bool
wanted(const struct mesh *m, uint32_t i)
{
	return roster_wanted(m, i, m->ms.m[i].roster != 0);
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

/* In a crowd: did nobody new come for a moment? */
static bool
quiet(struct mesh *m, msec now)
{
	struct roster *ro = &m->roster;
	uint32_t came = 0;

	if (!roster_crowd(m))
		return true;
	for (uint32_t i = 0; i < m->ms.count; i++)
		came += m->ms.m[i].roster == 0 && wanted(m, i);
	if (ro->waits == 0)
		ro->waits_since = now;
	if (came != ro->waits)
		ro->quiet_since = now;
	ro->waits = came;
	return came == 0 || now - ro->quiet_since >= pace(m, QUIET_MS) ||
	    now - ro->waits_since >= pace(m, QUIET_WAIT_MS);
}

/* By somebody who can be asked: a full leader's quorum proves that what a dead
 * elector alone may know is not in force.  What was refused is nobody's. */
static bool
overtaken(const struct mesh *m)
{
	for (uint32_t i = 1; i < m->ms.count; i++)
		if (m->ms.m[i].roster != 0 && member_up(&m->ms.m[i]) &&
		    roster_cmp(&m->ms.votes[i].stored, &m->roster.id) > 0 &&
		    roster_cmp(&m->ms.votes[i].stored, &m->roster.refused) != 0)
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
		lead_resign(m, now, m->ms.m[best].short_id, 0);
}

/* One step of a change; false when there is none to make, or not yet. */
static bool
step(struct mesh *m, msec now)
{
	struct roster *ro = &m->roster;
	bool mine = ro->id.term == m->elect.ballot_term;

	if (!ro->joint && !ro->foreign && ro->is_signed && !change_wanted(m))
		return false;
	if (!m->elect.by_quorum) { /* one that is */
		if (m->elect.wish_term <= m->elect.ballot_term)
			m->elect.wish_term = m->elect.ballot_term + 1;
		return false;
	}
	if (!mine || ro->foreign || !ro->is_signed) {
		ro->foreign = false;
	} else if (!stored(m)) {
		return false;
	} else if (ro->joint) {
		roster_conclude(m);
		ro->change_at = now + change_gap(m);
	} else if (quiet(m, now) && change_possible(m)) {
		roster_propose(m);
		ro->waits = 0;
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
		roster_fetch(m, now, from, &v->stored, 0);
	if (x->roster != 0 && cmp == 0 && !had && (ro->joint || change_wanted(m)) && stored(m))
		m->elect.beat_at = now;
}

/* --- verbs ------------------------------------------------------------------------ */

int
roster_init(struct mesh *m, msec now)
{
	struct roster *ro = &m->roster;

	ro->blob_cap = (size_t)m->conf.members_max * ENTRY_BLOB_MAX + ROSTER_SIGN_BYTES + 64;
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
	roster_sign(m, &(struct roster_id){0}, 0);
}
