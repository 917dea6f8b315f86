/*
 * store.h - everything durable that is bigger than the critical record: one
 * LMDB environment in state-dir/db, values checksummed by us because LMDB does
 * not (one flipped bit: 17 % silently wrong data).  An environment is walked
 * by a forked child before it is opened here, since a broken one kills its
 * reader; a bad one is set aside (db.corrupt-TIME, two are kept) and a fresh
 * one starts: the mesh gives the contents back.
 */
#ifndef IO_STORE_H
#define IO_STORE_H

#include "../../gossip/base.h"
#include "../base/err.h"

enum {
	STORE_KEY_BYTES_MAX = 200,
	STORE_BODY_BYTES_MAX = 8 << 20,
};

/* Numbers are on disk: never reuse one. */
enum store_kind {
	STORE_ROSTER = 1, /* mesh_saved.roster */
	STORE_HEADER = 2, /* schedule headers */
	STORE_PART = 3,	  /* schedule parts, by hash */
	STORE_ROUND = 4,  /* recorded scheduler rounds */
	STORE_PEER = 5,	  /* addresses once seen, as a hint */
	STORE_MISC = 6,	  /* small things of the engine, by name */
};

struct store;

/*
 * state_fd: the state directory, borrowed for this call.  Blocks, at most
 * about 3 s; forks: call it before there are threads.  note (cap >= 1) gets
 * one line when a bad database was set aside, else "".
 * EXIT_STATE: can't be made, on a network file system, held by another
 * engine, or of a newer schema than this program knows.
 */
MUST_CHECK int store_open(int state_fd, struct store **out, char *note,
    size_t note_cap, struct err *err);
void store_close(struct store *s);

/*
 * Each call is one small transaction, durable when it returns.  Keys are 1 to
 * STORE_KEY_BYTES_MAX bytes.  On failure err->code tells what it means:
 *   1           nothing was written and the store goes on (disk or map full,
 *               a value too big)
 *   EXIT_STATE  the store can't be trusted any more: stop with that code
 */
MUST_CHECK int store_put(struct store *s, enum store_kind kind, const void *key,
    size_t key_len, const void *body, size_t len, struct err *err);
/*
 * Many writes as one transaction with one sync: begin, then store_put,
 * store_del and store_get as usual (they see the batch), then commit or abort.
 * After a call in it failed the caller aborts: nothing of the batch is then
 * written.  store_each is not for batches.
 */
MUST_CHECK int store_begin(struct store *s, struct err *err);
MUST_CHECK int store_commit(struct store *s, struct err *err);
void store_abort(struct store *s);
/* 1 found: *out malloc'd (never NULL), caller frees; 0 none; < 0 err. */
MUST_CHECK int store_get(struct store *s, enum store_kind kind, const void *key,
    size_t key_len, uint8_t **out, size_t *len, struct err *err);
/* 0 also when there was none. */
MUST_CHECK int store_del(struct store *s, enum store_kind kind, const void *key,
    size_t key_len, struct err *err);
/* In key order, until fn returns false.  Pointers are good for the call only;
 * fn must not call the store.  A record whose checksum fails is EXIT_STATE. */
MUST_CHECK int store_each(struct store *s, enum store_kind kind,
    bool (*fn)(void *arg, const uint8_t *key, size_t key_len,
	const uint8_t *body, size_t len),
    void *arg, struct err *err);

#endif
