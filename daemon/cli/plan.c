/*
 * plan.c - mesh plan: a round that nobody issues.  The input is the leader's of this moment, or
 * a saved one; the scripts run here, where mesh test runs them.
 */
#include "plan.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../gossip/mp.h"
#include "../base/own.h"
#include "../io/crypto.h"
#include "answer.h"
#include "args.h"
#include "authors.h"
#include "decide.h"
#include "inforce.h"
#include "raw.h"
#include "show.h"
#include "value.h"

enum { FAILED = 2, PATH_CAP = 4200, LINES_SHOWN = 12 };

struct planning {
	const struct show *s;
	struct blob input;
	struct authors_tree scripts;
	bool has_scripts;
	char config_dir[PATH_CAP];
	struct sandbox_answer now;
	json_t *world, *after, *diff;
};

static int
take_input(struct planning *p, struct err *err)
{
	AUTO_FREE uint8_t *frame = NULL;
	struct run_error e = {0};
	struct slice data;

	if (p->s->args->input != NULL)
		return raw_read(p->s->args->input, &p->input, err);
	if (raw_ask(p->s, "input", &frame, &data, &e) < 0)
		return run_error_line(&e, err);
	return blob_copy(&p->input, data) < 0 ? err_set(err, FAILED, "out of memory") : 0;
}

/* The directory that this host's daemon reads its scripts from. */
static int
ask_config(struct planning *p, struct err *err)
{
	static const char unknown[] =
	    "plan: the daemon does not say where its scripts are: --scheduler DIR";
	int rc = raw_path(p->s, "config_dir", p->config_dir, PATH_CAP - 32, err);

	return rc == RAW_NONE ? err_set(err, FAILED, unknown) : rc;
}

static int
take_scripts(struct planning *p, struct err *err)
{
	const char *named = p->s->args->scheduler;
	char dir[PATH_CAP + 32], *slash;
	struct err none;
	int rc = 0;

	if (named == NULL && (rc = ask_config(p, err)) == 0) {
		snprintf(dir, sizeof dir, "%s/scheduler-scripts", p->config_dir);
		named = dir;
	}
	if (rc < 0 || (rc = authors_read(named, &p->scripts, err)) < 0)
		return rc;
	p->has_scripts = true;
	if (p->s->args->scheduler == NULL)
		return 0;
	/* Templates lie beside the scripts; if not, those of this host are meant. */
	AUTO_FREE char *path = realpath(p->scripts.dir, NULL);
	snprintf(p->config_dir, PATH_CAP, "%s", path != NULL ? path : ".");
	slash = strrchr(p->config_dir, '/');
	if (slash != NULL)
		slash[slash == p->config_dir ? 1 : 0] = '\0';
	snprintf(dir, sizeof dir, "%s/templates", p->config_dir);
	if (access(dir, F_OK) != 0 && ask_config(p, &none) < 0)
		p->config_dir[0] = '\0';
	return 0;
}

/* As in a round: its seed is the input's hash. */
static int
run(struct planning *p, struct err *err)
{
	struct sandbox_ask q = {
	    .mode = "schedule", .files = &p->scripts.tree, .input = blob_slice(&p->input),
	    .check_input = p->s->args->input != NULL};
	struct hash seed;
	size_t at;
	int rc;

	crypto_hash256(&seed, p->input.b, p->input.len);
	memcpy(&q.seed, seed.b, sizeof q.seed);
	if ((rc = sandbox_run(&q, &p->now, err)) < 0)
		return rc;
	if (!json_is_true(json_object_get(p->now.json, "ok"))) {
		err_set(err, FAILED, "plan: %s%s%s", value_str(p->now.json, "error"),
		    *value_str(p->now.json, "excerpt") != '\0' ? "\n" : "", value_str(p->now.json, "excerpt"));
		return -FAILED;
	}
	p->world = answer_json(p->input.b, p->input.len, &at);
	p->after = answer_json(p->now.result.b, p->now.result.len, &at);
	if (!json_is_object(p->world) || !json_is_object(p->after))
		return err_set(err, FAILED, "plan: the input or the answer is no map, or has more than a million values");
	return 0;
}

/* --- shown --------------------------------------------------------------------------------- */

/* The n-th line and its length. */
static const char *
line_at(const char *text, size_t n, size_t *len)
{
	for (; n > 0; n--)
		text = strchr(text, '\n') + 1;
	*len = strcspn(text, "\n");
	return text;
}

static size_t
count_lines(const char *text)
{
	size_t n = 0;

	for (; *text != '\0'; n++) {
		size_t len = strcspn(text, "\n");

		text += len + (text[len] == '\n');
	}
	return n;
}

static bool
same_line(const char *a, size_t i, const char *b, size_t k)
{
	size_t la, lb;
	const char *x = line_at(a, i, &la), *y = line_at(b, k, &lb);

	return la == lb && memcmp(x, y, la) == 0;
}

static void
put_lines(const struct show *s, const char *mark, const char *text, size_t from, size_t to)
{
	for (size_t i = from; i < to && i < from + LINES_SHOWN; i++) {
		size_t len;
		const char *line = line_at(text, i, &len);
		AUTO_FREE char *copy = strndup(line, len);

		fprintf(s->out, "    %s", mark);
		show_put(s, copy != NULL && *copy != '\0' ? copy : " ");
		fputc('\n', s->out);
	}
	if (to > from + LINES_SHOWN)
		fprintf(s->out, "    %s... %zu lines more\n", mark, to - from - LINES_SHOWN);
}

