/*
 * test_judge_user.c - whose ids a container gets: the sandbox's, its own within
 * those, and never others of the host.  And the values that lithos takes and
 * that mean nothing as they stand.
 */
#include "judging.h"

static void
put_map(struct doc *d, const char *key, int index, int64_t inside,
    int64_t outside, int64_t count)
{
	char path[64];

	if (index == 0)
		map(d, key, FLAT_LIST, 1);
	snprintf(path, sizeof path, "%s/%d/inside", key, index);
	flat_put_int(&d->out, path, inside);
	snprintf(path, sizeof path, "%s/%d/outside", key, index);
	flat_put_int(&d->out, path, outside);
	snprintf(path, sizeof path, "%s/%d/count", key, index);
	flat_put_int(&d->out, path, count);
}

static void
both_maps(struct doc *d, int64_t inside, int64_t outside, int64_t count)
{
	put_map(d, "uid-map", 0, inside, outside, count);
	put_map(d, "gid-map", 0, inside, outside, count);
}

static void
userns_off(void)
{
	flat_put(&sandbox.out, "userns", FLAT_BOOL, 1, 1, "\0", 1);
}

static void
allow(const char *ids)
{
	map(&sandbox, "allow-users", FLAT_LIST, 1);
	item(&sandbox, "allow-users/0", ids);
	map(&sandbox, "allow-groups", FLAT_LIST, 1);
	item(&sandbox, "allow-groups/0", ids);
}

/* Within the sandbox's map, to its very ends and not one id further. */
static void
own_map_within_the_sandboxes(void **state)
{
	static const struct {
		int64_t outside, count;
		bool fine;
	} cases[] = {{200000, 1000, true}, {200999, 1, true}, {200000, 1, true},
	    {199999, 2, false}, {200999, 2, false}, {0, 1, false},
	    {700000000, 10, false}};
	struct spec s;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		setup(state);
		flat_put_int(&sandbox.out, "default-user", 5);
		flat_put_int(&sandbox.out, "default-group", 5);
		both_maps(&sandbox, 0, 200000, 1000);
		both_maps(&container, 5, cases[i].outside, cases[i].count);
		if (!cases[i].fine) {
			refused("are not in uid-map of sandbox 'web' (/etc/web.yaml)");
			continue;
		}
		accepted(&s);
		assert_int_equal(s.uid_maps_count, 1);
		assert_int_equal(s.uid_maps[0].inside, 5);
		assert_int_equal(s.uid_maps[0].outside, cases[i].outside);
		assert_int_equal(s.gid_maps[0].count, cases[i].count);
		spec_free(&s);
	}
}

/* A sandbox of meshd --rootless: its one id is the user's, whatever his number. */
static void
one_id_of_the_range(void **state)
{
	struct spec s;

	flat_put_int(&sandbox.out, "default-user", 5);
	flat_put_int(&sandbox.out, "default-group", 7);
	allow("5-7");
	judge.range_first = 1003;
	judge.range_ids = 1;
	accepted(&s);
	assert_int_equal(s.uid_maps_count, 1);
	assert_int_equal(s.uid_maps[0].inside, 5);
	assert_int_equal(s.uid_maps[0].outside, 1003);
	assert_int_equal(s.uid_maps[0].count, 1);
	assert_int_equal(s.gid_maps[0].inside, 7);
	assert_int_equal(s.gid_maps[0].outside, 1003);
	spec_free(&s);
	setup(state);
	judge.range_first = 1003;
	judge.range_ids = 1;
	flat_put_int(&sandbox.out, "default-user", 5);
	both_maps(&container, 0, 0, 6);
	refused("ids inside go to 5; without a uid-map sandbox 'web' has 1 (/etc/web.yaml)");
	setup(state);
	judge.range_ids = 1;
	flat_put_int(&sandbox.out, "default-user", 5);
	allow("5");
	userns_off();
	refused("`userns: off` is not for --rootless");
}

/* Without a map in the sandbox ids outside are of its own range, whatever the
 * image says: allow-users is about ids inside then. */
