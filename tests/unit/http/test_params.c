/*
 * test_params.c - what requests ask with, times and steps as Prometheus takes them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../../../daemon/http/params.h"
#include "../../../daemon/http/routes.h"

static void
forms(void **state)
{
	struct params p = {0};
	char many[PARAMS_MAX * 4 + 8] = "";
	struct err err;

	(void)state;
	assert_int_equal(params_read(&p, "query=a+b%2Bc%3d1&&x&y=", 23, &err), 0);
	assert_string_equal(params_get(&p, "query"), "a b+c=1");
	assert_string_equal(params_get(&p, "x"), "");
	assert_string_equal(params_get(&p, "y"), "");
	assert_null(params_get(&p, "z"));
	params_free(&p);
	assert_int_equal(params_read(&p, "a=1&b=%zz", 9, &err), -1);
	assert_string_equal(err.text, "parameter 2: a % without two hex digits, or a NUL");
	params_free(&p);
	assert_int_equal(params_read(&p, "a=%00", 5, &err), -1);
	params_free(&p);
	assert_int_equal(params_read(&p, "a%4=b", 5, &err), -1);
	params_free(&p);
	for (int i = 0; i <= PARAMS_MAX; i++)
		strcat(many, "a=b&");
	assert_int_equal(params_read(&p, many, strlen(many), &err), -1);
	assert_string_equal(err.text, "more than 64 parameters");
	params_free(&p);
}

static void
times(void **state)
{
	static const struct {
		const char *text;
		int64_t ms;
	} good[] = {{"0", 0}, {"1435781451.781", 1435781451781}, {"-1.5", -1500}, {"1e3", 1000000},
	    {"2015-07-01T20:10:51.781Z", 1435781451781}, {"2015-07-01T22:10:51+02:00", 1435781451000},
	    {"2024-02-29T00:00:00-00:30", 1709166600000}};
	static const char *const bad[] = {"", " 1", "1s", "nan", "inf", "0x10", "1e99", "-1e99", "1435781451,5", "2015-07-01",
	    "2015-13-01T20:10:51Z", "2015-07-01T20:10:51", "2015-07-01T20:10:51.Z", "2015-07-01T20:10:51+0200",
	    "2015-07-01T20:10:51Zx", "2015-02-29T20:10:51Z", "2015-06-31T00:00:00Z", " 015-07-01T20:10:51Z"};
	struct err err;
	int64_t ms;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		assert_int_equal(params_time("time", good[i].text, &ms, &err), 0);
		assert_int_equal(ms, good[i].ms);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (params_time("time", bad[i], &ms, &err) == 0)
			fail_msg("%s", bad[i]);
	assert_int_equal(params_time("end", "so\033on", &ms, &err), -1);
	assert_string_equal(err.text,
	    "invalid parameter \"end\": cannot parse \"so\\x1bon\" to a valid timestamp (seconds since 1970, or RFC 3339)");
}

static void
steps(void **state)
{
	static const struct {
		const char *text;
		int64_t ms;
	} good[] = {{"15", 15000}, {"0.5", 500}, {"15s", 15000}, {"1h30m", 5400000}, {"1d", 86400000}, {"500ms", 500},
	    {"1m5s500ms", 65500}};
	static const char *const bad[] = {"", "0", "-1", "0s", "s", "1h1h", "1m1h", "1x", "1.5h", "99999999999y", "999999999999s", "nan"};
	struct err err;
	int64_t ms;
	uint32_t limit;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		assert_int_equal(params_duration("step", good[i].text, &ms, &err), 0);
		assert_int_equal(ms, good[i].ms);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (params_duration("step", bad[i], &ms, &err) == 0)
			fail_msg("%s", bad[i]);
	assert_int_equal(params_limit("1000", &limit, &err), 0);
	assert_int_equal(limit, 1000);
	assert_int_equal(params_limit("40000", &limit, &err), 0); /* Grafana's, of all lists and of metadata */
	assert_int_equal(limit, 40000);
	assert_int_equal(params_limit("0", &limit, &err), 0);
	assert_int_equal(limit, UINT32_MAX);
	assert_int_equal(params_limit("99999999999999999999999", &limit, &err), 0);
	assert_int_equal(limit, UINT32_MAX);
	assert_int_equal(params_limit("-1", &limit, &err), -1);
	assert_string_equal(err.text, "invalid parameter \"limit\": cannot parse \"-1\" to a whole number (0: all)");
	assert_int_equal(params_limit("", &limit, &err), -1);
	assert_int_equal(params_limit("5x", &limit, &err), -1);
}

