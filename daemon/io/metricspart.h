/*
 * metricspart.h - this node's part of an answer about metrics, made in a copy of the
 * engine: for others (QUERY_METRICS), and for whoever asks here.
 */
#ifndef IO_METRICSPART_H
#define IO_METRICSPART_H

#include "../core/blob.h"
#include "stream.h"

struct engine;

/* question: bytes of core/metricscode.h, copied.  done: as of stream_request, once and
 * later, with an answer also when that says why there is none.  -ERR_FULL: busy, or no
 * memory; -ERR_MALFORMED, -ERR_RANGE: no question: then it will not be called. */
MUST_CHECK int metricspart_start(struct engine *e, struct slice question, stream_done *done, void *arg);

/* At once, in the engine itself, if copies answered it before: 1 and the answer, the caller's; 0: it is not small enough
 * for that, so start it; -ERR_MALFORMED, -ERR_RANGE. */
MUST_CHECK int metricspart_now(struct engine *e, struct slice question, struct blob *answer);

#endif
