/*
 * cgroup_limits.c - each limit, written where its controller is: cgroup2's
 * file, or v1's with v1's meaning of the number.
 *
 * In a new group only what is limited is written.  That of a sandbox may have
 * other limits from before: there, what is not limited is lifted.
 */
#include "cgroup_in.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../base/own.h"
#include "rootless.h"
#include "sys.h"

enum { SWAPS_HEAD_BYTES = 256, NEAR_BYTES = 256 << 10, PATH_CAP = CGROUP_LEAF_CAP + 64 };

/* Where the limits go, and how an error line calls them. */
struct target {
	const struct cgroups *g;
	const char *path;
	bool box, lift, optional;
	struct err *err;
};

struct key {
	enum cgroup_controller c;
	const char *leaf, *box; /* what the files call it */
	const char *v2, *v1;
	const char *v2_none, *v1_none;
};

static const struct key
    memory = {CGROUP_MEMORY, "memory-limit", "limits: memory", "memory.max",
	"memory.limit_in_bytes", "max", "-1"},
    memory_high = {CGROUP_MEMORY, "memory-high", "limits: memory-high",
	"memory.high", "memory.soft_limit_in_bytes", "max", "-1"},
    cpu_shares = {CGROUP_CPU, "cpu-shares", "cpu-shares", "cpu.weight",
	"cpu.shares", "100", "1024"},
    cpu_quota = {CGROUP_CPU, "cpu-quota", "limits: cpu-quota", "cpu.max",
	"cpu.cfs_quota_us", "max 100000", "-1"},
    pids = {CGROUP_PIDS, "pids-limit", "limits: pids", "pids.max", "pids.max",
	"max", "max"},
    io_weight = {CGROUP_IO, "io-weight", "io-weight", "io.weight",
	"blkio.weight", "100", "100"};

static const char *
called(const struct target *t, const struct key *k)
{
	return t->box ? k->box : k->leaf;
}

static int
dir_of(const struct target *t, enum cgroup_controller c)
{
	return t->g->v2[c] ? t->g->unified : t->g->v1[c];
}

/* One write.  0, or -1 and errno. */
static int
put(const struct target *t, enum cgroup_controller c, const char *file,
    const char *value)
{
	char path[PATH_CAP];

	snprintf(path, sizeof path, "%s/%s", t->path, file);
	return sys_write_file(dir_of(t, c), path, value);
}

static int
cannot(const struct target *t, const struct key *k, const char *value)
{
	return err_set(t->err, EXIT_ENVIRONMENT,
	    "%s: cannot be set: write '%s' to %s/%s: %s", called(t, k), value,
	    t->path, t->g->v2[k->c] ? k->v2 : k->v1, strerror(errno));
}

static int
absent(const struct target *t, const struct key *k)
{
	if (t->optional)
		return 0;
	return err_set(t->err, EXIT_ENVIRONMENT,
	    "%s: cannot be set: the %s controller of cgroups is not %s; `limits-optional: yes` in its sandbox starts it without",
	    called(t, k), cgroup_names[k->c],
	    rootless() ? "yours to use (doc/rootless.md)" : "mounted");
}

/* Is there anything to write? */
static bool
wanted(const struct target *t, const struct key *k, bool limited)
{
	return limited || (t->lift && dir_of(t, k->c) >= 0);
}

static int
limit(const struct target *t, const struct key *k, bool limited,
    const char *value)
{
	const bool v2 = t->g->v2[k->c];

	if (!wanted(t, k, limited))
		return 0;
	if (dir_of(t, k->c) < 0)
		return absent(t, k);
	if (!limited)
		value = v2 ? k->v2_none : k->v1_none;
	return put(t, k->c, v2 ? k->v2 : k->v1, value) < 0 ?
	    cannot(t, k, value) :
	    0;
}

/* Is there swap that a group could use beyond its limit? */
static bool
swap_is_on(void)
{
	AUTO_FCLOSE FILE *f = fopen("/proc/swaps", "re");
	char line[SWAPS_HEAD_BYTES];

	return f != NULL && fgets(line, sizeof line, f) != NULL &&
	    fgets(line, sizeof line, f) != NULL;
}

