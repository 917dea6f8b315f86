/*
 * plancheck.c - a script's answer, checked whole: the top of it and its roles.
 *
 * One pass over the bytes, filling the plan as it goes; the first thing that
 * is wrong ends it with a path, unless it is within a role's own part: then that role
 * has failed, and the others go on (planfailed.c).  What needs the whole plan (an id on two
 * nodes) is checked after the pass.  It stops for breath (plan_check_more)
 * between two keys of the top, and between two nodes.
 */
#include "plancheck.h"

#include <stdio.h>
#include <stdlib.h>

#include "../base/name.h"
#include "../base/own.h"
#include "exclusive.h"
#include "textkey.h"

/* None is near: all that there are, and where, since of the answer itself there is no path. */
static int
unknown_key(struct check *c, const char *word, const char *const *keys, size_t count)
{
	char known[200];
	size_t at = 0;

	for (size_t i = 0; i < count && at < sizeof known; i++)
		at += (size_t)snprintf(known + at, sizeof known - at, "%s%s", i > 0 ? ", " : "", keys[i]);
	return walk_fail(&c->w, "unknown key '%s'%s; known: %s", word,
	    c->w.depth == 0 ? " in the scheduler's answer" : "", known);
}

int
check_key(struct check *c, const char *const *keys, size_t count, uint32_t *seen, size_t *was)
{
	char word[WALK_KEY_CAP];
	const char *key, *better;
	size_t len;

	if (walk_key(&c->w, &key, &len) < 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		if (strlen(keys[i]) != len || memcmp(keys[i], key, len) != 0)
			continue;
		*was = walk_push(&c->w, key, len);
		if ((*seen & 1u << i) != 0)
			return walk_fail(&c->w, "given twice");
		*seen |= 1u << i;
		return (int)i;
	}
	err_escape(word, sizeof word, key, len);
	better = name_suggest(word, keys, count);
	if (better != NULL)
		return walk_fail(&c->w, "unknown key '%s'; did you mean '%s'?", word, better);
	return unknown_key(c, word, keys, count);
}

int
check_name_key(struct check *c, const char *kind, char *name, size_t *was)
{
	char word[WALK_KEY_CAP];
	const char *key;
	size_t len;

	if (walk_key(&c->w, &key, &len) < 0)
		return -1;
	if (!name_ok(key, len)) {
		err_escape(word, sizeof word, key, len);
		return walk_fail(&c->w, "%s '%s' must match [a-z0-9][a-z0-9_.-]{0,62}", kind, word);
	}
	memcpy(name, key, len);
	name[len] = '\0';
	*was = walk_push(&c->w, key, len);
	return 0;
}

int
check_name(struct check *c, char *out)
{
	char word[WALK_KEY_CAP];
	struct mp at = c->w.r;
	const char *s;
	size_t len;

	if (mp_peek(&at) != MP_STR || mp_str(&at, &s, &len) < 0)
		return walk_expected(&c->w, "a name");
	if (!name_ok(s, len)) {
		err_escape(word, sizeof word, s, len);
		return walk_fail(&c->w, "'%s' must match [a-z0-9][a-z0-9_.-]{0,62}", word);
	}
	return walk_text(&c->w, out, NAME_CAP);
}

int
check_blob(struct check *c, bool map, struct blob *out)
{
	struct mp was = c->w.r;
	struct slice bytes;
	uint32_t count;

	if (map) {
		if (walk_map(&c->w, &count) < 0)
			return -1;
		c->w.r = was;
		/* An empty list and an empty map are the same {}. */
		if (count == 0)
			return walk_value(&c->w, &bytes);
	}
	if (walk_value(&c->w, &bytes) < 0)
		return -1;
	return blob_copy(out, bytes) == 0 ? 0 : check_whole_fails(c, "out of memory");
}

/* Of how many templates, and in how many errors, one is proposed. */
enum { SUGGEST_TEMPLATES_MAX = 256, SUGGEST_ERRORS_MAX = 16 };

