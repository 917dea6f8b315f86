/*
 * show_metrics.c - `mesh metrics`: values by their labels, ranges as lines that are drawn,
 * and where in an expression an error is.
 */
#include <fnmatch.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "../base/own.h"
#include "args.h"
#include "run.h"
#include "show.h"
#include "spark.h"
#include "table.h"
#include "text.h"
#include "value.h"

enum {
	STEPS = 60,	  /* of a range whose step is not said */
	LABELS_SHOWN = 6, /* as columns of their own */
	EXCERPT = 64,	  /* columns of an expression around an error */
	WIDTH = 80,	  /* of what is no terminal */
	GRAPH_MIN = 12,
};

int
metrics_prepare(const struct show *s, struct args *a, struct run_error *e)
{
	if (a->given[OPT_LIST]) {
		a->asks = "metadata";
		if (a->range_ms > 0 || a->step_ms > 0 || a->at_ms > 0)
			return err_set(&e->err, EXIT_USAGE_, "metrics: --list is of names, and takes neither --range, --step nor --at");
		return 0;
	}
	if (a->operand == NULL)
		return err_set(&e->err, EXIT_USAGE_, "metrics: missing EXPR; usage: mesh metrics 'node_load1', or mesh metrics --list");
	if (a->range_ms == 0 && a->step_ms > 0)
		return err_set(&e->err, EXIT_USAGE_, "metrics: --step is of a range: say --range 10m too");
	a->to_ms = a->at_ms;
	if (a->range_ms == 0)
		return 0;
	if (a->at_ms == 0)
		a->to_ms = s->now_ms;
	a->from_ms = a->to_ms - a->range_ms;
	if (a->step_ms == 0)
		a->step_ms = (a->range_ms / STEPS + 999) / 1000 * 1000;
	return 0;
}

/* "metrics: 1:14: parse error: ..." and below it the line, with a caret at column 14. */
void
metrics_explain(const struct args *a, struct run_error *e)
{
	const char *text = e->text, *line = a->operand;
	unsigned row = 0, column = 0;
	char *more = NULL;
	size_t len, from, at;

	if (text == NULL || line == NULL || sscanf(text, "metrics: %u:%u:", &row, &column) != 2)
		return;
	for (; row > 1 && line != NULL; row--)
		line = strchr(line, '\n') != NULL ? strchr(line, '\n') + 1 : NULL;
	if (line == NULL || row == 0 || column == 0)
		return;
	len = strcspn(line, "\n");
	at = column - 1 < len ? column - 1 : len;
	from = at > EXCERPT / 2 ? at - EXCERPT / 2 : 0;
	len = len - from < EXCERPT ? len - from : EXCERPT;
	AUTO_FREE char *before = text_clean(line + from, at - from, false);
	AUTO_FREE char *shown = text_clean(line + from, len, false);
	if (asprintf(&more, "%s\n%s\n%*s^\n", text, shown, (int)text_width(before), "") < 0)
		return;
	free(e->text);
	e->text = more;
}

/* --- words --------------------------------------------------------------------- */

/* What JSON has for a double: a number, or "NaN", "+Inf", "-Inf". */
static double
number(const json_t *v)
{
	const char *s = json_string_value(v);

	if (s == NULL)
		return json_is_number(v) ? json_number_value(v) : NAN;
	return s[0] == '+' ? INFINITY : s[0] == '-' ? -INFINITY : NAN;
}

static const char *
number_text(char *out, size_t cap, double v)
{
	if (isnan(v))
		snprintf(out, cap, "NaN");
	else if (isinf(v))
		snprintf(out, cap, "%s", v > 0 ? "+Inf" : "-Inf");
	else /* bytes and counts as they are, to the last one */
		snprintf(out, cap, v == floor(v) && fabs(v) < 1e15 ? "%.0f" : "%.10g", v);
	return out;
}

