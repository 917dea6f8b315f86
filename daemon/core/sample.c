/*
 * sample.c - see sample.h.  Whoever reads holds at most a base of 64 KB, and the
 * bytes of a difference are bounded too, so what a peer can make of both is.
 */
#include "sample.h"

#include <stdlib.h>

enum {
	FORMAT = 2,
	HEAD_BYTES = 5,
	COUNTS_BYTES = 9, /* numbers, gone, rows: up to 3 bytes each */
	NUMBER_BYTES = 11, /* a varint, and its bit: more than that */
	ROW_BYTES = 3,	  /* of the two lengths */
};

void
sample_free(struct sample *s)
{
	free(s->numbers);
	free(s->rows);
	free(s->bytes);
	memset(s, 0, sizeof *s);
}

/* --- making one ---------------------------------------------------------------- */

static size_t
packed(const struct sample *s)
{
	return s->packed > 0 ? s->packed : HEAD_BYTES + COUNTS_BYTES;
}

/* Room for one more of width in an array of count; it doubles. */
static bool
room(void **rows, uint32_t count, size_t width)
{
	void *more;

	if ((count & (count - 1)) != 0)
		return true;
	more = realloc(*rows, (count == 0 ? 1 : (size_t)count * 2) * width);
	if (more == NULL)
		return false;
	*rows = more;
	return true;
}

int
sample_number(struct sample *s, int64_t value)
{
	void *numbers = s->numbers;
	bool ok;

	if (s->numbers_count == SAMPLE_NUMBERS_MAX || packed(s) + NUMBER_BYTES > SAMPLE_BYTES_MAX)
		return -ERR_LONG;
	ok = room(&numbers, s->numbers_count, sizeof *s->numbers);
	s->numbers = numbers;
	if (!ok)
		return -ERR_FULL;
	s->numbers[s->numbers_count++] = value;
	s->packed = packed(s) + NUMBER_BYTES;
	return 0;
}

static const uint8_t *
key_of(const struct sample *s, uint32_t row)
{
	return s->bytes + s->rows[row].off;
}

const uint8_t *
sample_value(const struct sample *s, uint32_t row, size_t *len)
{
	*len = s->rows[row].len;
	return key_of(s, row) + s->rows[row].key_len;
}

static int
key_cmp(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len)
{
	int c = memcmp(a, b, a_len < b_len ? a_len : b_len);

	return c != 0 ? c : (a_len > b_len) - (a_len < b_len);
}

static int
grow_bytes(struct sample *s, size_t by)
{
	size_t cap = s->cap > 0 ? s->cap : 512;
	uint8_t *more;

	while (cap - s->len < by)
		cap *= 2;
	if (cap == s->cap)
		return 0;
	if ((more = realloc(s->bytes, cap)) == NULL)
		return -ERR_FULL;
	s->bytes = more;
	s->cap = cap;
	return 0;
}

int
sample_row(struct sample *s, const void *key, size_t key_len, const void *value, size_t len)
{
	uint32_t n = s->rows_count;
	void *rows = s->rows;
	int rc;

	if (key_len == 0 || key_len > SAMPLE_KEY_MAX || len > SAMPLE_VALUE_MAX ||
	    (n > 0 && key_cmp(key, key_len, key_of(s, n - 1), s->rows[n - 1].key_len) <= 0))
		return -ERR_RANGE;
	if (n == SAMPLE_ROWS_MAX || key_len + len > sample_room(s))
		return -ERR_LONG;
	if ((rc = grow_bytes(s, key_len + len)) < 0)
		return rc;
	if (!room(&rows, n, sizeof *s->rows))
		return -ERR_FULL;
	s->rows = rows;
	s->rows[n] = (struct sample_row){(uint32_t)s->len, (uint16_t)key_len, (uint16_t)len};
	memcpy(s->bytes + s->len, key, key_len);
	if (len > 0)
		memcpy(s->bytes + s->len + key_len, value, len);
	s->len += key_len + len;
	s->packed = packed(s) + ROW_BYTES + key_len + len;
	s->rows_count++;
	return 0;
}

size_t
sample_room(const struct sample *s)
{
	size_t used = packed(s) + ROW_BYTES;

	return used < SAMPLE_BYTES_MAX ? SAMPLE_BYTES_MAX - used : 0;
}

static bool
row_eq(const struct sample *a, uint32_t i, const struct sample *b, uint32_t k)
{
	const struct sample_row *x = &a->rows[i], *y = &b->rows[k];

	return x->key_len == y->key_len && x->len == y->len &&
	    memcmp(key_of(a, i), key_of(b, k), (size_t)x->key_len + x->len) == 0;
}

bool
sample_eq(const struct sample *a, const struct sample *b)
{
	if (a->numbers_count != b->numbers_count || a->rows_count != b->rows_count)
		return false;
	for (uint32_t i = 0; i < a->numbers_count; i++)
		if (a->numbers[i] != b->numbers[i])
			return false;
	for (uint32_t i = 0; i < a->rows_count; i++)
		if (!row_eq(a, i, b, i))
			return false;
	return true;
}

/* --- packing ------------------------------------------------------------------- */

