/*
 * known.c - what a node answers about the mesh: its side, its members, the
 * schedules it heard of.  Reads only.
 */
#include "inner.h"

static void
add_parent(struct mesh_parent *out, size_t *n, size_t cap, const struct head *h,
    const struct node_id *holder)
{
	size_t at = *n;

	if (h->stamp.term == 0)
		return;
	for (size_t i = 0; i < *n; i++)
		if (stamp_cmp(&out[i].stamp, &h->stamp) == 0 && hash_eq(&out[i].hash, &h->hash))
			return;
	while (at > 0 && stamp_cmp(&out[at - 1].stamp, &h->stamp) < 0)
		at--;
	if (at >= cap)
		return;
	if (*n < cap)
		(*n)++;
	memmove(out + at + 1, out + at, (*n - 1 - at) * sizeof *out);
	out[at] = (struct mesh_parent){.stamp = h->stamp, .hash = h->hash, .holder = *holder};
}

size_t
mesh_parents(const struct mesh *m, struct mesh_parent *out, size_t cap)
{
	struct head own = {.stamp = m->saved.applied, .hash = m->saved.applied_hash};
	size_t n = 0;

	add_parent(out, &n, cap, &own, &m->ms.m[0].id);
	for (uint32_t i = 1; i < m->ms.count; i++)
		if (member_up(&m->ms.m[i]) || i == m->elect.yielded)
			add_parent(out, &n, cap, &m->ms.reports[i].applied, &m->ms.m[i].id);
	return n;
}

bool
mesh_issued(const struct mesh *m, struct mesh_parent *out)
{
	const struct elect *e = &m->elect;

	if (e->leader == MEMBER_NONE || e->issued.stamp.term == 0)
		return false;
	*out = (struct mesh_parent){.stamp = e->issued.stamp, .hash = e->issued.hash,
	    .holder = m->ms.m[e->leader].id};
	return true;
}

/* Who leads, without counting heads: cheap enough for every tick. */
void
known_side(const struct mesh *m, msec now, struct mesh_side *out)
{
	const struct elect *e = &m->elect;

	*out = (struct mesh_side){.role = e->role, .member = m->member, .term = m->saved.term,
	    .since = m->side.since};
	if (m->left || !m->member)
		return;
	if (e->role == MESH_LEADER) {
		out->has_leader = true;
		out->leader = m->ms.m[0].id;
		out->term = e->ballot_term;
		out->grade = lead_grade(m, now);
		out->lease_until = out->grade != MESH_GRADE_NONE ? lead_until(m, now) : 0;
	} else if (e->leader != MEMBER_NONE && now < e->promise_until) {
		out->has_leader = true;
		out->leader = m->ms.m[e->leader].id;
		out->term = e->ballot_term;
		out->grade = (enum mesh_grade)e->grade;
	}
}

/* Given up by nobody yet, and here only by a word that grows old.  Who has a leader asks
 * others too before it doubts; who has none sees what it sees. */
static bool
is_unheard(const struct mesh *m, uint32_t i)
{
	const struct member *x = &m->ms.m[i];

	return i != 0 && member_up(x) &&
	    (x->state == MESH_SUSPECT || (!m->side.has_leader && !relay_near(m, i)));
}

void
mesh_side(const struct mesh *m, msec now, struct mesh_side *out)
{
	known_side(m, now, out);
	for (uint32_t i = 0; i < m->ms.count; i++) {
		const struct member *x = &m->ms.m[i];

		if ((x->roster & MEMBER_NEW) == 0)
			continue;
		out->known++;
		out->known_weight += x->weight.new;
		if (!member_up(x))
			continue;
		out->visible++;
		out->visible_weight += x->weight.new;
		if (!is_unheard(m, i))
			continue;
		out->unheard++;
		out->unheard_weight += x->weight.new;
	}
}

static void
describe(const struct mesh *m, uint32_t i, struct mesh_member *out)
{
	const struct member *x = &m->ms.m[i];
	const struct member_report *r = &m->ms.reports[i];
	const struct elect *e = &m->elect;
	const struct pair *pair = members_pair(&m->ms, i);
	struct mesh_came came;

	*out = (struct mesh_member){.id = x->id, .addr = x->addr, .meta_bytes = x->meta_len,
	    .state = (enum mesh_state)x->state, .self = i == 0, .leader = e->leader == i,
	    .evicted = i == 0 ? m->ms.evict.self : x->evicted,
	    .unstable = member_unstable(&m->ms, i, m->ticked) || dark_blocked(m, i),
	    .udp_blocked = dark_blocked(m, i),
	    .answers = i == 0 || (member_up(x) && relay_near(m, i)), .unheard = is_unheard(m, i),
	    .in_roster = (x->roster & MEMBER_NEW) != 0, .generation = x->generation,
	    .going = going_kind(x), .draining = going_drains(x), .wait_until = going_wait_until(x),
	    .since = x->since, .seen = x->seen, .rtt_ms = x->rtt_ms, .reported = r->reported ? r->at : MSEC_NEVER,
	    .applied = r->applied.stamp, .summary = x->summary,
	    .has_summary = i == 0 ? m->report.summary_set : x->summary_count != 0};
	memcpy(out->name, members_name(&m->ms, i), x->name_len);
	out->certified = m->ms.certs != NULL;
	if (mesh_came(m, &x->id, &came))
		memcpy(out->zone, came.zone, sizeof out->zone);
	out->entry = (enum mesh_entry)x->entry;
	if (x->forgotten)
		out->state = MESH_LEFT;
	if (pair != NULL) {
		out->foreign = pair->foreign;
		out->wire = pair->wire;
		out->profile_known = pair->since != 0 && !pair->foreign;
		out->profile = pair->wire.features & WIRE_PROFILE_MASK;
	}
	if (x->meta_len > 0)
		memcpy(out->meta, members_meta(&m->ms, i), x->meta_len);
	if (i == 0) {
		out->wire = m->conf.wire;
		out->profile_known = true;
		out->profile = m->conf.profile;
		out->applied = m->saved.applied;
		out->summary = m->report.summary;
		out->rtt_ms = 0;
		out->seen = m->ticked;
	}
}

bool
mesh_member(const struct mesh *m, uint32_t index, struct mesh_member *out)
{
	if (index >= m->ms.count)
		return false;
	describe(m, m->ms.order[index], out);
	return true;
}

bool
mesh_find(const struct mesh *m, const struct node_id *id, struct mesh_member *out)
{
	uint32_t i = members_find_id(&m->ms, id);

	if (i == MEMBER_NONE)
		return false;
	describe(m, i, out);
	return true;
}

uint32_t
mesh_count(const struct mesh *m)
{
	return m->ms.count;
}

bool
mesh_evicted(const struct mesh *m)
{
	return m->ms.evict.self;
}

uint64_t
mesh_changes(const struct mesh *m)
{
	return m->changes;
}

void
mesh_stats(const struct mesh *m, struct mesh_stats *out)
{
	*out = m->stats;
}
