/*
 * test_audit.c - what the kernel says of a container, from documents that no kernel makes:
 * cut, empty, odd, and with names of files that want to be more.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../../../daemon/core/audit.h"

static struct slice
text(const char *s)
{
	return (struct slice){(const uint8_t *)s, strlen(s)};
}

static bool
says(const struct audit_findings *f, enum audit_level level, const char *words)
{
	for (size_t i = 0; i < f->count; i++)
		if (f->items[i].level == level && strstr(f->items[i].text, words) != NULL)
			return true;
	return false;
}

static void
fields(void **state)
{
	const char *status = "Name:\ta b\nSeccomp_filters:\t3\nSeccomp:\t2\nUid:\t1\t22 \t 3  \nEnd:\nX:\t\033[2J\xff";
	char v[32];

	(void)state;
	assert_true(audit_field(text(status), "Name", v, sizeof v));
	assert_string_equal(v, "a b");
	assert_true(audit_field(text(status), "Seccomp", v, sizeof v));
	assert_string_equal(v, "2");
	assert_true(audit_field(text(status), "Uid", v, sizeof v));
	assert_string_equal(v, "1 22 3");
	assert_true(audit_field(text(status), "End", v, sizeof v));
	assert_string_equal(v, "");
	assert_true(audit_field(text(status), "X", v, sizeof v));
	assert_string_equal(v, "\\x1b[2J\\xff");
	assert_false(audit_field(text(status), "Secc", v, sizeof v));
	assert_false(audit_field(text(status), "b", v, sizeof v));
	assert_string_equal(v, "");
	assert_true(audit_field(text("Max open files   256   unlimited   files \n"), "Max open files", v, sizeof v));
	assert_string_equal(v, "256 unlimited files");
}

static void
mounts(void **state)
{
	const char *info = "36 35 98:0 /mnt1 /a\\040b\\012c rw,noatime master:1 shared:2 - ext4 /dev/x\\134y rw,x=y\n"
			   "\n"
			   "37 36 0:1 / / ro,nosuid - tmpfs none rw\n"
			   "38 37 0:2 / /cut ro,no";
	struct audit_mount m;
	size_t off = 0;
	bool ok;

	(void)state;
	assert_true(audit_mount_next(text(info), &off, &m, &ok) && ok);
	assert_int_equal(m.id, 36);
	assert_string_equal(m.at, "/a b\\x0ac");
	assert_string_equal(m.root, "/mnt1");
	assert_string_equal(m.options, "rw,noatime");
	assert_string_equal(m.spread, "master:1 shared:2");
	assert_string_equal(m.type, "ext4");
	assert_string_equal(m.source, "/dev/x\\y");
	assert_string_equal(m.super, "rw,x=y");
	assert_true(audit_mount_next(text(info), &off, &m, &ok) && !ok);
	assert_true(audit_mount_next(text(info), &off, &m, &ok) && ok);
	assert_true(audit_has_option(m.options, "ro") && audit_has_option(m.options, "nosuid"));
	assert_false(audit_has_option(m.options, "nosui") || audit_has_option(m.options, "o"));
	assert_string_equal(m.spread, "");
	assert_true(audit_mount_next(text(info), &off, &m, &ok) && !ok);
	assert_false(audit_mount_next(text(info), &off, &m, &ok));
}

static void
long_words(void **state)
{
	static char line[20000];
	struct audit_mount m;
	size_t off = 0, n;
	bool ok;

	(void)state;
	n = (size_t)sprintf(line, "1 2 0:1 / /");
	memset(line + n, '\001', 4000);
	n += 4000;
	n += (size_t)sprintf(line + n, " rw");
	for (int i = 0; i < 200; i++)
		n += (size_t)sprintf(line + n, " shared:%d", i);
	sprintf(line + n, " - tmpfs none rw\n");
	assert_true(audit_mount_next(text(line), &off, &m, &ok) && ok);
	assert_true(strlen(m.at) < sizeof m.at && strstr(m.at, "\\x01...") != NULL);
	assert_true(strlen(m.spread) < sizeof m.spread);
	assert_string_equal(m.type, "tmpfs");
}

/* Nothing is known: then nothing is well. */
static void
nothing_is_there(void **state)
{
	uint8_t buf[256];
	struct flat_out o;
	struct flat doc;
	struct audit_findings f;

	(void)state;
	flat_begin(&o, buf, sizeof buf);
	assert_int_equal(flat_open(&doc, buf, flat_end(&o)), 0);
	audit_judge(&doc, &f);
	assert_true(says(&f, AUDIT_UNKNOWN, "app: there is none"));
	assert_true(says(&f, AUDIT_WEAKER, "init: can't be read"));
	assert_true(says(&f, AUDIT_WEAKER, "0 of its 0 seccomp programs"));
	assert_true(says(&f, AUDIT_WEAKER, "0 more processes"));
}

