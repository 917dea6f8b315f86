/*
 * What two identities share: the same with memory and without, for whoever asks; bounded,
 * and gone when it is to be gone.
 */
#include "world.h"

#include <sodium.h>

#include "../../../daemon/io/agreed.h"
#include "../../../daemon/io/crypto.h"

static struct keyring a, b, c;

static void
make(struct keyring *k)
{
	crypto_sign_keypair(k->pk, k->sk);
	k->agreed = NULL;
}

static int
setup(void **state)
{
	struct err err;

	(void)state;
	if (crypto_init(&err) != 0)
		return -1;
	make(&a);
	make(&b);
	make(&c);
	return 0;
}

static void
it_is_what_is_computed(void **state)
{
	struct agreed *mine = agreed_new(), *his = agreed_new();
	uint8_t plain[KEY_BYTES], first[KEY_BYTES], again[KEY_BYTES], other[KEY_BYTES];

	(void)state;
	assert_int_equal(crypto_shared(&a, b.pk, plain), 0);
	a.agreed = mine;
	b.agreed = his;
	assert_false(agreed_get(mine, a.pk, b.pk, again));
	assert_int_equal(crypto_shared(&a, b.pk, first), 0);
	assert_true(agreed_get(mine, a.pk, b.pk, again));
	assert_memory_equal(first, plain, KEY_BYTES);
	assert_memory_equal(again, plain, KEY_BYTES);
	assert_int_equal(crypto_shared(&a, b.pk, again), 0);
	assert_memory_equal(again, plain, KEY_BYTES);
	for (int i = 0; i < 2; i++) { /* computed, and remembered */
		assert_int_equal(crypto_shared(&b, a.pk, other), 0);
		assert_memory_equal(other, plain, KEY_BYTES);
	}
	assert_int_equal(crypto_shared(&a, c.pk, other), 0);
	assert_memory_not_equal(other, plain, KEY_BYTES);
	a.agreed = b.agreed = NULL;
	free(mine);
	free(his);
}

static void
what_is_no_key_is_not_remembered(void **state)
{
	struct agreed *mine = agreed_new();
	uint8_t none[KEY_BYTES] = {0}, out[KEY_BYTES];

	(void)state;
	a.agreed = mine;
	for (int i = 0; i < 2; i++)
		assert_int_equal(crypto_shared(&a, none, out), -ERR_AUTH);
	assert_false(agreed_get(mine, a.pk, none, out));
	a.agreed = NULL;
	free(mine);
}

/* Another identity, say of a directory that was changed: nothing of the old one is left. */
static void
it_is_one_identitys(void **state)
{
	struct agreed *m = agreed_new();
	uint8_t secret[KEY_BYTES] = {1}, out[KEY_BYTES];

	(void)state;
	agreed_put(m, a.pk, b.pk, secret);
	assert_false(agreed_get(m, c.pk, b.pk, out));
	agreed_put(m, c.pk, a.pk, secret);
	assert_false(agreed_get(m, a.pk, b.pk, out));
	assert_false(agreed_get(m, c.pk, b.pk, out));
	assert_true(agreed_get(m, c.pk, a.pk, out));
	free(m);
}

static bool
is_zero(const struct agreed *m)
{
	return sodium_is_zero((const unsigned char *)m, sizeof *m);
}

/* However many come, it is no larger; of each set the oldest goes, and nothing is mixed up. */
static void
it_is_bounded_and_wiped(void **state)
{
	struct agreed *m = agreed_new();
	uint8_t pk[KEY_BYTES] = {0}, secret[KEY_BYTES], out[KEY_BYTES];
	uint32_t kept = 0;

	(void)state;
	for (uint32_t i = 0; i < 8 * AGREED_SETS * AGREED_WAYS; i++) {
		pk[0] = (uint8_t)i;
		memcpy(pk + 20, &i, sizeof i);
		memset(secret, (int)(i % 251), sizeof secret);
		agreed_put(m, a.pk, pk, secret);
		agreed_put(m, a.pk, pk, secret); /* once */
		assert_true(agreed_get(m, a.pk, pk, out));
	}
	for (uint32_t i = 0; i < 8 * AGREED_SETS * AGREED_WAYS; i++) {
		pk[0] = (uint8_t)i;
		memcpy(pk + 20, &i, sizeof i);
		memset(secret, (int)(i % 251), sizeof secret);
		if (!agreed_get(m, a.pk, pk, out))
			continue;
		kept++;
		assert_memory_equal(out, secret, KEY_BYTES);
	}
	assert_int_equal(kept, AGREED_SETS * AGREED_WAYS);
	assert_false(is_zero(m));
	agreed_wipe(m);
	assert_true(is_zero(m));
	free(m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(it_is_what_is_computed),
	    cmocka_unit_test(what_is_no_key_is_not_remembered),
	    cmocka_unit_test(it_is_one_identitys),
	    cmocka_unit_test(it_is_bounded_and_wiped),
	};

	return cmocka_run_group_tests_name("agreed", tests, setup, NULL);
}
