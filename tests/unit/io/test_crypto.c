/*
 * The machines' cryptography against published vectors and forgeries, and the
 * key file with every way it can be wrong.
 */
#include "world.h"

#include <sodium.h>

#include "../../../daemon/io/crypto.h"

static struct keyring ring;
static struct crypto c;

static int
setup(void **state)
{
	struct err err;

	(void)state;
	if (crypto_init(&err) != 0)
		return -1;
	crypto_fill(&c, &ring);
	return 0;
}

static void
unhex(uint8_t *out, const char *hex)
{
	for (; *hex != '\0'; hex += 2) {
		unsigned v;

		assert_int_equal(sscanf(hex, "%2x", &v), 1);
		*out++ = (uint8_t)v;
	}
}

/* draft-irtf-cfrg-xchacha, A.3.1. */
static void
seal_is_xchacha20_poly1305(void **state)
{
	static const char text[] =
	    "Ladies and Gentlemen of the class of '99: If I could offer you only one tip "
	    "for the future, sunscreen would be it.";
	uint8_t nonce[24], ad[12], out[sizeof text - 1 + 16], want[16], back[sizeof text];

	(void)state;
	for (int i = 0; i < 32; i++)
		ring.key[i] = (uint8_t)(0x80 + i);
	ring.has_key = true;
	for (int i = 0; i < 24; i++)
		nonce[i] = (uint8_t)(0x40 + i);
	unhex(ad, "50515253c0c1c2c3c4c5c6c7");
	c.seal(c.arg, 0, out, (const uint8_t *)text, sizeof text - 1, ad, sizeof ad, nonce);
	unhex(want, "bd6d179d3e83d43b9576579493c0e939");
	assert_memory_equal(out, want, 16);
	unhex(want, "c0875924c1c7987947deafd8780acf49");
	assert_memory_equal(out + sizeof text - 1, want, 16);
	assert_int_equal(c.open(c.arg, 0, back, out, sizeof out, ad, sizeof ad, nonce), 0);
	assert_memory_equal(back, text, sizeof text - 1);
}

static void
seal_and_open_work_in_place(void **state)
{
	uint8_t buf[DGRAM_BYTES_MAX], was[DGRAM_BYTES_MAX], nonce[24] = { 7 };
	size_t len = sizeof buf - SEAL_TAG_BYTES;

	(void)state;
	ring.has_key = true;
	crypto_random(was, sizeof was);
	memcpy(buf, was, len);
	c.seal(c.arg, 0, buf, buf, len, NULL, 0, nonce);
	assert_memory_not_equal(buf, was, len);
	assert_int_equal(c.open(c.arg, 0, buf, buf, sizeof buf, NULL, 0, nonce), 0);
	assert_memory_equal(buf, was, len);
}

static void
forgeries_leave_the_output_alone(void **state)
{
	uint8_t text[64], sealed[64 + 16], ad[8] = { 1 }, nonce[24] = { 2 }, out[64], was[64];

	(void)state;
	ring.has_key = true;
	memset(text, 'x', sizeof text);
	memset(was, 0xaa, sizeof was);
	c.seal(c.arg, 0, sealed, text, sizeof text, ad, sizeof ad, nonce);
	for (size_t i = 0; i < sizeof sealed; i++) {
		memcpy(out, was, sizeof out);
		sealed[i] ^= 1;
		assert_int_equal(c.open(c.arg, 0, out, sealed, sizeof sealed, ad, sizeof ad, nonce),
		    -ERR_AUTH);
		assert_memory_equal(out, was, sizeof out);
		sealed[i] ^= 1;
	}
	ad[0] ^= 1;
	assert_int_equal(c.open(c.arg, 0, out, sealed, sizeof sealed, ad, sizeof ad, nonce), -ERR_AUTH);
	ad[0] ^= 1;
	nonce[23] ^= 1;
	assert_int_equal(c.open(c.arg, 0, out, sealed, sizeof sealed, ad, sizeof ad, nonce), -ERR_AUTH);
	nonce[23] ^= 1;
	for (size_t len = 0; len < sizeof sealed; len++)
		assert_int_equal(c.open(c.arg, 0, out, sealed, len, ad, sizeof ad, nonce), -ERR_AUTH);
	assert_int_equal(c.open(c.arg, 0, out, sealed, sizeof sealed, ad, sizeof ad, nonce), 0);
}

