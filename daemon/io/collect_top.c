/*
 * collect_top.c - see collect_top.h.  Two lists by pid: of this round and of the last one;
 * a process is the same when it began at the same moment.
 */
#include "collect_top.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../base/own.h"

#define HZ 100.0 /* of /proc */

enum { CPU, MEMORY, KINDS };
/* Who comes in by CPU has used that much in its round: on an idle host one tick more or
 * less would make another list each time. */
enum { IDLE_ROUNDS = 6, ENTER_TICKS = 3 };

static const struct reading_figure figures[KINDS] = {
    {"mesh_process_cpu_seconds_total", "CPU time of a process that is among the first by it.", SERIES_COUNTER},
    {"mesh_process_resident_memory_bytes", "Memory of a process that is among the first by it.", SERIES_GAUGE},
};

struct process {
	uint64_t cpu_ticks, start_ticks;
	uint32_t pid, rss_pages, used; /* used: ticks of CPU since it was read before */
	char comm[16];
	bool stayed; /* it was there the last time, too */
};

/* What is told of one process. */
struct first {
	uint32_t pid;
	uint64_t start_ticks;
	series_id id;
	bool still;
};

struct collect_top {
	const struct reading_of *of;
	int proc;
	struct process *now, *before; /* by pid; owned */
	uint32_t count, cap, before_count, read, known; /* known: how far of before that is */
	uint32_t round;
	struct first first[KINDS][TOP_COUNT];
};

struct collect_top *
collect_top_new(const struct reading_of *of)
{
	struct collect_top *t = calloc(1, sizeof *t);

	if (t == NULL)
		return NULL;
	t->of = of;
	t->proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return t;
}

static bool
add(struct collect_top *t, uint32_t pid)
{
	struct process *more;

	if (t->count == TOP_PROCESSES_MAX)
		return false;
	if (t->count == t->cap) {
		t->cap = t->cap > 0 ? t->cap * 2 : 64;
		if ((more = realloc(t->now, t->cap * sizeof *more)) == NULL) {
			t->cap = t->count;
			return false;
		}
		t->now = more;
	}
	t->now[t->count++] = (struct process){.pid = pid};
	return true;
}

/* The kernel lists them by pid. */
static void
list(struct collect_top *t)
{
	AUTO_CLOSEDIR DIR *d = t->proc < 0 ? NULL : fdopendir(openat(t->proc, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	struct dirent *e;

	t->count = t->read = t->known = 0;
	while (d != NULL && (e = readdir(d)) != NULL) {
		uint32_t pid = e->d_name[0] >= '1' && e->d_name[0] <= '9' ? (uint32_t)strtoul(e->d_name, NULL, 10) : 0;

		if (pid != 0 && (t->count == 0 || pid > t->now[t->count - 1].pid) && !add(t, pid))
			break;
	}
}

/* The same pid in the last round, or NULL; pids are asked for in order. */
static const struct process *
known(struct collect_top *t, uint32_t pid)
{
	while (t->known < t->before_count && t->before[t->known].pid < pid)
		t->known++;
	return t->known < t->before_count && t->before[t->known].pid == pid ? &t->before[t->known] : NULL;
}

/* Of one that is gone, nothing is known: its start is 0. */
static void
read_process(struct collect_top *t, struct process *p)
{
	const struct process *was = known(t, p->pid);
	struct procfs_process found;
	char path[24], text[512];
	uint64_t used;

	if (was != NULL && was->stayed && was->used == 0 && (p->pid + t->round) % IDLE_ROUNDS != 0) {
		*p = *was;
		return;
	}
	snprintf(path, sizeof path, "%u/stat", p->pid);
	AUTO_CLOSE int fd = openat(t->proc, path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text);

	if (n <= 0 || !procfs_process((struct slice){(const uint8_t *)text, (size_t)n}, &found))
		return;
	p->cpu_ticks = found.cpu_ticks;
	p->start_ticks = found.start_ticks + 1;
	p->rss_pages = found.rss_pages < UINT32_MAX ? (uint32_t)found.rss_pages : UINT32_MAX;
	memcpy(p->comm, found.comm, sizeof p->comm);
	p->stayed = was != NULL && was->start_ticks == p->start_ticks;
	used = p->stayed && p->cpu_ticks > was->cpu_ticks ? p->cpu_ticks - was->cpu_ticks : 0;
	p->used = used < UINT32_MAX ? (uint32_t)used : UINT32_MAX;
}

static uint32_t
weight(const struct process *p, int kind)
{
	return !p->stayed ? 0 : kind == CPU ? p->used : p->rss_pages;
}

/* The first ones, the largest first; of equal ones the elder pid. */
static uint32_t
choose(const struct collect_top *t, int kind, const struct process *out[TOP_COUNT])
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < t->count; i++) {
		const struct process *p = &t->now[i];
		uint32_t at = n;

		if (weight(p, kind) == 0)
			continue;
		while (at > 0 && weight(out[at - 1], kind) < weight(p, kind))
			at--;
		if (at == TOP_COUNT)
			continue;
		n += n < TOP_COUNT;
		memmove(&out[at + 1], &out[at], (n - at - 1) * sizeof(const struct process *));
		out[at] = p;
	}
	return n;
}

