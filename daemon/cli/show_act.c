/*
 * show_act.c - what an act did, and what a person does next.
 */
#include <string.h>

#include "../base/own.h"
#include "act.h"
#include "args.h"
#include "show.h"
#include "text.h"
#include "value.h"

int
show_apply(const struct show *s, const json_t *data, struct err *err)
{
	char text[VALUE_TEXT_CAP];

	(void)err;
	if (s->args->given[OPT_QUIET])
		return 0;
	fputs("confirmed ", s->out);
	show_put(s, value_text(text, sizeof text, data, "applied"));
	fputs(": the next round issues what was held\n", s->out);
	return 0;
}

int
show_evict(const struct show *s, const json_t *data, struct err *err)
{
	char name[VALUE_TEXT_CAP], id[VALUE_TEXT_CAP];

	(void)err;
	value_text(name, sizeof name, data, "evicted");
	value_text(id, sizeof id, data, "id");
	if (show_names(s)) {
		show_put(s, name);
		fputc('\n', s->out);
		return 0;
	}
	if (value_bool(data, "before")) {
		show_put(s, name);
		fputs(" is out already: it was evicted before\n", s->out);
		return 0;
	}
	fputs("evicted ", s->out);
	show_put(s, name);
	fputs(" (", s->out);
	show_put(s, id);
	fputs(") for good: the others hear of it within seconds.\n"
	      "It still holds the cluster's key: mesh keys rotate makes one that it does not get.\n",
	    s->out);
	return 0;
}

static void
show_some(const struct show *s, const char *what, const json_t *list)
{
	char text[VALUE_TEXT_CAP];

	if (json_array_size(list) == 0)
		return;
	fputs(what, s->out);
	show_put(s, value_print(text, sizeof text, list));
	fputc('\n', s->out);
}

int
show_drain(const struct show *s, const json_t *data, struct err *err)
{
	bool drains = value_bool(data, "draining");
	char name[VALUE_TEXT_CAP];

	if (s->args->act_name != NULL) /* of another node */
		return show_action(s, data, err);
	value_text(name, sizeof name, data, "node");
	if (show_names(s)) {
		show_put(s, name);
		fputc('\n', s->out);
		return 0;
	}
	show_put(s, name);
	fputs(drains ? " gives its work away\n" : " takes work again\n", s->out);
	if (!drains)
		return 0;
	show_some(s, "moving, as far as others can have it (mesh ps -w): ",
	    json_object_get(data, "moving"));
	show_some(s, "staying, as it is `keep`: ", json_object_get(data, "staying"));
	return 0;
}

int
show_run_code(const json_t *data)
{
	return (int)value_int(data, "code", 0);
}

/* The lines as the init stamped them: TIME STREAM TEXT. */
static void
show_output(const struct show *s, const char *text)
{
	for (const char *line = text, *next; *line != '\0'; line = next) {
		const char *nl = strchr(line, '\n'), *stream = strchr(line, ' ');
		const char *end = nl != NULL ? nl : line + strlen(line);
		const char *said = stream != NULL ? strchr(stream + 1, ' ') : NULL;

		next = nl != NULL ? nl + 1 : end;
		if (said == NULL || said > end)
			continue;
		AUTO_FREE char *clean = text_clean(said + 1, (size_t)(end - said - 1), true);
		fprintf(strncmp(stream, " stderr", 7) == 0 ? stderr : s->out, "%s\n", clean);
	}
}

int
show_run(const struct show *s, const json_t *data, struct err *err)
{
	const json_t *commands = json_object_get(data, "commands");

	(void)err;
	if (commands == NULL) {
		if (value_bool(data, "missing"))
			fputs("mesh: run: output is missing here: more was said at once than is kept\n", stderr);
		show_output(s, value_str(data, "text"));
		fflush(s->out); /* it comes as it is said */
		return show_run_code(data);
	}
	for (size_t i = 0; i < json_array_size(commands); i++) {
		show_put(s, json_string_value(json_array_get(commands, i)));
		fputc('\n', s->out);
	}
	return 0;
}

