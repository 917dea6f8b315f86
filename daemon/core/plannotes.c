/*
 * plannotes.c - what a script says beside the plan: roles whose own error boundary
 * caught something, what was missing for a placement, what it asks of all nodes, and what it
 * replies to operators.
 */
#include <stdio.h>
#include <stdlib.h>

#include "actdone.h"
#include "plancheck.h"
#include "query.h"

static int
error_cmp(const void *a, const void *b)
{
	return strcmp(((const struct plan_error *)a)->role, ((const struct plan_error *)b)->role);
}

/* The text of an error: any length and any bytes, made harmless. */
static int
check_error_text(struct check *c, char *out, size_t cap)
{
	const char *s;
	size_t len;

	if (mp_peek(&c->w.r) != MP_STR)
		return walk_expected(&c->w, "a string");
	if (mp_str(&c->w.r, &s, &len) < 0)
		return walk_fail(&c->w, "broken bytes");
	err_escape(out, cap, s, len);
	return 0;
}

int
check_errors(struct check *c)
{
	struct plan *p = c->plan;
	uint32_t count;
	size_t was;

	if (walk_map(&c->w, &count) < 0)
		return -1;
	if (count > PLAN_ROLES_MAX)
		return walk_fail(&c->w, "%u errors, at most %d", count, PLAN_ROLES_MAX);
	p->errors = calloc(count + 1, sizeof *p->errors);
	if (p->errors == NULL)
		return walk_fail(&c->w, "out of memory");
	for (uint32_t i = 0; i < count; i++) {
		struct plan_error *e = &p->errors[i];

		if (check_name_key(c, "role", e->role, &was) < 0 ||
		    check_error_text(c, e->text, sizeof e->text) < 0)
			return -1;
		p->errors_count++;
		walk_pop(&c->w, was);
	}
	qsort(p->errors, count, sizeof *p->errors, error_cmp);
	return 0;
}

enum { M_IMAGE, M_NODE, M_ROLE, M_SANDBOX, M_WHAT, M_COUNT };

/* {role = "web", node = "n2", image = "web-v14"}, or sandbox, or what. */
static int
check_missing_row(struct check *c)
{
	static const char *const keys[M_COUNT] = {"image", "node", "role", "sandbox", "what"};
	char text[M_COUNT][VIEW_IMAGE_CAP];
	uint32_t count, seen = 0;
	size_t was;

	memset(text, 0, sizeof text);
	if (walk_map(&c->w, &count) < 0)
		return -1;
	for (uint32_t i = 0; i < count; i++) {
		int key = check_key(c, keys, M_COUNT, &seen, &was);
		int rc;

		if (key < 0)
			return -1;
		if (key == M_NODE || key == M_ROLE || key == M_SANDBOX)
			rc = check_name(c, text[key]);
		else
			rc = walk_text(&c->w, text[key], VIEW_IMAGE_CAP);
		if (rc < 0)
			return -1;
		walk_pop(&c->w, was);
	}
	if (text[M_ROLE][0] == '\0')
		return walk_fail(&c->w, "role is missing");
	if (text[M_IMAGE][0] != '\0')
		check_lacks(c->plan, text[M_NODE], text[M_ROLE], "image", text[M_IMAGE]);
	if (text[M_SANDBOX][0] != '\0')
		check_lacks(c->plan, text[M_NODE], text[M_ROLE], "sandbox", text[M_SANDBOX]);
	if (text[M_WHAT][0] != '\0')
		check_lacks(c->plan, text[M_NODE], text[M_ROLE], "", text[M_WHAT]);
	return 0;
}

int
check_missing(struct check *c)
{
	uint32_t count;
	size_t was;

	if (walk_list(&c->w, &count) < 0)
		return -1;
	for (uint32_t i = 0; i < count; i++) {
		was = walk_push_index(&c->w, i + 1);
		if (check_missing_row(c) < 0)
			return -1;
		walk_pop(&c->w, was);
	}
	return 0;
}

