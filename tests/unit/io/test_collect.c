/*
 * test_collect.c - the collectors over a real store: on this host's /proc, and on plain
 * files that stand in for cgroups (v2, and v1 beside it), sensors and what changes.
 */
#include "world.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/statvfs.h>
#include <time.h>

#include "../../../daemon/io/collect_group.h"
#include "../../../daemon/io/collect_host.h"
#include "../../../daemon/io/collect_sensors.h"
#include "../../../daemon/io/collect_top.h"
#include "figures.h"

enum { MUCH = 384 << 20 }; /* bytes, by which a process is among the first ten */

/* --- one file ------------------------------------------------------------------------ */

static void
devices_come_and_go(void **state)
{
	static const char line[] = "%s: %d 0 0 0 0 0 0 0 7 0 0 0 0 0 0 0\n";
	char text[512];
	struct reading r;
	double none = 0;

	(void)state;
	snprintf(text, sizeof text, "h\nh\n eth0: 5 0 0 0 0 0 0 0 7 0 0 0 0 0 0 0\n");
	put("dev", text);
	reading_open(&r, PROCFS_NETDEV, w.fd, "dev");
	reading_tick(&r, &of, tick, &none);
	assert_true(value("node_network_receive_bytes_total,device=eth0," OF) == 5);
	assert_int_equal(r.count, 16);

	/* One comes before it, and it goes on in its own. */
	snprintf(text, sizeof text, "h\nh\n");
	snprintf(text + 4, sizeof text - 4, line, "br0", 9);
	snprintf(text + strlen(text), sizeof text - strlen(text), line, "eth0", 6);
	put("dev", text);
	reading_tick(&r, &of, ++tick, &none);
	assert_true(value("node_network_receive_bytes_total,device=eth0," OF) == 6);
	assert_true(value("node_network_receive_bytes_total,device=br0," OF) == 9);

	/* The first goes; the other one stays. */
	put("dev", "h\nh\nbr0: 10 0 0 0 0 0 0 0 7 0 0 0 0 0 0 0\n");
	reading_tick(&r, &of, ++tick, &none);
	assert_true(has_ended("node_network_receive_bytes_total,device=eth0," OF));
	assert_true(value("node_network_receive_bytes_total,device=br0," OF) == 10);

	/* And back again, as another kernel's line of fewer columns. */
	put("dev", "h\nh\nbr0: 10 0 0\neth0: 1\n");
	reading_tick(&r, &of, ++tick, &none);
	assert_true(value("node_network_receive_bytes_total,device=eth0," OF) == 1);
	assert_true(has_ended("node_network_transmit_bytes_total,device=br0," OF));

	/* Nothing to read: what was known ends. */
	put("dev", "");
	reading_tick(&r, &of, ++tick, &none);
	assert_true(has_ended("node_network_receive_bytes_total,device=eth0," OF));
	reading_end(&r, &of, tick);
	reading_end(&r, &of, tick);
}

/* iowait and idle are no sums of one moment, and can be less than before. */
static void
idle_time_is_never_taken_back(void **state)
{
	struct reading r;
	double none = 0;

	(void)state;
	put("stat", "cpu 1 1\ncpu0 100 0 0 5000 200 0 0 0 0 0\nctxt 1\n");
	reading_open(&r, PROCFS_STAT, w.fd, "stat");
	reading_tick(&r, &of, tick, &none);
	put("stat", "cpu 1 1\ncpu0 101 0 0 4998 300 0 0 0 0 0\nctxt 2\n");
	reading_tick(&r, &of, ++tick, &none);
	assert_true(value("node_cpu_seconds_total,cpu=0,mode=idle," OF) == 50);
	assert_true(value("node_cpu_seconds_total,cpu=0,mode=user," OF) == 1.01);
	assert_true(value("node_context_switches_total," OF) == 2);
	/* By much: that CPU was away, and began anew. */
	put("stat", "cpu 1 1\ncpu0 1 0 0 2 3 0 0 0 0 0\nctxt 3\n");
	reading_tick(&r, &of, ++tick, &none);
	assert_true(value("node_cpu_seconds_total,cpu=0,mode=idle," OF) == 0.02);
	reading_end(&r, &of, tick);
}

