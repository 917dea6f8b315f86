/*
 * text.h - JSON that grows: what an answer is written into.  A failure (memory, more than
 * TEXT_BYTES_MAX) sticks, and is looked at once at the end.
 */
#ifndef HTTP_TEXT_H
#define HTTP_TEXT_H

#include "../../gossip/base.h"

enum { TEXT_BYTES_MAX = 32 << 20 };

/* A zeroed one is empty. */
struct text {
	char *b; /* owned, malloc'd; not NUL-terminated */
	size_t len, cap;
	bool failed;
};

void text_free(struct text *t);
void text_put(struct text *t, const char *b, size_t len);
void text_puts(struct text *t, const char *s);
/* A JSON string; what is no UTF-8 becomes U+FFFD. */
void text_json(struct text *t, const char *s, size_t len);
/* A sample's value as Prometheus' API has it: "1.5", "1e+21", "NaN", "+Inf"; a string. */
void text_value(struct text *t, double v);
/* A time of ms as its seconds: 1435781451.781; a number. */
void text_time(struct text *t, int64_t ms);

#endif
