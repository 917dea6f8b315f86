/*
 * test_labels.c - labels of a series: one form for one set, whatever order they came in,
 * and bytes that are no set's form are told.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../../daemon/core/labels.h"

#define BYTES(...) ((struct slice){(const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__})})

static void
set(struct labels *l, const char *name, const char *value)
{
	assert_int_equal(labels_set(l, slice_of(name), slice_of(value)), 0);
}

static void
is(struct slice got, const char *want)
{
	assert_true(slice_eq(got, slice_of(want)));
}

static void
one_form_for_one_set(void **state)
{
	uint8_t a[LABELS_BYTES_MAX], b[LABELS_BYTES_MAX];
	struct labels l = {0}, m = {0}, back;
	int n;

	(void)state;
	set(&l, "job", "node");
	set(&l, "__name__", "up");
	set(&l, "cpu", "0");
	set(&l, "cpu", "1");
	set(&l, "a", "x");
	set(&l, "a", "");
	set(&m, "cpu", "1");
	set(&m, "job", "node");
	set(&m, "__name__", "up");
	n = labels_pack(&l, a, sizeof a);
	assert_int_equal(n, 1 + 9 + 3 + 4 + 2 + 4 + 5);
	assert_int_equal(labels_pack(&m, b, sizeof b), n);
	assert_memory_equal(a, b, (size_t)n);
	assert_int_equal(labels_read((struct slice){a, (size_t)n}, &back), 0);
	assert_int_equal(back.count, 3);
	is(back.items[0].name, "__name__");
	is(back.items[2].value, "node");
	is(labels_get(&back, slice_of("cpu")), "1");
	is(labels_get(&back, slice_of("c")), "");
	is(labels_find((struct slice){a, (size_t)n}, slice_of("job")), "node");
	is(labels_find((struct slice){a, (size_t)n}, slice_of("none")), "");
	labels_drop(&back, slice_of("cpu"));
	labels_drop(&back, slice_of("cpu"));
	assert_int_equal(back.count, 2);
}

static void
none_at_all(void **state)
{
	struct labels l = {0}, back;
	uint8_t out[1];

	(void)state;
	assert_int_equal(labels_pack(&l, out, 0), -ERR_LONG);
	assert_int_equal(labels_pack(&l, out, sizeof out), 1);
	assert_int_equal(labels_read((struct slice){out, 1}, &back), 0);
	assert_int_equal(back.count, 0);
	is(labels_find((struct slice){NULL, 0}, slice_of("a")), "");
}

static void
a_shorter_name_is_first(void **state)
{
	struct labels l = {0};

	(void)state;
	set(&l, "ab", "1");
	set(&l, "b", "2");
	set(&l, "a", "3");
	is(l.items[0].name, "a");
	is(l.items[1].name, "ab");
	is(l.items[2].name, "b");
}

static void
bounds(void **state)
{
	char name[LABEL_NAME_BYTES_MAX + 2], value[LABEL_VALUE_BYTES_MAX + 2], names[LABELS_MAX + 1][8];
	uint8_t out[LABELS_BYTES_MAX + 1];
	struct labels l = {0};

	(void)state;
	memset(name, 'n', sizeof name);
	memset(value, 'v', sizeof value);
	assert_int_equal(labels_set(&l, (struct slice){(uint8_t *)name, LABEL_NAME_BYTES_MAX + 1}, slice_of("v")), -ERR_LONG);
	assert_int_equal(labels_set(&l, slice_of(""), slice_of("v")), -ERR_LONG);
	assert_int_equal(labels_set(&l, slice_of("n"), (struct slice){(uint8_t *)value, LABEL_VALUE_BYTES_MAX + 1}), -ERR_LONG);
	assert_int_equal(l.count, 0);
	for (int i = 0; i < LABELS_MAX; i++) {
		snprintf(names[i], sizeof names[i], "l%02d", i);
		assert_int_equal(labels_set(&l, slice_of(names[i]), slice_of("v")), 0);
	}
	assert_int_equal(labels_set(&l, slice_of("more"), slice_of("v")), -ERR_FULL);
	set(&l, "l07", "another");
	assert_int_equal(l.count, LABELS_MAX);
	for (int i = 0; i < LABELS_MAX; i++)
		assert_int_equal(labels_set(&l, slice_of(names[i]), (struct slice){(uint8_t *)value, LABEL_VALUE_BYTES_MAX}), 0);
	assert_int_equal(labels_pack(&l, out, sizeof out), -ERR_LONG);
}

static void
what_no_set_looks_like(void **state)
{
	uint8_t big[LABELS_BYTES_MAX + 1] = {0};
	struct labels l;
	const struct {
		struct slice bytes;
		int rc;
	} bad[] = {
		{{NULL, 0}, -ERR_MALFORMED},
		{BYTES(1), -ERR_MALFORMED},
		{BYTES(0, 0), -ERR_MALFORMED},			     /* more than there is */
		{BYTES(1, 1, 'a', 1), -ERR_MALFORMED},		     /* cut */
		{BYTES(1, 1, 'a', 0), -ERR_MALFORMED},		     /* an empty value is none */
		{BYTES(1, 0, 1, 'a'), -ERR_MALFORMED},		     /* no name */
		{BYTES(1, 0x81, 0, 'a', 1, 'b'), -ERR_MALFORMED},    /* not the shortest length */
		{BYTES(1, 0x81), -ERR_MALFORMED},
		{BYTES(1, 0x81, 0x81, 1), -ERR_LONG},
		{BYTES(2, 1, 'b', 1, 'x', 1, 'a', 1, 'x'), -ERR_MALFORMED}, /* not in order */
		{BYTES(2, 1, 'a', 1, 'x', 1, 'a', 1, 'y'), -ERR_MALFORMED}, /* twice */
		{BYTES(2, 2, 'a', 'b', 1, 'x', 1, 'a', 1, 'y'), -ERR_MALFORMED},
		{BYTES(LABELS_MAX + 1, 1, 'a', 1, 'x'), -ERR_FULL},
		{BYTES(0x81, 1, 'a', 1, 'x'), -ERR_MALFORMED},
		{{big, sizeof big}, -ERR_LONG},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		l.count = 7;
		if (labels_read(bad[i].bytes, &l) != bad[i].rc || l.count != 0)
			fail_msg("bytes %zu: %d, %u labels", i, labels_read(bad[i].bytes, &l), l.count);
	}
}

static void
names(void **state)
{
	(void)state;
	assert_true(labels_is_metric(slice_of("node:cpu_9:sum")));
	assert_true(labels_is_metric(slice_of(":a")));
	assert_false(labels_is_metric(slice_of("9a")));
	assert_false(labels_is_metric(slice_of("")));
	assert_false(labels_is_metric(slice_of("a-b")));
	assert_true(labels_is_label(slice_of("_a9Z")));
	assert_false(labels_is_label(slice_of("a:b")));
	assert_false(labels_is_label(slice_of("a\xc3\xa9")));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_form_for_one_set),
		cmocka_unit_test(none_at_all),
		cmocka_unit_test(a_shorter_name_is_first),
		cmocka_unit_test(bounds),
		cmocka_unit_test(what_no_set_looks_like),
		cmocka_unit_test(names),
	};

	return cmocka_run_group_tests_name("labels", tests, NULL, NULL);
}