static const char *
asks(const char *path, const char *query, struct err *err)
{
	static uint8_t buf[4096];
	char name[ROUTE_NAME_CAP];
	const struct route *r = route_find(path, strlen(path), name);
	struct params p = {0};
	struct mpw w;
	int rc;

	assert_non_null(r);
	assert_int_equal(params_read(&p, query, strlen(query), err), 0);
	mpw_init(&w, buf, sizeof buf);
	rc = r->question(&p, name, &w, err);
	params_free(&p);
	return rc < 0 ? err->text : NULL;
}

static void
routes(void **state)
{
	static const char *const lists[] = {"/api/v1/series", "/api/v1/labels", "/api/v1/label/a/values", "/api/v1/metadata"};
	char name[ROUTE_NAME_CAP];
	struct err err;

	(void)state;
	assert_null(route_find("/", 1, name));
	assert_null(route_find("/api/v1/quer", 12, name));
	assert_null(route_find("/api/v1/label//values", 21, name));
	assert_null(route_find("/api/v1/label/a%2fb/values", 26, name));
	assert_non_null(route_find("/api/v1/label/__name__/values", 29, name));
	assert_string_equal(name, "__name__");
	assert_true(route_allows(route_find("/metrics", 8, name), "HEAD"));
	assert_false(route_allows(route_find("/metrics", 8, name), "POST"));
	assert_false(route_allows(route_find("/metrics", 8, name), "ET"));
	assert_true(route_posts(route_find("/api/v1/series", 14, name)));

	assert_null(asks("/api/v1/query", "query=up&time=1", &err));
	assert_string_equal(asks("/api/v1/query", "time=1", &err), "invalid parameter \"query\": an expression is needed");
	assert_string_equal(asks("/api/v1/query_range", "query=up&start=1&step=1", &err), "invalid parameter \"end\": it is needed");
	assert_string_equal(asks("/api/v1/query_range", "query=up&start=2&end=1&step=1", &err),
	    "invalid parameter \"end\": end timestamp must not be before start time");
	assert_string_equal(asks("/api/v1/query_range", "query=up&start=0&end=11001&step=1", &err),
	    "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)");
	assert_null(asks("/api/v1/query_range", "query=up&start=0&end=11000&step=1", &err));
	assert_string_equal(asks("/api/v1/query_range", "query=up&start=0&end=1&step=0", &err),
	    "invalid parameter \"step\": zero or negative query resolution step widths are not accepted. Try a positive integer");
	assert_string_equal(asks("/api/v1/series", "", &err), "no match[] parameter provided");
	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		assert_null(asks(lists[i], "match[]=up&limit=40000&start=1&end=2", &err));
		assert_string_equal(asks(lists[i], "match[]=up&limit=-1", &err),
		    "invalid parameter \"limit\": cannot parse \"-1\" to a whole number (0: all)");
	}
}

static void
formats(void **state)
{
	(void)state;
	assert_false(route_openmetrics(NULL));
	assert_false(route_openmetrics(""));
	assert_false(route_openmetrics("*/*"));
	assert_false(route_openmetrics("text/plain;version=0.0.4, application/openmetrics-text"));
	assert_false(route_openmetrics("application/openmetrics-text;q=0, */*"));
	assert_false(route_openmetrics("application/openmetrics-text;q=0.0"));
	assert_true(route_openmetrics("application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"));
	assert_true(route_openmetrics(" application/openmetrics-text; version=1.0.0;q=0.3"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(forms),
	    cmocka_unit_test(times),
	    cmocka_unit_test(steps),
	    cmocka_unit_test(routes),
	    cmocka_unit_test(formats),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
