/*
 * seriespack.c - a block of samples, packed (seriescode.h): which way is the smallest.
 *
 * All orders are tried; what each costs in each code and with each parameter is reckoned
 * from how many numbers there are of each length in bits, so one pass over the numbers
 * does for all of them.  The guess may miss by a bit or two; what is written is exact.
 */
#include "seriescode.h"
#include "seriescode_in.h"

enum { SAMPLES = SERIESCODE_SAMPLES_MAX, LENGTHS = 65 };

/* A block while it is packed. */
struct packing {
	uint32_t count; /* of values: those that are no marks */
	uint32_t marks;
	uint64_t bits[SAMPLES];
	int64_t whole[SAMPLES];
	uint32_t marks_at[SAMPLES];
	unsigned scale;
};

/* --- ticks ----------------------------------------------------------------------------- */

/* The distance that most have, if there is one (Boyer and Moore, MJRTY). */
static uint32_t
usual_step(const struct seriescode_block *b)
{
	uint32_t step = 1, votes = 0;

	for (uint32_t i = 1; i < b->count; i++) {
		uint32_t d = b->ticks[i] - b->ticks[i - 1];

		if (votes == 0)
			step = d;
		votes = votes == 0 || d == step ? votes + 1 : votes - 1;
	}
	return step;
}

static uint32_t
odd_ticks(const struct seriescode_block *b, uint32_t step)
{
	uint32_t odd = 0;

	for (uint32_t i = 1; i < b->count; i++)
		odd += b->ticks[i] - b->ticks[i - 1] != step;
	return odd;
}

static uint8_t *
put_odd(uint8_t *at, const struct seriescode_block *b, uint32_t step, uint32_t odd)
{
	uint32_t after = 1;

	at = put_varint(at, odd);
	for (uint32_t i = 1; i < b->count; i++) {
		uint32_t d = b->ticks[i] - b->ticks[i - 1];

		if (d == step)
			continue;
		at = put_varint(at, i - after);
		at = put_varint(at, d);
		after = i + 1;
	}
	return at;
}

static uint8_t *
put_marks(uint8_t *at, const struct packing *p)
{
	uint32_t after = 0;

	at = put_varint(at, p->marks);
	for (uint32_t i = 0; i < p->marks; i++) {
		at = put_varint(at, p->marks_at[i] - after);
		after = p->marks_at[i] + 1;
	}
	return at;
}

/* --- whole numbers ----------------------------------------------------------------------- */

/* All of them by one scale. */
static bool
all_whole(struct packing *p)
{
	unsigned scale = 0;
	bool again = false;

	for (uint32_t i = 0; i < p->count; i++) {
		if (seriescode_whole(p->bits[i], scale, &p->whole[i]))
			continue;
		scale = seriescode_scale(p->bits[i], scale + 1, &p->whole[i]);
		if (scale == SERIESCODE_RAW)
			return false;
		again = i > 0;
	}
	for (uint32_t i = 0; again && i < p->count; i++)
		if (!seriescode_whole(p->bits[i], scale, &p->whole[i]))
			return false;
	p->scale = scale;
	return p->count > 0;
}

static uint64_t
divisor(const struct packing *p)
{
	uint64_t g = 0;

	for (uint32_t i = 1; i < p->count && g != 1; i++) {
		int64_t d = p->whole[i] - p->whole[i - 1];
		uint64_t a = d < 0 ? -(uint64_t)d : (uint64_t)d;

		while (a != 0) {
			uint64_t r = g % a;

			g = a;
			a = r;
		}
	}
	return g == 0 ? 1 : g;
}

/* How many numbers have which length; the shortest of those that are not 0. */
struct lengths {
	uint32_t of[LENGTHS];
	unsigned shortest, longest;
};

static inline void
lengths_add(struct lengths *l, uint64_t x)
{
	unsigned n = bits_length(x);

	l->of[n]++;
	if (n > l->longest)
		l->longest = n;
	if (n > 0 && n < l->shortest)
		l->shortest = n;
}

