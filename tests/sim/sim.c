/*
 * sim.c - the heap, the network, the disks and the clocks.  What the daemon's
 * loop does with libuv is here: recv, tick, save, drain poll, sleep until the
 * deadline.
 */
#include "sim.h"

#include <stdlib.h>

enum { REPLAY_US = 20000000, POOL_BYTES = DGRAM_BYTES_MAX, ISSUE_EVERY = 5000000, REPORT_EVERY = 1000000 };

static void *
must(void *p)
{
	if (p == NULL) {
		fputs("mesh-sim: out of memory; use fewer --nodes\n", stderr);
		exit(5);
	}
	return p;
}

/* --- the heap ------------------------------------------------------------------ */

static bool
before(const struct sim_event *a, const struct sim_event *b)
{
	return a->at != b->at ? a->at < b->at : a->seq < b->seq;
}

static void
push(struct sim *s, struct sim_event e)
{
	size_t i = s->heap_len++;

	if (s->heap_len > s->heap_cap) {
		s->heap_cap = s->heap_cap == 0 ? 1024 : 2 * s->heap_cap;
		s->heap = must(realloc(s->heap, s->heap_cap * sizeof *s->heap));
	}
	e.seq = s->seq++;
	for (; i > 0 && before(&e, &s->heap[(i - 1) / 2]); i = (i - 1) / 2)
		s->heap[i] = s->heap[(i - 1) / 2];
	s->heap[i] = e;
}

static struct sim_event
pop(struct sim *s)
{
	struct sim_event out = s->heap[0], e = s->heap[--s->heap_len];
	size_t i = 0, child;

	for (; (child = 2 * i + 1) < s->heap_len; i = child) {
		if (child + 1 < s->heap_len && before(&s->heap[child + 1], &s->heap[child]))
			child++;
		if (!before(&s->heap[child], &e))
			break;
		s->heap[i] = s->heap[child];
	}
	if (s->heap_len > 0)
		s->heap[i] = e;
	return out;
}

static uint8_t *
pool_get(struct sim *s)
{
	return s->pool_len > 0 ? s->pool[--s->pool_len] : must(malloc(POOL_BYTES));
}

static void
pool_put(struct sim *s, uint8_t *p)
{
	if (s->pool_len == s->pool_cap) {
		s->pool_cap = s->pool_cap == 0 ? 1024 : 2 * s->pool_cap;
		s->pool = must(realloc(s->pool, s->pool_cap * sizeof *s->pool));
	}
	s->pool[s->pool_len++] = p;
}

static void
note(struct sim *s, uint64_t a, uint64_t b)
{
	s->history = prng_mix(s->history ^ prng_mix(a ^ prng_mix(b)));
}

/* --- clocks and the network -------------------------------------------------------- */

msec
sim_clock(const struct sim *s, uint32_t i)
{
	const struct sim_node *n = &s->node[i];

	return n->clock_off + (s->now + s->now / 1000000 * n->clock_ppm) / 1000;
}

static struct addr
address(uint32_t i)
{
	struct addr a = {.port = 7780};

	a.ip[10] = a.ip[11] = 0xff;
	a.ip[12] = 10;
	a.ip[14] = (uint8_t)(i >> 8);
	a.ip[15] = (uint8_t)i;
	return a;
}

static uint32_t
node_at(const struct sim *s, const struct addr *a)
{
	uint32_t i = (uint32_t)a->ip[14] << 8 | a->ip[15];

	return i < s->conf.nodes ? i : UINT32_MAX;
}

static bool
chance(struct sim *s, uint32_t permille)
{
	return permille > 0 && prng_below(&s->rng, 1000) < permille;
}

static void
deliver_later(struct sim *s, uint32_t from, uint32_t to, const uint8_t *buf, size_t len)
{
	usec delay = s->delay_min +
	    (usec)prng_below(&s->rng, (uint64_t)(s->delay_max - s->delay_min) + 1);
	struct sim_event e = {.node = to, .from = from, .len = (uint32_t)len};

	if (chance(s, s->reorder_permille))
		delay *= 10;
	e.at = s->now + delay;
	e.bytes = pool_get(s);
	memcpy(e.bytes, buf, len);
	push(s, e);
}

static uint64_t
lives(const struct sim *s, uint32_t a, uint32_t b)
{
	return s->node[a].disk.generation << 32 | s->node[b].disk.generation;
}

/* Recorded in another life of the receiver, or of the sender in one that the
 * receiver knows to be over.  (Before it heard of the new one nobody can tell.) */
