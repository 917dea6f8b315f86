/*
 * report.c - a node's report, written as a sample and cut into fragments.
 *
 * The most important rows get their room first, so that a node with too much to
 * tell loses names of images, never its instances.  Reading is in reportread.c.
 */
#include "report.h"

#include <stdio.h>
#include <stdlib.h>

#include "../../gossip/mpw.h"
#include "../base/err.h"
#include "../base/name.h"
#include "../base/own.h"
#include "reportcode.h"

/* Kept free for the [REPORT_CUT, n] that may have to follow. */
enum { CUT_BYTES = 16, RECORD_MAX = SAMPLE_VALUE_MAX, PIECE_REST_BYTES = 40 };

struct writer {
	struct sample *out;
	uint32_t cut;
	size_t kept; /* bytes that are promised to rows still to come */
};

/* A record by its kind and name, which order it among the others. */
static void
put(struct writer *w, enum report_kind kind, const char *name, const struct mpw *rec)
{
	uint8_t key[SAMPLE_KEY_MAX] = {(uint8_t)kind};
	size_t len = strlen(name);

	if (len > sizeof key - 1 || rec->full ||
	    1 + len + rec->len + CUT_BYTES + w->kept > sample_room(w->out)) {
		w->cut++;
		return;
	}
	memcpy(key + 1, name, len);
	if (sample_row(w->out, key, 1 + len, rec->buf, rec->len) < 0)
		w->cut++;
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
	uint8_t buf[RECORD_MAX];
	const struct view_facts *f = &r->facts;
	struct mpw rec;

	mpw_init(&rec, buf, sizeof buf);
	mpw_array(&rec, 6);
	mpw_uint(&rec, REPORT_HEAD);
	put_text(&rec, f->arch);
	put_text(&rec, f->kernel);
	mpw_uint(&rec, f->cpus);
	mpw_uint(&rec, f->memory_bytes);
	mpw_uint(&rec, f->config_hash);
	put(w, REPORT_HEAD, "", &rec);
}

