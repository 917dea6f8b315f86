/*
 * text.h - bounded text that grows: the log of a run, the answer.
 */
#ifndef SCRIPT_TEXT_H
#define SCRIPT_TEXT_H

#include "../../gossip/base.h"

struct log_text {
	char *buf; /* malloc'd; NULL until the first byte */
	size_t len, cap, max;
	bool cut; /* something did not fit and was dropped */
};

void text_put(struct log_text *t, const char *s, size_t len);
/* Like text_put, but with every byte that could hurt a terminal written as
 * \xNN; newline and tab stay. */
void text_put_clean(struct log_text *t, const char *s, size_t len);
void text_free(struct log_text *t);

#endif
