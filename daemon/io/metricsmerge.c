/*
 * metricsmerge.c - see metricsread.h: the answers of all nodes, put together.
 */
#include <msgpack.h>
#include <stdio.h>
#include <stdlib.h>

#include "metricsarena.h"
#include "metricsread.h"
#include "pack.h"

static const char *const kinds[] = {
    [PROM_SCALAR] = "scalar", [PROM_VECTOR] = "vector", [PROM_MATRIX] = "matrix", [PROM_STRING] = "string"};
static const char *const types[] = {[SERIES_UNTYPED] = "unknown",
    [SERIES_COUNTER] = "counter",
    [SERIES_GAUGE] = "gauge",
    [SERIES_HISTOGRAM] = "histogram",
    [SERIES_SUMMARY] = "summary",
    [SERIES_INFO] = "info",
    [SERIES_STATESET] = "stateset"};

/* An answer, or why there is none; by node. */
struct heard {
	struct metrics_answer a;
	char why[ERR_TEXT_CAP];
};

/* Every series that it tells of is its own. */
static bool
is_own(const struct metrics_answer *a, struct slice node)
{
	for (uint32_t i = 0; i < a->count; i++) {
		struct slice of = labels_find(a->items[i].key, slice_of("node"));

		if (of.len > 0 && !slice_eq(of, node))
			return false;
	}
	return true;
}

/* split: of EVAL. */
static const char *
judge(const struct metrics_question *q, const struct prom_split *split, const struct metrics_answer *a, const char *node)
{
	int rc = 0;

	if (q->what == METRICS_EVAL)
		rc = prom_split_judge(split, a->results, slice_of(node));
	else if (q->what == METRICS_SERIES && !is_own(a, slice_of(node)))
		rc = -ERR_MALFORMED;
	return rc == 0 ? "" : rc == -ERR_FULL ? "no memory for its answer" : "answered with series that can't be its own";
}

/* How many answered. */
static uint32_t
hear(const struct metrics_question *q, const struct prom_split *split, const struct metricsread_node *nodes,
    uint32_t count, struct heard *out)
{
	uint32_t answered = 0;
	const char *last = NULL; /* who answered; they come by name */

	for (uint32_t i = 0; i < count; i++) {
		struct heard *h = &out[i];
		int rc = 0;

		if (nodes[i].why != NULL)
			snprintf(h->why, sizeof h->why, "%s", nodes[i].why);
		else if ((rc = metricscode_read(nodes[i].answer, q->what, q->count, &h->a)) < 0)
			snprintf(h->why, sizeof h->why, "%s",
			    rc == -ERR_FULL ? "no memory for its answer" : "gave a malformed answer");
		else if (h->a.why.len > 0)
			err_escape(h->why, sizeof h->why, (const char *)h->a.why.b, h->a.why.len);
		else if (last != NULL && strcmp(last, nodes[i].name) == 0)
			snprintf(h->why, sizeof h->why, "another node of this name answered");
		else
			snprintf(h->why, sizeof h->why, "%s", judge(q, split, &h->a, nodes[i].name));
		if (h->why[0] == '\0') {
			answered++;
			last = nodes[i].name;
		}
	}
	return answered;
}

/* --- what is told ------------------------------------------------------------------ */

static void
pack_slice(msgpack_packer *pk, struct slice s)
{
	pk_strn(pk, (const char *)s.b, s.len);
}

static void
pack_labels(msgpack_packer *pk, struct slice packed)
{
	struct labels set = {0};

	if (packed.len > 0 && labels_read(packed, &set) < 0)
		set.count = 0;
	msgpack_pack_map(pk, set.count);
	for (uint32_t i = 0; i < set.count; i++) {
		pack_slice(pk, set.items[i].name);
		pack_slice(pk, set.items[i].value);
	}
}

