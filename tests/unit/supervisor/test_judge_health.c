/*
 * test_judge_health.c - how a container is asked, in each form that its file may
 * have, and what of it is refused.
 */
#include "judging.h"

static void
start(void **state)
{
	setup(state);
	flat_put_int(&sandbox.out, "default-user", 1);
	map(&container, "health", FLAT_MAP, 1);
	map(&container, "variables", FLAT_MAP, 1);
	tag(&container, "variables/port", "TcpPort");
	flat_put(&container.out, "variables/port", FLAT_NULL, 1, 1, NULL, 0);
	put_var("port=8080");
}

static void
command(const char *at, const char *program)
{
	char path[64];

	snprintf(path, sizeof path, "%s/exec", at);
	map(&container, path, FLAT_LIST, 2);
	snprintf(path, sizeof path, "%s/exec/0", at);
	item(&container, path, program);
	snprintf(path, sizeof path, "%s/exec/1", at);
	item(&container, path, "--port=@{port}");
}

/* Of the same file twice would mean the same: the short form is a readiness. */
static void
a_readiness_has_two_forms(void **state)
{
	static const char *const forms[] = {"health", "health/readiness"};
	struct spec s;

	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		start(state);
		if (i == 1)
			map(&container, forms[i], FLAT_MAP, 1);
		command(forms[i], "/bin/ready");
		accepted(&s);
		assert_int_equal(s.ready.how.kind, SUP_HEALTH_EXEC);
		assert_int_equal(s.ready.argv.count, 2);
		assert_memory_equal(s.ready.argv.buf, "/bin/ready\0--port=8080", 23);
		assert_int_equal(s.ready.how.interval_ms, 1000);
		assert_int_equal(s.ready.how.timeout_ms, 1000);
		assert_int_equal(s.ready.how.failures, 3);
		assert_int_equal(s.ready.how.successes, 1);
		assert_int_equal(s.ready.how.start_ms, 0);
		assert_int_equal(s.live.how.kind, SUP_HEALTH_NONE);
		spec_free(&s);
	}
}

static void
a_liveness_stands_beside_it_or_alone(void **state)
{
	struct spec s;

	start(state);
	map(&container, "health/liveness", FLAT_MAP, 1);
	item(&container, "health/liveness/tcp", "@{port}");
	accepted(&s);
	assert_int_equal(s.ready.how.kind, SUP_HEALTH_NONE);
	assert_int_equal(s.live.how.kind, SUP_HEALTH_TCP);
	assert_int_equal(s.live.how.port, 8080);
	assert_int_equal(s.live.how.interval_ms, 10000);
	assert_int_equal(s.live.how.start_ms, 10000);
	spec_free(&s);
	start(state);
	item(&container, "health/tcp", "80");
	flat_put_int(&container.out, "health/interval", 70);
	flat_put_int(&container.out, "health/successes", 4);
	map(&container, "health/liveness", FLAT_MAP, 3);
	command("health/liveness", "/bin/live");
	flat_put_int(&container.out, "health/liveness/interval", 500);
	flat_put_int(&container.out, "health/liveness/failures", 7);
	accepted(&s);
	assert_int_equal(s.ready.how.interval_ms, 70);
	assert_int_equal(s.ready.how.successes, 4);
	assert_string_equal(s.live.argv.buf, "/bin/live");
	assert_int_equal(s.live.how.failures, 7);
	assert_int_equal(s.live.how.start_ms, 500);
	spec_free(&s);
}

static void
refuses_probes(void **state)
{
	char path[64];

	start(state);
	command("health", "bin/ready");
	refused("health/exec: the program's absolute path inside the image comes first");
	start(state);
	command("health", "@{who}");
	refused("variable 'who' is not declared");
	start(state);
	command("health", "/bin/ready");
	flat_put_int(&container.out, "health/interval", 499);
	refused("health/exec: with an interval of 499 ms; at least 500 ms are needed");
	start(state);
	map(&container, "health/exec", FLAT_LIST, 65);
	for (int i = 0; i <= 64; i++) {
		snprintf(path, sizeof path, "health/exec/%d", i);
		item(&container, path, "/x");
	}
	refused("health/exec: exceeds 64 items or 8 KiB");
	start(state);
	map(&container, "health/liveness", FLAT_MAP, 1);
	flat_put_int(&container.out, "health/liveness/interval", 500);
	refused("health/liveness: one of tcp, http, exec is needed");
	start(state);
	flat_put_int(&container.out, "health/failures", 2);
	map(&container, "health/liveness", FLAT_MAP, 1);
	item(&container, "health/liveness/tcp", "80");
	refused("health/failures: of which? Write it into readiness or liveness");
	start(state);
	map(&container, "health/liveness", FLAT_MAP, 1);
	map(&container, "health/liveness/http", FLAT_MAP, 2);
	item(&container, "health/liveness/http/port", "80");
	item(&container, "health/liveness/http/path", "/a b");
	refused("health/liveness/http/path: a path of less than 128 bytes is needed");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(a_readiness_has_two_forms, setup),
	    cmocka_unit_test_setup(a_liveness_stands_beside_it_or_alone, setup),
	    cmocka_unit_test_setup(refuses_probes, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
