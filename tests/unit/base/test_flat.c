/*
 * test_flat.c - flat documents: what is written is read back, and no document
 * that lies about a length, a type or a count is opened.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "../../../daemon/base/flat.h"

static size_t
sample(uint8_t *buf, size_t cap)
{
	static const uint8_t two[4] = {2, 0, 0, 0};
	static const double half = 0.5;
	struct flat_out o;

	flat_begin(&o, buf, cap);
	flat_put(&o, "", FLAT_MAP, 1, 1, two, 4);
	flat_put_str(&o, "name", "n1");
	flat_put(&o, "list", FLAT_LIST, 3, 7, two, 4);
	flat_put_int(&o, "list/0", INT64_MIN);
	flat_put(&o, "list/1", FLAT_FLOAT, 4, 1, &half, sizeof half);
	flat_put(&o, "on", FLAT_BOOL, 5, 1, "\1", 1);
	flat_put(&o, "none", FLAT_NULL, 6, 1, NULL, 0);
	flat_put_str(&o, "v!", "Readonly");
	flat_put_str(&o, "v", "");
	return flat_end(&o);
}

static void
test_round_trip(void **state)
{
	uint8_t buf[512];
	size_t len = sample(buf, sizeof buf), off = 0, count = 0;
	struct flat_rec rec;
	struct flat f;
	char text[8];
	int64_t num = 0;
	bool on = false;

	(void)state;
	assert_int_not_equal(len, 0);
	assert_int_equal(flat_open(&f, buf, len), 0);
	while (flat_next(&f, &off, &rec))
		count++;
	assert_int_equal(count, 9);
	assert_true(flat_str(&f, "name", text, sizeof text));
	assert_string_equal(text, "n1");
	assert_true(flat_int(&f, "list/0", &num));
	assert_true(num == INT64_MIN);
	assert_true(flat_find(&f, "list", &rec));
	assert_int_equal(rec.num, 2);
	assert_int_equal(rec.line, 3);
	assert_int_equal(rec.col, 7);
	assert_true(flat_find(&f, "list/1", &rec));
	assert_true(rec.real > 0.49 && rec.real < 0.51);
	assert_true(flat_bool(&f, "on", &on));
	assert_true(on);
	assert_true(flat_find(&f, "none", &rec));
	assert_int_equal(rec.type, FLAT_NULL);
	assert_true(flat_str(&f, "v", text, sizeof text));
	assert_string_equal(text, "");
	/* Absent, of another type, too long. */
	assert_false(flat_str(&f, "nam", text, sizeof text));
	assert_false(flat_str(&f, "on", text, sizeof text));
	assert_false(flat_str(&f, "v!", text, sizeof text));
	assert_string_equal(text, "");
	assert_false(flat_int(&f, "name", &num));
	assert_false(flat_bool(&f, "name", &on));
}

static struct flat_rec
at(const char *path)
{
	return (struct flat_rec){.path = path, .path_len = strlen(path)};
}

static void
test_children(void **state)
{
	static const struct {
		const char *path, *prefix, *key; /* key NULL: not a child */
	} rows[] = {
	    {"a", "", "a"},
	    {"a/b", "a", "b"},
	    {"a/b", "", NULL},
	    {"", "", NULL},
	    {"a", "a", NULL},
	    {"ab/c", "a", NULL},
	    {"a/b/c", "a", NULL},
	    {"a/b!", "a", NULL},
	    {"v/\\/data", "v", "/data"},
	    {"v/a\\!", "v", "a!"},
	    {"v/a\\\\b", "v", "a\\b"},
	    {"l/10", "l", "10"},
	    {"v/\\/data/size", "v/\\/data", "size"},
	};
	char key[8], one[1];
	struct flat_rec rec;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		rec = at(rows[i].path);
		assert_int_equal(
		    flat_child(&rec, rows[i].prefix, key, sizeof key), rows[i].key != NULL);
		assert_string_equal(key, rows[i].key != NULL ? rows[i].key : "");
	}
	rec = at("a/12345678");
	assert_true(flat_child(&rec, "a", key, sizeof key));
	assert_string_equal(key, "");
	assert_true(flat_child(&rec, "a", one, 1));
	assert_int_equal(one[0], '\0');
}

