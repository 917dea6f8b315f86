/*
 * flat.c - read and write flat documents (the format is in flat.h).
 *
 * The reader treats every document as hostile: flat_open checks each length,
 * type and value once, without allocating, and everything after it only walks
 * records that were proven to lie inside the buffer.
 */
#include "flat.h"

enum {
	DOC_HEAD_BYTES = 12,
	REC_HEAD_BYTES = 16,
	DOC_VERSION = 1,
};

static const uint8_t magic[4] = {'M', 'F', 'L', 'T'};

static uint32_t
get_u32(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static uint64_t
get_u64(const uint8_t *p)
{
	return (uint64_t)get_u32(p) | (uint64_t)get_u32(p + 4) << 32;
}

static void
set_u32(uint8_t *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> (8 * i));
}

/* Is the value of this size and content what its type promises? */
static bool
value_ok(int type, const uint8_t *v, uint32_t len, size_t rest)
{
	double real;

	switch (type) {
	case FLAT_NULL:
		return len == 0;
	case FLAT_BOOL:
		return len == 1 && v[0] <= 1;
	case FLAT_INT:
		return len == 8;
	case FLAT_FLOAT:
		if (len != 8)
			return false;
		memcpy(&real, v, sizeof real);
		return __builtin_isfinite(real);
	case FLAT_STR:
		return len == 0 || memchr(v, '\0', len) == NULL;
	case FLAT_LIST:
	case FLAT_MAP:
		/* A reader may allocate by the count: never more than can follow. */
		return len == 4 && get_u32(v) <= rest / REC_HEAD_BYTES;
	default:
		return false;
	}
}

/* A path holds no NUL, and each '\' escapes the byte after it. */
static bool
path_ok(const uint8_t *path, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (path[i] == '\\')
			i++;
		if (i >= len || path[i] == '\0')
			return false;
	}
	return true;
}

/* Bytes of the record at p, or 0 when it is not a record. */
static size_t
record_check(const uint8_t *p, size_t left)
{
	if (left < REC_HEAD_BYTES)
		return 0;
	size_t path_len = (size_t)p[0] | (size_t)p[1] << 8;
	size_t value_len = get_u32(p + 12);

	left -= REC_HEAD_BYTES;
	if (p[3] != 0 || path_len > FLAT_PATH_BYTES_MAX || path_len > left)
		return 0;
	left -= path_len;
	if (value_len > left || !path_ok(p + REC_HEAD_BYTES, path_len))
		return 0;
	left -= value_len;
	if (!value_ok(p[2], p + REC_HEAD_BYTES + path_len, (uint32_t)value_len, left))
		return 0;
	return REC_HEAD_BYTES + path_len + value_len;
}

int
flat_open(struct flat *f, const void *buf, size_t len)
{
	const uint8_t *p = buf;

	f->buf = NULL;
	f->len = 0;
	if (len > FLAT_BYTES_MAX)
		return -ERR_LONG;
	if (len < DOC_HEAD_BYTES || memcmp(p, magic, sizeof magic) != 0)
		return -ERR_MALFORMED;
	if (get_u32(p + 4) != DOC_VERSION)
		return -ERR_VERSION;
	if (get_u32(p + 8) != len - DOC_HEAD_BYTES)
		return -ERR_MALFORMED;
	for (size_t off = DOC_HEAD_BYTES; off < len;) {
		size_t n = record_check(p + off, len - off);

		if (n == 0)
			return -ERR_MALFORMED;
		off += n;
	}
	f->buf = p;
	f->len = len;
	return 0;
}

static void
record_value(struct flat_rec *rec, const uint8_t *v, size_t len)
{
	switch (rec->type) {
	case FLAT_BOOL:
		rec->num = v[0];
		break;
	case FLAT_INT:
		rec->num = (int64_t)get_u64(v);
		rec->real = (double)rec->num;
		break;
	case FLAT_FLOAT:
		memcpy(&rec->real, v, sizeof rec->real);
		break;
	case FLAT_LIST:
	case FLAT_MAP:
		rec->num = get_u32(v);
		break;
	case FLAT_STR:
		rec->str = (const char *)v;
		rec->str_len = len;
		break;
	case FLAT_NULL:
		break;
	}
}

bool
flat_next(const struct flat *f, size_t *off, struct flat_rec *rec)
{
	if (*off == 0)
		*off = DOC_HEAD_BYTES;
	/* Equal to len at the end; more only if the caller made it up. */
	if (f->buf == NULL || *off >= f->len || f->len - *off < REC_HEAD_BYTES)
		return false;
	const uint8_t *p = f->buf + *off;
	size_t value_len = get_u32(p + 12);

	memset(rec, 0, sizeof *rec);
	rec->path_len = (size_t)p[0] | (size_t)p[1] << 8;
	rec->path = (const char *)p + REC_HEAD_BYTES;
	rec->type = (enum flat_type)p[2];
	rec->line = get_u32(p + 4);
	rec->col = get_u32(p + 8);
	record_value(rec, p + REC_HEAD_BYTES + rec->path_len, value_len);
	*off += REC_HEAD_BYTES + rec->path_len + value_len;
	return true;
}

