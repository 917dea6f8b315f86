/*
 * rolelease.c - at most one in the whole world, without a clock that is shared.
 *
 *	executor, at its time e                   leader, full
 *	  ROLE_ASK e, [instance, held? runs?] ->
 *	                                      <-  ROLE_LEASE e, [instance ...]
 *	  may run until e + 15 s
 *
 * The executor counts from the moment it ASKED, on its own CLOCK_BOOTTIME, so
 * however late the answer comes, it is never more than the leader meant.  The
 * leader counts from the moment it ANSWERED, which is later, and 1 % longer,
 * for clocks that run apart.  So the executor's lease is over when the leader
 * thinks so.
 *
 * Three rules keep it at one:
 *
 *  - Only an answer to the NEWEST question counts.  Then a question that does
 *    not name an instance says that its sender neither runs it, nor has a lease,
 *    nor will take one from an answer still under way: the instance is free.
 *  - A leader confirms an instance to its owner by the schedule alone, and not
 *    while anybody else may hold what it confirmed itself.
 *  - What others confirmed before it was a FULL leader is over 15 s (and 1 %)
 *    later: full leases exclude each other (lead.c), and their last answer was
 *    given inside one.  Until then it confirms an instance only to the owner who
 *    claims to hold it still, which by induction is the one holder there is.  A
 *    claim can be late: who made it takes the answer only if its lease still lives
 *    when it comes, and a confirmed claim proves nothing to a question without one.
 *
 * Freed by a question counts only against confirmations of this office: a claim
 * of an older one may have been delayed on the way.
 */
#include "be.h"
#include "inner.h"

#include <stdlib.h>

_Static_assert(ROLELEASE_BYTES_MAX >= MEMBERS_BUCKETS * 8, "out.c has one buffer for both");

enum {
	ASK_MS = 3000,	 /* five questions in a lease */
	RETRY_MS = 1000, /* longer than any round trip that can keep a lease */
	FAREWELLS = 3,
	GRANTS_MAX = 2 * MESH_OWNERS_MAX, /* with those of owners that are no more */
	DRIFT_PERCENT = 1,
};

static msec
lease_over(msec from)
{
	return from + MESH_ROLE_LEASE_MS + MESH_ROLE_LEASE_MS * DRIFT_PERCENT / 100 + 1;
}

int
rolelease_init(struct mesh *m, msec now)
{
	struct rolelease *r = &m->rolelease;

	r->ask_at = now;
	r->answered = true;
	r->grants = malloc(GRANTS_MAX * sizeof *r->grants);
	r->spare = malloc(GRANTS_MAX * sizeof *r->spare);
	return r->grants == NULL || r->spare == NULL ? -1 : 0;
}

void
rolelease_fini(struct mesh *m)
{
	free(m->rolelease.grants);
	free(m->rolelease.spare);
}

/* --- the executor -------------------------------------------------------------- */

static struct rolelease_slot *
slot_of(struct rolelease *r, uint64_t id)
{
	for (uint32_t i = 0; i < r->slots_count; i++)
		if (r->slots[i].id == id)
			return &r->slots[i];
	return NULL;
}

static struct rolelease_slot *
slot_add(struct rolelease *r, uint64_t id)
{
	struct rolelease_slot *s = slot_of(r, id);

	if (s != NULL)
		return s;
	if (r->slots_count == MESH_EXCLUSIVE_MAX)
		return NULL;
	s = &r->slots[r->slots_count++];
	*s = (struct rolelease_slot){.id = id};
	return s;
}

/* What is neither wanted nor running gives its lease back: it is not named in
 * the next question, which is asked at once. */
static void
tidy(struct rolelease *r, msec now)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < r->slots_count; i++)
		if (r->slots[i].wanted || r->slots[i].running)
			r->slots[kept++] = r->slots[i];
	if (kept == r->slots_count)
		return;
	r->slots_count = kept;
	r->farewells = FAREWELLS;
	r->ask_at = now;
}