static int
check_expr(struct check *c)
{
	char expr[QUERY_EXPR_CAP];
	struct err why;

	if (walk_text(&c->w, expr, sizeof expr) < 0)
		return -1;
	return query_check(expr, &why) == 0 ? 0 : walk_fail(&c->w, "%s", why.text);
}

int
check_query(struct check *c)
{
	struct mp from = c->w.r;
	struct query_set set;
	char name[NAME_CAP];
	uint32_t count;
	size_t was;

	if (walk_map(&c->w, &count) < 0)
		return -1;
	if (count > VIEW_ANSWERS_MAX)
		return walk_fail(&c->w, "%u entries, at most %d", count, VIEW_ANSWERS_MAX);
	for (uint32_t i = 0; i < count; i++) {
		if (check_name_key(c, "query", name, &was) < 0 || check_expr(c) < 0)
			return -1;
		walk_pop(&c->w, was);
	}
	if (count == 0)
		return 0; /* {} may be a list of none */
	if (query_read((struct slice){from.buf + from.off, c->w.r.off - from.off}, &set) < 0)
		return walk_fail(&c->w, "a name is given twice, or out of memory");
	query_free(&set);
	c->w.r = from;
	return check_blob(c, true, &c->plan->query);
}

enum { R_OK, R_ROLES, R_TEXT, R_COUNT };

static int
check_reply_roles(struct check *c)
{
	char name[NAME_CAP];
	uint32_t count;
	size_t was;

	if (walk_list(&c->w, &count) < 0)
		return -1;
	if (count > ACTDONE_ROLES_MAX)
		return walk_fail(&c->w, "%u roles, at most %d", count, ACTDONE_ROLES_MAX);
	for (uint32_t i = 0; i < count; i++) {
		was = walk_push_index(&c->w, i + 1);
		if (check_name(c, name) < 0)
			return -1;
		walk_pop(&c->w, was);
	}
	return 0;
}

/* {ok = false, text = "no role 'wbe'"}; roles: those of a group that it named. */
static int
check_reply_map(struct check *c)
{
	static const char *const keys[R_COUNT] = {"ok", "roles", "text"};
	uint32_t count, seen = 0;
	const char *s;
	size_t was, len;
	bool ok;

	if (walk_map(&c->w, &count) < 0)
		return -1;
	for (uint32_t i = 0; i < count; i++) {
		int key = check_key(c, keys, R_COUNT, &seen, &was);

		if (key < 0)
			return -1;
		if (key == R_OK && (mp_peek(&c->w.r) != MP_BOOL || mp_bool(&c->w.r, &ok) < 0))
			return walk_expected(&c->w, "true or false");
		if (key == R_ROLES && check_reply_roles(c) < 0)
			return -1;
		if (key == R_TEXT && (mp_peek(&c->w.r) != MP_STR || mp_str(&c->w.r, &s, &len) < 0))
			return walk_expected(&c->w, "a string");
		walk_pop(&c->w, was);
	}
	if ((seen & 1u << R_TEXT) == 0)
		return walk_fail(&c->w, "text is missing");
	return 0;
}

/* Of any length: it is cut, and made one harmless line, when it is taken (actdone.h). */
int
check_replies(struct check *c)
{
	struct mp from = c->w.r;
	const char *key, *s;
	size_t was, len, n;
	uint32_t count;

	if (walk_map(&c->w, &count) < 0)
		return -1;
	for (uint32_t i = 0; i < count; i++) {
		if (walk_key(&c->w, &key, &len) < 0)
			return -1;
		was = walk_push(&c->w, key, len);
		if (len >= ACTION_ID_CAP)
			return walk_fail(&c->w, "that is no action's id");
		if (mp_peek(&c->w.r) == MP_MAP) {
			if (check_reply_map(c) < 0)
				return -1;
		} else if (mp_peek(&c->w.r) != MP_STR || mp_str(&c->w.r, &s, &n) < 0) {
			return walk_expected(&c->w, "a string, or {ok = false, text = ...}");
		}
		walk_pop(&c->w, was);
	}
	if (count == 0)
		return 0; /* {} may be a list of none */
	c->w.r = from;
	return check_blob(c, true, &c->plan->replies);
}
