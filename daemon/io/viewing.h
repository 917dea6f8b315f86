/*
 * viewing.h - get the view of status.h for an answer: the leader's when it
 * answers and is fresh in office, else the last one that was, else what this
 * node knows itself; and in every case this node's own containers as this node
 * sees them.
 */
#ifndef IO_VIEWING_H
#define IO_VIEWING_H

#include "../../gossip/mp.h"
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
/* A list of a view, row by row; a malformed one ends early. */
struct viewing_rows {
	struct slice rows;
	struct mp mp;
	uint32_t left;
};
struct viewing_rows viewing_rows_of(struct slice view, const char *key);
/* False: that were all.  row borrows from the view. */
bool viewing_rows_next(struct viewing_rows *r, struct slice *row);
/* A row's value of key, when it is a name. */
bool viewing_row_name(struct slice row, const char *key, char out[NAME_CAP]);
/* Is this row's value of key that text? */
bool viewing_row_is(struct slice row, const char *key, const char *text);

#endif
