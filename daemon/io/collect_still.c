/*
 * collect_still.c - see collect_still.h.
 */
#include "collect_still.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/statfs.h>
#include <sys/timex.h>
#include <time.h>

#include "../base/own.h"

enum { EVERY_TICKS = 10, TABLE_TICKS = 30, OS_TICKS = 60, WORD_CAP = 128, ARP_MAX = 64, SOURCES_MAX = 16, NAME_BYTES = 32 };
enum { SELINUX_MAGIC_ = (int)0xf97cff8cu };

#define GAUGE_OF(metric, help) {"node_timex_" metric, help, SERIES_GAUGE}
#define COUNT_OF(metric, help) {"node_timex_" metric, help, SERIES_COUNTER}

/* In the order of timex_values. */
static const struct reading_figure timex_figures[] = {
    GAUGE_OF("sync_status", "Is clock synchronized to a reliable server (1 = yes, 0 = no)."),
    GAUGE_OF("offset_seconds", "Time offset in between local system and reference clock."),
    GAUGE_OF("frequency_adjustment_ratio", "Local clock frequency adjustment."),
    GAUGE_OF("maxerror_seconds", "Maximum error in seconds."),
    GAUGE_OF("estimated_error_seconds", "Estimated error in seconds."),
    GAUGE_OF("status", "Value of the status array bits."),
    GAUGE_OF("loop_time_constant", "Phase-locked loop time constant."),
    GAUGE_OF("tick_seconds", "Seconds between clock ticks."),
    GAUGE_OF("pps_frequency_hertz", "Pulse per second frequency."),
    GAUGE_OF("pps_jitter_seconds", "Pulse per second jitter."),
    GAUGE_OF("pps_shift_seconds", "Pulse per second interval duration."),
    GAUGE_OF("pps_stability_hertz", "Pulse per second stability, average of recent frequency changes."),
    COUNT_OF("pps_jitter_total", "Pulse per second count of jitter limit exceeded events."),
    COUNT_OF("pps_calibration_total", "Pulse per second count of calibration intervals."),
    COUNT_OF("pps_error_total", "Pulse per second count of calibration errors."),
    COUNT_OF("pps_stability_exceeded_total", "Pulse per second count of stability limit exceeded events."),
    GAUGE_OF("tai_offset_seconds", "International Atomic Time (TAI) offset."),
};
enum { TIMEX = ARRAY_LEN(timex_figures) };

static const struct reading_figure zone_figure = {"node_time_zone_offset_seconds", "System time zone offset in seconds.", SERIES_GAUGE};
static const struct reading_figure source_figure = {"node_time_clocksource_available_info",
    "Available clocksources read from '/sys/devices/system/clocksource'.", SERIES_GAUGE};
static const struct reading_figure current_figure = {"node_time_clocksource_current_info",
    "Current clocksource read from '/sys/devices/system/clocksource'.", SERIES_GAUGE};
static const struct reading_figure selinux_figure = {"node_selinux_enabled", "SELinux is enabled, 1 is true, 0 is false", SERIES_GAUGE};
static const struct reading_figure os_figure = {"node_os_info",
    "A metric with a constant '1' value labeled by build_id, id, id_like, image_id, image_version, name, pretty_name, "
    "variant, variant_id, version, version_codename, version_id.", SERIES_GAUGE};
static const struct reading_figure version_figure = {"node_os_version",
    "Metric containing the major.minor part of the OS version.", SERIES_GAUGE};
static const struct reading_figure arp_figure = {"node_arp_entries", "ARP entries by device", SERIES_GAUGE};
static const struct reading_figure udp_figure = {"node_udp_queues",
    "Number of allocated memory in the kernel for UDP datagrams in bytes.", SERIES_GAUGE};

