/*
 * feeder.c - an application that tells x, a counter, of as many things as it is told, in
 * cantal's two files (daemon/core/cantalfile.h): each grows once a second, by a step of
 * its own.
 *
 *	feeder COUNT
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { COUNT_MAX = 1000 };

static int
fail(const char *what)
{
	fprintf(stderr, "feeder: %s: %s\n", what, strerror(errno));
	return 1;
}

static int
describe(const char *base, int count)
{
	char path[512], tmp[512];
	FILE *f;

	snprintf(path, sizeof path, "%s.meta", base);
	snprintf(tmp, sizeof tmp, "%s.tmp", base);
	if ((f = fopen(tmp, "w")) == NULL)
		return -1;
	for (int i = 0; i < count; i++)
		fprintf(f, "counter 8: {\"metric\": \"x\", \"thing\": \"%d\"}\n", i);
	return fclose(f) == 0 ? rename(tmp, path) : -1;
}

int
main(int argc, char **argv)
{
	const char *base = getenv("CANTAL_PATH");
	int count = argc == 2 ? atoi(argv[1]) : 0, fd;
	char path[512];
	uint64_t *values;

	if (base == NULL || count < 1 || count > COUNT_MAX) {
		fprintf(stderr, "usage: CANTAL_PATH=BASE feeder COUNT (1 to %d)\n", COUNT_MAX);
		return 64;
	}
	snprintf(path, sizeof path, "%s.values", base);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0 || ftruncate(fd, count * (off_t)sizeof *values) < 0)
		return fail(path);
	values = mmap(NULL, (size_t)count * sizeof *values, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (values == MAP_FAILED || describe(base, count) < 0)
		return fail(base);
	for (;; sleep(1))
		for (int i = 0; i < count; i++)
			values[i] += (uint64_t)(i * 7 + (int)(values[i] % 13));
}
