/*
 * secret_key.c - see secret_key.h.  What a block holds (OpenSSH's PROTOCOL.key;
 * "string" is u32 length and bytes, all big-endian):
 *
 *   "openssh-key-v1\0" | string cipher | string kdf | string kdf options
 *   u32 n | n * string public key | string private:
 *       u32 check | u32 check | n * (string type, then of ed25519: string public,
 *       string private+public, string comment) | padding
 */
#include "secret_key.h"

#include <sodium.h>
#include <stdlib.h>

#define BEGIN "-----BEGIN OPENSSH PRIVATE KEY-----"
#define END "-----END OPENSSH PRIVATE KEY-----"
#define HOW "; `ssh-keygen -t ed25519 -N '' -f FILE` makes one"

enum { BLOB_BYTES_MAX = 16 << 10 };

struct reader {
	const uint8_t *p;
	size_t left;
	bool bad;
};

static uint32_t
get_u32(struct reader *r)
{
	uint32_t v = 0;

	if (r->left < 4) {
		r->bad = true;
		return 0;
	}
	for (int i = 0; i < 4; i++)
		v = v << 8 | r->p[i];
	r->p += 4;
	r->left -= 4;
	return v;
}

static struct reader
get_string(struct reader *r)
{
	struct reader s = {r->p, get_u32(r), false};

	s.p = r->p;
	if (r->bad || s.left > r->left) {
		r->bad = true;
		return (struct reader){r->p, 0, true};
	}
	r->p += s.left;
	r->left -= s.left;
	return s;
}

static bool
is(const struct reader *s, const char *text)
{
	return s->left == strlen(text) && memcmp(s->p, text, s->left) == 0;
}

void
secret_hash(char out[SECRET_HASH_CAP], const uint8_t *bytes, size_t len)
{
	uint8_t hash[6];

	/* Shorter than libsodium recommends, and lithos' choice: it tells mistakes,
	 * and proves nothing. */
	crypto_generichash(hash, sizeof hash, bytes, len, NULL, 0);
	sodium_bin2base64(out, SECRET_HASH_CAP, hash, sizeof hash, sodium_base64_VARIANT_ORIGINAL);
}

/* string public, string private+public: both must be what its seed gives. */
static bool
take_key(struct secret_keys *out, struct reader *r)
{
	struct reader public = get_string(r), private = get_string(r);
	uint8_t pk[crypto_sign_PUBLICKEYBYTES], sk[crypto_sign_SECRETKEYBYTES];
	struct secret_key *k = &out->key[out->count];
	bool good = false;

	if (public.left == sizeof pk && private.left == sizeof sk) {
		crypto_sign_seed_keypair(pk, sk, private.p);
		good = memcmp(pk, public.p, sizeof pk) == 0 &&
		       sodium_memcmp(sk, private.p, sizeof sk) == 0 &&
		       crypto_sign_ed25519_pk_to_curve25519(k->public, pk) == 0 &&
		       crypto_sign_ed25519_sk_to_curve25519(k->private, sk) == 0;
	}
	explicit_bzero(sk, sizeof sk);
	if (!good)
		return false;
	secret_hash(k->hash, pk, sizeof pk);
	out->count++;
	get_string(r); /* comment */
	return !r->bad;
}

static const char *
take_block(struct secret_keys *out, struct reader r)
{
	static const char magic[] = "openssh-key-v1";
	static const char damaged[] = "a damaged OpenSSH private key";
	struct reader cipher, kdf, private, type;
	uint32_t n, check;

	if (r.left < sizeof magic || memcmp(r.p, magic, sizeof magic) != 0)
		return damaged;
	r.p += sizeof magic;
	r.left -= sizeof magic;
	cipher = get_string(&r);
	kdf = get_string(&r);
	get_string(&r);
	n = get_u32(&r);
	if (r.bad)
		return damaged;
	if (!is(&cipher, "none") || !is(&kdf, "none"))
		return "a key with a passphrase, which nobody is there to type";
	if (n == 0 || n > SECRET_KEYS_MAX - out->count)
		return "no key, or too many";
	for (uint32_t i = 0; i < n; i++)
		get_string(&r);
	private = get_string(&r);
	check = get_u32(&private);
	if (r.bad || get_u32(&private) != check)
		return damaged;
	for (uint32_t i = 0; i < n; i++) {
		type = get_string(&private);
		if (private.bad)
			return damaged;
		if (!is(&type, "ssh-ed25519"))
			return "not an ed25519 key";
		if (!take_key(out, &private))
			return damaged;
	}
	return NULL;
}

int
secret_keys_parse(struct secret_keys *out, const char *text, size_t len, struct err *err)
{
	const char *at = memmem(text, len, BEGIN, strlen(BEGIN)), *end = text + len, *stop;
	const char *why = at == NULL ? "not an OpenSSH private key" : NULL;
	uint8_t *blob = malloc(BLOB_BYTES_MAX);
	size_t bytes = 0;

	memset(out, 0, sizeof *out);
	if (blob == NULL)
		return err_set(err, EXIT_ENVIRONMENT, "meshd-conf: out of memory");
	while (at != NULL && why == NULL) {
		at += strlen(BEGIN);
		stop = memmem(at, (size_t)(end - at), END, strlen(END));
		if (stop == NULL ||
		    sodium_base642bin(blob, BLOB_BYTES_MAX, at, (size_t)(stop - at), "\r\n ",
			&bytes, NULL, sodium_base64_VARIANT_ORIGINAL) != 0) {
			why = "a damaged OpenSSH private key";
			break;
		}
		why = take_block(out, (struct reader){blob, bytes, false});
		at = memmem(stop, (size_t)(end - stop), BEGIN, strlen(BEGIN));
	}
	explicit_bzero(blob, BLOB_BYTES_MAX);
	free(blob);
	if (why == NULL)
		return 0;
	return err_set(err, EXIT_CONFIG, "secrets-private-key: %s" HOW, why);
}
