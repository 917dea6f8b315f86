/*
 * show_schedule.c - mesh schedule: older ones, what differs, what a shadow would do; and
 * mesh why.
 */
#include <string.h>

#include "args.h"
#include "decide.h"
#include "inforce.h"
#include "run.h"
#include "show.h"
#include "table.h"
#include "text.h"
#include "value.h"

static bool
is(const struct args *a, const char *command)
{
	return a->operand != NULL && strcmp(a->operand, command) == 0;
}

/* What only the two words together show. */
int
schedule_prepare(const struct show *s, struct args *a, struct run_error *e)
{
	bool takes = is(a, "show") || is(a, "diff") || is(a, "revert");

	(void)s;
	if (a->second != NULL && !takes)
		return err_set(&e->err, EXIT_USAGE_, "schedule: %s takes no STAMP; see mesh help schedule", a->operand);
	if (a->second == NULL && is(a, "revert"))
		return err_set(&e->err, EXIT_USAGE_, "schedule: revert: missing STAMP; mesh schedule history names them");
	if (a->given[OPT_FORCE] && !is(a, "revert"))
		return err_set(&e->err, EXIT_USAGE_, "schedule: --force is for revert");
	if (a->given[OPT_WATCH] && is(a, "revert"))
		return err_set(&e->err, EXIT_USAGE_, "schedule: revert is done once, so no -w");
	return 0;
}

static int
show_history(const struct show *s, const json_t *data)
{
	static const char *const titles[] = {"STAMP", "AGE", "LEADER", "SIDE", "ROLES", "NODES", "CHANGES"};
	struct table *t = table_new();
	char text[VALUE_TEXT_CAP];

	for (size_t i = 0; i < ARRAY_LEN(titles); i++)
		table_column(t, titles[i], 0);
	for (size_t i = 0; i < json_array_size(data); i++) {
		const json_t *row = json_array_get(data, i);
		const json_t *changes = json_object_get(row, "changes");
		char mark[VALUE_TEXT_CAP + 2];

		if (show_names(s)) {
			show_put(s, value_str(row, "stamp"));
			fputc('\n', s->out);
			continue;
		}
		snprintf(mark, sizeof mark, "%s%s", value_str(row, "stamp"), value_bool(row, "current") ? "*" : "");
		table_cell(t, mark);
		text_since(text, sizeof text, value_int(row, "at_ms", 0), s->now_ms);
		table_cell(t, text);
		table_cell(t, value_str(row, "leader"));
		table_cell(t, value_str(row, "grade"));
		table_cell(t, value_text(text, sizeof text, row, "roles"));
		table_cell(t, value_text(text, sizeof text, row, "nodes"));
		value_print(text, sizeof text, json_array_get(changes, 0));
		if (json_array_size(changes) > 1)
			snprintf(text + strnlen(text, 80), 32, " (and %zu more)", json_array_size(changes) - 1);
		table_cell(t, text);
	}
	if (!show_names(s))
		table_print(t, s->out, !s->args->given[OPT_NO_HEADERS], s->color);
	table_free(t);
	return 0;
}

static int
put_diff(const struct show *s, const json_t *before, const json_t *after, const char *heads)
{
	json_t *diff = decide_diff(before, after);
	int code = json_array_size(diff) > 0 ? 1 : 0;
	char sum[160];

	decide_sum(diff, sum, sizeof sum);
	if (!s->args->given[OPT_QUIET]) {
		fprintf(s->out, "%s: %s\n", heads, sum);
		decide_print(s, diff, "  ", s->args->output == ARGS_WIDE ? 0 : DECIDE_SHOWN);
	}
	json_decref(diff);
	return code;
}

static int
show_diff(const struct show *s, const json_t *data)
{
	const json_t *from = json_object_get(data, "from"), *to = json_object_get(data, "to");
	char heads[2 * VALUE_TEXT_CAP + 8], a[VALUE_TEXT_CAP], b[VALUE_TEXT_CAP];

	snprintf(heads, sizeof heads, "%s -> %s", value_text(a, sizeof a, from, "stamp"),
	    value_text(b, sizeof b, to, "stamp"));
	return put_diff(s, from, to, heads);
}

/* One of a shadow's two answers, with what its roles that failed keep; the caller's. */
static json_t *
in_force_of(const json_t *data, const char *key)
{
	const json_t *failed = json_object_get(json_object_get(data, "failed"), key);
	json_t *answer = json_object_get(data, key);

	if (json_array_size(failed) == 0)
		return json_incref(answer);
	answer = json_deep_copy(answer);
	for (size_t i = 0; i < json_array_size(failed); i++) {
		const json_t *f = json_array_get(failed, i);

		if (value_bool(f, "keeps"))
			inforce_keep(answer, json_object_get(data, "kept"), NULL, value_str(f, "role"));
	}
	return answer;
}

static int
put_shadow(const struct show *s, const json_t *data)
{
	const json_t *failed = json_object_get(data, "failed");
	const json_t *mine = json_object_get(failed, "before"), *theirs = json_object_get(failed, "after");
	json_t *before = in_force_of(data, "before"), *after = in_force_of(data, "after");
	int code = put_diff(s, before, after, "in force -> shadow");

	if (!s->args->given[OPT_QUIET]) {
		decide_failed(s, theirs, mine, "in the shadow");
		decide_failed(s, mine, theirs, "in the scripts in force");
	}
	json_decref(before);
	json_decref(after);
	return json_array_size(theirs) > 0 ? 1 : code;
}

