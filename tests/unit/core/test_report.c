/*
 * A node's report in fragments and back, whatever comes between.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../../../daemon/core/report.h"
#include "rows.h"

static struct view_instance
instance(int i)
{
	struct view_instance v;

	memset(&v, 0, sizeof v);
	snprintf(v.id, sizeof v.id, "web.%03d", i);
	snprintf(v.role, sizeof v.role, "web");
	snprintf(v.version, sizeof v.version, "v1");
	snprintf(v.image, sizeof v.image, "team/web-v%d", i);
	snprintf(v.error, sizeof v.error, i % 2 ? "exec /bin/x: No such file" : "%s", "");
	v.state = (enum view_state)(i % VIEW_STATES);
	v.health = (enum view_health)(i % (VIEW_UNHEALTHY + 1));
	v.restarts = (uint32_t)i * 3;
	v.pid = i * 7;
	v.since_ms = UINT64_C(1700000000000) + (uint64_t)i;
	v.lease_until_ms = i % 3 == 0 ? v.since_ms + 15000 : 0;
	v.unrendered = i % 4 == 1;
	return v;
}

/* count instances and images; the order of every list depends on turn. */
static struct report
report_of(uint32_t count, uint32_t images, uint32_t turn)
{
	struct report r;

	memset(&r, 0, sizeof r);
	strcpy(r.facts.arch, "x86_64");
	strcpy(r.facts.kernel, "6.1.0 #1");
	r.facts.cpus = 4;
	r.facts.memory_bytes = UINT64_C(8) << 30;
	r.facts.config_hash = UINT64_C(0xfedcba9876543210);
	r.metrics = (struct view_metrics){.load1 = 1.25, .cpu_percent = 37.5, .memory_free_bytes = 5, .disk_free_bytes = 6, .disk_bytes = 7};
	r.instances = calloc(count + 1, sizeof *r.instances);
	r.instances_count = count;
	for (uint32_t i = 0; i < count; i++)
		r.instances[i] = instance((int)((i + turn) % count));
	r.facts.images = calloc(images + 1, VIEW_IMAGE_CAP);
	r.facts.images_count = images;
	for (uint32_t i = 0; i < images; i++)
		snprintf(r.facts.images[i], VIEW_IMAGE_CAP, "img-%03u", (i + turn) % images);
	r.facts.sandboxes = calloc(2, NAME_CAP);
	r.facts.sandboxes_count = 2;
	strcpy(r.facts.sandboxes[turn % 2], "web");
	strcpy(r.facts.sandboxes[1 - turn % 2], "front");
	return r;
}

/* With that many host actions that failed. */
static void
fail_actions(struct report *r, uint32_t count)
{
	r->hostacts = calloc(count + 1, sizeof *r->hostacts);
	r->hostacts_count = count;
	for (uint32_t i = 0; i < count; i++) {
		snprintf(r->hostacts[i].role, NAME_CAP, "web");
		snprintf(r->hostacts[i].action, NAME_CAP, "reload-%02u", i);
		snprintf(r->hostacts[i].error, VIEW_TEXT_CAP, "exit code %u: \033[2Jno", i);
	}
}

static struct report_frags *
pack(const struct report *r)
{
	struct report_frags *f = malloc(sizeof *f);
	struct report_told told = {0};
	struct sample s;

	report_sample(r, &s);
	report_tell(&told, 0, &s, f);
	report_told_free(&told);
	assert_in_range(f->count, 1, REPORT_FRAGS_MAX);
	for (size_t i = 0; i < f->count; i++)
		assert_in_range(f->bytes[i], 1, REPORT_FRAG_BYTES_MAX);
	return f;
}

static int
add(struct report_table *t, const struct report_frags *f, size_t i, uint32_t version)
{
	return report_add(t, version, (uint32_t)i, (uint32_t)f->count, f->data[i], f->bytes[i]);
}

