/*
 * partcode.c - the parts of a schedule as bytes, and back.
 *
 * Positional arrays; what a script gave (vars, state) is embedded as bin, so
 * that a reader need not look inside and its depth does not add to ours.  A
 * reader still proves that an embedded value is one whole value: after it,
 * everybody may trust a blob.
 */
#include "partcode.h"

#include <stdlib.h>

#include "../base/name.h"
#include "pack.h"
#include "walk.h"

enum { PART_FORMAT = 1, PART_DEPTH_MAX = 8 };

/* --- writing ---------------------------------------------------------------- */

static void
put_blob(struct pack *p, struct slice b)
{
	pack_bin(p, b.b, b.len);
}

static void
begin(struct pack *p, enum schedule_kind kind, size_t fields)
{
	pack_begin(p, SCHEDULE_PART_BYTES_MAX);
	pack_list(p, fields);
	pack_u64(p, PART_FORMAT);
	pack_u64(p, (uint64_t)kind);
}

int
partcode_role(const struct plan_role *r, struct slice globals, struct blob *out)
{
	struct pack p;

	begin(&p, SCHEDULE_ROLE, 9);
	pack_str(&p, r->name);
	pack_str(&p, r->version);
	pack_str(&p, r->template_name);
	pack_bin(&p, r->template_hash.b, HASH_BYTES);
	pack_u64(&p, (uint64_t)r->on_split);
	put_blob(&p, blob_slice(&r->vars));
	put_blob(&p, globals);
	return pack_end(&p, out);
}

static void
put_place(struct pack *p, const struct plan_place *pl)
{
	pack_list(p, 4);
	pack_str(p, pl->role);
	pack_str(p, pl->sandbox);
	put_blob(p, blob_slice(&pl->vars));
	pack_list(p, pl->instances_count);
	for (size_t i = 0; i < pl->instances_count; i++) {
		const struct plan_instance *in = &pl->instances[i];

		pack_list(p, 4);
		pack_str(p, in->id);
		pack_str(p, in->process);
		pack_str(p, in->image);
		put_blob(p, blob_slice(&in->vars));
	}
}

/* Beside the places, where older nodes skip it. */
static void
put_codes(struct pack *p, const struct plan_node *n, size_t codes)
{
	pack_list(p, codes);
	for (size_t i = 0; i < n->places_count; i++) {
		const struct plan_code *code = n->places[i].code;

		if (code == NULL)
			continue;
		pack_list(p, 4);
		pack_str(p, n->places[i].role);
		pack_str(p, code->version);
		pack_str(p, code->template_name);
		pack_bin(p, code->template_hash.b, HASH_BYTES);
	}
}

int
partcode_node(const struct plan_node *n, struct blob *out)
{
	const struct node_id *holder = plan_holder(n);
	size_t codes = 0;
	struct pack p;

	for (size_t i = 0; i < n->places_count; i++)
		codes += n->places[i].code != NULL;
	begin(&p, SCHEDULE_NODE, 5u + (holder != NULL || codes > 0) + (codes > 0));
	pack_str(&p, n->name);
	put_blob(&p, blob_slice(&n->vars));
	pack_list(&p, n->places_count);
	for (size_t i = 0; i < n->places_count; i++)
		put_place(&p, &n->places[i]);
	if (holder != NULL || codes > 0)
		pack_bin(&p, n->holder.b, ID_BYTES);
	if (codes > 0)
		put_codes(&p, n, codes);
	return pack_end(&p, out);
}

static void
put_firsts(struct pack *p, const struct plan *plan)
{
	pack_list(p, plan->firsts_count);
	for (size_t i = 0; i < plan->firsts_count; i++) {
		pack_list(p, 2);
		pack_str(p, plan->firsts[i].name);
		pack_bin(p, plan->firsts[i].id.b, ID_BYTES);
	}
}

