/*
 * spec_scrapes.c - where an instance answers for its metrics: in its record a text each,
 * "PORT INTERVAL_MS TIMEOUT_MS PATH".
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "spec.h"

int
spec_add_scrape(struct spec *s, const struct sup_scrape *p, struct err *err)
{
	char text[SUP_HTTP_PATH_CAP + 64];
	int n = snprintf(text, sizeof text, "%" PRIu32 " %" PRIu32 " %" PRIu32 " %s", p->port,
	    p->interval_ms, p->timeout_ms, p->path);

	return strs_add(&s->scrapes, text, (size_t)n, err);
}

static bool
number(const char **at, uint32_t *out)
{
	char *end;
	unsigned long v;

	if (**at < '0' || **at > '9')
		return false;
	v = strtoul(*at, &end, 10);
	if (v == 0 || v > INT32_MAX || *end != ' ')
		return false;
	*out = (uint32_t)v;
	*at = end + 1;
	return true;
}

bool
spec_scrapes(const struct spec *s, struct sup_scrape out[SUP_SCRAPES_MAX])
{
	const char *at = s->scrapes.buf;

	memset(out, 0, SUP_SCRAPES_MAX * sizeof *out);
	if (s->scrapes.count > SUP_SCRAPES_MAX)
		return false;
	for (uint32_t i = 0; i < s->scrapes.count; i++, at += strlen(at) + 1) {
		struct sup_scrape *p = &out[i];

		if (!number(&at, &p->port) || p->port > UINT16_MAX || !number(&at, &p->interval_ms) ||
		    !number(&at, &p->timeout_ms) || at[0] != '/' || strlen(at) >= sizeof p->path)
			return false;
		snprintf(p->path, sizeof p->path, "%s", at);
	}
	return true;
}
