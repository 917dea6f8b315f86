/*
 * story_keys.c - the cluster key changes: under loss, with a node away, with the
 * leader killed in the middle, and with a thief of the old key at the door.
 */
#include "story.h"

enum { STEP = 10000, THIEF = 250, LEAP = 1000, MAD = 3 * SECOND / 2 };

enum trial { PLAIN, LOSS, WAITS, FORCED, LEADER_DIES, CUT_OFF, GOES_MAD, TRIALS };

/* Somebody who stole the key that goes, and is no member. */
struct thief {
	struct sim_node n;
	struct seal seal;
	uint64_t counter;
};

static bool
changed(const struct sim *s, uint32_t epoch)
{
	for (uint32_t i = 0; i < s->conf.nodes; i++) {
		const struct sim_node *n = &s->node[i];
		const struct mesh_keys *k;

		if (n->mesh == NULL)
			continue;
		k = &n->mesh->saved.keys;
		if (k->used != epoch || k->next || k->old || n->disk.keys.used != epoch ||
		    sim_ring_get(&n->disk_ring, epoch) == 0 ||
		    sim_ring_get(&n->ring, epoch - 1) != 0)
			return false;
	}
	return true;
}

/* As an operator would: ask who leads, again when a new one knows nothing of it. */
static void
order(struct sim *s, uint32_t epoch, uint32_t away)
{
	struct sim_node *n = &s->node[story_leader(s)];
	msec now;

	if (n->mesh == NULL || n->mesh->elect.role != MESH_LEADER)
		return;
	now = node_clock(s, story_leader(s));
	if (n->mesh->saved.keys.used < epoch)
		(void)!mesh_keys_rotate(n->mesh, now);
	if (away != UINT32_MAX)
		(void)!mesh_keys_pass(n->mesh, now, &s->node[away].id);
}

static bool
until_changed(struct sim *s, uint32_t epoch, uint32_t away, usec *took)
{
	usec began = s->now;

	while (!changed(s, epoch) && s->now - began < story_patience(s)) {
		order(s, epoch, away);
		if (!sim_run(s, s->now + STEP))
			return false;
	}
	*took = s->now - began;
	return story_bound(s, "keys-changed", changed(s, epoch));
}

/* --- the thief -------------------------------------------------------------------- */

static void
thief_begin(struct sim *s, struct thief *t)
{
	struct crypto c;

	*t = (struct thief){.counter = 1};
	sim_identity(&t->n, THIEF, &s->rng);
	t->n.ring = s->node[0].ring;
	sim_crypto(&c, &t->n);
	t->seal = (struct seal){.crypto = c};
	seal_init(&t->seal, &c, &t->n.id, s->node[0].disk.cluster, 1000, s->rng.s[0]);
	t->seal.epoch = s->node[0].disk.keys.used;
}

/* A HELLO with a good record of its own; a question for the key. */
static size_t
thief_says(struct thief *t, enum packet_kind kind, uint8_t *buf)
{
	uint8_t bytes[KEY_ASK_BYTES] = {0}, sig[SIG_BYTES], room[512];
	bool bare = kind == PACKET_KEY_ASK;
	struct packet p = {.kind = kind, .seq = 77, .bare = bare, .bytes = bytes,
	    .bytes_len = bare ? sizeof bytes : HELLO_HEAD_BYTES};
	struct rumour me = {.state = MESH_ALIVE, .generation = 1000, .is_long = true,
	    .pk = t->n.pk, .sig = sig, .name = "thief", .name_len = 5, .addr = net_address(THIEF)};
	enum seal_form form = bare ? SEAL_BARE : SEAL_SHARED;
	struct mpw w, r;

	memcpy(bytes, t->n.pk, KEY_BYTES);
	vouch_sign(&t->seal.crypto, t->seal.cluster, &me, sig);
	mpw_init(&r, room, sizeof room);
	rumour_pack(&r, &me);
	mpw_init(&w, buf + seal_header_bytes(form), SEAL_SHARED_BODY_MAX);
	packet_begin(&w, &p);
	packet_end(&w, &r, bare ? 0 : 1);
	return seal_close(&t->seal, form, NULL, buf, w.len);
}

enum lie { EVICTS, AS_ANOTHER, NOW_IN, HINTS, LIES };

static size_t
seal_lie(struct seal *seal, enum seal_form form, const struct packet *p, const struct rumour *r,
    uint8_t *buf)
{
	uint8_t room[512];
	struct mpw w, rumours;

	mpw_init(&rumours, room, sizeof room);
	if (r != NULL)
		rumour_pack(&rumours, r);
	mpw_init(&w, buf + seal_header_bytes(form), SEAL_SHARED_BODY_MAX);
	packet_begin(&w, p);
	packet_end(&w, &rumours, r != NULL);
	return seal_close(seal, form, NULL, buf, w.len);
}

