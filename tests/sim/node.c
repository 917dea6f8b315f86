/*
 * node.c - one node of the world.  What the daemon's loop does with libuv is
 * here: recv, tick, save, drain poll, sleep until the deadline; and what its
 * engine does: issue, apply, report.
 */
#include "sim.h"

#include <stdlib.h>

enum {
	ISSUE_EVERY = 5 * SECOND,
	REPORT_EVERY = SECOND,
	FSYNC_US = 5 * SECOND,
	QUEUE_MAX = 2 * SECOND, /* a slow node's socket holds so much */
	TOGETHER = 100, /* us: so close together datagrams are one batch, ... */
	BATCH_MAX = 16, /* ... of about so many at most */
};

/* Down nodes have clocks too. */
msec
node_clock(const struct sim *s, uint32_t i)
{
	const struct sim_node *n = &s->node[i];

	return n->clock_off + (s->now + s->now / 1000000 * n->clock_ppm) / 1000;
}

uint32_t
node_find(const struct sim *s, const struct node_id *id)
{
	uint32_t i = (uint32_t)id->b[ID_BYTES - 2] << 8 | id->b[ID_BYTES - 1];

	return i < s->conf.nodes && id_eq(&s->node[i].id, id) ? i : UINT32_MAX;
}

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

/* --- the disk ---------------------------------------------------------------------- */

/* The process waits for it, and says meanwhile nothing of what is saved. */
static bool
slow_disk(struct sim *s, uint32_t i)
{
	usec until = s->now + (usec)prng_below(&s->rng, FSYNC_US);

	if (!chance(&s->rng, s->fsync_permille))
		return false;
	node_pause(s, i, until, false);
	s->node[i].wake_at = until;
	sim_push(s, (struct sim_event){.at = until, .node = i});
	return true;
}

/* Writes fail, or the power goes between two of the files: some of it is on disk, and
 * nothing was said of it. */
static bool
spoils(struct sim *s, uint32_t i, struct mesh_saved f)
{
	struct harm_node *h = &s->node[i].harm;
	bool bad = s->now < h->disk_bad_until, torn = !bad && chance(&s->rng, s->harm.torn_permille);

	if (!bad && !torn)
		return false;
	s->faults_done[torn ? FAULT_torn : h->readonly ? FAULT_readonly : FAULT_eio]++;
	if (!bad || !h->readonly)
		disk_spoilt(s, i, f, (uint32_t)prng_below(&s->rng, 3));
	node_crash(s, i, s->now + SECOND / 2 + (usec)prng_below(&s->rng, SECOND));
	return true;
}

/* False: the power went, before or after the bytes were on disk.  What is torn
 * is as good as not written: the daemon's store switches whole states. */
static bool
save(struct sim *s, uint32_t i)
{
	struct sim_node *n = &s->node[i];
	struct mesh_saved f;
	bool ends = false;

	if (!mesh_must_save(n->mesh, &f))
		return true;
	if (chance(&s->rng, s->disk_permille)) {
		ends = true;
		if (prng_below(&s->rng, 2) == 0) {
			node_crash(s, i, s->now + 20000 + (usec)prng_below(&s->rng, SECOND));
			return false;
		}
	}
	if (spoils(s, i, f))
		return false;
	n->harm.last = (struct harm_disk){.saved = n->disk, .roster = n->done_roster, .is = n->disk.generation > 0};
	check_saved(s, i, &f);
	disk_write(s, i, f);
	check_keys(s, i);
	if (n->mesh->member && !f.leaving && !f.left)
		n->leave_for = 0; /* it belongs */
	sim_note(s, f.term, f.generation);
	mesh_saved(n->mesh);
	disk_written(s, i);
	if (ends)
		node_crash(s, i, s->now + 20000 + (usec)prng_below(&s->rng, SECOND));
	return !ends && !slow_disk(s, i);
}

/* --- the engine -------------------------------------------------------------------- */