/* Columns of /proc/net/stat/nf_conntrack, a line a CPU, in hexadecimal digits. */
static const struct {
	int column;
	struct reading_figure figure;
} conntrack[] = {
    {2, {"node_nf_conntrack_stat_found", "Number of searched entries which were successful.", SERIES_GAUGE}},
    {4, {"node_nf_conntrack_stat_invalid", "Number of packets seen which can not be tracked.", SERIES_GAUGE}},
    {5, {"node_nf_conntrack_stat_ignore", "Number of packets seen which are already connected to a conntrack entry.", SERIES_GAUGE}},
    {8, {"node_nf_conntrack_stat_insert", "Number of entries inserted into the list.", SERIES_GAUGE}},
    {9, {"node_nf_conntrack_stat_insert_failed",
	"Number of entries for which list insertion was attempted but failed.", SERIES_GAUGE}},
    {10, {"node_nf_conntrack_stat_drop", "Number of packets dropped due to conntrack failure.", SERIES_GAUGE}},
    {11, {"node_nf_conntrack_stat_early_drop",
	"Number of dropped conntrack entries to make room for new ones, if maximum table size was reached.", SERIES_GAUGE}},
    {16, {"node_nf_conntrack_stat_search_restart",
	"Number of conntrack table lookups which had to be restarted due to hashtable resizes.", SERIES_GAUGE}},
};
enum { CONNTRACK = ARRAY_LEN(conntrack) };

/* os-release(5), and the labels that they are. */
static const struct {
	const char *key, *label;
} os_keys[] = {{"BUILD_ID", "build_id"}, {"ID", "id"}, {"ID_LIKE", "id_like"}, {"IMAGE_ID", "image_id"},
    {"IMAGE_VERSION", "image_version"}, {"NAME", "name"}, {"PRETTY_NAME", "pretty_name"}, {"VARIANT", "variant"},
    {"VARIANT_ID", "variant_id"}, {"VERSION", "version"}, {"VERSION_CODENAME", "version_codename"}, {"VERSION_ID", "version_id"}};
enum { OS_KEYS = ARRAY_LEN(os_keys), OS_ID = 1, OS_ID_LIKE = 2, OS_NAME = 5, OS_VERSION_ID = OS_KEYS - 1 };

/* A series of a thing that has a name. */
struct named {
	char name[NAME_BYTES];
	series_id id;
	uint32_t count;
	bool seen;
};

struct still {
	const struct reading_of *of;
	int root;
	series_id timex[TIMEX], zone, current, selinux, os, version, udp[4], conntrack[CONNTRACK];
	char zone_name[NAME_BYTES], current_name[NAME_BYTES];
	char os_said[OS_KEYS][WORD_CAP];
	struct named sources[SOURCES_MAX], arp[ARP_MAX];
};

struct still *
still_new(const struct reading_of *of, int root)
{
	struct still *s = calloc(1, sizeof *s);

	if (s == NULL)
		return NULL;
	s->of = of;
	s->root = fcntl(root, F_DUPFD_CLOEXEC, 3);
	return s;
}

/* --- the clock -------------------------------------------------------------------------- */

static void
timex_tick(struct still *s, int64_t tick)
{
	struct timex t = {0}; /* modes 0: nothing is set */
	int state = adjtimex(&t);
	double part = (t.status & STA_NANO) != 0 ? 1e9 : 1e6, ppm = 1e6 * 65536;
	const double values[TIMEX] = {state != TIME_ERROR, (double)t.offset / part, 1 + (double)t.freq / ppm,
	    (double)t.maxerror / 1e6, (double)t.esterror / 1e6, t.status, (double)t.constant, (double)t.tick / 1e6,
	    (double)t.ppsfreq / ppm, (double)t.jitter / part, t.shift, (double)t.stabil / ppm, (double)t.jitcnt,
	    (double)t.calcnt, (double)t.errcnt, (double)t.stbcnt, t.tai};

	for (size_t i = 0; i < TIMEX && state >= 0; i++)
		reading_figure(s->of, &timex_figures[i], &s->timex[i], NULL, 0, tick, values[i]);
}

