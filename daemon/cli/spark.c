/*
 * spark.c - see spark.h.
 */
#include "spark.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LEVELS = 8, BAR_BYTES = 3 };

void
spark_begin(struct spark *s, int64_t from_ms, int64_t to_ms, unsigned width)
{
	*s = (struct spark){.from_ms = from_ms, .to_ms = to_ms, .min = NAN, .max = NAN, .last = NAN};
	s->width = width < 1 ? 1 : width > SPARK_COLUMNS_MAX ? SPARK_COLUMNS_MAX : width;
}

void
spark_add(struct spark *s, int64_t at_ms, double value)
{
	int64_t span = s->to_ms - s->from_ms + 1;
	double part = (double)(at_ms - s->from_ms) / (double)(span > 0 ? span : 1);
	unsigned i = part <= 0 ? 0 : part >= 1 ? s->width - 1 : (unsigned)(part * s->width);

	s->last = value;
	if (!isfinite(value)) {
		s->has[i] = s->has[i] == 0 ? 2 : s->has[i];
		return;
	}
	if (s->has[i] != 1 || value > s->column[i])
		s->column[i] = value;
	s->has[i] = 1;
	if (isnan(s->min) || value < s->min)
		s->min = value;
	if (isnan(s->max) || value > s->max)
		s->max = value;
}

char *
spark_text(const struct spark *s)
{
	double span = s->max / 2 - s->min / 2; /* halves: the whole may be too large for a double */
	char *out = calloc(s->width + 1, BAR_BYTES), *p = out;

	if (out == NULL)
		abort();
	for (unsigned i = 0; i < s->width; i++) {
		int level;

		if (s->has[i] != 1) {
			*p++ = s->has[i] == 0 ? ' ' : '!';
			continue;
		}
		level = span > 0 ? (int)((s->column[i] / 2 - s->min / 2) / span * (LEVELS - 1) + 0.5) : 0;
		/* U+2581, a low bar, to U+2588, a full one. */
		memcpy(p, "\xe2\x96", 2);
		p[2] = (char)(0x81 + level);
		p += BAR_BYTES;
	}
	return out;
}
