/*
 * test.c - mesh test, mesh sim, mesh lint: an author's scripts in the sandbox they will run
 * in, without a daemon.
 *
 * Each file of specs is a run of its own, with its own heap and clock: one that never ends
 * costs itself and no other.
 */
#include <stdlib.h>
#include <string.h>

#include "../base/own.h"
#include "args.h"
#include "authors.h"
#include "show.h"
#include "text.h"
#include "value.h"

struct tally {
	const struct show *s;
	json_t *files; /* what each file gave, for --json */
	size_t passed, failed, pending, number;
};

/* --- for people ------------------------------------------------------------------ */

static void
show_trouble(const struct show *s, const json_t *o)
{
	static const char *const more[] = {"excerpt", "traceback"};

	show_lines(s, value_str(o, "error"), "    ", TEXT_RED);
	for (size_t i = 0; i < ARRAY_LEN(more); i++)
		if (*value_str(o, more[i]) != '\0')
			show_lines(s, value_str(o, more[i]), "    ", "");
	if (*value_str(o, "locals") != '\0') {
		fputs("    variables there:\n", s->out);
		show_lines(s, value_str(o, "locals"), "      ", "");
	}
}

static void
show_one(const struct show *s, const char *file, const json_t *test)
{
	bool failed = strcmp(value_str(test, "status"), "failed") == 0;

	if (!failed && s->args->output != ARGS_WIDE)
		return;
	show_word(s, failed ? "failed" : value_str(test, "status"));
	fputs(" ", s->out);
	show_put(s, file);
	fputs(": ", s->out);
	show_put(s, value_str(test, "name"));
	fputc('\n', s->out);
	if (failed)
		show_trouble(s, test);
}

/* --- for programs ------------------------------------------------------------------- */

static void
tap_lines(FILE *out, const char *text)
{
	AUTO_FREE char *clean = text_clean(text, strlen(text), true);
	char *rest = clean;

	for (char *line; (line = strsep(&rest, "\n")) != NULL;)
		if (*line != '\0')
			fprintf(out, "# %s\n", line);
}

static void
tap_one(struct tally *t, const char *file, const json_t *test)
{
	FILE *out = t->s->out;
	bool failed = strcmp(value_str(test, "status"), "failed") == 0;
	AUTO_FREE char *clean = text_clean(value_str(test, "name"), strlen(value_str(test, "name")), false);

	fprintf(out, "%s %zu - %s: ", failed ? "not ok" : "ok", ++t->number, file);
	for (const char *c = clean; *c != '\0'; c++) { /* '#' begins a directive */
		if (*c == '#')
			fputc('\\', out);
		fputc(*c, out);
	}
	fputs(strcmp(value_str(test, "status"), "pending") == 0 ? " # SKIP pending\n" : "\n", out);
	if (!failed)
		return;
	tap_lines(out, value_str(test, "error"));
	tap_lines(out, value_str(test, "excerpt"));
	tap_lines(out, value_str(test, "traceback"));
}

static void
xml(FILE *out, const char *text)
{
	AUTO_FREE char *clean = text_clean(text, strlen(text), true);

	for (const char *c = clean; *c != '\0'; c++)
		switch (*c) {
		case '&':
			fputs("&amp;", out);
			break;
		case '<':
			fputs("&lt;", out);
			break;
		case '>':
			fputs("&gt;", out);
			break;
		case '"':
			fputs("&quot;", out);
			break;
		default:
			fputc(*c, out);
		}
}

static void
junit_one(const struct tally *t, const char *file, const json_t *test)
{
	FILE *out = t->s->out;
	const char *status = value_str(test, "status");

	fputs("    <testcase classname=\"", out);
	xml(out, file);
	fputs("\" name=\"", out);
	xml(out, value_str(test, "name"));
	if (strcmp(status, "ok") == 0) {
		fputs("\"/>\n", out);
		return;
	}
	if (strcmp(status, "pending") == 0) {
		fputs("\"><skipped/></testcase>\n", out);
		return;
	}
	fputs("\"><failure message=\"", out);
	xml(out, value_str(test, "error"));
	fputs("\">", out);
	xml(out, value_str(test, "excerpt"));
	xml(out, value_str(test, "traceback"));
	fputs("</failure></testcase>\n", out);
}

/* --- one file -------------------------------------------------------------------------- */

static size_t
count_status(const json_t *tests, const char *status)
{
	size_t i, n = 0;
	json_t *test;

	json_array_foreach(tests, i, test)
		n += strcmp(value_str(test, "status"), status) == 0;
	return n;
}

