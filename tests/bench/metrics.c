/*
 * metrics.c - the store of series by figures: a trace of some host's /proc (trace.py) on
 * stdin goes into it, and into cantal's and Gorilla's ways to keep samples,
 * in turn; prints `name value unit`, medians of TRIALS=5.  All that is put is read back
 * and compared.  Exit 1: a bound is missed.
 *
 *	store.bytes	a sample: all memory that is taken for samples after the trace, with
 *			what is linked, begun and not yet filled
 *	store.all	the same with labels, structs and tables: what an hour of it would be
 *	store.append, store.decode	ns of this thread
 *	store.mib	10,000 series x 1 h, the trace's own again and again: whole store
 *	store.moving	the same of those series alone that move
 *	store.stall	the longest single call of series_expire in it, us
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "../../daemon/core/series.h"
#include "../../daemon/core/series_in.h"
#include "cantal.h"
#include "gorilla.h"

enum { NAME_MAX_BYTES = 4096, TRIALS_MAX = 99, MANY = 10000, HOUR = 3600 };

static struct {
	uint32_t series, ticks;
	char **names;
	unsigned *scales;
	int64_t *whole; /* by series, then tick */
	uint64_t *bits;
	bool *moves;
} trace;

static int bad;

static void
must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "bench-metrics: %s\n", what);
	exit(2);
}

static double
now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void
tell(const char *name, double value, const char *unit, double bound)
{
	bool missed = bound > 0 && value > bound;

	printf("%s %.3f %s\n", name, value, unit);
	if (missed)
		fprintf(stderr, "bench-metrics: %s: %.3f %s, bound %g\n", name, value, unit, bound);
	bad |= missed;
}

static int
by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double
median(double *all, unsigned n)
{
	qsort(all, n, sizeof *all, by_size);
	return all[n / 2];
}

/* --- the trace ------------------------------------------------------------------------- */

static void
read_row(uint32_t i)
{
	static char name[NAME_MAX_BYTES];
	int64_t *row = trace.whole + (size_t)i * trace.ticks, v = 0;
	uint32_t at = 0;

	must(scanf("%4095s %u", name, &trace.scales[i]) == 2 && trace.scales[i] <= SERIESCODE_SCALE_MAX, "no row");
	trace.names[i] = strdup(name);
	while (at < trace.ticks) {
		long long d;
		uint32_t times = 1;

		must(scanf("%lld", &d) == 1, "no number");
		if (scanf("*%u", &times) != 1)
			times = 1;
		while (times-- > 0 && at < trace.ticks) {
			v += d;
			trace.bits[(size_t)i * trace.ticks + at] = seriescode_bits(v, trace.scales[i]);
			trace.moves[i] = trace.moves[i] || (at > 0 && v != row[at - 1]);
			row[at++] = v;
		}
	}
}

static void
read_trace(void)
{
	must(scanf("mesh-trace 1 %u %u", &trace.series, &trace.ticks) == 2 && trace.series > 0 &&
	    trace.ticks > 1 && trace.ticks <= 100000 && trace.series <= 100000, "not a trace");
	trace.names = calloc(trace.series, sizeof *trace.names);
	trace.scales = calloc(trace.series, sizeof *trace.scales);
	trace.moves = calloc(trace.series, sizeof *trace.moves);
	trace.whole = calloc((size_t)trace.series * trace.ticks, sizeof *trace.whole);
	trace.bits = calloc((size_t)trace.series * trace.ticks, sizeof *trace.bits);
	must(trace.bits != NULL && trace.whole != NULL, "no memory");
	for (uint32_t i = 0; i < trace.series; i++)
		read_row(i);
}

/* name{a="b",c="d"}, with what the collectors add; copy: one more of the same. */
static series_id
open_named(struct series_store *s, const char *name, uint32_t copy)
{
	static char text[NAME_MAX_BYTES], number[32];
	uint8_t packed[LABELS_BYTES_MAX];
	struct labels l = {0};
	char *at, *key;
	int n;

	snprintf(text, sizeof text, "%s", name);
	at = strchr(text, '{');
	must(at != NULL, "a name without labels");
	*at++ = '\0';
	must(labels_set(&l, slice_of(LABEL_NAME), slice_of(text)) == 0, text);
	while (*at != '}' && *at != '\0') {
		key = at;
		at = strstr(at, "=\"");
		must(at != NULL, text);
		*at = '\0';
		n = (int)strcspn(at + 2, "\"");
		must(labels_set(&l, slice_of(key), (struct slice){(uint8_t *)at + 2, (size_t)n}) == 0, key);
		at += 2 + n + 1;
		at += *at == ',';
	}
	must(labels_set(&l, slice_of("job"), slice_of("node")) == 0 &&
	    labels_set(&l, slice_of("node"), slice_of("web-17")) == 0 &&
	    labels_set(&l, slice_of("instance"), slice_of("web-17")) == 0, "labels");
	snprintf(number, sizeof number, "%u", copy);
	must(copy == 0 || labels_set(&l, slice_of("copy"), slice_of(number)) == 0, "labels");
	n = labels_pack(&l, packed, sizeof packed);
	must(n > 0, "labels too long");
	return series_open(s, SERIES_HOST, (struct slice){packed, (size_t)n});
}