static struct first *
find(struct first all[TOP_COUNT], const struct process *p)
{
	for (int i = 0; i < TOP_COUNT; i++)
		if (all[i].pid == p->pid && all[i].start_ticks == p->start_ticks)
			return &all[i];
	return NULL;
}

static void
put(struct collect_top *t, int kind, struct first *f, const struct process *p, int64_t tick)
{
	double page = t->of->page_bytes;
	char pid[16];

	snprintf(pid, sizeof pid, "%u", p->pid);
	const struct label more[] = {{slice_of("comm"), slice_of(p->comm)}, {slice_of("pid"), slice_of(pid)}};
	reading_figure(t->of, &figures[kind], &f->id, more, 2, tick,
	    kind == CPU ? (double)p->cpu_ticks / HZ : (double)p->rss_pages * page);
}

static void
tell(struct collect_top *t, int kind, int64_t tick)
{
	const struct process *chosen[TOP_COUNT];
	struct first *all = t->first[kind];
	uint32_t n = choose(t, kind, chosen);

	for (int i = 0; i < TOP_COUNT; i++)
		all[i].still = false;
	for (uint32_t i = 0; i < n; i++) {
		struct first *f = find(all, chosen[i]);

		if (f != NULL)
			f->still = true;
	}
	for (int i = 0; i < TOP_COUNT; i++)
		if (!all[i].still) {
			reading_gone(t->of, &all[i].id, tick);
			all[i] = (struct first){0};
		}
	for (uint32_t i = 0; i < n; i++) {
		struct first *f = find(all, chosen[i]);

		if (f == NULL && kind == CPU && chosen[i]->used < ENTER_TICKS)
			continue;
		for (int k = 0; f == NULL && k < TOP_COUNT; k++)
			if (all[k].pid == 0) {
				f = &all[k];
				*f = (struct first){.pid = chosen[i]->pid, .start_ticks = chosen[i]->start_ticks};
			}
		if (f != NULL)
			put(t, kind, f, chosen[i], tick);
	}
}

static void
end_round(struct collect_top *t, int64_t tick)
{
	struct process *was = t->before;

	tell(t, CPU, tick);
	tell(t, MEMORY, tick);
	t->round++;
	t->before = t->now;
	t->before_count = t->count;
	t->now = was;
	t->count = t->cap = 0;
	free(t->now);
	t->now = NULL;
}

void
collect_top_tick(struct collect_top *t, int64_t tick)
{
	uint32_t part, end;

	if (t->now == NULL)
		list(t);
	part = t->count / TOP_ROUND_TICKS + 1;
	end = tick % TOP_ROUND_TICKS == TOP_ROUND_TICKS - 1 || t->count - t->read < part ? t->count : t->read + part;
	for (; t->read < end; t->read++)
		read_process(t, &t->now[t->read]);
	if (t->now != NULL && tick % TOP_ROUND_TICKS == TOP_ROUND_TICKS - 1)
		end_round(t, tick);
}

void
collect_top_free(struct collect_top *t)
{
	if (t == NULL)
		return;
	own_close_(&t->proc);
	free(t->now);
	free(t->before);
	free(t);
}
