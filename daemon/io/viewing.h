/*
 * viewing.h - get the view of status.h for an answer: the leader's when it
 * answers and is fresh in office, else the last one that was, else what this
 * node knows itself; and in every case this node's own containers as this node
 * sees them.
 */
#ifndef IO_VIEWING_H
#define IO_VIEWING_H

#include "../core/blob.h"
#include "ctl.h"

struct engine;

enum { VIEWING_TIMEOUT_MS = 700, VIEWING_KEEP_MS = 10000 };

/* then is called exactly once, maybe at once; view is good for the call only. */
void viewing_start(struct engine *e, struct ctl_req *r,
    void (*then)(struct engine *e, struct ctl_req *r, struct slice view));
/* Exactly one sane map, so that a peer's bytes may go on to the CLI? */
bool viewing_is_map(struct slice s);
/* The leader, when it is another node. */
bool viewing_leader(const struct engine *e, struct node_id *out);
/* Is this row's value of key that text? */
bool viewing_row_is(struct slice row, const char *key, const char *text);

#endif
