/*
 * api.h - the engine's answers (msgpack, daemon/base/ctl.h) as Prometheus' HTTP API has
 * them (its documentation, "HTTP API", v1): {"status":"success","data":...,"warnings":[]}.
 * -1: the answer is not what its verb says.
 */
#ifndef HTTP_API_H
#define HTTP_API_H

#include "../core/blob.h"
#include "text.h"

/* Of `metrics`: a vector, matrix, scalar or string (asked for at at_ms).  Nodes that are
 * missing are warnings, here and below. */
MUST_CHECK int api_query(struct slice data, int64_t at_ms, struct text *out);
/* Of `series`, `labels`, `label_values`: at most limit of them; that there are more is a warning. */
MUST_CHECK int api_list(struct slice data, uint32_t limit, struct text *out);
/* Of `metadata`: at most limit metrics. */
MUST_CHECK int api_metadata(struct slice data, uint32_t limit, struct text *out);
/* errorType is one of Prometheus' own. */
void api_error(struct text *out, const char *type, const char *why);
/* The value under that key of a msgpack map; empty: there is none, or it is no map. */
struct slice api_field(struct slice map, const char *key);

#endif
