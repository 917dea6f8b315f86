/*
 * planted.c - faults in the machine itself, to see that the checks can fail.
 * The machine's code stays the daemon's: a fault is a hand in its state after
 * an event, a datagram that gets lost on purpose, or a function that the linker
 * replaces (--wrap: planted_link.c), so nothing here costs the daemon a byte.
 */
#include "sim.h"

static enum sim_mutant planted;
static msec base_before;
static uint32_t incarnation_before;
static struct round lease_before;

const char *const mutant_names[] = {"none",
#define X(name) #name,
    MUTANTS(X) PEERS(X)
#undef X
	NULL};

void
plant_of(enum sim_mutant m)
{
	planted = m;
}

bool
plant_is(enum sim_mutant m)
{
	return planted == m;
}

const char *
plant_story(enum sim_mutant m)
{
	switch (m) {
	case MUTANT_retired_heard:
	case MUTANT_retired_kept:
	case MUTANT_key_unsaved:
	case MUTANT_old_key:
	case MUTANT_waits_for_none:
	case MUTANT_leap_believed:
		return "rotate";
	case MUTANT_evicted_heard:
	case MUTANT_evicted_forgot:
		return "evict";
	case MUTANT_grace_ignored:
	case MUTANT_notice_forgot:
		return "rolling";
	case MUTANT_any_claim:
	case MUTANT_any_climb:
		return "liar";
	case MUTANT_leaves_early:
	case MUTANT_leaves_unheard:
	case MUTANT_returns_unasked:
		return "leave";
	case MUTANT_outranked:
		return "recover";
	case MUTANT_recall_alone:
	case MUTANT_roster_unsigned:
		return "roster";
	case MUTANT_no_budget:
		return "busy";
	default:
		return "swarm";
	}
}

void
plant_disk(const struct sim *s, uint32_t i, struct mesh_saved *f)
{
	if (planted == MUTANT_old_key && s->node[i].disk.generation > 1)
		f->keys = s->node[i].disk.keys;
	if (planted == MUTANT_evicted_forgot)
		f->evicted_bytes = 0;
	if (planted == MUTANT_leave_forgot)
		f->leaving = f->left = false;
}

/* As if it had never been put out, for the time of a datagram. */
static void
evicted(struct mesh *m, bool is)
{
	for (uint32_t k = 1; k < m->ms.count; k++) {
		struct member *x = &m->ms.m[k];
		uint32_t e = evict_find(&m->ms.evict, x->short_id);

		if (e == EVICT_NONE)
			continue;
		x->state = is ? MESH_LEFT : MESH_ALIVE;
	}
}

void
plant_start(struct sim *s, uint32_t i)
{
	struct mesh *m = s->node[i].mesh;

	s->node[i].keys_kept = planted == MUTANT_retired_kept;
	s->node[i].keys_late = planted == MUTANT_retired_heard;
	s->node[i].salt_ignored = planted == MUTANT_salt_ignored;
	s->node[i].tag_ignored = planted == MUTANT_tag_ignored;
	if (planted == MUTANT_no_holdoff)
		m->elect.holdoff_until = m->elect.forgot_at = 0;
	if (planted == MUTANT_digest_skew && i % 2 == 1)
		m->ms.digest ^= 1;
}

void
plant_before_issue(struct sim *s, uint32_t i)
{
	struct mesh *m = s->node[i].mesh;

	if (planted != MUTANT_lease_unchecked || m->elect.role != MESH_LEADER)
		return;
	lease_before = m->elect.full_base;
	m->elect.full_base.t = m->ticked;
	m->elect.full_base.lease = elect_lease_ms(m);
}

void
plant_after_issue(struct sim *s, uint32_t i)
{
	if (planted == MUTANT_lease_unchecked)
		s->node[i].mesh->elect.full_base = lease_before;
}

void
plant_before_recv(struct sim *s, uint32_t i)
{
	const struct mesh *m = s->node[i].mesh;

	plant_accused_none();
	base_before = m->elect.full_base.t;
	incarnation_before = m->ms.m[0].incarnation;
	if (planted == MUTANT_evicted_heard)
		evicted(s->node[i].mesh, false);
}

void
plant_after_recv(struct sim *s, uint32_t i)
{
	struct mesh *m = s->node[i].mesh;

	if (planted == MUTANT_evicted_heard)
		evicted(m, true);
	if (planted == MUTANT_lease_by_receipt && m->elect.full_base.t != base_before &&
	    m->elect.full_base.t != 0)
		m->elect.full_base.t = node_clock(s, i);
	if (planted == MUTANT_no_refute && m->ms.m[0].incarnation != incarnation_before) {
		members_set(&m->ms, 0, node_clock(s, i), MESH_ALIVE, m->ms.m[0].generation,
		    incarnation_before);
		spread_drop(&m->ms.news, 0);
		spread_drop(&m->ms.urgent, 0);
	}
	if (planted == MUTANT_no_window)
		for (uint32_t k = 0; k < m->ms.pairs.count; k++)
			window_clear(&m->ms.pairs.all[k].window, &m->ms.pairs.windows);
}

