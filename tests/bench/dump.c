/*
 * dump.c - what the host's collectors have after some ticks, as an exposition in text
 * 0.0.4: to be laid beside node_exporter's (exporter.py).
 *
 *	dump TICKS
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "../../daemon/io/collect_host.h"

static void
must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "dump: %s\n", what);
	exit(5);
}

static bool
is_common(struct slice name)
{
	return slice_eq(name, slice_of("node")) || slice_eq(name, slice_of("job")) ||
	    slice_eq(name, slice_of("instance")) || slice_eq(name, slice_of(LABEL_NAME));
}

static void
print(const struct series_store *s, series_id id)
{
	static const char *const types[] = {"untyped", "counter", "gauge", "histogram", "summary", "info", "stateset"};
	uint8_t packed[LABELS_BYTES_MAX];
	size_t n = series_labels(s, id, packed);
	struct series_point p;
	struct slice name, help;
	struct labels l;
	const char *sep = "{";

	if (n == 0 || labels_read((struct slice){packed, n}, &l) < 0 || !series_last(s, id, &p))
		return;
	name = labels_get(&l, slice_of(LABEL_NAME));
	printf("# TYPE %.*s %s\n%.*s", (int)name.len, (const char *)name.b, types[series_meta(s, name, &help)],
	    (int)name.len, (const char *)name.b);
	for (uint32_t i = 0; i < l.count; i++) {
		if (is_common(l.items[i].name))
			continue;
		printf("%s%.*s=\"%.*s\"", sep, (int)l.items[i].name.len, (const char *)l.items[i].name.b,
		    (int)l.items[i].value.len, (const char *)l.items[i].value.b);
		sep = ",";
	}
	printf("%s %.17g\n", *sep == ',' ? "}" : "", p.value);
}

int
main(int argc, char **argv)
{
	const struct series_conf conf = {
	    .bytes_max = 16 << 20, .series_max = 65536, .owner_series_max = 10000, .keep_ticks = 3600};
	const struct series_matcher all = {.op = SERIES_NE, .name = slice_of(LABEL_NAME), .value = slice_of("")};
	struct reading_of of = {
	    .store = series_new(&conf), .page_bytes = 4096, .text = malloc(READING_TEXT_CAP)};
	int ticks = argc > 1 ? atoi(argv[1]) : 1;
	struct collect_host *h;
	struct timespec now;
	struct err err;
	series_id *ids;
	int64_t n;

	must(of.store != NULL && of.text != NULL, "no memory");
	must(collect_host_new(&of, NULL, &h, &err) == 0, err.text);
	for (int64_t tick = 0; tick < ticks; tick++) {
		clock_gettime(CLOCK_REALTIME, &now);
		collect_host_tick(h, tick + 1, (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000);
	}
	must((n = series_select(of.store, &all, 1, 100000, &ids)) > 0, "no series");
	for (int64_t i = 0; i < n; i++)
		print(of.store, ids[i]);
	free(ids);
	return 0;
}
