/*
 * httpanswer.c - see httpanswer.h.  Lines byte by byte, bodies in blocks.
 */
#include "httpanswer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum state { STATUS, FIELD, BODY_LENGTH, BODY_CLOSE, CHUNK_SIZE, CHUNK_DATA, CHUNK_END, TRAILER, WHOLE };

struct httpanswer {
	enum state state;
	size_t body_max, body_cap, body_len;
	uint8_t *body;	 /* owned */
	uint64_t left;	 /* of the body, or of the chunk */
	bool has_length, chunked;
	uint32_t line_no;
	size_t head_bytes, line_len;
	size_t type_len;
	char type[HTTPANSWER_TYPE_CAP];
	char line[HTTPANSWER_LINE_BYTES_MAX + 1];
};

struct httpanswer *
httpanswer_new(size_t body_max)
{
	struct httpanswer *h = calloc(1, sizeof *h);

	if (h != NULL) {
		h->body_max = body_max;
		h->line_no = 1;
	}
	return h;
}

void
httpanswer_free(struct httpanswer *h)
{
	if (h == NULL)
		return;
	free(h->body);
	free(h);
}

struct slice
httpanswer_body(const struct httpanswer *h)
{
	return (struct slice){h->body, h->body_len};
}

struct slice
httpanswer_type(const struct httpanswer *h)
{
	return (struct slice){(const uint8_t *)h->type, h->type_len};
}

__attribute__((format(printf, 3, 4))) static int
bad(const struct httpanswer *h, struct err *err, const char *fmt, ...)
{
	char what[200];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof what, fmt, ap);
	va_end(ap);
	err_set(err, EXIT_ENVIRONMENT, "answer, line %u: %s", (unsigned)h->line_no, what);
	return -1;
}

static int
too_long(const struct httpanswer *h, struct err *err)
{
	err_set(err, EXIT_ENVIRONMENT, "answer: its body has more than %zu bytes", h->body_max);
	return -1;
}

/* --- lines ----------------------------------------------------------------------------- */

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* "HTTP/1.1 200 OK" */
static int
status_line(struct httpanswer *h, struct err *err)
{
	const char *s = h->line;

	if (h->line_len < 12 || memcmp(s, "HTTP/1.", 7) != 0 || !is_digit(s[7]) || s[8] != ' ' ||
	    !is_digit(s[9]) || !is_digit(s[10]) || !is_digit(s[11]) || (s[12] != '\0' && s[12] != ' '))
		return bad(h, err, "no HTTP/1.1");
	if (memcmp(s + 9, "200", 3) != 0)
		return bad(h, err, "status %.3s%s", s + 9, s[9] == '3' ? ", and redirects are not followed" : "");
	h->state = FIELD;
	return 0;
}

static bool
is_name(const char *line, size_t n, const char *name)
{
	if (n != strlen(name))
		return false;
	for (size_t i = 0; i < n; i++)
		if ((line[i] >= 'A' && line[i] <= 'Z' ? line[i] | 0x20 : line[i]) != name[i])
			return false;
	return true;
}

static int
length_field(struct httpanswer *h, const char *value, struct err *err)
{
	uint64_t n = 0;
	const char *p = value;

	for (; is_digit(*p) && n <= UINT32_MAX; p++)
		n = n * 10 + (uint64_t)(*p - '0');
	if (p == value || (*p != '\0' && !is_digit(*p)))
		return bad(h, err, "Content-Length: a number is needed");
	if (h->has_length && h->left != n)
		return bad(h, err, "Content-Length: there is another one already");
	if (n > h->body_max)
		return too_long(h, err);
	h->has_length = true;
	h->left = n;
	return 0;
}

static int
field(struct httpanswer *h, struct err *err)
{
	char *colon = memchr(h->line, ':', h->line_len), *value, *end = h->line + h->line_len;
	size_t name_len;

	if (colon == NULL || colon == h->line || h->line[0] == ' ' || h->line[0] == '\t' || colon[-1] == ' ' ||
	    colon[-1] == '\t')
		return bad(h, err, "'NAME: VALUE' is needed");
	name_len = (size_t)(colon - h->line);
	for (value = colon + 1; *value == ' ' || *value == '\t'; value++)
		;
	while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
		*--end = '\0';
	if (is_name(h->line, name_len, "content-length"))
		return length_field(h, value, err);
	if (is_name(h->line, name_len, "transfer-encoding")) {
		if (!is_name(value, strlen(value), "chunked") || h->chunked)
			return bad(h, err, "Transfer-Encoding: only chunked, and once");
		h->chunked = true;
	} else if (is_name(h->line, name_len, "content-encoding")) {
		if (!is_name(value, strlen(value), "identity"))
			return bad(h, err, "Content-Encoding: nobody asked for one");
	} else if (is_name(h->line, name_len, "content-type")) {
		h->type_len = (size_t)(end - value) < sizeof h->type ? (size_t)(end - value) : sizeof h->type;
		memcpy(h->type, value, h->type_len);
	}
	return 0;
}

