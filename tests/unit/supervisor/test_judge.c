/*
 * test_judge.c - documents and a request in, a spec or a refusal out.  The
 * documents are written as meshd-conf writes them (daemon/conf/conf.h).
 */
#include "judging.h"

static void
smallest(void **state)
{
	struct spec s;

	(void)state;
	flat_put_int(&sandbox.out, "default-user", 33);
	accepted(&s);
	assert_string_equal(s.images_dir, "/srv/images");
	assert_string_equal(s.executable, "/bin/app");
	assert_string_equal(s.workdir, "/");
	assert_int_equal(s.uid, 33);
	assert_int_equal(s.gid, 0); /* lithos' default, and not the host's */
	assert_int_equal(s.uid_maps_count, 1);
	assert_int_equal(s.uid_maps[0].outside, 700000000);
	assert_int_equal(s.uid_maps[0].count, 65536);
	assert_int_equal(s.args.count, 1);
	assert_string_equal(s.env.buf, "TERM=dumb");
	assert_string_equal(s.env.buf + 10, "LITHOS_NAME=web/web.1");
	assert_int_equal(s.pids, 4096);
	assert_int_equal(s.fileno, 1024);
	assert_int_equal(s.restart_timeout_ms, 1000);
	assert_int_equal(s.kill_timeout_ms, 5000);
	assert_true(s.hash == sup_spec_hash(&req, vars, 0));
	spec_free(&s);
}

static void
no_user_is_an_error(void **state)
{
	(void)state;
	refused("web.1: img/config/web.yaml: no user: set user-id here or default-user in sandbox 'web' (/etc/web.yaml)");
}

static void
user_must_be_allowed(void **state)
{
	static const struct {
		int64_t id;
		const char *refusal;
	} cases[] = {{999, "999 is not in allow-users"}, {1000, NULL},
	    {1999, NULL}, {2000, "2000 is not in"}, {5000, NULL},
	    {0, "0 is not in"}, {-1, "-1 is not an id"},
	    {4294967295, "is not an id"}, {INT64_MIN, "is not an id"}};
	struct spec s;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		setup(state);
		map(&sandbox, "allow-users", FLAT_LIST, 2);
		item(&sandbox, "allow-users/0", "1000-1999");
		item(&sandbox, "allow-users/1", "5000");
		flat_put_int(&container.out, "user-id", cases[i].id);
		if (cases[i].refusal != NULL) {
			refused(cases[i].refusal);
			continue;
		}
		accepted(&s);
		assert_int_equal(s.uid, cases[i].id);
		spec_free(&s);
	}
}

static void
id_must_be_mapped(void **state)
{
	struct spec s;

	flat_put_int(&sandbox.out, "default-user", 1000);
	map(&sandbox, "uid-map", FLAT_LIST, 1);
	flat_put_int(&sandbox.out, "uid-map/0/inside", 0);
	flat_put_int(&sandbox.out, "uid-map/0/outside", 100000);
	flat_put_int(&sandbox.out, "uid-map/0/count", 1000);
	refused("user-id 1000 or group-id 0 is outside the id maps"); /* lithos was off by one */
	setup(state);
	flat_put_int(&sandbox.out, "default-user", 1000);
	flat_put(&sandbox.out, "userns", FLAT_BOOL, 1, 1, "\0", 1);
	accepted(&s);
	assert_int_equal(s.uid_maps_count, 0);
	spec_free(&s);
}

