/*
 * expo.c - see expo.h: lines, metadata, and which family a sample is of.
 *
 * What was seen already is kept as 64-bit hashes in one table of fixed size.  Who makes
 * two of them equal has his own scrape refused, and nothing else.
 */
#include "expo.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "../base/utf8.h"
#include "expo_in.h"

enum { ADDS_OF_SAMPLE = 3, ADDS_OF_FAMILY = 5 };

static const struct {
	const char *name;
	enum series_type type;
	bool text, openmetrics;
} kinds[KINDS] = {
    [KIND_UNKNOWN] = {"unknown", SERIES_UNTYPED, false, true}, /* 0.0.4: "untyped" */
    [KIND_COUNTER] = {"counter", SERIES_COUNTER, true, true},
    [KIND_GAUGE] = {"gauge", SERIES_GAUGE, true, true},
    [KIND_HISTOGRAM] = {"histogram", SERIES_HISTOGRAM, true, true},
    [KIND_GAUGEHISTOGRAM] = {"gaugehistogram", SERIES_GAUGE, false, true},
    [KIND_SUMMARY] = {"summary", SERIES_SUMMARY, true, true},
    [KIND_INFO] = {"info", SERIES_INFO, false, true},
    [KIND_STATESET] = {"stateset", SERIES_STATESET, false, true},
};

const char *
expo_type_name(enum series_type type)
{
	for (size_t i = 0; i < KINDS; i++)
		if (kinds[i].type == type)
			return kinds[i].name;
	return "unknown";
}

int
expo_bad(struct expo *e, struct err *err, const char *fmt, ...)
{
	char what[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof what, fmt, ap);
	va_end(ap);
	e->over = true;
	err_set(err, EXIT_CONFIG, "%u:%zu: %s", (unsigned)e->line_no, (size_t)(e->cur - e->line) + 1,
	    what);
	return -1;
}

/* --- sets --------------------------------------------------------------------------- */

uint64_t
expo_hash(uint64_t h, const void *p, size_t n)
{
	const uint8_t *b = p;

	for (size_t i = 0; i < n; i++)
		h = (h ^ b[i]) * UINT64_C(0x100000001b3);
	return h;
}

/* FNV's low bits alone are no good places. */
static size_t
place_of(uint64_t h, size_t cap)
{
	h ^= h >> 32;
	h *= UINT64_C(0x9e3779b97f4a7c15);
	return (size_t)(h >> 32) & (cap - 1);
}

bool
expo_set_add(struct expo_set *s, uint64_t hash)
{
	uint64_t h = hash != 0 ? hash : 1;
	size_t i = place_of(h, s->cap);

	for (; s->slots[i] != 0; i = (i + 1) & (s->cap - 1))
		if (s->slots[i] == h)
			return false;
	assert(s->used < s->cap / 2);
	s->slots[i] = h;
	s->used++;
	return true;
}

static struct expo_family *
family_find(const struct expo *e, struct slice name, size_t *slot)
{
	size_t i = place_of(expo_hash(EXPO_HASH_BEGIN, name.b, name.len), e->seen.cap);

	for (; e->names[i] != 0; i = (i + 1) & (e->seen.cap - 1))
		if (slice_eq(e->families[e->names[i] - 1].name, name))
			return &e->families[e->names[i] - 1];
	*slot = i;
	return NULL;
}

/* A new one; NULL: there are too many, and err is set. */
static struct expo_family *
family_add(struct expo *e, struct slice name, size_t slot, struct err *err)
{
	struct expo_family *f;

	if (e->families_count == e->families_max) {
		(void)expo_bad(e, err, "more than %u metrics", (unsigned)e->families_max);
		return NULL;
	}
	f = &e->families[e->families_count++];
	*f = (struct expo_family){.name = name};
	e->names[slot] = e->families_count;
	return f;
}

/* --- families of OpenMetrics: one after the other ------------------------------------- */

/* What the metadata lines said together; before the first sample, or when none comes. */
static int
settle(struct expo *e, struct err *err)
{
	struct expo_family *f = e->family;

	if (f->settled)
		return 0;
	f->settled = true;
	if (f->unit.len > 0) {
		const uint8_t *tail = f->name.b + f->name.len - f->unit.len;

		if (f->unit.len + 1 >= f->name.len || tail[-1] != '_' ||
		    memcmp(tail, f->unit.b, f->unit.len) != 0)
			return expo_bad(e, err, "a metric with a unit is called ..._UNIT");
		if (f->kind == KIND_INFO || f->kind == KIND_STATESET)
			return expo_bad(e, err, "an info and a stateset have no unit");
	}
	return expo_check_names(e, f, err);
}

