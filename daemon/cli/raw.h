/*
 * raw.h - packed values as they are: what a daemon answers, byte for byte, and JSON made
 * into what a daemon would have packed.
 */
#ifndef CLI_RAW_H
#define CLI_RAW_H

#include "../core/blob.h"
#include "run.h"

enum { RAW_BYTES_MAX = 64 << 20, RAW_NONE = 1 };

/* The data of one answer to a verb without arguments: *data borrows from *frame, which the
 * caller frees.  Negative with *e. */
MUST_CHECK int raw_ask(const struct show *s, const char *verb, uint8_t **frame, struct slice *data,
    struct run_error *e);
/* In the order of its keys; numbers as short as they go, as the engine packs them. */
MUST_CHECK int raw_of_json(const json_t *v, struct blob *out, struct err *err);
/* A file of RAW_BYTES_MAX at most that holds one value: JSON, or packed already. */
MUST_CHECK int raw_read(const char *path, struct blob *out, struct err *err);
/* A key's value in a packed map; empty: none. */
struct slice raw_get(struct slice map, const char *key);
/* A path that the daemon tells about its rounds.  RAW_NONE: it tells none, or one that has no
 * place in cap bytes. */
MUST_CHECK int raw_path(const struct show *s, const char *key, char *out, size_t cap,
    struct err *err);

#endif