static bool
is_history(const struct sim *s, const struct sim_event *e)
{
	const struct members *ms = &s->node[e->node].mesh->ms;
	uint64_t now = lives(s, e->from, e->node);
	uint32_t i = members_find_id(ms, &s->node[e->from].id);

	return (uint32_t)e->lives != (uint32_t)now ||
	    (e->lives >> 32 != now >> 32 && i != MEMBER_NONE && ms->m[i].generation == now >> 32);
}

/* Somebody records it, and says it again when it may be another life's. */
static void
replay_later(struct sim *s, uint32_t from, uint32_t to, const uint8_t *buf, size_t len)
{
	struct sim_event e = {.at = s->now + 1 + (usec)prng_below(&s->rng, REPLAY_US), .node = to,
	    .from = from, .len = (uint32_t)len, .lives = lives(s, from, to)};

	e.bytes = pool_get(s);
	memcpy(e.bytes, buf, len);
	push(s, e);
}

static void
transmit(struct sim *s, uint32_t from, const struct addr *to, const uint8_t *buf, size_t len)
{
	uint32_t j = node_at(s, to);

	s->node[from].tx_bytes += len + 28;
	if (j == UINT32_MAX || s->node[j].group != s->node[from].group)
		return;
	if (s->cut != NULL && s->cut[from * s->conf.nodes + j] != 0)
		return;
	if (chance(s, s->loss_permille))
		return;
	deliver_later(s, from, j, buf, len);
	if (chance(s, s->dup_permille))
		deliver_later(s, from, j, buf, len);
	if (chance(s, s->replay_permille))
		replay_later(s, from, j, buf, len);
}

/* --- a node -------------------------------------------------------------------------- */

struct tracer {
	struct sim *s;
	uint32_t i;
};

static void
on_trace_node(void *arg, msec now, const char *event)
{
	struct tracer *t = arg;

	(void)now;
	fprintf(stderr, "%9.3f n%u %s\n", (double)t->s->now / 1e6, t->i, event);
}

static void
save(struct sim *s, uint32_t i)
{
	struct sim_node *n = &s->node[i];
	struct mesh_saved f;

	if (!mesh_must_save(n->mesh, &f))
		return;
	check_saved(s, i, &f);
	if (s->conf.mutant == MUTANT_OLD_ROSTER && n->disk.generation > 1) {
		f.roster_bytes = n->disk.roster_bytes;
		f.roster = n->disk_roster;
		n->disk = f;
	} else if (s->conf.mutant != MUTANT_NO_PERSIST || n->disk.generation < 2) {
		if (f.roster_bytes > n->disk_roster_cap) {
			n->disk_roster_cap = 2 * f.roster_bytes;
			free(n->disk_roster);
			n->disk_roster = must(malloc(n->disk_roster_cap));
		}
		if (f.roster_bytes > 0)
			memcpy(n->disk_roster, f.roster, f.roster_bytes);
		n->disk = f;
		n->disk.roster = n->disk_roster;
	}
	note(s, f.term, f.generation);
	mesh_saved(n->mesh);
}

/* What the engine would do: the leader issues, everybody applies and reports. */
static void
act(struct sim *s, uint32_t i)
{
	struct sim_node *n = &s->node[i];
	msec now = sim_clock(s, i);
	struct mesh_parent p;
	struct stamp stamp;
	struct hash hash = {{0}};
	struct node_id from;
	uint32_t version, index, count;
	uint8_t buf[MESH_FRAG_BYTES_MAX];

	if (mesh_next_stamp(n->mesh, now, &stamp) == 0 &&
	    (s->now >= n->issue_at || stamp.seq == 1)) {
		uint64_t h = prng_mix(stamp.term ^ (uint64_t)i << 32 ^ stamp.seq << 48);

		n->issue_at = s->now + ISSUE_EVERY;
		for (size_t k = 0; k < HASH_BYTES; k++)
			hash.b[k] = (uint8_t)(h >> k % 8 * 8);
		check_issue(s, i, &stamp);
		if (mesh_issue(n->mesh, now, &stamp, &hash) == 0 &&
		    mesh_applied(n->mesh, now, &stamp, &hash) == 0) {
			s->last_issue = s->now;
			s->last_issuer = i;
			if (s->conf.nodes <= SIM_EXCLUSIVE_NODES)
				exclusive_issue(s, i, &stamp);
		}
	}
	if (mesh_issued(n->mesh, &p) && stamp_cmp(&p.stamp, &n->mesh->saved.applied) > 0 &&
	    mesh_applied(n->mesh, now, &p.stamp, &p.hash) < 0)
		check_break(s, "applied-monotonic", i, p.stamp.term, p.stamp.seq);
	exclusive_act(s, i);
	while (mesh_next_report(n->mesh, &from, &version, &index, &count, buf, sizeof buf) > 0)
		note(s, version, from.b[0]);
	if (s->now >= n->report_at) {
		const uint8_t *frag = buf;
		size_t bytes = 100;

		n->report_at = s->now + REPORT_EVERY;
		memset(buf, (int)i, bytes);
		if (mesh_set_report(n->mesh, now, &frag, &bytes, 1) < 0)
			check_break(s, "report-taken", i, 0, 0);
	}
}

