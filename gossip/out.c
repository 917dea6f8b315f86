/*
 * out.c - what waits to be sent.  Only intents are queued; the bytes are made
 * when the caller polls, so a beat or an ack carries the newest rumours and a
 * full queue is no more than a lost packet.
 */
#include "be.h"
#include "inner.h"

enum {
	JOBS_EVERY_MS = 20, /* a long answer goes out in bursts of ... */
	JOBS_BURST = 48,    /* ... so many datagrams */
	CROWD_ROSTERS = 8,
	BOOT_MS = 10000,
};

/* What the bytes of one packet take at most: a JOIN's ballast, a SYNC's hashes,
 * the questions of a role lease. */
#define FILL_BYTES_MAX SEAL_BODY_MAX
_Static_assert((int)ROLELEASE_BYTES_MAX <= (int)SEAL_BODY_MAX, "a role lease's entries");

static struct out *
push(struct mesh *m)
{
	struct out *o;

	if (m->ring_len == m->ring_cap) {
		m->stats.no_room[MESH_ROOM_DATAGRAMS]++;
		return NULL;
	}
	if (m->ring_len == 0)
		m->ring_head = 0; /* keep to the pages already touched */
	o = &m->ring[(m->ring_head + m->ring_len++) % m->ring_cap];
	memset(o, 0, sizeof *o);
	return o;
}

/* Whom I know by id alone, I ask who it is. */
static void
hello_instead(const struct mesh *m, struct out *o, uint32_t to, bool whole)
{
	bool proven = m->ms.m[to].proven;

	*o = (struct out){.kind = proven ? PACKET_HELLO : PACKET_WHO,
	    .introduce = whole || !proven, .to = (uint16_t)to};
}

void
out_to(struct mesh *m, enum packet_kind kind, uint32_t to, uint64_t a, uint64_t b, uint64_t c)
{
	struct out *o, *twin;
	uint32_t around;

	if (to == 0 || m->ms.m[to].addr.port == 0 || (o = push(m)) == NULL)
		return;
	*o = (struct out){.kind = (uint8_t)kind, .to = (uint16_t)to, .a = a, .b = b, .c = c};
	around = carry_via(m, kind, to);
	if (around == MEMBER_NONE || (twin = push(m)) == NULL)
		return;
	*twin = *o;
	twin->around = (uint16_t)around;
}

void
out_introduce(struct mesh *m, enum packet_kind kind, uint32_t to, uint64_t a)
{
	struct out *o;

	if (to == 0 || m->ms.m[to].addr.port == 0 || (o = push(m)) == NULL)
		return;
	o->kind = (uint8_t)kind;
	o->introduce = true;
	o->to = (uint16_t)to;
	o->a = a;
}

static struct out *
push_addr(struct mesh *m, enum packet_kind kind, const struct addr *addr)
{
	struct out *o;

	if (addr_eq(addr, &m->conf.addr) || (o = push(m)) == NULL)
		return NULL;
	o->kind = (uint8_t)kind;
	o->to = MEMBER_NONE;
	o->addr = *addr;
	return o;
}

void
out_join(struct mesh *m, enum packet_kind kind, const struct addr *addr, uint64_t token,
    uint64_t term, uint64_t generation)
{
	struct out *o = push_addr(m, kind, addr);

	if (o == NULL)
		return;
	o->introduce = kind == PACKET_JOINED;
	o->a = token;
	o->b = term;
	o->c = generation;
}

void
out_join_not(struct mesh *m, const struct addr *addr, uint64_t token, enum mesh_entry why)
{
	struct out *o = push_addr(m, PACKET_JOINED, addr);

	if (o == NULL)
		return;
	o->a = token;
	o->b = (uint64_t)why;
}

void
out_bare(struct mesh *m, enum packet_kind kind, const struct addr *addr, uint64_t a, uint64_t b,
    uint64_t c)
{
	struct out *o = push_addr(m, kind, addr);

	if (o == NULL)
		return;
	o->a = a;
	o->b = b;
	o->c = c;
}

