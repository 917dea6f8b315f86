/*
 * lighten.c - see lighten.h.
 */
#include "lighten.h"

#include <fcntl.h>
#include <malloc.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "../base/own.h"

enum { MAPS_CAP = 64 << 10, HEAP_FREE_BYTES = 512 << 10, HEAP_FAULTS = 128 };

static bool
address(const char **p, const char *end, char stop, uintptr_t *out)
{
	uintptr_t v = 0;
	const char *q = *p;

	for (; q < end && *q != stop; q++) {
		unsigned d;

		if (*q >= '0' && *q <= '9')
			d = (unsigned)(*q - '0');
		else if (*q >= 'a' && *q <= 'f')
			d = (unsigned)(*q - 'a' + 10);
		else
			return false;
		if (v > UINTPTR_MAX >> 4)
			return false;
		v = v << 4 | d;
	}
	if (q == *p || q == end)
		return false;
	*p = q + 1;
	*out = v;
	return true;
}

/* FROM-TO r-xp OFFSET DEVICE INODE PATH */
static bool
is_code(const char *p, const char *end, uintptr_t *from, uintptr_t *to)
{
	return address(&p, end, '-', from) && address(&p, end, ' ', to) && *from < *to && end - p > 5 &&
	    memcmp(p, "r-xp ", 5) == 0 && memchr(p, '/', (size_t)(end - p)) != NULL;
}

bool
lighten_next(struct slice *text, uintptr_t *from, uintptr_t *to)
{
	while (text->len > 0) {
		const uint8_t *nl = memchr(text->b, '\n', text->len);
		size_t n = nl != NULL ? (size_t)(nl - text->b) : text->len;
		const char *line = (const char *)text->b;

		text->b += n + (nl != NULL);
		text->len -= n + (nl != NULL);
		if (is_code(line, line + n, from, to))
			return true;
	}
	return false;
}

static uint64_t
faults_now(void)
{
	struct rusage u = {.ru_minflt = 0};

	(void)getrusage(RUSAGE_SELF, &u);
	return (uint64_t)u.ru_minflt;
}

void
lighten_heap(uint64_t *faults)
{
	if (faults_now() < *faults + HEAP_FAULTS)
		return;
	if (mallinfo2().fordblks > HEAP_FREE_BYTES)
		(void)malloc_trim(0);
	*faults = faults_now();
}

void
lighten(void)
{
	AUTO_CLOSE int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
	AUTO_FREE char *maps = malloc(MAPS_CAP);
	struct slice text = {(const uint8_t *)maps, 0};
	uintptr_t from, to;
	ssize_t n;

	while (fd >= 0 && maps != NULL && (n = read(fd, maps + text.len, MAPS_CAP - text.len)) > 0)
		text.len += (size_t)n;
	/* Private, of a file, and never writable: what is dropped is read from there again. */
	while (lighten_next(&text, &from, &to))
		(void)madvise((void *)from, to - from, MADV_DONTNEED);
	(void)malloc_trim(0);
}
