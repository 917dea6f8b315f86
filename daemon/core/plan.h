/*
 * plan.h - a script's answer, checked whole against the world and turned into
 * plain structs: what should run where.  The answer is hostile; after
 * plan_check nobody has to ask again whether a name is a name.
 *
 * Also the parts of a schedule decode to these: a node's part is a struct
 * plan_node, a role's part a struct plan_role (schedule.h).
 */
#ifndef CORE_PLAN_H
#define CORE_PLAN_H

#include "../base/err.h"
#include "blob.h"
#include "view.h"

enum {
	PLAN_ROLES_MAX = 1024,
	PLAN_NODES_MAX = 8192,
	PLAN_PLACES_MAX = 256,	     /* roles on a node */
	PLAN_NODE_INSTANCES_MAX = 1000,
	PLAN_INSTANCES_MAX = 100000, /* of the whole plan */
	PLAN_DEPTH_MAX = 32,
	PLAN_MISSING_MAX = 1000,     /* more are counted only */
	PLAN_FIRSTS_MAX = 256,
	PLAN_PIECE_BYTES = 128 << 10,
	PLAN_PART_BYTES_MAX = 511 << 10, /* of a role, or of its share of a node: fits a part */
};

enum plan_split { PLAN_REPLACE, PLAN_KEEP, PLAN_EXCLUSIVE };

struct plan_instance {
	char id[NAME_CAP]; /* ROLE.N or ROLE.KEY, unique in the plan */
	char process[NAME_CAP];
	char image[VIEW_IMAGE_CAP];
	struct blob vars; /* packed map; empty = none */
};

/* What a role is made from on one node, while an update goes round. */
struct plan_code {
	char version[NAME_CAP];		    /* "" = the role's */
	char template_name[VIEW_IMAGE_CAP]; /* "" = the role's */
	struct hash template_hash;
};

/* A role on a node. */
struct plan_place {
	char role[NAME_CAP], sandbox[NAME_CAP];
	struct plan_code *code; /* owned; NULL: as the role */
	struct blob vars;
	struct plan_instance *instances; /* sorted by id */
	size_t instances_count;
};

struct plan_node {
	char name[NAME_CAP];
	struct node_id holder; /* whose it is, of all who have that name; zero: anybody's */
	struct blob vars;
	struct plan_place *places; /* sorted by role */
	size_t places_count;
};

struct plan_role {
	char name[NAME_CAP];
	char version[NAME_CAP];		   /* "" = none named */
	char template_name[VIEW_IMAGE_CAP]; /* "" = nothing is rendered */
	struct hash template_hash;	   /* zero if no template */
	enum plan_split on_split;
	struct blob vars;
	struct blob update;  /* opaque, comes back through parents */
	struct blob globals; /* only in a part read alone: the plan's vars */
};

/* Of several nodes with one name the one that had it first: the name is its own
 * whenever it is there, whoever leads. */
struct plan_first {
	char name[NAME_CAP];
	struct node_id id;
};

struct plan_missing {
	char node[NAME_CAP]; /* "" = on every node */
	char role[NAME_CAP];
	char what[VIEW_IMAGE_CAP + 16]; /* "image web-v14", "sandbox web" */
};

/* The script's own error boundary caught this role's error, or plan_check: then the plan is
 * without the role, and rail.h gives it what it had. */
struct plan_error {
	char role[NAME_CAP];
	char text[ERR_TEXT_CAP];
	bool refused; /* it was plan_check */
};

struct plan {
	struct plan_role *roles; /* sorted by name */
	size_t roles_count;
	struct plan_node *nodes; /* sorted by name; only those with a part */
	size_t nodes_count;
	struct blob vars; /* of everything, lowest priority */
	struct blob state, query, changes, why, replies; /* packed; may be empty */
	struct plan_first *firsts; /* sorted by name */
	size_t firsts_count;
	struct plan_missing *missing;
	size_t missing_count, missing_more;
	struct plan_error *errors; /* sorted by role */
	size_t errors_count;
};

/* What the leader's own templates/ tree holds: DIR relative to it, its hash. */
struct plan_template {
	char name[VIEW_IMAGE_CAP];
	struct hash hash;
};

struct plan_world {
	const struct view_node *nodes; /* any order; names unique */
	size_t nodes_count;
	const struct plan_template *templates;
	size_t templates_count;
};

/* result = the `result` of meshd-script's answer, one msgpack value.  0 and a
 * plan to plan_free, or -1 and one line with a path in it
 * ("nodes.zz: no such node (known: a, b, c)"); *out is then empty.  What is wrong
 * within a role is that role's row in out->errors. */
int plan_check(const void *result, size_t len, const struct plan_world *world,
    struct plan *out, struct err *err);
/* The same in pieces, for who has others to serve meanwhile: each is some
 * PLAN_PIECE_BYTES of the answer, or the largest value in it.  result and world
 * are borrowed until the end. */
struct check;
struct check *plan_check_begin(const void *result, size_t len,
    const struct plan_world *world); /* NULL: no memory */
/* 1: there is more of it; 0 or -1: that was all, and *out and *err are as plan_check's. */
MUST_CHECK int plan_check_more(struct check *c, struct plan *out, struct err *err);
void plan_check_end(struct check *c); /* after any piece; NULL is fine */
void plan_free(struct plan *p);
void plan_node_free(struct plan_node *n);
void plan_role_free(struct plan_role *r);

const struct plan_role *plan_role(const struct plan *p, const char *name);
const struct plan_node *plan_node(const struct plan *p, const char *name);
/* Who had that name first, as far as this plan says; NULL: it does not. */
const struct node_id *plan_first(const struct plan *p, const char *name);
/* Whose that part is; NULL: anybody's who has the name. */
const struct node_id *plan_holder(const struct plan_node *n);
const struct plan_place *plan_place(const struct plan_node *n, const char *role);
/* Of a role on a node: what the place says, else the role.  Either may be NULL; borrowed. */
const char *plan_version(const struct plan_role *r, const struct plan_place *pl);
/* hash: of that template, may be NULL; "" = nothing is rendered. */
const char *plan_template(const struct plan_role *r, const struct plan_place *pl,
    const struct hash **hash);
void plan_place_free(struct plan_place *pl);
/* update.max_unavailable: how many of its instances on one host may be down at
 * once for a change.  0: it is not said; UINT32_MAX: it is no number from 1 on. */
uint32_t plan_max_unavailable(const struct plan_role *r);
const char *plan_split_name(enum plan_split s);
/* "role 'web' takes 3900 KiB in 40 instances, role 'front' 12 KiB in 3 instances": the three that take
 * most, of all or (only, one of its nodes) on one; "" if none takes anything. */
void plan_largest(const struct plan *p, const struct plan_node *only, char *out, size_t cap);

#endif