static int
family_end(struct expo *e, struct err *err)
{
	if (e->family == NULL)
		return 0;
	if (settle(e, err) < 0 || expo_check_group_end(e, err) < 0)
		return -1;
	e->family = NULL;
	return 0;
}

static int
family_begin(struct expo *e, struct slice name, struct err *err)
{
	size_t slot = 0;

	if (family_end(e, err) < 0)
		return -1;
	if (family_find(e, name, &slot) != NULL)
		return expo_bad(e, err, "metric '%.*s' was there already: all of it stands together",
		    (int)(name.len < 128 ? name.len : 128), (const char *)name.b);
	e->family = family_add(e, name, slot, err);
	return e->family != NULL ? 0 : -1;
}

/* --- metadata ------------------------------------------------------------------------ */

static struct slice
word(struct expo *e)
{
	const uint8_t *from = e->cur;

	while (e->cur < e->line_end && *e->cur != ' ' && !(e->format == EXPO_TEXT && *e->cur == '\t'))
		e->cur++;
	return (struct slice){from, (size_t)(e->cur - from)};
}

static void
skip_blanks(struct expo *e)
{
	while (e->cur < e->line_end && (*e->cur == ' ' || *e->cur == '\t'))
		e->cur++;
}

static int
type_of(struct expo *e, struct slice text, enum expo_kind *out, struct err *err)
{
	char seen[64];

	if (e->format == EXPO_TEXT && slice_eq(text, slice_of("untyped"))) {
		*out = KIND_UNKNOWN;
		return 0;
	}
	for (size_t i = 0; i < KINDS; i++)
		if ((e->format == EXPO_TEXT ? kinds[i].text : kinds[i].openmetrics) &&
		    slice_eq(text, slice_of(kinds[i].name))) {
			*out = (enum expo_kind)i;
			return 0;
		}
	err_escape(seen, sizeof seen, (const char *)text.b, text.len);
	return expo_bad(e, err, "'%s' is no type of this format", seen);
}

static int
is_utf8(struct expo *e, struct slice text, struct err *err)
{
	for (size_t i = 0, n; i < text.len; i += n)
		if ((n = utf8_len(text.b + i, text.len - i)) == 0) {
			e->cur = text.b + i;
			return expo_bad(e, err, "not UTF-8");
		}
	return 0;
}

/* `which` of the family is said by this line. */
static int
say(struct expo *e, struct expo_family *f, struct slice which, struct slice text, struct err *err)
{
	struct slice *to = slice_eq(which, slice_of("HELP")) ? &f->help : &f->unit;

	if (f->has_samples && (e->format == EXPO_OPENMETRICS || slice_eq(which, slice_of("TYPE"))))
		return expo_bad(e, err, "%.*s comes before the samples", (int)which.len,
		    (const char *)which.b);
	if (slice_eq(which, slice_of("TYPE"))) {
		if (f->typed)
			return expo_bad(e, err, "a second TYPE of one metric");
		f->typed = true;
		return type_of(e, text, &f->kind, err);
	}
	if (to->b != NULL)
		return expo_bad(e, err, "a second %.*s of one metric", (int)which.len,
		    (const char *)which.b);
	if (is_utf8(e, text, err) < 0)
		return -1;
	*to = text;
	return 0;
}

static int
metadata_text(struct expo *e, struct err *err)
{
	struct expo_family *f;
	struct slice which, name, text;
	size_t slot = 0;

	e->cur++;
	skip_blanks(e);
	which = word(e);
	if (!slice_eq(which, slice_of("HELP")) && !slice_eq(which, slice_of("TYPE")))
		return 0; /* a comment */
	skip_blanks(e);
	name = expo_name(e, true);
	if (name.len == 0 || (e->cur < e->line_end && *e->cur != ' ' && *e->cur != '\t'))
		return expo_bad(e, err, "a metric's name is needed");
	skip_blanks(e);
	text = (struct slice){e->cur, (size_t)(e->line_end - e->cur)};
	while (which.b[0] == 'T' && text.len > 0 &&
	    (text.b[text.len - 1] == ' ' || text.b[text.len - 1] == '\t'))
		text.len--;
	f = family_find(e, name, &slot);
	if (f == NULL && (f = family_add(e, name, slot, err)) == NULL)
		return -1;
	return say(e, f, which, text, err);
}

