/*
 * test_secret.c - sealed secrets opened, and what can't be; key files whole, cut
 * and changed at each byte.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "../../../daemon/conf/secret.h"
#include "../../../daemon/conf/secret_key.h"

enum { TEXT_CAP = 4096 };

static uint8_t pk[2][32], sk[2][64];
static char file[TEXT_CAP], out[SECRET_OUT_BYTES_MAX];
static size_t file_len, out_len;
static struct err err;

struct bytes {
	uint8_t buf[2048];
	size_t len;
};

static void
put_u32(struct bytes *b, uint32_t v)
{
	for (int i = 3; i >= 0; i--)
		b->buf[b->len++] = (uint8_t)(v >> (8 * i));
}

static void
put(struct bytes *b, const void *p, size_t len)
{
	put_u32(b, (uint32_t)len);
	memcpy(b->buf + b->len, p, len);
	b->len += len;
}

/* A block with n of our keys, as ssh-keygen writes it. */
static void
write_block(size_t from, size_t n, const char *cipher, const char *type)
{
	struct bytes b = {{0}, 0}, in = {{0}, 0};
	char text[TEXT_CAP];

	memcpy(b.buf, "openssh-key-v1", 15);
	b.len = 15;
	put(&b, cipher, strlen(cipher));
	put(&b, "none", 4);
	put(&b, "", 0);
	put_u32(&b, (uint32_t)n);
	put_u32(&in, 7);
	put_u32(&in, 7);
	for (size_t i = from; i < from + n; i++) {
		put(&b, "public", 6);
		put(&in, type, strlen(type));
		put(&in, pk[i], 32);
		put(&in, sk[i], 64);
		put(&in, "somebody", 8);
	}
	put(&b, in.buf, in.len);
	sodium_bin2base64(text, sizeof text, b.buf, b.len, sodium_base64_VARIANT_ORIGINAL);
	file_len += (size_t)snprintf(file + file_len, sizeof file - file_len,
	    "-----BEGIN OPENSSH PRIVATE KEY-----\n%.70s\n%s\n-----END OPENSSH PRIVATE KEY-----\n",
	    text, text + 70);
}

static int
setup(void **state)
{
	(void)state;
	assert_int_equal(secret_begin(&err), 0);
	for (size_t i = 0; i < 2; i++) {
		uint8_t seed[32];

		memset(seed, (int)i + 1, sizeof seed);
		crypto_sign_seed_keypair(pk[i], sk[i], seed);
	}
	file_len = 0;
	write_block(0, 1, "none", "ssh-ed25519");
	return 0;
}

/* `v2:...` of "namespace:secret" for a key; items of one variable follow. */
static void
seal(char *text, size_t cap, size_t key, const char *ns, const char *secret)
{
	char plain[512], box64[800], hash[3][SECRET_HASH_CAP];
	uint8_t box[600], curve[32];
	size_t len = (size_t)snprintf(plain, sizeof plain, "%s:%s", ns, secret);

	assert_int_equal(crypto_sign_ed25519_pk_to_curve25519(curve, pk[key]), 0);
	crypto_box_seal(box, (const uint8_t *)plain, len, curve);
	sodium_bin2base64(box64, sizeof box64, box, len + crypto_box_SEALBYTES,
	    sodium_base64_VARIANT_ORIGINAL);
	secret_hash(hash[0], pk[key], 32);
	secret_hash(hash[1], (const uint8_t *)ns, strlen(ns));
	secret_hash(hash[2], (const uint8_t *)secret, strlen(secret));
	snprintf(text, cap, "v2:%s:%s:%s:%s", hash[0], hash[1], hash[2], box64);
}

static int
open_one(const char *sealed)
{
	char items[TEXT_CAP];
	size_t len = (size_t)snprintf(items, sizeof items,
	    "namespace web%cfile img/x.yaml%csecret 3 14 PW %s", 0, 0, sealed);

	return secret_open(items, len + 1, file, file_len, out, &out_len, &err);
}

static void
fails(const char *sealed, const char *want)
{
	assert_int_equal(open_one(sealed), -EXIT_CONFIG);
	assert_string_equal(err.text, want);
	assert_int_equal(out_len, 0);
}

/* What lithos' manual prints for it. */
static void
test_hash(void **state)
{
	char hash[SECRET_HASH_CAP];

	(void)state;
	secret_hash(hash, (const uint8_t *)"the_secret", 10);
	assert_string_equal(hash, "8MtOoWUX");
}