struct to {
	uint8_t *out;
	size_t len, cap;
	bool full;
};

static void
put(struct to *w, const void *p, size_t len)
{
	if (len > w->cap - w->len) {
		w->full = true;
		return;
	}
	memcpy(w->out + w->len, p, len);
	w->len += len;
}

static void
put_varint(struct to *w, uint64_t v)
{
	uint8_t buf[10];
	size_t n = 0;

	for (; v >= 0x80; v >>= 7)
		buf[n++] = (uint8_t)(v | 0x80);
	buf[n++] = (uint8_t)v;
	put(w, buf, n);
}

/* Differences wrap around: what is added here is taken off there. */
static uint64_t
zigzag(uint64_t d)
{
	return d << 1 ^ ((d >> 63) != 0 ? UINT64_MAX : 0);
}

static uint64_t
unzigzag(uint64_t z)
{
	return z >> 1 ^ ((z & 1) != 0 ? UINT64_MAX : 0);
}

static uint64_t
number_of(const struct sample *s, uint32_t i)
{
	return s != NULL && i < s->numbers_count ? (uint64_t)s->numbers[i] : 0;
}

static void
put_numbers(struct to *w, const struct sample *s, const struct sample *base)
{
	uint8_t bits[SAMPLE_NUMBERS_MAX / 8] = {0};

	put_varint(w, s->numbers_count);
	for (uint32_t i = 0; i < s->numbers_count; i++)
		if (number_of(s, i) != number_of(base, i))
			bits[i / 8] |= (uint8_t)(1u << i % 8);
	put(w, bits, (s->numbers_count + 7) / 8);
	for (uint32_t i = 0; i < s->numbers_count; i++)
		if (number_of(s, i) != number_of(base, i))
			put_varint(w, zigzag(number_of(s, i) - number_of(base, i)));
}

/* Where row i of s belongs among base's from k on: < 0 before, 0 the same key. */
static int
rows_cmp(const struct sample *s, uint32_t i, const struct sample *base, uint32_t k)
{
	if (i == s->rows_count)
		return 1;
	if (base == NULL || k == base->rows_count)
		return -1;
	return key_cmp(key_of(s, i), s->rows[i].key_len, key_of(base, k), base->rows[k].key_len);
}

static uint32_t
rows_of(const struct sample *base)
{
	return base != NULL ? base->rows_count : 0;
}

/* Counts when w is NULL. */
static uint32_t
put_gone(struct to *w, const struct sample *s, const struct sample *base)
{
	uint32_t n = 0, next = 0;

	for (uint32_t i = 0, k = 0; k < rows_of(base);) {
		int c = rows_cmp(s, i, base, k);

		if (c > 0) {
			if (w != NULL)
				put_varint(w, k - next);
			next = k + 1;
			n++;
		}
		i += c <= 0;
		k += c >= 0;
	}
	return n;
}

static uint32_t
put_rows(struct to *w, const struct sample *s, const struct sample *base)
{
	uint32_t n = 0;

	for (uint32_t i = 0, k = 0; i < s->rows_count;) {
		int c = rows_cmp(s, i, base, k);
		const struct sample_row *x = &s->rows[i];

		if (c < 0 || (c == 0 && !row_eq(s, i, base, k))) {
			uint8_t key_len = (uint8_t)x->key_len;

			n++;
			if (w != NULL) {
				put(w, &key_len, 1);
				put(w, key_of(s, i), key_len);
				put_varint(w, x->len);
				put(w, key_of(s, i) + key_len, x->len);
			}
		}
		i += c <= 0;
		k += c >= 0;
	}
	return n;
}

size_t
sample_pack(const struct sample *s, const struct sample *base, uint8_t *out, size_t cap)
{
	uint32_t version = base != NULL ? base->version : 0;
	struct to w = {.out = out, .cap = cap};
	uint8_t head[HEAD_BYTES] = {FORMAT, (uint8_t)version, (uint8_t)(version >> 8),
	    (uint8_t)(version >> 16), (uint8_t)(version >> 24)};

	assert(base == NULL || version != 0);
	put(&w, head, sizeof head);
	put_numbers(&w, s, base);
	put_varint(&w, put_gone(NULL, s, base));
	put_gone(&w, s, base);
	put_varint(&w, put_rows(NULL, s, base));
	put_rows(&w, s, base);
	return w.full ? 0 : w.len;
}

/* --- reading ------------------------------------------------------------------- */

struct from {
	const uint8_t *b;
	size_t off, len;
};

static int
get_varint(struct from *r, uint64_t max, uint64_t *out)
{
	uint64_t v = 0;

	for (unsigned shift = 0; shift < 64; shift += 7) {
		uint8_t byte;

		if (r->off == r->len)
			return -ERR_MALFORMED;
		byte = r->b[r->off++];
		if (shift == 63 && byte > 1)
			return -ERR_MALFORMED;
		v |= (uint64_t)(byte & 0x7f) << shift;
		if (byte < 0x80) {
			*out = v;
			return v <= max ? 0 : -ERR_RANGE;
		}
	}
	return -ERR_MALFORMED;
}

