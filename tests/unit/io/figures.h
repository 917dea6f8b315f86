/*
 * figures.h - a store for a collector's test, a directory of files that it reads, and the
 * newest sample of a series by its name and labels.
 */
#ifndef TEST_IO_FIGURES_H
#define TEST_IO_FIGURES_H

#include "world.h"

#include "../../../daemon/io/reading.h"

#define OF "instance=n1,job=node,node=n1,"

WORLD_UNUSED static struct label labels[] = {
    {{NULL, 0}, {NULL, 0}}, {{NULL, 0}, {NULL, 0}}, {{NULL, 0}, {NULL, 0}}};
static struct reading_of of;
static struct world w;
static int64_t tick;

WORLD_UNUSED static int
setup(void **state)
{
	const struct series_conf conf = {
	    .bytes_max = 16 << 20, .series_max = 10000, .owner_series_max = 1000, .keep_ticks = 3600};

	(void)state;
	world_open(&w);
	labels[0] = (struct label){slice_of("instance"), slice_of("n1")};
	labels[1] = (struct label){slice_of("job"), slice_of("node")};
	labels[2] = (struct label){slice_of("node"), slice_of("n1")};
	of = (struct reading_of){.store = series_new(&conf),
	    .labels = labels,
	    .labels_count = 3,
	    .page_bytes = (uint32_t)sysconf(_SC_PAGESIZE),
	    .text = malloc(READING_TEXT_CAP)};
	assert_non_null(of.store);
	assert_non_null(of.text);
	tick = 1000;
	return 0;
}

WORLD_UNUSED static int
teardown(void **state)
{
	(void)state;
	series_free(of.store);
	free(of.text);
	world_close(&w);
	return 0;
}

/* The series "name,label=value,...". */
WORLD_UNUSED static series_id
id_of(const char *text)
{
	char copy[1024];
	uint8_t packed[LABELS_BYTES_MAX];
	struct labels l = {0};
	char *save = NULL, *name = NULL;
	int n;

	snprintf(copy, sizeof copy, "%s", text);
	for (char *p = strtok_r(copy, ",", &save); p != NULL; p = strtok_r(NULL, ",", &save)) {
		char *is = strchr(p, '=');

		if (name == NULL) {
			name = p;
			assert_int_equal(labels_set(&l, slice_of(LABEL_NAME), slice_of(name)), 0);
			continue;
		}
		*is = '\0';
		assert_int_equal(labels_set(&l, slice_of(p), slice_of(is + 1)), 0);
	}
	n = labels_pack(&l, packed, sizeof packed);
	assert_true(n > 0);
	/* One that is new has no sample, and does no harm. */
	return series_open(of.store, of.owner, (struct slice){packed, (size_t)n});
}

/* Its newest sample: false when there is none. */
WORLD_UNUSED static bool
newest(const char *text, struct series_point *out)
{
	return series_last(of.store, id_of(text), out);
}

WORLD_UNUSED static double
value(const char *text)
{
	struct series_point p;

	if (!newest(text, &p))
		fail_msg("no series %s", text);
	if (series_is_stale(p.value))
		fail_msg("%s has ended", text);
	return p.value;
}

WORLD_UNUSED static bool
has_ended(const char *text)
{
	struct series_point p;

	return newest(text, &p) && series_is_stale(p.value);
}

WORLD_UNUSED static bool
is_none(const char *text)
{
	struct series_point p;

	return !newest(text, &p);
}

WORLD_UNUSED static void
put(const char *path, const char *text)
{
	char part[256];

	for (const char *p = path; (p = strchr(p, '/')) != NULL; p++) {
		snprintf(part, sizeof part, "%.*s", (int)(p - path), path);
		(void)mkdirat(w.fd, part, 0755);
	}
	int fd = openat(w.fd, path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

#endif