int
mesh_exclusive_want(struct mesh *m, msec now, const uint64_t *ids, size_t count)
{
	struct rolelease *r = &m->rolelease;
	int rc = 0;

	for (uint32_t i = 0; i < r->slots_count; i++)
		r->slots[i].wanted = false;
	for (size_t k = 0; k < count; k++) {
		bool is_new = slot_of(r, ids[k]) == NULL;
		struct rolelease_slot *s = slot_add(r, ids[k]);

		if (s == NULL)
			rc = -ERR_FULL;
		else
			s->wanted = true;
		if (s != NULL && is_new && r->answered)
			r->ask_at = now;
	}
	r->ready = true;
	tidy(r, now);
	return rc;
}

int
mesh_exclusive_running(struct mesh *m, msec now, uint64_t id, bool running)
{
	struct rolelease *r = &m->rolelease;
	struct rolelease_slot *s = running ? slot_add(r, id) : slot_of(r, id);

	if (s == NULL)
		return running ? -ERR_FULL : 0;
	s->running = running;
	tidy(r, now);
	return 0;
}

int
mesh_exclusive_held(struct mesh *m, msec now, uint64_t id, msec until)
{
	struct rolelease_slot *s = slot_of(&m->rolelease, id);

	if (s == NULL || !s->running || until > now + MESH_ROLE_LEASE_MS)
		return -ERR_RANGE;
	if (until > now && until > s->until)
		s->until = until;
	return 0;
}

msec
mesh_exclusive_until(const struct mesh *m, uint64_t id)
{
	const struct rolelease *r = &m->rolelease;

	for (uint32_t i = 0; i < r->slots_count; i++)
		if (r->slots[i].id == id)
			return r->slots[i].wanted ? r->slots[i].until : 0;
	return 0;
}

size_t
rolelease_fill_ask(const struct mesh *m, uint8_t *out)
{
	const struct rolelease *r = &m->rolelease;
	size_t n = 0;

	for (uint32_t i = 0; i < r->slots_count; i++, n += ROLELEASE_ENTRY_BYTES) {
		const struct rolelease_slot *s = &r->slots[i];

		be_put(out + n, s->id, 8);
		out[n + 8] = (uint8_t)((s->claimed ? ROLELEASE_HELD : 0) |
		    (s->running ? ROLELEASE_RUNS : 0));
	}
	return n;
}

/* Is one wanted that somebody else may still hold? */
static bool
waiting(const struct rolelease *r)
{
	for (uint32_t i = 0; i < r->slots_count; i++)
		if (r->slots[i].wanted && r->slots[i].until == 0)
			return true;
	return false;
}

/* The leader's answer, or the leader's own to itself. */
static void
confirmed(struct mesh *m, msec now, msec asked, const uint8_t *ids, size_t len)
{
	struct rolelease *r = &m->rolelease;

	if (asked != r->asked || asked == 0)
		return; /* an older question: the answer may be nobody's by now */
	r->answered = true;
	for (size_t n = 0; n + ROLELEASE_ENTRY_BYTES <= len; n += ROLELEASE_ENTRY_BYTES) {
		struct rolelease_slot *s = slot_of(r, be_get(ids + n, 8));

		if (s == NULL || !s->wanted)
			continue;
		if (s->claimed && now >= s->until)
			continue; /* too late: it may have been given to another since */
		s->until = asked + MESH_ROLE_LEASE_MS;
		m->ms.changes++;
	}
	r->ask_at = asked + (waiting(r) ? RETRY_MS : ASK_MS);
	if (r->ask_at <= now)
		r->ask_at = now + 1;
}

/* --- the leader ------------------------------------------------------------------- */

static struct rolelease_grant *
grant_of(struct rolelease *r, uint64_t id)
{
	uint32_t low = 0, high = r->grants_count;

	while (low < high) {
		uint32_t mid = (low + high) / 2;

		if (r->grants[mid].id < id)
			low = mid + 1;
		else
			high = mid;
	}
	return low < r->grants_count && r->grants[low].id == id ? &r->grants[low] : NULL;
}

