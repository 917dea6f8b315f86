/*
 * show_list.c - members, instances, the leader, versions.
 *
 * There is no global truth in a mesh: two sides of a split see different
 * members, so the list says whose view it is.
 */
#include <string.h>

#include "../base/ctl.h"
#include "../base/own.h"
#include "args.h"
#include "show.h"
#include "table.h"
#include "text.h"
#include "value.h"

static void
names(const struct show *s, const json_t *list, const char *key)
{
	AUTO_FREE const json_t **items = value_sorted(list, key);

	for (size_t i = 0; i < json_array_size(list); i++) {
		show_put(s, value_str(items[i], key));
		fputc('\n', s->out);
	}
}

static void
cell_of(struct table *t, const json_t *row, const char *key)
{
	char text[VALUE_TEXT_CAP];

	table_cell(t, value_text(text, sizeof text, row, key));
}

void
show_state(char *out, size_t cap, const json_t *row)
{
	snprintf(out, cap, "%s%s%s", value_str(row, "state"),
	    value_bool(row, "udp_blocked") ? ",udp-blocked" :
	    value_bool(row, "unstable")	   ? ",unstable" : "",
	    strcmp(value_str(row, "state"), "left") == 0 ? "" : /* an older daemon says more of it */
	    value_bool(row, "leaving") ? ",leaving" :
	    value_bool(row, "draining") ? ",draining" : "");
}

static void
cell_since(struct table *t, const struct show *s, const json_t *row, const char *key)
{
	int64_t ms = value_int(row, key, -1);
	char text[TEXT_AGE_CAP];

	if (ms < 0) {
		table_cell(t, NULL);
		return;
	}
	text_since(text, sizeof text, ms, s->now_ms);
	table_cell(t, text);
}

static void
member_row(struct table *t, const struct show *s, const json_t *m)
{
	char text[VALUE_TEXT_CAP];
	int64_t rtt = value_int(m, "rtt_ms", -1);
	bool self = value_bool(m, "self");

	snprintf(text, sizeof text, "%s%s", value_str(m, "name"), self ? "*" : "");
	table_cell(t, text);
	if (s->args->output == ARGS_WIDE)
		cell_of(t, m, "id");
	cell_of(t, m, "address");
	show_state(text, sizeof text, m);
	table_cell(t, text);
	cell_of(t, m, "zone");
	cell_of(t, m, "tags");
	text[0] = '\0';
	if (rtt >= 0 && !self)
		text_millis(text, sizeof text, rtt);
	table_cell(t, text);
	cell_since(t, s, m, "seen_ms");
	cell_of(t, m, "version");
	table_cell(t, value_bool(m, "leader") ? "leader" : NULL);
	if (s->args->output != ARGS_WIDE)
		return;
	cell_of(t, m, "generation");
	cell_since(t, s, m, "since_ms");
}

int
show_members(const struct show *s, const json_t *data, struct err *err)
{
	AUTO_TABLE struct table *t = table_new();
	const char *self = "";

	if (s->args->given[OPT_COMPARE])
		return show_matrix(s, data, err);
	if (show_names(s)) {
		names(s, data, "name");
		return 0;
	}
	table_column(t, "NODE", 0);
	if (s->args->output == ARGS_WIDE)
		table_column(t, "ID", 0);
	table_column(t, "ADDRESS", 0);
	table_column(t, "STATE", TABLE_STATE);
	table_column(t, "ZONE", 0);
	table_column(t, "TAGS", 0);
	table_column(t, "RTT", 0);
	table_column(t, "SEEN", 0);
	table_column(t, "VERSION", 0);
	table_column(t, "LEADER", 0);
	if (s->args->output == ARGS_WIDE) {
		table_column(t, "GENERATION", 0);
		table_column(t, "SINCE", 0);
	}
	AUTO_FREE const json_t **items = value_sorted(data, "name");
	for (size_t i = 0; i < json_array_size(data); i++) {
		member_row(t, s, items[i]);
		if (value_bool(items[i], "self"))
			self = value_str(items[i], "name");
	}
	if (!s->args->given[OPT_NO_HEADERS] && *self != '\0') {
		fputs("as seen by ", s->out);
		show_put(s, self);
		fputc('\n', s->out);
	}
	table_print(t, s->out, !s->args->given[OPT_NO_HEADERS], s->color);
	return 0;
}

/* Of an exclusive instance: for how long it may go on by what its node knows. */
static void
cell_lease(struct table *t, const struct show *s, const json_t *row)
{
	int64_t until = value_int(row, "lease_until_ms", 0);
	char text[VALUE_TEXT_CAP];

	if (until <= s->now_ms) {
		table_cell(t, NULL);
		return;
	}
	text_age(text, sizeof text, until - s->now_ms);
	table_cell(t, text);
}

static void
instance_row(struct table *t, const struct show *s, const json_t *i)
{
	static const char *const keys[] = {
	    "instance", "role", "version", "node", "state", "health", "restarts"};

	for (size_t k = 0; k < ARRAY_LEN(keys); k++)
		cell_of(t, i, keys[k]);
	/* 0: not running here, or on a node that did not tell. */
	if (value_int(i, "pid", 0) > 0)
		cell_of(t, i, "pid");
	else
		table_cell(t, NULL);
	cell_of(t, i, "image");
	cell_since(t, s, i, "since_ms");
	if (s->args->output == ARGS_WIDE) {
		cell_lease(t, s, i);
		cell_of(t, i, "error");
	}
}

