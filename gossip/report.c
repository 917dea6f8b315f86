/*
 * report.c - plane B: the report that only two hear, the leader and the elector
 * whose turn it would be next, its standby, named in the beats.
 *
 *	   a node                         leader            standby
 *	REPORT version, fragment i of n  ------>
 *	                                 BEAT: of version I hold these
 *	REPORT version, bare             ------>            each 0.5 or 1 s
 *	REPORT version, fragment i of n  ---------------------->
 *	                                 REPORTED: of version I hold these
 *
 * A REPORT to the leader that is due when a beat comes is the echo of it too, for a
 * leader of many pays by the packet; without a beat it goes alone, a little later.
 *
 * The fragments are opaque.  What the caller needs to tell differences only is
 * which version a hearer holds for sure: one that it acknowledged whole while
 * that was the newest told, so that nothing later can have taken its place.
 *
 * The two differ in time and so in content; versions are of one count.  When
 * the standby comes to lead, what it was told is what the leader was told: one
 * bare report each and its view is whole.  A hearer that lost what it held
 * says version 0, and is told all of it again.
 */
#include "inner.h"

#include <stdlib.h>

enum {
	REPORT_MS = 500,
	REPORT_BIG_MS = 1000,
	BIG_MEMBERS = 200,
	PENDING_MS = 100, /* while fragments are not acknowledged */
	PENDING_BURST = 16,
	INDEX = 0xffff, /* of a fragment; with it what a report is made of: */
	WITH_FRAG = 1 << 16,
	WITH_OTHER = 1 << 17, /* as an echo: not the roster you asked about */
	BEAT_LATE_MS = 100, /* after half of a report's interval, at most */
	LEADER_BYTES_MS = 2400, /* a new leader is told so much each ms, by all ... */
	SPREAD_MIN_MS = 2000, /* ... and by many in no less: its beats are each 0.5 s */
	SPREAD_MAX_MS = 5000,
	SERIES_GAP = 64,
};

static void
told_empty(const struct mesh *m, struct told *t, uint16_t to)
{
	const struct report *r = &m->report;

	t->to = to;
	t->wanted = to != MEMBER_NONE;
	t->greeted = false;
	t->count = t->version = t->held = 0;
	t->acked = 0;
	t->seq = r->told[0].seq > r->told[1].seq ? r->told[0].seq : r->told[1].seq;
	t->seq += SERIES_GAP; /* to who hears it: not lost, another series */
	t->at = MSEC_NEVER;
	t->spread_until = 0;
}

/* Above every version this node told in its earlier lives. */
void
report_relive(struct mesh *m)
{
	m->report.version = (uint32_t)(m->saved.generation << 18);
}

int
report_init(struct mesh *m, msec now)
{
	struct report *r = &m->report;

	r->inbox = malloc(INBOX_MAX * sizeof *r->inbox);
	for (size_t k = 0; k < MESH_HEARERS; k++) {
		r->told[k].frags = malloc(MESH_FRAGS_MAX * MESH_FRAG_BYTES_MAX);
		if (r->told[k].frags == NULL)
			return -1;
		told_empty(m, &r->told[k], MEMBER_NONE);
	}
	report_relive(m);
	r->standby = MEMBER_NONE;
	verdict_init(m);
	summary_init(m, now);
	return r->inbox == NULL ? -1 : 0;
}

void
report_fini(struct mesh *m)
{
	for (size_t k = 0; k < MESH_HEARERS; k++)
		free(m->report.told[k].frags);
	free(m->report.inbox);
}

msec
report_interval(const struct mesh *m)
{
	return m->ms.count > BIG_MEMBERS ? pace(m, REPORT_BIG_MS) : pace(m, REPORT_MS);
}

static uint64_t
all_bits(uint32_t count)
{
	return count == 0 ? 0 : UINT64_MAX >> (64 - count);
}

/* --- telling ------------------------------------------------------------------ */

