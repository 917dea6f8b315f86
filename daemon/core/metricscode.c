/*
 * metricscode.c - see metricscode.h.  Whatever an answer claims, reading it takes no
 * more than about eight times its own bytes.
 */
#include "metricscode.h"

#include <stdlib.h>

#include "../../gossip/mp.h"
#include "pack.h"

enum {
	FORMAT = 1,
	FIELDS = 8, /* of the first version */
	FIELDS_KNOWN = 9,
	DEPTH = 6,
	VALUE_BYTES = 8,
	SERIES_BYTES_MIN = 7, /* an array of three binaries, and one byte of labels */
	ITEM_BYTES_MIN = 2,
	ANSWER_HEAD = 256,
	VARINT_BYTES_MAX = 10,
};

#define MS_END (INT64_C(1) << METRICS_MS_MAX_BITS)

/* --- questions ----------------------------------------------------------------- */

int
metricscode_ask(const struct metrics_question *q, size_t max, struct blob *out)
{
	struct pack p;

	assert(q->count <= METRICS_TEXTS_MAX);
	pack_begin(&p, max);
	pack_list(&p, FIELDS_KNOWN);
	pack_u64(&p, FORMAT);
	pack_u64(&p, q->what);
	pack_i64(&p, q->when.start_ms);
	pack_i64(&p, q->when.end_ms);
	pack_i64(&p, q->when.step_ms);
	pack_list(&p, q->count);
	for (uint32_t i = 0; i < q->count; i++)
		pack_bin(&p, q->texts[i].b, q->texts[i].len);
	pack_bin(&p, q->name.b, q->name.len);
	pack_u64(&p, q->wait_ms);
	pack_i64(&p, q->asked_ms);
	return pack_end(&p, out);
}

static int
skip_rest(struct mp *r, uint32_t fields, uint32_t known)
{
	for (uint32_t i = known; i < fields; i++)
		if (mp_skip(r) < 0)
			return -ERR_MALFORMED;
	return 0;
}

static int
read_bin(struct mp *r, struct slice *out)
{
	return mp_bin(r, &out->b, &out->len) < 0 ? -ERR_MALFORMED : 0;
}

static int
read_when(struct mp *r, struct prom_when *w)
{
	if (mp_int(r, &w->start_ms) < 0 || mp_int(r, &w->end_ms) < 0 || mp_int(r, &w->step_ms) < 0)
		return -ERR_MALFORMED;
	if (w->start_ms < 0 || w->start_ms > w->end_ms || w->end_ms >= MS_END || w->step_ms < 0 ||
	    w->step_ms >= MS_END)
		return -ERR_RANGE;
	if (w->step_ms > 0 && (w->end_ms - w->start_ms) / w->step_ms >= PROM_STEPS_MAX)
		return -ERR_RANGE;
	return 0;
}

int
metricscode_asked(struct slice bytes, struct metrics_question *q)
{
	uint64_t format, what, wait_ms;
	uint32_t fields;
	struct mp r;
	int rc;

	memset(q, 0, sizeof *q);
	mp_init(&r, bytes.b, bytes.len, DEPTH);
	if (mp_array(&r, &fields) < 0 || fields < FIELDS || mp_uint_max(&r, FORMAT, &format) < 0 ||
	    format != FORMAT || mp_uint_max(&r, METRICS_WHAT_COUNT - 1, &what) < 0)
		return -ERR_MALFORMED;
	q->what = (enum metrics_what)what;
	if ((rc = read_when(&r, &q->when)) < 0)
		return rc;
	if (mp_array(&r, &q->count) < 0)
		return -ERR_MALFORMED;
	if (q->count > METRICS_TEXTS_MAX)
		return -ERR_RANGE;
	for (uint32_t i = 0; i < q->count; i++) {
		if (read_bin(&r, &q->texts[i]) < 0)
			return -ERR_MALFORMED;
		if (q->texts[i].len > PROM_TEXT_BYTES_MAX)
			return -ERR_RANGE;
	}
	if (read_bin(&r, &q->name) < 0 || mp_uint(&r, &wait_ms) < 0 ||
	    (fields > FIELDS && mp_int(&r, &q->asked_ms) < 0) || skip_rest(&r, fields, FIELDS_KNOWN) < 0)
		return -ERR_MALFORMED;
	if (q->name.len > LABEL_VALUE_BYTES_MAX || wait_ms == 0 || wait_ms > METRICS_WAIT_MS_MAX ||
	    q->asked_ms < 0 || q->asked_ms >= MS_END)
		return -ERR_RANGE;
	q->wait_ms = (uint32_t)wait_ms;
	return mp_end(&r);
}

/* --- answers ------------------------------------------------------------------- */

static void
begin(struct pack *p, size_t max, bool ok)
{
	pack_begin(p, max);
	pack_list(p, 3);
	pack_u64(p, FORMAT);
	pack_u64(p, ok);
}

int
metricscode_fail(const char *why, struct blob *out)
{
	struct pack p;

	begin(&p, ANSWER_HEAD + ERR_TEXT_CAP, false);
	pack_str(&p, *why != '\0' ? why : "?");
	return pack_end(&p, out);
}