static void
what_was_dropped_is_opened_again(void **state)
{
	struct series_conf conf = {.bytes_max = 16 << 20, .series_max = 2, .owner_series_max = 2, .keep_ticks = 3600};
	struct reading r;
	double none = 0;

	(void)state;
	series_free(of.store);
	of.store = series_new(&conf);
	put("load", "0.25 0.50 0.75 1/2 3\n");
	reading_open(&r, PROCFS_LOADAVG, w.fd, "load");
	/* No room for the third, whose turn comes again once there is. */
	for (tick = 1020; tick < 1025; tick++)
		reading_tick(&r, &of, tick, &none);
	assert_int_equal(r.slots[2].id, 0);
	assert_int_not_equal(r.slots[0].id, 0);
	series_close(of.store, r.slots[1].id, tick);
	series_expire(of.store, tick + 4000);
	for (tick += 4000; r.slots[2].id == 0 && tick < 5200; tick++)
		reading_tick(&r, &of, tick, &none);
	assert_int_not_equal(r.slots[0].id, 0);
	reading_end(&r, &of, tick);
}

/* --- this host ------------------------------------------------------------------------- */

static void
this_host(void **state)
{
	struct collect_host *h;
	struct statvfs v;
	struct err err;
	char name[128];

	(void)state;
	assert_int_equal(collect_host_new(&of, NULL, &h, &err), 0);
	collect_host_tick(h, tick, 1700000000123);
	assert_true(value("node_time_seconds," OF) == 1700000000.123);
	assert_true(value("node_memory_MemTotal_bytes," OF) ==
	    (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE));
	assert_true(value("node_boot_time_seconds," OF) > 1e9);
	assert_true(value("node_load1," OF) >= 0);
	assert_true(value("node_vmstat_pgfault," OF) > 1000);
	assert_true(value("node_filefd_allocated," OF) > 1);
	snprintf(name, sizeof name, "node_cpu_seconds_total,cpu=0,mode=idle," OF);
	double idle = value(name);
	assert_int_equal(statvfs("/", &v), 0);
	/* Each second its own; slow things in their own seconds. */
	for (int i = 0; i < 12; i++)
		collect_host_tick(h, ++tick, 1700000000123 + i * 1000);
	assert_true(value(name) >= idle);
	assert_true(value("node_time_seconds," OF) == 1700000011.123);
	collect_host_free(h);
	collect_host_free(NULL);
}

static void
sensors(void **state)
{
	struct sensors *s;

	(void)state;
	put("devices/platform/core.0/hwmon/hwmon0/temp1_input", "45250\n");
	put("devices/platform/core.0/hwmon/hwmon0/temp1_label", "Core 0\n");
	put("devices/platform/core.0/hwmon/hwmon0/fan1_input", "900\n");
	put("devices/virtual/hwmon1/name", "ACPI-TZ\n");
	put("devices/virtual/hwmon1/temp2_input", "-5000\n");
	put("class/thermal/thermal_zone3/type", "x86_pkg_temp\n");
	put("class/thermal/thermal_zone3/temp", "51000\n");
	put("class/thermal/cooling_device0/type", "fan\n");
	put("class/hwmon/keep", "");
	assert_int_equal(symlinkat("../../devices/platform/core.0/hwmon/hwmon0", w.fd, "class/hwmon/hwmon0"), 0);
	assert_int_equal(symlinkat("../../devices/virtual/hwmon1", w.fd, "class/hwmon/hwmon1"), 0);
	assert_int_equal(symlinkat("../../../core.0", w.fd, "devices/platform/core.0/hwmon/hwmon0/device"), 0);
	assert_non_null(s = sensors_new(&of, w.fd, "class"));
	for (int i = 0; i < 12; i++)
		sensors_tick(s, tick++);
	assert_true(value("node_hwmon_temp_celsius,chip=platform_core_0,sensor=temp1," OF) == 45.25);
	assert_true(value("node_hwmon_temp_celsius,chip=acpi_tz,sensor=temp2," OF) == -5);
	assert_true(value("node_thermal_zone_temp,type=x86_pkg_temp,zone=3," OF) == 51);
	/* One that answers no more has ended; the others go on, also when all is looked for anew. */
	put("class/thermal/thermal_zone3/temp", "");
	tick += 600;
	for (int i = 0; i < 12; i++)
		sensors_tick(s, tick++);
	assert_true(has_ended("node_thermal_zone_temp,type=x86_pkg_temp,zone=3," OF));
	assert_true(value("node_hwmon_temp_celsius,chip=platform_core_0,sensor=temp1," OF) == 45.25);
	sensors_free(s);
	/* A host without any. */
	assert_non_null(s = sensors_new(&of, w.fd, "nowhere"));
	sensors_tick(s, tick);
	sensors_free(s);
}

