/*
 * roll.c - see roll.h.
 */
#include "roll.h"

#include <stdio.h>
#include <stdlib.h>

int
roll_new(struct roll *r, size_t most)
{
	memset(r, 0, sizeof *r);
	r->slots = malloc(most * sizeof *r->slots);
	if (r->slots == NULL)
		return -ERR_FULL;
	r->most = most;
	r->waits_since = MSEC_NEVER;
	return 0;
}

void
roll_free(struct roll *r)
{
	free(r->slots);
	memset(r, 0, sizeof *r);
}

static struct roll_asked *
find(const struct roll *r, const char *instance)
{
	for (size_t i = 0; i < r->asked_count; i++)
		if (strcmp(r->slots[i].asked.instance, instance) == 0)
			return &r->slots[i].asked;
	return NULL;
}

static void
forget(struct roll *r, struct roll_asked *a)
{
	*a = r->slots[--r->asked_count].asked;
}

static struct roll_one *
one_of(const struct roll *r, const char *instance)
{
	for (size_t i = 0; i < r->all_count; i++)
		if (strcmp(r->slots[i].one.instance, instance) == 0)
			return &r->slots[i].one;
	return NULL;
}

/* It was to be started anew, and is not ended yet. */
static bool
in_old_run(const struct roll_asked *a, const struct roll_one *o)
{
	return a->old != 0 && o->up && o->run == a->old;
}

/* What was asked for, seen beside what there is. */
static void
look(struct roll *r, struct roll_asked *a)
{
	const struct roll_one *o = one_of(r, a->instance);

	if (o == NULL || o->want != a->want ||
	    (o->differs && o->up && a->up_at != MSEC_NEVER)) {
		forget(r, a); /* something else is wanted now */
		return;
	}
	if (!o->differs && o->up && a->run != 0 && o->run == a->run) {
		forget(r, a); /* it needed no other run */
		return;
	}
	if (o->differs || !o->up || in_old_run(a, o))
		a->up_at = MSEC_NEVER;
	else if (a->up_at == MSEC_NEVER)
		a->up_at = r->now;
}

int
roll_restart(struct roll *r, const char *instance)
{
	for (size_t i = 0; i < r->restarts_count; i++)
		if (strcmp(r->slots[i].restart, instance) == 0)
			return 0;
	if (r->restarts_count == r->most)
		return -ERR_FULL;
	snprintf(r->slots[r->restarts_count++].restart, NAME_CAP, "%s", instance);
	return 0;
}

static void
restart_done(struct roll *r, size_t i)
{
	memmove(r->slots[i].restart, r->slots[--r->restarts_count].restart, NAME_CAP);
}

/* Who starts anyway is not started twice for it.  Who runs and is to be replaced has to be
 * told: what is refused may be accepted later, as what it is now. */
static void
mark_restarts(struct roll *r)
{
	for (size_t i = r->restarts_count; i-- > 0;) {
		struct roll_one *o = one_of(r, r->slots[i].restart);

		if (o == NULL || (o->differs && !o->up))
			restart_done(r, i);
		else
			o->differs = o->restart = true;
	}
}

/* Is there less of it than there should be? */
static bool
is_down(const struct roll *r, const struct roll_one *o)
{
	return !o->up || find(r, o->instance) != NULL;
}

int
roll_recv(struct roll *r, msec now, const struct roll_one *all, size_t count,
    uint32_t max_unavailable)
{
	if (count > r->most)
		return -ERR_FULL;
	for (size_t i = 0; i < count; i++)
		r->slots[i].one = all[i];
	r->all_count = count;
	r->max_unavailable = max_unavailable == 0 ? 1 : max_unavailable;
	r->next = r->down = 0;
	r->now = now;
	r->waits = false;
	for (size_t i = 0; i < count; i++)
		r->slots[i].one.held = false;
	for (size_t i = r->asked_count; i-- > 0;)
		look(r, &r->slots[i].asked);
	mark_restarts(r);
	roll_tick(r, now);
	for (size_t i = 0; i < count; i++)
		r->down += is_down(r, &r->slots[i].one);
	return 0;
}

