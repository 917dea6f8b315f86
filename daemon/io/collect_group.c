/*
 * collect_group.c - see collect_group.h.  A run of an instance has a pid, and groups named
 * after it; with the next run all files are opened anew.
 */
#include "collect_group.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "../base/own.h"

enum { PATH_CAP = 512 };
enum hierarchy { UNIFIED, MEMORY, CPU, PIDS, BLKIO, HIERARCHIES };

static const char *const controllers[HIERARCHIES] = {"", "memory", "cpu", "pids", "blkio"};

/* Memory before its statistics: those need it.  Those statistics, which the kernel adds up
 * over all CPUs when it is asked, cost as much as all else of a container. */
static const struct {
	enum hierarchy in;
	enum procfs_kind kind;
	const char *path;
	uint8_t every; /* ticks */
} files[] = {
    {UNIFIED, PROCFS_GROUP_CPU_STAT, "cpu.stat", 1},
    {UNIFIED, PROCFS_GROUP_MEMORY, "memory.current", 1},
    {UNIFIED, PROCFS_GROUP_MEMORY_STAT, "memory.stat", 5},
    {UNIFIED, PROCFS_GROUP_PIDS, "pids.current", 5},
    {UNIFIED, PROCFS_GROUP_IO, "io.stat", 5},
    {UNIFIED, PROCFS_GROUP_PSI_CPU, "cpu.pressure", 10},
    {UNIFIED, PROCFS_GROUP_PSI_IO, "io.pressure", 10},
    {UNIFIED, PROCFS_GROUP_PSI_MEMORY, "memory.pressure", 10},
    {UNIFIED, PROCFS_GROUP_MEMORY_EVENTS, "memory.events", 5},
    {UNIFIED, PROCFS_GROUP_SWAP, "memory.swap.current", 5},
    {UNIFIED, PROCFS_GROUP_MEMORY_PEAK, "memory.peak", 10},
    {UNIFIED, PROCFS_GROUP_MEMORY_LIMIT, "memory.max", 10},
    {UNIFIED, PROCFS_GROUP_PIDS_MAX, "pids.max", 10},
    {UNIFIED, PROCFS_GROUP_CPU_MAX, "cpu.max", 10},
    {MEMORY, PROCFS_GROUP_MEMORY, "memory.usage_in_bytes", 1},
    {MEMORY, PROCFS_GROUP_MEMORY_STAT_V1, "memory.stat", 5},
    {MEMORY, PROCFS_GROUP_MEMORY_EVENTS, "memory.oom_control", 5},
    {MEMORY, PROCFS_GROUP_MEMORY_FAILCNT, "memory.failcnt", 5},
    {MEMORY, PROCFS_GROUP_MEMORY_PEAK, "memory.max_usage_in_bytes", 10},
    {MEMORY, PROCFS_GROUP_MEMORY_LIMIT, "memory.limit_in_bytes", 10},
    {CPU, PROCFS_GROUP_CPU_STAT, "cpu.stat", 5},
    {CPU, PROCFS_GROUP_CPU_QUOTA, "cpu.cfs_quota_us", 10},
    {CPU, PROCFS_GROUP_CPU_PERIOD, "cpu.cfs_period_us", 10},
    {PIDS, PROCFS_GROUP_PIDS, "pids.current", 5},
    {PIDS, PROCFS_GROUP_PIDS_MAX, "pids.max", 10},
    {BLKIO, PROCFS_GROUP_BLKIO_BYTES, "blkio.throttle.io_service_bytes_recursive", 5},
    {BLKIO, PROCFS_GROUP_BLKIO_OPS, "blkio.throttle.io_serviced_recursive", 5},
};

enum { NETWORK = ARRAY_LEN(files), READINGS };
enum { FIGURE_SEEN, FIGURE_START, FIGURE_PROCESSES, FIGURES };
enum { MACHINE_CORES, MACHINE_MEMORY, MACHINE };
enum { TOLD_UP, TOLD_RESTARTS, TOLD_HEALTH, TOLD };
enum { LABEL_ID, LABEL_IMAGE, LABEL_INSTANCE, LABEL_JOB, LABEL_NAME_, LABEL_NODE, LABEL_ROLE, LABELS };

