/*
 * textkey.h - a text with its first 16 bytes at hand: lists of thousands of names
 * are sorted and searched without a look at most of them.  Same order as strcmp.
 */
#ifndef CORE_TEXTKEY_H
#define CORE_TEXTKEY_H

#include "../../gossip/base.h"

struct textkey {
	uint64_t high, low; /* bytes 0..7 and 8..15, the first in the top; 0 behind the end */
	const char *text;   /* borrowed */
};

static inline uint64_t
textkey_eight(const char **s)
{
	uint64_t v = 0;

	for (int shift = 56; shift >= 0 && **s != '\0'; shift -= 8, ++*s)
		v |= (uint64_t)(uint8_t)**s << shift;
	return v;
}

static inline struct textkey
textkey_of(const char *text)
{
	const char *s = text;
	struct textkey k = {.text = text};

	k.high = textkey_eight(&s);
	k.low = textkey_eight(&s);
	return k;
}

static inline int
textkey_cmp(const struct textkey *a, const struct textkey *b)
{
	if (a->high != b->high)
		return a->high < b->high ? -1 : 1;
	if (a->low != b->low)
		return a->low < b->low ? -1 : 1;
	return (a->low & 0xff) == 0 ? 0 : strcmp(a->text + 16, b->text + 16);
}

#endif
