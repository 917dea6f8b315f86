/*
 * procfs_in.h - what procfs.c (how texts are read) and procfs_names.c (what is in them)
 * share.
 */
#ifndef CORE_PROCFS_IN_H
#define CORE_PROCFS_IN_H

#include "procfs.h"

enum procfs_format {
	FORMAT_STAT,	/* word numbers...: cpuN by place, the others by word */
	FORMAT_WORDS,	/* word[:] number; those that a meaning names, or any ("*") */
	FORMAT_COLUMNS, /* key numbers...: by place */
	FORMAT_HEX,	/* numbers in base 16: by place; the key is the line's own number */
	FORMAT_PLACES,	/* numbers of the first line, by place; "max" is 0 */
	FORMAT_PSI,	/* word ... total=number */
	FORMAT_SOCKETS, /* key: word number word number ... */
	FORMAT_PAIRS,	/* key: words, and under it key: numbers */
	FORMAT_FIELDS,	/* key word=number ... */
	FORMAT_DEVICES, /* key word number */
};

struct procfs_layout {
	enum procfs_format format;
	uint8_t skip_lines; /* headings */
	uint8_t skip_words; /* before the key */
	uint8_t count;
	const struct procfs_meaning *meanings;
};

extern const struct procfs_layout procfs_layouts[PROCFS_KINDS];

/* Is a device of PROCFS_DISKSTATS or PROCFS_NETDEV one of those that are left out? */
bool procfs_left_out(enum procfs_kind kind, struct slice device);

#endif
