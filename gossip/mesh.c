/*
 * mesh.c - the façade: one datagram in, one instant of time, one datagram out,
 * and the questions the daemon asks.  The decisions live in the files below.
 */
#include "mesh.h"

#include "holdoff.h"
#include "inner.h"

#include <stdlib.h>

static bool
conf_ok(const struct mesh_conf *c)
{
	struct hash h;

	c->crypto.hash(c->crypto.arg, &h, c->pk, KEY_BYTES);
	return memcmp(h.b, c->self.b, ID_BYTES) == 0 && c->profile < MESH_PROFILES &&
	    c->lease_ms >= 0 && c->lease_ms <= MESH_LEASE_MAX_MS &&
	    c->wire.min <= c->wire.max && c->members_max >= 2 && c->members_max <= MESH_MEMBERS_LIMIT &&
	    c->meta_bytes <= MESH_META_BYTES_MAX && c->seeds_count <= MESH_SEEDS_MAX &&
	    c->saved.generation <= UINT64_MAX >> SEAL_COUNTER_BITS &&
	    c->saved.term <= INT64_MAX && memchr(c->name, 0, sizeof c->name) != NULL;
}

static int
init(struct mesh *m, msec now)
{
	static const uint8_t nobody[ID_BYTES];
	struct mesh_conf *c = &m->conf;
	int i;

	m->saved = c->saved;
	m->saved.roster = NULL;
	m->saved.roster_bytes = 0;
	m->saved.evicted = NULL;
	m->saved.evicted_bytes = 0;
	if (saved_beyond(&m->saved, &m->saved.applied)) {
		m->saved.applied = (struct stamp){0};
		m->saved.applied_hash = (struct hash){{0}};
	}
	m->member = memcmp(c->saved.cluster, nobody, ID_BYTES) != 0;
	m->must_save = true; /* the generation of this very start */
	m->started = m->ticked = now;
	prng_init(&m->rng, c->seed);
	draw_init(&m->draw, &c->crypto, c->secret, c->salt);
	seal_init(&m->seal, &c->crypto, &c->self, c->saved.cluster, c->saved.generation, 0);
	draw_bytes(&m->draw, &c->crypto, m->seal.nonces.key, KEY_BYTES);
	m->slots = drawn(m);
	prng_init(&m->numbers, drawn(m));
	c->wire.features &= ~(uint32_t)(WIRE_PROFILE_MASK | WIRE_LEASE_MASK);
	c->wire.features |= WIRE_SIGNS_ROSTERS | c->profile | holdoff_feature(c->lease_ms);
	m->seal.wire = c->wire;
	if (keys_init(m) < 0 || !members_init(&m->ms, c->members_max))
		return -1;
	m->ring_cap = c->members_max * 4 + 1024;
	if ((m->ring = calloc(m->ring_cap, sizeof *m->ring)) == NULL)
		return -1;
	if ((i = members_add(&m->ms, &c->self, now)) != 0)
		return -1;
	m->ms.m[0].addr = c->addr;
	members_set_text(&m->ms, 0, c->name, strlen(c->name), c->meta, c->meta_bytes);
	members_set(&m->ms, 0, now, MESH_ALIVE, c->saved.generation, 0);
	if (admit_init(m, now) < 0)
		return -1;
	leave_init(m);
	vouch_self(m);
	members_tell(&m->ms, 0);
	budget_init(&m->budget, now);
	missed_init(m, now);
	gather_init(m, now);
	join_init(m, now);
	if (swim_init(m, now) < 0 || roster_init(m, now) < 0 || report_init(m, now) < 0 ||
	    rolelease_init(m, now) < 0 || reach_init(m) < 0 || carry_init(m) < 0)
		return -1;
	elect_init(m, now);
	m->elect.issued = (struct head){0};
	return evict_load(m, now);
}

/* NULL when memory is gone, the saved roster is not one, or pk is another's. */
struct mesh *
mesh_new(const struct mesh_conf *conf, msec now)
{
	struct mesh *m;

	if (!conf_ok(conf) || (m = calloc(1, sizeof *m)) == NULL)
		return NULL;
	m->conf = *conf;
	if (init(m, now) < 0) {
		mesh_free(m);
		return NULL;
	}
	m->conf.saved.roster = m->conf.saved.evicted = NULL; /* were borrowed for this call */
	return m;
}

