/* err.c - one line per failure, bounded, and safe to show on a terminal. */
#include "err.h"

#include "utf8.h"

#include <stdarg.h>
#include <stdio.h>

int
err_set(struct err *err, int code, const char *fmt, ...)
{
	va_list ap;

	err->code = code;
	va_start(ap, fmt);
	vsnprintf(err->text, sizeof err->text, fmt, ap);
	va_end(ap);
	return -code;
}

void
err_prefix(struct err *err, const char *fmt, ...)
{
	char old[ERR_TEXT_CAP];
	va_list ap;
	int n;

	memcpy(old, err->text, sizeof old);
	va_start(ap, fmt);
	n = vsnprintf(err->text, sizeof err->text, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof err->text)
		return;
	snprintf(err->text + n, sizeof err->text - (size_t)n, "%s", old);
}

/* A character, n bytes, that a terminal obeys instead of showing: C1, or one that turns the
 * order round in which all after it is read. */
static bool
is_obeyed(const unsigned char *s, size_t n)
{
	if (n == 2)
		return s[0] == 0xc2 && s[1] < 0xa0;
	return n == 3 && s[0] == 0xe2 &&
	    ((s[1] == 0x80 && s[2] >= 0xaa && s[2] <= 0xae) ||
		(s[1] == 0x81 && s[2] >= 0xa6 && s[2] <= 0xa9));
}

void
err_escape(char *dst, size_t cap, const char *src, size_t len)
{
	static const char hex[] = "0123456789abcdef";
	const unsigned char *s = (const unsigned char *)src;
	size_t out = 0;

	for (size_t i = 0; i < len;) {
		size_t n = utf8_len(s + i, len - i);
		bool bad = n == 0 || s[i] < 0x20 || s[i] == 0x7f || is_obeyed(s + i, n);

		if (bad) {
			if (out + 4 >= cap)
				break;
			dst[out++] = '\\';
			dst[out++] = 'x';
			dst[out++] = hex[s[i] >> 4];
			dst[out++] = hex[s[i] & 15];
			i++;
			continue;
		}
		if (out + n >= cap)
			break;
		memcpy(dst + out, s + i, n);
		out += n;
		i += n;
	}
	dst[out] = '\0';
}
