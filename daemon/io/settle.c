/*
 * settle.c - see settle.h.
 */
#include "settle.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "../base/log.h"
#include "../base/own.h"
#include "../core/diff.h"
#include "belong.h"
#include "engine.h"
#include "soon.h"
#include "wants.h"

/* --- on-change --------------------------------------------------------------- */

static int
signal_number(const char *name)
{
	static const struct {
		const char *name;
		int number;
	} all[] = {{"HUP", SIGHUP}, {"INT", SIGINT}, {"TERM", SIGTERM}, {"USR1", SIGUSR1},
	    {"USR2", SIGUSR2}};

	if (strncmp(name, "SIG", 3) == 0)
		name += 3;
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		if (strcmp(all[i].name, name) == 0)
			return all[i].number;
	return 0;
}

/* START, STOP or SIGNAL.  The role lease is to know of the first two. */
static uint64_t
say(struct apply_job *j, struct sup_req *req, const struct slice *vars)
{
	struct engine *e = j->e;
	uint64_t ticket = vars == NULL ? launch_send(&e->launch, req, NULL, 0) :
					 launch_send(&e->launch, req, vars->b, vars->len);

	if (ticket != 0 && (req->op == SUP_STOP || req->policy == SUP_EXCLUSIVE))
		exclusive_asked(e, (enum sup_op)req->op, req->instance, ticket,
		    (msec)req->deadline_ms);
	return ticket;
}

/* Whoever starts later reads the new files anyway. */
static bool
runs(const struct apply_job *j, const char *instance)
{
	const struct local_instance *i = local_find(&j->e->local, instance);

	return i != NULL && i->ev.state == SUP_ST_RUNNING;
}

static void
poke(struct apply_job *j, const char *instance, int sig)
{
	struct local_instance *i = local_find(&j->e->local, instance);
	struct sup_req req;

	if (!runs(j, instance) || !launch_req(&req, SUP_SIGNAL, j->role, instance))
		return;
	memcpy(req.sandbox, i->ev.sandbox, sizeof req.sandbox);
	req.signal = sig;
	(void)say(j, &req, NULL);
}

/* The action of one changed file: on-change/NAME, else on-change/"*". */
static bool
action_of(const struct render_out *out, const char *file, int *sig, char *process, size_t cap)
{
	const char *keys[] = {file, "*"};
	char path[2 * NAME_CAP + 32], text[32];

	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		process[0] = '\0';
		snprintf(path, sizeof path, "on-change/%s", keys[i]);
		if (flat_str(&out->doc, path, text, sizeof text)) {
			*sig = 0; /* "restart" is the only word */
			return true;
		}
		snprintf(path, sizeof path, "on-change/%s/host-action", keys[i]);
		if (flat_str(&out->doc, path, text, sizeof text))
			return false; /* settle_host's */
		snprintf(path, sizeof path, "on-change/%s/signal", keys[i]);
		if (!flat_str(&out->doc, path, text, sizeof text))
			continue;
		*sig = signal_number(text);
		snprintf(path, sizeof path, "on-change/%s/container", keys[i]);
		(void)flat_str(&out->doc, path, process, cap); /* absent: all of the role */
		return *sig != 0;
	}
	return false;
}

/* A want's. */
struct turn {
	bool now;
	uint32_t flags;
};

/* --- start and stop ------------------------------------------------------ */

static void
ask_stop(struct apply_job *j, const struct diff_have *have)
{
	struct sup_req req;

	if (!launch_req(&req, SUP_STOP, j->role, have->instance))
		return;
	memcpy(req.sandbox, have->sandbox, sizeof req.sandbox);
	log_info("stop %s", have->instance);
	(void)say(j, &req, NULL);
}

