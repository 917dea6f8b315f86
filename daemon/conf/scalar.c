/*
 * scalar.c - the words of a config file as values; see scalar.h.
 *
 * Everything is parsed by hand or by strtod behind a check of the alphabet:
 * strtol and friends accept white space, signs and prefixes we do not mean.
 */
#include "scalar.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

struct unit {
	const char *name;
	int64_t factor;
};

static const struct unit sizes[] = {{"Gi", 1 << 30}, {"G", 1000000000}, {"Mi", 1 << 20},
    {"M", 1000000}, {"ki", 1 << 10}, {"k", 1000}, {"", 1}};

static const struct unit durations[] = {{"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}};

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
one_of(const char *s, const char *const *words, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcasecmp(s, words[i]) == 0)
			return true;
	return false;
}

/* Digits with at most one '.', at most one exponent; at least one digit. */
static size_t
real_span(const char *s)
{
	size_t i = *s == '-' || *s == '+', digits = 0;

	for (; is_digit(s[i]); i++)
		digits++;
	if (s[i] == '.')
		for (i++; is_digit(s[i]); i++)
			digits++;
	if (digits == 0)
		return 0;
	if (s[i] == 'e' || s[i] == 'E') {
		size_t e = i + 1;

		e += s[e] == '-' || s[e] == '+';
		if (is_digit(s[e]))
			for (i = e; is_digit(s[i]); i++)
				;
	}
	return i;
}

enum scalar_look
scalar_look(const char *s)
{
	static const char *const nulls[] = {"", "~", "null"};
	static const char *const bools[] = {"true", "false", "yes", "no", "on", "off"};
	static const char *const floats[] = {".inf", "-.inf", "+.inf", ".nan"};
	const char *d = s + (*s == '-' || *s == '+');
	size_t n = strspn(d, "0123456789");

	if (one_of(s, nulls, ARRAY_LEN(nulls)))
		return LOOK_NULL;
	if (one_of(s, bools, ARRAY_LEN(bools)))
		return LOOK_BOOL;
	if (one_of(s, floats, ARRAY_LEN(floats)))
		return LOOK_FLOAT;
	if (n > 0 && d[n] == '\0')
		return d[0] == '0' && n > 1 ? LOOK_ODD_INT : LOOK_INT;
	if (n > 0 && d[strspn(d, "0123456789_")] == '\0')
		return LOOK_ODD_INT;
	if (d[0] == '0' && d[1] != '\0' && strchr("xXoObB", d[1]) != NULL && d[2] != '\0' &&
	    d[2 + strspn(d + 2, "0123456789abcdefABCDEF_")] == '\0')
		return LOOK_ODD_INT;
	n = real_span(s);
	return n > 0 && s[n] == '\0' ? LOOK_FLOAT : LOOK_STR;
}

/* Digits of a base, '_' between them if allowed; the rest is left at *end. */
static int
digits(const char *s, int base, bool underscore, const char **end, int64_t *out)
{
	bool any = false;
	int rc = 0;

	*out = 0;
	for (; *s != '\0'; s++) {
		int v = is_digit(*s)		 ? *s - '0'
			: *s >= 'a' && *s <= 'f' ? *s - 'a' + 10
			: *s >= 'A' && *s <= 'F' ? *s - 'A' + 10
						 : 99;

		if (*s == '_' && underscore && any)
			continue;
		if (v >= base)
			break;
		any = true;
		if (__builtin_mul_overflow(*out, base, out) ||
		    __builtin_add_overflow(*out, v, out)) {
			*out = 0;
			rc = -ERR_RANGE;
		}
	}
	*end = s;
	return any ? rc : -ERR_MALFORMED;
}

int
scalar_int(const char *s, int64_t *out)
{
	bool minus = *s == '-';
	const char *end;
	int rc = digits(s + minus, 10, false, &end, out);

	if (rc == -ERR_MALFORMED || *end != '\0')
		return -ERR_MALFORMED;
	if (s[minus] == '0' && s[minus + 1] != '\0')
		return -ERR_MALFORMED;
	if (minus)
		*out = -*out;
	return rc;
}

static int
apply_size_unit(const char *end, int64_t *out, bool *unit)
{
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++)
		if (strcmp(end, sizes[i].name) == 0) {
			*unit = *end != '\0';
			if (!__builtin_mul_overflow(*out, sizes[i].factor, out))
				return 0;
			*out = 0; /* what is left of it may be a number that has no opposite */
			return -ERR_RANGE;
		}
	return -ERR_MALFORMED;
}

