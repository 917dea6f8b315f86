/*
 * act.c - see act.h.  A shortcut is a name for an action, and for its first argument.
 */
#include "act.h"

#include <string.h>

#include "../base/name.h"
#include "../base/own.h"
#include "show.h"
#include "table.h"
#include "text.h"
#include "value.h"

/* --- asked ------------------------------------------------------------------------------ */

int
act_pair(struct args *a, const char *word, struct err *err)
{
	const char *eq = strchr(word, '=');
	char buf[96];

	err_escape(buf, sizeof buf, word, strnlen(word, sizeof buf));
	if (eq == NULL || eq == word || !name_ok(word, (size_t)(eq - word)))
		return err_set(err, EXIT_USAGE_, "%s: '%s' is not KEY=VALUE; see mesh help %s", a->verb->name, buf,
		    a->verb->name);
	if (strlen(word) > ARGS_PAIR_BYTES_MAX)
		return err_set(err, EXIT_USAGE_, "%s: %.40s... is %zu bytes long; at most %d", a->verb->name, buf,
		    strlen(word), ARGS_PAIR_BYTES_MAX);
	if (a->pairs_count == ARGS_PAIRS_MAX)
		return err_set(err, EXIT_USAGE_, "%s: too many arguments; at most %d", a->verb->name, ARGS_PAIRS_MAX);
	a->pairs[a->pairs_count++] = word;
	return 0;
}

int
act_words(struct args *a, const char *usage, struct err *err)
{
	const char *word = a->second;

	if (a->verb->pairs && a->node != NULL && word != NULL) {
		a->second = NULL;
		return act_pair(a, word, err);
	}
	if (a->operand != NULL && a->verb->second_needed && word == NULL && a->node == NULL &&
	    a->retry == NULL && a->drop == NULL)
		return err_set(err, EXIT_USAGE_, "%s: missing %s; usage: %s", a->verb->name, a->verb->second_name,
		    usage);
	return 0;
}

static const char usage_[] =
    "action: missing ROLE NAME, or --node NODE NAME, or --retry ID or --drop ID; see mesh help action";

/* The first argument of a shortcut, before those that were typed. */
static int
put_first(struct args *a, const char *key, const char *value, struct run_error *e)
{
	if (a->pairs_count == ARGS_PAIRS_MAX)
		return err_set(&e->err, EXIT_USAGE_, "%s: too many arguments; at most %d", a->verb->name,
		    ARGS_PAIRS_MAX);
	memmove(a->pairs + 1, a->pairs, a->pairs_count++ * sizeof a->pairs[0]);
	snprintf(a->act_word, sizeof a->act_word, "%s=%s", key, value);
	a->pairs[0] = a->act_word;
	return 0;
}

static int
prepare_action(struct args *a, struct run_error *e)
{
	bool word = a->retry != NULL || a->drop != NULL;

	if (word && (a->operand != NULL || (a->retry != NULL && a->drop != NULL)))
		return err_set(&e->err, EXIT_USAGE_, "action: --retry ID and --drop ID stand alone; see mesh help action");
	if (word)
		return 0;
	if (a->operand == NULL || (a->second == NULL && a->node == NULL))
		return err_set(&e->err, EXIT_USAGE_, "%s", usage_);
	if (a->node != NULL) {
		a->act_name = a->operand;
		return put_first(a, "node", a->node, e);
	}
	a->act_role = a->operand;
	a->act_name = a->second;
	return 0;
}

static int
count_ok(const struct args *a, struct run_error *e)
{
	size_t len = strlen(a->second);

	if (strcmp(a->second, "auto") == 0 ||
	    (len <= 6 && strspn(a->second, "0123456789") == len && len > 0))
		return 0;
	return err_set(&e->err, EXIT_USAGE_, "scale: '%.40s' is no number of instances; usage: mesh scale ROLE N|auto",
	    a->second);
}

