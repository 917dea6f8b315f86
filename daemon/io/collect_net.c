/*
 * collect_net.c - see collect_net.h.
 */
#include "collect_net.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "../base/own.h"

enum { ROUND_TICKS = 30, TEXT_CAP = 256, DEVICE_CAP = 32 };

#define PROPERTY "Network device property: "

/* A file with one number, hexadecimal ones too; one that can't be read says that the
 * device has no such thing (the carrier of one that is down). */
static const struct {
	const char *file;
	struct reading_figure figure;
	double times;
} files[] = {
    {"addr_assign_type", {"node_network_address_assign_type", PROPERTY "address_assign_type", SERIES_GAUGE}, 1},
    {"carrier", {"node_network_carrier", PROPERTY "carrier", SERIES_GAUGE}, 1},
    {"carrier_changes", {"node_network_carrier_changes_total", PROPERTY "carrier_changes_total", SERIES_COUNTER}, 1},
    {"carrier_down_count", {"node_network_carrier_down_changes_total", PROPERTY "carrier_down_changes_total", SERIES_COUNTER}, 1},
    {"carrier_up_count", {"node_network_carrier_up_changes_total", PROPERTY "carrier_up_changes_total", SERIES_COUNTER}, 1},
    {"dev_id", {"node_network_device_id", PROPERTY "device_id", SERIES_GAUGE}, 1},
    {"dormant", {"node_network_dormant", PROPERTY "dormant", SERIES_GAUGE}, 1},
    {"flags", {"node_network_flags", PROPERTY "flags", SERIES_GAUGE}, 1},
    {"ifindex", {"node_network_iface_id", PROPERTY "iface_id", SERIES_GAUGE}, 1},
    {"iflink", {"node_network_iface_link", PROPERTY "iface_link", SERIES_GAUGE}, 1},
    {"link_mode", {"node_network_iface_link_mode", PROPERTY "iface_link_mode", SERIES_GAUGE}, 1},
    {"mtu", {"node_network_mtu_bytes", PROPERTY "mtu_bytes", SERIES_GAUGE}, 1},
    {"name_assign_type", {"node_network_name_assign_type", PROPERTY "name_assign_type", SERIES_GAUGE}, 1},
    {"netdev_group", {"node_network_net_dev_group", PROPERTY "net_dev_group", SERIES_GAUGE}, 1},
    {"speed", {"node_network_speed_bytes", PROPERTY "speed_bytes", SERIES_GAUGE}, 125000},
    {"tx_queue_len", {"node_network_transmit_queue_length", PROPERTY "transmit_queue_length", SERIES_GAUGE}, 1},
    {"type", {"node_network_protocol_type", PROPERTY "protocol_type", SERIES_GAUGE}, 1},
};
static const struct reading_figure up = {"node_network_up", "Value is 1 if operstate is 'up', 0 otherwise.", SERIES_GAUGE};
static const struct reading_figure info = {"node_network_info",
    "Non-numeric data from /sys/class/net/<iface>, value is always 1.", SERIES_GAUGE};
static const char *const words[] = {"address", "broadcast", "duplex", "ifalias", "operstate"};

enum { UP = ARRAY_LEN(files), FIGURES, WORDS = ARRAY_LEN(words), OPERSTATE = WORDS - 1 };

struct device {
	char name[DEVICE_CAP];
	char said[WORDS][TEXT_CAP / 4];
	series_id ids[FIGURES], info;
	bool seen;
};

struct netclass {
	const struct reading_of *of;
	int dir;
	struct device *all; /* owned */
	uint32_t count, next;
	bool looked;
	int64_t turn;
};