static void
own_map_of_the_range(void **state)
{
	struct spec s;

	flat_put_int(&sandbox.out, "default-user", 5);
	allow("0-4294967294");
	both_maps(&container, 0, 0, 100);
	accepted(&s);
	assert_int_equal(s.uid_maps_count, 1);
	assert_int_equal(s.uid_maps[0].inside, 0);
	assert_int_equal(s.uid_maps[0].outside, 700000000);
	assert_int_equal(s.uid_maps[0].count, 100);
	spec_free(&s);
	setup(state);
	flat_put_int(&sandbox.out, "default-user", 5);
	both_maps(&container, 65000, 100000, 537);
	refused("uid-map: ids inside go to 65536; without a uid-map sandbox 'web' has 65536");
	setup(state);
	flat_put_int(&sandbox.out, "default-user", 500);
	both_maps(&container, 0, 0, 100);
	refused("user-id 500 or group-id 0 is outside the id maps");
}

/* As lithos: a sandbox without a user namespace names ids of the host. */
static void
own_map_of_the_host(void **state)
{
	struct spec s;

	userns_off();
	allow("300000-300999");
	flat_put_int(&sandbox.out, "default-group", 0);
	flat_put_int(&container.out, "user-id", 7);
	both_maps(&container, 0, 300000, 1000);
	accepted(&s);
	assert_int_equal(s.uid, 7); /* inside: not in allow-users, and need not */
	assert_int_equal(s.uid_maps[0].outside, 300000);
	spec_free(&s);
	setup(state);
	userns_off();
	allow("300000-300999");
	flat_put_int(&container.out, "user-id", 7);
	both_maps(&container, 0, 300000, 1001);
	refused("uid-map: 1001 outside ids from 300000 on are not in allow-users of sandbox 'web'");
	setup(state);
	userns_off();
	allow("300000-300999");
	flat_put_int(&container.out, "user-id", 7);
	put_map(&container, "uid-map", 0, 0, 300000, 1000);
	refused("uid-map and gid-map: one needs the other");
	/* Without a map of its own the id inside is the one outside. */
	setup(state);
	userns_off();
	allow("300000-300999");
	flat_put_int(&container.out, "user-id", 7);
	refused("user-id: 7 is not in allow-users");
}

static void
bad_maps_of_an_image(void **state)
{
	flat_put_int(&sandbox.out, "default-user", 0);
	both_maps(&container, 0, 0, 0);
	refused("uid-map[0]: is empty or goes beyond the last id");
	setup(state);
	flat_put_int(&sandbox.out, "default-user", 0);
	put_map(&container, "gid-map", 0, 0, 0, 10);
	map(&container, "uid-map", FLAT_LIST, 2);
	flat_put_int(&container.out, "uid-map/0/inside", 0);
	flat_put_int(&container.out, "uid-map/0/outside", 0);
	flat_put_int(&container.out, "uid-map/0/count", 10);
	flat_put_int(&container.out, "uid-map/1/inside", 9);
	flat_put_int(&container.out, "uid-map/1/outside", 100);
	flat_put_int(&container.out, "uid-map/1/count", 10);
	refused("uid-map[1] overlaps uid-map[0]");
	setup(state);
	map(&container, "uid-map", FLAT_LIST, 5);
	for (int i = 1; i <= 5; i++)
		put_map(&container, "uid-map", i, i, i, 1);
	refused("uid-map: at most 4 ranges are supported");
	/* Not from meshd-conf: no list at all, or one without its numbers. */
	setup(state);
	flat_put_int(&container.out, "uid-map", -1);
	for (int i = 0; i < 6; i++) {
		char path[40];

		snprintf(path, sizeof path, "uid-map/%d/inside", i);
		flat_put_int(&container.out, path, i);
		snprintf(path, sizeof path, "uid-map/%d/outside", i);
		flat_put_int(&container.out, path, i);
		snprintf(path, sizeof path, "uid-map/%d/count", i);
		flat_put_int(&container.out, path, 1);
	}
	refused("uid-map: at most 4 ranges are supported");
	setup(state);
	map(&container, "uid-map", FLAT_LIST, 1);
	flat_put_int(&container.out, "uid-map/0/count", 1);
	refused("uid-map/0/inside is missing or not an id");
}

/* The host's own group 0 is nobody's by default. */
static void
group_by_default(void **state)
{
	struct spec s;

	flat_put_int(&sandbox.out, "default-user", 33);
	userns_off();
	accepted(&s);
	assert_int_equal(s.gid, 33);
	spec_free(&s);
	setup(state);
	flat_put_int(&sandbox.out, "default-user", 33);
	accepted(&s);
	assert_int_equal(s.gid, 0);
	spec_free(&s);
}