static void
there_and_back_in_any_order(void **state)
{
	(void)state;
	struct report r = report_of(40, 100, 5);
	struct report_frags *f = pack(&r);
	struct report_table t = {0};

	assert_true(f->count > 3);
	for (size_t k = 0; k < f->count; k++) {
		size_t i = (k * 7 + 3) % f->count; /* 7 and count share no factor */

		assert_int_not_equal(f->count % 7, 0);
		assert_int_equal(add(&t, f, i, 9), k + 1 == f->count);
		assert_int_equal(t.has, k + 1 == f->count);
		assert_int_equal(add(&t, f, i, 9), 0); /* again: nothing */
	}
	assert_int_equal(t.version, 9);
	assert_int_equal(t.now.cut, 0);
	assert_string_equal(t.now.facts.kernel, "6.1.0 #1");
	assert_true(t.now.facts.config_hash == r.facts.config_hash);
	assert_true(t.now.metrics.load1 == 1.25 && t.now.metrics.cpu_percent == 37.5);
	assert_int_equal(t.now.instances_count, 40);
	for (int i = 0; i < 40; i++) {
		struct view_instance want = instance(i);

		assert_memory_equal(&t.now.instances[i], &want, sizeof want);
	}
	assert_int_equal(t.now.facts.images_count, 100);
	assert_string_equal(t.now.facts.images[99], "img-099");
	assert_int_equal(t.now.facts.sandboxes_count, 2);
	assert_string_equal(t.now.facts.sandboxes[0], "front");
	report_table_free(&t);
	report_free(&r);
	free(f);
}

static void
the_same_report_is_the_same_bytes(void **state)
{
	(void)state;
	struct report a = report_of(30, 20, 0), b = report_of(30, 20, 11);
	struct report_frags *fa = pack(&a), *fb = pack(&b);

	assert_int_equal(fa->count, fb->count);
	for (size_t i = 0; i < fa->count; i++) {
		assert_int_equal(fa->bytes[i], fb->bytes[i]);
		assert_memory_equal(fa->data[i], fb->data[i], fa->bytes[i]);
	}
	report_free(&a);
	report_free(&b);
	free(fa);
	free(fb);
}

static void
an_empty_report_is_one_fragment(void **state)
{
	(void)state;
	struct report r = {0};
	struct report_frags *f = pack(&r);
	struct report_table t = {0};

	assert_int_equal(f->count, 1);
	assert_int_equal(add(&t, f, 0, 1), 1);
	assert_int_equal(t.now.instances_count, 0);
	report_table_free(&t);
	free(f);
}

static void
too_much_loses_images_first_and_says_so(void **state)
{
	(void)state;
	struct report r = report_of(700, 4000, 0);
	struct report_frags *f;
	struct report_table t = {0};

	for (uint32_t i = 0; i < r.facts.images_count; i++)
		snprintf(r.facts.images[i], VIEW_IMAGE_CAP, "img/%063u/%063u/%063u", i, 0u, 0u);
	f = pack(&r);
	assert_in_range(f->count, REPORT_FRAGS_MAX - 1, REPORT_FRAGS_MAX);
	for (size_t i = 0; i < f->count; i++)
		assert_int_equal(add(&t, f, i, 1), i + 1 == f->count);
	assert_int_equal(t.now.instances_count, 700);
	assert_int_equal(t.now.facts.sandboxes_count, 2);
	assert_in_range(t.now.facts.images_count, 1, 200);
	assert_int_equal(t.now.cut, 4000 - t.now.facts.images_count);
	report_table_free(&t);
	report_free(&r);
	free(f);
}

static void
a_directory_that_is_no_image_is_not_told(void **state)
{
	(void)state;
	struct report r = report_of(1, 3, 0);
	struct report_frags *f;
	struct report_table t = {0};

	strcpy(r.facts.images[1], "lost+found");
	f = pack(&r);
	assert_int_equal(add(&t, f, 0, 1), 1);
	assert_int_equal(t.now.facts.images_count, 2);
	assert_int_equal(t.now.cut, 0);
	report_table_free(&t);
	report_free(&r);
	free(f);
}

