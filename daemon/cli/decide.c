/*
 * decide.c - see decide.h.
 */
#include "decide.h"

#include <stdlib.h>
#include <string.h>

#include "args.h"
#include "show.h"
#include "value.h"

/* jansson's iterators want a non-const object though they only read it. */
static json_t *
iterable(const json_t *v)
{
	return (json_t *)(uintptr_t)v;
}

static bool
is_empty(const json_t *v)
{
	return v == NULL || json_is_null(v) || (json_is_object(v) && json_object_size(v) == 0) ||
	    (json_is_array(v) && json_array_size(v) == 0);
}

/* Lua has one empty table, and a script that says nothing says the same. */
static bool
same(const json_t *a, const json_t *b)
{
	return (is_empty(a) && is_empty(b)) || json_equal(iterable(a), iterable(b)) == 1;
}

/* --- what differs between two things of one name ----------------------------------------- */

static void
note_names(json_t *what, const char *key, const json_t *a, const json_t *b)
{
	const char *name;
	json_t *v;

	json_object_foreach(iterable(a), name, v)
		if (!same(v, json_object_get(b, name)))
			json_array_append_new(what, json_sprintf("%s.%s", key, name));
	json_object_foreach(iterable(b), name, v)
		if (json_object_get(a, name) == NULL)
			json_array_append_new(what, json_sprintf("%s.%s", key, name));
}

/* A word is shown, of a map the names. */
static void
note(json_t *what, const char *key, const json_t *a, const json_t *b)
{
	char from[VALUE_TEXT_CAP], to[VALUE_TEXT_CAP];

	if (same(a, b))
		return;
	if ((json_is_object(a) || is_empty(a)) && (json_is_object(b) || is_empty(b))) {
		note_names(what, key, a, b);
		return;
	}
	if ((!is_empty(a) && !json_is_string(a)) || (!is_empty(b) && !json_is_string(b))) {
		json_array_append_new(what, json_string(key));
		return;
	}
	value_print(from, sizeof from, a);
	value_print(to, sizeof to, b);
	json_array_append_new(what, json_sprintf("%s %s -> %s", key, *from != '\0' ? from : "none",
	    *to != '\0' ? to : "none"));
}

static void
note_keys(json_t *what, const json_t *a, const json_t *b, const char *const *keys, size_t count)
{
	for (size_t i = 0; i < count; i++)
		note(what, keys[i], json_object_get(a, keys[i]), json_object_get(b, keys[i]));
}

/* --- the list -------------------------------------------------------------------------------- */

static void
add(json_t *diff, const char *change, const char *kind, const char *name, json_t *what)
{
	json_array_append_new(diff, json_pack("{s:s, s:s, s:s, s:o}", "change", change, "kind", kind,
	    "name", name, "what", what));
}