/* --- processes ---------------------------------------------------------------------------- */

static void
who_uses_most(void **state)
{
	struct collect_top *t = collect_top_new(&of);
	char cpu[128], memory[128];
	pid_t child = fork();

	(void)state;
	assert_true(child >= 0);
	if (child == 0) { /* much of both */
		volatile char *p = malloc(MUCH);

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		alarm(300);
		for (size_t i = 0; p != NULL && i < MUCH; i += 1024)
			p[i] = 1;
		for (volatile uint64_t i = 0;; i++)
			;
	}
	snprintf(cpu, sizeof cpu, "mesh_process_cpu_seconds_total,comm=%.15s,pid=%d," OF, program_invocation_short_name, (int)child);
	snprintf(memory, sizeof memory, "mesh_process_resident_memory_bytes,comm=%.15s,pid=%d," OF, program_invocation_short_name, (int)child);
	struct series_point p;
	/* Rounds as fast as they go, until the kernel has counted some of it; others run too,
	 * so it may take many. */
	for (int i = 0; i < 6000 && (!newest(cpu, &p) || !newest(memory, &p) || p.value <= MUCH / 2); i++) {
		struct timespec ms = {0, 60000000};

		collect_top_tick(t, tick++);
		nanosleep(&ms, NULL);
	}
	assert_true(value(cpu) > 0);
	assert_true(value(memory) > MUCH / 2);
	kill(child, SIGKILL);
	assert_int_equal(waitpid(child, NULL, 0), child);
	for (int i = 0; i < 70; i++)
		collect_top_tick(t, tick++);
	assert_true(has_ended(cpu));
	assert_true(has_ended(memory));
	collect_top_free(t);
}

/* --- containers ------------------------------------------------------------------------- */

#define C(path) "id=/mesh/@box/web.1." path ",image=web-v1,instance=web.1,job=cadvisor,name=web.1,node=n1,role=web,"
#define MACHINE "instance=n1,job=cadvisor,node=n1,"
#define TOLD "instance=web.1,job=mesh,node=n1,role=web,"

static struct collect_groups *
groups(const char *mounts)
{
	char proc[128];

	put("proc/self/mountinfo", mounts);
	snprintf(proc, sizeof proc, "%s/proc", w.path);
	struct collect_groups *g = collect_groups_new(&of, "n1", 10, proc);
	assert_non_null(g);
	return g;
}

static void
see(struct collect_groups *g, const struct collect_instance *i, int64_t ticks)
{
	for (; ticks > 0; ticks--) {
		collect_groups_begin(g, tick, tick * 1000);
		if (i != NULL)
			collect_groups_see(g, i);
		collect_groups_end(g);
		tick++;
	}
}

/* The store gives owners out in order: those of groups are read by the same labels. */
static void
owner_of(const char *instance)
{
	char name[64];

	snprintf(name, sizeof name, "group/%s", instance);
	assert_int_equal(series_owner(of.store, slice_of(name), &of.owner), 0);
}

