/*
 * expotext.c - see expotext.h.
 */
#include "expotext.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "../base/own.h"

struct row { /* a series, to be sorted */
	uint32_t name, name_len; /* in names */
	uint32_t family_len;	 /* of its name, as far as it is the family's */
	uint32_t at;		 /* of its packed labels in names */
	uint32_t labels_len, order;
	enum series_type type;
	double value;
	const uint8_t *bytes; /* of all rows, once they are whole */
};

struct rows {
	struct row *items;
	size_t count;
	uint8_t *bytes; /* packed labels, one after the other */
	size_t len, cap;
};

struct writer {
	uint8_t *b;
	size_t len, cap;
	bool full;
};

/* --- the text ---------------------------------------------------------------------- */

static uint8_t *
room(struct writer *w, size_t n)
{
	if (!w->full && w->len + n > w->cap) {
		size_t cap = w->cap > 0 ? w->cap * 2 : 64 << 10;
		uint8_t *more = cap <= EXPOTEXT_BYTES_MAX && n <= cap - w->len ? realloc(w->b, cap) : NULL;

		w->full = more == NULL;
		if (more != NULL) {
			w->b = more;
			w->cap = cap;
		}
	}
	return w->full ? NULL : w->b + w->len;
}

static void
put(struct writer *w, const void *p, size_t n)
{
	uint8_t *to = room(w, n);

	if (to == NULL)
		return;
	memcpy(to, p, n);
	w->len += n;
}

static void
puts_(struct writer *w, const char *s)
{
	put(w, s, strlen(s));
}

/* In help a quote stands for itself, in OpenMetrics it does not. */
static void
put_escaped(struct writer *w, struct slice s, bool quotes)
{
	size_t from = 0;

	for (size_t i = 0; i < s.len; i++) {
		uint8_t c = s.b[i];

		if (c != '\\' && c != '\n' && !(c == '"' && quotes))
			continue;
		put(w, s.b + from, i - from);
		puts_(w, c == '\n' ? "\\n" : c == '\\' ? "\\\\" : "\\\"");
		from = i + 1;
	}
	put(w, s.b + from, s.len - from);
}

static void
put_value(struct writer *w, double v)
{
	char text[40], *at = text + sizeof text;
	int64_t n = (int64_t)(fabs(v) < 9e15 ? v : 0);
	uint64_t size = n < 0 ? 0 - (uint64_t)n : (uint64_t)n;

	if (isnan(v)) {
		puts_(w, "NaN");
		return;
	}
	if (isinf(v)) {
		puts_(w, v < 0 ? "-Inf" : "+Inf");
		return;
	}
	if ((double)n != v || (v == 0 && signbit(v))) {
		int len = snprintf(text, sizeof text, "%.15g", v);

		if (strtod(text, NULL) != v)
			len = snprintf(text, sizeof text, "%.17g", v);
		put(w, text, (size_t)len);
		return;
	}
	do
		*--at = (char)('0' + size % 10);
	while ((size /= 10) > 0);
	if (n < 0)
		*--at = '-';
	put(w, at, (size_t)(text + sizeof text - at));
}

static const char *
type_name(enum series_type t)
{
	switch (t) {
	case SERIES_COUNTER:
		return "counter";
	case SERIES_GAUGE:
		return "gauge";
	case SERIES_HISTOGRAM:
		return "histogram";
	case SERIES_SUMMARY:
		return "summary";
	case SERIES_INFO:
		return "info";
	case SERIES_STATESET:
		return "stateset";
	case SERIES_UNTYPED:
		break;
	}
	return NULL;
}

static void
put_sample(struct writer *w, const struct rows *r, const struct row *row)
{
	struct labels l;
	bool first = true;

	put(w, r->bytes + row->name, row->name_len);
	if (labels_read((struct slice){r->bytes + row->at, row->labels_len}, &l) < 0)
		l.count = 0;
	for (uint32_t i = 0; i < l.count; i++) {
		if (slice_eq(l.items[i].name, slice_of(LABEL_NAME)))
			continue;
		puts_(w, first ? "{" : ",");
		put(w, l.items[i].name.b, l.items[i].name.len);
		puts_(w, "=\"");
		put_escaped(w, l.items[i].value, true);
		puts_(w, "\"");
		first = false;
	}
	puts_(w, first ? " " : "} ");
	put_value(w, row->value);
	puts_(w, "\n");
}

static void
put_family(struct writer *w, const struct series_store *s, const struct rows *r, const struct row *row, bool openmetrics)
{
	const struct slice name = {r->bytes + row->name, row->family_len};
	const char *word = type_name(row->type);
	struct slice help = {0};

	(void)series_meta(s, name, &help);
	if (help.len == 0) /* it was described with its `_total` */
		(void)series_meta(s, (struct slice){name.b, row->name_len}, &help);
	if (help.len > 0) {
		puts_(w, "# HELP ");
		put(w, name.b, name.len);
		puts_(w, " ");
		put_escaped(w, help, openmetrics);
		puts_(w, "\n");
	}
	puts_(w, "# TYPE ");
	put(w, name.b, name.len);
	puts_(w, " ");
	puts_(w, word != NULL ? word : openmetrics ? "unknown" : "untyped");
	puts_(w, "\n");
}

/* --- the rows ----------------------------------------------------------------------- */