/* ID -> {node, role, sandbox, process, image, vars}.  An id on two nodes: both, by its nodes. */
static json_t *
instances_of(const json_t *plan)
{
	json_t *all = json_object(), *n, *place, *i;
	const char *node, *role, *id;

	json_object_foreach(iterable(json_object_get(plan, "nodes")), node, n)
	    json_object_foreach(iterable(json_object_get(n, "roles")), role, place)
		json_object_foreach(iterable(json_object_get(place, "instances")), id, i)
	{
		json_t *x = json_is_object(i) ? json_copy(i) : json_object();

		json_object_set_new(x, "node", json_string(node));
		json_object_set_new(x, "role", json_string(role));
		json_object_set(x, "sandbox", json_object_get(place, "sandbox"));
		json_object_set_new(all, id, x);
	}
	return all;
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Names of either, once, in order; an array to free, the names are borrowed. */
static const char **
names_of(const json_t *a, const json_t *b, size_t *count)
{
	const char **all =
	    calloc(json_object_size(a) + json_object_size(b) + 1, sizeof *all);
	const char *name;
	json_t *v;

	*count = 0;
	if (all == NULL)
		abort();
	json_object_foreach(iterable(a), name, v)
		all[(*count)++] = name;
	json_object_foreach(iterable(b), name, v)
		if (json_object_get(a, name) == NULL)
			all[(*count)++] = name;
	qsort(all, *count, sizeof *all, by_name);
	return all;
}

static void
diff_instance(json_t *diff, const char *id, const json_t *a, const json_t *b)
{
	static const char *const keys[] = {"role", "sandbox", "process", "image", "vars"};
	const char *from = value_str(a, "node"), *to = value_str(b, "node");
	bool moved = a != NULL && b != NULL && strcmp(from, to) != 0;
	json_t *what = json_array(), *row;

	if (a != NULL && b != NULL)
		note_keys(what, a, b, keys, ARRAY_LEN(keys));
	if (a != NULL && b != NULL && !moved && json_array_size(what) == 0) {
		json_decref(what);
		return;
	}
	add(diff, a == NULL ? "added" : b == NULL ? "removed" : moved ? "moved" : "changed", "instance",
	    id, what);
	row = json_array_get(diff, json_array_size(diff) - 1);
	json_object_set(row, "role", json_object_get(b != NULL ? b : a, "role"));
	json_object_set_new(row, "from", a != NULL ? json_string(from) : json_null());
	json_object_set_new(row, "to", b != NULL ? json_string(to) : json_null());
}

static void
diff_maps(json_t *diff, const char *kind, const json_t *a, const json_t *b, const char *const *keys,
    size_t keys_count)
{
	size_t count;
	const char **names = names_of(a, b, &count);

	for (size_t i = 0; i < count; i++) {
		const json_t *x = json_object_get(a, names[i]), *y = json_object_get(b, names[i]);
		json_t *what = json_array();

		if (strcmp(kind, "instance") == 0) {
			json_decref(what);
			diff_instance(diff, names[i], x, y);
			continue;
		}
		note_keys(what, x, y, keys, keys_count);
		if (json_array_size(what) > 0)
			add(diff, x == NULL ? "added" : y == NULL ? "removed" : "changed", kind,
			    names[i], what);
		else
			json_decref(what);
	}
	free(names);
}

/* What a role has on a node besides its instances. */
static void
diff_places(json_t *diff, const json_t *before, const json_t *after)
{
	const json_t *a = json_object_get(before, "nodes"), *b = json_object_get(after, "nodes");
	size_t count;
	const char **names = names_of(a, b, &count);

	for (size_t i = 0; i < count; i++) {
		const json_t *x = json_object_get(a, names[i]), *y = json_object_get(b, names[i]);
		json_t *what = json_array(), *place;
		const char *role;

		note(what, "vars", json_object_get(x, "vars"), json_object_get(y, "vars"));
		json_object_foreach(iterable(json_object_get(y, "roles")), role, place) {
			const json_t *was = json_object_get(json_object_get(x, "roles"), role);

			if (was != NULL && !same(json_object_get(was, "vars"), json_object_get(place, "vars")))
				json_array_append_new(what, json_sprintf("roles.%s.vars", role));
		}
		if (json_array_size(what) > 0)
			add(diff, "changed", "node", names[i], what);
		else
			json_decref(what);
	}
	free(names);
}

json_t *
decide_diff(const json_t *before, const json_t *after)
{
	static const char *const of_role[] = {"version", "template", "on_split", "vars", "update"};
	static const char *const of_plan[] = {"vars", "state", "query", "replies"};
	json_t *diff = json_array(), *a = instances_of(before), *b = instances_of(after);

	diff_maps(diff, "instance", a, b, NULL, 0);
	json_decref(a);
	json_decref(b);
	diff_maps(diff, "role", json_object_get(before, "roles"), json_object_get(after, "roles"),
	    of_role, ARRAY_LEN(of_role));
	diff_places(diff, before, after);
	for (size_t i = 0; i < ARRAY_LEN(of_plan); i++) {
		json_t *what = json_array();

		note(what, of_plan[i], json_object_get(before, of_plan[i]),
		    json_object_get(after, of_plan[i]));
		if (json_array_size(what) > 0)
			add(diff, "changed", "plan", of_plan[i], what);
		else
			json_decref(what);
	}
	return diff;
}

/* --- shown ------------------------------------------------------------------------------------- */

static void
print_row(const struct show *s, const json_t *row)
{
	const char *change = value_str(row, "change"), *kind = value_str(row, "kind");
	const char *from = value_str(row, "from"), *to = value_str(row, "to");
	char text[VALUE_TEXT_CAP];

	fputs(strcmp(change, "added") == 0   ? "+ " :
		strcmp(change, "removed") == 0 ? "- " :
						 "~ ",
	    s->out);
	if (strcmp(kind, "instance") != 0)
		fprintf(s->out, "%s ", kind);
	show_put(s, value_str(row, "name"));
	if (strcmp(change, "moved") == 0) {
		fputs(": ", s->out);
		show_put(s, from);
		fputs(" -> ", s->out);
		show_put(s, to);
	} else if (*from != '\0' || *to != '\0') {
		fputs(" on ", s->out);
		show_put(s, *to != '\0' ? to : from);
	}
	for (size_t i = 0; i < json_array_size(json_object_get(row, "what")); i++) {
		fputs(i > 0 ? ", " : ": ", s->out);
		show_put(s, value_print(text, sizeof text, json_array_get(json_object_get(row, "what"), i)));
	}
	fputc('\n', s->out);
}

void
decide_print(const struct show *s, const json_t *diff, const char *indent, size_t most)
{
	size_t n = json_array_size(diff), shown = most > 0 && n > most ? most : n;

	for (size_t i = 0; i < shown; i++) {
		fputs(indent, s->out);
		print_row(s, json_array_get(diff, i));
	}
	if (shown < n)
		fprintf(s->out, "%s... and %zu more (-o json has all)\n", indent, n - shown);
}

static bool
has(const json_t *list, const json_t *row)
{
	for (size_t i = 0; i < json_array_size(list); i++)
		if (json_equal(json_array_get(list, i), iterable(row)) == 1)
			return true;
	return false;
}

void
decide_failed(const struct show *s, const json_t *failed, const json_t *other, const char *when)
{
	for (size_t i = 0; i < json_array_size(failed); i++) {
		const json_t *row = json_array_get(failed, i);

		if (has(other, row))
			continue;
		fputs("  role ", s->out);
		show_put(s, value_str(row, "role"));
		fprintf(s->out, " fails %s, and keeps its part: ", when);
		show_put(s, value_str(row, "error"));
		fputc('\n', s->out);
	}
}

static size_t
count(const json_t *diff, const char *kind, const char *change)
{
	size_t n = 0;

	for (size_t i = 0; i < json_array_size(diff); i++) {
		const json_t *row = json_array_get(diff, i);

		n += strcmp(value_str(row, "kind"), kind) == 0 &&
		    (change == NULL || strcmp(value_str(row, "change"), change) == 0);
	}
	return n;
}

void
decide_sum(const json_t *diff, char *out, size_t cap)
{
	static const struct {
		const char *kind, *change, *text;
	} words[] = {{"instance", "added", "added"}, {"instance", "removed", "removed"},
	    {"instance", "moved", "moved"}, {"instance", "changed", "changed"},
	    {"role", NULL, "roles"}, {"node", NULL, "nodes"}, {"plan", NULL, "of the plan's own"}};
	size_t at = 0;

	snprintf(out, cap, "the same");
	for (size_t i = 0; i < ARRAY_LEN(words) && at + 1 < cap; i++) {
		size_t n = count(diff, words[i].kind, words[i].change);

		if (n > 0)
			at += (size_t)snprintf(out + at, cap - at, "%s%zu %s", at > 0 ? ", " : "", n,
			    words[i].text);
	}
}
