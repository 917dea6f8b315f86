/*
 * apply.c - see apply.h.  The life of a job:
 *
 *   IDLE --inputs moved--> RENDER --texts--> [ROLE dir] --> stage --> [CHECK]
 *     ^                                                                  |
 *     +---- wants become true (diff), signals <---- switch <-------------+
 *
 * Any failure goes back to IDLE with the old generation, wants and containers
 * untouched.  WAIT stands before CHECK while the check of an overtaken run ends.
 */
#include "apply.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "../base/log.h"
#include "../base/name.h"
#include "../base/own.h"
#include "../core/vars.h"
#include "addr.h"
#include "engine.h"
#include "settle.h"
#include "wants.h"

enum {
	RETRY_FIRST_MS = 1000,
	RETRY_MAX_MS = 60000,
	ROLE_MS = 10000,  /* for the supervisor to make a directory */
	CHECK_MS = 40000, /* its own limit for a Command is 30 s */
	WAIT_MS = 5000,	  /* for an overtaken check to end */
};

static void job_run_check(struct apply_job *j);

struct apply_job *
apply_job(struct engine *e, const char *role)
{
	for (struct apply_job *j = e->apply.jobs; j != NULL; j = j->next)
		if (strcmp(j->role, role) == 0)
			return j;
	return NULL;
}

static struct apply_job *
job_get(struct engine *e, const char *role)
{
	struct apply_job *j = apply_job(e, role);

	if (j != NULL || (j = calloc(1, sizeof *j)) == NULL)
		return j;
	if (roll_new(&j->roll, PLAN_NODE_INSTANCES_MAX) < 0) {
		free(j);
		return NULL;
	}
	snprintf(j->role, sizeof j->role, "%s", role);
	j->e = e;
	j->retry_at = MSEC_NEVER;
	j->next = e->apply.jobs;
	e->apply.jobs = j;
	return j;
}

/* No instance can have this name: theirs are ROLE.something. */
static void
check_name(const struct apply_job *j, char *out, size_t cap)
{
	snprintf(out, cap, "check-%s", j->role);
}

/* Stop what is under way; what stands stays. */
static void
job_cancel(struct apply_job *j)
{
	struct sup_req req;
	char name[NAME_CAP + 8];

	if (j->render != NULL)
		render_cancel(j->render);
	j->render = NULL;
	check_name(j, name, sizeof name);
	if (j->step == APPLY_CHECK && launch_req(&req, SUP_STOP, j->role, name))
		launch_send(&j->e->launch, &req, NULL, 0);
	render_out_free(&j->out);
	wants_free(j->fresh, j->fresh_count);
	j->fresh = NULL;
	j->fresh_count = 0;
	j->ticket = 0;
	j->step = APPLY_IDLE;
}

static void
job_free(struct engine *e, struct apply_job *j)
{
	struct apply_job **at = &e->apply.jobs;

	while (*at != j)
		at = &(*at)->next;
	*at = j->next;
	job_cancel(j);
	wants_free(j->wants, j->wants_count);
	roll_free(&j->roll);
	free(j);
}

static void
job_fail(struct apply_job *j, const char *why)
{
	uint32_t k = j->failures < 6 ? j->failures : 6;
	msec wait = (msec)RETRY_FIRST_MS << k;

	job_cancel(j);
	if (strcmp(j->error, why) != 0)
		log_warn("role %s: %s", j->role, why);
	snprintf(j->error, sizeof j->error, "%s", why);
	j->said[0] = '\0';
	j->failures++;
	j->retry_at = net_now() + (wait < RETRY_MAX_MS ? wait : RETRY_MAX_MS);
	engine_report_soon(j->e);
}

/* --- the end of a good run ------------------------------------------------------ */

static void
job_ready(struct apply_job *j, bool switched)
{
	struct render_out out = j->out;

	memset(&j->out, 0, sizeof j->out);
	wants_free(j->wants, j->wants_count);
	j->wants = j->fresh;
	j->wants_count = j->fresh_count;
	j->fresh = NULL;
	j->fresh_count = 0;
	j->face = j->fresh_face;
	j->ready = true;
	j->failures = 0;
	j->error[0] = '\0';
	j->retry_at = MSEC_NEVER;
	job_cancel(j);
	if (switched) {
		log_info("role %s: generation %llu is current", j->role,
		    (unsigned long long)j->gen);
		settle_actions(j, &out);
	}
	render_out_free(&out);
	settle_containers(j);
	engine_report_soon(j->e);
}

static void
job_switch(struct apply_job *j)
{
	struct err err;
	AUTO_CLOSE int dir = gens_open(j->e->state_fd, j->role, &err);

	if (dir < 0 || gens_switch(dir, &j->gen, &err) < 0) {
		job_fail(j, err.text);
		return;
	}
	job_ready(j, true);
}