/* No k is of use that is much less than the shortest. */
static unsigned
least_k(const struct lengths *l)
{
	return l->shortest > 2 && l->shortest <= l->longest ? l->shortest - 2 : 0;
}

/* Bits for all of them, in quarters; the k that is the least. */
static uint64_t
expo_cost(const struct lengths *l, unsigned *k)
{
	uint64_t best = UINT64_MAX;

	for (unsigned j = least_k(l); j <= l->longest && j < 64; j++) {
		uint64_t cost = 4 * (uint64_t)l->of[0] * (1 + j);

		for (unsigned n = l->shortest; n <= l->longest; n++) {
			unsigned over = n > j ? n - j : 0;
			/* x + 1 is longer than x as often as x is all ones. */
			unsigned quarters = over == 0 ? 4 : 8 * over - 4 + (8 >> (over - 1 < 4 ? over - 1 : 4));

			cost += (uint64_t)l->of[n] * (quarters + 4 * j);
		}
		if (cost < best) {
			best = cost;
			*k = j;
		}
	}
	return best;
}

static uint64_t
rice_cost(const struct lengths *l, unsigned *k)
{
	uint64_t best = UINT64_MAX;

	for (unsigned j = least_k(l); j <= l->longest && j < 64; j++) {
		uint64_t cost = 4 * (uint64_t)l->of[0] * (1 + j);

		for (unsigned n = l->shortest; n <= l->longest; n++) {
			uint64_t quarters = 4 * (1 + j), out = 4 * (BITS_RICE_MAX + 6 + n);

			if (n > j && n - j < 8)
				quarters += n - j == 1 ? 4 : UINT64_C(3) << (n - j);
			if (n > j && (n - j >= 8 || quarters > out))
				quarters = out;
			cost += l->of[n] * quarters;
		}
		if (cost < best) {
			best = cost;
			*k = j;
		}
	}
	return best;
}

/* The best way to write these; what it costs. */
static uint64_t
choose(const uint64_t *x, uint32_t count, struct code_way *w)
{
	struct lengths all = {.shortest = LENGTHS}, more = all, runs = all;
	uint32_t zeros = 0;
	uint64_t expo, rice, dense, sparse;
	unsigned k_expo = 0, k_rice = 0;

	for (uint32_t i = 0; i < count; i++) {
		lengths_add(&all, x[i]);
		if (x[i] == 0) {
			zeros++;
			continue;
		}
		lengths_add(&more, x[i] - 1);
		lengths_add(&runs, zeros);
		zeros = 0;
	}
	if (zeros > 0)
		lengths_add(&runs, zeros);
	expo = expo_cost(&all, &k_expo);
	rice = rice_cost(&all, &k_rice);
	*w = (struct code_way){.rice = rice < expo, .k = rice < expo ? k_rice : k_expo};
	dense = rice < expo ? rice : expo;
	if (all.of[0] * 4 < count)
		return dense;
	sparse = expo_cost(&runs, &w->kz);
	expo = expo_cost(&more, &k_expo);
	rice = rice_cost(&more, &k_rice);
	sparse += rice < expo ? rice : expo;
	if (sparse >= dense || w->kz > 15) {
		w->kz = 0;
		return dense;
	}
	*w = (struct code_way){.sparse = true, .rice = rice < expo, .k = rice < expo ? k_rice : k_expo, .kz = w->kz};
	return sparse;
}

static uint8_t *
put_codes(uint8_t *at, const struct code_way *w, const uint64_t *x, uint32_t count)
{
	struct bits_out o = {.at = at};
	uint64_t zeros = 0;

	for (uint32_t i = 0; i < count; i++) {
		if (w->sparse) {
			if (x[i] == 0) {
				zeros++;
				continue;
			}
			bits_put_expo(&o, zeros, w->kz);
			zeros = 0;
		}
		if (w->rice)
			bits_put_rice(&o, x[i] - w->sparse, w->k);
		else
			bits_put_expo(&o, x[i] - w->sparse, w->k);
	}
	if (zeros > 0)
		bits_put_expo(&o, zeros, w->kz);
	return bits_end(&o);
}