static void
pack_result(msgpack_packer *pk, const struct prom_result *r)
{
	pk_kstr(pk, "kind", kinds[r->kind]);
	pk_str(pk, "text");
	if (r->kind == PROM_STRING)
		pk_strn(pk, (const char *)r->text.b, r->text.len);
	else
		msgpack_pack_nil(pk);
	pk_str(pk, "series");
	msgpack_pack_array(pk, r->count);
	for (uint32_t i = 0; i < r->count; i++) {
		const struct prom_series *s = &r->series[i];

		msgpack_pack_map(pk, 2);
		pk_str(pk, "labels");
		pack_labels(pk, s->labels);
		pk_str(pk, "points");
		msgpack_pack_array(pk, s->count);
		for (uint32_t k = 0; k < s->count; k++) {
			msgpack_pack_array(pk, 2);
			msgpack_pack_int64(pk, s->at_ms[k]);
			msgpack_pack_double(pk, s->values[k]);
		}
	}
}

static void
pack_items(msgpack_packer *pk, enum metrics_what what, const struct metrics_item *items, size_t count)
{
	pk_str(pk, "data");
	msgpack_pack_array(pk, count);
	for (size_t i = 0; i < count; i++) {
		if (what == METRICS_SERIES) {
			pack_labels(pk, items[i].key);
		} else if (what == METRICS_METADATA) {
			msgpack_pack_map(pk, 3);
			pk_str(pk, "metric");
			pack_slice(pk, items[i].key);
			pk_kstr(pk, "type", types[items[i].type]);
			pk_str(pk, "help");
			pack_slice(pk, items[i].help);
		} else {
			pack_slice(pk, items[i].key);
		}
	}
}

static void
pack_missing(msgpack_packer *pk, const struct metricsread_node *nodes, const struct heard *heard,
    uint32_t count, uint32_t answered)
{
	pk_kuint(pk, "nodes", answered);
	pk_str(pk, "missing");
	msgpack_pack_array(pk, count - answered);
	for (uint32_t i = 0; i < count; i++) {
		if (heard[i].why[0] == '\0')
			continue;
		msgpack_pack_map(pk, 2);
		pk_kstr(pk, "node", nodes[i].name);
		pk_kstr(pk, "why", heard[i].why);
	}
}

/* --- putting together ---------------------------------------------------------------- */

static int
nobody(const struct metricsread_node *nodes, const struct heard *heard, uint32_t count,
    struct err *err)
{
	if (count == 1)
		return err_set(err, 1, "node %s: %s", nodes[0].name, heard[0].why);
	return err_set(err, 1, "none of %u nodes answered; node %s: %s", count, nodes[0].name,
	    heard[0].why);
}

static int
merge_results(const struct metrics_question *q, const struct prom_split *split,
    const struct heard *heard, uint32_t count, uint32_t answered, bool small,
    struct prom_result *out, struct err *err)
{
	static const struct prom_limits large = {2 * METRICSREAD_BYTES, METRICSREAD_WORK};
	static const struct prom_limits few = {METRICSREAD_SMALL_BYTES, METRICSREAD_SMALL_WORK};
	uint32_t n = 0;
	struct prom_result *all = calloc((size_t)answered * q->count + 1, sizeof *all);
	int rc;

	if (all == NULL)
		return err_set(err, 1, "no memory for the answers of %u nodes", answered);
	for (uint32_t i = 0; i < count; i++)
		if (heard[i].why[0] == '\0' && q->count > 0)
			memcpy(all + q->count * (size_t)n++, heard[i].a.results,
			    q->count * sizeof *all);
	rc = prom_merge(split, &q->when, all, n, small ? &few : &large, out, err);
	free(all);
	return rc;
}

static int
merge_eval(const struct metrics_question *q, const struct prom_split *split, const struct heard *heard,
    uint32_t count, uint32_t answered, bool small, msgpack_packer *pk, struct err *err)
{
	struct prom_result r = {0};
	int rc = merge_results(q, split, heard, count, answered, small, &r, err);

	if (rc == 0)
		pack_result(pk, &r);
	prom_result_free(&r);
	return rc;
}

static int
merge_items(const struct metrics_question *q, const struct heard *heard, uint32_t count,
    msgpack_packer *pk, struct err *err)
{
	struct metrics_item *all;
	size_t n = 0, all_n = 0;

	for (uint32_t i = 0; i < count; i++)
		all_n += heard[i].a.count;
	if ((all = calloc(all_n + 1, sizeof *all)) == NULL)
		return err_set(err, 1, "no memory for %zu answers: narrow the selector", all_n);
	for (uint32_t i = 0; i < count; i++) {
		if (heard[i].a.count > 0)
			memcpy(all + n, heard[i].a.items, heard[i].a.count * sizeof *all);
		n += heard[i].a.count;
	}
	pack_items(pk, q->what, all, metricsarena_unique(all, n));
	free(all);
	return 0;
}