int
scalar_lithos_int(const char *s, int64_t *out)
{
	bool minus = *s == '-', unit;
	const char *end;
	int base = 10, rc, rc2;

	s += minus;
	if (s[0] == '0' && (s[1] == 'x' || s[1] == 'o' || s[1] == 'b')) {
		base = s[1] == 'x' ? 16 : s[1] == 'o' ? 8 : 2;
		s += 2;
	} else if (s[0] == '0' && is_digit(s[1])) {
		return -ERR_MALFORMED;
	}
	rc = digits(s, base, true, &end, out);
	if (rc == -ERR_MALFORMED)
		return rc;
	rc2 = apply_size_unit(end, out, &unit);
	if (minus)
		*out = -*out;
	return rc2 != 0 ? rc2 : rc;
}

int
scalar_size(const char *s, int64_t *bytes, bool *unit)
{
	bool minus = *s == '-';
	const char *end;
	int rc, rc2;

	*unit = false;
	rc = digits(s + minus, 10, true, &end, bytes);
	if (rc == -ERR_MALFORMED)
		return rc;
	rc2 = apply_size_unit(end, bytes, unit);
	if (minus)
		*bytes = -*bytes;
	return rc2 != 0 ? rc2 : rc;
}

/* A number below 1e15 times factor, rounded. */
static int
scaled(double v, double factor, int64_t *out)
{
	v *= factor;
	*out = 0;
	if (!(v > -1e15 && v < 1e15))
		return -ERR_RANGE;
	*out = (int64_t)(v < 0 ? v - 0.5 : v + 0.5);
	return 0;
}

int
scalar_duration(const char *s, int64_t *ms, bool *unit)
{
	size_t n = real_span(s);

	*unit = false;
	*ms = 0;
	if (n == 0)
		return -ERR_MALFORMED;
	if (s[n] == '\0')
		return scaled(strtod(s, NULL), 1000, ms);
	*unit = true;
	for (size_t i = 0; i < ARRAY_LEN(durations); i++)
		if (strcmp(s + n, durations[i].name) == 0)
			return scaled(strtod(s, NULL), (double)durations[i].factor, ms);
	return -ERR_MALFORMED;
}

int
scalar_cpu(const char *s, int64_t *milli)
{
	size_t n = real_span(s);

	if (n == 0)
		return -ERR_MALFORMED;
	if (s[n] == '\0')
		return scaled(strtod(s, NULL), 1000, milli);
	if (strcmp(s + n, "%") == 0)
		return scaled(strtod(s, NULL), 10, milli);
	return -ERR_MALFORMED;
}

int
scalar_mode(const char *s, int64_t *mode)
{
	const char *end;
	int rc;

	if (s[0] != '0' || (s[1] != 'o' && !is_digit(s[1])))
		return -ERR_MALFORMED;
	rc = digits(s + (s[1] == 'o' ? 2 : 1), 8, false, &end, mode);
	return *end != '\0' ? -ERR_MALFORMED : rc;
}

int
scalar_real(const char *s, double *out)
{
	size_t n = real_span(s);

	if (n == 0 || s[n] != '\0')
		return -ERR_MALFORMED;
	*out = strtod(s, NULL);
	return __builtin_isfinite(*out) ? 0 : -ERR_RANGE;
}

int
scalar_bool(const char *s, bool *out)
{
	/* The last two of each are lithos' own: only its files have switches. */
	static const char *const yes[] = {"true", "yes", "on", "y", "1"};
	static const char *const no[] = {"false", "no", "off", "n", "0"};

	*out = one_of(s, yes, ARRAY_LEN(yes));
	return *out || one_of(s, no, ARRAY_LEN(no)) ? 0 : -ERR_MALFORMED;
}

