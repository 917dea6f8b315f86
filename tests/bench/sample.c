/*
 * sample.c - what sampling costs: the collectors alone, once a second as in the engine,
 * over this host and the containers that are named.
 *
 *	sample SECONDS [INSTANCE PID]...      -> sample.cpu, and its parts on stderr
 *
 * At the real rate, since caches are cold then: the same work in a tight loop costs half.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "../../daemon/io/collect_group.h"
#include "../../daemon/io/collect_host.h"
#include "../../daemon/io/collect_top.h"

enum { HOST, GROUPS, TOP, PARTS };

static double
cpu_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

static long
rss_kib(void)
{
	long all = 0, pages = 0;
	FILE *f = fopen("/proc/self/statm", "re");

	if (f == NULL || fscanf(f, "%ld %ld", &all, &pages) != 2)
		pages = 0;
	if (f != NULL)
		fclose(f);
	return pages * 4;
}

static void
must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "sample: %s\n", what);
	exit(5);
}

/* Until a whole second of the clock, as the engine's timer. */
static void
wait_second(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	ts.tv_sec++;
	ts.tv_nsec = 0;
	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
}

static void
see(struct collect_groups *g, char **argv, int count, int64_t tick)
{
	collect_groups_begin(g, tick, 1700000000000 + tick * 1000);
	for (int i = 0; i + 1 < count; i += 2) {
		struct collect_instance x = {.instance = argv[i], .role = "web", .image = "web-v1", .pid = atoi(argv[i + 1])};

		collect_groups_see(g, &x);
	}
	collect_groups_end(g);
}

int
main(int argc, char **argv)
{
	const struct series_conf conf = {
	    .bytes_max = 16 << 20, .series_max = 65536, .owner_series_max = 10000, .keep_ticks = 3600};
	struct label labels[] = {{slice_of("instance"), slice_of("node-1")}, {slice_of("job"), slice_of("node")},
	    {slice_of("node"), slice_of("node-1")}};
	struct reading_of of = {.store = series_new(&conf),
	    .labels = labels,
	    .labels_count = ARRAY_LEN(labels),
	    .page_bytes = 4096,
	    .text = malloc(READING_TEXT_CAP)};
	int seconds = argc > 1 ? atoi(argv[1]) : 30;
	double part[PARTS] = {0}, last, all;
	struct collect_groups *g;
	struct collect_host *h;
	struct collect_top *t;
	struct series_stats st;
	struct err err;

	must(of.store != NULL && of.text != NULL, "no memory");
	must(collect_host_new(&of, NULL, &h, &err) == 0, err.text);
	must((g = collect_groups_new(&of, "node-1", 1000, "/proc")) != NULL && (t = collect_top_new(&of)) != NULL, "no memory");
	/* The first ticks open all files and series: not what each second costs. */
	for (int64_t tick = 100; tick < 102 + seconds; tick++) {
		wait_second();
		if (tick == 102)
			part[HOST] = part[GROUPS] = part[TOP] = 0;
		last = cpu_us();
		collect_host_tick(h, tick, 1700000000000 + tick * 1000);
		part[HOST] += cpu_us() - last;
		last = cpu_us();
		see(g, argv + 2, argc - 2, tick);
		part[GROUPS] += cpu_us() - last;
		last = cpu_us();
		collect_top_tick(t, tick);
		part[TOP] += cpu_us() - last;
	}
	all = part[HOST] + part[GROUPS] + part[TOP];
	series_stats(of.store, &st);
	fprintf(stderr, "sample: host %.0f us, %d containers %.0f us (%u not read), top processes %.0f us a second; %llu series, %llu samples, %llu KiB of series, %ld KiB of memory\n",
	    part[HOST] / seconds, (argc - 2) / 2, part[GROUPS] / seconds, collect_groups_left(g), part[TOP] / seconds,
	    (unsigned long long)st.series, (unsigned long long)st.samples, (unsigned long long)st.bytes >> 10, rss_kib());
	must(collect_groups_left(g) == 0, "not all containers were read");
	printf("%.4f\n", all / seconds / 1e4);
	return 0;
}
