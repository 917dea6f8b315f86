/*
 * look.c - the questions of look.h, answered from the parts' own state.
 */
#include "look.h"

enum { UNLED_MS = 10000 };

#include "inner.h"

/* Of the coming election, as elect.c ranks it: priority, then a hash of its term. */
static bool
ranks_before(const struct mesh *m, uint32_t a, uint32_t b)
{
	uint64_t salt = prng_mix(m->saved.term + 1);
	int pa = quorum_priority(m, a), pb = quorum_priority(m, b);

	if (pa != pb)
		return pa > pb;
	return prng_mix(m->ms.m[a].short_id ^ salt) < prng_mix(m->ms.m[b].short_id ^ salt);
}

static void
rank(const struct mesh *m, uint32_t leader, struct mesh_lead *out)
{
	uint32_t next[MESH_NEXT_MAX] = {0}, n = 0;

	for (uint32_t i = 0; i < m->ms.count; i++) {
		const struct member *x = &m->ms.m[i];
		uint32_t at;

		if (x->roster == 0 || x->state != MESH_ALIVE || i == leader)
			continue;
		for (at = n; at > 0 && ranks_before(m, i, next[at - 1]); at--)
			if (at < MESH_NEXT_MAX)
				next[at] = next[at - 1];
		if (at == MESH_NEXT_MAX)
			continue;
		next[at] = i;
		n += n < MESH_NEXT_MAX;
	}
	for (uint32_t k = 0; k < n; k++)
		out->next[k] = m->ms.m[next[k]].id;
	out->next_count = n;
}

void
mesh_lead(const struct mesh *m, msec now, struct mesh_lead *out)
{
	const struct elect *e = &m->elect;

	*out = (struct mesh_lead){.full_since = MSEC_NEVER};
	if (!m->member || m->left)
		return;
	rank(m, e->role == MESH_LEADER ? 0 : e->leader, out);
	if (e->promised != MEMBER_NONE && e->promise_until > now)
		out->promised_until = e->promise_until;
	if (e->role != MESH_LEADER)
		return;
	out->leads = true;
	out->by_quorum = e->by_quorum;
	if (lead_grade(m, now) == MESH_GRADE_FULL)
		out->full_since = e->full_since;
}

/* Of that very roster; what a leader itself holds is stored before it is told. */
static bool
has_stored(const struct mesh *m, uint32_t i)
{
	return i == 0 || roster_cmp(&m->ms.votes[i].stored, &m->roster.id) == 0;
}

void
mesh_roster(const struct mesh *m, struct mesh_roster *out)
{
	const struct roster *ro = &m->roster;
	struct tally t = {0};

	*out = (struct mesh_roster){.term = ro->id.term, .version = ro->id.version,
	    .seen_version = ro->seen_version, .electors = ro->n.all, .weight_old = ro->n.old,
	    .weight_new = ro->n.new, .joint = ro->joint,
	    .knows_stored = m->elect.role == MESH_LEADER};
	if (!out->knows_stored)
		return;
	for (uint32_t i = 0; i < m->ms.count; i++)
		if (has_stored(m, i))
			tally_add(&t, &m->ms.m[i]);
	out->stored_old = t.old;
	out->stored_new = t.new;
	out->stored = quorum_full(m, &t);
}

bool
mesh_vote(const struct mesh *m, uint32_t index, struct mesh_vote *out)
{
	const struct member *x;

	if (index >= m->ms.count)
		return false;
	x = &m->ms.m[m->ms.order[index]];
	*out = (struct mesh_vote){.in_old = (x->roster & MEMBER_OLD) != 0,
	    .in_new = (x->roster & MEMBER_NEW) != 0, .tie_breaker = x->weight.tie != 0};
	out->weight_old = out->in_old ? x->weight.old : 0;
	out->weight_new = out->in_new ? x->weight.new : 0;
	out->stored = x->roster != 0 && has_stored(m, m->ms.order[index]);
	return true;
}

