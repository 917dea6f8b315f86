/*
 * operand.c - is a word what it stands for?
 */
#include "operand.h"

#include <stdlib.h>
#include <string.h>

#include "../base/name.h"
#include "text.h"

/* HOST:PORT; a literal IPv6 host stands in brackets. */
bool
operand_seed_ok(const char *s)
{
	const char *colon = strrchr(s, ':');
	size_t host = colon != NULL ? (size_t)(colon - s) : 0;
	char *end;

	if (host == 0 || host > 255 || colon[1] < '0' || colon[1] > '9')
		return false;
	unsigned long port = strtoul(colon + 1, &end, 10);
	if (*end != '\0' || port < 1 || port > 65535)
		return false;
	if (s[0] == '[')
		return s[host - 1] == ']' && strspn(s + 1, "0123456789abcdefABCDEF:.%") == host - 2;
	for (size_t i = 0; i < host; i++)
		if (strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
			   "0123456789.-_",
			s[i]) == NULL)
			return false;
	return true;
}

/* TERM.LEADER8.SEQ, as `mesh status` and `mesh schedule show` print it. */
bool
operand_stamp_ok(const char *s)
{
	if (strcmp(s, "scheduler") == 0) /* not a role's wish: its code in quarantine */
		return true;
	size_t term = strspn(s, "0123456789");
	const char *leader = s + term + (s[term] == '.');
	size_t hex = strspn(leader, "0123456789abcdef");
	const char *seq = leader + hex + (leader[hex] == '.');
	size_t digits = strspn(seq, "0123456789");

	return term >= 1 && term <= 20 && leader == s + term + 1 && hex == 8 &&
	       seq == leader + hex + 1 && digits >= 1 && digits <= 20 && seq[digits] == '\0';
}

int
operand_span(int64_t *out, const char *option, const char *value, struct err *err)
{
	char buf[96];

	*out = text_parse_duration(value);
	if (*out >= 1000 && *out <= INT64_C(86400) * 1000)
		return 0;
	err_escape(buf, sizeof buf, value, strnlen(value, sizeof buf));
	return err_set(err, EXIT_USAGE_, "%s: '%s' is not a duration from 1s to 24h (10m)", option, buf);
}

int
operand_time(int64_t *out, const char *option, const char *value, int64_t now_ms, struct err *err)
{
	int64_t ago = text_parse_duration(value), at = text_parse_date(value);
	char buf[96];

	*out = ago >= 0 ? now_ms - ago : at;
	if (ago >= 0 || at >= 0)
		return 0;
	err_escape(buf, sizeof buf, value, strnlen(value, sizeof buf));
	return err_set(err, EXIT_USAGE_, "%s: '%s' is not a date (YYYY-MM-DD[Thh:mm:ss]) nor a duration (10m)",
	    option, buf);
}

/* So late that a range of a day fits before it. */
int
operand_instant(int64_t *out, const char *option, const char *value, int64_t now_ms, struct err *err)
{
	char buf[96];

	if (operand_time(out, option, value, now_ms, err) < 0)
		return -EXIT_USAGE_;
	if (*out >= OPERAND_INSTANT_MIN_MS && *out <= now_ms)
		return 0;
	err_escape(buf, sizeof buf, value, strnlen(value, sizeof buf));
	return err_set(err, EXIT_USAGE_, "%s: '%s' is %s; nodes keep what they measure for an hour (limits.metrics-keep)",
	    option, buf, *out > now_ms ? "still to come" : "too long ago");
}

int
operand_wait(int64_t *out, const char *option, const char *value, struct err *err)
{
	char buf[96];

	*out = text_parse_duration(value);
	if (*out >= 1 && *out <= OPERAND_WAIT_MAX_MS)
		return 0;
	err_escape(buf, sizeof buf, value, strnlen(value, sizeof buf));
	return err_set(err, EXIT_USAGE_, "%s: '%s' is not a duration from 1ms to 10s (500ms)", option, buf);
}

int
operand_generation(int64_t *out, const char *option, const char *value, struct err *err)
{
	char buf[96], *end;
	long long n = strtoll(value, &end, 10);

	*out = n;
	if (*value >= '1' && *value <= '9' && *end == '\0' && n < INT64_MAX)
		return 0;
	err_escape(buf, sizeof buf, value, strnlen(value, sizeof buf));
	return err_set(err, EXIT_USAGE_,
	    "%s: '%s' is no generation's number; mesh generations ROLE lists them", option, buf);
}

int
operand_action(const char **out, const char *option, const char *value, struct err *err)
{
	const char *dot = strrchr(value, '.');
	char buf[96];

	*out = value;
	if (dot != NULL && name_ok(value, (size_t)(dot - value)) && dot[1] != '\0' && strlen(dot) <= 20 &&
	    strspn(dot + 1, "0123456789") == strlen(dot + 1))
		return 0;
	err_escape(buf, sizeof buf, value, strnlen(value, sizeof buf));
	return err_set(err, EXIT_USAGE_, "--%s: '%s' is no action's id (NODE.NUMBER, as in mesh actions)", option, buf);
}
