/*
 * test_cgroup.c - which file of which hierarchy a limit is written to, and
 * with what number.
 *
 * The files are plain ones in a directory that stands in for cgroup2 or v1:
 * that the kernel takes what is written there, and holds it, is seen by
 * tests/containers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../../daemon/supervisor/cgroup_in.h"

static char top[32];

static void
touch(int dir, const char *group, const char *file)
{
	char path[128];

	snprintf(path, sizeof path, "%s/%s", group, file);
	mkdirat(dir, group, 0755);
	int fd = openat(dir, path, O_WRONLY | O_CREAT, 0644);
	assert_true(fd >= 0);
	close(fd);
}

static void
expect(int dir, const char *group, const char *file, const char *want)
{
	char path[128], text[64] = "";

	snprintf(path, sizeof path, "%s/%s", group, file);
	int fd = openat(dir, path, O_RDONLY);
	assert_true(fd >= 0 && read(fd, text, sizeof text - 1) >= 0);
	close(fd);
	assert_string_equal(text, want);
}

static int
directory(void **state)
{
	(void)state;
	snprintf(top, sizeof top, "/tmp/mesh-unit-XXXXXX");
	return mkdtemp(top) == NULL;
}

static int
gone(void **state)
{
	char command[64];

	(void)state;
	snprintf(command, sizeof command, "rm -r %s", top);
	return system(command);
}

static struct cgroups
pure_v2(const char *group)
{
	static const char *const files[] = {"memory.max", "memory.high",
	    "memory.swap.max", "memory.oom.group", "cpu.weight", "cpu.max",
	    "pids.max", "io.weight", "cgroup.subtree_control"};
	struct cgroups g = {.unified = open(top, O_RDONLY | O_DIRECTORY)};

	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		touch(g.unified, group, files[i]);
	for (int i = 0; i < CGROUP_COUNT; i++) {
		g.v2[i] = true;
		g.v1[i] = -1;
	}
	return g;
}

static void
limits_on_cgroup2(void **state)
{
	const struct cgroup_limits l = {.memory_bytes = 64 << 20,
	    .memory_high_bytes = 48 << 20, .cpu_shares = 512, .cpu_milli = 1500,
	    .pids = 20, .io_weight = 150};
	struct cgroups g = pure_v2("leaf");
	struct err err = {0};

	(void)state;
	assert_int_equal(cgroup_limit_leaf(&g, "leaf", &l, &err), 0);
	expect(g.unified, "leaf", "memory.max", "67108864");
	expect(g.unified, "leaf", "memory.high", "50331648");
	expect(g.unified, "leaf", "memory.swap.max", "0");
	expect(g.unified, "leaf", "memory.oom.group", "1");
	expect(g.unified, "leaf", "cpu.weight", "59");
	expect(g.unified, "leaf", "cpu.max", "150000 100000");
	expect(g.unified, "leaf", "pids.max", "20");
	expect(g.unified, "leaf", "io.weight", "150");
	close(g.unified);
}

/* A sandbox's group hands the controllers down, does not end as one, and what
 * is not limited any more is lifted. */
static void
a_sandbox_on_cgroup2(void **state)
{
	struct cgroup_limits l = {.memory_bytes = 64 << 20, .pids = 20};
	struct cgroups g = pure_v2("@web");
	struct err err = {0};

	(void)state;
	assert_int_equal(cgroup_limit_box(&g, "@web", false, &l, &err), 0);
	expect(g.unified, "@web", "memory.max", "67108864");
	expect(g.unified, "@web", "memory.oom.group", "");
	expect(g.unified, "@web", "cpu.max", "");
	expect(g.unified, "@web", "pids.max", "20");
	expect(g.unified, "@web", "cgroup.subtree_control", "+io");
	l = (struct cgroup_limits){.cpu_milli = 250};
	assert_int_equal(cgroup_limit_box(&g, "@web", true, &l, &err), 0);
	expect(g.unified, "@web", "memory.max", "max");
	expect(g.unified, "@web", "memory.swap.max", "max");
	expect(g.unified, "@web", "pids.max", "max");
	expect(g.unified, "@web", "cpu.max", "25000 100000");
	close(g.unified);
}

