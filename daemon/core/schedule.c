/*
 * schedule.c - signing a plan, opening what was signed, and holding its parts.
 *
 * The header is the only thing that is signed and announced; it names every
 * part by hash, so a part may come from anybody.
 */
#include "schedule.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "../base/name.h"
#include "../base/own.h"
#include "pack.h"
#include "partcode.h"
#include "walk.h"

enum { HEADER_FORMAT = 1, HEADER_DEPTH_MAX = 4 };

/* A signature under this never is one under anything else. */
static const char domain[] = "mesh schedule 1\n";

void
stamp_text(const struct stamp *s, char out[STAMP_TEXT_CAP])
{
	snprintf(out, STAMP_TEXT_CAP, "%" PRIu64 ".%02x%02x%02x%02x.%" PRIu64, s->term,
	    s->leader.b[0], s->leader.b[1], s->leader.b[2], s->leader.b[3], s->seq);
}

void
schedule_free(struct schedule *s)
{
	for (size_t i = 0; s->data != NULL && i < s->parts_count; i++)
		blob_free(&s->data[i]);
	free(s->data);
	free(s->parts);
	blob_free(&s->header);
	memset(s, 0, sizeof *s);
}

static bool
leader_is(const struct schedule_meta *m, const struct crypto *c)
{
	struct hash h;

	c->hash(c->arg, &h, m->pk, KEY_BYTES);
	return memcmp(h.b, m->stamp.leader.b, ID_BYTES) == 0;
}

/* What is signed: the domain, then the body. */
static int
signed_bytes(struct slice body, struct blob *out)
{
	out->len = sizeof domain - 1 + body.len;
	out->b = malloc(out->len);
	if (out->b == NULL)
		return -ERR_FULL;
	memcpy(out->b, domain, sizeof domain - 1);
	memcpy(out->b + sizeof domain - 1, body.b, body.len);
	return 0;
}

/* --- building ----------------------------------------------------------------- */

/* What to do is the same for each: what many share is said once, and what is large is no variable. */
static int
too_large(const struct plan *plan, const struct plan_node *only, const char *what, struct err *err)
{
	char largest[300];

	plan_largest(plan, only, largest, sizeof largest);
	return err_set(err, 1, "schedule: %s%s%s; what instances share belongs into their role's vars, once, large data into an image",
	    what, largest[0] != '\0' ? ": " : "", largest);
}

/* Move a packed part into the table; rows come in order. */
static int
add_part(struct schedule *s, enum schedule_kind kind, const char *name, int rc,
    struct blob *bytes, const struct crypto *c, struct err *err)
{
	static const char *const kinds[] = {
	    [SCHEDULE_ROLE] = "role", [SCHEDULE_NODE] = "node", [SCHEDULE_PRIVATE] = "private part"};

	if (rc == -ERR_LONG)
		return err_set(err, 1,
		    "schedule: %s '%s' packs to more than %d KiB, the limit of a part; make its vars or state smaller",
		    kinds[kind], name, SCHEDULE_PART_BYTES_MAX >> 10);
	if (rc != 0)
		return err_set(err, 1, "schedule: %s '%s': out of memory", kinds[kind], name);
	struct schedule_part *row = &s->parts[s->parts_count];

	row->kind = kind;
	memcpy(row->name, name, strlen(name) + 1);
	row->bytes = (uint32_t)bytes->len;
	c->hash(c->arg, &row->hash, bytes->b, bytes->len);
	s->data[s->parts_count++] = *bytes;
	return 0;
}

static int
build_parts(struct schedule *s, const struct plan *plan, const struct crypto *c, struct err *err)
{
	size_t all = plan->roles_count + plan->nodes_count + 1;
	char what[NAME_CAP + 80];
	struct blob b;
	int rc;

	s->parts = calloc(all, sizeof *s->parts);
	s->data = calloc(all, sizeof *s->data);
	if (s->parts == NULL || s->data == NULL)
		return err_set(err, 1, "schedule: out of memory");
	for (size_t i = 0; i < plan->roles_count; i++) {
		rc = partcode_role(&plan->roles[i], blob_slice(&plan->vars), &b);
		if (add_part(s, SCHEDULE_ROLE, plan->roles[i].name, rc, &b, c, err) != 0)
			return -1;
	}
	for (size_t i = 0; i < plan->nodes_count; i++) {
		rc = partcode_node(&plan->nodes[i], &b);
		if (rc == -ERR_LONG) {
			snprintf(what, sizeof what, "node '%s' packs to more than %d KiB, the limit of a part",
			    plan->nodes[i].name, SCHEDULE_PART_BYTES_MAX >> 10);
			return too_large(plan, &plan->nodes[i], what, err);
		}
		if (add_part(s, SCHEDULE_NODE, plan->nodes[i].name, rc, &b, c, err) != 0)
			return -1;
	}
	rc = partcode_private(plan, false, &b);
	/* `why` explains and decides nothing: better no explanation than no schedule. */
	if (rc == -ERR_LONG && plan->why.len > 0) {
		s->why_cut = true;
		rc = partcode_private(plan, true, &b);
	}
	return add_part(s, SCHEDULE_PRIVATE, "", rc, &b, c, err) != 0 ? -1 : 0;
}