void
mesh_free(struct mesh *m)
{
	const struct crypto *c;

	if (m == NULL)
		return;
	c = &m->conf.crypto;
	pairs_wipe(&m->ms.pairs, c);
	members_fini(&m->ms);
	roster_fini(m);
	report_fini(m);
	rolelease_fini(m);
	reach_fini(m);
	carry_fini(m);
	free(m->swim.ring);
	free(m->ring);
	free(m);
}

/* --- a datagram comes in -------------------------------------------------------- */

static int
dispatch(struct mesh *m, msec now, uint32_t from, const struct packet *p)
{
	int rc = claim_check(m, now, from, p);

	if (rc < 0)
		return rc;
	switch ((enum packet_kind)p->kind) {
	case PACKET_AROUND:
		return carry_recv(m, now, from, p);
	case PACKET_BEAT:
	case PACKET_ECHO:
	case PACKET_OTHER:
	case PACKET_REJECT:
		return lead_recv(m, now, from, p);
	case PACKET_PREVOTE:
	case PACKET_PREVOTED:
	case PACKET_VOTE:
	case PACKET_VOTED:
	case PACKET_RESIGN:
		return elect_recv(m, now, from, p);
	case PACKET_ROSTER_ASK:
	case PACKET_ROSTER:
		return roster_recv(m, now, from, p);
	case PACKET_REPORT:
	case PACKET_REPORTED:
		return report_recv(m, now, from, p);
	case PACKET_ROLE_ASK:
	case PACKET_ROLE_LEASE:
		return rolelease_recv(m, now, from, p);
	case PACKET_COUNTS:
		return missed_recv(m, now, from, p);
	case PACKET_KEY_ASK:
	case PACKET_KEY:
		return keys_recv(m, now, NULL, 0, from, p);
	case PACKET_HELLO:
	case PACKET_WHO:
	case PACKET_TWIN:
	case PACKET_JOIN:
	case PACKET_JOINED:
	case PACKET_ENTER:
	case PACKET_ENTERED:
		return -ERR_AUTH; /* only under the key that all share */
	default:
		return swim_recv(m, now, from, p);
	}
}

/* A frame of member i, authentic, whole and not heard before. */
static int
receive_member(struct mesh *m, msec now, uint32_t i, const struct packet *p)
{
	int rc;

	pair_heard(m, now, i);
	members_pair(&m->ms, i)->spoke = true;
	if (m->ms.m[i].state == MESH_LEFT)
		return -ERR_UNKNOWN;
	m->ms.m[i].seen = m->ms.m[i].heard = now;
	dark_lit(m, i);
	if (leave_said(m))
		return leave_recv(m, i, p);
	rc = dispatch(m, now, i, p);
	return rc < 0 ? rc : rumours_hear(m, now, p, i, NULL);
}

static int
decode(struct mesh *m, const uint8_t *body, size_t len, struct packet *p)
{
	int rc = packet_decode(body, len, p);

	if (rc == 0)
		m->stats.rx_kinds[p->kind]++;
	return rc;
}

/* Sealed for this node alone, by member i. */
static int
open_pair(struct mesh *m, uint32_t i, const struct seal_frame *frame, const uint8_t *buf, size_t len,
    uint8_t *body, struct packet *p)
{
	size_t body_bytes;
	int rc;

	if ((rc = pair_open(m, members_pair(&m->ms, i), frame, buf, len, body, &body_bytes)) < 0 ||
	    (rc = members_fresh(&m->ms, i, frame->counter)) < 0)
		return rc;
	return decode(m, body, body_bytes, p);
}

/* It teaches nothing but what it says, and is answered like any other: by which way
 * it came changes neither who sealed it nor for whom. */
int
mesh_carried(struct mesh *m, msec now, uint32_t via, bool hears, const uint8_t *buf, size_t len)
{
	uint8_t body[SEAL_BODY_MAX];
	struct seal_frame frame;
	struct packet p;
	struct pair *pair;
	uint32_t i;
	int rc;

	if ((rc = seal_read(buf, len, &frame)) < 0)
		return rc;
	i = members_find(&m->ms, frame.sender);
	pair = i == MEMBER_NONE ? NULL : members_pair(&m->ms, i);
	if (frame.form != SEAL_PAIR || pair == NULL || pair->since == 0 || !keys_epoch(m, &frame))
		return -ERR_UNKNOWN;
	if ((rc = open_pair(m, i, &frame, buf, len, body, &p)) < 0)
		return rc;
	if (m->ms.m[i].state == MESH_LEFT || leave_said(m) || !carry_takes((enum packet_kind)p.kind))
		return -ERR_UNKNOWN;
	keys_spoke(m, now, i, frame.epoch);
	carry_came(m, now, i, via, hears);
	return dispatch(m, now, i, &p);
}

