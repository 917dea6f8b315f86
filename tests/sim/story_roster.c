/*
 * story_roster.c - a member with a vote has gone bad, and offers a roster of its own making:
 * first to who lost its disk and asks around, in its own name; then to the leader, as an
 * elector that knows a later one, in a name it can't sign in.
 *
 * The machine is the daemon's, the lie is put into its bytes where the linker lets the
 * world in (--wrap).
 */
#include "story.h"

enum { LIES = 3 * SECOND, TRIALS = 3, LATER = 7 };

static struct lie {
	const struct mesh *by; /* NULL: nobody lies */
	uint64_t kind; /* of the packets that name it */
	struct roster_id id;
	uint64_t hash;
	uint32_t count;
	uint8_t entries[ROSTER_CHUNK * ROSTER_ENTRY_BYTES], sign[ROSTER_SIGN_BYTES];
} lie;
static const struct mesh *speaks;

void
liar_speaks(const struct mesh *m)
{
	speaks = m;
}

struct packet
liar_says(const struct packet *p)
{
	struct packet q = *p;

	if (lie.by == NULL || speaks != lie.by)
		return q;
	if (p->kind == lie.kind) {
		q.roster = lie.id;
		if (p->kind == PACKET_PREVOTED)
			q.hash = lie.hash;
	} else if (p->kind == PACKET_ROSTER) {
		q.roster = lie.id;
		q.index = 0;
		q.count = lie.count;
		q.bytes = lie.entries;
		q.bytes_len = lie.count * (size_t)ROSTER_ENTRY_BYTES;
		q.sign = lie.sign;
	}
	return q;
}

int __real_roster_recv(struct mesh *m, msec now, uint32_t from, const struct packet *p);
int __wrap_roster_recv(struct mesh *m, msec now, uint32_t from, const struct packet *p);

/* Asked for what it named, it hands that out. */
int
__wrap_roster_recv(struct mesh *m, msec now, uint32_t from, const struct packet *p)
{
	if (m == lie.by && p->kind == PACKET_ROSTER_ASK && roster_cmp(&p->roster, &lie.id) == 0) {
		out_roster(m, from, 0);
		return 0;
	}
	return __real_roster_recv(m, now, from, p);
}

/* All who have a vote, and each vote is another. */
static void
make_up(struct mesh *m, uint64_t kind)
{
	struct roster was = m->roster;
	struct roster_sum sum = {.crypto = &m->conf.crypto};

	lie = (struct lie){.by = m, .kind = kind, .id = {was.id.term, was.id.version + LATER}};
	for (uint32_t k = 0; k < m->ms.count && lie.count < ROSTER_CHUNK; k++) {
		const struct member *x = &m->ms.m[m->ms.order[k]];
		uint8_t *entry = lie.entries + lie.count * ROSTER_ENTRY_BYTES;

		if (x->roster == 0)
			continue;
		roster_entry(entry, &x->id, MEMBER_VOTES, &(struct ballot_weight){9, 9, 0});
		roster_sum_add(&sum, entry);
		lie.count++;
	}
	lie.hash = roster_sum_end(&sum);
	m->roster.id = lie.id;
	m->roster.hash = lie.hash;
	roster_sign(m, &was.id, was.hash);
	memcpy(lie.sign, m->roster.sign, ROSTER_SIGN_BYTES);
	m->roster = was;
}

static bool
lies_for(struct sim *s, uint32_t liar, uint64_t kind)
{
	bool went;

	make_up(s->node[liar].mesh, kind);
	lie.sign[ROSTER_SIGN_BYTES - 1] ^= kind == PACKET_ECHO;
	went = sim_run(s, s->now + LIES);
	lie.by = NULL;
	return went;
}

bool
story_roster(struct sim *s, struct sim_stats *st)
{
	lie.by = NULL;
	if (!story_whole(s, NULL))
		return false;
	for (uint32_t k = 0; k < TRIALS; k++) {
		uint32_t liar = story_other(s), victim = story_other(s);

		if (victim == liar || victim == 0)
			continue; /* 0 is the others' seed */
		fault_disk(s, FAULT_lost, victim, INT64_MAX, 0);
		if (!sim_run(s, s->now + SECOND))
			return false;
		stats_add(st, "lost:count", s->node[victim].done_roster.version == 0);
		node_start(s, victim);
		if (!lies_for(s, liar, PACKET_PREVOTED) || !story_whole(s, NULL))
			return false;
		if (!lies_for(s, liar, PACKET_ECHO) || !story_whole(s, NULL))
			return false;
	}
	return true;
}
