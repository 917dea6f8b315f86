/*
 * members.c - the table.  Short ids find a member by open addressing; names
 * and meta live in one arena that is compacted when it is full, because most
 * are ten bytes and a thousand tables of a thousand share one machine in the
 * simulator.
 */
#include "members.h"

#include <stdlib.h>

/* Each text in the arena: owner's index 2, length 2, bytes. */
enum { TEXT_HEADER = 4, TEXT_NONE = 0, SPARED_MS = 600000, BEGIN_SHIFT = 40 };

static uint32_t
map_size(uint32_t max)
{
	uint32_t size = 16;

	while (size < 2 * max)
		size *= 2;
	return size;
}

bool
members_init(struct members *ms, uint32_t max)
{
	uint32_t size = map_size(max);

	memset(ms, 0, sizeof *ms);
	ms->max = max;
	ms->map_mask = size - 1;
	ms->text_cap = (max + 1) * (TEXT_HEADER + NAME_BYTES_MAX + MESH_META_BYTES_MAX);
	ms->text_len = TEXT_HEADER; /* offset 0 means none */
	ms->m = calloc(max, sizeof *ms->m);
	ms->reports = calloc(max, sizeof *ms->reports);
	ms->votes = calloc(max, sizeof *ms->votes);
	ms->doubts = calloc(max, sizeof *ms->doubts);
	ms->facts = calloc(max, sizeof *ms->facts);
	ms->proofs = calloc(max, sizeof *ms->proofs);
	ms->names = calloc(max, sizeof *ms->names);
	ms->order = calloc(max, sizeof *ms->order);
	ms->map = calloc(size, sizeof *ms->map);
	ms->text = calloc(1, ms->text_cap);
	if (ms->m == NULL || ms->reports == NULL || ms->order == NULL || ms->map == NULL ||
	    ms->votes == NULL || ms->doubts == NULL || ms->text == NULL || ms->proofs == NULL ||
	    ms->names == NULL || ms->facts == NULL)
		return false;
	return pairs_init(&ms->pairs, max) && evict_init(&ms->evict, max) && spread_init(&ms->urgent, max) && spread_init(&ms->news, max) &&
	    spread_init(&ms->summaries, max);
}

void
members_fini(struct members *ms)
{
	free(ms->m);
	free(ms->reports);
	free(ms->votes);
	free(ms->doubts);
	free(ms->facts);
	free(ms->proofs);
	free(ms->certs);
	free(ms->names);
	free(ms->order);
	free(ms->map);
	pairs_fini(&ms->pairs);
	free(ms->text);
	evict_fini(&ms->evict);
	spread_fini(&ms->urgent);
	spread_fini(&ms->news);
	spread_fini(&ms->summaries);
}

/* By the first bytes alone: whoever tells no more is found too. */
static uint32_t
map_begin(const struct members *ms, uint32_t begin, uint32_t *tag)
{
	uint64_t h = prng_mix(begin);

	*tag = (uint32_t)(h >> 32) & 0xffff0000u;
	return (uint32_t)h & ms->map_mask;
}

/* The tag keeps a look-up from touching the records of those it passes by: a
 * table of thousands is never in the cache. */
static uint32_t
map_slot(const struct members *ms, uint64_t short_id, uint32_t *tag)
{
	uint32_t at = map_begin(ms, (uint32_t)(short_id >> BEGIN_SHIFT), tag), e;

	for (; (e = ms->map[at]) != 0; at = (at + 1) & ms->map_mask)
		if ((e & 0xffff0000u) == *tag && ms->m[(e & 0xffff) - 1].short_id == short_id)
			break;
	return at;
}

static void
map_put(struct members *ms, uint32_t i)
{
	uint32_t tag, at = map_slot(ms, ms->m[i].short_id, &tag);

	ms->map[at] = tag | (i + 1);
}

uint32_t
members_find(const struct members *ms, uint64_t short_id)
{
	uint32_t tag, e = ms->map[map_slot(ms, short_id, &tag)];

	return e == 0 ? (uint32_t)MEMBER_NONE : (e & 0xffff) - 1;
}

uint32_t
members_find_begin(const struct members *ms, uint32_t begin)
{
	uint32_t tag, e, found = MEMBER_NONE;

	for (uint32_t at = map_begin(ms, begin, &tag); (e = ms->map[at]) != 0;
	     at = (at + 1) & ms->map_mask) {
		if ((e & 0xffff0000u) != tag || ms->m[(e & 0xffff) - 1].short_id >> BEGIN_SHIFT != begin)
			continue;
		if (found != MEMBER_NONE)
			return MEMBER_NONE;
		found = (e & 0xffff) - 1;
	}
	return found;
}

