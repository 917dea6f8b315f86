/*
 * story_liar.c - one member gone bad, and what the others get done all the same
 * (gossip/claim.h): it claims ever later schedules, in reports and by giving up a lead
 * that nobody heard of; and it leads itself, and announces what is above all that can be.
 */
#include "story.h"

enum { STEP = 20000, LIES = 500, PROMISED_PERCENT = 90, AFTER = 5 * SECOND };

static void
lie(struct sim *s, uint32_t bad, uint32_t leader, uint32_t k)
{
	struct mesh *b = s->node[bad].mesh, *l = s->node[leader].mesh;
	uint32_t to = members_find_id(&b->ms, &s->node[leader].id);
	uint64_t term = l->saved.term + 1000;

	s->node[bad].office.liar = true;
	if (k % 2 == 0) {
		b->saved.applied.term = term;
		report_soon(b, node_clock(s, bad));
	} else if (to != MEMBER_NONE) {
		out_to(b, PACKET_RESIGN, to, term, 0, 0);
	}
}

/* So much of the time, while it lies, somebody may issue. */
static bool
under_lies(struct sim *s, struct sim_stats *st)
{
	uint32_t bad = story_other(s), may = 0;
	struct stamp next;

	for (uint32_t k = 0; k < LIES; k++) {
		uint32_t leader = story_leader(s);

		if (leader != bad)
			lie(s, bad, leader, k);
		if (!sim_run(s, s->now + STEP))
			return false;
		leader = story_leader(s);
		may += mesh_next_stamp(s->node[leader].mesh, node_clock(s, leader), &next) == 0;
	}
	stats_add(st, "liar.issues:%", may * 100 / LIES);
	return story_bound(s, "one-liar-stops-nobody", may * 100 / LIES >= PROMISED_PERCENT);
}

/* Nobody acts on what can't be, so that the next leader's stamps are above. */
static bool
sane(const struct sim *s)
{
	for (uint32_t i = 0; i < s->conf.nodes; i++)
		if (s->node[i].mesh != NULL &&
		    s->node[i].mesh->saved.applied.term > s->node[i].mesh->saved.term)
			return false;
	return true;
}

bool
story_liar(struct sim *s, struct sim_stats *st)
{
	uint32_t bad;
	usec until;

	if (!story_whole(s, NULL) || !under_lies(s, st))
		return false;
	bad = story_leader(s);
	s->node[bad].office.liar = true;
	for (until = s->now + SECOND; s->now < until;) {
		if (s->node[bad].mesh->elect.role == MESH_LEADER)
			s->node[bad].mesh->elect.issued.stamp = (struct stamp){
			    .term = INT64_MAX - 1, .leader = s->node[bad].id, .seq = 1};
		if (!sim_run(s, s->now + STEP))
			return false;
	}
	node_crash(s, bad, s->now + 20 * AFTER); /* its lie is over: never saved */
	until = s->now;
	if (!sim_run(s, s->now + AFTER))
		return false;
	return story_bound(s, "nobody-acts-on-the-impossible", sane(s)) &&
	    story_bound(s, "somebody-issues-after-it", s->last_issue > until);
}
