/*
 * past.h - mesh schedule: the schedule in force, the older ones that this node still has,
 * what a round gets now, what the shadow said; and where this host's recorded rounds are.
 * What only the leader knows is asked of it (QUERY_ROUND).
 */
#ifndef IO_PAST_H
#define IO_PAST_H

#include "ctl.h"
#include "stream.h"

struct engine;

enum { PAST_ASK_MS = 5000 };

/* By its argument `command`. */
void past_verb(struct engine *e, struct ctl_req *r);
/* The input alone, as mesh plan asks for it. */
void past_input(struct engine *e, struct ctl_req *r);
/* {dir, config_dir, recording, kept, left_out, failed, bytes, error} */
void past_rounds(struct engine *e, struct ctl_req *r);
void past_serve(struct engine *e, const uint8_t *payload, size_t len, struct stream_answer *answer);

#endif
