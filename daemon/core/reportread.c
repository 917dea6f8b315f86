/*
 * reportread.c - a report read back at the leader, fragment by fragment.
 *
 * Fragments come in any order and from a peer that may lie: every list is
 * bounded, every name is checked to be one, and texts are made harmless here,
 * once, because they end in terminals and in a script's input.
 */
#include <stdlib.h>

#include "../../gossip/mp.h"
#include "../base/err.h"
#include "../base/name.h"
#include "report.h"
#include "reportcode.h"
#include "walk.h"

enum { FRAG_DEPTH_MAX = 4, IMAGE_LEVELS_MAX = 8, INSTANCE_LEASED = 12 };

static int
take_text(struct mp *r, char *out, size_t cap)
{
	const char *s;
	size_t len;
	int rc = mp_str(r, &s, &len);

	if (rc == 0)
		err_escape(out, cap, s, len);
	return rc;
}

static int
take_name(struct mp *r, char *out, bool empty)
{
	int rc = walk_cstr(r, out, NAME_CAP);

	if (rc < 0 || (empty && out[0] == '\0'))
		return rc;
	return name_ok(out, strlen(out)) ? 0 : -ERR_MALFORMED;
}

static int
take_image(struct mp *r, char *out, bool empty)
{
	int rc = walk_cstr(r, out, VIEW_IMAGE_CAP);

	if (rc < 0 || (empty && out[0] == '\0'))
		return rc;
	return name_image_ok(out, strlen(out), IMAGE_LEVELS_MAX) ? 0 : -ERR_MALFORMED;
}

static int
take_real(struct mp *r, double *out)
{
	int rc = mp_double(r, out);

	if (rc < 0)
		return rc;
	return __builtin_isfinite(*out) ? 0 : -ERR_RANGE;
}

static int
take_head(struct mp *r, struct report *out)
{
	struct view_facts *f = &out->facts;
	struct view_metrics *m = &out->metrics;
	uint64_t cpus;
	int rc;

	if ((rc = take_text(r, f->arch, sizeof f->arch)) < 0 ||
	    (rc = take_text(r, f->kernel, sizeof f->kernel)) < 0 ||
	    (rc = mp_uint_max(r, UINT32_MAX, &cpus)) < 0 ||
	    (rc = mp_uint(r, &f->memory_bytes)) < 0 || (rc = mp_uint(r, &f->config_hash)) < 0 ||
	    (rc = take_real(r, &m->load1)) < 0 || (rc = take_real(r, &m->cpu_percent)) < 0 ||
	    (rc = mp_uint(r, &m->memory_free_bytes)) < 0 ||
	    (rc = mp_uint(r, &m->disk_free_bytes)) < 0 || (rc = mp_uint(r, &m->disk_bytes)) < 0)
		return rc;
	f->cpus = (uint32_t)cpus;
	return 0;
}

static int
decode_instance(struct mp *r, uint32_t fields, struct view_instance *v)
{
	uint64_t state, health, restarts, pid;
	int rc;

	memset(v, 0, sizeof *v);
	if ((rc = take_name(r, v->id, false)) < 0 || (rc = take_name(r, v->role, false)) < 0 ||
	    (rc = take_name(r, v->version, true)) < 0 ||
	    (rc = take_image(r, v->image, true)) < 0 ||
	    (rc = take_text(r, v->error, sizeof v->error)) < 0 || (rc = mp_uint(r, &state)) < 0 ||
	    (rc = mp_uint(r, &health)) < 0 ||
	    (rc = mp_uint_max(r, UINT32_MAX, &restarts)) < 0 ||
	    (rc = mp_uint_max(r, INT32_MAX, &pid)) < 0 || (rc = mp_uint(r, &v->since_ms)) < 0 ||
	    (fields == INSTANCE_LEASED && (rc = mp_uint(r, &v->lease_until_ms)) < 0))
		return rc;
	/* A newer node may know states that this one does not. */
	v->state = state <= VIEW_WAITING ? (enum view_state)state : VIEW_UNKNOWN;
	v->health = health <= VIEW_UNHEALTHY ? (enum view_health)health : VIEW_HEALTH_NONE;
	v->restarts = (uint32_t)restarts;
	v->pid = (int32_t)pid;
	return 0;
}

/* Room for one more row: lists grow by doubling up to max.  NULL = no. */
static void *
grow(void **rows, uint32_t *count, size_t width, uint32_t max)
{
	if (*count >= max)
		return NULL;
	if ((*count & (*count - 1)) == 0) { /* 0, 1, 2, 4, 8 ... */
		void *more = realloc(*rows, (*count == 0 ? 1 : (size_t)*count * 2) * width);

		if (more == NULL)
			return NULL;
		*rows = more;
	}
	return (char *)*rows + (size_t)(*count)++ * width;
}

static int
take_instance(struct mp *r, uint32_t fields, struct report *out)
{
	struct view_instance v, *row;
	void *rows = out->instances;
	int rc = decode_instance(r, fields, &v);

	if (rc < 0)
		return rc;
	row = grow(&rows, &out->instances_count, sizeof *row, REPORT_INSTANCES_MAX);
	out->instances = rows;
	if (row == NULL)
		out->cut++;
	else
		*row = v;
	return 0;
}

