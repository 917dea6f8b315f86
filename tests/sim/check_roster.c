/*
 * check_roster.c - what must hold of rosters on disks, by name.
 *
 *	roster-one-set		one id, one set of votes, in whatever way a node came to it
 *	roster-signed		its maker signed it
 *	roster-its-makers	... and wrote it first
 *
 * Asked of each roster that is written anywhere.  The sum here knows nothing of the one
 * in gossip/roster_sum.c.
 */
#include "sim.h"

#include <stdlib.h>

enum { SETS = 4096, DOMAIN = 13 };

struct sim_set {
	struct roster_id id;
	uint64_t sum;
};

/* gossip/roster_sign.h, written once more. */
static bool
is_signed(const struct mesh *m)
{
	const struct roster *ro = &m->roster;
	uint8_t b[DOMAIN + ID_BYTES + 48], sig[SIG_BYTES];

	memcpy(b, "mesh roster 0", DOMAIN);
	memcpy(b + DOMAIN, m->saved.cluster, ID_BYTES);
	for (size_t k = 0; k < 8; k++) {
		b[DOMAIN + ID_BYTES + k] = (uint8_t)(ro->id.term >> (56 - 8 * k));
		b[DOMAIN + ID_BYTES + 8 + k] = (uint8_t)(ro->id.version >> (56 - 8 * k));
		b[DOMAIN + ID_BYTES + 16 + k] = (uint8_t)(ro->hash >> (56 - 8 * k));
	}
	memcpy(b + DOMAIN + ID_BYTES + 24, ro->sign, 24);
	sim_sign_as(ro->sign + 24, sig, b, sizeof b);
	return ro->is_signed && memcmp(sig, ro->sign + 24 + KEY_BYTES, SIG_BYTES) == 0;
}

/* Its place; of as many as there may be, none is in another's. */
static struct sim_set *
place(struct sim *s, const struct roster_id *id)
{
	uint64_t k = prng_mix(id->term ^ id->version << 40);

	if (s->sets == NULL)
		s->sets = sim_must(calloc(SETS, sizeof *s->sets));
	for (uint64_t n = 0; n < SETS; n++, k++)
		if (s->sets[k % SETS].id.version == 0 || roster_cmp(&s->sets[k % SETS].id, id) == 0)
			break;
	return &s->sets[k % SETS];
}

static uint64_t
sum_of(const struct mesh *m)
{
	uint64_t sum = 0;

	for (uint32_t k = 0; k < m->ms.count; k++) {
		const struct member *x = &m->ms.m[k];
		uint64_t vote = (uint64_t)x->weight.old << 24 | (uint64_t)x->weight.new << 16 |
		    (uint64_t)x->weight.tie << 8 | x->roster;

		if (x->roster != 0)
			sum += prng_mix(x->short_id ^ prng_mix(vote));
	}
	return sum;
}

void
check_roster(struct sim *s, uint32_t i)
{
	const struct mesh *m = s->node[i].mesh;
	struct roster_id id = m->roster.id;
	struct sim_set *set;
	uint64_t sum;
	bool known, drawn;

	if (id.version == 0 || roster_cmp(&id, &s->node[i].done_roster) == 0)
		return;
	set = place(s, &id);
	known = roster_cmp(&set->id, &id) == 0;
	sum = sum_of(m);
	if (known && set->sum != sum)
		check_break(s, "roster-one-set", i, id.term, id.version);
	drawn = s->conf.settled && s->now == 0; /* settled.c signs it a moment later */
	if (!drawn && !is_signed(m))
		check_break(s, "roster-signed", i, id.term, id.version);
	else if (!drawn && !known && memcmp(m->roster.sign + 24, m->conf.pk, KEY_BYTES) != 0)
		check_break(s, "roster-its-makers", i, id.term, id.version);
	check_token(s, i);
	*set = (struct sim_set){.id = id, .sum = sum};
}