static void
no_key_means_no_plaintext(void **state)
{
	uint8_t text[32], out[48], nonce[24] = { 0 }, zero[48] = { 0 };

	(void)state;
	memset(text, 'x', sizeof text);
	ring.has_key = false;
	c.seal(c.arg, 0, out, text, sizeof text, NULL, 0, nonce);
	assert_memory_equal(out, zero, sizeof out);
	assert_int_equal(c.open(c.arg, 0, out, out, sizeof out, NULL, 0, nonce), -ERR_AUTH);
}

/* Two sides of one pair, and everything that makes their keys. */
struct side {
	struct keyring k;
	struct crypto c;
	uint8_t who[ID_BYTES + SALT_BYTES];
	uint8_t tx[KEY_BYTES], rx[KEY_BYTES];
};

static void
sides(struct side *a, struct side *b)
{
	struct side *both[] = {a, b};

	for (size_t i = 0; i < 2; i++) {
		struct side *s = both[i];

		memset(s, 0, sizeof *s);
		crypto_sign_keypair(s->k.pk, s->k.sk);
		memset(s->k.key, 3, sizeof s->k.key);
		s->k.has_key = true;
		crypto_fill(&s->c, &s->k);
		crypto_random(s->who, sizeof s->who);
	}
}

/* What both identities and lives give, under the cluster key. */
static int
keys_of(struct side *s, const uint8_t *pk, const uint8_t *me, const uint8_t *peer)
{
	int rc = s->c.pair(s->c.arg, s->tx, s->rx, pk, me, peer);

	if (rc == 0)
		rc = s->c.pair_epoch(s->c.arg, 0, s->tx, s->tx);
	return rc < 0 ? rc : s->c.pair_epoch(s->c.arg, 0, s->rx, s->rx);
}

static bool
agree(struct side *a, struct side *b)
{
	assert_int_equal(keys_of(a, b->k.pk, a->who, b->who), 0);
	assert_int_equal(keys_of(b, a->k.pk, b->who, a->who), 0);
	return memcmp(a->tx, b->rx, KEY_BYTES) == 0 && memcmp(a->rx, b->tx, KEY_BYTES) == 0;
}

static void
a_pair_of_keys_is_for_two_and_one_life(void **state)
{
	struct side a, b, thief;
	uint8_t was[KEY_BYTES];

	(void)state;
	sides(&a, &b);
	sides(&thief, &b);
	assert_true(agree(&a, &b));
	assert_memory_not_equal(a.tx, a.rx, KEY_BYTES);
	/* Either salt, either id, or the cluster key: each makes other keys. */
	for (size_t i = 0; i < sizeof a.who; i += 5) {
		memcpy(was, a.tx, sizeof was);
		a.who[i] ^= 1;
		assert_true(agree(&a, &b));
		assert_memory_not_equal(a.tx, was, KEY_BYTES);
		memcpy(was, a.tx, sizeof was);
		b.who[i] ^= 1;
		assert_true(agree(&a, &b));
		assert_memory_not_equal(a.tx, was, KEY_BYTES);
	}
	memcpy(was, a.tx, sizeof was);
	a.k.key[9] ^= 1;
	assert_int_equal(keys_of(&a, b.k.pk, a.who, b.who), 0);
	assert_memory_not_equal(a.tx, was, KEY_BYTES);
	a.k.key[9] ^= 1;
	/* A member that knows all of it but the secret key of one of the two. */
	assert_int_equal(keys_of(&thief, b.k.pk, a.who, b.who), 0);
	assert_true(agree(&a, &b));
	assert_memory_not_equal(thief.tx, a.tx, KEY_BYTES);
	assert_memory_not_equal(thief.rx, a.rx, KEY_BYTES);
	/* No point of the curve, a point of small order, no cluster. */
	memset(b.k.pk, 0xff, KEY_BYTES);
	assert_int_equal(a.c.pair(a.c.arg, a.tx, a.rx, b.k.pk, a.who, b.who), -ERR_AUTH);
	memset(b.k.pk, 0, KEY_BYTES);
	b.k.pk[0] = 1;
	assert_int_equal(a.c.pair(a.c.arg, a.tx, a.rx, b.k.pk, a.who, b.who), -ERR_AUTH);
	a.k.has_key = false;
	assert_int_equal(keys_of(&a, thief.k.pk, a.who, b.who), -ERR_AUTH);
}

