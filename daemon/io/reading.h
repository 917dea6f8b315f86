/*
 * reading.h - one text file of the kernel, read again and again into series.  Which
 * series each of its numbers is, is remembered in the order of the text, so a tick looks
 * nothing up; what comes and goes (a disk, a network device) is noticed when the order
 * does not fit.
 *
 *   reading_open -> reading_tick each time -> reading_end
 */
#ifndef IO_READING_H
#define IO_READING_H

#include "../core/procfs.h"

enum {
	READING_TEXT_CAP = 256 << 10, /* of one file; what is longer loses its end */
	READING_SERIES_MAX = 8192,    /* of one file */
};

/* Whose numbers these are; all borrowed.  labels are added to each series. */
struct reading_of {
	struct series_store *store;
	uint32_t owner;
	const struct label *labels;
	uint32_t labels_count;
	uint32_t page_bytes;
	char *text; /* READING_TEXT_CAP, for all of the same thread */
	const char *(*device)(void *arg, struct slice key); /* a better name of a device, or NULL */
	void *arg;
};

struct reading_slot {
	uint64_t hash;
	series_id id;
};

/* Zeroed and fd -1: none. */
struct reading {
	int fd;
	enum procfs_kind kind;
	uint32_t count, cap;
	struct reading_slot *slots; /* owned */
	double *last;		    /* owned; of counters that the kernel lets step back */
};

/* A file that is not there, or not ours to read, is one without numbers.  dir: an open
 * directory, or AT_FDCWD; its fd is kept. */
void reading_open(struct reading *r, enum procfs_kind kind, int dir, const char *path);
/* Read, and put.  The text as it was read (in of->text, until the next one); empty: none.
 * *memory: the bytes that PROCFS_GROUP_MEMORY told, which its statistics need. */
struct slice reading_tick(struct reading *r, const struct reading_of *of, int64_t tick, double *memory);
/* The same of a text that somebody has read. */
void reading_put(struct reading *r, const struct reading_of *of, int64_t tick, struct slice text, bool cut,
    double *memory);
/* Its series end, and the file is closed.  May be called again. */
void reading_end(struct reading *r, const struct reading_of *of, int64_t tick);

/* One number that is in no such file. */
struct reading_figure {
	const char *metric, *help;
	enum series_type type;
};
/* Put it; *id is kept between calls (0 at first).  more: labels of its own. */
void reading_figure(const struct reading_of *of, const struct reading_figure *f, series_id *id,
    const struct label *more, uint32_t more_count, int64_t tick, double value);
/* It ended; *id becomes 0. */
void reading_gone(const struct reading_of *of, series_id *id, int64_t tick);
/* pread at 0 into of->text; *cut: there is more. */
struct slice reading_text(int fd, const struct reading_of *of, bool *cut);
/* The first line of a small file, without what can't stand in a label; false: none, and
 * out is empty. */
bool reading_line(int dir, const char *path, char *out, size_t cap);

#endif