static void
show_file(struct tally *t, const char *file, const json_t *tests, const char *log)
{
	enum args_output how = t->s->args->output;
	size_t failed = count_status(tests, "failed"), i;
	json_t *test;

	t->passed += count_status(tests, "ok");
	t->failed += failed;
	t->pending += count_status(tests, "pending");
	if (how == ARGS_JUNIT) {
		fputs("  <testsuite name=\"", t->s->out);
		xml(t->s->out, file);
		fprintf(t->s->out, "\" tests=\"%zu\" failures=\"%zu\" skipped=\"%zu\">\n",
		    json_array_size(tests), failed, count_status(tests, "pending"));
	} else if (how == ARGS_TAP) {
		tap_lines(t->s->out, log);
	} else if (how != ARGS_JSON && !show_names(t->s)) {
		show_lines(t->s, log, "", "");
	}
	json_array_foreach(tests, i, test) {
		if (how == ARGS_JUNIT)
			junit_one(t, file, test);
		else if (how == ARGS_TAP)
			tap_one(t, file, test);
		else if (how != ARGS_JSON && !show_names(t->s))
			show_one(t->s, file, test);
		else if (how != ARGS_JSON && strcmp(value_str(test, "status"), "failed") == 0)
			show_put(t->s, value_str(test, "name")), fputc('\n', t->s->out);
	}
	if (how == ARGS_JUNIT)
		fputs("  </testsuite>\n", t->s->out);
}

/* A file that ended otherwise than by itself is one failed test of its name. */
static json_t *
tests_of(const json_t *answer, const char *file)
{
	json_t *tests = json_object_get(json_object_get(answer, "result"), "tests");
	json_t *all, *one;

	if (json_is_array(tests))
		return json_incref(tests);
	if (json_is_true(json_object_get(answer, "ok")))
		return json_array(); /* {} of Lua is a map */
	one = json_copy((json_t *)(uintptr_t)answer);
	json_object_del(one, "log");
	json_object_set_new(one, "name", json_string(file));
	json_object_set_new(one, "status", json_string("failed"));
	all = json_array();
	json_array_append_new(all, one);
	return all;
}

static int
run_file(struct tally *t, const struct tree *tree, const char *file, uint64_t seed, struct err *err)
{
	struct sandbox_ask q = {.mode = "test",
	    .files = tree,
	    .entry = file,
	    .seed = seed << 1,
	    .heap_bytes = AUTHORS_HEAP_BYTES,
	    .cpu_ms = AUTHORS_CPU_MS,
	    .wall_ms = AUTHORS_WALL_MS};
	struct sandbox_answer a;
	json_t *tests;
	int rc = sandbox_run(&q, &a, err);

	if (rc < 0)
		return rc;
	tests = tests_of(a.json, file);
	show_file(t, file, tests, value_str(a.json, "log"));
	json_array_append_new(t->files, json_pack("{s:s, s:I, s:s, s:o}", "file", file, "ms",
	    (json_int_t)a.ms, "log", value_str(a.json, "log"), "tests", tests));
	fflush(t->s->out);
	sandbox_free(&a);
	return 0;
}

static bool
is_spec(const char *path)
{
	static const char end[] = "_spec.lua";
	size_t len = strlen(path), n = sizeof end - 1;

	return len >= n && strcmp(path + len - n, end) == 0;
}

static int
finish(struct tally *t)
{
	const struct show *s = t->s;

	if (s->args->output == ARGS_TAP)
		fprintf(s->out, "1..%zu\n", t->number);
	else if (s->args->output == ARGS_JUNIT)
		fputs("</testsuites>\n", s->out);
	else if (s->args->output == ARGS_JSON) {
		json_dumpf(t->files, s->out, JSON_INDENT(2) | (s->terminal ? JSON_ENSURE_ASCII : 0));
		fputc('\n', s->out);
	} else if (!show_names(s))
		fprintf(s->out, "%zu passed, %zu failed, %zu pending in %zu files\n", t->passed,
		    t->failed, t->pending, json_array_size(t->files));
	return t->failed > 0;
}

