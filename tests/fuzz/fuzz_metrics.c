/*
 * fuzz_metrics.c - any bytes as what another node asks about metrics, and as what it
 * answers; the first byte says what was asked, and of how many parts.
 *
 * What is taken must pack to bytes that are taken again and pack the same.
 */
#include <stdlib.h>

#include "../../daemon/core/metricscode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

enum { MAX = 64 << 20 };

static void
must(bool ok)
{
	if (!ok)
		abort();
}

static void
fuzz_question(struct slice bytes)
{
	struct metrics_question q, again;
	struct blob b;

	if (metricscode_asked(bytes, &q) < 0)
		return;
	must(metricscode_ask(&q, MAX, &b) == 0);
	must(metricscode_asked(blob_slice(&b), &again) == 0);
	must(again.what == q.what && again.count == q.count && slice_eq(again.name, q.name));
	blob_free(&b);
}

static void
pack(const struct metrics_answer *a, enum metrics_what what, struct blob *out)
{
	char why[ERR_TEXT_CAP];

	if (a->why.len > 0) {
		size_t n = a->why.len < sizeof why - 1 ? a->why.len : sizeof why - 1;

		memcpy(why, a->why.b, n);
		why[n] = '\0';
		must(metricscode_fail(why, out) == 0);
	} else if (what == METRICS_EVAL) {
		must(metricscode_results(a->results, a->count, MAX, out) == 0);
	} else {
		must(metricscode_list(what, a->items, a->count, MAX, out) == 0);
	}
}

static void
fuzz_answer(struct slice bytes, enum metrics_what what, uint32_t parts)
{
	struct metrics_answer a, again;
	struct blob first, second;

	if (metricscode_read(bytes, what, parts, &a) < 0) {
		must(a.results == NULL && a.items == NULL && a.memory == NULL && a.count == 0);
		return;
	}
	pack(&a, what, &first);
	must(metricscode_read(blob_slice(&first), what, parts, &again) == 0);
	must(again.count == a.count);
	pack(&again, what, &second);
	must(slice_eq(blob_slice(&first), blob_slice(&second)));
	blob_free(&first);
	blob_free(&second);
	metricscode_free(&again);
	metricscode_free(&a);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	if (len == 0)
		return 0;
	fuzz_question((struct slice){data + 1, len - 1});
	fuzz_answer((struct slice){data + 1, len - 1},
	    (enum metrics_what)(data[0] % METRICS_WHAT_COUNT), data[0] / METRICS_WHAT_COUNT % 4);
	return 0;
}
