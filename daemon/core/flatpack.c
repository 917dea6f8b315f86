/*
 * flatpack.c - flat documents as nested msgpack.
 *
 * A flat document is a walk in file order: a map's record says how many
 * children follow.  So one pass with a stack as deep as YAML is allowed to be
 * packs it; whatever does not add up is refused, never trusted.
 */
#include "flatpack.h"

#include <stdlib.h>

#include "../base/own.h"

enum { FLATPACK_DEPTH_MAX = 32 };

struct reader {
	const struct flat *doc;
	size_t off;
	struct flat_rec rec; /* looked at, not yet taken */
	bool have;
};

/* A tag's record stands before its node with the node's path and a '!'; a
 * script sees the plain value. */
static bool
is_tag(const struct flat_rec *tag, const struct flat_rec *node)
{
	return tag->type == FLAT_STR && tag->path_len == node->path_len + 1 &&
	    tag->path[tag->path_len - 1] == '!' &&
	    memcmp(tag->path, node->path, node->path_len) == 0;
}

static void
reader_next(struct reader *r)
{
	struct flat_rec after;
	size_t off;

	r->have = flat_next(r->doc, &r->off, &r->rec);
	off = r->off;
	if (r->have && flat_next(r->doc, &off, &after) && is_tag(&r->rec, &after)) {
		r->rec = after;
		r->off = off;
	}
}

/* The last component of a path, unescaped. */
static void
pack_key(struct pack *p, const struct flat_rec *rec)
{
	char key[FLAT_PATH_BYTES_MAX];
	size_t start = 0, len = 0;

	for (size_t i = 0; i < rec->path_len; i++) {
		if (rec->path[i] == '\\')
			i++;
		else if (rec->path[i] == '/')
			start = i + 1;
	}
	for (size_t i = start; i < rec->path_len; i++) {
		if (rec->path[i] == '\\' && i + 1 < rec->path_len)
			i++;
		key[len++] = rec->path[i];
	}
	pack_strn(p, key, len);
}

static void
pack_scalar(struct pack *p, const struct flat_rec *rec)
{
	switch (rec->type) {
	case FLAT_BOOL:
		pack_bool(p, rec->num != 0);
		break;
	case FLAT_INT:
		pack_i64(p, rec->num);
		break;
	case FLAT_FLOAT:
		pack_real(p, rec->real);
		break;
	case FLAT_STR:
		pack_strn(p, rec->str, rec->str_len);
		break;
	case FLAT_NULL:
	case FLAT_LIST:
	case FLAT_MAP:
		pack_nil(p);
		break;
	}
}

static bool
is_child(const struct flat_rec *rec, const struct flat_rec *parent)
{
	if (parent->path_len == 0)
		return rec->path_len > 0;
	return rec->path_len > parent->path_len &&
	    memcmp(rec->path, parent->path, parent->path_len) == 0 &&
	    rec->path[parent->path_len] == '/';
}

/* Pack the node in r->rec and everything below it. */
static int
pack_value(struct pack *p, struct reader *r, int depth)
{
	struct flat_rec at = r->rec;
	bool map = at.type == FLAT_MAP;

	if (!r->have || depth > FLATPACK_DEPTH_MAX)
		return -ERR_MALFORMED;
	reader_next(r);
	if (!map && at.type != FLAT_LIST) {
		pack_scalar(p, &at);
		return 0;
	}
	if (map)
		pack_map(p, (size_t)at.num);
	else
		pack_list(p, (size_t)at.num);
	for (int64_t i = 0; i < at.num; i++) {
		if (!r->have || !is_child(&r->rec, &at))
			return -ERR_MALFORMED;
		if (map)
			pack_key(p, &r->rec);
		int rc = pack_value(p, r, depth + 1);

		if (rc != 0)
			return rc;
	}
	return 0;
}

static int
pack_doc(struct pack *p, const struct flat *doc)
{
	struct reader r = {.doc = doc};

	reader_next(&r);
	if (!r.have) { /* an empty file */
		pack_map(p, 0);
		return 0;
	}
	int rc = pack_value(p, &r, 0);

	return rc == 0 && r.have ? -ERR_MALFORMED : rc;
}