static int
receive_pair(struct mesh *m, msec now, const struct addr *from, const struct seal_frame *frame,
    const uint8_t *buf, size_t len)
{
	uint32_t i = members_find(&m->ms, frame->sender);
	struct pair *pair = i == MEMBER_NONE ? NULL : members_pair(&m->ms, i);
	uint8_t body[SEAL_BODY_MAX];
	struct packet p;
	int rc;

	if (pair == NULL || pair->since == 0) {
		pair_stranger(m, now, from, frame, len);
		return -ERR_UNKNOWN;
	}
	if ((rc = open_pair(m, i, frame, buf, len, body, &p)) < 0)
		return rc;
	if (evict_refuses(m, now, from, frame, len))
		return -ERR_EVICTED;
	keys_spoke(m, now, i, frame->epoch);
	join_heard(m, from);
	return receive_member(m, now, i, &p);
}

/* Proves itself, or is nobody's word. */
static int
receive_bare(struct mesh *m, msec now, const struct addr *from, const struct seal_frame *frame,
    const uint8_t *buf, size_t len)
{
	const uint8_t *body;
	struct packet p;
	int rc;

	if ((rc = seal_bare(frame, &body, buf)) < 0 ||
	    (rc = decode(m, body, len - (size_t)(body - buf), &p)) < 0)
		return rc;
	if (p.kind == PACKET_ENTER || p.kind == PACKET_ENTERED)
		return enter_recv(m, now, from, frame->sender, &p);
	return keys_recv(m, now, from, frame->sender, MEMBER_NONE, &p);
}

static int
receive(struct mesh *m, msec now, const struct addr *from, const uint8_t *buf, size_t len)
{
	uint8_t body[SEAL_BODY_MAX];
	size_t body_bytes;
	struct seal_frame frame;
	struct packet p;
	int rc;

	if ((rc = seal_read(buf, len, &frame)) < 0)
		return rc;
	if (m->left && (!m->twin.yielded || frame.form != SEAL_SHARED))
		return -ERR_UNKNOWN;
	if (frame.form == SEAL_JOIN) {
		frame.epoch = m->seal.epoch;
	} else if (frame.form != SEAL_BARE && !keys_epoch(m, &frame)) {
		keys_stranger(m, now, from, &frame, len);
		return -ERR_UNKNOWN;
	}
	if (frame.form == SEAL_BARE)
		return receive_bare(m, now, from, &frame, buf, len);
	if (frame.form == SEAL_PAIR)
		return receive_pair(m, now, from, &frame, buf, len);
	if ((rc = seal_open(&m->seal, &frame, NULL, buf, len, body, &body_bytes)) < 0) {
		if (frame.form == SEAL_SHARED) /* perhaps another key of that number */
			keys_stranger(m, now, from, &frame, 0);
		return rc;
	}
	if ((rc = decode(m, body, body_bytes, &p)) < 0)
		return rc;
	/* Whoever yielded still answers the one it yielded to. */
	if (m->left && (frame.sender != m->ms.m[0].short_id || p.kind != PACKET_TWIN))
		return -ERR_UNKNOWN;
	if (frame.sender == m->ms.m[0].short_id && frame.form == SEAL_JOIN)
		return p.seq == m->swim.join_token ? 0 : -ERR_IDENTITY; /* 0: my own, come back */
	if (frame.sender == m->ms.m[0].short_id)
		return m->member ? twin_recv(m, now, from, &p) : -ERR_IDENTITY;
	if (frame.form == SEAL_SHARED && evict_refuses(m, now, from, &frame, len)) {
		cookie_keep(m, from, &p); /* who may not know this address takes no notice without */
		recover_listen(m, now, from, frame.sender, &p);
		return -ERR_EVICTED;
	}
	return frame.form == SEAL_JOIN ? join_recv(m, now, from, frame.sender, &p) :
					 pair_recv(m, now, from, &frame, &p);
}

