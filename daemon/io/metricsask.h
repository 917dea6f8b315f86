/*
 * metricsask.h - a question about metrics, to all nodes at once or to one.
 *
 *	asker: parse, split -----> QUERY_METRICS (over.h) to each member that is up
 *	            |                 |  a copy of its engine evaluates its part
 *	            |                 v
 *	            +--- this node's own part, also in a copy
 *	                              |
 *	answers, or the deadline -----> a copy merges them (metricsread.h) -> then
 *
 * An expression that this engine never saw is parsed in a copy first (metricsknown.h).
 *
 * Who did not answer in time, refused, or is failed is named in the answer, with why: a
 * sum that lacks a node says so.  An engine has METRICSASK_OPEN_MAX questions under way,
 * of all who ask; METRICSASK_MAX may ask, others hear that it is busy.
 */
#ifndef IO_METRICSASK_H
#define IO_METRICSASK_H

#include "../base/err.h"
#include "../core/metricscode.h"
#include "stream.h"

struct engine;
struct mesh_member;
struct metricsask;

enum {
	METRICSASK_MAX = 32,
	METRICSASK_OPEN_MAX = 128,
	METRICSASK_MS = 2000,	    /* unless said */
	METRICSASK_MERGE_MS = 3000, /* on top */
	METRICSASK_BYTES_MAX = 32 << 20, /* all answers to one question */
	METRICSASK_OUT_MAX = 15 << 20,   /* fits a frame of base/ctl.h */
};

struct metricsask_conf {
	struct metrics_question q; /* wait_ms: for answers; EVAL: texts are found here */
	struct slice text;	   /* EVAL: the expression */
	const struct mesh_member *only; /* NULL: all */
};
/* code: of the program that exits with it.  why NULL: a map to which one pair is still to be added (metricsread.h), borrowed. */
typedef void metricsask_then(void *arg, int code, const char *why, struct slice answer);
/* All of conf is copied.  then is called once, later.  -1 and why: it is not called. */
MUST_CHECK int metricsask_start(struct engine *e, const struct metricsask_conf *conf,
    metricsask_then *then, void *arg, struct err *err);
/* Somebody asks for this node's part. */
void metricsask_serve(struct engine *e, const uint8_t *payload, size_t len,
    struct stream_answer *answer);

#endif