static void
variables_are_put_in(void **state)
{
	struct spec s;
	const char *p;

	(void)state;
	flat_put_int(&sandbox.out, "default-user", 1);
	map(&container, "arguments", FLAT_LIST, 4);
	item(&container, "arguments/0", "--port=@{port}@{port}");
	item(&container, "arguments/1", "@{lithos:name} @ {x} @");
	item(&container, "arguments/2", "@{lithos:pid}");
	item(&container, "arguments/3", "");
	map(&container, "environ", FLAT_MAP, 1);
	item(&container, "environ/NAME", "<@{who}>@{lithos:config_filename}");
	map(&container, "variables", FLAT_MAP, 2);
	tag(&container, "variables/port", "TcpPort");
	flat_put(&container.out, "variables/port", FLAT_NULL, 1, 1, NULL, 0);
	tag(&container, "variables/who", "DottedName");
	flat_put(&container.out, "variables/who", FLAT_NULL, 1, 1, NULL, 0);
	map(&container, "health", FLAT_MAP, 1);
	map(&container, "health/http", FLAT_MAP, 2);
	item(&container, "health/http/port", "@{port}");
	item(&container, "health/http/path", "/ok");
	flat_put_int(&container.out, "health/interval", 500);
	put_var("port=80");
	put_var("who=a.b");
	accepted(&s);
	assert_int_equal(s.args.count, 5);
	p = s.args.buf + strlen(s.args.buf) + 1;
	assert_string_equal(p, "--port=8080");
	p += strlen(p) + 1;
	assert_string_equal(p, "web/web.1 @ {x} @");
	p += strlen(p) + 1;
	assert_string_equal(p, "2");
	assert_string_equal(p + strlen(p) + 1, "");
	p = s.env.buf + strlen(s.env.buf) + 1; /* after TERM */
	p += strlen(p) + 1;
	assert_string_equal(p, "LITHOS_CONFIG=/config/web.yaml");
	assert_string_equal(p + strlen(p) + 1, "NAME=<a.b>/config/web.yaml");
	assert_int_equal(s.ready.how.kind, SUP_HEALTH_HTTP);
	assert_int_equal(s.ready.how.port, 80);
	assert_string_equal(s.ready.how.path, "/ok");
	assert_int_equal(s.ready.how.interval_ms, 500);
	assert_int_equal(s.ready.how.timeout_ms, 1000);
	spec_free(&s);
}

static void
variables_are_checked(void **state)
{
	static const struct {
		const char *type, *value, *refusal;
	} cases[] = {{"TcpPort", "1", NULL}, {"TcpPort", "65535", NULL},
	    {"TcpPort", "0", "'0' is not allowed"},
	    {"TcpPort", "80x", "not allowed"}, {"TcpPort", "", "not allowed"},
	    {"TcpPort", "-1", "not allowed"}, {"Name", "a-b_C9", NULL},
	    {"Name", "a.b", "not allowed"}, {"Name", "", "not allowed"},
	    {"Name", "-a", "not allowed"}, {"Name", "a\x1b[31m", "\\x1b[31m"},
	    {"DottedName", "a.b", NULL}, {"DottedName", "../x", "not allowed"},
	    {"Frob", "x", "type !Frob is not supported yet"}};
	struct spec s;
	char text[64];

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		setup(state);
		flat_put_int(&sandbox.out, "default-user", 1);
		map(&container, "variables", FLAT_MAP, 1);
		tag(&container, "variables/v", cases[i].type);
		flat_put(&container.out, "variables/v", FLAT_NULL, 1, 1, NULL, 0);
		snprintf(text, sizeof text, "v=%s", cases[i].value);
		put_var(text);
		if (cases[i].refusal != NULL) {
			refused(cases[i].refusal);
		} else {
			accepted(&s);
			spec_free(&s);
		}
	}
}

static void
variables_from_a_hostile_engine(void **state)
{
	static const char *const bad[] = {"novalue", "=x", "a/b=x", "a!=x",
	    "a\\b=x", "undeclared=x"};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		setup(state);
		flat_put_int(&sandbox.out, "default-user", 1);
		put_var(bad[i]);
		refused("variable '");
	}
	setup(state);
	memcpy(vars, "a=b", 3); /* no NUL at the end */
	judge.vars_bytes = 3;
	refused("variables: not terminated");
}

