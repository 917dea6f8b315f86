/*
 * seriescode.c - see seriescode.h: heads, decimals, and blocks read back.  How a block
 * is packed is in seriespack.c.
 */
#include "seriescode.h"
#include "seriescode_in.h"

static const double power[] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 0x1p-10, 0x1p-12};
static_assert(ARRAY_LEN(power) == SERIESCODE_PAGE + 1, "a power for each scale");

static inline double
double_of(uint64_t bits)
{
	double v;

	memcpy(&v, &bits, sizeof v);
	return v;
}

uint64_t
seriescode_bits(int64_t whole, unsigned scale)
{
	double v;
	uint64_t bits;

	if (scale == SERIESCODE_RAW)
		return (uint64_t)whole;
	v = scale == 0 ? (double)whole : (double)whole / power[scale];
	memcpy(&bits, &v, sizeof bits);
	return bits;
}

bool
seriescode_whole(uint64_t bits, unsigned scale, int64_t *whole)
{
	double v = double_of(bits), x = v * power[scale];

	/* So that no difference of two leaves 64 bits; and NaN is not. */
	if (!(x > -0x1p61 && x < 0x1p61))
		return false;
	*whole = (int64_t)(scale == 0 ? x : x < 0 ? x - 0.5 : x + 0.5);
	return seriescode_bits(*whole, scale) == bits;
}

unsigned
seriescode_scale(uint64_t bits, unsigned from, int64_t *whole)
{
	double v = double_of(bits);

	if (v > -0x1p61 && v < 0x1p61)
		for (unsigned scale = from; scale <= SERIESCODE_SCALE_MAX; scale++)
			if (seriescode_whole(bits, scale, whole))
				return scale;
	*whole = (int64_t)bits;
	return SERIESCODE_RAW;
}

unsigned
seriescode_begin(uint64_t bits, int64_t *whole)
{
	if (seriescode_whole(bits, 0, whole) && *whole != 0)
		for (unsigned scale = SERIESCODE_PAGE; scale >= SERIESCODE_KIB; scale--)
			if (seriescode_whole(bits, scale, whole))
				return scale;
	return seriescode_scale(bits, 0, whole);
}

/* --- heads --------------------------------------------------------------------------- */

size_t
seriescode_head(const uint8_t *in, uint32_t before, struct seriescode_head *h)
{
	const uint8_t *at = in;
	uint32_t span;

	h->flags = *at++;
	h->form = h->flags & CODE_FORM;
	if (h->form == SERIESCODE_FULL) {
		h->form = SERIESCODE_INTS;
		h->count = SERIESCODE_SAMPLES_MAX;
	} else {
		h->count = (uint32_t)take_varint(&at);
	}
	h->step = 1;
	h->first = before + 1;
	if (h->flags & CODE_TICKS) {
		h->first = before + (uint32_t)take_varint(&at);
		h->step = (uint32_t)take_varint(&at);
	}
	span = (h->count - 1) * h->step;
	if (h->flags & CODE_ODD)
		span = (uint32_t)take_varint(&at);
	h->last = h->first + span;
	h->body = 0;
	if (h->form != SERIESCODE_LINE) {
		h->body = (uint32_t)take_varint(&at);
		return (size_t)(at - in);
	}
	h->scale = *at++;
	if (h->scale == SERIESCODE_RAW) {
		memcpy(&h->value, at, sizeof h->value);
		h->delta = 0;
		return (size_t)(at - in) + sizeof h->value;
	}
	h->value = zag(take_varint(&at));
	h->delta = zag(take_varint(&at));
	return (size_t)(at - in);
}

/* --- bodies -------------------------------------------------------------------------- */

static void
unpack_ticks(const struct seriescode_head *h, const uint8_t **at, uint32_t *ticks)
{
	uint32_t tick = h->first, i = 0;

	if (h->flags & CODE_ODD) {
		uint32_t odd = (uint32_t)take_varint(at);

		ticks[i++] = tick;
		while (odd-- > 0) {
			uint32_t until = i + (uint32_t)take_varint(at);

			while (i < until && i < SERIESCODE_SAMPLES_MAX)
				ticks[i++] = tick += h->step;
			tick += (uint32_t)take_varint(at);
			if (i < SERIESCODE_SAMPLES_MAX)
				ticks[i++] = tick;
		}
		tick += h->step;
	}
	for (; i < h->count; i++, tick += h->step)
		ticks[i] = tick;
}

/* What each is coded as, before the order is undone; count of them. */
static void
unpack_codes(struct bits_in *in, const struct code_way *w, uint64_t *x, uint32_t count)
{
	uint32_t i = 0;

	if (!w->sparse) {
		if (w->rice)
			for (; i < count; i++)
				x[i] = bits_get_rice(in, w->k);
		else
			for (; i < count; i++)
				x[i] = bits_get_expo(in, w->k);
		return;
	}
	for (;;) {
		uint64_t zeros = bits_get_expo(in, w->kz);

		while (zeros-- > 0 && i < count)
			x[i++] = 0;
		if (i == count)
			return;
		x[i++] = 1 + (w->rice ? bits_get_rice(in, w->k) : bits_get_expo(in, w->k));
	}
}

