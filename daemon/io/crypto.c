/*
 * libsodium behind struct crypto.  The library's functions want arguments in
 * another order and other integer types; this file is nothing but that, plus
 * reading a key file with suspicion.
 */
#include "crypto.h"

#include <errno.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PAIR_NONCE_BYTES = 12 };

_Static_assert(SEAL_NONCE_BYTES == crypto_aead_xchacha20poly1305_ietf_NPUBBYTES, "nonce");
_Static_assert(SEAL_TAG_BYTES == crypto_aead_xchacha20poly1305_ietf_ABYTES, "tag");
_Static_assert(KEY_BYTES == crypto_aead_xchacha20poly1305_ietf_KEYBYTES, "key");
_Static_assert(PAIR_NONCE_BYTES == crypto_aead_chacha20poly1305_IETF_NPUBBYTES, "pair nonce");
_Static_assert(SEAL_TAG_BYTES == crypto_aead_chacha20poly1305_IETF_ABYTES, "pair tag");
_Static_assert(KEY_BYTES == crypto_aead_chacha20poly1305_IETF_KEYBYTES, "pair key");
_Static_assert(KEY_BYTES == crypto_sign_PUBLICKEYBYTES, "pk");
_Static_assert(CRYPTO_SK_BYTES == crypto_sign_SECRETKEYBYTES, "sk");
_Static_assert(SIG_BYTES == crypto_sign_BYTES, "signature");

int
crypto_init(struct err *err)
{
	if (sodium_init() < 0)
		return err_set(err, EXIT_ENVIRONMENT,
		    "libsodium: no source of randomness in this system");
	return 0;
}

static void
seal(void *arg, uint8_t *out, const uint8_t *in, size_t len, const uint8_t *ad,
    size_t ad_len, const uint8_t *nonce)
{
	const struct keyring *k = arg;

	if (!k->has_key) {
		memset(out, 0, len + SEAL_TAG_BYTES);
		return;
	}
	crypto_aead_xchacha20poly1305_ietf_encrypt_detached(out, out + len, NULL, in,
	    len, ad, ad_len, NULL, nonce, k->key);
}

/* libsodium zeroes the output when the tag is wrong; our contract leaves it
 * untouched, so the tag is checked once without an output (1 us at most). */
static int
open_(void *arg, uint8_t *out, const uint8_t *in, size_t len, const uint8_t *ad,
    size_t ad_len, const uint8_t *nonce)
{
	const struct keyring *k = arg;
	uint8_t tag[SEAL_TAG_BYTES];

	if (!k->has_key || len < SEAL_TAG_BYTES)
		return -ERR_AUTH;
	len -= SEAL_TAG_BYTES;
	memcpy(tag, in + len, sizeof tag);
	if (crypto_aead_xchacha20poly1305_ietf_decrypt_detached(NULL, NULL, in, len,
	        tag, ad, ad_len, nonce, k->key) != 0)
		return -ERR_AUTH;
	if (crypto_aead_xchacha20poly1305_ietf_decrypt_detached(out, NULL, in, len,
	        tag, ad, ad_len, nonce, k->key) != 0)
		return -ERR_AUTH;
	return 0;
}

/* The key of what from says to to: nothing in it stays the same when one of the
 * two starts anew, and nobody else can make it. */
static void
derive(uint8_t out[KEY_BYTES], const struct keyring *k, const uint8_t *shared,
    const uint8_t *from, const uint8_t *to)
{
	static const uint8_t domain[] = "mesh pair 0";
	crypto_generichash_state h;

	crypto_generichash_init(&h, k->key, sizeof k->key, KEY_BYTES);
	crypto_generichash_update(&h, domain, sizeof domain - 1);
	crypto_generichash_update(&h, shared, crypto_scalarmult_BYTES);
	crypto_generichash_update(&h, from, ID_BYTES + SALT_BYTES);
	crypto_generichash_update(&h, to, ID_BYTES + SALT_BYTES);
	crypto_generichash_final(&h, out, KEY_BYTES);
	sodium_memzero(&h, sizeof h);
}

static int
pair(void *arg, uint8_t *tx, uint8_t *rx, const uint8_t *pk, const uint8_t *me, const uint8_t *peer)
{
	const struct keyring *k = arg;
	uint8_t curve_pk[crypto_scalarmult_BYTES], curve_sk[crypto_scalarmult_SCALARBYTES];
	uint8_t shared[crypto_scalarmult_BYTES];
	int rc = -ERR_AUTH;

	if (!k->has_key || crypto_sign_ed25519_pk_to_curve25519(curve_pk, pk) != 0)
		return rc;
	crypto_sign_ed25519_sk_to_curve25519(curve_sk, k->sk);
	if (crypto_scalarmult(shared, curve_sk, curve_pk) == 0) {
		derive(tx, k, shared, me, peer);
		derive(rx, k, shared, peer, me);
		rc = 0;
	}
	sodium_memzero(curve_sk, sizeof curve_sk);
	sodium_memzero(shared, sizeof shared);
	return rc;
}