static void
the_machine_is_told_of(void **state)
{
	struct collect_groups *g = groups("");

	(void)state;
	see(g, NULL, 1);
	assert_true(value("machine_cpu_cores," MACHINE) == (double)sysconf(_SC_NPROCESSORS_ONLN));
	assert_true(value("machine_memory_bytes," MACHINE) > 1 << 20);
	collect_groups_free(g);
}

static void
a_container_on_cgroup2(void **state)
{
	struct collect_instance i = {.instance = "web.1", .role = "web", .image = "web-v1", .pid = 77,
	    .own_network = true, .health = VIEW_HEALTHY, .restarts = 2, .since_ms = 900500};
	struct collect_groups *g;
	char mounts[256];

	(void)state;
	snprintf(mounts, sizeof mounts, "41 31 0:38 / %s/cg rw - cgroup2 cgroup2 rw\n", w.path);
	put("proc/77/cgroup", "0::/mesh/@box/web.1.3\n");
	put("proc/77/net/dev", "h\nh\n lo: 1 2\n eth0: 70 1 0 0 0 0 0 0 90 2 0 0 0 0 0 0\n");
	put("cg/mesh/@box/web.1.3/cpu.stat", "usage_usec 1500000\nuser_usec 1000000\nsystem_usec 500000\nnr_periods 9\nnr_throttled 4\nthrottled_usec 2500000\n");
	put("cg/mesh/@box/web.1.3/memory.current", "100000\n");
	put("cg/mesh/@box/web.1.3/memory.stat", "anon 60000\nfile 40000\ninactive_file 30000\n");
	put("cg/mesh/@box/web.1.3/memory.max", "max\n");
	put("cg/mesh/@box/web.1.3/memory.peak", "120000\n");
	put("cg/mesh/@box/web.1.3/memory.events", "max 7\noom_kill 1\n");
	put("cg/mesh/@box/web.1.3/pids.current", "5\n");
	put("cg/mesh/@box/web.1.3/cpu.max", "50000 100000\n");
	put("cg/mesh/@box/web.1.3/cgroup.procs", "77\n78\n79\n");
	put("cg/mesh/@box/web.1.3/cpu.pressure", "some avg10=0 total=2000000\nfull avg10=0 total=1000000\n");
	g = groups(mounts);
	see(g, &i, 1); /* all of it at once */
	owner_of("web.1");
	assert_int_equal(collect_groups_left(g), 0);
	assert_true(value("container_cpu_usage_seconds_total,cpu=total," C("3")) == 1.5);
	assert_true(value("container_cpu_cfs_throttled_periods_total," C("3")) == 4);
	assert_true(value("container_memory_usage_bytes," C("3")) == 100000);
	assert_true(value("container_memory_working_set_bytes," C("3")) == 70000);
	assert_true(value("container_memory_rss," C("3")) == 60000);
	assert_true(value("container_memory_max_usage_bytes," C("3")) == 120000);
	assert_true(value("container_memory_failcnt," C("3")) == 7);
	assert_true(value("container_oom_events_total," C("3")) == 1);
	assert_true(value("container_spec_memory_limit_bytes," C("3")) == 0);
	assert_true(value("container_spec_cpu_quota," C("3")) == 50000);
	assert_true(value("container_threads," C("3")) == 5);
	assert_true(value("container_processes," C("3")) == 3);
	assert_true(value("container_pressure_cpu_waiting_seconds_total," C("3")) == 2);
	assert_true(value("container_start_time_seconds," C("3")) == 900.5);
	assert_true(value("container_last_seen," C("3")) == 1000);
	assert_true(value("container_network_receive_bytes_total,interface=eth0," C("3")) == 70);
	assert_true(value("mesh_instance_up," TOLD) == 1);
	assert_true(value("mesh_instance_restarts_total," TOLD) == 2);
	assert_true(value("mesh_instance_health," TOLD) == 1);

	/* The next run: other groups, so other series; of the old ones all have ended. */
	put("proc/80/cgroup", "0::/mesh/@box/web.1.4\n");
	put("cg/mesh/@box/web.1.4/memory.current", "1\n");
	i.pid = 80;
	i.restarts = 3;
	see(g, &i, 1);
	assert_true(has_ended("container_cpu_usage_seconds_total,cpu=total," C("3")));
	assert_true(has_ended("container_last_seen," C("3")));
	assert_true(value("container_memory_usage_bytes," C("4")) == 1);
	assert_true(value("mesh_instance_restarts_total," TOLD) == 3);

	/* It waits for its next try: nothing of it runs, but the supervisor tells of it. */
	i.pid = 0;
	i.health = VIEW_HEALTH_WAIT;
	see(g, &i, 1);
	assert_true(has_ended("container_memory_usage_bytes," C("4")));
	assert_true(has_ended("mesh_instance_health," TOLD));
	assert_true(value("mesh_instance_up," TOLD) == 0);
	/* It is gone, and so is the owner of its series. */
	struct series_point p;
	series_id up = id_of("mesh_instance_up," TOLD);
	see(g, NULL, 1);
	assert_true(series_last(of.store, up, &p) && series_is_stale(p.value));
	collect_groups_free(g);
}