static int
limit_memory(const struct target *t, uint64_t bytes)
{
	const bool v2 = t->g->v2[CGROUP_MEMORY];
	const char *swap = v2 ? "memory.swap.max" :
				"memory.memsw.limit_in_bytes";
	char value[32], swap_value[32];
	int rc;

	if (!wanted(t, &memory, bytes != 0))
		return 0;
	if (dir_of(t, CGROUP_MEMORY) < 0)
		return absent(t, &memory);
	snprintf(value, sizeof value, "%llu", (unsigned long long)bytes);
	snprintf(swap_value, sizeof swap_value, "%s", v2 ? "0" : value);
	if (bytes == 0) {
		snprintf(value, sizeof value, "%s",
		    v2 ? memory.v2_none : memory.v1_none);
		snprintf(swap_value, sizeof swap_value, "%s", value);
	}
	rc = put(t, CGROUP_MEMORY, v2 ? memory.v2 : memory.v1, value);
	if (rc < 0 && errno == EINVAL && !v2) {
		/* v1 keeps it below that of both, which grows first. */
		(void)put(t, CGROUP_MEMORY, swap, swap_value);
		rc = put(t, CGROUP_MEMORY, memory.v1, value);
	}
	if (rc < 0)
		return cannot(t, &memory, value);
	/* Memory and swap together are no more than memory alone. */
	if (put(t, CGROUP_MEMORY, swap, swap_value) == 0 || bytes == 0 ||
	    (errno == ENOENT && !swap_is_on()))
		return 0;
	return err_set(t->err, EXIT_ENVIRONMENT,
	    "%s: cannot be set for swap: write '%s' to %s/%s: %s%s",
	    called(t, &memory), swap_value, t->path, swap, strerror(errno),
	    errno == ENOENT ? "; boot with swapaccount=1, or without swap" : "");
}

/* Memory gone means the container, not a process of it that is missed by the
 * others.  v1 can't: the kernel picks one. */
static int
end_together(const struct target *t)
{
	if (!t->g->v2[CGROUP_MEMORY] ||
	    put(t, CGROUP_MEMORY, "memory.oom.group", "1") == 0)
		return 0;
	return err_set(t->err, EXIT_ENVIRONMENT,
	    "cannot write '1' to %s/memory.oom.group: %s", t->path,
	    strerror(errno));
}

/* By hand: for these two alone libm would be 0.3 MB of each daemon's memory. */
static double
log2_of(uint32_t n)
{
	int whole = 31 - __builtin_clz(n);
	double x = n / (double)(UINT32_C(1) << whole), sum = whole;

	for (double bit = 0.5; bit > 1e-15; bit /= 2) {
		x *= x;
		if (x >= 2) {
			x /= 2;
			sum += bit;
		}
	}
	return sum;
}

static double
ten_to(double e)
{
	const double x = e * 2.302585092994046 / 16; /* ln 10; at most 0.6 */
	double sum = 1, term = 1;

	for (int i = 1; i < 20; i++) {
		term *= x / i;
		sum += term;
	}
	for (int i = 0; i < 4; i++)
		sum *= sum;
	return sum;
}

unsigned
cgroup_cpu_weight(uint32_t shares)
{
	double l, weight;

	if (shares <= 2)
		return 1;
	if (shares >= 262144)
		return 10000;
	l = log2_of(shares);
	/* Rounded up; 1024 is exactly 100, and what the arithmetic adds to it is not. */
	weight = ten_to((l * l + 125 * l) / 612 - 7.0 / 34) - 1e-9;
	return (unsigned)weight + ((double)(unsigned)weight < weight);
}

static int
limit_cpu(const struct target *t, const struct cgroup_limits *l)
{
	const bool v2 = t->g->v2[CGROUP_CPU];
	char value[48];
	int rc;

	snprintf(value, sizeof value, "%u",
	    v2 ? cgroup_cpu_weight(l->cpu_shares) : l->cpu_shares);
	rc = limit(t, &cpu_shares, l->cpu_shares != 0, value);
	if (rc < 0)
		return rc;
	/* Thousandths of a CPU in each 100 ms. */
	snprintf(value, sizeof value, "%llu%s",
	    (unsigned long long)l->cpu_milli * 100, v2 ? " 100000" : "");
	return limit(t, &cpu_quota, l->cpu_milli != 0, value);
}

/* BFQ's files know 1 to 1000, the kernel's own 1 to 10000; to both 100 is
 * what is not set. */