static struct told *
told_of(struct mesh *m, uint32_t to)
{
	for (size_t k = 0; k < MESH_HEARERS; k++)
		if (m->report.told[k].to == to && to != MEMBER_NONE)
			return &m->report.told[k];
	return NULL;
}

/* The fragments it lacks.  Not all at once to a new leader; nothing that it would
 * refuse. */
static uint64_t
lacks(msec now, const struct told *t)
{
	return now < t->spread_until || t->wanted ? 0 : all_bits(t->count) & ~t->acked;
}

/* How long a report waits for a beat to answer: it rides on the one before or after. */
static msec
ride_ms(const struct mesh *m)
{
	return report_interval(m) / 4;
}

/* When a report goes without one. */
static msec
alone_at(const struct mesh *m, const struct told *t)
{
	return t->at == MSEC_NEVER || lacks(m->ticked, t) != 0 ? t->at : t->at + ride_ms(m);
}

/* beat: the first of them echoes it, or NULL. */
static void
report_send(struct mesh *m, msec now, struct told *t, bool leader, const struct packet *beat)
{
	uint64_t missing = lacks(now, t), term = beat != NULL ? beat->term : 0;
	uint64_t with = beat != NULL && roster_is_other(m, beat) ? WITH_OTHER : 0;
	uint32_t sent = 0;

	for (uint32_t i = 0; i < t->count && sent < PENDING_BURST; i++)
		if ((missing >> i & 1) != 0) {
			out_to(m, PACKET_REPORT, t->to, i | WITH_FRAG | with, term,
			    term != 0 ? beat->sent : 0);
			term = with = 0;
			sent++;
		}
	if (sent == 0 && leader)
		out_to(m, PACKET_REPORT, t->to, with, term, term != 0 ? beat->sent : 0);
	/* The acknowledgement rides in the next beat: wait for it before
	 * repeating, unless there is more that was not sent yet.  The standby is
	 * told nothing when nothing is new. */
	if (sent == PENDING_BURST)
		t->at = now + pace(m, PENDING_MS);
	else if (sent > 0)
		t->at = now + report_interval(m) / 2 + 1 +
		    (msec)prng_below(&m->rng, (uint64_t)pace(m, BEAT_LATE_MS));
	else if (leader || now < t->spread_until)
		t->at = now + report_interval(m);
	else
		t->at = MSEC_NEVER;
	if (now < t->spread_until)
		t->at = msec_min(t->at, t->spread_until);
}

void
report_fill(struct mesh *m, const struct out *o, struct packet *p)
{
	struct told *t = told_of(m, o->to);

	if (o->kind == PACKET_REPORTED) {
		p->version = o->a;
		p->bits = o->b;
		return;
	}
	if (t == NULL) {
		p->kind = PACKET_NONE_;
		return;
	}
	out_fill_echo(m, o->b, o->to, o->c, (o->a & WITH_OTHER) != 0, p);
	p->seq = ++t->seq;
	p->version = t->version;
	p->count = t->count;
	p->index = o->a & INDEX;
	if ((o->a & WITH_FRAG) != 0 && p->index < t->count) {
		p->bytes = t->frags + p->index * MESH_FRAG_BYTES_MAX;
		p->bytes_len = t->frag_bytes[p->index];
	}
}

void
report_soon(struct mesh *m, msec now)
{
	m->report.told[MESH_LEADER_HEARS].at = now - ride_ms(m);
}

/* What a hearer holds of version. */
static void
acknowledged(struct told *t, uint32_t version, uint64_t bits)
{
	if (version == 0) {
		/* It lost what my reports are a difference to, or never had any. */
		t->wanted = t->wanted || t->held != 0;
		t->held = 0;
		t->acked = 0;
	}
	if (version != t->version || t->version == 0)
		return; /* of an older one, on its way when this one was made */
	t->acked |= bits & all_bits(t->count);
	if (t->acked != all_bits(t->count))
		return;
	t->held = version;
	t->greeted = true;
}

