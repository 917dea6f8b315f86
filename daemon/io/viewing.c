/*
 * viewing.c - see viewing.h.  A new leader knows little until the first
 * reports are in; showing its empty table would make a working mesh look
 * broken, so until then the last good view stands.
 */
#include "viewing.h"

#include <stdlib.h>

#include "../base/name.h"
#include "engine.h"
#include "over.h"
#include "pack.h"
#include "status.h"
#include "wire.h"

struct viewing {
	struct engine *e;
	struct ctl_req *r;
	void (*then)(struct engine *e, struct ctl_req *r, struct slice view);
};

bool
viewing_row_is(struct slice row, const char *key, const char *text)
{
	struct slice v = status_view_get(row, key);
	const char *s;
	struct mp mp;
	size_t n;

	mp_init(&mp, v.b, v.len, 1);
	return v.len > 0 && mp_str(&mp, &s, &n) == 0 && n == strlen(text) &&
	    memcmp(s, text, n) == 0;
}

bool
viewing_row_name(struct slice row, const char *key, char out[NAME_CAP])
{
	struct slice v = status_view_get(row, key);
	struct mp mp;

	out[0] = '\0';
	mp_init(&mp, v.b, v.len, 1);
	return v.len > 0 && mp_cstr(&mp, out, NAME_CAP) == 0 && name_ok(out, strlen(out));
}

struct viewing_rows
viewing_rows_of(struct slice view, const char *key)
{
	struct viewing_rows r = {.rows = status_view_get(view, key)};

	mp_init(&r.mp, r.rows.b, r.rows.len, CTL_DEPTH_MAX);
	if (r.rows.len == 0 || mp_array(&r.mp, &r.left) < 0)
		r.left = 0;
	return r;
}

bool
viewing_rows_next(struct viewing_rows *r, struct slice *row)
{
	size_t from = r->mp.off;

	if (r->left == 0 || mp_skip(&r->mp) < 0)
		return false;
	r->left--;
	*row = (struct slice){r->rows.b + from, r->mp.off - from};
	return true;
}

bool
viewing_leader(const struct engine *e, struct node_id *out)
{
	struct mesh_side s;

	if (e->mesh == NULL)
		return false;
	mesh_side(e->mesh, net_now(), &s);
	if (!s.has_leader || id_eq(&s.leader, &e->identity.id))
		return false;
	*out = s.leader;
	return true;
}

bool
viewing_is_map(struct slice s)
{
	struct mp mp;

	mp_init(&mp, s.b, s.len, CTL_DEPTH_MAX - 4);
	return mp_peek(&mp) == MP_MAP && mp_skip(&mp) == 0 && mp_end(&mp) == 0;
}

static bool
is_fresh(struct slice view)
{
	struct slice v = status_view_get(view, "fresh");
	bool fresh = false;
	struct mp mp;

	mp_init(&mp, v.b, v.len, 1);
	return v.len > 0 && mp_bool(&mp, &fresh) == 0 && fresh;
}

/* Append the rows of view that are (or are not) of this node; how many. */
static uint32_t
take_rows(const struct engine *e, struct slice view, bool own, msgpack_packer *pk)
{
	struct viewing_rows rows = viewing_rows_of(view, "ps");
	struct slice row;
	uint32_t kept = 0;

	while (viewing_rows_next(&rows, &row)) {
		if (viewing_row_is(row, "node", e->conf.name) != own)
			continue;
		pk_raw(pk, row.b, row.len);
		kept++;
	}
	return kept;
}

/* theirs, but with this node's rows from own. */
static void
merge(const struct engine *e, struct slice theirs, struct slice own, msgpack_sbuffer *out)
{
	static const char *const keys[] = {"roles", "scheduler", "problems", "held", "shadow", "level", "actions"};
	msgpack_sbuffer rows;
	msgpack_packer pk;
	uint32_t n;

	msgpack_sbuffer_init(&rows);
	msgpack_packer_init(&pk, &rows, msgpack_sbuffer_write);
	n = take_rows(e, theirs, false, &pk);
	n += take_rows(e, own, true, &pk);
	msgpack_packer_init(&pk, out, msgpack_sbuffer_write);
	msgpack_pack_map(&pk, 1 + ARRAY_LEN(keys));
	pk_str(&pk, "ps");
	msgpack_pack_array(&pk, n);
	if (n > 0)
		pk_raw(&pk, rows.data, rows.size);
	msgpack_sbuffer_destroy(&rows);
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		struct slice v = status_view_get(theirs, keys[i]);

		pk_str(&pk, keys[i]);
		if (v.len > 0)
			pk_raw(&pk, v.b, v.len);
		else
			msgpack_pack_nil(&pk);
	}
}

static void
remember(struct engine *e, struct slice view)
{
	struct blob copy;

	if (blob_copy(&copy, view) < 0)
		return;
	blob_free(&e->last_view);
	e->last_view = copy;
	e->last_view_at = net_now();
}

static bool
has_leader(const struct engine *e)
{
	struct mesh_side s = {0};

	if (e->mesh != NULL)
		mesh_side(e->mesh, net_now(), &s);
	return s.has_leader;
}

/* theirs may be empty: then the last good one, then our own. */
static void
finish(struct viewing *v, struct slice theirs)
{
	struct engine *e = v->e;
	msgpack_sbuffer own, both;
	msgpack_packer pk;
	struct slice mine;

	msgpack_sbuffer_init(&own);
	msgpack_sbuffer_init(&both);
	msgpack_packer_init(&pk, &own, msgpack_sbuffer_write);
	status_pack_view(e, &pk);
	mine = (struct slice){(uint8_t *)own.data, own.size};
	if (theirs.len == 0 && is_fresh(mine))
		theirs = mine;
	if (theirs.len > 0 && is_fresh(theirs))
		remember(e, theirs);
	else if (e->last_view.len > 0 && has_leader(e) &&
	    net_now() - e->last_view_at < VIEWING_KEEP_MS)
		theirs = blob_slice(&e->last_view);
	if (theirs.len > 0) {
		merge(e, theirs, mine, &both);
		mine = (struct slice){(uint8_t *)both.data, both.size};
	}
	v->then(e, v->r, mine);
	msgpack_sbuffer_destroy(&own);
	msgpack_sbuffer_destroy(&both);
	free(v);
}

static void
on_view(void *arg, int rc, const uint8_t *data, size_t len)
{
	struct slice theirs = {data, rc == 0 ? len : 0};

	if (theirs.len > 0 && !viewing_is_map(theirs))
		theirs.len = 0;
	finish(arg, theirs);
}

void
viewing_start(struct engine *e, struct ctl_req *r,
    void (*then)(struct engine *, struct ctl_req *, struct slice))
{
	struct viewing *v = calloc(1, sizeof *v);
	static const struct over_question question = {
	    .kind = QUERY_VIEW, .timeout_ms = VIEWING_TIMEOUT_MS};
	struct node_id to;

	if (v == NULL) {
		ctl_fail(r, 1, "", "out of memory");
		return;
	}
	*v = (struct viewing){e, r, then};
	if (!viewing_leader(e, &to) ||
	    !over_ask(e, &to, &question, on_view, v))
		finish(v, (struct slice){NULL, 0});
}