/* Every single-byte lie is either refused or still safe to walk. */
static void
test_every_byte(void **state)
{
	uint8_t buf[512];
	size_t len = sample(buf, sizeof buf);

	(void)state;
	for (size_t cut = 0; cut < len; cut++) {
		struct flat f;
		uint8_t *copy = malloc(cut + 1);

		assert_non_null(copy);
		memcpy(copy, buf, cut);
		assert_int_not_equal(flat_open(&f, copy, cut), 0);
		free(copy);
	}
	for (size_t i = 0; i < len; i++)
		for (int bit = 0; bit < 8; bit++) {
			/* On the heap and exact, so that ASan sees a read beyond. */
			uint8_t *copy = malloc(len);
			struct flat_rec rec;
			struct flat f;
			size_t off = 0, sum = 0;

			assert_non_null(copy);
			memcpy(copy, buf, len);
			copy[i] ^= (uint8_t)(1 << bit);
			if (flat_open(&f, copy, len) == 0)
				while (flat_next(&f, &off, &rec)) {
					assert_true(rec.path + rec.path_len <= (char *)copy + len);
					for (size_t k = 0; k < rec.str_len; k++)
						sum += (uint8_t)rec.str[k];
				}
			assert_true(off <= len && sum < SIZE_MAX);
			free(copy);
		}
}

static void
put_u32(uint8_t *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> (8 * i));
}

static void
test_lies(void **state)
{
	uint8_t good[512], buf[512];
	size_t len = sample(good, sizeof good);
	struct flat f;

	(void)state;
#define LIE(change, want)                                                                          \
	do {                                                                                       \
		memcpy(buf, good, len);                                                            \
		change;                                                                            \
		assert_int_equal(flat_open(&f, buf, len), want);                                   \
		assert_null(f.buf);                                                                \
	} while (0)
	LIE(buf[0] = 'X', -ERR_MALFORMED);
	LIE(put_u32(buf + 4, 2), -ERR_VERSION);
	LIE(put_u32(buf + 8, (uint32_t)len), -ERR_MALFORMED);
	LIE(buf[12] = 255, -ERR_MALFORMED);		     /* path beyond the end */
	LIE((buf[12] = 1, buf[13] = 4), -ERR_MALFORMED);     /* path of 1025 bytes */
	LIE(buf[14] = 7, -ERR_MALFORMED);		     /* no such type */
	LIE(buf[15] = 1, -ERR_MALFORMED);		     /* padding */
	LIE(put_u32(buf + 24, 0xfffffff0u), -ERR_MALFORMED); /* value beyond the end */
	LIE(put_u32(buf + 28, 0x10000000u), -ERR_MALFORMED); /* 2^28 children */
	LIE(buf[12 + 20 + 16] = '\0', -ERR_MALFORMED);	     /* NUL in a path */
	LIE(buf[12 + 20 + 16 + 3] = '\\', -ERR_MALFORMED);   /* escapes nothing */
	LIE(buf[12 + 20 + 16 + 4] = '\0', -ERR_MALFORMED);   /* NUL in a string */
#undef LIE
	assert_int_equal(flat_open(&f, good, len), 0);
	assert_int_equal(flat_open(&f, good, (size_t)FLAT_BYTES_MAX + 1), -ERR_LONG);
	assert_int_equal(flat_open(&f, good, 0), -ERR_MALFORMED);
}

static void
test_writer_is_bounded(void **state)
{
	uint8_t buf[512];
	size_t len = sample(buf, sizeof buf);
	char path[FLAT_PATH_BYTES_MAX + 2];
	struct flat_out o;

	(void)state;
	for (size_t cap = 0; cap < len; cap++) {
		uint8_t *small = malloc(cap + 1);

		assert_non_null(small);
		assert_int_equal(sample(small, cap), 0);
		free(small);
	}
	memset(path, 'a', sizeof path - 1);
	path[sizeof path - 1] = '\0';
	flat_begin(&o, buf, sizeof buf);
	flat_put_str(&o, path, "x");
	/* The first failure sticks. */
	flat_put_str(&o, "a", "x");
	assert_int_equal(flat_end(&o), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_round_trip),
	    cmocka_unit_test(test_children),
	    cmocka_unit_test(test_every_byte),
	    cmocka_unit_test(test_lies),
	    cmocka_unit_test(test_writer_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