static unsigned
bfq_weight(uint32_t weight)
{
	return weight <= 100 ? weight : 100 + (weight - 100) * 900 / 9900;
}

static int
limit_io(const struct target *t, uint32_t weight)
{
	struct key bfq = io_weight;
	char value[16];

	/* Not in each kernel, and never wanted by a sandbox's group. */
	if (weight == 0)
		return 0;
	if (dir_of(t, CGROUP_IO) < 0)
		return absent(t, &io_weight);
	snprintf(value, sizeof value, "%u", weight);
	if (put(t, CGROUP_IO, t->g->v2[CGROUP_IO] ? io_weight.v2 : io_weight.v1,
		value) == 0)
		return 0;
	bfq.v2 = "io.bfq.weight";
	bfq.v1 = "blkio.bfq.weight";
	snprintf(value, sizeof value, "%u", bfq_weight(weight));
	return limit(t, &bfq, true, value);
}

static int
limit_all(const struct target *t, const struct cgroup_limits *l)
{
	char value[32];
	int rc;

	if ((rc = limit_cpu(t, l)) < 0)
		return rc;
	snprintf(value, sizeof value, "%u", l->pids);
	if ((rc = limit(t, &pids, l->pids != 0, value)) < 0 ||
	    (rc = limit_memory(t, l->memory_bytes)) < 0)
		return rc;
	snprintf(value, sizeof value, "%llu",
	    (unsigned long long)l->memory_high_bytes);
	if ((rc = limit(t, &memory_high, l->memory_high_bytes != 0, value)) < 0)
		return rc;
	return limit_io(t, l->io_weight);
}

int
cgroup_limit_leaf(const struct cgroups *g, const char *leaf,
    const struct cgroup_limits *l, struct err *err)
{
	const struct target t = {g, leaf, false, false, l->optional, err};
	int rc = limit_all(&t, l);

	return rc < 0 ? rc : end_together(&t);
}

int
cgroup_limit_box(const struct cgroups *g, const char *box, bool was,
    const struct cgroup_limits *l, struct err *err)
{
	const struct target t = {g, box, true, was, l->optional, err};
	char path[PATH_CAP], word[16];

	/* On cgroup2 the controllers are handed down to the leaves. */
	snprintf(path, sizeof path, "%s/cgroup.subtree_control", box);
	for (int i = 0; i < CGROUP_COUNT; i++) {
		snprintf(word, sizeof word, "+%s", cgroup_names[i]);
		if (g->v2[i] && sys_write_file(g->unified, path, word) < 0)
			return err_set(err, EXIT_ENVIRONMENT,
			    "cannot write '%s' to %s: %s", word, path,
			    strerror(errno));
	}
	return limit_all(&t, l);
}

/* The number after a word in a file of a group, or 0. */
static unsigned long long
number(const struct cgroups *g, const char *leaf, const char *file,
    const char *word)
{
	const struct target t = {g, leaf, false, false, false, NULL};
	char path[PATH_CAP], text[512], *p;
	int dir = dir_of(&t, CGROUP_MEMORY);
	ssize_t n;

	snprintf(path, sizeof path, "%s/%s", leaf, file);
	AUTO_CLOSE int fd = dir < 0 ? -1 :
				      openat(dir, path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
	text[n > 0 ? n : 0] = '\0';
	for (p = text; p != NULL; p = strchr(p, '\n')) {
		p += *p == '\n';
		if (strncmp(p, word, strlen(word)) == 0)
			return strtoull(p + strlen(word), NULL, 10);
	}
	return 0;
}

enum cgroup_oom
cgroup_oom_killed(const struct cgroups *g, const char *leaf)
{
	bool own;

	if (number(g, leaf,
		g->v2[CGROUP_MEMORY] ? "memory.events" :
				       "memory.oom_control",
		"oom_kill ") == 0)
		return CGROUP_OOM_NONE;
	/* Was it its own limit that stood in the way?  v1 counts that no more
	 * (failcnt, seen: 6.18), but knows how near it came. */
	own = g->v2[CGROUP_MEMORY] ?
	    number(g, leaf, "memory.events", "oom ") > 0 :
	    number(g, leaf, "memory.max_usage_in_bytes", "") + NEAR_BYTES >=
		number(g, leaf, "memory.limit_in_bytes", "");
	return own ? CGROUP_OOM_OWN : CGROUP_OOM_ABOVE;
}