/*
 * What the key alone lets him say of node x: that it is out, by an act that he signed; in
 * its own name, with a salt of his making and the last number of its life; that whoever hears
 * it is let into another cluster; that x lives a second time, where he is.
 */
static size_t
thief_lies(struct sim *s, struct thief *t, enum lie what, uint32_t x, uint8_t *buf)
{
	static const char domain[] = "mesh evict 0";
	const struct sim_node *n = &s->node[x];
	uint8_t bytes[HELLO_HEAD_BYTES] = {0}, body[sizeof domain - 1 + 2 * ID_BYTES];
	struct eviction act;
	struct rumour r = {.eviction = (const uint8_t *)&act};
	struct packet p = {.kind = PACKET_HELLO, .seq = 77, .bytes = bytes, .bytes_len = sizeof bytes};
	struct addr here = net_address(THIEF);
	struct seal other = t->seal;

	for (size_t i = 0; i < SALT_BYTES; i++)
		bytes[i] = (uint8_t)prng_u64(&s->rng);
	switch (what) {
	case EVICTS:
		memcpy(body, domain, sizeof domain - 1);
		memcpy(body + sizeof domain - 1, t->seal.cluster, ID_BYTES);
		memcpy(body + sizeof domain - 1 + ID_BYTES, n->id.b, ID_BYTES);
		memcpy(act.id, n->id.b, ID_BYTES);
		memcpy(act.pk, t->n.pk, KEY_BYTES);
		t->seal.crypto.sign(t->seal.crypto.arg, act.sig, body, sizeof body);
		return seal_lie(&t->seal, SEAL_SHARED, &p, &r, buf);
	case AS_ANOTHER:
		other.self = seal_short(&n->id);
		other.counter = ((n->disk.generation + 1) << SEAL_COUNTER_BITS) - 2;
		return seal_lie(&other, SEAL_SHARED, &p, NULL, buf);
	case NOW_IN:
		p.kind = PACKET_JOINED;
		p.bytes_len = ID_BYTES;
		p.generation = 1 << 20;
		return seal_lie(&t->seal, SEAL_JOIN, &p, NULL, buf);
	default:
		p.kind = PACKET_TWIN;
		memcpy(bytes, here.ip, sizeof here.ip);
		be_put(bytes + sizeof here.ip, here.port, 2);
		p.bytes_len = sizeof here.ip + 2;
		other.self = seal_short(&n->id);
		return seal_lie(&other, SEAL_SHARED, &p, NULL, buf);
	}
}

/* Each lie about each node, to each. */
static bool
thief_harms_nobody(struct sim *s, struct thief *t)
{
	struct addr from = net_address(THIEF);
	uint8_t buf[DGRAM_BYTES_MAX];

	for (uint32_t i = 0; i < s->conf.nodes * s->conf.nodes; i++) {
		uint32_t to = i / s->conf.nodes, x = i % s->conf.nodes;
		struct mesh *m = s->node[to].mesh;

		for (enum lie what = 0; m != NULL && what < LIES; what++)
			(void)!mesh_recv(m, node_clock(s, to), &from, buf,
			    thief_lies(s, t, what, x, buf));
	}
	if (!sim_run(s, s->now + SECOND))
		return false;
	for (uint32_t i = 0; i < s->conf.nodes; i++) {
		const struct mesh *m = s->node[i].mesh;

		if (m != NULL && (m->left || m->ms.evict.count > 0 ||
			memcmp(m->saved.cluster, t->seal.cluster, ID_BYTES) != 0))
			return story_bound(s, "old-key-thief-harms-nobody", false);
	}
	return true;
}

/* Whatever he says to whomever knows of the change: nobody takes him in. */
static bool
thief_gets_nothing(struct sim *s, struct thief *t)
{
	struct addr from = net_address(THIEF);
	uint8_t buf[DGRAM_BYTES_MAX];

	for (uint32_t i = 0; i < s->conf.nodes; i++) {
		struct mesh *m = s->node[i].mesh;

		if (m == NULL || (m->saved.keys.used == t->seal.epoch && !m->saved.keys.next))
			continue;
		if (mesh_recv(m, node_clock(s, i), &from, buf, thief_says(t, PACKET_HELLO, buf)) >= 0 ||
		    mesh_recv(m, node_clock(s, i), &from, buf, thief_says(t, PACKET_KEY_ASK, buf)) >= 0 ||
		    members_find_id(&m->ms, &t->n.id) != MEMBER_NONE)
			return story_bound(s, "old-key-thief-gets-nothing", false);
	}
	return thief_harms_nobody(s, t);
}

/* --- trials ------------------------------------------------------------------------- */

static bool
settled(struct sim *s, struct sim_stats *st, const char *name, uint32_t epoch, uint32_t away)
{
	usec took;

	if (!until_changed(s, epoch, away, &took))
		return false;
	stats_add(st, name, took / 1000);
	return true;
}

