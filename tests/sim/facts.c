/*
 * facts.c - facts told and gathered (gossip/facts.h): what the engine keeps of them, and
 * the streams by which it asks.  All records of an owner are kept here once; a node holds
 * numbers of them.  Facts are one number long, and count as USUAL_BYTES.
 *
 *	facts-never-older	what a node takes is newer than what it held
 *	facts-are-their-owners	... and was said by its owner, in these very bytes
 */
#include "../../gossip/be.h"
#include "../../gossip/facts.h"
#include "sim.h"

#include <stdlib.h>

enum { USUAL_BYTES = 1500, CONTENT_BYTES = 8, NUMBER_BYTES = 4, OFFERS = 8 };

struct said {
	uint8_t bytes[FACTS_HEAD_BYTES + CONTENT_BYTES];
};

void
facts_begin(struct sim *s)
{
	struct sim_facts *f = s->facts = sim_must(calloc(1, sizeof *f));
	size_t n = s->conf.nodes;

	f->owner = sim_must(calloc(n, sizeof *f->owner));
	f->held = sim_must(calloc(n * n, sizeof *f->held));
	f->lack = sim_must(calloc(n, sizeof *f->lack));
	f->whole_at = sim_must(calloc(n, sizeof *f->whole_at));
}

void
facts_free(struct sim *s)
{
	struct sim_facts *f = s->facts;

	if (f == NULL)
		return;
	for (uint32_t i = 0; i < s->conf.nodes; i++)
		free(f->owner[i].said);
	free(f->owner);
	free(f->held);
	free(f->lack);
	free(f->whole_at);
	free(f);
	s->facts = NULL;
}

static uint32_t *
held(const struct sim *s, uint32_t i, uint32_t j)
{
	return &s->facts->held[(size_t)i * s->conf.nodes + j];
}

/* Does i hold of j what j says now? */
static bool
holds(const struct sim *s, uint32_t i, uint32_t j)
{
	const struct sim_owner *o = &s->facts->owner[j];
	uint32_t k = *held(s, i, j);

	return k != 0 &&
	    be_get(o->said[k - 1].bytes + FACTS_HEAD_BYTES, CONTENT_BYTES) == (o->content << 16 | j);
}

static void
count(struct sim *s)
{
	struct sim_facts *f = s->facts;

	for (uint32_t i = 0; i < s->conf.nodes; i++) {
		f->lack[i] = 0;
		for (uint32_t j = 0; j < s->conf.nodes; j++)
			f->lack[i] += i != j && f->owner[j].count > 0 && !holds(s, i, j);
	}
}

static void
say(struct sim *s, uint32_t i, bool changed)
{
	struct sim_owner *o = &s->facts->owner[i];
	struct mesh_summary sum = {.cpu_percent = 1};
	struct said next;

	o->content += changed;
	be_put(next.bytes + FACTS_HEAD_BYTES, o->content << 16 | i, CONTENT_BYTES);
	if (mesh_facts_say(s->node[i].mesh, next.bytes + FACTS_HEAD_BYTES, CONTENT_BYTES, next.bytes,
		&sum.facts_hash) == 1) {
		o->said = sim_must(realloc(o->said, (o->count + 1) * sizeof *o->said));
		o->said[o->count++] = next;
	}
	mesh_set_summary(s->node[i].mesh, node_clock(s, i), &sum);
}

void
facts_say(struct sim *s, uint32_t i, bool changed)
{
	say(s, i, changed);
	node_settle(s, i);
}

/* After a start the same as before it, then the same again, or something new.  A copy
 * says nothing: what it signed would be its first one's. */
void
facts_act(struct sim *s, uint32_t i)
{
	struct sim_node *n = &s->node[i];

	if (s->facts == NULL || !s->facts->often || n->spare || s->now < n->facts_at)
		return;
	say(s, i, n->facts_at >= n->born_at && prng_below(&s->fate, 2) == 0);
	n->facts_at = s->now + 3 * SECOND + (usec)prng_below(&s->fate, 12 * SECOND);
}

void
facts_forget(struct sim *s, uint32_t i)
{
	if (s->facts != NULL)
		memset(held(s, i, 0), 0, s->conf.nodes * sizeof *s->facts->held);
}

/* --- over streams --------------------------------------------------------------- */