static const struct reading_figure figures[FIGURES] = {
    {"container_last_seen", "Last time a container was seen by the exporter", SERIES_GAUGE},
    {"container_start_time_seconds", "Start time of the container since unix epoch in seconds.", SERIES_GAUGE},
    {"container_processes", "Number of processes running inside the container.", SERIES_GAUGE},
};
/* Of the host, by which dashboards divide. */
static const struct reading_figure machine[MACHINE] = {
    {"machine_cpu_cores", "Number of logical CPU cores.", SERIES_GAUGE},
    {"machine_memory_bytes", "Amount of memory installed on the machine.", SERIES_GAUGE},
};
static const struct reading_figure told[TOLD] = {
    {"mesh_instance_up", "1 while it runs.", SERIES_GAUGE},
    {"mesh_instance_restarts_total", "How often it was started again since it was asked for.", SERIES_COUNTER},
    {"mesh_instance_health", "1 healthy, 0 not; instances of which nothing is asked have none.", SERIES_GAUGE},
};

struct group {
	char instance[NAME_CAP], role[NAME_CAP], image[VIEW_IMAGE_CAP], id[PATH_CAP];
	int32_t pid; /* whose files are open; 0: none */
	int32_t vain; /* a pid whose groups were not found */
	int procs_fd;
	uint32_t owner, turn;
	bool seen;
	double memory_bytes;
	struct label labels[LABELS];
	struct reading_of of, told_of;
	struct label told_labels[4];
	struct reading readings[READINGS];
	series_id figures[FIGURES], told[TOLD];
	double said[TOLD]; /* what was told last */
};

struct collect_groups {
	const struct reading_of *of;
	const char *node;
	int proc;
	struct {
		int fd;
		char root[PATH_CAP];
	} roots[HIERARCHIES];
	struct group **all; /* owned */
	uint32_t count, next, most, open, left;
	int64_t tick, wall_ms;
	char device[64];
	struct label machine_labels[3];
	struct reading_of machine_of;
	series_id machine[MACHINE];
};

/* --- the hierarchies ----------------------------------------------------------------- */

struct collect_groups *
collect_groups_new(const struct reading_of *of, const char *node, uint32_t most,
    const char *proc)
{
	struct collect_groups *g = calloc(1, sizeof *g);
	char point[PATH_CAP];
	bool cut;

	if (g == NULL)
		return NULL;
	g->of = of;
	g->node = node;
	g->most = most;
	g->machine_labels[0] = (struct label){slice_of("instance"), slice_of(node)};
	g->machine_labels[1] = (struct label){slice_of("job"), slice_of("cadvisor")};
	g->machine_labels[2] = (struct label){slice_of("node"), slice_of(node)};
	g->machine_of = *of;
	g->machine_of.labels = g->machine_labels;
	g->machine_of.labels_count = ARRAY_LEN(g->machine_labels);
	g->proc = open(proc, O_PATH | O_DIRECTORY | O_CLOEXEC);
	AUTO_CLOSE int mounts = openat(g->proc, "self/mountinfo", O_RDONLY | O_CLOEXEC);
	struct slice text = mounts < 0 ? (struct slice){NULL, 0} : reading_text(mounts, of, &cut);
	for (int i = 0; i < HIERARCHIES; i++) {
		g->roots[i].fd = -1;
		if (procfs_hierarchy(text, controllers[i], point, g->roots[i].root, PATH_CAP))
			g->roots[i].fd = open(point, O_PATH | O_DIRECTORY | O_CLOEXEC);
	}
	return g;
}

static int
open_below(int dir, const char *path)
{
	struct open_how how = {.flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
	    .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS};

	path += strspn(path, "/");
	return (int)syscall(SYS_openat2, dir, path[0] != '\0' ? path : ".", &how, sizeof how);
}