int
partcode_private(const struct plan *plan, bool cut, struct blob *out)
{
	struct pack p;
	size_t updates = 0;

	for (size_t i = 0; i < plan->roles_count; i++)
		updates += plan->roles[i].update.len > 0;
	begin(&p, SCHEDULE_PRIVATE, 9u + (plan->firsts_count > 0));
	put_blob(&p, blob_slice(&plan->vars));
	put_blob(&p, blob_slice(&plan->state));
	put_blob(&p, blob_slice(&plan->query));
	put_blob(&p, blob_slice(&plan->changes));
	put_blob(&p, cut ? (struct slice){0} : blob_slice(&plan->why));
	put_blob(&p, blob_slice(&plan->replies));
	pack_list(&p, updates);
	for (size_t i = 0; i < plan->roles_count; i++) {
		const struct plan_role *r = &plan->roles[i];

		if (r->update.len == 0)
			continue;
		pack_list(&p, 2);
		pack_str(&p, r->name);
		put_blob(&p, blob_slice(&r->update));
	}
	if (plan->firsts_count > 0)
		put_firsts(&p, plan);
	return pack_end(&p, out);
}

/* --- reading ---------------------------------------------------------------- */

/* [1, kind, ...] with at least so many fields; further ones are the caller's
 * to skip (close_part). */
static int
open_part(struct mp *r, const uint8_t *buf, size_t len, enum schedule_kind kind, uint32_t fields,
    uint32_t *more)
{
	uint64_t v;
	int rc;

	if (len > SCHEDULE_PART_BYTES_MAX)
		return -ERR_LONG;
	mp_init(r, buf, len, PART_DEPTH_MAX);
	if ((rc = mp_array(r, more)) < 0)
		return rc;
	if (*more < fields)
		return -ERR_MALFORMED;
	*more -= fields;
	if ((rc = mp_uint(r, &v)) < 0)
		return rc;
	if (v != PART_FORMAT)
		return -ERR_VERSION;
	if ((rc = mp_uint(r, &v)) < 0)
		return rc;
	return v == (uint64_t)kind ? 0 : -ERR_MALFORMED;
}

static int
close_part(struct mp *r, uint32_t more)
{
	for (; more > 0; more--) {
		int rc = mp_skip(r);

		if (rc < 0)
			return rc;
	}
	return mp_end(r);
}

static int
take_name(struct mp *r, char out[NAME_CAP])
{
	int rc = mp_cstr(r, out, NAME_CAP);

	if (rc < 0)
		return rc;
	return name_ok(out, strlen(out)) ? 0 : -ERR_MALFORMED;
}

/* An embedded value: empty, or one whole one (map: a map). */
static int
take_blob(struct mp *r, bool map, struct blob *out)
{
	struct slice s;
	struct mp in;
	int rc = mp_bin(r, &s.b, &s.len);

	if (rc < 0)
		return rc;
	if (s.len == 0)
		return 0;
	mp_init(&in, s.b, s.len, WALK_DEPTH_MAX);
	if (map && mp_peek(&in) != MP_MAP)
		return -ERR_MALFORMED;
	if ((rc = mp_skip(&in)) < 0 || (rc = mp_end(&in)) < 0)
		return rc;
	return blob_copy(out, s);
}

/* A version and a template, each may be none. */
static bool
code_ok(const char *version, const char *template)
{
	return (version[0] == '\0' || name_ok(version, strlen(version))) &&
	    (template[0] == '\0' || name_image_ok(template, strlen(template), PART_DEPTH_MAX));
}

static int
read_role(struct plan_role *out, const uint8_t *buf, size_t len)
{
	struct mp r;
	uint32_t more;
	uint64_t split;
	int rc;

	if ((rc = open_part(&r, buf, len, SCHEDULE_ROLE, 9, &more)) < 0 ||
	    (rc = take_name(&r, out->name)) < 0 ||
	    (rc = walk_cstr(&r, out->version, sizeof out->version)) < 0 ||
	    (rc = walk_cstr(&r, out->template_name, sizeof out->template_name)) < 0 ||
	    (rc = mp_bytes(&r, out->template_hash.b, HASH_BYTES)) < 0 ||
	    (rc = mp_uint_max(&r, PLAN_EXCLUSIVE, &split)) < 0 ||
	    (rc = take_blob(&r, true, &out->vars)) < 0 ||
	    (rc = take_blob(&r, true, &out->globals)) < 0)
		return rc;
	out->on_split = (enum plan_split)split;
	if (!code_ok(out->version, out->template_name))
		return -ERR_MALFORMED;
	return close_part(&r, more);
}

