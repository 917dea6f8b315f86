/*
 * show_text.c - schedules, rendered files and logs: the longer texts.
 *
 * They come from scripts, templates and containers, the least trusted writers
 * of all, and are shown escaped unless the reader says --raw.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../base/own.h"
#include "args.h"
#include "show.h"
#include "table.h"
#include "text.h"
#include "value.h"

/* jansson's iterators want a non-const object though they only read it. */
static json_t *
iterable(const json_t *v)
{
	return (json_t *)(uintptr_t)v;
}

static void
print_header(const struct show *s, const json_t *d)
{
	const json_t *parents = json_object_get(d, "parents");
	char text[VALUE_TEXT_CAP];
	int64_t at = value_int(d, "at_ms", -1);

	fputs("stamp ", s->out);
	show_put(s, value_text(text, sizeof text, d, "stamp"));
	fputs("   leader ", s->out);
	show_put(s, value_text(text, sizeof text, d, "leader"));
	fputs("   side ", s->out);
	show_word(s, value_text(text, sizeof text, d, "grade"));
	if (at >= 0) {
		text_since(text, sizeof text, at, s->now_ms);
		fprintf(s->out, "   issued %s ago", text);
	}
	fputs("\nhash  ", s->out);
	show_put(s, value_text(text, sizeof text, d, "hash"));
	fputc('\n', s->out);
	if (json_array_size(parents) > 0) {
		fputs("from  ", s->out);
		show_put(s, value_print(text, sizeof text, parents));
		fputc('\n', s->out);
	}
}

static void
instance_rows(
    struct table *t, const char *node, const char *role, const json_t *part, const json_t *why)
{
	json_t *instances = iterable(json_object_get(part, "instances"));
	char text[VALUE_TEXT_CAP];
	const char *id;
	json_t *i;

	json_object_foreach(instances, id, i)
	{
		table_cell(t, node);
		table_cell(t, id);
		table_cell(t, role);
		table_cell(t, value_text(text, sizeof text, part, "sandbox"));
		table_cell(t, value_text(text, sizeof text, i, "process"));
		table_cell(t, value_text(text, sizeof text, i, "image"));
		table_cell(t, value_text(text, sizeof text, why, id));
	}
}

static void
print_nodes(const struct show *s, const json_t *d)
{
	static const char *const titles[] = {
	    "NODE", "INSTANCE", "ROLE", "SANDBOX", "PROCESS", "IMAGE", "WHY"};
	json_t *nodes = iterable(json_object_get(d, "nodes"));
	struct table *t = table_new();
	const char *node, *role;
	json_t *n, *part;

	for (size_t c = 0; c < ARRAY_LEN(titles); c++)
		table_column(t, titles[c], 0);
	json_object_foreach(nodes, node, n)
	    json_object_foreach(iterable(json_object_get(n, "roles")), role, part)
		instance_rows(t, node, role, part, json_object_get(d, "why"));
	if (table_rows(t) > 0)
		table_print(t, s->out, !s->args->given[OPT_NO_HEADERS], s->color);
	else
		fputs("no instances are scheduled\n", s->out);
	table_free(t);
}

static void
print_held(const struct show *s, const json_t *held)
{
	char stamp[VALUE_TEXT_CAP];

	for (size_t i = 0; i < json_array_size(held); i++) {
		const json_t *h = json_array_get(held, i);
		const char *why = value_str(h, "why");

		value_text(stamp, sizeof stamp, h, "stamp");
		fputs("held: ", s->out);
		show_put(s, value_str(h, "role"));
		fputs(": ", s->out);
		show_put(s, why);
		fputc('\n', s->out);
		if (strstr(why, stamp) != NULL)
			continue; /* it says itself what to type */
		fputs("  hint: mesh apply --force ", s->out);
		show_put(s, stamp);
		fputc('\n', s->out);
	}
}

