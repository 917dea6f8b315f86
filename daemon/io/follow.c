/*
 * follow.c - see follow.h.
 */
#include "follow.h"

#include <stdio.h>

#include "../../gossip/look.h"
#include "../base/log.h"
#include "engine.h"
#include "events.h"

/* Where to ask this time: the holder first; where no word gets there, over whom words do,
 * who will soon have it too; then one after another who answers, and the holder again. */
static bool
pick_holder(struct engine *e, const struct mesh_parent *p, struct addr *out)
{
	uint32_t failures = e->follow.failures;
	struct node_id over = p->holder;
	struct mesh_member m;

	if (failures == 0 || failures % 2 == 1)
		(void)mesh_over(e->mesh, &p->holder, NULL, (failures + 1) / 2, &over);
	if (!mesh_find(e->mesh, &over, &m))
		return false;
	*out = m.addr;
	return true;
}

static void
on_retry(uv_timer_t *timer)
{
	follow_look(timer->data);
}

/* The first times soon: of very many who ask at once the leader turns some away, and has
 * answered the others in a few milliseconds. */
static uint64_t
retry_ms(const struct follow *f)
{
	return f->failures < 4 ? (uint64_t)FOLLOW_RETRY_MS >> (4 - f->failures) : FOLLOW_RETRY_MS;
}

/* False: overtaken meanwhile, or to be merged first. */
static bool
is_due(struct engine *e, const struct schedule *s)
{
	struct follow *f = &e->follow;
	struct stamp applied;

	engine_applied(e, &applied);
	if (stamp_cmp(&s->meta.stamp, &applied) <= 0 &&
	    (e->keep.has || stamp_cmp(&s->meta.stamp, &applied) < 0))
		return false;
	if (e->keep.has && !schedule_descends(s, &applied) &&
	    net_now() - f->wanted_since < FOLLOW_MERGE_MS) {
		uv_timer_start(&f->retry, on_retry, FOLLOW_RETRY_MS, 0);
		return false;
	}
	return true;
}

static void
take(struct engine *e, struct schedule *s)
{
	struct follow *f = &e->follow;
	char text[STAMP_TEXT_CAP];
	struct err err;

	stamp_text(&s->meta.stamp, text);
	if (keep_set(&e->keep, s, &err) < 0) {
		if (err.code == EXIT_STATE)
			engine_exit(e, EXIT_STATE, err.text);
		snprintf(f->error, sizeof f->error, "schedule %s: %.300s", text, err.text);
		log_warn("%s", f->error);
		uv_timer_start(&f->retry, on_retry, 10 * FOLLOW_RETRY_MS, 0);
		return;
	}
	(void)engine_adopted(e); /* its refusal is logged */
}

/* A piece of it; at the end all that it is for, and in a turn more the plan before it is
 * freed.  What can't be read is kept all the same: apply says so. */
static void
on_turn(struct engine *e)
{
	struct follow *f = &e->follow;
	struct plan none = {0};
	int rc;

	if (!f->reading) {
		apply_ready(e, NULL, &none);
		return;
	}
	if ((rc = schedule_plan_more(&f->got, &f->at, &f->plan)) <= 0) {
		f->reading = false;
		if (rc == 0)
			apply_ready(e, &f->got, &f->plan);
		if (is_due(e, &f->got))
			take(e, &f->got);
		schedule_free(&f->got);
	}
	turns_add(e, &f->turn);
}

static void
forget_got(struct engine *e)
{
	struct follow *f = &e->follow;

	turns_drop(e, &f->turn);
	if (!f->reading)
		return;
	f->reading = false;
	schedule_free(&f->got);
	plan_free(&f->plan);
}

void
follow_fetched(struct engine *e, struct schedule *s)
{
	struct follow *f = &e->follow;

	forget_got(e);
	if (!is_due(e, s))
		return;
	f->got = *s;
	memset(s, 0, sizeof *s);
	f->at = 0;
	f->reading = true;
	on_turn(e);
}