int
mesh_recv(struct mesh *m, msec now, const struct addr *from, const uint8_t *buf, size_t len)
{
	int rc;

	m->stats.rx_packets++;
	m->stats.rx_bytes += len;
	rc = receive(m, now, from, buf, len);
	if (rc < 0)
		m->stats.dropped[-rc]++;
	return rc;
}

/* --- time passes, things leave ------------------------------------------------------ */

static void
watch(struct mesh *m, msec now)
{
	struct mesh_side side;

	known_side(m, now, &side);
	if (side.grade != m->side.grade || side.role != m->side.role ||
	    side.member != m->side.member || side.has_leader != m->side.has_leader ||
	    !id_eq(&side.leader, &m->side.leader) || side.term != m->side.term) {
		side.since = now;
		m->side = side;
		m->changes++;
	}
	if (stamp_cmp(&m->elect.issued.stamp, &m->side_issued.stamp) != 0) {
		m->side_issued = m->elect.issued;
		m->changes++;
	}
	if (m->ms.changes != m->members_changes) {
		m->members_changes = m->ms.changes;
		m->changes++;
	}
}

void
mesh_tick(struct mesh *m, msec now)
{
	if (m->left)
		return;
	if (m->elect.role == MESH_LEADER && now - m->ticked > elect_lease_ms(m) / 2)
		lead_pause(m, now);
	m->ticked = now;
	join_count(m, now);
	leave_tick(m, now);
	if (leave_said(m)) {
		swim_gossip(m, now);
		out_tick(m, now);
		watch(m, now);
		return;
	}
	join_tick(m, now);
	if (m->member) {
		swim_tick(m, now);
		elect_tick(m, now);
		lead_tick(m, now);
		rolelease_tick(m, now);
		reach_tick(m, now);
		missed_tick(m, now);
		gather_tick(m, now);
		twin_tick(m, now);
		admit_tick(m, now);
		recover_tick(m, now);
		roster_disk_tick(m, now);
	}
	report_tick(m, now);
	if (m->member)
		swim_gossip(m, now);
	out_tick(m, now);
	watch(m, now);
}

msec
mesh_deadline(const struct mesh *m)
{
	msec at = report_deadline(m);

	if (m->left)
		return MSEC_NEVER;
	if (leave_said(m)) {
		at = leave_deadline(m);
		at = msec_min(at, swim_gossip_due(m));
		return m->jobs_count > 0 ? msec_min(at, m->jobs_at) : at;
	}
	at = msec_min(at, join_deadline(m));
	if (m->jobs_count > 0)
		at = msec_min(at, m->jobs_at);
	if (!m->member)
		return at;
	at = msec_min(at, swim_deadline(m));
	at = msec_min(at, elect_deadline(m));
	at = msec_min(at, rolelease_deadline(m));
	at = msec_min(at, m->reach.next_at);
	at = msec_min(at, m->missed.at);
	at = msec_min(at, gather_deadline(m));
	at = msec_min(at, twin_deadline(m));
	at = msec_min(at, admit_deadline(m));
	at = msec_min(at, leave_deadline(m));
	at = msec_min(at, recover_deadline(m));
	at = msec_min(at, roster_disk_deadline(m));
	return msec_min(at, lead_deadline(m));
}

size_t
mesh_poll(struct mesh *m, msec now, struct addr *to, uint8_t *buf, size_t cap)
{
	size_t n;

	/* Nothing leaves that depends on facts not yet on disk. */
	if (m->must_save || cap < DGRAM_BYTES_MAX)
		return 0;
	if ((n = out_poll(m, now, to, buf)) > 0) {
		m->stats.tx_packets++;
		m->stats.tx_bytes += n;
	}
	return n;
}

bool
mesh_must_save(struct mesh *m, struct mesh_saved *out)
{
	if (!m->must_save)
		return false;
	roster_save(m);
	*out = m->saved;
	out->roster = m->roster.blob;
	out->roster_bytes = m->roster.blob_len;
	out->evicted = (const uint8_t *)m->ms.evict.all;
	out->evicted_bytes = m->ms.evict.count * (size_t)EVICTION_BYTES;
	return true;
}

void
mesh_saved(struct mesh *m)
{
	m->must_save = false;
}

/* --- operator acts --------------------------------------------------------------------- */

