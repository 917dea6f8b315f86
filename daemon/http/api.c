/*
 * api.c - see api.h.  Written as it is read: a long answer is never a tree.
 */
#include "api.h"

#include <stdio.h>

#include "../../gossip/mp.h"
#include "../base/ctl.h"

struct slice
api_field(struct slice map, const char *key)
{
	const char *k;
	size_t len;
	uint32_t n;
	struct mp mp;

	mp_init(&mp, map.b, map.len, CTL_DEPTH_MAX);
	if (map.len == 0 || mp_map(&mp, &n) < 0)
		return (struct slice){0};
	while (n-- > 0) {
		bool is;
		size_t from;

		if (mp_str(&mp, &k, &len) < 0)
			break;
		is = len == strlen(key) && memcmp(k, key, len) == 0;
		from = mp.off;
		if (mp_skip(&mp) < 0)
			break;
		if (is)
			return (struct slice){map.b + from, mp.off - from};
	}
	return (struct slice){0};
}

/* Anything that is not a sample: labels, names, lists of them. */
static int
put_any(struct mp *mp, struct text *out)
{
	enum mp_type type = mp_peek(mp);
	const char *s;
	size_t len;
	uint32_t n;

	if (type == MP_STR) {
		if (mp_str(mp, &s, &len) < 0)
			return -1;
		text_json(out, s, len);
		return 0;
	}
	if (type != MP_ARRAY && type != MP_MAP)
		return -1;
	if ((type == MP_MAP ? mp_map(mp, &n) : mp_array(mp, &n)) < 0)
		return -1;
	text_puts(out, type == MP_MAP ? "{" : "[");
	for (uint32_t i = 0; i < n; i++) {
		if (i > 0)
			text_puts(out, ",");
		if (type == MP_MAP) {
			if (mp_str(mp, &s, &len) < 0)
				return -1;
			text_json(out, s, len);
			text_puts(out, ":");
		}
		if (put_any(mp, out) < 0)
			return -1;
	}
	text_puts(out, type == MP_MAP ? "}" : "]");
	return 0;
}

static int
put_slice(struct slice v, struct text *out)
{
	struct mp mp;

	mp_init(&mp, v.b, v.len, CTL_DEPTH_MAX);
	return put_any(&mp, out);
}

static int
put_point(struct mp *mp, struct text *out)
{
	uint32_t n;
	int64_t ms;
	double v;

	if (mp_array(mp, &n) < 0 || n != 2 || mp_int(mp, &ms) < 0 || mp_double(mp, &v) < 0)
		return -1;
	text_puts(out, "[");
	text_time(out, ms);
	text_puts(out, ",");
	text_value(out, v);
	text_puts(out, "]");
	return 0;
}

/* The next value of a list, whole. */
static int
next(struct mp *mp, struct slice list, struct slice *one)
{
	size_t from = mp->off;

	if (mp_skip(mp) < 0)
		return -1;
	*one = (struct slice){list.b + from, mp->off - from};
	return 0;
}

/* one: the value of an instant query. */
static int
put_points(struct slice points, bool one, struct text *out)
{
	struct mp mp;
	uint32_t n;

	mp_init(&mp, points.b, points.len, CTL_DEPTH_MAX);
	if (points.len == 0 || mp_array(&mp, &n) < 0 || (one && n != 1))
		return -1;
	if (!one)
		text_puts(out, "[");
	for (uint32_t i = 0; i < n; i++) {
		if (i > 0)
			text_puts(out, ",");
		if (put_point(&mp, out) < 0)
			return -1;
	}
	if (!one)
		text_puts(out, "]");
	return 0;
}

static int
put_series(struct slice list, bool vector, struct text *out)
{
	struct mp mp;
	uint32_t n;

	mp_init(&mp, list.b, list.len, CTL_DEPTH_MAX);
	if (list.len == 0 || mp_array(&mp, &n) < 0)
		return -1;
	text_puts(out, "[");
	for (uint32_t i = 0; i < n; i++) {
		struct slice one;

		if (next(&mp, list, &one) < 0)
			return -1;
		text_puts(out, i > 0 ? ",{\"metric\":" : "{\"metric\":");
		if (put_slice(api_field(one, "labels"), out) < 0)
			return -1;
		text_puts(out, vector ? ",\"value\":" : ",\"values\":");
		if (put_points(api_field(one, "points"), vector, out) < 0)
			return -1;
		text_puts(out, "}");
	}
	text_puts(out, "]");
	return 0;
}

/* A scalar is the one point of a series without labels. */
static int
put_scalar(struct slice list, struct text *out)
{
	struct mp mp;
	uint32_t n;
	size_t from;

	mp_init(&mp, list.b, list.len, CTL_DEPTH_MAX);
	if (list.len == 0 || mp_array(&mp, &n) < 0 || n != 1)
		return -1;
	from = mp.off;
	if (mp_skip(&mp) < 0)
		return -1;
	return put_points(api_field((struct slice){list.b + from, mp.off - from}, "points"), true, out);
}