/* mesh stop, start, restart. */
int
show_hold(const struct show *s, const json_t *data, struct err *err)
{
	char name[VALUE_TEXT_CAP];
	bool held = value_bool(data, "held"), runs = value_bool(data, "runs");

	(void)err;
	show_put(s, value_text(name, sizeof name, data, "instance"));
	if (show_names(s)) {
		fputc('\n', s->out);
		return 0;
	}
	if (held) {
		fputs(runs ? " is being stopped" : " is stopped", s->out);
		fputs("; held down until: mesh start ", s->out);
		show_put(s, name);
		fputc('\n', s->out);
	} else if (runs) {
		fputs(" is being restarted\n", s->out);
	} else {
		fputs(value_bool(data, "placed") ? " is being started\n" :
			" is held no more; the schedule does not want it here now\n",
		    s->out);
	}
	return 0;
}

static void
show_lost(const struct show *s, const json_t *list)
{
	char text[VALUE_TEXT_CAP];

	for (size_t i = 0; i < json_array_size(list); i++) {
		fputs(i > 0 ? ", " : "", s->out);
		show_put(s, value_text(text, sizeof text, json_array_get(list, i), "name"));
	}
}

/* Exit code 1 while nothing was done. */
int
show_recover(const struct show *s, const json_t *data, struct err *err)
{
	const json_t *lost = json_object_get(data, "lost");
	bool done = value_bool(data, "done");

	(void)err;
	fputs(done ? "given up: " : "This gives up, for good: ", s->out);
	show_lost(s, lost);
	fputs(done ? "; the others go on without them\n" :
		     ".\nThey are evicted, and the roster is made anew without their votes.\n",
	    s->out);
	if (done)
		return 0;
	show_some(s, "Who goes on: ", json_object_get(data, "stay"));
	show_some(s, "`exclusive` work there, which runs twice if they are alive after all: ",
	    json_object_get(data, "exclusive"));
	show_some(s, "`keep` work there, whose data is lost to the others: ", json_object_get(data, "keep"));
	fputs("Are they only cut off? Then mend that instead: the mesh can't tell. Alive, they go on with a\n"
	      "leader of their own, and all work runs twice; when they meet you again they are out: they stop\n"
	      "all but `keep` work, lead nobody, and each has to join anew, with an empty state-dir.\n"
	      "Nothing was done. To do it: the same with --yes\n",
	    s->out);
	return 1;
}

int
show_recover_code(const json_t *data)
{
	return value_bool(data, "done") ? 0 : 1;
}

static void
say_two(const struct show *s)
{
	fputs("Two nodes only? `election: {quorum: majority}` (the default): a "
	      "lone survivor goes on running what it has, but places nothing;\n"
	      "`election: {quorum: any}`: it goes on alone, and in a split both "
	      "sides run their own copy until they meet again;\n"
	      "`election: {tie-breaker: NODE}`: that node goes on alone, the "
	      "other one does not.\n",
	    s->out);
}

/* What it waits for, since when, and if that does not get on why, and what to do. */
static void
say_waits(const struct show *s, const json_t *data)
{
	char text[VALUE_TEXT_CAP];
	int64_t waits_ms = value_int(data, "waits_ms", 0);

	if (!json_is_string(json_object_get(data, "waits")))
		return;
	fputs("it waits ", s->out);
	show_put(s, value_text(text, sizeof text, data, "waits"));
	if (waits_ms >= 2000)
		fprintf(s->out, " (for %lld s)", (long long)waits_ms / 1000);
	fputc('\n', s->out);
	if (!value_bool(data, "stuck"))
		return;
	fputs("it does not get on: ", s->out);
	show_put(s, value_text(text, sizeof text, data, "why"));
	fputs("\nhint: ", s->out);
	show_put(s, value_text(text, sizeof text, data, "hint"));
	fputs("\nIt goes on waiting; mesh leave --cancel takes it back, while the node is a member.\n", s->out);
}