void
out_addr(struct mesh *m, enum packet_kind kind, const struct addr *addr, const uint8_t *salt,
    uint64_t cookie, bool introduce)
{
	struct out *o = push_addr(m, kind, addr);

	if (o == NULL)
		return;
	o->introduce = introduce;
	o->c = cookie;
	if (salt == NULL)
		return;
	memcpy(&o->a, salt, 8); /* bytes, not numbers: fill takes them back */
	memcpy(&o->b, salt + 8, 8);
}

void
out_hello(struct mesh *m, uint32_t to, uint64_t cookie, bool whole)
{
	struct out *o;

	if (to == 0 || m->ms.m[to].addr.port == 0 || (o = push(m)) == NULL)
		return;
	hello_instead(m, o, to, whole);
	o->c = cookie;
}

void
out_notice(struct mesh *m, const struct addr *addr, uint32_t eviction)
{
	struct out *o = push_addr(m, PACKET_HELLO, addr);

	if (o == NULL)
		return;
	o->notice = true;
	o->a = eviction;
}

void
out_twin(struct mesh *m, const struct addr *addr, uint32_t hint)
{
	struct out *o = push_addr(m, PACKET_TWIN, addr);

	if (o != NULL)
		o->a = hint;
}

void
out_parked(struct mesh *m, uint32_t to, const struct parked *p)
{
	struct out *o = push(m);

	if (o != NULL)
		*o = (struct out){.kind = p->kind, .introduce = p->introduce,
		    .to = (uint16_t)to, .a = p->a, .b = p->b, .c = p->c};
}

static void
push_job(struct mesh *m, const struct job *job)
{
	struct job *slot = NULL;
	uint32_t like = 0;

	for (size_t i = 0; i < JOBS_MAX; i++) {
		struct job *j = &m->jobs[i];

		like += j->kind == job->kind;
		if (j->kind == job->kind && j->to == job->to) {
			slot = j; /* the newer question replaces the older */
			break;
		}
		if (j->kind == 0 && slot == NULL)
			slot = j;
	}
	if (slot == NULL) {
		m->stats.no_room[MESH_ROOM_ANSWERS]++;
		return; /* they will ask again */
	}
	/* Few soon have all of it, and hand it out too: roster_fetch.c. */
	if (slot->kind == 0 && job->kind == PACKET_ROSTER && like >= CROWD_ROSTERS && roster_crowd(m))
		return;
	if (slot->kind == 0)
		m->jobs_count++;
	*slot = *job;
}

void
out_table(struct mesh *m, uint32_t to, uint32_t buckets, uint32_t whole)
{
	push_job(m, &(struct job){.kind = PACKET_TABLE, .to = (uint16_t)to, .buckets = buckets,
	    .whole = whole});
}

void
out_roster(struct mesh *m, uint32_t to, uint32_t chunk)
{
	push_job(m, &(struct job){.kind = PACKET_ROSTER, .to = (uint16_t)to, .cursor = chunk,
	    .roster = m->roster.id});
}

void
out_tick(struct mesh *m, msec now)
{
	if (m->jobs_count == 0 || now < m->jobs_at)
		return;
	m->jobs_at = now + JOBS_EVERY_MS;
	m->job_tokens = JOBS_BURST;
}

/* --- building ------------------------------------------------------------- */

/* SYNC's bytes, bucket by bucket: hash 8, of it that of the lives 4. */
static void
fill_buckets(const struct mesh *m, const struct out *o, struct packet *p, uint8_t *scratch)
{
	p->flag = o->a;
	p->bytes = scratch;
	p->bytes_len = SYNC_BYTES;
	for (size_t i = 0; i < MEMBERS_BUCKETS; i++, scratch += SYNC_BUCKET_BYTES) {
		be_put(scratch, m->ms.buckets[i], 8);
		be_put(scratch + 8, m->ms.lives[i] >> 32, 4);
	}
}

static void
fill_ballast(struct packet *p, uint8_t *scratch)
{
	memset(scratch, 0, JOIN_BALLAST);
	p->bytes = scratch;
	p->bytes_len = JOIN_BALLAST;
}

static void
fill_joined(const struct mesh *m, msec now, const struct out *o, struct packet *p)
{
	p->term = o->b;
	if (!o->introduce)
		return;
	p->bytes = m->saved.cluster;
	p->bytes_len = ID_BYTES;
	p->generation = o->c;
	p->cookie = cookie_make(m, now, &o->addr);
}

