/*
 * show_status.c - the screen an operator looks at first.
 *
 * One screen, the worst last, so that it stands next to the prompt: who and
 * where, the side of the network, config and scheduler, the roles, then every
 * problem with the next command to type.
 */
#include <stdlib.h>
#include <string.h>

#include "../base/own.h"
#include "args.h"
#include "show.h"
#include "table.h"
#include "text.h"
#include "value.h"

int
show_status_code(const json_t *data)
{
	int64_t health = value_int(data, "health", 2);

	return health >= 0 && health <= 2 ? (int)health : 2;
}

static void
print_head(const struct show *s, const json_t *d)
{
	char text[VALUE_TEXT_CAP];
	int64_t up = value_int(d, "uptime_ms", -1);

	fputs("cluster ", s->out);
	show_put(s, value_text(text, sizeof text, d, "cluster"));
	fputs("   node ", s->out);
	show_put(s, value_str(d, "node"));
	fputs("   meshd ", s->out);
	show_put(s, value_text(text, sizeof text, d, "version"));
	if (up >= 0) {
		text_age(text, sizeof text, up);
		fprintf(s->out, " up %s", text);
	}
	fputc('\n', s->out);
}

static void
print_side(const struct show *s, const json_t *side)
{
	const char *leader = value_str(side, "leader");
	int64_t since = value_int(side, "since_ms", -1), suspected = value_int(side, "suspected", 0);
	char text[TEXT_AGE_CAP];

	fputs("side:      ", s->out);
	show_word(s, value_str(side, "grade"));
	fprintf(s->out, "  %lld of %lld visible", (long long)value_int(side, "visible", 0),
	    (long long)value_int(side, "known", 0));
	if (suspected > 0)
		fprintf(s->out, ", %lld suspected", (long long)suspected);
	fputs("   ", s->out);
	if (*leader != '\0') {
		fputs("leader ", s->out);
		show_put(s, leader);
	} else {
		fputs("no leader", s->out);
	}
	fprintf(s->out, " (term %lld", (long long)value_int(side, "term", 0));
	if (since >= 0) {
		text_since(text, sizeof text, since, s->now_ms);
		fprintf(s->out, ", since %s", text);
	}
	fputs(")\n", s->out);
}

static void
print_config(const struct show *s, const json_t *d)
{
	const json_t *config = json_object_get(d, "config");
	const json_t *agreed = json_object_get(config, "agreed_by");
	const json_t *errors = json_object_get(config, "errors");
	char text[VALUE_TEXT_CAP];

	fputs("config:    ", s->out);
	show_put(s, value_text(text, sizeof text, config, "hash"));
	if (json_is_integer(agreed)) {
		fprintf(s->out, "  agreed by %lld of %lld", (long long)json_integer_value(agreed),
		    (long long)value_int(json_object_get(d, "side"), "visible", 0));
	} else if (json_is_string(agreed)) {
		fputs("  agreed by ", s->out);
		show_put(s, json_string_value(agreed));
	}
	fputc('\n', s->out);
	for (size_t i = 0; i < json_array_size(errors); i++)
		show_lines(
		    s, value_print(text, sizeof text, json_array_get(errors, i)), "  ", TEXT_RED);
}

/* The lines around the error; frames and variables, behind an empty line, where there is room. */
static void
print_excerpt(const struct show *s, const char *excerpt)
{
	const char *more = strstr(excerpt, "\n\n");
	AUTO_FREE char *first = strndup(excerpt, more != NULL ? (size_t)(more - excerpt) : strlen(excerpt));

	if (first != NULL)
		show_lines(s, s->args->output == ARGS_WIDE ? excerpt : first, "    ", "");
	if (more != NULL && s->args->output != ARGS_WIDE)
		fputs("    (mesh status -o wide: frames and variables)\n", s->out);
}

static void
print_scheduler(const struct show *s, const json_t *d)
{
	const json_t *sch = json_object_get(d, "scheduler");
	bool failed = json_is_false(json_object_get(sch, "ok"));
	char text[VALUE_TEXT_CAP];

	if (!json_is_object(sch))
		return;
	fputs("scheduler: ", s->out);
	show_word(s, failed ? "failed" : "ok");
	if (json_is_number(json_object_get(sch, "ms")))
		fprintf(s->out, "  %sms", value_text(text, sizeof text, sch, "ms"));
	if (json_is_number(json_object_get(sch, "round")))
		fprintf(s->out, "  round %s", value_text(text, sizeof text, sch, "round"));
	value_text(text, sizeof text, sch, "stamp");
	fputs("  stamp ", s->out);
	show_put(s, text);
	fputs(failed && *text != '\0' ? " (the last good schedule stays)\n" : "\n", s->out);
	show_lines(s, value_str(sch, "error"), "  ", TEXT_RED);
	print_excerpt(s, value_str(sch, "excerpt"));
}

