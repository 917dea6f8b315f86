/*
 * roundfiles.c - see roundfiles.h.
 */
#include "roundfiles.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../base/own.h"
#include "crypto.h"
#include "rounds.h"

static const char rounds_tail[] = ".rounds", code_tail[] = ".code";

void
roundfiles_name(char out[ROUNDFILES_NAME_CAP], uint32_t number)
{
	snprintf(out, ROUNDFILES_NAME_CAP, "%08x%s", number, rounds_tail);
}

void
roundfiles_code_name(char out[ROUNDFILES_NAME_CAP], const struct hash *code)
{
	for (int i = 0; i < HASH_BYTES; i++)
		snprintf(out + 2 * i, 3, "%02x", code->b[i]);
	snprintf(out + 2 * HASH_BYTES, sizeof code_tail, "%s", code_tail);
}

/* Lower case hex alone, so that a file has one name. */
static int
digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool
is_name(const char *name, uint32_t *number)
{
	*number = 0;
	for (int i = 0; i < 8; i++) {
		if (digit(name[i]) < 0)
			return false;
		*number = *number << 4 | (uint32_t)digit(name[i]);
	}
	return strcmp(name + 8, rounds_tail) == 0 && *number > 0;
}

bool
roundfiles_is_code(const char *name, struct hash *out)
{
	for (int i = 0; i < HASH_BYTES; i++) {
		int hi = digit(name[2 * i]), lo = hi < 0 ? -1 : digit(name[2 * i + 1]);

		if (lo < 0)
			return false;
		out->b[i] = (uint8_t)(hi << 4 | lo);
	}
	return strcmp(name + 2 * HASH_BYTES, code_tail) == 0;
}

static int
by_number(const void *a, const void *b)
{
	const struct roundfiles_one *x = a, *y = b;

	return x->number < y->number ? -1 : x->number > y->number;
}

/* A second look at a directory that is open already. */
static DIR *
open_list(int dir)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd >= 0 ? fdopendir(fd) : NULL;

	if (d == NULL && fd >= 0)
		close(fd);
	return d;
}

static int
list_failed(struct err *err)
{
	return err_set(err, 1, "list the recorded rounds: %s", strerror(errno));
}

int
roundfiles_list(int dir, struct roundfiles *out, struct err *err)
{
	AUTO_CLOSEDIR DIR *d = open_list(dir);
	struct dirent *entry;
	struct hash code;
	uint32_t number;
	struct stat st;

	*out = (struct roundfiles){0};
	if (d == NULL)
		return list_failed(err);
	while ((entry = readdir(d)) != NULL && out->count < ROUNDS_FILES_MAX) {
		bool rounds = is_name(entry->d_name, &number);

		if (rounds && number > out->highest)
			out->highest = number;
		if ((!rounds && !roundfiles_is_code(entry->d_name, &code)) ||
		    fstatat(dir, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode))
			continue;
		out->bytes += (uint64_t)st.st_size;
		if (!rounds)
			continue;
		if (out->count % 64 == 0) {
			void *more = realloc(out->files, (out->count + 64) * sizeof *out->files);

			if (more == NULL) {
				roundfiles_free(out);
				return err_set(err, 1, "out of memory");
			}
			out->files = more;
		}
		out->files[out->count++] = (struct roundfiles_one){number, (uint64_t)st.st_size,
		    (int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000};
	}
	if (out->count > 0)
		qsort(out->files, out->count, sizeof *out->files, by_number);
	return 0;
}

void
roundfiles_free(struct roundfiles *f)
{
	free(f->files);
	*f = (struct roundfiles){0};
}

ssize_t
roundfiles_pread(int fd, void *buf, size_t len, off_t off)
{
	size_t at = 0;

	while (at < len) {
		ssize_t n = pread(fd, (uint8_t *)buf + at, len - at, off + (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		at += (size_t)n;
	}
	return (ssize_t)at;
}

bool
roundfiles_read(int dir, const char *name, size_t max, struct blob *out)
{
	AUTO_CLOSE int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;

	*out = (struct blob){0};
	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size <= 0 ||
	    (uint64_t)st.st_size > max || (out->b = malloc((size_t)st.st_size)) == NULL)
		return false;
	out->len = (size_t)st.st_size;
	if (roundfiles_pread(fd, out->b, out->len, 0) == (ssize_t)out->len)
		return true;
	blob_free(out);
	return false;
}

/* --- trees that nobody names --------------------------------------------------------- */

struct codes {
	struct hash *of; /* owned */
	size_t count, cap;
};

static bool
codes_have(const struct codes *c, const struct hash *h)
{
	for (size_t i = c->count; i > 0; i--)
		if (hash_eq(&c->of[i - 1], h))
			return true;
	return false;
}

static bool
codes_add(struct codes *c, const struct hash *h)
{
	if (codes_have(c, h))
		return true;
	if (c->count == c->cap) {
		size_t cap = c->cap * 2 + 16;
		struct hash *more = realloc(c->of, cap * sizeof *more);

		if (more == NULL)
			return false;
		c->of = more;
		c->cap = cap;
	}
	c->of[c->count++] = *h;
	return true;
}

/* Head by head, no body.  False: not all are known. */
static bool
codes_of(int dir, uint32_t number, struct codes *c)
{
	uint8_t buf[ROUND_HEAD_BYTES];
	char name[ROUNDFILES_NAME_CAP];
	struct round_head h;
	off_t off = 0;

	roundfiles_name(name, number);
	AUTO_CLOSE int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	while (fd >= 0 && roundfiles_pread(fd, buf, sizeof buf, off) == (ssize_t)sizeof buf) {
		if (round_head_read(&h, buf, sizeof buf) < 0)
			break;
		if (!codes_add(c, &h.code))
			return false;
		off += (off_t)(ROUND_FRAME_BYTES + (size_t)h.body_bytes);
	}
	return true;
}

void
roundfiles_sweep(int dir, const struct roundfiles *f)
{
	AUTO_CLOSEDIR DIR *d = open_list(dir);
	struct codes c = {0};
	struct dirent *entry;
	struct hash code;
	bool all = d != NULL;

	for (size_t i = 0; i < f->count && all; i++)
		all = codes_of(dir, f->files[i].number, &c);
	while (all && (entry = readdir(d)) != NULL)
		if (roundfiles_is_code(entry->d_name, &code) && !codes_have(&c, &code))
			unlinkat(dir, entry->d_name, 0);
	free(c.of);
}

/* --- the hash --------------------------------------------------------------------------- */

static void
hash_(void *arg, struct hash *out, const uint8_t *msg, size_t len)
{
	(void)arg;
	crypto_hash256(out, msg, len);
}

void
roundfiles_crypto(struct crypto *out)
{
	*out = (struct crypto){.hash = hash_};
}