uint32_t
members_find_id(const struct members *ms, const struct node_id *id)
{
	uint32_t i = members_find(ms, seal_short(id));

	return i != MEMBER_NONE && id_eq(&ms->m[i].id, id) ? i : MEMBER_NONE;
}

uint32_t
members_bucket(const struct member *m)
{
	return (uint32_t)(m->short_id >> 59);
}

/* What the tables must agree on.  Left members count as not there: a node that
 * never met them has nothing to learn. */
static uint64_t
member_hash(const struct member *m)
{
	if (m->state == MESH_LEFT || m->forgotten)
		return 0;
	return prng_mix(m->short_id ^
	    prng_mix(m->generation ^ prng_mix((uint64_t)m->incarnation << 2 | m->state)));
}

/* Where these agree, two tables hold the same owners' words and differ only in
 * who is thought dead: a short rumour says that. */
static uint64_t
life_hash(const struct member *m)
{
	if (m->state == MESH_LEFT || m->forgotten || !m->proven)
		return 0;
	return prng_mix(~m->short_id ^ prng_mix(m->generation ^ prng_mix(m->incarnation)));
}

static void
digest(struct members *ms, const struct member *m)
{
	uint64_t h = member_hash(m);

	ms->buckets[members_bucket(m)] ^= h;
	ms->lives[members_bucket(m)] ^= life_hash(m);
	ms->digest ^= h;
}

void
members_evicted(struct members *ms, uint64_t short_id)
{
	uint64_t h = prng_mix(~short_id);

	ms->buckets[short_id >> 59] ^= h;
	ms->digest ^= h;
	ms->changes++;
}

uint64_t
members_hash(const struct members *ms)
{
	return prng_mix(ms->digest);
}

