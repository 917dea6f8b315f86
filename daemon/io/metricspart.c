/*
 * metricspart.c - see metricspart.h.
 */
#include "metricspart.h"

#include <stdio.h>
#include <stdlib.h>

#include "../core/ticks.h"
#include "collect.h"
#include "engine.h"
#include "metricsask.h"
#include "metricsread.h"

struct part {
	struct engine *e;
	struct blob bytes; /* what q borrows */
	struct metrics_question q;
	int64_t wall_ms;
	stream_done *done;
	void *arg;
};

static void
part_free(struct part *p)
{
	blob_free(&p->bytes);
	free(p);
}

/* Who asks looks where his own wall clock is: of a host whose clock is minutes behind there
 * would be nothing, and nobody would say that it is missing. */
static int64_t
wall_of(const struct engine *e, const struct metrics_question *q)
{
	return collect_wall_offset_ms(e) + ticks_apart(q->asked_ms, (int64_t)engine_wall_ms());
}

/* In a copy of the engine. */
static int
work(void *arg, struct blob *out, struct err *err)
{
	struct part *p = arg;

	return metricsread_part(p->e->series, p->wall_ms, &p->q, STREAM_BYTES_MAX, out, err);
}

static void
on_done(void *arg, const char *why, struct slice answer)
{
	struct part *p = arg;
	struct blob failed = {0};

	for (uint32_t i = 0; why == NULL && i < p->q.count; i++)
		metricsknown_add(&p->e->metrics_parts, p->q.texts[i]);
	if (why != NULL && metricscode_fail(why, &failed) == 0)
		answer = blob_slice(&failed);
	if (answer.len > 0)
		p->done(p->arg, 0, answer.b, answer.len);
	else
		p->done(p->arg, -ERR_FULL, NULL, 0);
	blob_free(&failed);
	part_free(p);
}

int
metricspart_start(struct engine *e, struct slice question, stream_done *done, void *arg)
{
	struct part *p = calloc(1, sizeof *p);
	int rc;

	if (p == NULL || blob_copy(&p->bytes, question) < 0) {
		free(p);
		return -ERR_FULL;
	}
	p->e = e;
	p->done = done;
	p->arg = arg;
	if ((rc = metricscode_asked(blob_slice(&p->bytes), &p->q)) == 0) {
		p->wall_ms = wall_of(e, &p->q);
		struct metricsrun_conf c = {.work = work,
		    .done = on_done,
		    .arg = p,
		    .out_max = STREAM_BYTES_MAX,
		    .wait_ms = p->q.wait_ms};

		rc = metricsrun_start(&e->metricsrun, &c);
	}
	if (rc < 0)
		part_free(p);
	return rc;
}

int
metricspart_now(struct engine *e, struct slice question, struct blob *answer)
{
	struct metrics_question q;
	int rc = metricscode_asked(question, &q);

	for (uint32_t i = 0; rc == 0 && i < q.count; i++)
		if (!metricsknown_is(&e->metrics_parts, q.texts[i]))
			return 0;
	if (rc == 0 && (rc = metricsread_small(e->series, wall_of(e, &q), &q, answer)) > 0)
		e->metricsrun.asked.at_once++;
	return rc;
}

/* --- for others ----------------------------------------------------------------- */

static void
on_served(void *arg, int rc, const uint8_t *data, size_t len)
{
	if (rc == 0)
		stream_answer_send(arg, data, len);
	else
		stream_answer_fail(arg, -rc);
}

static void
refuse(struct engine *e, int rc, struct stream_answer *answer)
{
	struct blob busy = {0};
	char why[64];

	snprintf(why, sizeof why, "busy: %u queries are under way", e->metricsrun.running + e->metricsrun.waiting);
	if (rc == -ERR_FULL && metricscode_fail(why, &busy) == 0)
		stream_answer_send(answer, busy.b, busy.len);
	else
		stream_answer_fail(answer, -rc);
	blob_free(&busy);
}

void
metricsask_serve(struct engine *e, const uint8_t *payload, size_t len, struct stream_answer *answer)
{
	struct slice question = {payload, len};
	struct blob now = {0};
	int rc = metricspart_now(e, question, &now);

	if (rc > 0) {
		stream_answer_send(answer, now.b, now.len);
		blob_free(&now);
	} else if (rc < 0 || (rc = metricspart_start(e, question, on_served, answer)) < 0) {
		refuse(e, rc, answer);
	}
}
