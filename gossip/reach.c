/*
 * reach.c - who answers, asked by a person.
 *
 * SWIM knows who is alive, and on purpose not by which way: where one direction
 * of one path is cut, others vouch and all is well.  Who looks for that cut needs
 * to see it, so a round asks everybody directly and takes nobody's word.  No
 * answer accuses nobody, or a curious operator could bring down a mesh.
 *
 *	attempt 1      attempt 2      attempt 3                over
 *	|-32-32-32-....|--silent------|--silent------|---------|
 *	 10 ms each    >= 300 ms                       400 ms
 */
#include "inner.h"
#include "look.h"

#include <stdlib.h>

enum { BATCH = 32, PACE_MS = 10, ATTEMPTS = 3, ATTEMPT_MS = 300, LAST_MS = 400 };

int
reach_init(struct mesh *m)
{
	m->reach.of = calloc(m->conf.members_max, sizeof *m->reach.of);
	m->reach.next_at = MSEC_NEVER;
	return m->reach.of != NULL ? 0 : -1;
}

void
reach_fini(struct mesh *m)
{
	free(m->reach.of);
}

void
mesh_reach(struct mesh *m, msec now)
{
	struct reach *r = &m->reach;

	if (r->on || !m->member || m->left)
		return;
	for (uint32_t i = 0; i < m->ms.count; i++) /* who comes later is all zero */
		r->of[i] = (struct reached){.rtt_ms = -1};
	r->on = true;
	r->started = r->attempt_at = r->next_at = now;
	r->attempt = 0;
	r->at = 1;
}

static void
ask(struct mesh *m, msec now, uint32_t i)
{
	struct reached *of = &m->reach.of[i];
	const struct member *x = &m->ms.m[i];

	of->short_id = x->short_id;
	of->rtt_ms = -1;
	of->seq = ++m->swim.next_seq;
	of->sent = now;
	/* Who is called dead may live anew, and know neither my name nor my salt. */
	if (member_up(x))
		out_to(m, PACKET_PING, i, of->seq, 0, 0);
	else
		out_introduce(m, PACKET_PING, i, of->seq);
}

void
reach_tick(struct mesh *m, msec now)
{
	struct reach *r = &m->reach;
	uint32_t n = 0;

	if (!r->on || now < r->next_at)
		return;
	if (r->attempt == ATTEMPTS) {
		r->on = false;
		r->next_at = MSEC_NEVER;
		return;
	}
	for (; r->at < m->ms.count && n < BATCH; r->at++) {
		if (m->ms.m[r->at].state == MESH_LEFT || (r->of[r->at].seq != 0 && r->of[r->at].rtt_ms >= 0))
			continue;
		ask(m, now, r->at);
		n++;
	}
	r->next_at = now + PACE_MS;
	if (r->at < m->ms.count)
		return;
	r->attempt++;
	r->at = 1;
	r->next_at = r->attempt_at + pace(m, ATTEMPT_MS);
	if (r->next_at <= now)
		r->next_at = now + PACE_MS;
	if (r->attempt == ATTEMPTS)
		r->next_at = now + pace(m, LAST_MS);
	r->attempt_at = r->next_at;
}

bool
reach_acked(struct mesh *m, msec now, uint32_t from, uint64_t seq)
{
	struct reached *of = &m->reach.of[from];

	if (of->seq == 0 || of->seq != seq || of->short_id != m->ms.m[from].short_id)
		return false;
	if (of->rtt_ms < 0)
		of->rtt_ms = now - of->sent > 60000 ? 60000 : (int32_t)(now - of->sent);
	return true;
}

bool
mesh_reach_over(const struct mesh *m)
{
	return !m->reach.on;
}

void
mesh_reached(const struct mesh *m, const struct node_id *id, struct mesh_reached *out)
{
	uint32_t i = members_find_id(&m->ms, id);
	const struct reached *of;

	*out = (struct mesh_reached){.rtt_ms = -1};
	if (i == MEMBER_NONE || i == 0)
		return;
	of = &m->reach.of[i];
	if (of->seq == 0 || of->short_id != m->ms.m[i].short_id)
		return;
	out->asked = true;
	out->answered = of->rtt_ms >= 0;
	out->rtt_ms = of->rtt_ms;
	out->heard = m->ms.m[i].seen != MSEC_NEVER && m->ms.m[i].seen >= m->reach.started;
}