int
act_prepare(const struct show *s, struct args *a, struct run_error *e)
{
	const char *verb = a->verb->name;

	(void)s;
	a->asks = "action";
	if (strcmp(verb, "action") == 0)
		return prepare_action(a, e);
	if (strcmp(verb, "scale") == 0) {
		a->act_role = a->operand;
		a->act_name = verb;
		return count_ok(a, e) < 0 ? -EXIT_USAGE_ : put_first(a, "count", a->second, e);
	}
	if (strcmp(verb, "update") == 0) {
		a->act_role = a->operand;
		a->act_name = verb;
		return put_first(a, "version", a->second, e);
	}
	if (strcmp(verb, "role") == 0) {
		a->act_role = a->second;
		a->act_name = a->operand;
		return 0;
	}
	if (strcmp(verb, "node") == 0) {
		if (a->pairs_count == 0)
			return err_set(&e->err, EXIT_USAGE_, "node: missing KEY=VALUE; usage: mesh node tag NODE KEY=VALUE...");
		a->act_name = a->operand;
		return put_first(a, "node", a->second, e);
	}
	/* drain, undrain: of another node it is an action; of this one its own word. */
	if (a->operand == NULL) {
		a->asks = NULL;
		return 0;
	}
	a->act_name = verb;
	return put_first(a, "node", a->operand, e);
}

/* --- shown ------------------------------------------------------------------------------------ */

int
show_action_code(const json_t *data)
{
	const char *state = value_str(data, "state");

	if (strcmp(state, "pending") == 0)
		return 2;
	return strcmp(state, "refused") == 0 || strcmp(state, "set aside") == 0 ? 1 : 0;
}

int
show_action(const struct show *s, const json_t *data, struct err *err)
{
	const char *id = value_str(data, "id"), *text = value_str(data, "text");
	const char *state = value_str(data, "state");

	(void)err;
	show_put(s, id);
	if (show_names(s)) {
		fputc('\n', s->out);
		return show_action_code(data);
	}
	if (strcmp(state, "retried") == 0)
		fputs(" is given to the scheduler again", s->out);
	else if (strcmp(state, "dropped") == 0)
		fputs(" is forgotten", s->out);
	else if (strcmp(state, "pending") == 0)
		fputs(" is accepted, and pending: ", s->out);
	else if (strcmp(state, "set aside") == 0)
		fputs(" is set aside: ", s->out);
	else
		fputs(strcmp(state, "refused") == 0 ? " is refused: " : ": ", s->out);
	if (*text != '\0')
		show_put(s, text);
	fputc('\n', s->out);
	if (strcmp(state, "pending") == 0)
		fputs("It is on this node's disk, and is carried out when a leader can: mesh actions\n", s->out);
	if (strcmp(state, "set aside") == 0) {
		fputs("hint: mesh action --retry ", s->out);
		show_put(s, id);
		fputs(" | mesh action --drop ", s->out);
		show_put(s, id);
		fputc('\n', s->out);
	}
	return show_action_code(data);
}

static void
row(struct table *t, const struct show *s, const json_t *v)
{
	static const char *const keys[] = {"id", "state", "action", "by", "node"};
	char text[VALUE_TEXT_CAP];
	int64_t at = value_int(v, "at_ms", -1);

	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		table_cell(t, value_text(text, sizeof text, v, keys[i]));
	text[0] = '\0';
	if (at > 0)
		text_since(text, sizeof text, at, s->now_ms);
	table_cell(t, text);
	table_cell(t, value_text(text, sizeof text, v, "text"));
}

int
show_actions(const struct show *s, const json_t *data, struct err *err)
{
	static const struct {
		const char *title;
		unsigned flags;
	} columns[] = {{"ID", 0}, {"STATE", TABLE_STATE}, {"ACTION", 0}, {"BY", 0}, {"NODE", 0}, {"AGE", 0},
	    {"REPLY", 0}};
	AUTO_FREE const json_t **items = value_sorted(data, "id");
	AUTO_TABLE struct table *t = table_new();

	(void)err;
	for (size_t i = 0; show_names(s) && i < json_array_size(data); i++) {
		show_put(s, value_str(items[i], "id"));
		fputc('\n', s->out);
	}
	if (show_names(s))
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(columns); i++)
		table_column(t, columns[i].title, columns[i].flags);
	for (size_t i = 0; i < json_array_size(data); i++)
		row(t, s, items[i]);
	table_print(t, s->out, !s->args->given[OPT_NO_HEADERS], s->color);
	return 0;
}
