/*
 * test_lease.c - the pure parts of a role lease on its host: which deadlines
 * are taken, what is due when, and the fence file, also torn.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../../../daemon/base/fence.h"
#include "../../../daemon/supervisor/judge.h"

static void
deadlines_have_a_window(void **state)
{
	struct sup_req req = {.instance = "web.1", .policy = SUP_EXCLUSIVE};
	const uint64_t now = 1000000;
	struct err err;

	(void)state;
	req.deadline_ms = now + SUP_LEASE_MS_MAX;
	assert_int_equal(judge_deadline(&req, 5000, now, &err), 0);
	req.deadline_ms++;
	assert_int_equal(judge_deadline(&req, 5000, now, &err), -EXIT_CONFIG);
	req.deadline_ms = UINT64_MAX;
	assert_int_equal(judge_deadline(&req, 5000, now, &err), -EXIT_CONFIG);
	req.deadline_ms = now + 5000 + FENCE_EARLY_MS + 1;
	assert_int_equal(judge_deadline(&req, 5000, now, &err), 0);
	req.deadline_ms--;
	assert_int_equal(judge_deadline(&req, 5000, now, &err), -EXIT_CONFIG);
	assert_string_equal(err.text,
	    "web.1: the role lease is over before it could start");
	req.deadline_ms = 0;
	assert_int_equal(judge_deadline(&req, 0, now, &err), -EXIT_CONFIG);
}

static void
who_may_have_a_deadline(void **state)
{
	struct sup_req req = {.op = SUP_START, .instance = "web.1",
	    .sandbox = "web", .role = "web", .image = "img", .config = "/c",
	    .policy = SUP_EXCLUSIVE};
	struct err err;

	(void)state;
	assert_int_equal(judge_names(&req, &err), -EXIT_CONFIG);
	req.deadline_ms = 1;
	assert_int_equal(judge_names(&req, &err), 0);
	req.op = SUP_RUN;
	assert_int_equal(judge_names(&req, &err), -EXIT_CONFIG);
	assert_string_equal(err.text, "web.1: a Command can't be exclusive");
	req.op = SUP_START;
	req.policy = SUP_REPLACE;
	assert_int_equal(judge_names(&req, &err), -EXIT_CONFIG);
	assert_string_equal(err.text,
	    "web.1: a deadline is for exclusive instances only");
}

/* A lease that is renewed is no change of what runs. */
static void
the_hash_knows_no_deadline(void **state)
{
	struct sup_req a = {.instance = "web.1", .role = "web"}, b = a;

	(void)state;
	b.deadline_ms = 12345;
	assert_true(sup_spec_hash(&a, "", 0) == sup_spec_hash(&b, "", 0));
}

static void
term_then_kill(void **state)
{
	(void)state;
	assert_int_equal(fence_due(10000, 2000, 7849), FENCE_RUN);
	assert_int_equal(fence_due(10000, 2000, 7850), FENCE_TERM);
	assert_int_equal(fence_due(10000, 2000, 9849), FENCE_TERM);
	assert_int_equal(fence_due(10000, 2000, 9850), FENCE_KILL);
	assert_int_equal(fence_due(10000, 2000, 9900), FENCE_LAST);
	assert_int_equal(fence_due(10000, 2000, UINT64_MAX), FENCE_LAST);
	assert_int_equal(fence_due(0, 0, 0), FENCE_LAST);
	assert_int_equal(fence_due(1, UINT32_MAX, 0), FENCE_LAST);
}

static void
a_torn_fence_is_none(void **state)
{
	const uint64_t old = 0x0102ff, new = 0x010300;
	uint8_t a[FENCE_BYTES], b[FENCE_BYTES];
	uint64_t boot = 0, deadline = 0;

	(void)state;
	fence_encode(a, 7, old);
	assert_true(fence_decode(a, sizeof a, &boot, &deadline));
	assert_true(boot == 7 && deadline == old);
	assert_false(fence_decode(a, sizeof a - 1, &boot, &deadline));
	/* Any run of bytes of the new one over the old one. */
	fence_encode(b, 7, new);
	for (size_t from = 0; from < sizeof a; from++)
		for (size_t to = from; to <= sizeof a; to++) {
			fence_encode(a, 7, old);
			memcpy(a + from, b + from, to - from);
			if (fence_decode(a, sizeof a, &boot, &deadline))
				assert_true(deadline == old || deadline == new);
		}
	for (size_t bit = 0; bit < 8 * sizeof a; bit++) {
		fence_encode(a, 7, old);
		a[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_false(fence_decode(a, sizeof a, &boot, &deadline));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(deadlines_have_a_window),
	    cmocka_unit_test(who_may_have_a_deadline),
	    cmocka_unit_test(the_hash_knows_no_deadline),
	    cmocka_unit_test(term_then_kill),
	    cmocka_unit_test(a_torn_fence_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