static int
check_split(struct check *c, enum plan_split *out)
{
	static const enum plan_split all[] = {PLAN_REPLACE, PLAN_KEEP, PLAN_EXCLUSIVE};
	char word[NAME_CAP], shown[WALK_KEY_CAP];

	if (walk_text(&c->w, word, sizeof word) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		if (strcmp(word, plan_split_name(all[i])) == 0) {
			*out = all[i];
			return 0;
		}
	err_escape(shown, sizeof shown, word, strlen(word));
	return walk_fail(&c->w, "'%s' is not a policy; allowed: replace, keep, exclusive", shown);
}

/* "; did you mean 'web/v2'?", or nothing. */
static void
suggest_template(const struct check *c, const char *word, char *out, size_t cap)
{
	const char *names[SUGGEST_TEMPLATES_MAX], *better;
	size_t count = c->world->templates_count;

	*out = '\0';
	/* To look for one costs, and an answer may be wrong in each of its roles. */
	if (c->failed_count >= SUGGEST_ERRORS_MAX || count > SUGGEST_TEMPLATES_MAX)
		return;
	for (size_t i = 0; i < count; i++)
		names[i] = c->world->templates[i].name;
	if ((better = name_suggest(word, names, count)) != NULL)
		snprintf(out, cap, "; did you mean '%s'?", better);
}

int
check_template(struct check *c, char name[VIEW_IMAGE_CAP], struct hash *hash)
{
	char word[WALK_KEY_CAP], better[VIEW_IMAGE_CAP + 24], known[200] = "none";
	size_t len = 0;

	if (walk_text(&c->w, name, VIEW_IMAGE_CAP) < 0)
		return -1;
	for (size_t i = 0; i < c->world->templates_count; i++) {
		const struct plan_template *t = &c->world->templates[i];

		if (strcmp(t->name, name) == 0) {
			*hash = t->hash;
			return 0;
		}
		if (len < sizeof known)
			len += (size_t)snprintf(
			    known + len, sizeof known - len, "%s%s", i > 0 ? ", " : "", t->name);
	}
	err_escape(word, sizeof word, name, strlen(name));
	suggest_template(c, word, better, sizeof better);
	return walk_fail(&c->w, "no such template '%s'%s (known: %s)", word, better, known);
}

static int
check_update(struct check *c, struct plan_role *role)
{
	if (check_blob(c, true, &role->update) < 0)
		return -1;
	if (plan_max_unavailable(role) != UINT32_MAX)
		return 0;
	(void)walk_push(&c->w, "max_unavailable", strlen("max_unavailable"));
	return walk_fail(&c->w, "must be a whole number from 1 to %d", PLAN_NODE_INSTANCES_MAX);
}

enum { R_ON_SPLIT, R_TEMPLATE, R_UPDATE, R_VARS, R_VERSION, R_COUNT };

static int
check_role(struct check *c, struct plan_role *role)
{
	static const char *const keys[R_COUNT] = {
	    "on_split", "template", "update", "vars", "version"};
	uint32_t count, seen = 0;
	size_t was;

	if (walk_map(&c->w, &count) < 0)
		return -1;
	for (uint32_t i = 0; i < count; i++) {
		int key = check_key(c, keys, R_COUNT, &seen, &was), rc;

		if (key < 0)
			return -1;
		if (key == R_ON_SPLIT)
			rc = check_split(c, &role->on_split);
		else if (key == R_TEMPLATE)
			rc = check_template(c, role->template_name, &role->template_hash);
		else if (key == R_UPDATE)
			rc = check_update(c, role);
		else if (key == R_VARS)
			rc = check_blob(c, true, &role->vars);
		else
			rc = check_name(c, role->version);
		if (rc < 0)
			return -1;
		walk_pop(&c->w, was);
	}
	if ((seen & 1u << R_ON_SPLIT) == 0)
		return walk_fail(&c->w, "on_split is missing; allowed: replace, keep, exclusive");
	return 0;
}

static int
role_cmp(const void *a, const void *b)
{
	return strcmp(((const struct plan_role *)a)->name, ((const struct plan_role *)b)->name);
}

static int
check_roles(struct check *c)
{
	struct plan *p = c->plan;
	uint32_t count;
	size_t was;

	if (walk_map(&c->w, &count) < 0)
		return -1;
	if (count > PLAN_ROLES_MAX)
		return walk_fail(&c->w, "%u roles, at most %d", count, PLAN_ROLES_MAX);
	p->roles = calloc(count + 1, sizeof *p->roles);
	if (p->roles == NULL)
		return walk_fail(&c->w, "out of memory");
	for (uint32_t i = 0; i < count; i++) {
		struct plan_role *role = &p->roles[i];
		struct mp from;

		if (check_name_key(c, "role", role->name, &was) < 0)
			return -1;
		p->roles_count++;
		from = c->w.r;
		if ((check_role(c, role) < 0 || check_role_size(c, &from) < 0) &&
		    check_role_failed(c, role->name, &from) < 0)
			return -1;
		walk_pop(&c->w, was);
	}
	qsort(p->roles, count, sizeof *p->roles, role_cmp);
	for (uint32_t i = 1; i < count; i++)
		if (strcmp(p->roles[i - 1].name, p->roles[i].name) == 0)
			return walk_fail(&c->w, "role '%s' given twice", p->roles[i].name);
	return 0;
}

enum {
	T_CHANGES, T_ERRORS, T_MISSING, T_NODES, T_QUERY, T_REPLIES, T_ROLES,
	T_STATE, T_VARS, T_WHY, T_COUNT
};

static int
check_top_value(struct check *c, int key)
{
	struct plan *p = c->plan;

	switch (key) {
	case T_CHANGES:
		return check_blob(c, false, &p->changes);
	case T_ERRORS:
		return check_errors(c);
	case T_MISSING:
		return check_missing(c);
	case T_QUERY:
		return check_query(c);
	case T_REPLIES:
		return check_replies(c);
	case T_ROLES:
		return check_roles(c);
	case T_STATE:
		return check_blob(c, false, &p->state);
	case T_VARS:
		return check_blob(c, true, &p->vars);
	default:
		return check_blob(c, true, &p->why);
	}
}

struct placed {
	struct textkey id;
	const char *node, *role;
};

static int
placed_cmp(const void *a, const void *b)
{
	const struct placed *x = a, *y = b;
	int c = textkey_cmp(&x->id, &y->id);

	return c != 0 ? c : strcmp(x->node, y->node);
}

/* An instance is in one place, or it is two instances: whose they are has failed. */
static int
check_unique(struct check *c)
{
	const struct plan *p = c->plan;
	AUTO_FREE struct placed *all = calloc(c->instances + 1, sizeof *all);
	size_t n = 0;

	if (all == NULL)
		return walk_fail(&c->w, "out of memory");
	for (size_t i = 0; i < p->nodes_count; i++)
		for (size_t k = 0; k < p->nodes[i].places_count; k++) {
			const struct plan_place *pl = &p->nodes[i].places[k];

			for (size_t m = 0; m < pl->instances_count; m++)
				all[n++] = (struct placed){
				    textkey_of(pl->instances[m].id), p->nodes[i].name, pl->role};
		}
	qsort(all, n, sizeof *all, placed_cmp);
	for (size_t i = 1; i < n; i++)
		if (textkey_cmp(&all[i - 1].id, &all[i].id) == 0) {
			(void)walk_fail(&c->w, "instance '%s' scheduled on %s and %s",
			    all[i].id.text, all[i - 1].node, all[i].node);
			if (check_failed(c, all[i - 1].role) < 0 || check_failed(c, all[i].role) < 0)
				return -1;
		}
	return 0;
}

/* A role on a node must be a role; said here, since the keys of the result
 * come in any order.  Both lists are sorted by name. */
static int
check_named_roles(struct check *c)
{
	const struct plan *p = c->plan;

	for (size_t i = 0; i < p->nodes_count; i++)
		for (size_t k = 0, r = 0; k < p->nodes[i].places_count; k++) {
			const char *role = p->nodes[i].places[k].role;

			while (r < p->roles_count && strcmp(p->roles[r].name, role) < 0)
				r++;
			if (r < p->roles_count && strcmp(p->roles[r].name, role) == 0)
				continue;
			(void)walk_fail(&c->w,
			    "nodes.%s.roles.%s: role '%s' is not in roles: give it a version and on_split there",
			    p->nodes[i].name, role, role);
			if (check_failed(c, role) < 0)
				return -1;
		}
	return 0;
}

/* Once for the whole: below, broken bytes can't hide behind a cursor. */
static int
check_whole(struct check *c)
{
	struct mp probe = c->w.r;

	if (check_world(c) < 0)
		return -1;
	if (mp_skip(&probe) < 0 || mp_end(&probe) < 0)
		return walk_fail(&c->w, "the scheduler's result is broken or nested deeper than %d",
		    PLAN_DEPTH_MAX);
	if (mp_peek(&c->w.r) != MP_MAP && mp_peek(&c->w.r) != MP_ARRAY)
		return walk_expected(&c->w, "the scheduler to return a table");
	c->at = CHECK_TOP;
	return walk_map(&c->w, &c->keys_left);
}

/* A key of the whole, and all that it has, but for nodes. */
static int
check_top(struct check *c)
{
	static const char *const keys[T_COUNT] = {"changes", "errors", "missing", "nodes", "query",
	    "replies", "roles", "state", "vars", "why"};
	size_t was;
	int key;

	if (c->keys_left == 0) {
		c->at = CHECK_REST;
		return 0;
	}
	c->keys_left--;
	if ((key = check_key(c, keys, T_COUNT, &c->seen, &was)) < 0)
		return -1;
	if (key == T_NODES) {
		c->back = was;
		c->at = CHECK_NODES;
		return check_nodes_begin(c);
	}
	if (check_top_value(c, key) < 0)
		return -1;
	walk_pop(&c->w, was);
	return 0;
}

static int
check_next(struct check *c)
{
	if (c->at != CHECK_NODES)
		return check_top(c);
	if (c->nodes_left > 0)
		return check_nodes_next(c);
	if (check_nodes_end(c) < 0)
		return -1;
	walk_pop(&c->w, c->back);
	c->at = CHECK_TOP;
	return 0;
}

/* What can be said only of all of it. */
static int
check_rest(struct check *c)
{
	if (check_named_roles(c) < 0)
		return -1;
	check_drop_failed(c);
	if (check_unique(c) < 0)
		return -1;
	check_drop_failed(c);
	return exclusive_check(c->plan, c->w.err) < 0 || check_tell_failed(c) < 0 ? -1 : 0;
}

/* 1: there is more. */
static int
check_piece(struct check *c)
{
	size_t from = c->w.r.off;
	int rc = 0;

	if (c->at == CHECK_WHOLE)
		return check_whole(c) < 0 ? -1 : 1;
	if (c->at == CHECK_REST)
		return check_rest(c);
	while (rc == 0 && c->at != CHECK_REST && c->w.r.off - from < PLAN_PIECE_BYTES)
		rc = check_next(c);
	return rc < 0 ? -1 : 1;
}

struct check *
plan_check_begin(const void *result, size_t len, const struct plan_world *world)
{
	struct check *c = calloc(1, sizeof *c);

	if (c == NULL)
		return NULL;
	walk_init(&c->w, (struct slice){result, len}, &c->why);
	c->world = world;
	c->plan = &c->made;
	return c;
}

int
plan_check_more(struct check *c, struct plan *out, struct err *err)
{
	int rc;

	memset(out, 0, sizeof *out);
	if ((rc = check_piece(c)) < 0 && err != NULL)
		*err = c->why;
	if (rc != 0)
		return rc;
	*out = c->made;
	memset(&c->made, 0, sizeof c->made);
	return 0;
}

void
plan_check_end(struct check *c)
{
	if (c == NULL)
		return;
	plan_free(&c->made);
	free(c->nodes);
	free(c->failed);
	free(c);
}

int
plan_check(const void *result, size_t len, const struct plan_world *world, struct plan *out,
    struct err *err)
{
	struct check *c = plan_check_begin(result, len, world);
	int rc = 1;

	memset(out, 0, sizeof *out);
	if (c == NULL)
		return err_set(err, 1, "out of memory");
	while (rc > 0)
		rc = plan_check_more(c, out, err);
	plan_check_end(c);
	return rc;
}
