/*
 * metricsverb.c - see metricsverb.h.
 */
#include "metricsverb.h"

#include <stdio.h>
#include <stdlib.h>

#include "engine.h"
#include "looks.h"
#include "metricsask.h"
#include "metricsread.h"
#include "pack.h"

enum { HOUR_MS = 3600 * 1000 };

struct asking {
	struct ctl_req *r;
	msec started;
};

static void
then(void *arg, int code, const char *why, struct slice answer)
{
	struct asking *v = arg;
	struct ctl_req *r = v->r;
	msec took = net_now() - v->started;
	msgpack_packer *pk;

	free(v);
	if (why != NULL) {
		ctl_fail(r, code, "", "%s: %s", r->verb, why);
		return;
	}
	pk = ctl_begin(r);
	pk_raw(pk, answer.b, answer.len);
	pk_kint(pk, "took_ms", took);
	ctl_end(r);
}

/* Who is asked alone; false: there is no such node, and that is said. */
static bool
read_node(struct engine *e, struct ctl_req *r, struct metricsask_conf *c, struct mesh_member *only)
{
	char name[NAME_CAP];

	if (!ctl_arg_has(r, "node"))
		return true;
	if (e->mesh != NULL) {
		c->only = only;
		return looks_find_asked(e, r, "node", "mesh members", only);
	}
	if (ctl_arg_str(r, "node", name, sizeof name) && strcmp(name, e->conf.name) == 0)
		return true;
	ctl_fail(r, 1, "mesh join", "%s: this host is in no mesh, and knows of '%s' alone", r->verb, e->conf.name);
	return false;
}

static void
start(struct engine *e, struct ctl_req *r, struct metricsask_conf *c)
{
	struct asking *v = malloc(sizeof *v);
	struct mesh_member only;
	struct err err;

	if (!read_node(e, r, c, &only)) {
		free(v);
		return;
	}
	if (v == NULL) {
		ctl_fail(r, 1, "", "%s: out of memory", r->verb);
		return;
	}
	*v = (struct asking){r, net_now()};
	if (metricsask_start(e, c, then, v, &err) < 0) {
		free(v);
		ctl_fail(r, err.code, "", "%s: %s", r->verb, err.text);
	}
}

/* start_ms, end_ms, timeout_ms, as they are or as they are meant when they are not there. */
static bool
read_times(struct ctl_req *r, int64_t ago_ms, struct metrics_question *q)
{
	int64_t end = (int64_t)engine_wall_ms(), start, wait = METRICSASK_MS;
	int64_t most = INT64_C(1) << METRICS_MS_MAX_BITS;

	(void)ctl_arg_int(r, "end_ms", &end);
	if (end < 0 || end >= most) {
		ctl_fail(r, EXIT_USAGE_, "", "%s: end_ms is no time", r->verb);
		return false;
	}
	start = end > ago_ms ? end - ago_ms : 0;
	(void)ctl_arg_int(r, "start_ms", &start);
	if (!ctl_arg_has(r, "end_ms") && ctl_arg_has(r, "start_ms") && ago_ms == 0)
		end = start;
	(void)ctl_arg_int(r, "timeout_ms", &wait);
	if (start < 0 || start > end) {
		ctl_fail(r, EXIT_USAGE_, "", "%s: no time from start_ms to end_ms", r->verb);
		return false;
	}
	if (wait < 1 || wait > METRICS_WAIT_MS_MAX) {
		ctl_fail(r, EXIT_USAGE_, "", "%s: timeout_ms is not within 1..%d", r->verb, METRICS_WAIT_MS_MAX);
		return false;
	}
	q->when = (struct prom_when){start, end, 0};
	q->wait_ms = (uint32_t)wait;
	return true;
}