static void
fill_head(const struct mesh *m, msec now, const struct out *o, struct packet *p, uint8_t *scratch)
{
	const struct addr *to = o->to == MEMBER_NONE ? &o->addr : &m->ms.m[o->to].addr;

	if (o->notice) {
		memcpy(scratch, m->conf.salt, SALT_BYTES);
		memset(scratch + SALT_BYTES, 0, SALT_BYTES);
	} else if (o->to != MEMBER_NONE) {
		pair_salts(m, o->to, scratch);
	} else {
		memcpy(scratch, m->conf.salt, SALT_BYTES);
		memcpy(scratch + SALT_BYTES, &o->a, 8);
		memcpy(scratch + SALT_BYTES + 8, &o->b, 8);
	}
	be_put(scratch + SALTS_BYTES, cookie_make(m, now, to), 8);
	be_put(scratch + SALTS_BYTES + 8, o->c != 0 ? o->c : cookie_back(m, to), 8);
	wire_pack(&m->conf.wire, scratch + WIRE_AT);
	p->bytes = scratch;
	p->bytes_len = HELLO_HEAD_BYTES;
}

void
out_fill_echo(const struct mesh *m, uint64_t term, uint32_t to, uint64_t sent, bool other,
    struct packet *p)
{
	p->term = term;
	p->who = term != 0 ? m->ms.m[to].short_id : 0;
	p->sent = sent;
	p->keys = term != 0 ? p->keys : 0;
	p->key_id = term != 0 ? keys_newest_id(m) : 0;
	if (term == 0 || other)
		p->roster = (struct roster_id){0};
}

static void
fill_role(struct mesh *m, const struct out *o, struct packet *p, uint8_t *scratch)
{
	p->sent = o->a;
	p->bytes = scratch;
	if (o->kind == PACKET_ROLE_ASK) {
		p->bytes_len = rolelease_fill_ask(m, scratch);
		return;
	}
	p->term = m->elect.ballot_term;
	p->bytes_len = rolelease_fill_confirm(m, o->to, (msec)o->a, scratch);
}

static void
fill(struct mesh *m, msec now, const struct out *o, struct packet *p, uint8_t *scratch)
{
	*p = (struct packet){.kind = o->kind, .seq = o->kind == PACKET_RESIGN ? o->c : o->a, .hash = o->kind == PACKET_PREVOTED ? m->roster.hash : members_hash(&m->ms),
	    .term = m->saved.term, .roster = m->roster.id, .keys = keys_word(m)};
	p->head = (struct head){.stamp = m->saved.applied, .hash = m->saved.applied_hash};
	p->who = o->kind == PACKET_PING && o->to != MEMBER_NONE ? m->ms.m[o->to].short_id : o->b;
	carry_fill(m, o, p);
	switch ((enum packet_kind)o->kind) {
	case PACKET_SYNC:
		fill_buckets(m, o, p, scratch);
		break;
	case PACKET_BEAT:
		lead_fill_beat(m, now, o->to, p);
		break;
	case PACKET_ECHO:
		out_fill_echo(m, o->a, o->to, o->b, o->c != 0, p);
		break;
	case PACKET_OTHER:
	case PACKET_RESIGN:
		p->term = o->a;
		break;
	case PACKET_PREVOTE:
	case PACKET_VOTE:
		p->term = o->b;
		break;
	case PACKET_PREVOTED:
	case PACKET_VOTED:
		p->grade = o->b;
		break;
	case PACKET_ROSTER_ASK:
		p->roster = m->roster.fetch;
		p->index = o->a;
		break;
	case PACKET_REPORT:
	case PACKET_REPORTED:
		report_fill(m, o, p);
		break;
	case PACKET_ROLE_ASK:
	case PACKET_ROLE_LEASE:
		fill_role(m, o, p, scratch);
		break;
	case PACKET_HELLO:
	case PACKET_WHO:
		fill_head(m, now, o, p, scratch);
		break;
	case PACKET_COUNTS:
		missed_fill(m, o->a, p, scratch);
		break;
	case PACKET_TWIN:
		p->bytes = scratch;
		p->bytes_len = twin_fill(m, now, &o->addr, o->a, scratch);
		break;
	case PACKET_JOIN:
		fill_ballast(p, scratch);
		break;
	case PACKET_JOINED:
		fill_joined(m, now, o, p);
		break;
	case PACKET_KEY_ASK:
	case PACKET_KEY:
		keys_fill(m, o, p, scratch);
		break;
	case PACKET_ENTER:
	case PACKET_ENTERED:
		enter_fill(m, o, p, scratch);
		break;
	default:
		break;
	}
}