static bool
with_one_away(struct sim *s, struct sim_stats *st, enum trial kind, uint32_t epoch, struct thief *t)
{
	uint32_t away = story_other(s);
	bool cut = kind == CUT_OFF, forced = kind != WAITS;
	usec began;

	if (cut)
		net_group(s, away, 1);
	else
		node_crash(s, away, INT64_MAX);
	if (!sim_run(s, s->now + 10 * SECOND))
		return false;
	s->node[away].passed = forced;
	if (!forced) {
		order(s, epoch, UINT32_MAX);
		if (!sim_run(s, s->now + 5 * SECOND) || !thief_gets_nothing(s, t))
			return false;
		/* All wait for it, and go on talking under the old key. */
		if (!story_bound(s, "waits-for-the-one-away",
			s->node[story_leader(s)].mesh->saved.keys.used == epoch - 1))
			return false;
	} else {
		for (began = s->now; s->node[story_leader(s)].mesh->saved.keys.used < epoch ||
		     s->node[story_leader(s)].mesh->saved.keys.old;) {
			order(s, epoch, away);
			if (s->now - began > story_patience(s) || !sim_run(s, s->now + STEP))
				return story_bound(s, "keys-changed", false);
		}
		if (!thief_gets_nothing(s, t))
			return false;
	}
	if (cut)
		net_group(s, away, 0);
	else
		node_start(s, away);
	return settled(s, st, forced ? "rotate.back:ms" : "rotate.waited:ms", epoch, UINT32_MAX);
}

static bool
leader_dies(struct sim *s, struct sim_stats *st, uint32_t epoch)
{
	uint32_t leader = story_leader(s);
	usec back;

	order(s, epoch, UINT32_MAX);
	if (!sim_run(s, s->now + (usec)prng_below(&s->rng, SECOND)))
		return false;
	/* Nobody is passed over: it takes until the dead one is back. */
	back = s->now + (prng_below(&s->rng, 2) == 0 ? 1 : 5) * (usec)SECOND;
	node_crash(s, leader, back);
	if (!sim_run(s, back + STEP))
		return false;
	return settled(s, st, "rotate.leader:ms", epoch, UINT32_MAX);
}

/* A member says that the key is far ahead of everybody's: alone, so nobody follows. */
static bool
one_goes_mad(struct sim *s, uint32_t epoch)
{
	struct sim_node *n = &s->node[story_other(s)];
	uint32_t far = epoch + LEAP;

	n->mad = true;
	sim_ring_put(&n->ring, far, prng_u64(&s->rng) | 1);
	n->mesh->saved.keys = (struct mesh_keys){.used = far};
	n->mesh->seal.epoch = far;
	if (!sim_run(s, s->now + MAD))
		return false;
	node_crash(s, (uint32_t)(n - s->node), s->now + SECOND);
	n->mad = false;
	if (!sim_run(s, s->now + 2 * SECOND))
		return false;
	for (uint32_t i = 0; i < s->conf.nodes; i++)
		if (s->node[i].disk.keys.used != epoch)
			return story_bound(s, "one-alone-moves-no-key", false);
	return true;
}

static bool
one(struct sim *s, struct sim_stats *st, enum trial kind, struct thief *t)
{
	uint32_t epoch = s->node[0].mesh->saved.keys.used + 1;
	uint64_t deaths = s->false_deaths;
	bool ok;

	thief_begin(s, t);
	switch (kind) {
	case LOSS:
		s->loss_permille = 200;
		net_changed(s);
		ok = settled(s, st, "rotate.lossy:ms", epoch, UINT32_MAX);
		s->loss_permille = 0;
		net_changed(s);
		return ok;
	case LEADER_DIES:
		return leader_dies(s, st, epoch);
	case GOES_MAD:
		return one_goes_mad(s, epoch - 1);
	case WAITS:
	case FORCED:
	case CUT_OFF:
		ok = with_one_away(s, st, kind, epoch, t);
		for (uint32_t i = 0; i < s->conf.nodes; i++)
			s->node[i].passed = false;
		return ok;
	default:
		return settled(s, st, "rotate:ms", epoch, UINT32_MAX) &&
		    story_bound(s, "keys-change-kills-nobody", s->false_deaths == deaths);
	}
}

bool
story_rotate(struct sim *s, struct sim_stats *st)
{
	struct thief t;

	for (uint32_t k = 0; k < TRIALS && s->broken == NULL; k++) {
		enum trial kind = (enum trial)((s->conf.seed + k) % TRIALS);
		usec took;

		if (kind != PLAIN && kind != LOSS && s->conf.nodes < 3)
			continue; /* who is left is no quorum */
		if (!story_whole(s, &took) || !one(s, st, kind, &t) ||
		    !story_whole(s, &took) || !thief_gets_nothing(s, &t))
			return false;
		stats_add(st, "rotate.whole:ms", took / 1000);
	}
	return s->broken == NULL;
}
