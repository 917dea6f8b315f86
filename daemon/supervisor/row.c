/*
 * row.c - one instance: what the table of its life decides is done here.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../base/log.h"
#include "../base/sanitized.h"
#include "appdir.h"
#include "lease.h"
#include "record.h"
#include "rootless_left.h"
#include "sandbox.h"
#include "sup.h"
#include "sys.h"

enum { FOUND_RESTART_MS = 1000, FOUND_KILL_MS = 5000 };

struct row *
row_find(struct sup *s, const char *instance)
{
	for (size_t i = 0; i < s->rows_count; i++)
		if (!s->rows[i]->over &&
		    strcmp(s->rows[i]->instance, instance) == 0)
			return s->rows[i];
	return NULL;
}

/* A row is 23 KB of room for paths, of which most is never written: in pages of its own two
 * are resident, where on the heap it took three and more.  Zeroed. */
static struct row *
row_new(void)
{
	struct row *r;

	if (SANITIZED) /* who uses one that is gone is found on the heap only */
		return calloc(1, sizeof *r);
	r = mmap(NULL, sizeof *r, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return r == MAP_FAILED ? NULL : r;
}

static void
row_free(struct row *r)
{
	if (SANITIZED)
		free(r);
	else
		(void)munmap(r, sizeof *r);
}

struct row *
row_make(struct sup *s, const char *instance)
{
	struct row *r;

	if (s->rows_count == SUP_ROWS_MAX || (r = row_new()) == NULL)
		return NULL;
	snprintf(r->instance, sizeof r->instance, "%s", instance);
	running_new(&r->run);
	life_new(&r->life, 1, 1, false, 1);
	r->exit_status = -1;
	r->since_ms = sys_wall_ms();
	r->boot_at = r->command_until = MSEC_NEVER;
	s->rows[s->rows_count++] = r;
	return r;
}

void
row_drop_over(struct sup *s)
{
	size_t kept = 0;

	for (size_t i = 0; i < s->rows_count; i++) {
		struct row *r = s->rows[i];

		if (!r->over) {
			s->rows[kept++] = r;
			continue;
		}
		job_drop(s, r);
		running_close(&r->run);
		spec_free(&r->spec);
		row_free(r);
	}
	s->rows_count = kept;
}

static uint32_t
state_of(const struct row *r)
{
	if (r->over)
		return SUP_ST_GONE;
	if (!r->has_spec)
		return r->job ? SUP_ST_STARTING : SUP_ST_FAILED;
	switch (r->life.state) {
	case LIFE_DOWN:
		return SUP_ST_STARTING; /* waits for its engine after a boot */
	case LIFE_STARTING:
		return SUP_ST_STARTING;
	case LIFE_UP:
		return SUP_ST_RUNNING;
	case LIFE_STOPPING:
		return SUP_ST_STOPPING;
	case LIFE_ENDING:
		return r->life.wanted ? SUP_ST_BACKOFF : SUP_ST_STOPPING;
	case LIFE_BACKOFF:
		return SUP_ST_BACKOFF;
	case LIFE_STATES:
		break;
	}
	return SUP_ST_NONE;
}

static void
name_from_request(const struct sup_req *q, struct sup_event *ev)
{
	memcpy(ev->sandbox, q->sandbox, sizeof ev->sandbox);
	memcpy(ev->role, q->role, sizeof ev->role);
	memcpy(ev->image, q->image, sizeof ev->image);
	memcpy(ev->config, q->config, sizeof ev->config);
	ev->policy = q->policy;
}

static void
name_from_spec(const struct spec *sp, struct sup_event *ev)
{
	memcpy(ev->sandbox, sp->sandbox, sizeof ev->sandbox);
	memcpy(ev->role, sp->role, sizeof ev->role);
	memcpy(ev->image, sp->image, sizeof ev->image);
	memcpy(ev->config, sp->config, sizeof ev->config);
	ev->spec_hash = sp->hash;
	ev->policy = sp->policy;
	ev->address = sp->address;
	ev->ready = sp->ready.how;
	ev->live = sp->live.how;
	(void)spec_scrapes(sp, ev->scrapes); /* what is no such text was never accepted */
}

void
row_state(const struct row *r, struct sup_event *ev)
{
	memset(ev, 0, sizeof *ev);
	ev->version = SUP_VERSION;
	ev->kind = SUP_EV_STATE;
	ev->state = state_of(r);
	ev->pid = r->run.pidfd >= 0 ? r->run.pid : 0;
	ev->exit_status = r->exit_status;
	ev->restarts = r->life.restarts;
	ev->crash_loop = life_crash_loop(&r->life);
	ev->since_ms = r->since_ms;
	ev->lease_ms = r->lease_ms;
	if (r->probes[PROBE_READY].pid == ev->pid)
		ev->well = r->probes[PROBE_READY].well;
	if (r->life.state == LIFE_BACKOFF)
		ev->retry_ms = sys_wall_ms() +
		    (uint64_t)(r->life.deadline > sys_now() ?
			    r->life.deadline - sys_now() :
			    0);
	if (r->has_spec)
		name_from_spec(&r->spec, ev);
	else
		name_from_request(&r->asked, ev);
	/* What really runs, should it not be what was accepted last. */
	if (r->has_spec && r->life.state == LIFE_UP && r->run.hash != 0)
		ev->spec_hash = r->run.hash;
	if (r->changed.stale)
		ev->spec_hash = 0;
	snprintf(ev->instance, sizeof ev->instance, "%s", r->instance);
	snprintf(ev->text, sizeof ev->text, "%s", r->text);
}

/* Of a container that runs the directory of its metrics files goes along, each time: the
 * engine may be a new one. */
void
row_tell(struct sup *s, struct row *r)
{
	struct sup_event ev;
	int dir = -1;

	if (r->has_spec && r->spec.command)
		return; /* its one word is SUP_EV_EXIT */
	row_state(r, &ev);
	if (ev.state == SUP_ST_RUNNING && ev.pid != 0 && s->engine.sock >= 0) {
		if (!r->run.appdir_asked)
			r->run.appdir = appdir_open(r->run.pidfd);
		r->run.appdir_asked = true;
		if (r->run.appdir == APPDIR_LATER) {
			r->run.appdir = -1;
			r->run.appdir_later = s->appfind.later = true;
		}
		if (r->run.appdir >= 0)
			dir = fcntl(r->run.appdir, F_DUPFD_CLOEXEC, 3);
	}
	engine_send(s, &ev, dir);
}

/* Nothing of it is left, nobody wants it: forget it. */
void
row_gone(struct sup *s, struct row *r)
{
	launch_forget_state(&s->launcher, r->instance);
	if (r->has_spec && r->spec.command)
		command_tell_exit(s, r);
	else /* also of a refused START: its disk may have failed late */
		record_forget(s, r->instance);
	launch_forget(&s->launcher, r->instance);
	r->over = true;
	ports_tidy(s);
	sandbox_left(s, r->spec.sandbox);
	row_tell(s, r);
}

static void
act_launch(struct sup *s, struct row *r, msec now)
{
	struct err err;
	bool begun = r->run.release >= 0;
	int rc;

	if (!begun)
		running_close(&r->run);
	r->boot_at = MSEC_NEVER;
	if (!lease_lets_run(r)) {
		/* Not enough is left to end it in time. */
		running_new(&r->run);
		r->lease_ending = true;
		snprintf(r->text, sizeof r->text, "its role lease is over");
		row_step(s, r, LIFE_EV_STOP, now);
		row_step(s, r, LIFE_EV_END, now);
		return;
	}
	if (begun) {
		rc = launch_go(&s->launcher, &r->spec, &r->run, &err);
	} else {
		running_new(&r->run);
		rc = sandbox_make(s, &r->spec, &err);
		if (rc == 0)
			rc = launch(&s->launcher, &r->spec, r->gen + 1, &r->run,
			    &err);
	}
	if (rc == 0) {
		r->gen = r->run.gen;
		r->anew = false; /* whatever it was asked for by */
		r->text[0] = '\0';
		r->command_until = r->spec.command && !command_asked(r) ?
		    now + SUP_COMMAND_MS_MAX :
		    MSEC_NEVER;
		log_debug("%s: started, pid %d", r->instance, (int)r->run.pid);
		oom_watch(&s->oom, &s->cgroups, r->run.leaf);
		row_tell(s, r);
		command_tell_output(s, r);
		return;
	}
	log_warn("%s", err.text);
	snprintf(r->text, sizeof r->text, "%.*s", (int)sizeof r->text - 1,
	    err.text);
	r->exit_status = -1;
	running_new(&r->run);
	sandbox_doubt(s, r->spec.sandbox);
	row_step(s, r, LIFE_EV_END, now);
}

static void
act_reap(struct sup *s, struct row *r, msec now)
{
	char sandbox[NAME_CAP];

	if (r->run.leaf[0] != '\0') {
		cgroup_kill(&s->cgroups, r->run.leaf);
		if (!cgroup_remove(&s->cgroups, r->run.leaf))
			return; /* LIFE_EV_TIME tries again */
		cgroup_box_of(r->run.leaf, sandbox);
		r->run.leaf[0] = '\0';
		sandbox_left(s, sandbox);
	}
	/* What is wanted runs again on its network; a Command runs once. */
	if ((!r->life.wanted || r->life.once) &&
	    !nets_leave(&s->launcher, &r->spec, r->life.reaps))
		return; /* likewise */
	row_step(s, r, LIFE_EV_EMPTY, now);
}

void
row_step(struct sup *s, struct row *r, enum life_event ev, msec now)
{
	enum life_state old = r->life.state;
	enum life_act act = life_step(&r->life, ev, now);

	if (old != r->life.state)
		r->since_ms = sys_wall_ms();
	switch (act) {
	case LIFE_NOTHING:
		if (old != r->life.state)
			row_tell(s, r);
		break;
	case LIFE_LAUNCH:
		act_launch(s, r, now);
		break;
	case LIFE_TERM:
		ports_tidy(s); /* of one that is not wanted: before it closes its own */
		if (r->run.pidfd >= 0)
			sys_pidfd_kill(r->run.pidfd, SIGTERM);
		row_tell(s, r);
		break;
	case LIFE_KILL:
		left_kill(s, &r->run);
		if (old != r->life.state)
			row_tell(s, r);
		break;
	case LIFE_REAP:
		act_reap(s, r, now);
		break;
	case LIFE_FORGET:
		row_gone(s, r);
		break;
	}
}

void
row_found(struct row *r, msec now)
{
	if (r->has_spec || r->run.leaf[0] == '\0')
		return;
	r->has_spec = true;
	memcpy(r->spec.instance, r->instance, sizeof r->spec.instance);
	life_new(&r->life, FOUND_RESTART_MS, FOUND_KILL_MS, false, 1);
	/* A process is asked to end; a group that nobody knows is killed. */
	r->life.state = r->run.pidfd >= 0 ? LIFE_UP : LIFE_ENDING;
	r->life.deadline = r->run.pidfd >= 0 ? MSEC_NEVER : now;
}

void
row_accept(struct row *r, struct spec *spec, msec now)
{
	uint32_t seed = 1;

	row_found(r, now);
	health_changed(r, spec);
	spec_free(&r->spec);
	spec_move(&r->spec, spec);
	r->text[0] = '\0';
	memset(&r->changed, 0, sizeof r->changed);
	if (!r->has_spec) {
		if (getrandom(&seed, sizeof seed, GRND_NONBLOCK) < 0)
			seed = (uint32_t)now;
		life_new(&r->life, r->spec.restart_timeout_ms,
		    r->spec.kill_timeout_ms, r->spec.command, seed);
	}
	r->has_spec = true;
	r->life.restart_timeout_ms = r->spec.restart_timeout_ms;
	r->life.kill_timeout_ms = r->spec.kill_timeout_ms;
}

/* The error pipe: a line is a failed start, its end without one a good one. */
void
row_error_ready(struct sup *s, struct row *r, msec now)
{
	char raw[SUP_TEXT_CAP];
	ssize_t n = read(r->run.error, raw, sizeof raw);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	close(r->run.error);
	r->run.error = -1;
	if (n <= 0) {
		/* A child that died before it could say a word also ends the
		 * pipe: its pidfd tells the same moment. */
		nets_keep(&s->launcher, &r->spec, &r->run);
		row_step(s, r, LIFE_EV_UP, now);
		return;
	}
	size_t k = (size_t)snprintf(r->text, sizeof r->text, "%s: ",
	    r->instance);
	err_escape(r->text + k, sizeof r->text - k, raw, (size_t)n);
	log_warn("%s", r->text);
}

static void
why_out_of_memory(struct row *r, enum cgroup_oom oom)
{
	const struct spec *sp = &r->spec;

	if (sp->memory_bytes != 0 && oom == CGROUP_OOM_OWN)
		snprintf(r->text, sizeof r->text,
		    "killed for memory: its limit is %llu bytes",
		    (unsigned long long)sp->memory_bytes);
	else if (sp->all_memory_bytes != 0)
		snprintf(r->text, sizeof r->text,
		    "killed for memory: all of sandbox '%s' together may have %llu bytes",
		    sp->sandbox, (unsigned long long)sp->all_memory_bytes);
	else
		snprintf(r->text, sizeof r->text,
		    "killed for memory: the host had none left");
}

static void
why_ended(struct sup *s, struct row *r)
{
	enum cgroup_oom oom = CGROUP_OOM_NONE;
	int st = r->exit_status;

	if (r->text[0] != '\0')
		return; /* the start itself failed, and said why */
	oom = cgroup_oom_killed(&s->cgroups, r->run.leaf);
	if (oom != CGROUP_OOM_NONE && st == -1)
		r->exit_status = SIGKILL; /* with its init, who else says so */
	if (oom != CGROUP_OOM_NONE)
		why_out_of_memory(r, oom);
	else if (st == -1)
		snprintf(r->text, sizeof r->text, "killed, status unknown");
	else if (WIFSIGNALED(st))
		snprintf(r->text, sizeof r->text, "killed by signal %d",
		    WTERMSIG(st));
	else
		snprintf(r->text, sizeof r->text, "exited with status %d%s",
		    WEXITSTATUS(st), r->life.normal ? ", as it may" : "");
}

/* A process under a record that can't be read; the record stays for who can. */
static void
found_ended(struct sup *s, struct row *r)
{
	char sandbox[NAME_CAP];

	log_info("%s: ended, and can't be started again without its record",
	    r->instance);
	cgroup_kill(&s->cgroups, r->run.leaf);
	(void)cgroup_remove(&s->cgroups, r->run.leaf);
	cgroup_box_of(r->run.leaf, sandbox);
	r->over = true;
	sandbox_left(s, sandbox);
	row_tell(s, r);
}

void
row_process_ready(struct sup *s, struct row *r, msec now)
{
	int status = -1;

	if (sys_reap(r->run.pidfd, &status) == 0)
		return;
	/* What it said last comes before that it ended. */
	if (r->run.error >= 0)
		row_error_ready(s, r, now);
	close(r->run.pidfd);
	r->run.pidfd = -1;
	r->exit_status = launch_exit_status(&r->run);
	if (!r->has_spec) {
		found_ended(s, r);
		return;
	}
	r->life.normal = spec_normal_exit(&r->spec, r->exit_status);
	if (!r->spec.command)
		why_ended(s, r);
	log_debug("%s: ended: %s", r->instance, r->text);
	row_step(s, r, LIFE_EV_END, now);
}

bool
row_tick(struct sup *s, struct row *r, msec now)
{
	bool all = r->job == NULL || job_tick(s, r, now);

	if (!r->has_spec || r->over ||
	    (now < r->boot_at && now < r->command_until && now < r->life.deadline))
		return all;
	if (!loop_goes_on(s))
		return false;
	if (now >= r->boot_at) {
		r->boot_at = MSEC_NEVER;
		row_step(s, r, LIFE_EV_START, now);
	}
	if (now >= r->command_until) {
		r->command_until = MSEC_NEVER;
		snprintf(r->text, sizeof r->text,
		    "%s: took more than %d s: killed", r->instance,
		    SUP_COMMAND_MS_MAX / 1000);
		row_step(s, r, LIFE_EV_STOP, now);
	}
	if (now >= r->life.deadline) {
		r->life.deadline = MSEC_NEVER;
		row_step(s, r, LIFE_EV_TIME, now);
	}
	return all;
}