void
rolelease_office(struct mesh *m)
{
	m->rolelease.grants_count = 0;
}

/* No confirmation of an older office can be alive. */
static bool
settled(const struct mesh *m, msec now)
{
	return now >= lease_over(m->elect.full_since);
}

/* What was confirmed stays known until it is over, wanted or not: two lists in
 * order become one. */
int
mesh_exclusive_owners(struct mesh *m, msec now, const struct mesh_owner *owners, size_t count)
{
	struct rolelease *r = &m->rolelease;
	struct rolelease_grant *was = r->grants;
	uint32_t n = 0, old = 0;

	if (count > MESH_OWNERS_MAX)
		return -ERR_FULL;
	for (size_t k = 0; k < count || old < r->grants_count;) {
		struct rolelease_grant g = {0};

		if (k > 0 && k < count && owners[k].id <= owners[k - 1].id)
			return -ERR_RANGE;
		if (k == count || (old < r->grants_count && was[old].id < owners[k].id)) {
			g = was[old++];
			g.owner = 0;
			if (g.holder == 0 || now >= g.until)
				continue;
		} else {
			if (old < r->grants_count && was[old].id == owners[k].id)
				g = was[old++];
			g.id = owners[k].id;
			g.owner = seal_short(&owners[k++].node);
		}
		if (n == GRANTS_MAX)
			return -ERR_FULL;
		r->spare[n++] = g;
	}
	r->grants = r->spare;
	r->spare = was;
	r->grants_count = n;
	return 0;
}

static bool
named(const uint8_t *ids, size_t len, uint64_t id)
{
	for (size_t n = 0; n < len; n += ROLELEASE_ENTRY_BYTES)
		if (be_get(ids + n, 8) == id)
			return true;
	return false;
}

/* Of member i: the salt that it drew at its start. */
static uint64_t
life_of(struct mesh *m, uint32_t i)
{
	const uint8_t *salt = i == 0 ? m->conf.salt : members_pair(&m->ms, i)->salt;

	return be_get(salt, 8);
}

static void
confirm(struct mesh *m, msec now, uint32_t i, msec asked, uint64_t id, uint8_t flags)
{
	uint64_t who = m->ms.m[i].short_id, life = life_of(m, i);
	struct rolelease *r = &m->rolelease;
	struct rolelease_grant *g = grant_of(r, id);

	bool live;

	if (g == NULL || g->owner != who)
		return;
	live = g->holder != 0 && now < g->until;
	if (live && g->holder != who)
		return;
	/* The copy of a node whose first life still runs it.  A restart runs it too. */
	if (live && g->life != life && (flags & (ROLELEASE_HELD | ROLELEASE_RUNS)) == 0)
		return;
	if (live && g->life == life && asked <= g->asked)
		return; /* overtaken on the way, or asked again after a reboot */
	/* Whatever was confirmed in this office: that claim may have been late. */
	if (!settled(m, now) && (flags & ROLELEASE_HELD) == 0)
		return;
	g->holder = who;
	g->life = life;
	g->until = lease_over(now);
	g->asked = asked;
}

/* A question of member i, asked on its own clock.  True when it is answered. */
static bool
question(struct mesh *m, msec now, uint32_t i, msec asked, const uint8_t *ids, size_t len)
{
	struct rolelease *r = &m->rolelease;
	uint64_t who = m->ms.m[i].short_id;

	/* Confirm nothing after a sleep, as nothing is issued then. */
	if (lead_grade(m, now) != MESH_GRADE_FULL || (i != 0 && now - m->ticked > elect_lease_ms(m) / 2))
		return false;
	for (uint32_t k = 0; k < r->grants_count; k++) {
		struct rolelease_grant *g = &r->grants[k];

		/* Another life knows nothing of what this one runs: a copy of its disk. */
		if (g->holder == who && g->life == life_of(m, i) && asked > g->asked && settled(m, now) &&
		    !named(ids, len, g->id))
			g->holder = 0;
	}
	for (size_t n = 0; n < len; n += ROLELEASE_ENTRY_BYTES)
		confirm(m, now, i, asked, be_get(ids + n, 8), ids[n + 8]);
	return true;
}

