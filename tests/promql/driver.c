/*
 * driver.c - PromQL over samples from a file, for the tests beside Prometheus:
 *
 *	driver DATA < queries            evaluate each
 *	driver DATA split < queries      the same, split over the nodes of label `node`
 *
 * DATA: a line of labels as a selector writes them ({a="b",c="d"}), then lines "ms value"
 * (value: C's hexadecimal floats, nan, inf, stale).  A query: "START END STEP expression",
 * STEP 0 for an instant.  The answer of each is one line of JSON.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../daemon/core/prom_in.h"

struct one {
	uint8_t *labels;
	size_t len;
	int64_t *at;
	double *v;
	uint32_t count, cap;
};

static struct one *all;
static uint32_t all_count;

static void *
need(void *p)
{
	if (p == NULL) {
		fprintf(stderr, "driver: no memory\n");
		exit(2);
	}
	return p;
}

static void
add_series(const char *line)
{
	struct err err;
	struct labels l = {0};
	struct prom *p = prom_parse(line, strcspn(line, "\n"), &err);
	struct one *o;

	if (p == NULL || p->root->kind != EXPR_SELECTOR) {
		fprintf(stderr, "driver: %s: %s\n", line, p == NULL ? err.text : "no labels");
		exit(2);
	}
	for (uint32_t i = 0; i < p->root->matchers_count; i++)
		if (labels_set(&l, p->root->matchers[i].name, p->root->matchers[i].value) < 0)
			exit(2);
	all = need(realloc(all, (all_count + 1) * sizeof *all));
	o = &all[all_count++];
	*o = (struct one){.labels = need(malloc(LABELS_BYTES_MAX))};
	o->len = (size_t)labels_pack(&l, o->labels, LABELS_BYTES_MAX);
	prom_free(p);
}

static void
add_sample(char *line)
{
	struct one *o = &all[all_count - 1];
	char *value;
	static const uint64_t stale = UINT64_C(0x7ff0000000000002);

	if (o->count == o->cap) {
		o->cap = o->cap == 0 ? 64 : o->cap * 2;
		o->at = need(realloc(o->at, o->cap * sizeof *o->at));
		o->v = need(realloc(o->v, o->cap * sizeof *o->v));
	}
	o->at[o->count] = strtoll(line, &value, 10);
	if (strncmp(value, " stale", 6) == 0)
		memcpy(&o->v[o->count], &stale, sizeof stale);
	else
		o->v[o->count] = strtod(value, NULL);
	o->count++;
}

static void
load(const char *path)
{
	FILE *f = need(fopen(path, "r"));
	char line[8192];

	while (fgets(line, sizeof line, f) != NULL) {
		if (line[0] == '{')
			add_series(line);
		else if (all_count > 0)
			add_sample(line);
	}
	fclose(f);
}

static bool
matches(const struct one *o, const struct prom_need *n)
{
	for (uint32_t i = 0; i < n->matchers_count; i++) {
		const struct series_matcher *m = &n->matchers[i];
		struct slice v = labels_find((struct slice){o->labels, o->len}, m->name);
		bool re = m->op == SERIES_RE || m->op == SERIES_NRE;
		bool yes = re ? pattern_match(m->re, v, NULL, NULL) : slice_eq(v, m->value);

		if (yes != (m->op == SERIES_EQ || m->op == SERIES_RE))
			return false;
	}
	return true;
}

static bool
is_of(const struct one *o, struct slice node)
{
	return node.b == NULL ||
	    slice_eq(labels_find((struct slice){o->labels, o->len}, slice_of("node")), node);
}

static int
ask(const struct prom *p, const struct prom_when *w, struct slice node, struct prom_result *r,
    struct err *err)
{
	static const struct prom_limits limits = {256 << 20, 200000000};
	struct prom_need needs[PROM_SELECTORS_MAX];
	struct prom_data data[PROM_SELECTORS_MAX];
	uint32_t n = prom_needs(p, w, needs);
	int rc;

	for (uint32_t i = 0; i < n; i++) {
		struct prom_points *s = need(calloc(all_count + 1, sizeof *s));

		data[i] = (struct prom_data){s, 0};
		for (uint32_t k = 0; k < all_count; k++) {
			const struct one *o = &all[k];
			uint32_t from = 0, to = o->count;

			if (!is_of(o, node) || !matches(o, &needs[i]))
				continue;
			while (from < to && o->at[from] < needs[i].from_ms)
				from++;
			while (to > from && o->at[to - 1] > needs[i].to_ms)
				to--;
			s[data[i].count++] = (struct prom_points){{o->labels, o->len}, o->at + from, o->v + from,
			    to - from};
		}
	}
	rc = prom_eval(p, w, data, &limits, r, err);
	for (uint32_t i = 0; i < n; i++)
		free((void *)(uintptr_t)data[i].series);
	return rc;
}

/* --- over nodes ------------------------------------------------------------------------------ */

