/*
 * show_top.c - `mesh top`: what each node and each container uses.
 *
 * One question in PromQL brings all figures of all nodes, of one moment (a label, what,
 * says which is which); `mesh ps` knows states and restarts.  A figure that is not there
 * is <none>, never 0.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../base/own.h"
#include "args.h"
#include "run.h"
#include "show.h"
#include "table.h"
#include "text.h"
#include "value.h"

#define AS(what, expr) "label_replace(" expr ",\"what\",\"" what "\",\"\",\"\")"
#define OF_NODE(metric) "sum by (node) (" metric "{job=\"node\"})"
#define RATE(filter) "sum by (node) (rate(" filter "[10s]))"
#define OF_ONE(metric) "sum by (node,role,instance) (" metric "{job=\"cadvisor\",role!=\"\"})"

static const char question[] =
    AS("cpu", RATE("node_cpu_seconds_total{job=\"node\",mode!~\"idle|iowait|guest.*\"}")) " or "
    AS("cores", "count by (node) (node_cpu_seconds_total{job=\"node\",mode=\"idle\"})") " or "
    AS("load", OF_NODE("node_load1")) " or "
    AS("memory", OF_NODE("node_memory_MemTotal_bytes")) " or "
    AS("free", OF_NODE("node_memory_MemAvailable_bytes")) " or "
    AS("read", RATE("node_disk_read_bytes_total{job=\"node\"}")) " or "
    AS("written", RATE("node_disk_written_bytes_total{job=\"node\"}")) " or "
    AS("in", RATE("node_network_receive_bytes_total{job=\"node\",device!=\"lo\"}")) " or "
    AS("out", RATE("node_network_transmit_bytes_total{job=\"node\",device!=\"lo\"}")) " or "
    AS("cpu", "sum by (node,role,instance) (rate(container_cpu_usage_seconds_total{job=\"cadvisor\",role!=\"\"}[10s]))") " or "
    AS("memory", OF_ONE("container_memory_working_set_bytes")) " or "
    AS("limit", OF_ONE("container_spec_memory_limit_bytes"));

/* Of a node (instance NULL) or a container: what is known, by what. */
struct row {
	const char *node, *instance, *role, *state;
	int64_t restarts, instances; /* -1: not known */
	json_t *figures; /* {what: number}; owned */
};

struct top {
	const struct show *s;
	json_t *metrics, *ps, *members; /* owned */
	struct row *nodes, *containers; /* owned */
	size_t nodes_count, containers_count;
};

/* One command as it would be typed; NULL with *err, and its exit code. */
static json_t *
ask(const struct show *s, const char *const *words, struct err *err)
{
	char *argv[8] = {"mesh", "--socket", (char *)(uintptr_t)s->args->socket, "--json"};
	struct run_error e = {0};
	struct show mine = *s;
	AUTO_FREE char *text = NULL;
	size_t len = 0;
	json_t *v = NULL;
	struct args a;
	int argc = 4;

	for (; *words != NULL; words++)
		argv[argc++] = (char *)(uintptr_t)*words;
	mine.out = open_memstream(&text, &len);
	if (mine.out == NULL)
		abort();
	mine.args = &a;
	mine.color = mine.terminal = false;
	if (args_parse(&a, argc, argv, NULL, s->now_ms, &e.err) == 0 &&
	    run_verb(&mine, run_timeout_ms(&a), &e) >= 0) {
		fclose(mine.out);
		v = json_loadb(text, len, JSON_DECODE_ANY, NULL);
		if (v == NULL)
			err_set(err, 1, "mesh %s: its answer is not understood", words[-1]);
	} else {
		fclose(mine.out);
		err_set(err, e.err.code > 0 ? e.err.code : 1, "%.400s", e.text != NULL ? e.text : e.err.text);
	}
	run_error_free(&e);
	return v;
}

static struct row *
row_of(struct row **all, size_t *count, const char *node, const char *instance)
{
	struct row *more;

	for (size_t i = 0; i < *count; i++)
		if (strcmp((*all)[i].node, node) == 0 &&
		    (instance == NULL || strcmp((*all)[i].instance, instance) == 0))
			return &(*all)[i];
	more = realloc(*all, (*count + 1) * sizeof *more);
	if (more == NULL)
		abort();
	*all = more;
	more[*count] = (struct row){.node = node, .instance = instance, .role = "", .state = "",
	    .restarts = -1, .instances = -1, .figures = json_object()};
	return &more[(*count)++];
}