static void
a_newer_report_ends_a_half_one(void **state)
{
	(void)state;
	struct report a = report_of(40, 50, 0), b = report_of(3, 1, 0);
	struct report_frags *fa = pack(&a), *fb = pack(&b);
	struct report_table t = {0};

	assert_int_equal(add(&t, fa, 0, 1), 0);
	assert_int_equal(add(&t, fb, 0, 2), 1);
	assert_int_equal(t.now.instances_count, 3);
	/* The rest of the old one never completes without its first. */
	for (size_t i = 1; i < fa->count; i++)
		assert_int_equal(add(&t, fa, i, 1), 0);
	assert_int_equal(t.now.instances_count, 3);
	assert_int_equal(add(&t, fa, 0, 1), 1);
	assert_int_equal(t.now.instances_count, 40);
	/* Nor do two versions of as many fragments make one. */
	for (size_t i = 0; i < fa->count; i++)
		assert_int_equal(add(&t, fa, i, 10 + (uint32_t)i % 2), 0);
	assert_int_equal(t.version, 1);
	report_table_free(&t);
	report_free(&a);
	report_free(&b);
	free(fa);
	free(fb);
}

static int
add_text(struct report_table *t, const char *text)
{
	struct sample s = rows_sample(text);
	uint8_t buf[REPORT_FRAG_BYTES_MAX];
	size_t len = sample_pack(&s, NULL, buf, sizeof buf);
	int rc = report_add(t, 77, 0, 1, buf, len);

	sample_free(&s);
	return rc;
}

#define INSTANCE(id, role, version, image) \
	"[[2, " id ", " role ", " version ", " image ", '', 2, 0, 0, 5, 9]]"

static void
hostile_records_are_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {"[{}]", "[[]]", "[5]", "[['1']]", "[['x']]", "[[1]]",
	    "[[3]]", "[[3, '../x']]", "[[3, '']]", "[[4, 'a//b']]", "[[4, '/abs']]", "[[4, 5]]",
	    "[[5, -1]]", "[[1, 'a', 'b', -1, 1, 1]]",
	    INSTANCE("'Web.1'", "'web'", "''", "''"), INSTANCE("'web.1'", "''", "''", "''"),
	    INSTANCE("'web.1'", "'web'", "'V 1'", "''"), INSTANCE("'web.1'", "'web'", "''", "'../x'"),
	    "[[2, 'web.1', 'web', '', '', '', 2, 0, 0, -5, 9]]",
	    "[[9, [[[1]]]]]" /* too deep, even to be skipped */};
	struct report r = report_of(2, 1, 0);
	struct report_frags *f = pack(&r);
	struct report_table t = {0};
	uint8_t big[REPORT_FRAG_BYTES_MAX + 1] = {2};

	assert_int_equal(add(&t, f, 0, 1), 1);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		int rc = add_text(&t, bad[i]);

		if (rc >= 0)
			fail_msg("taken: %s", bad[i]);
		/* What was whole stays. */
		assert_true(t.has);
		assert_int_equal(t.now.instances_count, 2);
		assert_int_equal(t.version, 1);
	}
	assert_int_equal(report_add(&t, 77, 0, 1, big, sizeof big), -ERR_LONG);
	assert_int_equal(report_add(&t, 0, 0, 1, big, 2), -ERR_RANGE);
	assert_int_equal(report_add(&t, 77, 0, 0, big, 2), -ERR_RANGE);
	assert_int_equal(report_add(&t, 77, 1, 1, big, 2), -ERR_RANGE);
	assert_int_equal(report_add(&t, 77, 64, 65, big, 2), -ERR_RANGE);
	assert_int_equal(report_add(&t, 77, 0, 2, big, 2), -ERR_MALFORMED);
	assert_int_equal(report_add(&t, 77, 63, 64, big, 0), -ERR_MALFORMED);
	assert_int_equal(report_add(&t, 77, 63, 64, big, 2), 0);
	report_table_free(&t);
	report_free(&r);
	free(f);
}