static int
metadata_openmetrics(struct expo *e, struct err *err)
{
	struct slice which, name, whole = {e->line, (size_t)(e->line_end - e->line)};

	if (slice_eq(whole, slice_of("# EOF"))) {
		e->ended = true;
		return family_end(e, err);
	}
	if (whole.len < 2 || whole.b[1] != ' ')
		return expo_bad(e, err, "'# TYPE', '# UNIT', '# HELP' or '# EOF' is needed");
	e->cur += 2;
	which = word(e);
	if (!slice_eq(which, slice_of("HELP")) && !slice_eq(which, slice_of("TYPE")) &&
	    !slice_eq(which, slice_of("UNIT"))) {
		e->cur = which.b;
		return expo_bad(e, err, "'# TYPE', '# UNIT', '# HELP' or '# EOF' is needed");
	}
	e->cur += e->cur < e->line_end;
	name = expo_name(e, true);
	if (name.len == 0 || e->cur == e->line_end || *e->cur != ' ')
		return expo_bad(e, err, "a metric's name and a space are needed");
	e->cur++;
	if ((e->family == NULL || !slice_eq(e->family->name, name)) && family_begin(e, name, err) < 0)
		return -1;
	return say(e, e->family, which, (struct slice){e->cur, (size_t)(e->line_end - e->cur)}, err);
}

/* --- samples -------------------------------------------------------------------------- */

/* 0.0.4: families may be in pieces; a compound one is known by its suffix. */
static int
family_of_text(struct expo *e, struct slice name, struct err *err)
{
	static const char *const ends[] = {"_bucket", "_count", "_sum"};
	struct expo_family *f;
	size_t slot = 0, ignored;

	f = family_find(e, name, &slot);
	for (size_t i = 0; f == NULL && i < ARRAY_LEN(ends); i++) {
		size_t n = strlen(ends[i]);

		if (name.len <= n || memcmp(name.b + name.len - n, ends[i], n) != 0)
			continue;
		f = family_find(e, (struct slice){name.b, name.len - n}, &ignored);
		if (f != NULL && !(f->kind == KIND_HISTOGRAM || (f->kind == KIND_SUMMARY && i > 0)))
			f = NULL;
	}
	if (f == NULL && (f = family_add(e, name, slot, err)) == NULL)
		return -1;
	if (f->kind == KIND_HISTOGRAM && slice_eq(f->name, name)) {
		e->cur = e->line;
		return expo_bad(e, err, "samples of a histogram end in _bucket, _sum or _count");
	}
	e->family = f;
	return 0;
}

static int
family_of(struct expo *e, struct slice name, struct err *err)
{
	const uint8_t *end = e->cur;

	e->cur = e->line;
	if (e->format == EXPO_TEXT) {
		if (family_of_text(e, name, err) < 0)
			return -1;
	} else if (e->family == NULL || !expo_belongs(e->format, e->family, name)) {
		if (family_begin(e, name, err) < 0)
			return -1;
	}
	if (e->format == EXPO_OPENMETRICS && settle(e, err) < 0)
		return -1;
	e->family->has_samples = true;
	e->cur = end;
	return 0;
}

static uint64_t
series_hash(const struct labels *l)
{
	uint64_t h = expo_hash(EXPO_HASH_BEGIN, "s", 1);

	for (uint32_t i = 0; i < l->count; i++) {
		h = expo_hash(expo_hash(h, "\xff", 1), l->items[i].name.b, l->items[i].name.len);
		h = expo_hash(expo_hash(h, "\xfe", 1), l->items[i].value.b, l->items[i].value.len);
	}
	return h;
}

/* 1: it is new; 0: a later point of a series that was given; -1: it is there twice. */
static int
is_new(struct expo *e, const struct expo_line *l, const struct expo_item *out, struct err *err)
{
	uint64_t h = series_hash(&out->labels);
	bool fresh = expo_set_add(&e->seen, h);
	bool at_this_time = !l->has_time || expo_set_add(&e->seen, expo_hash(h, &l->time, sizeof l->time));

	if (fresh)
		return 1;
	if (l->has_time && at_this_time)
		return 0;
	return expo_bad(e, err, "this series is there twice");
}

static void
help_of(struct expo *e, const struct expo_family *f)
{
	size_t i = 0, n, to = 0;

	if (e->helped == f)
		return;
	for (; i < f->help.len; i += n) {
		const uint8_t *s = f->help.b + i;

		n = utf8_len(s, f->help.len - i); /* it was checked: not 0 */
		if (s[0] == '\\' && i + 1 < f->help.len &&
		    (s[1] == '\\' || s[1] == 'n' || (s[1] == '"' && e->format == EXPO_OPENMETRICS)))
			n = 2;
		if (to + n > sizeof e->help)
			break;
		if (s[0] == '\\' && n == 2)
			e->help[to++] = s[1] == 'n' ? '\n' : s[1];
		else
			for (size_t k = 0; k < n; k++)
				e->help[to++] = s[k];
	}
	e->helped = f;
	e->help_len = to;
}