/* The directory of a group, of what /proc/PID/cgroup says; -1: not here. */
static int
open_group(const struct collect_groups *g, enum hierarchy in, struct slice text, char path[PATH_CAP])
{
	const char *root = g->roots[in].root;
	size_t n = strlen(root);

	if (g->roots[in].fd < 0 || !procfs_group(text, controllers[in], path, PATH_CAP))
		return -1;
	if (n > 1) { /* a part of it is mounted: the path is below that, or out of sight */
		if (strncmp(path, root, n) != 0 || (path[n] != '/' && path[n] != '\0'))
			return -1;
		return open_below(g->roots[in].fd, path + n);
	}
	return open_below(g->roots[in].fd, path);
}

/* Is it INSTANCE.GEN?  A process without a group of its own is in somebody's. */
static bool
is_its_own(const char *path, const char *instance)
{
	const char *last = strrchr(path, '/');
	size_t n = strlen(instance);

	return last != NULL && strncmp(last + 1, instance, n) == 0 && last[1 + n] == '.' &&
	    last[2 + n] != '\0' && last[2 + n + strspn(last + 2 + n, "0123456789")] == '\0';
}

/* --- one instance ----------------------------------------------------------------------- */

static void
open_files(struct collect_groups *g, struct group *x, int pid_dir, struct slice text, bool own_network)
{
	for (enum hierarchy in = 0; in < HIERARCHIES; in++) {
		char path[PATH_CAP];
		AUTO_CLOSE int dir = open_group(g, in, text, path);

		if (dir < 0 || !is_its_own(path, x->instance))
			continue;
		for (size_t i = 0; i < ARRAY_LEN(files); i++)
			if (files[i].in == in)
				reading_open(&x->readings[i], files[i].kind, dir, files[i].path);
		if (in == UNIFIED)
			x->procs_fd = openat(dir, "cgroup.procs", O_RDONLY | O_CLOEXEC);
	}
	if (own_network)
		reading_open(&x->readings[NETWORK], PROCFS_GROUP_NETDEV, pid_dir, "net/dev");
}

