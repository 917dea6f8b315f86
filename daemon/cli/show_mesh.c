/*
 * show_mesh.c - the mesh itself: sides, votes, round trips, who answers, what
 * happened.
 * The matrix of who sees whom is show_matrix.c.
 */
#include <string.h>
#include <time.h>

#include "../base/own.h"
#include "args.h"
#include "show.h"
#include "table.h"
#include "text.h"
#include "value.h"

/* "n1 n2 n3", or "nobody". */
static void
put_names(const struct show *s, const json_t *list)
{
	AUTO_FREE const json_t **items = value_sorted(list, NULL);
	size_t n = json_array_size(list);

	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			fputc(' ', s->out);
		show_put(s, json_string_value(items[i]));
	}
	if (n == 0)
		fputs("nobody", s->out);
}

static void
put_since(const struct show *s, const json_t *v)
{
	char text[TEXT_AGE_CAP];

	text_since(text, sizeof text, value_int(v, "since_ms", 0), s->now_ms);
	fprintf(s->out, "since %s", text);
}

/* --- partition ------------------------------------------------------------------- */

static void
put_side(const struct show *s, const json_t *side)
{
	const char *leader = value_str(side, "leader");

	fputs("  ", s->out);
	put_names(s, json_object_get(side, "nodes"));
	fputs(": ", s->out);
	if (*leader == '\0') {
		fputs("no leader", s->out);
	} else {
		show_put(s, leader);
		fprintf(s->out, " leads  term %lld", (long long)value_int(side, "term", 0));
	}
	fputs("  side ", s->out);
	show_word(s, value_str(side, "grade"));
	fputs("  ", s->out);
	put_since(s, side);
	fputc('\n', s->out);
}

static void
put_missing(const struct show *s, const json_t *m)
{
	fputs("  ", s->out);
	show_put(s, value_str(m, "name"));
	fputs("  ", s->out);
	show_put(s, value_str(m, "address"));
	fputs("  ", s->out);
	show_word(s, value_str(m, "state"));
	fputs("  ", s->out);
	put_since(s, m);
	fprintf(s->out, "  weight %lld\n", (long long)value_int(m, "weight", 0));
}

int
show_partition_code(const json_t *data)
{
	const char *grade = value_str(data, "grade");
	bool whole = json_array_size(json_object_get(data, "missing")) == 0 &&
		     json_array_size(json_object_get(data, "sides")) <= 1;

	if (*value_str(data, "leader") == '\0')
		return 2;
	return whole && strcmp(grade, "full") == 0 ? 0 : 1;
}

int
show_partition(const struct show *s, const json_t *data, struct err *err)
{
	const json_t *missing = json_object_get(data, "missing");
	const json_t *sides = json_object_get(data, "sides");
	const json_t *silent = json_object_get(data, "silent");
	const json_t *suspected = json_object_get(data, "suspected");
	const char *tie = value_str(data, "tie_breaker");

	(void)err;
	if (show_names(s)) {
		const json_t *here = json_object_get(data, "here");
		AUTO_FREE const json_t **items = value_sorted(here, NULL);

		for (size_t i = 0; i < json_array_size(here); i++) {
			show_put(s, json_string_value(items[i]));
			fputc('\n', s->out);
		}
		return show_partition_code(data);
	}
	fputs("side of ", s->out);
	show_put(s, value_str(data, "node"));
	fputs(": ", s->out);
	show_word(s, value_str(data, "grade"));
	fprintf(s->out, "  weight %lld of %lld  members %lld of %lld  ",
	    (long long)value_int(data, "visible_weight", 0),
	    (long long)value_int(data, "known_weight", 0),
	    (long long)value_int(data, "visible", 0), (long long)value_int(data, "known", 0));
	put_since(s, data);
	if (*tie != '\0') {
		fputs("  tie-breaker ", s->out);
		show_put(s, tie);
	}
	fputs("\nhere: ", s->out);
	put_names(s, json_object_get(data, "here"));
	if (json_array_size(suspected) > 0) {
		fputs("\nsuspected: ", s->out);
		put_names(s, suspected);
	}
	fputs("\nleaders, as heard:\n", s->out);
	for (size_t i = 0; i < json_array_size(sides); i++)
		put_side(s, json_array_get(sides, i));
	if (json_array_size(silent) > 0) {
		fputs("did not say: ", s->out);
		put_names(s, silent);
		fputc('\n', s->out);
	}
	if (json_array_size(missing) > 0)
		fputs("missing:\n", s->out);
	for (size_t i = 0; i < json_array_size(missing); i++)
		put_missing(s, json_array_get(missing, i));
	return show_partition_code(data);
}