static int
build_body(const struct schedule *s, struct blob *out)
{
	const struct schedule_meta *m = &s->meta;
	struct pack p;

	pack_begin(&p, SCHEDULE_HEADER_BYTES_MAX - SIG_BYTES - 16);
	pack_list(&p, 9);
	pack_u64(&p, HEADER_FORMAT);
	pack_u64(&p, m->stamp.term);
	pack_bin(&p, m->stamp.leader.b, ID_BYTES);
	pack_u64(&p, m->stamp.seq);
	pack_u64(&p, (uint64_t)m->grade);
	pack_u64(&p, m->at_ms);
	pack_bin(&p, m->pk, KEY_BYTES);
	pack_list(&p, m->parents_count);
	for (size_t i = 0; i < m->parents_count; i++) {
		const struct schedule_ref *r = &m->parents[i];

		pack_list(&p, 4);
		pack_u64(&p, r->stamp.term);
		pack_bin(&p, r->stamp.leader.b, ID_BYTES);
		pack_u64(&p, r->stamp.seq);
		pack_bin(&p, r->hash.b, HASH_BYTES);
	}
	pack_list(&p, s->parts_count);
	for (size_t i = 0; i < s->parts_count; i++) {
		const struct schedule_part *row = &s->parts[i];

		pack_list(&p, 4);
		pack_u64(&p, (uint64_t)row->kind);
		pack_str(&p, row->name);
		pack_bin(&p, row->hash.b, HASH_BYTES);
		pack_u64(&p, row->bytes);
	}
	return pack_end(&p, out);
}

static int
build_header(struct schedule *s, const struct crypto *c)
{
	uint8_t sig[SIG_BYTES];
	struct blob body, text;
	struct pack p;
	int rc = build_body(s, &body);

	if (rc != 0)
		return rc;
	rc = signed_bytes(blob_slice(&body), &text);
	if (rc == 0) {
		c->sign(c->arg, sig, text.b, text.len);
		pack_begin(&p, SCHEDULE_HEADER_BYTES_MAX);
		pack_list(&p, 2);
		pack_bin(&p, body.b, body.len);
		pack_bin(&p, sig, sizeof sig);
		rc = pack_end(&p, &s->header);
		blob_free(&text);
	}
	blob_free(&body);
	if (rc == 0)
		c->hash(c->arg, &s->hash, s->header.b, s->header.len);
	return rc;
}

static int
build(struct schedule *s, const struct plan *plan, const struct crypto *c, struct err *err)
{
	size_t bytes = 0;
	char what[80];

	if (!leader_is(&s->meta, c) || s->meta.parents_count > MESH_PARENTS_MAX)
		return err_set(err, 1, "schedule: the stamp is not of this node's key");
	if (build_parts(s, plan, c, err) != 0)
		return -1;
	int rc = build_header(s, c);

	if (rc != 0)
		return err_set(err, 1, "schedule: header: %s",
		    rc == -ERR_LONG ? "too many roles and nodes" : "out of memory");
	for (size_t i = 0; i < s->parts_count; i++)
		bytes += s->parts[i].bytes;
	if (s->header.len + bytes <= SCHEDULE_BYTES_MAX)
		return 0;
	snprintf(what, sizeof what, "%zu KiB in all, at most %d KiB", (s->header.len + bytes) >> 10,
	    SCHEDULE_BYTES_MAX >> 10);
	return too_large(plan, NULL, what, err);
}

int
schedule_build(struct schedule *out, const struct plan *plan, const struct schedule_meta *meta,
    const struct crypto *c, struct err *err)
{
	memset(out, 0, sizeof *out);
	out->meta = *meta;
	if (build(out, plan, c, err) == 0)
		return 0;
	schedule_free(out);
	return -1;
}

/* --- opening -------------------------------------------------------------------- */

