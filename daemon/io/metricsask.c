/*
 * metricsask.c - see metricsask.h.
 */
#include "metricsask.h"

#include <stdio.h>
#include <stdlib.h>

#include "engine.h"
#include "metricspart.h"
#include "metricsread.h"
#include "over.h"
#include "wire.h"

struct target {
	struct node_id id;
	char name[NAME_CAP];
	bool self;
	struct blob answer;
	char *why; /* owned; NULL while an answer may come, and when one did */
};

struct metricsask {
	struct metricsask *next; /* of e->metrics_askers */
	struct engine *e;
	uv_timer_t timer;
	bool timing, going, collected; /* going: who is asked is known */
	struct metrics_question q;
	struct blob text, words; /* words: what q borrows */
	bool one; /* of all members, only that */
	struct mesh_member only;
	struct prom *expr;
	struct prom_split *split;
	struct target *all;
	uint32_t count, asked, open, answered; /* open: calls that will still end */
	size_t bytes;
	msec until;
	uint64_t begun_ns;
	metricsask_then *then;
	void *arg;
};

struct call {
	struct metricsask *a;
	uint32_t target;
};

static void ask_more(struct metricsask *a);

/* --- its end ------------------------------------------------------------------- */

static void
ask_free(struct metricsask *a)
{
	for (uint32_t i = 0; i < a->count; i++) {
		blob_free(&a->all[i].answer);
		free(a->all[i].why);
	}
	free(a->all);
	prom_split_free(a->split);
	prom_free(a->expr);
	blob_free(&a->text);
	blob_free(&a->words);
	free(a);
}

static void
on_closed(uv_handle_t *h)
{
	ask_free(h->data);
}

/* When nothing of it is under way any more. */
static void
leave(struct metricsask *a)
{
	if (a->then == NULL && a->open == 0 && a->timing) {
		a->timing = false;
		uv_close((uv_handle_t *)&a->timer, on_closed);
	}
}

static void
finish(struct metricsask *a, int code, const char *why, struct slice answer)
{
	struct metricsask **at = &a->e->metrics_askers;
	struct metricsrun_asked *told = &a->e->metricsrun.asked;
	metricsask_then *then = a->then;

	while (*at != a)
		at = &(*at)->next;
	*at = a->next;
	a->e->metrics_asking--;
	told->answered += why == NULL;
	told->failed += why != NULL;
	told->us += (uv_hrtime() - a->begun_ns) / 1000;
	a->then = NULL;
	then(a->arg, code, why, answer);
	leave(a);
}

/* --- merging ------------------------------------------------------------------- */

static int
merge_by(const struct metricsask *a, bool small, struct blob *out, struct err *err)
{
	struct metricsread_node *nodes = calloc((size_t)a->count + 1, sizeof *nodes);

	if (nodes == NULL)
		return err_set(err, 1, "no memory");
	for (uint32_t i = 0; i < a->count; i++)
		nodes[i] = (struct metricsread_node){
		    a->all[i].name, a->all[i].why, blob_slice(&a->all[i].answer)};
	int rc = metricsread_merge(&a->q, blob_slice(&a->text), nodes, a->count, small, out, err);
	free(nodes);
	return rc;
}

/* In a copy of the engine. */
static int
merge(void *arg, struct blob *out, struct err *err)
{
	return merge_by(arg, false, out, err);
}

static void
on_merged(void *arg, const char *why, struct slice answer)
{
	finish(arg, 1, why, answer);
}

static void
collect(struct metricsask *a)
{
	struct metricsrun_conf c = {.work = merge,
	    .done = on_merged,
	    .arg = a,
	    .out_max = METRICSASK_OUT_MAX,
	    .wait_ms = METRICSASK_MERGE_MS,
	    .at_once = true};
	struct blob out = {0};
	struct err err;

	a->collected = true;
	uv_timer_stop(&a->timer);
	if (merge_by(a, true, &out, &err) == 0)
		finish(a, 0, NULL, blob_slice(&out));
	else if (metricsrun_start(&a->e->metricsrun, &c) < 0)
		finish(a, 1, "no copy of the engine can be made to merge the answers: is this host out of memory?",
		    (struct slice){0});
	blob_free(&out);
}

static void
look(struct metricsask *a)
{
	if (!a->collected && a->answered == a->count)
		collect(a);
}

/* --- answers ------------------------------------------------------------------- */

static void
silent(struct metricsask *a, struct target *t, const char *why)
{
	if (t->why == NULL && t->answer.b == NULL && (t->why = strdup(why)) != NULL)
		a->answered++;
}

static void
take(struct metricsask *a, struct target *t, struct slice answer)
{
	char why[128];

	if (a->collected || t->why != NULL || t->answer.b != NULL)
		return;
	if (a->bytes + answer.len > METRICSASK_BYTES_MAX)
		snprintf(why, sizeof why, "the answers of all nodes are more than %d MiB: narrow the selector, or take a longer step",
		    METRICSASK_BYTES_MAX >> 20);
	else if (answer.len == 0 || blob_copy(&t->answer, answer) < 0)
		snprintf(why, sizeof why, "no memory for its answer");
	else {
		a->bytes += answer.len;
		a->answered++;
		return;
	}
	silent(a, t, why);
}

