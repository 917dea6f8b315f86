/*
 * store_check.h - may this database be opened at all?  Private to the store:
 * the record format, and the check in a forked child that reads every record
 * first, since LMDB trusts its file and dies of a damaged one.
 */
#ifndef IO_STORE_CHECK_H
#define IO_STORE_CHECK_H

#include "store.h"

enum {
	STORE_SCHEMA = 1,
	STORE_META = 0, /* the kind of our own record: "schema" */
	STORE_HEAD_BYTES = 8,
	STORE_SUM_BYTES = 16,
	STORE_KEY_CAP = STORE_KEY_BYTES_MAX + 2,
	STORE_MAP_BYTES = 64 << 20,
	STORE_CHECK_SECONDS = 2,
	STORE_KEPT_MAX = 2, /* databases set aside */
};

/* kind and key as stored; bytes of out used. */
size_t store_key(uint8_t out[STORE_KEY_CAP], unsigned kind, const void *key,
    size_t key_len);
/* out holds STORE_HEAD_BYTES + len + STORE_SUM_BYTES; key as stored. */
void store_encode(uint8_t *out, const void *key, size_t key_len,
    const void *body, size_t len);
/* False: damaged.  *body borrows from val. */
bool store_decode(const void *key, size_t key_len, const uint8_t *val,
    size_t len, const uint8_t **body, size_t *body_len);
/* "3/name" for messages; other bytes as \xNN. */
void store_key_text(const uint8_t *key, size_t len, char *out, size_t cap);

struct store_dir_name {
	char s[256];
};
/* The path of an open directory, for messages. */
struct store_dir_name store_dir_name(int fd);
/* A file system that can't keep a memory map's promises, or NULL. */
const char *store_network_fs(unsigned long magic);

/* Check db below state_fd; set a bad one aside (note says so).  0 = there is
 * none now, or a good one. */
MUST_CHECK int store_check(int state_fd, char *note, size_t note_cap,
    struct err *err);

#endif
