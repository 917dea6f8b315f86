/*
 * collect_host.c - see collect_host.h.
 */
#include "collect_host.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>

#include "../base/own.h"
#include "collect_net.h"
#include "collect_sensors.h"
#include "collect_still.h"

enum { SLOW_TICKS = 10 };

static const struct {
	const char *path;
	enum procfs_kind kind;
	uint8_t every; /* ticks */
} files[] = {
    {"stat", PROCFS_STAT, 1},
    {"meminfo", PROCFS_MEMINFO, 1},
    {"loadavg", PROCFS_LOADAVG, 1},
    {"vmstat", PROCFS_VMSTAT, 5},
    {"diskstats", PROCFS_DISKSTATS, 1},
    {"net/dev", PROCFS_NETDEV, 1},
    {"pressure/cpu", PROCFS_PSI_CPU, 1},
    {"pressure/io", PROCFS_PSI_IO, 1},
    {"pressure/memory", PROCFS_PSI_MEMORY, 1},
    {"net/netstat", PROCFS_NETSTAT, 5},
    {"net/snmp", PROCFS_NETSTAT, 5},
    {"net/snmp6", PROCFS_SNMP6, 5},
    {"net/sockstat", PROCFS_SOCKSTAT, 5},
    {"net/sockstat6", PROCFS_SOCKSTAT, 5},
    {"net/softnet_stat", PROCFS_SOFTNET, 5},
    {"sys/fs/file-nr", PROCFS_FILE_NR, 10},
    {"sys/kernel/random/entropy_avail", PROCFS_ENTROPY, 10},
    {"sys/kernel/random/poolsize", PROCFS_POOLSIZE, 10},
    {"sys/net/netfilter/nf_conntrack_count", PROCFS_CONNTRACK, 10},
    {"sys/net/netfilter/nf_conntrack_max", PROCFS_CONNTRACK_MAX, 10},
};

enum { FS_SIZE, FS_FREE, FS_AVAIL, FS_FILES, FS_FILES_FREE, FS_READONLY, FS_ERROR, FS_NOT_ASKED, FS_FIGURES };

static const struct reading_figure fs_figures[FS_FIGURES] = {
    {"node_filesystem_size_bytes", "Filesystem size in bytes.", SERIES_GAUGE},
    {"node_filesystem_free_bytes", "Filesystem free space in bytes.", SERIES_GAUGE},
    {"node_filesystem_avail_bytes", "Filesystem space available to non-root users in bytes.", SERIES_GAUGE},
    {"node_filesystem_files", "Filesystem total file nodes.", SERIES_GAUGE},
    {"node_filesystem_files_free", "Filesystem total free file nodes.", SERIES_GAUGE},
    {"node_filesystem_readonly", "Filesystem read-only status.", SERIES_GAUGE},
    {"node_filesystem_device_error", "Whether an error occurred while getting statistics for the given device.",
	SERIES_GAUGE},
    {"mesh_filesystem_not_asked", "A file system that another host or program answers for: it could block.",
	SERIES_GAUGE},
};
static const struct reading_figure time_figure = {"node_time_seconds", "System time in seconds since epoch (1970).",
    SERIES_GAUGE};
static const struct reading_figure uname_figure = {"node_uname_info",
    "Labeled system information as provided by the uname system call.", SERIES_GAUGE};

struct mount {
	uint64_t hash;
	series_id ids[FS_FIGURES];
	bool seen;
};

struct collect_host {
	const struct reading_of *of;
	struct probe *probe;
	struct reading readings[ARRAY_LEN(files)];
	int mounts_fd;
	struct mount *mounts; /* COLLECT_MOUNTS_MAX at most, owned */
	uint32_t mounts_count;
	struct sensors *sensors;
	struct netclass *net;
	struct still *still;
	series_id time, uname;
	bool begun;
};

int
collect_host_new(const struct reading_of *of, struct probe *probe, struct collect_host **out, struct err *err)
{
	AUTO_CLOSE int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	AUTO_CLOSE int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct collect_host *h = calloc(1, sizeof *h);

	*out = NULL;
	if (h == NULL)
		return err_set(err, EXIT_ENVIRONMENT, "metrics: out of memory");
	h->of = of;
	h->mounts_fd = -1;
	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		h->readings[i].fd = -1;
	if ((h->sensors = sensors_new(of, AT_FDCWD, "/sys/class")) == NULL ||
	    (h->net = netclass_new(of, AT_FDCWD, "/sys/class/net")) == NULL || (h->still = still_new(of, root)) == NULL) {
		collect_host_free(h);
		return err_set(err, EXIT_ENVIRONMENT, "metrics: out of memory");
	}
	h->probe = probe;
	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		reading_open(&h->readings[i], files[i].kind, proc, files[i].path);
	h->mounts_fd = openat(proc, "self/mountinfo", O_RDONLY | O_CLOEXEC);
	if (h->readings[0].fd < 0) {
		collect_host_free(h);
		return err_set(err, EXIT_ENVIRONMENT, "open /proc/stat: it can't be read: mount /proc");
	}
	*out = h;
	return 0;
}