/* The orders undone: to whole numbers, in place. */
static void
restore(uint64_t *x, uint32_t count, enum code_order order, uint64_t first, uint64_t second, uint64_t by)
{
	uint64_t now = first, delta = second;

	switch (order) {
	case CODE_ABOVE:
		for (uint32_t i = 0; i < count; i++)
			x[i] = first + x[i] * by;
		return;
	case CODE_DELTA:
		for (uint32_t i = 1; i < count; i++) {
			uint64_t d = (uint64_t)zag(x[i]) * by;

			x[i] = now += d;
		}
		break;
	case CODE_DELTA_ABOVE:
		for (uint32_t i = 1; i < count; i++)
			x[i] = now += (x[i] + second) * by;
		break;
	case CODE_DELTA2:
		for (uint32_t i = 1; i < count; i++) {
			if (i > 1)
				delta += (uint64_t)zag(x[i]);
			x[i] = now += delta * by;
		}
		break;
	case CODE_ORDERS:
		break;
	}
	x[0] = first;
}

static void
unpack_ints(const struct seriescode_head *h, const uint8_t *at, const uint8_t *end, uint64_t *x, uint32_t count)
{
	enum code_order order = h->flags >> CODE_ORDER_SHIFT;
	struct code_way w = {.rice = at[0] & 0x80, .sparse = at[0] & 0x40, .k = at[0] & 0x3f, .kz = at[1] & 0xf};
	unsigned scale = at[1] >> 4;
	uint64_t first, second = 0, by = 1;
	uint32_t skip = order == CODE_ABOVE ? 0 : order == CODE_DELTA2 ? 2 : 1;
	struct bits_in in;

	at += 2;
	first = (uint64_t)zag(take_varint(&at));
	if (order == CODE_DELTA2 || order == CODE_DELTA_ABOVE)
		second = (uint64_t)zag(take_varint(&at));
	if (h->flags & CODE_BY)
		by = take_varint(&at);
	in = (struct bits_in){.b = at, .end = (uint64_t)(end - at) * 8};
	if (count > skip)
		unpack_codes(&in, &w, x + skip, count - skip);
	restore(x, count, order, first, second, by);
	if (scale == 0)
		for (uint32_t i = 0; i < count; i++)
			x[i] = seriescode_bits((int64_t)x[i], 0);
	else
		for (uint32_t i = 0; i < count; i++)
			x[i] = seriescode_bits((int64_t)x[i], scale);
}

static void
unpack_xor(const uint8_t *at, const uint8_t *end, uint64_t *x, uint32_t count)
{
	struct bits_in in = {.b = at, .end = (uint64_t)(end - at) * 8};
	unsigned lead = 0, width = 64;

	for (uint32_t i = 0; i < count; i++) {
		if (i == 0) {
			x[0] = bits_get_long(&in, 64);
			continue;
		}
		if (bits_get(&in, 1) == 0) {
			x[i] = x[i - 1];
			continue;
		}
		if (bits_get(&in, 1) == 1) {
			lead = (unsigned)bits_get(&in, 6);
			width = (unsigned)bits_get(&in, 6) + 1;
		}
		x[i] = x[i - 1] ^ bits_get_long(&in, width) << ((64 - lead - width) & 63);
	}
}

/* Marks take their places; the values before and after them move up. */
static void
unpack_stale(const uint8_t *at, struct seriescode_block *out, uint32_t marks)
{
	uint32_t where[SERIESCODE_SAMPLES_MAX], from, to = out->count, next = 0;

	for (uint32_t i = 0; i < marks; i++) {
		next += (uint32_t)take_varint(&at);
		where[i] = next++;
	}
	from = out->count - marks;
	while (marks > 0) {
		to--;
		out->bits[to] = to == where[marks - 1] ? SERIESCODE_STALE : out->bits[--from];
		marks -= to == where[marks - 1];
	}
}

void
seriescode_unpack(const struct seriescode_head *h, const uint8_t *body, struct seriescode_block *out)
{
	const uint8_t *at = body, *marks_at = NULL, *end = body + h->body;
	uint32_t marks = 0, count = h->count;

	assert(count <= SERIESCODE_SAMPLES_MAX);
	out->count = count;
	unpack_ticks(h, &at, out->ticks);
	if (h->flags & CODE_MARKS) {
		marks = (uint32_t)take_varint(&at);
		marks_at = at;
		for (uint32_t i = 0; i < marks; i++)
			(void)take_varint(&at);
		count -= marks;
	}
	if (h->form == SERIESCODE_INTS)
		unpack_ints(h, at, end, out->bits, count);
	else
		unpack_xor(at, end, out->bits, count);
	if (marks > 0)
		unpack_stale(marks_at, out, marks);
}
