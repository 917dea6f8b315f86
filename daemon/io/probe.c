/*
 * probe.c - see probe.h.  The parsers look for what they need by name and shrug at the
 * rest, since kernels add fields.
 */
#include "probe.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/statvfs.h>

enum { TEXT_CAP = 8192 }; /* the lines we want come first */
enum { DISK_LOW_BYTES = 16 << 20, DISK_FEW_BYTES = 1 << 30 };

struct probe {
	int disk_fd;
	uint64_t busy, total; /* CPU ticks at the last call */
	struct mesh_summary summary;
	struct view_metrics metrics;
};

/* Decimal digits at *s after blanks; false when there are none or too many. */
static bool
number(const char **s, uint64_t *out)
{
	const char *p = *s;
	uint64_t v = 0;

	while (*p == ' ' || *p == '\t')
		p++;
	if (*p < '0' || *p > '9')
		return false;
	for (; *p >= '0' && *p <= '9'; p++) {
		unsigned d = (unsigned)(*p - '0');

		if (v > (UINT64_MAX - d) / 10)
			return false;
		v = v * 10 + d;
	}
	*s = p;
	*out = v;
	return true;
}

/* cpu  user nice system idle iowait irq softirq steal ...: guest time is in
 * user already.  Waiting for a disk is not being busy. */
bool
probe_parse_stat(const char *text, uint64_t *busy, uint64_t *total)
{
	uint64_t v[8] = { 0 }, sum = 0;

	if (strncmp(text, "cpu ", 4) != 0)
		return false;
	text += 4;
	for (int i = 0; i < 8; i++) {
		if (!number(&text, &v[i])) {
			if (i < 4)
				return false;
			break;
		}
		if (v[i] > UINT64_MAX / 16)
			return false;
		sum += v[i];
	}
	*total = sum;
	*busy = sum - v[3] - v[4];
	return true;
}

static bool
mem_line(const char *text, const char *name, uint64_t *bytes)
{
	size_t n = strlen(name);

	for (const char *p = text; p != NULL; p = strchr(p, '\n')) {
		uint64_t kb;

		p += *p == '\n';
		if (strncmp(p, name, n) != 0)
			continue;
		p += n;
		if (!number(&p, &kb) || strncmp(p, " kB", 3) != 0 ||
		    kb > UINT64_MAX / 1024)
			return false;
		*bytes = kb * 1024;
		return true;
	}
	return false;
}

bool
probe_parse_meminfo(const char *text, uint64_t *total_bytes, uint64_t *available_bytes)
{
	uint64_t total, available;

	if (!mem_line(text, "MemTotal:", &total) ||
	    !mem_line(text, "MemAvailable:", &available) || total == 0)
		return false;
	*total_bytes = total;
	*available_bytes = available < total ? available : total;
	return true;
}

/* "0.25 ...": two digits after the point, as the kernel writes in any locale. */
bool
probe_parse_loadavg(const char *text, double *load1)
{
	const char *point;
	uint64_t whole, cents;

	if (!number(&text, &whole) || *text++ != '.')
		return false;
	point = text;
	if (!number(&text, &cents) || text - point != 2 || whole > 1000000)
		return false;
	*load1 = (double)whole + (double)cents / 100;
	return true;
}

static uint8_t
percent(uint64_t part, uint64_t whole)
{
	if (whole == 0)
		return 0;
	if (part >= whole)
		return 100;
	return (uint8_t)((double)part * 100 / (double)whole + 0.5);
}

static void
take_cpu(struct probe *p, const char *text)
{
	uint64_t busy, total;

	if (!probe_parse_stat(text, &busy, &total))
		return;
	/* Counters may step back (iowait does): then this second is unknown. */
	if (p->total != 0 && total > p->total && busy >= p->busy) {
		uint64_t db = busy - p->busy, dt = total - p->total;

		db = db < dt ? db : dt;
		p->summary.cpu_percent = percent(db, dt);
		p->metrics.cpu_percent = (double)db * 100 / (double)dt;
	}
	p->busy = busy;
	p->total = total;
}

static void
take_memory(struct probe *p, const char *text)
{
	uint64_t total, available;

	if (!probe_parse_meminfo(text, &total, &available))
		return;
	p->metrics.memory_free_bytes = available;
	p->summary.mem_percent = percent(total - available, total);
}

static void
take_load(struct probe *p, const char *text)
{
	double load;

	if (!probe_parse_loadavg(text, &load))
		return;
	p->metrics.load1 = load;
	p->summary.load_centi =
	    load >= 655.35 ? UINT16_MAX : (uint16_t)(load * 100 + 0.5);
}

/* Used as df counts: what root keeps for itself is neither free nor used. */
static void
read_disk(struct probe *p)
{
	struct statvfs v;
	uint64_t used, unit;

	if (fstatvfs(p->disk_fd, &v) != 0 || v.f_bfree > v.f_blocks)
		return;
	unit = v.f_frsize;
	used = v.f_blocks - v.f_bfree;
	p->metrics.disk_bytes = v.f_blocks * unit;
	p->metrics.disk_free_bytes = v.f_bavail * unit;
	p->summary.disk_percent = percent(used, used + v.f_bavail);
}

int
probe_new(int disk_fd, struct probe **out, struct err *err)
{
	struct probe *p = calloc(1, sizeof *p);

	*out = NULL;
	if (p == NULL)
		return err_set(err, EXIT_ENVIRONMENT, "probe: out of memory");
	p->disk_fd = disk_fd;
	*out = p;
	return 0;
}

void
probe_take(struct probe *p, enum procfs_kind kind, struct slice all)
{
	char text[TEXT_CAP];
	size_t n = all.len < TEXT_CAP ? all.len : TEXT_CAP - 1;

	if (n == 0 || (kind != PROCFS_STAT && kind != PROCFS_MEMINFO && kind != PROCFS_LOADAVG))
		return;
	memcpy(text, all.b, n);
	text[n] = '\0';
	if (kind == PROCFS_STAT)
		take_cpu(p, text);
	else if (kind == PROCFS_MEMINFO)
		take_memory(p, text);
	else
		take_load(p, text);
}

void
probe_read(struct probe *p, struct mesh_summary *summary, struct view_metrics *metrics)
{
	read_disk(p);
	if (summary != NULL) {
		summary->cpu_percent = p->summary.cpu_percent;
		summary->mem_percent = p->summary.mem_percent;
		summary->disk_percent = p->summary.disk_percent;
		summary->load_centi = p->summary.load_centi;
	}
	if (metrics != NULL) {
		metrics->load1 = p->metrics.load1;
		metrics->cpu_percent = p->metrics.cpu_percent;
		metrics->memory_free_bytes = p->metrics.memory_free_bytes;
		metrics->disk_free_bytes = p->metrics.disk_free_bytes;
		metrics->disk_bytes = p->metrics.disk_bytes;
	}
}

bool
probe_disk_line(const struct view_metrics *m, const char *dir, char *out, size_t cap)
{
	uint64_t left = m->disk_free_bytes;

	if (m->disk_bytes == 0 ||
	    (left >= DISK_LOW_BYTES && (left >= DISK_FEW_BYTES || left >= m->disk_bytes / 100)))
		return false;
	snprintf(out, cap, "the disk of %s is full: %llu KiB are left of %llu MiB", dir,
	    (unsigned long long)(left >> 10), (unsigned long long)(m->disk_bytes >> 20));
	return true;
}

void
probe_free(struct probe *p)
{
	free(p);
}