struct netclass *
netclass_new(const struct reading_of *of, int dir, const char *path)
{
	struct netclass *n = calloc(1, sizeof *n);

	if (n == NULL)
		return NULL;
	n->of = of;
	n->dir = openat(dir, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return n;
}

static void
device_gone(struct netclass *n, struct device *d, int64_t tick)
{
	for (size_t i = 0; i < FIGURES; i++)
		reading_gone(n->of, &d->ids[i], tick);
	reading_gone(n->of, &d->info, tick);
}

static void
see(struct netclass *n, const char *name)
{
	struct device *more;

	for (uint32_t i = 0; i < n->count; i++)
		if (strcmp(n->all[i].name, name) == 0) {
			n->all[i].seen = true;
			return;
		}
	if (n->count == NETCLASS_DEVICES_MAX || strlen(name) >= DEVICE_CAP ||
	    (more = realloc(n->all, (n->count + 1) * sizeof *more)) == NULL)
		return;
	n->all = more;
	more[n->count] = (struct device){.seen = true};
	memcpy(more[n->count++].name, name, strlen(name) + 1);
}

/* Which devices there are. */
static void
look(struct netclass *n, int64_t tick)
{
	AUTO_CLOSE int dir = openat(n->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	AUTO_CLOSEDIR DIR *d = dir < 0 ? NULL : fdopendir(dup(dir));
	struct dirent *e;

	for (uint32_t i = 0; i < n->count; i++)
		n->all[i].seen = false;
	while (d != NULL && (e = readdir(d)) != NULL)
		if (e->d_name[0] != '.')
			see(n, e->d_name);
	for (uint32_t i = 0; i < n->count;) {
		if (n->all[i].seen) {
			i++;
			continue;
		}
		device_gone(n, &n->all[i], tick);
		n->all[i] = n->all[--n->count];
	}
}

static void
put_words(struct netclass *n, struct device *d, int dir, const struct label *device, int64_t tick)
{
	struct label more[WORDS + 1];
	char said[TEXT_CAP / 4];
	bool same = true;

	for (size_t i = 0; i < WORDS; i++) {
		(void)reading_line(dir, words[i], said, sizeof said);
		same = same && strcmp(said, d->said[i]) == 0;
		memcpy(d->said[i], said, sizeof said);
		more[i] = (struct label){slice_of(words[i]), slice_of(d->said[i])};
	}
	more[WORDS] = *device;
	if (!same)
		reading_gone(n->of, &d->info, tick);
	reading_figure(n->of, &info, &d->info, more, ARRAY_LEN(more), tick, 1);
	reading_figure(n->of, &up, &d->ids[UP], device, 1, tick, strcmp(d->said[OPERSTATE], "up") == 0);
}

static void
read_one(struct netclass *n, struct device *d, int64_t tick)
{
	AUTO_CLOSE int dir = openat(n->dir, d->name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	const struct label device = {slice_of("device"), slice_of(d->name)};
	char text[TEXT_CAP], *end;

	if (dir < 0)
		return; /* it is just going */
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		long long v = 0;
		bool is = reading_line(dir, files[i].file, text, sizeof text);

		if (is) {
			v = strtoll(text, &end, 0);
			is = end != text && *end == '\0';
		}
		if (is)
			reading_figure(n->of, &files[i].figure, &d->ids[i], &device, 1, tick, (double)v * files[i].times);
		else
			reading_gone(n->of, &d->ids[i], tick);
	}
	put_words(n, d, dir, &device, tick);
}

void
netclass_tick(struct netclass *n, int64_t tick)
{
	if (n->dir < 0)
		return;
	if (!n->looked || (n->next >= n->count && tick - n->turn >= ROUND_TICKS)) {
		look(n, tick);
		n->looked = true;
		n->next = 0;
		n->turn = tick;
	}
	if (n->next < n->count)
		read_one(n, &n->all[n->next++], tick);
}

void
netclass_free(struct netclass *n)
{
	if (n == NULL)
		return;
	for (uint32_t i = 0; i < n->count; i++)
		device_gone(n, &n->all[i], 0);
	own_close_(&n->dir);
	free(n->all);
	free(n);
}