/* The numbers of one order, and what goes before them: how many. */
static uint32_t
in_order(const struct packing *p, enum code_order order, uint64_t by, uint64_t *x, int64_t *second)
{
	uint32_t n = p->count;
	int64_t least, d, was;

	*second = 0;
	if (order == CODE_ABOVE) {
		least = p->whole[0];
		for (uint32_t i = 1; i < n; i++)
			least = p->whole[i] < least ? p->whole[i] : least;
		for (uint32_t i = 0; i < n; i++)
			x[i] = (uint64_t)(p->whole[i] - least) / by;
		return n;
	}
	/* Differences first, as they are; a division only where there is one. */
	for (uint32_t i = 1; i < n; i++) {
		d = p->whole[i] - p->whole[i - 1];
		x[i - 1] = (uint64_t)(by == 1 ? d : d / (int64_t)by);
	}
	n--;
	if (order == CODE_DELTA) {
		for (uint32_t i = 0; i < n; i++)
			x[i] = zig((int64_t)x[i]);
		return n;
	}
	if (n == 0)
		return 0;
	if (order == CODE_DELTA_ABOVE) {
		least = (int64_t)x[0];
		for (uint32_t i = 1; i < n; i++)
			least = (int64_t)x[i] < least ? (int64_t)x[i] : least;
		for (uint32_t i = 0; i < n; i++)
			x[i] -= (uint64_t)least;
		*second = least;
		return n;
	}
	was = *second = (int64_t)x[0];
	for (uint32_t i = 1; i < n; i++) {
		d = (int64_t)x[i];
		x[i - 1] = zig((int64_t)((uint64_t)d - (uint64_t)was));
		was = d;
	}
	return n - 1;
}

static uint8_t *
put_ints(uint8_t *at, const struct packing *p, uint8_t *flags)
{
	uint64_t x[2][SAMPLES], by = divisor(p), cost, best = UINT64_MAX;
	struct code_way way = {0}, w;
	uint32_t count = 0, n, mine = 0;
	int64_t second = 0, s, first = p->whole[0];
	enum code_order order = CODE_DELTA;

	for (unsigned o = CODE_ABOVE; o < CODE_ORDERS; o++) {
		n = in_order(p, o, by, x[!mine], &s);
		cost = choose(x[!mine], n, &w) + (o == CODE_DELTA2 || o == CODE_DELTA_ABOVE ? 4 * 8 : 0);
		if (cost >= best)
			continue;
		best = cost;
		mine = !mine;
		order = o;
		way = w;
		count = n;
		second = s;
	}
	if (order == CODE_ABOVE)
		for (uint32_t i = 1; i < p->count; i++)
			first = p->whole[i] < first ? p->whole[i] : first;
	*flags |= (uint8_t)(order << CODE_ORDER_SHIFT | (by != 1 ? CODE_BY : 0));
	*at++ = (uint8_t)((unsigned)way.rice << 7 | (unsigned)way.sparse << 6 | way.k);
	*at++ = (uint8_t)(p->scale << 4 | way.kz);
	at = put_varint(at, zig(first));
	if (order == CODE_DELTA2 || order == CODE_DELTA_ABOVE)
		at = put_varint(at, zig(second));
	if (by != 1)
		at = put_varint(at, by);
	return count > 0 ? put_codes(at, &way, x[mine], count) : at;
}

/* --- all else ------------------------------------------------------------------------------ */

