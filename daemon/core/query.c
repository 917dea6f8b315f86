/*
 * query.c - see query.h.  One table says what a host measures; a metric is a row.
 */
#include "query.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "../base/name.h"
#include "walk.h"

/* NAN: not measured. */
typedef double metric_fn(const struct query_host *h);

static double
measured(uint64_t bytes)
{
	return bytes > 0 ? (double)bytes : NAN;
}

static double
cores(const struct query_host *h)
{
	return measured(h->facts->cpus);
}

static double
cpu_percent(const struct query_host *h)
{
	return h->metrics->cpu_percent;
}

/* Of a full disk nothing is free: that is measured too. */
static double
disk_avail(const struct query_host *h)
{
	return h->metrics->disk_bytes > 0 ? (double)h->metrics->disk_free_bytes : NAN;
}

static double
disk_size(const struct query_host *h)
{
	return measured(h->metrics->disk_bytes);
}

static double
load1(const struct query_host *h)
{
	return h->metrics->load1;
}

static double
memory_available(const struct query_host *h)
{
	return measured(h->metrics->memory_free_bytes);
}

static double
memory_total(const struct query_host *h)
{
	return measured(h->facts->memory_bytes);
}

/* node_exporter tells file systems apart by labels, which this language has not:
 * the one that the state directory is on has a name of ours. */
static const char *const names[] = {
    "machine_cpu_cores",
    "mesh_cpu_percent",
    "mesh_disk_avail_bytes",
    "mesh_disk_size_bytes",
    "node_load1",
    "node_memory_MemAvailable_bytes",
    "node_memory_MemTotal_bytes",
};

static metric_fn *const metrics[] = {
    cores, cpu_percent, disk_avail, disk_size, load1, memory_available, memory_total,
};

_Static_assert(ARRAY_LEN(names) == ARRAY_LEN(metrics), "a name for each");

/* --- the language --------------------------------------------------------------- */

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* [a-zA-Z_:][a-zA-Z0-9_:]* */
static bool
in_name(char c, bool first)
{
	bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == ':';

	return letter || (!first && c >= '0' && c <= '9');
}

/* The metric that expr names, without the blanks around it: true when it is that. */
static bool
selector(const char *expr, const char **name, size_t *len)
{
	size_t n = 0;

	while (is_blank(*expr))
		expr++;
	while (in_name(expr[n], n == 0))
		n++;
	*name = expr;
	*len = n;
	for (expr += n; is_blank(*expr);)
		expr++;
	return n > 0 && *expr == '\0';
}

/* Its row in the tables, or -1. */
static int
find(const char *name, size_t len)
{
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strlen(names[i]) == len && memcmp(names[i], name, len) == 0)
			return (int)i;
	return -1;
}

static void
list_known(char *out, size_t cap)
{
	size_t len = 0;

	for (size_t i = 0; i < ARRAY_LEN(names) && len < cap; i++)
		len += (size_t)snprintf(out + len, cap - len, "%s%s", i > 0 ? ", " : "", names[i]);
}

int
query_check(const char *expr, struct err *err)
{
	char word[WALK_KEY_CAP], known[ERR_TEXT_CAP / 2];
	const char *name, *better;
	size_t len;

	list_known(known, sizeof known);
	if (!selector(expr, &name, &len)) {
		err_escape(word, sizeof word, expr, strlen(expr));
		return err_set(err, 1,
		    "'%s' is not the name of one metric, which is all that can be asked so far; known: %s",
		    word, known);
	}
	if (find(name, len) >= 0)
		return 0;
	err_escape(word, sizeof word, name, len);
	better = name_suggest(word, names, ARRAY_LEN(names));
	if (better != NULL)
		return err_set(err, 1, "unknown metric '%s'; did you mean '%s'?", word, better);
	return err_set(err, 1, "unknown metric '%s'; known: %s", word, known);
}

/* --- the set ---------------------------------------------------------------------- */

/* FNV-1a: tells expressions apart, and no more is asked of it. */
static uint32_t
mark_of(const char *expr)
{
	uint32_t h = UINT32_C(0x811c9dc5);

	for (; *expr != '\0'; expr++)
		h = (h ^ (uint8_t)*expr) * UINT32_C(0x01000193);
	return h;
}

static int
entry_cmp(const void *a, const void *b)
{
	return strcmp(((const struct query_entry *)a)->name, ((const struct query_entry *)b)->name);
}

static int
read_entries(struct mp *r, uint32_t count, struct query_set *out)
{
	for (uint32_t i = 0; i < count; i++) {
		struct query_entry *x = &out->entries[i];
		int rc;

		if ((rc = walk_name(r, x->name, false)) < 0 ||
		    (rc = walk_cstr(r, x->expr, sizeof x->expr)) < 0)
			return rc;
		x->mark = mark_of(x->expr);
		out->count++;
	}
	return mp_end(r);
}

int
query_read(struct slice map, struct query_set *out)
{
	uint32_t count = 0;
	struct mp r;
	int rc;

	*out = (struct query_set){0};
	if (map.len == 0)
		return 0;
	mp_init(&r, map.b, map.len, 1);
	if ((rc = mp_map(&r, &count)) < 0)
		return rc;
	if (count > VIEW_ANSWERS_MAX)
		return -ERR_RANGE;
	if ((out->entries = calloc(count + 1, sizeof *out->entries)) == NULL)
		return -ERR_FULL;
	if ((rc = read_entries(&r, count, out)) == 0) {
		qsort(out->entries, count, sizeof *out->entries, entry_cmp);
		for (uint32_t i = 1; i < count && rc == 0; i++)
			if (entry_cmp(&out->entries[i - 1], &out->entries[i]) == 0)
				rc = -ERR_MALFORMED;
	}
	if (rc < 0)
		query_free(out);
	return rc;
}

void
query_free(struct query_set *q)
{
	free(q->entries);
	*q = (struct query_set){0};
}

bool
query_eq(const struct query_set *a, const struct query_set *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (strcmp(a->entries[i].name, b->entries[i].name) != 0 ||
		    strcmp(a->entries[i].expr, b->entries[i].expr) != 0)
			return false;
	return true;
}

uint32_t
query_answer(const struct query_set *q, const struct query_host *h, struct view_answer *out)
{
	uint32_t n = 0;

	for (size_t i = 0; i < q->count; i++) {
		const struct query_entry *x = &q->entries[i];
		const char *name;
		size_t len;
		int row = selector(x->expr, &name, &len) ? find(name, len) : -1;
		double value = row >= 0 ? metrics[row](h) : NAN;

		if (!isfinite(value))
			continue;
		out[n] = (struct view_answer){.mark = x->mark, .value = value};
		memcpy(out[n].name, x->name, sizeof out[n].name);
		n++;
	}
	return n;
}
