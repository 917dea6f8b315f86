/*
 * test_judge_metrics.c - where a container answers for its metrics, as its file says it,
 * how that stands in its record, and what of it is refused.
 */
#include "judging.h"

static void
start(void **state, uint32_t endpoints)
{
	setup(state);
	flat_put_int(&sandbox.out, "default-user", 1);
	map(&container, "variables", FLAT_MAP, 1);
	tag(&container, "variables/port", "TcpPort");
	flat_put(&container.out, "variables/port", FLAT_NULL, 1, 1, NULL, 0);
	put_var("port=8080");
	map(&container, "metrics", FLAT_LIST, endpoints);
}

static void
endpoint(int i, const char *port)
{
	char path[64];

	snprintf(path, sizeof path, "metrics/%d", i);
	map(&container, path, FLAT_MAP, 1);
	snprintf(path, sizeof path, "metrics/%d/port", i);
	item(&container, path, port);
}

static void
several_or_one(void **state)
{
	struct sup_scrape at[SUP_SCRAPES_MAX];
	struct spec s;

	start(state, 2);
	endpoint(0, "@{port}");
	endpoint(1, "9100");
	item(&container, "metrics/1/path", "/m?format=prometheus");
	flat_put_int(&container.out, "metrics/1/interval", 60000);
	flat_put_int(&container.out, "metrics/1/timeout", 10000);
	accepted(&s);
	assert_true(spec_scrapes(&s, at));
	assert_int_equal(at[0].port, 8080);
	assert_int_equal(at[0].interval_ms, 5000);
	assert_int_equal(at[0].timeout_ms, 5000);
	assert_string_equal(at[0].path, "/metrics");
	assert_int_equal(at[1].port, 9100);
	assert_int_equal(at[1].interval_ms, 60000);
	assert_int_equal(at[1].timeout_ms, 10000);
	assert_string_equal(at[1].path, "/m?format=prometheus");
	assert_int_equal(at[2].port, 0);
	spec_free(&s);
	start(state, 1);
	endpoint(0, "1");
	flat_put_int(&container.out, "metrics/0/interval", 1000);
	accepted(&s);
	assert_true(spec_scrapes(&s, at));
	assert_int_equal(at[0].timeout_ms, 1000);
	spec_free(&s);
}

/* Asked otherwise, it need not be restarted. */
static void
no_part_of_what_runs(void **state)
{
	struct spec without, with;

	setup(state);
	flat_put_int(&sandbox.out, "default-user", 1);
	accepted(&without);
	setup(state);
	flat_put_int(&sandbox.out, "default-user", 1);
	map(&container, "metrics", FLAT_LIST, 1);
	endpoint(0, "80");
	accepted(&with);
	assert_int_equal(with.scrapes.count, 1);
	assert_true(spec_judged(&with) == spec_judged(&without));
	spec_free(&with);
	spec_free(&without);
}

static void
of_what_is_run_once(void **state)
{
	struct spec s;

	setup(state);
	flat_put_int(&sandbox.out, "default-user", 1);
	begin(&container);
	map(&container, "", FLAT_MAP, 0);
	item(&container, "kind", "CommandOrDaemon");
	item(&container, "executable", "/bin/app");
	map(&container, "metrics", FLAT_LIST, 1);
	endpoint(0, "80");
	req.op = SUP_RUN;
	accepted(&s);
	assert_int_equal(s.scrapes.count, 0);
	spec_free(&s);
}

static void
refuses_endpoints(void **state)
{
	start(state, 1);
	endpoint(0, "70000");
	refused("metrics/0/port: a port (1-65535) is needed");
	start(state, 1);
	endpoint(0, "@{who}");
	refused("variable 'who' is not declared");
	start(state, 1);
	map(&container, "metrics/0", FLAT_MAP, 0);
	refused("metrics/0/port is missing");
	start(state, 1);
	endpoint(0, "80");
	item(&container, "metrics/0/path", "/a b");
	refused("metrics/0/path: a path of less than 128 bytes is needed");
	start(state, 1);
	endpoint(0, "80");
	flat_put_int(&container.out, "metrics/0/interval", 999);
	refused("metrics/0/interval: 999 ms; 1000 ms to an hour are possible");
	start(state, 1);
	endpoint(0, "80");
	flat_put_int(&container.out, "metrics/0/interval", 2000);
	flat_put_int(&container.out, "metrics/0/timeout", 2001);
	refused("metrics/0/timeout: 2001 ms: one question ends before the next one, after an interval of 2000 ms");
	start(state, 1);
	endpoint(0, "80");
	item(&container, "network", "none");
	refused("metrics/0: nothing reaches it from outside, as its network is none: CANTAL_PATH does");
	start(state, 5);
	for (int i = 0; i < 5; i++)
		endpoint(i, "80");
	refused("metrics: more than 4");
}

/* A record that nobody here wrote. */
static void
no_such_text(void **state)
{
	static const char *const bad[] = {"", "80", "80 1 1", "80 1 1 x", "0 1 1 /", "65536 1 1 /", "80 0 1 /",
	    "80 99999999999 1 /", "-1 1 1 /", "80  1 1 /"};
	struct sup_scrape at[SUP_SCRAPES_MAX];
	struct err err;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct spec s = {0};

		assert_int_equal(strs_add(&s.scrapes, bad[i], strlen(bad[i]), &err), 0);
		assert_false(spec_scrapes(&s, at));
		spec_free(&s);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(several_or_one, setup),
	    cmocka_unit_test_setup(no_part_of_what_runs, setup),
	    cmocka_unit_test_setup(of_what_is_run_once, setup),
	    cmocka_unit_test_setup(refuses_endpoints, setup),
	    cmocka_unit_test(no_such_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