/* A step, or 0 to go on with the next line. */
static int
sample(struct expo *e, struct expo_item *out, struct err *err)
{
	struct expo_line l;
	int rc;

	if (expo_read_sample(e, &l, out, err) < 0 || family_of(e, l.name, err) < 0)
		return -1;
	e->cur = e->line;
	if (e->samples++ == e->series_max)
		return expo_bad(e, err, "more than %u samples", (unsigned)e->series_max);
	out->family = e->family->name;
	out->type = kinds[e->family->kind].type;
	out->line = e->line_no;
	help_of(e, e->family);
	out->help = (struct slice){e->help, e->help_len};
	if (out->why != NULL)
		return EXPO_REJECTED;
	if ((rc = is_new(e, &l, out, err)) < 0 ||
	    (e->format == EXPO_OPENMETRICS && expo_check_sample(e, &l, out, err) < 0))
		return -1;
	return rc > 0 ? EXPO_SAMPLE : 0;
}

/* --- lines ----------------------------------------------------------------------------- */

static bool
next_line(struct expo *e)
{
	const uint8_t *end = e->text.b + e->text.len, *nl;

	if (e->at == end)
		return false;
	nl = memchr(e->at, '\n', (size_t)(end - e->at));
	e->line = e->cur = e->at;
	e->line_end = nl != NULL ? nl : end;
	e->at = nl != NULL ? nl + 1 : end;
	e->line_no++;
	return true;
}

static int
line_step(struct expo *e, struct expo_item *out, struct err *err)
{
	if (e->format == EXPO_TEXT) {
		skip_blanks(e);
		if (e->line_end == e->text.b + e->text.len) {
			e->cur = e->line_end;
			return expo_bad(e, err, "the last line does not end: the text was cut");
		}
		if (e->cur == e->line_end)
			return 0;
		return *e->cur == '#' ? metadata_text(e, err) : sample(e, out, err);
	}
	if (e->ended)
		return expo_bad(e, err, "nothing comes after '# EOF'");
	if (e->cur == e->line_end)
		return expo_bad(e, err, "an empty line");
	return *e->cur == '#' ? metadata_openmetrics(e, err) : sample(e, out, err);
}

int
expo_next(struct expo *e, struct expo_item *out, struct err *err)
{
	int rc;

	while (!e->over && next_line(e))
		if ((rc = line_step(e, out, err)) != 0)
			return rc;
	if (!e->over && e->format == EXPO_OPENMETRICS && !e->ended) {
		e->line = e->cur = e->at;
		e->line_no++;
		return expo_bad(e, err, "'# EOF' is missing: the text was cut");
	}
	e->over = true;
	return EXPO_END;
}

struct expo *
expo_new(enum expo_format format, struct slice text, uint32_t series_max)
{
	struct expo *e = calloc(1, sizeof *e);
	size_t lines = 1, cap = 16;

	for (size_t i = 0; i < text.len && lines <= series_max; i++)
		lines += text.b[i] == '\n';
	if (e == NULL)
		return NULL;
	e->families_max = (uint32_t)(lines < series_max ? lines : series_max);
	while (cap < 2 * (e->families_max + (size_t)1) * (ADDS_OF_SAMPLE + ADDS_OF_FAMILY))
		cap *= 2;
	e->format = format;
	e->text = text;
	e->at = e->line = e->line_end = e->cur = text.b;
	e->series_max = series_max;
	e->seen.cap = cap;
	e->seen.slots = calloc(cap, sizeof *e->seen.slots);
	e->names = calloc(cap, sizeof *e->names);
	e->families = calloc(e->families_max + (size_t)1, sizeof *e->families);
	if (e->seen.slots == NULL || e->names == NULL || e->families == NULL) {
		expo_free(e);
		return NULL;
	}
	return e;
}

void
expo_free(struct expo *e)
{
	if (e == NULL)
		return;
	free(e->seen.slots);
	free(e->names);
	free(e->families);
	free(e);
}

/* --- Content-Type ------------------------------------------------------------------------ */

static bool
begins(struct slice text, const char *with)
{
	size_t n = strlen(with);

	if (text.len < n)
		return false;
	for (size_t i = 0; i < n; i++)
		if ((text.b[i] >= 'A' && text.b[i] <= 'Z' ? text.b[i] | 0x20 : text.b[i]) != with[i])
			return false;
	return text.len == n || text.b[n] == ';' || text.b[n] == ' ' || text.b[n] == '\t';
}

bool
expo_format_of(struct slice content_type, enum expo_format *out)
{
	*out = begins(content_type, "application/openmetrics-text") ? EXPO_OPENMETRICS : EXPO_TEXT;
	return *out == EXPO_OPENMETRICS || content_type.len == 0 || begins(content_type, "text/plain");
}
