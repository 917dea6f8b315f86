/*
 * net.c - what happens to a datagram on its way: lost, late, twice, again
 * minutes later, too long, or on the wrong side of a cut.
 */
#include "sim.h"

#include <stdlib.h>

enum { CALM_LOSS = 100, CALM_DELAY = 50000 };

/* Of one way: what each profile is for. */
void
net_delays(struct sim *s)
{
	static const usec min[] = {100, 50000, 20}, max[] = {2000, 150000, 200};

	s->delay_min = min[s->conf.profile];
	s->delay_max = max[s->conf.profile];
}

struct addr
net_address(uint32_t i)
{
	struct addr a = {.port = 7780};

	a.ip[10] = a.ip[11] = 0xff;
	a.ip[12] = 10;
	a.ip[14] = (uint8_t)(i >> 8);
	a.ip[15] = (uint8_t)i;
	return a;
}

uint32_t
net_node(const struct sim *s, const struct addr *a)
{
	uint32_t i = (uint32_t)a->ip[14] << 8 | a->ip[15];

	return i < s->conf.nodes ? i : UINT32_MAX;
}

uint64_t
net_lives(const struct sim *s, uint32_t from, uint32_t to)
{
	return s->node[from].lives << 32 | s->node[to].lives;
}

struct sim_dgram *
net_take(struct sim *s, uint32_t from, uint32_t to, const uint8_t *buf, size_t len)
{
	struct sim_dgram *d = s->pool_len > 0 ? s->pool[--s->pool_len] :
						sim_must(malloc(sizeof *d));

	d->refs = 0;
	d->stream = STREAM_NOT;
	d->heard = 0;
	d->damaged = false;
	d->load = NULL;
	d->load_len = 0;
	d->from = from;
	d->to = to;
	d->lives = net_lives(s, from, to);
	d->len = (uint32_t)len;
	memcpy(d->bytes, buf, len);
	return d;
}

void
net_release(struct sim *s, struct sim_dgram *d)
{
	if (d == NULL || --d->refs > 0)
		return;
	free(d->load);
	d->load = NULL;
	if (s->pool_len == s->pool_cap) {
		s->pool_cap = s->pool_cap == 0 ? 1024 : 2 * s->pool_cap;
		s->pool = sim_must(realloc(s->pool, s->pool_cap * sizeof(struct sim_dgram *)));
	}
	s->pool[s->pool_len++] = d;
}

void
net_deliver(struct sim *s, struct sim_dgram *d, usec late)
{
	const struct sim_node *n = &s->node[d->from];
	usec delay = s->delay_min +
	    (usec)prng_below(&s->rng, (uint64_t)(s->delay_max - s->delay_min) + 1);
	usec start = s->now < n->blocked_until ? n->blocked_until : s->now;
	const struct harm *h = &s->harm;

	if (start < h->clog_until && (h->clog_from == ANY_NODE || h->clog_from == d->from) &&
	    (h->clog_to == ANY_NODE || h->clog_to == d->to))
		start = h->clog_until;
	if (chance(&s->rng, h->tail_permille))
		start += (usec)prng_below(&s->rng, 5 * SECOND);

	if (chance(&s->rng, s->reorder_permille))
		delay *= 10;
	d->refs++;
	sim_push(s, (struct sim_event){.at = start + late + delay, .node = d->to, .dgram = d});
}

/* Keep some, and let some that were kept arrive once more. */
static void
replay(struct sim *s, struct sim_dgram *d)
{
	struct sim_dgram **slot = &s->old[prng_below(&s->rng, OLD_MAX)];

	if (*slot != NULL)
		net_deliver(s, *slot, 0);
	if (*slot != NULL && prng_below(&s->rng, 4) != 0)
		return;
	net_release(s, *slot);
	*slot = d;
	d->refs++;
}

static uint64_t
frame_counter(const uint8_t *buf)
{
	uint64_t v = 0;

	for (size_t k = 10; k < 18; k++) /* gossip/seal.h */
		v = v << 8 | buf[k];
	return v;
}

/* One bit, or the end: as links without checksums do it.  What is sealed must not
 * be heard then; in a bare one what is signed proves itself. */