/* --- roster ------------------------------------------------------------------------ */

static void
vote_row(struct table *t, const json_t *v)
{
	static const char *const keys[] = {"name", "state", "weight", "change"};
	const json_t *stored = json_object_get(v, "stored");
	char text[VALUE_TEXT_CAP];

	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		table_cell(t, value_text(text, sizeof text, v, keys[i]));
	table_cell(t, value_bool(v, "tie_breaker") ? "tie-breaker" : NULL);
	table_cell(t, json_is_true(stored)	? "yes" :
			   json_is_false(stored) ? "no" :
						     NULL);
}

int
show_roster(const struct show *s, const json_t *data, struct err *err)
{
	static const char *const titles[] = {"NODE", "STATE", "WEIGHT", "CHANGE", "NOTE", "STORED"};
	const json_t *votes = json_object_get(data, "votes");
	AUTO_TABLE struct table *t = table_new();
	const char *waits = value_str(data, "waits_for");
	char text[VALUE_TEXT_CAP];

	(void)err;
	AUTO_FREE const json_t **items = value_sorted(votes, "name");
	if (show_names(s)) {
		for (size_t i = 0; i < json_array_size(votes); i++) {
			show_put(s, value_str(items[i], "name"));
			fputc('\n', s->out);
		}
		return 0;
	}
	if (!s->args->given[OPT_NO_HEADERS]) {
		fputs("roster ", s->out);
		show_put(s, value_text(text, sizeof text, data, "roster"));
		fprintf(s->out, "  %lld electors  weight %lld",
		    (long long)value_int(data, "electors", 0),
		    (long long)value_int(data, "weight", 0));
		if (value_bool(data, "knows_stored"))
			fprintf(s->out, "  stored by weight %lld",
			    (long long)value_int(data, "stored_weight", 0));
		fputs("  as known to ", s->out);
		show_put(s, value_str(data, "node"));
		fputc('\n', s->out);
		if (value_bool(data, "out") && json_array_size(votes) > 0)
			fputs("as of when this node was a member: it is none now, and hears of no change\n",
			    s->out);
		if (value_bool(data, "joint"))
			fputs("a change is under way: the old and the new set must both agree\n",
			    s->out);
		if (*waits != '\0') {
			fputs("waits for: ", s->out);
			show_put(s, waits);
			fputc('\n', s->out);
		}
	}
	for (size_t i = 0; i < ARRAY_LEN(titles); i++)
		table_column(t, titles[i], i == 1 ? TABLE_STATE : 0);
	for (size_t i = 0; i < json_array_size(votes); i++)
		vote_row(t, items[i]);
	table_print(t, s->out, !s->args->given[OPT_NO_HEADERS], s->color);
	return 0;
}

/* --- round trips, and who answers ------------------------------------------------------ */

static void
cell_rtt(struct table *t, const json_t *row)
{
	int64_t rtt = value_int(row, "rtt_ms", -1);
	char text[TEXT_AGE_CAP] = "";

	if (rtt >= 0)
		text_millis(text, sizeof text, rtt);
	table_cell(t, text);
}

static void
cell_yes(struct table *t, const json_t *v)
{
	table_cell(t, json_is_boolean(v) ? json_is_true(v) ? "yes" : "no" : "");
}

int
show_rtt(const struct show *s, const json_t *data, struct err *err)
{
	static const char *const keys[] = {"from", "to", "state"};
	static const char *const titles[] = {"FROM", "TO", "STATE", "RTT", "ANSWERS"};
	AUTO_TABLE struct table *t = table_new();
	char text[VALUE_TEXT_CAP];

	(void)err;
	for (size_t i = 0; i < ARRAY_LEN(titles); i++)
		table_column(t, titles[i], i == 2 ? TABLE_STATE : 0);
	AUTO_FREE const json_t **items = value_sorted(data, "to");
	for (size_t i = 0; i < json_array_size(data); i++) {
		if (show_names(s)) {
			show_put(s, value_str(items[i], "to"));
			fputc('\n', s->out);
			continue;
		}
		for (size_t k = 0; k < ARRAY_LEN(keys); k++)
			table_cell(t, value_text(text, sizeof text, items[i], keys[k]));
		cell_rtt(t, items[i]);
		cell_yes(t, json_object_get(items[i], "answers"));
	}
	if (!show_names(s))
		table_print(t, s->out, !s->args->given[OPT_NO_HEADERS], s->color);
	return 0;
}

