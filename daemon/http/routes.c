/*
 * routes.c - see routes.h.
 */
#include "routes.h"

#include <stdlib.h>
#include <strings.h>

enum { SELECTORS_MAX = 16, WAIT_LEAST_MS = 100 };

static void
begin(struct mpw *w, const char *verb, uint32_t args)
{
	mpw_map(w, 2);
	mpw_cstr(w, "verb");
	mpw_cstr(w, verb);
	mpw_cstr(w, "args");
	mpw_map(w, args);
}

static void
put_ms(struct mpw *w, const char *key, int64_t ms)
{
	mpw_cstr(w, key);
	mpw_int(w, ms);
}

/* Optional ones: *given says whether it stands there. */
static int
time_of(const struct params *p, const char *name, int64_t *ms, bool *given, struct err *err)
{
	const char *text = params_get(p, name);

	*given = text != NULL && text[0] != '\0';
	return *given ? params_time(name, text, ms, err) : 0;
}

static int
wait_of(const struct params *p, int64_t *ms, bool *given, struct err *err)
{
	const char *text = params_get(p, "timeout");

	*given = text != NULL && text[0] != '\0';
	if (!*given)
		return 0;
	if (params_duration("timeout", text, ms, err) < 0)
		return -1;
	if (*ms > ROUTE_WAIT_MS)
		*ms = ROUTE_WAIT_MS;
	if (*ms < WAIT_LEAST_MS)
		*ms = WAIT_LEAST_MS;
	return 0;
}

static int
expr_of(const struct params *p, const char **expr, struct err *err)
{
	*expr = params_get(p, "query");
	if (*expr == NULL || (*expr)[0] == '\0')
		return err_set(err, 1, "invalid parameter \"query\": an expression is needed");
	return 0;
}

static int
ask_query(const struct params *p, const char *name, struct mpw *w, struct err *err)
{
	int64_t at = 0, wait = 0;
	bool timed, waits;
	const char *expr;

	(void)name;
	if (expr_of(p, &expr, err) < 0 || time_of(p, "time", &at, &timed, err) < 0 ||
	    wait_of(p, &wait, &waits, err) < 0)
		return -1;
	begin(w, "metrics", 1u + (timed ? 2 : 0) + waits);
	mpw_cstr(w, "expr");
	mpw_cstr(w, expr);
	if (timed) {
		put_ms(w, "start_ms", at);
		put_ms(w, "end_ms", at);
	}
	if (waits)
		put_ms(w, "timeout_ms", wait);
	return 0;
}

static int
ask_range(const struct params *p, const char *name, struct mpw *w, struct err *err)
{
	const char *expr, *step = params_get(p, "step");
	int64_t start, end, step_ms, wait = 0;
	bool has_start, has_end, waits;

	(void)name;
	if (expr_of(p, &expr, err) < 0 || time_of(p, "start", &start, &has_start, err) < 0 ||
	    time_of(p, "end", &end, &has_end, err) < 0 || wait_of(p, &wait, &waits, err) < 0)
		return -1;
	if (!has_start || !has_end || step == NULL)
		return err_set(err, 1, "invalid parameter \"%s\": it is needed", !has_start ? "start" :
			!has_end						       ? "end" :
												 "step");
	if (params_duration("step", step, &step_ms, err) < 0)
		return -1;
	if (end < start)
		return err_set(err, 1,
		    "invalid parameter \"end\": end timestamp must not be before start time");
	if ((end - start) / step_ms > 11000)
		return err_set(err, 1,
		    "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)");
	begin(w, "metrics", 4u + waits);
	mpw_cstr(w, "expr");
	mpw_cstr(w, expr);
	put_ms(w, "start_ms", start);
	put_ms(w, "end_ms", end);
	put_ms(w, "step_ms", step_ms);
	if (waits)
		put_ms(w, "timeout_ms", wait);
	return 0;
}

static int
matchers(const struct params *p, const char *verb, const char *name, bool needed, struct mpw *w, struct err *err)
{
	const char *match[SELECTORS_MAX], *limit = params_get(p, "limit");
	int64_t start = 0, end = 0;
	uint32_t most;
	bool has_start, has_end;
	uint32_t n = 0;

	for (uint32_t i = 0; i < p->count; i++)
		if (strcmp(p->items[i].name, "match[]") == 0) {
			if (n == SELECTORS_MAX)
				return err_set(err, 1, "invalid parameter \"match[]\": more than %d", SELECTORS_MAX);
			match[n++] = p->items[i].value;
		}
	if (n == 0 && needed)
		return err_set(err, 1, "no match[] parameter provided");
	if (time_of(p, "start", &start, &has_start, err) < 0 || time_of(p, "end", &end, &has_end, err) < 0 ||
	    (limit != NULL && params_limit(limit, &most, err) < 0))
		return -1;
	begin(w, verb, (uint32_t)(n > 0) + (name != NULL) + has_start + has_end);
	if (n > 0) {
		mpw_cstr(w, "match");
		mpw_array(w, n);
		for (uint32_t i = 0; i < n; i++)
			mpw_cstr(w, match[i]);
	}
	if (name != NULL) {
		mpw_cstr(w, "name");
		mpw_cstr(w, name);
	}
	if (has_start)
		put_ms(w, "start_ms", start);
	if (has_end)
		put_ms(w, "end_ms", end);
	return 0;
}