int
schedule_read_role(struct plan_role *out, const uint8_t *buf, size_t len)
{
	memset(out, 0, sizeof *out);
	int rc = read_role(out, buf, len);

	if (rc < 0)
		plan_role_free(out);
	return rc;
}

static int
take_fields(struct mp *r, uint32_t fields)
{
	uint32_t count;
	int rc = mp_array(r, &count);

	if (rc < 0)
		return rc;
	return count == fields ? 0 : -ERR_MALFORMED;
}

static int
take_instance(struct mp *r, struct plan_instance *in)
{
	int rc;

	if ((rc = take_fields(r, 4)) < 0 || (rc = take_name(r, in->id)) < 0 ||
	    (rc = take_name(r, in->process)) < 0 ||
	    (rc = mp_cstr(r, in->image, sizeof in->image)) < 0 ||
	    (rc = take_blob(r, true, &in->vars)) < 0)
		return rc;
	return name_image_ok(in->image, strlen(in->image), PART_DEPTH_MAX) ? 0 : -ERR_MALFORMED;
}

static int
take_place(struct mp *r, struct plan_place *pl)
{
	uint32_t count;
	int rc;

	if ((rc = take_fields(r, 4)) < 0 || (rc = take_name(r, pl->role)) < 0 ||
	    (rc = walk_cstr(r, pl->sandbox, sizeof pl->sandbox)) < 0 ||
	    (rc = take_blob(r, true, &pl->vars)) < 0 || (rc = mp_array(r, &count)) < 0)
		return rc;
	if (pl->sandbox[0] != '\0' ? !name_ok(pl->sandbox, strlen(pl->sandbox)) : count > 0)
		return -ERR_MALFORMED;
	if (count > PLAN_NODE_INSTANCES_MAX)
		return -ERR_RANGE;
	pl->instances = calloc(count + 1, sizeof *pl->instances);
	if (pl->instances == NULL)
		return -ERR_FULL;
	for (uint32_t i = 0; i < count; i++) {
		pl->instances_count++;
		if ((rc = take_instance(r, &pl->instances[i])) < 0)
			return rc;
		if (i > 0 && strcmp(pl->instances[i - 1].id, pl->instances[i].id) >= 0)
			return -ERR_MALFORMED;
	}
	return 0;
}

static int
take_code(struct mp *r, struct plan_node *out)
{
	char role[NAME_CAP];
	int rc;

	if ((rc = take_fields(r, 4)) < 0 || (rc = take_name(r, role)) < 0)
		return rc;
	struct plan_place *pl = (struct plan_place *)plan_place(out, role);

	if (pl == NULL || pl->code != NULL)
		return -ERR_MALFORMED;
	if ((pl->code = calloc(1, sizeof *pl->code)) == NULL)
		return -ERR_FULL;
	struct plan_code *code = pl->code;

	if ((rc = walk_cstr(r, code->version, sizeof code->version)) < 0 ||
	    (rc = walk_cstr(r, code->template_name, sizeof code->template_name)) < 0 ||
	    (rc = mp_bytes(r, code->template_hash.b, HASH_BYTES)) < 0)
		return rc;
	return code_ok(code->version, code->template_name) ? 0 : -ERR_MALFORMED;
}

static int
take_codes(struct mp *r, struct plan_node *out)
{
	uint32_t count;
	int rc = mp_array(r, &count);

	for (uint32_t i = 0; rc == 0 && i < count; i++)
		rc = take_code(r, out);
	return rc;
}

static int
read_node(struct plan_node *out, const uint8_t *buf, size_t len)
{
	uint32_t count, more;
	struct mp r;
	int rc;

	if ((rc = open_part(&r, buf, len, SCHEDULE_NODE, 5, &more)) < 0 ||
	    (rc = take_name(&r, out->name)) < 0 ||
	    (rc = take_blob(&r, true, &out->vars)) < 0 || (rc = mp_array(&r, &count)) < 0)
		return rc;
	if (count > PLAN_PLACES_MAX)
		return -ERR_RANGE;
	out->places = calloc(count + 1, sizeof *out->places);
	if (out->places == NULL)
		return -ERR_FULL;
	for (uint32_t i = 0; i < count; i++) {
		out->places_count++;
		if ((rc = take_place(&r, &out->places[i])) < 0)
			return rc;
		if (i > 0 && strcmp(out->places[i - 1].role, out->places[i].role) >= 0)
			return -ERR_MALFORMED;
	}
	if (more > 0) { /* older ones said nothing of it */
		if ((rc = mp_bytes(&r, out->holder.b, ID_BYTES)) < 0)
			return rc;
		more--;
	}
	if (more > 0) {
		if ((rc = take_codes(&r, out)) < 0)
			return rc;
		more--;
	}
	return close_part(&r, more);
}