static void
volumes_in_order(void **state)
{
	struct spec s;

	(void)state;
	flat_put_int(&sandbox.out, "default-user", 1);
	map(&sandbox, "readonly-paths", FLAT_MAP, 2);
	item(&sandbox, "readonly-paths/\\/a", "/host/a");
	item(&sandbox, "readonly-paths/\\/a\\/b", "/other/b");
	map(&container, "volumes", FLAT_MAP, 4);
	tag(&container, "volumes/\\/x\\/long", "Readonly");
	item(&container, "volumes/\\/x\\/long", "/a/b/c");
	tag(&container, "volumes/\\/x", "Tmpfs");
	map(&container, "volumes/\\/x", FLAT_MAP, 2);
	flat_put_int(&container.out, "volumes/\\/x/size", 4096);
	flat_put_int(&container.out, "volumes/\\/x/mode", 0700);
	tag(&container, "volumes/\\/y", "Readonly");
	item(&container, "volumes/\\/y", "/a/bc");
	tag(&container, "volumes/\\/r", "Readonly");
	item(&container, "volumes/\\/r", "/rendered");
	accepted(&s);
	assert_int_equal(s.volumes_count, 4);
	assert_string_equal(s.volumes[3].target, "/x/long");
	/* Of two entries the shorter, as in lithos. */
	assert_string_equal(s.volumes[3].source, "/host/a");
	assert_string_equal(s.volumes[3].below, "/b/c");
	assert_string_equal(s.volumes[0].target, "/x");
	assert_int_equal(s.volumes[0].bytes, 4096);
	assert_int_equal(s.volumes[0].mode, 0700);
	/* A name is matched by whole parts: /a/bc is below /a, not /a/b. */
	assert_string_equal(s.volumes[1].source, "/host/a");
	assert_string_equal(s.volumes[1].below, "/bc");
	assert_int_equal(s.volumes[2].kind, SPEC_RENDERED);
	spec_free(&s);
}

static void
volumes_refused(void **state)
{
	static const struct {
		const char *target, *type, *value, *refusal;
	} cases[] = {
	    {"\\/proc\\/x", "Readonly", "/rendered", "target /proc/x: not allowed"},
	    {"\\/dev", "Readonly", "/rendered", "target /dev: not allowed"},
	    {"rel", "Readonly", "/rendered", "an absolute path"},
	    {"\\/", "Readonly", "/rendered", "an absolute path"},
	    {"\\/a\\/..\\/b", "Readonly", "/rendered", "parts are not allowed"},
	    {"\\/a\\/\\/b", "Readonly", "/rendered", "parts are not allowed"},
	    {"\\/a", "Readonly", "/rendered/current", "mount /rendered itself"},
	    {"\\/a", "Readonly", "/a/../../etc", "parts are not allowed"},
	    {"\\/a", "Readonly", "/etc", "'/etc' is not in readonly-paths"},
	    {"\\/a", "Persistent", "/db", "'/' is not in writable-paths"},
	    {"\\/a", "", "/db", "unknown volume !"},
	};
	char path[64];

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		setup(state);
		flat_put_int(&sandbox.out, "default-user", 1);
		snprintf(path, sizeof path, "volumes/%s", cases[i].target);
		map(&container, "volumes", FLAT_MAP, 1);
		tag(&container, path, cases[i].type);
		item(&container, path, cases[i].value);
		refused(cases[i].refusal);
	}
}

static void
limits_have_a_ceiling(void **state)
{
	struct spec s;

	flat_put_int(&sandbox.out, "default-user", 1);
	flat_put_int(&sandbox.out, "limits/memory", 64 << 20);
	flat_put_int(&container.out, "memory-limit", 64 << 20);
	flat_put_int(&container.out, "pids-limit", 3);
	accepted(&s);
	assert_true(s.memory_bytes == 64 << 20);
	assert_int_equal(s.pids, 3);
	spec_free(&s);
	setup(state);
	flat_put_int(&sandbox.out, "default-user", 1);
	flat_put_int(&sandbox.out, "limits/memory", 64 << 20);
	flat_put_int(&container.out, "memory-limit", (64 << 20) + 1);
	refused("is above the 67108864 that sandbox 'web' allows");
	setup(state);
	flat_put_int(&sandbox.out, "default-user", 1);
	flat_put_int(&container.out, "memory-limit", 4096);
	accepted(&s); /* what holds an init and a program */
	assert_true(s.memory_bytes == 4 << 20);
	spec_free(&s);
	setup(state);
	flat_put_int(&sandbox.out, "default-user", 1);
	flat_put_int(&container.out, "pids-limit", 0);
	refused("pids-limit: at least 1 is needed");
}