static const char *
why_of(int rc)
{
	return rc == -ERR_UNKNOWN ? "its meshd knows no metrics: it is older" : stream_error(rc);
}

static void
on_answer(void *arg, int rc, const uint8_t *data, size_t len)
{
	struct call *c = arg;
	struct metricsask *a = c->a;
	struct engine *e = a->e;
	struct target *t = &a->all[c->target];

	free(c);
	a->open--;
	if (!t->self)
		e->metrics_open--;
	if (rc == 0)
		take(a, t, (struct slice){data, len});
	else if (!a->collected)
		silent(a, t, why_of(rc));
	look(a);
	leave(a);
	for (a = e->metrics_askers; a != NULL && e->metrics_open < METRICSASK_OPEN_MAX; a = a->next)
		ask_more(a);
}

static void
on_deadline(uv_timer_t *timer)
{
	struct metricsask *a = timer->data;
	char why[64];

	snprintf(why, sizeof why, "did not answer within %u ms", a->q.wait_ms);
	for (uint32_t i = 0; i < a->count; i++) {
		uint32_t before = a->answered;

		silent(a, &a->all[i], why);
		a->e->metricsrun.asked.late += a->answered - before;
	}
	a->asked = a->count;
	if (!a->collected)
		collect(a);
}

/* --- asking -------------------------------------------------------------------- */

static void
ask(struct metricsask *a, uint32_t i)
{
	struct target *t = &a->all[i];
	struct metrics_question q = a->q;
	struct call *c = malloc(sizeof *c);
	msec left = a->until - net_now();
	struct blob b = {0}, now = {0};
	int rc = -ERR_FULL;

	q.wait_ms = left > 1 ? (uint32_t)left : 1;
	q.asked_ms = (int64_t)engine_wall_ms();
	if (c != NULL && (rc = metricscode_ask(&q, STREAM_ASK_BYTES_MAX - OVER_ASK_BYTES, &b)) == 0) {
		struct over_question over = {QUERY_METRICS, false, b.b, b.len, q.wait_ms};

		*c = (struct call){a, i};
		if (t->self && metricspart_now(a->e, blob_slice(&b), &now) > 0)
			take(a, t, blob_slice(&now));
		else if (t->self)
			rc = metricspart_start(a->e, blob_slice(&b), on_answer, c);
		else if (!over_ask(a->e, &t->id, &over, on_answer, c))
			rc = -ERR_FULL;
	}
	blob_free(&b);
	if (now.b != NULL) {
		blob_free(&now);
		free(c);
		return;
	}
	if (rc < 0) {
		free(c);
		silent(a, t, rc == -ERR_LONG ? "the expression is too long to be asked of others" :
					       "can't be asked: too much is under way here");
		return;
	}
	a->open++;
	if (!t->self)
		a->e->metrics_open++;
}

static void
ask_more(struct metricsask *a)
{
	if (!a->going)
		return;
	while (a->asked < a->count && a->e->metrics_open < METRICSASK_OPEN_MAX) {
		uint32_t i = a->asked++;

		if (a->all[i].why == NULL)
			ask(a, i);
	}
	look(a);
}

/* --- who, and what ------------------------------------------------------------- */