int
show_members_code(const json_t *data)
{
	return json_array_size(json_object_get(data, "faults")) > 0;
}

/* Under --matrix a node that is dead was not asked, and answers as little as a silent
 * one; who left is no more expected to than without. */
static bool
answers_not(const json_t *node)
{
	const char *asked = value_str(node, "asked");

	return asked[0] != '\0' && strcmp(asked, "answered") != 0 &&
	    strcmp(value_str(node, "why"), "it left") != 0;
}

int
show_reachability_code(const json_t *data)
{
	const json_t *nodes = json_object_get(data, "nodes");

	for (size_t i = 0; i < json_array_size(nodes); i++)
		if (answers_not(json_array_get(nodes, i)))
			return 1;
	return show_members_code(data) ||
	    value_int(data, "answered", 0) < value_int(data, "asked", 0);
}

static void
reached_row(struct table *t, const json_t *n)
{
	static const char *const keys[] = {"name", "address", "state"};
	char text[VALUE_TEXT_CAP];
	bool answered = value_bool(n, "answered");

	for (size_t k = 0; k < ARRAY_LEN(keys); k++)
		table_cell(t, value_text(text, sizeof text, n, keys[k]));
	table_cell(t, answered		      ? "answers" :
		   value_bool(n, "udp_blocked") ? "tcp-only" :
		   value_bool(n, "heard")     ? "one-way" :
						  "silent");
	cell_rtt(t, n);
}

int
show_reachability(const struct show *s, const json_t *data, struct err *err)
{
	static const char *const titles[] = {"NODE", "ADDRESS", "STATE", "ANSWER", "RTT"};
	const json_t *nodes = json_object_get(data, "nodes");
	AUTO_TABLE struct table *t = table_new();
	char took[TEXT_AGE_CAP];

	if (s->args->given[OPT_MATRIX])
		return show_matrix(s, data, err);
	AUTO_FREE const json_t **items = value_sorted(nodes, "name");
	for (size_t i = 0; i < json_array_size(nodes) && show_names(s); i++)
		if (!value_bool(items[i], "answered")) {
			show_put(s, value_str(items[i], "name"));
			fputc('\n', s->out);
		}
	if (show_names(s))
		return show_reachability_code(data);
	text_millis(took, sizeof took, value_int(data, "took_ms", 0));
	if (!s->args->given[OPT_NO_HEADERS]) {
		fputs("pinged from ", s->out);
		show_put(s, value_str(data, "node"));
		fprintf(s->out, ": %lld of %lld answer, in %s\n",
		    (long long)value_int(data, "answered", 0),
		    (long long)value_int(data, "asked", 0), took);
	}
	for (size_t i = 0; i < ARRAY_LEN(titles); i++)
		table_column(t, titles[i], i == 2 || i == 3 ? TABLE_STATE : 0);
	for (size_t i = 0; i < json_array_size(nodes); i++)
		reached_row(t, items[i]);
	table_print(t, s->out, !s->args->given[OPT_NO_HEADERS], s->color);
	return show_reachability_code(data);
}

/* --- events -------------------------------------------------------------------------- */

/* They come one by one: columns as wide as most are. */
enum { EVENT_KIND = 9, EVENT_SUBJECT = 10 };

static void
event_pad(const struct show *s, const char *text, size_t width)
{
	size_t len = text[0] != '\0' ? strlen(text) : strlen("<none>");

	fprintf(s->out, "%*s", (int)(len < width ? width - len : 0) + 2, "");
}

int
show_events(const struct show *s, const json_t *data, struct err *err)
{
	int64_t at = value_int(data, "at_ms", 0);
	time_t t = (time_t)(at / 1000);
	char when[32] = "";
	struct tm tm;

	(void)err;
	if (show_names(s)) {
		show_put(s, value_str(data, "kind"));
		fputc('\n', s->out);
		return 0;
	}
	if (at < 0 || gmtime_r(&t, &tm) == NULL || tm.tm_year > 8099 ||
	    strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%S", &tm) == 0)
		snprintf(when, sizeof when, "<none>");
	else
		snprintf(when + strlen(when), 8, ".%03dZ", (int)(at % 1000));
	fprintf(s->out, "%-24s  ", when);
	show_word(s, value_str(data, "kind"));
	event_pad(s, value_str(data, "kind"), EVENT_KIND);
	show_put(s, value_str(data, "subject"));
	event_pad(s, value_str(data, "subject"), EVENT_SUBJECT);
	show_put(s, value_str(data, "text"));
	fputc('\n', s->out);
	fflush(s->out);
	return 0;
}
