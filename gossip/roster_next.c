/*
 * roster_next.c - the roster that a beat names, made here out of what is held.
 *
 *	after what is held      what the beat names may be
 *	HELD                    the same entries under a later id: a leader's first stamp
 *	CONCLUDED               of a joint one its new set alone
 *	PROPOSED                that, and a change as this node would make it: with a vote
 *	                        for all who are up, without those who left or leave
 *	DONE                    that change, concluded
 *
 * In a mesh of thousands a roster is a hundred kilobytes, and to hand one to each node
 * is half a gigabyte for a single newcomer.  But where tables agree, who is to get a
 * vote is no news.  Whose table is behind tries again when it has moved; who has waited
 * in vain, or would be left out, fetches (roster_fetch.c).
 *
 * Why a guess is as good as what is fetched: a node takes nothing but the very set that
 * its leader's beat names, under the id that it names.  The hash there is cryptographic,
 * over every entry in order (roster_sum), and comes under the key of these two.  So
 * how the entries were found is of no weight: a table that somebody lied into can only
 * fail to match.  That the beat may name it is roster_sign.c's to judge, before.  What the echo then says, that this roster is stored, is as true.
 */
#include "inner.h"

enum after { HELD, CONCLUDED, PROPOSED, DONE };

/* How a member votes. */
struct ballot {
	uint8_t roster;
	struct ballot_weight weight;
};

static struct ballot
concluded(struct ballot b)
{
	b.weight.old = b.weight.new;
	b.weight.tie = (b.weight.tie & MEMBER_NEW) != 0 ? MEMBER_VOTES : 0;
	b.roster = (b.roster & MEMBER_NEW) != 0 ? MEMBER_VOTES : 0;
	return b;
}

static struct ballot
proposed(const struct mesh *m, uint32_t i, struct ballot b)
{
	struct ballot_weight w = quorum_weight(m, i);
	bool wanted = roster_wanted(m, i, b.roster != 0);

	b.roster = (uint8_t)((b.roster != 0 ? MEMBER_OLD : 0) | (wanted ? MEMBER_NEW : 0));
	b.weight.new = wanted ? w.new : 0;
	b.weight.tie = (uint8_t)((b.weight.tie & MEMBER_OLD) | (wanted ? w.tie & MEMBER_NEW : 0));
	return b;
}

static struct ballot
ballot_after(const struct mesh *m, uint32_t i, enum after k)
{
	struct ballot b = {.roster = m->ms.m[i].roster, .weight = m->ms.m[i].weight};

	if (k >= CONCLUDED)
		b = concluded(b);
	if (k >= PROPOSED)
		b = proposed(m, i, b);
	return k == DONE ? concluded(b) : b;
}

/* Its hash; and its entries, where there is a place for them. */
static uint64_t
hash_after(const struct mesh *m, enum after k, uint8_t *bytes, uint32_t *entries)
{
	struct roster_sum sum = {.crypto = &m->conf.crypto};
	uint8_t entry[ROSTER_ENTRY_BYTES];

	for (uint32_t j = 0; j < m->ms.count; j++) {
		uint32_t i = m->ms.order[j];
		struct ballot b = ballot_after(m, i, k);

		if (b.roster == 0)
			continue;
		roster_entry(entry, &m->ms.m[i].id, b.roster, &b.weight);
		roster_sum_add(&sum, entry);
		if (bytes != NULL)
			memcpy(bytes + (size_t)(*entries)++ * ROSTER_ENTRY_BYTES, entry, sizeof entry);
	}
	return roster_sum_end(&sum);
}

/* Of what is held now, at once: a leader's own step. */
static void
put(struct mesh *m, enum after k)
{
	for (uint32_t i = 0; i < m->ms.count; i++) {
		struct ballot b = ballot_after(m, i, k);

		m->ms.m[i].roster = b.roster;
		m->ms.m[i].weight = b.weight;
	}
}

void
roster_conclude(struct mesh *m)
{
	put(m, CONCLUDED);
}

void
roster_propose(struct mesh *m)
{
	put(m, PROPOSED);
}

/* Not one that leaves this node out, nor one that its maker is not in. */
static bool
is_next(const struct mesh *m, enum after k, uint64_t hash)
{
	const struct roster_named *named = &m->roster.named;
	struct node_id signer;
	uint32_t i;

	if (m->ms.m[0].roster != 0 && ballot_after(m, 0, k).roster == 0)
		return false;
	if (named->is_signed) {
		roster_signer(m, named->sign, &signer);
		i = members_find_id(&m->ms, &signer);
		if (i == MEMBER_NONE || ballot_after(m, i, k).roster == 0)
			return false;
	}
	return hash_after(m, k, NULL, NULL) == hash;
}

bool
roster_next(struct mesh *m, msec now, uint32_t from, const struct packet *p)
{
	struct roster *ro = &m->roster;
	enum after k = ro->n.all == 0 ? DONE : ro->joint ? CONCLUDED : PROPOSED;
	const uint8_t *sign = ro->named.is_signed ? ro->named.sign : NULL;

	if (m->elect.role == MESH_LEADER || m->elect.leader != from || leave_holds(m, &p->roster))
		return false;
	if (ro->n.all > 0 && p->hash == ro->hash) {
		roster_taken(m, now, &p->roster, sign);
		return true;
	}
	if (ro->tried == p->hash && ro->tried_at == m->ms.changes)
		return false; /* nothing moved since */
	while (k <= DONE && !is_next(m, k, p->hash))
		k++;
	ro->tried = p->hash;
	ro->tried_at = m->ms.changes;
	if (k > DONE)
		return false;
	/* All from what was held, as its hash was made: whether somebody's token is used up
	 * goes by who else has a vote. */
	ro->fetch_entries = 0;
	hash_after(m, k, ro->fetch_bytes, &ro->fetch_entries);
	roster_votes(m);
	roster_taken(m, now, &p->roster, sign);
	return true;
}
