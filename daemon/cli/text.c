/*
 * text.c - values as a reader wants them.
 *
 * Everything the daemon tells may have been written by a container, a script
 * or a peer, so it goes through text_clean before it reaches a terminal: an
 * escape sequence in a log line must not move somebody's cursor.
 */
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../base/err.h"

/* 2001-09-09 in ms: no age is that long, no wall clock that early. */
#define WALL_CLOCK_MIN_MS INT64_C(1000000000000)

void
text_age(char *out, size_t cap, int64_t age_ms)
{
	static const struct {
		int64_t s;
		char unit;
	} units[] = {{86400, 'd'}, {3600, 'h'}, {60, 'm'}, {1, 's'}};
	int64_t s = age_ms > 0 ? age_ms / 1000 : 0;
	size_t i = 0;

	while (i < ARRAY_LEN(units) - 1 && s < units[i].s)
		i++;
	int64_t rest = s % units[i].s;
	int64_t next = i + 1 < ARRAY_LEN(units) ? rest / units[i + 1].s : 0;
	if (next == 0)
		snprintf(out, cap, "%lld%c", (long long)(s / units[i].s), units[i].unit);
	else
		snprintf(out, cap, "%lld%c%lld%c", (long long)(s / units[i].s), units[i].unit,
		    (long long)next, units[i + 1].unit);
}

void
text_since(char *out, size_t cap, int64_t value_ms, int64_t now_ms)
{
	bool wall = value_ms >= WALL_CLOCK_MIN_MS;

	text_age(out, cap, wall ? now_ms - value_ms : value_ms);
}

void
text_millis(char *out, size_t cap, int64_t ms)
{
	if (ms < 1)
		snprintf(out, cap, "<1ms");
	else if (ms < 1000)
		snprintf(out, cap, "%lldms", (long long)ms);
	else
		snprintf(
		    out, cap, "%lld.%llds", (long long)(ms / 1000), (long long)(ms % 1000 / 100));
}

/* Append s[0..len) escaped; room for 4 bytes of output a byte is reserved. */
static char *
put_clean(char *to, const char *s, size_t len)
{
	err_escape(to, 4 * len + 5, s, len);
	return to + strlen(to);
}

char *
text_clean(const char *s, size_t len, bool lines)
{
	char *out = malloc(4 * len + 8), *to = out;
	size_t from = 0;

	if (out == NULL)
		abort(); /* a client without memory has nothing left to say */
	*to = '\0';
	for (size_t i = 0; lines && i < len; i++) {
		if (s[i] != '\n' && s[i] != '\t')
			continue;
		to = put_clean(to, s + from, i - from);
		*to++ = s[i];
		*to = '\0';
		from = i + 1;
	}
	put_clean(to, s + from, len - from);
	return out;
}

size_t
text_width(const char *s)
{
	size_t n = 0;

	for (; *s != '\0'; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

const char *
text_color(const char *word)
{
	static const struct {
		const char *word, *color;
	} words[] = {
	    {"alive", TEXT_GREEN},
	    {"running", TEXT_GREEN},
	    {"healthy", TEXT_GREEN},
	    {"full", TEXT_GREEN},
	    {"ok", TEXT_GREEN},
	    {"suspect", TEXT_YELLOW},
	    {"alive,unstable", TEXT_YELLOW},
	    {"alive,udp-blocked", TEXT_YELLOW},
	    {"alive,draining", TEXT_YELLOW},
	    {"alive,leaving", TEXT_YELLOW},
	    {"restarting", TEXT_YELLOW},
	    {"restarting,draining", TEXT_YELLOW},
	    {"degraded", TEXT_YELLOW},
	    {"starting", TEXT_YELLOW},
	    {"stopping", TEXT_YELLOW},
	    {"backoff", TEXT_YELLOW},
	    {"wait", TEXT_YELLOW},
	    {"waiting", TEXT_YELLOW},
	    {"held", TEXT_YELLOW},
	    {"unknown", TEXT_YELLOW},
	    {"failed", TEXT_RED},
	    {"crash-loop", TEXT_RED},
	    {"lost", TEXT_RED},
	    {"unhealthy", TEXT_RED},
	};

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strcmp(words[i].word, word) == 0)
			return words[i].color;
	return "";
}

int64_t
text_parse_duration(const char *s)
{
	int64_t sum = 0;

	if (*s == '\0')
		return -1;
	while (*s != '\0') {
		int64_t n = 0, unit;
		const char *start = s;

		for (; *s >= '0' && *s <= '9' && s - start < 9; s++)
			n = n * 10 + (*s - '0');
		if (s == start)
			return -1;
		if (strncmp(s, "ms", 2) == 0)
			unit = 1, s++;
		else if (*s == 's')
			unit = 1000;
		else if (*s == 'm')
			unit = 60 * 1000;
		else if (*s == 'h')
			unit = 3600 * 1000;
		else if (*s == 'd')
			unit = 86400 * 1000;
		else
			return -1;
		s++;
		sum += n * unit;
		if (sum > WALL_CLOCK_MIN_MS)
			return -1;
	}
	return sum;
}

int64_t
text_parse_date(const char *s)
{
	static const char *const forms[] = {"%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"};

	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		struct tm tm = {0};
		const char *end = strptime(s, forms[i], &tm);

		if (end == NULL || (*end != '\0' && strcmp(end, "Z") != 0))
			continue;
		int day = tm.tm_mday;
		time_t t = timegm(&tm); /* turns Feb 30 into Mar 1 or 2 */
		if (tm.tm_mday != day || t < 0)
			return -1;
		return (int64_t)t * 1000;
	}
	return -1;
}
