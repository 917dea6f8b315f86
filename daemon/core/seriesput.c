/*
 * seriesput.c - a sample goes into a series: the open block (series_in.h).
 */
#include "series_in.h"
#include "seriescode_in.h"

enum {
	OP_LESS = 0x60,
	OP_AGAIN = 0x80,
	OP_AGAIN_MAX = 32,
	OP_MORE = 0xa0,
	OP_LONG = 0xb0,
	OP_AGAIN_MANY = 0xb8,
	OP_STALE = 0xb9,
	OP_STEP = 0xba,
	OP_VALUE = 0xc0,
};

/* What is to be written, before it is. */
struct ops {
	uint8_t b[OPEN_OPS_BYTES_MAX];
	uint8_t *at;
};

static void
op_value(struct ops *ops, unsigned scale, int64_t value)
{
	*ops->at++ = (uint8_t)(OP_VALUE + scale);
	memcpy(ops->at, &value, sizeof value);
	ops->at += sizeof value;
}

static void
op_delta(struct ops *ops, int64_t delta)
{
	uint64_t z = zig(delta);

	if (z < OP_LESS) {
		*ops->at++ = (uint8_t)z;
		return;
	}
	z -= OP_LESS;
	if (z < 1u << 13) {
		*ops->at++ = (uint8_t)(OP_LESS + (z >> 8));
		*ops->at++ = (uint8_t)z;
		return;
	}
	z += OP_LESS;
	if (z < 1u << 20) {
		*ops->at++ = (uint8_t)(OP_MORE + (z >> 16));
		*ops->at++ = (uint8_t)(z >> 8);
		*ops->at++ = (uint8_t)z;
		return;
	}
	unsigned n = (bits_length(z) + 7) / 8;

	*ops->at++ = (uint8_t)(OP_LONG + n - 1);
	for (; n > 0; n--, z >>= 8)
		*ops->at++ = (uint8_t)z;
}

static void
op_again(struct ops *ops, uint32_t times)
{
	if (times == 0)
		return;
	if (times <= OP_AGAIN_MAX) {
		*ops->at++ = (uint8_t)(OP_AGAIN + times - 1);
		return;
	}
	*ops->at++ = OP_AGAIN_MANY;
	ops->at = put_varint(ops->at, times);
}

static void
op_step(struct ops *ops, uint32_t step)
{
	*ops->at++ = OP_STEP;
	ops->at = put_varint(ops->at, step);
}

/* --- the open block, read ------------------------------------------------------------ */

/* Samples are put down one by one. */
struct opening {
	struct seriescode_block *out;
	uint32_t tick, step;
	int64_t value, delta;
	unsigned scale;
};

static void
down(struct opening *p, uint64_t bits)
{
	struct seriescode_block *b = p->out;

	assert(b->count < SERIESCODE_SAMPLES_MAX);
	if (b->count > 0)
		p->tick += p->step;
	b->ticks[b->count] = p->tick;
	b->bits[b->count++] = bits;
}

static void
again(struct opening *p, uint32_t times)
{
	while (times-- > 0) {
		p->value = (int64_t)((uint64_t)p->value + (uint64_t)p->delta);
		down(p, seriescode_bits(p->value, p->scale));
	}
}

/* The difference that an op says, zigzag. */
static uint64_t
op_read(uint8_t op, const uint8_t **at)
{
	const uint8_t *b = *at;
	uint64_t z = 0;

	if (op < OP_LESS)
		return op;
	if (op < OP_AGAIN) {
		*at += 1;
		return ((uint64_t)(op - OP_LESS) << 8 | b[0]) + OP_LESS;
	}
	if (op < OP_LONG) {
		*at += 2;
		return (uint64_t)(op - OP_MORE) << 16 | (uint64_t)b[0] << 8 | b[1];
	}
	for (unsigned n = op - OP_LONG + 1u; n > 0; n--)
		z = z << 8 | b[n - 1];
	*at += op - OP_LONG + 1;
	return z;
}

