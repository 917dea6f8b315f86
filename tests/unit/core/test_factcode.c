/*
 * test_factcode.c - facts as bytes: the same both ways, cut where they are too many,
 * refused where they are not what a node would write.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "../../../daemon/core/factcode.h"
#include "../../../daemon/core/pack.h"

enum { BYTES_MAX = 16384 };

static struct view_facts
host(uint32_t images, int width)
{
	struct view_facts f = {.arch = "x86_64", .kernel = "6.1.0-18", .cpus = 8,
	    .memory_bytes = UINT64_C(16) << 30, .config_hash = UINT64_C(0xfedcba9876543210),
	    .images_count = images, .sandboxes_count = 2};

	f.images = calloc(images + 1, sizeof *f.images);
	f.sandboxes = calloc(2, sizeof *f.sandboxes);
	for (uint32_t i = 0; i < images; i++)
		snprintf(f.images[i], VIEW_IMAGE_CAP, "image-%0*u", width, i);
	strcpy(f.sandboxes[0], "front");
	strcpy(f.sandboxes[1], "web");
	return f;
}

static void
both_ways_the_same(void **state)
{
	struct view_facts f = host(40, 4), g;
	struct blob b, again;
	uint32_t cut, told;

	(void)state;
	assert_int_equal(factcode_pack(&f, BYTES_MAX, &b, &cut), 0);
	assert_int_equal(cut, 0);
	assert_int_equal(factcode_read(b.b, b.len, &g, &told), 0);
	assert_string_equal(g.arch, f.arch);
	assert_string_equal(g.kernel, f.kernel);
	assert_true(g.cpus == 8 && g.memory_bytes == f.memory_bytes && g.config_hash == f.config_hash);
	assert_true(g.images_count == 40 && g.sandboxes_count == 2 && told == 0);
	assert_string_equal(g.images[39], "image-0039");
	assert_string_equal(g.sandboxes[1], "web");
	assert_int_equal(factcode_pack(&g, BYTES_MAX, &again, &cut), 0);
	assert_true(slice_eq(blob_slice(&b), blob_slice(&again)));
	for (size_t len = 0; len < b.len; len++) {
		struct view_facts bad;

		assert_true(factcode_read(b.b, len, &bad, &told) < 0);
		assert_null(bad.images);
		assert_null(bad.sandboxes);
	}
	blob_free(&b);
	blob_free(&again);
	view_facts_free(&f);
	view_facts_free(&g);
}

/* Images are left out before sandboxes, the last first, and how many is told. */
static void
too_many_names_are_cut(void **state)
{
	struct view_facts f = host(VIEW_LIST_MAX, 57), g;
	struct blob b;
	uint32_t cut, told;

	(void)state;
	assert_int_equal(factcode_pack(&f, BYTES_MAX, &b, &cut), 0);
	assert_true(b.len <= BYTES_MAX && b.len > BYTES_MAX - 600 && cut > 0);
	assert_int_equal(factcode_read(b.b, b.len, &g, &told), 0);
	assert_true(told == cut && g.sandboxes_count == 2);
	assert_int_equal(g.images_count, VIEW_LIST_MAX - cut);
	assert_string_equal(g.images[0], f.images[0]);
	blob_free(&b);
	view_facts_free(&f);
	view_facts_free(&g);
}

struct row {
	const char *what, *kernel, *box, *images[2];
	uint64_t format, cpus;
	int rc, more; /* fields */
};

static void
what_no_node_would_write_is_refused(void **state)
{
	static const struct row rows[] = {
	    {"as it should be", "6.1", "web", {"a", "b"}, 1, 8, 0, 0},
	    {"a further field", "6.1", "web", {"a", "b"}, 1, 8, 0, 1},
	    {"another format", "6.1", "web", {"a", "b"}, 2, 8, -ERR_MALFORMED, 0},
	    {"an image twice", "6.1", "web", {"a", "a"}, 1, 8, -ERR_MALFORMED, 0},
	    {"images that fall", "6.1", "web", {"b", "a"}, 1, 8, -ERR_MALFORMED, 0},
	    {"an image that leads out", "6.1", "web", {"../a", "b"}, 1, 8, -ERR_MALFORMED, 0},
	    {"a sandbox without a name", "6.1", "", {"a", "b"}, 1, 8, -ERR_MALFORMED, 0},
	    {"a sandbox that is a path", "6.1", "a/b", {"a", "b"}, 1, 8, -ERR_MALFORMED, 0},
	    {"more cpus than there are", "6.1", "web", {"a", "b"}, 1, UINT64_C(1) << 40, -ERR_RANGE, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct row *r = &rows[i];
		struct view_facts f;
		struct pack p;
		struct blob b;
		uint32_t cut;
		int rc;

		pack_begin(&p, BYTES_MAX);
		pack_list(&p, 9 + (size_t)r->more);
		pack_u64(&p, r->format);
		pack_str(&p, "x86_64");
		pack_str(&p, r->kernel);
		pack_u64(&p, r->cpus);
		pack_u64(&p, 1);
		pack_u64(&p, 2);
		pack_u64(&p, 0);
		pack_list(&p, 1);
		pack_str(&p, r->box);
		pack_list(&p, 2);
		pack_str(&p, r->images[0]);
		pack_str(&p, r->images[1]);
		if (r->more > 0)
			pack_str(&p, "news");
		assert_int_equal(pack_end(&p, &b), 0);
		rc = factcode_read(b.b, b.len, &f, &cut);
		if (rc != r->rc)
			fail_msg("%s: %d instead of %d", r->what, rc, r->rc);
		view_facts_free(&f);
		blob_free(&b);
	}
}

static void
a_kernels_name_is_harmless(void **state)
{
	struct view_facts f = host(0, 1), g;
	struct blob b;
	uint32_t cut;

	(void)state;
	strcpy(f.kernel, "6\x1b[2J");
	assert_int_equal(factcode_pack(&f, BYTES_MAX, &b, &cut), 0);
	assert_int_equal(factcode_read(b.b, b.len, &g, &cut), 0);
	assert_null(strchr(g.kernel, 0x1b));
	blob_free(&b);
	view_facts_free(&f);
	view_facts_free(&g);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(both_ways_the_same),
	    cmocka_unit_test(too_many_names_are_cut),
	    cmocka_unit_test(what_no_node_would_write_is_refused),
	    cmocka_unit_test(a_kernels_name_is_harmless),
	};
	return cmocka_run_group_tests_name("factcode", tests, NULL, NULL);
}