static void
a_container_on_v1_beside_cgroup2(void **state)
{
	static const struct collect_instance i = {.instance = "web.1", .role = "web", .image = "web-v1", .pid = 77};
	struct collect_groups *g;
	char mounts[512];

	(void)state;
	/* The memory hierarchy is mounted in part, as in a container. */
	snprintf(mounts, sizeof mounts, "31 1 0:1 /outer %s/memory rw - cgroup none rw,memory\n"
	    "32 1 0:2 / %s/cpu rw - cgroup none rw,cpu,cpuacct\n41 1 0:3 / %s/cg rw - cgroup2 none rw\n", w.path, w.path, w.path);
	put("proc/77/cgroup", "4:memory:/outer/mesh/@box/web.1.3\n1:cpu,cpuacct:/mesh/@box/web.1.3\n5:pids:/mesh/@box/web.1.3\n0::/mesh/@box/web.1.3\n");
	put("cg/mesh/@box/web.1.3/cpu.stat", "usage_usec 1500000\nuser_usec 1000000\nsystem_usec 500000\n");
	put("memory/mesh/@box/web.1.3/memory.usage_in_bytes", "100000\n");
	put("memory/mesh/@box/web.1.3/memory.stat", "inactive_file 1\ntotal_rss 60000\ntotal_inactive_file 30000\n");
	put("memory/mesh/@box/web.1.3/memory.limit_in_bytes", "67108864\n");
	put("memory/mesh/@box/web.1.3/memory.failcnt", "8\n");
	put("memory/mesh/@box/web.1.3/memory.oom_control", "oom_kill_disable 0\noom_kill 2\n");
	put("cpu/mesh/@box/web.1.3/cpu.stat", "nr_periods 9\nnr_throttled 4\nthrottled_time 2500000000\n");
	put("cpu/mesh/@box/web.1.3/cpu.cfs_quota_us", "-1\n");
	g = groups(mounts);
	see(g, &i, 12);
	owner_of("web.1");
	assert_true(value("container_cpu_usage_seconds_total,cpu=total," C("3")) == 1.5);
	assert_true(value("container_cpu_cfs_throttled_seconds_total," C("3")) == 2.5);
	assert_true(value("container_memory_working_set_bytes," C("3")) == 70000);
	assert_true(value("container_memory_failcnt," C("3")) == 8);
	assert_true(value("container_oom_events_total," C("3")) == 2);
	assert_true(value("container_spec_memory_limit_bytes," C("3")) == 67108864);
	assert_true(is_none("container_spec_cpu_quota," C("3")));
	assert_true(is_none("mesh_instance_health," TOLD)); /* of it nothing is asked */
	collect_groups_free(g);
}