static int
put_warnings(struct slice missing, bool cut, struct text *out)
{
	struct mp mp;
	uint32_t n = 0;

	mp_init(&mp, missing.b, missing.len, CTL_DEPTH_MAX);
	if (missing.len == 0 || mp_array(&mp, &n) < 0)
		n = 0;
	if (n == 0 && !cut)
		return 0;
	text_puts(out, ",\"warnings\":[");
	if (cut) /* Prometheus' own words */
		text_puts(out, n > 0 ? "\"results truncated due to limit\"," : "\"results truncated due to limit\"");
	for (uint32_t i = 0; i < n; i++) {
		size_t from = mp.off, node_len, why_len;
		struct slice one, v[2];
		const char *node, *why;
		struct mp s;
		char line[256];

		if (mp_skip(&mp) < 0)
			return -1;
		one = (struct slice){missing.b + from, mp.off - from};
		v[0] = api_field(one, "node");
		v[1] = api_field(one, "why");
		mp_init(&s, v[0].b, v[0].len, 0);
		if (mp_str(&s, &node, &node_len) < 0)
			return -1;
		mp_init(&s, v[1].b, v[1].len, 0);
		if (mp_str(&s, &why, &why_len) < 0)
			return -1;
		int k = snprintf(line, sizeof line, "%.*s is missing: %.*s", (int)(node_len < 64 ? node_len : 64), node,
		    (int)(why_len < 160 ? why_len : 160), why);

		text_puts(out, i > 0 ? "," : "");
		text_json(out, line, (size_t)k);
	}
	text_puts(out, "]");
	return 0;
}

int
api_query(struct slice data, int64_t at_ms, struct text *out)
{
	struct slice kind = api_field(data, "kind"), list = api_field(data, "series");
	const char *word;
	size_t len;
	struct mp mp;
	int rc;

	mp_init(&mp, kind.b, kind.len, 0);
	if (kind.len == 0 || mp_str(&mp, &word, &len) < 0)
		return -1;
	text_puts(out, "{\"status\":\"success\",\"data\":{\"resultType\":");
	text_json(out, word, len);
	text_puts(out, ",\"result\":");
	if (len == 6 && memcmp(word, "scalar", 6) == 0)
		rc = put_scalar(list, out);
	else if (len == 6 && memcmp(word, "vector", 6) == 0)
		rc = put_series(list, true, out);
	else if (len == 6 && memcmp(word, "matrix", 6) == 0)
		rc = put_series(list, false, out);
	else if (len == 6 && memcmp(word, "string", 6) == 0) {
		text_puts(out, "[");
		text_time(out, at_ms);
		text_puts(out, ",");
		rc = put_slice(api_field(data, "text"), out);
		text_puts(out, "]");
	} else
		rc = -1;
	if (rc < 0)
		return -1;
	text_puts(out, "}");
	if (put_warnings(api_field(data, "missing"), false, out) < 0)
		return -1;
	text_puts(out, "}");
	return 0;
}

/* At most limit of what `data` lists, each by put_one, between these brackets. */
static int
put_list(struct slice data, uint32_t limit, bool tells_cut, const char *const brackets[2],
    int (*put_one)(struct mp *mp, struct slice list, struct text *out), struct text *out)
{
	struct slice list = api_field(data, "data");
	struct mp mp;
	uint32_t n;

	mp_init(&mp, list.b, list.len, CTL_DEPTH_MAX);
	if (list.len == 0 || mp_array(&mp, &n) < 0)
		return -1;
	text_puts(out, "{\"status\":\"success\",\"data\":");
	text_puts(out, brackets[0]);
	for (uint32_t i = 0; i < n && i < limit; i++) {
		text_puts(out, i > 0 ? "," : "");
		if (put_one(&mp, list, out) < 0)
			return -1;
	}
	text_puts(out, brackets[1]);
	if (put_warnings(api_field(data, "missing"), tells_cut && n > limit, out) < 0)
		return -1;
	text_puts(out, "}");
	return 0;
}

static int
put_listed(struct mp *mp, struct slice list, struct text *out)
{
	(void)list;
	return put_any(mp, out);
}

int
api_list(struct slice data, uint32_t limit, struct text *out)
{
	return put_list(data, limit, true, (const char *const[]){"[", "]"}, put_listed, out);
}

/* {metric, type, help} -> metric: [{type, help, unit}] */
static int
put_metadata(struct mp *mp, struct slice list, struct text *out)
{
	struct slice one;

	if (next(mp, list, &one) < 0 || put_slice(api_field(one, "metric"), out) < 0)
		return -1;
	text_puts(out, ":[{\"type\":");
	if (put_slice(api_field(one, "type"), out) < 0)
		return -1;
	text_puts(out, ",\"help\":");
	if (put_slice(api_field(one, "help"), out) < 0)
		return -1;
	text_puts(out, ",\"unit\":\"\"}]");
	return 0;
}

int
api_metadata(struct slice data, uint32_t limit, struct text *out)
{
	return put_list(data, limit, false, (const char *const[]){"{", "}"}, put_metadata, out);
}

void
api_error(struct text *out, const char *type, const char *why)
{
	text_puts(out, "{\"status\":\"error\",\"errorType\":");
	text_json(out, type, strlen(type));
	text_puts(out, ",\"error\":");
	text_json(out, why, strlen(why));
	text_puts(out, "}\n");
}
