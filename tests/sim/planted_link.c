/*
 * planted_link.c - faults in single functions of the machine: what the linker puts in
 * their place (--wrap, in the Makefile), and does what they do but for the fault.
 */
#include "../../gossip/brief.h"
#include "../../gossip/facts.h"
#include "sim.h"

static int64_t accused;
static const struct mesh *hearer; /* of summaries that are read now */

int64_t
plant_accused(void)
{
	return accused;
}

void
plant_accused_none(void)
{
	accused = -1;
}

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
	if (!plant_is(MUTANT_retired_heard) || used == 0 || (used - 1) % SEAL_EPOCHS != frame->epoch)
		return false;
	frame->epoch = used - 1;
	return true;
}

uint64_t
__wrap_roster_sum_end(struct roster_sum *sum)
{
	uint64_t hash = __real_roster_sum_end(sum);

	return plant_is(MUTANT_any_roster) && hash != 0 ? 1 : hash;
}

bool
__wrap_cookie_holds(const struct mesh *m, msec now, const struct addr *from, uint64_t cookie)
{
	return plant_is(MUTANT_cookie_ignored) || __real_cookie_holds(m, now, from, cookie);
}

bool
__wrap_evict_refuses(struct mesh *m, msec now, const struct addr *from,
    const struct seal_frame *frame, size_t len)
{
	return !plant_is(MUTANT_evicted_heard) && __real_evict_refuses(m, now, from, frame, len);
}

bool __real_keyleap_believed(struct mesh *m, msec now, uint32_t i, uint32_t epoch, uint64_t id);
bool __wrap_keyleap_believed(struct mesh *m, msec now, uint32_t i, uint32_t epoch, uint64_t id);

bool
__wrap_keyleap_believed(struct mesh *m, msec now, uint32_t i, uint32_t epoch, uint64_t id)
{
	return plant_is(MUTANT_leap_believed) || __real_keyleap_believed(m, now, i, epoch, id);
}

int __real_claim_check(struct mesh *m, msec now, uint32_t from, const struct packet *p);
int __wrap_claim_check(struct mesh *m, msec now, uint32_t from, const struct packet *p);

int
__wrap_claim_check(struct mesh *m, msec now, uint32_t from, const struct packet *p)
{
	return plant_is(MUTANT_any_claim) ? 0 : __real_claim_check(m, now, from, p);
}

void __real_claim_above(struct mesh *m, msec now, uint32_t from, uint64_t term);
void __wrap_claim_above(struct mesh *m, msec now, uint32_t from, uint64_t term);

void
__wrap_claim_above(struct mesh *m, msec now, uint32_t from, uint64_t term)
{
	if (plant_is(MUTANT_any_climb))
		m->ms.votes[from].climbs = 0;
	__real_claim_above(m, now, from, term);
}

void __real_claim_stamp(struct mesh *m, msec now, uint32_t from, const struct stamp *s);
void __wrap_claim_stamp(struct mesh *m, msec now, uint32_t from, const struct stamp *s);

void
__wrap_claim_stamp(struct mesh *m, msec now, uint32_t from, const struct stamp *s)
{
	if (plant_is(MUTANT_any_climb))
		m->ms.votes[from].climbs = 0;
	__real_claim_stamp(m, now, from, s);
}

msec
__wrap_going_wait_until(const struct member *x)
{
	return plant_is(MUTANT_grace_ignored) ? 0 : __real_going_wait_until(x);
}

struct ballot_weight __real_quorum_weight(const struct mesh *m, uint32_t i);
struct ballot_weight __wrap_quorum_weight(const struct mesh *m, uint32_t i);

struct ballot_weight
__wrap_quorum_weight(const struct mesh *m, uint32_t i)
{
	struct ballot_weight w = __real_quorum_weight(m, i);
	uint32_t k = plant_is(MUTANT_two_ties) ? members_namesake(&m->ms, i) : MEMBER_NONE;

	if (k != MEMBER_NONE)
		w.tie |= __real_quorum_weight(m, k).tie & MEMBER_NEW;
	return w;
}

msec __real_budget_wait(struct budget *b, msec now);
msec __wrap_budget_wait(struct budget *b, msec now);

msec
__wrap_budget_wait(struct budget *b, msec now)
{
	return plant_is(MUTANT_no_budget) ? 0 : __real_budget_wait(b, now);
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
	return plant_is(MUTANT_recall_alone) || __real_recall_agreed(m, now, id, hash);
}

int
__wrap_roster_judge(struct mesh *m, msec now, uint32_t from, const struct roster_id *id,
    uint64_t hash, const uint8_t *sign)
{
	return plant_is(MUTANT_roster_unsigned) ? 0 : __real_roster_judge(m, now, from, id, hash, sign);
}

bool __real_recover_signed(const struct mesh *m, const struct eviction *x);
bool __wrap_recover_signed(const struct mesh *m, const struct eviction *x);

bool
__wrap_recover_signed(const struct mesh *m, const struct eviction *x)
{
	const struct evict *e = &m->ms.evict;

	if (plant_is(MUTANT_any_evictor))
		return true;
	for (uint32_t k = 0; plant_is(MUTANT_outranked) && k < e->count; k++)
		if (recover_is(&e->all[k]) && memcmp(e->all[k].pk, x->pk, KEY_BYTES) == 0)
			return true;
	return __real_recover_signed(m, x);
}

void __real_summary_forget(struct mesh *m, uint32_t i);
void __wrap_summary_forget(struct mesh *m, uint32_t i);

