/*
 * lease.c - see lease.h.
 */
#include "lease.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "../base/fence.h"
#include "../base/log.h"
#include "../base/own.h"
#include "rootless_left.h"
#include "sys.h"

enum { FILE_CAP = NAME_CAP + 8 };

static void
file_name(const char *instance, char *out)
{
	snprintf(out, FILE_CAP, "%s.fence", instance);
}

/* Which boot the deadlines of this one belong to. */
static uint64_t
boot_of(const struct sup *s)
{
	const char *id = s->launcher.boot_id;

	return fence_sum_((const uint8_t *)id, strlen(id));
}

int
lease_open(struct sup *s, struct err *err)
{
	s->lease_timer = timerfd_create(CLOCK_BOOTTIME,
	    TFD_CLOEXEC | TFD_NONBLOCK);
	if (s->lease_timer < 0)
		return err_set(err, EXIT_ENVIRONMENT, "timerfd: %s",
		    strerror(errno));
	return 0;
}

int
lease_file(const struct place *p, const char *instance)
{
	char name[FILE_CAP];

	file_name(instance, name);
	return place_open_file(p->pids_dir, name);
}

/* In place, with one write: pid 1 has this very file open. */
static int
overwrite(const struct sup *s, const char *instance, uint64_t deadline)
{
	uint8_t buf[FENCE_BYTES];
	char name[FILE_CAP];

	file_name(instance, name);
	fence_encode(buf, boot_of(s), deadline);
	AUTO_CLOSE int fd = openat(s->place.pids_dir, name,
	    O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return -1;
	if (pwrite(fd, buf, sizeof buf, 0) == (ssize_t)sizeof buf)
		return 0;
	return -1;
}

int
lease_raise(struct sup *s, struct row *r, uint64_t deadline_ms, struct err *err)
{
	if (deadline_ms <= r->lease_ms)
		return 0;
	if (overwrite(s, r->instance, deadline_ms) < 0)
		return err_set(err, EXIT_STATE,
		    "%s: cannot write its deadline to run-dir: %s; it ends at the one before",
		    r->instance, strerror(errno));
	r->lease_ms = deadline_ms;
	return 0;
}

int
lease_take(struct sup *s, struct row *r, const struct spec *spec,
    const struct sup_req *q, struct err *err)
{
	uint8_t buf[FENCE_BYTES];
	char name[FILE_CAP];
	int rc;

	if (spec->policy != SUP_EXCLUSIVE)
		return 0;
	rc = judge_deadline(q, spec->kill_timeout_ms, sys_boot_ms(), err);
	if (rc < 0)
		return rc;
	/* What runs under it has it open: the same file. */
	if (r->lease_ms > 1)
		return lease_raise(s, r, q->deadline_ms, err);
	file_name(r->instance, name);
	place_only_file(s->place.pids_dir, name);
	fence_encode(buf, boot_of(s), q->deadline_ms);
	rc = place_save(s->place.pids_dir, name, buf, sizeof buf, false, err);
	if (rc == 0)
		r->lease_ms = q->deadline_ms;
	return rc;
}

void
lease_drop(struct sup *s, struct row *r)
{
	char name[FILE_CAP];

	r->lease_ms = 0;
	r->lease_ending = r->lease_killed = false;
	file_name(r->instance, name);
	unlinkat(s->place.pids_dir, name, 0);
}

/* TERM was said, and now there is time again: it ends and comes back. */
static void
revive(struct sup *s, struct row *r, msec now)
{
	r->lease_ending = r->lease_killed = false;
	r->text[0] = '\0';
	log_info("%s: its role lease was renewed late, it is started again",
	    r->instance);
	row_step(s, r, LIFE_EV_START, now);
}

int
lease_fence(struct sup *s, const struct sup_req *q, msec now, struct err *err)
{
	struct row *r = row_find(s, q->instance);
	struct job *j = r == NULL ? NULL : r->job;
	bool has = r != NULL && r->has_spec && r->lease_ms != 0;
	bool asked = j != NULL && j->req.policy == SUP_EXCLUSIVE;
	int rc;

	if (!has && !asked)
		return err_set(err, EXIT_CONFIG, "%s: FENCE: %s", q->instance,
		    r == NULL ? "there is no such instance" :
				"it is not exclusive");
	if (has && !r->life.wanted && !r->lease_ending &&
	    r->life.state != LIFE_DOWN)
		return err_set(err, EXIT_CONFIG,
		    "%s: FENCE: it was stopped and ends", q->instance);
	if (q->deadline_ms <= (has ? r->lease_ms : j->req.deadline_ms))
		return 0;
	rc = judge_deadline(q, has ? r->spec.kill_timeout_ms : 0,
	    sys_boot_ms(), err);
	if (rc < 0 || (has && (rc = lease_raise(s, r, q->deadline_ms, err)) < 0))
		return rc;
	if (asked && q->deadline_ms > j->req.deadline_ms)
		j->req.deadline_ms = q->deadline_ms;
	if (has && r->lease_ending)
		revive(s, r, now);
	return 0;
}

void
lease_load(struct sup *s, struct row *r, bool must)
{
	uint8_t buf[FENCE_BYTES + 1];
	uint64_t boot, deadline;
	AUTO_CLOSE int fd = lease_file(&s->place, r->instance);
	ssize_t n = fd < 0 ? -1 : sys_read_all(fd, buf, sizeof buf);

	if (n > 0 && fence_decode(buf, (size_t)n, &boot, &deadline) &&
	    boot == boot_of(s))
		r->lease_ms = deadline;
	else if (must)
		r->lease_ms = 1;
}

bool
lease_lets_run(const struct row *r)
{
	return r->spec.policy != SUP_EXCLUSIVE ||
	    fence_due(r->lease_ms, r->spec.kill_timeout_ms, sys_boot_ms()) ==
	    FENCE_RUN;
}

/* Is its end not yet on the way? */
bool
lease_goes_on(const struct row *r)
{
	return !r->lease_ending && (r->life.wanted || r->life.state == LIFE_DOWN);
}

static void
begin_end(struct sup *s, struct row *r, msec now)
{
	struct err err;

	log_info("%s: its role lease is over", r->instance);
	r->lease_ending = true;
	r->boot_at = MSEC_NEVER;
	if (r->job != NULL) {
		err_set(&err, EXIT_CONFIG,
		    "%s: its role lease is over: START it again", r->instance);
		serve_reply(s, r->job->req.ticket, &err);
		job_drop(s, r);
	}
	row_found(r, now);
	snprintf(r->text, sizeof r->text, "its role lease is over");
	if (r->has_spec)
		row_step(s, r, LIFE_EV_STOP, now);
	else
		row_gone(s, r);
}

void
lease_tick(struct sup *s, struct row *r, msec now)
{
	enum fence_due due;

	if (r->lease_ms == 0 || r->over)
		return;
	due = fence_due(r->lease_ms, r->spec.kill_timeout_ms, sys_boot_ms());
	if (due == FENCE_RUN)
		return;
	/* First the kill, then the book-keeping.  A frozen group dies too. */
	if (due == FENCE_LAST && !r->lease_killed)
		left_kill(s, &r->run);
	if (lease_goes_on(r))
		begin_end(s, r, now);
	if (due == FENCE_LAST && !r->lease_killed) {
		r->lease_killed = true;
		if (!r->over && r->life.state == LIFE_STOPPING)
			row_step(s, r, LIFE_EV_TIME, now);
	}
}

static uint64_t
next_due(const struct row *r)
{
	if (r->lease_ms == 0 || r->over || r->lease_killed)
		return UINT64_MAX;
	return fence_at(r->lease_ms, r->spec.kill_timeout_ms,
	    lease_goes_on(r) ? FENCE_TERM : FENCE_LAST);
}

void
lease_arm(struct sup *s)
{
	struct itimerspec when = {0};
	uint64_t at = UINT64_MAX;

	for (size_t i = 0; i < s->rows_count; i++)
		if (next_due(s->rows[i]) < at)
			at = next_due(s->rows[i]);
	if (at == s->lease_armed)
		return;
	if (at != UINT64_MAX) {
		when.it_value.tv_sec = (time_t)(at / 1000);
		when.it_value.tv_nsec = (long)(at % 1000) * 1000000 + 1;
	}
	if (timerfd_settime(s->lease_timer, TFD_TIMER_ABSTIME, &when, NULL) == 0)
		s->lease_armed = at;
}