static void
damage(struct sim *s, struct sim_dgram *d)
{
	uint32_t len = d->len;
	bool flip = chance(&s->rng, s->flip_permille), trim = chance(&s->rng, s->trim_permille);

	if (flip) {
		uint64_t bit = prng_below(&s->rng, 8 * (uint64_t)len);

		d->bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	if (trim)
		d->len = (uint32_t)prng_below(&s->rng, len);
	d->damaged = (flip || trim) && (d->bytes[1] & SEAL_FORM_MASK) != SEAL_BARE;
}

/* Each node's line is dead for some fifths of a second. */
static bool
burst(const struct sim *s, uint32_t i)
{
	uint64_t slot = (uint64_t)s->now / 200000;

	return s->burst_permille > 0 &&
	    prng_mix(s->conf.seed ^ prng_mix(slot << 16 | i)) % 1000 < s->burst_permille;
}

bool
net_loses(struct sim *s, uint32_t from, uint32_t to)
{
	return burst(s, from) || burst(s, to) || chance(&s->rng, s->loss_permille);
}

/* A path that holds only some datagrams, and takes its time for each: how long this one
 * waits; -1 = there is no room for it. */
static usec
queues(struct sim *s, uint32_t from, uint32_t to)
{
	struct harm *h = &s->harm;
	usec *free_at, late;

	if (h->queue == 0)
		return 0;
	if (h->path_free == NULL)
		h->path_free = sim_must(calloc((size_t)s->conf.nodes * s->conf.nodes, sizeof *h->path_free));
	free_at = &h->path_free[(size_t)from * s->conf.nodes + to];
	late = *free_at > s->now ? *free_at - s->now : 0;
	if (late > (usec)h->queue * h->queue_each)
		return -1;
	*free_at = s->now + late + h->queue_each;
	return late;
}

void
net_send(struct sim *s, uint32_t from, const struct addr *to, const uint8_t *buf, size_t len)
{
	uint32_t j = net_node(s, to);
	uint64_t counter = frame_counter(buf);
	struct sim_dgram *d;
	usec late;

	s->node[from].tx_bytes += len + 28;
	if (counter <= s->node[from].counter)
		check_break(s, "frame-number-once", from, counter, s->node[from].counter);
	s->node[from].counter = counter;
	check_sealed(s, from, buf);
	check_told(s, from);
	if (j == UINT32_MAX || s->node[j].group != s->node[from].group || plant_drops(s, buf, len))
		return;
	if (s->cut != NULL && s->cut[from * s->conf.nodes + j] != CUT_NOT &&
	    s->cut[from * s->conf.nodes + j] != CUT_TCP)
		return;
	if (net_loses(s, from, j) || (s->mtu > 0 && len > s->mtu) ||
	    (late = queues(s, from, j)) < 0)
		return;
	d = net_take(s, from, j, buf, len);
	damage(s, d);
	net_deliver(s, d, late);
	if (chance(&s->rng, s->dup_permille))
		net_deliver(s, d, late);
	if (chance(&s->rng, s->replay_permille))
		replay(s, d);
}

/* What node i wants sent, until it is dry. */
void
net_drain(struct sim *s, uint32_t i)
{
	struct sim_node *n = &s->node[i];
	msec now = node_clock(s, i);
	uint8_t buf[DGRAM_BYTES_MAX];
	struct addr to;
	size_t len;

	alloc_forbid();
	mixed_speaks(mixed_wire(s, i).max > WIRE_MAX ? n->mesh : NULL);
	liar_speaks(n->mesh);
	while (n->harm.dies_after != 1 && (len = mesh_poll(n->mesh, now, &to, buf, sizeof buf)) > 0) {
		n->harm.dies_after -= n->harm.dies_after > 0;
		if (alloc_allow() > 0)
			check_break(s, "no-alloc-after-new", i, 0, 0);
		net_send(s, i, &to, buf, len);
		alloc_forbid();
	}
	mixed_speaks(NULL);
	if (alloc_allow() > 0)
		check_break(s, "no-alloc-after-new", i, 0, 0);
}

void
net_group(struct sim *s, uint32_t i, uint32_t group)
{
	s->grouped -= s->node[i].group != 0;
	s->node[i].group = group;
	s->grouped += group != 0;
	net_changed(s);
}

/* Well from `from` on. */
static void
since(usec *at, bool well, usec from)
{
	if (!well)
		*at = NEVER_CALM;
	else if (*at == NEVER_CALM)
		*at = from;
}

/* Until when somebody stands still, or waits for what is on its way: that began while
 * the network was ill, perhaps, and lasts longer. */
static usec
late_until(const struct sim *s)
{
	usec until = s->now > s->harm.clog_until ? s->now : s->harm.clog_until;

	for (uint32_t i = 0; i < s->conf.nodes; i++) {
		const struct sim_node *n = &s->node[i];

		until = n->paused_until > until ? n->paused_until : until;
		until = n->blocked_until > until ? n->blocked_until : until;
	}
	return until;
}

/* At most one link is cut, and there are ways around it. */
static bool
cut_little(const struct sim *s)
{
	uint32_t n = s->conf.nodes, a = 0, b = 0, cuts = 0;

	for (uint32_t i = 0; s->cut != NULL && i < n; i++)
		for (uint32_t j = 0; j < n; j++) {
			if (s->cut[(size_t)i * n + j] == CUT_NOT || s->cut[(size_t)i * n + j] == CUT_TCP)
				continue;
			if (cuts++ > 0 && !(i == b && j == a))
				return false;
			a = i;
			b = j;
		}
	return cuts == 0 || n >= 4;
}

/* Two more than the ends of each cut link are up: were it one, what it loses is lost. */
void
net_around(struct sim *s)
{
	uint32_t n = s->conf.nodes, up = 0;
	bool ways = true;

	if (s->cut == NULL || n > WATCH_MAX)
		return;
	for (uint32_t i = 0; i < n; i++)
		up += s->node[i].mesh != NULL && !s->node[i].mesh->left;
	for (uint32_t i = 0; i < n && ways; i++)
		for (uint32_t j = 0; j < n && ways; j++)
			ways = s->cut[(size_t)i * n + j] == CUT_NOT || s->cut[(size_t)i * n + j] == CUT_TCP ||
			    up >= 2 + (uint32_t)(s->node[i].mesh != NULL) + (uint32_t)(s->node[j].mesh != NULL);
	since(&s->around_since, ways, s->now);
}

void
net_changed(struct sim *s)
{
	usec from = late_until(s);
	uint32_t lost = s->loss_permille + s->flip_permille + s->trim_permille;
	bool prompt = s->delay_max * (s->reorder_permille > 0 ? 10 : 1) <= net_pace(s, CALM_DELAY) &&
	    !s->conf.paces && s->harm.tail_permille == 0 && s->harm.queue == 0, well;
	size_t links = (size_t)s->conf.nodes * s->conf.nodes;
	bool cut = s->cut != NULL && (memchr(s->cut, CUT_ALL, links) != NULL ||
	    memchr(s->cut, CUT_UDP, links) != NULL);

	for (uint32_t i = 0; i < s->conf.nodes; i++)
		prompt = prompt && s->node[i].slow == 0;
	well = prompt && s->grouped == 0 && s->burst_permille == 0 && s->mtu == 0 &&
	    lost <= CALM_LOSS && s->disk_permille == 0 && s->fsync_permille == 0 && cut_little(s);
	since(&s->prompt_since, prompt, from);
	since(&s->calm_since, well, from);
	since(&s->still_since, well && lost == 0 && !cut, from);
	net_around(s);
}

static void
not_before(usec *since, usec until)
{
	if (*since != NEVER_CALM && *since < until)
		*since = until;
}

void
net_late(struct sim *s, usec until)
{
	not_before(&s->prompt_since, until);
	not_before(&s->calm_since, until);
	not_before(&s->still_since, until);
}

/* Has it been calm (or still) for so long? */
bool
net_calm(const struct sim *s, usec from, usec enough)
{
	return from != NEVER_CALM && s->now - from >= enough;
}