static void
take_figures(struct top *t)
{
	json_t *one;
	size_t i;

	json_array_foreach(json_object_get(t->metrics, "series"), i, one) {
		json_t *labels = json_object_get(one, "labels");
		json_t *value = json_array_get(json_array_get(json_object_get(one, "points"), 0), 1);
		const char *instance = value_str(labels, "instance"), *node = value_str(labels, "node");
		struct row *r;

		if (!json_is_number(value) || *node == '\0')
			continue;
		if (*instance == '\0') {
			r = row_of(&t->nodes, &t->nodes_count, node, NULL);
		} else {
			r = row_of(&t->containers, &t->containers_count, node, instance);
			r->role = value_str(labels, "role");
		}
		json_object_set(r->figures, value_str(labels, "what"), value);
	}
}

/* Also who is there and said nothing of himself. */
static void
take_lists(struct top *t)
{
	json_t *one;
	size_t i;

	json_array_foreach(t->members, i, one)
		if (strcmp(value_str(one, "state"), "left") != 0)
			row_of(&t->nodes, &t->nodes_count, value_str(one, "name"), NULL)->state =
			    value_str(one, "state");
	for (i = 0; t->ps != NULL && i < t->nodes_count; i++)
		t->nodes[i].instances = 0;
	json_array_foreach(t->ps, i, one) {
		const char *node = value_str(one, "node");
		struct row *r;

		if (*node == '\0')
			continue;
		r = row_of(&t->containers, &t->containers_count, node, value_str(one, "instance"));
		r->role = value_str(one, "role");
		r->state = value_str(one, "state");
		r->restarts = value_int(one, "restarts", -1);
		r = row_of(&t->nodes, &t->nodes_count, node, NULL);
		r->instances = (r->instances < 0 ? 0 : r->instances) + 1;
	}
}

static double
figure(const struct row *r, const char *what)
{
	const json_t *v = json_object_get(r->figures, what);

	return json_is_number(v) ? json_number_value(v) : NAN;
}

/* The largest user first; who is not known last. */
static int
by_cpu(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	double cx = figure(x, "cpu"), cy = figure(y, "cpu");
	int c;

	cx = isnan(cx) ? -1 : cx;
	cy = isnan(cy) ? -1 : cy;
	if (cx != cy)
		return cx > cy ? -1 : 1;
	if ((c = strcmp(x->node, y->node)) != 0 || x->instance == NULL)
		return c;
	return strcmp(x->instance, y->instance);
}

/* --- shown ------------------------------------------------------------------------ */

static void
cell_number(struct table *t, const char *fmt, double v)
{
	char text[64] = "";

	if (!isnan(v))
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		snprintf(text, sizeof text, fmt, v);
#pragma GCC diagnostic pop
	table_cell(t, text);
}

static void
bytes_text(char *out, size_t cap, double v)
{
	static const char *const units[] = {"B", "K", "M", "G", "T", "P"};
	size_t u = 0;

	if (isnan(v)) {
		out[0] = '\0';
		return;
	}
	for (; v >= 1024 && u + 1 < sizeof units / sizeof units[0]; u++)
		v /= 1024;
	snprintf(out, cap, v < 10 && u > 0 ? "%.1f%s" : "%.0f%s", v, units[u]);
}

/* "a/b"; what is not known is "?", and of nothing known nothing. */
static void
cell_pair(struct table *t, double a, double b, bool none_is_zero)
{
	char one[32], other[32], text[80];

	bytes_text(one, sizeof one, a);
	bytes_text(other, sizeof other, none_is_zero && b == 0 ? NAN : b);
	snprintf(text, sizeof text, "%s/%s", one[0] != '\0' ? one : "?",
	    other[0] != '\0' ? other : none_is_zero ? "-" : "?");
	table_cell(t, isnan(a) && isnan(b) ? NULL : text);
}

static void
cell_count(struct table *t, int64_t n)
{
	char text[32] = "";

	if (n >= 0)
		snprintf(text, sizeof text, "%lld", (long long)n);
	table_cell(t, text);
}

static void
show_nodes(const struct top *top)
{
	AUTO_TABLE struct table *t = table_new();
	static const char *const titles[] = {"NODE", "STATE", "CPU", "CORES", "MEM", "LOAD", "DISK R/W", "NET IN/OUT",
	    "INSTANCES"};

	for (size_t i = 0; i < sizeof titles / sizeof titles[0]; i++)
		table_column(t, titles[i], i == 1 ? TABLE_STATE : 0);
	for (size_t i = 0; i < top->nodes_count; i++) {
		const struct row *r = &top->nodes[i];

		table_cell(t, r->node);
		table_cell(t, r->state);
		cell_number(t, "%.2f", figure(r, "cpu"));
		cell_number(t, "%.0f", figure(r, "cores"));
		cell_pair(t, figure(r, "memory") - figure(r, "free"), figure(r, "memory"), false);
		cell_number(t, "%.2f", figure(r, "load"));
		cell_pair(t, figure(r, "read"), figure(r, "written"), false);
		cell_pair(t, figure(r, "in"), figure(r, "out"), false);
		cell_count(t, r->instances);
	}
	table_print(t, top->s->out, !top->s->args->given[OPT_NO_HEADERS], top->s->color);
}

