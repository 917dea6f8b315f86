/*
 * reportread.c - a report gathered and read back at its hearer.
 *
 * Fragments come in any order and from a peer that may lie: every list is
 * bounded, every name is checked to be one, and texts are made harmless here,
 * once, because they end in terminals and in a script's input.
 */
#include <stdlib.h>

#include "../../gossip/mp.h"
#include "../base/err.h"
#include "report.h"
#include "reportcode.h"
#include "walk.h"

enum { RECORD_DEPTH_MAX = 3, INSTANCE_LEASED = 12, INSTANCE_UNRENDERED };

static int
take_head(struct mp *r, struct report *out)
{
	struct view_facts *f = &out->facts;
	uint64_t cpus;
	int rc;

	if ((rc = walk_harmless(r, f->arch, sizeof f->arch)) < 0 ||
	    (rc = walk_harmless(r, f->kernel, sizeof f->kernel)) < 0 ||
	    (rc = mp_uint_max(r, UINT32_MAX, &cpus)) < 0 ||
	    (rc = mp_uint(r, &f->memory_bytes)) < 0 || (rc = mp_uint(r, &f->config_hash)) < 0)
		return rc;
	f->cpus = (uint32_t)cpus;
	return 0;
}

static int
decode_instance(struct mp *r, uint32_t fields, struct view_instance *v)
{
	uint64_t state, health, restarts, pid, unrendered = 0;
	int rc;

	memset(v, 0, sizeof *v);
	if ((rc = walk_name(r, v->id, false)) < 0 || (rc = walk_name(r, v->role, false)) < 0 ||
	    (rc = walk_name(r, v->version, true)) < 0 ||
	    (rc = walk_image(r, v->image, true)) < 0 ||
	    (rc = walk_harmless(r, v->error, sizeof v->error)) < 0 || (rc = mp_uint(r, &state)) < 0 ||
	    (rc = mp_uint(r, &health)) < 0 ||
	    (rc = mp_uint_max(r, UINT32_MAX, &restarts)) < 0 ||
	    (rc = mp_uint_max(r, INT32_MAX, &pid)) < 0 || (rc = mp_uint(r, &v->since_ms)) < 0 ||
	    (fields >= INSTANCE_LEASED && (rc = mp_uint(r, &v->lease_until_ms)) < 0) ||
	    (fields >= INSTANCE_UNRENDERED && (rc = mp_uint_max(r, 1, &unrendered)) < 0))
		return rc;
	/* A newer node may know states that this one does not. */
	v->state = state < VIEW_STATES ? (enum view_state)state : VIEW_UNKNOWN;
	v->health = health <= VIEW_UNHEALTHY ? (enum view_health)health : VIEW_HEALTH_NONE;
	v->restarts = (uint32_t)restarts;
	v->pid = (int32_t)pid;
	v->unrendered = unrendered != 0;
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
	int rc = image ? walk_image(r, name, false) : walk_name(r, name, false);

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

/* A piece that does not follow the one before ends its answer: its node is one of those
 * that gave none. */
static int
take_answer(struct mp *r, struct report *out)
{
	struct view_answer *row = out->answers_count > 0 ? &out->answers[out->answers_count - 1] : NULL;
	uint64_t mark, piece, count;
	char name[NAME_CAP];
	const uint8_t *p;
	void *rows = out->answers;
	uint8_t *more;
	size_t len;
	int rc;

	if ((rc = walk_name(r, name, false)) < 0 || (rc = mp_uint_max(r, UINT32_MAX, &mark)) < 0 ||
	    (rc = mp_uint_max(r, REPORT_PIECES_MAX - 1, &piece)) < 0 ||
	    (rc = mp_uint_max(r, REPORT_PIECES_MAX, &count)) < 0 || (rc = mp_bin(r, &p, &len)) < 0)
		return rc;
	if (len == 0 || len > REPORT_PIECE_BYTES || piece >= count)
		return -ERR_RANGE;
	if (piece == 0 && row != NULL && strcmp(row->name, name) >= 0)
		return -ERR_MALFORMED; /* they come by name */
	if (piece == 0) {
		row = grow(&rows, &out->answers_count, sizeof *row, VIEW_ANSWERS_MAX);
		out->answers = rows;
		if (row == NULL) {
			out->cut++;
			return 0;
		}
		*row = (struct view_answer){.mark = (uint32_t)mark};
		memcpy(row->name, name, sizeof row->name);
	}
	if (row == NULL || strcmp(row->name, name) != 0 || row->mark != (uint32_t)mark ||
	    row->bytes.len != piece * REPORT_PIECE_BYTES) {
		out->cut++;
		return 0;
	}
	if ((more = realloc(row->bytes.b, row->bytes.len + len)) == NULL)
		return -ERR_FULL;
	memcpy(more + row->bytes.len, p, len);
	row->bytes = (struct blob){more, row->bytes.len + len};
	return 0;
}

static int
take_hostact(struct mp *r, struct report *out)
{
	void *rows = out->hostacts;
	struct view_hostact a, *row;
	int rc;

	memset(&a, 0, sizeof a);
	if ((rc = walk_name(r, a.role, false)) < 0 || (rc = walk_name(r, a.action, false)) < 0 ||
	    (rc = walk_harmless(r, a.error, sizeof a.error)) < 0)
		return rc;
	row = grow(&rows, &out->hostacts_count, sizeof *row, REPORT_HOSTACTS_MAX);
	out->hostacts = rows;
	if (row == NULL)
		out->cut++;
	else
		*row = a;
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
	    [REPORT_HEAD] = 6, [REPORT_INSTANCE] = 11, [REPORT_SANDBOX] = 2,
	    [REPORT_IMAGE] = 2, [REPORT_CUT] = 2, [REPORT_ANSWER] = 6, [REPORT_HOSTACT] = 4};
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
		known = count < INSTANCE_UNRENDERED ? count : INSTANCE_UNRENDERED;
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
	else if (kind == REPORT_ANSWER)
		rc = take_answer(r, out);
	else if (kind == REPORT_HOSTACT)
		rc = take_hostact(r, out);
	else
		out->unknown++;
	/* What a newer node says beyond what this one knows. */
	for (uint32_t i = known > 0 ? known : 1; rc == 0 && i < count; i++)
		rc = mp_skip(r);
	return rc;
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

/* Numbers of a newer node that this one does not know are left. */
static void
take_numbers(const struct sample *s, struct view_metrics *m)
{
	int64_t v[REPORT_NUMBERS] = {0};

	for (uint32_t i = 0; i < REPORT_NUMBERS && i < s->numbers_count; i++)
		v[i] = s->numbers[i];
	m->load1 = (double)v[REPORT_LOAD1] / 100;
	m->cpu_percent = (double)v[REPORT_CPU] / 100;
	m->memory_free_bytes = (uint64_t)v[REPORT_MEMORY_FREE];
	m->disk_free_bytes = (uint64_t)v[REPORT_DISK_FREE];
	m->disk_bytes = (uint64_t)v[REPORT_DISK];
	memcpy(m->standard, v + REPORT_STANDARD, sizeof m->standard);
}

int
report_read(const struct sample *s, struct report *out)
{
	int rc = 0;

	memset(out, 0, sizeof *out);
	take_numbers(s, &out->metrics);
	for (uint32_t i = 0; i < s->rows_count && rc == 0; i++) {
		const uint8_t *value;
		struct mp r;
		size_t len;

		value = sample_value(s, i, &len);
		mp_init(&r, value, len, RECORD_DEPTH_MAX);
		if ((rc = take_record(&r, out)) == 0)
			rc = mp_end(&r);
	}
	if (rc < 0) {
		report_free(out);
		return rc;
	}
	tidy(out->instances, &out->instances_count, sizeof *out->instances);
	tidy(out->facts.images, &out->facts.images_count, VIEW_IMAGE_CAP);
	tidy(out->facts.sandboxes, &out->facts.sandboxes_count, NAME_CAP);
	return 0;
}

/* --- gathering ----------------------------------------------------------------- */

static void
forget_next(struct report_table *t)
{
	free(t->next);
	t->next = NULL;
	t->next_count = 0;
	t->got = 0;
}

static int
begin_next(struct report_table *t, uint32_t version, uint32_t count)
{
	forget_next(t);
	t->next = malloc((size_t)count * REPORT_FRAG_BYTES_MAX);
	if (t->next == NULL)
		return -ERR_FULL;
	t->next_version = version;
	t->next_count = count;
	return 0;
}

/* Of the two samples held, that of version; NULL when it is neither. */
static struct sample *
held(struct report_table *t, uint32_t version)
{
	if (t->newest.version == version)
		return &t->newest;
	return t->base.version == version ? &t->base : NULL;
}

/* What a difference came from is kept: more may come from it.  What was newest
 * before is of no use any more, unless it is that. */
static void
commit(struct report_table *t, struct sample *from, struct sample *s, struct report *r)
{
	if (from == NULL) {
		sample_free(&t->base);
	} else if (from == &t->newest) {
		sample_free(&t->base);
		t->base = t->newest;
		memset(&t->newest, 0, sizeof t->newest);
	}
	sample_free(&t->newest);
	report_free(&t->now);
	t->newest = *s;
	t->now = *r;
	t->newest.version = t->version = t->next_version;
	t->has = true;
}

static int
complete(struct report_table *t)
{
	size_t len = (size_t)(t->next_count - 1) * REPORT_FRAG_BYTES_MAX + t->next_last;
	struct sample *from = NULL, s;
	struct report r;
	uint32_t base;
	int rc;

	if ((rc = sample_base(t->next, len, &base)) < 0)
		return rc;
	if (base != 0 && (from = held(t, base)) == NULL)
		return -ERR_UNKNOWN;
	if ((rc = sample_read(t->next, len, from, &s)) < 0)
		return rc;
	if ((rc = report_read(&s, &r)) < 0) {
		sample_free(&s);
		return rc;
	}
	commit(t, from, &s, &r);
	return 1;
}

int
report_add(struct report_table *t, uint32_t version, uint32_t index, uint32_t count,
    const uint8_t *buf, size_t len)
{
	int rc;

	if (version == 0 || count == 0 || count > REPORT_FRAGS_MAX || index >= count)
		return -ERR_RANGE;
	if (len > REPORT_FRAG_BYTES_MAX)
		return -ERR_LONG;
	if (len == 0 || (index + 1 < count && len < REPORT_FRAG_BYTES_MAX))
		return -ERR_MALFORMED;
	if (t->next_count == 0 && t->has && t->version == version)
		return 0;
	if ((t->next_count != count || t->next_version != version) &&
	    (rc = begin_next(t, version, count)) < 0)
		return rc;
	if ((t->got & UINT64_C(1) << index) != 0)
		return 0;
	memcpy(t->next + (size_t)index * REPORT_FRAG_BYTES_MAX, buf, len);
	if (index + 1 == count)
		t->next_last = len;
	t->got |= UINT64_C(1) << index;
	/* All of them: count ones.  count is 1..64, so the shift is defined. */
	if (t->got != UINT64_MAX >> (64 - count))
		return 0;
	rc = complete(t);
	forget_next(t);
	return rc;
}

void
report_table_free(struct report_table *t)
{
	report_free(&t->now);
	sample_free(&t->base);
	sample_free(&t->newest);
	free(t->next);
	memset(t, 0, sizeof *t);
}
