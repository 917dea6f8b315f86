/*
 * actdone.c - see actdone.h.
 */
#include "actdone.h"

#include <stdio.h>
#include <stdlib.h>

#include "pack.h"
#include "walk.h"

enum { REPLIES_BYTES_MAX = 400 << 10 };

static size_t
lower_bound(const struct actdone *d, const char *id)
{
	size_t lo = 0, hi = d->count;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (strcmp(d->rows[mid].id, id) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

const struct actdone_row *
actdone_find(const struct actdone *d, const char *id)
{
	size_t i = lower_bound(d, id);

	return i < d->count && strcmp(d->rows[i].id, id) == 0 ? &d->rows[i] : NULL;
}

const struct actdone_row *
actdone_of(const struct actdone *d, const struct node_id *by, uint64_t number)
{
	for (size_t i = 0; i < d->count; i++)
		if (d->rows[i].number == number && id_eq(&d->rows[i].by, by))
			return &d->rows[i];
	return NULL;
}

int
actdone_add(struct actdone *d, const struct actdone_row *row)
{
	size_t i = lower_bound(d, row->id);
	struct actdone_row *rows;

	if (i < d->count && strcmp(d->rows[i].id, row->id) == 0)
		return 0;
	if ((rows = realloc(d->rows, (d->count + 1) * sizeof *rows)) == NULL)
		return -ERR_FULL;
	d->rows = rows;
	memmove(&rows[i + 1], &rows[i], (d->count - i) * sizeof *rows);
	rows[i] = *row;
	d->count++;
	return 0;
}

void
actdone_drop(struct actdone *d, size_t i)
{
	d->count--;
	memmove(&d->rows[i], &d->rows[i + 1], (d->count - i) * sizeof *d->rows);
}

size_t
actdone_count_of(const struct actdone *d, const struct node_id *by)
{
	size_t n = 0;

	for (size_t i = 0; i < d->count; i++)
		n += id_eq(&d->rows[i].by, by);
	return n;
}

void
actdone_free(struct actdone *d)
{
	free(d->rows);
	memset(d, 0, sizeof *d);
}

/* --- bytes ------------------------------------------------------------------------------ */

static void
id_hex(const struct node_id *id, char out[2 * ID_BYTES + 1])
{
	for (size_t i = 0; i < ID_BYTES; i++)
		snprintf(out + 2 * i, 3, "%02x", id->b[i]);
}

static int
hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool
hex_id(const char *s, size_t len, struct node_id *out)
{
	if (len != 2 * (size_t)ID_BYTES)
		return false;
	for (size_t i = 0; i < ID_BYTES; i++) {
		int hi = hex_digit(s[2 * i]), lo = hex_digit(s[2 * i + 1]);

		if (hi < 0 || lo < 0)
			return false;
		out->b[i] = (uint8_t)(hi << 4 | lo);
	}
	return true;
}

static bool
key_is(const char *key, size_t len, const char *is)
{
	return len == strlen(is) && memcmp(key, is, len) == 0;
}

/* One value; false: none of ours. */
static bool
read_row(struct mp *r, struct actdone_row *row)
{
	uint32_t count;
	int seen = 0;

	if (mp_peek(r) != MP_MAP || mp_map(r, &count) < 0)
		return false;
	for (uint32_t i = 0; i < count; i++) {
		const char *key, *s;
		size_t len, n;

		if (mp_peek(r) != MP_STR || mp_str(r, &key, &len) < 0)
			return false;
		if (key_is(key, len, "at") && mp_uint_max(r, INT64_MAX, &row->at_ms) == 0)
			seen |= 1;
		else if (key_is(key, len, "by") && mp_peek(r) == MP_STR && mp_str(r, &s, &n) == 0 &&
		    hex_id(s, n, &row->by))
			seen |= 2;
		else if (key_is(key, len, "ok") && mp_bool(r, &row->ok) == 0)
			seen |= 4;
		else if (key_is(key, len, "text") && mp_peek(r) == MP_STR && mp_str(r, &s, &n) == 0) {
			action_text(row->text, s, n);
			seen |= 8;
		} else {
			return false;
		}
	}
	return seen == 15;
}

int
actdone_read(struct actdone *d, struct slice replies)
{
	uint32_t count;
	struct mp r;

	mp_init(&r, replies.b, replies.len, WALK_DEPTH_MAX);
	if (replies.len == 0 || mp_peek(&r) != MP_MAP || mp_map(&r, &count) < 0)
		return 0;
	for (uint32_t i = 0; i < count; i++) {
		struct actdone_row row = {.number = 0};
		char node[NAME_CAP];
		const char *key;
		struct mp value;
		size_t len;

		if (mp_peek(&r) != MP_STR || mp_str(&r, &key, &len) < 0)
			return 0;
		value = r;
		if (mp_skip(&r) < 0)
			return 0;
		if (len >= sizeof row.id || memchr(key, 0, len) != NULL)
			continue;
		memcpy(row.id, key, len);
		if (!action_id_parse(row.id, node, &row.number) || !read_row(&value, &row))
			continue;
		if (d->count < ACTDONE_READ_MAX && actdone_add(d, &row) < 0)
			return -ERR_FULL;
	}
	return 0;
}

int
actdone_pack(const struct actdone *d, struct blob *out)
{
	char by[2 * ID_BYTES + 1];
	struct pack p;

	*out = (struct blob){0};
	if (d->count == 0)
		return 0;
	pack_begin(&p, REPLIES_BYTES_MAX);
	pack_map(&p, d->count);
	for (size_t i = 0; i < d->count; i++) {
		const struct actdone_row *row = &d->rows[i];

		id_hex(&row->by, by);
		pack_str(&p, row->id);
		pack_map(&p, 4);
		pack_str(&p, "at");
		pack_u64(&p, row->at_ms);
		pack_str(&p, "by");
		pack_str(&p, by);
		pack_str(&p, "ok");
		pack_bool(&p, row->ok);
		pack_str(&p, "text");
		pack_str(&p, row->text);
	}
	return pack_end(&p, out);
}

/* --- the script's word ------------------------------------------------------------------- */

static void
take_reply(struct mp *r, bool *ok, char text[ACTION_TEXT_CAP])
{
	const char *key, *s;
	size_t len, n;
	uint32_t count;

	if (mp_peek(r) == MP_STR && mp_str(r, &s, &n) == 0) {
		action_text(text, s, n);
		return;
	}
	if (mp_map(r, &count) < 0)
		return;
	for (uint32_t i = 0; i < count && mp_str(r, &key, &len) == 0; i++) {
		if (key_is(key, len, "ok") && mp_peek(r) == MP_BOOL && mp_bool(r, ok) == 0)
			continue;
		if (key_is(key, len, "text") && mp_peek(r) == MP_STR && mp_str(r, &s, &n) == 0) {
			action_text(text, s, n);
			continue;
		}
		if (mp_skip(r) < 0)
			return;
	}
}

/* The reply to that action; false: there is none. */
static bool
find_reply(struct slice replies, const char *id, struct mp *out)
{
	uint32_t count;
	struct mp r;

	mp_init(&r, replies.b, replies.len, WALK_DEPTH_MAX);
	if (replies.len == 0 || mp_peek(&r) != MP_MAP || mp_map(&r, &count) < 0)
		return false;
	for (uint32_t i = 0; i < count; i++) {
		const char *key;
		size_t len;

		if (mp_str(&r, &key, &len) < 0)
			return false;
		*out = r;
		if (key_is(key, len, id))
			return true;
		if (mp_skip(&r) < 0)
			return false;
	}
	return false;
}

void
actdone_reply(struct slice replies, const char *id, bool *ok, char text[ACTION_TEXT_CAP])
{
	static const char silent[] = "taken; the script gave no answer";
	struct mp value;

	*ok = true;
	memcpy(text, silent, sizeof silent);
	if (find_reply(replies, id, &value))
		take_reply(&value, ok, text);
}

static size_t
take_roles(struct mp *r, char out[ACTDONE_ROLES_MAX][NAME_CAP])
{
	uint32_t count;
	size_t n = 0;

	if (mp_peek(r) != MP_ARRAY || mp_array(r, &count) < 0)
		return 0;
	while (n < count && n < ACTDONE_ROLES_MAX && walk_name(r, out[n], false) == 0)
		n++;
	return n;
}

size_t
actdone_roles(struct slice replies, const char *id, char out[ACTDONE_ROLES_MAX][NAME_CAP])
{
	const char *key;
	uint32_t count;
	struct mp r;
	size_t len;

	if (!find_reply(replies, id, &r) || mp_peek(&r) != MP_MAP || mp_map(&r, &count) < 0)
		return 0;
	for (uint32_t i = 0; i < count && mp_str(&r, &key, &len) == 0; i++) {
		if (key_is(key, len, "roles"))
			return take_roles(&r, out);
		if (mp_skip(&r) < 0)
			return 0;
	}
	return 0;
}