static const char *
env_of(const struct spec *s, const char *name)
{
	const char *p = s->env.buf, *found = NULL;
	size_t len = strlen(name);

	for (uint32_t i = 0; i < s->env.count; i++, p += strlen(p) + 1)
		if (strncmp(p, name, len) == 0 && p[len] == '=') {
			assert_null(found); /* twice is an accident */
			found = p + len + 1;
		}
	return found;
}

static void
environment_of_lithos(void **state)
{
	struct spec s;

	(void)state;
	flat_put_int(&sandbox.out, "default-user", 33);
	map(&container, "environ", FLAT_MAP, 2);
	item(&container, "environ/TERM", "xterm");
	item(&container, "environ/a.b", "@{lithos:name} @{lithos:pid}");
	accepted(&s);
	assert_string_equal(env_of(&s, "TERM"), "xterm");
	assert_string_equal(env_of(&s, "LITHOS_NAME"), "web/web.1");
	assert_string_equal(env_of(&s, "LITHOS_CONFIG"), "/config/web.yaml");
	assert_string_equal(env_of(&s, "a.b"), "web/web.1 2");
	assert_int_equal(s.env.count, 4);
	spec_free(&s);
}

static void
numbers_of_lithos(void **state)
{
	static const struct {
		int64_t memory, shares, restart, kill;
		uint64_t memory_is;
		uint32_t shares_is, restart_is, kill_is;
	} cases[] = {
	    {1, 0, 0, 0, 4 << 20, 2, 100, 1},
	    {5 << 20, 1, 99, 1, 5 << 20, 2, 100, 1},
	    {INT64_MAX, INT64_MAX, 100, 86400000, 0, 262144, 100, 86400000},
	};
	struct spec s;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		setup(state);
		flat_put_int(&sandbox.out, "default-user", 33);
		flat_put_int(&container.out, "memory-limit", cases[i].memory);
		flat_put_int(&container.out, "cpu-shares", cases[i].shares);
		flat_put_int(&container.out, "restart-timeout", cases[i].restart);
		flat_put_int(&container.out, "kill-timeout", cases[i].kill);
		accepted(&s);
		assert_true(s.memory_bytes == cases[i].memory_is);
		assert_int_equal(s.cpu_shares, cases[i].shares_is);
		assert_int_equal(s.restart_timeout_ms, cases[i].restart_is);
		assert_int_equal(s.kill_timeout_ms, cases[i].kill_is);
		spec_free(&s);
	}
	/* Unlimited is above what a sandbox gives. */
	setup(state);
	flat_put_int(&sandbox.out, "default-user", 33);
	flat_put_int(&sandbox.out, "limits/memory", 64 << 20);
	flat_put_int(&container.out, "memory-limit", INT64_MAX);
	refused("is above the 67108864 that sandbox 'web' allows");
}

/* A lying engine gives as many as fit, an image declares them all. */
static void
variables_have_a_number(void **state)
{
	static char many[257 * 8];
	char path[32];
	struct spec s;

	for (int n = 256; n <= 257; n++) {
		setup(state);
		flat_put_int(&sandbox.out, "default-user", 33);
		map(&container, "variables", FLAT_MAP, (uint32_t)n);
		judge.vars = many;
		judge.vars_bytes = 0;
		for (int i = 0; i < n; i++) {
			snprintf(path, sizeof path, "variables/v%d", i);
			tag(&container, path, "Name");
			flat_put(&container.out, path, FLAT_NULL, 1, 1, NULL, 0);
			judge.vars_bytes += (size_t)sprintf(many + judge.vars_bytes,
						"v%d=x", i) + 1;
		}
		if (n > 256) {
			refused("more than 256 variables are given");
			continue;
		}
		accepted(&s);
		spec_free(&s);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(own_map_within_the_sandboxes, setup),
	    cmocka_unit_test_setup(one_id_of_the_range, setup),
	    cmocka_unit_test_setup(own_map_of_the_range, setup),
	    cmocka_unit_test_setup(own_map_of_the_host, setup),
	    cmocka_unit_test_setup(bad_maps_of_an_image, setup),
	    cmocka_unit_test_setup(group_by_default, setup),
	    cmocka_unit_test_setup(environment_of_lithos, setup),
	    cmocka_unit_test_setup(numbers_of_lithos, setup),
	    cmocka_unit_test_setup(variables_have_a_number, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
