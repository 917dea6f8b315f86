/*
 * loop.c - one poll() over everything that can happen.
 *
 * The set is built anew each turn: with a few hundred instances that is
 * cheaper than to keep it right, and it can't be wrong.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "../base/log.h"
#include "lease.h"
#include "record.h"
#include "sandbox.h"
#include "sup.h"
#include "sys.h"

enum { TURN_MS = 20 }; /* then what can wait does */
enum { AGE_MS = 3600000 }; /* how often state is looked for that is nobody's */
enum { FDS_PER_ROW = 3, EXECS = 1 + EXEC_SLOTS * EXEC_FDS_EACH, FIXED = 11 + LIMITERS_MAX + OPENERS_MAX + STRAYS_MAX + EXECS + HOSTACTS_MAX * HOSTACT_FDS };

/* What a descriptor of the set is about. */
enum source { FROM_SIGNAL, FROM_ENGINE, FROM_SOCKET, FROM_PROCESS, FROM_ERROR, FROM_JOB, FROM_LEASE, FROM_AUDIT, FROM_EXEC, FROM_OOM, FROM_SWEEPER, FROM_WEB, FROM_LIMITER, FROM_LOOKER, FROM_FINDER, FROM_OPENER, FROM_REMOVER, FROM_STRAY, FROM_HOSTACT };

struct watch {
	enum source source;
	struct row *row;
};

struct set {
	struct pollfd *fds;
	struct watch *watches;
	size_t count;
};

static void
add(struct set *set, int fd, short events, enum source source, struct row *row)
{
	if (fd < 0)
		return;
	set->fds[set->count] = (struct pollfd){.fd = fd, .events = events};
	set->watches[set->count++] = (struct watch){source, row};
}

static void
collect(struct sup *s, struct set *set)
{
	const struct engine *e = &s->engine;
	int execs[EXECS], acts[HOSTACTS_MAX * HOSTACT_FDS];

	set->count = 0;
	for (size_t i = 0; i < s->rows_count; i++) {
		struct row *r = s->rows[(s->turn.events_from + i) % s->rows_count];

		/* The error pipe first: a start is told before an end. */
		add(set, r->run.error, POLLIN, FROM_ERROR, r);
		add(set, r->run.pidfd, POLLIN, FROM_PROCESS, r);
		/* One of them runs, or none. */
		if (r->job != NULL) {
			add(set, r->job->helper.pidfd, POLLIN, FROM_JOB, r);
			add(set, r->job->opener.pidfd, POLLIN, FROM_JOB, r);
		}
	}
	/* What has happened comes before what is asked. */
	add(set, e->sock, (short)(POLLIN | (e->count ? POLLOUT : 0)),
	    FROM_SOCKET, NULL);
	add(set, e->pidfd, POLLIN, FROM_ENGINE, NULL);
	add(set, s->signals, POLLIN, FROM_SIGNAL, NULL);
	add(set, s->lease_timer, POLLIN, FROM_LEASE, NULL);
	add(set, s->audit.pidfd, POLLIN, FROM_AUDIT, NULL);
	add(set, s->web.pidfd, POLLIN, FROM_WEB, NULL);
	add(set, s->launcher.sweeper, POLLIN, FROM_SWEEPER, NULL);
	for (size_t i = 0; i < LIMITERS_MAX; i++)
		add(set, s->limiters[i].pidfd, POLLIN, FROM_LIMITER, NULL);
	add(set, s->looker.pidfd, POLLIN, FROM_LOOKER, NULL);
	add(set, s->appfind.opener.pidfd, POLLIN, FROM_FINDER, NULL);
	add(set, s->launcher.nets.remover, POLLIN, FROM_REMOVER, NULL);
	for (size_t i = 0; i < s->openers.left_count; i++)
		add(set, s->openers.left[i], POLLIN, FROM_OPENER, NULL);
	for (size_t i = 0; i < s->launcher.strays.count; i++)
		add(set, s->launcher.strays.all[i].pidfd, POLLIN, FROM_STRAY, NULL);
	add(set, s->oom.fd, s->oom.events, FROM_OOM, NULL);
	for (size_t i = 0, n = exec_fds(s, execs); i < n; i++)
		add(set, execs[i], POLLIN, FROM_EXEC, NULL);
	for (size_t i = 0, n = hostact_fds(s, acts); i < n; i++)
		add(set, acts[i], POLLIN, FROM_HOSTACT, NULL);
}

static msec
earlier(msec a, msec b)
{
	return a < b ? a : b;
}

static msec
job_deadline(const struct sup *s, const struct job *j)
{
	if (j->stage == JOB_WAITING)
		return s->jobs_running < SUP_JOBS_MAX ? 0 : MSEC_NEVER;
	if (j->stage == JOB_LIMITS)
		return limiter_may(s, j->req.sandbox) ? 0 : MSEC_NEVER;
	return earlier(j->helper.deadline, j->opener.deadline);
}