static void
follow(struct mesh *m, msec now, uint32_t from)
{
	struct told *leader = &m->report.told[MESH_LEADER_HEARS];
	struct told *standby = &m->report.told[MESH_STANDBY_HEARS], was;

	if (leader->to == from)
		return;
	was = *leader;
	*leader = *standby;
	*standby = was;
	if (leader->to != from)
		told_empty(m, leader, (uint16_t)from);
	leader->at = now - ride_ms(m);
}

static void
hear(struct mesh *m, bool hears)
{
	struct report *r = &m->report;

	if (hears == (r->hearing != 0))
		return;
	r->hearing = hears ? ++r->hearings : 0;
	r->inbox_len = 0;
	for (uint32_t i = 0; i < m->ms.count; i++) {
		struct member_report *x = &m->ms.reports[i];

		if (x->version != 0)
			x->least = x->version;
		x->version = x->refused = x->count = 0;
		x->bits = 0;
	}
}

void
report_beat(struct mesh *m, msec now, uint32_t from, const struct packet *p)
{
	struct report *r = &m->report;
	struct told *standby = &r->told[MESH_STANDBY_HEARS];
	bool mine = p->who == m->ms.m[0].short_id;
	uint32_t who = p->who == 0 || mine ? MEMBER_NONE : members_find(&m->ms, p->who);

	hear(m, mine);
	follow(m, now, from);
	if (who == from)
		who = MEMBER_NONE;
	if (standby->to != who)
		told_empty(m, standby, (uint16_t)who);
	acknowledged(&r->told[MESH_LEADER_HEARS], (uint32_t)p->version, p->bits);
}

bool
report_rides(struct mesh *m, msec now, uint32_t from, const struct packet *beat)
{
	struct told *t = &m->report.told[MESH_LEADER_HEARS];

	if (t->to != from || t->at == MSEC_NEVER || now < t->at - ride_ms(m))
		return false;
	/* A full one has no room in what goes around a cut path; its echo has. */
	if (!relay_near(m, from) || carry_deaf(m, from))
		return false;
	report_send(m, now, t, true, beat);
	return true;
}

bool
mesh_hearer(const struct mesh *m, enum mesh_hears which, struct mesh_hearer *out)
{
	const struct told *t = &m->report.told[which];

	*out = (struct mesh_hearer){.held = t->held, .wanted = t->wanted, .due = t->version == 0};
	if (t->to == MEMBER_NONE || (which == MESH_LEADER_HEARS && m->elect.leader != t->to))
		return false;
	out->id = m->ms.m[t->to].id;
	return true;
}

void
report_forget(struct mesh *m, uint32_t i)
{
	struct told *t = told_of(m, i);

	if (t != NULL)
		told_empty(m, t, MEMBER_NONE);
}

/* Large reports of a crowd to a leader who knows nothing come by and by. */
static msec
spread(struct mesh *m, const struct told *t)
{
	uint64_t bytes = 0, span;

	if (t->greeted)
		return 0;
	for (uint32_t i = 0; i < t->count; i++)
		bytes += t->frag_bytes[i];
	span = bytes * mesh_up(m) / LEADER_BYTES_MS;
	if (span < REPORT_MS)
		return 0;
	if (span < SPREAD_MIN_MS)
		span = SPREAD_MIN_MS;
	return (msec)prng_below(&m->rng, span < SPREAD_MAX_MS ? span : SPREAD_MAX_MS);
}

