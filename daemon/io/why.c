/*
 * why.c - see why.h.  The chain of reasons is the script's own, of the schedule in force
 * here; rails and rows are the leader's view, problems those that name the instance, or its
 * role as a whole.
 */
#include "why.h"

#include <ctype.h>
#include <stdio.h>

#include "../base/name.h"
#include "engine.h"
#include "pack.h"
#include "status.h"
#include "viewing.h"

struct placed {
	const struct plan_node *node;
	const struct plan_place *place;
	const struct plan_instance *i;
};

static bool
find(const struct plan *p, const char *id, struct placed *out)
{
	for (size_t n = 0; n < p->nodes_count; n++)
		for (size_t k = 0; k < p->nodes[n].places_count; k++) {
			const struct plan_place *place = &p->nodes[n].places[k];

			for (size_t i = 0; i < place->instances_count; i++)
				if (strcmp(place->instances[i].id, id) == 0) {
					*out = (struct placed){&p->nodes[n], place, &place->instances[i]};
					return true;
				}
		}
	return false;
}

/* As a word of its own: "web.1" is none of "web.10". */
static bool
names(struct slice text, const char *word)
{
	size_t n = strlen(word);

	for (size_t at = 0; at + n <= text.len; at++) {
		bool begins = at == 0 || text.b[at - 1] == ' ' || text.b[at - 1] == '\'';
		uint8_t next = at + n < text.len ? text.b[at + n] : ' ';

		if (begins && memcmp(text.b + at, word, n) == 0 && !isalnum(next) && next != '.' &&
		    next != '-' && next != '_')
			return true;
	}
	return false;
}

static struct slice
text_of(struct slice row, const char *key)
{
	struct slice v = status_view_get(row, key);
	const char *s;
	struct mp mp;
	size_t n;

	mp_init(&mp, v.b, v.len, 1);
	return v.len > 0 && mp_str(&mp, &s, &n) == 0 ? (struct slice){(const uint8_t *)s, n} :
						       (struct slice){0};
}

struct asked {
	const char *id, *role;
};

static bool
is_row(struct slice row, const struct asked *a)
{
	return viewing_row_is(row, "instance", a->id);
}

static bool
is_held(struct slice row, const struct asked *a)
{
	return viewing_row_is(row, "role", a->role);
}

static bool
is_problem(struct slice row, const struct asked *a)
{
	struct slice text = text_of(row, "text");
	char role[NAME_CAP + 8];

	snprintf(role, sizeof role, "role %s", a->role);
	return names(text, a->id) || (a->role[0] != '\0' && names(text, role));
}

static uint32_t
pack_rows(struct slice view, const char *list, const char *key, const struct asked *a,
    bool (*is)(struct slice row, const struct asked *a), msgpack_packer *pk)
{
	struct viewing_rows rows = viewing_rows_of(view, list);
	msgpack_sbuffer buf;
	msgpack_packer mine;
	struct slice row;
	uint32_t n = 0;

	pk_begin(&buf, &mine);
	while (viewing_rows_next(&rows, &row))
		if (is(row, a)) {
			pk_raw(&mine, row.b, row.len);
			n++;
		}
	pk_str(pk, key);
	msgpack_pack_array(pk, n);
	if (n > 0)
		pk_raw(pk, buf.data, buf.size);
	msgpack_sbuffer_destroy(&buf);
	return n;
}

/* The role that an id begins with, if that failed: why, as `mesh status` says it, cut to what fits. */
static bool
role_failed(struct slice view, const char *id, char out[ERR_TEXT_CAP])
{
	struct viewing_rows rows = viewing_rows_of(view, "problems");
	struct slice row;

	while (viewing_rows_next(&rows, &row)) {
		struct slice text = text_of(row, "text");
		const uint8_t *colon = text.len > 5 ? memchr(text.b, ':', text.len) : NULL;
		size_t len = colon != NULL ? (size_t)(colon - text.b) : 0;

		if (len <= 5 || memcmp(text.b, "role ", 5) != 0 || strncmp(id, (const char *)text.b + 5, len - 5) != 0 ||
		    id[len - 5] != '.')
			continue;
		err_escape(out, ERR_TEXT_CAP, (const char *)text.b, text.len);
		return true;
	}
	return false;
}