void
facts_ask(struct sim *s, uint32_t i)
{
	uint8_t load[NUMBER_BYTES + sizeof((struct mesh_facts_ask *)0)->question];
	struct mesh_facts_ask ask;
	uint32_t to;

	while (s->facts != NULL && mesh_facts_poll(s->node[i].mesh, node_clock(s, i), &ask)) {
		if ((to = net_node(s, &ask.addr)) == UINT32_MAX)
			continue;
		be_put(load, ask.number, NUMBER_BYTES);
		memcpy(load + NUMBER_BYTES, ask.question, ask.len);
		s->node[i].tx_bytes += ask.len;
		s->facts->streams++;
		stream_send(s, i, to, STREAM_FACTS_ASKS, load, NUMBER_BYTES + ask.len);
	}
}

/* What node i holds of that one, newer than that; or, of one in OFFERS that answer no
 * matter what was asked, anything that its owner ever said. */
static const struct said *
newer(struct sim *s, uint32_t i, const struct facts_item *it)
{
	const struct members *ms = &s->node[i].mesh->ms;
	uint32_t x = members_find(ms, it->short_id), j, k;
	struct mesh_facts f;

	if (x == MEMBER_NONE || (j = node_find(s, &ms->m[x].id)) == UINT32_MAX ||
	    !mesh_facts_held(s->node[i].mesh, &ms->m[x].id, &f))
		return NULL;
	k = i == j ? s->facts->owner[j].count : *held(s, i, j);
	if (k > 0 && s->facts->often && prng_below(&s->rng, OFFERS) == 0)
		return &s->facts->owner[j].said[prng_below(&s->rng, k)];
	if (k == 0 || !facts_newer(f.generation, f.version, it->generation, it->version))
		return NULL;
	return &s->facts->owner[j].said[k - 1];
}

static void
answer(struct sim *s, uint32_t i, const struct sim_dgram *d)
{
	uint8_t load[NUMBER_BYTES + FACTS_ITEMS_MAX * sizeof(struct said)];
	struct facts_item it[FACTS_ITEMS_MAX];
	int n = facts_items(it, d->load + NUMBER_BYTES, d->load_len - NUMBER_BYTES);
	size_t len = NUMBER_BYTES;

	if (n < 0)
		check_break(s, "facts-question", i, d->from, d->load_len);
	memcpy(load, d->load, NUMBER_BYTES);
	for (int k = 0; k < n; k++) {
		const struct said *x = newer(s, i, &it[k]);

		if (x == NULL)
			continue;
		memcpy(load + len, x, sizeof *x);
		len += sizeof *x;
		s->node[i].tx_bytes += FACTS_HEAD_BYTES + USUAL_BYTES;
		s->facts->records++;
	}
	stream_send(s, i, d->from, STREAM_FACTS_ANSWERS, load, len);
}

static void
take(struct sim *s, uint32_t i, const struct facts_record *r)
{
	struct sim_facts *f = s->facts;
	uint32_t j = node_find(s, &r->id), k;
	struct mesh_facts was = {0};

	if (j == UINT32_MAX)
		return;
	(void)mesh_facts_held(s->node[i].mesh, &r->id, &was);
	if (mesh_facts_take(s->node[i].mesh, r) < 0)
		return;
	if (!facts_newer(r->generation, r->version, was.generation, was.version))
		check_break(s, "facts-never-older", i, j, r->version);
	for (k = f->owner[j].count; k > 0; k--)
		if (memcmp(f->owner[j].said[k - 1].bytes, r->whole, r->whole_len) == 0)
			break;
	if (k == 0)
		check_break(s, "facts-are-their-owners", i, j, r->version);
	*held(s, i, j) = k;
	if (k > 0 && holds(s, i, j) && f->lack[i] > 0 && --f->lack[i] == 0)
		f->whole_at[i] = s->now;
}

void
facts_happen(struct sim *s, uint32_t i, const struct sim_dgram *d)
{
	const uint8_t *at = d->load + NUMBER_BYTES, *end = d->load + d->load_len;
	struct facts_record r;

	if (d->stream == STREAM_FACTS_ASKS) {
		answer(s, i, d);
		return;
	}
	while (facts_next(&r, &at, end) > 0)
		take(s, i, &r);
	mesh_facts_over(s->node[i].mesh, node_clock(s, i), (uint32_t)be_get(d->load, NUMBER_BYTES));
}

void
facts_count(struct sim *s)
{
	s->facts->streams = s->facts->records = 0;
	count(s);
}
