/*
 * log.c - the application's lines, stamped, in two or more files that take turns.
 *
 * When one file is full the next is emptied and written: all but one of them
 * whole, of what was said last, are always there, and the limit holds without
 * anybody's help.  A disk that is full loses lines, never the application.
 */
#include "init.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static uint64_t limit_bytes, used_bytes;
static int count, third, current; /* which of them, not its descriptor */

static int
fd_of(int i)
{
	return i < 2 ? INIT_FD_LOG + i : third + i - 2;
}

/* Milliseconds are what the clock of files has, or fewer: of some that were written
 * in one tick the last one is that whose next was not. */
void
log_open(uint64_t limit, int files, int more)
{
	struct timespec t[INIT_LOGS_MAX] = {{0}}, max = {0};
	struct stat st;

	limit_bytes = limit;
	count = files;
	third = more;
	for (int i = 0; i < count; i++) {
		if (fstat(fd_of(i), &st) < 0 || st.st_size == 0)
			continue;
		t[i] = st.st_mtim;
		if (t[i].tv_sec > max.tv_sec ||
		    (t[i].tv_sec == max.tv_sec && t[i].tv_nsec > max.tv_nsec))
			max = t[i];
	}
	for (int i = 0; i < count; i++)
		if (memcmp(&t[i], &max, sizeof max) == 0 &&
		    memcmp(&t[(i + 1) % count], &max, sizeof max) != 0)
			current = i;
	if (fstat(fd_of(current), &st) == 0)
		used_bytes = (uint64_t)st.st_size;
}

static void
log_line(const char *stream, const char *text, size_t len)
{
	char buf[STREAM_LINE_MAX + 64];
	struct timespec ts;
	struct tm tm;
	size_t n;
	int k;

	clock_gettime(CLOCK_REALTIME, &ts);
	gmtime_r(&ts.tv_sec, &tm);
	n = strftime(buf, 32, "%Y-%m-%dT%H:%M:%S", &tm);
	k = snprintf(buf + n, 32, ".%03dZ %s ", (int)(ts.tv_nsec / 1000000),
	    stream);
	if (k > 0)
		n += (size_t)k;
	memcpy(buf + n, text, len);
	n += len;
	buf[n++] = '\n';
	if (used_bytes + n > limit_bytes) {
		current = (current + 1) % count;
		if (ftruncate(fd_of(current), 0) < 0)
			return;
		used_bytes = 0;
	}
	if (write(fd_of(current), buf, n) == (ssize_t)n)
		used_bytes += n;
}

void
stream_open(struct stream *s, int fd, const char *name)
{
	s->fd = fd;
	s->name = name;
	s->len = 0;
	fcntl(fd, F_SETFL, O_NONBLOCK);
}

static void
lines(struct stream *s)
{
	size_t start = 0;

	for (size_t i = 0; i < s->len; i++) {
		if (s->line[i] != '\n')
			continue;
		log_line(s->name, s->line + start, i - start);
		start = i + 1;
	}
	if (start == 0 && s->len == sizeof s->line) {
		log_line(s->name, s->line, s->len);
		start = s->len;
	}
	memmove(s->line, s->line + start, s->len - start);
	s->len -= start;
}

int
stream_read(struct stream *s)
{
	ssize_t n = read(s->fd, s->line + s->len, sizeof s->line - s->len);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	if (n == 0)
		return 0;
	s->len += (size_t)n;
	lines(s);
	return 1;
}

void
stream_drain(struct stream *s)
{
	/* Bounded: an orphan that still prints must not keep pid 1 alive. */
	for (int i = 0; i < 256; i++) {
		ssize_t n = read(s->fd, s->line + s->len,
		    sizeof s->line - s->len);
		if (n <= 0)
			break;
		s->len += (size_t)n;
		lines(s);
	}
	if (s->len > 0)
		log_line(s->name, s->line, s->len);
	s->len = 0;
}