/* --- staging and the check --------------------------------------------------------- */

static void
job_check(struct apply_job *j)
{
	if (!j->checking) {
		job_run_check(j);
		return;
	}
	j->step = APPLY_WAIT;
	j->step_until = net_now() + WAIT_MS;
}

static void
job_run_check(struct apply_job *j)
{
	const struct apply_want *w = wants_find(j->fresh, j->fresh_count, j->out.check);
	char name[NAME_CAP + 8], why[ERR_TEXT_CAP];
	struct sup_req req;

	if (w == NULL || !w->command) {
		snprintf(why, sizeof why,
		    "check: the processes file has no Command '%s'", j->out.check);
		job_fail(j, why);
		return;
	}
	check_name(j, name, sizeof name);
	if (!launch_req(&req, SUP_RUN, j->role, name)) {
		job_fail(j, "check: the role's name is too long to run one");
		return;
	}
	memcpy(req.sandbox, j->fresh_face.sandbox, sizeof req.sandbox);
	wants_ask(w, &req);
	req.flags = SUP_F_STAGED;
	j->step = APPLY_CHECK;
	j->step_until = net_now() + CHECK_MS;
	j->checking = true;
	j->ticket = launch_send(&j->e->launch, &req, w->vars.b, w->vars.len);
	if (j->ticket == 0)
		job_fail(j, "check: the supervisor's queue is full");
}

/* What was rendered is not used: an operator holds a generation. */
static void
job_hold(struct apply_job *j, int dir)
{
	struct err err;

	int moved = gens_use(dir, j->held, j->out.files, j->out.files_count, &err);

	if (moved < 0) {
		job_fail(j, err.text);
		return;
	}
	j->gen = j->held;
	job_ready(j, moved > 0);
}

static void
job_stage(struct apply_job *j)
{
	struct err err;
	bool same = false;
	AUTO_CLOSE int dir = gens_open(j->e->state_fd, j->role, &err);

	if (dir >= 0 && (j->held = gens_held(dir)) != 0) {
		job_hold(j, dir);
		return;
	}
	if (dir < 0 ||
	    gens_compare(dir, j->out.files, j->out.files_count, &same, &j->gen, &err) < 0) {
		job_fail(j, err.text);
		return;
	}
	if (same) {
		job_ready(j, false);
		return;
	}
	if (gens_stage(dir, j->out.files, j->out.files_count, &err) < 0) {
		job_fail(j, err.text);
		return;
	}
	if (j->out.check[0] != '\0')
		job_check(j);
	else
		job_switch(j);
}

static void
on_rendered(void *arg, struct render_out *out, const char *error)
{
	struct apply_job *j = arg;
	const struct plan_place *place = plan_place(&j->e->apply.here, j->role);
	struct sup_req req;
	struct err err;

	j->render = NULL;
	if (out == NULL) {
		job_fail(j, error);
		return;
	}
	j->out = *out;
	if (place == NULL || wants_read(&j->out.processes, place, j->role, &j->fresh,
				 &j->fresh_count, &err) < 0) {
		job_fail(j, place == NULL ? "no longer placed here" : err.text);
		return;
	}
	if (!launch_req(&req, SUP_ROLE, j->role, ""))
		return; /* a role's name fits: plan_check and schedule_read said so */
	j->step = APPLY_ROLE;
	j->step_until = net_now() + ROLE_MS;
	if ((j->ticket = launch_send(&j->e->launch, &req, NULL, 0)) == 0)
		job_fail(j, "the supervisor's queue is full");
}

static void
check_ended(struct apply_job *j, const struct sup_event *ev)
{
	char why[ERR_TEXT_CAP], tail[SUP_TEXT_CAP];
	bool ran = ev->code == 0 && ev->exit_status >= 0;
	int st = ev->exit_status;

	err_escape(tail, sizeof tail, ev->text, strnlen(ev->text, sizeof ev->text));
	if (ran && WIFEXITED(st) && WEXITSTATUS(st) == 0) {
		job_switch(j);
		return;
	}
	if (!ran)
		snprintf(why, sizeof why, "check '%s': %s", j->out.check,
		    tail[0] != '\0' ? tail : "could not be run");
	else if (WIFSIGNALED(st))
		snprintf(why, sizeof why, "check '%s' killed by signal %d", j->out.check, WTERMSIG(st));
	else
		snprintf(why, sizeof why, "check '%s' exited %d", j->out.check, WEXITSTATUS(st));
	job_fail(j, why);
	if (ran)
		snprintf(j->said, sizeof j->said, "%s", tail);
}