static bool
ends(struct slice name, const char *with, size_t *rest)
{
	size_t n = strlen(with);

	if (name.len <= n || memcmp(name.b + name.len - n, with, n) != 0)
		return false;
	*rest = name.len - n;
	return true;
}

/* Text: parts of histograms and summaries are in the family that they are part of. */
static void
find_family(const struct series_store *s, struct slice name, bool openmetrics, struct row *row)
{
	static const char *const parts[] = {"_bucket", "_count", "_sum"};
	size_t n;

	row->family_len = (uint32_t)name.len;
	row->type = series_meta(s, name, &(struct slice){0});
	for (size_t i = 0; i < ARRAY_LEN(parts) && row->type == SERIES_UNTYPED; i++)
		if (ends(name, parts[i], &n)) {
			enum series_type t = series_meta(s, (struct slice){name.b, n}, &(struct slice){0});

			if (t != SERIES_HISTOGRAM && (t != SERIES_SUMMARY || i == 0))
				continue;
			row->type = t;
			row->family_len = (uint32_t)n;
		}
	if (row->type == SERIES_INFO || row->type == SERIES_STATESET)
		row->type = SERIES_GAUGE;
	if (!openmetrics)
		return;
	if (row->type == SERIES_COUNTER && ends(name, "_total", &n))
		row->family_len = (uint32_t)n;
	else if (row->type != SERIES_GAUGE) {
		row->type = SERIES_UNTYPED;
		row->family_len = (uint32_t)name.len;
	}
}

static int
add(struct rows *r, const struct series_store *s, series_id id, double value, bool openmetrics)
{
	struct row *row = &r->items[r->count];
	struct slice packed, name;

	if (r->cap - r->len < LABELS_BYTES_MAX) {
		uint8_t *more = realloc(r->bytes, r->cap * 2 + 2 * LABELS_BYTES_MAX);

		if (more == NULL)
			return -ERR_FULL;
		r->bytes = more;
		r->cap = r->cap * 2 + 2 * LABELS_BYTES_MAX;
	}
	packed = (struct slice){r->bytes + r->len, series_labels(s, id, r->bytes + r->len)};
	name = labels_find(packed, slice_of(LABEL_NAME));
	if (packed.len == 0 || name.len == 0)
		return 0;
	*row = (struct row){.name = (uint32_t)(name.b - r->bytes), .name_len = (uint32_t)name.len,
	    .at = (uint32_t)r->len, .labels_len = (uint32_t)packed.len, .order = (uint32_t)r->count, .value = value};
	find_family(s, name, openmetrics, row);
	r->len += packed.len;
	r->count++;
	return 0;
}

/* A family is in one piece; within it names are, and the store's order stays. */
static int
row_cmp(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	const uint8_t *base = x->bytes;
	uint32_t n = x->family_len < y->family_len ? x->family_len : y->family_len;
	int c = memcmp(base + x->name, base + y->name, n);

	if (c == 0 && x->family_len != y->family_len)
		c = x->family_len < y->family_len ? -1 : 1;
	if (c == 0) {
		n = x->name_len < y->name_len ? x->name_len : y->name_len;
		c = memcmp(base + x->name, base + y->name, n);
	}
	if (c == 0 && x->name_len != y->name_len)
		c = x->name_len < y->name_len ? -1 : 1;
	return c != 0 ? c : x->order < y->order ? -1 : 1;
}

static int
gather(struct rows *r, const struct series_store *s, int64_t now_tick, bool openmetrics)
{
	AUTO_FREE series_id *ids = NULL;
	int64_t n = series_select(s, NULL, 0, EXPOTEXT_SERIES_MAX, &ids);

	if (n < 0 || (r->items = calloc((size_t)n + 1, sizeof *r->items)) == NULL)
		return -ERR_FULL;
	for (int64_t i = 0; i < n; i++) {
		struct series_point p;

		if (!series_last(s, ids[i], &p) || series_is_stale(p.value) || p.tick < now_tick - EXPOTEXT_AGE_TICKS)
			continue;
		if (add(r, s, ids[i], p.value, openmetrics) < 0)
			return -ERR_FULL;
	}
	for (size_t i = 0; i < r->count; i++)
		r->items[i].bytes = r->bytes;
	qsort(r->items, r->count, sizeof *r->items, row_cmp);
	return 0;
}

int
expotext_write(const struct series_store *s, int64_t now_tick, bool openmetrics, struct blob *out)
{
	struct writer w = {0};
	struct rows r = {0};
	int rc = gather(&r, s, now_tick, openmetrics);

	*out = (struct blob){0};
	for (size_t i = 0; i < r.count && rc == 0; i++) {
		const struct row *x = &r.items[i], *before = i > 0 ? x - 1 : NULL;

		if (before == NULL || before->family_len != x->family_len ||
		    memcmp(r.bytes + before->name, r.bytes + x->name, x->family_len) != 0)
			put_family(&w, s, &r, x, openmetrics);
		put_sample(&w, &r, x);
	}
	if (openmetrics)
		puts_(&w, "# EOF\n");
	free(r.items);
	free(r.bytes);
	if (rc < 0 || w.full) {
		free(w.b);
		return -ERR_FULL;
	}
	*out = (struct blob){w.b, w.len};
	return 0;
}
