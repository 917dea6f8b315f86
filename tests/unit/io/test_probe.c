/*
 * What /proc says: the parsers on any text, then the running kernel.
 */
#include "world.h"

#include <sys/statvfs.h>

#include "../../../daemon/io/probe.h"

static void
stat_is_parsed(void **state)
{
	uint64_t busy = 0, total = 0;

	(void)state;
	assert_true(probe_parse_stat("cpu  10 20 30 400 50 1 2 3 99 99\ncpu0 1 2 3 4\n", &busy,
	    &total));
	assert_int_equal(total, 516);
	assert_int_equal(busy, 66);
	assert_true(probe_parse_stat("cpu  1 2 3 4", &busy, &total));
	assert_int_equal(total, 10);
	assert_int_equal(busy, 6);
}

static void
bad_stat_is_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"cpu",
		"cpu ",
		"cpu0 1 2 3 4\n",
		"cpu  1 2 3",
		"cpu  1 2 x 4",
		"cpu  -1 2 3 4",
		"cpu  1 2 3 99999999999999999999999",
		"cpu  18446744073709551615 1 1 1",
		"CPU  1 2 3 4",
	};
	uint64_t busy, total;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(probe_parse_stat(bad[i], &busy, &total));
}

static void
meminfo_is_parsed(void **state)
{
	uint64_t total = 0, available = 0;

	(void)state;
	assert_true(probe_parse_meminfo("MemTotal:       1000 kB\nMemFree:  1 kB\n"
	                                "MemAvailable:    250 kB\n", &total, &available));
	assert_int_equal(total, 1000 * 1024);
	assert_int_equal(available, 250 * 1024);
	/* A container's view may say more available than there is. */
	assert_true(probe_parse_meminfo("MemTotal: 10 kB\nMemAvailable: 11 kB\n", &total,
	    &available));
	assert_int_equal(available, total);
}

static void
bad_meminfo_is_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"MemTotal: 10 kB\n",
		"MemAvailable: 10 kB\n",
		"MemTotal: 0 kB\nMemAvailable: 0 kB\n",
		"MemTotal: 10\nMemAvailable: 5 kB\n",
		"MemTotal: ten kB\nMemAvailable: 5 kB\n",
		"MemTotal: 18446744073709551615 kB\nMemAvailable: 5 kB\n",
		"xMemTotal: 10 kB\nMemAvailable: 5 kB\n",
	};
	uint64_t total, available;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(probe_parse_meminfo(bad[i], &total, &available));
}

static void
loadavg_is_parsed(void **state)
{
	static const char *const bad[] = { "", "x", "1", "1.", "1.5 2", "-1.00", "1.255",
		"99999999.00", "18446744073709551616.00" };
	double load = 0;

	(void)state;
	assert_true(probe_parse_loadavg("12.05 0.10 0.08 2/345 6789\n", &load));
	assert_true(load > 12.049 && load < 12.051);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(probe_parse_loadavg(bad[i], &load));
}

/* As collect_host.c does. */
static void
take(struct probe *p)
{
	static const struct {
		const char *path;
		enum procfs_kind kind;
	} files[] = {{"/proc/stat", PROCFS_STAT}, {"/proc/meminfo", PROCFS_MEMINFO}, {"/proc/loadavg", PROCFS_LOADAVG}};
	static char text[65536];

	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		int fd = open(files[i].path, O_RDONLY | O_CLOEXEC);
		ssize_t n = read(fd, text, sizeof text);

		assert_true(n > 0);
		probe_take(p, files[i].kind, (struct slice){(const uint8_t *)text, (size_t)n});
		close(fd);
	}
	probe_take(p, PROCFS_NETDEV, (struct slice){(const uint8_t *)"cpu  9 9 9 9", 12});
	probe_take(p, PROCFS_STAT, (struct slice){NULL, 0});
}

static void
this_host_is_read(void **state)
{
	struct mesh_summary s = { .instances = 7, .facts_hash = 9, .cpu_percent = 77 };
	struct view_metrics m;
	struct statvfs v;
	struct probe *p;
	struct world w;
	struct err err;

	(void)state;
	world_open(&w);
	assert_int_equal(probe_new(w.fd, &p, &err), 0);
	take(p);
	probe_read(p, &s, &m);
	assert_int_equal(s.cpu_percent, 0); /* nothing to compare with yet */
	assert_int_equal(s.instances, 7);
	assert_int_equal(s.facts_hash, 9);
	assert_true(s.mem_percent > 0 && s.mem_percent <= 100);
	assert_true(m.memory_free_bytes > 1 << 20);
	assert_int_equal(fstatvfs(w.fd, &v), 0);
	assert_int_equal(m.disk_bytes, v.f_blocks * v.f_frsize);
	assert_true(m.disk_free_bytes <= m.disk_bytes && s.disk_percent <= 100);
	assert_true(m.load1 >= 0 && s.load_centi == (uint16_t)(m.load1 * 100 + 0.5));
	/* Burn until the kernel has counted a tick of it. */
	for (volatile uint64_t i = 0; s.cpu_percent == 0 && i < UINT64_C(4000000000);) {
		for (int j = 0; j < 10000000; j++)
			i++;
		take(p);
		probe_read(p, &s, &m);
	}
	assert_in_range(s.cpu_percent, 1, 100);
	assert_true(m.cpu_percent > 0 && m.cpu_percent <= 100);
	probe_read(p, NULL, NULL);
	probe_free(p);
	probe_free(NULL);
	world_close(&w);
}

/* A small disk, a middling and a large one. */
static void
a_full_disk_is_said(void **state)
{
	static const struct {
		uint64_t bytes, left;
		bool full;
	} rows[] = {
		{0, 0, false}, /* not read yet */
		{UINT64_C(20) << 30, 0, true},
		{UINT64_C(20) << 30, (16 << 20) - 1, true},
		{UINT64_C(20) << 30, 100 << 20, true},
		{UINT64_C(20) << 30, 300 << 20, false},
		{UINT64_C(1) << 30, 16 << 20, false},
		{UINT64_C(4) << 40, UINT64_C(2) << 30, false},
	};
	char text[128];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct view_metrics m = {.disk_bytes = rows[i].bytes, .disk_free_bytes = rows[i].left};

		assert_int_equal(probe_disk_line(&m, "/s", text, sizeof text), rows[i].full);
	}
	assert_true(probe_disk_line(&(struct view_metrics){.disk_bytes = 6 << 20, .disk_free_bytes = 4096}, "/s",
	    text, sizeof text));
	assert_string_equal(text, "the disk of /s is full: 4 KiB are left of 6 MiB");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_full_disk_is_said),
		cmocka_unit_test(stat_is_parsed),
		cmocka_unit_test(bad_stat_is_refused),
		cmocka_unit_test(meminfo_is_parsed),
		cmocka_unit_test(bad_meminfo_is_refused),
		cmocka_unit_test(loadavg_is_parsed),
		cmocka_unit_test(this_host_is_read),
	};

	return cmocka_run_group_tests_name("probe", tests, NULL, NULL);
}