/* --- who keeps it ------------------------------------------------------------------------ */

struct figures {
	double bytes, append, decode;
};

static double
value_at(uint32_t i, uint32_t tick)
{
	double v;

	memcpy(&v, &trace.bits[(size_t)i * trace.ticks + tick], sizeof v);
	return v;
}

static void
read_back(const struct series_store *s, const series_id *ids, struct figures *f)
{
	struct series_point *got = calloc(trace.ticks, sizeof *got);
	double all = 0, start;

	must(got != NULL, "no memory");
	for (uint32_t i = 0; i < trace.series; i++) {
		start = now_ns();
		size_t n = series_read(s, ids[i], 0, INT64_MAX / 4, got, trace.ticks);

		all += now_ns() - start;
		must(n == trace.ticks, "samples are missing");
		for (uint32_t t = 0; t < trace.ticks; t++)
			must(memcmp(&got[t].value, &trace.bits[(size_t)i * trace.ticks + t], 8) == 0 &&
			    got[t].tick == 1000 + t, "a sample is not what was put");
	}
	free(got);
	f->decode = all / trace.series / trace.ticks;
}

static struct figures
ours(double *with_all)
{
	struct series_conf conf = {.bytes_max = 64 << 20, .series_max = 100000, .owner_series_max = 1000,
	    .keep_ticks = 100000};
	struct series_store *s = series_new(&conf);
	series_id *ids = calloc(trace.series, sizeof *ids);
	double all = 0, samples = (double)trace.series * trace.ticks;
	struct series_stats st;
	struct figures f;

	must(s != NULL && ids != NULL, "no memory");
	for (uint32_t i = 0; i < trace.series; i++)
		must((ids[i] = open_named(s, trace.names[i], 0)) != 0, "no series");
	for (uint32_t t = 0; t < trace.ticks; t++) {
		double start = now_ns();

		for (uint32_t i = 0; i < trace.series; i++)
			must(series_put(s, ids[i], 1000 + t, value_at(i, t)) == 0, "not put");
		all += now_ns() - start;
		series_expire(s, 1000 + t);
	}
	series_stats(s, &st);
	must(st.samples == (uint64_t)samples && st.evicted_samples == 0, "samples are not counted");
	f.append = all / samples;
	f.bytes = (double)pool_used(&s->pool) * POOL_UNIT_WHOLE / samples;
	*with_all = (double)st.bytes;
	read_back(s, ids, &f);
	free(ids);
	series_free(s);
	return f;
}

static struct figures
cantals(void)
{
	double samples = (double)trace.series * trace.ticks, start = now_ns(), bytes = 0, all = 0;
	struct cantal *c = calloc(trace.series, sizeof *c);
	int64_t *got = calloc(trace.ticks, sizeof *got);
	struct figures f;

	must(c != NULL && got != NULL, "no memory");
	for (uint32_t i = 0; i < trace.series; i++)
		must((c[i].b = calloc(trace.ticks + 2, 11)) != NULL, "no memory");
	start = now_ns();
	for (uint32_t t = 0; t < trace.ticks; t++)
		for (uint32_t i = 0; i < trace.series; i++)
			cantal_put(&c[i], trace.whole[(size_t)i * trace.ticks + t]);
	f.append = (now_ns() - start) / samples;
	for (uint32_t i = 0; i < trace.series; i++) {
		cantal_flush(&c[i]);
		bytes += (double)c[i].len;
		start = now_ns();
		cantal_get(&c[i], trace.whole[(size_t)i * trace.ticks], got, trace.ticks);
		all += now_ns() - start;
		must(memcmp(got, trace.whole + (size_t)i * trace.ticks, trace.ticks * sizeof *got) == 0, "cantal's way loses");
		free(c[i].b);
	}
	f.bytes = bytes / samples;
	f.decode = all / samples;
	free(got);
	free(c);
	return f;
}

