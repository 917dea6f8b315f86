/*
 * actions.h - actions where they are accepted (core/actqueue.h): `mesh action` and its
 * shortcuts, the queue on disk, its way to the leader, and the answer.
 *
 *   QUERY_ACTION  [number, retry?, uid]  -> "ok": an operator's word on one of that node's
 */
#ifndef IO_ACTIONS_H
#define IO_ACTIONS_H

#include "../core/actqueue.h"
#include "ctl.h"
#include "stream.h"

struct engine;

struct actions;

/* What is on disk into e->actions.  Negative: err->code. */
MUST_CHECK int actions_load(struct engine *e, struct err *err);
/* Once, when the loop is there. */
void actions_start(struct engine *e);
/* Of one that was loaded, and is under way no more. */
void actions_free(struct engine *e);
/* The mesh moved: is there another leader? */
void actions_look(struct engine *e);
/* A schedule is in force here: does it answer some? */
void actions_adopted(struct engine *e);
/* Each second. */
void actions_second(struct engine *e);

/* What `mesh status` says of those that wait for long: NULL = nothing. */
const char *actions_problem(const struct engine *e, char text[ERR_TEXT_CAP], const char **hint);
/* {pending, aside}: of this node. */
void actions_pack_count(const struct engine *e, msgpack_packer *pk);

/* mesh action ROLE NAME [K=V]..., --retry ID, --drop ID; mesh actions */
void actions_verb(struct engine *e, struct ctl_req *r);
void actions_list(struct engine *e, struct ctl_req *r);
void actions_serve(struct engine *e, const uint8_t *payload, size_t len,
    struct stream_answer *answer);

#endif