static size_t
put_varint(uint8_t *b, uint64_t v)
{
	size_t n = 0;

	for (; v >= 0x80; v >>= 7)
		b[n++] = (uint8_t)(v | 0x80);
	b[n++] = (uint8_t)v;
	return n;
}

static void
put_le64(uint8_t *b, double value)
{
	uint64_t v;

	memcpy(&v, &value, sizeof v);
	for (size_t i = 0; i < VALUE_BYTES; i++)
		b[i] = (uint8_t)(v >> (8 * i));
}

/* at and values, through scratch, which has VARINT_BYTES_MAX for each. */
static void
pack_points(struct pack *p, const struct prom_series *s, uint8_t *scratch)
{
	int64_t last = 0;
	size_t n = 0;

	for (uint32_t i = 0; i < s->count; i++) {
		n += put_varint(scratch + n, (uint64_t)(s->at_ms[i] - last));
		last = s->at_ms[i];
	}
	pack_bin(p, scratch, n);
	for (uint32_t i = 0; i < s->count; i++)
		put_le64(scratch + VALUE_BYTES * (size_t)i, s->values[i]);
	pack_bin(p, scratch, VALUE_BYTES * (size_t)s->count);
}

static int
pack_result(struct pack *p, const struct prom_result *r)
{
	uint32_t most = 1;

	for (uint32_t i = 0; i < r->count; i++)
		most = r->series[i].count > most ? r->series[i].count : most;
	uint8_t *scratch = malloc(VARINT_BYTES_MAX * (size_t)most);
	if (scratch == NULL)
		return -ERR_FULL;
	pack_list(p, 2);
	pack_u64(p, r->kind);
	pack_list(p, r->count);
	for (uint32_t i = 0; i < r->count && p->err == 0; i++) {
		const struct prom_series *s = &r->series[i];

		pack_list(p, 3);
		/* Of no labels at all: the one byte that says so. */
		pack_bin(p, s->labels.len > 0 ? s->labels.b : (const uint8_t *)"", s->labels.len > 0 ? s->labels.len : 1);
		pack_points(p, s, scratch);
	}
	free(scratch);
	return 0;
}

int
metricscode_results(const struct prom_result *results, uint32_t count, size_t max, struct blob *out)
{
	struct pack p;
	int rc = 0;

	begin(&p, max, true);
	pack_list(&p, count);
	for (uint32_t i = 0; i < count && rc == 0; i++)
		rc = pack_result(&p, &results[i]);
	if (rc == 0)
		return pack_end(&p, out);
	pack_drop(&p);
	return rc;
}

int
metricscode_list(enum metrics_what what, const struct metrics_item *items, uint32_t count,
    size_t max, struct blob *out)
{
	struct pack p;

	begin(&p, max, true);
	pack_list(&p, count);
	for (uint32_t i = 0; i < count && p.err == 0; i++) {
		if (what == METRICS_METADATA)
			pack_list(&p, 3);
		pack_bin(&p, items[i].key.b, items[i].key.len);
		if (what != METRICS_METADATA)
			continue;
		pack_u64(&p, items[i].type);
		pack_bin(&p, items[i].help.b, items[i].help.len);
	}
	return pack_end(&p, out);
}

/* --- reading ------------------------------------------------------------------- */

/* Where the points of an answer go: room for as many as its bytes can hold. */
struct points {
	int64_t *at_ms;
	double *values;
	size_t used;
};

static int
get_varint(struct slice *from, uint64_t *out)
{
	uint64_t v = 0;

	for (unsigned shift = 0; shift < 63; shift += 7) {
		uint8_t b;

		if (from->len == 0)
			return -ERR_MALFORMED;
		b = *from->b++;
		from->len--;
		v |= (uint64_t)(b & 0x7f) << shift;
		if ((b & 0x80) == 0) {
			*out = v;
			return 0;
		}
	}
	return -ERR_MALFORMED;
}

static double
get_le64(const uint8_t *b)
{
	uint64_t v = 0;
	double value;

	for (size_t i = 0; i < VALUE_BYTES; i++)
		v |= (uint64_t)b[i] << (8 * i);
	memcpy(&value, &v, sizeof value);
	return value;
}

static int
read_points(struct slice times, struct slice values, struct points *to, struct prom_series *out)
{
	uint64_t at = 0, more;

	if (values.len % VALUE_BYTES != 0)
		return -ERR_MALFORMED;
	out->at_ms = to->at_ms + to->used;
	out->values = to->values + to->used;
	for (; values.len > 0; values.b += VALUE_BYTES, values.len -= VALUE_BYTES) {
		if (get_varint(&times, &more) < 0 || (out->count > 0 && more == 0) ||
		    (at += more) >= (uint64_t)MS_END || more >= (uint64_t)MS_END)
			return -ERR_MALFORMED;
		out->at_ms[out->count] = (int64_t)at;
		out->values[out->count++] = get_le64(values.b);
	}
	to->used += out->count;
	return times.len == 0 ? 0 : -ERR_MALFORMED;
}

