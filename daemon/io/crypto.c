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

#include "agreed.h"

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

/* --- the keyring ----------------------------------------------------------------- */

const uint8_t *
crypto_key(const struct keyring *k, uint32_t epoch)
{
	if (k->has_key && k->epoch == epoch)
		return k->key;
	for (size_t i = 0; i < CRYPTO_SPARES; i++)
		if (k->spare[i].has && k->spare[i].epoch == epoch)
			return k->spare[i].key;
	return NULL;
}

const uint8_t *
crypto_key_byte(const struct keyring *k, uint8_t low)
{
	if (k->has_key && (uint8_t)k->epoch == low)
		return k->key;
	for (size_t i = 0; i < CRYPTO_SPARES; i++)
		if (k->spare[i].has && (uint8_t)k->spare[i].epoch == low)
			return k->spare[i].key;
	return NULL;
}

/* Where one of that epoch goes: where it was, a free place, or the oldest's. */
static uint8_t *
place(struct keyring *k, uint32_t epoch)
{
	struct keyring_spare *at = &k->spare[0];

	if (k->has_key && k->epoch == epoch)
		return k->key;
	for (size_t i = 0; i < CRYPTO_SPARES; i++) {
		struct keyring_spare *s = &k->spare[i];

		if (s->has && s->epoch == epoch) {
			at = s;
			break;
		}
		if (at->has && (!s->has || s->epoch < at->epoch))
			at = s;
	}
	at->has = true;
	at->epoch = epoch;
	return at->key;
}

void
crypto_key_use(struct keyring *k, uint32_t epoch)
{
	struct keyring_spare was = {.has = k->has_key, .epoch = k->epoch};

	if (k->has_key && k->epoch == epoch)
		return;
	for (size_t i = 0; i < CRYPTO_SPARES; i++) {
		if (!k->spare[i].has || k->spare[i].epoch != epoch)
			continue;
		memcpy(was.key, k->key, KEY_BYTES);
		memcpy(k->key, k->spare[i].key, KEY_BYTES);
		k->epoch = epoch;
		k->has_key = true;
		k->spare[i] = was;
		sodium_memzero(&was, sizeof was);
		if (!k->spare[i].has)
			sodium_memzero(&k->spare[i], sizeof k->spare[i]);
		return;
	}
}

static void
key_make(void *arg, uint32_t epoch)
{
	randombytes_buf(place(arg, epoch), KEY_BYTES);
}

static int
key_wrap(void *arg, uint32_t epoch, const uint8_t *pk, uint8_t *box)
{
	const uint8_t *key = crypto_key(arg, epoch);
	uint8_t curve_pk[crypto_box_PUBLICKEYBYTES];

	if (key == NULL || crypto_sign_ed25519_pk_to_curve25519(curve_pk, pk) != 0)
		return -ERR_AUTH;
	return crypto_box_seal(box, key, KEY_BYTES, curve_pk) == 0 ? 0 : -ERR_AUTH;
}

/* Into key, which the caller wipes.  False: not sealed to this node, or no key. */
static bool
open_box(const struct keyring *k, const uint8_t *box, uint8_t key[KEY_BYTES])
{
	uint8_t curve_pk[crypto_box_PUBLICKEYBYTES], curve_sk[crypto_box_SECRETKEYBYTES];
	bool good;

	if (crypto_sign_ed25519_pk_to_curve25519(curve_pk, k->pk) != 0)
		return false;
	crypto_sign_ed25519_sk_to_curve25519(curve_sk, k->sk);
	good = crypto_box_seal_open(key, box, KEY_BOX_BYTES, curve_pk, curve_sk) == 0 &&
	    !sodium_is_zero(key, KEY_BYTES);
	sodium_memzero(curve_sk, sizeof curve_sk);
	return good;
}

static int
key_unwrap(void *arg, uint32_t epoch, const uint8_t *box)
{
	uint8_t key[KEY_BYTES];
	bool good = open_box(arg, box, key);

	if (good)
		memcpy(place(arg, epoch), key, KEY_BYTES);
	sodium_memzero(key, sizeof key);
	return good ? 0 : -ERR_AUTH;
}

static uint64_t
id_of(const uint8_t key[KEY_BYTES])
{
	static const uint8_t domain[] = "mesh key id 0";
	uint8_t h[HASH_BYTES];
	uint64_t id;

	crypto_generichash(h, sizeof h, domain, sizeof domain - 1, key, KEY_BYTES);
	memcpy(&id, h, sizeof id);
	return id != 0 ? id : 1;
}

static uint64_t
key_peek(void *arg, const uint8_t *box)
{
	uint8_t key[KEY_BYTES];
	uint64_t id = open_box(arg, box, key) ? id_of(key) : 0;

	sodium_memzero(key, sizeof key);
	return id;
}

static uint64_t
key_id(void *arg, uint32_t epoch)
{
	const uint8_t *key = crypto_key(arg, epoch);

	return key == NULL ? 0 : id_of(key);
}

static void
key_drop(void *arg, uint32_t epoch)
{
	struct keyring *k = arg;

	for (size_t i = 0; i < CRYPTO_SPARES; i++)
		if (k->spare[i].has && k->spare[i].epoch == epoch)
			sodium_memzero(&k->spare[i], sizeof k->spare[i]);
	if (!k->has_key || k->epoch != epoch)
		return;
	sodium_memzero(k->key, sizeof k->key);
	k->has_key = false;
}