static enum seal_form
form_of(const struct packet *p)
{
	if (p->bare)
		return SEAL_BARE;
	if (p->kind == PACKET_JOIN || p->kind == PACKET_JOINED)
		return SEAL_JOIN;
	return p->kind == PACKET_HELLO || p->kind == PACKET_WHO || p->kind == PACKET_TWIN ?
	    SEAL_SHARED : SEAL_PAIR;
}

static size_t
body_max(const struct packet *p)
{
	return DGRAM_BYTES_MAX - SEAL_TAG_BYTES - seal_header_bytes(form_of(p));
}

/* Seal the body of p with its cargo for member to; bytes written. */
static size_t
finish(struct mesh *m, uint32_t to, const struct packet *p, const struct cargo *c, uint8_t *buf)
{
	enum seal_form form = form_of(p);
	const uint8_t *key = form == SEAL_PAIR ? pair_tx(m, to) : NULL;
	struct mpw w;

	mpw_init(&w, buf + seal_header_bytes(form), body_max(p));
	packet_begin(&w, p);
	packet_end(&w, &c->w, c->count);
	if (w.full)
		return 0;
	if (form == SEAL_PAIR)
		m->seal.version = pair_version(m, to);
	m->stats.tx_kinds[p->kind]++;
	return seal_close(&m->seal, form, key, buf, w.len);
}

/* Room for rumours beside the fields of p. */
static void
cargo_init(struct cargo *c, const struct packet *p, uint8_t *scratch)
{
	uint8_t measure[SEAL_BODY_MAX];
	struct mpw w;

	mpw_init(&w, measure, sizeof measure);
	packet_begin(&w, p);
	c->count = 0;
	mpw_init(&c->w, scratch, body_max(p) - w.len - PACKET_END_BYTES);
}

static size_t
build(struct mesh *m, msec now, const struct out *o, uint8_t *buf)
{
	uint8_t bytes[FILL_BYTES_MAX], scratch[SEAL_BODY_MAX], inner[DGRAM_BYTES_MAX];
	struct packet p;
	struct cargo c;
	size_t n;

	fill(m, now, o, &p, bytes);
	if (p.kind == PACKET_NONE_)
		return 0; /* it was worth saying when it was queued */
	cargo_init(&c, &p, scratch);
	cargo_fill(m, now, &c, o);
	if ((p.kind == PACKET_GOSSIP || p.kind == PACKET_HELD) && c.count == 0)
		return 0;
	n = finish(m, o->to, &p, &c, buf);
	if (n == 0 || o->around == 0)
		return n;
	memcpy(inner, buf, n);
	p = (struct packet){.kind = PACKET_AROUND, .bytes = inner, .bytes_len = n};
	carry_label(m, o->to, &p);
	return finish(m, o->around, &p, &(struct cargo){.count = 0}, buf);
}

/* --- long answers ------------------------------------------------------------ */

static bool
build_table(struct mesh *m, msec now, struct job *j, struct packet *p, struct cargo *c, uint8_t *scratch)
{
	*p = (struct packet){.kind = PACKET_TABLE};
	cargo_init(c, p, scratch);
	for (; j->cursor < m->ms.count; j->cursor++) {
		const struct member *x = &m->ms.m[j->cursor];
		/* Who left is in no hash of lives, and its short word proves nothing to one
		 * that knows it from an old roster alone. */
		bool whole = x->state == MESH_LEFT || (j->whole >> members_bucket(x) & 1) != 0;
		struct rumour r;

		if ((j->buckets >> members_bucket(x) & 1) == 0 || !x->proven || x->evicted ||
		    x->forgotten)
			continue;
		if (j->cursor == j->to && x->state == MESH_SUSPECT && cut_lately(m, now))
			continue;
		/* After a start all of the roster are "failed": that I have not
		 * heard of them yet is no obituary. */
		if (x->state == MESH_FAILED && x->heard == 0 && now - m->started < BOOT_MS)
			continue;
		members_rumour(&m->ms, j->cursor, now, whole, &r);
		if (!cargo_load(c, &r))
			return true;
		m->stats.sync_records += whole;
	}
	for (; j->evictions < m->ms.evict.count; j->evictions++)
		if ((j->buckets >> (m->ms.evict.all[j->evictions].id[0] >> 3) & 1) != 0 &&
		    !cargo_eviction(m, c, j->evictions))
			return true;
	j->kind = 0;
	return c->count > 0;
}