static int
read_series(struct mp *r, struct points *points, struct prom_series *out)
{
	struct slice times, values;
	struct labels labels;
	uint32_t n;

	if (mp_array(r, &n) < 0 || n < 3 || read_bin(r, &out->labels) < 0 || read_bin(r, &times) < 0 ||
	    read_bin(r, &values) < 0 || labels_read(out->labels, &labels) < 0 ||
	    read_points(times, values, points, out) < 0)
		return -ERR_MALFORMED;
	return skip_rest(r, n, 3);
}

static int
read_result(struct mp *r, struct points *points, struct prom_result *out)
{
	uint64_t kind;
	uint32_t fields, n;
	int rc = 0;

	if (mp_array(r, &fields) < 0 || fields < 2 || mp_uint_max(r, PROM_MATRIX, &kind) < 0 ||
	    mp_array(r, &n) < 0 || n > (r->len - r->off) / SERIES_BYTES_MIN)
		return -ERR_MALFORMED;
	out->kind = (enum prom_kind)kind;
	if ((out->series = calloc((size_t)n + 1, sizeof *out->series)) == NULL)
		return -ERR_FULL;
	for (; out->count < n && rc == 0; out->count++)
		rc = read_series(r, points, &out->series[out->count]);
	return rc < 0 ? rc : skip_rest(r, fields, 2);
}

static int
read_results(struct mp *r, uint32_t parts, struct metrics_answer *a)
{
	size_t room = r->len / VALUE_BYTES + 1;
	struct points points = {0};
	uint32_t n;
	int rc = 0;

	if (mp_array(r, &n) < 0 || n != parts)
		return -ERR_MALFORMED;
	a->results = calloc((size_t)n + 1, sizeof *a->results);
	a->memory = malloc(room * (sizeof *points.at_ms + sizeof *points.values));
	if (a->results == NULL || a->memory == NULL)
		return -ERR_FULL;
	points.at_ms = a->memory;
	points.values = (double *)(points.at_ms + room);
	for (; a->count < n && rc == 0; a->count++)
		rc = read_result(r, &points, &a->results[a->count]);
	return rc;
}

static int
read_item(struct mp *r, enum metrics_what what, struct metrics_item *out)
{
	struct labels labels;
	uint64_t type;
	uint32_t n;

	if (what == METRICS_METADATA) {
		if (mp_array(r, &n) < 0 || n < 3 || read_bin(r, &out->key) < 0 ||
		    mp_uint_max(r, SERIES_STATESET, &type) < 0 || read_bin(r, &out->help) < 0)
			return -ERR_MALFORMED;
		out->type = (enum series_type)type;
		return skip_rest(r, n, 3);
	}
	if (read_bin(r, &out->key) < 0 ||
	    (what == METRICS_SERIES && labels_read(out->key, &labels) < 0))
		return -ERR_MALFORMED;
	return 0;
}

static int
read_items(struct mp *r, enum metrics_what what, struct metrics_answer *a)
{
	uint32_t n;
	int rc = 0;

	if (mp_array(r, &n) < 0 || n > (r->len - r->off) / ITEM_BYTES_MIN)
		return -ERR_MALFORMED;
	if ((a->items = calloc((size_t)n + 1, sizeof *a->items)) == NULL)
		return -ERR_FULL;
	for (; a->count < n && rc == 0; a->count++)
		rc = read_item(r, what, &a->items[a->count]);
	return rc;
}

static int
read_answer(struct mp *r, enum metrics_what what, uint32_t parts, struct metrics_answer *a)
{
	uint64_t format, ok;
	const char *why;
	uint32_t fields;
	int rc;

	if (mp_array(r, &fields) < 0 || fields < 3 || mp_uint_max(r, FORMAT, &format) < 0 ||
	    format != FORMAT || mp_uint_max(r, 1, &ok) < 0)
		return -ERR_MALFORMED;
	if (ok == 0) {
		if (mp_str(r, &why, &a->why.len) < 0 || a->why.len == 0)
			return -ERR_MALFORMED;
		a->why.b = (const uint8_t *)why;
	} else if ((rc = what == METRICS_EVAL ? read_results(r, parts, a) : read_items(r, what, a)) < 0) {
		return rc;
	}
	if (skip_rest(r, fields, 3) < 0)
		return -ERR_MALFORMED;
	return mp_end(r);
}

int
metricscode_read(struct slice bytes, enum metrics_what what, uint32_t parts,
    struct metrics_answer *out)
{
	struct mp r;
	int rc;

	memset(out, 0, sizeof *out);
	mp_init(&r, bytes.b, bytes.len, DEPTH);
	if ((rc = read_answer(&r, what, parts, out)) < 0)
		metricscode_free(out);
	return rc;
}

void
metricscode_free(struct metrics_answer *a)
{
	for (uint32_t i = 0; a->results != NULL && i < a->count; i++)
		free(a->results[i].series);
	free(a->results);
	free(a->items);
	free(a->memory);
	memset(a, 0, sizeof *a);
}