static msec
deadline(const struct sup *s)
{
	msec d = earlier(exec_deadline(s), s->ending ? s->end_at : MSEC_NEVER);

	d = earlier(d, health_deadline(s));
	d = earlier(d, hostact_deadline(s));
	d = earlier(d, s->oom.check_at);
	d = earlier(d, notify_deadline(&s->notify));
	d = earlier(d, s->ending ? MSEC_NEVER : web_deadline(&s->web));
	if (s->launcher.sweeping && s->launcher.sweeper < 0)
		return 0;
	d = earlier(d, s->launcher.age_at);
	if (!s->ending && s->engine.pidfd < 0)
		d = earlier(d, s->engine.restart_at);
	if (s->engine.pidfd >= 0)
		d = earlier(d, s->engine.kill_at);
	if (s->audit.pidfd >= 0)
		d = earlier(d, s->audit.deadline);
	d = earlier(earlier(d, s->late_at), earlier(s->limits_at, limiter_deadline(s)));
	d = earlier(d, s->place.spare.make_at);
	d = earlier(d, s->appfind.opener.deadline);
	if (s->rows_count > 0 || s->launcher.images.first != NULL)
		d = earlier(d, s->look_at);
	for (size_t i = 0; i < s->rows_count; i++) {
		const struct row *r = s->rows[i];

		if (r->job != NULL)
			d = earlier(d, job_deadline(s, r->job));
		if (r->has_spec)
			d = earlier(d, earlier(r->life.deadline,
				earlier(r->boot_at, r->command_until)));
	}
	return d;
}

static void
on_signal(struct sup *s, msec now)
{
	struct signalfd_siginfo si;

	if (read(s->signals, &si, sizeof si) != (ssize_t)sizeof si || s->ending)
		return;
	log_info("ending: the engine says goodbye, containers stay");
	s->ending = true;
	s->end_at = now + SUP_END_MS_MAX;
	if (s->engine.pidfd >= 0)
		sys_pidfd_kill(s->engine.pidfd, SIGTERM);
}

/* It woke us: what is due was done by then. */
static void
lease_fired(struct sup *s)
{
	uint64_t fired;

	if (read(s->lease_timer, &fired, sizeof fired) > 0)
		s->lease_armed = UINT64_MAX;
}

/* Its group is empty now, and goes. */
static void
stray_ended(struct sup *s, int pidfd)
{
	char leaf[CGROUP_LEAF_CAP], sandbox[NAME_CAP];

	if (!strays_reap(&s->launcher.strays, pidfd, leaf) || leaf[0] == '\0')
		return;
	(void)cgroup_remove(&s->cgroups, leaf); /* else the next supervisor's start does */
	cgroup_box_of(leaf, sandbox);
	sandbox_left(s, sandbox);
}

/* An earlier event of this turn may have closed what these are. */
static void
handle_row(struct sup *s, const struct pollfd *p, const struct watch *w, msec now)
{
	struct row *r = w->row;

	if (r->over)
		return;
	if (w->source == FROM_ERROR && p->fd == r->run.error)
		row_error_ready(s, r, now);
	else if (w->source == FROM_PROCESS && p->fd == r->run.pidfd)
		row_process_ready(s, r, now);
	else if (w->source == FROM_JOB && r->job != NULL &&
	    (p->fd == r->job->helper.pidfd || p->fd == r->job->opener.pidfd))
		job_ready(s, r, now);
}

static void
handle(struct sup *s, const struct pollfd *p, const struct watch *w, msec now)
{
	switch (w->source) {
	case FROM_SIGNAL:
		on_signal(s, now);
		break;
	case FROM_ENGINE:
		if (p->fd == s->engine.pidfd)
			engine_ended(s, now);
		break;
	case FROM_SOCKET:
		if (p->fd == s->engine.sock && (p->revents & POLLOUT))
			engine_flush(s);
		if (p->fd == s->engine.sock && (p->revents & ~POLLOUT))
			serve(s, now);
		break;
	case FROM_LEASE:
		lease_fired(s);
		break;
	case FROM_AUDIT:
		if (p->fd == s->audit.pidfd)
			audit_ready(s);
		break;
	case FROM_WEB:
		if (p->fd == s->web.pidfd)
			web_ended(&s->web, now);
		break;
	case FROM_SWEEPER:
		if (p->fd == s->launcher.sweeper)
			launch_swept(&s->launcher);
		break;
	case FROM_LIMITER:
		limiter_ready(s, p->fd);
		break;
	case FROM_REMOVER:
		nets_removed(&s->launcher.nets);
		break;
	case FROM_LOOKER:
		changed_looked(s);
		break;
	case FROM_FINDER:
		appfind_ready(s);
		break;
	case FROM_OPENER:
		opener_reap(&s->openers, p->fd);
		break;
	case FROM_STRAY:
		stray_ended(s, p->fd);
		break;
	case FROM_OOM:
		oom_ready(&s->oom, now);
		break;
	case FROM_EXEC:
		exec_ready(s, p->fd, now);
		break;
	case FROM_HOSTACT:
		hostact_ready(s, p->fd, now);
		break;
	case FROM_ERROR:
	case FROM_PROCESS:
	case FROM_JOB:
		handle_row(s, p, w, now);
		break;
	}
}