static void
mutate(struct sim *s, uint32_t i)
{
	struct mesh *m = s->node[i].mesh;

	if (s->conf.mutant == MUTANT_VOTE_TWICE)
		memset(&m->saved.voted_for, 0, sizeof m->saved.voted_for);
	if (s->conf.mutant == MUTANT_NO_HOLDOFF)
		m->elect.holdoff_until = 0;
	if (s->conf.mutant == MUTANT_STAMP_AGAIN)
		m->elect.seq = 0;
	if (s->conf.mutant == MUTANT_STALE_LEASE && m->elect.full_base.t != 0)
		m->elect.full_base.t = sim_clock(s, i);
}

/* After anything happened at node i: time, disk, wire, alarm clock. */
static void
settle(struct sim *s, uint32_t i)
{
	struct sim_node *n = &s->node[i];
	msec now = sim_clock(s, i), at;
	uint8_t buf[DGRAM_BYTES_MAX];
	struct addr to;
	size_t len;
	usec wake;

	alloc_forbid();
	mesh_tick(n->mesh, now);
	if (alloc_allow() > 0)
		check_break(s, "no-alloc-after-new", i, 0, 0);
	if (mesh_deadline(n->mesh) <= now)
		check_break(s, "deadline-in-future", i, (uint64_t)now, 0);
	save(s, i);
	act(s, i);
	save(s, i);
	alloc_forbid();
	while ((len = mesh_poll(n->mesh, now, &to, buf, sizeof buf)) > 0) {
		if (alloc_allow() > 0)
			check_break(s, "no-alloc-after-new", i, 0, 0);
		transmit(s, i, &to, buf, len);
		alloc_forbid();
	}
	if (alloc_allow() > 0)
		check_break(s, "no-alloc-after-new", i, 0, 0);
	mesh_tick(n->mesh, now); /* what act() changed has deadlines too */
	save(s, i);
	at = mesh_deadline(n->mesh);
	if (at <= now)
		check_break(s, "deadline-in-future", i, (uint64_t)now, (uint64_t)at);
	check_node(s, i);
	mutate(s, i);
	wake = at == MSEC_NEVER ? INT64_MAX : s->now + (at - now) * 1000;
	if (wake < n->wake_at) {
		n->wake_at = wake;
		push(s, (struct sim_event){.at = wake, .node = i});
	}
}

/* Chaos: the weights, the tie-breaker and the rules for small sides are drawn
 * from the seed, and one node in eight is configured unlike the others. */
static void
swarm_policy(const struct sim *s, uint32_t i, struct mesh_policy *c)
{
	uint64_t r = prng_mix(s->conf.seed * 77);
	bool odd = prng_mix(r ^ i) % 8 == 0;

	if (odd)
		r = prng_mix(r + i);
	if (r % 2 == 0)
		return;
	for (uint32_t k = 0; k < s->conf.nodes && k < 8; k++) {
		struct mesh_pref *p = &c->prefs[c->prefs_count++];

		snprintf(p->name, sizeof p->name, "n%u", k);
		p->weight = (uint8_t)(1 + (r >> (8 + 2 * k)) % 4);
		p->tie_breaker = k == (r >> 32) % 8;
		p->priority = (int8_t)((r >> (40 + k)) % 3);
	}
	if (c->quorum == MESH_QUORUM_MAJORITY)
		return;
	c->quorum = (enum mesh_quorum)((r >> 1) % 4);
	c->quorum_min = (uint32_t)(1 + (r >> 3) % s->conf.nodes);
	c->degraded_min = (uint32_t)((r >> 5) % 3);
	c->degraded_after_ms = (msec)((r >> 7) % 5) * 1000;
}

