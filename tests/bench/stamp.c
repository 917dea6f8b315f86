/*
 * stamp.c - the application of the container benchmarks: the first thing it does
 * is to say when it lives.  With an argument it stays.
 */
#include <stdio.h>
#include <time.h>
#include <unistd.h>

int
main(int argc, char **argv)
{
	struct timespec ts;
	char text[32];
	int n;

	(void)argv;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	n = snprintf(text, sizeof text, "%lld\n",
	    (long long)ts.tv_sec * 1000000000 + ts.tv_nsec);
	if (write(1, text, (size_t)n) != n)
		return 1;
	while (argc > 1)
		pause();
	return 0;
}
