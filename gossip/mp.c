/*
 * mp.c - the bounded reader.  One function (head) understands the first byte
 * of a value and proves that the whole scalar, or at least one byte per
 * claimed item, is there; everything else only looks at what it found.
 */
#include "mp.h"

#include "be.h"

struct head {
	enum mp_type type;
	size_t header;	/* bytes before the payload */
	uint64_t n;	/* payload bytes; items of a container; the number */
	bool negative;	/* n is an int64 in disguise */
	bool single;	/* a 4-byte float */
};

/* Types 0xc0..0xdf: type, bytes of the length or number, fixed extra bytes. */
static const struct shape {
	uint8_t type, size, extra;
} shapes[32] = {
    {MP_NIL, 0, 0}, {MP_NONE, 0, 0}, {MP_BOOL, 0, 0}, {MP_BOOL, 0, 0},
    {MP_BIN, 1, 0}, {MP_BIN, 2, 0}, {MP_BIN, 4, 0},
    {MP_EXT, 1, 1}, {MP_EXT, 2, 1}, {MP_EXT, 4, 1},
    {MP_DOUBLE, 4, 0}, {MP_DOUBLE, 8, 0},
    {MP_INT, 1, 0}, {MP_INT, 2, 0}, {MP_INT, 4, 0}, {MP_INT, 8, 0},
    {MP_INT, 1, 1}, {MP_INT, 2, 1}, {MP_INT, 4, 1}, {MP_INT, 8, 1},
    {MP_EXT, 0, 1}, {MP_EXT, 0, 2}, {MP_EXT, 0, 4}, {MP_EXT, 0, 8}, {MP_EXT, 0, 16},
    {MP_STR, 1, 0}, {MP_STR, 2, 0}, {MP_STR, 4, 0},
    {MP_ARRAY, 2, 0}, {MP_ARRAY, 4, 0}, {MP_MAP, 2, 0}, {MP_MAP, 4, 0},
};

/* The one-byte forms: small numbers, short strings, small containers. */
static bool
head_fix(uint8_t b, struct head *h)
{
	if (b <= 0x7f)
		*h = (struct head){.type = MP_INT, .header = 1, .n = b};
	else if (b <= 0x8f)
		*h = (struct head){.type = MP_MAP, .header = 1, .n = b & 0x0f};
	else if (b <= 0x9f)
		*h = (struct head){.type = MP_ARRAY, .header = 1, .n = b & 0x0f};
	else if (b <= 0xbf)
		*h = (struct head){.type = MP_STR, .header = 1, .n = b & 0x1f};
	else if (b >= 0xe0)
		*h = (struct head){.type = MP_INT, .header = 1,
		    .n = (uint64_t)(int64_t)(int8_t)b, .negative = true};
	else
		return false;
	return true;
}

static int
head_long(const struct mp *r, struct head *h)
{
	const uint8_t *p = r->buf + r->off;
	const struct shape *s = &shapes[*p - 0xc0];
	uint64_t v;

	*h = (struct head){.type = (enum mp_type)s->type};
	if (h->type == MP_NONE || (size_t)s->size + 1 > r->len - r->off)
		return -ERR_MALFORMED;
	v = be_get(p + 1, s->size);
	h->header = (size_t)s->size + 1;
	h->n = v;
	if (h->type == MP_BOOL)
		h->n = *p == 0xc3;
	else if (h->type == MP_EXT) /* one type byte; fixed sizes in extra */
		h->n = s->size != 0 ? v + 1 : (uint64_t)s->extra + 1;
	else if (h->type == MP_DOUBLE)
		h->single = s->size == 4;
	else if (h->type == MP_INT && s->extra != 0) {
		unsigned shift = 64 - 8u * s->size;

		h->n = (uint64_t)((int64_t)(v << shift) >> shift);
		h->negative = (int64_t)h->n < 0;
	}
	return 0;
}

static int
head(const struct mp *r, struct head *h)
{
	uint64_t least = 0;
	size_t left = r->len - r->off;
	int rc;

	if (left == 0)
		return -ERR_MALFORMED;
	if (!head_fix(r->buf[r->off], h) && (rc = head_long(r, h)) < 0)
		return rc;
	if (h->type == MP_STR || h->type == MP_BIN || h->type == MP_EXT || h->type == MP_ARRAY)
		least = h->n;
	else if (h->type == MP_MAP)
		least = 2 * h->n; /* n is at most 32 bits */
	return least > left - h->header ? -ERR_MALFORMED : 0;
}

/* One value is behind us: close every container it completes. */
static void
done(struct mp *r, size_t bytes)
{
	r->off += bytes;
	while (r->depth > 0 && --r->left[r->depth - 1] == 0)
		r->depth--;
}

static int
expect(struct mp *r, enum mp_type type, struct head *h)
{
	int rc = head(r, h);

	if (rc < 0)
		return rc;
	return h->type == type ? 0 : -ERR_MALFORMED;
}

/* h is that of a container. */
static int
enter(struct mp *r, const struct head *h)
{
	if (h->n == 0) {
		done(r, h->header);
		return 0;
	}
	if (r->depth >= r->depth_max)
		return -ERR_RANGE;
	r->off += h->header;
	r->left[r->depth++] = (uint32_t)h->n * (h->type == MP_MAP ? 2 : 1);
	return 0;
}

static int
open_container(struct mp *r, enum mp_type type, uint32_t *count)
{
	struct head h;
	int rc = expect(r, type, &h);

	if (rc < 0)
		return rc;
	*count = (uint32_t)h.n;
	return enter(r, &h);
}