/* What lies between the lines that both begin and end with. */
static void
put_file(const struct show *s, const json_t *f)
{
	const char *a = value_str(f, "from"), *b = value_str(f, "to");
	size_t na = count_lines(a), nb = count_lines(b), from = 0, end = 0;

	while (from < na && from < nb && same_line(a, from, b, from))
		from++;
	while (end < na - from && end < nb - from && same_line(a, na - end - 1, b, nb - end - 1))
		end++;
	fputs("  ", s->out);
	show_put(s, value_str(f, "role"));
	fputs(" on ", s->out);
	show_put(s, value_str(f, "node"));
	fputs(": ", s->out);
	show_put(s, value_str(f, "file"));
	fprintf(s->out, " (line %zu)%s\n", from + 1, !json_is_string(json_object_get(f, "from")) ? ", new" :
		!json_is_string(json_object_get(f, "to")) ? ", gone" : "");
	put_lines(s, "-", a, from, na - end);
	put_lines(s, "+", b, from, nb - end);
}

static void
put(const struct planning *p, const struct plan_asked *a)
{
	const struct show *s = p->s;
	char sum[160];

	decide_sum(p->diff, sum, sizeof sum);
	fprintf(s->out, "plan: %s", sum);
	if (json_array_size(a->failed) > 0)
		fprintf(s->out, "; %zu role%s", json_array_size(a->failed), json_array_size(a->failed) > 1 ? "s fail" : " fails");
	fputc('\n', s->out);
	decide_print(s, p->diff, "  ", s->args->output == ARGS_WIDE ? 0 : DECIDE_SHOWN);
	for (size_t i = 0; i < json_array_size(a->missing); i++) {
		fputs("lacking: ", s->out);
		show_put(s, json_string_value(json_array_get(a->missing, i)));
		fputc('\n', s->out);
	}
	fprintf(s->out, "files: %zu otherwise\n", json_array_size(a->files));
	for (size_t i = 0; i < json_array_size(a->files); i++)
		put_file(s, json_array_get(a->files, i));
	for (size_t i = 0; i < json_array_size(a->notes); i++) {
		fputs("note: ", s->out);
		show_put(s, json_string_value(json_array_get(a->notes, i)));
		fputc('\n', s->out);
	}
}

/* What is in force, but for replies that were given: they are the host's to keep, no script gives them again. */
static json_t *
in_force(const json_t *world)
{
	json_t *before = json_copy((json_t *)(uintptr_t)inforce_before(world)); /* NULL: nothing is */

	json_object_del(before, "replies");
	return before;
}

static int
finish(struct planning *p, struct err *err)
{
	json_t *before = in_force(p->world);
	struct plan_asked a = {.config_dir = p->config_dir,
	    .input = p->world,
	    .before = before,
	    .after = p->after,
	    .result = p->now.result,
	    .files = json_array(),
	    .notes = json_array(),
	    .failed = json_array(),
	    .missing = json_array()};
	int rc = plan_files(&a, err);

	if (rc == 0) {
		p->diff = decide_diff(a.before, p->after);
		rc = json_array_size(p->diff) + json_array_size(a.files) + json_array_size(a.failed) > 0 ? 1 : 0;
		if (p->s->args->output == ARGS_JSON) {
			json_t *v = json_pack("{s:O, s:O, s:O, s:O, s:O}", "changes", p->diff, "files", a.files,
			    "failed", a.failed, "missing", a.missing, "notes", a.notes);

			json_dumpf(v, p->s->out, JSON_INDENT(2) | (p->s->terminal ? JSON_ENSURE_ASCII : 0));
			fputc('\n', p->s->out);
			json_decref(v);
		} else if (!p->s->args->given[OPT_QUIET]) {
			put(p, &a);
		}
	}
	json_decref(before);
	json_decref(a.files);
	json_decref(a.notes);
	json_decref(a.failed);
	json_decref(a.missing);
	return rc;
}

static int
round_of(struct planning *p, struct err *err)
{
	int rc = crypto_init(err);

	if (rc == 0)
		rc = take_input(p, err);
	if (rc == 0)
		rc = take_scripts(p, err);
	return rc == 0 ? run(p, err) : rc;
}

static void
planning_free(struct planning *p)
{
	json_decref(p->world);
	json_decref(p->after);
	json_decref(p->diff);
	if (p->now.json != NULL)
		sandbox_free(&p->now);
	if (p->has_scripts)
		tree_free(&p->scripts.tree);
	blob_free(&p->input);
}

int
show_plan(const struct show *s, struct err *err)
{
	struct planning p = {.s = s};
	int rc = round_of(&p, err);

	if (rc == 0)
		rc = finish(&p, err);
	planning_free(&p);
	return rc;
}

/* mesh render of what a round would decide; of what is in force the daemon has it. */
int
show_render_plan(const struct show *s, struct err *err)
{
	struct planning p = {.s = s};
	struct plan_asked a = {.notes = json_array(), .failed = json_array(), .missing = json_array()};
	json_t *out = NULL;
	int rc = round_of(&p, err);

	if (rc == 0) {
		a.config_dir = p.config_dir;
		a.input = p.world;
		a.before = a.after = p.after;
		a.result = p.now.result;
		rc = plan_render(&a, s->args->operand, s->args->node, &out, err);
	}
	if (rc == 0 && s->args->output == ARGS_JSON) {
		json_dumpf(out, s->out, JSON_INDENT(2) | (s->terminal ? JSON_ENSURE_ASCII : 0));
		fputc('\n', s->out);
	} else if (rc == 0) {
		rc = show_render(s, out, err);
	}
	if (rc < 0 && err->code == FAILED) /* it is mesh plan that has 1 for another thing */
		err->code = 1;
	json_decref(out);
	json_decref(a.failed);
	json_decref(a.notes);
	json_decref(a.missing);
	planning_free(&p);
	return rc;
}
