/*
 * actlead.h - actions at the leader (core/actdesk.h): what nodes hand over, what a round is
 * given, and the replies that its schedule carries.
 *
 *   QUERY_ACTIONS  pk 32 | signature 64 | bundle   -> what is said of each (core/action.h)
 *
 * A bundle is signed by the node that accepted what is in it, for this leader in this term
 * (core/actsign.h).  It is taken of who has a vote, and an older one than the last changes
 * nothing.  Such a node, gone bad, can send actions of its own making, as many as its share
 * of the desk, until `mesh evict`: each is in `mesh events`, with the node it came from.
 */
#ifndef IO_ACTLEAD_H
#define IO_ACTLEAD_H

#include <msgpack.h>

#include "../core/actdesk.h"
#include "../core/plan.h"
#include "stream.h"

struct engine;

struct actlead {
	struct actdesk desk;
	struct actdone done; /* of all that the next schedule comes from, pruned */
	struct action_bundle bundle; /* the last that came; words: what was said to it */
	struct action_words words;
	msec said; /* when the log was told of one that was refused; 0 = never */
};

/* NULL: no memory. */
struct actlead *actlead_new(void);
void actlead_free(struct actlead *l); /* NULL is fine */
/* Office taken or lost. */
void actlead_clear(struct engine *e);
/* A signed bundle, body[len] after its head, of this node or another: 0, or a negative ERR_
 * and nothing was taken.  What is said is in words. */
MUST_CHECK int actlead_take(struct engine *e, const uint8_t *payload, size_t len);
void actlead_serve(struct engine *e, const uint8_t *payload, size_t len,
    struct stream_answer *answer);
/* That member left, or was put out. */
void actlead_gone(struct engine *e, const struct node_id *id);

/* A round begins: what its script is given, borrowed until the next turn of the loop.  0, or
 * -ERR_FULL without memory. */
MUST_CHECK int actlead_give(struct engine *e, const struct actdesk_item *out[ACTDESK_ROUND_MAX],
    size_t *count);
/* Its script's replies become what the schedule carries.  0, or a negative ERR_. */
MUST_CHECK int actlead_replies(struct engine *e, struct plan *plan);
/* ACTDESK_ISSUED: after actlead_replies, and the schedule is durable. */
void actlead_ended(struct engine *e, enum actdesk_end how, const char *error);

/* Roles that operators acted on, in the round that ends with plan (last: before it, may be
 * NULL) or within the last minute; of a group those that its reply names. */
size_t actlead_acted(struct engine *e, const struct plan *plan, const struct plan *last,
    const char *out[ACTDESK_ROLES_MAX]);

/* Of those set aside: how many there are; text: of the i-th, and how it is resolved. */
size_t actlead_aside(const struct engine *e);
bool actlead_aside_line(const struct engine *e, size_t i, char text[ERR_TEXT_CAP], char hint[ERR_TEXT_CAP]);
/* [{id, action, by, node, state, tries, at_ms, text}], as `mesh actions` shows them. */
void actlead_pack(const struct engine *e, msgpack_packer *pk);
/* One such row. */
void actlead_pack_row(const char *id, const char *node, const struct action *a, const char *state,
    msgpack_packer *pk);

#endif