/* There is room: each of those that were asked is one of all, and this is another. */
static void
ask(struct roll *r, const struct roll_one *o)
{
	struct roll_asked *a = &r->slots[r->asked_count++].asked;

	memset(a, 0, sizeof *a);
	snprintf(a->instance, sizeof a->instance, "%s", o->instance);
	a->want = o->want;
	a->run = o->restart ? 0 : o->run;
	a->old = o->restart ? o->run : 0;
	a->at = r->now;
	a->up_at = MSEC_NEVER;
	r->told = false;
}

static void
restart_polled(struct roll *r, const struct roll_one *o)
{
	for (size_t i = 0; i < r->restarts_count; i++)
		if (strcmp(r->slots[i].restart, o->instance) == 0) {
			restart_done(r, i);
			return;
		}
}

bool
roll_busy(const struct roll *r)
{
	return r->waits;
}

bool
roll_poll(struct roll *r, size_t *index, bool *restart)
{
	while (r->next < r->all_count) {
		struct roll_one *o = &r->slots[r->next].one;

		*index = r->next++;
		/* Asked for and not up, it may be asked for again: it is a word,
		 * and nothing that runs ends by it. */
		if (!o->differs || (o->up && find(r, o->instance) != NULL))
			continue;
		if (o->up && r->down >= r->max_unavailable) {
			r->waits = o->held = true;
			if (r->waits_since == MSEC_NEVER)
				r->waits_since = r->now;
			continue;
		}
		r->down += o->up;
		if (find(r, o->instance) == NULL)
			ask(r, o);
		*restart = o->restart;
		if (o->restart)
			restart_polled(r, o);
		return true;
	}
	if (!r->waits)
		r->waits_since = MSEC_NEVER;
	return false;
}

const char *
roll_waits_for(const struct roll *r, const char *instance, msec *since)
{
	const struct roll_one *o = one_of(r, instance), *who = NULL;
	const struct roll_asked *a;

	if (o == NULL || !o->held)
		return NULL;
	for (size_t i = 0; i < r->all_count && (who == NULL || who->up); i++)
		if (is_down(r, &r->slots[i].one) && (who == NULL || !r->slots[i].one.up))
			who = &r->slots[i].one;
	if (who == NULL)
		return NULL;
	a = find(r, who->instance);
	*since = a != NULL ? a->at : r->waits_since;
	return who->instance;
}

void
roll_tick(struct roll *r, msec now)
{
	r->now = now;
	for (size_t i = r->asked_count; i-- > 0;) {
		struct roll_asked *a = &r->slots[i].asked;
		const struct roll_one *o = one_of(r, a->instance);
		bool steady = a->up_at != MSEC_NEVER && now - a->up_at >= ROLL_STEADY_MS;
		bool never_begun = o != NULL && o->up && (o->differs || in_old_run(a, o)) &&
		    now - a->at >= ROLL_ASK_MS;

		if (steady || never_begun)
			forget(r, a);
	}
}

msec
roll_deadline(const struct roll *r)
{
	msec first = MSEC_NEVER;

	for (size_t i = 0; i < r->asked_count; i++) {
		const struct roll_asked *a = &r->slots[i].asked;
		/* Nobody waits for it to be steady. */
		if (a->up_at != MSEC_NEVER && !r->waits)
			continue;
		msec at = a->up_at != MSEC_NEVER ? a->up_at + ROLL_STEADY_MS : a->at + ROLL_ASK_MS;

		/* What comes up slowly is seen by what happens to it. */
		if (at > r->now && at < first)
			first = at;
	}
	return first;
}

const char *
roll_stuck(struct roll *r, msec now)
{
	if (!r->waits || r->told)
		return NULL;
	for (size_t i = 0; i < r->asked_count; i++)
		if (r->slots[i].asked.up_at == MSEC_NEVER &&
		    now - r->slots[i].asked.at >= ROLL_STUCK_MS) {
			r->told = true;
			return r->slots[i].asked.instance;
		}
	return NULL;
}