void
sim_start(struct sim *s, uint32_t i)
{
	struct sim_node *n = &s->node[i];
	struct mesh_conf c = {.self = n->id, .addr = address(i), .policy.quorum = s->conf.quorum,
	    .members_max = s->conf.nodes + 8 < MESH_MEMBERS_LIMIT ? s->conf.nodes + 8 :
								      MESH_MEMBERS_LIMIT,
	    .saved = n->disk};
	struct tracer *t;

	c.saved.generation = ++n->disk.generation;
	if (s->conf.mutant == MUTANT_NO_PERSIST)
		c.saved.generation = n->disk.generation = n->done.generation + 1;
	snprintf(c.name, sizeof c.name, "n%u", i);
	c.seed = prng_mix(s->conf.seed ^ prng_mix(i * 1000003u + c.saved.generation));
	memcpy(c.pk, n->pk, sizeof c.pk);
	sim_crypto(&c.crypto, n);
	if (s->conf.late)
		swarm_policy(s, i, &c.policy);
	for (uint32_t k = 0; k < 3 && k < s->conf.nodes; k++)
		c.seeds[c.seeds_count++] = address(k);
	if (s->conf.verbose && (t = must(malloc(sizeof *t))) != NULL) {
		*t = (struct tracer){s, i}; /* lives as long as the program */
		c.trace = on_trace_node;
		c.trace_arg = t;
	}
	for (size_t k = 0; k < SALT_BYTES; k++)
		c.salt[k] = (uint8_t)(prng_mix(c.seed + 1 + k / 8) >> k % 8 * 8);
	n->salt_ignored = s->conf.mutant == MUTANT_SALT_IGNORED;
	n->mesh = must(mesh_new(&c, sim_clock(s, i)));
	if (s->conf.mutant == MUTANT_NO_HOLDOFF)
		n->mesh->elect.holdoff_until = 0;
	n->wake_at = INT64_MAX;
	n->report_at = s->now + (usec)prng_below(&s->rng, REPORT_EVERY);
	if (i == 0 && n->disk.generation == 1) {
		uint8_t cluster[ID_BYTES] = {7, 7, 7};

		if (mesh_init(n->mesh, sim_clock(s, i), cluster) < 0)
			check_break(s, "init", i, 0, 0);
	}
	note(s, i, c.saved.generation);
	settle(s, i);
}

void
sim_crash(struct sim *s, uint32_t i, usec restart_at)
{
	struct sim_node *n = &s->node[i];

	if (n->mesh == NULL)
		return;
	mesh_free(n->mesh);
	n->mesh = NULL;
	exclusive_crash(s, i, prng_below(&s->rng, 2) == 0);
	n->paused_until = 0;
	n->leads = false;
	n->restart_at = restart_at;
	n->wake_at = restart_at;
	note(s, i, UINT64_MAX);
	if (restart_at != INT64_MAX)
		push(s, (struct sim_event){.at = restart_at, .node = i});
}

/* Could this node tell one that forgot?  Of a roster of two nobody else knows the
 * vote of the other. */
static bool
remembers(const struct mesh *m)
{
	return m != NULL && m->roster.n.all >= 3 && !m->roster.joint;
}

/* While it is down: everything but its identity and the count of its starts.  It
 * joins again as a new node would; one at a time, as no protocol survives more. */
void
sim_lose_disk(struct sim *s, uint32_t i)
{
	struct sim_node *n = &s->node[i];

	if (n->mesh != NULL || i == 0)
		return;
	for (uint32_t j = 0; j < s->conf.nodes; j++)
		if (j != i && !remembers(s->node[j].mesh))
			return;
	n->disk = (struct mesh_saved){.generation = n->disk.generation};
	n->done = (struct mesh_saved){.generation = n->done.generation};
	n->done_roster = (struct roster_id){0};
	n->issued = (struct stamp){0};
	note(s, i, 1);
}

void
sim_leave(struct sim *s, uint32_t i, usec restart_at)
{
	struct sim_node *n = &s->node[i];

	if (n->mesh == NULL || s->now < n->paused_until)
		return;
	mesh_leave(n->mesh, sim_clock(s, i));
	settle(s, i);
	sim_crash(s, i, restart_at);
}

void
sim_group(struct sim *s, uint32_t i, uint32_t group)
{
	s->node[i].group = group;
}

static void
happen(struct sim *s, const struct sim_event *e)
{
	struct sim_node *n = &s->node[e->node];
	struct addr from;

	s->events++;
	note(s, (uint64_t)e->at, (uint64_t)e->node << 32 | e->len);
	if (n->mesh == NULL) {
		if (e->len == 0 && n->restart_at <= s->now) {
			n->restart_at = INT64_MAX;
			sim_start(s, e->node);
		}
		return;
	}
	if (e->len > 0) {
		int rc;

		from = address(e->from);
		note(s, e->bytes[e->len - 1], e->bytes[e->len - 9]);
		alloc_forbid();
		rc = mesh_recv(n->mesh, sim_clock(s, e->node), &from, e->bytes, e->len);
		if (alloc_allow() > 0)
			check_break(s, "no-alloc-after-new", e->node, 0, 0);
		if (rc == 0 && e->lives != 0 && (e->bytes[1] & SEAL_FORM_MASK) == SEAL_PAIR &&
		    is_history(s, e))
			check_break(s, "no-word-of-another-life", e->node, e->from, e->lives);
		note(s, (uint64_t)rc, 0);
	} else if (e->at != n->wake_at) {
		return; /* an alarm that was set earlier since */
	} else {
		n->wake_at = INT64_MAX;
	}
	settle(s, e->node);
}