/* Its ticket; 0: it is not asked for. */
static uint64_t
ask_start(struct apply_job *j, const struct diff_want *w, uint32_t flags)
{
	const struct stamp *st = &j->e->keep.current.meta.stamp;
	struct local_instance *i = local_find(&j->e->local, w->instance);
	struct sup_req req;

	if (!launch_req(&req, SUP_START, j->role, w->instance))
		return 0;
	memcpy(req.sandbox, w->sandbox, sizeof req.sandbox);
	memcpy(req.image, w->image, sizeof req.image);
	memcpy(req.config, w->config, sizeof req.config);
	req.address = w->address;
	memcpy(req.leader, st->leader.b, sizeof req.leader);
	req.term = st->term;
	req.seq = st->seq;
	req.policy = w->policy;
	req.flags = flags;
	if (w->policy == SUP_EXCLUSIVE &&
	    (req.deadline_ms = (uint64_t)exclusive_deadline(j->e, w->instance)) == 0)
		return 0; /* without its role lease: never */
	if (i != NULL)
		i->asked = true;
	if (i == NULL || i->ev.state != SUP_ST_RUNNING)
		log_info("start %s (%s)", w->instance, w->image);
	return say(j, &req, &w->vars);
}

/* Is it still this node's, by the schedule in force?  That is known even while
 * the role's render fails, and elsewhere it may run already. */
static bool
is_placed(const struct apply_job *j, const char *instance)
{
	const struct plan_place *p = plan_place(&j->e->apply.here, j->role);
	const struct plan_role *role = plan_role(&j->e->apply.plan, j->role);

	if (hold_is(&j->e->hold, instance))
		return false;
	/* Who is out of the cluster does only what nobody else can do for it. */
	if (belong_is_out(j->e) &&
	    (j->e->depart.stop_all || role == NULL || role->on_split != PLAN_KEEP))
		return false;
	for (size_t i = 0; p != NULL && i < p->instances_count; i++)
		if (strcmp(p->instances[i].id, instance) == 0)
			return true;
	return false;
}

static size_t
fill_have(struct apply_job *j, struct diff_have *have, size_t cap)
{
	const struct local *l = &j->e->local;
	size_t n = 0;

	for (size_t i = 0; i < l->count && n < cap; i++) {
		const struct sup_event *ev = &l->items[i].ev;

		if (strcmp(ev->role, j->role) != 0 || !local_is_instance(ev))
			continue;
		/* Before the wants are known, only what is not placed here moves. */
		if (!j->ready && !j->gone && is_placed(j, ev->instance))
			continue;
		memcpy(have[n].instance, ev->instance, NAME_CAP);
		memcpy(have[n].role, ev->role, NAME_CAP);
		memcpy(have[n].sandbox, ev->sandbox, NAME_CAP);
		have[n].state = ev->state;
		have[n].policy = ev->policy;
		have[n].spec_hash = ev->spec_hash;
		n++;
	}
	return n;
}

static void
put_want(const struct apply_job *j, const struct apply_want *w, struct diff_want *out)
{
	memcpy(out->instance, w->instance, NAME_CAP);
	memcpy(out->role, j->role, NAME_CAP);
	memcpy(out->sandbox, j->face.sandbox, NAME_CAP);
	memcpy(out->image, w->image, SUP_IMAGE_CAP);
	memcpy(out->config, w->config, SUP_PATH_CAP);
	out->policy = j->face.policy;
	out->address = w->address;
	out->vars = blob_slice(&w->vars);
}

static size_t
fill_want(const struct apply_job *j, struct diff_want *want)
{
	size_t n = 0;

	for (size_t i = 0; i < j->wants_count && !j->gone; i++) {
		const struct apply_want *w = &j->wants[i];

		if (w->command || !is_placed(j, w->instance))
			continue;
		put_want(j, w, &want[n++]);
	}
	return n;
}

/*
 * A host that comes back has an old schedule until it hears of the one in
 * force.  What may run elsewhere meanwhile is not started from the old one,
 * unless nobody is heard for a while.
 */
static bool
may_start(const struct apply_job *j)
{
	struct engine *e = j->e;
	struct mesh_parent p;

	if (j->face.policy == SUP_KEEP || net_now() - e->started >= SETTLE_BOOT_MS)
		return true;
	return e->mesh != NULL && mesh_issued(e->mesh, &p) &&
	    stamp_cmp(&p.stamp, &e->keep.current.meta.stamp) <= 0;
}

/*
 * What is there as wanted is of the wants' version.  After a reboot the
 * supervisor holds a START back until an engine repeats it: once is enough.
 */
