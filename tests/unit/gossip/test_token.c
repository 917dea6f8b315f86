/*
 * test_token.c - a token's text: read back as written, and a table of what a person can
 * make of it on the way.
 */
#include "../../shared/toy_ca.h"
#include "world.h"

static const uint8_t ca[KEY_BYTES] = {0xca, 1}, key[KEY_BYTES] = {0x70, 2};

/* world.h's forgets what came long ago; a checksum must not. */
static void
mixing_hash(void *arg, struct hash *out, const uint8_t *msg, size_t len)
{
	(void)arg;
	for (uint64_t lane = 0; lane < HASH_BYTES / 8; lane++) {
		uint64_t h = lane;

		for (size_t i = 0; i < len; i++)
			h = prng_mix(h ^ msg[i]);
		memcpy(out->b + 8 * lane, &h, 8);
	}
}

static struct crypto
crypto_of_a_test(void)
{
	struct crypto c = world_crypto(7, 1);

	c.hash = mixing_hash;
	return c;
}

static struct token
make(const struct crypto *c, const char *zone)
{
	struct token t;

	memset(&t, 0, sizeof t);
	memcpy(t.ca, ca, KEY_BYTES);
	memset(t.secret, 0x5e, sizeof t.secret);
	t.delegation_len = toy_delegate(c, toy_sig, ca, key, 5000, 3, zone, t.delegation);
	return t;
}

static void
read_back(void **state)
{
	static const char zone[] = "a23456789012345678901234567890123456789012345678901234567890123";
	struct crypto c = crypto_of_a_test();
	char text[TOKEN_TEXT_CAP];
	struct token r;
	size_t at;

	(void)state;
	for (size_t n = 0; n < sizeof zone; n++) {
		struct token t = make(&c, zone + n);

		if (zone[n] != '\0' && !cert_name_fits(zone + n, strlen(zone + n)))
			continue;
		token_write(&c, &t, text);
		assert_true(strlen(text) < sizeof text);
		assert_int_equal(token_read(&c, text, strlen(text), &r, &at), TOKEN_FINE);
		assert_memory_equal(&r, &t, sizeof t);
	}
}

static void
said(const struct crypto *c, const char *text, size_t len, enum token_fault want)
{
	static const uint8_t none[sizeof(struct token)];
	struct token r;
	size_t at;
	enum token_fault got = token_read(c, text, len, &r, &at);

	if (got != want)
		fail_msg("%.*s: %d, not %d", (int)len, text, (int)got, (int)want);
	assert_memory_equal(&r, none, sizeof r);
	assert_true(at <= len);
	assert_true(strlen(token_fault_text(got)) > 0);
}

static void
mangled(void **state)
{
	struct crypto c = crypto_of_a_test();
	struct token t = make(&c, "eu");
	char good[TOKEN_TEXT_CAP], text[2 * TOKEN_TEXT_CAP];
	size_t len, at;
	struct token r;

	(void)state;
	token_write(&c, &t, good);
	len = strlen(good);
	said(&c, "", 0, TOKEN_NONE);
	said(&c, "mesh1", 5, TOKEN_NONE);
	said(&c, "10.0.0.1:7780", 13, TOKEN_NONE);
	said(&c, "mesh1_", 6, TOKEN_LENGTH);
	said(&c, "mesh1_AAAA", 10, TOKEN_LENGTH);
	for (size_t n = 6; n < len; n++) { /* cut off */
		enum token_fault fault = token_read(&c, good, n, &r, &at);

		assert_true(fault == TOKEN_LENGTH || fault == TOKEN_SUM);
	}
	for (size_t i = 6; i < len; i++) { /* one character another, or gone */
		enum token_fault fault;

		memcpy(text, good, len + 1);
		text[i] = text[i] == 'A' ? 'B' : 'A';
		fault = token_read(&c, text, len, &r, &at);
		if (fault != TOKEN_SUM && (i < len - 1 || fault != TOKEN_LENGTH))
			fail_msg("%zu of %zu: %d", i, len, (int)fault);
		memcpy(text, good, i);
		memcpy(text + i, good + i + 1, len - i);
		fault = token_read(&c, text, len - 1, &r, &at);
		assert_true(fault == TOKEN_SUM || fault == TOKEN_LENGTH);
	}
	memcpy(text, good, len + 1);
	text[40] = '=';
	assert_int_equal(token_read(&c, text, len, &r, &at), TOKEN_CHARACTER);
	assert_int_equal(at, 40);
	text[40] = '\0';
	said(&c, text, len, TOKEN_CHARACTER);
	snprintf(text, sizeof text, "%s\n", good);
	said(&c, text, len + 1, TOKEN_CHARACTER);
	snprintf(text, sizeof text, "%s%s", good, good + 6);
	said(&c, text, strlen(text), TOKEN_LENGTH);
	memset(text, 'A', sizeof text);
	memcpy(text, "mesh1_", 6);
	said(&c, text, sizeof text, TOKEN_LENGTH);
}

/* Whole by their checksum, and still nobody's word. */
static void
made_up(void **state)
{
	struct crypto c = crypto_of_a_test();
	struct token t = make(&c, "eu");
	char text[TOKEN_TEXT_CAP];

	(void)state;
	t.ca[1] ^= 1;
	token_write(&c, &t, text);
	said(&c, text, strlen(text), TOKEN_FORGED);
	t = make(&c, "eu");
	t.delegation[41] = 200; /* uses */
	token_write(&c, &t, text);
	said(&c, text, strlen(text), TOKEN_FORGED);
	t = make(&c, "eu");
	t.delegation_len--;
	token_write(&c, &t, text);
	said(&c, text, strlen(text), TOKEN_CONTENT);
	t = make(&c, "eu");
	t.delegation[43] = 'E';
	token_write(&c, &t, text);
	said(&c, text, strlen(text), TOKEN_CONTENT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(read_back),
	    cmocka_unit_test(mangled),
	    cmocka_unit_test(made_up),
	};

	return cmocka_run_group_tests_name("token", tests, NULL, NULL);
}