static const uint8_t *
opening_op(struct opening *p, const uint8_t *at)
{
	uint8_t op = *at++;

	if (op < OP_AGAIN || (op >= OP_MORE && op < OP_AGAIN_MANY)) {
		p->delta = zag(op_read(op, &at));
		again(p, 1);
	} else if (op < OP_MORE) {
		again(p, op - OP_AGAIN + 1u);
	} else if (op == OP_AGAIN_MANY) {
		again(p, (uint32_t)take_varint(&at));
	} else if (op == OP_STALE) {
		down(p, SERIESCODE_STALE);
	} else if (op == OP_STEP) {
		p->step = (uint32_t)take_varint(&at);
	} else {
		p->scale = op - OP_VALUE;
		memcpy(&p->value, at, sizeof p->value);
		at += sizeof p->value;
		p->delta = 0;
		down(p, seriescode_bits(p->value, p->scale));
	}
	return at;
}

void
one_unpack_open(const struct series_store *s, const struct one *o, struct seriescode_block *out)
{
	uint8_t b[OPEN_BYTES_MAX + OPEN_OPS_BYTES_MAX];
	struct pool_place at = {o->mark, o->mark_byte};
	struct opening p = {.out = out, .tick = o->first, .step = 1};

	out->count = 0;
	pool_read(&s->pool, &at, b, o->open_bytes);
	for (const uint8_t *op = b; op < b + o->open_bytes;)
		op = opening_op(&p, op);
	again(&p, o->run);
	assert(out->count == o->count);
}

/* --- blocks are packed ---------------------------------------------------------------- */

void
one_clear_open(struct series_store *s, struct one *o)
{
	s->samples -= o->count;
	if (o->open_bytes > 0)
		one_units(s, o, pool_cut(&s->pool, o->mark));
	o->end = o->mark;
	o->end_byte = o->mark_byte;
	o->count = o->run = 0;
	o->open_bytes = 0;
	o->delta = 0;
	if (o->head == POOL_NONE || one_has_packed(o))
		return;
	one_units(s, o, pool_give(&s->pool, o->head, POOL_NONE));
	o->head = o->mark = o->end = POOL_NONE;
	o->head_byte = o->mark_byte = o->end_byte = 0;
}

void
one_start(struct one *o, uint32_t tick, uint64_t bits)
{
	o->first = o->last = tick;
	o->count = 1;
	o->run = 0;
	o->step = 1;
	o->delta = 0;
	o->scale = (uint8_t)seriescode_begin(bits, &o->value);
}

/* At the end of the queue; evict_for has seen to the room. */
static void
append(struct series_store *s, struct one *o, const uint8_t *b, size_t n)
{
	struct pool_place end = {o->end, o->end_byte};
	uint32_t start = POOL_NONE, units = pool_wants(&end, n);

	pool_append(&s->pool, &end, b, n, &start);
	if (start != POOL_NONE) {
		o->head = o->mark = start;
		o->head_byte = o->mark_byte = 0;
	}
	o->end = end.unit;
	o->end_byte = end.byte;
	owner_at(s, o->owner)->bytes += (size_t)units * POOL_UNIT_WHOLE;
}

/* The open block becomes a packed one.  Without room for that it is lost. */
static void
pack(struct series_store *s, struct one *o)
{
	uint8_t out[SERIESCODE_BYTES_MAX];
	uint32_t before = one_has_packed(o) ? o->packed_tick : o->first - 1, count = o->count, last = o->last;
	struct pool_place end;
	size_t n;

	if (o->open_bytes == 0) {
		struct seriescode_head line = one_line(o);

		n = seriescode_pack_line(&line, before, out);
	} else {
		struct seriescode_block b;

		one_unpack_open(s, o, &b);
		n = seriescode_pack(&b, before, out);
	}
	one_clear_open(s, o);
	end = (struct pool_place){o->end, o->end_byte};
	if (!evict_for(s, o, pool_wants(&end, n) + 1)) {
		s->evicted_samples += count;
		return;
	}
	if (!one_has_packed(o))
		o->head_tick = before;
	append(s, o, out, n);
	o->mark = o->end;
	o->mark_byte = o->end_byte;
	o->packed_tick = last;
	s->samples += count;
}

/* --- a sample --------------------------------------------------------------------------- */

