/*
 * planfailed.c - the error boundary of a role, on this side of the script: what is wrong
 * within a role's own part is that role's error.  It is left out of the plan, whole, so that
 * what it had stays (rail.h), and the check goes on behind it.
 *
 * The whole answer still fails for what is no role's: broken bytes, a key that is
 * no name, a name given twice, bounds of everything, no memory.
 */
#include <stdio.h>
#include <stdlib.h>

#include "plancheck.h"

int
check_whole_fails(struct check *c, const char *text)
{
	c->fatal = true;
	return walk_fail(&c->w, "%s", text);
}

/* Where it is in the sorted rows, or would be. */
static size_t
place_of(const struct check *c, const char *role, bool *found)
{
	size_t lo = 0, hi = c->failed_count;

	*found = false;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int cmp = strcmp(role, c->failed[mid].role);

		if (cmp == 0) {
			*found = true;
			return mid;
		}
		if (cmp < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return lo;
}

bool
check_has_failed(const struct check *c, const char *role)
{
	bool found;

	(void)place_of(c, role, &found);
	return found;
}

int
check_failed(struct check *c, const char *role)
{
	struct plan_error *more, *e;
	bool found;
	size_t at = place_of(c, role, &found);

	if (found)
		return 0; /* the first is told */
	if (c->failed_count == PLAN_ROLES_MAX)
		return -1;
	more = realloc(c->failed, (c->failed_count + 1) * sizeof *more);
	if (more == NULL)
		return check_whole_fails(c, "out of memory");
	c->failed = more;
	e = &more[at];
	memmove(e + 1, e, (c->failed_count++ - at) * sizeof *e);
	memset(e, 0, sizeof *e);
	e->refused = true;
	memcpy(e->role, role, strnlen(role, NAME_CAP - 1));
	memcpy(e->text, c->why.text, strnlen(c->why.text, ERR_TEXT_CAP - 1));
	return 0;
}

int
check_role_failed(struct check *c, const char *role, const struct mp *from)
{
	if (c->fatal)
		return -1;
	c->w.r = *from;
	if (mp_skip(&c->w.r) < 0)
		return check_whole_fails(c, "broken bytes");
	return check_failed(c, role);
}

int
check_role_size(struct check *c, const struct mp *from)
{
	size_t bytes = c->w.r.off - from->off;

	if (bytes <= PLAN_PART_BYTES_MAX)
		return 0;
	return walk_fail(&c->w, "%zu KiB, at most %d KiB; make its vars smaller", (bytes + 1023) >> 10,
	    PLAN_PART_BYTES_MAX >> 10);
}

/* The names in the map `roles` of a node that is not there: each has failed. */
static int
fail_stray_roles(struct check *c, size_t *failed)
{
	struct err why = c->why; /* each is told this */
	char name[NAME_CAP];
	uint32_t count;
	size_t was;

	if (walk_map(&c->w, &count) < 0)
		return -1;
	for (uint32_t i = 0; i < count; i++) {
		if (check_name_key(c, "role", name, &was) < 0)
			return -1;
		walk_pop(&c->w, was);
		c->why = why;
		if (mp_skip(&c->w.r) < 0 || check_failed(c, name) < 0)
			return -1;
		++*failed;
	}
	return 0;
}

static int
fail_strays(struct check *c, size_t *failed)
{
	struct err why = c->why;
	uint32_t count;
	const char *key;
	size_t len;

	if (walk_map(&c->w, &count) < 0)
		return -1;
	for (uint32_t i = 0; i < count; i++) {
		if (walk_key(&c->w, &key, &len) < 0)
			return -1;
		c->why = why;
		if (len == strlen("roles") && memcmp(key, "roles", len) == 0) {
			if (fail_stray_roles(c, failed) < 0)
				return -1;
		} else if (mp_skip(&c->w.r) < 0) {
			return -1;
		}
	}
	return 0;
}

int
check_stray(struct check *c)
{
	struct err why = c->why;
	size_t failed = 0, depth = c->w.depth;

	if (fail_strays(c, &failed) == 0 && failed > 0) {
		walk_pop(&c->w, depth);
		return 0;
	}
	if (!c->fatal)
		c->why = why; /* that it is not there is the first thing to know */
	return -1;
}

static void
drop_roles(struct check *c)
{
	struct plan *p = c->plan;
	size_t kept = 0;

	for (size_t i = 0; i < p->roles_count; i++)
		if (check_has_failed(c, p->roles[i].name))
			plan_role_free(&p->roles[i]);
		else
			p->roles[kept++] = p->roles[i];
	p->roles_count = kept;
}

static void
drop_places(struct check *c, struct plan_node *n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n->places_count; i++)
		if (check_has_failed(c, n->places[i].role))
			plan_place_free(&n->places[i]);
		else
			n->places[kept++] = n->places[i];
	n->places_count = kept;
}

void
check_drop_failed(struct check *c)
{
	if (c->failed_count == 0)
		return;
	drop_roles(c);
	for (size_t i = 0; i < c->plan->nodes_count; i++)
		drop_places(c, &c->plan->nodes[i]);
}

/* Both are sorted.  What the script says of a role itself is nearer the cause. */
int
check_tell_failed(struct check *c)
{
	struct plan *p = c->plan;
	struct plan_error *all;
	size_t n = 0, a = 0, b = 0;

	if (c->failed_count == 0)
		return 0;
	all = calloc(p->errors_count + c->failed_count, sizeof *all);
	if (all == NULL)
		return check_whole_fails(c, "out of memory");
	while (a < p->errors_count || b < c->failed_count) {
		int cmp = a == p->errors_count ? 1 :
		    b == c->failed_count       ? -1 :
						 strcmp(p->errors[a].role, c->failed[b].role);

		all[n++] = cmp <= 0 ? p->errors[a] : c->failed[b];
		a += cmp <= 0;
		b += cmp >= 0;
	}
	free(p->errors);
	p->errors = all;
	p->errors_count = n;
	return n <= PLAN_ROLES_MAX ? 0 : check_whole_fails(c, "errors: more roles failed than there may be");
}