static int
take_stamp(struct mp *r, struct stamp *s)
{
	int rc;

	if ((rc = mp_uint(r, &s->term)) < 0 || (rc = mp_bytes(r, s->leader.b, ID_BYTES)) < 0 ||
	    (rc = mp_uint(r, &s->seq)) < 0)
		return rc;
	return 0;
}

/* The fields before the tables; enough to know whose signature to ask for. */
static int
open_head(struct mp *r, struct schedule_meta *m)
{
	uint32_t fields;
	uint64_t v;
	int rc;

	if ((rc = mp_array(r, &fields)) < 0)
		return rc;
	if (fields != 9)
		return -ERR_MALFORMED;
	if ((rc = mp_uint(r, &v)) < 0)
		return rc;
	if (v != HEADER_FORMAT)
		return -ERR_VERSION;
	if ((rc = take_stamp(r, &m->stamp)) < 0 ||
	    (rc = mp_uint_max(r, MESH_GRADE_FULL, &v)) < 0)
		return rc;
	m->grade = (int)v;
	if ((rc = mp_uint(r, &m->at_ms)) < 0)
		return rc;
	return mp_bytes(r, m->pk, KEY_BYTES);
}

static int
open_parents(struct mp *r, struct schedule_meta *m)
{
	uint32_t count, fields;
	int rc = mp_array(r, &count);

	if (rc < 0)
		return rc;
	if (count > MESH_PARENTS_MAX)
		return -ERR_RANGE;
	for (uint32_t i = 0; i < count; i++) {
		struct schedule_ref *ref = &m->parents[i];

		if ((rc = mp_array(r, &fields)) < 0)
			return rc;
		if (fields != 4)
			return -ERR_MALFORMED;
		if ((rc = take_stamp(r, &ref->stamp)) < 0 ||
		    (rc = mp_bytes(r, ref->hash.b, HASH_BYTES)) < 0)
			return rc;
	}
	m->parents_count = count;
	return 0;
}

static int
row_cmp(const struct schedule_part *a, const struct schedule_part *b)
{
	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	return strcmp(a->name, b->name);
}

static int
open_row(struct mp *r, struct schedule_part *row)
{
	uint32_t fields;
	uint64_t kind, bytes;
	int rc = mp_array(r, &fields);

	if (rc < 0)
		return rc;
	if (fields != 4)
		return -ERR_MALFORMED;
	if ((rc = mp_uint_max(r, SCHEDULE_PRIVATE, &kind)) < 0 ||
	    (rc = walk_cstr(r, row->name, sizeof row->name)) < 0 ||
	    (rc = mp_bytes(r, row->hash.b, HASH_BYTES)) < 0 ||
	    (rc = mp_uint_max(r, SCHEDULE_PART_BYTES_MAX, &bytes)) < 0)
		return rc;
	row->kind = (enum schedule_kind)kind;
	row->bytes = (uint32_t)bytes;
	if (kind == 0)
		return -ERR_RANGE;
	if (kind == SCHEDULE_PRIVATE)
		return row->name[0] == '\0' ? 0 : -ERR_MALFORMED;
	return name_ok(row->name, strlen(row->name)) ? 0 : -ERR_MALFORMED;
}

static int
open_parts(struct mp *r, struct schedule *s, size_t budget)
{
	uint32_t count;
	int rc = mp_array(r, &count);

	if (rc < 0)
		return rc;
	if (count > SCHEDULE_PARTS_MAX)
		return -ERR_RANGE;
	s->parts = calloc(count + 1, sizeof *s->parts);
	s->data = calloc(count + 1, sizeof *s->data);
	if (s->parts == NULL || s->data == NULL)
		return -ERR_FULL;
	for (uint32_t i = 0; i < count; i++) {
		if ((rc = open_row(r, &s->parts[i])) < 0)
			return rc;
		if (i > 0 && row_cmp(&s->parts[i - 1], &s->parts[i]) >= 0)
			return -ERR_MALFORMED;
		if (s->parts[i].bytes > budget)
			return -ERR_LONG;
		budget -= s->parts[i].bytes;
		s->parts_count++;
	}
	return mp_end(r);
}

static int
open_signed(struct schedule *s, struct slice body, const uint8_t *sig, const struct crypto *c,
    size_t header_bytes)
{
	struct blob text;
	struct mp r;
	int rc;

	mp_init(&r, body.b, body.len, HEADER_DEPTH_MAX);
	if ((rc = open_head(&r, &s->meta)) < 0)
		return rc;
	if (!leader_is(&s->meta, c))
		return -ERR_IDENTITY;
	if ((rc = signed_bytes(body, &text)) < 0)
		return rc;
	bool good = c->verify(c->arg, s->meta.pk, sig, text.b, text.len);

	blob_free(&text);
	if (!good)
		return -ERR_AUTH;
	if ((rc = open_parents(&r, &s->meta)) < 0)
		return rc;
	return open_parts(&r, s, SCHEDULE_BYTES_MAX - header_bytes);
}

