/*
 * answers.c - see answers.h.
 */
#include "answers.h"

#include <stdlib.h>

#include "../base/log.h"
#include "collect.h"
#include "engine.h"
#include "metricspart.h"
#include "metricsread.h"

/* A copy's answer, on its way. */
struct asking {
	struct engine *e;
	uint64_t turn;
	size_t entry;
	int64_t now_ms;
};

static int64_t
wall_ms(const struct engine *e)
{
	/* At the tick that was sampled: all that is there by then is there. */
	return collect_tick(e) * 1000 + collect_wall_offset_ms(e);
}

/* Takes bytes.  Rows are made anew: entries come by name, and so do they. */
static void
keep(struct engine *e, size_t entry, struct blob bytes)
{
	struct answers *a = &e->answers;

	blob_free(&a->states[entry].bytes);
	a->states[entry].bytes = bytes;
	a->count = 0;
	for (size_t i = 0; i < a->query.count; i++) {
		struct view_answer *row = &a->rows[a->count];

		if (a->states[i].bytes.len == 0)
			continue;
		*row = (struct view_answer){.mark = a->query.entries[i].mark, .bytes = a->states[i].bytes};
		memcpy(row->name, a->query.entries[i].name, sizeof row->name);
		a->count++;
	}
}

static void
take(struct engine *e, size_t entry, int64_t now_ms, struct slice answer)
{
	const struct query_entry *x = &e->answers.query.entries[entry];
	struct answers_state *s = &e->answers.states[entry];
	struct blob bytes = {0};
	int rc = query_pack(x, now_ms, answer, &bytes);

	if (rc < 0 && !s->refused)
		log_warn("query.%s: %s; this node gives no answer to it", x->name,
		    rc == -ERR_LONG ? "its answer is more than 12 KiB or 1000 series: aggregate it by fewer labels" :
				      "it can't be evaluated here: mesh metrics says why");
	s->refused = rc < 0;
	keep(e, entry, bytes);
}

static void
on_answer(void *arg, int rc, const uint8_t *data, size_t len)
{
	struct asking *q = arg;
	struct engine *e = q->e;

	if (q->turn == e->answers.turn) {
		e->answers.states[q->entry].asking = false;
		if (rc == 0)
			take(e, q->entry, q->now_ms, (struct slice){data, len});
	}
	free(q);
}

/* By a copy.  Too many wait: a second later then. */
static void
ask(struct engine *e, size_t entry, int64_t now_ms, const struct metrics_question *question)
{
	struct asking *q = calloc(1, sizeof *q);
	struct blob bytes = {0};

	if (q == NULL || metricscode_ask(question, STREAM_ASK_BYTES_MAX, &bytes) < 0) {
		free(q);
		return;
	}
	*q = (struct asking){e, e->answers.turn, entry, now_ms};
	if (metricspart_start(e, blob_slice(&bytes), on_answer, q) == 0)
		e->answers.states[entry].asking = true;
	else
		free(q);
	blob_free(&bytes);
}

void
answers_measure(struct engine *e)
{
	struct answers *a = &e->answers;
	size_t count = a->query.count, now = count < ANSWERS_AT_ONCE ? count : ANSWERS_AT_ONCE;
	int64_t now_ms = wall_ms(e);

	if (collect_tick(e) == 0)
		return;
	for (size_t k = 0; k < now; k++) {
		size_t i = a->next++ % count;
		struct metrics_question question;
		struct blob answer = {0};

		if (a->states[i].asking || !query_question(&a->query.entries[i], now_ms, &question))
			continue;
		if (!metricsread_small(e->series, collect_wall_offset_ms(e), &question, &answer)) {
			ask(e, i, now_ms, &question);
			continue;
		}
		take(e, i, now_ms, blob_slice(&answer));
		blob_free(&answer);
	}
}

void
answers_take(struct engine *e, struct slice query)
{
	struct answers *a = &e->answers;
	struct query_set fresh;

	if (query_read(query, &fresh) < 0)
		log_warn("the query of the schedule in force can't be read: nothing is answered");
	if (query_eq(&fresh, &a->query)) {
		query_free(&fresh);
		return;
	}
	for (size_t i = 0; i < VIEW_ANSWERS_MAX; i++)
		blob_free(&a->states[i].bytes);
	memset(a->states, 0, sizeof a->states);
	a->count = 0;
	a->turn++;
	query_free(&a->query);
	a->query = fresh;
	answers_measure(e);
	engine_report_soon(e);
}