/* --- file systems -------------------------------------------------------------------- */

static uint64_t
hash_of(const struct procfs_mount *m)
{
	const char *const parts[] = {m->device, m->point, m->type};
	uint64_t h = 0xcbf29ce484222325u;

	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		for (const char *p = parts[i];; p++) {
			h = (h ^ (uint8_t)*p) * 0x100000001b3u;
			if (*p == '\0')
				break;
		}
	return h;
}

static void
put_mount(struct collect_host *h, struct mount *t, const struct procfs_mount *m, int64_t tick)
{
	const struct label more[] = {{slice_of("device"), slice_of(m->device)},
	    {slice_of("fstype"), slice_of(m->type)}, {slice_of("mountpoint"), slice_of(m->point)}};
	struct statvfs v = {0};
	bool bad = !m->network && statvfs(m->point, &v) < 0;
	double unit = (double)v.f_frsize;
	const double values[FS_FIGURES] = {(double)v.f_blocks * unit, (double)v.f_bfree * unit,
	    (double)v.f_bavail * unit, (double)v.f_files, (double)v.f_ffree, m->readonly, bad, 1};

	for (int i = 0; i < FS_FIGURES; i++) {
		bool told = m->network ? i == FS_NOT_ASKED : i == FS_ERROR || (!bad && i != FS_NOT_ASKED);

		if (told)
			reading_figure(h->of, &fs_figures[i], &t->ids[i], more, ARRAY_LEN(more), tick, values[i]);
	}
}

/* One of that name; NULL: it was there already (mounted over), or there are too many. */
static struct mount *
mount_of(struct collect_host *h, uint64_t hash)
{
	struct mount *more;

	for (uint32_t i = 0; i < h->mounts_count; i++)
		if (h->mounts[i].hash == hash) {
			if (h->mounts[i].seen)
				return NULL;
			h->mounts[i].seen = true;
			return &h->mounts[i];
		}
	if (h->mounts_count == COLLECT_MOUNTS_MAX ||
	    (more = realloc(h->mounts, (h->mounts_count + 1) * sizeof *more)) == NULL)
		return NULL;
	h->mounts = more;
	more[h->mounts_count] = (struct mount){.hash = hash, .seen = true};
	return &more[h->mounts_count++];
}

static void
mounts_tick(struct collect_host *h, int64_t tick)
{
	struct procfs_mount m;
	struct slice text;
	bool cut;

	if (h->mounts_fd < 0)
		return;
	text = reading_text(h->mounts_fd, h->of, &cut);
	for (uint32_t i = 0; i < h->mounts_count; i++)
		h->mounts[i].seen = false;
	while (procfs_mount_next(&text, &m)) {
		struct mount *t = mount_of(h, hash_of(&m));

		if (t != NULL)
			put_mount(h, t, &m, tick);
	}
	for (uint32_t i = 0; i < h->mounts_count;) {
		if (h->mounts[i].seen) {
			i++;
			continue;
		}
		for (int k = 0; k < FS_FIGURES; k++)
			reading_gone(h->of, &h->mounts[i].ids[k], tick);
		h->mounts[i] = h->mounts[--h->mounts_count];
	}
}

/* --- the tick ------------------------------------------------------------------------- */

static void
uname_tick(struct collect_host *h, int64_t tick)
{
	struct utsname u;

	if (uname(&u) < 0)
		return;
	const struct label more[] = {{slice_of("sysname"), slice_of(u.sysname)},
	    {slice_of("nodename"), slice_of(u.nodename)}, {slice_of("release"), slice_of(u.release)},
	    {slice_of("version"), slice_of(u.version)}, {slice_of("machine"), slice_of(u.machine)},
	    {slice_of("domainname"), slice_of(u.domainname)}};
	reading_figure(h->of, &uname_figure, &h->uname, more, ARRAY_LEN(more), tick, 1);
}

void
collect_host_tick(struct collect_host *h, int64_t tick, int64_t wall_ms)
{
	double none = 0;

	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		struct slice text;

		/* At the first tick all of it, so that nothing has to be waited for. */
		if (h->begun && (tick + (int64_t)i) % files[i].every != 0)
			continue;
		text = reading_tick(&h->readings[i], h->of, tick, &none);
		if (h->probe != NULL)
			probe_take(h->probe, files[i].kind, text);
	}
	reading_figure(h->of, &time_figure, &h->time, NULL, 0, tick, (double)wall_ms / 1000);
	if (!h->begun || tick % SLOW_TICKS == 0) {
		mounts_tick(h, tick);
		uname_tick(h, tick);
	}
	sensors_tick(h->sensors, tick);
	netclass_tick(h->net, tick);
	still_tick(h->still, tick, !h->begun);
	h->begun = true;
}

void
collect_host_free(struct collect_host *h)
{
	if (h == NULL)
		return;
	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		reading_end(&h->readings[i], h->of, 0);
	own_close_(&h->mounts_fd);
	sensors_free(h->sensors);
	netclass_free(h->net);
	still_free(h->still);
	free(h->mounts);
	free(h);
}
