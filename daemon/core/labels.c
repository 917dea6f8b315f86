/*
 * labels.c - see labels.h.
 */
#include "labels.h"

/* As byte strings; a shorter one that the longer begins with is first. */
static int
slice_cmp(struct slice a, struct slice b)
{
	size_t n = a.len < b.len ? a.len : b.len;
	int c = n > 0 ? memcmp(a.b, b.b, n) : 0;

	if (c != 0)
		return c;
	return a.len == b.len ? 0 : a.len < b.len ? -1 : 1;
}

/* Where the name is, or where it would stand. */
static uint32_t
place_of(const struct labels *l, struct slice name, bool *there)
{
	uint32_t i = 0;

	while (i < l->count && slice_cmp(l->items[i].name, name) < 0)
		i++;
	*there = i < l->count && slice_eq(l->items[i].name, name);
	return i;
}

void
labels_drop(struct labels *l, struct slice name)
{
	bool there;
	uint32_t i = place_of(l, name, &there);

	if (!there)
		return;
	l->count--;
	memmove(l->items + i, l->items + i + 1, (l->count - i) * sizeof l->items[0]);
}

int
labels_set(struct labels *l, struct slice name, struct slice value)
{
	bool there;
	uint32_t i = place_of(l, name, &there);

	if (name.len == 0 || name.len > LABEL_NAME_BYTES_MAX || value.len > LABEL_VALUE_BYTES_MAX)
		return -ERR_LONG;
	if (value.len == 0) {
		labels_drop(l, name);
		return 0;
	}
	if (!there) {
		if (l->count == LABELS_MAX)
			return -ERR_FULL;
		memmove(l->items + i + 1, l->items + i, (l->count - i) * sizeof l->items[0]);
		l->count++;
		l->items[i].name = name;
	}
	l->items[i].value = value;
	return 0;
}

struct slice
labels_get(const struct labels *l, struct slice name)
{
	bool there;
	uint32_t i = place_of(l, name, &there);

	return there ? l->items[i].value : (struct slice){0};
}

/* --- packed ------------------------------------------------------------------------ */

/* Lengths are 512 at most: two bytes. */
static size_t
len_bytes(size_t n)
{
	return n < 0x80 ? 1 : 2;
}

static uint8_t *
put_text(uint8_t *at, struct slice text)
{
	if (text.len < 0x80) {
		*at++ = (uint8_t)text.len;
	} else {
		*at++ = (uint8_t)(text.len & 0x7f) | 0x80;
		*at++ = (uint8_t)(text.len >> 7);
	}
	memcpy(at, text.b, text.len);
	return at + text.len;
}

int
labels_pack(const struct labels *l, uint8_t *out, size_t cap)
{
	size_t need = 1;
	uint8_t *at = out;

	for (uint32_t i = 0; i < l->count; i++) {
		const struct label *p = &l->items[i];

		need += len_bytes(p->name.len) + p->name.len + len_bytes(p->value.len) + p->value.len;
	}
	if (need > cap || need > LABELS_BYTES_MAX)
		return -ERR_LONG;
	*at++ = (uint8_t)l->count;
	for (uint32_t i = 0; i < l->count; i++) {
		at = put_text(at, l->items[i].name);
		at = put_text(at, l->items[i].value);
	}
	return (int)(at - out);
}

/* A length in its shortest form, and as many bytes. */
static int
take_text(const uint8_t **at, const uint8_t *end, size_t max, struct slice *out)
{
	size_t n;

	if (*at == end)
		return -ERR_MALFORMED;
	n = *(*at)++;
	if (n >= 0x80) {
		if (*at == end || **at == 0)
			return -ERR_MALFORMED;
		if (**at >= 0x80)
			return -ERR_LONG;
		n = (n & 0x7f) | (size_t)*(*at)++ << 7;
	}
	if (n == 0 || n > (size_t)(end - *at))
		return -ERR_MALFORMED;
	if (n > max)
		return -ERR_LONG;
	*out = (struct slice){*at, n};
	*at += n;
	return 0;
}

int
labels_read(struct slice packed, struct labels *out)
{
	const uint8_t *at = packed.b, *end = slice_end(packed);
	uint32_t count;

	out->count = 0;
	if (packed.len == 0)
		return -ERR_MALFORMED;
	if (packed.len > LABELS_BYTES_MAX)
		return -ERR_LONG;
	count = *at++;
	if (count > LABELS_MAX)
		return count >= 0x80 ? -ERR_MALFORMED : -ERR_FULL;
	for (uint32_t i = 0; i < count; i++) {
		struct label *p = &out->items[i];
		int rc = take_text(&at, end, LABEL_NAME_BYTES_MAX, &p->name);

		if (rc == 0)
			rc = take_text(&at, end, LABEL_VALUE_BYTES_MAX, &p->value);
		if (rc == 0 && i > 0 && slice_cmp(p[-1].name, p->name) >= 0)
			rc = -ERR_MALFORMED;
		if (rc < 0) {
			out->count = 0;
			return rc;
		}
		out->count = i + 1;
	}
	if (at != end) {
		out->count = 0;
		return -ERR_MALFORMED;
	}
	return 0;
}

struct slice
labels_find(struct slice packed, struct slice name)
{
	const uint8_t *at = packed.b, *end = slice_end(packed);
	uint32_t count = packed.len > 0 ? *at++ : 0;
	struct slice n, v;

	for (uint32_t i = 0; i < count; i++) {
		if (take_text(&at, end, LABEL_NAME_BYTES_MAX, &n) < 0 ||
		    take_text(&at, end, LABEL_VALUE_BYTES_MAX, &v) < 0)
			break;
		if (slice_eq(n, name))
			return v;
	}
	return (struct slice){0};
}

/* --- names --------------------------------------------------------------------------- */

static bool
is_name(struct slice name, bool colon)
{
	for (size_t i = 0; i < name.len; i++) {
		uint8_t c = name.b[i];
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';

		if (!letter && !(i > 0 && c >= '0' && c <= '9') && !(colon && c == ':'))
			return false;
	}
	return name.len > 0;
}

bool
labels_is_metric(struct slice name)
{
	return is_name(name, true);
}

bool
labels_is_label(struct slice name)
{
	return is_name(name, false);
}