static void
confirm(struct apply_job *j, const struct diff_want *want, size_t count, bool start)
{
	for (size_t i = 0; i < count; i++) {
		struct local_instance *l = local_find(&j->e->local, want[i].instance);

		if (l == NULL || l->ev.spec_hash != diff_spec_hash(&want[i]))
			continue;
		memcpy(l->version, j->face.version, sizeof l->version);
		if (start && !l->asked && l->ev.state != SUP_ST_FAILED)
			(void)ask_start(j, &want[i], 0);
	}
}

/* Does it serve?  A probed one only when it is healthy. */
static bool
is_up(const struct local_instance *i)
{
	return i != NULL && i->ev.state == SUP_ST_RUNNING && !i->ev.crash_loop &&
	    (i->health == VIEW_HEALTH_NONE || i->health == VIEW_HEALTHY);
}

/* It is ended once it is known that it may start again: a file that was broken
 * meanwhile ends nothing. */
static void
ask_anew(struct apply_job *j, const struct diff_want *w)
{
	if (runs(j, w->instance))
		(void)ask_start(j, w, SUP_F_ANEW);
}

/* The host's part: once each, however many files changed. */
static void
settle_host(struct apply_job *j, const struct render_out *out)
{
	char path[2 * NAME_CAP + 32], action[NAME_CAP];
	struct flat_rec rec;

	for (size_t f = 0; f < out->files_count; f++) {
		const char *keys[] = {out->files[f].name, "*"};

		for (size_t i = 0; i < ARRAY_LEN(keys) && out->files[f].changed; i++) {
			snprintf(path, sizeof path, "on-change/%s/host-action", keys[i]);
			if (flat_str(&out->doc, path, action, sizeof action))
				hostacts_want(j->e, j->role, action);
			snprintf(path, sizeof path, "on-change/%s", keys[i]);
			if (flat_find(&out->doc, path, &rec))
				break; /* a file's own word, not the one for all */
		}
	}
}

/* One action per instance, however many files changed; a restart beats signals. */
void
settle_actions(struct apply_job *j, const struct render_out *out)
{
	settle_host(j, out);
	for (size_t w = 0; w < j->wants_count; w++) {
		const struct apply_want *want = &j->wants[w];
		bool restart = false;
		unsigned done = 0;

		for (size_t f = 0; f < out->files_count && !want->command; f++) {
			char process[NAME_CAP];
			int sig;

			if (!out->files[f].changed ||
			    !action_of(out, out->files[f].name, &sig, process, sizeof process))
				continue;
			if (process[0] != '\0' && strcmp(process, want->process) != 0)
				continue;
			restart |= sig == 0;
			done |= 1u << sig;
		}
		/* In its turn; without memory for that, at once. */
		if (restart && roll_restart(&j->roll, want->instance) < 0) {
			struct diff_want anew;

			memset(&anew, 0, sizeof anew);
			put_want(j, want, &anew);
			ask_anew(j, &anew);
		}
		for (int sig = 1; !restart && sig < 31; sig++)
			if (done & 1u << sig)
				poke(j, want->instance, sig);
	}
}

/* Which of the wants may be replaced or started now: go[i], with these flags.  What is only
 * to be started anew is asked for here. */
static void
take_turns(struct apply_job *j, const struct diff_want *want, size_t count,
    const struct diff_action *todo, size_t todo_count, struct turn *go)
{
	const struct plan_role *role = plan_role(&j->e->apply.plan, j->role);
	AUTO_FREE struct roll_one *all = calloc(count + 1, sizeof *all);
	uint32_t most = role == NULL ? 0 : plan_max_unavailable(role);
	const char *stuck;
	bool restart;
	size_t i;

	for (i = 0; all != NULL && i < count; i++) {
		memcpy(all[i].instance, want[i].instance, NAME_CAP);
		all[i].want = diff_spec_hash(&want[i]) ^ want[i].policy;
		const struct local_instance *l = local_find(&j->e->local, want[i].instance);

		all[i].up = is_up(l);
		all[i].run = l == NULL ? 0 : l->ev.pid;
	}
	for (i = 0; all != NULL && i < todo_count; i++)
		if (todo[i].op == DIFF_START)
			all[todo[i].index].differs = true;
	if (all == NULL ||
	    roll_recv(&j->roll, net_now(), all, count,
		most == UINT32_MAX ? 0 : most) < 0)
		return; /* without memory: later */
	while (roll_poll(&j->roll, &i, &restart)) {
		go[i].now = all[i].differs;
		go[i].flags = restart ? SUP_F_ANEW : 0;
		if (!all[i].differs)
			ask_anew(j, &want[i]);
	}
	if ((stuck = roll_stuck(&j->roll, net_now())) != NULL)
		log_warn("role %s: its change waits: %s is not up; the others run on as they were",
		    j->role, stuck);
}

