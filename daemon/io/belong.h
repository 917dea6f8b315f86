/*
 * belong.h - who belongs to this cluster, as its operators say: `mesh evict`, and
 * what lies on disk of it.
 */
#ifndef IO_BELONG_H
#define IO_BELONG_H

#include "../../gossip/mesh.h"
#include "ctl.h"

struct engine;

/* Those who are out, as the store has them, into e->saved.  Negative: err->code. */
MUST_CHECK int belong_load(struct engine *e, struct err *err);
/* Durable, when they are more than last time.  Negative: err->code. */
MUST_CHECK int belong_save(struct engine *e, const struct mesh_saved *s, struct err *err);
/* This node was put out, or another is who it says it is: it starts nothing new,
 * and of what it runs only `keep` work goes on. */
bool belong_is_out(const struct engine *e);
/* What `mesh status` says of that, and of a copy of this node: NULL when there is
 * nothing to say.  May write text. */
const char *belong_problem(const struct engine *e, char text[ERR_TEXT_CAP], const char **hint);
/* That node asks to be let in: nobody will, so r is answered with the reason and the way
 * out, and nothing is remembered.  Not: who left, whom an operator may bring back. */
bool belong_refuses(const struct engine *e, struct ctl_req *r);
/* How many go by that name or id; *out is the last of them. */
uint32_t belong_named(const struct engine *e, const char *who, struct mesh_member *out);
/* Does that name, or id or the first 8 or more digits of one, mean this member? */
bool belong_is(const struct mesh_member *m, const char *who);
/* Of those that `who` means the one that is up, or (down) that is dead; of none of them
 * the best of the others.  0: nobody; 1: *out; -1: two are as good, and r is answered with
 * the ids of both. */
int belong_pick(const struct engine *e, struct ctl_req *r, const char *who, bool down,
    struct mesh_member *out);
/* Whom `node` of a request means, a name or an id; false: nobody, or many: answered. */
bool belong_find(const struct engine *e, struct ctl_req *r, const char *verb,
    struct mesh_member *out);
/* mesh evict NODE: a name, or an id or the first 8 or more digits of one. */
void belong_evict(struct engine *e, struct ctl_req *r);

#endif
