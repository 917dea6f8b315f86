/*
 * test_config.c - the daemon's records to fields with defaults, and meshd's
 * command line.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../../../daemon/supervisor/args.h"
#include "../../../daemon/supervisor/config.h"

static uint8_t buf[8192];

static int
read_one(const char *key, const char *value, struct config *c, struct err *err)
{
	struct flat_out o;
	struct flat f;

	memset(c, 0, sizeof *c);
	strcpy(c->file, "mesh.yaml");
	flat_begin(&o, buf, sizeof buf);
	if (key != NULL)
		flat_put(&o, key, FLAT_STR, 3, 7, value, strlen(value));
	assert_int_equal(flat_open(&f, buf, flat_end(&o)), 0);
	return config_read(c, &f, err);
}

static void
defaults(void **state)
{
	struct config c;
	struct err err;

	(void)state;
	assert_int_equal(read_one(NULL, NULL, &c, &err), 0);
	assert_string_equal(c.config_dir, "/etc/mesh");
	assert_string_equal(c.state_dir, "/var/lib/mesh");
	assert_string_equal(c.run_dir, "/run/mesh");
	assert_string_equal(c.log_dir, "/var/log/mesh");
	assert_string_equal(c.cluster_key, "/var/lib/mesh/cluster.key");
	assert_false(c.key_configured);
	assert_string_equal(c.user, "mesh");
	assert_string_equal(c.conf_user, "mesh-conf");
	assert_string_equal(c.cgroup, "mesh");
	assert_int_equal(read_one("state-dir", "/x", &c, &err), 0);
	assert_string_equal(c.cluster_key, "/x/cluster.key");
	assert_int_equal(read_one("cluster-key", "/k", &c, &err), 0);
	assert_true(c.key_configured);
	assert_string_equal(c.cluster_key, "/k");
	assert_int_equal(read_one("uid-range", "100000-231071", &c, &err), 0);
	assert_int_equal(c.range_first, 100000);
	assert_int_equal(c.range_last, 231071);
	assert_int_equal(c.port, 7780);
	assert_int_equal(read_one("listen", "[fd00::1]:99", &c, &err), 0);
	assert_int_equal(c.port, 99);
}

static void
bad_values_have_a_place(void **state)
{
	static const struct {
		const char *key, *value;
	} cases[] = {{"state-dir", "rel"}, {"state-dir", ""}, {"user", ""},
	    {"cgroup", "../x"}, {"cgroup", "/x"}, {"cgroup", ""},
	    {"uid-range", "0-99999999"}, {"uid-range", "100000-100001"},
	    {"uid-range", "5"}, {"uid-range", "a-b"},
	    {"uid-range", "100000-4294967295"},
	    {"uid-range", "100000-200000x"}};
	struct config c;
	struct err err;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(read_one(cases[i].key, cases[i].value, &c, &err),
		    -EXIT_CONFIG);
		assert_memory_equal(err.text, "mesh.yaml:3:7: ", 15);
		assert_non_null(strstr(err.text, cases[i].key));
	}
}

static int
master(const char *config_dir, const char *dir, struct config *c,
    struct err *err)
{
	struct flat_out o;
	struct flat f;

	memset(c, 0, sizeof *c);
	strcpy(c->config_dir, config_dir);
	flat_begin(&o, buf, sizeof buf);
	if (dir != NULL)
		flat_put(&o, "sandboxes-dir", FLAT_STR, 4, 16, dir,
		    strlen(dir));
	assert_int_equal(flat_open(&f, buf, flat_end(&o)), 0);
	return config_master(c, "master.yaml", &f, err);
}

static void
where_the_sandboxes_are(void **state)
{
	static const char dflt[] = "/etc/mesh/lithos-configs/sandboxes";
	char wide[1000];
	struct config c;
	struct err err;

	(void)state;
	strcpy(c.config_dir, "/etc/mesh");
	assert_int_equal(config_master(&c, "master.yaml", NULL, &err), 0);
	assert_string_equal(c.sandboxes_dir, dflt);
	assert_int_equal(master("/etc/mesh", NULL, &c, &err), 0);
	assert_string_equal(c.sandboxes_dir, dflt);
	assert_int_equal(master("/etc/mesh", "./sandboxes", &c, &err), 0);
	assert_string_equal(c.sandboxes_dir, dflt);
	assert_int_equal(master("/etc/mesh", "sb/web", &c, &err), 0);
	assert_string_equal(c.sandboxes_dir, "/etc/mesh/lithos-configs/sb/web");
	assert_int_equal(master("/etc/mesh", "/srv/sb", &c, &err), 0);
	assert_string_equal(c.sandboxes_dir, "/srv/sb");
	memset(wide, 'x', sizeof wide - 1);
	wide[sizeof wide - 1] = '\0';
	wide[0] = '/';
	assert_int_equal(master("/etc/mesh", wide, &c, &err), -EXIT_CONFIG);
	assert_memory_equal(err.text, "master.yaml:4:16: sandboxes-dir: ", 33);
	wide[400] = wide[500] = '\0';
	assert_int_equal(master(wide, wide + 401, &c, &err), 0);
	wide[500] = 'x';
	wide[600] = '\0';
	assert_int_equal(master(wide, wide + 401, &c, &err), -EXIT_CONFIG);
	assert_non_null(strstr(err.text, "with config-dir longer than"));
}

static void
arguments(void **state)
{
	char *dev[] = {"meshd", "--dev", "--nodes", "5", NULL};
	char *run[] = {"meshd", "--debug", "--config=x", NULL};
	char *none[] = {"meshd", NULL};
	char *twice[] = {"meshd", "--config", "a", "--config=b", NULL};
	struct args a;
	struct err err;

	(void)state;
	assert_int_equal(args_parse(&a, 4, dev, &err), 0);
	assert_int_equal(a.mode, ARGS_DEV);
	assert_int_equal(a.dev_at, 2);
	assert_int_equal(args_parse(&a, 3, run, &err), 0);
	assert_true(a.debug);
	assert_string_equal(a.config, "x");
	assert_int_equal(args_parse(&a, 1, none, &err), 0);
	assert_string_equal(a.config, "/etc/mesh/mesh.yaml");
	assert_int_equal(args_parse(&a, 4, twice, &err), -EXIT_USAGE_);
	assert_string_equal(err.text, "--config given twice");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(defaults),
	    cmocka_unit_test(bad_values_have_a_place),
	    cmocka_unit_test(where_the_sandboxes_are),
	    cmocka_unit_test(arguments),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