static void
show_containers(const struct top *top)
{
	AUTO_TABLE struct table *t = table_new();
	static const char *const titles[] = {"INSTANCE", "NODE", "CPU", "MEM/LIMIT", "RESTARTS", "STATE"};

	if (top->containers_count == 0)
		return;
	fputc('\n', top->s->out);
	for (size_t i = 0; i < sizeof titles / sizeof titles[0]; i++)
		table_column(t, titles[i], i == 5 ? TABLE_STATE : 0);
	for (size_t i = 0; i < top->containers_count; i++) {
		const struct row *r = &top->containers[i];

		table_cell(t, r->instance);
		table_cell(t, r->node);
		cell_number(t, "%.3f", figure(r, "cpu"));
		cell_pair(t, figure(r, "memory"), figure(r, "limit"), true);
		cell_count(t, r->restarts);
		table_cell(t, r->state);
	}
	table_print(t, top->s->out, !top->s->args->given[OPT_NO_HEADERS], top->s->color);
}

static void
show_missing(const struct top *t)
{
	json_t *one;
	size_t i;

	json_array_foreach(json_object_get(t->metrics, "missing"), i, one) {
		/* On a screen of its own, standard error is not seen. */
		FILE *out = t->s->terminal ? t->s->out : stderr;
		const char *node = value_str(one, "node"), *why = value_str(one, "why");

		AUTO_FREE char *clean_node = text_clean(node, strlen(node), false);
		AUTO_FREE char *clean_why = text_clean(why, strlen(why), false);
		fprintf(out, "mesh: %s is missing: %s\n", clean_node, clean_why);
	}
}

static json_t *
rows_json(const struct row *all, size_t count)
{
	json_t *list = json_array();

	for (size_t i = 0; i < count; i++) {
		json_t *o = json_pack("{s:s,s:s}", "node", all[i].node, "state", all[i].state);

		if (all[i].instance != NULL) {
			json_object_set_new(o, "instance", json_string(all[i].instance));
			json_object_set_new(o, "role", json_string(all[i].role));
			json_object_set_new(o, "restarts",
			    all[i].restarts < 0 ? json_null() : json_integer(all[i].restarts));
		} else {
			json_object_set_new(o, "instances", json_integer(all[i].instances < 0 ? 0 : all[i].instances));
		}
		json_object_update(o, all[i].figures);
		json_array_append_new(list, o);
	}
	return list;
}

static void
print(const struct top *t)
{
	FILE *out = t->s->out;

	if (t->s->args->output == ARGS_JSON) {
		json_t *v = json_pack("{s:o,s:o,s:O?}", "nodes", rows_json(t->nodes, t->nodes_count), "containers",
		    rows_json(t->containers, t->containers_count), "missing", json_object_get(t->metrics, "missing"));

		json_dumpf(v, out, JSON_INDENT(2) | (t->s->terminal ? JSON_ENSURE_ASCII : 0));
		fputc('\n', out);
		json_decref(v);
		return;
	}
	if (show_names(t->s)) {
		for (size_t i = 0; i < t->containers_count; i++) {
			show_put(t->s, t->containers[i].instance);
			fputc('\n', out);
		}
		return;
	}
	show_missing(t);
	show_nodes(t);
	show_containers(t);
}

static void
top_free(struct top *t)
{
	for (size_t i = 0; i < t->nodes_count; i++)
		json_decref(t->nodes[i].figures);
	for (size_t i = 0; i < t->containers_count; i++)
		json_decref(t->containers[i].figures);
	free(t->nodes);
	free(t->containers);
	json_decref(t->metrics);
	json_decref(t->ps);
	json_decref(t->members);
}

int
show_top(const struct show *s, struct err *err)
{
	static const char *const metrics[] = {"metrics", question, NULL}, *const ps[] = {"ps", NULL},
				 *const members[] = {"members", NULL};
	struct top t = {.s = s};
	struct err none;
	int rc = 0;

	if ((t.metrics = ask(s, metrics, err)) == NULL) {
		rc = -err->code;
	} else {
		/* Without a mesh there is one node, and no list of them. */
		t.ps = ask(s, ps, &none);
		t.members = ask(s, members, &none);
		take_figures(&t);
		take_lists(&t);
		if (t.nodes_count > 0)
			qsort(t.nodes, t.nodes_count, sizeof *t.nodes, by_cpu);
		if (t.containers_count > 0)
			qsort(t.containers, t.containers_count, sizeof *t.containers, by_cpu);
		print(&t);
	}
	top_free(&t);
	return rc;
}
