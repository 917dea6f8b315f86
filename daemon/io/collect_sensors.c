/*
 * collect_sensors.c - see collect_sensors.h.  What is there is looked for at the start and
 * each ten minutes; a sensor keeps its file open.
 */
#include "collect_sensors.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "../base/own.h"

enum { SENSORS_MAX = 64, ROUND_TICKS = 10, LOOK_TICKS = 600, TEXT_CAP = 128 };

static const struct reading_figure hwmon = {"node_hwmon_temp_celsius", "Hardware monitor for temperature (input)",
    SERIES_GAUGE};
static const struct reading_figure thermal = {"node_thermal_zone_temp", "Zone temperature in Celsius", SERIES_GAUGE};

struct sensor {
	const struct reading_figure *what;
	char chip[TEXT_CAP], name[32]; /* of hwmon; else type and zone */
	int fd;
	series_id id;
};

struct sensors {
	const struct reading_of *of;
	int dir;
	struct sensor *all, *old; /* owned; old: of before, while it is looked anew */
	uint32_t count, old_count, next;
	int64_t looked, turn;
};

struct sensors *
sensors_new(const struct reading_of *of, int dir, const char *path)
{
	struct sensors *s = calloc(1, sizeof *s);

	if (s == NULL)
		return NULL;
	s->of = of;
	s->dir = openat(dir, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	s->looked = INT64_MIN;
	return s;
}

static void
add(struct sensors *s, const struct reading_figure *what, const char *chip, const char *name, int dir,
    const char *path)
{
	struct sensor *more;
	int fd;

	if (s->count == SENSORS_MAX || (fd = openat(dir, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)) < 0)
		return;
	if ((more = realloc(s->all, (s->count + 1) * sizeof *more)) == NULL) {
		close(fd);
		return;
	}
	s->all = more;
	more += s->count++;
	*more = (struct sensor){.what = what, .fd = fd};
	snprintf(more->chip, sizeof more->chip, "%s", chip);
	snprintf(more->name, sizeof more->name, "%s", name);
	for (uint32_t i = 0; i < s->old_count; i++)
		if (s->old[i].what == what && strcmp(s->old[i].chip, more->chip) == 0 &&
		    strcmp(s->old[i].name, more->name) == 0) {
			more->id = s->old[i].id;
			s->old[i].id = 0;
		}
}

/* As node_exporter's cleanMetricName: lower case, others '_', none at the ends. */
static void
clean(const char *s, char *out, size_t cap)
{
	size_t n = 0;

	for (; *s != '\0' && n + 1 < cap; s++) {
		char c = *s;

		if (c >= 'A' && c <= 'Z')
			c = (char)(c - 'A' + 'a');
		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == ':' || c == '_'))
			c = '_';
		if (c != '_' || n > 0)
			out[n++] = c;
	}
	while (n > 0 && out[n - 1] == '_')
		n--;
	out[n] = '\0';
}

/* "platform_coretemp_0": what the device is on, and its own name; or what it says. */
static void
chip_of(int dir, const char *entry, char chip[TEXT_CAP])
{
	char link[512], type[TEXT_CAP / 2], name[TEXT_CAP / 2 - 2], path[300], *last, *before;
	ssize_t n = readlinkat(dir, "device", link, sizeof link - 1);

	link[n > 0 ? n : 0] = '\0';
	if (n > 0 && (last = strrchr(link, '/')) != NULL) {
		/* "../../../coretemp.0" says nothing of its bus: the whole path does. */
		snprintf(path, sizeof path, "/proc/self/fd/%d/device/..", dir);
		char *whole = realpath(path, NULL);

		before = whole != NULL ? strrchr(whole, '/') : NULL;
		clean(before != NULL ? before + 1 : "", type, sizeof type);
		clean(last + 1, name, sizeof name);
		free(whole);
		if (type[0] != '\0' && name[0] != '\0') {
			snprintf(chip, TEXT_CAP, "%s_%s", type, name);
			return;
		}
	}
	if (!reading_line(dir, "name", link, sizeof link))
		snprintf(link, sizeof link, "%s", entry);
	clean(link, chip, TEXT_CAP);
}

