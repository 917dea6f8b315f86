/*
 * roundfiles.h - names and sizes in the directory of rounds.  Private to rounds.c and
 * roundsread.c.
 */
#ifndef IO_ROUNDFILES_H
#define IO_ROUNDFILES_H

#include <sys/types.h>

#include "../base/err.h"
#include "../core/roundcode.h"

enum { ROUNDFILES_NAME_CAP = 80 };

struct roundfiles_one {
	uint32_t number;
	uint64_t bytes;
	int64_t mtime_ms;
};

struct roundfiles {
	struct roundfiles_one *files; /* owned; by number */
	size_t count;
	uint32_t highest; /* number, whatever it is that has such a name */
	uint64_t bytes;   /* of all, script trees included */
};

void roundfiles_name(char out[ROUNDFILES_NAME_CAP], uint32_t number);
void roundfiles_code_name(char out[ROUNDFILES_NAME_CAP], const struct hash *code);
/* Is it such a name?  Then the hash. */
bool roundfiles_is_code(const char *name, struct hash *out);
/* Regular files alone; others are left alone. */
MUST_CHECK int roundfiles_list(int dir, struct roundfiles *out, struct err *err);
void roundfiles_free(struct roundfiles *f);
/* Remove trees that no record of any file names. */
void roundfiles_sweep(int dir, const struct roundfiles *f);
/* len bytes at off, as many as there are; -1 with errno. */
ssize_t roundfiles_pread(int fd, void *buf, size_t len, off_t off);
/* A whole file of at most max bytes; false: not there, not regular, longer. */
bool roundfiles_read(int dir, const char *name, size_t max, struct blob *out);
/* libsodium's hash behind the struct that core asks for; nothing else of it may be used. */
void roundfiles_crypto(struct crypto *out);

#endif
