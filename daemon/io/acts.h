/*
 * acts.h - what an operator asks of the leader: taken on any node, done by the
 * leader, at once when that is this node.  Each ends in an answer to the request.
 */
#ifndef IO_ACTS_H
#define IO_ACTS_H

#include "ctl.h"
#include "stream.h"

struct engine;

/* mesh apply --force STAMP */
void acts_apply(struct engine *e, struct ctl_req *r);
/* mesh leader --to NODE */
void acts_hand_over(struct engine *e, struct ctl_req *r, const char *node);

/* The leader's side: QUERY_FORCE and QUERY_HAND_OVER, text[len] as it came. */
void acts_serve(struct engine *e, uint8_t kind, const uint8_t *text, size_t len,
    struct stream_answer *answer);

/* This one may not write. */
void acts_refuse(struct ctl_req *r);

#endif
