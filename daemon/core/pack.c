/*
 * pack.c - a growing, bounded buffer under msgpack-c's packer.
 */
#include "pack.h"

#include <stdlib.h>

enum { PACK_FIRST_BYTES = 512 };

static int
grow(struct pack *p, size_t need)
{
	size_t cap = p->cap ? p->cap : PACK_FIRST_BYTES;

	while (cap < need)
		cap *= 2;
	uint8_t *b = realloc(p->out.b, cap);

	if (b == NULL)
		return -ERR_FULL;
	p->out.b = b;
	p->cap = cap;
	return 0;
}

static int
put(void *arg, const char *buf, size_t len)
{
	struct pack *p = arg;

	if (p->err != 0 || len == 0)
		return 0;
	/* out.len <= max <= a few MiB and len is a buffer's: no overflow. */
	if (p->out.len + len > p->max)
		p->err = -ERR_LONG;
	else if (p->out.len + len > p->cap)
		p->err = grow(p, p->out.len + len);
	if (p->err != 0)
		return 0;
	memcpy(p->out.b + p->out.len, buf, len);
	p->out.len += len;
	return 0;
}

void
pack_begin(struct pack *p, size_t max)
{
	memset(p, 0, sizeof *p);
	p->max = max;
	msgpack_packer_init(&p->pk, p, put);
}

int
pack_end(struct pack *p, struct blob *out)
{
	int rc = p->err;

	*out = (struct blob){0};
	if (rc != 0) {
		pack_drop(p);
		return rc;
	}
	*out = p->out;
	p->out = (struct blob){0};
	return 0;
}

void
pack_drop(struct pack *p)
{
	blob_free(&p->out);
	p->cap = 0;
}

void
pack_map(struct pack *p, size_t count)
{
	msgpack_pack_map(&p->pk, count);
}

void
pack_list(struct pack *p, size_t count)
{
	msgpack_pack_array(&p->pk, count);
}

void
pack_strn(struct pack *p, const char *s, size_t len)
{
	msgpack_pack_str(&p->pk, len);
	msgpack_pack_str_body(&p->pk, s, len);
}

void
pack_str(struct pack *p, const char *s)
{
	pack_strn(p, s, strlen(s));
}

void
pack_bin(struct pack *p, const void *b, size_t len)
{
	msgpack_pack_bin(&p->pk, len);
	msgpack_pack_bin_body(&p->pk, b, len);
}

void
pack_u64(struct pack *p, uint64_t v)
{
	msgpack_pack_uint64(&p->pk, v);
}

void
pack_i64(struct pack *p, int64_t v)
{
	msgpack_pack_int64(&p->pk, v);
}

void
pack_real(struct pack *p, double v)
{
	msgpack_pack_double(&p->pk, v);
}

void
pack_bool(struct pack *p, bool v)
{
	if (v)
		msgpack_pack_true(&p->pk);
	else
		msgpack_pack_false(&p->pk);
}

void
pack_nil(struct pack *p)
{
	msgpack_pack_nil(&p->pk);
}

void
pack_raw(struct pack *p, struct slice v)
{
	put(p, (const char *)v.b, v.len);
}

void
pack_raw_map(struct pack *p, struct slice v)
{
	if (v.len == 0)
		pack_map(p, 0);
	else
		pack_raw(p, v);
}
