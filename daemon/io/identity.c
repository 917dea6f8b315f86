/*
 * identity.key: written once, by tmp + fsync + rename + fsync of the directory,
 * so a crash leaves either no identity or a whole one.  A file that looks
 * wrong is never replaced: the operator decides whether this node is new.
 */
#include "identity.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <sys/stat.h>

#include "../base/own.h"
#include "keyfile.h"

#define FILE_NAME "identity.key"

_Static_assert(sizeof((struct identity *)0)->sk == crypto_sign_SECRETKEYBYTES, "sk");
_Static_assert(sizeof((struct identity *)0)->pk == crypto_sign_PUBLICKEYBYTES, "pk");

void
identity_id(const uint8_t pk[32], struct node_id *out)
{
	uint8_t h[HASH_BYTES];

	crypto_generichash(h, sizeof h, pk, KEY_BYTES, NULL, 0);
	memcpy(out->b, h, ID_BYTES);
}

/* The secret key must be what its own seed gives: a damaged file would sign
 * what nobody can verify. */
static bool
from_bytes(struct identity *out, const uint8_t *buf, size_t len)
{
	crypto_sign_seed_keypair(out->pk, out->sk, buf);
	return len == crypto_sign_SEEDBYTES ||
	    sodium_memcmp(out->sk, buf, crypto_sign_SECRETKEYBYTES) == 0;
}

static int
load(int fd, struct identity *out, struct err *err)
{
	uint8_t buf[crypto_sign_SECRETKEYBYTES + 1];
	struct stat st;
	ssize_t n;
	int rc = 0;

	if (fstat(fd, &st) != 0)
		return err_set(err, EXIT_STATE, FILE_NAME ": %s", strerror(errno));
	if (!S_ISREG(st.st_mode))
		return err_set(err, EXIT_KEY, FILE_NAME ": not a regular file");
	if ((st.st_mode & 0177) != 0)
		return err_set(err, EXIT_KEY, FILE_NAME
		    ": mode %04o, must be 0600: if others could read it, evict this "
		    "node and remove the file to become a new one",
		    st.st_mode & 07777);
	n = pread(fd, buf, sizeof buf, 0);
	if (n < 0)
		return err_set(err, EXIT_STATE, FILE_NAME ": %s", strerror(errno));
	if (n != crypto_sign_SEEDBYTES && n != crypto_sign_SECRETKEYBYTES)
		rc = err_set(err, EXIT_KEY, FILE_NAME ": %lld bytes, need 64 (or a seed "
		    "of 32): restore it, or remove it to become a new node",
		    (long long)st.st_size);
	else if (sodium_is_zero(buf, crypto_sign_SEEDBYTES))
		rc = err_set(err, EXIT_KEY, FILE_NAME ": key is all zero");
	else if (!from_bytes(out, buf, (size_t)n))
		rc = err_set(err, EXIT_KEY, FILE_NAME ": damaged, its two halves "
		    "don't fit: restore it, or remove it to become a new node");
	sodium_memzero(buf, sizeof buf);
	return rc;
}

static int
create(int state_fd, struct identity *out, struct err *err)
{
	int rc;

	crypto_sign_keypair(out->pk, out->sk);
	if ((rc = keyfile_write(state_fd, FILE_NAME, out->sk, sizeof out->sk, err)) == 0)
		out->created = true;
	return rc;
}

int
identity_open(int state_fd, struct identity *out, struct err *err)
{
	AUTO_CLOSE int fd = -1;
	int rc;

	memset(out, 0, sizeof *out);
	fd = openat(state_fd, FILE_NAME, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd >= 0)
		rc = load(fd, out, err);
	else if (errno == ENOENT)
		rc = create(state_fd, out, err);
	else if (errno == ELOOP)
		rc = err_set(err, EXIT_KEY, FILE_NAME ": is a symlink, must be a file");
	else
		rc = err_set(err, EXIT_STATE, "open " FILE_NAME ": %s", strerror(errno));
	if (rc != 0) {
		identity_wipe(out);
		return rc;
	}
	identity_id(out->pk, &out->id);
	return 0;
}

void
identity_wipe(struct identity *id)
{
	sodium_memzero(id, sizeof *id);
}
