/*
 * follow.c - see follow.h.
 */
#include "follow.h"

#include <stdio.h>

#include "../../gossip/look.h"
#include "../base/log.h"
#include "engine.h"

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

static void
on_fetched(void *arg, int rc, struct schedule *s, const char *why)
{
	struct engine *e = arg;
	struct follow *f = &e->follow;
	char text[STAMP_TEXT_CAP];
	struct stamp applied;
	struct err err;

	stamp_text(&fetch_ref(f->fetch)->stamp, text);
	f->fetch = NULL;
	if (rc < 0) {
		f->failures++;
		snprintf(f->error, sizeof f->error, "schedule %s: %.300s", text, why);
		log_debug("%s", f->error);
		uv_timer_start(&f->retry, on_retry, FOLLOW_RETRY_MS, 0);
		return;
	}
	f->failures = 0;
	f->error[0] = '\0';
	engine_applied(e, &applied);
	if (stamp_cmp(&s->meta.stamp, &applied) <= 0 &&
	    (e->keep.has || stamp_cmp(&s->meta.stamp, &applied) < 0))
		return; /* overtaken meanwhile */
	if (e->keep.has && !schedule_descends(s, &applied) &&
	    net_now() - f->wanted_since < FOLLOW_MERGE_MS) {
		uv_timer_start(&f->retry, on_retry, FOLLOW_RETRY_MS, 0);
		return;
	}
	if (keep_set(&e->keep, s, &err) < 0) {
		if (err.code == EXIT_STATE)
			engine_exit(EXIT_STATE, err.text);
		snprintf(f->error, sizeof f->error, "schedule %s: %.300s", text, err.text);
		log_warn("%s", f->error);
		uv_timer_start(&f->retry, on_retry, 10 * FOLLOW_RETRY_MS, 0);
		return;
	}
	(void)engine_adopted(e); /* its refusal is logged */
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
	/* Without a schedule here (the database was lost) the applied one itself
	 * is fetched again; never an older one. */
	engine_applied(e, &applied);
	if (stamp_cmp(&p.stamp, &applied) < (e->keep.has ? 1 : 0))
		return;
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
	e->follow.error[0] = '\0';
	uv_timer_stop(&e->follow.retry);
}

void
follow_init(struct engine *e)
{
	uv_timer_init(e->loop, &e->follow.retry);
	e->follow.retry.data = e;
}