static bool
build_roster(struct mesh *m, struct job *j, struct packet *p, struct cargo *c, uint8_t *scratch)
{
	uint32_t entries = m->roster.n.all, chunks = (entries + ROSTER_CHUNK - 1) / ROSTER_CHUNK;

	if (roster_cmp(&j->roster, &m->roster.id) != 0 || j->cursor >= chunks) {
		j->kind = 0;
		return false;
	}
	*p = (struct packet){.kind = PACKET_ROSTER, .roster = j->roster, .index = j->cursor,
	    .count = entries, .bytes = scratch};
	p->bytes_len = roster_chunk(m, j->cursor, &j->place, scratch) * (size_t)ROSTER_ENTRY_BYTES;
	p->sign = j->cursor == 0 && m->roster.is_signed ? m->roster.sign : NULL;
	c->count = 0;
	if (++j->cursor == chunks)
		j->kind = 0;
	return true;
}

static size_t
poll_job(struct mesh *m, msec now, uint8_t *buf, struct addr *to)
{
	uint8_t scratch[SEAL_BODY_MAX];
	struct packet p;
	struct cargo c = {.count = 0};

	while (m->jobs_count > 0 && m->job_tokens > 0) {
		struct job *j = &m->jobs[m->job_next++ % JOBS_MAX];
		bool any;

		if (j->kind == 0)
			continue;
		if (!pair_stands(m, j->to)) { /* it lives anew, and will ask anew */
			j->kind = 0;
			m->jobs_count--;
			continue;
		}
		*to = m->ms.m[j->to].addr;
		any = j->kind == PACKET_TABLE ? build_table(m, now, j, &p, &c, scratch) :
					       build_roster(m, j, &p, &c, scratch);
		if (j->kind == 0)
			m->jobs_count--;
		if (!any || to->port == 0)
			continue;
		m->job_tokens--;
		m->stats.sync_bytes += p.kind == PACKET_TABLE ? c.w.len : 0;
		return finish(m, j->to, &p, &c, buf);
	}
	return 0;
}

/* Can it be said as it is?  If not it waits, and o may become a HELLO. */
static bool
sealable(struct mesh *m, msec now, struct out *o)
{
	if (o->to == MEMBER_NONE || o->kind == PACKET_HELLO || o->kind == PACKET_WHO)
		return true;
	if (pair_stands(m, o->to))
		return o->around == 0 || pair_stands(m, o->around);
	if (o->around != 0 || o->kind == PACKET_AROUND || !pair_park(m, now, o))
		return false; /* nobody gets keys around: both are there, or it is not said */
	hello_instead(m, o, o->to, o->introduce);
	return true;
}

size_t
out_poll(struct mesh *m, msec now, struct addr *to, uint8_t *buf)
{
	size_t n;

	while (m->ring_len > 0) {
		struct out o = m->ring[m->ring_head];

		m->ring_head = (m->ring_head + 1) % m->ring_cap;
		m->ring_len--;
		*to = o.to == MEMBER_NONE ? o.addr : m->ms.m[o.around != 0 ? o.around : o.to].addr;
		if (o.kind == PACKET_BEAT && m->elect.role != MESH_LEADER)
			continue; /* it was mine to say when it was queued */
		if (to->port == 0 || !sealable(m, now, &o))
			continue;
		if ((n = build(m, now, &o, buf)) == 0)
			continue;
		if (o.kind != PACKET_BEAT)
			budget_spend(&m->budget, now, n);
		return n;
	}
	if ((n = poll_job(m, now, buf, to)) > 0)
		budget_spend(&m->budget, now, n);
	return n;
}