int
mesh_set_report(struct mesh *m, msec now, enum mesh_hears which, const uint8_t *const *frags,
    const size_t *frag_bytes, size_t count, uint32_t *version)
{
	struct told *t = &m->report.told[which];

	if (count == 0 || count > MESH_FRAGS_MAX)
		return -ERR_RANGE;
	for (size_t i = 0; i < count; i++)
		if (frag_bytes[i] == 0 || frag_bytes[i] > MESH_FRAG_BYTES_MAX)
			return -ERR_RANGE;
	if (t->to == MEMBER_NONE)
		return -ERR_UNKNOWN;
	for (size_t i = 0; i < count; i++) {
		memcpy(t->frags + i * MESH_FRAG_BYTES_MAX, frags[i], frag_bytes[i]);
		t->frag_bytes[i] = frag_bytes[i];
	}
	t->count = (uint32_t)count;
	if (++m->report.version == 0)
		m->report.version = 1;
	*version = t->version = m->report.version;
	t->acked = 0;
	if (t->wanted) /* this one is whole, and whoever takes it lets go of those before */
		t->held = 0;
	t->wanted = false;
	t->at = now;
	if (t->spread_until == 0)
		t->spread_until = now + spread(m, t);
	return 0;
}

/* --- hearing ------------------------------------------------------------------ */

void
report_office(struct mesh *m, msec now)
{
	struct report *r = &m->report;

	hear(m, true);
	r->verdict_at = now + pace(m, STEP_MS);
	r->got = r->lost = 0;
	r->standby = MEMBER_NONE;
	told_empty(m, &r->told[MESH_LEADER_HEARS], MEMBER_NONE);
	told_empty(m, &r->told[MESH_STANDBY_HEARS], MEMBER_NONE);
	for (uint32_t i = 0; i < m->ms.count; i++) {
		struct member_report *x = &m->ms.reports[i];

		*x = (struct member_report){.applied = x->applied,
		    .version = x->version, .count = x->count, .bits = x->bits,
		    .refused = x->refused};
	}
}

void
report_fill_beat(const struct mesh *m, uint32_t to, struct packet *p)
{
	const struct member_report *x = &m->ms.reports[to];

	p->version = x->version;
	p->bits = x->bits;
	p->who = m->report.standby == MEMBER_NONE ? 0 : m->ms.m[m->report.standby].short_id;
}

static bool
inbox_put(struct mesh *m, uint32_t from, const struct packet *p)
{
	struct report *r = &m->report;
	struct inbox *in;

	if (r->inbox_len == INBOX_MAX) {
		m->stats.no_room[MESH_ROOM_REPORTS]++;
		return false;
	}
	in = &r->inbox[(r->inbox_head + r->inbox_len++) % INBOX_MAX];
	in->from = m->ms.m[from].id;
	in->version = (uint32_t)p->version;
	in->index = (uint32_t)p->index;
	in->count = (uint32_t)p->count;
	in->len = p->bytes_len;
	memcpy(in->bytes, p->bytes, p->bytes_len);
	return true;
}

size_t
mesh_next_report(struct mesh *m, struct node_id *from, uint32_t *version, uint32_t *index,
    uint32_t *count, uint8_t *buf, size_t cap)
{
	struct report *r = &m->report;
	struct inbox *in = &r->inbox[r->inbox_head];

	if (r->inbox_len == 0 || in->len > cap)
		return 0;
	*from = in->from;
	*version = in->version;
	*index = in->index;
	*count = in->count;
	memcpy(buf, in->bytes, in->len);
	r->inbox_head = (r->inbox_head + 1) % INBOX_MAX;
	r->inbox_len--;
	return in->len;
}

uint64_t
mesh_hearing(const struct mesh *m)
{
	return m->report.hearing;
}

void
mesh_refuse_report(struct mesh *m, const struct node_id *from, uint32_t version)
{
	uint32_t i = members_find_id(&m->ms, from);
	struct member_report *x;

	if (i == MEMBER_NONE || m->ms.reports[i].version != version)
		return;
	x = &m->ms.reports[i];
	x->refused = version;
	x->version = x->count = 0;
	x->bits = 0;
	x->reported = false;
	if (m->elect.role != MESH_LEADER) /* a leader's beat says so */
		out_to(m, PACKET_REPORTED, i, 0, 0, 0);
}