/* What was a line so far, as ops. */
static void
ops_of_line(const struct one *o, struct ops *ops)
{
	struct seriescode_head line = one_line(o);

	op_value(ops, o->scale, line.value);
	if (o->count == 1)
		return;
	if (o->step != 1)
		op_step(ops, o->step);
	if (o->delta != 0) {
		op_delta(ops, o->delta);
		op_again(ops, o->count - 2);
	} else {
		op_again(ops, o->count - 1);
	}
}

/* Not as the one before it said: written out. */
static int
put_ops(struct series_store *s, struct one *o, uint32_t tick, uint64_t bits, uint32_t step)
{
	struct ops ops = {.at = ops.b};
	int64_t value;
	unsigned scale;

	if (!evict_for(s, o, 2))
		return -ERR_FULL;
	if (o->open_bytes == 0)
		ops_of_line(o, &ops);
	else
		op_again(&ops, o->run);
	o->run = 0;
	if (step != o->step)
		op_step(&ops, step);
	o->step = (uint16_t)step;
	if (bits == SERIESCODE_STALE) {
		*ops.at++ = OP_STALE;
	} else if (o->scale != SERIESCODE_RAW && seriescode_whole(bits, o->scale, &value)) {
		int64_t delta = value - o->value;

		/* After a mark, or another distance, it may be the one of before. */
		if (delta != o->delta) {
			o->delta = delta;
			op_delta(&ops, delta);
		} else {
			o->run = 1;
		}
		o->value = value;
	} else if (o->scale == SERIESCODE_RAW && (int64_t)bits == o->value) {
		o->run = 1;
	} else {
		/* Real fractions are not tried by all scales each time. */
		if (o->scale != SERIESCODE_RAW)
			scale = seriescode_scale(bits, o->scale < SERIESCODE_KIB ? o->scale + 1u : 0, &value);
		else
			scale = seriescode_whole(bits, 0, &value) ? 0 : SERIESCODE_RAW;
		if (scale == SERIESCODE_RAW)
			value = (int64_t)bits;
		o->scale = (uint8_t)scale;
		o->value = value;
		o->delta = 0;
		op_value(&ops, scale, value);
	}
	o->last = tick;
	o->count++;
	s->samples++;
	assert((size_t)(ops.at - ops.b) <= sizeof ops.b);
	append(s, o, ops.b, (size_t)(ops.at - ops.b));
	o->open_bytes = (uint16_t)(o->open_bytes + (ops.at - ops.b));
	return 0;
}

/* It goes on as it went: nothing to write. */
static bool
goes_on(struct one *o, uint32_t tick, uint64_t bits, uint32_t step)
{
	int64_t value;
	bool second = o->count == 1 && o->open_bytes == 0;

	if ((step != o->step && !second) || bits == SERIESCODE_STALE)
		return false;
	if (o->scale == SERIESCODE_RAW) {
		if ((int64_t)bits != o->value)
			return false;
	} else {
		if (!seriescode_whole(bits, o->scale, &value))
			return false;
		if (second)
			o->delta = value - o->value;
		else if (value - o->value != o->delta)
			return false;
		o->value = value;
	}
	o->step = (uint16_t)step;
	o->last = tick;
	o->count++;
	o->run += o->open_bytes > 0;
	return true;
}

int
one_put(struct series_store *s, uint32_t i, uint32_t tick, uint64_t bits)
{
	struct one *o = one_at(s, i);
	uint32_t step = tick - o->last;
	int rc = 0;

	if (o->count > 0 && step > OPEN_STEP_MAX)
		pack(s, o);
	if (o->count > 0 && goes_on(o, tick, bits, step)) {
		s->samples++;
	} else {
		/* A long line that ends is a block. */
		if (o->count >= OPEN_SAMPLES_MAX)
			pack(s, o);
		if (o->count > 0) {
			rc = put_ops(s, o, tick, bits, step);
		} else {
			one_start(o, tick, bits);
			s->samples++;
		}
	}
	if (o->open_bytes > 0 && (o->count >= OPEN_SAMPLES_MAX || o->open_bytes >= s->open_max))
		pack(s, o);
	return rc;
}