static int
get(struct from *r, size_t len, const uint8_t **out)
{
	if (len > r->len - r->off)
		return -ERR_MALFORMED;
	*out = r->b + r->off;
	r->off += len;
	return 0;
}

int
sample_base(const uint8_t *buf, size_t len, uint32_t *base)
{
	if (len < HEAD_BYTES)
		return -ERR_MALFORMED;
	if (buf[0] != FORMAT)
		return -ERR_VERSION;
	*base = (uint32_t)buf[1] | (uint32_t)buf[2] << 8 | (uint32_t)buf[3] << 16 |
	    (uint32_t)buf[4] << 24;
	return 0;
}

static int
get_numbers(struct from *r, const struct sample *base, struct sample *out)
{
	const uint8_t *bits;
	uint64_t count, z;
	int rc;

	if ((rc = get_varint(r, SAMPLE_NUMBERS_MAX, &count)) < 0 ||
	    (rc = get(r, (count + 7) / 8, &bits)) < 0)
		return rc;
	for (uint32_t i = 0; i < count; i++) {
		uint64_t v = number_of(base, i);

		if ((bits[i / 8] >> i % 8 & 1) != 0) {
			if ((rc = get_varint(r, UINT64_MAX, &z)) < 0)
				return rc;
			v += unzigzag(z);
		}
		if ((rc = sample_number(out, (int64_t)v)) < 0)
			return rc;
	}
	return 0;
}

/* The places that are gone stay in the bytes: they are read again beside the
 * base's rows. */
static int
skip_gone(struct from *r, const struct sample *base, struct from *gone, uint64_t *count)
{
	uint64_t at = 0, d;
	int rc;

	if ((rc = get_varint(r, rows_of(base), count)) < 0)
		return rc;
	*gone = *r;
	for (uint64_t i = 0; i < *count; i++, at++) {
		if ((rc = get_varint(r, rows_of(base), &d)) < 0)
			return rc;
		at += d;
		if (at >= rows_of(base))
			return -ERR_RANGE;
	}
	return 0;
}

/* Of the base: the rows to keep, next one first. */
struct kept {
	const struct sample *base;
	struct from gone;
	uint64_t gone_left;
	uint64_t next_gone;
	uint32_t at;
};

static void
kept_gone(struct kept *k)
{
	uint64_t d = 0;

	if (k->gone_left == 0 || get_varint(&k->gone, UINT32_MAX, &d) < 0) {
		k->next_gone = UINT64_MAX;
		return;
	}
	k->gone_left--;
	k->next_gone += d;
}

static void
kept_skip(struct kept *k)
{
	while (k->at == k->next_gone) {
		k->at++;
		k->next_gone++;
		kept_gone(k);
	}
}

/* All that come before this key; one of the same key is replaced. */
static int
keep_before(struct kept *k, const uint8_t *key, size_t key_len, struct sample *out)
{
	for (kept_skip(k); k->at < rows_of(k->base); k->at++, kept_skip(k)) {
		const struct sample_row *x = &k->base->rows[k->at];
		int c = key == NULL ? -1 : key_cmp(key_of(k->base, k->at), x->key_len, key, key_len);
		size_t len;
		const uint8_t *value = sample_value(k->base, k->at, &len);
		int rc;

		if (c > 0)
			return 0;
		if (c == 0)
			continue;
		if ((rc = sample_row(out, key_of(k->base, k->at), x->key_len, value, len)) < 0)
			return rc;
	}
	return 0;
}

static int
get_rows(struct from *r, struct kept *k, struct sample *out)
{
	uint64_t count, len;
	int rc;

	if ((rc = get_varint(r, SAMPLE_ROWS_MAX, &count)) < 0)
		return rc;
	for (uint64_t i = 0; i < count; i++) {
		const uint8_t *key_len, *key, *value;

		if ((rc = get(r, 1, &key_len)) < 0 || (rc = get(r, *key_len, &key)) < 0 ||
		    (rc = get_varint(r, SAMPLE_VALUE_MAX, &len)) < 0 ||
		    (rc = get(r, len, &value)) < 0 ||
		    (rc = keep_before(k, key, *key_len, out)) < 0 ||
		    (rc = sample_row(out, key, *key_len, value, len)) < 0)
			return rc;
	}
	if (r->off != r->len)
		return -ERR_MALFORMED;
	return keep_before(k, NULL, 0, out);
}

int
sample_read(const uint8_t *buf, size_t len, const struct sample *base, struct sample *out)
{
	struct from r = {.b = buf, .off = HEAD_BYTES, .len = len};
	struct kept k = {.base = base};
	uint32_t version;
	int rc;

	memset(out, 0, sizeof *out);
	if ((rc = sample_base(buf, len, &version)) < 0)
		return rc;
	if (version != (base != NULL ? base->version : 0) || (base != NULL && version == 0))
		return -ERR_UNKNOWN;
	rc = get_numbers(&r, base, out);
	if (rc == 0)
		rc = skip_gone(&r, base, &k.gone, &k.gone_left);
	if (rc == 0) {
		kept_gone(&k);
		rc = get_rows(&r, &k, out);
	}
	if (rc < 0)
		sample_free(out);
	return rc;
}