static void
zone_tick(struct still *s, int64_t tick)
{
	time_t now = time(NULL);
	struct tm tm;

	if (localtime_r(&now, &tm) == NULL || tm.tm_zone == NULL)
		return;
	if (strcmp(tm.tm_zone, s->zone_name) != 0)
		reading_gone(s->of, &s->zone, tick);
	snprintf(s->zone_name, sizeof s->zone_name, "%s", tm.tm_zone);
	const struct label more = {slice_of("time_zone"), slice_of(s->zone_name)};

	reading_figure(s->of, &zone_figure, &s->zone, &more, 1, tick, (double)tm.tm_gmtoff);
}

/* The one of that name, or a free one; NULL: there are too many. */
static struct named *
named(struct named *all, size_t count, const char *name, size_t len)
{
	struct named *unused = NULL;

	if (len == 0 || len >= NAME_BYTES)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		if (strlen(all[i].name) == len && memcmp(all[i].name, name, len) == 0)
			return &all[i];
		if (all[i].name[0] == '\0' && unused == NULL)
			unused = &all[i];
	}
	if (unused != NULL) {
		memcpy(unused->name, name, len);
		unused->name[len] = '\0';
	}
	return unused;
}

static void
unsee(struct named *all, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		all[i].seen = false;
		all[i].count = 0;
	}
}

static void
drop_unseen(struct still *s, struct named *all, size_t count, int64_t tick)
{
	for (size_t i = 0; i < count; i++)
		if (!all[i].seen) {
			reading_gone(s->of, &all[i].id, tick);
			all[i] = (struct named){0};
		}
}

static void
sources_tick(struct still *s, int64_t tick)
{
	static const char at[] = "sys/devices/system/clocksource/clocksource0/";
	char path[WORD_CAP], text[WORD_CAP], *word, *rest = text;
	struct label more[] = {{slice_of("clocksource"), {NULL, 0}}, {slice_of("device"), slice_of("0")}};

	snprintf(path, sizeof path, "%savailable_clocksource", at);
	(void)reading_line(s->root, path, text, sizeof text);
	unsee(s->sources, SOURCES_MAX);
	while ((word = strsep(&rest, " ")) != NULL) {
		struct named *x = named(s->sources, SOURCES_MAX, word, strlen(word));

		if (x == NULL)
			continue;
		x->seen = true;
		more[0].value = slice_of(x->name);
		reading_figure(s->of, &source_figure, &x->id, more, ARRAY_LEN(more), tick, 1);
	}
	drop_unseen(s, s->sources, SOURCES_MAX, tick);
	snprintf(path, sizeof path, "%scurrent_clocksource", at);
	if (!reading_line(s->root, path, text, sizeof text) || strcmp(text, s->current_name) != 0)
		reading_gone(s->of, &s->current, tick);
	snprintf(s->current_name, sizeof s->current_name, "%.*s", NAME_BYTES - 1, text);
	more[0].value = slice_of(s->current_name);
	if (s->current_name[0] != '\0')
		reading_figure(s->of, &current_figure, &s->current, more, ARRAY_LEN(more), tick, 1);
}

/* --- the system ------------------------------------------------------------------------- */

/* A line of os-release: its value without quotes, if it is that key's. */
static void
os_line(struct slice line, char said[OS_KEYS][WORD_CAP])
{
	const uint8_t *eq = memchr(line.b, '=', line.len);
	struct slice key = {line.b, eq != NULL ? (size_t)(eq - line.b) : 0}, v = {0};

	if (eq == NULL)
		return;
	v = (struct slice){eq + 1, line.len - key.len - 1};
	if (v.len >= 2 && (v.b[0] == '"' || v.b[0] == '\'') && v.b[v.len - 1] == v.b[0])
		v = (struct slice){v.b + 1, v.len - 2};
	for (size_t i = 0; i < OS_KEYS; i++) {
		size_t n = 0;

		if (!slice_eq(key, slice_of(os_keys[i].key)))
			continue;
		for (size_t k = 0; k < v.len && n + 1 < WORD_CAP; k++)
			if (v.b[k] != '\\') /* os-release(5): a shell's */
				said[i][n++] = v.b[k] < ' ' || v.b[k] > '~' ? '_' : (char)v.b[k];
		said[i][n] = '\0';
	}
}