/* The check of this job, also one that was overtaken or refused, is over. */
static void
check_gone(struct engine *e, const struct sup_event *ev)
{
	char name[NAME_CAP + 8];

	for (struct apply_job *j = e->apply.jobs; j != NULL; j = j->next) {
		check_name(j, name, sizeof name);
		if (strcmp(ev->instance, name) != 0)
			continue;
		j->checking = false;
		if (j->step == APPLY_WAIT)
			job_run_check(j);
		return;
	}
}

void
apply_event(struct engine *e, const struct sup_event *ev)
{
	/* What was stopped before it was judged, or refused, never ran: it has no
	 * EXIT, only the GONE that answers STOP. */
	if (ev->kind == SUP_EV_EXIT || (ev->kind == SUP_EV_STATE && ev->state == SUP_ST_GONE))
		check_gone(e, ev);
	for (struct apply_job *j = e->apply.jobs; j != NULL; j = j->next) {
		if (j->ticket == 0 || j->ticket != ev->ticket)
			continue;
		if (j->step == APPLY_CHECK && ev->kind == SUP_EV_EXIT) {
			check_ended(j, ev);
		} else if (ev->kind == SUP_EV_REPLY && ev->code != 0) {
			char why[ERR_TEXT_CAP];

			err_escape(why, sizeof why, ev->text, strnlen(ev->text, sizeof ev->text));
			job_fail(j, why);
		} else if (j->step == APPLY_ROLE && ev->kind == SUP_EV_REPLY) {
			job_stage(j);
		}
		return;
	}
}

/* --- starting a run ------------------------------------------------------------------ */

static void
job_start(struct apply_job *j)
{
	char template_name[VIEW_IMAGE_CAP];
	struct blob vars = {0};
	struct render_in in;
	struct err err;

	job_cancel(j);
	j->retry_at = MSEC_NEVER;
	if (apply_render_in(j->e, j->role, NULL, &in, &vars, template_name, &err) < 0) {
		job_fail(j, err.text);
		return;
	}
	j->step = APPLY_RENDER;
	j->render = render_start(&in, on_rendered, j, &err);
	blob_free(&vars);
	if (j->render == NULL)
		job_fail(j, err.text);
}

void
apply_again(struct engine *e, const char *role)
{
	struct apply_job *j = apply_job(e, role);

	if (j == NULL || j->gone)
		return;
	j->failures = 0;
	job_start(j);
}

/* --- the schedule moved -------------------------------------------------------------------- */

/* The last container of a role that left is gone: its files go too. */
static bool
job_unrender(struct apply_job *j)
{
	struct engine *e = j->e;
	struct sup_req req;
	struct err err;

	for (size_t i = 0; i < e->local.count; i++)
		if (strcmp(e->local.items[i].ev.role, j->role) == 0)
			return false;
	AUTO_CLOSE int dir = gens_open(e->state_fd, j->role, &err);
	if (dir >= 0) {
		if (gens_clear(dir, &err) < 0)
			log_warn("un-render %s: %s", j->role, err.text);
		if (launch_req(&req, SUP_UNROLE, j->role, ""))
			launch_send(&e->launch, &req, NULL, 0);
		log_info("role %s: removed from this node", j->role);
	}
	return true;
}

static enum sup_policy
policy_of(enum plan_split s)
{
	return s == PLAN_KEEP ? SUP_KEEP : s == PLAN_EXCLUSIVE ? SUP_EXCLUSIVE : SUP_REPLACE;
}

static void
update_job(struct engine *e, const struct plan_place *p)
{
	const struct plan_role *pr = plan_role(&e->apply.plan, p->role);
	struct apply_job *j = job_get(e, p->role);
	struct hash key;

	if (j == NULL || pr == NULL)
		return;
	j->named = true;
	j->gone = false;
	snprintf(j->fresh_face.sandbox, sizeof j->fresh_face.sandbox, "%s", p->sandbox);
	snprintf(j->fresh_face.version, sizeof j->fresh_face.version, "%s", plan_version(pr, p));
	j->fresh_face.policy = policy_of(pr->on_split);
	apply_key(e, p, &key);
	if (hash_eq(&key, &j->key)) {
		settle_containers(j); /* a newer stamp alone may let it start */
		return;
	}
	j->key = key;
	j->failures = 0;
	job_start(j);
	settle_containers(j); /* what is no longer placed here need not wait */
}

/* Roles that run or are rendered here but are in no job yet: what an older
 * schedule left. */
static void
adopt_leftovers(struct engine *e)
{
	int fd = openat(e->state_fd, "rendered", O_DIRECTORY | O_RDONLY | O_CLOEXEC);
	AUTO_CLOSEDIR DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (d == NULL && fd >= 0)
		close(fd);
	for (const struct dirent *x; d != NULL && (x = readdir(d)) != NULL;)
		if (name_ok(x->d_name, strlen(x->d_name)) && apply_job(e, x->d_name) == NULL)
			(void)job_get(e, x->d_name);
	for (size_t i = 0; i < e->local.count; i++) {
		const struct sup_event *ev = &e->local.items[i].ev;

		if (ev->role[0] != '\0' && apply_job(e, ev->role) == NULL)
			(void)job_get(e, ev->role);
	}
}