static int
meta_cmp(const void *a, const void *b)
{
	const struct input_meta *x = *(const struct input_meta *const *)a;
	const struct input_meta *y = *(const struct input_meta *const *)b;
	int c = strcmp(x->role, y->role);

	if (c == 0)
		c = strcmp(x->version, y->version);
	return c != 0 ? c : strcmp(x->file, y->file);
}

/* How many of rows[0..count) belong to the role (and version) of rows[0]. */
static size_t
run(const struct input_meta *const *rows, size_t count, bool version)
{
	size_t n = 1;

	while (n < count && strcmp(rows[0]->role, rows[n]->role) == 0 &&
	    (!version || strcmp(rows[0]->version, rows[n]->version) == 0))
		n++;
	return n;
}

/* A document whose keys are the version's own (file ""): sorted first. */
static bool
is_own(const struct input_meta *m)
{
	return m->file[0] == '\0';
}

static int
pack_own(struct pack *p, const struct flat *doc, const struct flat_rec *root)
{
	struct reader r = {.doc = doc};

	reader_next(&r); /* the root itself */
	reader_next(&r);
	for (int64_t i = 0; i < root->num; i++) {
		if (!r.have)
			return -ERR_MALFORMED;
		pack_key(p, &r.rec);
		int rc = pack_value(p, &r, 1);

		if (rc != 0)
			return rc;
	}
	return r.have ? -ERR_MALFORMED : 0;
}

/* One version: rows[0..n). */
static int
pack_version(struct pack *p, const struct input_meta *const *rows, size_t n)
{
	struct flat_rec root = {0}, dup;
	size_t files = 0;
	bool own = is_own(rows[0]) && rows[0]->doc.len > 0;
	int rc = 0;

	if (own) {
		struct reader r = {.doc = &rows[0]->doc};

		reader_next(&r);
		root = r.rec;
		if (!r.have || root.type != FLAT_MAP)
			return -ERR_MALFORMED;
	}
	/* A file's name that is a key of the own document loses. */
#define SKIP(m) (is_own(m) || (own && flat_find(&rows[0]->doc, (m)->file, &dup)))
	for (size_t i = 0; i < n; i++)
		files += !SKIP(rows[i]);
	pack_str(p, rows[0]->version);
	pack_map(p, files + (size_t)root.num);
	if (own)
		rc = pack_own(p, &rows[0]->doc, &root);
	for (size_t i = 0; rc == 0 && i < n; i++) {
		if (SKIP(rows[i]))
			continue;
		pack_str(p, rows[i]->file);
		rc = pack_doc(p, &rows[i]->doc);
	}
#undef SKIP
	return rc;
}

int
flatpack_roles(struct pack *p, const struct input_meta *metas, size_t count)
{
	AUTO_FREE const struct input_meta **rows = calloc(count + 1, sizeof *rows);
	size_t roles = 0;

	if (rows == NULL)
		return -ERR_FULL;
	for (size_t i = 0; i < count; i++)
		rows[i] = &metas[i];
	qsort(rows, count, sizeof *rows, meta_cmp);
	for (size_t i = 0; i < count; i += run(rows + i, count - i, false))
		roles++;
	pack_str(p, "roles");
	pack_map(p, roles);
	for (size_t i = 0, n; i < count; i += n) {
		size_t versions = 0;

		n = run(rows + i, count - i, false);
		for (size_t k = 0; k < n; k += run(rows + i + k, n - k, true))
			versions++;
		pack_str(p, rows[i]->role);
		pack_map(p, 1);
		pack_str(p, "versions");
		pack_map(p, versions);
		for (size_t k = 0, m; k < n; k += m) {
			m = run(rows + i + k, n - k, true);
			int rc = pack_version(p, rows + i + k, m);

			if (rc != 0)
				return rc;
		}
	}
	return 0;
}