/* Without -o wide there is no column for errors, but an error must not hide. */
static void
instance_errors(const struct show *s, const json_t *const *items, size_t count)
{
	for (size_t k = 0; k < count; k++) {
		const json_t *i = items[k];
		const char *error = value_str(i, "error"), *id = value_str(i, "instance");

		if (*error == '\0')
			continue;
		/* Most errors say themselves whose they are. */
		if (strncmp(error, id, strlen(id)) != 0) {
			show_put(s, id);
			fputs(": ", s->out);
		}
		show_put(s, error);
		fputc('\n', s->out);
	}
}

int
show_ps(const struct show *s, const json_t *data, struct err *err)
{
	static const char *const titles[] = {"INSTANCE", "ROLE", "VERSION", "NODE", "STATE",
	    "HEALTH", "RESTARTS", "PID", "IMAGE", "AGE"};
	AUTO_TABLE struct table *t = table_new();

	(void)err;
	if (show_names(s)) {
		names(s, data, "instance");
		return 0;
	}
	for (size_t c = 0; c < ARRAY_LEN(titles); c++) {
		bool word = strcmp(titles[c], "STATE") == 0 || strcmp(titles[c], "HEALTH") == 0;

		table_column(t, titles[c], word ? TABLE_STATE : 0);
	}
	if (s->args->output == ARGS_WIDE) {
		table_column(t, "LEASE", 0);
		table_column(t, "ERROR", 0);
	}
	AUTO_FREE const json_t **items = value_sorted(data, "instance");
	for (size_t i = 0; i < json_array_size(data); i++)
		instance_row(t, s, items[i]);
	table_print(t, s->out, !s->args->given[OPT_NO_HEADERS], s->color);
	if (s->args->output != ARGS_WIDE && !s->args->given[OPT_NO_HEADERS])
		instance_errors(s, items, json_array_size(data));
	return 0;
}

int
show_leader_code(const json_t *data)
{
	return *value_str(data, "leader") != '\0' || *value_str(data, "handed_to") != '\0' ? 0 : 1;
}

/* How it came to lead, and who would be next. */
static void
put_elected(const struct show *s, const json_t *data)
{
	const json_t *by = json_object_get(data, "by_quorum"), *next = json_object_get(data, "next");

	if (json_is_boolean(by))
		fputs(json_is_true(by) ? "  elected by a full quorum" :
					   "  elected by less than a quorum",
		    s->out);
	for (size_t i = 0; i < json_array_size(next); i++) {
		fputs(i == 0 ? "  next " : " ", s->out);
		show_put(s, json_string_value(json_array_get(next, i)));
	}
}

int
show_leader(const struct show *s, const json_t *data, struct err *err)
{
	const char *leader = value_str(data, "leader");
	int64_t lease = value_int(data, "lease_ms", 0);
	int64_t since = value_int(data, "since_ms", -1);
	char text[VALUE_TEXT_CAP];

	(void)err;
	if (s->args->to != NULL) {
		if (!s->args->given[OPT_QUIET]) {
			show_put(s, value_text(text, sizeof text, data, "handed_to"));
			fprintf(s->out, " leads  term %lld\n", (long long)value_int(data, "term", 0));
		}
		return 0;
	}
	if (show_names(s)) {
		if (*leader != '\0') {
			show_put(s, leader);
			fputc('\n', s->out);
		}
		return show_leader_code(data);
	}
	if (*leader == '\0') {
		fputs("no leader  side ", s->out);
		show_word(s, value_text(text, sizeof text, data, "grade"));
		fprintf(s->out, "  term %lld\n", (long long)value_int(data, "term", 0));
		return 1;
	}
	show_put(s, leader);
	fputs(" (", s->out);
	show_put(s, value_text(text, 9, data, "id")); /* short: 8 digits */
	fputs(")  ", s->out);
	show_put(s, value_text(text, sizeof text, data, "address"));
	fprintf(s->out, "  term %lld  side ", (long long)value_int(data, "term", 0));
	show_word(s, value_text(text, sizeof text, data, "grade"));
	if (since >= 0) {
		text_since(text, sizeof text, since, s->now_ms);
		fprintf(s->out, "  since %s", text);
	}
	if (lease > 0) {
		text_millis(text, sizeof text, lease);
		fprintf(s->out, "  lease %s", text);
	}
	put_elected(s, data);
	fputc('\n', s->out);
	return 0;
}

int
show_version(const struct show *s, const json_t *data, struct err *err)
{
	const json_t *wire = json_object_get(data, "wire");
	char text[VALUE_TEXT_CAP];

	(void)err;
	fputs("mesh " MESH_VERSION "\nmeshd ", s->out);
	show_put(s, value_text(text, sizeof text, data, "version"));
	fprintf(s->out, "  wire %lld-%lld\n",
	    (long long)json_integer_value(json_array_get(wire, 0)),
	    (long long)json_integer_value(json_array_get(wire, 1)));
	return 0;
}

/* mesh generations. */
int
show_generations(const struct show *s, const json_t *data, struct err *err)
{
	const json_t *list = json_object_get(data, "generations");
	AUTO_TABLE struct table *t = table_new();

	(void)err;
	if (show_names(s)) {
		for (size_t i = 0; i < json_array_size(list); i++)
			fprintf(s->out, "%lld\n",
			    (long long)value_int(json_array_get(list, i), "generation", 0));
		return 0;
	}
	table_column(t, "GENERATION", 0);
	table_column(t, "AGE", 0);
	table_column(t, "FILES", 0);
	table_column(t, "STATE", 0);
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *row = json_array_get(list, i);
		bool current = value_bool(row, "current"), held = value_bool(row, "held");

		cell_of(t, row, "generation");
		cell_since(t, s, row, "made_ms");
		cell_of(t, row, "files");
		table_cell(t, current && held ? "current,held" : current ? "current" :
				  held	      ? "held" : NULL);
	}
	table_print(t, s->out, !s->args->given[OPT_NO_HEADERS], s->color);
	return 0;
}