static void
issue(struct sim *s, uint32_t i, const struct stamp *stamp)
{
	struct sim_node *n = &s->node[i];
	uint64_t h = prng_mix(stamp->term ^ (uint64_t)i << 32 ^ stamp->seq << 48);
	msec now = node_clock(s, i);
	struct hash hash = {{0}};

	n->issue_at = s->now + ISSUE_EVERY;
	for (size_t k = 0; k < HASH_BYTES; k++)
		hash.b[k] = (uint8_t)(h >> k % 8 * 8);
	if (stamp->seq == 1 && s->on_merge != NULL) {
		struct mesh_parent p[MESH_PARENTS_MAX];

		s->on_merge(s, stamp, p, mesh_parents(n->mesh, p, MESH_PARENTS_MAX));
	}
	plant_before_issue(s, i);
	if (mesh_issue(n->mesh, now, stamp, &hash) < 0)
		return;
	check_issue(s, i, stamp);
	plant_after_issue(s, i);
	if (mesh_applied(n->mesh, now, stamp, &hash) == 0) {
		s->last_issue = s->now;
		s->last_issuer = i;
		if (s->conf.nodes <= SIM_EXCLUSIVE_NODES)
			exclusive_issue(s, i, stamp);
	}
}

/* The leader issues; now and then it falls asleep between the question whether
 * it may and the act, which must then be refused. */
static void
lead(struct sim *s, uint32_t i)
{
	struct sim_node *n = &s->node[i];
	struct stamp stamp;

	if (n->held.term != 0) {
		stamp = n->held;
		n->held = (struct stamp){.term = 0};
		issue(s, i, &stamp);
		return;
	}
	if (mesh_next_stamp(n->mesh, node_clock(s, i), &stamp) < 0 ||
	    (s->now < n->issue_at && stamp.seq != 1))
		return;
	if ((s->conf.faults & FAULT_BIT(pause)) != 0 && s->conf.span > 0 &&
	    chance(&s->fate, 30)) {
		uint64_t draw = prng_u64(&s->fate);
		bool minutes = (s->conf.faults & FAULT_BIT(stopped)) != 0;
		usec so_long = minutes ? fault_long(s, draw, 300 * SECOND) : 0;

		s->faults_done[FAULT_stopped] += so_long > 0;
		n->held = stamp;
		node_pause(s, i, s->now + (so_long > 0 ? so_long : (usec)(draw % (4 * SECOND))), false);
		return;
	}
	issue(s, i, &stamp);
}

static void
summarise(struct sim *s, uint32_t i)
{
	uint64_t r = prng_mix((uint64_t)s->now << 16 | i);
	struct mesh_summary sum = {.cpu_percent = (uint8_t)(s->now / SECOND % 2 * 50),
	    .mem_percent = (uint8_t)(r % 101), .disk_percent = (uint8_t)(r % 97), .load_centi = (uint16_t)(r % 1600),
	    .instances = (uint16_t)(r % 200), .facts_hash = (uint32_t)(s->now / 1000)};

	mesh_set_summary(s->node[i].mesh, node_clock(s, i), &sum);
}

static void
act(struct sim *s, uint32_t i)
{
	struct sim_node *n = &s->node[i];
	msec now = node_clock(s, i);
	struct mesh_parent p;
	bool due;

	lead(s, i);
	if (mesh_issued(n->mesh, &p) && stamp_cmp(&p.stamp, &n->mesh->saved.applied) > 0 &&
	    mesh_applied(n->mesh, now, &p.stamp, &p.hash) < 0)
		check_break(s, "applied-monotonic", i, p.stamp.term, p.stamp.seq);
	exclusive_act(s, i);
	hearing_take(s, i);
	due = s->now >= n->report_at && !s->quiet;
	if (due) {
		n->report_at = s->now + REPORT_EVERY;
		(void)!mesh_drain(n->mesh, now, n->drains); /* refused to who restarts or leaves */
	}
	hearing_tell(s, i, due);
	facts_act(s, i);
	if ((s->busy || s->seldom) && s->now >= n->summary_at) {
		n->summary_at = s->now + (s->busy ? SECOND : 20 * SECOND + (usec)prng_below(&s->rng, 40 * SECOND));
		summarise(s, i);
	}
}

