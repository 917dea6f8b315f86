/*
 * cantalfile.h - what applications tell through memory: the two files of cantal's client
 * libraries (docs/mmap.rst of cantal; cantal-py, cantal-rs and cantal-go write them).
 *
 *	app.meta                                          app.values
 *	counter 8: {"metric": "requests.number"}          +--------+ u64, only grows
 *	level 8 signed: {"metric": "queue", "of": "a"}    +--------+ i64
 *	level 8 float: {"metric": "load"}                 +--------+ f64
 *	level 8 unsigned: {"metric": "free"}              +--------+ u64
 *	pad 32                                            :        : whatever
 *	state 64: {"state": "http.request"}               +--------+ u64 ms since 1970, 0: idle;
 *	                                                  |        | 56 bytes of text, ends by NUL
 *	                                                  +--------+
 *	each line: TYPE BYTES[ PARAM]: {object of strings}; values in the host's byte order,
 *	one behind the other, nothing between them
 *
 * The meta file is written whole and renamed, the values change in place at any time: 8
 * bytes that lie on a multiple of 8 are not torn, a state's text can be.
 *
 * What it is called: the object's "metric", with '_' for what no name has, and _total at
 * the end for a counter; without one it is cantal_counter_total, cantal_level,
 * cantal_state.  All other keys are labels.  A state makes two series of its name:
 * NAME_state_info{text="GET /"} 1 and NAME_state_since_seconds.
 *
 * Hostile like all that a container writes: one bad line, and the file is refused as a
 * whole, with its place.  Types that nobody knows are counted and skipped.
 */
#ifndef CORE_CANTALFILE_H
#define CORE_CANTALFILE_H

#include "../base/err.h"
#include "labels.h"

enum {
	CANTAL_META_BYTES_MAX = 128 << 10,
	CANTAL_VALUES_BYTES_MAX = 128 << 10,
	CANTAL_FIELDS_MAX = 1000, /* lines, padding too */
	CANTAL_TEXT_BYTES_MAX = 120, /* of a state's text, as a label */
};

enum cantal_kind { CANTAL_COUNTER, CANTAL_SIGNED, CANTAL_FLOAT, CANTAL_UNSIGNED, CANTAL_STATE };

struct cantal_field {
	enum cantal_kind kind;
	uint32_t offset, bytes; /* in the values */
	struct slice labels; /* packed, with LABEL_NAME; a state's is the name without suffix */
};

struct cantal {
	struct cantal_field *fields; /* owned */
	uint32_t count, skipped;
	uint32_t values_bytes; /* that a values file needs at least */
	struct blob names; /* owned: what the labels point to */
};

/* 0, or -1, nothing owned, and "LINE:COLUMN: what is wrong". */
MUST_CHECK int cantal_parse(struct slice meta, struct cantal *out, struct err *err);
void cantal_free(struct cantal *c);

/* values: values_bytes of them.  Of a STATE: since when, seconds, 0: idle. */
double cantal_value(const struct cantal_field *f, const uint8_t *values);
/* Its text, as far as it is UTF-8, at most CANTAL_TEXT_BYTES_MAX.  Borrowed. */
struct slice cantal_text(const struct cantal_field *f, const uint8_t *values);

#endif