static int
show_shadow(const struct show *s, const json_t *data)
{
	const char *error = value_str(data, "error");

	if (!value_bool(data, "is")) {
		fputs("no shadow: the leader has no scheduler-scripts-shadow/\n", s->out);
		return 0;
	}
	if (*error != '\0') {
		fputs("the shadow fails: ", s->out);
		show_put(s, error);
		fputc('\n', s->out);
		return 1;
	}
	if (!json_is_object(json_object_get(data, "after"))) {
		fputs("the shadow has not answered a round yet\n", s->out);
		return 0;
	}
	return put_shadow(s, data);
}

int
show_schedules(const struct show *s, const json_t *data, struct err *err)
{
	char text[VALUE_TEXT_CAP];

	if (is(s->args, "history"))
		return show_history(s, data);
	if (is(s->args, "diff"))
		return show_diff(s, data);
	if (is(s->args, "shadow"))
		return show_shadow(s, data);
	if (is(s->args, "input")) {
		json_dumpf(data, s->out, JSON_INDENT(1) | (s->terminal ? JSON_ENSURE_ASCII : 0));
		fputc('\n', s->out);
		return 0;
	}
	if (!is(s->args, "revert"))
		return show_schedule(s, data, err);
	value_text(text, sizeof text, data, "reverted");
	if (!show_names(s))
		fputs("reverted; in force is now ", s->out);
	show_put(s, text);
	fputs(show_names(s) ? "\n" : "\nThe next round starts from it: mesh schedule history, mesh plan\n", s->out);
	return 0;
}

int
show_schedules_code(const json_t *data)
{
	bool shadow = json_is_object(json_object_get(data, "after"));
	json_t *from = shadow ? in_force_of(data, "before") : json_incref(json_object_get(data, "from"));
	json_t *to = shadow ? in_force_of(data, "after") : json_incref(json_object_get(data, "to"));
	json_t *diff = to != NULL ? decide_diff(from, to) : NULL;
	bool fails = shadow && json_array_size(json_object_get(json_object_get(data, "failed"), "after")) > 0;
	int code = fails || json_array_size(diff) > 0 ? 1 : 0;

	json_decref(from);
	json_decref(to);
	json_decref(diff);
	return code;
}

/* --- why --------------------------------------------------------------------------------- */

static void
put_chain(const struct show *s, const json_t *why)
{
	char text[VALUE_TEXT_CAP];

	if (json_array_size(why) == 0) {
		value_print(text, sizeof text, why);
		show_lines(s, *text != '\0' ? text : "the scheduler does not say", "  ", "");
		return;
	}
	for (size_t i = 0; i < json_array_size(why); i++)
		show_lines(s, value_print(text, sizeof text, json_array_get(why, i)), "  ", "");
}

static void
put_running(const struct show *s, const json_t *row)
{
	char text[VALUE_TEXT_CAP];
	int64_t restarts = value_int(row, "restarts", 0), since = value_int(row, "since_ms", -1);

	fputs("  ", s->out);
	show_word(s, value_str(row, "state"));
	fputs(" on ", s->out);
	show_put(s, value_str(row, "node"));
	if (*value_str(row, "health") != '\0' && strcmp(value_str(row, "health"), "none") != 0) {
		fputs(", ", s->out);
		show_word(s, value_str(row, "health"));
	}
	if (restarts > 0)
		fprintf(s->out, ", %lld restarts", (long long)restarts);
	if (since > 0) {
		text_since(text, sizeof text, since, s->now_ms);
		fprintf(s->out, ", for %s", text);
	}
	if (*value_str(row, "error") != '\0') {
		fputs(": ", s->out);
		show_put(s, value_str(row, "error"));
	}
	fputc('\n', s->out);
}

static void
put_place(const struct show *s, const json_t *d)
{
	static const char *const keys[] = {"role", "version", "process", "image", "sandbox"};
	char text[VALUE_TEXT_CAP];

	show_put(s, value_text(text, sizeof text, d, "instance"));
	if (!value_bool(d, "scheduled")) {
		fputs(" is in no schedule that this node has, and runs\n", s->out);
		return;
	}
	fputs(" is placed on ", s->out);
	show_put(s, value_text(text, sizeof text, d, "node"));
	fputs(" by schedule ", s->out);
	show_put(s, value_text(text, sizeof text, d, "stamp"));
	fputs("\n ", s->out);
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (*value_text(text, sizeof text, d, keys[i]) != '\0') {
			fprintf(s->out, " %s ", keys[i]);
			show_put(s, text);
		}
	fputs("\ndecided by:\n", s->out);
	put_chain(s, json_object_get(d, "why"));
}

int
show_why(const struct show *s, const json_t *data, struct err *err)
{
	const json_t *running = json_object_get(data, "running"), *held = json_object_get(data, "held");
	const json_t *problems = json_object_get(data, "problems");

	(void)err;
	put_place(s, data);
	fputs("as hosts say:\n", s->out);
	if (json_array_size(running) == 0)
		fputs("  nothing is heard of it\n", s->out);
	for (size_t i = 0; i < json_array_size(running); i++)
		put_running(s, json_array_get(running, i));
	if (json_array_size(held) + json_array_size(problems) > 0)
		fputs("held back by:\n", s->out);
	for (size_t i = 0; i < json_array_size(held); i++) {
		const json_t *h = json_array_get(held, i);

		fputs("  a rail: ", s->out);
		show_put(s, value_str(h, "why"));
		fputs("\n    hint: mesh apply --force ", s->out);
		show_put(s, value_str(h, "stamp"));
		fputc('\n', s->out);
	}
	for (size_t i = 0; i < json_array_size(problems); i++) {
		const json_t *p = json_array_get(problems, i);

		show_lines(s, value_str(p, "text"), "  ", "");
		if (*value_str(p, "hint") != '\0')
			show_lines(s, value_str(p, "hint"), "    hint: ", "");
	}
	return 0;
}
