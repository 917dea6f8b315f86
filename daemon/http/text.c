/*
 * text.c - see text.h.
 */
#include "text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

void
text_free(struct text *t)
{
	free(t->b);
	memset(t, 0, sizeof *t);
}

void
text_put(struct text *t, const char *b, size_t len)
{
	if (t->failed)
		return;
	if (len > TEXT_BYTES_MAX - t->len) {
		t->failed = true;
		return;
	}
	if (t->len + len > t->cap) {
		size_t cap = t->cap > 0 ? t->cap : 4096;
		char *more;

		while (cap < t->len + len)
			cap *= 2;
		if ((more = realloc(t->b, cap)) == NULL) {
			t->failed = true;
			return;
		}
		t->b = more;
		t->cap = cap;
	}
	memcpy(t->b + t->len, b, len);
	t->len += len;
}

void
text_puts(struct text *t, const char *s)
{
	text_put(t, s, strlen(s));
}

/* Bytes of the UTF-8 character at s, or 0 (RFC 3629: no surrogates, nothing too long). */
static size_t
utf8(const uint8_t *s, size_t len)
{
	size_t n = s[0] < 0x80 ? 1 : s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : s[0] < 0xf5 ? 4 : 0;

	if (n == 0 || n > len)
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) || (s[0] == 0xf0 && s[1] < 0x90) ||
	    (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return n;
}

void
text_json(struct text *t, const char *s, size_t len)
{
	size_t from = 0, i = 0;
	char code[8];

	text_put(t, "\"", 1);
	while (i < len) {
		uint8_t c = (uint8_t)s[i];
		size_t n = utf8((const uint8_t *)s + i, len - i);

		if (n > 0 && c >= 0x20 && c != '"' && c != '\\' && c != 0x7f) {
			i += n;
			continue;
		}
		text_put(t, s + from, i - from);
		if (n == 0)
			text_puts(t, "\xef\xbf\xbd");
		else if (c == '"' || c == '\\') {
			snprintf(code, sizeof code, "\\%c", c);
			text_puts(t, code);
		} else {
			snprintf(code, sizeof code, "\\u%04x", c);
			text_puts(t, code);
		}
		from = ++i;
	}
	text_put(t, s + from, i - from);
	text_put(t, "\"", 1);
}

/* The fewest digits that read back as v: "d.ddde+XX". */
static void
shortest(double v, char out[40])
{
	for (int digits = 0; digits < 17; digits++) {
		snprintf(out, 40, "%.*e", digits, v);
		if (strtod(out, NULL) == v)
			return;
	}
}

/* Go's 'f' of that: no exponent. */
static void
plain(struct text *t, const char *e)
{
	const char *mark = strchr(e, 'e');
	int exp = atoi(mark + 1), n = 0;
	char digits[24];

	if (*e == '-')
		text_put(t, e++, 1);
	for (; e < mark; e++)
		if (*e != '.')
			digits[n++] = *e;
	if (exp < 0) {
		text_puts(t, "0.");
		for (int i = -1; i > exp; i--)
			text_put(t, "0", 1);
		text_put(t, digits, (size_t)n);
		return;
	}
	for (int i = 0; i <= exp || i < n; i++) {
		if (i == exp + 1)
			text_put(t, ".", 1);
		text_put(t, i < n ? &digits[i] : "0", 1);
	}
}

void
text_value(struct text *t, double v)
{
	double size = fabs(v);
	char e[40];

	text_put(t, "\"", 1);
	if (isnan(v))
		text_puts(t, "NaN");
	else if (isinf(v))
		text_puts(t, v < 0 ? "-Inf" : "+Inf");
	else if (size < 1e15 && v == floor(v) && !(v == 0 && signbit(v))) {
		snprintf(e, sizeof e, "%lld", (long long)v);
		text_puts(t, e);
	} else {
		shortest(v, e);
		if (size != 0 && (size < 1e-6 || size >= 1e21))
			text_puts(t, e);
		else
			plain(t, e);
	}
	text_put(t, "\"", 1);
}

void
text_time(struct text *t, int64_t ms)
{
	char out[40];
	int n;
	uint64_t size = ms < 0 ? 0 - (uint64_t)ms : (uint64_t)ms;

	n = snprintf(out, sizeof out, "%s%llu", ms < 0 ? "-" : "", (unsigned long long)(size / 1000));
	if (size % 1000 != 0) {
		n += snprintf(out + n, sizeof out - (size_t)n, ".%03u", (unsigned)(size % 1000));
		while (out[n - 1] == '0')
			n--;
	}
	text_put(t, out, (size_t)n);
}