static void
look_at_chip(struct sensors *s, int dir, const char *entry)
{
	AUTO_CLOSE int at = openat(dir, entry, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	AUTO_CLOSEDIR DIR *d = at < 0 ? NULL : fdopendir(dup(at));
	char chip[TEXT_CAP];
	struct dirent *e;

	if (d == NULL)
		return;
	chip_of(at, entry, chip);
	while ((e = readdir(d)) != NULL) {
		unsigned number;
		char name[32];
		int n = 0;

		if (sscanf(e->d_name, "temp%3u_input%n", &number, &n) != 1 || n == 0 || e->d_name[n] != '\0')
			continue;
		snprintf(name, sizeof name, "temp%u", number);
		add(s, &hwmon, chip, name, at, e->d_name);
	}
}

static void
look_at_zone(struct sensors *s, int dir, const char *entry)
{
	char path[300], type[TEXT_CAP];

	snprintf(path, sizeof path, "%s/type", entry);
	if (strncmp(entry, "thermal_zone", 12) != 0 || !reading_line(dir, path, type, sizeof type))
		return;
	snprintf(path, sizeof path, "%s/temp", entry);
	add(s, &thermal, type, entry + 12, dir, path);
}

static void
each(struct sensors *s, const char *class, void (*fn)(struct sensors *s, int dir, const char *entry))
{
	AUTO_CLOSE int dir = openat(s->dir, class, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	AUTO_CLOSEDIR DIR *d = dir < 0 ? NULL : fdopendir(dup(dir));
	struct dirent *e;

	while (d != NULL && (e = readdir(d)) != NULL)
		if (e->d_name[0] != '.')
			fn(s, dir, e->d_name);
}

/* What was known of before: its series end, but for those that were taken over. */
static void
forget(struct sensors *s, int64_t tick)
{
	for (uint32_t i = 0; i < s->old_count; i++) {
		reading_gone(s->of, &s->old[i].id, tick);
		own_close_(&s->old[i].fd);
	}
	free(s->old);
	s->old = NULL;
	s->old_count = 0;
}

static void
look(struct sensors *s, int64_t tick)
{
	s->old = s->all;
	s->old_count = s->count;
	s->all = NULL;
	s->count = s->next = 0;
	each(s, "hwmon", look_at_chip);
	each(s, "thermal", look_at_zone);
	forget(s, tick);
	s->looked = tick;
}

static void
read_one(struct sensors *s, struct sensor *x, int64_t tick)
{
	const struct label chip[] = {{slice_of("chip"), slice_of(x->chip)}, {slice_of("sensor"), slice_of(x->name)}},
	    zone[] = {{slice_of("type"), slice_of(x->chip)}, {slice_of("zone"), slice_of(x->name)}};
	char text[32];
	const char *p = text;
	ssize_t n = pread(x->fd, text, sizeof text, 0);
	double v;

	if (n > 0 && procfs_number(&p, text + n, &v))
		reading_figure(s->of, x->what, &x->id, x->what == &hwmon ? chip : zone, 2, tick, v / 1000);
	else
		reading_gone(s->of, &x->id, tick);
}

void
sensors_tick(struct sensors *s, int64_t tick)
{
	if (s->dir < 0)
		return;
	if (s->looked == INT64_MIN || tick - s->looked >= LOOK_TICKS)
		look(s, tick);
	if (s->next == s->count && tick - s->turn >= ROUND_TICKS) {
		s->next = 0;
		s->turn = tick;
	}
	if (s->next < s->count)
		read_one(s, &s->all[s->next++], tick);
}

void
sensors_free(struct sensors *s)
{
	if (s == NULL)
		return;
	s->old = s->all;
	s->old_count = s->count;
	forget(s, 0);
	own_close_(&s->dir);
	free(s);
}