bool
flat_find(const struct flat *f, const char *path, struct flat_rec *rec)
{
	size_t len = strlen(path);
	size_t off = 0;

	while (flat_next(f, &off, rec))
		if (rec->path_len == len && memcmp(rec->path, path, len) == 0)
			return true;
	return false;
}

bool
flat_str(const struct flat *f, const char *path, char *out, size_t cap)
{
	struct flat_rec rec;

	out[0] = '\0';
	if (!flat_find(f, path, &rec) || rec.type != FLAT_STR || rec.str_len >= cap)
		return false;
	memcpy(out, rec.str, rec.str_len);
	out[rec.str_len] = '\0';
	return true;
}

bool
flat_int(const struct flat *f, const char *path, int64_t *out)
{
	struct flat_rec rec;

	if (!flat_find(f, path, &rec) || rec.type != FLAT_INT)
		return false;
	*out = rec.num;
	return true;
}

bool
flat_bool(const struct flat *f, const char *path, bool *out)
{
	struct flat_rec rec;

	if (!flat_find(f, path, &rec) || rec.type != FLAT_BOOL)
		return false;
	*out = rec.num != 0;
	return true;
}

bool
flat_child(const struct flat_rec *rec, const char *prefix, char *key, size_t cap)
{
	size_t plen = strlen(prefix), out = 0, i;

	key[0] = '\0';
	if (rec->path_len < plen || memcmp(rec->path, prefix, plen) != 0)
		return false;
	if (plen > 0 && (rec->path_len == plen || rec->path[plen] != '/'))
		return false;
	i = plen > 0 ? plen + 1 : 0;
	if (i == rec->path_len)
		return false;
	for (; i < rec->path_len; i++) {
		char c = rec->path[i];

		/* A deeper record, or the tag of a child. */
		if (c == '/' || c == '!') {
			key[0] = '\0';
			return false;
		}
		if (c == '\\' && i + 1 < rec->path_len)
			c = rec->path[++i];
		if (out < cap)
			key[out] = c;
		out++;
	}
	key[out < cap ? out : 0] = '\0';
	return true;
}

void
flat_begin(struct flat_out *o, void *buf, size_t cap)
{
	o->buf = buf;
	o->cap = cap < FLAT_BYTES_MAX ? cap : FLAT_BYTES_MAX;
	o->len = DOC_HEAD_BYTES;
	o->full = cap < DOC_HEAD_BYTES;
}

void
flat_put(struct flat_out *o, const char *path, enum flat_type type, uint32_t line, uint32_t col,
    const void *value, size_t len)
{
	size_t path_len = strlen(path);

	if (o->full || path_len > FLAT_PATH_BYTES_MAX || len > FLAT_BYTES_MAX ||
	    REC_HEAD_BYTES + path_len + len > o->cap - o->len) {
		o->full = true;
		return;
	}
	uint8_t *p = o->buf + o->len;

	p[0] = (uint8_t)path_len;
	p[1] = (uint8_t)(path_len >> 8);
	p[2] = (uint8_t)type;
	p[3] = 0;
	set_u32(p + 4, line);
	set_u32(p + 8, col);
	set_u32(p + 12, (uint32_t)len);
	memcpy(p + REC_HEAD_BYTES, path, path_len);
	if (len > 0)
		memcpy(p + REC_HEAD_BYTES + path_len, value, len);
	o->len += REC_HEAD_BYTES + path_len + len;
}

void
flat_put_str(struct flat_out *o, const char *path, const char *value)
{
	flat_put(o, path, FLAT_STR, 0, 0, value, strlen(value));
}

void
flat_put_int(struct flat_out *o, const char *path, int64_t value)
{
	uint8_t b[8];

	set_u32(b, (uint32_t)(uint64_t)value);
	set_u32(b + 4, (uint32_t)((uint64_t)value >> 32));
	flat_put(o, path, FLAT_INT, 0, 0, b, sizeof b);
}

size_t
flat_end(struct flat_out *o)
{
	if (o->full)
		return 0;
	memcpy(o->buf, magic, sizeof magic);
	set_u32(o->buf + 4, DOC_VERSION);
	set_u32(o->buf + 8, (uint32_t)(o->len - DOC_HEAD_BYTES));
	return o->len;
}