int
show_leave(const struct show *s, const json_t *data, struct err *err)
{
	static const char *const said[][2] = {
	    {"stays", " stays"},
	    {"draining", " leaves: first its work moves (mesh leave -w)"},
	    {"leaving", " leaves: its vote is being taken away"},
	    {"stopping", " has left its cluster: what may not stay is being stopped"},
	    {"left", " has left its cluster: mesh join HOST:PORT brings it back, mesh init makes a new one"}};
	const char *state = value_str(data, "state");
	char text[VALUE_TEXT_CAP];

	(void)err;
	show_put(s, value_text(text, sizeof text, data, "node"));
	for (size_t i = 0; !show_names(s) && i < ARRAY_LEN(said); i++)
		if (strcmp(state, said[i][0]) == 0)
			fputs(said[i][1], s->out);
	fputc('\n', s->out);
	if (show_names(s) || strcmp(state, "stays") == 0)
		return 0;
	show_some(s, strcmp(state, "draining") == 0 ? "moving: " : "still here: ",
	    json_object_get(data, "moving"));
	show_some(s, "not moving, as it is `keep`: ", json_object_get(data, "staying"));
	say_waits(s, data);
	if (!s->args->looks && strcmp(state, "left") != 0 && value_int(data, "roster", 0) == 3)
		say_two(s);
	return 0;
}

int
show_leave_over(const struct show *s, const json_t *data)
{
	const char *state = value_str(data, "state");

	if (strcmp(state, "left") == 0)
		return 0;
	if (strcmp(state, "stays") == 0)
		return s->args->given[OPT_CANCEL] ? 0 : 1;
	return value_bool(data, "stuck") ? 1 : -1;
}

static void
init_with_ca(const struct show *s, const char *cluster, const char *key, const char *address)
{
	fputs("cluster ", s->out);
	show_put(s, cluster);
	fputs(" is made; this node is its first member.\n\n"
	      "Its CA is ",
	    s->out);
	show_put(s, key);
	fputs(": whoever has that file decides who belongs.\n"
	      "Keep a copy away from this host; no daemon reads it.\n\n"
	      "Next, for each other host (never run mesh init a second time):\n"
	      "  1. here:   mesh token              lets one node in, within an hour\n"
	      "  2. there:  mesh join ",
	    s->out);
	show_put(s, address);
	fputs(" -   and paste the token\n"
	      "  3. here:   mesh members\n\n",
	    s->out);
	say_two(s);
}

int
show_init(const struct show *s, const json_t *data, struct err *err)
{
	char key[VALUE_TEXT_CAP], text[VALUE_TEXT_CAP], address[VALUE_TEXT_CAP];

	(void)err;
	value_text(text, sizeof text, data, "cluster");
	if (show_names(s)) {
		show_put(s, text);
		fputc('\n', s->out);
		return 0;
	}
	value_text(key, sizeof key, data, "key_file");
	value_text(address, sizeof address, data, "address");
	if (json_is_string(json_object_get(data, "ca_key"))) {
		value_text(key, sizeof key, data, "ca_key");
		init_with_ca(s, text, key, address);
		return 0;
	}
	fputs("cluster ", s->out);
	show_put(s, text);
	fputs(" is made; this node is its first member.\n\n"
	      "Next, for each other host (never run mesh init a second time):\n"
	      "  1. copy the key file ",
	    s->out);
	show_put(s, key);
	fputs(" there, owner root, mode 0600;\n"
	      "     whoever holds it may join, so copy it by a safe way\n"
	      "  2. there:  mesh join ",
	    s->out);
	show_put(s, address);
	fputs("\n     or      seeds: [\"", s->out);
	show_put(s, address);
	fputs("\"]  in its mesh.yaml\n"
	      "  3. here:   mesh members\n\n",
	    s->out);
	say_two(s);
	return 0;
}

int
show_join(const struct show *s, const json_t *data, struct err *err)
{
	const json_t *seeds = json_object_get(data, "seeds");
	char text[VALUE_TEXT_CAP];

	(void)err;
	if (s->args->given[OPT_FORGET]) {
		if (!s->args->given[OPT_QUIET]) {
			show_put(s, value_text(text, sizeof text, data, "forgotten"));
			fputs(" is no seed here any more; mesh members shows who is a member\n", s->out);
		}
		return 0;
	}
	if (show_names(s)) {
		for (size_t i = 0; i < json_array_size(seeds); i++) {
			show_put(s, value_print(text, sizeof text, json_array_get(seeds, i)));
			fputc('\n', s->out);
		}
		return 0;
	}
	fputs("seeds: ", s->out);
	show_put(s, value_print(text, sizeof text, seeds));
	fputs("\nThey are tried until one answers; mesh members shows who "
	      "does.\n",
	    s->out);
	return 0;
}
