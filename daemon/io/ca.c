/*
 * ca.c - see ca.h.
 */
#include "ca.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../base/own.h"
#include "crypto.h"
#include "keyfile.h"

_Static_assert(sizeof((struct ca *)0)->sk == crypto_sign_SECRETKEYBYTES, "sk");
_Static_assert((int)TOKEN_SECRET_BYTES == (int)crypto_sign_SEEDBYTES, "a token's secret is a seed");

int
ca_crypto(struct crypto *out, struct err *err)
{
	if (crypto_init(err) < 0)
		return -err->code;
	crypto_fill(out, NULL);
	return 0;
}

/* name: of the error line. */
static int
load(int fd, const char *name, struct ca *out, struct err *err)
{
	uint8_t seed[KEY_BYTES];
	struct stat st;

	if (crypto_key_read(fd, name, seed, err) < 0)
		return -err->code;
	if (fstat(fd, &st) != 0 || (st.st_uid != 0 && st.st_uid != geteuid())) {
		sodium_memzero(seed, sizeof seed);
		return err_set(err, EXIT_KEY, "%.300s: not root's, nor yours: whose CA is that?", name);
	}
	crypto_sign_seed_keypair(out->pk, out->sk, seed);
	sodium_memzero(seed, sizeof seed);
	return 0;
}

int
ca_open(const char *path, struct ca *out, struct err *err)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return err_set(err, EXIT_KEY, "%.300s: %s", path,
		    errno == ELOOP  ? "is a symlink, must be a file" :
		    errno == EACCES ? "Permission denied: run this as the user whose it is" :
				      strerror(errno));
	return load(fd, path, out, err);
}

/* Beside the key, and written before it: it was made here, and not brought from elsewhere. */
static const char made_here[] = CA_FILE ".made";

int
ca_make(const char *dir, bool again, bool fresh, struct ca *out, struct err *err)
{
	AUTO_CLOSE int at = open(dir, O_DIRECTORY | O_RDONLY | O_CLOEXEC);
	uint8_t seed[KEY_BYTES];
	int rc;

	if (at < 0)
		return err_set(err, EXIT_STATE, "%.300s: %s", dir, strerror(errno));
	if (faccessat(at, CA_FILE, F_OK, AT_SYMLINK_NOFOLLOW) != 0 && errno == ENOENT) {
		randombytes_buf(seed, sizeof seed);
		rc = keyfile_write(at, made_here, "", 0, err);
		rc = rc < 0 ? rc : keyfile_write(at, CA_FILE, seed, sizeof seed, err);
		sodium_memzero(seed, sizeof seed);
		if (rc < 0)
			return rc;
	} else if (!again && !(fresh && faccessat(at, made_here, F_OK, AT_SYMLINK_NOFOLLOW) == 0)) {
		return err_set(err, EXIT_KEY,
		    "%.300s/" CA_FILE ": it is there already, of another cluster, or of an interrupted mesh init? move it aside first",
		    dir);
	}
	AUTO_CLOSE int fd = openat(at, CA_FILE, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return err_set(err, EXIT_KEY, CA_FILE ": %s", strerror(errno));
	return load(fd, CA_FILE, out, err);
}

void
ca_wipe(struct ca *ca)
{
	sodium_memzero(ca, sizeof *ca);
}

static void
cluster_of(const uint8_t *pk, uint8_t out[ID_BYTES])
{
	struct crypto c;

	crypto_fill(&c, NULL);
	cert_cluster(&c, pk, out);
}

void
ca_token(const struct ca *ca, uint64_t expiry_s, uint32_t uses, const char *zone, struct token *out)
{
	uint8_t pk[KEY_BYTES], sk[crypto_sign_SECRETKEYBYTES], cluster[ID_BYTES];
	uint8_t buf[CERT_SIGNED_MAX];
	size_t len;

	memset(out, 0, sizeof *out);
	memcpy(out->ca, ca->pk, KEY_BYTES);
	randombytes_buf(out->secret, sizeof out->secret);
	crypto_sign_seed_keypair(pk, sk, out->secret);
	sodium_memzero(sk, sizeof sk);
	cluster_of(ca->pk, cluster);
	len = cert_put_delegation(out->delegation, pk, expiry_s, uses, zone);
	crypto_sign_detached(out->delegation + len, NULL, buf,
	    cert_delegation_to_sign(cluster, out->delegation, len, buf), ca->sk);
	out->delegation_len = len + SIG_BYTES;
}

size_t
ca_certify(const struct token *t, const uint8_t *pk, const char *name, const char *zone,
    uint8_t out[CERT_BYTES_MAX])
{
	uint8_t token_pk[KEY_BYTES], sk[crypto_sign_SECRETKEYBYTES], cluster[ID_BYTES];
	uint8_t buf[CERT_SIGNED_MAX];
	size_t len = cert_put(out, t->delegation, t->delegation_len, name, zone);

	crypto_sign_seed_keypair(token_pk, sk, t->secret);
	cluster_of(t->ca, cluster);
	crypto_sign_detached(out + len, NULL, buf, cert_to_sign(cluster, pk, out, len, buf), sk);
	sodium_memzero(sk, sizeof sk);
	return len + SIG_BYTES;
}

void
ca_sign_act(const struct ca *ca, const char *act, const uint8_t *body, size_t len,
    uint8_t sig[SIG_BYTES])
{
	uint8_t cluster[ID_BYTES], buf[DECREE_SIGNED_MAX];

	cluster_of(ca->pk, cluster);
	crypto_sign_detached(sig, NULL, buf, decree_to_sign(cluster, act, body, len, buf), ca->sk);
}