/* The process, its groups, and only then its files: all below one /proc/PID. */
static bool
open_run(struct collect_groups *g, struct group *x, const struct collect_instance *i)
{
	char name[16], path[PATH_CAP];
	bool cut;

	snprintf(name, sizeof name, "%d", (int)i->pid);
	AUTO_CLOSE int dir = openat(g->proc, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	AUTO_CLOSE int list = dir < 0 ? -1 : openat(dir, "cgroup", O_RDONLY | O_CLOEXEC);
	if (list < 0)
		return false;
	struct slice text = reading_text(list, g->of, &cut);
	if (!procfs_group(text, "", path, sizeof path) || !is_its_own(path, x->instance))
		return false;
	memcpy(x->id, path, sizeof x->id);
	x->labels[LABEL_ID].value = slice_of(x->id);
	open_files(g, x, dir, text, i->own_network);
	return true;
}

static void
end_run(struct collect_groups *g, struct group *x)
{
	if (x->pid == 0)
		return;
	for (size_t i = 0; i < READINGS; i++)
		reading_end(&x->readings[i], &x->of, g->tick);
	for (int i = 0; i < FIGURES; i++)
		reading_gone(&x->of, &x->figures[i], g->tick);
	own_close_(&x->procs_fd);
	x->procs_fd = -1;
	x->pid = 0;
	g->open--;
}

/* "254:0" is /dev/vda, as cAdvisor says; what it was told the last time stays. */
static const char *
device_name(void *arg, struct slice key)
{
	struct collect_groups *g = arg;
	char path[64], link[256], *last;
	ssize_t n;

	if (key.len > 20 || memchr(key.b, '/', key.len) != NULL)
		return NULL;
	snprintf(path, sizeof path, "/sys/dev/block/%.*s", (int)key.len, (const char *)key.b);
	n = readlink(path, link, sizeof link - 1);
	link[n > 0 ? n : 0] = '\0';
	if ((last = strrchr(link, '/')) == NULL || last[1] == '\0' || strlen(last) > 48)
		return NULL;
	snprintf(g->device, sizeof g->device, "/dev%s", last);
	return g->device;
}

static void
name_labels(struct collect_groups *g, struct group *x)
{
	const struct label all[LABELS] = {{slice_of("id"), slice_of(x->id)},
	    {slice_of("image"), slice_of(x->image)}, {slice_of("instance"), slice_of(x->instance)},
	    {slice_of("job"), slice_of("cadvisor")}, {slice_of("name"), slice_of(x->instance)},
	    {slice_of("node"), slice_of(g->node)}, {slice_of("role"), slice_of(x->role)}};

	memcpy(x->labels, all, sizeof all);
	x->told_labels[0] = all[LABEL_INSTANCE];
	x->told_labels[1] = (struct label){slice_of("job"), slice_of("mesh")};
	x->told_labels[2] = all[LABEL_NODE];
	x->told_labels[3] = all[LABEL_ROLE];
	x->of = *g->of;
	x->of.owner = x->owner;
	x->of.labels = x->labels;
	x->of.labels_count = LABELS;
	x->of.device = device_name;
	x->of.arg = g;
	x->told_of = x->of;
	x->told_of.labels = x->told_labels;
	x->told_of.labels_count = ARRAY_LEN(x->told_labels);
}

static struct group *
add(struct collect_groups *g, const struct collect_instance *i)
{
	struct group *x = calloc(1, sizeof *x), **more;
	char owner[NAME_CAP + 8];

	if (x == NULL)
		return NULL;
	/* Another owner than that of what it tells itself: it can't push these out. */
	snprintf(owner, sizeof owner, "group/%s", i->instance);
	more = realloc(g->all, (g->count + 1) * sizeof(struct group *));
	if (more == NULL || series_owner(g->of->store, slice_of(owner), &x->owner) < 0) {
		g->all = more != NULL ? more : g->all;
		free(x);
		return NULL;
	}
	g->all = more;
	snprintf(x->instance, sizeof x->instance, "%s", i->instance);
	snprintf(x->role, sizeof x->role, "%s", i->role);
	for (size_t k = 0; k < READINGS; k++)
		x->readings[k].fd = -1;
	x->procs_fd = -1;
	x->turn = g->count;
	name_labels(g, x);
	return g->all[g->count++] = x;
}

/* Instances come in the order of the last time, mostly. */
static struct group *
find(struct collect_groups *g, const struct collect_instance *i)
{
	for (uint32_t k = 0; k < g->count; k++) {
		uint32_t at = (g->next + k) % g->count;

		if (strcmp(g->all[at]->instance, i->instance) == 0) {
			g->next = at + 1;
			return g->all[at];
		}
	}
	return add(g, i);
}

static void
count_processes(struct collect_groups *g, struct group *x)
{
	uint32_t n = 0;
	struct slice text;
	bool cut;

	if (x->procs_fd < 0)
		return;
	text = reading_text(x->procs_fd, g->of, &cut);
	for (size_t i = 0; i < text.len; i++)
		n += text.b[i] == '\n';
	reading_figure(&x->of, &figures[FIGURE_PROCESSES], &x->figures[FIGURE_PROCESSES], NULL, 0, g->tick, n);
}

static void
read_run(struct collect_groups *g, struct group *x, const struct collect_instance *i, bool first)
{
	for (size_t k = 0; k < READINGS; k++) {
		uint8_t every = k < NETWORK ? files[k].every : 1;

		/* All have their own seconds for what is slow. */
		if (x->readings[k].fd >= 0 && (first || (g->tick + x->turn + (int64_t)k) % every == 0))
			reading_tick(&x->readings[k], &x->of, g->tick, &x->memory_bytes);
	}
	if (!first && (g->tick + x->turn) % 10 != 0)
		return;
	count_processes(g, x);
	reading_figure(&x->of, &figures[FIGURE_SEEN], &x->figures[FIGURE_SEEN], NULL, 0, g->tick,
	    (double)g->wall_ms / 1000);
	reading_figure(&x->of, &figures[FIGURE_START], &x->figures[FIGURE_START], NULL, 0, g->tick,
	    (double)i->since_ms / 1000);
}

/* At once when it changes, else each five seconds. */
static void
tell(struct collect_groups *g, struct group *x, const struct collect_instance *i)
{
	bool asked = i->health != VIEW_HEALTH_NONE && i->pid > 0, due = (g->tick + x->turn) % 5 == 0;
	const double now[TOLD] = {i->pid > 0, i->restarts, asked ? i->health == VIEW_HEALTHY : -1};

	for (int k = 0; k < TOLD; k++) {
		if (k == TOLD_HEALTH && !asked)
			reading_gone(&x->told_of, &x->told[k], g->tick);
		else if (due || x->told[k] == 0 || x->said[k] != now[k])
			reading_figure(&x->told_of, &told[k], &x->told[k], NULL, 0, g->tick, now[k]);
		x->said[k] = now[k];
	}
}

/* --- the tick --------------------------------------------------------------------------- */

static void
machine_tick(struct collect_groups *g)
{
	struct sysinfo now;

	if (sysinfo(&now) < 0)
		return;
	const double values[MACHINE] = {(double)sysconf(_SC_NPROCESSORS_ONLN),
	    (double)now.totalram * now.mem_unit};
	for (int i = 0; i < MACHINE; i++)
		reading_figure(&g->machine_of, &machine[i], &g->machine[i], NULL, 0, g->tick, values[i]);
}

void
collect_groups_begin(struct collect_groups *g, int64_t tick, int64_t wall_ms)
{
	g->tick = tick;
	g->wall_ms = wall_ms;
	g->next = g->left = 0;
	for (uint32_t i = 0; i < g->count; i++)
		g->all[i]->seen = false;
	if (tick % 10 == 0 || g->machine[0] == 0)
		machine_tick(g);
}

void
collect_groups_see(struct collect_groups *g, const struct collect_instance *i)
{
	struct group *x = find(g, i);
	bool first = false;

	if (x == NULL) {
		g->left += i->pid > 0;
		return;
	}
	x->seen = true;
	tell(g, x, i);
	if (x->pid != i->pid || strcmp(x->image, i->image) != 0) {
		end_run(g, x);
		snprintf(x->image, sizeof x->image, "%s", i->image);
		x->labels[LABEL_IMAGE].value = slice_of(x->image);
		/* Once for each pid: where nothing was found, nothing will be. */
		if (i->pid > 0 && i->pid != x->vain && g->open < g->most) {
			first = open_run(g, x, i);
			x->pid = first ? i->pid : 0;
			x->vain = first ? 0 : i->pid;
			g->open += first;
		}
	}
	if (x->pid > 0)
		read_run(g, x, i, first);
	else
		g->left += i->pid > 0;
}

void
collect_groups_end(struct collect_groups *g)
{
	for (uint32_t i = 0; i < g->count;) {
		struct group *x = g->all[i];

		if (x->seen) {
			i++;
			continue;
		}
		end_run(g, x);
		series_owner_end(g->of->store, x->owner, g->tick);
		free(x);
		g->all[i] = g->all[--g->count];
	}
}

uint32_t
collect_groups_left(const struct collect_groups *g)
{
	return g->left;
}

void
collect_groups_free(struct collect_groups *g)
{
	if (g == NULL)
		return;
	for (uint32_t i = 0; i < g->count; i++)
		g->all[i]->seen = false;
	collect_groups_end(g);
	for (int i = 0; i < HIERARCHIES; i++)
		own_close_(&g->roots[i].fd);
	own_close_(&g->proc);
	free(g->all);
	free(g);
}
