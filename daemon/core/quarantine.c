/*
 * quarantine.c - see quarantine.h.
 */
#include "quarantine.h"

void
quarantine_ended(struct quarantine *q, msec now, const struct hash *code, bool ok, bool crashed)
{
	if (ok || (crashed && !hash_eq(&q->code, code)))
		*q = (struct quarantine){.crashes = 0};
	if (!crashed)
		return;
	q->code = *code;
	q->crashes += q->crashes < QUARANTINE_CRASHES;
	q->last = now;
}

bool
quarantine_is(const struct quarantine *q, const struct hash *code)
{
	return q->crashes >= QUARANTINE_CRASHES && hash_eq(&q->code, code);
}

bool
quarantine_holds(const struct quarantine *q, msec now, const struct hash *code)
{
	return quarantine_is(q, code) && now - q->last < QUARANTINE_MS;
}

bool
quarantine_lift(struct quarantine *q)
{
	bool was = q->crashes >= QUARANTINE_CRASHES;

	*q = (struct quarantine){.crashes = 0};
	return was;
}