/* --- an instant ---------------------------------------------------------------------- */

static void
tick(struct sim *s, uint32_t i)
{
	alloc_forbid();
	mesh_tick(s->node[i].mesh, node_clock(s, i));
	if (alloc_allow() > 0)
		check_break(s, "no-alloc-after-new", i, 0, 0);
}

/* After anything happened at node i: time, disk, wire, alarm clock. */
void
node_settle(struct sim *s, uint32_t i)
{
	struct sim_node *n = &s->node[i];
	msec now = node_clock(s, i), at;
	usec wake;

	tick(s, i);
	if (mesh_deadline(n->mesh) <= now)
		check_break(s, "deadline-in-future", i, (uint64_t)now, 0);
	if (s->conf.mutant == MUTANT_unsaved && n->mesh->must_save) {
		n->mesh->must_save = false;
		net_drain(s, i);
		n->mesh->must_save = true;
	}
	if (!save(s, i))
		return;
	act(s, i);
	if (!save(s, i))
		return;
	tick(s, i); /* what act() changed is due now, and has deadlines */
	if (!save(s, i))
		return;
	net_drain(s, i);
	if (n->harm.dies_after == 1) {
		s->faults_done[FAULT_midway]++;
		node_crash(s, i, s->now + 20000 + (usec)prng_below(&s->rng, SECOND));
		return;
	}
	stream_ask(s, i);
	at = mesh_deadline(n->mesh);
	if (at <= now)
		check_break(s, "deadline-in-future", i, (uint64_t)now, (uint64_t)at);
	check_node(s, i);
	check_copy(s, i);
	watch_node(s, i);
	plant_settle(s, i);
	if (n->leave_for > 0 && mesh_left(n->mesh)) {
		node_wipe(s, i);
		return;
	}
	wake = at == MSEC_NEVER ? INT64_MAX : s->now + (at - now) * 1000;
	if (s->busy && n->summary_at < wake)
		wake = n->summary_at > s->now ? n->summary_at : s->now + 1000;
	if (wake < n->wake_at) {
		n->wake_at = wake;
		sim_push(s, (struct sim_event){.at = wake, .node = i});
	}
}

/* --- life and death ------------------------------------------------------------------ */

/* Chaos: the weights, the tie-breaker and the rules for small sides are drawn
 * from the seed, and one node in eight is configured unlike the others. */
static void
swarm_policy(const struct sim *s, uint32_t i, struct mesh_policy *c)
{
	uint64_t r = prng_mix(s->conf.seed * 77), ties;
	bool odd = prng_mix(r ^ i) % 8 == 0;

	if (odd)
		r = prng_mix(r + i);
	if (r % 2 == 0)
		return;
	/* Of two of one name, only one may decide. */
	ties = (s->conf.faults & FAULT_BIT(namesake)) != 0 ? 0 : (r >> 32) % 8;
	for (uint32_t k = 0; k < s->conf.nodes && k < 8; k++) {
		struct mesh_pref *p = &c->prefs[c->prefs_count++];

		snprintf(p->name, sizeof p->name, "n%u", k);
		p->weight = (uint8_t)(1 + (r >> (8 + 2 * k)) % 4);
		p->tie_breaker = k == ties;
		p->priority = (int8_t)((r >> (40 + k)) % 3);
	}
	if (c->quorum == MESH_QUORUM_MAJORITY)
		return;
	c->quorum = (enum mesh_quorum)((r >> 1) % 4);
	c->quorum_min = (uint32_t)(1 + (r >> 3) % s->conf.nodes);
	c->degraded_min = (uint32_t)((r >> 5) % 3);
	c->degraded_after_ms = (msec)((r >> 7) % 5) * 1000;
}