static void
test_opened(void **state)
{
	char one[1024], two[1024], both[2100];

	(void)state;
	seal(one, sizeof one, 0, "web", "a:b=c");
	assert_true(secret_sealed_ok(one, strlen(one)));
	assert_int_equal(open_one(one), 0);
	assert_int_equal(out_len, sizeof "PW=a:b=c");
	assert_memory_equal(out, "PW=a:b=c", out_len);
	/* The first that opens, of several for several keys. */
	seal(two, sizeof two, 1, "web", "other");
	snprintf(both, sizeof both, "%s %s", two, one);
	assert_int_equal(open_one(both), 0);
	assert_memory_equal(out, "PW=a:b=c", out_len);
	fails(two, "img/x.yaml:3:14: secret-environ.PW: sealed for another key than secrets-private-key of the sandbox");
	write_block(1, 1, "none", "ssh-ed25519");
	assert_int_equal(open_one(two), 0);
	assert_memory_equal(out, "PW=other", out_len);
	file_len = 0;
	write_block(0, 2, "none", "ssh-ed25519");
	assert_int_equal(open_one(two), 0);
}

static void
test_not_opened(void **state)
{
	char one[1024], bad[1024];
	const char *damaged =
	    "img/x.yaml:3:14: secret-environ.PW: can't be opened: cut short, or changed since it was sealed";

	(void)state;
	seal(one, sizeof one, 0, "web", "value");
	for (size_t i = 0; one[i] != '\0'; i++) {
		memcpy(bad, one, sizeof bad);
		bad[i] = bad[i] == 'A' ? 'B' : 'A';
		assert_int_equal(open_one(bad), -EXIT_CONFIG);
		memcpy(bad, one, i);
		bad[i] = '\0';
		assert_int_equal(open_one(bad), -EXIT_CONFIG);
	}
	memcpy(bad, one, sizeof bad);
	bad[strlen(bad) - 8] = '\0';
	fails(bad, damaged);
	seal(one, sizeof one, 0, "we", "value");
	fails(one, "img/x.yaml:3:14: secret-environ.PW: its namespace is none of secrets-namespaces of the sandbox");
	/* A namespace with a colon is another one, whose secret goes on with it. */
	seal(one, sizeof one, 0, "web:x", "value");
	fails(one, damaged);
	fails("", "img/x.yaml:3:14: secret-environ.PW: can't be opened: cut short, or changed since it was sealed");
}

static void
test_key_files(void **state)
{
	struct secret_keys keys;
	char whole[TEXT_CAP];
	size_t len = file_len;

	(void)state;
	memcpy(whole, file, sizeof whole);
	assert_int_equal(secret_keys_parse(&keys, file, file_len, &err), 0);
	for (size_t i = 0; i < len - 1; i++) {
		/* Exactly so large, for a sanitizer to see a byte read beyond. */
		char *cut = malloc(i + 1);

		memcpy(cut, whole, i);
		assert_int_equal(secret_keys_parse(&keys, cut, i, &err), -EXIT_CONFIG);
		free(cut);
		memcpy(file, whole, sizeof file);
		file[i] = (char)(file[i] ^ 1);
		int rc = secret_keys_parse(&keys, file, len, &err);

		assert_true(rc == 0 || rc == -EXIT_CONFIG);
	}
	file_len = 0;
	write_block(0, 1, "aes256-ctr", "ssh-ed25519");
	assert_int_equal(secret_keys_parse(&keys, file, file_len, &err), -EXIT_CONFIG);
	assert_string_equal(err.text,
	    "secrets-private-key: a key with a passphrase, which nobody is there to type; `ssh-keygen -t ed25519 -N '' -f FILE` makes one");
	file_len = 0;
	write_block(0, 1, "none", "ssh-rsa");
	assert_int_equal(secret_keys_parse(&keys, file, file_len, &err), -EXIT_CONFIG);
	assert_non_null(strstr(err.text, "not an ed25519 key"));
	file_len = 0;
	memcpy(pk[0], pk[1], 32); /* halves that do not fit together */
	write_block(0, 1, "none", "ssh-ed25519");
	assert_int_equal(secret_keys_parse(&keys, file, file_len, &err), -EXIT_CONFIG);
	assert_non_null(strstr(err.text, "a damaged OpenSSH private key"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(test_hash, setup),
	    cmocka_unit_test_setup(test_opened, setup),
	    cmocka_unit_test_setup(test_not_opened, setup),
	    cmocka_unit_test_setup(test_key_files, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
