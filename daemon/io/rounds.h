/*
 * rounds.h - the directory of recorded rounds: state-dir/rounds, 0750, all in it 0640.
 *
 *	00000001.rounds  records (core/roundcode.h), the first whole, the others deltas
 *	HASH.code        one record: a script tree, by the hash of its content, once
 *
 * A file takes ROUNDS_PER_FILE records or an eighth of the bound; every start of the engine
 * and every failed write begins a new one, so nobody ever writes behind a torn record.  Who
 * reads stops a file at the first record that is not whole.  The oldest files go when all
 * are more bytes, or the youngest record in one is older, than the bounds say; a tree goes
 * with the last record that names it.  Nothing waits for the disk: after a power cut the
 * last rounds may lack.  That a directory is another's (copied, edited, made up) hurts
 * nobody who reads it.
 */
#ifndef IO_ROUNDS_H
#define IO_ROUNDS_H

#include "../base/err.h"
#include "../core/roundcode.h"

enum {
	ROUNDS_PER_FILE = 256,
	ROUNDS_FILES_MAX = 1 << 16, /* more in a directory are not looked at */
	ROUNDS_PLAIN_PER_FILE = 512 << 20, /* whoever wants the last must unpack all */
};

struct rounds_bound {
	int64_t bytes, keep_ms;
};

/* Where the next record goes.  A zeroed one begins a file. */
struct rounds_at {
	uint32_t file, index;
	uint64_t bytes, plain; /* of this file so far */
	struct hash code;      /* of the last record */
};

struct rounds_new {
	struct slice plain;  /* of round_pack */
	struct slice before; /* plain of the record that at stands behind; may be empty */
	struct slice code;   /* the packed script tree */
	uint64_t at_ms;      /* wall clock */
};

/* The script tree's name. */
void rounds_code_hash(struct hash *out, struct slice code);
/*
 * Write it and make room for it.  dir is borrowed.  0 and *at moves on; *total (may be NULL)
 * the bytes of all files.  Negative: nothing of it is there, *at is where it was, and the
 * line says why ("write 00000007.rounds: No space left on device").
 */
MUST_CHECK int rounds_add(int dir, const struct rounds_bound *bound, struct rounds_at *at,
    const struct rounds_new *r, uint64_t *total, struct err *err);

/* All of them go, and the trees: what others wrote there stays. */
void rounds_wipe(int dir);

/* One of those that are there. */
struct rounds_one {
	uint32_t file;
	struct round_head head;
	struct round_rec rec; /* borrows */
	struct slice code;    /* the packed script tree; empty: it is not there any more */
};
/* In order, from wall clock since_ms on, until each gives false.  note: a line for each file that
 * can't be read to its end (may be NULL).  0, or negative with *err: the directory can't be read. */
MUST_CHECK int rounds_each(int dir, uint64_t since_ms,
    bool (*each)(void *arg, const struct rounds_one *one),
    void (*note)(void *arg, const char *line), void *arg, struct err *err);

#endif