/* What a process says of its groups is believed only where its own name is. */
static void
another_groups_files_are_not_its_own(void **state)
{
	static const char *const bad[] = {"0::/\n", "0::/mesh/@box/web.11.3\n", "0::/mesh/@box/web.1.x\n",
	    "0::/mesh/@box/web.1.\n", "0::/mesh/@box/web.1\n", "0::/mesh/../mesh/@box/web.1.3\n", "", "0::"};
	static const struct collect_instance i = {.instance = "web.1", .role = "web", .image = "web-v1", .pid = 77};
	struct collect_groups *g;
	char mounts[256];

	(void)state;
	snprintf(mounts, sizeof mounts, "41 31 0:38 / %s/cg rw - cgroup2 cgroup2 rw\n", w.path);
	put("cg/mesh/@box/web.1.3/memory.current", "100000\n");
	put("cg/mesh/@box/web.11.3/memory.current", "100000\n");
	for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
		put("proc/77/cgroup", bad[k]);
		g = groups(mounts);
		see(g, &i, 2);
		assert_int_equal(collect_groups_left(g), 1);
		owner_of("web.1");
		assert_true(is_none("container_memory_usage_bytes," C("3")));
		collect_groups_free(g);
	}
	/* A group that is a link leads nowhere. */
	put("proc/77/cgroup", "0::/mesh/@box/web.1.9\n");
	assert_int_equal(symlinkat("web.1.3", w.fd, "cg/mesh/@box/web.1.9"), 0);
	g = groups(mounts);
	see(g, &i, 1);
	assert_true(is_none("container_memory_usage_bytes," C("9")));
	collect_groups_free(g);
	/* No cgroups at all, and no such process. */
	g = groups("");
	see(g, &i, 1);
	collect_groups_free(g);
}

static void
more_than_there_are_files_for_are_counted(void **state)
{
	struct collect_groups *g;
	char mounts[256], path[128], text[128], name[32];

	(void)state;
	snprintf(mounts, sizeof mounts, "41 31 0:38 / %s/cg rw - cgroup2 cgroup2 rw\n", w.path);
	g = groups(mounts);
	for (int round = 0; round < 2; round++) {
		collect_groups_begin(g, tick, tick * 1000);
		for (int k = 0; k < 12; k++) { /* 10 are read */
			snprintf(name, sizeof name, "web.%d", k);
			snprintf(path, sizeof path, "proc/%d/cgroup", 100 + k);
			snprintf(text, sizeof text, "0::/mesh/@box/web.%d.1\n", k);
			put(path, text);
			snprintf(path, sizeof path, "cg/mesh/@box/web.%d.1/memory.current", k);
			put(path, "1\n");
			collect_groups_see(g, &(struct collect_instance){.instance = name, .role = "web", .image = "i", .pid = 100 + k});
		}
		collect_groups_end(g);
		tick++;
		assert_int_equal(collect_groups_left(g), 2);
	}
	collect_groups_free(g);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(devices_come_and_go, setup, teardown),
	    cmocka_unit_test_setup_teardown(idle_time_is_never_taken_back, setup, teardown),
	    cmocka_unit_test_setup_teardown(what_was_dropped_is_opened_again, setup, teardown),
	    cmocka_unit_test_setup_teardown(this_host, setup, teardown),
	    cmocka_unit_test_setup_teardown(sensors, setup, teardown),
	    cmocka_unit_test_setup_teardown(who_uses_most, setup, teardown),
	    cmocka_unit_test_setup_teardown(the_machine_is_told_of, setup, teardown),
	    cmocka_unit_test_setup_teardown(a_container_on_cgroup2, setup, teardown),
	    cmocka_unit_test_setup_teardown(a_container_on_v1_beside_cgroup2, setup, teardown),
	    cmocka_unit_test_setup_teardown(another_groups_files_are_not_its_own, setup, teardown),
	    cmocka_unit_test_setup_teardown(more_than_there_are_files_for_are_counted, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