int
show_test(const struct show *s, struct err *err)
{
	struct tally t = {.s = s, .files = json_array()};
	struct authors_tree tree;
	int rc = authors_read(s->args->operand, &tree, err);

	if (rc == 0 && s->args->output == ARGS_TAP)
		fputs("TAP version 13\n", s->out);
	if (rc == 0 && s->args->output == ARGS_JUNIT)
		fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n", s->out);
	for (size_t i = 0; rc == 0 && i < tree.tree.count; i++) {
		const char *path = tree.tree.files[i].path;

		if (tree.entry[0] != '\0' ? strcmp(path, tree.entry) == 0 : is_spec(path))
			rc = run_file(&t, &tree.tree, path, 1, err);
	}
	if (rc == 0 && json_array_size(t.files) == 0)
		rc = err_set(err, EXIT_CONFIG, "%.300s: no file *_spec.lua; mesh new scheduler writes a first one",
		    tree.dir);
	if (rc == 0)
		rc = finish(&t);
	tree_free(&tree.tree);
	json_decref(t.files);
	return rc;
}

int
show_sim(const struct show *s, struct err *err)
{
	struct tally t = {.s = s, .files = json_array()};
	struct authors_tree tree;
	int rc = authors_read(s->args->operand, &tree, err);

	if (rc == 0 && tree.entry[0] == '\0')
		rc = err_set(err, EXIT_USAGE_, "%.300s is a directory; name the file that simulates", s->args->operand);
	if (rc == 0)
		rc = run_file(&t, &tree.tree, tree.entry, s->args->given[OPT_SEED] ? (uint64_t)s->args->seed : 1, err);
	if (rc == 0 && (t.passed + t.failed + t.pending > 0 || s->args->output != ARGS_TABLE))
		rc = finish(&t);
	tree_free(&tree.tree);
	json_decref(t.files);
	return rc;
}

/* --- lint ---------------------------------------------------------------------------- */

static void
show_finding(const struct show *s, const char *dir, const json_t *f)
{
	json_int_t line = json_integer_value(json_object_get(f, "line"));
	json_int_t col = json_integer_value(json_object_get(f, "col"));
	char place[64] = "";

	if (line > 0)
		snprintf(place, sizeof place, ":%lld", (long long)line);
	if (line > 0 && col > 0)
		snprintf(place, sizeof place, ":%lld:%lld", (long long)line, (long long)col);
	if (strcmp(dir, ".") != 0) {
		show_put(s, dir);
		fputc('/', s->out);
	}
	show_put(s, value_str(f, "file"));
	fprintf(s->out, "%s: ", place);
	show_put(s, value_str(f, "text"));
	fputc('\n', s->out);
}

static int
show_findings(const struct show *s, const char *dir, const json_t *answer, struct err *err)
{
	const json_t *result = json_object_get(answer, "result");
	const json_t *list = json_object_get(result, "findings");
	size_t i, n = json_array_size(list);
	json_t *f;

	if (!json_is_true(json_object_get(answer, "ok")))
		return err_set(err, 1, "lint: %.400s", value_str(answer, "error"));
	if (s->args->output == ARGS_JSON) {
		json_dumpf(result, s->out, JSON_INDENT(2) | (s->terminal ? JSON_ENSURE_ASCII : 0));
		fputc('\n', s->out);
		return n > 0;
	}
	json_array_foreach(list, i, f)
		show_finding(s, dir, f);
	if (!show_names(s))
		fprintf(s->out, "%lld files, %zu findings\n",
		    (long long)json_integer_value(json_object_get(result, "files")), n);
	return n > 0;
}

/* Where there is nothing to look at, that nothing was found says nothing. */
static bool
has_lua(const struct tree *t)
{
	for (size_t i = 0; i < t->count; i++) {
		size_t len = strlen(t->files[i].path);

		if (len > 4 && strcmp(t->files[i].path + len - 4, ".lua") == 0)
			return true;
	}
	return false;
}

int
show_lint(const struct show *s, struct err *err)
{
	struct authors_tree tree;
	struct sandbox_answer a;
	int rc = authors_read(s->args->operand, &tree, err);
	struct sandbox_ask q = {.mode = "lint",
	    .files = &tree.tree,
	    .heap_bytes = AUTHORS_HEAP_BYTES,
	    .cpu_ms = AUTHORS_CPU_MS,
	    .wall_ms = AUTHORS_WALL_MS};

	if (rc == 0 && !has_lua(&tree.tree))
		rc = err_set(err, EXIT_CONFIG, "%.300s: no file *.lua; mesh new scheduler writes first ones", tree.dir);
	if (rc == 0 && (rc = sandbox_run(&q, &a, err)) == 0) {
		rc = show_findings(s, tree.dir, a.json, err);
		sandbox_free(&a);
	}
	tree_free(&tree.tree);
	return rc;
}
