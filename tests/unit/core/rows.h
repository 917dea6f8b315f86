/*
 * rows.h - a sample of rows that a test writes down, each under a key of its own.
 */
#ifndef TEST_ROWS_H
#define TEST_ROWS_H

#include "../../../daemon/core/sample.h"
#include "mpjson.h"

/* A sample whose rows are the elements of this list. */
static inline struct sample
rows_sample(const char *text)
{
	struct blob b = mpjson(text);
	struct sample s = {0};
	uint32_t count;
	struct mp mp;

	mp_init(&mp, b.b, b.len, MP_DEPTH_MAX);
	assert_int_equal(mp_array(&mp, &count), 0);
	for (uint32_t i = 0; i < count; i++) {
		size_t from = mp.off;
		char key[16];

		assert_int_equal(mp_skip(&mp), 0);
		snprintf(key, sizeof key, "k%04u", i);
		assert_int_equal(sample_row(&s, key, strlen(key), b.b + from, mp.off - from), 0);
	}
	blob_free(&b);
	return s;
}

#endif
