/*
 * brief.c - one summary in 10 to 21 bytes.
 */
#include "brief.h"

#include "be.h"

enum {
	FLAG = 0x80,
	FIXED_BYTES = 9,
	WHO_SHIFT = 40, /* of a short id: its first three bytes */
	REST_BYTES = 5,
	STEPS = 16,
	VARINT_BITS = 7,
	PERCENT_BITS = 7,
	LIFE_BITS = 4,
};

/* Up to 15 as it is; above, the power of two and the step after it: e << 4 | step,
 * which is (16 + step) << (e - 1). */
static uint8_t
load_pack(uint16_t centi)
{
	uint32_t v = centi, e = 1;

	if (v < STEPS)
		return (uint8_t)v;
	for (; v >= 2 * STEPS; e++)
		v >>= 1;
	/* To the nearer step; what is rounded up to the next power is its first. */
	if (e > 1 && (centi >> (e - 2) & 1) != 0)
		v++;
	return (uint8_t)(v < 2 * STEPS ? e << 4 | (v - STEPS) : (e + 1) << 4);
}

static uint16_t
load_read(uint8_t b)
{
	uint32_t e = b >> 4, v = b & (STEPS - 1);

	if (e == 0)
		return (uint16_t)v;
	v = (STEPS + v) << (e - 1);
	return v > UINT16_MAX ? UINT16_MAX : (uint16_t)v;
}

uint16_t
brief_load(uint16_t centi)
{
	return load_read(load_pack(centi));
}

int32_t
brief_ahead(uint16_t a, uint16_t b)
{
	int32_t by = (a - b) & BRIEF_COUNT_MAX;

	return by <= BRIEF_COUNT_MAX / 2 ? by : by - BRIEF_COUNT_MAX - 1;
}

static uint8_t
percent_pack(uint8_t percent, bool flag)
{
	return (uint8_t)((percent > 100 ? 100 : percent) | (flag ? FLAG : 0));
}

static uint8_t
percent_read(uint8_t b)
{
	uint8_t percent = b & (FLAG - 1);

	return percent > 100 ? 100 : percent;
}

bool
brief_put(struct briefs_out *w, const struct brief *b)
{
	const struct mesh_summary *s = &b->summary;
	uint8_t one[BRIEF_BYTES_MAX];
	size_t n = FIXED_BYTES;
	uint32_t left = s->instances;

	be_put(one, b->who >> WHO_SHIFT, 3);
	be_put(one + 3, ((uint64_t)b->count << LIFE_BITS | b->life) << PERCENT_BITS |
	    percent_pack(s->cpu_percent, false), 3);
	one[6] = percent_pack(s->mem_percent, b->whole);
	one[7] = percent_pack(s->disk_percent, s->facts_hash != w->facts);
	one[8] = load_pack(s->load_centi);
	for (; left >= FLAG; left >>= VARINT_BITS)
		one[n++] = (uint8_t)(left | FLAG);
	one[n++] = (uint8_t)left;
	if (b->whole) {
		be_put(one + n, b->who & ((UINT64_C(1) << WHO_SHIFT) - 1), REST_BYTES);
		n += REST_BYTES;
	}
	if (s->facts_hash != w->facts) {
		be_put(one + n, s->facts_hash, 4);
		n += 4;
	}
	if (n > w->cap - w->len)
		return false;
	memcpy(w->buf + w->len, one, n);
	w->len += n;
	w->facts = s->facts_hash;
	return true;
}

static int
instances_read(struct briefs_in *r, uint16_t *out)
{
	uint32_t v = 0;

	for (uint32_t shift = 0; r->at < r->end && shift <= 2 * VARINT_BITS; shift += VARINT_BITS) {
		uint8_t b = *r->at++;

		v |= (uint32_t)(b & (FLAG - 1)) << shift;
		if ((b & FLAG) != 0)
			continue;
		*out = (uint16_t)v;
		return v <= UINT16_MAX ? 0 : -ERR_MALFORMED;
	}
	return -ERR_MALFORMED;
}

int
brief_next(struct briefs_in *r, struct brief *out)
{
	const uint8_t *b = r->at;
	uint32_t word;
	bool facts;

	if (r->at == r->end)
		return 0;
	if (r->end - r->at < FIXED_BYTES)
		return -ERR_MALFORMED;
	word = (uint32_t)be_get(b + 3, 3);
	*out = (struct brief){.who = be_get(b, 3) << WHO_SHIFT,
	    .count = (uint16_t)(word >> (LIFE_BITS + PERCENT_BITS)),
	    .life = word >> PERCENT_BITS & BRIEF_LIFE_MAX, .whole = (b[6] & FLAG) != 0,
	    .summary = {.cpu_percent = percent_read(b[5]), .mem_percent = percent_read(b[6]),
		.disk_percent = percent_read(b[7]), .load_centi = load_read(b[8])}};
	facts = (b[7] & FLAG) != 0;
	r->at += FIXED_BYTES;
	if (out->count == 0 || instances_read(r, &out->summary.instances) < 0 ||
	    (size_t)(r->end - r->at) < (out->whole ? REST_BYTES : 0u) + (facts ? 4u : 0u))
		return -ERR_MALFORMED;
	if (out->whole) {
		out->who |= be_get(r->at, REST_BYTES);
		r->at += REST_BYTES;
	}
	if (facts) {
		r->facts = (uint32_t)be_get(r->at, 4);
		r->at += 4;
	}
	out->summary.facts_hash = r->facts;
	return 1;
}
