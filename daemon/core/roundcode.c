/*
 * roundcode.c - see roundcode.h.
 */
#include "roundcode.h"

#include "../../gossip/mp.h"
#include "pack.h"

enum { FIELDS = 14, VERSION = 1, DELTA = 1, CODE = 2, DEPTH = 40 };

static const char magic[4] = "MRN1";

const char *
round_fate_name(enum round_fate f)
{
	static const char *const names[] = {"issued", "same", "failed", "given up"};

	return names[f];
}

static void
put(uint8_t *p, uint64_t v, int bytes)
{
	for (int i = 0; i < bytes; i++)
		p[i] = (uint8_t)(v >> (8 * i));
}

static uint64_t
get(const uint8_t *p, int bytes)
{
	uint64_t v = 0;

	for (int i = 0; i < bytes; i++)
		v |= (uint64_t)p[i] << (8 * i);
	return v;
}

void
round_head_write(uint8_t out[ROUND_HEAD_BYTES], const struct round_head *h)
{
	memset(out, 0, ROUND_HEAD_BYTES);
	memcpy(out, magic, sizeof magic);
	put(out + 4, h->body_bytes, 4);
	put(out + 8, h->plain_bytes, 4);
	put(out + 12, h->index, 4);
	put(out + 16, h->at_ms, 8);
	put(out + 24, (h->delta ? DELTA : 0u) | (h->is_code ? CODE : 0u), 4);
	memcpy(out + 32, h->code.b, HASH_BYTES);
}

int
round_head_read(struct round_head *h, const uint8_t *buf, size_t len)
{
	uint64_t flags;

	if (len < ROUND_HEAD_BYTES)
		return -ERR_SHORT;
	if (memcmp(buf, magic, sizeof magic) != 0)
		return -ERR_MALFORMED;
	flags = get(buf + 24, 4);
	*h = (struct round_head){.body_bytes = (uint32_t)get(buf + 4, 4),
	    .plain_bytes = (uint32_t)get(buf + 8, 4),
	    .index = (uint32_t)get(buf + 12, 4),
	    .at_ms = get(buf + 16, 8),
	    .delta = (flags & DELTA) != 0,
	    .is_code = (flags & CODE) != 0};
	memcpy(h->code.b, buf + 32, HASH_BYTES);
	if (flags > (DELTA | CODE) || get(buf + 28, 4) != 0 || (h->delta && h->index == 0) ||
	    (h->is_code && (h->delta || h->index != 0)) || h->at_ms > INT64_MAX)
		return -ERR_MALFORMED;
	if (h->plain_bytes == 0 || h->plain_bytes > ROUND_PLAIN_BYTES_MAX || h->body_bytes == 0 ||
	    h->body_bytes > ROUND_PLAIN_BYTES_MAX)
		return -ERR_RANGE;
	return 0;
}

void
round_sum(uint8_t out[HASH_BYTES], const uint8_t *buf, size_t len, const struct crypto *c)
{
	struct hash sum;

	c->hash(c->arg, &sum, buf, len);
	memcpy(out, sum.b, HASH_BYTES);
}

int
round_open(struct round_head *h, struct slice *body, size_t *used, const uint8_t *buf, size_t len,
    const struct crypto *c)
{
	uint8_t sum[HASH_BYTES];
	size_t before;
	int rc = round_head_read(h, buf, len);

	if (rc < 0)
		return rc;
	before = ROUND_HEAD_BYTES + (size_t)h->body_bytes;
	if (len < before + HASH_BYTES)
		return -ERR_SHORT;
	round_sum(sum, buf, before, c);
	if (memcmp(sum, buf + before, HASH_BYTES) != 0)
		return -ERR_AUTH;
	*body = (struct slice){buf + ROUND_HEAD_BYTES, h->body_bytes};
	*used = before + HASH_BYTES;
	return 0;
}

int
round_pack(const struct round_rec *r, struct blob *out)
{
	const struct slice texts[] = {r->why, r->error, r->excerpt, r->log, r->version};
	struct pack p;

	pack_begin(&p, ROUND_PLAIN_BYTES_MAX);
	pack_list(&p, FIELDS);
	pack_u64(&p, VERSION);
	pack_u64(&p, r->heap_bytes);
	pack_u64(&p, r->cpu_ms);
	pack_u64(&p, r->output_bytes);
	pack_bool(&p, r->ok);
	pack_u64(&p, r->ms);
	pack_u64(&p, r->fate);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		pack_strn(&p, (const char *)texts[i].b, texts[i].len);
	pack_bin(&p, r->result.b, r->result.len);
	pack_bin(&p, r->input.b, r->input.len);
	return pack_end(&p, out);
}

static int
read_text(struct mp *mp, struct slice *out)
{
	const char *s;
	int rc = mp_str(mp, &s, &out->len);

	out->b = (const uint8_t *)s;
	return rc;
}

/* Nothing, or one whole value. */
static int
read_value(struct mp *mp, bool may_lack, struct slice *out)
{
	struct mp in;
	int rc = mp_bin(mp, &out->b, &out->len);

	if (rc < 0 || (out->len == 0 && may_lack))
		return rc;
	mp_init(&in, out->b, out->len, DEPTH);
	if ((rc = mp_skip(&in)) < 0)
		return rc;
	return mp_end(&in);
}

int
round_read(struct round_rec *r, const uint8_t *buf, size_t len)
{
	struct slice *const texts[] = {&r->why, &r->error, &r->excerpt, &r->log, &r->version};
	uint64_t version, ms, fate;
	uint32_t n;
	struct mp mp;
	int rc;

	memset(r, 0, sizeof *r);
	mp_init(&mp, buf, len, 1);
	if ((rc = mp_array(&mp, &n)) < 0)
		return rc;
	if (n != FIELDS)
		return -ERR_MALFORMED;
	if ((rc = mp_uint(&mp, &version)) < 0)
		return rc;
	if (version != VERSION)
		return -ERR_VERSION;
	if ((rc = mp_uint_max(&mp, INT64_MAX, &r->heap_bytes)) < 0 ||
	    (rc = mp_uint_max(&mp, INT64_MAX, &r->cpu_ms)) < 0 ||
	    (rc = mp_uint_max(&mp, INT64_MAX, &r->output_bytes)) < 0 ||
	    (rc = mp_bool(&mp, &r->ok)) < 0 || (rc = mp_uint_max(&mp, UINT32_MAX, &ms)) < 0 ||
	    (rc = mp_uint_max(&mp, ROUND_FATES - 1, &fate)) < 0)
		return rc;
	r->ms = (uint32_t)ms;
	r->fate = (enum round_fate)fate;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if ((rc = read_text(&mp, texts[i])) < 0)
			return rc;
	if ((rc = read_value(&mp, !r->ok, &r->result)) < 0 ||
	    (rc = read_value(&mp, false, &r->input)) < 0)
		return rc;
	return mp_end(&mp);
}