void
mp_init(struct mp *r, const uint8_t *buf, size_t len, int depth_max)
{
	assert(depth_max >= 0 && depth_max <= MP_DEPTH_MAX);
	r->buf = buf;
	/* No count fits in 32 bits twice over beyond this; nobody needs it. */
	r->len = len <= INT32_MAX ? len : 0;
	r->off = 0;
	r->depth = 0;
	r->depth_max = depth_max;
}

enum mp_type
mp_peek(const struct mp *r)
{
	struct head h;

	return head(r, &h) < 0 ? MP_NONE : h.type;
}

int
mp_nil(struct mp *r)
{
	struct head h;
	int rc = expect(r, MP_NIL, &h);

	if (rc == 0)
		done(r, h.header);
	return rc;
}

int
mp_bool(struct mp *r, bool *out)
{
	struct head h;
	int rc = expect(r, MP_BOOL, &h);

	if (rc < 0)
		return rc;
	*out = h.n != 0;
	done(r, h.header);
	return 0;
}

int
mp_uint_max(struct mp *r, uint64_t max, uint64_t *out)
{
	struct head h;
	int rc = expect(r, MP_INT, &h);

	if (rc < 0)
		return rc;
	if (h.negative || h.n > max)
		return -ERR_RANGE;
	*out = h.n;
	done(r, h.header);
	return 0;
}

int
mp_uint(struct mp *r, uint64_t *out)
{
	return mp_uint_max(r, UINT64_MAX, out);
}

int
mp_int(struct mp *r, int64_t *out)
{
	struct head h;
	int rc = expect(r, MP_INT, &h);

	if (rc < 0)
		return rc;
	if (!h.negative && h.n > INT64_MAX)
		return -ERR_RANGE;
	*out = (int64_t)h.n;
	done(r, h.header);
	return 0;
}

static double
double_of(const struct head *h)
{
	double d;

	if (h->single) {
		uint32_t bits = (uint32_t)h->n;
		float f;

		memcpy(&f, &bits, sizeof f);
		return (double)f;
	}
	memcpy(&d, &h->n, sizeof d);
	return d;
}

int
mp_double(struct mp *r, double *out)
{
	struct head h;
	int rc = head(r, &h);

	if (rc < 0)
		return rc;
	if (h.type == MP_INT)
		*out = h.negative ? (double)(int64_t)h.n : (double)h.n;
	else if (h.type == MP_DOUBLE)
		*out = double_of(&h);
	else
		return -ERR_MALFORMED;
	done(r, h.header);
	return 0;
}

int
mp_str(struct mp *r, const char **s, size_t *len)
{
	struct head h;
	int rc = expect(r, MP_STR, &h);

	if (rc < 0)
		return rc;
	*s = (const char *)r->buf + r->off + h.header;
	*len = (size_t)h.n;
	done(r, h.header + *len);
	return 0;
}

int
mp_bin(struct mp *r, const uint8_t **p, size_t *len)
{
	struct head h;
	int rc = expect(r, MP_BIN, &h);

	if (rc < 0)
		return rc;
	*p = r->buf + r->off + h.header;
	*len = (size_t)h.n;
	done(r, h.header + *len);
	return 0;
}

int
mp_cstr(struct mp *r, char *dst, size_t cap)
{
	struct head h;
	int rc = expect(r, MP_STR, &h);
	const uint8_t *s;

	if (rc < 0)
		return rc;
	s = r->buf + r->off + h.header;
	if (h.n == 0 || h.n >= cap || memchr(s, 0, (size_t)h.n) != NULL)
		return -ERR_RANGE;
	memcpy(dst, s, (size_t)h.n);
	dst[h.n] = '\0';
	done(r, h.header + (size_t)h.n);
	return 0;
}

int
mp_bytes(struct mp *r, uint8_t *dst, size_t len)
{
	struct head h;
	int rc = expect(r, MP_BIN, &h);

	if (rc < 0)
		return rc;
	if (h.n != len)
		return -ERR_RANGE;
	memcpy(dst, r->buf + r->off + h.header, len);
	done(r, h.header + len);
	return 0;
}

int
mp_array(struct mp *r, uint32_t *count)
{
	return open_container(r, MP_ARRAY, count);
}

int
mp_map(struct mp *r, uint32_t *count)
{
	return open_container(r, MP_MAP, count);
}

int
mp_next(struct mp *r, struct mp_value *out)
{
	struct head h;
	int rc = head(r, &h);

	if (rc < 0)
		return rc;
	out->type = h.type;
	out->negative = h.negative;
	out->n = h.n;
	out->p = r->buf + r->off + h.header;
	if (h.type == MP_ARRAY || h.type == MP_MAP)
		return enter(r, &h);
	if (h.type == MP_DOUBLE)
		out->d = double_of(&h);
	done(r, h.header + (h.type == MP_STR || h.type == MP_BIN || h.type == MP_EXT ? (size_t)h.n : 0));
	return 0;
}

int
mp_skip(struct mp *r)
{
	struct mp was = *r;
	struct mp_value v;
	int level = r->depth, rc;

	do {
		rc = mp_next(r, &v);
	} while (rc == 0 && r->depth > level);
	if (rc < 0)
		*r = was;
	return rc;
}

int
mp_end(const struct mp *r)
{
	return r->off == r->len && r->depth == 0 ? 0 : -ERR_MALFORMED;
}