int
mesh_init(struct mesh *m, msec now, const uint8_t *cluster)
{
	static const uint8_t nobody[ID_BYTES];
	uint8_t own[ID_BYTES];

	if (m->member || memcmp(cluster, nobody, ID_BYTES) == 0)
		return -ERR_RANGE;
	if (m->ms.certs != NULL) {
		cert_cluster(&m->conf.crypto, m->conf.ca.pk, own);
		if (memcmp(cluster, own, ID_BYTES) != 0)
			return -ERR_RANGE;
		keys_found(m);
	}
	leave_entered(m, cluster);
	memcpy(m->saved.cluster, cluster, ID_BYTES);
	memcpy(m->seal.cluster, cluster, ID_BYTES);
	vouch_self(m);
	m->member = true;
	m->must_save = true;
	roster_first(m);
	elect_init(m, now);
	m->elect.holdoff_until = now; /* no promise can be older than the cluster */
	m->elect.try_at = now;
	return 0;
}

int
mesh_add_seed(struct mesh *m, msec now, const struct addr *seed)
{
	if (!addr_possible(seed))
		return -ERR_BAD_ADDRESS;
	for (size_t i = 0; i < m->conf.seeds_count; i++)
		if (addr_eq(&m->conf.seeds[i], seed))
			return 0;
	if (m->conf.seeds_count == MESH_SEEDS_MAX)
		return -ERR_FULL;
	join_seed_added(m);
	m->conf.seeds[m->conf.seeds_count++] = *seed;
	m->swim.seeds_at = now;
	return 0;
}

void
mesh_drop_seed(struct mesh *m, const struct addr *seed)
{
	struct mesh_conf *c = &m->conf;

	for (size_t i = 0; i < c->seeds_count; i++)
		if (addr_eq(&c->seeds[i], seed)) {
			c->seeds[i] = c->seeds[--c->seeds_count];
			join_seed_dropped(m, i);
			return;
		}
}

int
mesh_hand_over(struct mesh *m, msec now, const struct node_id *to)
{
	uint32_t i = to != NULL ? members_find_id(&m->ms, to) : swim_random_up(m, 0);

	if (m->elect.role != MESH_LEADER)
		return -ERR_NOT_LEADER;
	if (i == 0)
		return 0; /* it leads already */
	if (i == MEMBER_NONE ? to != NULL : m->ms.m[i].roster == 0 || m->ms.m[i].state != MESH_ALIVE ||
		    going_kind(&m->ms.m[i]) == MESH_LEAVING)
		return -ERR_UNKNOWN;
	lead_resign(m, now, i == MEMBER_NONE ? 0 : m->ms.m[i].short_id, 0);
	return 0;
}

/* --- what this node did ------------------------------------------------------------------ */

int
mesh_applied(struct mesh *m, msec now, const struct stamp *stamp, const struct hash *hash)
{
	int cmp = stamp_cmp(stamp, &m->saved.applied);

	if (cmp < 0 || (cmp == 0 && !hash_eq(hash, &m->saved.applied_hash)))
		return -ERR_RANGE;
	if (cmp == 0)
		return 0;
	m->saved.applied = *stamp;
	m->saved.applied_hash = *hash;
	m->must_save = true;
	report_soon(m, now);
	return 0;
}

int
mesh_next_stamp(struct mesh *m, msec now, struct stamp *out)
{
	const struct elect *e = &m->elect;

	/* The lease must live now, on the clock now, with no sleep between, and
	 * nobody may be known to act on a higher stamp. */
	if (e->role != MESH_LEADER || lead_grade(m, now) == MESH_GRADE_NONE || m->must_save ||
	    now - m->ticked > elect_lease_ms(m) / 2 || e->wish_term > e->ballot_term)
		return -ERR_NOT_LEADER;
	*out = (struct stamp){.term = e->ballot_term, .leader = m->ms.m[0].id, .seq = e->seq + 1};
	return 0;
}

int
mesh_issue(struct mesh *m, msec now, const struct stamp *stamp, const struct hash *hash)
{
	struct stamp next;
	int rc = mesh_next_stamp(m, now, &next);

	if (rc < 0)
		return rc;
	if (stamp_cmp(stamp, &next) != 0)
		return -ERR_RANGE;
	m->elect.seq = stamp->seq;
	m->elect.issued.stamp = *stamp;
	m->elect.issued.hash = *hash;
	lead_beat(m, now);
	return 0;
}
