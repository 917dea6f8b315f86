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
	/* The cursor as it came: `skip` lines of that very time were given. */
	char after[LOGS_TIME_CAP];
	size_t skip;
	/* And as it goes back: the last line's time, lines of that time so far. */
	char last[LOGS_TIME_CAP];
	size_t given;
};

/* TIME or TIME#LINES: many lines share a millisecond, and a look may fall
 * between two of them. */
static void
cursor_read(struct lines *l, const char *cursor)
{
	const char *mark = strchr(cursor, '#');
	size_t n = mark != NULL ? (size_t)(mark - cursor) : strlen(cursor);

	memcpy(l->after, cursor, n);
	l->after[n] = '\0';
	l->skip = mark != NULL ? (size_t)strtoul(mark + 1, NULL, 10) : 0;
	memcpy(l->last, l->after, sizeof l->last);
	l->given = l->skip;
}

/* Was this line given before?  Counts it into the cursor if not. */
static bool
cursor_passed(struct lines *l, const char *when)
{
	int c = strcmp(when, l->after);

	if (c < 0)
		return true;
	if (c == 0 && l->skip > 0) {
		l->skip--;
		return true;
	}
	if (strcmp(when, l->last) != 0) {
		memcpy(l->last, when, LOGS_TIME_CAP);
		l->given = 0;
	}
	l->given++;
	return false;
}

/* The time a line begins with, or "" */
static void
time_of(const char *line, size_t len, char out[LOGS_TIME_CAP])
{
	static const char form[] = "0000-00-00T00:00:00.000Z ";
	size_t n = 0;

	/* Only what init wrote may move a cursor. */
	while (form[n] != '\0' && n < len &&
	    (form[n] == '0' ? line[n] >= '0' && line[n] <= '9' : line[n] == form[n]))
		n++;
	n = form[n] == '\0' ? n - 1 : 0;
	memcpy(out, line, n);
	out[n] = '\0';
}

static bool
collect(struct lines *l, const char *text, size_t len)
{
	size_t off = 0;

	while (off < len) {
		const char *nl = memchr(text + off, '\n', len - off);
		size_t n = nl != NULL ? (size_t)(nl - (text + off)) + 1 : len - off;
		char when[LOGS_TIME_CAP];

		time_of(text + off, n, when);
		if (nl != NULL && when[0] != '\0' && !cursor_passed(l, when)) {
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
	char shown[NAME_CAP], name[2][NAME_CAP + 8], first[2][LOGS_TIME_CAP];
	AUTO_FREE char *a = NULL, *b = NULL;
	AUTO_FREE const char **at = NULL;
	AUTO_FREE size_t *lens = NULL;
	size_t a_len, b_len, bytes = 0, from;
	struct lines l = {0};
	bool ok;
	int rc;

	memset(out, 0, sizeof *out);
	if (!name_ok(instance, strlen(instance))) {
		err_escape(shown, sizeof shown, instance, strlen(instance));
		return err_set(err, EXIT_USAGE_, "'%s' is no instance name", shown);
	}
	cursor_read(&l, after);
	snprintf(name[0], sizeof name[0], "%s.log", instance);
	snprintf(name[1], sizeof name[1], "%s.log.1", instance);
	if ((rc = read_end(logs_fd, name[0], &a, &a_len)) < 0)
		return err_set(err, 1, "no log of %s on this node: %s", instance, strerror(-rc));
	(void)read_end(logs_fd, name[1], &b, &b_len); /* it may not have begun yet */
	time_of(a, a_len, first[0]);
	time_of(b != NULL ? b : "", b_len, first[1]);
	if (strcmp(first[0], first[1]) <= 0 && b_len > 0)
		ok = collect(&l, a, a_len) && collect(&l, b, b_len);
	else
		ok = collect(&l, b != NULL ? b : "", b_len) && collect(&l, a, a_len);
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
		snprintf(after, LOGS_TIME_CAP, "%s#%zu", l.last, l.given);
	return 0;
}