/* split: of EVAL. */
static int
merge(const struct metrics_question *q, const struct prom_split *split, const struct metricsread_node *nodes,
    uint32_t count, bool small, struct blob *out, struct err *err)
{
	struct heard *heard = calloc((size_t)count + 1, sizeof *heard);
	uint32_t answered = 0;
	msgpack_sbuffer buf;
	msgpack_packer pk;
	int rc;

	if (heard == NULL)
		return err_set(err, 1, "no memory for the answers of %u nodes", count);
	pk_begin(&buf, &pk);
	answered = hear(q, split, nodes, count, heard);
	msgpack_pack_map(&pk, q->what == METRICS_EVAL ? 6 : 4);
	pack_missing(&pk, nodes, heard, count, answered);
	if (answered == 0 && count > 0)
		rc = nobody(nodes, heard, count, err);
	else if (q->what == METRICS_EVAL)
		rc = merge_eval(q, split, heard, count, answered, small, &pk, err);
	else
		rc = merge_items(q, heard, count, &pk, err);
	if (rc == 0 && blob_copy(out, (struct slice){(uint8_t *)buf.data, buf.size}) < 0)
		rc = err_set(err, 1, "no memory for an answer of %zu KiB", buf.size >> 10);
	msgpack_sbuffer_destroy(&buf);
	for (uint32_t i = 0; i < count; i++)
		metricscode_free(&heard[i].a);
	free(heard);
	return rc;
}

int
metricsread_merge(const struct metrics_question *q, struct slice text,
    const struct metricsread_node *nodes, uint32_t count, bool small, struct blob *out,
    struct err *err)
{
	struct prom_split *split = NULL;
	struct prom *p = NULL;
	size_t bytes = 0;
	int rc = -1;

	for (uint32_t i = 0; i < count; i++)
		bytes += nodes[i].answer.len;
	/* Patterns of label_replace are tried on every series. */
	if (small && (q->what != METRICS_EVAL || bytes > METRICSREAD_SMALL_BYTES / 8 ||
			 memmem(text.b, text.len, "label_", 6) != NULL))
		return err_set(err, 1, "not small");
	if (q->what != METRICS_EVAL || ((p = prom_parse((const char *)text.b, text.len, err)) != NULL &&
					  (split = prom_split(p, err)) != NULL))
		rc = merge(q, split, nodes, count, small, out, err);
	prom_split_free(split);
	prom_free(p);
	return rc;
}

static size_t
skip_blanks(struct slice text, size_t i)
{
	while (i < text.len && memchr(" \t\r\n", text.b[i], 4) != NULL)
		i++;
	return i;
}

static size_t
skip_name(struct slice text, size_t i)
{
	while (i < text.len &&
	    (text.b[i] == '_' || text.b[i] == ':' || (text.b[i] >= '0' && text.b[i] <= '9') ||
		(text.b[i] >= 'a' && text.b[i] <= 'z') || (text.b[i] >= 'A' && text.b[i] <= 'Z')))
		i++;
	return i;
}

/* Behind the brace that closes what is open at i; the end, if none does. */
static size_t
skip_braces(struct slice text, size_t i)
{
	uint8_t quote = 0;

	for (; i < text.len; i++) {
		if (quote != 0 && quote != '`' && text.b[i] == '\\')
			i++;
		else if (quote != 0)
			quote = text.b[i] == quote ? 0 : quote;
		else if (memchr("\"'`", text.b[i], 3) != NULL)
			quote = text.b[i];
		else if (text.b[i] == '}')
			return i + 1;
	}
	return text.len;
}

bool
metricsread_is_selector(struct slice text)
{
	size_t name = skip_blanks(text, 0), i = skip_name(text, name);
	bool named = i > name;

	i = skip_blanks(text, i);
	if (i == text.len || text.b[i] != '{')
		return named && i == text.len;
	return skip_blanks(text, skip_braces(text, i + 1)) == text.len;
}
