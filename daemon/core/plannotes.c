/*
 * plannotes.c - what the standard library says beside the plan: roles whose
 * own error boundary caught something, and what was missing for a placement.
 */
#include <stdio.h>
#include <stdlib.h>

#include "plancheck.h"

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