/* Votes and echoes of exactly half are enough. */
static void
half_is_enough(struct mesh *m)
{
	struct elect *e = &m->elect;
	const struct tally *n = &m->roster.n;

	if (e->phase != ELECT_IDLE && 2 * e->grants.new == n->new && 2 * e->grants.old == n->old) {
		e->grants.new++;
		e->grants.old++;
	}
	for (size_t k = 0; e->role == MESH_LEADER && k < ROUNDS_MAX; k++)
		if (e->rounds[k].t > e->full_base.t && 2 * e->rounds[k].echoes.new >= n->new &&
		    2 * e->rounds[k].echoes.old >= n->old)
			e->full_base = e->rounds[k];
}

/* A suspicion of one whom few could confirm lasts as long as if they were many: 24 s. */
static void
waits_for_all(struct mesh *m, uint32_t k)
{
	if (m->ms.m[k].state == MESH_SUSPECT && mesh_up(m) < 4)
		m->ms.doubts[k].suspected = m->ms.m[k].since + pace(m, 20000);
}

static void
on_members(struct mesh *m, msec now)
{
	for (uint32_t k = 1; k < m->ms.count; k++) {
		struct member *x = &m->ms.m[k];

		if (planted == MUTANT_fresh_corpse)
			x->heard = now;
		if (planted == MUTANT_endless)
			m->ms.doubts[k].suspected = now;
		if (planted == MUTANT_plain_swim && x->state == MESH_SUSPECT)
			m->ms.doubts[k].accusers_count = ARRAY_LEN(m->ms.doubts[k].accusers);
		if (planted == MUTANT_joint_alone && m->elect.role == MESH_LEADER)
			m->ms.votes[k].stored = m->roster.id;
		if (planted == MUTANT_no_probes)
			m->ms.reports[k].probes = 12;
		if (planted == MUTANT_left_returns && x->state == MESH_LEFT)
			members_set(&m->ms, k, now, MESH_FAILED, x->generation, x->incarnation);
		if (planted == MUTANT_waits_for_none)
			m->ms.votes[k].keys = (struct member_keys){.have = {.used = m->saved.keys.used,
						       .next = m->saved.keys.next},
			    .id = keys_newest_id(m), .known = true};
		if (planted == MUTANT_notice_forgot)
			x->notice = 0;
		if (planted == MUTANT_k_fixed)
			waits_for_all(m, k);
		if (planted == MUTANT_leaves_early && m->leave.without.version > 0)
			m->ms.votes[k].stored = m->leave.without;
	}
}

void
plant_settle(struct sim *s, uint32_t i)
{
	struct mesh *m = s->node[i].mesh;
	msec now = node_clock(s, i);

	switch (planted) {
	case MUTANT_none: /* each member is looked at below, after each event */
		break;
	case MUTANT_vote_twice:
		memset(&m->saved.voted_for, 0, sizeof m->saved.voted_for);
		break;
	case MUTANT_no_holdoff:
		m->elect.holdoff_until = m->elect.forgot_at = 0;
		break;
	case MUTANT_no_promise:
		m->elect.promised = MEMBER_NONE;
		break;
	case MUTANT_stamp_again:
		m->elect.seq = 0;
		break;
	case MUTANT_old_stamp:
		memset(&m->saved.applied, 0, sizeof m->saved.applied);
		break;
	case MUTANT_stale_lease:
		if (m->elect.full_base.t != 0)
			m->elect.full_base.t = now;
		break;
	case MUTANT_half_quorum:
		half_is_enough(m);
		break;
	case MUTANT_counts_again:
		m->ms.m[0].summary_count %= 8;
		break;
	case MUTANT_guessed_base:
		for (size_t k = 0; k < MESH_HEARERS; k++)
			m->report.told[k].held = m->report.told[k].version;
		break;
	case MUTANT_tries_once:
		if (m->elect.phase == ELECT_IDLE && m->elect.role != MESH_LEADER && m->elect.attempt_until != 0)
			m->elect.try_at = MSEC_NEVER;
		break;
	case MUTANT_leaves_unheard:
		if (m->elect.leader != MEMBER_NONE && m->elect.leader != 0 && !m->ms.m[m->elect.leader].evicted)
			m->ms.votes[m->elect.leader].stored = m->roster.id;
		m->leave.agreed = 1;
		break;
	default:
		if (planted == MUTANT_plain_swim)
			m->swim.health = 0;
		on_members(m, now);
		break;
	}
}

void
plant_before_said(struct member *to)
{
	if (planted == MUTANT_no_buddy)
		to->state = MESH_ALIVE;
}

void
plant_after_said(struct member *to)
{
	to->state = MESH_SUSPECT;
}

/* The simulator's seal hides nothing: the kind is the body's second byte. */
bool
plant_drops(const struct sim *s, const uint8_t *buf, size_t len)
{
	uint8_t kind = len > SEAL_HEADER_BYTES + 1 ? buf[SEAL_HEADER_BYTES + 1] : 0;

	(void)s;
	return (planted == MUTANT_no_nack && kind == PACKET_NACK) ||
	    (planted == MUTANT_no_helpers && kind == PACKET_PINGREQ) ||
	    (planted == MUTANT_no_sync && kind == PACKET_SYNC) ||
	    (planted == MUTANT_never_asks && kind == PACKET_COUNTS);
}