/* RFC 8439 wants 12 bytes: four zero ones and the counter, big-endian. */
static void
nonce_of(uint8_t nonce[PAIR_NONCE_BYTES], uint64_t counter)
{
	memset(nonce, 0, PAIR_NONCE_BYTES);
	for (int i = PAIR_NONCE_BYTES - 1; counter != 0; i--, counter >>= 8)
		nonce[i] = (uint8_t)counter;
}

static void
pair_seal(void *arg, const uint8_t *key, uint8_t *out, const uint8_t *in, size_t len,
    const uint8_t *ad, size_t ad_len, uint64_t counter)
{
	uint8_t nonce[PAIR_NONCE_BYTES];

	(void)arg;
	nonce_of(nonce, counter);
	crypto_aead_chacha20poly1305_ietf_encrypt_detached(out, out + len, NULL, in, len, ad,
	    ad_len, NULL, nonce, key);
}

static int
pair_open(void *arg, const uint8_t *key, uint8_t *out, const uint8_t *in, size_t len,
    const uint8_t *ad, size_t ad_len, uint64_t counter)
{
	uint8_t nonce[PAIR_NONCE_BYTES], tag[SEAL_TAG_BYTES];

	(void)arg;
	if (len < SEAL_TAG_BYTES)
		return -ERR_AUTH;
	len -= SEAL_TAG_BYTES;
	memcpy(tag, in + len, sizeof tag); /* out may be in */
	nonce_of(nonce, counter);
	return crypto_aead_chacha20poly1305_ietf_decrypt_detached(out, NULL, in, len, tag, ad,
	    ad_len, nonce, key) == 0 ? 0 : -ERR_AUTH;
}

static void
wipe(void *arg, void *p, size_t len)
{
	(void)arg;
	sodium_memzero(p, len);
}

static void
sign(void *arg, uint8_t *sig, const uint8_t *msg, size_t len)
{
	const struct keyring *k = arg;

	crypto_sign_detached(sig, NULL, msg, len, k->sk);
}

static bool
verify(void *arg, const uint8_t *pk, const uint8_t *sig, const uint8_t *msg,
    size_t len)
{
	(void)arg;
	return crypto_sign_verify_detached(sig, msg, len, pk) == 0;
}

void
crypto_hash256(struct hash *out, const void *msg, size_t len)
{
	crypto_generichash(out->b, sizeof out->b, msg, len, NULL, 0);
}

static void
hash(void *arg, struct hash *out, const uint8_t *msg, size_t len)
{
	(void)arg;
	crypto_hash256(out, msg, len);
}

void
crypto_fill(struct crypto *out, struct keyring *k)
{
	*out = (struct crypto){
		.arg = k,
		.seal = seal,
		.open = open_,
		.pair = pair,
		.pair_seal = pair_seal,
		.pair_open = pair_open,
		.wipe = wipe,
		.sign = sign,
		.verify = verify,
		.hash = hash,
	};
}

int
crypto_key_read(int fd, const char *name, uint8_t key[KEY_BYTES], struct err *err)
{
	uint8_t buf[KEY_BYTES + 1];
	struct stat st;
	ssize_t n;

	if (fstat(fd, &st) != 0)
		return err_set(err, EXIT_KEY, "%s: %s", name, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return err_set(err, EXIT_KEY, "%s: not a regular file", name);
	if ((st.st_mode & 0177) != 0)
		return err_set(err, EXIT_KEY,
		    "%s: mode %04o, must be 0600: chmod 600 it, and make a new key "
		    "if others could read it", name, st.st_mode & 07777);
	if (st.st_size != KEY_BYTES)
		return err_set(err, EXIT_KEY, "%s: %lld bytes, need 32", name,
		    (long long)st.st_size);
	n = pread(fd, buf, sizeof buf, 0);
	if (n < 0)
		return err_set(err, EXIT_KEY, "%s: %s", name, strerror(errno));
	if (n != KEY_BYTES) {
		sodium_memzero(buf, sizeof buf);
		return err_set(err, EXIT_KEY, "%s: %zd bytes, need 32", name, n);
	}
	if (sodium_is_zero(buf, KEY_BYTES))
		return err_set(err, EXIT_KEY, "%s: key is all zero", name);
	memcpy(key, buf, KEY_BYTES);
	sodium_memzero(buf, sizeof buf);
	return 0;
}

void
crypto_random(void *out, size_t len)
{
	randombytes_buf(out, len);
}

uint64_t
crypto_random64(void)
{
	uint64_t v;

	randombytes_buf(&v, sizeof v);
	return v;
}