/* What is only to go, goes; what is to be replaced is not ended before its turn. */
static bool
may_stop(const struct diff_have *have, const struct diff_want *want, size_t count,
    const struct turn *go)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(want[i].instance, have->instance) == 0)
			return go[i].now;
	return true;
}

void
settle_moved(struct engine *e, const char *role, const char *instance, bool must)
{
	struct apply_job *j = apply_job(e, role);
	const struct apply_want *w =
	    j == NULL ? NULL : wants_find(j->wants, j->wants_count, instance);
	struct diff_want want;

	if (j != NULL && (must || roll_busy(&j->roll))) {
		soon_settle(e, role);
	} else if (w != NULL && !w->command) {
		memset(&want, 0, sizeof want);
		put_want(j, w, &want);
		confirm(j, &want, 1, false);
	}
}

uint64_t
settle_anew(struct engine *e, const char *role, const char *instance, struct err *err)
{
	struct apply_job *j = apply_job(e, role);
	const struct apply_want *w =
	    j == NULL ? NULL : wants_find(j->wants, j->wants_count, instance);
	struct diff_want want;
	uint64_t ticket;

	if (w == NULL || w->command || !j->ready) {
		err_set(err, 1, "what it would be started with is not rendered%s%s",
		    j != NULL && j->error[0] != '\0' ? ": " : "", j != NULL ? j->error : "");
		return 0;
	}
	if (j->gone || !is_placed(j, instance)) {
		err_set(err, 1, "it is not wanted here");
		return 0;
	}
	memset(&want, 0, sizeof want);
	put_want(j, w, &want);
	if ((ticket = ask_start(j, &want, SUP_F_ANEW | SUP_F_ONCE)) == 0)
		err_set(err, 1, want.policy == SUP_EXCLUSIVE ?
			"this node has not its role lease now" :
			"the supervisor has too much to do");
	return ticket;
}

void
settle_containers(struct apply_job *j)
{
	size_t cap = j->e->local.count + 1, have_count, want_count, count;
	AUTO_FREE struct diff_have *have = calloc(cap, sizeof *have);
	AUTO_FREE struct diff_want *want = calloc(j->wants_count + 1, sizeof *want);
	AUTO_FREE struct turn *go = calloc(j->wants_count + 1, sizeof *go);
	AUTO_FREE struct diff_action *todo = NULL;
	msec now = net_now();
	bool retry = now - j->restart_failed_at >= SETTLE_RETRY_MS, start = may_start(j);

	if (!j->e->local.known || !j->e->keep.has || have == NULL || want == NULL || go == NULL)
		return;
	have_count = fill_have(j, have, cap);
	want_count = fill_want(j, want);
	if (diff_make(want, want_count, have, have_count, &todo, &count) < 0)
		return;
	if (retry)
		j->restart_failed_at = now;
	if (start)
		take_turns(j, want, want_count, todo, count, go);
	for (size_t i = 0; i < count; i++) {
		uint32_t at = todo[i].index;

		if (todo[i].op == DIFF_STOP && may_stop(&have[at], want, want_count, go))
			ask_stop(j, &have[at]);
		else if (todo[i].op == DIFF_START ? go[at].now : todo[i].op == DIFF_RETRY && retry && start)
			(void)ask_start(j, &want[at], go[at].flags);
	}
	confirm(j, want, want_count, start);
}
