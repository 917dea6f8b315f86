/*
 * told.c - see told.h.
 */
#include "told.h"

#include "../base/log.h"

/* FNV-1a; two lines of one hash: the second is not told, and that is all. */
static uint64_t
hash(const char *s, size_t len)
{
	uint64_t h = UINT64_C(14695981039346656037);

	for (size_t i = 0; i < len; i++)
		h = (h ^ (uint8_t)s[i]) * UINT64_C(1099511628211);
	return h;
}

bool
told_new(struct told *t, const char *line, size_t len)
{
	uint64_t h = hash(line, len);

	for (size_t i = 0; i < TOLD_MAX; i++)
		if (t->seen[i] == h)
			return false;
	t->seen[t->at++ % TOLD_MAX] = h;
	return true;
}

void
told_lines(struct told *t, const char *lines)
{
	while (*lines != '\0') {
		size_t len = strcspn(lines, "\n");

		if (len > 0 && told_new(t, lines, len))
			log_info("%.*s", (int)len, lines);
		lines += len + (lines[len] == '\n');
	}
}
