/*
 * text.c - is this text at all?  Checked before the parser sees a byte, so
 * that libyaml never guesses an encoding and each refusal has a place.
 */
#include "tree.h"
#include "conf.h"
#include "../base/weak.h"

#include <stdarg.h>
#include <stdio.h>

size_t
place_line(char *dst, size_t cap, const struct place *p, uint32_t line, uint32_t col,
    const char *text)
{
	char name[256];
	int n;

	err_escape(name, sizeof name, p->display, strlen(p->display));
	n = snprintf(dst, cap, "%s:%u:%u: %s", name, line, col, text);
	return n < 0 || (size_t)n >= cap ? cap - 1 : (size_t)n;
}

int
place_fail(const struct place *p, uint32_t line, uint32_t col, const char *fmt, ...)
{
	char text[ERR_TEXT_CAP], whole[ERR_TEXT_CAP];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	(void)place_line(whole, sizeof whole, p, line, col, text);
	return err_set(p->err, EXIT_CONFIG, "%s", whole);
}

/* Length of the UTF-8 sequence at s and its code point, or 0. */
static size_t
utf8_decode(const unsigned char *s, size_t len, uint32_t *cp)
{
	static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
	size_t n = s[0] < 0x80 ? 1 : 0;

	*cp = s[0];
	if (n == 1)
		return 1;
	if ((s[0] & 0xe0) == 0xc0) {
		n = 2;
		*cp = s[0] & 0x1fu;
	} else if ((s[0] & 0xf0) == 0xe0) {
		n = 3;
		*cp = s[0] & 0x0fu;
	} else if ((s[0] & 0xf8) == 0xf0) {
		n = 4;
		*cp = s[0] & 0x07u;
	}
	if (n == 0 || n > len)
		return 0;
	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		*cp = *cp << 6 | (s[i] & 0x3fu);
	}
	if (*cp < least[n] || *cp > 0x10ffff || (*cp >= 0xd800 && *cp <= 0xdfff))
		return 0;
	return n;
}

/* What YAML calls printable, less the byte order mark. */
static bool
printable(uint32_t cp)
{
	if (cp < 0x20)
		return cp == '\t' || cp == '\n' || cp == '\r';
	if (cp < 0xa0)
		return cp < 0x7f || cp == 0x85;
	return cp != 0xfeff && cp != 0xfffe && cp != 0xffff;
}

int
text_check(const struct place *p, const char *text, size_t len)
{
	const unsigned char *s = (const unsigned char *)text;
	uint32_t line = 1, col = 1, cp;

	if (HOLDS("bounded") && len > CONF_BYTES_MAX)
		return place_fail(p, 1, 1, "larger than 1 MiB");
	if (len >= 2 && ((s[0] == 0xff && s[1] == 0xfe) || (s[0] == 0xfe && s[1] == 0xff)))
		return place_fail(p, 1, 1, "not UTF-8 (UTF-16 byte order mark)");
	if (len >= 3 && s[0] == 0xef && s[1] == 0xbb && s[2] == 0xbf)
		return place_fail(
		    p, 1, 1, "not UTF-8 (starts with a byte order mark); save without it");
	for (size_t i = 0; i < len;) {
		size_t n = utf8_decode(s + i, len - i, &cp);

		if (n == 0)
			return place_fail(p, line, col, "not UTF-8 (byte 0x%02x)", s[i]);
		if (cp == 0)
			return place_fail(p, line, col, "not UTF-8 text (NUL byte)");
		if (!printable(cp))
			return place_fail(
			    p, line, col, "control character U+%04X is not allowed", cp);
		col = cp == '\n' ? 1 : col + 1;
		line += cp == '\n';
		i += n;
	}
	return 0;
}