static void
configure(struct sim *s, uint32_t i, struct mesh_conf *c)
{
	struct sim_node *n = &s->node[i];
	struct tracer *t;

	*c = (struct mesh_conf){.self = n->id, .addr = net_address(i), .policy.quorum = s->conf.quorum,
	    .members_max = s->conf.nodes + 8 < MESH_MEMBERS_LIMIT ? s->conf.nodes + 8 :
								      MESH_MEMBERS_LIMIT,
	    .saved = n->disk};
	if (s->conf.mutant != MUTANT_same_life || n->disk.generation == 0)
		++n->disk.generation;
	if (s->conf.mutant == MUTANT_no_persist)
		n->disk.generation = n->done.generation + 1;
	c->saved.generation = n->disk.generation;
	snprintf(c->name, sizeof c->name, "n%u", n->namesake ? 0 : i);
	c->seed = prng_mix(s->conf.seed ^ prng_mix(i * 1000003u + c->saved.generation));
	if (n->harm.forgot > 0) /* one number, two lives: two salts */
		c->seed = prng_mix(c->seed + n->lives);
	memcpy(c->pk, n->pk, sizeof c->pk);
	for (size_t k = 0; k < SALT_BYTES; k++)
		c->salt[k] = (uint8_t)(prng_mix(c->seed + 1 + k / 8) >> k % 8 * 8);
	for (size_t k = 0; k < KEY_BYTES; k++)
		c->secret[k] = (uint8_t)(prng_mix(c->seed + 9 + k / 8) >> k % 8 * 8);
	sim_crypto(&c->crypto, n);
	c->profile = s->conf.paces ? (enum mesh_profile)(prng_mix(s->conf.seed * 31 + i) % MESH_PROFILES) :
				     s->conf.profile;
	c->wire = mixed_wire(s, i);
	c->draining = n->drains && s->conf.mutant != MUTANT_drain_forgot;
	ca_configure(s, i, c);
	if ((s->conf.faults & FAULT_BIT(policy)) != 0)
		swarm_policy(s, i, &c->policy);
	for (uint32_t k = 0; k < (s->conf.seeds > 0 ? s->conf.seeds : 3) && k < s->conf.nodes; k++)
		c->seeds[c->seeds_count++] = net_address(k);
	if (s->conf.verbose) {
		t = sim_must(malloc(sizeof *t)); /* lives as long as the program */
		*t = (struct tracer){s, i};
		c->trace = on_trace_node;
		c->trace_arg = t;
	}
}

void
node_start(struct sim *s, uint32_t i)
{
	struct sim_node *n = &s->node[i];
	struct mesh_conf c;

	n->ring = n->disk_ring;
	configure(s, i, &c);
	n->mesh = sim_must(mesh_new(&c, node_clock(s, i)));
	n->wake_at = INT64_MAX;
	n->lives++;
	n->incarnation = 0;
	n->health = 0;
	n->held = (struct stamp){.term = 0};
	n->office.gave_at = 0; /* what it froze for is on no disk */
	n->drained = n->drains;
	n->changed_at = n->born_at = s->now;
	n->report_at = s->now + (usec)prng_below(&s->rng, REPORT_EVERY);
	n->summary_at = s->now + (usec)prng_below(&s->rng, SECOND);
	if (c.saved.generation <= n->grace.life)
		n->grace.s = 0; /* another said so: in a life that was lost, or of that name */
	net_around(s);
	watch_forget(s, i);
	check_went(s, i);
	plant_start(s, i);
	if (i == 0 && n->disk.generation == 1) {
		uint8_t cluster[ID_BYTES] = {7, 7, 7};

		if (s->conf.ca)
			cert_cluster(&c.crypto, c.ca.pk, cluster);
		if (mesh_init(n->mesh, node_clock(s, i), cluster) < 0)
			check_break(s, "init", i, 0, 0);
	}
	/* Who left comes in again when an operator says so. */
	if (n->leave_for > 0 && n->leave_for < INT64_MAX) {
		if (mesh_return(n->mesh, node_clock(s, i)) == 0)
			n->went = 0;
		else if (n->disk.left && !n->mesh->member)
			check_break(s, "may-return", i, 0, 0);
	}
	sim_note(s, i, c.saved.generation);
	node_settle(s, i);
}