static void
put_instance(struct writer *w, const struct view_instance *v)
{
	uint8_t buf[RECORD_MAX];
	struct mpw rec;

	mpw_init(&rec, buf, sizeof buf);
	mpw_array(&rec, v->unrendered ? 13 : v->lease_until_ms != 0 ? 12 : 11);
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
	if (v->unrendered || v->lease_until_ms != 0)
		mpw_uint(&rec, v->lease_until_ms);
	if (v->unrendered)
		mpw_uint(&rec, 1);
	put(w, REPORT_INSTANCE, v->id, &rec);
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
	int levels = kind == REPORT_IMAGE ? VIEW_IMAGE_LEVELS_MAX : 1;
	uint8_t buf[RECORD_MAX];
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
		put(w, kind, rows[i], &rec);
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

/* At most: the names twice, the error, the rest of the record. */
static size_t
hostacts_bytes(const struct report *r)
{
	size_t n = r->hostacts_count < REPORT_HOSTACTS_MAX ? r->hostacts_count : REPORT_HOSTACTS_MAX;

	return n * (4 * NAME_CAP + VIEW_TEXT_CAP + PIECE_REST_BYTES);
}

static void
put_hostacts(struct writer *w, const struct report *r)
{
	uint8_t buf[RECORD_MAX];
	char key[2 * NAME_CAP];
	struct mpw rec;

	for (uint32_t i = 0; i < r->hostacts_count; i++) {
		const struct view_hostact *a = &r->hostacts[i];

		if (i >= REPORT_HOSTACTS_MAX) {
			w->cut++;
			continue;
		}
		mpw_init(&rec, buf, sizeof buf);
		mpw_array(&rec, 4);
		mpw_uint(&rec, REPORT_HOSTACT);
		mpw_cstr(&rec, a->role);
		mpw_cstr(&rec, a->action);
		put_text(&rec, a->error);
		snprintf(key, sizeof key, "%s %s", a->role, a->action);
		put(w, REPORT_HOSTACT, key, &rec);
	}
}

static uint32_t
pieces(const struct view_answer *a)
{
	return (uint32_t)((a->bytes.len + REPORT_PIECE_BYTES - 1) / REPORT_PIECE_BYTES);
}

/* What rows of answers take at most: the name twice, the rest of the record, lengths. */
static size_t
answers_bytes(const struct report *r)
{
	size_t n = 0;

	for (uint32_t i = 0; i < r->answers_count; i++)
		n += r->answers[i].bytes.len +
		    pieces(&r->answers[i]) * (2 * strlen(r->answers[i].name) + PIECE_REST_BYTES);
	return n;
}

/* All pieces of it, or none. */
static void
put_answer(struct writer *w, const struct view_answer *a)
{
	uint32_t count = pieces(a);
	uint8_t buf[RECORD_MAX];
	char key[NAME_CAP + 4];
	struct mpw rec;

	if (count == 0 || count > REPORT_PIECES_MAX ||
	    a->bytes.len + count * (2 * strlen(a->name) + PIECE_REST_BYTES) + CUT_BYTES + w->kept > sample_room(w->out)) {
		w->cut++;
		return;
	}
	for (uint32_t i = 0; i < count; i++) {
		size_t from = (size_t)i * REPORT_PIECE_BYTES, left = a->bytes.len - from;

		mpw_init(&rec, buf, sizeof buf);
		mpw_array(&rec, 6);
		mpw_uint(&rec, REPORT_ANSWER);
		mpw_cstr(&rec, a->name);
		mpw_uint(&rec, a->mark);
		mpw_uint(&rec, i);
		mpw_uint(&rec, count);
		mpw_bin(&rec, a->bytes.b + from, left < REPORT_PIECE_BYTES ? left : REPORT_PIECE_BYTES);
		snprintf(key, sizeof key, "%s\x01%c", a->name, (int)i + 1);
		put(w, REPORT_ANSWER, key, &rec);
	}
}

static void
put_answers(struct writer *w, const struct report *r)
{
	for (uint32_t i = 0; i < r->answers_count; i++)
		put_answer(w, &r->answers[i]);
}

/* Hundredths are all that a load or a share of a core is worth. */
static int64_t
hundredths(double v)
{
	if (!(v > 0)) /* not a number, too */
		return 0;
	return v > 1e12 ? (int64_t)1e14 : (int64_t)(v * 100 + 0.5);
}

static void
put_numbers(struct writer *w, const struct view_metrics *m)
{
	int64_t numbers[REPORT_NUMBERS] = {
	    [REPORT_LOAD1] = hundredths(m->load1),
	    [REPORT_CPU] = hundredths(m->cpu_percent),
	    [REPORT_MEMORY_FREE] = (int64_t)m->memory_free_bytes,
	    [REPORT_DISK_FREE] = (int64_t)m->disk_free_bytes,
	    [REPORT_DISK] = (int64_t)m->disk_bytes,
	};

	memcpy(numbers + REPORT_STANDARD, m->standard, sizeof m->standard);
	for (size_t i = 0; i < REPORT_NUMBERS; i++)
		if (sample_number(w->out, numbers[i]) < 0)
			w->cut++;
}

void
report_sample(const struct report *r, struct sample *out)
{
	struct writer w = {.out = out};
	uint8_t buf[CUT_BYTES], key = REPORT_CUT_KEY;
	struct mpw rec;

	memset(out, 0, sizeof *out);
	put_numbers(&w, &r->metrics);
	put_head(&w, r);
	put_instances(&w, r);
	w.kept = answers_bytes(r) + hostacts_bytes(r);
	put_names(&w, REPORT_SANDBOX, r->facts.sandboxes, NAME_CAP, r->facts.sandboxes_count);
	put_names(&w, REPORT_IMAGE, r->facts.images, VIEW_IMAGE_CAP, r->facts.images_count);
	w.kept = hostacts_bytes(r);
	put_answers(&w, r);
	w.kept = 0;
	put_hostacts(&w, r);
	if (w.cut > 0) {
		mpw_init(&rec, buf, sizeof buf);
		mpw_array(&rec, 2);
		mpw_uint(&rec, REPORT_CUT);
		mpw_uint(&rec, w.cut);
		if (sample_row(out, &key, 1, buf, rec.len) < 0)
			return; /* no memory for these few bytes either */
	}
}

/* What it holds is the base of all that follows until it says more. */
static void
hold(struct report_told *t, uint32_t held)
{
	if (held != 0 && held == t->now.version) {
		sample_free(&t->base);
		t->base = t->now;
		memset(&t->now, 0, sizeof t->now);
	} else if (held == 0 || held != t->base.version) {
		sample_free(&t->base);
	}
}

void
report_tell(struct report_told *t, uint32_t held, struct sample *fresh, struct report_frags *out)
{
	uint8_t *bytes = &out->data[0][0];
	size_t len = 0;

	hold(t, held);
	sample_free(&t->now);
	t->now = *fresh;
	memset(fresh, 0, sizeof *fresh);
	if (t->base.version != 0)
		len = sample_pack(&t->now, &t->base, bytes, sizeof out->data);
	if (len == 0)
		len = sample_pack(&t->now, NULL, bytes, sizeof out->data);
	assert(len > 0);
	for (out->count = 0; len > 0; out->count++) {
		size_t n = len < REPORT_FRAG_BYTES_MAX ? len : REPORT_FRAG_BYTES_MAX;

		out->bytes[out->count] = n;
		len -= n;
	}
}

void
report_told_free(struct report_told *t)
{
	sample_free(&t->base);
	sample_free(&t->now);
}

void
report_free(struct report *r)
{
	view_facts_free(&r->facts);
	free(r->instances);
	for (uint32_t i = 0; i < r->answers_count; i++)
		blob_free(&r->answers[i].bytes);
	free(r->answers);
	free(r->hostacts);
	memset(r, 0, sizeof *r);
}