void
metricsverb_metrics(struct engine *e, struct ctl_req *r)
{
	struct metricsask_conf c = {.q.what = METRICS_EVAL};
	struct prom_when *w = &c.q.when;
	int64_t step = 0;

	if (!ctl_arg_slice(r, "expr", &c.text) || c.text.len == 0 || c.text.len > PROM_TEXT_BYTES_MAX) {
		ctl_fail(r, EXIT_USAGE_, "mesh metrics 'up'", "metrics: no expression of 1 to %d bytes",
		    PROM_TEXT_BYTES_MAX);
		return;
	}
	if (!read_times(r, 0, &c.q))
		return;
	(void)ctl_arg_int(r, "step_ms", &step);
	if (step < 0 || step >= INT64_C(1) << METRICS_MS_MAX_BITS || (step == 0 && w->start_ms != w->end_ms)) {
		ctl_fail(r, EXIT_USAGE_, "", "metrics: a range needs a step_ms above 0, and below 2^%d", METRICS_MS_MAX_BITS);
		return;
	}
	if (step > 0 && ((w->end_ms - w->start_ms) / step >= PROM_STEPS_MAX)) {
		ctl_fail(r, EXIT_USAGE_, "take a longer step, or a shorter range",
		    "metrics: more than %d steps", PROM_STEPS_MAX);
		return;
	}
	w->step_ms = step;
	start(e, r, &c);
}

/* Selectors are judged here too: who asks is told once, and not by each node. */
static bool
read_match(struct ctl_req *r, struct metrics_question *q)
{
	int n = ctl_arg_list(r, "match", q->texts, METRICS_TEXTS_MAX);
	struct err err;

	for (int i = 0; i < n; i++) {
		struct prom *p = NULL;

		if (q->texts[i].len > PROM_TEXT_BYTES_MAX)
			err_set(&err, 1, "longer than %d bytes", PROM_TEXT_BYTES_MAX);
		else if (!metricsread_is_selector(q->texts[i]))
			err_set(&err, 1, "match takes selectors: up{job=\"x\"}");
		else if ((p = prom_parse((const char *)q->texts[i].b, q->texts[i].len, &err)) != NULL) {
			prom_free(p);
			continue;
		}
		ctl_fail(r, EXIT_USAGE_, "", "%s: %s", r->verb, err.text);
		return false;
	}
	if (n < 0)
		ctl_fail(r, EXIT_USAGE_, "", "%s: match is no list of at most %d selectors", r->verb,
		    METRICS_TEXTS_MAX);
	else
		q->count = (uint32_t)n;
	return n >= 0;
}

static void
list(struct engine *e, struct ctl_req *r, enum metrics_what what)
{
	struct metricsask_conf c = {.q.what = what};

	if (read_times(r, HOUR_MS, &c.q) && read_match(r, &c.q))
		start(e, r, &c);
}

void
metricsverb_series(struct engine *e, struct ctl_req *r)
{
	list(e, r, METRICS_SERIES);
}

void
metricsverb_labels(struct engine *e, struct ctl_req *r)
{
	list(e, r, METRICS_LABELS);
}

void
metricsverb_values(struct engine *e, struct ctl_req *r)
{
	struct metricsask_conf c = {.q.what = METRICS_VALUES};

	if (!ctl_arg_slice(r, "name", &c.q.name) || !labels_is_label(c.q.name) ||
	    c.q.name.len > LABEL_NAME_BYTES_MAX)
		ctl_fail(r, EXIT_USAGE_, "", "label_values: name is no label's name");
	else if (read_times(r, HOUR_MS, &c.q) && read_match(r, &c.q))
		start(e, r, &c);
}

void
metricsverb_metadata(struct engine *e, struct ctl_req *r)
{
	struct metricsask_conf c = {.q.what = METRICS_METADATA};

	if (ctl_arg_slice(r, "metric", &c.q.name) && c.q.name.len > LABEL_VALUE_BYTES_MAX)
		ctl_fail(r, EXIT_USAGE_, "", "metadata: metric is no metric's name");
	else if (read_times(r, HOUR_MS, &c.q))
		start(e, r, &c);
}