void
node_crash(struct sim *s, uint32_t i, usec restart_at)
{
	struct sim_node *n = &s->node[i];

	if (n->mesh == NULL)
		return;
	mesh_free(n->mesh);
	n->mesh = NULL;
	net_around(s);
	exclusive_crash(s, i, prng_below(&s->rng, 2) == 0);
	hearing_forget(s, i);
	facts_forget(s, i);
	n->paused_until = n->blocked_until = n->free_at = 0;
	n->harm.dies_after = n->harm.waiting = 0;
	n->leads = false;
	n->changed_at = s->now;
	n->restart_at = restart_at;
	n->wake_at = restart_at;
	sim_note(s, i, UINT64_MAX);
	if (restart_at != INT64_MAX)
		sim_push(s, (struct sim_event){.at = restart_at, .node = i});
}

void
node_copy_disk(struct sim *s, uint32_t to, uint32_t from)
{
	disk_write(s, to, s->node[from].disk);
}

void
node_pause(struct sim *s, uint32_t i, usec until, bool asleep)
{
	s->node[i].harm.waiting = 0;
	s->node[i].paused_until = until;
	s->node[i].asleep = asleep;
	net_late(s, until);
}

void
node_block(struct sim *s, uint32_t i, usec until)
{
	s->node[i].blocked_until = until;
	net_late(s, until);
}

/* --- events ---------------------------------------------------------------------------- */

static void
put_off(struct sim *s, const struct sim_event *e, usec until)
{
	struct sim_event later = *e;
	struct sim_node *n = &s->node[e->node];

	later.at = until;
	if (e->dgram == NULL && n->mesh == NULL)
		n->restart_at = n->restart_at == INT64_MAX ? INT64_MAX : until;
	else if (e->dgram == NULL && e->at != n->wake_at)
		return; /* an alarm that was set earlier since */
	else if (e->dgram == NULL)
		n->wake_at = until;
	sim_push(s, later);
}

/* A stopped process: its datagrams wait in the socket, its alarm goes late.  A
 * host asleep hears nothing.  A slow one handles one thing after another. */
static bool
waits(struct sim *s, const struct sim_event *e)
{
	struct sim_node *n = &s->node[e->node];
	bool dgram = e->dgram != NULL;

	if (s->now < n->paused_until || (dgram && s->now < n->blocked_until)) {
		bool stopped = dgram && s->now < n->paused_until && e->dgram->stream == STREAM_NOT;

		if ((dgram && n->asleep && s->now < n->paused_until) ||
		    (stopped && ++n->harm.waiting > SOCKET_MAX)) {
			net_release(s, e->dgram);
			return true;
		}
		put_off(s, e, s->now < n->paused_until ? n->paused_until : n->blocked_until);
		return true;
	}
	if (n->slow == 0 || e->served || n->mesh == NULL || (!dgram && e->at != n->wake_at))
		return false;
	n->free_at = (n->free_at > s->now ? n->free_at : s->now) + n->slow;
	if (dgram && n->free_at - s->now > QUEUE_MAX) {
		n->free_at -= n->slow;
		net_release(s, e->dgram);
		return true;
	}
	struct sim_event later = *e;

	later.served = true;
	later.at = n->free_at;
	if (!dgram)
		n->wake_at = later.at;
	sim_push(s, later);
	return true;
}

