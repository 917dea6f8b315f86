/*
 * scheduleplan.c - a schedule read back: as a plan for the rails and for
 * rendering, and as the nested maps that the next round's script is shown.
 */
#include <stdlib.h>

#include "../../gossip/mp.h"
#include "../base/scriptio.h"
#include "partcode.h"
#include "planpack.h"
#include "schedule.h"

enum { PARTS_AT_ONCE = 400 };

static int
read_part(const struct schedule *s, size_t i, struct plan *out)
{
	const struct blob *b = &s->data[i];
	int rc;

	if (b->len == 0)
		return 0;
	switch (s->parts[i].kind) {
	case SCHEDULE_ROLE:
		rc = schedule_read_role(&out->roles[out->roles_count], b->b, b->len);
		out->roles_count += rc == 0;
		return rc;
	case SCHEDULE_NODE:
		rc = schedule_read_node(&out->nodes[out->nodes_count], b->b, b->len);
		out->nodes_count += rc == 0;
		return rc;
	case SCHEDULE_PRIVATE:
		return partcode_read_private(out, b->b, b->len);
	}
	return -ERR_MALFORMED;
}

/* Every role's part carries the plan's own vars; the plan needs them once. */
static void
lift_globals(struct plan *out)
{
	for (size_t i = 0; i < out->roles_count; i++) {
		struct plan_role *r = &out->roles[i];

		if (out->vars.len == 0) {
			out->vars = r->globals;
			r->globals = (struct blob){0};
		}
		blob_free(&r->globals);
	}
}

int
schedule_plan_more(const struct schedule *s, size_t *at, struct plan *out)
{
	size_t end = *at + PARTS_AT_ONCE < s->parts_count ? *at + PARTS_AT_ONCE : s->parts_count;
	int rc = 0;

	if (*at == 0) {
		out->roles = calloc(s->parts_count + 1, sizeof *out->roles);
		out->nodes = calloc(s->parts_count + 1, sizeof *out->nodes);
		if (out->roles == NULL || out->nodes == NULL)
			rc = -ERR_FULL;
	}
	/* Sorted by kind: the private part finds all roles there. */
	for (; rc == 0 && *at < end; ++*at)
		rc = read_part(s, *at, out);
	if (rc < 0)
		plan_free(out);
	else if (*at < s->parts_count)
		return 1;
	else
		lift_globals(out);
	return rc;
}

int
schedule_plan(const struct schedule *s, struct plan *out)
{
	size_t at = 0;
	int rc = 1;

	memset(out, 0, sizeof *out);
	while (rc > 0)
		rc = schedule_plan_more(s, &at, out);
	return rc;
}

static void
pack_optional(struct pack *p, const char *key, const struct blob *value)
{
	if (value->len == 0)
		return;
	pack_str(p, key);
	pack_raw(p, blob_slice(value));
}

static void
pack_parent(struct pack *p, const struct schedule_meta *m, const struct plan *plan)
{
	static const char *const grades[] = {"none", "degraded", "full"};
	char stamp[STAMP_TEXT_CAP];

	stamp_text(&m->stamp, stamp);
	pack_map(p, 6u + (plan->changes.len > 0) + (plan->query.len > 0) + (plan->replies.len > 0) +
	    (plan->state.len > 0) + (plan->why.len > 0));
	pack_str(p, "at");
	pack_u64(p, m->at_ms);
	pack_optional(p, "changes", &plan->changes);
	pack_str(p, "grade");
	pack_str(p, (size_t)m->grade < ARRAY_LEN(grades) ? grades[m->grade] : grades[0]);
	pack_str(p, "nodes");
	planpack_nodes(p, plan);
	pack_optional(p, "query", &plan->query);
	pack_optional(p, "replies", &plan->replies);
	pack_str(p, "roles");
	planpack_roles(p, plan);
	pack_str(p, "stamp");
	pack_str(p, stamp);
	pack_optional(p, "state", &plan->state);
	pack_str(p, "vars");
	pack_raw_map(p, blob_slice(&plan->vars));
	pack_optional(p, "why", &plan->why);
}

int
schedule_pack_parent(const struct schedule_meta *m, const struct plan *plan, struct blob *out)
{
	struct pack p;

	pack_begin(&p, SCRIPT_IN_BYTES_MAX);
	pack_parent(&p, m, plan);
	return pack_end(&p, out);
}

int
schedule_to_parent(const struct schedule *s, struct blob *out)
{
	struct plan plan;
	int rc = schedule_plan(s, &plan);

	*out = (struct blob){0};
	if (rc < 0)
		return rc;
	rc = schedule_pack_parent(&s->meta, &plan, out);
	plan_free(&plan);
	return rc;
}

void
schedule_replies(const struct schedule *s, struct slice *out)
{
	enum { BEFORE = 7 }; /* format, kind, vars, state, query, changes, why */
	int i = schedule_find(s, SCHEDULE_PRIVATE, "");
	const uint8_t *b;
	uint32_t n;
	size_t len;
	struct mp r;

	*out = (struct slice){NULL, 0};
	if (i < 0 || s->data[i].len == 0)
		return;
	mp_init(&r, s->data[i].b, s->data[i].len, 2);
	if (mp_array(&r, &n) < 0 || n <= BEFORE)
		return;
	for (int k = 0; k < BEFORE; k++)
		if (mp_skip(&r) < 0)
			return;
	if (mp_bin(&r, &b, &len) == 0)
		*out = (struct slice){b, len};
}
