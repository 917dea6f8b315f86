/*
 * Bundles of actions as a leader gets them, forged in every way that there is: each is refused
 * by its own code, and nothing of it is read.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../../../daemon/core/actsign.h"
#include "world.h"

static const struct actsign_office here = {.leader = {{1, 2, 3}}, .term = UINT64_C(0x1122334455667788)};
static struct action_bundle asked, got;
static uint8_t good[ACTSIGN_BYTES_MAX + 1], bad[ACTSIGN_BYTES_MAX + 1];
static size_t len;
static struct crypto c;

static int
setup(void **state)
{
	const struct slice args = {(const uint8_t *)"count=5", 7};
	struct err err;

	(void)state;
	c = world_crypto();
	asked = (struct action_bundle){.turn = 7, .last = 9, .count = 2};
	for (uint32_t i = 0; i < 2; i++) {
		if (action_make(&asked.actions[i], "web", "scale", &args, 1, &err) != 0)
			return -1;
		asked.actions[i].number = 8 + i;
		asked.actions[i].stamp_ms = 1000 + i;
	}
	len = actsign_pack(good, &c, world_pk, &here, &asked);
	memcpy(bad, good, sizeof bad);
	return 0;
}

static void
refuse_at(const struct actsign_office *at, const uint8_t *buf, size_t n, int code)
{
	memset(&got, 0xff, sizeof got);
	assert_int_equal(actsign_open(&got, &c, at, buf, n), -code);
	assert_int_equal(got.count, 0);
}

static void
as_it_was_sent(void **state)
{
	(void)state;
	assert_int_equal(actsign_open(&got, &c, &here, good, len), 0);
	assert_int_equal(got.count, 2);
	assert_int_equal(got.turn, 7);
	assert_memory_equal(&got.actions[1], &asked.actions[1], sizeof got.actions[1]);
}

/* A byte of the key, of the signature, of what is asked. */
static void
each_byte_counts(void **state)
{
	(void)state;
	for (size_t i = 0; i < len; i++) {
		bad[i] ^= 1;
		refuse_at(&here, bad, len, ERR_AUTH);
		bad[i] = good[i];
	}
	refuse_at(&here, good, len + 1, ERR_AUTH);
}

static void
cut_at_every_byte(void **state)
{
	(void)state;
	for (size_t n = 0; n < len; n++)
		refuse_at(&here, good, n, n <= ACTSIGN_HEAD_BYTES ? ERR_SHORT : ERR_AUTH);
}

/* Signed as it should be, by a node that has gone bad: what it says is judged by itself. */
static void
a_bad_body_well_signed(void **state)
{
	uint8_t text[256];
	struct hash h;

	(void)state;
	for (size_t n = ACTSIGN_HEAD_BYTES + 1; n < len; n++) {
		size_t at = 15;

		memcpy(text, "mesh actions 2\n", at);
		memcpy(text + at, here.leader.b, ID_BYTES);
		at += ID_BYTES;
		for (int i = 0; i < 8; i++)
			text[at++] = (uint8_t)(here.term >> (56 - 8 * i));
		c.hash(c.arg, &h, bad + ACTSIGN_HEAD_BYTES, n - ACTSIGN_HEAD_BYTES);
		memcpy(text + at, h.b, HASH_BYTES);
		c.sign(c.arg, bad + KEY_BYTES, text, at + HASH_BYTES);
		memset(&got, 0xff, sizeof got);
		assert_true(actsign_open(&got, &c, &here, bad, n) < 0);
		assert_true(actsign_open(&got, &c, &here, bad, n) != -ERR_AUTH);
		assert_int_equal(got.count, 0);
	}
}

static void
too_big(void **state)
{
	(void)state;
	refuse_at(&here, good, sizeof good, ERR_LONG);
}

/* What was meant for another leader, or for this one in an earlier term. */
static void
kept_for_later(void **state)
{
	struct actsign_office other = here;

	(void)state;
	other.term++;
	refuse_at(&other, good, len, ERR_AUTH);
	other = here;
	other.leader.b[0]++;
	refuse_at(&other, good, len, ERR_AUTH);
}

static void
the_fullest_fits(void **state)
{
	(void)state;
	asked.count = ACTION_QUEUE_MAX;
	asked.last = ACTION_QUEUE_MAX;
	for (uint32_t i = 0; i < asked.count; i++) {
		asked.actions[i] = asked.actions[0];
		asked.actions[i].number = i + 1;
		memset(asked.actions[i].error, 'e', sizeof asked.actions[i].error - 1);
		asked.actions[i].error[sizeof asked.actions[i].error - 1] = '\0';
	}
	size_t n = actsign_pack(bad, &c, world_pk, &here, &asked);

	assert_true(n <= ACTSIGN_BYTES_MAX);
	assert_int_equal(actsign_open(&got, &c, &here, bad, n), 0);
	assert_int_equal(got.count, ACTION_QUEUE_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(as_it_was_sent, setup),
	    cmocka_unit_test_setup(each_byte_counts, setup),
	    cmocka_unit_test_setup(cut_at_every_byte, setup),
	    cmocka_unit_test_setup(a_bad_body_well_signed, setup),
	    cmocka_unit_test_setup(too_big, setup),
	    cmocka_unit_test_setup(kept_for_later, setup),
	    cmocka_unit_test_setup(the_fullest_fits, setup),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