static uint32_t
nodes_of(struct slice *out, uint32_t cap)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < all_count; i++) {
		struct slice node = labels_find((struct slice){all[i].labels, all[i].len}, slice_of("node"));
		bool known = node.len == 0;

		for (uint32_t k = 0; k < n && !known; k++)
			known = slice_eq(out[k], node);
		if (!known && n < cap)
			out[n++] = node;
	}
	return n;
}

static int
ask_parts(const struct prom_split *s, const struct prom_when *w, struct slice node, struct prom_result *r,
    struct err *err)
{
	for (uint32_t i = 0; i < prom_split_parts(s); i++) {
		const char *text = prom_split_part(s, i);
		struct prom *p = prom_parse(text, strlen(text), err);
		int rc = p != NULL ? ask(p, w, node, &r[i], err) : -1;

		prom_free(p);
		if (rc < 0) {
			err_prefix(err, "part %s: ", text);
			return -1;
		}
	}
	return 0;
}

static int
ask_split(const struct prom *p, const struct prom_when *w, struct prom_result *out, struct err *err)
{
	static const struct prom_limits limits = {256 << 20, 200000000};
	struct slice nodes[16];
	uint32_t n = nodes_of(nodes, 16), parts;
	struct prom_split *s = prom_split(p, err);
	struct prom_result *r;
	int rc = s == NULL ? -1 : 0;

	if (s == NULL)
		return -1;
	parts = prom_split_parts(s);
	r = need(calloc((size_t)n * parts + 1, sizeof *r));
	for (uint32_t i = 0; i < n && rc == 0; i++)
		if ((rc = ask_parts(s, w, nodes[i], r + i * parts, err)) == 0 &&
		    prom_split_judge(s, r + i * parts, nodes[i]) < 0)
			rc = err_set(err, 1, "an honest node's answer is refused");
	if (rc == 0)
		rc = prom_merge(s, w, r, n, &limits, out, err);
	for (uint32_t i = 0; i < n * parts; i++)
		prom_result_free(&r[i]);
	free(r);
	prom_split_free(s);
	return rc;
}

/* --- JSON ------------------------------------------------------------------------------------- */

static void
show_text(struct slice s)
{
	putchar('"');
	for (size_t i = 0; i < s.len; i++) {
		if (s.b[i] == '"' || s.b[i] == '\\')
			printf("\\%c", s.b[i]);
		else if (s.b[i] < 0x20)
			printf("\\u%04x", s.b[i]);
		else
			putchar(s.b[i]);
	}
	putchar('"');
}

static void
show_result(const struct prom_result *r)
{
	static const char *const kinds[] = {"scalar", "vector", "matrix", "string"};

	printf("{\"type\":\"%s\",\"text\":", kinds[r->kind]);
	show_text(r->text);
	printf(",\"result\":[");
	for (uint32_t i = 0; i < r->count; i++) {
		struct labels l;

		if (labels_read(r->series[i].labels, &l) < 0)
			abort();
		printf("%s[{", i > 0 ? "," : "");
		for (uint32_t k = 0; k < l.count; k++) {
			printf("%s", k > 0 ? "," : "");
			show_text(l.items[k].name);
			printf(":");
			show_text(l.items[k].value);
		}
		printf("},[");
		for (uint32_t k = 0; k < r->series[i].count; k++)
			printf("%s[%lld,\"%.17g\"]", k > 0 ? "," : "", (long long)r->series[i].at_ms[k],
			    r->series[i].values[k]);
		printf("]]");
	}
	printf("]}\n");
}

static void
answer(char *line, bool split)
{
	struct prom_when w = {0};
	struct prom_result r = {0};
	struct err err;
	struct prom *p;
	char *text;
	int rc = -1;

	w.start_ms = strtoll(line, &text, 10);
	w.end_ms = strtoll(text, &text, 10);
	w.step_ms = strtoll(text, &text, 10);
	text += *text == ' ';
	text[strcspn(text, "\n")] = '\0';
	for (char *c = text; *c != '\0'; c++)
		if (*c == '\x1e') /* a newline of the query */
			*c = '\n';
	p = prom_parse(text, strlen(text), &err);
	if (p != NULL)
		rc = split ? ask_split(p, &w, &r, &err) : ask(p, &w, (struct slice){0}, &r, &err);
	if (rc == 0)
		show_result(&r);
	if (rc < 0) {
		printf("{\"error\":");
		show_text(slice_of(err.text));
		printf("}\n");
	}
	prom_result_free(&r);
	prom_free(p);
}

int
main(int argc, char **argv)
{
	static char line[PROM_TEXT_BYTES_MAX + 256];

	if (argc < 2)
		return 2;
	load(argv[1]);
	while (fgets(line, sizeof line, stdin) != NULL)
		answer(line, argc > 2 && strcmp(argv[2], "split") == 0);
	for (uint32_t i = 0; i < all_count; i++) {
		free(all[i].labels);
		free(all[i].at);
		free(all[i].v);
	}
	free(all);
	return 0;
}
