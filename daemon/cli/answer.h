/*
 * answer.h - requests to msgpack, answers from msgpack to JSON values.
 */
#ifndef CLI_ANSWER_H
#define CLI_ANSWER_H

#include <jansson.h>

#include "args.h"

enum {
	/* JSON values in one answer; a 16 MiB frame of empty maps would
	 * otherwise be gigabytes. */
	ANSWER_VALUES_MAX = 1 << 20,
	ANSWER_REQUEST_CAP = 24 << 10, /* --lost, and a signature for each: 12 KiB */
};

struct answer {
	bool ok, more;
	json_t *data;	    /* owned; never NULL when ok */
	int code;	    /* exit code, when not ok; 1-125 */
	char *error, *hint; /* owned, cleaned; error may have several lines
			     * (an excerpt); NULL when ok */
};

/* Pack the request of a->verb; cap >= ANSWER_REQUEST_CAP.  Its bytes. */
size_t answer_request(uint8_t *out, size_t cap, const struct args *a);

/*
 * msgpack bytes (hostile) to one JSON value: depth <= CTL_DEPTH_MAX, at most
 * ANSWER_VALUES_MAX values, nothing after it.  Strings that are not UTF-8 are
 * escaped, bin is hex, NaN, +Inf and -Inf are strings, integer keys become strings.  A new
 * reference, or NULL: *at is then the byte it stopped at.
 */
json_t *answer_json(const uint8_t *buf, size_t len, size_t *at);

/* 0, or -1 with *err: the frame is no answer of the protocol. */
MUST_CHECK int answer_open(struct answer *a, const uint8_t *buf, size_t len, struct err *err);
void answer_free(struct answer *a);

#endif
