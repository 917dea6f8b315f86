/*
 * text.c - bounded growing text (see text.h).  Out of memory counts as full:
 * a log is never worth the run.
 */
#include "text.h"
#include "../base/err.h"

#include <stdlib.h>

void
text_put(struct log_text *t, const char *s, size_t len)
{
	if (t->cut || len == 0)
		return;
	if (len > t->max - t->len) {
		t->cut = true;
		return;
	}
	if (t->len + len > t->cap) {
		size_t cap = t->cap == 0 ? 4096 : t->cap;
		char *p;

		while (cap < t->len + len)
			cap *= 2;
		p = realloc(t->buf, cap);
		if (p == NULL) {
			t->cut = true;
			return;
		}
		t->buf = p;
		t->cap = cap;
	}
	memcpy(t->buf + t->len, s, len);
	t->len += len;
}

void
text_put_clean(struct log_text *t, const char *s, size_t len)
{
	/* err_escape makes at most 4 bytes of one. */
	enum { CHUNK = 512 };
	char out[4 * CHUNK + 1];
	size_t start = 0;

	for (size_t i = 0; i <= len; i++) {
		bool plain = i < len && (s[i] == '\n' || s[i] == '\t');
		size_t n = i - start;

		/* Cut before a byte that starts a UTF-8 sequence. */
		if (i < len && !plain && (n < CHUNK - 4 || ((uint8_t)s[i] & 0xc0) == 0x80) &&
		    n < CHUNK)
			continue;
		err_escape(out, sizeof out, s + start, n);
		text_put(t, out, strlen(out));
		start = i;
		if (plain) {
			text_put(t, s + i, 1);
			start = i + 1;
		}
	}
}

void
text_free(struct log_text *t)
{
	free(t->buf);
	memset(t, 0, sizeof *t);
}
