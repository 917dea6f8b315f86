/*
 * planted.c - faults in the machine itself, to see that the checks can fail.
 * The machine's code stays the daemon's: a fault is a hand in its state after
 * an event, a datagram that gets lost on purpose, or a function that the
 * linker replaces (--wrap), so nothing here costs the daemon a byte.
 */
#include "sim.h"

static enum sim_mutant planted;
static msec base_before;
static uint32_t incarnation_before;
static struct round lease_before;
static int64_t accused;

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
		return "leave";
	case MUTANT_outranked:
		return "recover";
	case MUTANT_recall_alone:
	case MUTANT_roster_unsigned:
		return "roster";
	case MUTANT_no_budget:
		return "busy";
	case MUTANT_never_asks:
		return "missed";
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

int64_t
plant_accused(void)
{
	return accused;
}

void
plant_before_recv(struct sim *s, uint32_t i)
{
	const struct mesh *m = s->node[i].mesh;

	accused = -1;
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
	case MUTANT_leaves_unheard:
		if (m->elect.leader != MEMBER_NONE && m->elect.leader != 0)
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

/* --- what the linker puts in the machine's way -------------------------------------- */

uint32_t __real_spread_pick(const struct spread *sp, uint16_t *out, uint32_t max);
uint32_t __wrap_spread_pick(const struct spread *sp, uint16_t *out, uint32_t max);
int __real_rumours_hear(struct mesh *m, msec now, const struct packet *p, uint32_t by,
    const struct seal_frame *shared);
int __wrap_rumours_hear(struct mesh *m, msec now, const struct packet *p, uint32_t by,
    const struct seal_frame *shared);

bool __real_keys_epoch(const struct mesh *m, struct seal_frame *frame);
bool __wrap_keys_epoch(const struct mesh *m, struct seal_frame *frame);
bool __real_cookie_holds(const struct mesh *m, msec now, const struct addr *from, uint64_t cookie);
bool __wrap_cookie_holds(const struct mesh *m, msec now, const struct addr *from, uint64_t cookie);
bool __real_evict_refuses(struct mesh *m, msec now, const struct addr *from,
    const struct seal_frame *frame, size_t len);
bool __wrap_evict_refuses(struct mesh *m, msec now, const struct addr *from,
    const struct seal_frame *frame, size_t len);
uint64_t __real_roster_sum_end(struct roster_sum *sum);
uint64_t __wrap_roster_sum_end(struct roster_sum *sum);
msec __real_going_wait_until(const struct member *x);
msec __wrap_going_wait_until(const struct member *x);

bool
__wrap_keys_epoch(const struct mesh *m, struct seal_frame *frame)
{
	uint32_t used = m->saved.keys.used;

	if (__real_keys_epoch(m, frame))
		return true;
	if (planted != MUTANT_retired_heard || used == 0 || (used - 1) % SEAL_EPOCHS != frame->epoch)
		return false;
	frame->epoch = used - 1;
	return true;
}

uint64_t
__wrap_roster_sum_end(struct roster_sum *sum)
{
	uint64_t hash = __real_roster_sum_end(sum);

	return planted == MUTANT_any_roster && hash != 0 ? 1 : hash;
}

bool
__wrap_cookie_holds(const struct mesh *m, msec now, const struct addr *from, uint64_t cookie)
{
	return planted == MUTANT_cookie_ignored || __real_cookie_holds(m, now, from, cookie);
}

bool
__wrap_evict_refuses(struct mesh *m, msec now, const struct addr *from,
    const struct seal_frame *frame, size_t len)
{
	return planted != MUTANT_evicted_heard && __real_evict_refuses(m, now, from, frame, len);
}

bool __real_keyleap_believed(struct mesh *m, msec now, uint32_t i, uint32_t epoch, uint64_t id);
bool __wrap_keyleap_believed(struct mesh *m, msec now, uint32_t i, uint32_t epoch, uint64_t id);

bool
__wrap_keyleap_believed(struct mesh *m, msec now, uint32_t i, uint32_t epoch, uint64_t id)
{
	return planted == MUTANT_leap_believed || __real_keyleap_believed(m, now, i, epoch, id);
}

int __real_claim_check(struct mesh *m, msec now, uint32_t from, const struct packet *p);
int __wrap_claim_check(struct mesh *m, msec now, uint32_t from, const struct packet *p);

int
__wrap_claim_check(struct mesh *m, msec now, uint32_t from, const struct packet *p)
{
	return planted == MUTANT_any_claim ? 0 : __real_claim_check(m, now, from, p);
}

void __real_claim_above(struct mesh *m, msec now, uint32_t from, uint64_t term);
void __wrap_claim_above(struct mesh *m, msec now, uint32_t from, uint64_t term);

void
__wrap_claim_above(struct mesh *m, msec now, uint32_t from, uint64_t term)
{
	if (planted == MUTANT_any_climb)
		m->ms.votes[from].climbs = 0;
	__real_claim_above(m, now, from, term);
}

void __real_claim_stamp(struct mesh *m, msec now, uint32_t from, const struct stamp *s);
void __wrap_claim_stamp(struct mesh *m, msec now, uint32_t from, const struct stamp *s);

void
__wrap_claim_stamp(struct mesh *m, msec now, uint32_t from, const struct stamp *s)
{
	if (planted == MUTANT_any_climb)
		m->ms.votes[from].climbs = 0;
	__real_claim_stamp(m, now, from, s);
}

msec
__wrap_going_wait_until(const struct member *x)
{
	return planted == MUTANT_grace_ignored ? 0 : __real_going_wait_until(x);
}

struct ballot_weight __real_quorum_weight(const struct mesh *m, uint32_t i);
struct ballot_weight __wrap_quorum_weight(const struct mesh *m, uint32_t i);

struct ballot_weight
__wrap_quorum_weight(const struct mesh *m, uint32_t i)
{
	struct ballot_weight w = __real_quorum_weight(m, i);
	uint32_t k = planted == MUTANT_two_ties ? members_namesake(&m->ms, i) : MEMBER_NONE;

	if (k != MEMBER_NONE)
		w.tie |= __real_quorum_weight(m, k).tie & MEMBER_NEW;
	return w;
}

msec __real_budget_wait(struct budget *b, msec now);
msec __wrap_budget_wait(struct budget *b, msec now);

msec
__wrap_budget_wait(struct budget *b, msec now)
{
	return planted == MUTANT_no_budget ? 0 : __real_budget_wait(b, now);
}

bool __real_recall_agreed(const struct mesh *m, msec now, const struct roster_id *id, uint64_t hash);
bool __wrap_recall_agreed(const struct mesh *m, msec now, const struct roster_id *id, uint64_t hash);
int __real_roster_judge(struct mesh *m, msec now, uint32_t from, const struct roster_id *id,
    uint64_t hash, const uint8_t *sign);
int __wrap_roster_judge(struct mesh *m, msec now, uint32_t from, const struct roster_id *id,
    uint64_t hash, const uint8_t *sign);

bool
__wrap_recall_agreed(const struct mesh *m, msec now, const struct roster_id *id, uint64_t hash)
{
	return planted == MUTANT_recall_alone || __real_recall_agreed(m, now, id, hash);
}

int
__wrap_roster_judge(struct mesh *m, msec now, uint32_t from, const struct roster_id *id,
    uint64_t hash, const uint8_t *sign)
{
	return planted == MUTANT_roster_unsigned ? 0 : __real_roster_judge(m, now, from, id, hash, sign);
}

bool __real_recover_signed(const struct mesh *m, const struct eviction *x);
bool __wrap_recover_signed(const struct mesh *m, const struct eviction *x);

bool
__wrap_recover_signed(const struct mesh *m, const struct eviction *x)
{
	const struct evict *e = &m->ms.evict;

	for (uint32_t k = 0; planted == MUTANT_outranked && k < e->count; k++)
		if (recover_is(&e->all[k]) && memcmp(e->all[k].pk, x->pk, KEY_BYTES) == 0)
			return true;
	return __real_recover_signed(m, x);
}

void __real_summary_forget(struct mesh *m, uint32_t i);
void __wrap_summary_forget(struct mesh *m, uint32_t i);

void
__wrap_summary_forget(struct mesh *m, uint32_t i)
{
	if (planted != MUTANT_counts_on)
		__real_summary_forget(m, i);
}

int __real_admit_record(struct mesh *m, const struct rumour *r);
int __wrap_admit_record(struct mesh *m, const struct rumour *r);
enum mesh_entry __real_admit_judge(const struct mesh *m, const struct node_id *id,
    const struct cert *x);
enum mesh_entry __wrap_admit_judge(const struct mesh *m, const struct node_id *id,
    const struct cert *x);
enum mesh_entry __real_admit_vote(const struct mesh *m, uint32_t i);
enum mesh_entry __wrap_admit_vote(const struct mesh *m, uint32_t i);

int
__wrap_admit_record(struct mesh *m, const struct rumour *r)
{
	return planted == MUTANT_any_record ? 0 : __real_admit_record(m, r);
}

enum mesh_entry
__wrap_admit_judge(const struct mesh *m, const struct node_id *id, const struct cert *x)
{
	return planted == MUTANT_any_entry ? MESH_ENTRY_OK : __real_admit_judge(m, id, x);
}

enum mesh_entry
__wrap_admit_vote(const struct mesh *m, uint32_t i)
{
	return planted == MUTANT_any_vote ? MESH_ENTRY_OK : __real_admit_vote(m, i);
}

void __real_members_tell(struct members *ms, uint32_t i);
void __wrap_members_tell(struct members *ms, uint32_t i);

/* One queue for all. */
void
__wrap_members_tell(struct members *ms, uint32_t i)
{
	if (planted == MUTANT_fifo)
		spread_push(&ms->news, i);
	else
		__real_members_tell(ms, i);
}

/* Most-sent and oldest first: what came first is finished first. */
uint32_t
__wrap_spread_pick(const struct spread *sp, uint16_t *out, uint32_t max)
{
	uint32_t n = 0, skip = sp->count > max ? sp->count - max : 0;

	if (planted != MUTANT_fifo)
		return __real_spread_pick(sp, out, max);
	for (size_t level = 0; level < SPREAD_LEVELS; level++)
		for (uint16_t i = sp->head[level]; i != SPREAD_NONE; i = sp->next[i])
			if (skip > 0)
				skip--;
			else
				out[n++] = i;
	for (uint32_t k = 0; k < n / 2; k++) {
		uint16_t was = out[k];

		out[k] = out[n - 1 - k];
		out[n - 1 - k] = was;
	}
	return n;
}

/* Reads along: what is said of the hearer itself, for check_refuted. */
int
__wrap_rumours_hear(struct mesh *m, msec now, const struct packet *p, uint32_t by,
    const struct seal_frame *shared)
{
	struct mp r;
	struct rumour one;

	mp_init(&r, p->rumours, p->rumours_len, 2);
	for (uint32_t k = 0; shared == NULL && k < p->rumours_count && rumour_read(&r, &one) == 0; k++) {
		uint32_t i;

		if (one.is_long)
			vouch_id(m, &one);
		i = one.briefs != NULL ? MEMBER_NONE : members_find_id(&m->ms, &one.id);
		if (i == 0 && one.generation == m->ms.m[0].generation &&
		    (one.state == MESH_SUSPECT ||
			(one.state == MESH_FAILED && p->kind != PACKET_TABLE)) &&
		    (int64_t)one.incarnation > accused)
			accused = (int64_t)one.incarnation;
		/* As if it were no matter when it was said. */
		if (planted == MUTANT_last_word && one.state == MESH_ALIVE && i != MEMBER_NONE && i != 0 &&
		    m->ms.m[i].state == MESH_FAILED && one.generation == m->ms.m[i].generation &&
		    one.incarnation > m->ms.m[i].incarnation)
			m->ms.m[i].since = 0;
		/* Its owner signed it, of this very life: as if that were enough. */
		if (planted == MUTANT_stale_copy && i != MEMBER_NONE && i != 0 && one.is_long &&
		    one.state == MESH_ALIVE && m->ms.m[i].state == MESH_FAILED &&
		    one.generation == m->ms.m[i].generation && vouch_holds(m, m->saved.cluster, &one))
			members_set(&m->ms, i, now, MESH_ALIVE, one.generation,
			    m->ms.m[i].incarnation);
	}
	return __real_rumours_hear(m, now, p, by, shared);
}