static void
what_a_newer_node_says_is_skipped(void **state)
{
	(void)state;
	struct report_table t = {0};

	assert_int_equal(add_text(&t, "[[9, 'new', [1]], [3, 'web', 'more', 5],"
	    " [2, 'web.1', 'web', '', '', '', 200, 99, 0, 5, 9, 15, 1, 'more'], [3, 'web']]"), 1);
	assert_int_equal(t.now.unknown, 1);
	assert_int_equal(t.now.facts.sandboxes_count, 1);
	assert_int_equal(t.now.instances[0].state, VIEW_UNKNOWN);
	assert_int_equal(t.now.instances[0].health, VIEW_HEALTH_NONE);
	assert_int_equal(t.now.instances[0].lease_until_ms, 15);
	assert_true(t.now.instances[0].unrendered);
	report_table_free(&t);
}

static void
texts_are_made_harmless(void **state)
{
	(void)state;
	struct report_table t = {0};

	assert_int_equal(add_text(&t, "[[1, 'a\x1b[2J', 'b\xff', 1, 1, 1],"
	    " [2, 'web.1', 'web', '', '', 'x\ny', 2, 0, 0, 5, 9]]"), 1);
	assert_string_equal(t.now.facts.arch, "a\\x1b[2J");
	assert_string_equal(t.now.facts.kernel, "b\\xff");
	assert_string_equal(t.now.instances[0].error, "x\\x0ay");
	report_table_free(&t);
}

static void
a_flood_of_records_is_bounded(void **state)
{
	(void)state;
	struct sample s = {0};
	struct report r;
	char id[16], key[16];

	for (uint32_t i = 0; i < 64 * 20; i++) {
		struct blob b;
		struct pack p;

		snprintf(key, sizeof key, "%06u", i);
		snprintf(id, sizeof id, "w.%u", i);
		pack_begin(&p, REPORT_FRAG_BYTES_MAX);
		pack_list(&p, 11);
		pack_u64(&p, 2);
		pack_str(&p, id);
		pack_str(&p, "w");
		for (int k = 0; k < 3; k++)
			pack_str(&p, "");
		for (int k = 0; k < 5; k++)
			pack_u64(&p, 0);
		assert_int_equal(pack_end(&p, &b), 0);
		assert_int_equal(sample_row(&s, key, strlen(key), b.b, b.len), 0);
		blob_free(&b);
	}
	assert_int_equal(report_read(&s, &r), 0);
	assert_int_equal(r.instances_count, REPORT_INSTANCES_MAX);
	assert_int_equal(r.cut, 64 * 20 - REPORT_INSTANCES_MAX);
	report_free(&r);
	sample_free(&s);
}

static void
bent_fragments_are_only_an_error(void **state)
{
	(void)state;
	struct report r = report_of(3, 2, 0);
	struct report_frags *f = pack(&r);
	size_t refused = 0;

	assert_int_equal(f->count, 1);
	for (size_t k = 0; k < f->bytes[0] * 8; k++) {
		struct report_table t = {0};

		f->data[0][k / 8] ^= (uint8_t)(1u << k % 8);
		refused += add(&t, f, 0, 1) < 0;
		report_table_free(&t);
		f->data[0][k / 8] ^= (uint8_t)(1u << k % 8);
	}
	for (size_t len = 0; len < f->bytes[0]; len++) {
		struct report_table t = {0};
		uint8_t *copy = malloc(len + 1);

		memcpy(copy, f->data[0], len);
		assert_true(report_add(&t, 1, 0, 1, copy, len) < 0);
		free(copy);
	}
	assert_true(refused > 0);
	report_free(&r);
	free(f);
}

