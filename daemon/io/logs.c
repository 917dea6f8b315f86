/*
 * logs.c - see logs.h.
 */
#include "logs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>

#include "../base/initproto.h"
#include "../base/name.h"
#include "../base/own.h"

enum {
	FIRST_BYTES = 16 << 10, /* are looked at at once: some lines of the longest */
	ON_BYTES = 256 << 10,	/* going on */
};

/* One of its files: the end of it that was read, and the time that all of it begins with. */
struct part {
	int fd; /* -1 = none */
	off_t size;
	char *text; /* owned */
	size_t len;
	char first[LINES_STAMP_CAP];
};

struct lines_found {
	const char **at;
	size_t *len;
	size_t count, cap;
	const char *since;
	/* The cursor as it came: `skip` lines of that very time were given. */
	char after[LOGS_TIME_CAP];
	size_t skip;
	/* And as it goes back: the last line's time, lines of that time so far. */
	char last[LOGS_TIME_CAP];
	size_t given;
};

void
logs_stamp(uint64_t ms, char out[LINES_STAMP_CAP])
{
	static const uint64_t last_s = UINT64_C(253402300799); /* of the year 9999 */
	time_t s = (time_t)(ms / 1000 < last_s ? ms / 1000 : last_s);
	struct tm tm;

	gmtime_r(&s, &tm);
	strftime(out, LINES_STAMP_CAP, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(out + 19, LINES_STAMP_CAP - 19, ".%03uZ", (unsigned)(ms % 1000));
}

/* TIME or TIME#LINES: many lines share a millisecond, and a look may fall
 * between two of them. */
static void
cursor_read(struct lines_found *l, const char *cursor)
{
	const char *mark = strchr(cursor, '#');
	size_t n = mark != NULL ? (size_t)(mark - cursor) : strlen(cursor);

	memcpy(l->after, cursor, n);
	l->after[n] = '\0';
	l->skip = mark != NULL ? (size_t)strtoul(mark + 1, NULL, 10) : 0;
	memcpy(l->last, l->after, sizeof l->last);
	l->given = l->skip;
}

/* Was this line given before? */
static bool
cursor_passed(struct lines_found *l, const char *when)
{
	int c = strcmp(when, l->after);

	if (c == 0 && l->skip > 0) {
		l->skip--;
		return true;
	}
	return c < 0;
}

/* It is given now. */
static void
cursor_move(struct lines_found *l, const char *when)
{
	if (strcmp(when, l->last) != 0) {
		memcpy(l->last, when, LINES_STAMP_CAP);
		l->given = 0;
	}
	l->given++;
}

static int
found_add(struct lines_found *l, const char *line, size_t len)
{
	if (l->count == l->cap) {
		size_t cap = l->cap == 0 ? 1024 : l->cap * 2;
		const char **at = realloc(l->at, cap * sizeof *at);
		size_t *ln;

		if (at == NULL)
			return -1;
		l->at = at;
		if ((ln = realloc(l->len, cap * sizeof *ln)) == NULL)
			return -1;
		l->len = ln;
		l->cap = cap;
	}
	l->at[l->count] = line;
	l->len[l->count++] = len;
	return 0;
}

/* Only what init wrote may move a cursor. */
static int
collect(struct lines_found *l, const char *text, size_t len)
{
	for (size_t off = 0, n; off < len; off += n) {
		const char *nl = memchr(text + off, '\n', len - off);
		char when[LINES_STAMP_CAP];

		n = nl != NULL ? (size_t)(nl - (text + off)) + 1 : len - off;
		lines_stamp(text + off, n, when);
		if (nl == NULL || when[0] == '\0' || strcmp(when, l->since) < 0 ||
		    cursor_passed(l, when))
			continue;
		cursor_move(l, when);
		if (found_add(l, text + off, n) < 0)
			return -1;
	}
	return 0;
}

/* The first and the last time in a text, and its lines that have one. */
static size_t
times(const char *text, size_t len, char first[LINES_STAMP_CAP], char last[LINES_STAMP_CAP])
{
	size_t count = 0;

	first[0] = last[0] = '\0';
	for (size_t off = 0, n; off < len; off += n) {
		const char *nl = memchr(text + off, '\n', len - off);
		char when[LINES_STAMP_CAP];

		n = nl != NULL ? (size_t)(nl - (text + off)) + 1 : len - off;
		lines_stamp(text + off, n, when);
		if (when[0] == '\0')
			continue;
		if (count++ == 0)
			memcpy(first, when, sizeof when);
		memcpy(last, when, sizeof when);
	}
	return count;
}

/* Its last bytes, from the beginning of a line on. */
static int
read_end(struct part *p, size_t bytes)
{
	off_t from = p->size > (off_t)bytes ? p->size - (off_t)bytes : 0;
	ssize_t n;

	free(p->text);
	p->len = 0;
	if ((p->text = malloc(bytes + 1)) == NULL)
		return -1;
	n = pread(p->fd, p->text, bytes, from);
	p->len = n > 0 ? (size_t)n : 0;
	if (from > 0) {
		const char *nl = p->len > 0 ? memchr(p->text, '\n', p->len) : NULL;
		size_t skip = nl != NULL ? (size_t)(nl - p->text) + 1 : p->len;

		memmove(p->text, p->text + skip, p->len - skip);
		p->len -= skip;
	}
	return 0;
}

/* Is nothing older than this text needed?  All of its last time are: the cursor counts them. */
static bool
reaches(const struct part *p, const struct lines_found *l, size_t lines)
{
	const char *bound = l->after[0] != '\0' ? l->after : l->since;
	char first[LINES_STAMP_CAP], last[LINES_STAMP_CAP];
	size_t count = times(p->text, p->len, first, last);

	if (count == 0)
		return false;
	return strcmp(first, bound) < 0 ||
	    (l->after[0] == '\0' && count >= lines && strcmp(first, last) < 0);
}

/*
 * Read as much of its end as is needed, within the budget.  1: nothing older is needed,
 * 0: it was read whole, -1: without memory, -2: the budget ended before.
 */
static int
read_needed(struct part *p, const struct lines_found *l, size_t lines, size_t *budget)
{
	for (size_t bytes = FIRST_BYTES;; bytes *= 2) {
		size_t want = bytes < *budget ? bytes : *budget;
		bool whole = (off_t)want >= p->size, over;

		if (read_end(p, want) < 0)
			return -1;
		over = reaches(p, l, lines);
		if (!over && !whole && want < *budget)
			continue;
		*budget -= whole ? (size_t)p->size : want;
		return over ? 1 : whole ? 0 : -2;
	}
}

/* It begins with a line of ours, but for the rest of a torn one. */
static void
first_time(int fd, char first[LINES_STAMP_CAP])
{
	char head[FIRST_BYTES], last[LINES_STAMP_CAP];
	ssize_t n = pread(fd, head, LINES_STAMP_CAP, 0);

	lines_stamp(head, n > 0 ? (size_t)n : 0, first);
	if (first[0] != '\0' || n <= 0)
		return;
	n = pread(fd, head, sizeof head, 0);
	(void)times(head, n > 0 ? (size_t)n : 0, first, last);
}

/* In the order of their times: they are written in turn, and which turn it is none of
 * them says.  One that has not begun is first, and empty.  How long they are is asked
 * after that: of one that begins anew in between the length would be the old one's, and
 * of the one that was full by then not all.  One that had not begun is still none. */
static void
sort_parts(struct part *parts, size_t count)
{
	struct stat st;

	for (size_t i = 0; i < count; i++) {
		struct part p = parts[i];
		size_t at = i;

		if (p.fd >= 0)
			first_time(p.fd, p.first);
		for (; at > 0 && strcmp(parts[at - 1].first, p.first) > 0; at--)
			parts[at] = parts[at - 1];
		parts[at] = p;
	}
	for (size_t i = 0; i < count; i++)
		parts[i].size = parts[i].first[0] != '\0' && fstat(parts[i].fd, &st) == 0 ? st.st_size : 0;
}

/* Has it begun anew since it was put in order?  Then that was none. */
static bool
is_anew(const struct part *p)
{
	char first[LINES_STAMP_CAP];

	if (p->fd < 0 || p->first[0] == '\0')
		return false;
	first_time(p->fd, first);
	return strcmp(first, p->first) != 0;
}

/* The last lines that were found, into out. */
static int
give(const struct lines_found *l, size_t lines, struct blob *out)
{
	size_t from = l->count > lines ? l->count - lines : 0, bytes = 0;

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

/* All that is there is younger than the line that was given last, which is gone: whatever
 * stood behind it may be gone too. */
static bool
overwritten(const struct part *parts, size_t count, const char *after)
{
	for (size_t i = 0; i < count; i++)
		if (parts[i].first[0] != '\0')
			return after[0] != '\0' && strcmp(parts[i].first, after) > 0;
	return false;
}

static int
read_parts(struct part *parts, size_t count, struct logs_want *want, struct blob *out, bool *cut)
{
	struct lines_found l = {.since = want->since};
	size_t budget = LOGS_READ_BYTES, oldest = count;
	size_t lines = want->lines > 0 ? want->lines : 1; /* of none there is a last one too */
	int rc = 0;

	cursor_read(&l, want->after);
	sort_parts(parts, count);
	while (rc == 0 && oldest > 0) {
		struct part *p = &parts[--oldest];

		if (p->fd < 0 || p->size == 0)
			continue;
		rc = budget > 0 ? read_needed(p, &l, lines, &budget) : -2;
	}
	/* What began anew is none of these: its old lines are gone, its new ones are
	 * younger than all others, and for the next look. */
	for (size_t i = 0; i < count; i++)
		if (is_anew(&parts[i]))
			parts[i].len = 0, parts[i].first[0] = '\0';
	/* (Also of one that reached back far enough, and then began anew.) */
	*cut = rc == -2 || (rc >= 0 && overwritten(parts, count, l.after));
	rc = rc == -1 ? -1 : 0;
	for (size_t i = oldest; rc == 0 && i < count; i++)
		if (parts[i].len > 0)
			rc = collect(&l, parts[i].text, parts[i].len);
	if (rc == 0 && (rc = give(&l, want->lines, out)) == 0 && l.count > 0)
		snprintf(want->after, sizeof want->after, "%s#%zu", l.last, l.given);
	free(l.at);
	free(l.len);
	return rc;
}

/* --- on from a cursor ----------------------------------------------------------- */

/* Where the first line at or behind `from` begins that has a time; -1: none is near. */
static off_t
line_at(const struct part *p, off_t from, char when[LINES_STAMP_CAP])
{
	char text[FIRST_BYTES];
	ssize_t n = pread(p->fd, text, sizeof text, from);
	size_t len = n > 0 ? (size_t)n : 0;

	for (size_t off = 0; off < len;) {
		const char *nl = memchr(text + off, '\n', len - off);

		when[0] = '\0';
		if (off > 0 || from == 0) /* else it may be the rest of one */
			lines_stamp(text + off, len - off, when);
		if (when[0] != '\0')
			return from + (off_t)off;
		off = nl != NULL ? (size_t)(nl - text) + 1 : len;
	}
	return -1;
}

/* Of a line such that all before it are older than the cursor; some more may be. */
static off_t
place_of(const struct part *p, const char *after)
{
	off_t low = 0, high = p->size;

	while (high - low > FIRST_BYTES) {
		char when[LINES_STAMP_CAP];
		off_t middle = low + (high - low) / 2, at = line_at(p, middle, when);

		if (at >= 0 && at < high && strcmp(when, after) < 0)
			low = at;
		else
			high = middle;
	}
	return low;
}

/* Whole lines of a text that were not given yet go to out; how many bytes of the text are
 * done with.  Less than are whole lines: out is full. */
static size_t
take_lines(struct lines_found *l, const char *text, size_t len, struct blob *out)
{
	size_t off = 0, n;
	const char *nl;

	for (; off < len && (nl = memchr(text + off, '\n', len - off)) != NULL; off += n) {
		char when[LINES_STAMP_CAP];

		n = (size_t)(nl - (text + off)) + 1;
		lines_stamp(text + off, n, when);
		if (when[0] == '\0' || cursor_passed(l, when))
			continue;
		if (out->len + n > LOGS_READ_BYTES)
			break;
		memcpy(out->b + out->len, text + off, n);
		out->len += n;
		cursor_move(l, when);
	}
	return off;
}

/* True: out is full. */
static bool
read_on(const struct part *p, struct lines_found *l, char *text, struct blob *out)
{
	off_t at = place_of(p, l->after);

	while (at < p->size) {
		size_t want = p->size - at < ON_BYTES ? (size_t)(p->size - at) : ON_BYTES, done;
		ssize_t n = pread(p->fd, text, want, at);

		if (n <= 0)
			return false;
		done = take_lines(l, text, (size_t)n, out);
		if (memchr(text + done, '\n', (size_t)n - done) != NULL)
			return true;
		if (done == 0 && n < ON_BYTES)
			return false; /* the last one is not whole yet */
		at += done > 0 ? (off_t)done : n; /* no line of ours is that long */
	}
	return false;
}

static bool
any_anew(const struct part *parts, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (is_anew(&parts[i]))
			return true;
	return false;
}

static int
read_parts_on(struct part *parts, size_t count, char after[LOGS_TIME_CAP], struct blob *out,
    bool *missing)
{
	struct lines_found l = {.since = ""};
	AUTO_FREE char *text = malloc(ON_BYTES);
	bool full = false;

	if (text == NULL || (out->b = malloc(LOGS_READ_BYTES)) == NULL)
		return -1;
	cursor_read(&l, after);
	sort_parts(parts, count);
	*missing = overwritten(parts, count, l.after);
	for (size_t i = 0; i < count && !full; i++) {
		bool old = i + 1 < count && parts[i + 1].first[0] != '\0' &&
		    strcmp(parts[i + 1].first, l.after) < 0;

		if (parts[i].fd >= 0 && !old)
			full = read_on(&parts[i], &l, text, out);
	}
	if (any_anew(parts, count)) {
		out->len = 0; /* the next look has it */
		*missing = false;
	} else if (out->len > 0) {
		snprintf(after, LOGS_TIME_CAP, "%s#%zu", l.last, l.given);
	}
	return 0;
}

/* --- files ------------------------------------------------------------------------ */

static void
parts_of(const int *fds, size_t count, struct part *parts)
{
	struct stat st = {0};

	assert(count <= INIT_LOGS_MAX);
	for (size_t i = 0; i < count; i++)
		parts[i] = (struct part){
		    .fd = fds[i] >= 0 && fstat(fds[i], &st) == 0 && S_ISREG(st.st_mode) ? fds[i] : -1};
}

int
logs_read_files(const int *fds, size_t count, struct logs_want *want, struct blob *out, bool *cut)
{
	struct part parts[INIT_LOGS_MAX] = {0};
	bool none;
	int rc;

	memset(out, 0, sizeof *out);
	parts_of(fds, count, parts);
	rc = read_parts(parts, count, want, out, cut != NULL ? cut : &none);
	for (size_t i = 0; i < count; i++)
		free(parts[i].text);
	return rc;
}

/* -EINVAL: it is no regular file. */
static int
open_part(int logs_fd, const char *instance, int i)
{
	char name[NAME_CAP + 8];
	struct stat st;
	int fd;

	if (i == 0)
		snprintf(name, sizeof name, "%s.log", instance);
	else
		snprintf(name, sizeof name, "%s.log.%d", instance, i);
	fd = openat(logs_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		return fd;
	close(fd);
	return -EINVAL;
}

/* All of its files; the first one must be there. */
static int
open_all(int logs_fd, const char *instance, int fds[INIT_LOGS_MAX], struct err *err)
{
	char shown[NAME_CAP];

	if (!name_ok(instance, strlen(instance))) {
		err_escape(shown, sizeof shown, instance, strlen(instance));
		return err_set(err, EXIT_USAGE_, "'%s' is no instance name", shown);
	}
	if ((fds[0] = open_part(logs_fd, instance, 0)) < 0)
		return err_set(err, 1, "no log of %s on this node: %s", instance, strerror(-fds[0]));
	for (int i = 1; i < INIT_LOGS_MAX; i++) /* others may not have begun yet */
		fds[i] = open_part(logs_fd, instance, i);
	return 0;
}

static void
close_all(const int fds[INIT_LOGS_MAX])
{
	for (int i = 0; i < INIT_LOGS_MAX; i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

int
logs_read(int logs_fd, const char *instance, struct logs_want *want, struct blob *out, bool *cut,
    struct err *err)
{
	int fds[INIT_LOGS_MAX], rc;

	memset(out, 0, sizeof *out);
	if ((rc = open_all(logs_fd, instance, fds, err)) < 0)
		return rc;
	rc = logs_read_files(fds, INIT_LOGS_MAX, want, out, cut);
	close_all(fds);
	return rc < 0 ? err_set(err, 1, "out of memory") : 0;
}

int
logs_cursor(struct mp *mp, char after[LOGS_TIME_CAP])
{
	const char *s;
	size_t n;

	if (mp_str(mp, &s, &n) < 0 || n >= LOGS_TIME_CAP)
		return -ERR_MALFORMED;
	memcpy(after, s, n);
	after[n] = '\0';
	return 0;
}

bool
logs_mark_taken(char after[LOGS_TIME_CAP])
{
	size_t n = strlen(after);

	if (n == 0 || after[n - 1] != LOGS_MISSING_MARK)
		return false;
	after[n - 1] = '\0';
	return true;
}

int
logs_look(int logs_fd, const char *instance, size_t lines, char after[LOGS_TIME_CAP],
    struct blob *out, struct err *err)
{
	struct logs_want want = {.lines = lines};
	struct part parts[INIT_LOGS_MAX] = {0};
	int fds[INIT_LOGS_MAX], rc;
	bool missing = false;
	size_t n;

	memset(out, 0, sizeof *out);
	(void)logs_mark_taken(after);
	if ((rc = open_all(logs_fd, instance, fds, err)) < 0)
		return rc;
	if (after[0] == '\0') {
		rc = logs_read_files(fds, INIT_LOGS_MAX, &want, out, &missing);
		memcpy(after, want.after, LOGS_TIME_CAP);
	} else {
		parts_of(fds, INIT_LOGS_MAX, parts);
		rc = read_parts_on(parts, INIT_LOGS_MAX, after, out, &missing);
	}
	close_all(fds);
	n = strlen(after);
	if (missing && n + 1 < LOGS_TIME_CAP) {
		after[n] = LOGS_MISSING_MARK;
		after[n + 1] = '\0';
	}
	return rc < 0 ? err_set(err, 1, "out of memory") : 0;
}
