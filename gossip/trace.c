/*
 * trace.c - the one way a machine speaks: "suspect n3", "leader n1 4".
 */
#include "inner.h"

static size_t
append(char *dst, size_t at, size_t cap, const char *s, size_t len)
{
	if (len > cap - 1 - at)
		len = cap - 1 - at;
	memcpy(dst + at, s, len);
	return at + len;
}

void
trace(struct mesh *m, msec now, const char *event, uint32_t i, uint64_t number)
{
	char line[160], digits[24];
	size_t at, d = sizeof digits;

	if (m->conf.trace == NULL)
		return;
	at = append(line, 0, sizeof line, event, strlen(event));
	if (i != MEMBER_NONE) {
		at = append(line, at, sizeof line, " ", 1);
		if (m->ms.m[i].name_len > 0)
			at = append(line, at, sizeof line, members_name(&m->ms, i),
			    m->ms.m[i].name_len);
		else
			at = append(line, at, sizeof line, "?", 1);
	}
	if (number != 0) {
		for (; number != 0; number /= 10)
			digits[--d] = (char)('0' + number % 10);
		at = append(line, at, sizeof line, " ", 1);
		at = append(line, at, sizeof line, digits + d, sizeof digits - d);
	}
	line[at] = '\0';
	m->conf.trace(m->conf.trace_arg, now, line);
}