/* A process of which only that much is told. */
static void
parts_are_missing(void **state)
{
	uint8_t buf[4096];
	struct flat_out o;
	struct flat doc;
	struct audit_findings f;

	(void)state;
	flat_begin(&o, buf, sizeof buf);
	flat_put_str(&o, "leaf", "web.1.1");
	flat_put_int(&o, "asked/userns", 1);
	flat_put_int(&o, "asked/memory-limit", 4096);
	flat_put_int(&o, "asked/fileno-limit", 16);
	flat_put_int(&o, "asked/bind", 2);
	flat_put_int(&o, "asked/network", 1);
	flat_put_int(&o, "host/landlock", 3);
	flat_put_int(&o, "devices", 0);
	flat_put_int(&o, "app/pid", 7);
	flat_put_str(&o, "app/status", "Name:\tx\n");
	flat_put_str(&o, "app/cgroup", "0::/other/web.1.10\n");
	flat_put_str(&o, "filters-error", "no\033 way");
	assert_int_equal(flat_open(&doc, buf, flat_end(&o)), 0);
	audit_judge(&doc, &f);
	static const char *const want[] = {"app: NoNewPrivs is ''", "app: Seccomp is ''", "app: CapInh is ''",
	    "app: CapAmb is ''", "app: runs as root", "app: is in the host's mnt", "app: is in the host's user",
	    "app: is in the host's net namespace, and should have one of its own",
	    "app: its mounts can't be read", "app: may write core", "app: may open more files", "app: oom_score_adj",
	    "app: is not in its cgroup, web.1.1", "memory-limit: its cgroup can't be read", "app: may bind any TCP port", "devices: its cgroup holds it to none"};

	for (size_t i = 0; i < ARRAY_LEN(want); i++)
		if (!says(&f, AUDIT_WEAKER, want[i]))
			fail_msg("not said: %s", want[i]);
	assert_true(says(&f, AUDIT_UNKNOWN, "seccomp programs can't be read: no\\x1b way"));
}

/* The document comes from files: it may say any number at all. */
static void
absurd_limits(void **state)
{
	static const char *const keys[] = {"memory-limit", "pids-limit", "cpu-quota", "all-memory", "all-pids",
	    "all-cpu-quota", "oom-score", "fileno-limit"};
	static const int64_t numbers[] = {INT64_MAX, INT64_MIN, INT64_MAX / 100 + 1, INT64_MIN / 100 - 1,
	    288230376151712244};

	(void)state;
	for (size_t n = 0; n < ARRAY_LEN(numbers); n++) {
		uint8_t buf[2048];
		struct flat_out o;
		struct flat doc;
		struct audit_findings f;
		char path[64];

		flat_begin(&o, buf, sizeof buf);
		for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
			snprintf(path, sizeof path, "asked/%s", keys[i]);
			flat_put_int(&o, path, numbers[n]);
		}
		flat_put_str(&o, "cgroup/v1/cpu.cfs_quota_us", "50000\n");
		flat_put_str(&o, "cgroup/v1/memory.limit_in_bytes", "9223372036854771712\n");
		flat_put_str(&o, "cgroup/v1/memory.memsw.limit_in_bytes", "9223372036854775807\n");
		assert_int_equal(flat_open(&doc, buf, flat_end(&o)), 0);
		audit_judge(&doc, &f);
		assert_int_equal(says(&f, AUDIT_WEAKER, "cpu-quota: 50000 is set"), numbers[n] < 0);
	}
}

/* More is wrong than there is room for: it is counted all the same. */
static void
too_much(void **state)
{
	static uint8_t buf[1 << 20];
	struct flat_out o;
	struct flat doc;
	struct audit_findings f;
	char path[32];

	(void)state;
	flat_begin(&o, buf, sizeof buf);
	flat_put_str(&o, "leaf", "web.1.1");
	for (int i = 0; i < 100; i++) {
		snprintf(path, sizeof path, "others/%d", i);
		flat_put_str(&o, path, "Name:\ta\033\\nb\nPid:\t12\nNoNewPrivs:\t0\n");
		snprintf(path, sizeof path, "others/%d/cgroup", i);
		/* Of every second the number is another's by now. */
		flat_put_str(&o, path, i % 2 ? "0::/mesh/web.1.1\n" : "0::/mesh/web.2.1\n");
	}
	flat_put_int(&o, "others-count", 100);
	assert_int_equal(flat_open(&doc, buf, flat_end(&o)), 0);
	audit_judge(&doc, &f);
	assert_int_equal(f.count, AUDIT_FINDINGS_MAX);
	assert_in_range(f.weaker, 50 * 8, 50 * 8 + 5);
	assert_true(says(&f, AUDIT_WEAKER, "process 12 (a\\x1b\\nb): NoNewPrivs is '0'"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(fields),
	    cmocka_unit_test(mounts),
	    cmocka_unit_test(long_words),
	    cmocka_unit_test(nothing_is_there),
	    cmocka_unit_test(parts_are_missing),
	    cmocka_unit_test(absurd_limits),
	    cmocka_unit_test(too_much),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
