/*
 * expo_line.c - one line that is a sample: name, labels, value, time, exemplar.
 *
 * In OpenMetrics each blank is one space and stands where it must; in 0.0.4 words may be
 * any number of spaces and tabs apart.
 */
#include <math.h>
#include <stdlib.h>

#include "../base/utf8.h"
#include "expo_in.h"

enum {
	NUMBER_BYTES_MAX = 128,
	NAMES_MAX = 64, /* of labels of one sample, to tell which are there twice */
	EXEMPLAR_CHARS_MAX = 128, /* of its labels, the specification's own */
};

static bool
is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

static bool
is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

/* Blanks that may be there (0.0.4), of which none may be (OpenMetrics). */
static void
maybe_blank(struct expo *e)
{
	while (e->format == EXPO_TEXT && e->cur < e->line_end && is_blank(*e->cur))
		e->cur++;
}

/* Between two words. */
static int
blank(struct expo *e, const char *before, struct err *err)
{
	if (e->cur == e->line_end || !(e->format == EXPO_TEXT ? is_blank(*e->cur) : *e->cur == ' '))
		return expo_bad(e, err, "a space is needed before %s", before);
	e->cur++;
	maybe_blank(e);
	return 0;
}

static bool
take(struct expo *e, uint8_t c)
{
	if (e->cur == e->line_end || *e->cur != c)
		return false;
	e->cur++;
	return true;
}

bool
expo_is_label_byte(uint8_t c, bool first)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (!first && is_digit(c));
}

struct slice
expo_name(struct expo *e, bool colon)
{
	const uint8_t *from = e->cur;

	while (e->cur < e->line_end &&
	    (expo_is_label_byte(*e->cur, e->cur == from) || (colon && *e->cur == ':')))
		e->cur++;
	return (struct slice){from, (size_t)(e->cur - from)};
}

/* --- numbers ------------------------------------------------------------------------ */

/* ASCII letters of w, whatever their case. */
static bool
is_word(const uint8_t *s, size_t len, const char *w)
{
	size_t n = strlen(w);

	if (len != n)
		return false;
	for (size_t i = 0; i < n; i++)
		if ((s[i] | 0x20) != w[i])
			return false;
	return true;
}

/* [sign] digits [. digits] [e [sign] digits], with a digit before or behind the point. */
static bool
is_real(const uint8_t *s, size_t len)
{
	size_t i = 0, digits = 0;

	if (i < len && (s[i] == '+' || s[i] == '-'))
		i++;
	for (; i < len && is_digit(s[i]); i++)
		digits++;
	if (i < len && s[i] == '.')
		for (i++; i < len && is_digit(s[i]); i++)
			digits++;
	if (digits == 0)
		return false;
	if (i == len || (s[i] | 0x20) != 'e')
		return i == len;
	i++;
	if (i < len && (s[i] == '+' || s[i] == '-'))
		i++;
	if (i == len)
		return false;
	while (i < len && is_digit(s[i]))
		i++;
	return i == len;
}

static bool
to_number(const uint8_t *s, size_t len, double *out)
{
	char text[NUMBER_BYTES_MAX + 1];
	size_t sign = len > 0 && (s[0] == '+' || s[0] == '-');
	uint64_t whole = 0;

	if (len == 0 || len > NUMBER_BYTES_MAX)
		return false;
	if (len <= 15) { /* exact in a double: most values are */
		size_t i = 0;

		while (i < len && is_digit(s[i]))
			whole = whole * 10 + (uint64_t)(s[i++] - '0');
		if (i == len) {
			*out = (double)whole;
			return true;
		}
	}
	if (is_word(s, len, "nan")) {
		*out = (double)NAN;
		return true;
	}
	if (is_word(s + sign, len - sign, "inf") || is_word(s + sign, len - sign, "infinity")) {
		*out = s[0] == '-' ? -(double)INFINITY : (double)INFINITY;
		return true;
	}
	if (!is_real(s, len))
		return false;
	memcpy(text, s, len);
	text[len] = '\0';
	*out = strtod(text, NULL);
	return !isinf(*out); /* more than a double holds */
}