static void
os_read(struct still *s, char said[OS_KEYS][WORD_CAP])
{
	AUTO_CLOSE int fd = openat(s->root, "etc/os-release", O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct slice text;
	bool cut;

	if (fd < 0)
		fd = openat(s->root, "usr/lib/os-release", O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return;
	text = reading_text(fd, s->of, &cut);
	while (text.len > 0) {
		const uint8_t *nl = memchr(text.b, '\n', text.len);
		struct slice line = {text.b, nl != NULL ? (size_t)(nl - text.b) : text.len};

		os_line(line, said);
		text.b += line.len + (nl != NULL);
		text.len -= line.len + (nl != NULL);
	}
}

static void
os_tick(struct still *s, int64_t tick)
{
	char said[OS_KEYS][WORD_CAP] = {{0}};
	struct label more[OS_KEYS];
	const char *p;
	double version;

	os_read(s, said);
	if (memcmp(said, s->os_said, sizeof said) != 0) {
		reading_gone(s->of, &s->os, tick);
		reading_gone(s->of, &s->version, tick);
		memcpy(s->os_said, said, sizeof said);
	}
	for (size_t i = 0; i < OS_KEYS; i++)
		more[i] = (struct label){slice_of(os_keys[i].label), slice_of(s->os_said[i])};
	if (s->os_said[OS_NAME][0] == '\0' && s->os_said[OS_ID][0] == '\0')
		return;
	reading_figure(s->of, &os_figure, &s->os, more, OS_KEYS, tick, 1);
	p = s->os_said[OS_VERSION_ID];
	const struct label of_version[] = {more[OS_ID], more[OS_ID_LIKE], more[OS_NAME]};

	if (*p >= '0' && *p <= '9') {
		version = strtod(p, NULL); /* "22.04.1" is 22.04 */
		reading_figure(s->of, &version_figure, &s->version, of_version, ARRAY_LEN(of_version), tick, version);
	}
}

static void
selinux_tick(struct still *s, int64_t tick)
{
	AUTO_CLOSE int fd = openat(s->root, "sys/fs/selinux", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct statfs fs = {0};
	bool on = fd >= 0 && fstatfs(fd, &fs) == 0 && (int)fs.f_type == SELINUX_MAGIC_;

	reading_figure(s->of, &selinux_figure, &s->selinux, NULL, 0, tick, on);
}

/* --- tables ------------------------------------------------------------------------------ */

static bool
next_line(struct slice *text, struct slice *line)
{
	const uint8_t *nl = text->len > 0 ? memchr(text->b, '\n', text->len) : NULL;

	if (nl == NULL)
		return false; /* what was cut is no line */
	*line = (struct slice){text->b, (size_t)(nl - text->b)};
	text->b += line->len + 1;
	text->len -= line->len + 1;
	return true;
}

/* A table of the network, without its heading; empty where there is none. */
static struct slice
table(struct still *s, const char *path)
{
	AUTO_CLOSE int fd = openat(s->root, path, O_RDONLY | O_CLOEXEC);
	struct slice text = {0}, head;
	bool cut;

	if (fd >= 0)
		text = reading_text(fd, s->of, &cut);
	return next_line(&text, &head) ? text : (struct slice){0};
}

/* The last word of each line is a device. */
static void
arp_tick(struct still *s, int64_t tick)
{
	struct slice text = table(s, "proc/net/arp"), line;

	unsee(s->arp, ARP_MAX);
	while (next_line(&text, &line)) {
		size_t to = line.len, from;
		struct named *x;

		while (to > 0 && line.b[to - 1] == ' ')
			to--;
		for (from = to; from > 0 && line.b[from - 1] != ' ';)
			from--;
		x = named(s->arp, ARP_MAX, (const char *)line.b + from, to - from);
		if (x == NULL)
			continue;
		x->seen = true;
		x->count++;
	}
	drop_unseen(s, s->arp, ARP_MAX, tick);
	for (size_t i = 0; i < ARP_MAX; i++) {
		const struct label device = {slice_of("device"), slice_of(s->arp[i].name)};

		if (s->arp[i].seen)
			reading_figure(s->of, &arp_figure, &s->arp[i].id, &device, 1, tick, s->arp[i].count);
	}
}

/* The next word of a line; empty at its end.  One that is too long loses its end. */
static void
word_of(const char **p, const char *end, char word[NAME_BYTES])
{
	size_t n = 0;

	while (*p < end && **p == ' ')
		++*p;
	for (; *p < end && **p != ' '; ++*p)
		if (n + 1 < NAME_BYTES)
			word[n++] = **p;
	word[n] = '\0';
}

/* "sl: local remote st tx:rx ...": the fifth word, both in hexadecimal digits. */
static void
udp_line(struct slice line, double sums[2])
{
	const char *p = (const char *)line.b, *end = p + line.len, *colon;
	char word[NAME_BYTES];

	for (int i = 0; i < 5; i++)
		word_of(&p, end, word);
	if ((colon = strchr(word, ':')) == NULL)
		return;
	sums[0] += (double)strtoull(word, NULL, 16);
	sums[1] += (double)strtoull(colon + 1, NULL, 16);
}

static void
conntrack_tick(struct still *s, int64_t tick)
{
	struct slice text = table(s, "proc/net/stat/nf_conntrack"), line;
	double sums[CONNTRACK] = {0};
	bool any = false;

	while (next_line(&text, &line)) {
		const char *p = (const char *)line.b, *end = p + line.len;
		char word[NAME_BYTES];

		any = true;
		for (int column = 0; column <= conntrack[CONNTRACK - 1].column; column++) {
			word_of(&p, end, word);
			for (size_t i = 0; i < CONNTRACK; i++)
				if (conntrack[i].column == column)
					sums[i] += (double)strtoull(word, NULL, 16);
		}
	}
	for (size_t i = 0; i < CONNTRACK && any; i++)
		reading_figure(s->of, &conntrack[i].figure, &s->conntrack[i], NULL, 0, tick, sums[i]);
}

static void
udp_tick(struct still *s, const char *path, const char *ip, series_id ids[2], int64_t tick)
{
	static const char *const queues[] = {"tx", "rx"};
	struct slice text = table(s, path), line;
	double sums[2] = {0};

	if (text.b == NULL)
		return; /* no such protocol here */
	while (next_line(&text, &line))
		udp_line(line, sums);
	for (size_t i = 0; i < 2; i++) {
		const struct label more[] = {{slice_of("ip"), slice_of(ip)}, {slice_of("queue"), slice_of(queues[i])}};

		reading_figure(s->of, &udp_figure, &ids[i], more, ARRAY_LEN(more), tick, sums[i]);
	}
}

void
still_tick(struct still *s, int64_t tick, bool all)
{
	int64_t turn = tick % TABLE_TICKS;

	if (all || tick % EVERY_TICKS == 1)
		timex_tick(s, tick);
	if (all || turn == 3)
		arp_tick(s, tick);
	if (all || turn == 13)
		udp_tick(s, "proc/net/udp", "v4", &s->udp[0], tick);
	if (all || turn == 18)
		udp_tick(s, "proc/net/udp6", "v6", &s->udp[2], tick);
	if (all || turn == 23)
		conntrack_tick(s, tick);
	if (all || tick % OS_TICKS == 7) {
		os_tick(s, tick);
		selinux_tick(s, tick);
	}
	if (all || tick % OS_TICKS == 8) {
		zone_tick(s, tick);
		sources_tick(s, tick);
	}
}

void
still_free(struct still *s)
{
	if (s == NULL)
		return;
	own_close_(&s->root);
	free(s);
}