/* A shadow scheduler, where there is one. */
static void
print_shadow(const struct show *s, const json_t *shadow)
{
	static const char *const words[] = {"added", "removed", "moved", "changed", "roles", "failing"};
	const char *error = value_str(shadow, "error");
	bool any = false;

	if (!json_is_object(shadow))
		return;
	fputs("shadow:    ", s->out);
	show_word(s, *error != '\0' ? "failed" : "ok");
	for (size_t i = 0; *error == '\0' && i < ARRAY_LEN(words); i++) {
		int64_t n = value_int(shadow, words[i], 0);

		if (n > 0)
			fprintf(s->out, "%s%lld %s", any ? ", " : "  would have ", (long long)n, words[i]);
		any = any || n > 0;
	}
	fputs(*error != '\0' ? "" : any ? " (mesh schedule shadow)" : "  decides the same", s->out);
	fprintf(s->out, ", %lld of %lld rounds otherwise\n", (long long)value_int(shadow, "differed", 0),
	    (long long)value_int(shadow, "rounds", 0));
	show_lines(s, error, "  ", TEXT_RED);
}

static void
print_roles(const struct show *s, const json_t *roles)
{
	static const char *const columns[][2] = {{"ROLE", "name"}, {"VERSION", "version"},
	    {"DESIRED", "desired"}, {"RUNNING", "running"}, {"HEALTHY", "healthy"},
	    {"ON-SPLIT", "on_split"}, {"NOTE", "note"}};
	struct table *t = table_new();
	char text[VALUE_TEXT_CAP];

	for (size_t c = 0; c < ARRAY_LEN(columns); c++)
		table_column(t, columns[c][0], 0);
	for (size_t i = 0; i < json_array_size(roles); i++)
		for (size_t c = 0; c < ARRAY_LEN(columns); c++)
			table_cell(t,
			    value_text(text, sizeof text, json_array_get(roles, i), columns[c][1]));
	if (table_rows(t) > 0)
		table_print(t, s->out, !s->args->given[OPT_NO_HEADERS], s->color);
	else
		fputs("no roles are scheduled\n", s->out);
	table_free(t);
}

static void
print_problems(const struct show *s, const json_t *problems)
{
	if (json_array_size(problems) > 0)
		fputs("problems:\n", s->out);
	for (size_t i = 0; i < json_array_size(problems); i++) {
		const json_t *p = json_array_get(problems, i);
		const char *hint = value_str(p, "hint");

		show_lines(
		    s, json_is_string(p) ? json_string_value(p) : value_str(p, "text"), "  ", "");
		show_lines(s, value_str(p, "said"), "    ", "");
		if (*hint == '\0')
			continue;
		fputs("    hint: ", s->out);
		show_put(s, hint);
		fputc('\n', s->out);
	}
}

/* Nothing, unless some of this node's wait. */
static void
print_actions(const struct show *s, const json_t *actions)
{
	long long pending = value_int(actions, "pending", 0), aside = value_int(actions, "aside", 0);

	if (pending + aside > 0)
		fprintf(s->out, "actions:   %lld pending, %lld set aside: mesh actions\n", pending, aside);
}

/* Nothing, unless something was refused in the last minutes. */
static void
print_dropped(const struct show *s, const json_t *recent)
{
	for (size_t i = 0; i < json_array_size(recent); i++) {
		const json_t *r = json_array_get(recent, i);

		fprintf(s->out, "%s%lld ", i == 0 ? "dropped:   " : "           ",
		    (long long)value_int(r, "count", 0));
		show_put(s, value_str(r, "reason"));
		fputs(" (", s->out);
		show_put(s, value_str(r, "means"));
		fputs(i == 0 ? ") in the last minutes\n" : ")\n", s->out);
	}
}

int
show_status(const struct show *s, const json_t *data, struct err *err)
{
	const json_t *roles = json_object_get(data, "roles");
	const json_t *problems = json_object_get(data, "problems");
	const json_t *recent = json_object_get(json_object_get(data, "counters"), "recent");

	(void)err;
	if (s->args->given[OPT_QUIET])
		return show_status_code(data);
	if (show_names(s)) {
		for (size_t i = 0; i < json_array_size(roles); i++) {
			show_put(s, value_str(json_array_get(roles, i), "name"));
			fputc('\n', s->out);
		}
		return show_status_code(data);
	}
	print_head(s, data);
	if (json_is_false(json_object_get(data, "member"))) {
		/* Most of the screen would be empty; the daemon's own problem
		 * says it with a hint. */
		if (json_array_size(problems) == 0)
			fputs("not a member: mesh init | mesh join\n", s->out);
		print_dropped(s, recent);
		print_problems(s, problems);
		return show_status_code(data);
	}
	print_side(s, json_object_get(data, "side"));
	print_config(s, data);
	print_scheduler(s, data);
	print_shadow(s, json_object_get(data, "shadow"));
	print_roles(s, roles);
	print_actions(s, json_object_get(data, "actions"));
	print_dropped(s, recent);
	print_problems(s, problems);
	return show_status_code(data);
}