/* The fragments: 0 when this is nothing new, or too old. */
static void
take_frag(struct mesh *m, uint32_t from, const struct packet *p)
{
	struct member_report *x = &m->ms.reports[from];
	uint64_t bit = p->bytes_len > 0 ? UINT64_C(1) << p->index : 0;
	uint32_t least = x->version != 0 ? x->version : x->least;

	if (p->version == 0 || (p->version == x->refused) ||
	    (least != 0 && (int32_t)((uint32_t)p->version - least) < 0))
		return;
	if (x->version != p->version || x->count != p->count) {
		x->version = (uint32_t)p->version;
		x->count = (uint32_t)p->count;
		x->bits = 0;
	}
	/* A full inbox is no acknowledgement: the fragment comes again. */
	if ((x->bits & bit) != bit && inbox_put(m, from, p))
		x->bits |= bit;
}

static int
heard_report(struct mesh *m, msec now, uint32_t from, const struct packet *p)
{
	struct member_report *x = &m->ms.reports[from];

	if (p->count > MESH_FRAGS_MAX || p->bytes_len > MESH_FRAG_BYTES_MAX ||
	    (p->bytes_len > 0 && p->index >= p->count))
		return -ERR_RANGE;
	if (m->report.hearing == 0)
		return 0;
	if (m->elect.role != MESH_LEADER) {
		take_frag(m, from, p);
		out_to(m, PACKET_REPORTED, from, x->version, x->bits, 0);
		return 0;
	}
	if (x->seq != 0 && p->seq > x->seq && p->seq - x->seq < SERIES_GAP) {
		m->report.got++;
		m->report.lost += p->seq - x->seq - 1 < 16 ? p->seq - x->seq - 1 : 16;
	}
	if (p->seq >= x->seq) {
		x->seq = p->seq;
		x->applied = p->head;
	}
	claim_stamp(m, now, from, &p->head.stamp);
	if (p->term != 0)
		lead_echoed(m, now, from, p);
	take_frag(m, from, p);
	if (x->version == p->version && x->count > 0 && x->bits == all_bits(x->count)) {
		x->reported = true;
		x->at = now;
	}
	return 0;
}

int
report_recv(struct mesh *m, msec now, uint32_t from, const struct packet *p)
{
	struct told *standby = &m->report.told[MESH_STANDBY_HEARS];

	if (p->kind == PACKET_REPORT)
		return heard_report(m, now, from, p);
	if (standby->to == from)
		acknowledged(standby, (uint32_t)p->version, p->bits);
	return 0;
}

/* Who hears no leader has told what was true before: it may have stopped since what
 * nobody but a leader may let run.  What the leader held of it, it still holds. */
static void
outdated(struct told *t)
{
	t->version = t->count = 0;
	t->acked = 0;
}

/* --- time -------------------------------------------------------------------------- */

void
report_tick(struct mesh *m, msec now)
{
	struct report *r = &m->report;
	struct told *leader = &r->told[MESH_LEADER_HEARS];
	struct told *standby = &r->told[MESH_STANDBY_HEARS];

	summary_tick(m, now);
	if (m->elect.role == MESH_LEADER) {
		verdict_tick(m, now);
		return;
	}
	if (m->elect.leader == MEMBER_NONE) {
		outdated(leader);
		return;
	}
	if (leader->to == m->elect.leader && now >= alone_at(m, leader))
		report_send(m, now, leader, true, NULL);
	if (standby->to != MEMBER_NONE && now >= standby->at)
		report_send(m, now, standby, false, NULL);
}

msec
report_deadline(const struct mesh *m)
{
	const struct report *r = &m->report;
	const struct told *leader = &r->told[MESH_LEADER_HEARS];
	msec at = summary_deadline(m);

	if (m->elect.role == MESH_LEADER)
		return msec_min(at, r->verdict_at);
	if (m->elect.leader == MEMBER_NONE)
		return at;
	if (leader->to == m->elect.leader)
		at = msec_min(at, alone_at(m, leader));
	return r->told[MESH_STANDBY_HEARS].to != MEMBER_NONE ?
	    msec_min(at, r->told[MESH_STANDBY_HEARS].at) : at;
}
