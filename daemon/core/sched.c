/*
 * sched.c - when to run a round.
 *
 * Everything is one function: earliest() says from the noted facts when the
 * next round may start.  due and deadline only compare it with now, so they
 * can't disagree.
 */
#include "sched.h"

const struct sched_conf sched_conf_default = {
	.after_change_ms = 50,
	.gap_ms = 250,
	.period_ms = 5000,
	.retry_ms = 5000,
	.view_wait_ms = 500,
	.parents_wait_ms = 500,
	.deaths_window_ms = 1000,
	.stable_after_ms = 2000,
	.deaths_many = 3,
};

static msec
later(msec a, msec b)
{
	return a > b ? a : b;
}

static msec
sooner(msec a, msec b)
{
	return a < b ? a : b;
}

void
sched_init(struct sched *s, const struct sched_conf *conf)
{
	memset(s, 0, sizeof *s);
	s->conf = *conf;
	s->started = MSEC_NEVER;
	s->changed = MSEC_NEVER;
	s->storm = MSEC_NEVER;
	for (size_t i = 0; i < ARRAY_LEN(s->deaths); i++)
		s->deaths[i] = MSEC_NEVER;
}

void
sched_lead(struct sched *s, msec now)
{
	struct sched_conf conf = s->conf;
	bool running = s->running;

	sched_init(s, &conf);
	/* A round of the last office may still run: its answer is for nobody,
	 * but there is only one script process at a time. */
	s->running = running;
	s->leading = true;
	s->since = now;
	s->changed = now;
}

void
sched_unlead(struct sched *s, msec now)
{
	(void)now;
	s->leading = false;
}

void
sched_view_complete(struct sched *s, msec now)
{
	(void)now;
	s->view_ok = true;
}

void
sched_parents_complete(struct sched *s, msec now)
{
	/* Who has not reported may act on one that is not known of yet. */
	if (!s->view_ok)
		return;
	/* What came after the first round is merged by another one. */
	if (!s->parents_ok && s->started != MSEC_NEVER)
		s->changed = sooner(s->changed, now);
	s->parents_ok = true;
}

static uint32_t
deaths_lately(const struct sched *s, msec now)
{
	uint32_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(s->deaths); i++)
		n += s->deaths[i] != MSEC_NEVER && now - s->deaths[i] < s->conf.deaths_window_ms;
	return n;
}

/* Many deaths at once are more likely a cut that grows than many deaths: wait
 * until it stands still, but never longer than a period. */
static void
note_death(struct sched *s, msec now)
{
	s->deaths[s->deaths_next++ % ARRAY_LEN(s->deaths)] = now;
	if (deaths_lately(s, now) < s->conf.deaths_many)
		return;
	if (s->storm == MSEC_NEVER) /* until a round has started */
		s->storm = now;
	s->stable_until =
	    sooner(now + s->conf.stable_after_ms, s->storm + s->conf.period_ms);
}

void
sched_note(struct sched *s, msec now, enum sched_what what)
{
	if (what == SCHED_DEATH)
		note_death(s, now);
	if (what == SCHED_CONFIG || what == SCHED_ACTION)
		s->failed = false;
	s->changed = sooner(s->changed, now);
}

static msec
earliest(const struct sched *s)
{
	const struct sched_conf *c = &s->conf;
	msec at = MSEC_NEVER;

	if (!s->leading || s->running)
		return MSEC_NEVER;
	if (s->changed != MSEC_NEVER)
		at = s->changed + c->after_change_ms;
	if (s->started != MSEC_NEVER)
		at = later(sooner(at, s->started + c->period_ms), s->started + c->gap_ms);
	if (!s->view_ok)
		at = later(at, s->since + c->view_wait_ms);
	if (!s->parents_ok)
		at = later(at, s->since + c->parents_wait_ms);
	if (s->failed)
		at = later(at, s->ended + c->retry_ms);
	return later(at, s->stable_until);
}

bool
sched_due(const struct sched *s, msec now)
{
	return earliest(s) <= now;
}

msec
sched_deadline(const struct sched *s, msec now)
{
	msec at = earliest(s);

	return at == MSEC_NEVER ? at : later(at, now);
}

void
sched_started(struct sched *s, msec now)
{
	s->running = true;
	s->started = now;
	s->changed = MSEC_NEVER;
	s->stable_until = 0;
	s->storm = MSEC_NEVER;
}

void
sched_busy(struct sched *s)
{
	s->running = true;
}

void
sched_done(struct sched *s, msec now, bool ok)
{
	s->running = false;
	s->failed = !ok;
	s->ended = now;
}
