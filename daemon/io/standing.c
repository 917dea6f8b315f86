/*
 * standing.c - see standing.h.
 */
#include "standing.h"

#include <stdio.h>
#include <stdlib.h>

#include "../core/metricscode.h"
#include "../core/standard.h"
#include "collect.h"
#include "engine.h"
#include "metricspart.h"
#include "metricsread.h"

enum { EVERY_S = 10, EAGER_S = 20, WAIT_MS = 5000, TEXT_CAP = 512, RANGE_CAP = 16 };

/* A copy's answer, on its way. */
struct asking {
	struct engine *e;
	uint32_t row;
};

static void
take(struct engine *e, uint32_t row, struct slice answer)
{
	struct metrics_answer a;
	bool ok = metricscode_read(answer, METRICS_EVAL, 1, &a) == 0;

	standard_take(row, ok && a.why.len == 0 ? &a.results[0] : NULL, e->metrics.standard);
	if (ok)
		metricscode_free(&a);
}

static void
on_answer(void *arg, int rc, const uint8_t *data, size_t len)
{
	struct asking *q = arg;

	q->e->standing.asking = false;
	if (rc == 0)
		take(q->e, q->row, (struct slice){data, len});
	free(q);
}

/* By a copy, one at a time: what finds another at it comes with its next turn. */
static void
ask(struct engine *e, uint32_t row, const struct metrics_question *question)
{
	struct asking *q = e->standing.asking ? NULL : calloc(1, sizeof *q);
	struct blob bytes = {0};

	if (q == NULL || metricscode_ask(question, STREAM_ASK_BYTES_MAX, &bytes) < 0) {
		free(q);
		return;
	}
	*q = (struct asking){e, row};
	e->standing.asking = metricspart_start(e, blob_slice(&bytes), on_answer, q) == 0;
	if (!e->standing.asking)
		free(q);
	blob_free(&bytes);
}

/* The row's expression, over no longer than this node has looked: a rate over a minute of
 * which there are ten seconds is a sixth of what it was, and says that the host is idle. */
static struct slice
text_of(const struct standing *s, uint32_t row, int64_t tick, char text[TEXT_CAP])
{
	static const struct {
		const char *range;
		int64_t ticks;
	} ranges[] = {{"[1m]", 60}, {"[10s]", 10}};
	const char *at = standard_rows[row].expr;
	int64_t age = tick - s->began;
	size_t n = 0;

	while (*at != '\0' && n + RANGE_CAP < TEXT_CAP) {
		size_t i = 0;

		while (i < ARRAY_LEN(ranges) && strncmp(at, ranges[i].range, strlen(ranges[i].range)) != 0)
			i++;
		if (i < ARRAY_LEN(ranges) && age >= 1 && age < ranges[i].ticks) {
			n += (size_t)snprintf(text + n, RANGE_CAP, "[%ds]", (int)age);
			at += strlen(ranges[i].range);
		} else {
			text[n++] = *at++;
		}
	}
	return (struct slice){(const uint8_t *)text, n};
}

static void
evaluate(struct engine *e, uint32_t row, int64_t wall_ms)
{
	int64_t now_ms = collect_tick(e) * 1000 + wall_ms;
	char text[TEXT_CAP];
	const struct metrics_question q = {.what = METRICS_EVAL,
	    .when = {now_ms, now_ms, 0},
	    .count = 1,
	    .texts = {text_of(&e->standing, row, collect_tick(e), text)},
	    .wait_ms = WAIT_MS};
	struct blob answer = {0};

	if (!metricsread_small(e->series, wall_ms, &q, &answer)) {
		ask(e, row, &q);
		return;
	}
	take(e, row, blob_slice(&answer));
	blob_free(&answer);
}

void
standing_second(struct engine *e)
{
	struct standing *s = &e->standing;
	int64_t wall_ms = collect_wall_offset_ms(e); /* asked once: a sample of now is no later than now */

	if (collect_tick(e) > 0 && collect_tick(e) * 1000 + wall_ms > 0) {
		if (s->turn++ == 0)
			s->began = collect_tick(e);
		for (uint32_t row = 0; row < VIEW_STANDARD_COUNT; row = standard_next(row))
			if (row % EVERY_S == s->turn % EVERY_S ||
			    (s->turn <= EAGER_S && e->metrics.standard[row] == 0))
				evaluate(e, row, wall_ms);
	}
	standard_settle(&s->told, &e->metrics);
}
