/*
 * procfs.h - numbers out of the kernel's text files: /proc, cgroup v1 and v2.  Text in,
 * numbers out, one at a time, and what dashboards already call each: node_exporter's
 * names for the host (its default set, 1.5), cAdvisor's for a container.
 *
 *   procfs_begin -> procfs_next until false; procfs_name only for what is new
 *
 * Any text will do.  Kernels add lines, columns and words: what is not known is skipped,
 * and so is what is no number; one odd line does not hide the next.  A text that was cut
 * loses its last line, not half a number of it.
 */
#ifndef CORE_PROCFS_H
#define CORE_PROCFS_H

#include "series.h"

enum procfs_kind {
	PROCFS_STAT,	  /* /proc/stat */
	PROCFS_MEMINFO,	  /* /proc/meminfo */
	PROCFS_LOADAVG,	  /* /proc/loadavg */
	PROCFS_VMSTAT,	  /* /proc/vmstat */
	PROCFS_DISKSTATS, /* /proc/diskstats */
	PROCFS_NETDEV,	  /* /proc/net/dev */
	PROCFS_PSI_CPU, PROCFS_PSI_IO, PROCFS_PSI_MEMORY, /* /proc/pressure */
	PROCFS_FILE_NR,	  /* /proc/sys/fs/file-nr */
	PROCFS_SOCKSTAT,  /* /proc/net/sockstat and sockstat6 */
	PROCFS_NETSTAT,	  /* /proc/net/netstat and snmp */
	PROCFS_SNMP6,	  /* /proc/net/snmp6 */
	PROCFS_SOFTNET,	  /* /proc/net/softnet_stat */
	PROCFS_ENTROPY, PROCFS_POOLSIZE,    /* /proc/sys/kernel/random */
	PROCFS_CONNTRACK, PROCFS_CONNTRACK_MAX, /* /proc/sys/net/netfilter */
	/* Of a container's group; v1 and v2 where both call it alike. */
	PROCFS_GROUP_CPU_STAT, PROCFS_GROUP_CPU_MAX, PROCFS_GROUP_CPU_QUOTA, PROCFS_GROUP_CPU_PERIOD,
	PROCFS_GROUP_MEMORY_STAT, PROCFS_GROUP_MEMORY_STAT_V1, PROCFS_GROUP_MEMORY,
	PROCFS_GROUP_MEMORY_PEAK, PROCFS_GROUP_MEMORY_LIMIT, PROCFS_GROUP_MEMORY_EVENTS, PROCFS_GROUP_MEMORY_FAILCNT,
	PROCFS_GROUP_SWAP, PROCFS_GROUP_PIDS, PROCFS_GROUP_PIDS_MAX,
	PROCFS_GROUP_PSI_CPU, PROCFS_GROUP_PSI_IO, PROCFS_GROUP_PSI_MEMORY,
	PROCFS_GROUP_IO, /* io.stat */
	PROCFS_GROUP_BLKIO_BYTES, PROCFS_GROUP_BLKIO_OPS, /* blkio.throttle.io_service* */
	PROCFS_GROUP_NETDEV, /* /proc/PID/net/dev */
	PROCFS_KINDS
};

enum {
	PROCFS_WORD_BYTES_MAX = 64, /* of a device, a CPU, a word: a longer one is skipped */
	PROCFS_ITEMS_MAX = 32768,   /* of one text: more are not looked at */
	PROCFS_NAME_CAP = 192,	    /* of a metric, with NUL */
};

/* What one number means; constant, shared by all of its kind. */
struct procfs_meaning {
	const char *word;   /* in the text, or NULL: by its place */
	const char *metric; /* '*': the key, '%': the second one */
	enum series_type type;
	double div; /* value = number / div; 0: times the size of a page */
	const char *key_label;	  /* the key is this label's value */
	const char *label, *text; /* one more label, and its value */
	const char *help;
};

struct procfs_item {
	const struct procfs_meaning *means;
	struct slice key, key2; /* borrowed of text and scan; empty where there is none */
	double value;
	uint64_t hash; /* of all but the value: which number it is, within its kind */
};

struct procfs_scan {
	enum procfs_kind kind;
	const char *at, *end;	/* of the text */
	const char *p, *line_end; /* of the line that is being read; NULL: none */
	const char *names, *names_end; /* PROCFS_NETSTAT: the line of names above it */
	struct slice key;
	uint64_t key_hash;
	uint32_t column, lines, items;
	uint32_t page_bytes; /* 4096 after procfs_begin */
	uint8_t first, last; /* meanings that are looked for in this line: [first, last) */
	char number[12];     /* a key that is the line's own number */
};

/* text is borrowed until the last procfs_next.  cut: it may go on. */
void procfs_begin(struct procfs_scan *s, enum procfs_kind kind, struct slice text, bool cut);
bool procfs_next(struct procfs_scan *s, struct procfs_item *out);
/* What it is called: the metric's name into name, and its own labels into l, with slices
 * of name, the item and constants.  false: of what the text says no name can be made. */
MUST_CHECK bool procfs_name(const struct procfs_item *it, char name[PROCFS_NAME_CAP],
    struct labels *l);

/* Digits with an optional sign and fraction at *p, blanks before them skipped; *p then
 * stands behind them.  false: none, or more than 20. */
bool procfs_number(const char **p, const char *end, double *out);

/* A real file system, by node_exporter's default exclusions. */
struct procfs_mount {
	char device[256], point[512], type[32]; /* as mountinfo writes them, "\040" undone */
	bool readonly, network;	/* network: of a kind that can block for ever */
};
/* The next line of /proc/self/mountinfo at *text of one that is measured; *text goes
 * behind it.  false: no more. */
bool procfs_mount_next(struct slice *text, struct procfs_mount *out);

/* /proc/PID/stat: the command (printable, at most 15 bytes), ticks of CPU, pages in
 * memory, and when it began (ticks after the boot).  false: not such a line. */
struct procfs_process {
	char comm[16];
	uint64_t cpu_ticks, rss_pages, start_ticks;
};
bool procfs_process(struct slice text, struct procfs_process *out);

/* Where a process is: of /proc/PID/cgroup the path in the hierarchy of that v1 controller,
 * or "" for cgroup2.  false: none, or not fit to be opened (absolute, no ".."). */
bool procfs_group(struct slice text, const char *controller, char *path, size_t cap);
/* Of /proc/self/mountinfo: where that hierarchy is mounted, and which part of it (root;
 * "/" is all).  false: nowhere. */
bool procfs_hierarchy(struct slice text, const char *controller, char *point, char *root, size_t cap);

#endif
