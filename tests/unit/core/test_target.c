/*
 * test_target.c - an application's series with the labels of its place.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../../daemon/core/target.h"

static char out[2048];

static struct target place;

static int
setup(void **state)
{
	(void)state;
	place = (struct target){slice_of("web"), slice_of("web.1"), slice_of("n1"), {0}};
	return 0;
}

/* NAME=VALUE ... as it is packed; or the error. */
static const char *
packed(struct labels *l)
{
	uint8_t bytes[LABELS_BYTES_MAX];
	int n = target_pack(&place, l, bytes);
	struct labels again;
	size_t at = 0;

	out[0] = '\0';
	if (n < 0) {
		snprintf(out, sizeof out, "%s", n == -ERR_FULL ? "full" : n == -ERR_LONG ? "long" : "?");
		return out;
	}
	assert_int_equal(labels_read((struct slice){bytes, (size_t)n}, &again), 0);
	for (uint32_t i = 0; i < again.count; i++)
		at += (size_t)snprintf(out + at, sizeof out - at, "%s%.*s=%.*s", i > 0 ? " " : "",
		    (int)again.items[i].name.len, again.items[i].name.b, (int)again.items[i].value.len,
		    again.items[i].value.b);
	return out;
}

static void
set(struct labels *l, const char *name, const char *value)
{
	assert_int_equal(labels_set(l, slice_of(name), slice_of(value)), 0);
}

static void
of_its_place(void **state)
{
	struct labels l = {0};

	(void)state;
	set(&l, LABEL_NAME, "up");
	assert_string_equal(packed(&l), "__name__=up instance=web.1 job=web node=n1 role=web");
	place.endpoint = slice_of(":9100/metrics");
	assert_string_equal(packed(&l),
	    "__name__=up endpoint=:9100/metrics exported_instance=web.1 exported_job=web exported_node=n1 exported_role=web"
	    " instance=web.1 job=web node=n1 role=web");
}

static void
own_ones_of_that_name(void **state)
{
	struct labels l = {0};

	(void)state;
	set(&l, LABEL_NAME, "x");
	set(&l, "instance", "mine");
	set(&l, "exported_instance", "older");
	set(&l, "job", "batch");
	set(&l, "endpoint", "kept");
	assert_string_equal(packed(&l),
	    "__name__=x endpoint=kept exported_exported_instance=mine exported_instance=older exported_job=batch"
	    " instance=web.1 job=web node=n1 role=web");
}

static void
together_too_much(void **state)
{
	static char names[LABELS_MAX][16], value[LABEL_VALUE_BYTES_MAX + 1];
	struct labels l = {0};

	(void)state;
	for (int i = 0; i < LABELS_MAX - 3; i++) {
		snprintf(names[i], sizeof names[i], "l%02d", i);
		set(&l, names[i], "v");
	}
	assert_string_equal(packed(&l), "full");
	memset(value, 'v', sizeof value - 1);
	l.count = 0;
	for (int i = 0; i < 8; i++)
		set(&l, names[i], value);
	assert_string_equal(packed(&l), "long");
}

/* What says job="node" is the host's, whatever a role is called. */
static void
no_job_of_ours(void **state)
{
	static const char *const ours[] = {"node", "cadvisor", "mesh"};
	struct labels l = {0};
	char want[128];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ours); i++) {
		l.count = 0;
		place.role = slice_of(ours[i]);
		set(&l, LABEL_NAME, "node_load1");
		snprintf(want, sizeof want, "__name__=node_load1 instance=web.1 job=role/%s node=n1 role=%s", ours[i], ours[i]);
		assert_string_equal(packed(&l), want);
	}
	l.count = 0;
	place.role = slice_of("node2");
	set(&l, LABEL_NAME, "x");
	assert_non_null(strstr(packed(&l), "job=node2 "));
}

static void
names_that_are_refused(void **state)
{
	static const char *const no[] = {"mesh_", "mesh_leads", "up", "scrape_duration_seconds", "scrape_samples_scraped"},
				 *const yes[] = {"", "mesh", "meshed_x", "UP", "up_total", "x_up", "scrape_x", "node_load1",
				     "container_memory_rss"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(no); i++)
		assert_non_null(target_refuses(slice_of(no[i])));
	for (size_t i = 0; i < ARRAY_LEN(yes); i++)
		assert_null(target_refuses(slice_of(yes[i])));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(of_its_place, setup),
	    cmocka_unit_test_setup(own_ones_of_that_name, setup),
	    cmocka_unit_test_setup(together_too_much, setup),
	    cmocka_unit_test_setup(no_job_of_ours, setup),
	    cmocka_unit_test_setup(names_that_are_refused, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