/* Where the sandbox is silent, an image does not choose for itself. */
static void
limits_of_a_silent_sandbox(void **state)
{
	static const struct {
		const char *key;
		int64_t fine, above;
		const char *text;
	} most[] = {
	    {"pids-limit", 4096, 4097, "pids-limit: 4097 is above 4096, the most without limits/pids in sandbox web"},
	    {"log/size", 8 << 20, (8 << 20) + 1, "log/size: 8388609 is above 8388608, the most without log/size in sandbox web"},
	    {"kill-timeout", 86400000, 86400001, "kill-timeout: 86400001 is above 86400000, the most there is"},
	};
	struct spec s;

	for (size_t i = 0; i < ARRAY_LEN(most); i++) {
		setup(state);
		flat_put_int(&sandbox.out, "default-user", 1);
		flat_put_int(&container.out, most[i].key, most[i].fine);
		accepted(&s);
		spec_free(&s);
		setup(state);
		flat_put_int(&sandbox.out, "default-user", 1);
		flat_put_int(&container.out, most[i].key, most[i].above);
		refused(most[i].text);
	}
	/* Where it speaks, it is the host's word. */
	setup(state);
	flat_put_int(&sandbox.out, "default-user", 1);
	flat_put_int(&sandbox.out, "limits/pids", 100000);
	flat_put_int(&container.out, "pids-limit", 100000);
	flat_put_int(&container.out, "restart-timeout", 1);
	accepted(&s);
	assert_int_equal(s.pids, 100000);
	assert_int_equal(s.restart_timeout_ms, 100); /* or nothing backs off */
	assert_int_equal(s.all_pids, 100000);
	spec_free(&s);
}

static void
two_tmpfs(int64_t a, int64_t b)
{
	flat_put_int(&sandbox.out, "default-user", 1);
	map(&container, "volumes", FLAT_MAP, 2);
	tag(&container, "volumes/\\/x", "Tmpfs");
	map(&container, "volumes/\\/x", FLAT_MAP, 1);
	flat_put_int(&container.out, "volumes/\\/x/size", a);
	tag(&container, "volumes/\\/y", "Tmpfs");
	map(&container, "volumes/\\/y", FLAT_MAP, 1);
	flat_put_int(&container.out, "volumes/\\/y/size", b);
}

static void
tmpfs_is_memory(void **state)
{
	struct spec s;

	flat_put_int(&sandbox.out, "limits/memory", 64 << 20);
	two_tmpfs(50 << 20, 50 << 20);
	accepted(&s);
	spec_free(&s);
	setup(state);
	flat_put_int(&sandbox.out, "limits/memory", 64 << 20);
	two_tmpfs(50 << 20, (50 << 20) + 1);
	refused("all sizes together are above 104857600, the most that limits/memory of sandbox 'web' allows");
	setup(state);
	two_tmpfs(INT64_MAX, INT64_MAX);
	refused("all sizes together are above");
	setup(state);
	flat_put_int(&sandbox.out, "limits/memory", 1 << 30);
	two_tmpfs(512 << 20, 512 << 20);
	accepted(&s);
	spec_free(&s);
	/* As of memory itself: without a limit of the sandbox there is none. */
	setup(state);
	two_tmpfs(512 << 20, 512 << 20);
	accepted(&s);
	spec_free(&s);
}

static void
put_map(const char *key, int i, int64_t inside, int64_t outside, int64_t count)
{
	const int64_t v[] = {inside, outside, count};
	static const char *const parts[] = {"inside", "outside", "count"};
	char path[64];

	sprintf(path, "%s/%d", key, i);
	map(&sandbox, path, FLAT_MAP, 3);
	for (size_t k = 0; k < 3; k++) {
		sprintf(path, "%s/%d/%s", key, i, parts[k]);
		flat_put_int(&sandbox.out, path, v[k]);
	}
}

