/*
 * budget.c - a token bucket in thousandths of bytes, filled by the millisecond.
 */
#include "budget.h"

#include "seal.h"

enum {
	WHOLE = 1000 * (DGRAM_BYTES_MAX + BUDGET_AROUND_BYTES),
	SAVED_MAX = 2 * WHOLE,		  /* no bursts */
	OWED_MAX = 1000 * BUDGET_BYTES_S, /* a second's: after a storm summaries go on */
};

void
budget_init(struct budget *b, msec now)
{
	*b = (struct budget){.left = WHOLE, .at = now, .told = now};
}

static void
fill(struct budget *b, msec now)
{
	msec since = now - b->at;

	if (since <= 0)
		return;
	b->at = now;
	if (since > 2 * OWED_MAX / BUDGET_BYTES_S)
		since = 2 * OWED_MAX / BUDGET_BYTES_S;
	b->left += since * BUDGET_BYTES_S;
	if (b->left > SAVED_MAX)
		b->left = SAVED_MAX;
}

void
budget_spend(struct budget *b, msec now, size_t bytes)
{
	fill(b, now);
	b->left -= 1000 * (int64_t)(bytes + BUDGET_AROUND_BYTES);
	if (b->left < -OWED_MAX)
		b->left = -OWED_MAX;
}

msec
budget_wait(struct budget *b, msec now)
{
	msec floor = b->told + BUDGET_FLOOR_MS - now, until;

	fill(b, now);
	if (b->left >= WHOLE || floor <= 0)
		return 0;
	until = (WHOLE - b->left + BUDGET_BYTES_S - 1) / BUDGET_BYTES_S;
	return until < floor ? until : floor;
}

bool
budget_owes(struct budget *b, msec now)
{
	fill(b, now);
	return b->left < -WHOLE;
}

void
budget_told(struct budget *b, msec now)
{
	b->told = now;
}