static void
on_fetched(void *arg, int rc, struct schedule *s, const char *why)
{
	struct engine *e = arg;
	struct follow *f = &e->follow;
	char text[STAMP_TEXT_CAP];

	stamp_text(&fetch_ref(f->fetch)->stamp, text);
	f->fetch = NULL;
	if (rc < 0) {
		f->failures++;
		snprintf(f->error, sizeof f->error, "schedule %s: %.300s", text, why);
		log_debug("%s", f->error);
		uv_timer_start(&f->retry, on_retry, retry_ms(f), 0);
		return;
	}
	f->failures = 0;
	f->error[0] = '\0';
	follow_fetched(e, s);
}

/* Does another content lie here under the stamp that is announced? */
static bool
is_other(const struct engine *e, const struct mesh_parent *p)
{
	struct mesh_parent held[MESH_PARENTS_MAX];
	size_t n = mesh_parents(e->mesh, held, MESH_PARENTS_MAX);

	for (size_t i = 0; i < n; i++)
		if (id_eq(&held[i].holder, &e->identity.id))
			return stamp_cmp(&held[i].stamp, &p->stamp) == 0 &&
			    !hash_eq(&held[i].hash, &p->hash);
	return false;
}

/* One stamp, one schedule: a leader whose state was put back from a copy breaks that, or
 * one that lies.  It comes with each beat, and is told once. */
static bool
refuse_other(struct engine *e, const struct mesh_parent *p)
{
	struct follow *f = &e->follow;
	char text[STAMP_TEXT_CAP];
	struct mesh_member m;
	const char *holder = mesh_find(e->mesh, &p->holder, &m) ? m.name : "the leader";

	if (!is_other(e, p))
		return false;
	if (f->twice[0] != '\0' && hash_eq(&f->other, &p->hash))
		return true;
	stamp_text(&p->stamp, text);
	f->other = p->hash;
	snprintf(f->twice, sizeof f->twice,
	    "schedule %s is in force here, and %s announces another under the same stamp: refused",
	    text, holder);
	log_warn("%s", f->twice);
	events_note(e, "refused", holder, "its schedule %s has another content than the one in force here", text);
	return true;
}

void
follow_newer(struct engine *e)
{
	e->follow.twice[0] = '\0';
}

void
follow_look(struct engine *e)
{
	struct follow *f = &e->follow;
	struct mesh_parent p;
	struct schedule_ref ref;
	struct stamp applied;
	struct addr holder;

	if (e->mesh == NULL || !mesh_issued(e->mesh, &p) || id_eq(&p.holder, &e->identity.id))
		return;
	if (refuse_other(e, &p))
		return;
	/* Without a schedule here (the database was lost) the applied one itself
	 * is fetched again; never an older one. */
	engine_applied(e, &applied);
	if (stamp_cmp(&p.stamp, &applied) < (e->keep.has ? 1 : 0))
		return;
	if (f->reading) {
		if (hash_eq(&f->got.hash, &p.hash))
			return;
		forget_got(e);
	}
	if (f->fetch != NULL) {
		if (hash_eq(&fetch_ref(f->fetch)->hash, &p.hash))
			return;
		fetch_cancel(f->fetch);
		f->fetch = NULL;
	}
	if (!hash_eq(&f->wanted, &p.hash)) {
		f->wanted = p.hash;
		f->wanted_since = net_now();
		f->failures = 0;
		f->error[0] = '\0';
	} else if (uv_is_active((uv_handle_t *)&f->retry)) {
		return;
	}
	if (!pick_holder(e, &p, &holder)) {
		uv_timer_start(&f->retry, on_retry, FOLLOW_RETRY_MS, 0);
		return;
	}
	ref.stamp = p.stamp;
	ref.hash = p.hash;
	f->fetch = fetch_start(e->loop, &e->keep, &e->keys, &holder, &ref, on_fetched, e);
}

void
follow_stop(struct engine *e)
{
	if (e->follow.fetch != NULL)
		fetch_cancel(e->follow.fetch);
	e->follow.fetch = NULL;
	forget_got(e);
	e->follow.error[0] = '\0';
	uv_timer_stop(&e->follow.retry);
}

void
follow_init(struct engine *e)
{
	uv_timer_init(e->loop, &e->follow.retry);
	e->follow.retry.data = e;
	e->follow.turn.run = on_turn;
}