/* A stopped process: its datagrams wait in the socket, its alarm goes late. */
static void
sleep_on(struct sim *s, const struct sim_event *e)
{
	struct sim_node *n = &s->node[e->node];
	struct sim_event later = *e;

	later.at = n->paused_until;
	if (e->len == 0 && n->mesh == NULL)
		n->restart_at = n->restart_at == INT64_MAX ? INT64_MAX : later.at;
	else if (e->len == 0 && e->at != n->wake_at)
		return;
	else if (e->len == 0)
		n->wake_at = later.at;
	push(s, later);
}

bool
sim_run(struct sim *s, usec until)
{
	while (s->broken == NULL && s->heap_len > 0 && s->heap[0].at <= until) {
		struct sim_event e = pop(s);

		s->now = e.at;
		if (s->now < s->node[e.node].paused_until) {
			sleep_on(s, &e);
			continue;
		}
		happen(s, &e);
		if (e.len > 0)
			pool_put(s, e.bytes);
	}
	s->now = until > s->now ? until : s->now;
	return s->broken == NULL;
}

struct sim *
sim_new(const struct sim_conf *conf)
{
	struct sim *s = must(calloc(1, sizeof *s));

	s->conf = *conf;
	s->delay_min = 100;
	s->delay_max = 2000;
	s->last_issuer = UINT32_MAX;
	prng_init(&s->rng, conf->seed);
	s->node = must(calloc(conf->nodes, sizeof *s->node));
	for (uint32_t i = 0; i < conf->nodes; i++) {
		struct sim_node *n = &s->node[i];

		sim_identity(n, &s->rng);
		n->clock_off = 1000 + (msec)prng_below(&s->rng, 1000000);
		n->clock_ppm = (int64_t)prng_below(&s->rng, 401) - 200;
		exclusive_crash(s, i, true);
		n->restart_at = n->wake_at = (usec)prng_below(&s->rng,
		    conf->late && i > 0 && i >= conf->nodes * 2 / 3 ? 100000000 : 1000000);
		push(s, (struct sim_event){.at = n->restart_at, .node = i});
	}
	return s;
}

void
sim_free(struct sim *s)
{
	for (uint32_t i = 0; i < s->conf.nodes; i++) {
		mesh_free(s->node[i].mesh);
		free(s->node[i].disk_roster);
	}
	for (size_t i = 0; i < s->heap_len; i++)
		free(s->heap[i].bytes);
	for (size_t i = 0; i < s->pool_len; i++)
		free(s->pool[i]);
	free(s->pool);
	free(s->heap);
	free(s->node);
	free(s->cut);
	free(s->plans);
	free(s->leader_of_term);
	free(s);
}

bool
sim_converged(const struct sim *s, uint32_t *leader)
{
	struct node_id who = {{0}};
	uint64_t hash = 0;
	uint32_t up = 0, first = UINT32_MAX;

	for (uint32_t i = 0; i < s->conf.nodes; i++)
		up += s->node[i].mesh != NULL;
	for (uint32_t i = 0; i < s->conf.nodes; i++) {
		const struct mesh *m = s->node[i].mesh;
		struct mesh_side side;

		if (m == NULL)
			continue;
		known_side(m, sim_clock(s, i), &side);
		if (!side.has_leader || side.grade != MESH_GRADE_FULL ||
		    m->ms.by_state[MESH_ALIVE] != up || m->roster.n.new < up || m->roster.joint)
			return false;
		if (first == UINT32_MAX) {
			first = i;
			who = side.leader;
			hash = members_hash(&m->ms);
		}
		if (!id_eq(&who, &side.leader) || hash != members_hash(&m->ms))
			return false;
		if (side.role == MESH_LEADER)
			*leader = i;
	}
	return up > 0;
}

usec
sim_converge(struct sim *s, usec patience)
{
	usec start = s->now, step = s->conf.nodes > 100 ? 100000 : 20000;
	uint32_t leader;

	while (s->now - start <= patience) {
		if (sim_converged(s, &leader))
			return s->now - start;
		if (!sim_run(s, s->now + step))
			return -1;
	}
	return -1;
}
