/*
 * report.c - a node's report, written as fragments.
 *
 * The most important records go first, so that a node with too much to tell
 * loses names of images, never its instances.  Reading is in reportread.c.
 */
#include "report.h"

#include <stdlib.h>

#include "../../gossip/mpw.h"
#include "../base/err.h"
#include "../base/name.h"
#include "../base/own.h"
#include "reportcode.h"

/* Kept free in every fragment: the [REPORT_CUT, n] that may have to follow. */
enum { CUT_BYTES = 8, FRAG_HEAD_BYTES = 4, IMAGE_LEVELS_MAX = 8 };

struct writer {
	struct report_frags *out;
	uint16_t records; /* in the current fragment */
	uint32_t cut;
};

static uint8_t *
frag(struct writer *w)
{
	return w->out->data[w->out->count - 1];
}

/* [format, record...]: an array16 whose count is patched as records come. */
static void
frag_begin(struct writer *w)
{
	w->out->count++;
	w->out->bytes[w->out->count - 1] = FRAG_HEAD_BYTES;
	frag(w)[0] = 0xdc;
	frag(w)[3] = REPORT_FORMAT;
	w->records = 0;
}

static void
frag_add(struct writer *w, const struct mpw *rec)
{
	size_t *bytes = &w->out->bytes[w->out->count - 1];

	memcpy(frag(w) + *bytes, rec->buf, rec->len);
	*bytes += rec->len;
	w->records++;
	frag(w)[1] = (uint8_t)((w->records + 1) >> 8);
	frag(w)[2] = (uint8_t)(w->records + 1);
}

static void
put(struct writer *w, const struct mpw *rec)
{
	size_t room = REPORT_FRAG_BYTES_MAX - CUT_BYTES;

	if (rec->full || rec->len > room - FRAG_HEAD_BYTES) {
		w->cut++;
		return;
	}
	if (rec->len > room - w->out->bytes[w->out->count - 1]) {
		if (w->out->count == REPORT_FRAGS_MAX) {
			w->cut++;
			return;
		}
		frag_begin(w);
	}
	frag_add(w, rec);
}

/* Text that others wrote (a kernel's name, an error of a container). */
static void
put_text(struct mpw *rec, const char *text)
{
	char safe[VIEW_TEXT_CAP];

	err_escape(safe, sizeof safe, text, strlen(text));
	mpw_cstr(rec, safe);
}

static void
put_head(struct writer *w, const struct report *r)
{
	uint8_t buf[REPORT_FRAG_BYTES_MAX];
	const struct view_facts *f = &r->facts;
	const struct view_metrics *m = &r->metrics;
	struct mpw rec;

	mpw_init(&rec, buf, sizeof buf);
	mpw_array(&rec, 11);
	mpw_uint(&rec, REPORT_HEAD);
	put_text(&rec, f->arch);
	put_text(&rec, f->kernel);
	mpw_uint(&rec, f->cpus);
	mpw_uint(&rec, f->memory_bytes);
	mpw_uint(&rec, f->config_hash);
	mpw_double(&rec, m->load1);
	mpw_double(&rec, m->cpu_percent);
	mpw_uint(&rec, m->memory_free_bytes);
	mpw_uint(&rec, m->disk_free_bytes);
	mpw_uint(&rec, m->disk_bytes);
	put(w, &rec);
}

static void
put_instance(struct writer *w, const struct view_instance *v)
{
	uint8_t buf[REPORT_FRAG_BYTES_MAX];
	struct mpw rec;

	mpw_init(&rec, buf, sizeof buf);
	mpw_array(&rec, v->lease_until_ms != 0 ? 12 : 11);
	mpw_uint(&rec, REPORT_INSTANCE);
	mpw_cstr(&rec, v->id);
	mpw_cstr(&rec, v->role);
	mpw_cstr(&rec, v->version);
	mpw_cstr(&rec, v->image);
	put_text(&rec, v->error);
	mpw_uint(&rec, (uint64_t)v->state);
	mpw_uint(&rec, (uint64_t)v->health);
	mpw_uint(&rec, v->restarts);
	mpw_uint(&rec, v->pid > 0 ? (uint64_t)v->pid : 0);
	mpw_uint(&rec, v->since_ms);
	if (v->lease_until_ms != 0)
		mpw_uint(&rec, v->lease_until_ms);
	put(w, &rec);
}

static int
text_cmp(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void
put_names(struct writer *w, enum report_kind kind, const void *names, size_t width, size_t count)
{
	AUTO_FREE const char **rows = calloc(count + 1, sizeof *rows);
	int levels = kind == REPORT_IMAGE ? IMAGE_LEVELS_MAX : 1;
	uint8_t buf[REPORT_FRAG_BYTES_MAX];
	struct mpw rec;

	if (rows == NULL) {
		w->cut += (uint32_t)count;
		return;
	}
	for (size_t i = 0; i < count; i++)
		rows[i] = (const char *)names + i * width;
	qsort(rows, count, sizeof *rows, text_cmp);
	for (size_t i = 0; i < count; i++) {
		/* A directory that no schedule can name; the leader would refuse it. */
		if (!name_image_ok(rows[i], strlen(rows[i]), levels))
			continue;
		mpw_init(&rec, buf, sizeof buf);
		mpw_array(&rec, 2);
		mpw_uint(&rec, (uint64_t)kind);
		mpw_cstr(&rec, rows[i]);
		put(w, &rec);
	}
}

static int
instance_cmp(const void *a, const void *b)
{
	const struct view_instance *const *x = a, *const *y = b;

	return strcmp((*x)->id, (*y)->id);
}

static void
put_instances(struct writer *w, const struct report *r)
{
	size_t n = r->instances_count;
	AUTO_FREE const struct view_instance **rows = calloc(n + 1, sizeof *rows);

	if (rows == NULL) {
		w->cut += (uint32_t)n;
		return;
	}
	for (size_t i = 0; i < n; i++)
		rows[i] = &r->instances[i];
	qsort(rows, n, sizeof *rows, instance_cmp);
	for (size_t i = 0; i < n; i++)
		if (i < REPORT_INSTANCES_MAX)
			put_instance(w, rows[i]);
		else
			w->cut++;
}

void
report_pack(const struct report *r, struct report_frags *out)
{
	struct writer w = {.out = out};
	uint8_t buf[CUT_BYTES];
	struct mpw rec;

	out->count = 0;
	frag_begin(&w);
	put_head(&w, r);
	put_instances(&w, r);
	put_names(&w, REPORT_SANDBOX, r->facts.sandboxes, NAME_CAP, r->facts.sandboxes_count);
	put_names(&w, REPORT_IMAGE, r->facts.images, VIEW_IMAGE_CAP, r->facts.images_count);
	if (w.cut > 0) {
		mpw_init(&rec, buf, sizeof buf);
		mpw_array(&rec, 2);
		mpw_uint(&rec, REPORT_CUT);
		mpw_uint(&rec, w.cut);
		frag_add(&w, &rec);
	}
}

void
report_free(struct report *r)
{
	view_facts_free(&r->facts);
	free(r->instances);
	memset(r, 0, sizeof *r);
}