static void
maps_do_not_overlap(void **state)
{
	static const struct {
		int64_t inside, outside, count;
		const char *text; /* NULL: fine */
	} second[] = {
	    {1000, 201000, 1000, NULL},
	    {1000, 200999, 1000, "uid-map[1] overlaps uid-map[0]"},
	    {1000, 199001, 1000, "uid-map[1] overlaps uid-map[0]"},
	    {999, 300000, 1000, "uid-map[1] overlaps uid-map[0]"},
	    {1000, 300000, 0, "uid-map[1]: is empty or goes beyond"},
	    {1000, 4294967294, 2, "uid-map[1]: is empty or goes beyond"},
	};
	struct spec s;

	for (size_t i = 0; i < ARRAY_LEN(second); i++) {
		setup(state);
		flat_put_int(&sandbox.out, "default-user", 1);
		map(&sandbox, "uid-map", FLAT_LIST, 2);
		put_map("uid-map", 0, 0, 200000, 1000);
		put_map("uid-map", 1, second[i].inside, second[i].outside,
		    second[i].count);
		if (second[i].text != NULL)
			refused(second[i].text);
		else
			accepted(&s), spec_free(&s);
	}
}

static void
range_is_not_the_hosts(void **state)
{
	struct spec s;
	struct err err;

	(void)state;
	judge.range_first = 0;
	flat_put_int(&sandbox.out, "default-user", 1);
	assert_int_equal(decide(&s, &err), -EXIT_STATE);
}

static void
names_from_a_hostile_engine(void **state)
{
	struct err err;

	assert_int_equal(judge_names(&req, &err), 0);
	memset(req.image, 'a', sizeof req.image); /* no NUL */
	assert_int_equal(judge_names(&req, &err), -EXIT_CONFIG);
	setup(state);
	strcpy(req.sandbox, "../x");
	assert_int_equal(judge_names(&req, &err), -EXIT_CONFIG);
	setup(state);
	strcpy(req.config, "/a/../../etc/shadow");
	assert_int_equal(judge_names(&req, &err), -EXIT_CONFIG);
	setup(state);
	req.policy = 17;
	assert_int_equal(judge_names(&req, &err), -EXIT_CONFIG);
	setup(state);
	req.policy = SUP_EXCLUSIVE;
	assert_int_equal(judge_names(&req, &err), -EXIT_CONFIG);
	assert_string_equal(err.text,
	    "web.1: exclusive: a deadline is needed, that of a role lease");
}

static void
roles_of_a_sandbox(void **state)
{
	struct spec s;

	strcpy(req.role, "db");
	refused("role 'db' may not use sandbox 'web'; add it to roles: in /etc/web.yaml");
	setup(state);
	strcpy(req.role, "db");
	flat_put_int(&sandbox.out, "default-user", 1);
	map(&sandbox, "roles", FLAT_LIST, 1);
	item(&sandbox, "roles/0", "db");
	accepted(&s);
	spec_free(&s);
	/* A list that leaves out the sandbox's own name means it. */
	setup(state);
	map(&sandbox, "roles", FLAT_LIST, 1);
	item(&sandbox, "roles/0", "db");
	refused("role 'web' may not use");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(smallest, setup),
	    cmocka_unit_test_setup(no_user_is_an_error, setup),
	    cmocka_unit_test_setup(user_must_be_allowed, setup),
	    cmocka_unit_test_setup(id_must_be_mapped, setup),
	    cmocka_unit_test_setup(variables_are_put_in, setup),
	    cmocka_unit_test_setup(variables_are_checked, setup),
	    cmocka_unit_test_setup(variables_from_a_hostile_engine, setup),
	    cmocka_unit_test_setup(volumes_in_order, setup),
	    cmocka_unit_test_setup(volumes_refused, setup),
	    cmocka_unit_test_setup(limits_have_a_ceiling, setup),
	    cmocka_unit_test_setup(limits_of_a_silent_sandbox, setup),
	    cmocka_unit_test_setup(tmpfs_is_memory, setup),
	    cmocka_unit_test_setup(maps_do_not_overlap, setup),
	    cmocka_unit_test_setup(range_is_not_the_hosts, setup),
	    cmocka_unit_test_setup(names_from_a_hostile_engine, setup),
	    cmocka_unit_test_setup(roles_of_a_sandbox, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
