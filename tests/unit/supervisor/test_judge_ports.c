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

/* tcp-ports/KEY with a descriptor, below which more can be put. */
static void
entry(const char *key, int64_t fd)
{
	char path[64];

	snprintf(path, sizeof path, "tcp-ports/%s", key);
	map(&container, path, FLAT_MAP, 1);
	snprintf(path, sizeof path, "tcp-ports/%s/fd", key);
	flat_put_int(&container.out, path, fd);
}

static void
start(void **state)
{
	setup(state);
	flat_put_int(&sandbox.out, "default-user", 1);
	map(&container, "tcp-ports", FLAT_MAP, 1);
}

static void
opens_what_the_file_says(void **state)
{
	static const char *const want[] = {"8080 3 128 1 0.0.0.0",
	    "8081 0 7 6 ::", "8082 3 128 1 0.0.0.0"};
	static const uint8_t yes = 1, no = 0;
	struct spec s;

	start(state);
	map(&container, "variables", FLAT_MAP, 1);
	variable("port");
	put_var("port=8080");
	entry("@{port}", 3);
	entry("8081", 0);
	flat_put_int(&container.out, "tcp-ports/8081/listen-backlog", 7);
	item(&container, "tcp-ports/8081/host", "0::00");
	flat_put(&container.out, "tcp-ports/8081/reuse-addr", FLAT_BOOL, 1, 1, &no, 1);
	flat_put(&container.out, "tcp-ports/8081/reuse-port", FLAT_BOOL, 1, 1, &yes, 1);
	flat_put(&container.out, "tcp-ports/8081/set-non-block", FLAT_BOOL, 1, 1, &yes, 1);
	accepted(&s);
	assert_int_equal(s.ports.count, 2);
	assert_string_equal(s.ports.buf, want[0]);
	assert_string_equal(s.ports.buf + strlen(want[0]) + 1, want[1]);
	spec_free(&s);
	/* By hand it is run once: nothing is opened. */
	start(state);
	begin(&container);
	map(&container, "", FLAT_MAP, 0);
	item(&container, "kind", "CommandOrDaemon");
	item(&container, "executable", "/bin/app");
	map(&container, "tcp-ports", FLAT_MAP, 1);
	entry("8081", 3);
	req.op = SUP_RUN;
	accepted(&s);
	assert_int_equal(s.ports.count, 0);
	spec_free(&s);
	req.op = SUP_START;
	/* systemd's way: the numbers are its own, the names told. */
	start(state);
	map(&container, "variables", FLAT_MAP, 1);
	variable("web");
	item(&container, "variables/web/activation", "systemd");
	put_var("web=8082");
	entry("8081", 4);
	accepted(&s);
	assert_int_equal(s.ports.count, 2);
	assert_string_equal(s.ports.buf + strlen("8081 4 128 1 0.0.0.0") + 1, want[2]);
	assert_non_null(memmem(s.env.buf, s.env.len, "\0LISTEN_FDS=1\0LISTEN_FDNAMES=web\0LISTEN_PID=2", 46));
	spec_free(&s);
}

static void
refuses_ports(void **state)
{
	static const struct {
		const char *listed, *key;
		int64_t fd;
		const char *why;
	} cases[] = {
	    {NULL, "80", 3, "port 80 is not in allow-tcp-ports of sandbox 'web', as one below 1024 has to be"},
	    {"81", "8080", 3, "port 8080 is not in allow-tcp-ports of sandbox 'web'"},
	    {NULL, "8080", 1, "port 8080: fd 1 is its output; 0 or 3 and more are free"},
	    {NULL, "8080", 1024, "port 8080: fd 1024 is not below fileno-limit, 1024"},
	    {NULL, "8079", 3, "port 8079: fd 3 is that of port 9000"},
	    {NULL, "09000", 4, "port 9000 is there twice"},
	    {NULL, "0", 4, "'0' is no port, 1 to 65535"},
	    {NULL, "65536", 4, "'65536' is no port, 1 to 65535"},
	    {NULL, "8080x", 4, "'8080x' is no port, 1 to 65535"},
	    {NULL, "@{x}", 4, "variable 'x' is not declared"},
	    {NULL, "8080", -1, "port 8080: fd is missing"},
	};
	char key[16];

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		start(state);
		if (cases[i].listed != NULL) {
			map(&sandbox, "allow-tcp-ports", FLAT_LIST, 2);
			item(&sandbox, "allow-tcp-ports/0", cases[i].listed);
			item(&sandbox, "allow-tcp-ports/1", "9000");
		}
		entry("9000", 3);
		entry(cases[i].key, cases[i].fd);
		refused(cases[i].why);
	}
	start(state);
	for (int i = 0; i <= SPEC_PORTS_MAX; i++) {
		snprintf(key, sizeof key, "%d", 2000 + i);
		entry(key, 3 + i);
	}
	refused("more than 32 ports");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(binds_what_the_sandbox_lists, setup),
	    cmocka_unit_test_setup(opens_what_the_file_says, setup),
	    cmocka_unit_test_setup(refuses_ports, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