static void
limits_on_v1(void **state)
{
	static const char *const files[] = {"memory.limit_in_bytes",
	    "memory.memsw.limit_in_bytes", "memory.soft_limit_in_bytes",
	    "cpu.shares", "cpu.cfs_quota_us", "pids.max", "blkio.bfq.weight"};
	const struct cgroup_limits l = {.memory_bytes = 64 << 20,
	    .memory_high_bytes = 48 << 20, .cpu_shares = 512, .cpu_milli = 1500,
	    .pids = 20, .io_weight = 10000};
	struct err err = {0};
	struct cgroups g = {.unified = -1};
	int dir = open(top, O_RDONLY | O_DIRECTORY);

	(void)state;
	for (int i = 0; i < CGROUP_COUNT; i++)
		g.v1[i] = dir;
	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		touch(dir, "leaf", files[i]);
	assert_int_equal(cgroup_limit_leaf(&g, "leaf", &l, &err), 0);
	expect(dir, "leaf", "memory.limit_in_bytes", "67108864");
	expect(dir, "leaf", "memory.memsw.limit_in_bytes", "67108864");
	expect(dir, "leaf", "memory.soft_limit_in_bytes", "50331648");
	expect(dir, "leaf", "cpu.shares", "512");
	expect(dir, "leaf", "cpu.cfs_quota_us", "150000");
	expect(dir, "leaf", "pids.max", "20");
	expect(dir, "leaf", "blkio.bfq.weight", "1000");
	close(dir);
}

/* Each limit alone, where its file or its controller is not there. */
static void
what_cannot_be_set_is_an_error(void **state)
{
	static const struct {
		struct cgroup_limits l;
		const char *key;
	} cases[] = {
	    {{.memory_bytes = 4 << 20}, "memory-limit: cannot be set: "},
	    {{.memory_high_bytes = 4 << 20}, "memory-high: cannot be set: "},
	    {{.cpu_shares = 512}, "cpu-shares: cannot be set: "},
	    {{.cpu_milli = 500}, "cpu-quota: cannot be set: "},
	    {{.pids = 5}, "pids-limit: cannot be set: "},
	    {{.io_weight = 5}, "io-weight: cannot be set: "},
	    {{0}, "cannot write '1' to bare/memory.oom.group: "},
	};
	struct cgroups v2 = pure_v2("leaf"), none = {.unified = v2.unified};
	struct err err;

	(void)state;
	memset(none.v1, -1, sizeof none.v1);
	mkdirat(v2.unified, "bare", 0755);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		memset(&err, 0, sizeof err);
		assert_int_equal(cgroup_limit_leaf(&v2, "bare", &cases[i].l, &err),
		    -EXIT_ENVIRONMENT);
		assert_ptr_equal(strstr(err.text, cases[i].key), err.text);
		if (i == ARRAY_LEN(cases) - 1)
			break; /* cgroup2's alone */
		assert_int_equal(cgroup_limit_leaf(&none, "leaf", &cases[i].l,
				     &err),
		    -EXIT_ENVIRONMENT);
		assert_ptr_equal(strstr(err.text, cases[i].key), err.text);
		assert_non_null(strstr(err.text, "controller of cgroups is not mounted"));
	}
	close(v2.unified);
}

/* Values of the formula, by arithmetic with 50 digits. */
static void
weight_of_shares(void **state)
{
	static const struct {
		uint32_t shares;
		unsigned weight;
	} cases[] = {{0, 1}, {1, 1}, {2, 1},
	    {3, 2}, {10, 4}, {64, 12}, {100, 17}, {256, 35}, {512, 59}, {1023, 100},
	    {1024, 100}, {1025, 101}, {2048, 174}, {4096, 303}, {10240, 639}, {65536, 3023}, {200000, 7899},
	    {262143, 10000}, {262144, 10000}, {UINT32_MAX, 10000}};
	unsigned last = 1;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(cgroup_cpu_weight(cases[i].shares),
		    cases[i].weight);
	for (uint32_t s = 3; s <= 262144; s++) { /* as libm has it */
		unsigned w = cgroup_cpu_weight(s);

		double l = log2(s);

		assert_true(w >= last && w <= 10000);
		assert_int_equal(w, s == 262144 ? 10000 : (unsigned)ceil(pow(10, (l * l + 125 * l) / 612 - 7.0 / 34) - 1e-9));
		last = w;
	}
}

static void
sandbox_of_a_leaf(void **state)
{
	char name[NAME_CAP];

	(void)state;
	cgroup_box_of("@web/web.1.7", name);
	assert_string_equal(name, "web");
	cgroup_box_of("web.1.7", name);
	assert_string_equal(name, "");
	cgroup_box_of("", name);
	assert_string_equal(name, "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(limits_on_cgroup2, directory, gone),
	    cmocka_unit_test_setup_teardown(a_sandbox_on_cgroup2, directory, gone),
	    cmocka_unit_test_setup_teardown(limits_on_v1, directory, gone),
	    cmocka_unit_test_setup_teardown(what_cannot_be_set_is_an_error,
		directory, gone),
	    cmocka_unit_test(weight_of_shares),
	    cmocka_unit_test(sandbox_of_a_leaf),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