static int
number(struct expo *e, const char *what, double *out, struct err *err)
{
	const uint8_t *from = e->cur, *p = from;

	while (p < e->line_end && !is_blank(*p))
		p++;
	if (!to_number(from, (size_t)(p - from), out)) {
		char seen[64];

		err_escape(seen, sizeof seen, (const char *)from, (size_t)(p - from));
		return expo_bad(e, err, "%s: a number is needed, not '%s'", what, seen);
	}
	e->cur = p;
	return 0;
}

/* Of 0.0.4: milliseconds, a whole number; of OpenMetrics: seconds. */
static int
time_of(struct expo *e, double *out, struct err *err)
{
	const uint8_t *from = e->cur;

	if (number(e, "the time", out, err) < 0)
		return -1;
	e->cur -= isnan(*out) || isinf(*out) ? e->cur - from : 0;
	if (e->cur == from)
		return expo_bad(e, err, "the time: no time is NaN or infinite");
	for (const uint8_t *p = from; e->format == EXPO_TEXT && p < e->cur; p++)
		if (!is_digit(*p) && !(p == from && (*p == '-' || *p == '+'))) {
			e->cur = from;
			return expo_bad(e, err, "the time: whole milliseconds are needed");
		}
	return 0;
}

/* --- labels ------------------------------------------------------------------------- */

/* Behind the opening quote, to behind the closing one.  Unescaped into the scratch if
 * need be; what finds no room there is too long anyway, and is only skipped. */
static int
quoted(struct expo *e, struct slice *out, struct err *err)
{
	const uint8_t *from = e->cur;
	uint8_t *to = e->scratch + e->scratch_used, *end = e->scratch + EXPO_SCRATCH_BYTES;
	uint8_t *begin = to;
	bool escaped = false;

	while (e->cur < e->line_end && *e->cur != '"') {
		size_t n = utf8_len(e->cur, (size_t)(e->line_end - e->cur));
		uint8_t c = *e->cur;

		if (n == 0)
			return expo_bad(e, err, "not UTF-8");
		if (c == '\\' && e->cur + 1 < e->line_end &&
		    (e->cur[1] == '\\' || e->cur[1] == '"' || e->cur[1] == 'n')) {
			c = e->cur[1] == 'n' ? '\n' : e->cur[1];
			escaped = true;
			e->cur++;
		}
		if (n == 1 && to < end)
			*to++ = c;
		for (size_t i = 0; n > 1 && i < n && to < end; i++)
			*to++ = e->cur[i];
		e->cur += n;
	}
	if (e->cur == e->line_end)
		return expo_bad(e, err, "the value of a label does not end: a '\"' is missing");
	*out = (struct slice){escaped ? begin : from,
	    escaped ? (size_t)(to - begin) : (size_t)(e->cur - from)};
	if (escaped)
		e->scratch_used = (size_t)(to - e->scratch);
	e->cur++;
	return 0;
}

static int
label(struct expo *e, struct slice *name, struct slice *value, struct err *err)
{
	*name = expo_name(e, false);
	if (name->len == 0)
		return expo_bad(e, err, "a label's name is needed");
	maybe_blank(e);
	if (!take(e, '='))
		return expo_bad(e, err, "'=' is needed after a label's name");
	maybe_blank(e);
	if (!take(e, '"'))
		return expo_bad(e, err, "a label's value stands in double quotes");
	return quoted(e, value, err);
}

static const char *
keep_label(struct labels *to, struct slice name, struct slice value)
{
	if (name.len > LABEL_NAME_BYTES_MAX)
		return "a label's name is longer than 128 bytes";
	if (value.len > LABEL_VALUE_BYTES_MAX)
		return "a label's value is longer than 512 bytes";
	if (to->count >= EXPO_LABELS_MAX || labels_set(to, name, value) < 0)
		return "it has more than 24 labels";
	return NULL;
}

