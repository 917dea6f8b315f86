/*
 * outlook.c - see outlook.h.
 */
#include "outlook.h"

#include <stdlib.h>

#include "../../gossip/mp.h"
#include "../base/name.h"
#include "pack.h"

enum { FORMAT = 1, HEAD_FIELDS = 9, ROW_FIELDS = 6, DEPTH = 5, TIME_MS_MAX = 1 << 30 };

int
outlook_pack(const struct outlook *o, struct blob *out)
{
	struct pack p;

	pack_begin(&p, OUTLOOK_BYTES_MAX);
	pack_list(&p, HEAD_FIELDS);
	pack_u64(&p, FORMAT);
	pack_bin(&p, o->id.b, ID_BYTES);
	pack_str(&p, o->name);
	pack_u64(&p, o->grade);
	pack_u64(&p, o->term);
	if (o->has_leader)
		pack_bin(&p, o->leader.b, ID_BYTES);
	else
		pack_nil(&p);
	pack_i64(&p, o->since_ms);
	pack_bool(&p, o->pinged);
	pack_list(&p, o->count);
	for (uint32_t i = 0; i < o->count; i++) {
		const struct outlook_row *r = &o->rows[i];

		pack_list(&p, ROW_FIELDS);
		pack_bin(&p, r->id.b, ID_BYTES);
		pack_str(&p, r->name);
		pack_u64(&p, r->state);
		pack_u64(&p, r->flags);
		pack_i64(&p, r->rtt_ms);
		pack_i64(&p, r->seen_ms);
	}
	return pack_end(&p, out);
}

static int
read_id(struct mp *r, struct node_id *out)
{
	const uint8_t *b;
	size_t len;

	if (mp_bin(r, &b, &len) < 0 || len != ID_BYTES)
		return -ERR_MALFORMED;
	memcpy(out->b, b, ID_BYTES);
	return 0;
}

/* Names go into tables and on to other programs; "" is a member nobody named yet. */
static int
read_name(struct mp *r, char out[NAME_CAP])
{
	const char *s;
	size_t len;

	if (mp_str(r, &s, &len) < 0 || (len > 0 && !name_ok(s, len)))
		return -ERR_MALFORMED;
	memcpy(out, s, len);
	out[len] = '\0';
	return 0;
}

/* -1 or a time; what is longer than twelve days is as good as that. */
static int
read_ms(struct mp *r, int64_t *out)
{
	if (mp_int(r, out) < 0 || *out < -1)
		return -ERR_MALFORMED;
	if (*out > TIME_MS_MAX)
		*out = TIME_MS_MAX;
	return 0;
}

static int
skip_rest(struct mp *r, uint32_t fields, uint32_t known)
{
	for (uint32_t i = known; i < fields; i++)
		if (mp_skip(r) < 0)
			return -ERR_MALFORMED;
	return 0;
}

static int
read_row(struct mp *r, struct outlook_row *out)
{
	uint64_t state, flags;
	int64_t rtt;
	uint32_t n;

	if (mp_array(r, &n) < 0 || n < ROW_FIELDS || read_id(r, &out->id) < 0 ||
	    read_name(r, out->name) < 0 || mp_uint_max(r, OUTLOOK_STATE_MAX, &state) < 0 ||
	    mp_uint_max(r, UINT8_MAX, &flags) < 0 || read_ms(r, &rtt) < 0 ||
	    read_ms(r, &out->seen_ms) < 0)
		return -ERR_MALFORMED;
	out->state = (uint8_t)state;
	out->flags = (uint8_t)flags;
	out->rtt_ms = (int32_t)rtt;
	return skip_rest(r, n, ROW_FIELDS);
}

static int
read_head(struct mp *r, struct outlook *o, uint32_t *fields)
{
	uint64_t format, grade;

	if (mp_array(r, fields) < 0 || *fields < HEAD_FIELDS ||
	    mp_uint_max(r, FORMAT, &format) < 0 || format != FORMAT || read_id(r, &o->id) < 0 ||
	    read_name(r, o->name) < 0 || mp_uint_max(r, OUTLOOK_GRADE_MAX, &grade) < 0 ||
	    mp_uint_max(r, INT64_MAX, &o->term) < 0)
		return -ERR_MALFORMED;
	o->grade = (uint8_t)grade;
	o->has_leader = mp_peek(r) != MP_NIL;
	if ((o->has_leader ? read_id(r, &o->leader) : mp_nil(r)) < 0 ||
	    read_ms(r, &o->since_ms) < 0 || mp_bool(r, &o->pinged) < 0)
		return -ERR_MALFORMED;
	return 0;
}

static int
read_all(struct mp *r, struct outlook *o)
{
	uint32_t fields, n;

	if (read_head(r, o, &fields) < 0 || mp_array(r, &n) < 0)
		return -ERR_MALFORMED;
	if (n > OUTLOOK_ROWS_MAX)
		return -ERR_RANGE;
	if ((o->rows = calloc((size_t)n + 1, sizeof *o->rows)) == NULL)
		return -ERR_FULL;
	for (; o->count < n; o->count++)
		if (read_row(r, &o->rows[o->count]) < 0)
			return -ERR_MALFORMED;
	if (skip_rest(r, fields, HEAD_FIELDS) < 0)
		return -ERR_MALFORMED;
	return mp_end(r);
}

int
outlook_read(const uint8_t *buf, size_t len, struct outlook *o)
{
	struct mp r;
	int rc;

	memset(o, 0, sizeof *o);
	if (len > OUTLOOK_BYTES_MAX)
		return -ERR_LONG;
	mp_init(&r, buf, len, DEPTH);
	if ((rc = read_all(&r, o)) < 0)
		outlook_free(o);
	return rc;
}

void
outlook_free(struct outlook *o)
{
	free(o->rows);
	memset(o, 0, sizeof *o);
}
