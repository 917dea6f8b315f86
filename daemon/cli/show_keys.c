/*
 * show_keys.c - `mesh keys`: how far a change of the cluster key is, and the key
 * itself, which goes to a file and never to a terminal.
 */
#include <stdlib.h>
#include <string.h>

#include "../base/own.h"
#include "args.h"
#include "run.h"
#include "show.h"
#include "table.h"
#include "value.h"

enum { KEY_DIGITS = 64 };

/* The 32 raw bytes that `cluster-key` wants. */
static int
put_key(const struct show *s, const char *digits, struct err *err)
{
	static const char hex[] = "0123456789abcdef";

	if (strlen(digits) != KEY_DIGITS || strspn(digits, hex) != KEY_DIGITS)
		return err_set(err, 1, "keys export: the daemon's answer is no key");
	for (size_t i = 0; i < KEY_DIGITS; i += 2)
		fputc((int)((strchr(hex, digits[i]) - hex) << 4 | (strchr(hex, digits[i + 1]) - hex)),
		    s->out);
	return 0;
}

/* Before it is asked for: neither its bytes nor their hex in JSON. */
int
keys_prepare(const struct show *s, struct args *a, struct run_error *e)
{
	if (!s->terminal || strcmp(a->operand, "export") != 0)
		return 0;
	return err_set(&e->err, EXIT_USAGE_,
	    "keys export: the key is 32 secret bytes: (umask 077; mesh keys export >cluster.key)");
}

static void
put_line(const struct show *s, const json_t *data)
{
	const char *phase = value_str(data, "phase");
	const json_t *waiting = json_object_get(data, "waiting");

	fprintf(s->out, "epoch %lld  ", (long long)value_int(data, "epoch", 0));
	show_word(s, phase);
	if (strcmp(phase, "steady") != 0 && json_is_integer(waiting))
		fprintf(s->out, "  waits for %lld of %lld members",
		    (long long)json_integer_value(waiting), (long long)value_int(data, "members", 0));
	if (!json_is_true(json_object_get(data, "leader")))
		fputs("  (no leader answered: this is what this node knows)", s->out);
	fputc('\n', s->out);
}

/* Nobody hands a key to who has no vote: why a change does not begin, or who misses it. */
static void
put_missing(const struct show *s, const json_t *data)
{
	const json_t *list = json_object_get(data, "without_vote");
	AUTO_FREE const json_t **rows = value_sorted(list, "name");

	for (size_t i = 0; i < json_array_size(list); i++) {
		show_put(s, value_str(rows[i], "name"));
		fputs(" is ", s->out);
		show_put(s, value_str(rows[i], "state"));
		fputs(value_bool(rows[i], "up") ?
			    " and has no vote: no change of the key begins before it has one (mesh roster)\n" :
		    value_bool(data, "certified") ?
			    " and has no vote: a change of the key goes on without it; its certificate lets it in again\n" :
			    " and has no vote: a change of the key leaves it behind: then it comes as a new node, with mesh keys export\n",
		    s->out);
	}
}

int
show_keys(const struct show *s, const json_t *data, struct err *err)
{
	const json_t *nodes = json_object_get(data, "nodes"), *key = json_object_get(data, "key");
	AUTO_FREE const json_t **rows = value_sorted(nodes, "name");
	struct table *t;

	if (json_is_string(key))
		return put_key(s, json_string_value(key), err);
	if (show_names(s)) {
		for (size_t i = 0; i < json_array_size(nodes); i++) {
			show_put(s, value_str(rows[i], "name"));
			fputc('\n', s->out);
		}
		return 0;
	}
	put_line(s, data);
	put_missing(s, data);
	if (json_array_size(nodes) == 0)
		return 0;
	t = table_new();
	table_column(t, "NODE", 0);
	table_column(t, "EPOCH", 0);
	table_column(t, "KEY", TABLE_STATE);
	table_column(t, "NOTE", 0);
	for (size_t i = 0; i < json_array_size(nodes); i++) {
		char text[VALUE_TEXT_CAP];

		table_cell(t, value_str(rows[i], "name"));
		table_cell(t, value_text(text, sizeof text, rows[i], "epoch"));
		table_cell(t, value_str(rows[i], "state"));
		table_cell(t, json_is_true(json_object_get(rows[i], "waited")) ? "waited for" :
			json_is_true(json_object_get(rows[i], "passed")) ? "passed over" : NULL);
	}
	table_print(t, s->out, !s->args->given[OPT_NO_HEADERS], s->color);
	table_free(t);
	return 0;
}
