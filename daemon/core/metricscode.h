/*
 * metricscode.h - what nodes ask each other about their metrics, and answer, as bytes
 * (QUERY_METRICS of daemon/io/wire.h).  msgpack; what else an array holds at its end is
 * of a later version, and skipped.
 *
 *   question  [1, what, start_ms, end_ms, step_ms, [text...], name, wait_ms, asked_ms]
 *             EVAL: texts are the parts of prom_split.  Others: selectors, and none of
 *             them is all series; name is the label of VALUES, a metric
 *             of METADATA, or empty.  After wait_ms nobody waits for the answer.  asked_ms
 *             is what the asker's wall clock says (0, or not there: it is older)
 *   answer    [1, 0, "why"]                     it could not
 *             [1, 1, [[kind, [series...]]...]]  EVAL: a result for each part
 *             [1, 1, [bin...]]                  SERIES: labels, packed; LABELS, VALUES
 *             [1, 1, [[bin, type, bin]...]]     METADATA: metric, enum series_type, help
 *
 *   series    [labels bin, times bin, values bin]
 *
 *	times   +------------------+----------------+-- ...
 *	        | first, ms varint | ms since, >= 1 | of each that follows
 *	        +------------------+----------------+-- ...
 *	values  doubles, little endian, as many as times: NaN stays the NaN it is
 */
#ifndef CORE_METRICSCODE_H
#define CORE_METRICSCODE_H

#include "prom.h"

enum metrics_what {
	METRICS_EVAL,
	METRICS_SERIES,
	METRICS_LABELS,
	METRICS_VALUES,
	METRICS_METADATA,
	METRICS_WHAT_COUNT
};

enum { METRICS_TEXTS_MAX = 64, METRICS_MS_MAX_BITS = 52, METRICS_WAIT_MS_MAX = 10000 };

/* All slices are borrowed; of a question that was read, from its bytes. */
struct metrics_question {
	enum metrics_what what;
	struct prom_when when; /* 0 <= start <= end < 2^52; of all but EVAL step is 0 */
	uint32_t count;
	struct slice texts[METRICS_TEXTS_MAX];
	struct slice name;
	uint32_t wait_ms; /* 1..METRICS_WAIT_MS_MAX */
	int64_t asked_ms; /* 0 <= asked_ms < 2^52 */
};

/* At most max bytes: 0, -ERR_LONG, -ERR_FULL. */
MUST_CHECK int metricscode_ask(const struct metrics_question *q, size_t max, struct blob *out);
/* -ERR_MALFORMED, -ERR_RANGE. */
MUST_CHECK int metricscode_asked(struct slice bytes, struct metrics_question *q);

/* One of a list. */
struct metrics_item {
	struct slice key; /* labels, a label's name or value, a metric */
	enum series_type type; /* of METADATA, as help */
	struct slice help;
};

/* Answers: 0, -ERR_LONG (more than max bytes), -ERR_FULL. */
MUST_CHECK int metricscode_fail(const char *why, struct blob *out);
MUST_CHECK int metricscode_results(const struct prom_result *results, uint32_t count, size_t max,
    struct blob *out);
MUST_CHECK int metricscode_list(enum metrics_what what, const struct metrics_item *items,
    uint32_t count, size_t max, struct blob *out);

/* An answer taken apart; all but the two arrays points into its bytes. */
struct metrics_answer {
	struct slice why; /* it could not: not empty, and nothing else is there */
	struct prom_result *results; /* EVAL: count of them; owned, as what is in them */
	struct metrics_item *items;  /* else; owned */
	uint32_t count;
	void *memory;
};
/* The answer to what was asked, with that many parts.  -ERR_MALFORMED, -ERR_FULL; then
 * there is nothing to free. */
MUST_CHECK int metricscode_read(struct slice bytes, enum metrics_what what, uint32_t parts,
    struct metrics_answer *out);
void metricscode_free(struct metrics_answer *a);

#endif
