/*
 * actdone.h - replies to actions as a schedule carries them, in its private part: what a
 * leader answered, for the node that accepted it, and for the next leader, who gives none
 * of these to a round again (actqueue.h).
 *
 *   replies  {"n2.17": {at: ms, by: 32 hex digits, ok: true, text: "5 instances"}, ...}
 *
 * by is the id of the node, since a name may be another's tomorrow.  Scripts see it in
 * parents[i].replies.  A row goes when its node has it (actdesk.h), or after 72 h.
 */
#ifndef CORE_ACTDONE_H
#define CORE_ACTDONE_H

#include "action.h"

enum {
	ACTDONE_ROWS_MAX = 256, /* no more are added to a schedule */
	ACTDONE_READ_MAX = 1024, /* of several, after a heal */
	ACTDONE_NODE_MAX = 32, /* of one node */
	ACTDONE_ROLES_MAX = 64, /* that a reply names: those of a group */
};

struct actdone_row {
	char id[ACTION_ID_CAP];
	struct node_id by;
	uint64_t number; /* that of id */
	uint64_t at_ms;	 /* wall clock of the leader */
	bool ok;
	char text[ACTION_TEXT_CAP];
};

/* A zeroed one is valid: none. */
struct actdone {
	struct actdone_row *rows; /* owned; sorted by id; unique */
	size_t count;
};

/* Add what a schedule's replies say that is not there yet: rows of an older meshd, which
 * are none of these, are left out.  0 or -ERR_FULL (no memory). */
MUST_CHECK int actdone_read(struct actdone *d, struct slice replies);
MUST_CHECK int actdone_add(struct actdone *d, const struct actdone_row *row);
const struct actdone_row *actdone_find(const struct actdone *d, const char *id);
/* The same by who accepted it, whatever that node was called then. */
const struct actdone_row *actdone_of(const struct actdone *d, const struct node_id *by,
    uint64_t number);
void actdone_drop(struct actdone *d, size_t i);
/* How many are of that node. */
size_t actdone_count_of(const struct actdone *d, const struct node_id *by);
/* None: an empty blob. */
MUST_CHECK int actdone_pack(const struct actdone *d, struct blob *out);
void actdone_free(struct actdone *d);

/* Which roles a script's reply to that action says it was about; how many of them. */
size_t actdone_roles(struct slice replies, const char *id, char out[ACTDONE_ROLES_MAX][NAME_CAP]);
/* What a script replied to that action: "text", {ok=, text=}, or nothing.  replies was
 * checked by plan_check. */
void actdone_reply(struct slice replies, const char *id, bool *ok, char text[ACTION_TEXT_CAP]);

#endif
