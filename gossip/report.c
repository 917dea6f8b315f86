/*
 * report.c - planes A and B: the small summary everybody gets, and the report
 * that only the leader gets.  The reports are also the leader's fast failure
 * detector: 3 missed ones and 12 unanswered probes, half of them through
 * others, are a death 2.2 s after the last word.
 */
#include "inner.h"

#include <stdlib.h>

enum {
	REPORT_MS = 500,
	REPORT_BIG_MS = 1000,
	BIG_MEMBERS = 200,
	PENDING_MS = 100, /* while fragments are not acknowledged */
	PENDING_BURST = 16,
	PROBES = 12,
	PROBE_EVERY_MS = 100,
	MISSES = 3,
	LOSS_WINDOW_MS = 10000,
	VOUCH_SHIFT = 16, /* a member's index */
	SUMMARY_GAP_MS = 1000,
	SUMMARY_AGAIN_MS = 30000,
};

int
report_init(struct mesh *m, msec now)
{
	struct report *r = &m->report;

	r->frags = malloc(MESH_FRAGS_MAX * MESH_FRAG_BYTES_MAX);
	r->inbox = malloc(INBOX_MAX * sizeof *r->inbox);
	r->at = now + 1 + (msec)prng_below(&m->rng, (uint64_t)pace(m, REPORT_MS));
	r->vouch = prng_u64(&m->rng) >> VOUCH_SHIFT;
	r->summary_again = MSEC_NEVER;
	r->summary_next = now;
	/* Above every version this node told in its earlier lives. */
	m->ms.m[0].summary_version = (uint32_t)(m->saved.generation << 18) | 1;
	return r->frags == NULL || r->inbox == NULL ? -1 : 0;
}

