/*
 * expotext.c - see expotext.h.
 */
#include "expotext.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "target.h"

struct row { /* a series that is shown */
	series_id id;
	uint32_t place;	      /* see series_each */
	uint32_t name_len;    /* of text */
	uint32_t family_len;  /* of its name, as far as it is the family's */
	uint32_t len, head_len;
	enum series_type type;
	bool ours; /* measured by mesh */
	uint8_t *text; /* name and labels, and the blank behind; owned */
	uint8_t *head; /* of the family that it begins; owned, NULL: not made yet */
	double value;  /* of now */
};

struct rows {
	struct row *items; /* owned */
	size_t count, cap;
};

struct writer {
	uint8_t *b;
	size_t len, cap;
	bool full;
};

struct expotext {
	bool openmetrics;
	uint64_t described; /* the store's, when this was made */
	struct rows rows;
	series_id *shown; /* by place: what is in rows; owned */
	size_t shown_count;
	struct writer out; /* of the last scrape */
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

/* n as digits that end at `end`, at least so many. */
static char *
digits(char *end, uint64_t n, int least)
{
	for (; n > 0 || least > 0; n /= 10, least--)
		*--end = (char)('0' + n % 10);
	return end;
}

/* Most that are no whole numbers are some of 1e-6 or 1e-9: a quotient of two exact doubles
 * is the double that its decimals are read as.  False: this one is not. */
static bool
put_decimal(struct writer *w, double v)
{
	static const struct {
		double by, most;
		int places;
	} scales[] = {{1e6, 9e9, 6}, {1e9, 9e6, 9}};
	double size = fabs(v);
	char text[40], *at, *end = text + sizeof text;

	for (size_t i = 0; i < ARRAY_LEN(scales); i++) {
		uint64_t n, by = (uint64_t)scales[i].by;

		if (!(size > 0 && size < scales[i].most) ||
		    (double)(n = (uint64_t)(size * scales[i].by + 0.5)) / scales[i].by != size)
			continue;
		at = digits(end, n % by, scales[i].places);
		*--at = '.';
		at = digits(at, n / by, 1);
		if (v < 0)
			*--at = '-';
		while (end[-1] == '0')
			end--;
		put(w, at, (size_t)(end - at));
		return true;
	}
	return false;
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
		if (put_decimal(w, v))
			return;
		int len = snprintf(text, sizeof text, "%.15g", v);

		if (strtod(text, NULL) != v)
			len = snprintf(text, sizeof text, "%.17g", v);
		put(w, text, (size_t)len);
		return;
	}
	at = digits(at, size, 1);
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

/* Name and labels; bytes are packed ones. */
static void
put_labels(struct writer *w, struct slice packed, struct slice name)
{
	struct labels l;
	bool first = true;

	put(w, name.b, name.len);
	if (labels_read(packed, &l) < 0)
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
}

static void
put_family(struct writer *w, const struct series_store *s, const struct row *row, bool openmetrics)
{
	const struct slice name = {row->text, row->family_len};
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

/* What is written from mark on, as memory of its own, and taken back; NULL: no memory. */
static uint8_t *
keep(struct writer *w, size_t mark, uint32_t *len)
{
	uint8_t *kept = w->full ? NULL : malloc(w->len - mark);

	*len = (uint32_t)(w->len - mark);
	if (kept != NULL)
		memcpy(kept, w->b + mark, w->len - mark);
	w->len = mark;
	return kept;
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
text_cmp(const uint8_t *a, uint32_t a_len, const uint8_t *b, uint32_t b_len)
{
	int c = memcmp(a, b, a_len < b_len ? a_len : b_len);

	return c != 0 ? c : (a_len > b_len) - (a_len < b_len);
}

/* A family is in one piece, and so is a name within it. */
static int
row_cmp(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	int c = text_cmp(x->text, x->family_len, y->text, y->family_len);

	if (c == 0)
		c = text_cmp(x->text, x->name_len, y->text, y->name_len);
	return c != 0 ? c : text_cmp(x->text, x->len, y->text, y->len);
}

static bool
is_shown(const struct series_store *s, series_id id, int64_t now_tick, double *value)
{
	struct series_point p;

	if (!series_last(s, id, &p) || series_is_stale(p.value) || p.tick < now_tick - EXPOTEXT_AGE_TICKS)
		return false;
	*value = p.value;
	return true;
}

static void
row_free(struct expotext *x, struct row *row)
{
	x->shown[row->place] = 0;
	free(row->text);
	free(row->head);
}

static void
forget(struct expotext *x)
{
	for (size_t i = 0; i < x->rows.count; i++)
		row_free(x, &x->rows.items[i]);
	free(x->rows.items);
	x->rows = (struct rows){0};
}

/* The values of now, of those that are still there. */
static void
look_again(struct expotext *x, const struct series_store *s, int64_t now_tick)
{
	struct rows *r = &x->rows;
	size_t kept = 0;

	for (size_t i = 0; i < r->count; i++) {
		if (!is_shown(s, r->items[i].id, now_tick, &r->items[i].value))
			row_free(x, &r->items[i]);
		else if (kept++ != i)
			r->items[kept - 1] = r->items[i];
	}
	r->count = kept;
}

static bool
shown_reach(struct expotext *x, size_t place)
{
	size_t count = x->shown_count > 0 ? x->shown_count : 1024;
	series_id *more;

	while (count <= place)
		count *= 2;
	if (count == x->shown_count)
		return true;
	if ((more = realloc(x->shown, count * sizeof *more)) == NULL)
		return false;
	memset(more + x->shown_count, 0, (count - x->shown_count) * sizeof *more);
	x->shown = more;
	x->shown_count = count;
	return true;
}

static int
add(struct expotext *x, struct rows *r, const struct series_store *s, const struct row *seen)
{
	uint8_t labels[LABELS_BYTES_MAX];
	const struct slice packed = {labels, series_labels(s, seen->id, labels)};
	struct slice name = labels_find(packed, slice_of(LABEL_NAME));
	struct row row = *seen;
	size_t mark = x->out.len;

	if (packed.len == 0 || name.len == 0)
		return 0;
	if (r->count == r->cap) {
		size_t cap = r->cap > 0 ? r->cap * 2 : 64;
		struct row *more = realloc(r->items, cap * sizeof *more);

		if (more == NULL)
			return -ERR_FULL;
		r->items = more;
		r->cap = cap;
	}
	put_labels(&x->out, packed, name);
	if ((row.text = keep(&x->out, mark, &row.len)) == NULL)
		return -ERR_FULL;
	row.name_len = (uint32_t)name.len;
	row.ours = target_is_ours(packed);
	find_family(s, name, x->openmetrics, &row);
	x->shown[row.place] = row.id;
	r->items[r->count++] = row;
	return 0;
}

/* Both are in order; one of them is all, when it is done. */
static int
merge(struct rows *all, struct rows *fresh)
{
	size_t n = all->count + fresh->count, i = 0, k = 0;
	struct row *items = malloc(n * sizeof *items);

	if (items == NULL)
		return -ERR_FULL;
	for (size_t at = 0; at < n; at++)
		items[at] = i < all->count &&
			(k == fresh->count || row_cmp(&all->items[i], &fresh->items[k]) < 0) ?
		    all->items[i++] :
		    fresh->items[k++];
	free(all->items);
	*all = (struct rows){items, n, n};
	return 0;
}

static int
look_for_new(struct expotext *x, const struct series_store *s, int64_t now_tick)
{
	struct row seen = {0};
	struct rows fresh = {0};
	uint32_t at = 0;
	int rc = 0;

	while (rc == 0 && series_each(s, &at, &seen.id)) {
		seen.place = at - 1;
		if (!shown_reach(x, seen.place))
			rc = -ERR_FULL;
		else if (x->shown[seen.place] != seen.id && is_shown(s, seen.id, now_tick, &seen.value))
			rc = x->rows.count + fresh.count < EXPOTEXT_SERIES_MAX ? add(x, &fresh, s, &seen) : -ERR_FULL;
	}
	if (rc == 0 && fresh.count > 0) {
		qsort(fresh.items, fresh.count, sizeof *fresh.items, row_cmp);
		rc = merge(&x->rows, &fresh);
	}
	if (rc < 0)
		for (size_t i = 0; i < fresh.count; i++)
			row_free(x, &fresh.items[i]);
	free(fresh.items);
	return rc;
}

static int
put_head(struct expotext *x, const struct series_store *s, struct row *row)
{
	size_t mark = x->out.len;

	if (row->head == NULL) {
		put_family(&x->out, s, row, x->openmetrics);
		if ((row->head = keep(&x->out, mark, &row->head_len)) == NULL)
			return -ERR_FULL;
	}
	put(&x->out, row->head, row->head_len);
	return 0;
}

static int
print(struct expotext *x, const struct series_store *s, bool ours)
{
	struct writer *w = &x->out;
	const struct row *before = NULL;

	w->len = 0;
	w->full = false;
	for (size_t i = 0; i < x->rows.count; i++) {
		struct row *row = &x->rows.items[i];

		if (ours && !row->ours)
			continue;
		if ((before == NULL || text_cmp(before->text, before->family_len, row->text, row->family_len) != 0) &&
		    put_head(x, s, row) < 0)
			return -ERR_FULL;
		put(w, row->text, row->len);
		put_value(w, row->value);
		put(w, "\n", 1);
		before = row;
	}
	if (x->openmetrics)
		puts_(w, "# EOF\n");
	return w->full ? -ERR_FULL : 0;
}

struct expotext *
expotext_new(bool openmetrics)
{
	struct expotext *x = calloc(1, sizeof *x);

	if (x != NULL)
		x->openmetrics = openmetrics;
	return x;
}

int
expotext_write(struct expotext *x, const struct series_store *s, int64_t now_tick, struct slice *out)
{
	int cut = 0;

	*out = (struct slice){0};
	x->out.len = 0;
	x->out.full = false;
	if (x->described != series_described(s))
		forget(x);
	x->described = series_described(s);
	look_again(x, s, now_tick);
	if (look_for_new(x, s, now_tick) < 0)
		return -ERR_FULL;
	if (print(x, s, false) < 0) {
		cut = 1;
		if (!x->out.full || print(x, s, true) < 0)
			return -ERR_FULL;
	}
	*out = (struct slice){x->out.b, x->out.len};
	return cut;
}

void
expotext_free(struct expotext *x)
{
	if (x == NULL)
		return;
	forget(x);
	free(x->shown);
	free(x->out.b);
	free(x);
}