/* name{a="b",c="d"}; malloc'd. */
static char *
series_text(const json_t *labels)
{
	const char *name = value_str(labels, "__name__"), *key;
	char *text = NULL;
	json_t *v;
	size_t len = 0, n = 0;
	FILE *out = open_memstream(&text, &len);

	if (out == NULL)
		abort();
	fputs(name, out);
	json_object_foreach((json_t *)(uintptr_t)labels, key, v) {
		if (strcmp(key, "__name__") == 0)
			continue;
		AUTO_FREE char *quoted = json_dumps(v, JSON_ENCODE_ANY);
		fprintf(out, "%s%s=%s", n++ == 0 ? "{" : ",", key, quoted != NULL ? quoted : "?");
	}
	if (n > 0)
		fputc('}', out);
	else if (*name == '\0')
		fputs("{}", out);
	fclose(out);
	return text;
}

static void
tell_missing(const json_t *data)
{
	const json_t *missing = json_object_get(data, "missing");
	size_t n = json_array_size(missing);

	for (size_t i = 0; i < n; i++) {
		const char *node = value_str(json_array_get(missing, i), "node");
		const char *why = value_str(json_array_get(missing, i), "why");

		AUTO_FREE char *clean_node = text_clean(node, strlen(node), false);
		AUTO_FREE char *clean_why = text_clean(why, strlen(why), false);
		fprintf(stderr, "mesh: %s is missing: %s\n", clean_node, clean_why);
	}
}

static unsigned
columns(const struct show *s)
{
	struct winsize w;

	if (s->terminal && ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col > 0)
		return w.ws_col;
	return WIDTH;
}

/* --- at one time --------------------------------------------------------------- */

/* The labels that there are, metric first; false: more than columns are good for. */
static bool
label_columns(const json_t *series, const char *keys[LABELS_SHOWN], size_t *count)
{
	const char *key;
	json_t *one, *v;
	size_t i;

	*count = 0;
	json_array_foreach((json_t *)(uintptr_t)series, i, one) {
		json_object_foreach(json_object_get(one, "labels"), key, v) {
			size_t k = 0;

			while (k < *count && strcmp(keys[k], key) != 0)
				k++;
			if (k < *count)
				continue;
			if (*count == LABELS_SHOWN)
				return false;
			keys[(*count)++] = key;
			if (strcmp(key, "__name__") == 0 && k > 0) {
				memmove(keys + 1, keys, k * sizeof *keys);
				keys[0] = key;
			}
		}
	}
	return true;
}

static void
show_vector(const struct show *s, const json_t *series)
{
	AUTO_TABLE struct table *t = table_new();
	const char *keys[LABELS_SHOWN];
	size_t count, i;
	bool apart = label_columns(series, keys, &count) && s->args->output != ARGS_WIDE;
	json_t *one;
	char text[64];

	if (!apart)
		table_column(t, "SERIES", 0);
	for (i = 0; apart && i < count; i++)
		table_column(t, strcmp(keys[i], "__name__") == 0 ? "METRIC" : keys[i], 0);
	table_column(t, "VALUE", 0);
	json_array_foreach((json_t *)(uintptr_t)series, i, one) {
		const json_t *labels = json_object_get(one, "labels");
		const json_t *points = json_object_get(one, "points");
		const json_t *last = json_array_get(points, json_array_size(points) - 1);

		for (size_t k = 0; apart && k < count; k++)
			table_cell(t, value_str(labels, keys[k]));
		if (!apart) {
			AUTO_FREE char *name = series_text(labels);
			table_cell(t, name);
		}
		table_cell(t, number_text(text, sizeof text, number(json_array_get(last, 1))));
	}
	table_print(t, s->out, !s->args->given[OPT_NO_HEADERS], s->color);
}

/* --- over time ------------------------------------------------------------------ */