static int
timeout_ms(const struct sup *s, msec now)
{
	msec d = deadline(s);

	if (d == MSEC_NEVER)
		return -1;
	if (d <= now)
		return 0;
	return d - now > 3600000 ? 3600000 : (int)(d - now);
}

static bool
is_here(void *arg, const char *instance)
{
	struct sup *s = arg;

	return row_find(s, instance) != NULL || record_there(s, "", instance) ||
	    record_there(s, RECORD_BAD, instance) ||
	    record_there(s, RECORD_STOP, instance);
}

bool
loop_goes_on(struct sup *s)
{
	if (!s->turn.first && sys_now() - s->turn.at >= TURN_MS)
		return false;
	s->turn.first = false;
	return true;
}

static size_t
index_of(const struct sup *s, const struct row *r)
{
	size_t i = 0;

	while (i < s->rows_count && s->rows[i] != r)
		i++;
	return i;
}

/* Hundreds of instances may end at once; who asks for something else is heard. */
static void
events(struct sup *s, const struct set *set, msec now)
{
	struct row *last = NULL, *left = NULL;

	s->turn.first = true;
	for (size_t i = 0; i < set->count; i++) {
		struct row *r = set->watches[i].row;

		if (set->fds[i].revents == 0)
			continue;
		/* All of one row together: their order is theirs. */
		if (r != NULL && r != last && left == NULL && !loop_goes_on(s))
			left = r;
		last = r;
		s->turn.first = s->turn.first || r == NULL;
		if (r == NULL || left == NULL)
			handle(s, &set->fds[i], &set->watches[i], now);
	}
	s->turn.events_from = left == NULL ? 0 : index_of(s, left);
}

static void
ticks(struct sup *s, msec now)
{
	size_t from = s->turn.ticks_from, count = s->rows_count, left = count;

	s->turn.first = true;
	for (size_t i = 0; i < count; i++)
		if (!row_tick(s, s->rows[(from + i) % count], now) && left == count)
			left = (from + i) % count;
	s->turn.ticks_from = left == count ? 0 : left;
}

static void
turn(struct sup *s, struct set *set)
{
	int n = poll(set->fds, set->count, timeout_ms(s, sys_now()));
	msec now = s->turn.at = sys_now();

	/* Whose lease is over ends before anything else is done. */
	for (size_t i = 0; i < s->rows_count; i++)
		lease_tick(s, s->rows[i], now);
	/* Rows stay allocated until the turn is over (row_drop_over). */
	if (n > 0)
		events(s, set, now);
	ticks(s, now);
	limiter_tick(s, now);
	sandbox_tick(s, now);
	s->turn.first = true;
	changed_tick(s, now);
	appfind_tick(s, now);
	audit_tick(&s->audit, now);
	oom_tick(s, now);
	health_tick(s, now);
	exec_tick(s, now);
	hostact_tick(s, now);
	record_tick(s, now);
	spare_tick(&s->place.spare, now);
	engine_tick(s, now);
	notify_tick(s, now);
	if (!s->ending)
		web_tick(&s->web, &s->conf, now);
	row_drop_over(s);
	if (now >= s->launcher.age_at) {
		s->launcher.age_at = now + AGE_MS;
		launch_age(&s->launcher, is_here, s);
		launch_age_logs(&s->launcher, is_here, s);
	}
	launch_sweep(&s->launcher);
}

int
loop(struct sup *s)
{
	struct set set = {0};
	size_t most = FIXED + FDS_PER_ROW * SUP_ROWS_MAX;

	set.fds = calloc(most, sizeof *set.fds);
	set.watches = calloc(most, sizeof *set.watches);
	while (set.fds != NULL && set.watches != NULL) {
		collect(s, &set);
		lease_arm(s);
		turn(s, &set);
		if (s->ending &&
		    (s->engine.pidfd < 0 || sys_now() >= s->end_at))
			break;
	}
	exec_close(s);
	hostact_close(s);
	web_close(&s->web);
	cgroup_kill(&s->cgroups, SUP_ENGINE_GROUP);
	free(set.fds);
	free(set.watches);
	return s->exit_code;
}
