/*
 * survey.c - see survey.h.  A survey ends when nothing is under way any more;
 * each call ends by its own timeout, so it does end.
 */
#include "survey.h"

#include <stdio.h>
#include <stdlib.h>

#include "../../gossip/look.h"
#include "engine.h"
#include "sight.h"

struct survey {
	struct engine *e;
	struct compare *c;
	struct addr *at; /* by node */
	bool reach, relaying;
	uint32_t known;	 /* nodes of this one's own table */
	uint32_t next;	 /* to be asked */
	uint32_t open;	 /* calls and rounds under way */
	uint32_t relayed;
	msec started;
	survey_then *then;
	void *arg;
};

/* One question under way. */
struct question {
	struct survey *s;
	uint32_t node, via;
	bool relayed;
};

static void go_on(struct survey *s);
static void on_own(void *arg);

static void
survey_free(struct survey *s)
{
	compare_free(s->c);
	free(s->at);
	free(s);
}

static void
take(struct question *q, int rc, const uint8_t *data, size_t len)
{
	struct compare *c = q->s->c;
	struct outlook o = {0};

	if (rc == 0)
		rc = outlook_read(data, len, &o);
	if (rc == 0)
		rc = compare_answer(c, q->node, &o);
	if (rc == 0 && q->relayed)
		memcpy(c->nodes[q->node].via, c->nodes[q->via].name, NAME_CAP);
	if (rc < 0 && !q->relayed) /* what it said itself tells more than a relay's failure */
		compare_silent(c, q->node, true,
		    rc == -ERR_IDENTITY ? "another node answers in its place" : stream_error(rc));
	outlook_free(&o);
}

static void
on_answer(void *arg, int rc, const uint8_t *data, size_t len)
{
	struct question *q = arg;
	struct survey *s = q->s;

	take(q, rc, data, len);
	free(q);
	s->open--;
	go_on(s);
}

/* At the node itself, or at `via`. */
static void
ask(struct survey *s, uint32_t node, bool relayed, uint32_t via)
{
	struct question *q = calloc(1, sizeof *q);
	enum sight what = s->reach ? SIGHT_REACH : SIGHT_TABLE;

	if (q == NULL)
		return;
	*q = (struct question){s, node, via, relayed};
	if (sight_ask_at(s->e, &s->at[relayed ? via : node], relayed, &s->c->nodes[node].id, what,
		on_answer, q))
		s->open++;
	else
		free(q);
}

/* Of whom nothing comes, by what the gossip knows, is asked over another at once. */
static void
ask_first(struct survey *s, uint32_t node)
{
	uint32_t via = s->known;
	struct node_id over;

	if (mesh_over(s->e->mesh, &s->c->nodes[node].id, NULL, 0, &over))
		via = compare_find(s->c, &over);
	compare_silent(s->c, node, true, via < s->known ? "no path from here" : "no memory");
	ask(s, node, via < s->known, via);
}

static void
ask_all(struct survey *s)
{
	bool late = net_now() - s->started > SURVEY_MS;

	for (; s->next < s->known && (late || s->open < SURVEY_AT_ONCE); s->next++) {
		struct compare_node *n = &s->c->nodes[s->next];

		if (n->why[0] != '\0' || s->next == s->c->self)
			continue; /* not to be asked */
		if (late)
			compare_silent(s->c, s->next, false, "not asked in time");
		else
			ask_first(s, s->next);
	}
}

/* Whom does that node answer, as it says itself? */
static uint32_t
relay_to(const struct survey *s, uint32_t node)
{
	for (uint32_t i = 0; i < s->known; i++)
		if (i != s->c->self && i != node && s->c->nodes[i].asked == COMPARE_ANSWERED &&
		    compare_cell(s->c, i, node)->see == SEE_OK)
			return i;
	return s->known;
}

static void
ask_relays(struct survey *s)
{
	s->relaying = true;
	if (s->c->nodes[s->c->self].asked != COMPARE_ANSWERED)
		return; /* no memory for it: none for more */
	for (uint32_t i = 0; i < s->known && s->relayed < SURVEY_RELAYED_MAX; i++) {
		uint32_t via;

		if (s->c->nodes[i].asked != COMPARE_SILENT || (via = relay_to(s, i)) == s->known)
			continue;
		s->relayed++;
		ask(s, i, true, via);
	}
	/* What these send while they are asked shows which way is cut, if this node
	 * listens meanwhile; and they must have something to hear. */
	if (s->reach && s->relayed > 0 && sight_reach(s->e, on_own, s))
		s->open++;
}

static void
go_on(struct survey *s)
{
	struct engine *e = s->e;

	ask_all(s);
	if (s->open == 0 && !s->relaying)
		ask_relays(s);
	if (s->open > 0)
		return;
	e->surveys--;
	compare_judge(s->c);
	s->then(e, s->arg, s->c, net_now() - s->started);
	survey_free(s);
}

static void
on_own(void *arg)
{
	struct survey *s = arg;
	struct outlook o;

	if (sight_own(s->e, s->reach, &o) == 0) {
		int rc = compare_answer(s->c, s->c->self, &o);

		assert(rc == 0);
		outlook_free(&o);
	}
	s->open--;
	go_on(s);
}

static void
on_soon_closed(uv_handle_t *h)
{
	free(h);
}

static void
on_own_soon(uv_timer_t *t)
{
	on_own(t->data);
	uv_close((uv_handle_t *)t, on_soon_closed);
}

/* This node's own row, from the loop as all the others. */
static bool
look_here(struct survey *s)
{
	uv_timer_t *t;

	if (s->reach)
		return sight_reach(s->e, on_own, s);
	if ((t = calloc(1, sizeof *t)) == NULL)
		return false;
	uv_timer_init(s->e->loop, t);
	t->data = s;
	uv_timer_start(t, on_own_soon, 0, 0);
	return true;
}

static void
know(struct survey *s, const struct mesh_member *m)
{
	uint32_t i = s->c->count;

	compare_know(s->c, &m->id, m->name, m->self);
	s->at[i] = m->addr;
	if (m->state > MESH_SUSPECT)
		compare_silent(s->c, i, false, m->state == MESH_LEFT ? "it left" : "it is failed");
}

int
survey_start(struct engine *e, bool reach, survey_then *then, void *arg)
{
	uint32_t n = e->mesh != NULL ? mesh_count(e->mesh) : 0;
	struct mesh_member m;
	struct survey *s;

	if (n == 0)
		return -ERR_UNKNOWN;
	if (e->surveys >= SURVEYS_MAX || (s = calloc(1, sizeof *s)) == NULL)
		return -ERR_FULL;
	*s = (struct survey){.e = e, .c = compare_new(n), .reach = reach,
	    .at = calloc(n, sizeof *s->at), .started = net_now(), .then = then, .arg = arg};
	if (s->c == NULL || s->at == NULL || !look_here(s)) {
		survey_free(s);
		return -ERR_FULL;
	}
	e->surveys++;
	s->open = 1;
	for (; s->known < n && mesh_member(e->mesh, s->known, &m); s->known++)
		know(s, &m);
	ask_all(s);
	return 0;
}