void
__wrap_summary_forget(struct mesh *m, uint32_t i)
{
	if (!plant_is(MUTANT_counts_on))
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
	return plant_is(MUTANT_any_record) ? 0 : __real_admit_record(m, r);
}

enum mesh_entry
__wrap_admit_judge(const struct mesh *m, const struct node_id *id, const struct cert *x)
{
	return plant_is(MUTANT_any_entry) ? MESH_ENTRY_OK : __real_admit_judge(m, id, x);
}

enum mesh_entry
__wrap_admit_vote(const struct mesh *m, uint32_t i)
{
	return plant_is(MUTANT_any_vote) ? MESH_ENTRY_OK : __real_admit_vote(m, i);
}

void __real_members_tell(struct members *ms, uint32_t i);
void __wrap_members_tell(struct members *ms, uint32_t i);

/* One queue for all. */
void
__wrap_members_tell(struct members *ms, uint32_t i)
{
	if (plant_is(MUTANT_dead_untold) && ms->m[i].state == MESH_FAILED)
		return;
	if (plant_is(MUTANT_fifo))
		spread_push(&ms->news, i);
	else
		__real_members_tell(ms, i);
}

/* Most-sent and oldest first: what came first is finished first. */
uint32_t
__wrap_spread_pick(const struct spread *sp, uint16_t *out, uint32_t max)
{
	uint32_t n = 0, skip = sp->count > max ? sp->count - max : 0;

	if (!plant_is(MUTANT_fifo))
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

void __real_elect_freeze(struct mesh *m, msec now, uint64_t above);
void __wrap_elect_freeze(struct mesh *m, msec now, uint64_t above);

void
__wrap_elect_freeze(struct mesh *m, msec now, uint64_t above)
{
	if (!plant_is(MUTANT_never_freezes))
		__real_elect_freeze(m, now, above);
}

bool __real_leave_keeps_out(const struct mesh *m);
bool __wrap_leave_keeps_out(const struct mesh *m);

bool
__wrap_leave_keeps_out(const struct mesh *m)
{
	return !plant_is(MUTANT_returns_unasked) && __real_leave_keeps_out(m);
}

int __real_mesh_evict(struct mesh *m, msec now, const struct node_id *id);
int __wrap_mesh_evict(struct mesh *m, msec now, const struct node_id *id);

int
__wrap_mesh_evict(struct mesh *m, msec now, const struct node_id *id)
{
	uint8_t votes = m->ms.m[0].roster;
	int rc;

	if (!plant_is(MUTANT_any_evictor))
		return __real_mesh_evict(m, now, id);
	m->ms.m[0].roster |= MEMBER_NEW;
	rc = __real_mesh_evict(m, now, id);
	m->ms.m[0].roster = votes;
	return rc;
}

int __real_mesh_facts_take(struct mesh *m, const struct facts_record *r);
int __wrap_mesh_facts_take(struct mesh *m, const struct facts_record *r);

int
__wrap_mesh_facts_take(struct mesh *m, const struct facts_record *r)
{
	uint32_t i = members_find_id(&m->ms, &r->id);

	if (plant_is(MUTANT_facts_again) && i != MEMBER_NONE)
		m->ms.facts[i].version = 0;
	return __real_mesh_facts_take(m, r);
}

uint32_t __real_members_find_begin(const struct members *ms, uint32_t begin);
uint32_t __wrap_members_find_begin(const struct members *ms, uint32_t begin);

uint32_t
__wrap_members_find_begin(const struct members *ms, uint32_t begin)
{
	uint32_t i = __real_members_find_begin(ms, begin);

	for (uint32_t k = 0; plant_is(MUTANT_begin_alike) && i == MEMBER_NONE && k < ms->count; k++)
		if (ms->m[k].short_id >> 40 == begin)
			i = k;
	return i;
}

int __real_brief_next(struct briefs_in *r, struct brief *out);
int __wrap_brief_next(struct briefs_in *r, struct brief *out);

int
__wrap_brief_next(struct briefs_in *r, struct brief *out)
{
	int rc = __real_brief_next(r, out);
	uint32_t i;

	if (rc <= 0 || hearer == NULL || !plant_is(MUTANT_life_ignored))
		return rc;
	i = out->whole ? members_find(&hearer->ms, out->who) :
			 members_find_begin(&hearer->ms, (uint32_t)(out->who >> 40));
	if (i != MEMBER_NONE)
		out->life = hearer->ms.m[i].generation & BRIEF_LIFE_MAX;
	return rc;
}

/* Reads along: what is said of the hearer itself, for check_refuted. */
int
__wrap_rumours_hear(struct mesh *m, msec now, const struct packet *p, uint32_t by,
    const struct seal_frame *shared)
{
	struct mp r;
	struct rumour one;

	hearer = m;
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
		if (plant_is(MUTANT_last_word) && one.state == MESH_ALIVE && i != MEMBER_NONE && i != 0 &&
		    m->ms.m[i].state == MESH_FAILED && one.generation == m->ms.m[i].generation &&
		    one.incarnation > m->ms.m[i].incarnation)
			m->ms.m[i].since = 0;
		/* Its owner signed it, of this very life: as if that were enough. */
		if (plant_is(MUTANT_stale_copy) && i != MEMBER_NONE && i != 0 && one.is_long &&
		    one.state == MESH_ALIVE && m->ms.m[i].state == MESH_FAILED &&
		    one.generation == m->ms.m[i].generation && vouch_holds(m, m->saved.cluster, &one))
			members_set(&m->ms, i, now, MESH_ALIVE, one.generation,
			    m->ms.m[i].incarnation);
	}
	return __real_rumours_hear(m, now, p, by, shared);
}