static int
open_all(struct schedule *s, const uint8_t *buf, size_t len, const struct crypto *c)
{
	uint8_t sig[SIG_BYTES];
	struct slice body;
	uint32_t fields;
	struct mp r;
	int rc;

	if (len > SCHEDULE_HEADER_BYTES_MAX)
		return -ERR_LONG;
	mp_init(&r, buf, len, 1);
	if ((rc = mp_array(&r, &fields)) < 0)
		return rc;
	if (fields != 2)
		return -ERR_MALFORMED;
	if ((rc = mp_bin(&r, &body.b, &body.len)) < 0 || (rc = mp_bytes(&r, sig, SIG_BYTES)) < 0 ||
	    (rc = mp_end(&r)) < 0 || (rc = open_signed(s, body, sig, c, len)) < 0)
		return rc;
	c->hash(c->arg, &s->hash, buf, len);
	return blob_copy(&s->header, (struct slice){buf, len});
}

int
schedule_open(struct schedule *out, const uint8_t *buf, size_t len, const struct crypto *c)
{
	memset(out, 0, sizeof *out);
	int rc = open_all(out, buf, len, c);

	if (rc < 0)
		schedule_free(out);
	return rc;
}

/* --- holding -------------------------------------------------------------------- */

int
schedule_find(const struct schedule *s, enum schedule_kind kind, const char *name)
{
	struct schedule_part key = {.kind = kind};
	size_t lo = 0, hi = s->parts_count;

	if (strlen(name) >= sizeof key.name)
		return -1;
	memcpy(key.name, name, strlen(name) + 1);
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int c = row_cmp(&key, &s->parts[mid]);

		if (c == 0)
			return (int)mid;
		if (c < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return -1;
}

int
schedule_put(struct schedule *s, size_t i, const uint8_t *buf, size_t len, const struct crypto *c)
{
	struct hash h;
	int rc;

	if (i >= s->parts_count)
		return -ERR_RANGE;
	if (len != s->parts[i].bytes)
		return -ERR_MALFORMED;
	c->hash(c->arg, &h, buf, len);
	if (!hash_eq(&h, &s->parts[i].hash))
		return -ERR_AUTH;
	if ((rc = partcode_check(s->parts[i].kind, s->parts[i].name, buf, len)) < 0)
		return rc;
	blob_free(&s->data[i]);
	return blob_copy(&s->data[i], (struct slice){buf, len});
}

bool
schedule_complete(const struct schedule *s, bool without_private)
{
	for (size_t i = 0; i < s->parts_count; i++)
		if (s->data[i].len == 0 &&
		    !(without_private && s->parts[i].kind == SCHEDULE_PRIVATE))
			return false;
	return true;
}

static size_t
public_parts(const struct schedule *s)
{
	size_t n = s->parts_count;

	return n > 0 && s->parts[n - 1].kind == SCHEDULE_PRIVATE ? n - 1 : n;
}

enum schedule_change
schedule_compare(const struct schedule *a, const struct schedule *b)
{
	size_t n = public_parts(a);

	if (n != public_parts(b))
		return SCHEDULE_CHANGED;
	for (size_t i = 0; i < n; i++)
		if (row_cmp(&a->parts[i], &b->parts[i]) != 0 ||
		    !hash_eq(&a->parts[i].hash, &b->parts[i].hash))
			return SCHEDULE_CHANGED;
	if (a->parts_count != b->parts_count ||
	    (n < a->parts_count && !hash_eq(&a->parts[n].hash, &b->parts[n].hash)))
		return SCHEDULE_STATE_ONLY;
	return SCHEDULE_SAME;
}

bool
schedule_descends(const struct schedule *s, const struct stamp *old)
{
	const struct stamp *a = &s->meta.stamp;

	if (a->term == old->term && id_eq(&a->leader, &old->leader))
		return old->seq <= a->seq;
	for (size_t i = 0; i < s->meta.parents_count; i++) {
		const struct stamp *p = &s->meta.parents[i].stamp;

		if (p->term == old->term && id_eq(&p->leader, &old->leader) && old->seq <= p->seq)
			return true;
	}
	return false;
}