size_t
rolelease_fill_confirm(const struct mesh *m, uint32_t to, msec asked, uint8_t *out)
{
	const struct rolelease *r = &m->rolelease;
	uint64_t who = m->ms.m[to].short_id;
	size_t n = 0;

	for (uint32_t k = 0; k < r->grants_count && n < ROLELEASE_BYTES_MAX; k++) {
		const struct rolelease_grant *g = &r->grants[k];

		if (g->holder != who || g->owner != who || g->asked != asked)
			continue;
		be_put(out + n, g->id, 8);
		out[n + 8] = 0;
		n += ROLELEASE_ENTRY_BYTES;
	}
	return n;
}

/* --- verbs ---------------------------------------------------------------------- */

int
rolelease_recv(struct mesh *m, msec now, uint32_t from, const struct packet *p)
{
	if (p->bytes_len % ROLELEASE_ENTRY_BYTES != 0 || p->bytes_len > ROLELEASE_BYTES_MAX)
		return -ERR_MALFORMED;
	if (p->kind == PACKET_ROLE_ASK) {
		if (question(m, now, from, (msec)p->sent, p->bytes, p->bytes_len))
			out_to(m, PACKET_ROLE_LEASE, from, p->sent, 0, 0);
		return 0;
	}
	/* From the leader I follow, in the term I follow it in. */
	if (m->elect.leader == from && from != 0 && p->term == m->elect.ballot_term)
		confirmed(m, now, (msec)p->sent, p->bytes, p->bytes_len);
	return 0;
}

static void
ask(struct mesh *m, msec now)
{
	struct rolelease *r = &m->rolelease;
	uint8_t ids[ROLELEASE_BYTES_MAX];
	size_t len;

	r->farewells = r->slots_count > 0 ? 0 : r->farewells - 1;
	for (uint32_t i = 0; i < r->slots_count; i++)
		r->slots[i].claimed = now < r->slots[i].until;
	r->asked = now;
	r->answered = false;
	r->ask_at = now + RETRY_MS;
	if (m->elect.leader != 0) {
		out_to(m, PACKET_ROLE_ASK, m->elect.leader, (uint64_t)now, 0, 0);
		return;
	}
	len = rolelease_fill_ask(m, ids);
	if (!question(m, now, 0, now, ids, len))
		return;
	len = rolelease_fill_confirm(m, 0, now, ids);
	confirmed(m, now, now, ids, len);
}

void
rolelease_tick(struct mesh *m, msec now)
{
	struct rolelease *r = &m->rolelease;

	for (uint32_t i = 0; i < r->slots_count; i++)
		if (r->slots[i].until != 0 && now >= r->slots[i].until) {
			r->slots[i].until = 0;
			m->ms.changes++;
		}
	if (!r->ready || r->slots_count + r->farewells == 0 || now < r->ask_at ||
	    m->elect.leader == MEMBER_NONE)
		return;
	if (now > r->asked)
		ask(m, now);
	else
		r->ask_at = now + 1; /* two questions of one time would be one */
}

msec
rolelease_deadline(const struct mesh *m)
{
	const struct rolelease *r = &m->rolelease;
	msec at = MSEC_NEVER;

	for (uint32_t i = 0; i < r->slots_count; i++)
		if (r->slots[i].until != 0)
			at = msec_min(at, r->slots[i].until);
	if (r->ready && r->slots_count + r->farewells > 0 && m->elect.leader != MEMBER_NONE)
		at = msec_min(at, r->ask_at);
	return at;
}