int
show_schedule(const struct show *s, const json_t *data, struct err *err)
{
	const json_t *changes = json_object_get(data, "changes");
	char text[VALUE_TEXT_CAP];

	(void)err;
	if (show_names(s)) {
		show_put(s, value_text(text, sizeof text, data, "stamp"));
		fputc('\n', s->out);
		return 0;
	}
	if (*value_text(text, sizeof text, data, "stamp") == '\0') {
		fputs("no schedule yet; mesh status says why\n", s->out);
		return 0;
	}
	print_header(s, data);
	print_nodes(s, data);
	if (json_array_size(changes) > 0)
		fputs("changes:\n", s->out);
	for (size_t i = 0; i < json_array_size(changes); i++)
		show_lines(s, value_print(text, sizeof text, json_array_get(changes, i)), "  ", "");
	print_held(s, json_object_get(data, "held"));
	return 0;
}

int
show_render(const struct show *s, const json_t *data, struct err *err)
{
	json_t *files = iterable(json_object_get(data, "files")), *body;
	bool headers = !s->args->given[OPT_NO_HEADERS], first = true;
	const char *name;

	(void)err;
	json_object_foreach(files, name, body)
	{
		if (show_names(s) || headers) {
			fputs(show_names(s) ? "" : first ? "==> " : "\n==> ", s->out);
			show_put(s, name);
			fputs(show_names(s) ? "\n" : " <==\n", s->out);
		}
		first = false;
		if (show_names(s) || !json_is_string(body))
			continue;
		if (s->args->given[OPT_RAW])
			fwrite(json_string_value(body), 1, json_string_length(body), s->out);
		else
			show_lines(s, json_string_value(body), "", "");
	}
	return 0;
}

/* Lines are stamped by the container's init: RFC 3339, UTC, so that they
 * order as text.  A line without a stamp goes with the one before it. */
static bool
line_is_old(const char *line, size_t len, const char *since, bool before)
{
	size_t n = strlen(since);

	if (len < n || line[4] != '-' || line[10] != 'T')
		return before;
	return memcmp(line, since, n) < 0;
}

/* Of a role each line says whose it is. */
static void
put_line(const struct show *s, const char *whose, const char *line, size_t len)
{
	AUTO_FREE char *clean = NULL;

	fputs(whose, s->out);
	if (s->args->given[OPT_RAW]) {
		fwrite(line, 1, len, s->out);
		return;
	}
	clean = text_clean(line, len, true);
	fputs(clean, s->out);
}

/* Beside the lines, so that who reads these alone sees no other. */
static void
put_note(const json_t *data)
{
	const char *node = value_str(data, "node"), *text = value_str(data, "note");
	AUTO_FREE char *who = text_clean(node, strlen(node), false);
	AUTO_FREE char *what = text_clean(text, strlen(text), false);

	fprintf(stderr, "mesh: logs: %s%s%s\n", who, *who != '\0' ? ": " : "", what);
}

int
show_logs_code(const json_t *data)
{
	return value_int(data, "answered", 0) < value_int(data, "asked", 0) ? 1 : 0;
}

int
show_logs(const struct show *s, const json_t *data, struct err *err)
{
	const json_t *value = json_object_get(data, "text");
	const char *text = json_string_value(value);
	const char *end = text != NULL ? text + json_string_length(value) : NULL;
	time_t t = (time_t)(s->args->since_ms / 1000);
	char since[32] = "", name[2 * NAME_CAP + 4] = "";
	struct tm tm;
	bool old = false;

	(void)err;
	if (json_object_get(data, "note") != NULL)
		put_note(data);
	if (json_object_get(data, "instance") != NULL)
		snprintf(name, sizeof name, "%s@%s ", value_str(data, "instance"),
		    value_str(data, "node"));
	AUTO_FREE char *whose = text_clean(name, strlen(name), false);
	if (s->args->given[OPT_SINCE] && gmtime_r(&t, &tm) != NULL)
		strftime(since, sizeof since, "%Y-%m-%dT%H:%M:%S", &tm);
	while (text != NULL && text < end) {
		const char *nl = memchr(text, '\n', (size_t)(end - text));
		size_t len = (size_t)((nl != NULL ? nl + 1 : end) - text);

		old = *since != '\0' && line_is_old(text, len, since, old);
		if (!old)
			put_line(s, whose, text, len);
		text += len;
	}
	/* Followed by a person: what came is shown at once. */
	fflush(s->out);
	return show_logs_code(data);
}
