/*
 * health.c - see health.h.  What is known of a run's health is kept by the pid
 * of the run: a new one, and one that is adopted, begins anew.
 */
#include "health.h"

#include <stdio.h>

#include "../base/log.h"
#include "sup.h"

enum {
	FULL_MS = 100, /* all probes that may run at once do: ask later */
	FAILURES = 3,
	INTERVAL_MS = 1000,
	WHY_CAP = 160,
};

static const struct spec_probe *
probe_of(const struct row *r, int which)
{
	return which == PROBE_LIVE ? &r->spec.live : &r->spec.ready;
}

static bool
is_ours(const struct row *r, int which)
{
	return !r->over && r->has_spec && !r->spec.command &&
	    r->life.state == LIFE_UP && r->run.pidfd >= 0 &&
	    probe_of(r, which)->how.kind == SUP_HEALTH_EXEC;
}

static uint32_t
or_default(uint32_t n, uint32_t dflt)
{
	return n == 0 ? dflt : n;
}

static void
ask(struct sup *s, struct row *r, int which, msec now)
{
	const struct sup_probe *how = &probe_of(r, which)->how;
	struct row_probe *c = &r->probes[which];

	if (c->pid != r->run.pid)
		*c = (struct row_probe){.pid = r->run.pid, .turn = c->turn, .at = now + (msec)how->start_ms};
	if (c->asks || now < c->at)
		return;
	c->asks = true;
	c->at = now + (msec)or_default(how->interval_ms, INTERVAL_MS);
	if (exec_probe(s, r, which == PROBE_LIVE ? EXEC_LIVE : EXEC_READY, now))
		return;
	c->asks = false;
	c->at = now + FULL_MS;
}

void
health_tick(struct sup *s, msec now)
{
	for (size_t i = 0; i < s->rows_count && !s->ending; i++)
		for (int which = 0; which < ROW_PROBES; which++)
			if (is_ours(s->rows[i], which))
				ask(s, s->rows[i], which, now);
}

msec
health_deadline(const struct sup *s)
{
	msec d = MSEC_NEVER;

	for (size_t i = 0; i < s->rows_count && !s->ending; i++)
		for (int which = 0; which < ROW_PROBES; which++) {
			const struct row *r = s->rows[i];
			const struct row_probe *c = &r->probes[which];

			if (!is_ours(r, which) || (c->asks && c->pid == r->run.pid))
				continue;
			if (c->pid != r->run.pid)
				return 0;
			if (c->at < d)
				d = c->at;
		}
	return d;
}

static bool
same_probe(const struct spec_probe *a, const struct spec_probe *b)
{
	return memcmp(&a->how, &b->how, sizeof a->how) == 0 &&
	    a->argv.len == b->argv.len &&
	    (a->argv.len == 0 || memcmp(a->argv.buf, b->argv.buf, a->argv.len) == 0);
}

void
health_changed(struct row *r, const struct spec *next)
{
	const struct spec_probe *const then[] = {[PROBE_READY] = &next->ready, [PROBE_LIVE] = &next->live};

	for (int which = 0; which < ROW_PROBES; which++)
		if (!same_probe(probe_of(r, which), then[which]))
			r->probes[which] = (struct row_probe){.turn = r->probes[which].turn + 1};
}

static void
unwell(struct sup *s, struct row *r, bool never, const char *why, msec now)
{
	const struct sup_probe *how = &r->spec.live.how;
	uint32_t times = or_default(how->failures, FAILURES);

	snprintf(r->text, sizeof r->text, "liveness failed %u time%s in a row, ended: %s",
	    times, times == 1 ? "" : "s", why);
	log_warn("%s: %s", r->instance, r->text);
	r->life.failed = never;
	row_step(s, r, LIFE_EV_UNWELL, now);
}

/* Of the run, and the probe, that this was about; or NULL: that is over. */
static struct row_probe *
probe_meant(struct sup *s, const struct exec *x, struct row **r)
{
	struct row_probe *c;

	*r = row_find(s, x->ask.instance);
	if (*r == NULL)
		return NULL;
	c = &(*r)->probes[x->why == EXEC_LIVE ? PROBE_LIVE : PROBE_READY];
	return c->pid == x->pid && c->turn == x->turn ? c : NULL;
}

void
health_not_asked(struct sup *s, const struct exec *x, msec now)
{
	struct row *r;
	struct row_probe *c = probe_meant(s, x, &r);

	if (c == NULL)
		return;
	c->asks = false;
	c->at = now + INTERVAL_MS;
}

void
health_probed(struct sup *s, const struct exec *x, bool ok, const char *text, msec now)
{
	int which = x->why == EXEC_LIVE ? PROBE_LIVE : PROBE_READY;
	const struct sup_probe *how;
	struct row *r;
	struct row_probe *c = probe_meant(s, x, &r);
	uint32_t was;

	if (c == NULL)
		return;
	c->asks = false;
	if (!is_ours(r, which) || r->run.pid != x->pid)
		return;
	how = &probe_of(r, which)->how;
	was = c->well;
	c->fails = ok ? 0 : c->fails + 1;
	c->oks = ok ? c->oks + 1 : 0;
	c->at = now + (msec)or_default(how->interval_ms, INTERVAL_MS);
	if (c->oks >= or_default(how->successes, 1))
		c->well = SUP_WELL_YES;
	if (c->fails >= or_default(how->failures, FAILURES) &&
	    (which == PROBE_LIVE || was == SUP_WELL_YES))
		c->well = SUP_WELL_NO;
	if (!ok)
		log_debug("%s: %s: %s", r->instance,
		    which == PROBE_LIVE ? "liveness" : "readiness", text);
	if (which == PROBE_LIVE && c->well == SUP_WELL_NO)
		unwell(s, r, was == SUP_WELL_WAIT, text, now);
	else if (which == PROBE_READY && c->well != was)
		row_tell(s, r);
}

int
health_unwell(struct sup *s, const struct sup_req *q, msec now, struct err *err)
{
	struct row *r = row_find(s, q->instance);
	const struct sup_probe *how;
	char why[WHY_CAP];

	if (r == NULL || !r->has_spec ||
	    (r->spec.live.how.kind != SUP_HEALTH_TCP &&
		r->spec.live.how.kind != SUP_HEALTH_HTTP))
		return err_set(err, EXIT_CONFIG,
		    "%s: has no liveness by tcp or http", q->instance);
	how = &r->spec.live.how;
	if (r->life.state != LIFE_UP || r->run.pid != q->pid)
		return 0; /* that run is over already */
	if (how->kind == SUP_HEALTH_HTTP)
		snprintf(why, sizeof why, "GET %s on port %u", how->path, how->port);
	else
		snprintf(why, sizeof why, "tcp port %u", how->port);
	unwell(s, r, (q->flags & SUP_F_NEVER) != 0, why, now);
	return 0;
}
