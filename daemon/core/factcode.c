/*
 * factcode.c - see factcode.h.
 */
#include "factcode.h"

#include <stdlib.h>

#include "../base/name.h"
#include "pack.h"
#include "walk.h"

enum {
	FORMAT = 1,
	FIELDS = 9,
	DEPTH = 2,
	STR_HEAD = 3,	/* before a name, at most */
	REST_MAX = 256, /* all but the names: two texts, five numbers, heads */
};

/* --- written --------------------------------------------------------------------- */

/* How many of them fit; *room is what is left then. */
static uint32_t
fitting(const char *names, size_t width, uint32_t count, size_t *room)
{
	uint32_t n;

	for (n = 0; n < count; n++) {
		size_t len = strlen(names + n * width) + STR_HEAD;

		if (len > *room)
			break;
		*room -= len;
	}
	return n;
}

static void
put_names(struct pack *p, const char *names, size_t width, uint32_t count)
{
	pack_list(p, count);
	for (uint32_t i = 0; i < count; i++)
		pack_str(p, names + i * width);
}

int
factcode_pack(const struct view_facts *f, size_t max, struct blob *out, uint32_t *cut)
{
	const char *boxes = (const char *)f->sandboxes, *images = (const char *)f->images;
	size_t room = max - REST_MAX;
	uint32_t sandboxes_n = fitting(boxes, NAME_CAP, f->sandboxes_count, &room);
	uint32_t images_n = fitting(images, VIEW_IMAGE_CAP, f->images_count, &room);
	struct pack p;

	*cut = f->sandboxes_count - sandboxes_n + f->images_count - images_n;
	pack_begin(&p, max);
	pack_list(&p, FIELDS);
	pack_u64(&p, FORMAT);
	pack_str(&p, f->arch);
	pack_str(&p, f->kernel);
	pack_u64(&p, f->cpus);
	pack_u64(&p, f->memory_bytes);
	pack_u64(&p, f->config_hash);
	pack_u64(&p, *cut);
	put_names(&p, boxes, NAME_CAP, sandboxes_n);
	put_names(&p, images, VIEW_IMAGE_CAP, images_n);
	return pack_end(&p, out);
}

/* --- read ------------------------------------------------------------------------- */

static int
read_names(struct mp *r, bool image, char **out, uint32_t *count)
{
	size_t width = image ? VIEW_IMAGE_CAP : NAME_CAP;
	uint32_t n;
	int rc = mp_array(r, &n);

	if (rc < 0)
		return rc;
	if (n > VIEW_LIST_MAX)
		return -ERR_RANGE;
	if (n > 0 && (*out = calloc(n, width)) == NULL)
		return -ERR_FULL;
	for (; *count < n; ++*count) {
		char *row = *out + *count * width;

		rc = image ? walk_image(r, row, false) : walk_name(r, row, false);
		if (rc == 0 && *count > 0 && strcmp(row - width, row) >= 0)
			rc = -ERR_MALFORMED;
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int
read_all(struct mp *r, struct view_facts *f, uint32_t *cut)
{
	uint64_t format, cpus, out;
	void *boxes = NULL, *images = NULL;
	uint32_t fields;
	int rc;

	if ((rc = mp_array(r, &fields)) < 0)
		return rc;
	if (fields < FIELDS || mp_uint_max(r, FORMAT, &format) < 0 || format != FORMAT)
		return -ERR_MALFORMED;
	if ((rc = walk_harmless(r, f->arch, sizeof f->arch)) < 0 ||
	    (rc = walk_harmless(r, f->kernel, sizeof f->kernel)) < 0 ||
	    (rc = mp_uint_max(r, UINT32_MAX, &cpus)) < 0 || (rc = mp_uint(r, &f->memory_bytes)) < 0 ||
	    (rc = mp_uint(r, &f->config_hash)) < 0 || (rc = mp_uint_max(r, UINT32_MAX, &out)) < 0)
		return rc;
	f->cpus = (uint32_t)cpus;
	*cut = (uint32_t)out;
	rc = read_names(r, false, (char **)&boxes, &f->sandboxes_count);
	f->sandboxes = boxes;
	if (rc < 0)
		return rc;
	rc = read_names(r, true, (char **)&images, &f->images_count);
	f->images = images;
	for (uint32_t i = FIELDS; rc == 0 && i < fields; i++)
		rc = mp_skip(r);
	return rc < 0 ? rc : mp_end(r);
}

int
factcode_read(const uint8_t *buf, size_t len, struct view_facts *out, uint32_t *cut)
{
	struct mp r;
	int rc;

	memset(out, 0, sizeof *out);
	*cut = 0;
	mp_init(&r, buf, len, DEPTH);
	if ((rc = read_all(&r, out, cut)) < 0)
		view_facts_free(out);
	return rc;
}
