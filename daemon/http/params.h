/*
 * params.h - what a request asks with: names and values of its target and of a form
 * (application/x-www-form-urlencoded), and Prometheus' ways to write a time and a step.
 * Pure but for memory.
 */
#ifndef HTTP_PARAMS_H
#define HTTP_PARAMS_H

#include "../base/err.h"

enum { PARAMS_MAX = 64 };

struct params {
	uint32_t count;
	struct {
		char *name, *value; /* owned, NUL-terminated, no NUL inside */
	} items[PARAMS_MAX];
};

/* Add "a=b&c=d".  -1 and why: bad %XX, a NUL, bytes that are no UTF-8, too many. */
MUST_CHECK int params_read(struct params *p, const char *text, size_t len, struct err *err);
void params_free(struct params *p);
/* The first of that name, or NULL. */
const char *params_get(const struct params *p, const char *name);
/* %XX and '+' (of a form) out of a part; malloc'd, or NULL. */
char *params_decode(const char *text, size_t len, bool form);

/* Unix seconds with a fraction, or RFC 3339; ms.  -1 and "invalid parameter NAME: ...". */
MUST_CHECK int params_time(const char *name, const char *text, int64_t *ms, struct err *err);
/* Seconds with a fraction, or 1h30m (ms s m h d w y); > 0. */
MUST_CHECK int params_duration(const char *name, const char *text, int64_t *ms, struct err *err);
/* `limit`: a whole number; 0, as Prometheus and Grafana have it, is no limit (UINT32_MAX). */
MUST_CHECK int params_limit(const char *text, uint32_t *limit, struct err *err);

#endif
