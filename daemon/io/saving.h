/*
 * saving.h - what a node must still know after a crash: in which files it lies, and in
 * which order they are written.
 *
 *	store roster    who has a vote         \
 *	store evicted   who is out              > whole each, in this order, and only then
 *	keys            the cluster keys        |
 *	critical        all the rest           /  do the packets leave that depend on it
 *
 * A crash in between leaves some files newer than those behind them.  A roster, an
 * eviction or a key that was not yet acted upon is only news come early.
 */
#ifndef IO_SAVING_H
#define IO_SAVING_H

#include "../../gossip/saved.h"
#include "../base/err.h"

struct engine;

/* Everything of e->state_fd into e: identity, what was saved, keys, certificate, store
 * and the schedule kept.  Needs e->conf.  Negative: err->code, why not. */
MUST_CHECK int saving_open(struct engine *e, struct err *err);
/* Durable on return 0.  Else nothing that depends on it may be said: err says why. */
MUST_CHECK int saving_write(struct engine *e, const struct mesh_saved *s, struct err *err);

#endif
