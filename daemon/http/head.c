/*
 * head.c - see head.h.
 */
#include "head.h"

#include <string.h>
#include <strings.h>

struct fields {
	uint32_t count, hosts, lengths;
	bool chunked;
	uint64_t body;
};

static bool
bad(struct head *h, int status, const char *why)
{
	h->status = status;
	h->why = why;
	return true;
}

/* RFC 9110, 5.6.2. */
static bool
is_token(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static bool
is(const uint8_t *name, size_t len, const char *word)
{
	return len == strlen(word) && strncasecmp((const char *)name, word, len) == 0;
}

/* METHOD SP target SP HTTP/1.x */
static bool
first_line(const uint8_t *b, size_t len, struct head *h)
{
	size_t m = 0, t, end;

	while (m < len && b[m] >= 'A' && b[m] <= 'Z')
		m++;
	if (m == 0 || m > 16 || m == len || b[m] != ' ')
		return bad(h, 400, "the first line is no METHOD TARGET HTTP/1.1");
	t = end = m + 1;
	while (end < len && b[end] > 0x20 && b[end] < 0x7f)
		end++;
	if (end - t > HEAD_TARGET_BYTES_MAX)
		return bad(h, 414, "the target is too long; use POST with a form");
	if (end == t || b[t] != '/')
		return bad(h, 400, "the target is no /path");
	if (end == len || b[end] != ' ')
		return bad(h, 400, "the target has a byte that must be written as %XX");
	if (len - end == 9 && memcmp(b + end, " HTTP/", 6) == 0 && b[end + 7] == '.') {
		if (b[end + 6] == '1' && (b[end + 8] == '1' || b[end + 8] == '0'))
			return false;
		return bad(h, 505, "HTTP/1.1 and 1.0 are spoken here");
	}
	return bad(h, 400, "the first line is no METHOD TARGET HTTP/1.1");
}

static bool
body_length(const uint8_t *v, size_t len, struct fields *f, struct head *h)
{
	if (++f->lengths > 1)
		return bad(h, 400, "two Content-Length");
	if (len == 0 || len > 18)
		return bad(h, 400, "Content-Length is no number");
	for (size_t i = 0; i < len; i++) {
		if (v[i] < '0' || v[i] > '9')
			return bad(h, 400, "Content-Length is no number");
		f->body = f->body * 10 + (uint64_t)(v[i] - '0');
	}
	return false;
}

static bool
field(const uint8_t *b, const uint8_t *line, size_t len, struct fields *f, struct head *h)
{
	size_t n = 0, from, to = len;

	if (++f->count > HEAD_FIELDS_MAX)
		return bad(h, 431, "more than 64 header fields");
	while (n < len && is_token(line[n]))
		n++;
	if (n == 0 || n == len || line[n] != ':')
		return bad(h, 400, "a header field is no NAME: VALUE (or is folded)");
	for (from = n + 1; from < to && (line[from] == ' ' || line[from] == '\t');)
		from++;
	while (to > from && (line[to - 1] == ' ' || line[to - 1] == '\t'))
		to--;
	for (size_t i = from; i < to; i++)
		if ((line[i] < 0x20 && line[i] != '\t') || line[i] == 0x7f)
			return bad(h, 400, "a control byte in a header field");
	if (is(line, n, "Content-Length"))
		return body_length(line + from, to - from, f, h);
	if (is(line, n, "Transfer-Encoding"))
		f->chunked = true;
	if (is(line, n, "Range"))
		return bad(h, 416, "no ranges: what is answered is made when it is asked for");
	if (is(line, n, "If-Match"))
		return bad(h, 400, "If-Match: nothing here has an ETag");
	if (is(line, n, "Host")) {
		f->hosts++;
		h->host_off = (size_t)(line - b) + from;
		h->host_len = to - from;
	}
	return false;
}

static bool
judge(const struct fields *f, struct head *h)
{
	if (f->chunked && f->lengths > 0)
		return bad(h, 400, "Content-Length and Transfer-Encoding");
	if (f->chunked)
		return bad(h, 411, "a body needs a Content-Length; chunks are not taken");
	if (f->hosts != 1)
		return bad(h, 400, "one Host is needed");
	if (f->body > HEAD_BODY_BYTES_MAX)
		return bad(h, 413, "a body has at most 65536 bytes");
	return true;
}

bool
head_read(const uint8_t *buf, size_t len, struct head *out)
{
	struct fields f = {0};
	size_t line = 0;

	memset(out, 0, sizeof *out);
	for (size_t i = 0; i < len; i++) {
		if (i >= HEAD_BYTES_MAX)
			return bad(out, 431, "the head is longer than 8192 bytes");
		if (buf[i] == '\0')
			return bad(out, 400, "a NUL in the head");
		if (buf[i] == '\n' && (i == 0 || buf[i - 1] != '\r'))
			return bad(out, 400, "a line ends without CR");
		if (i > 0 && buf[i - 1] == '\r' && buf[i] != '\n')
			return bad(out, 400, "a CR within a line");
		if (buf[i] != '\n')
			continue;
		if (i - 1 == line && line == 0)
			return bad(out, 400, "the first line is no METHOD TARGET HTTP/1.1");
		if (i - 1 == line) {
			out->len = i + 1;
			return judge(&f, out);
		}
		if (line == 0 ? first_line(buf, i - 1, out) :
				field(buf, buf + line, i - 1 - line, &f, out))
			return true;
		line = i + 1;
	}
	return false;
}

int
head_hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool
head_path_ok(const char *path, size_t len)
{
	unsigned dots = 0; /* since the last '/'; 3 and more: no name of dots alone */
	char before = '\0';

	if (len == 0 || path[0] != '/')
		return false;
	for (size_t i = 0; i < len; i++) {
		int c = (uint8_t)path[i];

		if (c == '%') {
			if (len - i < 3 || head_hex(path[i + 1]) < 0 || head_hex(path[i + 2]) < 0)
				return false;
			c = head_hex(path[i + 1]) << 4 | head_hex(path[i + 2]);
			i += 2;
			if (c == '/' || c == '\\')
				return false; /* a name with a separator in it */
		}
		if (c < 0x20 || c == 0x7f || c == '\\')
			return false;
		if (c == '/' && (before == '/' || dots == 1 || dots == 2))
			return false;
		dots = c == '/' ? 0 : c == '.' ? dots + (dots < 3) : 3;
		before = (char)c;
	}
	return dots != 1 && dots != 2;
}

bool
head_host_is(const uint8_t *host, size_t len, const char *const *names, size_t count)
{
	size_t n = len;

	/* [::1]:7781, 127.0.0.1:7781, localhost */
	for (size_t i = len; i > 0; i--) {
		if (host[i - 1] == ':' && (host[0] != '[' || (i > 1 && host[i - 2] == ']'))) {
			n = i - 1;
			break;
		}
		if (host[i - 1] < '0' || host[i - 1] > '9')
			break;
	}
	for (size_t i = 0; i < count; i++)
		if (is(host, n, names[i]))
			return true;
	return false;
}
