/*
 * logs.c - see logs.h.
 */
#include "logs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "../base/initproto.h"
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

/* One of its files, and the time that it begins with. */
struct part {
	char *text; /* owned */
	size_t len;
	char first[LOGS_TIME_CAP];
};

/* In the order of their times: they are written in turn, and which turn it is none
 * of them says.  One that has not begun is first, and empty. */
static int
read_parts(int logs_fd, const char *instance, struct part *parts)
{
	char name[NAME_CAP + 8];
	int rc = 0;

	for (int i = 0; i < INIT_LOGS_MAX; i++) {
		struct part p;
		int at = i, one;

		if (i == 0)
			snprintf(name, sizeof name, "%s.log", instance);
		else
			snprintf(name, sizeof name, "%s.log.%d", instance, i);
		one = read_end(logs_fd, name, &p.text, &p.len);
		rc = i == 0 ? one : rc; /* others may not have begun yet */
		time_of(p.text != NULL ? p.text : "", p.len, p.first);
		for (; at > 0 && strcmp(parts[at - 1].first, p.first) > 0; at--)
			parts[at] = parts[at - 1];
		parts[at] = p;
	}
	return rc;
}

/* Of all parts: the last lines that were not given, into out. */
static int
take(struct lines *l, const struct part *parts, size_t lines, struct blob *out)
{
	size_t bytes = 0, from;

	for (int i = 0; i < INIT_LOGS_MAX; i++)
		if (parts[i].len > 0 && !collect(l, parts[i].text, parts[i].len))
			return -1;
	from = l->count > lines ? l->count - lines : 0;
	for (size_t i = from; i < l->count; i++)
		bytes += l->len[i];
	if ((out->b = malloc(bytes + 1)) == NULL)
		return -1;
	for (size_t i = from; i < l->count; i++) {
		memcpy(out->b + out->len, l->at[i], l->len[i]);
		out->len += l->len[i];
	}
	return 0;
}

int
logs_tail(int logs_fd, const char *instance, size_t lines, char after[LOGS_TIME_CAP],
    struct blob *out, struct err *err)
{
	struct part parts[INIT_LOGS_MAX] = {0};
	char shown[NAME_CAP];
	struct lines l = {0};
	int rc;

	memset(out, 0, sizeof *out);
	if (!name_ok(instance, strlen(instance))) {
		err_escape(shown, sizeof shown, instance, strlen(instance));
		return err_set(err, EXIT_USAGE_, "'%s' is no instance name", shown);
	}
	cursor_read(&l, after);
	rc = read_parts(logs_fd, instance, parts);
	if (rc < 0)
		rc = err_set(err, 1, "no log of %s on this node: %s", instance, strerror(-rc));
	else if (take(&l, parts, lines, out) < 0)
		rc = err_set(err, 1, "out of memory");
	else if (l.count > 0)
		snprintf(after, LOGS_TIME_CAP, "%s#%zu", l.last, l.given);
	free(l.at);
	free(l.len);
	for (int i = 0; i < INIT_LOGS_MAX; i++)
		free(parts[i].text);
	return rc;
}