/* What an idle node tells each second: its numbers, and they hardly move. */
static void
a_difference_is_small_and_its_base_is_needed(void **state)
{
	(void)state;
	struct report r = report_of(40, 100, 0);
	struct report_frags *whole = malloc(sizeof *whole), *next = malloc(sizeof *next);
	struct report_table t = {0}, stranger = {0};
	struct report_told told = {0};
	struct sample s;

	report_sample(&r, &s);
	report_tell(&told, 0, &s, whole);
	told.now.version = 5;
	for (size_t i = 0; i < whole->count; i++)
		assert_int_equal(add(&t, whole, i, 5), i + 1 == whole->count);
	r.metrics.load1 = 1.5;
	r.metrics.memory_free_bytes += 4096;
	r.instances[7].restarts++;
	report_sample(&r, &s);
	report_tell(&told, 5, &s, next);
	assert_int_equal(next->count, 1);
	assert_in_range(next->bytes[0], 5, 120); /* of which one row */
	assert_int_equal(add(&stranger, next, 0, 6), -ERR_UNKNOWN);
	assert_int_equal(add(&t, next, 0, 6), 1);
	assert_true(t.now.metrics.load1 == 1.5 && t.now.metrics.cpu_percent == 37.5);
	assert_int_equal(t.now.instances[7].restarts, 22);
	assert_int_equal(t.now.instances_count, 40);
	assert_int_equal(t.now.facts.images_count, 100);
	/* Not acknowledged: the next one comes from 5 again, and 5 is there still. */
	told.now.version = 6;
	r.metrics.load1 = 2;
	report_sample(&r, &s);
	report_tell(&told, 5, &s, next);
	assert_int_equal(add(&t, next, 0, 7), 1);
	assert_true(t.now.metrics.load1 == 2);
	report_told_free(&told);
	report_table_free(&t);
	report_table_free(&stranger);
	report_free(&r);
	free(whole);
	free(next);
}

/* While they fail, and no longer; nothing of it hurts a terminal, and it is bounded. */
static void
host_actions_that_failed(void **state)
{
	struct report r = report_of(2, 1, 0);
	struct report_table t = {0};
	struct report_frags *f;

	(void)state;
	fail_actions(&r, REPORT_HOSTACTS_MAX + 2);
	f = pack(&r);
	for (size_t i = 0; i < f->count; i++)
		assert_true(report_add(&t, 1, (uint32_t)i, (uint32_t)f->count, f->data[i], f->bytes[i]) >= 0);
	assert_true(t.has);
	assert_int_equal(t.now.hostacts_count, REPORT_HOSTACTS_MAX);
	assert_int_equal(t.now.cut, 2);
	assert_int_equal(t.now.unknown, 0);
	assert_string_equal(t.now.hostacts[3].action, "reload-03");
	assert_string_equal(t.now.hostacts[3].role, "web");
	assert_string_equal(t.now.hostacts[3].error, "exit code 3: \\x1b[2Jno");
	free(f);
	r.hostacts_count = 0;
	f = pack(&r);
	for (size_t i = 0; i < f->count; i++)
		assert_true(report_add(&t, 2, (uint32_t)i, (uint32_t)f->count, f->data[i], f->bytes[i]) >= 0);
	assert_int_equal(t.version, 2);
	assert_int_equal(t.now.hostacts_count, 0);
	free(f);
	report_table_free(&t);
	report_free(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(host_actions_that_failed),
	    cmocka_unit_test(there_and_back_in_any_order),
	    cmocka_unit_test(the_same_report_is_the_same_bytes),
	    cmocka_unit_test(an_empty_report_is_one_fragment),
	    cmocka_unit_test(too_much_loses_images_first_and_says_so),
	    cmocka_unit_test(a_directory_that_is_no_image_is_not_told),
	    cmocka_unit_test(a_newer_report_ends_a_half_one),
	    cmocka_unit_test(hostile_records_are_refused),
	    cmocka_unit_test(what_a_newer_node_says_is_skipped),
	    cmocka_unit_test(texts_are_made_harmless),
	    cmocka_unit_test(a_flood_of_records_is_bounded),
	    cmocka_unit_test(bent_fragments_are_only_an_error),
	    cmocka_unit_test(a_difference_is_small_and_its_base_is_needed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
