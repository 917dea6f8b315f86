/*
 * roundask.c - see roundask.h.
 */
#include "roundask.h"

#include "actlead.h"
#include "engine.h"

void
round_parents_take(struct engine *e, struct round_parents *p)
{
	const struct schedule *now[MESH_PARENTS_MAX];

	p->count = lead_parents(e, now, MESH_PARENTS_MAX);
	for (size_t i = 0; i < p->count; i++)
		p->hash[i] = now[i]->hash;
}

bool
round_parents_stand(struct engine *e, const struct round_parents *p)
{
	struct round_parents now;

	round_parents_take(e, &now);
	for (size_t i = 0; i < p->count && now.count == p->count; i++)
		if (!hash_eq(&now.hash[i], &p->hash[i]))
			return false;
	return now.count == p->count;
}

static int
no_memory(struct err *err)
{
	return err_set(err, ROUND_FAULT, "the input can't be packed: out of memory");
}

static int
ask_look(struct engine *e, struct roundask *a, struct err *err)
{
	const struct actdesk_item *given[ACTDESK_ROUND_MAX];
	struct world *w = &a->world;
	size_t count = 0;

	round_parents_take(e, &a->asked);
	if (world_begin(e, w) < 0 || (a->actions && actlead_give(e, given, &count) < 0))
		return no_memory(err);
	a->now_ms = engine_wall_ms();
	a->work = input_begin(&(struct input){.now_ms = a->now_ms,
	    .self = e->conf.name,
	    .nodes = w->nodes,
	    .nodes_count = w->nodes_count,
	    .actions = given,
	    .actions_count = count,
	    .query = e->answers.query});
	a->at = ASK_ROWS;
	return a->work != NULL && world_own(w) == 0 ? 1 : no_memory(err);
}

static int
ask_rows(struct engine *e, struct roundask *a, struct err *err)
{
	int rc = world_more(e, &a->world);

	if (rc == 0)
		a->at = ASK_NODES;
	return rc < 0 ? no_memory(err) : 1;
}

static int
ask_nodes(struct roundask *a)
{
	input_nodes(a->work, &(struct input){.now_ms = a->now_ms, .side = a->world.side});
	a->at = ASK_INSTANCES;
	return 1;
}

static int
ask_instances(struct roundask *a, struct err *err)
{
	int rc = input_instances(a->work, &(struct input){.instances = a->world.instances,
	    .instances_count = a->world.instances_count});

	if (rc == 0)
		a->at = ASK_PARENTS;
	return rc < 0 ? no_memory(err) : 1;
}

/* The next of them, as the script sees it. */
static int
ask_parent(struct engine *e, struct roundask *a, struct err *err)
{
	const struct schedule *now[MESH_PARENTS_MAX], *s;
	const struct plan *plan;
	int rc;

	/* What they have answered decided which actions are given. */
	if (!round_parents_stand(e, &a->asked))
		return err_set(err, ROUND_AGAIN, "an older schedule came in meanwhile");
	if (a->packed == a->asked.count) {
		a->at = ASK_WHOLE;
		return 1;
	}
	lead_parents(e, now, MESH_PARENTS_MAX);
	s = now[a->packed];
	plan = apply_plan(e, s);
	rc = plan != NULL ? schedule_pack_parent(&s->meta, plan, &a->parents[a->packed]) :
			    schedule_to_parent(s, &a->parents[a->packed]);
	if (rc < 0)
		return err_set(err, ROUND_FAULT,
		    "the input can't be packed (out of memory, or a broken parent)");
	a->packed++;
	return 1;
}

static int
ask_whole(struct engine *e, struct roundask *a, struct err *err)
{
	struct slice slices[MESH_PARENTS_MAX];
	struct inputwork *work = a->work;

	a->work = NULL;
	for (size_t i = 0; i < a->packed; i++)
		slices[i] = blob_slice(&a->parents[i]);
	if (input_close(work, &(struct input){.metas = e->trees.metas,
		.metas_count = e->trees.metas_count,
		.parents = slices,
		.parents_count = a->packed}, &a->input) < 0)
		return err_set(err, ROUND_FAULT,
		    "the input can't be packed (out of memory, or a broken parent)");
	return 0;
}

int
roundask_more(struct engine *e, struct roundask *a, struct err *err)
{
	switch (a->at) {
	case ASK_LOOK:
		return ask_look(e, a, err);
	case ASK_ROWS:
		return ask_rows(e, a, err);
	case ASK_NODES:
		return ask_nodes(a);
	case ASK_INSTANCES:
		return ask_instances(a, err);
	case ASK_PARENTS:
		return ask_parent(e, a, err);
	case ASK_WHOLE:
		break;
	}
	return ask_whole(e, a, err);
}

void
roundask_free(struct roundask *a)
{
	input_drop(a->work);
	world_free(&a->world);
	for (size_t i = 0; i < a->packed; i++)
		blob_free(&a->parents[i]);
	blob_free(&a->input);
	*a = (struct roundask){.actions = false};
}
