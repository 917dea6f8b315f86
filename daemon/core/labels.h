/*
 * labels.h - what a series is called: pairs of a name and a value, as Prometheus has
 * them.  The metric's own name is the value of LABEL_NAME ("__name__").
 *
 * Labels are bytes of one canonical form, so the same labels are the same bytes, and a
 * set of them is compared, hashed and kept without being taken apart:
 *
 *	+-------+----------+------+-----------+-------+-- ...
 *	| count | name len | name | value len | value |
 *	+-------+----------+------+-----------+-------+-- ...
 *	count and lengths are varints (7 bits a byte, lowest first); names rise as byte
 *	strings and are unique; no value is empty (in PromQL an empty one is none)
 */
#ifndef CORE_LABELS_H
#define CORE_LABELS_H

#include "blob.h"

#define LABEL_NAME "__name__"

enum {
	LABELS_MAX = 32,
	LABEL_NAME_BYTES_MAX = 128,
	LABEL_VALUE_BYTES_MAX = 512,
	LABELS_BYTES_MAX = 4096, /* of a set, packed */
};

/* Borrowed. */
struct label {
	struct slice name, value;
};

/* A set taken apart; the slices point into whatever it was read from. */
struct labels {
	uint32_t count;
	struct label items[LABELS_MAX];
};

/* Add or replace, in the order of names; an empty value takes it out.  -ERR_FULL: LABELS_MAX
 * others are there; -ERR_LONG: name (empty, too) or value. */
MUST_CHECK int labels_set(struct labels *l, struct slice name, struct slice value);
void labels_drop(struct labels *l, struct slice name);
/* Its value, or an empty slice. */
struct slice labels_get(const struct labels *l, struct slice name);
/* Packed into out (LABELS_BYTES_MAX is all a set may take): bytes, or -ERR_LONG. */
MUST_CHECK int labels_pack(const struct labels *l, uint8_t *out, size_t cap);
/* -ERR_MALFORMED, -ERR_FULL, -ERR_LONG: not the canonical form of any set. */
MUST_CHECK int labels_read(struct slice packed, struct labels *out);
/* Of one label in a packed set that labels_read would take; else nothing, or anything of its bytes. */
struct slice labels_find(struct slice packed, struct slice name);

/* [a-zA-Z_:][a-zA-Z0-9_:]*, and the same without ':' (data model of Prometheus). */
bool labels_is_metric(struct slice name);
bool labels_is_label(struct slice name);

static inline struct slice
slice_of(const char *s)
{
	return (struct slice){(const uint8_t *)s, strlen(s)};
}

#endif