static int
head_end(struct httpanswer *h, struct err *err)
{
	if (h->chunked && h->has_length)
		return bad(h, err, "a Content-Length, and chunks");
	h->state = h->chunked ? CHUNK_SIZE : !h->has_length ? BODY_CLOSE : h->left > 0 ? BODY_LENGTH : WHOLE;
	return 0;
}

/* "1f" or "1f;what=ever" */
static int
chunk_size(struct httpanswer *h, struct err *err)
{
	uint64_t n = 0;
	const char *p = h->line;

	for (; n <= UINT32_MAX; p++) {
		char c = (char)(*p | 0x20);

		if (is_digit(*p))
			n = n * 16 + (uint64_t)(*p - '0');
		else if (c >= 'a' && c <= 'f')
			n = n * 16 + (uint64_t)(c - 'a' + 10);
		else
			break;
	}
	if (p == h->line || (*p != '\0' && *p != ';' && *p != ' ' && n <= UINT32_MAX))
		return bad(h, err, "the size of a chunk is needed");
	if (n > h->body_max - h->body_len)
		return too_long(h, err);
	h->left = n;
	h->state = n > 0 ? CHUNK_DATA : TRAILER;
	return 0;
}

static int
line_is_whole(struct httpanswer *h, struct err *err)
{
	int rc = 0;

	if (h->line_len > 0 && h->line[h->line_len - 1] == '\r')
		h->line_len--;
	h->line[h->line_len] = '\0';
	if (memchr(h->line, '\0', h->line_len) != NULL)
		return bad(h, err, "a NUL byte");
	switch (h->state) {
	case STATUS:
		rc = status_line(h, err);
		break;
	case FIELD:
		rc = h->line_len == 0 ? head_end(h, err) : field(h, err);
		break;
	case CHUNK_SIZE:
		rc = chunk_size(h, err);
		break;
	case CHUNK_END:
		if (h->line_len > 0)
			return bad(h, err, "a chunk is longer than it said");
		h->state = CHUNK_SIZE;
		break;
	case TRAILER:
		if (h->line_len == 0)
			h->state = WHOLE;
		break;
	default:
		break;
	}
	h->line_no++;
	h->line_len = 0;
	return rc;
}

static int
line_byte(struct httpanswer *h, uint8_t c, struct err *err)
{
	if (++h->head_bytes > HTTPANSWER_HEAD_BYTES_MAX)
		return bad(h, err, "more than %d KiB beside the body", HTTPANSWER_HEAD_BYTES_MAX >> 10);
	if (c == '\n')
		return line_is_whole(h, err);
	if (h->line_len == HTTPANSWER_LINE_BYTES_MAX)
		return bad(h, err, "longer than %d bytes", HTTPANSWER_LINE_BYTES_MAX);
	h->line[h->line_len++] = (char)c;
	return 0;
}

/* --- the body ---------------------------------------------------------------------------- */

static int
keep(struct httpanswer *h, const uint8_t *b, size_t n, struct err *err)
{
	if (n > h->body_max - h->body_len)
		return too_long(h, err);
	if (h->body_len + n > h->body_cap) {
		size_t cap = h->body_cap == 0 ? 4096 : 2 * h->body_cap;
		uint8_t *more;

		while (cap < h->body_len + n)
			cap *= 2;
		if ((more = realloc(h->body, cap)) == NULL)
			return err_set(err, EXIT_ENVIRONMENT, "answer: out of memory"), -1;
		h->body = more;
		h->body_cap = cap;
	}
	memcpy(h->body + h->body_len, b, n);
	h->body_len += n;
	return 0;
}

/* As much as belongs to this state: bytes, or -1. */
static int64_t
body_bytes(struct httpanswer *h, const uint8_t *b, size_t n, struct err *err)
{
	if (h->state != BODY_CLOSE && n > h->left)
		n = (size_t)h->left;
	if (keep(h, b, n, err) < 0)
		return -1;
	if (h->state == BODY_CLOSE)
		return (int64_t)n;
	h->left -= n;
	if (h->left == 0)
		h->state = h->state == CHUNK_DATA ? CHUNK_END : WHOLE;
	return (int64_t)n;
}

int
httpanswer_feed(struct httpanswer *h, const uint8_t *b, size_t n, struct err *err)
{
	while (n > 0 && h->state != WHOLE) {
		int64_t took = 1;

		if (h->state == BODY_LENGTH || h->state == BODY_CLOSE || h->state == CHUNK_DATA)
			took = body_bytes(h, b, n, err);
		else if (line_byte(h, *b, err) < 0)
			took = -1;
		if (took < 0)
			return -1;
		b += took;
		n -= (size_t)took;
	}
	return h->state == WHOLE;
}

int
httpanswer_end(struct httpanswer *h, struct err *err)
{
	if (h->state == BODY_CLOSE || h->state == WHOLE)
		return 1;
	if (h->state == BODY_LENGTH || h->state == CHUNK_DATA)
		err_set(err, EXIT_ENVIRONMENT, "answer: it ends %llu bytes too early", (unsigned long long)h->left);
	else
		(void)bad(h, err, "it ends here");
	return -1;
}