static int
take_listed(struct mp *r, struct report *out, bool image)
{
	struct view_facts *f = &out->facts;
	void *rows = image ? (void *)f->images : (void *)f->sandboxes;
	uint32_t *count = image ? &f->images_count : &f->sandboxes_count;
	size_t width = image ? VIEW_IMAGE_CAP : NAME_CAP;
	char name[VIEW_IMAGE_CAP];
	int rc = image ? take_image(r, name, false) : take_name(r, name, false);

	if (rc < 0)
		return rc;
	char *row = grow(&rows, count, width, VIEW_LIST_MAX);

	if (image)
		f->images = rows;
	else
		f->sandboxes = rows;
	if (row == NULL)
		out->cut++;
	else
		memcpy(row, name, strlen(name) + 1);
	return 0;
}

static int
take_cut(struct mp *r, struct report *out)
{
	uint64_t cut;
	int rc = mp_uint_max(r, UINT32_MAX / 2, &cut);

	if (rc == 0)
		out->cut += (uint32_t)cut;
	return rc;
}

static int
take_record(struct mp *r, struct report *out)
{
	static const uint32_t fields[] = {
	    [REPORT_HEAD] = 11, [REPORT_INSTANCE] = 11, [REPORT_SANDBOX] = 2,
	    [REPORT_IMAGE] = 2, [REPORT_CUT] = 2};
	uint32_t count;
	uint64_t kind;
	int rc = mp_array(r, &count);

	if (rc < 0)
		return rc;
	if (count == 0)
		return -ERR_MALFORMED;
	if ((rc = mp_uint(r, &kind)) < 0)
		return rc;
	uint32_t known = kind < ARRAY_LEN(fields) ? fields[kind] : 0;

	if (kind == REPORT_INSTANCE && count >= INSTANCE_LEASED)
		known = INSTANCE_LEASED;

	if (known > count)
		return -ERR_MALFORMED;
	if (kind == REPORT_HEAD)
		rc = take_head(r, out);
	else if (kind == REPORT_INSTANCE)
		rc = take_instance(r, known, out);
	else if (kind == REPORT_SANDBOX || kind == REPORT_IMAGE)
		rc = take_listed(r, out, kind == REPORT_IMAGE);
	else if (kind == REPORT_CUT)
		rc = take_cut(r, out);
	/* What a newer node says beyond what this one knows. */
	for (uint32_t i = known > 0 ? known : 1; rc == 0 && i < count; i++)
		rc = mp_skip(r);
	return rc;
}

static int
take_frag(struct report *out, const uint8_t *buf, size_t len)
{
	uint32_t count;
	uint64_t format;
	struct mp r;
	int rc;

	if (len > REPORT_FRAG_BYTES_MAX)
		return -ERR_LONG;
	mp_init(&r, buf, len, FRAG_DEPTH_MAX);
	if ((rc = mp_array(&r, &count)) < 0)
		return rc;
	if (count == 0)
		return -ERR_MALFORMED;
	if ((rc = mp_uint(&r, &format)) < 0)
		return rc;
	if (format != REPORT_FORMAT)
		return -ERR_VERSION;
	for (uint32_t i = 1; i < count; i++)
		if ((rc = take_record(&r, out)) < 0)
			return rc;
	return mp_end(&r);
}

/* Every list begins with its text. */
static int
text_cmp(const void *a, const void *b)
{
	return strcmp(a, b);
}

_Static_assert(offsetof(struct view_instance, id) == 0, "text_cmp");

/* Sort, and drop what is named twice. */
static void
tidy(void *rows, uint32_t *count, size_t width)
{
	char *at = rows;
	uint32_t kept = 0;

	if (*count == 0)
		return;
	qsort(rows, *count, width, text_cmp);
	for (uint32_t i = 0; i < *count; i++)
		if (kept == 0 || strcmp(at + (kept - 1) * width, at + i * width) != 0) {
			if (kept != i)
				memcpy(at + kept * width, at + i * width, width);
			kept++;
		}
	*count = kept;
}

static void
forget_next(struct report_table *t)
{
	report_free(&t->next);
	t->next_count = 0;
	t->got = 0;
}

static int
complete(struct report_table *t)
{
	struct report *r = &t->next;

	tidy(r->instances, &r->instances_count, sizeof *r->instances);
	tidy(r->facts.images, &r->facts.images_count, VIEW_IMAGE_CAP);
	tidy(r->facts.sandboxes, &r->facts.sandboxes_count, NAME_CAP);
	report_free(&t->now);
	t->now = t->next;
	t->version = t->next_version;
	t->has = true;
	memset(&t->next, 0, sizeof t->next);
	forget_next(t);
	return 1;
}

int
report_add(struct report_table *t, uint32_t version, uint32_t index, uint32_t count,
    const uint8_t *buf, size_t len)
{
	int rc;

	if (count == 0 || count > REPORT_FRAGS_MAX || index >= count)
		return -ERR_RANGE;
	if (t->next_count == 0 && t->has && t->version == version)
		return 0;
	if (t->next_count != count || t->next_version != version)
		forget_next(t);
	t->next_version = version;
	t->next_count = count;
	if ((t->got & UINT64_C(1) << index) != 0)
		return 0;
	if ((rc = take_frag(&t->next, buf, len)) < 0) {
		forget_next(t);
		return rc;
	}
	t->got |= UINT64_C(1) << index;
	/* All of them: count ones.  count is 1..64, so the shift is defined. */
	return t->got == UINT64_MAX >> (64 - count) ? complete(t) : 0;
}

void
report_table_free(struct report_table *t)
{
	report_free(&t->now);
	report_free(&t->next);
	memset(t, 0, sizeof *t);
}