enum mesh_standing
mesh_standing(const struct mesh *m, const uint8_t pk[KEY_BYTES])
{
	const struct crypto *c = &m->conf.crypto;
	struct node_id id;
	struct hash h;
	uint32_t i;

	c->hash(c->arg, &h, pk, KEY_BYTES);
	memcpy(id.b, h.b, ID_BYTES);
	if (evict_find(&m->ms.evict, seal_short(&id)) != EVICT_NONE)
		return MESH_OUT;
	i = members_find_id(&m->ms, &id);
	if (i == MEMBER_NONE || m->ms.m[i].state == MESH_LEFT)
		return MESH_STRANGER;
	return (m->ms.m[i].roster & MEMBER_NEW) != 0 ? MESH_VOTES : MESH_IN;
}

bool
mesh_accuser(const struct mesh *m, const struct node_id *id, struct node_id *by)
{
	uint32_t i = members_find_id(&m->ms, id);

	if (i == MEMBER_NONE || m->ms.doubts[i].accusers_count == 0)
		return false;
	i = members_find(&m->ms, m->ms.doubts[i].accusers[0]);
	if (i == MEMBER_NONE)
		return false;
	*by = m->ms.m[i].id;
	return true;
}

msec
mesh_unled(const struct mesh *m, msec now, uint32_t index)
{
	const struct elect *e = &m->elect;
	const struct member *x;
	msec since;

	if (e->role != MESH_LEADER || index >= m->ms.count || m->ms.order[index] == 0)
		return 0;
	x = &m->ms.m[m->ms.order[index]];
	if (x->state != MESH_ALIVE || x->roster == 0 || x->seen == MSEC_NEVER || now - x->seen > UNLED_MS)
		return 0;
	since = m->ms.votes[m->ms.order[index]].echoed;
	since = since > e->lead_since ? since : e->lead_since;
	since = x->since > since ? x->since : since;
	return now - since > UNLED_MS ? now - since : 0;
}

bool
mesh_around(const struct mesh *m, uint32_t index, struct node_id *via)
{
	if (index >= m->ms.count || !carry_deaf(m, m->ms.order[index]))
		return false;
	*via = m->ms.m[m->ms.doubts[m->ms.order[index]].via].id;
	return true;
}

/* Does it answer this node, and is it neither end of the question? */
static bool
may_carry(const struct mesh *m, uint32_t i, uint32_t to, uint32_t but)
{
	return i != 0 && i != to && i != but && member_up(&m->ms.m[i]) && relay_near(m, i);
}

bool
mesh_over(const struct mesh *m, const struct node_id *to, const struct node_id *but,
    uint32_t turn, struct node_id *over)
{
	uint32_t i = members_find_id(&m->ms, to), except = MEMBER_NONE, n = 0;

	if (but != NULL)
		except = members_find_id(&m->ms, but);
	if (i == MEMBER_NONE || i == 0 || dark_blocked(m, i))
		return false;
	if (turn == 0 && relay_near(m, i) && !carry_deaf(m, i))
		return false;
	if (turn == 0 && may_carry(m, m->ms.doubts[i].via, i, except)) {
		*over = m->ms.m[m->ms.doubts[i].via].id;
		return true;
	}
	for (uint32_t k = 0; k < m->ms.count; k++)
		n += may_carry(m, k, i, except);
	if (n == 0)
		return false;
	n = turn % n;
	for (uint32_t k = 0; k < m->ms.count; k++)
		if (may_carry(m, k, i, except) && n-- == 0) {
			*over = m->ms.m[k].id;
			break;
		}
	return true;
}

void
mesh_queues(const struct mesh *m, struct mesh_queues *out)
{
	*out = (struct mesh_queues){.out = m->ring_len, .out_max = m->ring_cap,
	    .jobs = m->jobs_count, .jobs_max = JOBS_MAX, .urgent = m->ms.urgent.count,
	    .news = m->ms.news.count, .summaries = m->ms.summaries.count,
	    .evictions = m->ms.evict.news.count,
	    .members = m->ms.count, .members_max = m->ms.max, .pairs = m->ms.pairs.count,
	    .health = m->swim.health};
}
