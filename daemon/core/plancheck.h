/*
 * plancheck.h - what the files that check a script's answer share: the
 * walk, the world, and a reader of maps with known keys.  Private to core.
 */
#ifndef CORE_PLANCHECK_H
#define CORE_PLANCHECK_H

#include "plan.h"
#include "textkey.h"
#include "walk.h"

/* A node of the world by its name. */
struct check_node {
	struct textkey name;
	const struct view_node *node;
};

enum check_at { CHECK_WHOLE, CHECK_TOP, CHECK_NODES, CHECK_REST };

struct check {
	struct walk w;
	const struct plan_world *world;
	struct plan *plan, made; /* plan: made, until it is the caller's */
	enum check_at at;	 /* what the next piece begins with */
	uint32_t keys_left, nodes_left, seen;
	size_t back; /* from the nodes' path to the top's */
	struct check_node *nodes; /* who has not left; sorted by name */
	size_t nodes_count;
	size_t instances; /* so far, in the whole plan */
	struct err why;	  /* of w: the last thing that was wrong */
	bool fatal;	  /* and it is no role's: the whole answer fails */
	struct plan_error *failed; /* owned; sorted by role: what plan is to be without */
	size_t failed_count;
};

/* The next key of a map whose keys are known: its index in keys, or -1 with
 * "unknown key 'rolse'; did you mean 'roles'?".  *seen has a bit per index;
 * a repeated key is refused.  *was takes the path back (walk_pop). */
int check_key(struct check *c, const char *const *keys, size_t count, uint32_t *seen, size_t *was);
/* The next key of a map of names (kind: "role"); copied to name. */
int check_name_key(struct check *c, const char *kind, char *name, size_t *was);
/* A name as a value. */
int check_name(struct check *c, char *out);
/* A template that the leader has, and its hash. */
int check_template(struct check *c, char name[VIEW_IMAGE_CAP], struct hash *hash);
/* An opaque value, copied.  map: it must be one. */
int check_blob(struct check *c, bool map, struct blob *out);

/* Before check_nodes: c->nodes, to be freed. */
int check_world(struct check *c);
/* Its nodes: begin, each of nodes_left, end. */
int check_nodes_begin(struct check *c);
int check_nodes_next(struct check *c);
int check_nodes_end(struct check *c);
/* result.errors and result.missing, from the standard library. */
int check_errors(struct check *c);
int check_missing(struct check *c);
/* result.query: names, and expressions that every node can answer. */
int check_query(struct check *c);
/* result.replies: {[id of an action] = "text" or {ok = false, text = "text"}}. */
int check_replies(struct check *c);

/* "path: text", and no role answers for it; returns -1. */
int check_whole_fails(struct check *c, const char *text);
/* role's part, which begins at *from, was refused: c->why is its error, and the walk goes on
 * behind it (walk_pop is the caller's).  -1: it is not that role's alone. */
int check_role_failed(struct check *c, const char *role, const struct mp *from);
/* role's part, which began at *from, was read; it may be too large. */
int check_role_size(struct check *c, const struct mp *from);
/* As if its part had been: the error is c->why.  -1: there are too many, or no memory. */
int check_failed(struct check *c, const char *role);
bool check_has_failed(const struct check *c, const char *role);
/* The value of a node that is not there, as c->why says: who stands on it has failed.
 * -1: nobody does, or it is no such value. */
int check_stray(struct check *c);
/* What failed so far goes out of the plan; after it is put into its errors. */
void check_drop_failed(struct check *c);
int check_tell_failed(struct check *c);
/* Note that a node lacks something; repeated ones are dropped. */
void check_lacks(struct plan *p, const char *node, const char *role, const char *kind,
    const char *what);

#endif