static uint8_t *
put_xor(uint8_t *at, const struct packing *p)
{
	struct bits_out o = {.at = at};
	unsigned lead = 64, trail = 64;

	for (uint32_t i = 0; i < p->count; i++) {
		uint64_t x = p->bits[i] ^ (i > 0 ? p->bits[i - 1] : 0);
		unsigned l, t;

		if (i == 0) {
			bits_put_long(&o, x, 64);
			lead = trail = 0;
			continue;
		}
		if (x == 0) {
			bits_put(&o, 0, 1);
			continue;
		}
		l = (unsigned)__builtin_clzll(x);
		t = (unsigned)__builtin_ctzll(x);
		/* The width of before is used again until a new one would pay for itself. */
		if (l >= lead && t >= trail && l - lead + t - trail <= 12) {
			bits_put(&o, 2, 2);
		} else {
			bits_put(&o, 3, 2);
			bits_put(&o, l, 6);
			bits_put(&o, 63 - l - t, 6);
			lead = l;
			trail = t;
		}
		bits_put_long(&o, x >> trail, 64 - lead - trail);
	}
	return bits_end(&o);
}

/* --- blocks ---------------------------------------------------------------------------------- */

static uint8_t *
put_head(uint8_t *at, const struct seriescode_head *h, uint32_t before, bool odd)
{
	bool plain = h->first == before + 1 && h->step == 1 && !odd;

	bool full = h->form == SERIESCODE_INTS && h->count == SAMPLES;

	*at++ = (uint8_t)(h->flags | (unsigned)(full ? SERIESCODE_FULL : h->form) | (plain ? 0 : CODE_TICKS) | (odd ? CODE_ODD : 0));
	if (!full)
		at = put_varint(at, h->count);
	if (!plain) {
		at = put_varint(at, h->first - before);
		at = put_varint(at, h->step);
	}
	return odd ? put_varint(at, h->last - h->first) : at;
}

size_t
seriescode_pack_line(const struct seriescode_head *h, uint32_t before, uint8_t out[SERIESCODE_HEAD_BYTES_MAX])
{
	struct seriescode_head line = *h;
	uint8_t *at;

	line.form = SERIESCODE_LINE;
	line.flags = 0;
	at = put_head(out, &line, before, false);
	*at++ = h->scale;
	if (h->scale == SERIESCODE_RAW) {
		memcpy(at, &h->value, sizeof h->value);
		return (size_t)(at - out) + sizeof h->value;
	}
	at = put_varint(at, zig(h->value));
	return (size_t)(put_varint(at, zig(h->delta)) - out);
}

size_t
seriescode_pack(const struct seriescode_block *b, uint32_t before, uint8_t out[SERIESCODE_BYTES_MAX])
{
	struct packing p;
	struct seriescode_head h = {.count = b->count, .first = b->ticks[0], .last = b->ticks[b->count - 1]};
	uint8_t body[SERIESCODE_BYTES_MAX - SERIESCODE_HEAD_BYTES_MAX], *at = body;
	uint32_t odd;

	assert(b->count > 0 && b->count <= SAMPLES);
	p.count = p.marks = 0;
	for (uint32_t i = 0; i < b->count; i++)
		if (b->bits[i] == SERIESCODE_STALE)
			p.marks_at[p.marks++] = i;
		else
			p.bits[p.count++] = b->bits[i];
	h.step = usual_step(b);
	odd = odd_ticks(b, h.step);
	if (odd > 0)
		at = put_odd(at, b, h.step, odd);
	if (p.marks > 0) {
		h.flags |= CODE_MARKS;
		at = put_marks(at, &p);
	}
	if (all_whole(&p)) {
		h.form = SERIESCODE_INTS;
		at = put_ints(at, &p, &h.flags);
	} else {
		h.form = SERIESCODE_XOR;
		at = put_xor(at, &p);
	}
	h.body = (uint32_t)(at - body);
	at = put_head(out, &h, before, odd > 0);
	at = put_varint(at, h.body);
	memcpy(at, body, h.body);
	return (size_t)(at - out) + h.body;
}