/* Of two with this name the part may be the other one's: then nothing is to run here.
 * But who never was told that it is its own has nothing to end either: a host that lost
 * its identity is another one by name alone, what runs goes on, and is its own again as
 * soon as the one that it was is given up.  False: leave all as it is. */
static bool
is_mine(struct engine *e)
{
	const struct node_id *holder = plan_holder(&e->apply.here);

	if (holder == NULL || id_eq(holder, &e->identity.id)) {
		e->apply.held = true;
		return true;
	}
	plan_node_free(&e->apply.here);
	return e->apply.held;
}

const struct plan *
apply_plan(const struct engine *e, const struct schedule *s)
{
	return hash_eq(&e->apply.plan_of, &s->hash) ? &e->apply.plan : NULL;
}

void
apply_ready(struct engine *e, const struct schedule *s, struct plan *plan)
{
	plan_free(&e->apply.next);
	e->apply.next = *plan;
	e->apply.next_of = s != NULL ? s->hash : (struct hash){{0}};
	memset(plan, 0, sizeof *plan);
}

/* The schedule in force, as a plan. */
static int
read_plan(struct engine *e)
{
	const struct schedule *s = &e->keep.current;
	struct plan old = e->apply.plan;
	int rc = 0;

	if (hash_eq(&e->apply.next_of, &s->hash)) {
		e->apply.plan = e->apply.next;
		e->apply.next = old; /* until apply_ready */
	} else {
		plan_free(&old);
		rc = schedule_plan(s, &e->apply.plan);
	}
	e->apply.next_of = (struct hash){{0}};
	e->apply.plan_of = rc == 0 ? s->hash : e->apply.next_of;
	return rc;
}

void
apply_update(struct engine *e)
{
	struct apply_job *next;
	int row;

	if (!e->keep.has || !e->local.known)
		return;
	plan_node_free(&e->apply.here);
	if (read_plan(e) < 0) {
		log_warn("the schedule in force can't be read: keeping what runs");
		return;
	}
	answers_take(e, blob_slice(&e->apply.plan.query));
	row = schedule_find(&e->keep.current, SCHEDULE_NODE, e->conf.name);
	if (row >= 0 && schedule_read_node(&e->apply.here, e->keep.current.data[row].b,
			    e->keep.current.data[row].len) < 0) {
		log_warn("this node's part of the schedule can't be read: keeping what runs");
		return;
	}
	if (!is_mine(e))
		return;
	exclusive_sync(e);
	adopt_leftovers(e);
	for (struct apply_job *j = e->apply.jobs; j != NULL; j = j->next)
		j->named = false;
	for (size_t i = 0; i < e->apply.here.places_count; i++)
		update_job(e, &e->apply.here.places[i]);
	for (struct apply_job *j = e->apply.jobs; j != NULL; j = next) {
		next = j->next;
		if (j->named)
			continue;
		job_cancel(j);
		wants_free(j->wants, j->wants_count);
		j->wants = NULL;
		j->wants_count = 0;
		j->ready = false;
		j->gone = true;
		memset(&j->key, 0, sizeof j->key);
		j->error[0] = '\0';
		j->retry_at = MSEC_NEVER;
		settle_containers(j);
		if (job_unrender(j))
			job_free(e, j);
	}
}

void
apply_settle(struct engine *e, const char *role)
{
	struct apply_job *j = apply_job(e, role);

	if (j == NULL)
		return;
	settle_containers(j);
	if (j->gone && job_unrender(j))
		job_free(e, j);
}

void
apply_settle_all(struct engine *e)
{
	for (struct apply_job *j = e->apply.jobs; j != NULL; j = j->next)
		settle_containers(j);
}

void
apply_lost(struct engine *e)
{
	for (struct apply_job *j = e->apply.jobs; j != NULL; j = j->next) {
		j->checking = false;
		if (j->ticket != 0)
			job_fail(j, "the supervisor's answer was lost: asked again");
	}
}

void
apply_tick(struct engine *e, msec now)
{
	for (struct apply_job *j = e->apply.jobs; j != NULL; j = j->next) {
		if (j->step == APPLY_WAIT && j->step_until <= now)
			job_run_check(j);
		else if (j->ticket != 0 && j->step_until <= now)
			job_fail(j, "the supervisor did not answer in time: asked again");
		else if (!j->gone && j->retry_at <= now)
			job_start(j);
		else if (now - j->restart_failed_at >= SETTLE_RETRY_MS ||
		    roll_deadline(&j->roll) <= now)
			settle_containers(j);
	}
}