/* Said in another life of the receiver, or of the sender in one that the receiver
 * knows to be over.  (Before it heard of the new one nobody can tell.) */
static bool
is_history(const struct sim *s, uint32_t i, const struct sim_dgram *d)
{
	const struct members *ms = &s->node[i].mesh->ms;
	uint64_t now = net_lives(s, d->from, i);
	uint32_t x = members_find_id(ms, &s->node[d->from].id);
	const struct harm_node *h = &s->node[d->from].harm;
	uint64_t life = s->node[d->from].disk.generation;

	return (uint32_t)d->lives != (uint32_t)now ||
	    (d->lives >> 32 != now >> 32 && d->lives >> 32 > h->lives_before && life > h->forgot &&
		x != MEMBER_NONE && ms->m[x].generation == life);
}

static void
hear(struct sim *s, uint32_t i, struct sim_dgram *d)
{
	struct sim_node *n = &s->node[i];
	struct addr from = net_address(d->from);
	int rc;

	sim_note(s, d->len > 0 ? d->bytes[d->len - 1] : 0, d->len > 8 ? d->bytes[d->len - 9] : 0);
	struct check_heard before = check_before(s, i, d);
	plant_before_recv(s, i);
	alloc_forbid();
	rc = mesh_recv(n->mesh, node_clock(s, i), &from, d->bytes, d->len);
	if (alloc_allow() > 0)
		check_break(s, "no-alloc-after-new", i, 0, 0);
	plant_after_recv(s, i);
	check_refuted(s, i);
	sim_note(s, (uint64_t)rc, 0);
	check_heard(s, i, d, &before, rc);
	if (d->damaged && rc == 0)
		check_break(s, "damage-refused", i, d->from, d->len);
	/* What is sealed for all has no numbers. */
	if (rc == 0 && (d->bytes[1] & SEAL_FORM_MASK) == SEAL_PAIR) {
		if (is_history(s, i, d))
			check_break(s, "no-word-of-another-life", i, d->from, d->lives);
		if (d->heard == n->lives)
			check_break(s, "replay-refused", i, d->from, d->len);
		d->heard = n->lives;
	}
}

/* What waits in a socket together is heard together, as the daemon does (net.c). */
static bool
more_comes(const struct sim *s, const struct sim_event *e)
{
	const struct sim_event *next = &s->heap[0];

	return s->heap_len > 0 && next->node == e->node && next->dgram != NULL &&
	    next->dgram->stream == STREAM_NOT && next->at - e->at < TOGETHER &&
	    s->events % BATCH_MAX != 0 && s->node[e->node].slow == 0;
}

void
node_happen(struct sim *s, struct sim_event *e)
{
	struct sim_node *n = &s->node[e->node];
	bool more = false;

	if (waits(s, e))
		return;
	s->events++;
	sim_note(s, (uint64_t)e->at, (uint64_t)e->node << 32 | (e->dgram != NULL ? e->dgram->len : 0));
	if (n->mesh == NULL) {
		if (e->dgram == NULL && n->restart_at <= s->now && s->now < n->harm.disk_bad_until) {
			n->restart_at = s->now + SECOND; /* it can't even save that it starts */
			sim_push(s, (struct sim_event){.at = n->restart_at, .node = e->node});
		} else if (e->dgram == NULL && n->restart_at <= s->now) {
			n->restart_at = INT64_MAX;
			node_start(s, e->node);
		}
		net_release(s, e->dgram);
		return;
	}
	if (e->dgram != NULL) {
		if (e->dgram->stream != STREAM_NOT) {
			stream_happen(s, e->node, e->dgram);
		} else {
			hear(s, e->node, e->dgram);
			more = more_comes(s, e);
		}
		net_release(s, e->dgram);
	} else if (e->at != n->wake_at) {
		return; /* an alarm that was set earlier since */
	} else {
		n->wake_at = INT64_MAX;
	}
	if (!more)
		node_settle(s, e->node);
}
