/*
 * test_cert.c - certificates, delegations, decrees: what is taken, what is refused and
 * for what, and that a signature is over every byte.
 */
#include "../../shared/toy_ca.h"
#include "world.h"

static const uint8_t ca[KEY_BYTES] = {0xca, 1}, token[KEY_BYTES] = {0x70, 2}, node[KEY_BYTES] = {3};

struct made {
	uint8_t by[CERT_DELEGATION_MAX], b[CERT_BYTES_MAX];
	size_t by_len, len;
};

static struct made
make(const char *given, const char *name, const char *zone)
{
	struct crypto c = world_crypto(7, 1);
	struct made x;

	x.by_len = toy_delegate(&c, toy_sig, ca, token, 5000, 3, given, x.by);
	x.len = toy_certify(&c, toy_sig, ca, x.by, x.by_len, node, name, zone, x.b);
	return x;
}

static void
what_is_made_is_read(void **state)
{
	static const char long_name[] = "a23456789012345678901234567890123456789012345678901234567890123";
	struct crypto c = world_crypto(7, 1);
	struct made x = make("eu-1", "db.2", "eu-1");
	struct cert r;

	(void)state;
	assert_int_equal(cert_read(x.b, x.len, &r), 0);
	assert_memory_equal(r.by.token, token, KEY_BYTES);
	assert_int_equal(r.by.expiry_s, 5000);
	assert_int_equal(r.by.uses, 3);
	assert_int_equal(r.by.len, x.by_len);
	assert_int_equal(r.name_len, 4);
	assert_memory_equal(r.name, "db.2", 4);
	assert_int_equal(r.zone_len, 4);
	assert_true(cert_holds(&c, ca, node, &r));
	x = make(long_name, long_name, long_name);
	assert_int_equal(x.len, CERT_BYTES_MAX);
	assert_int_equal(cert_read(x.b, x.len, &r), 0);
	assert_true(cert_holds(&c, ca, node, &r));
	x = make("", "a", "");
	assert_int_equal(cert_read(x.b, x.len, &r), 0);
	assert_int_equal(r.zone_len, 0);
}

/* Zone free where the token gives none; else that one and no other. */
static void
zones(void **state)
{
	static const struct {
		const char *given, *taken;
		int rc;
	} rows[] = {{"", "x", 0}, {"", "", 0}, {"x", "x", 0}, {"x", "y", -ERR_AUTH},
	    {"x", "", -ERR_AUTH}, {"x", "xx", -ERR_AUTH}};
	struct cert r;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct made x = make(rows[i].given, "n", rows[i].taken);

		assert_int_equal(cert_read(x.b, x.len, &r), rows[i].rc);
	}
}

static void
every_byte_is_signed(void **state)
{
	static const uint8_t other[KEY_BYTES] = {9};
	struct crypto c = world_crypto(7, 1);
	struct made x = make("", "n", "z");
	struct cert r;

	(void)state;
	for (size_t i = 0; i < x.len; i++) {
		x.b[i] ^= 1;
		if (cert_read(x.b, x.len, &r) == 0)
			assert_false(cert_holds(&c, ca, node, &r));
		x.b[i] ^= 1;
	}
	assert_int_equal(cert_read(x.b, x.len, &r), 0);
	assert_false(cert_holds(&c, ca, other, &r)); /* another node's */
	assert_false(cert_holds(&c, other, node, &r)); /* another cluster's */
	assert_true(cert_holds(&c, ca, node, &r));
}

static void
bad_bytes(void **state)
{
	const struct made good = make("z", "n", "z");
	static const struct {
		size_t at;
		uint8_t to;
		int rc;
	} rows[] = {
	    {41, 0, -ERR_RANGE},  /* uses 0 */
	    {32, 1, -ERR_RANGE},  /* expiry beyond any clock */
	    {42, 64, -ERR_MALFORMED}, /* a zone too long */
	    {43, 'Z', -ERR_MALFORMED},
	    {43, '-', -ERR_MALFORMED},
	    {108, 0, -ERR_MALFORMED}, /* no name */
	    {108, 64, -ERR_MALFORMED},
	    {109, '/', -ERR_MALFORMED},
	    {110, 64, -ERR_MALFORMED},
	    {110, 0, -ERR_LONG}, /* one byte that is nobody's */
	};
	struct cert r;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct made x = good;

		x.b[rows[i].at] = rows[i].to;
		if (cert_read(x.b, x.len, &r) != rows[i].rc)
			fail_msg("row %zu: %d", i, cert_read(x.b, x.len, &r));
	}
	for (size_t n = 0; n < good.len; n++) {
		uint8_t *cut = malloc(n + 1); /* what is read too far is seen */

		memcpy(cut, good.b, n);
		assert_int_equal(cert_read(cut, n, &r), -ERR_SHORT);
		free(cut);
	}
	{
		uint8_t more[CERT_BYTES_MAX + 1] = {0};

		memcpy(more, good.b, good.len);
		assert_int_equal(cert_read(more, good.len + 1, &r), -ERR_LONG);
		assert_int_equal(cert_read(more, sizeof more, &r), -ERR_LONG);
	}
}

static void
decrees(void **state)
{
	static const uint8_t cluster[ID_BYTES] = {1}, elsewhere[ID_BYTES] = {2};
	uint8_t body[DECREE_BODY_MAX] = {5}, buf[DECREE_SIGNED_MAX], sig[SIG_BYTES];
	struct crypto c = world_crypto(7, 1);

	(void)state;
	toy_sig(ca, sig, buf, decree_to_sign(cluster, "evict", body, 48, buf));
	assert_true(decree_holds(&c, ca, cluster, "evict", body, 48, sig));
	assert_false(decree_holds(&c, ca, elsewhere, "evict", body, 48, sig));
	assert_false(decree_holds(&c, token, cluster, "evict", body, 48, sig));
	assert_false(decree_holds(&c, ca, cluster, "recover", body, 48, sig));
	assert_false(decree_holds(&c, ca, cluster, "evict", body, 47, sig));
	body[47] ^= 1;
	assert_false(decree_holds(&c, ca, cluster, "evict", body, 48, sig));
	assert_true(decree_to_sign(cluster, "sixteen-letters-", body, sizeof body, buf) <= sizeof buf);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_is_made_is_read),
	    cmocka_unit_test(zones),
	    cmocka_unit_test(every_byte_is_signed),
	    cmocka_unit_test(bad_bytes),
	    cmocka_unit_test(decrees),
	};

	return cmocka_run_group_tests_name("cert", tests, NULL, NULL);
}
