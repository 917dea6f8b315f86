/*
 * show_facts.c - what nodes say of themselves: all in a table, or one with its lists.
 */
#include <string.h>

#include "../base/own.h"
#include "args.h"
#include "show.h"
#include "table.h"
#include "text.h"
#include "value.h"

enum { MIB = 1 << 20 };

static void
memory_text(char out[TEXT_AGE_CAP], const json_t *row)
{
	snprintf(out, TEXT_AGE_CAP, "%lldMi", (long long)(value_int(row, "memory_bytes", 0) / MIB));
}

static void
cell_count(struct table *t, const json_t *row, const char *key)
{
	char text[32];

	snprintf(text, sizeof text, "%zu", json_array_size(json_object_get(row, key)));
	table_cell(t, text);
}

/* When it was last heard, which says how old a state may be; NULL: never. */
static const char *
seen_text(char out[TEXT_AGE_CAP], const struct show *s, const json_t *row)
{
	int64_t ms = value_int(row, "seen_ms", -1);

	if (ms < 0)
		return NULL;
	text_since(out, TEXT_AGE_CAP, ms, s->now_ms);
	return out;
}

static void
facts_row(struct table *t, const struct show *s, const json_t *row)
{
	static const char *const keys[] = {"arch", "cpus"};
	const char *known = value_str(row, "known");
	char text[VALUE_TEXT_CAP], seen[TEXT_AGE_CAP];

	snprintf(text, sizeof text, "%s%s", value_str(row, "name"), value_bool(row, "self") ? "*" : "");
	table_cell(t, text);
	show_state(text, sizeof text, row);
	table_cell(t, text);
	table_cell(t, seen_text(seen, s, row));
	table_cell(t, known);
	if (strcmp(known, "no") == 0) {
		for (int i = 0; i < 7; i++)
			table_cell(t, NULL);
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		table_cell(t, value_text(text, sizeof text, row, keys[i]));
	memory_text(text, row);
	table_cell(t, text);
	table_cell(t, value_str(row, "kernel"));
	table_cell(t, value_str(row, "config_hash"));
	cell_count(t, row, "sandboxes");
	cell_count(t, row, "images");
}

static void
put_list(const struct show *s, const json_t *row, const char *key)
{
	const json_t *list = json_object_get(row, key);

	fprintf(s->out, "%s %zu\n", key, json_array_size(list));
	for (size_t i = 0; i < json_array_size(list); i++) {
		fputs("  ", s->out);
		show_put(s, json_string_value(json_array_get(list, i)));
		fputc('\n', s->out);
	}
}

static void
put_line(const struct show *s, const json_t *row, const char *key)
{
	char text[VALUE_TEXT_CAP];

	fprintf(s->out, "%s ", key);
	show_put(s, value_text(text, sizeof text, row, key));
	fputc('\n', s->out);
}

static void
put_one(const struct show *s, const json_t *row)
{
	static const char *const keys[] = {"arch", "kernel", "cpus"};
	const char *known = value_str(row, "known"), *seen;
	char text[VALUE_TEXT_CAP], age[TEXT_AGE_CAP];

	show_put(s, value_str(row, "name"));
	fputs("  ", s->out);
	show_state(text, sizeof text, row);
	show_word(s, text);
	if (!value_bool(row, "self")) {
		seen = seen_text(age, s, row);
		fprintf(s->out, seen == NULL ? "  never heard" : "  heard %s ago", seen);
	}
	if (strcmp(known, "no") == 0) {
		fputs("  its facts are not known here (yet)\n", s->out);
		return;
	}
	fprintf(s->out, "  version %lld of life %lld%s\n", (long long)value_int(row, "version", 0),
	    (long long)value_int(row, "generation", 0),
	    strcmp(known, "old") == 0 ? ", and it has said something newer since" : "");
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		put_line(s, row, keys[i]);
	memory_text(age, row);
	fprintf(s->out, "memory %s\n", age);
	put_line(s, row, "config_hash");
	put_list(s, row, "sandboxes");
	put_list(s, row, "images");
	if (value_int(row, "left_out", 0) > 0)
		fprintf(s->out, "%lld names are left out: there are too many\n",
		    (long long)value_int(row, "left_out", 0));
}

int
show_facts(const struct show *s, const json_t *data, struct err *err)
{
	static const char *const titles[] = {"NODE", "STATE", "SEEN", "KNOWN", "ARCH", "CPUS", "MEMORY",
	    "KERNEL", "CONFIG", "SANDBOXES", "IMAGES"};
	AUTO_TABLE struct table *t = table_new();
	AUTO_FREE const json_t **items = value_sorted(data, "name");
	size_t n = json_array_size(data);

	(void)err;
	if (s->args->operand != NULL && n == 1 && !show_names(s)) {
		put_one(s, items[0]);
		return 0;
	}
	for (size_t i = 0; i < ARRAY_LEN(titles); i++)
		table_column(t, titles[i], i == 1 ? TABLE_STATE : 0);
	for (size_t i = 0; i < n; i++) {
		if (!show_names(s)) {
			facts_row(t, s, items[i]);
			continue;
		}
		show_put(s, value_str(items[i], "name"));
		fputc('\n', s->out);
	}
	if (!show_names(s))
		table_print(t, s->out, !s->args->given[OPT_NO_HEADERS], s->color);
	return 0;
}