static void
key_move(void *arg, uint32_t from, uint32_t to)
{
	struct keyring *k = arg;

	if (k->has_key && k->epoch == from)
		k->epoch = to;
	for (size_t i = 0; i < CRYPTO_SPARES; i++)
		if (k->spare[i].has && k->spare[i].epoch == from)
			k->spare[i].epoch = to;
}

/* --- seals ------------------------------------------------------------------------- */

static void
seal(void *arg, uint32_t epoch, uint8_t *out, const uint8_t *in, size_t len, const uint8_t *ad,
    size_t ad_len, const uint8_t *nonce)
{
	const uint8_t *key = crypto_key(arg, epoch);

	if (key == NULL) {
		memset(out, 0, len + SEAL_TAG_BYTES);
		return;
	}
	crypto_aead_xchacha20poly1305_ietf_encrypt_detached(out, out + len, NULL, in,
	    len, ad, ad_len, NULL, nonce, key);
}

/* libsodium zeroes the output when the tag is wrong; our contract leaves it
 * untouched, so the tag is checked once without an output (1 us at most). */
static int
open_(void *arg, uint32_t epoch, uint8_t *out, const uint8_t *in, size_t len, const uint8_t *ad,
    size_t ad_len, const uint8_t *nonce)
{
	const uint8_t *key = crypto_key(arg, epoch);
	uint8_t tag[SEAL_TAG_BYTES];

	if (key == NULL || len < SEAL_TAG_BYTES)
		return -ERR_AUTH;
	len -= SEAL_TAG_BYTES;
	memcpy(tag, in + len, sizeof tag);
	if (crypto_aead_xchacha20poly1305_ietf_decrypt_detached(NULL, NULL, in, len,
	        tag, ad, ad_len, nonce, key) != 0)
		return -ERR_AUTH;
	if (crypto_aead_xchacha20poly1305_ietf_decrypt_detached(out, NULL, in, len,
	        tag, ad, ad_len, nonce, key) != 0)
		return -ERR_AUTH;
	return 0;
}

/* The secret of what from says to to: nothing in it stays the same when one of the
 * two starts anew, and nobody else can make it. */
static void
derive(uint8_t out[KEY_BYTES], const uint8_t *shared, const uint8_t *from, const uint8_t *to)
{
	static const uint8_t domain[] = "mesh pair 0";
	crypto_generichash_state h;

	crypto_generichash_init(&h, NULL, 0, KEY_BYTES);
	crypto_generichash_update(&h, domain, sizeof domain - 1);
	crypto_generichash_update(&h, shared, crypto_scalarmult_BYTES);
	crypto_generichash_update(&h, from, ID_BYTES + SALT_BYTES);
	crypto_generichash_update(&h, to, ID_BYTES + SALT_BYTES);
	crypto_generichash_final(&h, out, KEY_BYTES);
	sodium_memzero(&h, sizeof h);
}

_Static_assert((int)crypto_scalarmult_BYTES == (int)KEY_BYTES, "a shared secret is as long as a key");

int
crypto_shared(const struct keyring *k, const uint8_t pk[KEY_BYTES], uint8_t out[KEY_BYTES])
{
	uint8_t curve_pk[crypto_scalarmult_BYTES], curve_sk[crypto_scalarmult_SCALARBYTES];
	int rc;

	if (k->agreed != NULL && agreed_get(k->agreed, k->pk, pk, out))
		return 0;
	if (crypto_sign_ed25519_pk_to_curve25519(curve_pk, pk) != 0)
		return -ERR_AUTH;
	crypto_sign_ed25519_sk_to_curve25519(curve_sk, k->sk);
	rc = crypto_scalarmult(out, curve_sk, curve_pk);
	sodium_memzero(curve_sk, sizeof curve_sk);
	if (rc == 0 && k->agreed != NULL)
		agreed_put(k->agreed, k->pk, pk, out);
	return rc == 0 ? 0 : -ERR_AUTH;
}

static int
pair(void *arg, uint8_t *tx, uint8_t *rx, const uint8_t *pk, const uint8_t *me, const uint8_t *peer)
{
	uint8_t shared[KEY_BYTES];

	if (crypto_shared(arg, pk, shared) < 0)
		return -ERR_AUTH;
	derive(tx, shared, me, peer);
	derive(rx, shared, peer, me);
	sodium_memzero(shared, sizeof shared);
	return 0;
}

static int
pair_epoch(void *arg, uint32_t epoch, uint8_t *out, const uint8_t *secret)
{
	const uint8_t *key = crypto_key(arg, epoch);

	if (key == NULL)
		return -ERR_AUTH;
	crypto_generichash(out, KEY_BYTES, secret, KEY_BYTES, key, KEY_BYTES);
	return 0;
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
		.pair_epoch = pair_epoch,
		.key_make = key_make,
		.key_wrap = key_wrap,
		.key_unwrap = key_unwrap,
		.key_peek = key_peek,
		.key_id = key_id,
		.key_move = key_move,
		.key_drop = key_drop,
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

void
crypto_wipe(void *p, size_t len)
{
	sodium_memzero(p, len);
}

void
crypto_keyring_wipe(struct keyring *k)
{
	if (k->agreed != NULL)
		agreed_wipe(k->agreed);
	sodium_memzero(k, sizeof *k);
}

uint64_t
crypto_random64(void)
{
	uint64_t v;

	randombytes_buf(&v, sizeof v);
	return v;
}
