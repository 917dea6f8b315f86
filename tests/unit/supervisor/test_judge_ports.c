/*
 * test_judge_ports.c - the TCP ports of a container: which it may bind itself, and
 * which are opened for it.
 */
#include "judging.h"

static void
variable(const char *name)
{
	char path[64];

	snprintf(path, sizeof path, "variables/%s", name);
	tag(&container, path, "TcpPort");
	flat_put(&container.out, path, FLAT_NULL, 1, 1, NULL, 0);
}

static void
binds(const char *const *want, uint32_t count)
{
	struct spec s;
	const char *p;

	accepted(&s);
	assert_int_equal(s.bind.count, count);
	p = s.bind.buf;
	for (uint32_t i = 0; i < count; i++, p += strlen(p) + 1)
		assert_string_equal(p, want[i]);
	spec_free(&s);
}

/* Of a long list only what its file names: rules are copied at each start. */
static void
binds_what_the_sandbox_lists(void **state)
{
	static const char *const listed[] = {"0-0", "80-80", "8000-9022"};
	static const char *const named[] = {"0-0", "8080-8080"};
	char told[JUDGE_TOLD_CAP];

	(void)state;
	flat_put_int(&sandbox.out, "default-user", 1);
	binds(NULL, 0);
	setup(state);
	flat_put_int(&sandbox.out, "default-user", 1);
	map(&sandbox, "allow-tcp-ports", FLAT_LIST, 2);
	item(&sandbox, "allow-tcp-ports/0", "80");
	item(&sandbox, "allow-tcp-ports/1", "8000-9022");
	binds(listed, 3);
	judge_told(&judge, told, sizeof told);
	assert_string_equal(told, "");
	setup(state);
	flat_put_int(&sandbox.out, "default-user", 1);
	map(&sandbox, "allow-tcp-ports", FLAT_LIST, 2);
	item(&sandbox, "allow-tcp-ports/0", "80");
	item(&sandbox, "allow-tcp-ports/1", "8000-9023");
	map(&container, "variables", FLAT_MAP, 1);
	variable("port");
	put_var("port=8080");
	binds(named, 2);
	judge_told(&judge, told, sizeof told);
	assert_non_null(strstr(told, "it can bind only those of its variables"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(binds_what_the_sandbox_lists, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
