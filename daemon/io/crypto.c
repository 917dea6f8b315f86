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

_Static_assert(SEAL_NONCE_BYTES == crypto_aead_xchacha20poly1305_ietf_NPUBBYTES, "nonce");
_Static_assert(SEAL_TAG_BYTES == crypto_aead_xchacha20poly1305_ietf_ABYTES, "tag");
_Static_assert(KEY_BYTES == crypto_aead_xchacha20poly1305_ietf_KEYBYTES, "key");
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
crypto_wipe(struct keyring *k)
{
	sodium_memzero(k, sizeof *k);
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
