/*
 * check_roster.c - what must hold of rosters on disks, by name.
 *
 *	roster-one-set		one id, one set of votes, in whatever way a node came to it
 *
 * Asked of each roster that is written anywhere.  The sum here knows nothing of the one
 * in gossip/roster_sum.c.
 */
#include "sim.h"

#include <stdlib.h>

enum { SETS = 256 }; /* the latest of each place */

struct sim_set {
	struct roster_id id;
	uint64_t sum;
};

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

	if (id.version == 0 || roster_cmp(&id, &s->node[i].done_roster) == 0)
		return;
	if (s->sets == NULL)
		s->sets = sim_must(calloc(SETS, sizeof *s->sets));
	set = &s->sets[prng_mix(id.term ^ id.version << 40) % SETS];
	sum = sum_of(m);
	if (roster_cmp(&set->id, &id) == 0 && set->sum != sum)
		check_break(s, "roster-one-set", i, id.term, id.version);
	*set = (struct sim_set){.id = id, .sum = sum};
}