/* The next key, as one member hands it to another: to him and to nobody else, and
 * nothing changes for who is handed something else. */
static void
a_key_is_sealed_to_one_identity(void **state)
{
	struct side a, b, thief;
	uint8_t box[KEY_BOX_BYTES], was[KEY_BYTES];
	uint64_t id;

	(void)state;
	sides(&a, &b);
	sides(&thief, &thief);
	a.c.key_make(a.c.arg, 1);
	id = a.c.key_id(a.c.arg, 1);
	assert_true(id != 0 && id != a.c.key_id(a.c.arg, 0));
	assert_true(b.c.key_id(b.c.arg, 1) == 0);
	assert_int_equal(a.c.key_wrap(a.c.arg, 2, b.k.pk, box), -ERR_AUTH); /* it has none */
	assert_int_equal(a.c.key_wrap(a.c.arg, 1, b.k.pk, box), 0);
	assert_int_equal(thief.c.key_unwrap(thief.c.arg, 1, box), -ERR_AUTH);
	for (size_t i = 0; i < sizeof box; i++) {
		box[i] ^= 1;
		assert_int_equal(b.c.key_unwrap(b.c.arg, 1, box), -ERR_AUTH);
		assert_true(b.c.key_id(b.c.arg, 1) == 0);
		box[i] ^= 1;
	}
	assert_int_equal(b.c.key_unwrap(b.c.arg, 1, box), 0);
	assert_true(b.c.key_id(b.c.arg, 1) == id);
	/* Used, and the old one gone without a trace. */
	memcpy(was, b.k.key, sizeof was);
	crypto_key_use(&b.k, 1);
	assert_memory_equal(b.k.key, crypto_key(&a.k, 1), KEY_BYTES);
	assert_memory_equal(crypto_key_byte(&b.k, 0), was, KEY_BYTES);
	b.c.key_drop(b.c.arg, 0);
	assert_null(crypto_key(&b.k, 0));
	for (size_t i = 0; i + KEY_BYTES <= sizeof b.k; i++)
		assert_memory_not_equal((const uint8_t *)&b.k + i, was, KEY_BYTES);
	b.c.key_move(b.c.arg, 1, 7);
	assert_true(b.c.key_id(b.c.arg, 7) == id && b.c.key_id(b.c.arg, 1) == 0);
}

/* RFC 8439 with the counter where its nonce ends; in place, whole or not at all. */
static void
pair_frames_are_chacha20_poly1305(void **state)
{
	static const uint8_t key[KEY_BYTES] = {1, 2, 3}, ad[5] = {9};
	uint8_t buf[64 + SEAL_TAG_BYTES], want[64 + SEAL_TAG_BYTES], nonce[12] = {0};
	unsigned long long n;

	(void)state;
	memset(buf, 'x', 64);
	memcpy(want, buf, 64);
	nonce[4] = 0x11, nonce[10] = 0x22, nonce[11] = 0x33;
	crypto_aead_chacha20poly1305_ietf_encrypt(want, &n, want, 64, ad, sizeof ad, NULL, nonce, key);
	c.pair_seal(c.arg, key, buf, buf, 64, ad, sizeof ad, UINT64_C(0x1100000000002233));
	assert_memory_equal(buf, want, sizeof want);
	for (size_t i = 0; i < sizeof buf; i++) {
		buf[i] ^= 0x40;
		assert_int_equal(c.pair_open(c.arg, key, want, buf, sizeof buf, ad, sizeof ad,
		    UINT64_C(0x1100000000002233)), -ERR_AUTH);
		buf[i] ^= 0x40;
	}
	assert_int_equal(c.pair_open(c.arg, key, want, buf, sizeof buf, ad, sizeof ad,
	    UINT64_C(0x1100000000002234)), -ERR_AUTH);
	for (size_t len = 0; len < sizeof buf; len++)
		assert_int_equal(c.pair_open(c.arg, key, want, buf, len, ad, sizeof ad,
		    UINT64_C(0x1100000000002233)), -ERR_AUTH);
	assert_int_equal(c.pair_open(c.arg, key, buf, buf, sizeof buf, ad, sizeof ad,
	    UINT64_C(0x1100000000002233)), 0);
	for (size_t i = 0; i < 64; i++)
		assert_int_equal(buf[i], 'x');
}

