/*
 * sealing.c - see sealing.h.
 */
#include "sealing.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

enum { SHORT_BYTES = 6, SHORT_CAP = 9, KEY_BLOB_BYTES = 51 };

bool
sealing_namespace_ok(const char *ns)
{
	static const char letters[] =
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
	size_t len = strlen(ns);

	return len <= SEALING_NAMESPACE_MAX && strspn(ns, letters) == len;
}

/* "ssh-ed25519 BASE64 COMMENT", with string type and string key in BASE64. */
static bool
public_key(const char *line, uint8_t pk[crypto_sign_PUBLICKEYBYTES])
{
	static const char word[] = "ssh-ed25519 ";
	static const uint8_t head[] = "\0\0\0\x0bssh-ed25519\0\0\0\x20";
	uint8_t blob[KEY_BLOB_BYTES];
	size_t len;

	if (strncmp(line, word, sizeof word - 1) != 0)
		return false;
	line += sizeof word - 1;
	if (sodium_base642bin(blob, sizeof blob, line, strcspn(line, " \t\r\n"), NULL, &len, NULL,
		sodium_base64_VARIANT_ORIGINAL) != 0 ||
	    len != sizeof blob || memcmp(blob, head, sizeof head - 1) != 0)
		return false;
	memcpy(pk, blob + sizeof head - 1, crypto_sign_PUBLICKEYBYTES);
	return true;
}

static void
short_hash(char out[SHORT_CAP], const uint8_t *bytes, size_t len)
{
	uint8_t hash[SHORT_BYTES];

	crypto_generichash(hash, sizeof hash, bytes, len, NULL, 0);
	sodium_bin2base64(out, SHORT_CAP, hash, sizeof hash, sodium_base64_VARIANT_ORIGINAL);
}

int
sealing(const char *key, const char *ns, const uint8_t *secret, size_t len,
    char out[SEALING_TEXT_CAP], struct err *err)
{
	static uint8_t plain[SEALING_BYTES_MAX + SEALING_NAMESPACE_MAX + 1];
	static uint8_t box[sizeof plain + crypto_box_SEALBYTES];
	uint8_t pk[crypto_sign_PUBLICKEYBYTES], curve[crypto_box_PUBLICKEYBYTES];
	char of_key[SHORT_CAP], of_ns[SHORT_CAP], of_secret[SHORT_CAP];
	size_t ns_len = strlen(ns), at;

	if (sodium_init() < 0)
		return err_set(err, EXIT_ENVIRONMENT, "libsodium does not start");
	if (!public_key(key, pk) || crypto_sign_ed25519_pk_to_curve25519(curve, pk) != 0)
		return err_set(err, EXIT_CONFIG,
		    "not the public half of an OpenSSH ed25519 key: `ssh-ed25519 ...` in FILE.pub");
	if (len > SEALING_BYTES_MAX || !sealing_namespace_ok(ns))
		return err_set(err, EXIT_CONFIG, "a secret of at most %d KiB is needed",
		    SEALING_BYTES_MAX >> 10);
	memcpy(plain, ns, ns_len);
	plain[ns_len] = ':';
	memcpy(plain + ns_len + 1, secret, len);
	crypto_box_seal(box, plain, ns_len + 1 + len, curve);
	sodium_memzero(plain, sizeof plain);
	short_hash(of_key, pk, sizeof pk);
	short_hash(of_ns, (const uint8_t *)ns, ns_len);
	short_hash(of_secret, secret, len);
	at = (size_t)snprintf(out, SEALING_TEXT_CAP, "v2:%s:%s:%s:", of_key, of_ns, of_secret);
	sodium_bin2base64(out + at, SEALING_TEXT_CAP - at, box,
	    ns_len + 1 + len + crypto_box_SEALBYTES, sodium_base64_VARIANT_ORIGINAL);
	return 0;
}
