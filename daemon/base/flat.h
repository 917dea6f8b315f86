/*
 * flat.h - a YAML document as flat, length-prefixed records: what meshd-conf
 * writes and what the supervisor and the engine read instead of YAML.
 *
 *   document   "MFLT" | u32 version = 1 | u32 bytes of what follows | record...
 *   record     u16 path bytes | u8 type | u8 0 | u32 line | u32 col
 *              | u32 value bytes | path | value
 *
 * Integers are little-endian.  path is the keys from the root, joined by '/'
 * ("volumes/\/data" escapes '/', '\' and '!' in a key with '\'); list items
 * are "arguments/0".  Every map and list has a record of its own before its
 * children, so an empty one is seen and order is kept.
 * value: FLAT_INT 8 bytes (i64), FLAT_FLOAT 8 bytes (double), FLAT_BOOL 1
 * byte, FLAT_STR the bytes (no NUL inside), FLAT_MAP and FLAT_LIST u32 count
 * of children, FLAT_NULL nothing.  A YAML tag (`!Readonly x`) becomes a record
 * path + "!" of type FLAT_STR with the tag's name just before the node.
 * meshd-conf has already checked the schema of the kind: durations are
 * FLAT_INT milliseconds, sizes FLAT_INT bytes, '_' in keys is '-'.
 */
#ifndef BASE_FLAT_H
#define BASE_FLAT_H

#include "../../gossip/base.h"

enum { FLAT_BYTES_MAX = 1 << 21, FLAT_PATH_BYTES_MAX = 1024 };

enum flat_type {
	FLAT_NULL,
	FLAT_BOOL,
	FLAT_INT,
	FLAT_FLOAT,
	FLAT_STR,
	FLAT_LIST,
	FLAT_MAP,
};

struct flat {
	const uint8_t *buf; /* borrowed */
	size_t len;
};

struct flat_rec {
	const char *path; /* not NUL-terminated; borrowed */
	size_t path_len;
	enum flat_type type;
	uint32_t line, col;
	int64_t num;	 /* FLAT_INT, FLAT_BOOL, count of FLAT_LIST/FLAT_MAP */
	double real;	 /* FLAT_FLOAT, and FLAT_INT as double */
	const char *str; /* FLAT_STR; not NUL-terminated; borrowed */
	size_t str_len;
};

/* Check a whole document once; everything below trusts a checked one.
 * 0 or -ERR_MALFORMED / -ERR_LONG / -ERR_VERSION. */
MUST_CHECK int flat_open(struct flat *f, const void *buf, size_t len);
/* Walk: start with *off = 0; false at the end. */
bool flat_next(const struct flat *f, size_t *off, struct flat_rec *rec);
/* The record at exactly this path. */
bool flat_find(const struct flat *f, const char *path, struct flat_rec *rec);
/* Copy a string value, NUL-terminated.  False if absent, not a string, has a
 * NUL inside or does not fit: out is then "". */
bool flat_str(const struct flat *f, const char *path, char *out, size_t cap);
bool flat_int(const struct flat *f, const char *path, int64_t *out);
bool flat_bool(const struct flat *f, const char *path, bool *out);
/* Is rec a direct child of the map or list at prefix ("" = the root)?  Tag
 * records are not children.  Its own unescaped key is copied to key (cap >= 1; "" if it does not fit). */
bool flat_child(const struct flat_rec *rec, const char *prefix, char *key,
    size_t cap);

/* Writer: into the caller's buffer; the first failure sticks. */
struct flat_out {
	uint8_t *buf;
	size_t cap, len;
	bool full;
};
void flat_begin(struct flat_out *o, void *buf, size_t cap);
void flat_put(struct flat_out *o, const char *path, enum flat_type type,
    uint32_t line, uint32_t col, const void *value, size_t len);
void flat_put_str(struct flat_out *o, const char *path, const char *value);
void flat_put_int(struct flat_out *o, const char *path, int64_t value);
/* Patch the header.  Bytes of the document, or 0 when it did not fit. */
size_t flat_end(struct flat_out *o);

#endif