static uint32_t
order_at(const struct members *ms, const struct node_id *id)
{
	uint32_t low = 0, high = ms->count;

	while (low < high) {
		uint32_t mid = (low + high) / 2;

		if (id_cmp(&ms->m[ms->order[mid]].id, id) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static void
map_rebuild(struct members *ms)
{
	memset(ms->map, 0, (ms->map_mask + 1) * sizeof *ms->map);
	for (uint32_t k = 0; k < ms->count; k++)
		map_put(ms, ms->order[k]);
}

/* Who may give its place away, and the higher the sooner; 0 = not at all.  A death
 * must be some minutes old: a cut must not cost the other side its places. */
static uint32_t
spare(const struct member *m, msec now)
{
	if (m->roster != 0 || member_up(m))
		return 0;
	if (m->state == MESH_LEFT || m->forgotten)
		return 2;
	return now - m->since >= SPARED_MS ? 1 : 0;
}

bool
members_room(const struct members *ms, msec now)
{
	for (uint32_t i = 1; ms->count == ms->max && i < ms->count; i++)
		if (spare(&ms->m[i], now) > 0)
			return true;
	return ms->count < ms->max;
}

/* The slot of whoever left or was forgotten longest ago, else died, and has no vote;
 * or MEMBER_NONE. */
static uint32_t
reclaim(struct members *ms, msec now)
{
	uint32_t best = MEMBER_NONE, most = 0, at;

	for (uint32_t i = 1; i < ms->count; i++) {
		uint32_t how = spare(&ms->m[i], now);

		if (how > most || (how == most && how > 0 && ms->m[i].since < ms->m[best].since)) {
			best = i;
			most = how;
		}
	}
	if (best == MEMBER_NONE)
		return best;
	digest(ms, &ms->m[best]);
	ms->forgotten -= ms->m[best].forgotten;
	at = order_at(ms, &ms->m[best].id);
	memmove(ms->order + at, ms->order + at + 1, (ms->count - at - 1) * sizeof *ms->order);
	ms->count--;
	ms->by_state[ms->m[best].state]--;
	spread_drop(&ms->urgent, best);
	spread_drop(&ms->news, best);
	spread_drop(&ms->summaries, best);
	map_rebuild(ms);
	return best;
}

int
members_add(struct members *ms, const struct node_id *id, msec now)
{
	uint64_t short_id = seal_short(id);
	uint32_t i = ms->count, at;
	uint16_t pair = MEMBER_NONE;

	if (members_find(ms, short_id) != MEMBER_NONE)
		return -ERR_IDENTITY;
	if (ms->count == ms->max) {
		if ((i = reclaim(ms, now)) == MEMBER_NONE)
			return -ERR_FULL;
		/* The pair's memory stays with the slot, forgotten. */
		pair = ms->m[i].pair;
		if (pair != MEMBER_NONE)
			pairs_clear(&ms->pairs, &ms->pairs.all[pair]);
		ms->reports[i] = (struct member_report){.reported = false};
		ms->votes[i] = (struct member_vote){.granted = 0};
		ms->doubts[i] = (struct member_doubt){.suspected = 0};
		ms->facts[i] = (struct member_facts){.version = 0};
	}
	ms->m[i] = (struct member){.id = *id, .short_id = short_id, .state = MESH_FAILED,
	    .pair = pair, .rtt_ms = -1, .since = now, .seen = MSEC_NEVER, .spoke = UINT32_MAX};
	ms->names[i] = 0;
	if (ms->certs != NULL)
		ms->certs[i].len = 0;
	map_put(ms, i);
	at = order_at(ms, id);
	memmove(ms->order + at + 1, ms->order + at, (ms->count - at) * sizeof *ms->order);
	ms->order[at] = (uint16_t)i;
	ms->count++;
	ms->by_state[MESH_FAILED]++;
	digest(ms, &ms->m[i]);
	ms->changes++;
	return (int)i;
}

void
members_set(struct members *ms, uint32_t i, msec now, enum mesh_state state, uint64_t generation,
    uint32_t incarnation)
{
	struct member *m = &ms->m[i];

	digest(ms, m);
	if (state != MESH_FAILED && m->forgotten) {
		m->forgotten = false;
		ms->forgotten--;
	}
	if (m->state != state) {
		ms->by_state[m->state]--;
		ms->by_state[state]++;
		m->state = (uint8_t)state;
		m->since = now;
		ms->changes++;
		if (!member_up(m)) { /* who is dead or gone is not far */
			ms->far -= m->missed != 0;
			m->missed = 0;
		}
	}
	m->generation = generation;
	m->incarnation = incarnation;
	digest(ms, m);
}

void
members_forget(struct members *ms, uint32_t i, bool forgotten)
{
	struct member *m = &ms->m[i];

	if (m->forgotten == forgotten || m->state != MESH_FAILED)
		return;
	digest(ms, m);
	m->forgotten = forgotten;
	ms->forgotten += forgotten ? 1u : UINT32_MAX;
	ms->changes++;
	digest(ms, m);
}

void
members_prove(struct members *ms, uint32_t i, const uint8_t *pk, const uint8_t *sig)
{
	digest(ms, &ms->m[i]);
	memcpy(ms->proofs[i].pk, pk, KEY_BYTES);
	memmove(ms->proofs[i].sig, sig, SIG_BYTES); /* may be where it is */
	ms->m[i].proven = true;
	digest(ms, &ms->m[i]);
}

void
members_tell(struct members *ms, uint32_t i)
{
	bool urgent = ms->m[i].state != MESH_ALIVE || ms->m[i].incarnation > 0;

	spread_drop(urgent ? &ms->news : &ms->urgent, i);
	spread_push(urgent ? &ms->urgent : &ms->news, i);
}

/* Slide every text that is still its owner's to the front. */
static void
text_compact(struct members *ms)
{
	uint32_t from = TEXT_HEADER, to = TEXT_HEADER;

	while (from < ms->text_len) {
		uint32_t owner = ms->text[from] | (uint32_t)ms->text[from + 1] << 8;
		uint32_t size = TEXT_HEADER + (ms->text[from + 2] | (uint32_t)ms->text[from + 3] << 8);

		if (owner < ms->max && ms->m[owner].text == from) {
			memmove(ms->text + to, ms->text + from, size);
			ms->m[owner].text = to;
			to += size;
		}
		from += size;
	}
	ms->text_len = to;
}

static uint32_t
name_hash(const char *name, size_t len)
{
	uint64_t h = len;

	for (size_t i = 0; i < len; i++)
		h = (h ^ (uint8_t)name[i]) * UINT64_C(0x100000001b3);
	return (uint32_t)prng_mix(h);
}

bool
members_same_name(const struct members *ms, uint32_t i, uint32_t k)
{
	return ms->names[i] == ms->names[k] && ms->m[i].name_len == ms->m[k].name_len &&
	    memcmp(members_name(ms, i), members_name(ms, k), ms->m[i].name_len) == 0;
}

uint32_t
members_namesake(const struct members *ms, uint32_t i)
{
	for (uint32_t k = 0; k < ms->count; k++)
		if (k != i && ms->m[k].state != MESH_LEFT && members_same_name(ms, k, i))
			return k;
	return MEMBER_NONE;
}

void
members_set_text(struct members *ms, uint32_t i, const char *name, size_t name_len,
    const uint8_t *meta, size_t meta_len)
{
	struct member *m = &ms->m[i];
	uint32_t size = (uint32_t)(name_len + meta_len);
	uint8_t *p;

	assert(name_len <= NAME_BYTES_MAX && meta_len <= MESH_META_BYTES_MAX);
	if (m->text != TEXT_NONE && m->name_len == name_len && m->meta_len == meta_len &&
	    memcmp(members_name(ms, i), name, name_len) == 0 &&
	    (meta_len == 0 || memcmp(members_meta(ms, i), meta, meta_len) == 0))
		return;
	m->text = TEXT_NONE;
	if (ms->text_cap - ms->text_len < TEXT_HEADER + size)
		text_compact(ms);
	p = ms->text + ms->text_len;
	p[0] = (uint8_t)i;
	p[1] = (uint8_t)(i >> 8);
	p[2] = (uint8_t)size;
	p[3] = (uint8_t)(size >> 8);
	memcpy(p + TEXT_HEADER, name, name_len);
	if (meta_len > 0)
		memcpy(p + TEXT_HEADER + name_len, meta, meta_len);
	m->text = ms->text_len;
	m->name_len = (uint8_t)name_len;
	m->meta_len = (uint8_t)meta_len;
	ms->text_len += TEXT_HEADER + size;
	ms->names[i] = name_hash(name, name_len);
	ms->changes++;
}

const char *
members_name(const struct members *ms, uint32_t i)
{
	return (const char *)ms->text + ms->m[i].text + TEXT_HEADER;
}

const uint8_t *
members_meta(const struct members *ms, uint32_t i)
{
	return ms->text + ms->m[i].text + TEXT_HEADER + ms->m[i].name_len;
}

struct pair *
members_pair(const struct members *ms, uint32_t i)
{
	return ms->m[i].pair == MEMBER_NONE ? NULL : &ms->pairs.all[ms->m[i].pair];
}

struct pair *
members_pair_take(struct members *ms, uint32_t i)
{
	if (i == 0)
		return NULL;
	if (ms->m[i].pair == MEMBER_NONE)
		ms->m[i].pair = (uint16_t)ms->pairs.count++;
	return &ms->pairs.all[ms->m[i].pair];
}

int
members_fresh(struct members *ms, uint32_t i, uint64_t counter)
{
	struct pair *p = members_pair(ms, i);

	if (p == NULL || counter >> SEAL_COUNTER_BITS != ms->m[i].generation)
		return -ERR_REPLAY;
	return window_fresh(&p->window, &ms->pairs.windows, counter);
}

void
members_unheard(struct members *ms, uint32_t i)
{
	struct member_vote *v = &ms->votes[i];

	if (v->echoed == 0 && v->stored.term == 0 && v->stored.version == 0)
		return;
	v->echoed = 0;
	v->stored = (struct roster_id){0};
}

void
members_absolve(struct members *ms, uint32_t i)
{
	if (ms->doubts[i].accusers_count != 0)
		ms->doubts[i].accusers_count = 0;
}

void
members_rumour(const struct members *ms, uint32_t i, msec now, bool is_long, struct rumour *out)
{
	const struct member *m = &ms->m[i];

	*out = (struct rumour){.state = (enum mesh_state)m->state, .id = m->id,
	    .generation = m->generation, .incarnation = m->incarnation};
	if (m->state == MESH_SUSPECT && ms->doubts[i].accusers_count > 0)
		out->from = ms->doubts[i].accusers[0];
	if (m->state == MESH_FAILED)
		out->from = forget_age(now, m->since);
	if (m->state == MESH_ALIVE)
		out->from = i == 0 ? 0 : m->heard == 0 ? RUMOUR_AGE_MAX : (uint64_t)(now - m->heard);
	if (!is_long || !m->proven)
		return;
	out->is_long = true;
	out->pk = ms->proofs[i].pk;
	out->sig = ms->proofs[i].sig;
	out->name = members_name(ms, i);
	out->name_len = m->name_len;
	out->addr = m->addr;
	out->meta = members_meta(ms, i);
	out->meta_len = m->meta_len;
	out->notice = m->notice;
	if (ms->certs != NULL) {
		out->cert = ms->certs[i].b;
		out->cert_len = ms->certs[i].len;
	}
}