bool
scalar_range_ok(const char *s)
{
	const int64_t max = (int64_t)UINT32_MAX - 1;
	const char *end;
	int64_t a, b;

	if (digits(s, 10, false, &end, &a) != 0 || a > max)
		return false;
	if (*end == '\0')
		return true;
	return *end == '-' && digits(end + 1, 10, false, &end, &b) == 0 && *end == '\0' && a <= b &&
	       b <= max;
}

static bool
ipv4_ok(const char *s, size_t len)
{
	size_t i = 0;

	for (int part = 0; part < 4; part++) {
		int v = 0, n = 0;

		for (; i < len && is_digit(s[i]) && n < 4; i++, n++)
			v = v * 10 + (s[i] - '0');
		if (n == 0 || n > 3 || v > 255 || (n > 1 && s[i - (size_t)n] == '0'))
			return false;
		if (part < 3 && (i >= len || s[i++] != '.'))
			return false;
	}
	return i == len;
}

bool
scalar_network_ok(const char *s)
{
	const char *slash = strchr(s, '/'), *end;
	int64_t bits;

	return slash != NULL && ipv4_ok(s, (size_t)(slash - s)) &&
	       digits(slash + 1, 10, false, &end, &bits) == 0 && *end == '\0' && bits <= 32;
}

/* Groups of hex digits, at most one "::", at most 8 groups; no zone id. */
static bool
ipv6_ok(const char *s, size_t len)
{
	int groups = 0, gaps = 0;
	size_t i = 0;

	while (i < len) {
		size_t n = 0;

		if (s[i] == ':' && i + 1 < len && s[i + 1] == ':') {
			gaps++;
			i += 2;
			continue;
		}
		if (s[i] == ':' && (i == 0 || s[i - 1] == ':' || ++i == len))
			return false;
		while (i < len && strchr("0123456789abcdefABCDEF", s[i]) != NULL && n < 5)
			n++, i++;
		if (n == 0 || n > 4)
			return false;
		groups++;
	}
	return gaps == 1 ? groups < 8 : gaps == 0 && groups == 8;
}

/* Labels of letters, digits and '-'; the last one is not a number. */
static bool
hostname_ok(const char *s, size_t len)
{
	size_t label = 0;
	bool number = true;

	if (len == 0 || len > 253)
		return false;
	for (size_t i = 0; i < len; i++) {
		bool letter = (s[i] >= 'a' && s[i] <= 'z') || (s[i] >= 'A' && s[i] <= 'Z');

		if (s[i] == '.') {
			if (label == 0 || s[i - 1] == '-')
				return false;
			label = 0;
			number = true;
			continue;
		}
		if (!letter && !is_digit(s[i]) && (s[i] != '-' || label == 0))
			return false;
		number = number && is_digit(s[i]);
		if (++label > 63)
			return false;
	}
	return label > 0 && !number && s[len - 1] != '-';
}

bool
scalar_hostport_ok(const char *s)
{
	const char *colon = strrchr(s, ':'), *end;
	int64_t port;

	if (colon == NULL || digits(colon + 1, 10, false, &end, &port) != 0 || *end != '\0' ||
	    port < 1 || port > 65535 || colon[1] == '0')
		return false;
	size_t len = (size_t)(colon - s);

	if (len > 2 && s[0] == '[' && s[len - 1] == ']')
		return ipv6_ok(s + 1, len - 2);
	return ipv4_ok(s, len) || hostname_ok(s, len);
}

static void
show(char *dst, size_t cap, int64_t v, const struct unit *units, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (v % units[i].factor == 0 && (v != 0 || i + 1 == count)) {
			snprintf(
			    dst, cap, "%lld%s", (long long)(v / units[i].factor), units[i].name);
			return;
		}
	snprintf(dst, cap, "%lld", (long long)v);
}

void
scalar_show_size(char *dst, size_t cap, int64_t bytes)
{
	static const struct unit binary[] = {
	    {"Gi", 1 << 30}, {"Mi", 1 << 20}, {"ki", 1 << 10}, {"", 1}};

	show(dst, cap, bytes, binary, ARRAY_LEN(binary));
}

void
scalar_show_duration(char *dst, size_t cap, int64_t ms)
{
	show(dst, cap, ms, durations, ARRAY_LEN(durations));
	/* 60s reads better than 1m beside 50ms. */
	if (ms == 60000)
		snprintf(dst, cap, "60s");
}
