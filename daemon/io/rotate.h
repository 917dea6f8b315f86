/*
 * rotate.h - `mesh keys`: how far a change of the cluster key is, begin one, and
 * the key of now for a host that is to join.  Any node takes it; what only the
 * leader knows is asked of it.
 */
#ifndef IO_ROTATE_H
#define IO_ROTATE_H

#include "ctl.h"
#include "stream.h"

struct engine;

void rotate_verb(struct engine *e, struct ctl_req *r);
/* The leader's side of QUERY_KEYS: [rotate?, node to pass over or ""]. */
void rotate_serve(struct engine *e, const uint8_t *payload, size_t len,
    struct stream_answer *answer);

#endif
