/*
 * ring.c - see ring.h.  Written whole beside the old one, synced and renamed: a
 * crash leaves either.  What a buffer held is wiped.
 */
#include "ring.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../base/own.h"
#include "keyfile.h"

#define FILE_NAME "keys"

enum {
	ENTRIES = 1 + CRYPTO_SPARES,
	ENTRY_BYTES = 4 + KEY_BYTES,
	SUM_AT = 16 + ENTRIES * ENTRY_BYTES,
	FILE_BYTES = SUM_AT + HASH_BYTES,
};

static const char magic[8] = "MESHKEYS";

static void
put32(uint8_t *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> (8 * i));
}

static uint32_t
get32(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static void
encode(uint8_t buf[FILE_BYTES], const struct keyring *k)
{
	uint8_t *p = buf + 16;
	uint32_t n = 0;

	memset(buf, 0, FILE_BYTES);
	memcpy(buf, magic, sizeof magic);
	if (k->has_key) {
		put32(p, k->epoch);
		memcpy(p + 4, k->key, KEY_BYTES);
		n++;
	}
	for (size_t i = 0; i < CRYPTO_SPARES; i++) {
		if (!k->spare[i].has)
			continue;
		put32(p + n * ENTRY_BYTES, k->spare[i].epoch);
		memcpy(p + n * ENTRY_BYTES + 4, k->spare[i].key, KEY_BYTES);
		n++;
	}
	put32(buf + 12, n);
	crypto_generichash(buf + SUM_AT, HASH_BYTES, buf, SUM_AT, NULL, 0);
}

/* False: not what encode writes. */
static bool
decode(const uint8_t *buf, size_t len, struct keyring *k)
{
	uint8_t sum[HASH_BYTES];
	uint32_t n;

	if (len != FILE_BYTES || memcmp(buf, magic, sizeof magic) != 0 || get32(buf + 8) != 0)
		return false;
	crypto_generichash(sum, sizeof sum, buf, SUM_AT, NULL, 0);
	n = get32(buf + 12);
	if (memcmp(sum, buf + SUM_AT, sizeof sum) != 0 || n < 1 || n > ENTRIES)
		return false;
	k->has_key = true;
	k->epoch = get32(buf + 16);
	memcpy(k->key, buf + 20, KEY_BYTES);
	for (uint32_t i = 1; i < n; i++) {
		const uint8_t *p = buf + 16 + i * ENTRY_BYTES;

		k->spare[i - 1].has = true;
		k->spare[i - 1].epoch = get32(p);
		memcpy(k->spare[i - 1].key, p + 4, KEY_BYTES);
	}
	return true;
}

int
ring_load(int state_fd, struct keyring *k, struct err *err)
{
	uint8_t buf[FILE_BYTES + 1];
	struct stat st;
	AUTO_CLOSE int fd = -1;
	ssize_t n;
	bool good;

	fd = openat(state_fd, FILE_NAME, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0 || fstat(fd, &st) != 0)
		return err_set(err, EXIT_KEY, "open " FILE_NAME ": %s", strerror(errno));
	if (!S_ISREG(st.st_mode))
		return err_set(err, EXIT_KEY, FILE_NAME ": not a regular file");
	if ((st.st_mode & 0177) != 0)
		return err_set(err, EXIT_KEY, FILE_NAME ": mode %04o, must be 0600: chmod 600 it, and "
		    "mesh keys rotate if others could read it", st.st_mode & 07777);
	if ((n = pread(fd, buf, sizeof buf, 0)) < 0)
		return err_set(err, EXIT_STATE, "read " FILE_NAME ": %s", strerror(errno));
	good = decode(buf, (size_t)n, k);
	sodium_memzero(buf, sizeof buf);
	return good ? 0 :
	    err_set(err, EXIT_KEY, FILE_NAME ": damaged: restore it, or remove it and put the cluster's "
		"key of now (on another member: mesh keys export) where cluster-key says");
}

bool
ring_offer(struct keyring *k, uint32_t used, const uint8_t key[KEY_BYTES])
{
	/* What is in use may be of another epoch than at the start: it joined since. */
	if (!k->has_key && crypto_key(k, used) == NULL) {
		memcpy(k->key, key, KEY_BYTES);
		k->epoch = used;
		k->has_key = true;
		return true;
	}
	if (k->has_key && sodium_memcmp(k->key, key, KEY_BYTES) == 0)
		return true;
	for (size_t i = 0; i < CRYPTO_SPARES; i++)
		if (k->spare[i].has && sodium_memcmp(k->spare[i].key, key, KEY_BYTES) == 0)
			return true;
	return false;
}

/* Is it there already? */
static bool
same(int state_fd, const uint8_t want[FILE_BYTES])
{
	AUTO_CLOSE int fd = openat(state_fd, FILE_NAME, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	uint8_t have[FILE_BYTES];
	bool is = fd >= 0 && pread(fd, have, sizeof have, 0) == FILE_BYTES &&
	    sodium_memcmp(have, want, FILE_BYTES) == 0;

	sodium_memzero(have, sizeof have);
	return is;
}

int
ring_save(int state_fd, struct keyring *k, const struct mesh_keys *keys, struct err *err)
{
	uint8_t buf[FILE_BYTES];
	int rc = 0;

	if (crypto_key(k, keys->used) == NULL)
		return err_set(err, EXIT_STATE, FILE_NAME " in state-dir: the cluster's key %u is in use "
		    "and is not in it: remove it, and put the key of now (on another member: mesh keys "
		    "export) where cluster-key says", keys->used);
	crypto_key_use(k, keys->used);
	if (keys->used == 0 && !keys->next)
		return 0; /* the administrator's file has it */
	encode(buf, k);
	if (!same(state_fd, buf))
		rc = keyfile_write(state_fd, FILE_NAME, buf, sizeof buf, err);
	sodium_memzero(buf, sizeof buf);
	return rc;
}

int
ring_forget(int state_fd, struct err *err)
{
	if (unlinkat(state_fd, FILE_NAME, 0) == 0 ? fsync(state_fd) == 0 : errno == ENOENT)
		return 0;
	return err_set(err, EXIT_STATE, "remove " FILE_NAME ": %s", strerror(errno));
}