/* The name that may be meant, of those scheduled. */
static void
unknown(const struct plan *p, struct ctl_req *r, struct slice view, const char *id)
{
	const char *near = NULL;
	char failed[ERR_TEXT_CAP];

	if (role_failed(view, id, failed)) {
		ctl_fail(r, 1, "mesh status", "why: no instance '%s' is scheduled or runs: %s", id, failed);
		return;
	}

	for (size_t n = 0; n < p->nodes_count; n++)
		for (size_t k = 0; k < p->nodes[n].places_count; k++)
			for (size_t i = 0; i < p->nodes[n].places[k].instances_count; i++) {
				const char *both[] = {p->nodes[n].places[k].instances[i].id, near};
				const char *best = name_suggest(id, both, near == NULL ? 1 : 2);

				near = best != NULL ? best : near;
			}
	ctl_fail(r, 1, "mesh ps", "why: no instance '%s' is scheduled or runs%s%s%s", id,
	    near != NULL ? "; did you mean '" : "", near != NULL ? near : "", near != NULL ? "'?" : "");
}

static bool
runs(struct slice view, const char *id, char role[NAME_CAP])
{
	struct viewing_rows rows = viewing_rows_of(view, "ps");
	struct slice row;

	while (viewing_rows_next(&rows, &row))
		if (viewing_row_is(row, "instance", id))
			return viewing_row_name(row, "role", role);
	return false;
}

static void
then_why(struct engine *e, struct ctl_req *r, struct slice view)
{
	const struct plan *p = &e->apply.plan;
	char id[NAME_CAP], stamp[STAMP_TEXT_CAP] = "", role_name[NAME_CAP] = "";
	struct placed at = {0};
	const struct plan_role *role;
	struct slice why;
	msgpack_packer *pk;

	if (!ctl_arg_str(r, "instance", id, sizeof id) || !name_ok(id, strlen(id))) {
		ctl_fail(r, EXIT_USAGE_, "mesh why INSTANCE", "why: that is no name of an instance");
		return;
	}
	if (!find(p, id, &at) && !runs(view, id, role_name)) {
		unknown(p, r, view, id);
		return;
	}
	if (at.place != NULL)
		snprintf(role_name, sizeof role_name, "%s", at.place->role);
	role = plan_role(p, role_name);
	if (e->keep.has)
		stamp_text(&e->keep.current.meta.stamp, stamp);
	pk = ctl_begin(r);
	msgpack_pack_map(pk, 13);
	pk_kstr(pk, "instance", id);
	pk_kbool(pk, "scheduled", at.i != NULL);
	pk_kstr(pk, "stamp", stamp);
	pk_kstr(pk, "role", role_name);
	pk_kstr(pk, "node", at.node != NULL ? at.node->name : "");
	pk_kstr(pk, "sandbox", at.place != NULL ? at.place->sandbox : "");
	pk_kstr(pk, "process", at.i != NULL ? at.i->process : "");
	pk_kstr(pk, "image", at.i != NULL ? at.i->image : "");
	pk_kstr(pk, "version", plan_version(role, at.place));
	why = status_view_get(blob_slice(&p->why), id);
	pk_str(pk, "why");
	if (why.len > 0)
		pk_raw(pk, why.b, why.len);
	else
		msgpack_pack_nil(pk);
	const struct asked a = {id, role_name};
	(void)pack_rows(view, "ps", "running", &a, is_row, pk);
	(void)pack_rows(view, "held", "held", &a, is_held, pk);
	(void)pack_rows(view, "problems", "problems", &a, is_problem, pk);
	ctl_end(r);
}

void
why_verb(struct engine *e, struct ctl_req *r)
{
	viewing_start(e, r, then_why);
}
