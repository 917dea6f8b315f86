/*
 * keep.h - the schedules this node holds: the one in force, and what the store
 * has of older ones.  A schedule is durable here before the mesh is told that
 * it was applied, and before anybody is told where to fetch it.
 */
#ifndef IO_KEEP_H
#define IO_KEEP_H

#include "../core/schedule.h"
#include "store.h"

enum { KEEP_HISTORY = 8 };

struct keep {
	struct store *store;
	const struct crypto *crypto;
	bool has;
	struct schedule current;
	struct hash base; /* of what was in force before it, */
	uint8_t *fresh;	  /* owned; a byte for each of its parts: 1, base had it not.  NULL: unknown */
	struct hash history[KEEP_HISTORY]; /* newest first, [0] = current */
	size_t history_count;
};

/* Load what was in force.  A schedule that is not whole is left out with a
 * warning: the mesh gives it back.  Fails only when the store does. */
MUST_CHECK int keep_load(struct keep *k, struct store *store, const struct crypto *c,
    struct err *err);
void keep_free(struct keep *k);
/* Make s durable and current; takes it (s is empty afterwards) also on failure. */
MUST_CHECK int keep_set(struct keep *k, struct schedule *s, struct err *err);
/* 1 and malloc'd bytes when this node holds that header or part; 0 if not. */
MUST_CHECK int keep_header(struct keep *k, const struct hash *hash, uint8_t **out, size_t *len,
    struct err *err);
MUST_CHECK int keep_part(struct keep *k, const struct hash *hash, uint8_t **out, size_t *len,
    struct err *err);
/* One of those kept, by its header's hash or its stamp's text, whole: 1 and a schedule to free;
 * 0: it is not here, or not whole. */
MUST_CHECK int keep_old(struct keep *k, const struct hash *hash, struct schedule *out,
    struct err *err);
/* Its header, and the private part if that is here: what `mesh schedule history` shows. */
MUST_CHECK int keep_head(struct keep *k, const struct hash *hash, struct schedule *out,
    struct err *err);
MUST_CHECK int keep_find(struct keep *k, const char *stamp, struct schedule *out, struct err *err);
/* Fill in the parts of s that this node holds already. */
MUST_CHECK int keep_fill(struct keep *k, struct schedule *s, struct err *err);

#endif
