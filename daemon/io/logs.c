/*
 * logs.c - see logs.h.
 */
#include "logs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "../base/name.h"
#include "../base/own.h"

/* The end of a file, from the beginning of a line on; "" when there is none. */
static int
read_end(int logs_fd, const char *name, char **out, size_t *len)
{
	AUTO_CLOSE int fd = openat(logs_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;
	off_t from;
	ssize_t n;

	*out = NULL;
	*len = 0;
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return -EINVAL;
	from = st.st_size > LOGS_READ_BYTES ? st.st_size - LOGS_READ_BYTES : 0;
	if ((*out = malloc(LOGS_READ_BYTES + 1)) == NULL)
		return -ENOMEM;
	n = pread(fd, *out, LOGS_READ_BYTES, from);
	*len = n > 0 ? (size_t)n : 0;
	if (from > 0) {
		const char *nl = memchr(*out, '\n', *len);
		size_t cut = nl != NULL ? (size_t)(nl - *out) + 1 : *len;

		memmove(*out, *out + cut, *len - cut);
		*len -= cut;
	}
	return 0;
}

struct lines {
	const char **at;
	size_t *len;
	size_t count, cap;
};

/* The time a line begins with, or "" */
static void
time_of(const char *line, size_t len, char out[LOGS_TIME_CAP])
{
	const char *sp = memchr(line, ' ', len < LOGS_TIME_CAP - 1 ? len : LOGS_TIME_CAP - 1);
	size_t n = sp != NULL ? (size_t)(sp - line) : 0;

	memcpy(out, line, n);
	out[n] = '\0';
}

static bool
collect(struct lines *l, const char *text, size_t len, const char *after)
{
	size_t off = 0;

	while (off < len) {
		const char *nl = memchr(text + off, '\n', len - off);
		size_t n = nl != NULL ? (size_t)(nl - (text + off)) + 1 : len - off;
		char when[LOGS_TIME_CAP];

		time_of(text + off, n, when);
		if (nl != NULL && strcmp(when, after) > 0) {
			if (l->count == l->cap) {
				size_t cap = l->cap == 0 ? 1024 : l->cap * 2;
				const char **at = realloc(l->at, cap * sizeof *at);
				size_t *ln;

				if (at == NULL)
					return false;
				l->at = at;
				if ((ln = realloc(l->len, cap * sizeof *ln)) == NULL)
					return false;
				l->len = ln;
				l->cap = cap;
			}
			l->at[l->count] = text + off;
			l->len[l->count++] = n;
		}
		off += n;
	}
	return true;
}

int
logs_tail(int logs_fd, const char *instance, size_t lines, char after[LOGS_TIME_CAP],
    struct blob *out, struct err *err)
{
	char name[2][NAME_CAP + 8], first[2][LOGS_TIME_CAP];
	AUTO_FREE char *a = NULL, *b = NULL;
	AUTO_FREE const char **at = NULL;
	AUTO_FREE size_t *lens = NULL;
	size_t a_len, b_len, bytes = 0, from;
	struct lines l = {0};
	bool ok;
	int rc;

	memset(out, 0, sizeof *out);
	if (!name_ok(instance, strlen(instance)))
		return err_set(err, EXIT_USAGE_, "'%.64s' is no instance name", instance);
	snprintf(name[0], sizeof name[0], "%s.log", instance);
	snprintf(name[1], sizeof name[1], "%s.log.1", instance);
	if ((rc = read_end(logs_fd, name[0], &a, &a_len)) < 0)
		return err_set(err, 1, "no log of %s on this node: %s", instance, strerror(-rc));
	(void)read_end(logs_fd, name[1], &b, &b_len); /* it may not have begun yet */
	time_of(a, a_len, first[0]);
	time_of(b != NULL ? b : "", b_len, first[1]);
	if (strcmp(first[0], first[1]) <= 0 && b_len > 0)
		ok = collect(&l, a, a_len, after) && collect(&l, b, b_len, after);
	else
		ok = collect(&l, b != NULL ? b : "", b_len, after) && collect(&l, a, a_len, after);
	at = l.at;
	lens = l.len;
	from = l.count > lines ? l.count - lines : 0;
	for (size_t i = from; i < l.count; i++)
		bytes += lens[i];
	if (!ok || (out->b = malloc(bytes + 1)) == NULL)
		return err_set(err, 1, "out of memory");
	for (size_t i = from; i < l.count; i++) {
		memcpy(out->b + out->len, at[i], lens[i]);
		out->len += lens[i];
	}
	if (l.count > 0)
		time_of(at[l.count - 1], lens[l.count - 1], after);
	return 0;
}