static void
graph_row(struct table *t, const struct args *a, const json_t *one, unsigned width)
{
	AUTO_FREE char *name = series_text(json_object_get(one, "labels"));
	const json_t *points = json_object_get(one, "points");
	struct spark sp;
	json_t *p;
	size_t i;
	char text[64];

	spark_begin(&sp, a->from_ms, a->to_ms, width);
	json_array_foreach((json_t *)(uintptr_t)points, i, p)
		spark_add(&sp, json_integer_value(json_array_get(p, 0)), number(json_array_get(p, 1)));
	AUTO_FREE char *drawn = spark_text(&sp);
	table_cell(t, name);
	table_cell(t, number_text(text, sizeof text, sp.min));
	table_cell(t, number_text(text, sizeof text, sp.max));
	table_cell(t, number_text(text, sizeof text, sp.last));
	table_cell(t, drawn);
}

static void
show_matrix_of(const struct show *s, const json_t *series)
{
	AUTO_TABLE struct table *t = table_new();
	unsigned all = columns(s), used = 3 * 14 + 4, widest = 6, steps;
	json_t *one;
	size_t i;

	json_array_foreach((json_t *)(uintptr_t)series, i, one) {
		AUTO_FREE char *name = series_text(json_object_get(one, "labels"));
		unsigned w = (unsigned)text_width(name);

		widest = w > widest ? w : widest;
	}
	used += widest;
	steps = (unsigned)((s->args->to_ms - s->args->from_ms) / s->args->step_ms) + 1;
	unsigned width = all > used + GRAPH_MIN ? all - used : GRAPH_MIN;
	width = width > steps ? steps : width;
	table_column(t, "SERIES", 0);
	table_column(t, "MIN", 0);
	table_column(t, "MAX", 0);
	table_column(t, "LAST", 0);
	table_column(t, "OVER TIME", 0);
	json_array_foreach((json_t *)(uintptr_t)series, i, one)
		graph_row(t, s->args, one, width);
	table_print(t, s->out, !s->args->given[OPT_NO_HEADERS], s->color);
}

/* --- names ----------------------------------------------------------------------- */

static void
show_list(const struct show *s, const json_t *data)
{
	AUTO_TABLE struct table *t = table_new();
	json_t *one;
	size_t i;

	table_column(t, "METRIC", 0);
	table_column(t, "TYPE", 0);
	table_column(t, "HELP", 0);
	json_array_foreach(json_object_get(data, "data"), i, one) {
		const char *name = value_str(one, "metric");

		if (s->args->operand != NULL && fnmatch(s->args->operand, name, 0) != 0)
			continue;
		if (show_names(s)) {
			show_put(s, name);
			fputc('\n', s->out);
			continue;
		}
		table_cell(t, name);
		table_cell(t, value_str(one, "type"));
		table_cell(t, value_str(one, "help"));
	}
	if (!show_names(s))
		table_print(t, s->out, !s->args->given[OPT_NO_HEADERS], s->color);
}

static void
show_names_of(const struct show *s, const json_t *series)
{
	json_t *one;
	size_t i;

	json_array_foreach((json_t *)(uintptr_t)series, i, one) {
		AUTO_FREE char *name = series_text(json_object_get(one, "labels"));
		show_put(s, name);
		fputc('\n', s->out);
	}
}

int
show_metrics(const struct show *s, const json_t *data, struct err *err)
{
	const json_t *series = json_object_get(data, "series");
	const char *kind = value_str(data, "kind");
	char text[64];

	(void)err;
	tell_missing(data);
	if (s->args->given[OPT_LIST])
		show_list(s, data);
	else if (show_names(s))
		show_names_of(s, series);
	else if (strcmp(kind, "string") == 0)
		show_lines(s, value_str(data, "text"), "", "");
	else if (strcmp(kind, "matrix") == 0 && s->args->from_ms > 0)
		show_matrix_of(s, series);
	else if (strcmp(kind, "scalar") == 0)
		fprintf(s->out, "%s\n",
		    number_text(text, sizeof text,
			number(json_array_get(json_array_get(json_object_get(json_array_get(series, 0), "points"), 0), 1))));
	else
		show_vector(s, series);
	return 0;
}