static int
by_name(const void *a, const void *b)
{
	const struct target *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static void
know(struct metricsask *a, const struct mesh_member *m)
{
	struct target *t = &a->all[a->count];

	if (m->state == MESH_LEFT)
		return;
	*t = (struct target){.id = m->id, .self = m->self};
	snprintf(t->name, sizeof t->name, "%s", m->name);
	a->count++;
	if (m->state == MESH_FAILED)
		silent(a, t, "it is failed");
}

static int
know_all(struct metricsask *a)
{
	struct engine *e = a->e;
	uint32_t n = e->mesh != NULL ? mesh_count(e->mesh) : 1;
	struct mesh_member m = {.self = true, .id = e->identity.id};

	if (a->q.what == METRICS_EVAL && a->q.count == 0)
		return 0; /* it asks of no series */
	if ((a->all = calloc(n, sizeof *a->all)) == NULL)
		return -1;
	if (a->one) {
		know(a, &a->only);
	} else if (e->mesh == NULL) {
		snprintf(m.name, sizeof m.name, "%s", e->conf.name);
		know(a, &m);
	} else {
		for (uint32_t i = 0; i < n && mesh_member(e->mesh, i, &m); i++)
			know(a, &m);
		qsort(a->all, a->count, sizeof *a->all, by_name);
	}
	return 0;
}

/* The expression and its parts. */
static int
parse(struct metricsask *a, struct err *err)
{
	struct slice text = blob_slice(&a->text);

	if ((a->expr = prom_parse((const char *)text.b, text.len, err)) == NULL ||
	    (a->split = prom_split(a->expr, err)) == NULL) {
		err->code = EXIT_USAGE_;
		return -1;
	}
	if (a->q.when.step_ms > 0 && (prom_kind(a->expr) == PROM_MATRIX || prom_kind(a->expr) == PROM_STRING))
		return err_set(err, EXIT_USAGE_, "1:1: invalid expression type \"%s\" for range query, must be Scalar or instant Vector",
		    prom_kind(a->expr) == PROM_MATRIX ? "range vector" : "string");
	a->q.count = prom_split_parts(a->split);
	err->code = 1;
	if (a->q.count > METRICS_TEXTS_MAX)
		return err_set(err, 1, "it is made of more than %d parts: ask for less at once",
		    METRICS_TEXTS_MAX);
	for (uint32_t i = 0; i < a->q.count; i++)
		a->q.texts[i] = slice_of(prom_split_part(a->split, i));
	return 0;
}

/* What a question borrows, in memory of its own. */
static int
keep_words(struct metricsask *a)
{
	size_t n = a->q.name.len + 1;

	for (uint32_t i = 0; i < a->q.count; i++)
		n += a->q.texts[i].len;
	struct blob words = {malloc(n), 0};
	if (words.b == NULL)
		return -1;
	for (uint32_t i = 0; i <= a->q.count; i++) {
		struct slice *s = i < a->q.count ? &a->q.texts[i] : &a->q.name;

		if (s->len > 0)
			memcpy(words.b + words.len, s->b, s->len);
		s->b = words.b + words.len;
		words.len += s->len;
	}
	blob_free(&a->words);
	a->words = words;
	return 0;
}

/* The engine may parse it, and who is to be asked is known. */
static void
go(struct metricsask *a)
{
	msec left = a->until - net_now();
	struct err err = {.code = 1};
	int rc = 0;

	if (a->q.what == METRICS_EVAL)
		rc = parse(a, &err);
	if (rc == 0 && (keep_words(a) < 0 || know_all(a) < 0))
		rc = err_set(&err, 1, "no memory");
	if (rc < 0) {
		finish(a, err.code, err.text, (struct slice){0});
		return;
	}
	a->going = true;
	uv_timer_start(&a->timer, on_deadline, left > 1 ? (uint64_t)left : 1, 0);
	ask_more(a);
}

/* In a copy of the engine: it ends, and is an expression, or why it is none. */
static int
try_it(void *arg, struct blob *out, struct err *err)
{
	(void)out;
	return parse(arg, err);
}

static void
on_tried(void *arg, const char *why, struct slice none)
{
	struct metricsask *a = arg;

	if (why == NULL) {
		metricsknown_add(&a->e->metrics_asked, blob_slice(&a->text));
		go(a);
	} else {
		/* "1:14: parse error" is the expression's; all else happened to the copy. */
		finish(a, why[0] >= '0' && why[0] <= '9' ? EXIT_USAGE_ : 1, why, none);
	}
}

/* From the loop: nothing is answered from inside metricsask_start. */
static void
on_start(uv_timer_t *timer)
{
	struct metricsask *a = timer->data;
	struct metricsrun_conf c = {.work = try_it,
	    .done = on_tried,
	    .arg = a,
	    .out_max = 1,
	    .wait_ms = a->q.wait_ms};

	if (a->q.what != METRICS_EVAL || metricsknown_is(&a->e->metrics_asked, blob_slice(&a->text)))
		go(a);
	else if (metricsrun_start(&a->e->metricsrun, &c) < 0)
		finish(a, 1, "busy: too many queries are under way", (struct slice){0});
}

int
metricsask_start(struct engine *e, const struct metricsask_conf *conf, metricsask_then *then,
    void *arg, struct err *err)
{
	struct metricsask *a;
	if (e->metrics_asking >= METRICSASK_MAX && ++e->metricsrun.asked.refused)
		return err_set(err, 1, "busy: %d queries are under way", METRICSASK_MAX);
	if ((a = calloc(1, sizeof *a)) == NULL)
		return err_set(err, 1, "no memory");
	a->e = e;
	a->q = conf->q;
	a->then = then;
	a->arg = arg;
	a->begun_ns = uv_hrtime();
	a->until = net_now() + conf->q.wait_ms;
	a->one = conf->only != NULL;
	if (a->one)
		a->only = *conf->only;
	if (blob_copy(&a->text, conf->text) < 0 || keep_words(a) < 0) {
		ask_free(a);
		return err_set(err, 1, "no memory");
	}
	a->next = e->metrics_askers;
	e->metrics_askers = a;
	e->metrics_asking++;
	uv_timer_init(e->loop, &a->timer);
	a->timer.data = a;
	a->timing = true;
	uv_timer_start(&a->timer, on_start, 0, 0);
	return 0;
}
