/*
 * log.c - the application's lines, stamped, in two files that take turns.
 *
 * When one file is full the other is emptied and written: at least one whole
 * half of what was said last is always there, and the limit holds without
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
static int current = INIT_FD_LOG;

void
log_open(uint64_t limit)
{
	struct stat a, b;

	limit_bytes = limit;
	if (fstat(INIT_FD_LOG, &a) < 0 || fstat(INIT_FD_LOG2, &b) < 0)
		return;
	if (b.st_size > 0 &&
	    (b.st_mtim.tv_sec > a.st_mtim.tv_sec ||
		(b.st_mtim.tv_sec == a.st_mtim.tv_sec &&
		    b.st_mtim.tv_nsec > a.st_mtim.tv_nsec)))
		current = INIT_FD_LOG2;
	used_bytes = (uint64_t)(current == INIT_FD_LOG ? a.st_size : b.st_size);
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
		current = current == INIT_FD_LOG ? INIT_FD_LOG2 : INIT_FD_LOG;
		if (ftruncate(current, 0) < 0)
			return;
		used_bytes = 0;
	}
	if (write(current, buf, n) == (ssize_t)n)
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
