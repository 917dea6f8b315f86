/*
 * pattern_in.h - what pattern.c and its translator share.
 */
#ifndef CORE_PATTERN_IN_H
#define CORE_PATTERN_IN_H

#include "pattern.h"

/* RE2's words said in PCRE2's, which knows more than that, and some of it otherwise. */
struct pattern_text {
	char *out; /* cap bytes */
	size_t len, cap;
	struct slice names[PATTERN_GROUPS_MAX]; /* of groups, in the text; empty: none */
	uint32_t groups;			/* besides group 0; the first 15 capture */
};

/* PATTERN_OUT_BYTES is always enough.  0, or -1 and why. */
enum { PATTERN_OUT_BYTES = PATTERN_BYTES_MAX * 20 + 64 };
int pattern_translate(struct slice text, struct pattern_text *out, struct err *err);

#endif
