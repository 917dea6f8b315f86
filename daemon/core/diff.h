/*
 * diff.h - what to ask of the supervisor so that what runs becomes what the
 * rendered processes files say.  Unchanged = nothing is asked.
 */
#ifndef CORE_DIFF_H
#define CORE_DIFF_H

#include "../base/proto.h"
#include "blob.h"

/* Wanted: an instance of a rendered processes file. */
struct diff_want {
	char instance[NAME_CAP], role[NAME_CAP], sandbox[NAME_CAP];
	char image[SUP_IMAGE_CAP];
	char config[SUP_PATH_CAP];
	uint32_t policy;   /* enum sup_policy */
	uint32_t address;  /* of IPv4; 0: none */
	struct slice vars; /* borrowed: NAME=VALUE NUL ... as START's memfd */
};

/* There: the last SUP_EV_STATE of an instance. */
struct diff_have {
	char instance[NAME_CAP], role[NAME_CAP], sandbox[NAME_CAP];
	uint32_t state; /* enum sup_state */
	uint32_t policy;
	uint64_t spec_hash;
};

enum diff_op {
	DIFF_STOP,  /* have[i]: no longer wanted, or moved to another sandbox or role */
	DIFF_START, /* want[i]: new or changed (START is idempotent) */
	DIFF_RETRY, /* want[i]: unchanged but FAILED; the caller spaces these */
};

struct diff_action {
	enum diff_op op;
	uint32_t index; /* into have (STOP) or want (START, RETRY) */
};

/* What sup_spec_hash gives once this is asked for. */
uint64_t diff_spec_hash(const struct diff_want *w);
/* Every STOP before every START before every RETRY, each by instance name.
 * *out is malloc'd.  0, -ERR_MALFORMED (an instance wanted twice),
 * -ERR_FULL (no memory). */
MUST_CHECK int diff_make(const struct diff_want *want, size_t want_count,
    const struct diff_have *have, size_t have_count, struct diff_action **out,
    size_t *count);

#endif