static int
ask_series(const struct params *p, const char *name, struct mpw *w, struct err *err)
{
	(void)name;
	return matchers(p, "series", NULL, true, w, err);
}

static int
ask_labels(const struct params *p, const char *name, struct mpw *w, struct err *err)
{
	(void)name;
	return matchers(p, "labels", NULL, false, w, err);
}

static int
ask_values(const struct params *p, const char *name, struct mpw *w, struct err *err)
{
	return matchers(p, "label_values", name, false, w, err);
}

static int
ask_metadata(const struct params *p, const char *name, struct mpw *w, struct err *err)
{
	const char *metric = params_get(p, "metric"), *limit = params_get(p, "limit");
	uint32_t n = 0;

	(void)name;
	if (limit != NULL && params_limit(limit, &n, err) < 0)
		return -1;
	begin(w, "metadata", metric != NULL);
	if (metric != NULL) {
		mpw_cstr(w, "metric");
		mpw_cstr(w, metric);
	}
	return 0;
}

static int
ask_version(const struct params *p, const char *name, struct mpw *w, struct err *err)
{
	(void)p;
	(void)name;
	(void)err;
	begin(w, "version", 0);
	return 0;
}

static int
ask_status(const struct params *p, const char *name, struct mpw *w, struct err *err)
{
	(void)p;
	(void)name;
	(void)err;
	begin(w, "status", 0);
	return 0;
}

void
route_metrics(struct mpw *w, bool openmetrics)
{
	begin(w, "exposition", 1);
	mpw_cstr(w, "openmetrics");
	mpw_bool(w, openmetrics);
}

#define READS "GET, HEAD"
#define FORMS "GET, HEAD, POST"

/* Which Prometheus' language and answers these are: by it Grafana decides what to ask for. */
#define BUILD "{\"version\":\"2.42.0\",\"revision\":\"\",\"branch\":\"mesh\",\"buildUser\":\"\",\"buildDate\":\"\",\"goVersion\":\"\"}"
#define FIXED(data) "{\"status\":\"success\",\"data\":" data "}"

static const struct route routes[] = {
    {"/api/v1/query", FORMS, ANSWER_QUERY, ask_query, NULL},
    {"/api/v1/query_range", FORMS, ANSWER_QUERY, ask_range, NULL},
    {"/api/v1/series", FORMS, ANSWER_LIST, ask_series, NULL},
    {"/api/v1/labels", FORMS, ANSWER_LIST, ask_labels, NULL},
    {"/api/v1/label/*/values", READS, ANSWER_LIST, ask_values, NULL},
    {"/api/v1/metadata", READS, ANSWER_METADATA, ask_metadata, NULL},
    {"/api/v1/status/buildinfo", READS, ANSWER_LIST, NULL, FIXED(BUILD)},
    {"/api/v1/rules", READS, ANSWER_LIST, NULL, FIXED("{\"groups\":[]}")},
    {"/api/v1/alerts", READS, ANSWER_LIST, NULL, FIXED("{\"alerts\":[]}")},
    {"/metrics", READS, ANSWER_TEXT, NULL, NULL},
    {"/-/healthy", READS, ANSWER_HEALTHY, ask_version, NULL},
    {"/-/ready", READS, ANSWER_READY, ask_status, NULL},
};

const struct route *
route_find(const char *path, size_t len, char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(routes); i++) {
		const char *want = routes[i].path, *star = strchr(want, '*');
		size_t head = star != NULL ? (size_t)(star - want) : strlen(want);
		size_t tail = star != NULL ? strlen(star + 1) : 0;
		char *text;

		if (len < head + tail || memcmp(path, want, head) != 0 || (star == NULL && len != head))
			continue;
		name[0] = '\0';
		if (star == NULL)
			return &routes[i];
		if (memcmp(path + len - tail, star + 1, tail) != 0 || len == head + tail)
			continue;
		text = params_decode(path + head, len - head - tail, false);
		if (text == NULL || strlen(text) >= ROUTE_NAME_CAP || strchr(text, '/') != NULL) {
			free(text);
			continue;
		}
		memcpy(name, text, strlen(text) + 1);
		free(text);
		return &routes[i];
	}
	return NULL;
}

bool
route_allows(const struct route *r, const char *method)
{
	size_t n = strlen(method);

	for (const char *at = strstr(r->allow, method); at != NULL; at = strstr(at + 1, method))
		if ((at == r->allow || at[-1] == ' ') && (at[n] == ',' || at[n] == '\0'))
			return true;
	return false;
}

bool
route_posts(const struct route *r)
{
	return route_allows(r, "POST");
}

/* The first of the two that stands there with q above 0; Prometheus names the one it
 * likes best first. */
bool
route_openmetrics(const char *accept)
{
	static const char word[] = "application/openmetrics-text";

	for (const char *at = accept; at != NULL && *at != '\0';) {
		size_t n = strcspn(at, ",");

		while (n > 0 && (*at == ' ' || *at == '\t')) {
			at++;
			n--;
		}
		if (n >= sizeof word - 1 && strncasecmp(at, word, sizeof word - 1) == 0) {
			const char *q = memmem(at, n, ";q=0", 4);

			return q == NULL || (q + 4 < at + n && strpbrk(q + 4, "123456789") != NULL &&
						strpbrk(q + 4, "123456789") < at + n);
		}
		if (n >= 10 && strncasecmp(at, "text/plain", 10) == 0)
			return false;
		at += n;
		at += *at == ',';
	}
	return false;
}