static struct figures
gorillas(void)
{
	double samples = (double)trace.series * trace.ticks, start, bytes = 0, all = 0;
	struct gorilla *g = calloc(trace.series, sizeof *g);
	uint64_t *got = calloc(trace.ticks, sizeof *got);
	int64_t *ticks = calloc(trace.ticks, sizeof *ticks);
	struct figures f;

	must(g != NULL && got != NULL && ticks != NULL, "no memory");
	for (uint32_t i = 0; i < trace.series; i++)
		must((g[i].b = calloc(trace.ticks + 4, 16)) != NULL, "no memory");
	start = now_ns();
	for (uint32_t t = 0; t < trace.ticks; t++)
		for (uint32_t i = 0; i < trace.series; i++)
			gorilla_put(&g[i], 1000 + t, trace.bits[(size_t)i * trace.ticks + t]);
	f.append = (now_ns() - start) / samples;
	for (uint32_t i = 0; i < trace.series; i++) {
		g[i].o.at = bits_end(&g[i].o);
		bytes += (double)(g[i].o.at - g[i].b);
		start = now_ns();
		gorilla_get(&g[i], ticks, got, trace.ticks);
		all += now_ns() - start;
		must(memcmp(got, trace.bits + (size_t)i * trace.ticks, trace.ticks * sizeof *got) == 0 &&
		    ticks[trace.ticks - 1] == 999 + trace.ticks, "Gorilla's way loses");
		free(g[i].b);
	}
	f.bytes = bytes / samples;
	f.decode = all / samples;
	free(ticks);
	free(got);
	free(g);
	return f;
}

/* --- 10,000 of them --------------------------------------------------------------------- */

static double
resident_mib(void)
{
	long pages = 0, all;
	FILE *f = fopen("/proc/self/statm", "r");

	must(f != NULL && fscanf(f, "%ld %ld", &all, &pages) == 2, "/proc/self/statm");
	fclose(f);
	return (double)pages * 4096 / (1 << 20);
}

static double
many(bool moving, double *stall, double *resident)
{
	struct series_conf conf = {.bytes_max = 256 << 20, .series_max = 100000, .owner_series_max = 1000,
	    .keep_ticks = HOUR};
	static series_id ids[MANY];
	static uint32_t of[MANY];
	double before = resident_mib(), start;
	struct series_store *s = series_new(&conf);
	struct series_stats st;
	uint32_t n = 0;

	must(s != NULL, "no memory");
	for (uint32_t copy = 0; n < MANY; copy++)
		for (uint32_t i = 0; i < trace.series && n < MANY; i++)
			if (!moving || trace.moves[i]) {
				must((ids[n] = open_named(s, trace.names[i], copy)) != 0, "no series");
				of[n++] = i;
			}
	for (uint32_t t = 0; t < HOUR + HOUR / 4; t++) {
		for (uint32_t k = 0; k < n; k++)
			must(series_put(s, ids[k], 1000 + t, value_at(of[k], (t + k / trace.series * 61) % trace.ticks)) == 0, "not put");
		start = now_ns();
		series_expire(s, 1000 + t);
		*stall = now_ns() - start > *stall ? now_ns() - start : *stall;
	}
	series_stats(s, &st);
	must(st.evicted_samples == 0 && st.samples >= (uint64_t)MANY * HOUR, "not an hour");
	*resident = resident_mib() - before;
	series_free(s);
	return (double)st.bytes / (1 << 20);
}

int
main(void)
{
	const char *env = getenv("TRIALS");
	unsigned trials = env != NULL ? (unsigned)strtoul(env, NULL, 10) : 5, moving = 0;
	double append[3][TRIALS_MAX], decode[3][TRIALS_MAX], bytes[3] = {0}, with_all = 0, stall = 0, resident = 0;
	static const char *const who[] = {"store", "cantal", "gorilla"};
	char name[32];

	trials = trials < 1 ? 1 : trials > TRIALS_MAX ? TRIALS_MAX : trials;
	read_trace();
	for (uint32_t i = 0; i < trace.series; i++)
		moving += trace.moves[i];
	printf("trace.series %u series\ntrace.ticks %u s\ntrace.moving %u series\n", trace.series, trace.ticks, moving);
	for (unsigned t = 0; t < trials; t++) {
		struct figures f[3] = {ours(&with_all), cantals(), gorillas()};

		for (int w = 0; w < 3; w++) {
			append[w][t] = f[w].append;
			decode[w][t] = f[w].decode;
			bytes[w] = f[w].bytes;
		}
	}
	for (int w = 0; w < 3; w++) {
		snprintf(name, sizeof name, "%s.bytes", who[w]);
		tell(name, bytes[w], "B", w == 0 ? 0.20 : 0);
		snprintf(name, sizeof name, "%s.append", who[w]);
		tell(name, median(append[w], trials), "ns", w == 0 ? 100 : 0);
		snprintf(name, sizeof name, "%s.decode", who[w]);
		tell(name, median(decode[w], trials), "ns", w == 0 ? 50 : 0);
	}
	tell("store.all", with_all / trace.series / trace.ticks, "B", 0);
	tell("store.kib", with_all / 1024, "KiB", 0);
	tell("store.mib", many(false, &stall, &resident), "MiB", 32);
	tell("store.resident", resident, "MiB", 0);
	tell("store.stall", stall / 1e3, "us", 0);
	tell("store.moving", many(true, &stall, &resident), "MiB", 32);
	return bad;
}