void
report_fini(struct mesh *m)
{
	free(m->report.frags);
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

static void
report_send(struct mesh *m, msec now)
{
	struct report *r = &m->report;
	uint32_t leader = m->elect.leader, sent = 0;
	uint64_t missing = all_bits(r->count) & ~r->acked;

	for (uint32_t i = 0; i < r->count && sent < PENDING_BURST; i++)
		if ((missing >> i & 1) != 0) {
			out_to(m, PACKET_REPORT, leader, i, 1, 0);
			sent++;
		}
	if (sent == 0)
		out_to(m, PACKET_REPORT, leader, 0, 0, 0);
	/* The acknowledgement rides in the next beat: wait for it before
	 * repeating, unless there is more that was not sent yet. */
	r->at = now + (sent == PENDING_BURST ? pace(m, PENDING_MS) : report_interval(m));
}

/* My leader's beat says what of my report it holds. */
void
report_beat(struct mesh *m, const struct packet *p)
{
	if (p->version == m->report.version)
		m->report.acked |= p->bits;
	else
		m->report.acked = 0;
}

int
mesh_set_report(struct mesh *m, msec now, const uint8_t *const *frags, const size_t *frag_bytes,
    size_t count)
{
	struct report *r = &m->report;

	if (count > MESH_FRAGS_MAX)
		return -ERR_RANGE;
	for (size_t i = 0; i < count; i++)
		if (frag_bytes[i] == 0 || frag_bytes[i] > MESH_FRAG_BYTES_MAX)
			return -ERR_RANGE;
	for (size_t i = 0; i < count; i++) {
		memcpy(r->frags + i * MESH_FRAG_BYTES_MAX, frags[i], frag_bytes[i]);
		r->frag_bytes[i] = frag_bytes[i];
	}
	r->count = (uint32_t)count;
	r->version++;
	r->acked = 0;
	r->at = now;
	return 0;
}

static bool
moved(uint32_t a, uint32_t b, uint32_t by)
{
	return a > b ? a - b > by : b - a > by;
}

void
mesh_set_summary(struct mesh *m, msec now, const struct mesh_summary *s)
{
	struct report *r = &m->report;
	const struct mesh_summary *told = &m->ms.m[0].summary;

	r->summary = *s;
	if (!r->summary_set || moved(s->cpu_percent, told->cpu_percent, 5) ||
	    moved(s->mem_percent, told->mem_percent, 3) ||
	    moved(s->disk_percent, told->disk_percent, 1) ||
	    moved(s->load_centi, told->load_centi, 25u + told->load_centi / 10u) ||
	    s->instances != told->instances || s->config_hash != told->config_hash)
		r->summary_due = true;
	if (!r->summary_set)
		r->summary_again = now;
	r->summary_set = true;
}

static void
summary_tick(struct mesh *m, msec now)
{
	struct report *r = &m->report;
	struct member *self = &m->ms.m[0];

	if (!(r->summary_due && now >= r->summary_next) && now < r->summary_again)
		return;
	r->summary_due = false;
	r->summary_next = now + SUMMARY_GAP_MS;
	/* A tenth of jitter keeps nodes that started together apart. */
	r->summary_again = now + SUMMARY_AGAIN_MS -
	    (msec)prng_below(&m->rng, SUMMARY_AGAIN_MS / 10);
	self->summary = r->summary;
	if (++self->summary_version == 0)
		self->summary_version = 1;
	if (m->member)
		spread_push(&m->ms.summaries, 0);
}

/* --- the leader listens ------------------------------------------------------------ */

static bool
inbox_put(struct mesh *m, uint32_t from, const struct packet *p)
{
	struct report *r = &m->report;
	struct inbox *in;

	if (r->inbox_len == INBOX_MAX)
		return false;
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

int
report_recv(struct mesh *m, msec now, uint32_t from, const struct packet *p)
{
	struct member_report *r = &m->ms.reports[from];
	uint64_t bit;

	if (p->count > MESH_FRAGS_MAX || p->bytes_len > MESH_FRAG_BYTES_MAX ||
	    (p->bytes_len > 0 && p->index >= p->count))
		return -ERR_RANGE;
	if (m->elect.role != MESH_LEADER)
		return 0;
	if (r->seq != 0 && p->seq > r->seq) {
		m->report.got++;
		m->report.lost += p->seq - r->seq - 1 < 16 ? p->seq - r->seq - 1 : 16;
	}
	if (p->seq < r->seq && r->version == p->version && p->bytes_len == 0)
		return 0; /* overtaken on the way */
	r->seq = p->seq;
	r->applied = p->head;
	lead_heard_stamp(m, &p->head.stamp);
	if (r->version != p->version || r->count != p->count) {
		r->version = (uint32_t)p->version;
		r->count = (uint32_t)p->count;
		r->bits = 0;
	}
	bit = p->bytes_len > 0 ? UINT64_C(1) << p->index : 0;
	/* A full inbox is no acknowledgement: the fragment comes again. */
	if ((r->bits & bit) != bit && inbox_put(m, from, p))
		r->bits |= bit;
	if (r->bits == all_bits(r->count))
		r->at = now;
	return 0;
}

/* --- the leader's verdict --------------------------------------------------------- */

static msec
misses_allowed(const struct mesh *m)
{
	uint64_t all = m->report.got + m->report.lost;

	if (all < 50 || m->report.lost * 10 <= all)
		return MISSES;
	return m->report.lost * 5 <= all ? MISSES + 1 : MISSES + 2;
}

/* Through whom: who vouched for it last, and in turn somebody else each time,
 * for of few who are left perhaps one alone reaches it. */
static uint32_t
witness(struct mesh *m, uint32_t i, struct member_report *r)
{
	uint32_t via;

	if (r->probes % 4 == 1 && r->via != 0 && r->via != i && member_up(&m->ms.m[r->via]))
		return r->via;
	via = r->asked == 0 ? swim_random_up(m, i) : swim_next_up(m, r->asked, i);
	if (via != MEMBER_NONE)
		r->asked = (uint16_t)via;
	return via;
}

static void
probe_silent(struct mesh *m, uint32_t i, struct member_report *r)
{
	uint32_t via = r->probes % 2 == 1 ? witness(m, i, r) : MEMBER_NONE;

	if (r->probes % 4 == 1)
		dark_want(m, i);
	if (r->probes++ % 4 == 0)
		out_hello(m, i, 0, false); /* it may live anew, without my salt */
	/* The number says of whom, for what comes back through others. */
	if (via != MEMBER_NONE)
		out_to(m, PACKET_PINGREQ, via, m->report.vouch << VOUCH_SHIFT | i,
		    m->ms.m[i].short_id, 0);
	else
		out_to(m, PACKET_PING, i, ++m->swim.next_seq, 0, 0);
}

/* An answer to a probe that went through somebody: the link between us is cut,
 * not its life. */
bool
report_vouched(struct mesh *m, msec now, uint32_t from, uint64_t seq)
{
	uint32_t i = (uint32_t)(seq & ((1u << VOUCH_SHIFT) - 1));

	if (m->elect.role != MESH_LEADER || seq >> VOUCH_SHIFT != m->report.vouch ||
	    i >= m->ms.count || m->ms.reports[i].probes == 0)
		return false;
	m->ms.reports[i].vouched = now;
	m->ms.reports[i].via = (uint16_t)from;
	return true;
}

/* True when member i is dead for this leader. */
static bool
judge(struct mesh *m, msec now, uint32_t i, msec misses)
{
	const struct member *x = &m->ms.m[i];
	struct member_report *r = &m->ms.reports[i];
	msec every = report_interval(m), base = m->elect.lead_since, silent;

	/* The leader before was silent to me already; the others reported to him. */
	if (i == m->elect.last_leader && x->seen != MSEC_NEVER)
		base = x->seen;
	if (x->seen != MSEC_NEVER && x->seen > base)
		base = x->seen;
	if (r->vouched > base)
		base = r->vouched;
	if (x->streamed > base)
		base = x->streamed;
	if (x->state == MESH_ALIVE && x->since > base)
		base = x->since; /* back from the dead, or news to me */
	silent = now - base;
	if (silent < (misses - 1) * every) {
		r->probes = 0;
		r->probe_at = 0;
		return false;
	}
	if (r->probe_at > now)
		return false;
	if (r->probes < PROBES) {
		probe_silent(m, i, r);
		r->probe_at = now + pace(m, PROBE_EVERY_MS);
		return false;
	}
	return silent >= misses * every;
}

static void
verdict_tick(struct mesh *m, msec now)
{
	msec misses = misses_allowed(m);
	uint32_t up = mesh_up(m), dead = 0;

	if (now >= m->report.halve_at) {
		m->report.halve_at = now + pace(m, LOSS_WINDOW_MS);
		m->report.got /= 2;
		m->report.lost /= 2;
	}
	for (uint32_t i = 1; i < m->ms.count; i++) {
		if (!member_up(&m->ms.m[i]) || !judge(m, now, i, misses))
			continue;
		rumour_fail(m, now, i, "dead");
		dead++;
	}
	if (dead >= 3 && 3 * dead > up)
		trace(m, now, "cut", MEMBER_NONE, dead);
}

void
report_tick(struct mesh *m, msec now)
{
	struct report *r = &m->report;
	const struct elect *e = &m->elect;

	summary_tick(m, now);
	if (e->role == MESH_LEADER) {
		if (now >= r->verdict_at) {
			r->verdict_at = now + pace(m, PROBE_EVERY_MS);
			verdict_tick(m, now);
		}
	} else if (e->leader != MEMBER_NONE && now >= r->at) {
		report_send(m, now);
	}
}

msec
report_deadline(const struct mesh *m)
{
	const struct report *r = &m->report;
	msec at = r->summary_again;

	if (r->summary_due)
		at = msec_min(at, r->summary_next);
	if (m->elect.role == MESH_LEADER)
		return msec_min(at, r->verdict_at);
	return m->elect.leader != MEMBER_NONE ? msec_min(at, r->at) : at;
}
