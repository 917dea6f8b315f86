/*
 * params.c - see params.h.
 */
#include "params.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "head.h"

/* Whatever is asked of is within a thousand years of 1970. */
static const double SECONDS_MOST = 32e9;

char *
params_decode(const char *text, size_t len, bool form)
{
	char *out = malloc(len + 1);
	size_t n = 0;

	if (out == NULL)
		return NULL;
	for (size_t i = 0; i < len; i++) {
		int c = (uint8_t)text[i];

		if (c == '+' && form)
			c = ' ';
		if (c == '%') {
			if (len - i < 3 || head_hex(text[i + 1]) < 0 || head_hex(text[i + 2]) < 0) {
				free(out);
				return NULL;
			}
			c = head_hex(text[i + 1]) << 4 | head_hex(text[i + 2]);
			i += 2;
		}
		if (c == '\0') {
			free(out);
			return NULL;
		}
		out[n++] = (char)c;
	}
	out[n] = '\0';
	return out;
}

static int
add(struct params *p, const char *part, size_t len, struct err *err)
{
	const char *eq = memchr(part, '=', len);
	size_t n = eq != NULL ? (size_t)(eq - part) : len;
	char *name, *value;

	if (len == 0)
		return 0;
	if (p->count == PARAMS_MAX)
		return err_set(err, 1, "more than %d parameters", PARAMS_MAX);
	name = params_decode(part, n, true);
	value = params_decode(eq != NULL ? eq + 1 : "", eq != NULL ? len - n - 1 : 0, true);
	if (name == NULL || value == NULL) {
		free(name);
		free(value);
		return err_set(err, 1, "parameter %u: a %% without two hex digits, or a NUL",
		    p->count + 1);
	}
	p->items[p->count].name = name;
	p->items[p->count++].value = value;
	return 0;
}

int
params_read(struct params *p, const char *text, size_t len, struct err *err)
{
	while (len > 0) {
		const char *end = memchr(text, '&', len);
		size_t n = end != NULL ? (size_t)(end - text) : len;

		if (add(p, text, n, err) < 0)
			return -1;
		n += n < len;
		text += n;
		len -= n;
	}
	return 0;
}

void
params_free(struct params *p)
{
	for (uint32_t i = 0; i < p->count; i++) {
		free(p->items[i].name);
		free(p->items[i].value);
	}
	p->count = 0;
}

const char *
params_get(const struct params *p, const char *name)
{
	for (uint32_t i = 0; i < p->count; i++)
		if (strcmp(p->items[i].name, name) == 0)
			return p->items[i].value;
	return NULL;
}

static int
refuse(const char *name, const char *text, const char *want, struct err *err)
{
	char shown[80];

	err_escape(shown, sizeof shown, text, strlen(text));
	return err_set(err, 1, "invalid parameter \"%s\": cannot parse \"%s\" %s", name, shown, want);
}

/* Decimal digits alone: strtod takes hex, "inf" and the locale's point too. */
static bool
seconds(const char *text, double *out)
{
	char *end;

	if (text[strspn(text, "0123456789.eE+-")] != '\0' || text[0] == '\0')
		return false;
	*out = strtod(text, &end);
	return *end == '\0' && isfinite(*out) && fabs(*out) <= SECONDS_MOST;
}

/* "2026-01-02T03:04:05[.678](Z|+hh:mm)" */
static bool
rfc3339(const char *text, int64_t *ms)
{
	struct tm tm = {0};
	int n = 0, h, m, day;
	double part = 0;
	char sign;

	if (sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d%n", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &tm.tm_hour,
		&tm.tm_min, &tm.tm_sec, &n) != 6 || n != 19)
		return false;
	for (int i = 0; i < 19; i++)
		if (i != 4 && i != 7 && i != 10 && i != 13 && i != 16 && (text[i] < '0' || text[i] > '9'))
			return false;
	if (tm.tm_mon < 1 || tm.tm_mon > 12 || tm.tm_mday < 1 || tm.tm_mday > 31 || tm.tm_hour > 23 ||
	    tm.tm_min > 59 || tm.tm_sec > 60)
		return false;
	text += n;
	if (*text == '.') {
		size_t digits = strspn(text + 1, "0123456789");

		if (digits == 0 || digits > 12)
			return false;
		part = strtod(text, NULL);
		text += 1 + digits;
	}
	tm.tm_year -= 1900;
	tm.tm_mon--;
	day = tm.tm_mday;
	*ms = (int64_t)timegm(&tm) * 1000 + (int64_t)(part * 1000 + 0.5);
	if (tm.tm_mday != day && tm.tm_sec < 60)
		return false; /* that month has fewer */
	if (strcmp(text, "Z") == 0)
		return true;
	if (strlen(text) != 6 || sscanf(text, "%c%2d:%2d", &sign, &h, &m) != 3 || (sign != '+' && sign != '-') ||
	    h < 0 || h > 23 || m < 0 || m > 59)
		return false;
	*ms -= (sign == '+' ? 1 : -1) * (h * 60 + m) * 60000LL;
	return true;
}

int
params_time(const char *name, const char *text, int64_t *ms, struct err *err)
{
	double s;

	if (seconds(text, &s)) {
		*ms = (int64_t)llround(s * 1000);
		return 0;
	}
	if (rfc3339(text, ms))
		return 0;
	return refuse(name, text, "to a valid timestamp (seconds since 1970, or RFC 3339)", err);
}

/* 1h30m: units fall, each at most once. */
static bool
in_units(const char *text, int64_t *ms)
{
	static const struct {
		const char *name;
		int64_t ms;
	} units[] = {{"y", 31536000000}, {"w", 604800000}, {"d", 86400000}, {"h", 3600000}, {"m", 60000},
	    {"s", 1000}, {"ms", 1}};
	size_t at = 0;

	*ms = 0;
	while (*text != '\0') {
		size_t digits = strspn(text, "0123456789"), n;

		if (digits == 0 || digits > 11)
			return false;
		n = strspn(text + digits, "ywdhms");
		for (; at < ARRAY_LEN(units); at++)
			if (strlen(units[at].name) == n && strncmp(text + digits, units[at].name, n) == 0)
				break;
		if (at == ARRAY_LEN(units))
			return false;
		int64_t count = strtoll(text, NULL, 10);

		if (count > (int64_t)SECONDS_MOST * 1000 / units[at].ms)
			return false;
		*ms += count * units[at++].ms;
		text += digits + n;
	}
	return *ms <= (int64_t)SECONDS_MOST * 1000;
}

int
params_duration(const char *name, const char *text, int64_t *ms, struct err *err)
{
	double s;

	if (seconds(text, &s))
		*ms = (int64_t)llround(s * 1000);
	else if (!in_units(text, ms))
		return refuse(name, text, "to a valid duration (seconds, or 1h30m)", err);
	if (*ms <= 0)
		return err_set(err, 1,
		    "invalid parameter \"%s\": zero or negative query resolution step widths are not accepted. Try a positive integer",
		    name);
	return 0;
}

int
params_limit(const char *text, uint32_t *limit, struct err *err)
{
	size_t n = strspn(text, "0123456789");
	unsigned long long v = strtoull(text, NULL, 10);

	if (n == 0 || text[n] != '\0')
		return refuse("limit", text, "to a whole number (0: all)", err);
	*limit = v == 0 || v > UINT32_MAX ? UINT32_MAX : (uint32_t)v;
	return 0;
}