/* Behind '{', to behind '}'.  why: set to the first bound that is crossed. */
static int
labels_of(struct expo *e, struct labels *to, const char **why, size_t *chars, struct err *err)
{
	struct slice names[NAMES_MAX], name, value;
	uint32_t n = 0;

	maybe_blank(e);
	while (!take(e, '}')) {
		const uint8_t *at = e->cur;
		const char *over;

		if (label(e, &name, &value, err) < 0)
			return -1;
		for (uint32_t i = 0; i < n; i++)
			if (slice_eq(names[i], name)) {
				e->cur = at;
				return expo_bad(e, err, "label '%.*s' is there twice",
				    (int)(name.len < 64 ? name.len : 64), (const char *)name.b);
			}
		if (n < NAMES_MAX)
			names[n++] = name;
		if (slice_eq(name, slice_of(LABEL_NAME))) {
			e->cur = at;
			return expo_bad(e, err, "a label can't be called __name__");
		}
		over = to != NULL ? keep_label(to, name, value) : NULL;
		if (over != NULL && *why == NULL)
			*why = over;
		*chars += name.len;
		for (size_t i = 0; i < value.len; i++)
			*chars += (value.b[i] & 0xc0) != 0x80;
		maybe_blank(e);
		if (take(e, ',')) {
			maybe_blank(e);
			if (e->format == EXPO_OPENMETRICS && e->cur < e->line_end && *e->cur == '}')
				return expo_bad(e, err, "a label is needed after ','");
		} else if (e->cur == e->line_end || *e->cur != '}') {
			return expo_bad(e, err, "',' or '}' is needed after a label");
		}
	}
	return 0;
}

/* --- the line ------------------------------------------------------------------------ */

static int
exemplar(struct expo *e, struct err *err)
{
	const uint8_t *from = e->cur;
	const char *why = NULL;
	size_t chars = 0;
	double value;

	if (!take(e, '#') || !take(e, ' ') || !take(e, '{'))
		return expo_bad(e, err, "an exemplar begins with '# {'");
	if (labels_of(e, NULL, &why, &chars, err) < 0)
		return -1;
	if (chars > EXEMPLAR_CHARS_MAX) {
		e->cur = from;
		return expo_bad(e, err, "the labels of an exemplar have more than %d characters",
		    EXEMPLAR_CHARS_MAX);
	}
	if (blank(e, "an exemplar's value", err) < 0 ||
	    number(e, "an exemplar's value", &value, err) < 0)
		return -1;
	if (e->cur < e->line_end &&
	    (blank(e, "an exemplar's time", err) < 0 || time_of(e, &value, err) < 0))
		return -1;
	return 0;
}

int
expo_read_sample(struct expo *e, struct expo_line *l, struct expo_item *out, struct err *err)
{
	size_t chars = 0;
	bool braces;

	*l = (struct expo_line){0};
	out->why = NULL;
	out->labels.count = 0;
	e->scratch_used = 0;
	l->name = expo_name(e, true);
	if (l->name.len == 0)
		return expo_bad(e, err, "a metric's name is needed");
	out->name = l->name;
	if (l->name.len > LABEL_VALUE_BYTES_MAX)
		out->why = "its name is longer than 512 bytes";
	maybe_blank(e);
	braces = take(e, '{');
	if (braces && labels_of(e, &out->labels, &out->why, &chars, err) < 0)
		return -1;
	/* In 0.0.4 none is needed behind '}', and those behind a name were taken. */
	if (e->format == EXPO_OPENMETRICS ? blank(e, "the value", err) < 0 :
		(!braces && e->cur < e->line_end && !is_blank(e->cur[-1])))
		return e->over ? -1 : expo_bad(e, err, "a space is needed before the value");
	maybe_blank(e);
	if (number(e, "the value", &out->value, err) < 0)
		return -1;
	maybe_blank(e);
	if (e->cur < e->line_end && e->format == EXPO_OPENMETRICS && blank(e, "the time", err) < 0)
		return -1;
	if (e->cur < e->line_end && *e->cur != '#') {
		l->has_time = true;
		if (time_of(e, &l->time, err) < 0)
			return -1;
		maybe_blank(e);
		if (e->cur < e->line_end && e->format == EXPO_OPENMETRICS &&
		    blank(e, "an exemplar", err) < 0)
			return -1;
	} else if (e->cur == e->line_end && e->format == EXPO_OPENMETRICS && e->cur[-1] == ' ') {
		return expo_bad(e, err, "nothing stands behind a space");
	}
	if (e->cur < e->line_end && e->format == EXPO_OPENMETRICS) {
		l->has_exemplar = true;
		if (exemplar(e, err) < 0)
			return -1;
	}
	if (e->cur < e->line_end)
		return expo_bad(e, err, "nothing more can stand here");
	if (out->why == NULL && labels_set(&out->labels, slice_of(LABEL_NAME), out->name) < 0)
		out->why = "its name is longer than 512 bytes";
	return 0;
}