/* RFC 8032, test 2. */
static void
signatures_are_ed25519(void **state)
{
	uint8_t msg[1] = { 0x72 }, sig[SIG_BYTES], want[SIG_BYTES];

	(void)state;
	unhex(ring.sk, "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb");
	unhex(ring.sk + 32, "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
	memcpy(ring.pk, ring.sk + 32, 32);
	unhex(want, "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
	            "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00");
	c.sign(c.arg, sig, msg, 1);
	assert_memory_equal(sig, want, sizeof sig);
	assert_true(c.verify(c.arg, ring.pk, sig, msg, 1));
	for (size_t i = 0; i < sizeof sig; i++) {
		sig[i] ^= 4;
		assert_false(c.verify(c.arg, ring.pk, sig, msg, 1));
		sig[i] ^= 4;
	}
	msg[0]++;
	assert_false(c.verify(c.arg, ring.pk, sig, msg, 1));
}

static void
hash_is_blake2b_256(void **state)
{
	struct hash h;
	uint8_t want[HASH_BYTES];

	(void)state;
	unhex(want, "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319");
	c.hash(c.arg, &h, (const uint8_t *)"abc", 3);
	assert_memory_equal(h.b, want, sizeof want);
}

static int
read_key(const struct world *w, uint8_t key[KEY_BYTES], struct err *err)
{
	int fd = openat(w->fd, "cluster.key", O_RDONLY), rc;

	assert_true(fd >= 0);
	rc = crypto_key_read(fd, "cluster.key", key, err);
	close(fd);
	return rc;
}

static void
key_file_is_read_with_suspicion(void **state)
{
	uint8_t raw[64], key[KEY_BYTES], untouched[KEY_BYTES];
	static const struct {
		size_t len;
		mode_t mode;
		const char *words;
	} bad[] = {
		{ 32, 0644, "cluster.key: mode 0644, must be 0600" },
		{ 32, 0640, "mode 0640" },
		{ 32, 0700, "mode 0700" },
		{ 31, 0600, "cluster.key: 31 bytes, need 32" },
		{ 33, 0600, "33 bytes, need 32" },
		{ 0, 0600, "0 bytes, need 32" },
	};
	struct world w;
	struct err err;

	(void)state;
	world_open(&w);
	memset(raw, 0x5a, sizeof raw);
	memset(untouched, 1, sizeof untouched);
	memcpy(key, untouched, sizeof key);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		world_write(&w, "cluster.key", raw, bad[i].len, bad[i].mode);
		assert_int_equal(read_key(&w, key, &err), -EXIT_KEY);
		assert_err(err, EXIT_KEY, bad[i].words);
		assert_memory_equal(key, untouched, sizeof key);
	}
	world_write(&w, "cluster.key", "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
	    32, 0600);
	assert_int_equal(read_key(&w, key, &err), -EXIT_KEY);
	assert_err(err, EXIT_KEY, "cluster.key: key is all zero");
	assert_int_equal(crypto_key_read(w.fd, "cluster.key", key, &err), -EXIT_KEY);
	assert_err(err, EXIT_KEY, "not a regular file");
	world_write(&w, "cluster.key", raw, 32, 0600);
	assert_int_equal(read_key(&w, key, &err), 0);
	assert_memory_equal(key, raw, sizeof key);
	world_write(&w, "cluster.key", raw, 32, 0400);
	assert_int_equal(read_key(&w, key, &err), 0);
	world_close(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(seal_is_xchacha20_poly1305),
		cmocka_unit_test(seal_and_open_work_in_place),
		cmocka_unit_test(forgeries_leave_the_output_alone),
		cmocka_unit_test(no_key_means_no_plaintext),
		cmocka_unit_test(a_pair_of_keys_is_for_two_and_one_life),
		cmocka_unit_test(a_key_is_sealed_to_one_identity),
		cmocka_unit_test(pair_frames_are_chacha20_poly1305),
		cmocka_unit_test(signatures_are_ed25519),
		cmocka_unit_test(hash_is_blake2b_256),
		cmocka_unit_test(key_file_is_read_with_suspicion),
	};

	return cmocka_run_group_tests_name("crypto", tests, setup, NULL);
}