int
schedule_read_node(struct plan_node *out, const uint8_t *buf, size_t len)
{
	memset(out, 0, sizeof *out);
	int rc = read_node(out, buf, len);

	if (rc < 0)
		plan_node_free(out);
	return rc;
}

/* The role may be gone from the plan (its part was not fetched): dropped. */
static int
take_update(struct mp *r, struct plan *out)
{
	struct blob update = {0};
	char name[NAME_CAP];
	int rc;

	if ((rc = take_fields(r, 2)) < 0 || (rc = take_name(r, name)) < 0 ||
	    (rc = take_blob(r, false, &update)) < 0)
		return rc;
	struct plan_role *role = (struct plan_role *)plan_role(out, name);

	if (role == NULL || role->update.len > 0) {
		blob_free(&update);
		return 0;
	}
	role->update = update;
	return 0;
}

static int
take_firsts(struct mp *r, struct plan *out)
{
	uint32_t count;
	int rc = mp_array(r, &count);

	if (rc < 0)
		return rc;
	if (count > PLAN_FIRSTS_MAX)
		return -ERR_RANGE;
	if ((out->firsts = calloc(count + 1, sizeof *out->firsts)) == NULL)
		return -ERR_FULL;
	for (uint32_t i = 0; i < count; i++) {
		struct plan_first *f = &out->firsts[i];

		if ((rc = take_fields(r, 2)) < 0 || (rc = take_name(r, f->name)) < 0 ||
		    (rc = mp_bytes(r, f->id.b, ID_BYTES)) < 0)
			return rc;
		if (i > 0 && strcmp(f[-1].name, f->name) >= 0)
			return -ERR_MALFORMED;
		out->firsts_count++;
	}
	return 0;
}

static int
read_private(struct plan *out, struct mp *r, uint32_t more)
{
	uint32_t count;
	int rc;

	if ((rc = take_blob(r, true, &out->vars)) < 0 ||
	    (rc = take_blob(r, false, &out->state)) < 0 ||
	    (rc = take_blob(r, false, &out->query)) < 0 ||
	    (rc = take_blob(r, false, &out->changes)) < 0 ||
	    (rc = take_blob(r, true, &out->why)) < 0 ||
	    (rc = take_blob(r, true, &out->replies)) < 0 || (rc = mp_array(r, &count)) < 0)
		return rc;
	for (uint32_t i = 0; i < count; i++)
		if ((rc = take_update(r, out)) < 0)
			return rc;
	if (more > 0) { /* only where two have one name */
		if ((rc = take_firsts(r, out)) < 0)
			return rc;
		more--;
	}
	return close_part(r, more);
}

int
partcode_read_private(struct plan *out, const uint8_t *buf, size_t len)
{
	struct mp r;
	uint32_t more;
	int rc = open_part(&r, buf, len, SCHEDULE_PRIVATE, 9, &more);

	blob_free(&out->vars);
	return rc < 0 ? rc : read_private(out, &r, more);
}

int
partcode_check(enum schedule_kind kind, const char *name, const uint8_t *buf, size_t len)
{
	struct plan plan = {0};
	struct plan_role role;
	struct plan_node node;
	bool right = true;
	int rc;

	if (kind == SCHEDULE_ROLE) {
		rc = schedule_read_role(&role, buf, len);
		right = rc == 0 && strcmp(role.name, name) == 0;
		plan_role_free(&role);
	} else if (kind == SCHEDULE_NODE) {
		rc = schedule_read_node(&node, buf, len);
		right = rc == 0 && strcmp(node.name, name) == 0;
		plan_node_free(&node);
	} else {
		rc = partcode_read_private(&plan, buf, len);
		plan_free(&plan);
	}
	return rc < 0 ? rc : right ? 0 : -ERR_MALFORMED;
}
