/*
 * templates.c - mesh template check: a tree of templates by the programs that will render
 * them, meshd-conf and meshd-script, without a daemon and without variables.
 *
 * Everything is looked at, whatever is wrong with another file or another template.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../base/flat.h"
#include "../base/name.h"
#include "../base/own.h"
#include "../io/gens.h"
#include "../io/spawn.h"
#include "args.h"
#include "authors.h"
#include "show.h"
#include "value.h"

enum { PLACE_CAP = 512 };

struct check {
	const struct show *s;
	struct authors_tree tree; /* entry: not used */
	bool alone;		  /* the tree is one template's own directory */
	json_t *errors, *notes, *names;
	size_t files;
};

/* One template, as it is gone through. */
struct one {
	struct check *all;
	const char *name; /* "front"; "" = the tree itself */
	struct tree tree; /* its files by their names in it; all of it borrowed */
	struct flat doc;
	struct sandbox_want *wants; /* owned, with their texts */
	size_t wants_count;
};

/* --- what was found ------------------------------------------------------------------ */

/* file: in the template's directory. */
static void
found(const struct one *o, bool note, const char *file, uint32_t line, uint32_t col,
    const char *text, const char *excerpt)
{
	const struct check *c = o->all;
	char path[2 * TREE_PATH_CAP];
	json_t *f;

	snprintf(path, sizeof path, "%s%s%s", o->name, o->name[0] != '\0' ? "/" : "", file);
	f = json_pack("{s:s, s:s, s:s, s:s, s:n, s:n}", "template", o->name, "file", path, "text", text,
	    "excerpt", excerpt, "line", "column");
	if (line > 0)
		json_object_set_new(f, "line", json_integer(line));
	if (col > 0)
		json_object_set_new(f, "column", json_integer(col));
	json_array_append_new(note ? c->notes : c->errors, f);
}

/* "front/render.yaml:3:5: text", as meshd-conf says it. */
static void
found_line(const struct one *o, const char *said)
{
	size_t skip = o->name[0] != '\0' ? strlen(o->name) + 1 : 0;
	const char *at = strlen(said) > skip ? strchr(said + skip, ':') : NULL;
	char *end;
	unsigned long line = 0, col = 0;

	if (at != NULL && at[1] >= '1' && at[1] <= '9') {
		line = strtoul(at + 1, &end, 10);
		col = *end == ':' ? strtoul(end + 1, &end, 10) : 0;
		said = *end == ':' ? end + 1 : end;
		said += *said == ' ';
	}
	found(o, false, "render.yaml", (uint32_t)line, (uint32_t)col, said, "");
}

/* --- render.yaml --------------------------------------------------------------------- */

struct conf_run {
	struct one *o;
	uint8_t *bytes; /* what the document borrows from; owned by who runs it */
	bool done, good;
};

static void
on_conf(void *arg, struct spawn_result *res)
{
	struct conf_run *r = arg;
	char text[ERR_TEXT_CAP];

	r->done = true;
	if (res->exit_status != 0) {
		if (res->errtext[0] == '\0')
			snprintf(text, sizeof text, "meshd-conf ended with %d", res->exit_status);
		else
			err_escape(text, sizeof text, res->errtext, strcspn(res->errtext, "\n"));
		found_line(r->o, text);
	} else if (flat_open(&r->o->doc, res->out, res->out_len) < 0) {
		found(r->o, false, "render.yaml", 0, 0, "meshd-conf wrote a malformed document", "");
	} else {
		r->bytes = res->out;
		res->out = NULL;
		r->good = true;
	}
}

/* 0, *good and *bytes, owned; or negative: meshd-conf can't be run. */
static int
read_yaml(struct one *o, bool *good, uint8_t **bytes, struct err *err)
{
	const struct tree_file *f = tree_find(&o->tree, "render.yaml");
	AUTO_CLOSE int program = sandbox_program("meshd-conf", err);
	struct conf_run run = {.o = o};
	char display[TREE_PATH_CAP + 32];
	const char *argv[] = {"meshd-conf", "render", display, NULL};
	uv_loop_t loop;
	int rc;

	if (program < 0)
		return program;
	if (uv_loop_init(&loop) != 0)
		return err_set(err, EXIT_ENVIRONMENT, "no event loop");
	snprintf(display, sizeof display, "%s%srender.yaml", o->name, o->name[0] != '\0' ? "/" : "");
	rc = spawn_run(&loop,
	    &(struct spawn_conf){.prog_fd = program, .argv = argv, .input = f->data, .input_len = f->len,
		.out_cap = FLAT_BYTES_MAX, .deadline_ms = 5000},
	    on_conf, &run, NULL, err);
	while (rc == 0 && !run.done)
		uv_run(&loop, UV_RUN_ONCE);
	uv_run(&loop, UV_RUN_DEFAULT); /* what it closes */
	uv_loop_close(&loop);
	*good = run.good;
	*bytes = run.bytes;
	return rc;
}

static void
want(struct one *o, const struct flat_rec *at, const char *what)
{
	struct sandbox_want *w = &o->wants[o->wants_count++];

	if (asprintf(&w->name, "render.yaml:%u:%u: %s", at->line, at->col, what) < 0 ||
	    asprintf(&w->template_name, "%.*s", (int)at->str_len, at->str) < 0)
		abort(); /* out of memory */
}

static bool
ends_with(const struct flat_rec *rec, const char *tail)
{
	size_t n = strlen(tail);

	return rec->path_len >= n && memcmp(rec->path + rec->path_len - n, tail, n) == 0;
}

/* Templates that files: and processes name; what else of files: an engine would refuse. */
static void
take_files(struct one *o)
{
	char name[NAME_CAP] = "", key[NAME_CAP], what[NAME_CAP + 16];
	struct flat_rec rec;
	size_t off = 0, files = 0;

	while (flat_next(&o->doc, &off, &rec)) {
		if (flat_child(&rec, "files", key, sizeof key) && rec.type == FLAT_MAP) {
			memcpy(name, key, sizeof name);
			if (name[0] == '\0' || ++files > GENS_FILES_MAX)
				found(o, false, "render.yaml", rec.line, rec.col,
				    files > GENS_FILES_MAX ? "more than 256 files" :
							     "a file's name has 1 to 63 bytes", "");
			continue;
		}
		if (rec.type == FLAT_STR && strncmp(rec.path, "files/", 6) == 0 && ends_with(&rec, "/template")) {
			snprintf(what, sizeof what, "files.%s", name);
			want(o, &rec, what);
		} else if (rec.type == FLAT_STR && rec.path_len == 9 && ends_with(&rec, "processes")) {
			want(o, &rec, "processes");
		} else if (rec.type == FLAT_INT && strncmp(rec.path, "files/", 6) == 0 &&
			   ends_with(&rec, "/mode") && (rec.num & 0400) == 0) {
			found(o, false, "render.yaml", rec.line, rec.col,
			    "mode must be 0400-0777, readable by its owner", "");
		}
	}
}

/* Is there "NAME:" in the templates of the directory? */
static bool
is_named(const struct one *o, const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < o->tree.count; i++) {
		const struct tree_file *f = &o->tree.files[i];
		const char *p = (const char *)f->data, *end = p + f->len;

		if (strcmp(f->path, "render.yaml") == 0)
			continue;
		while ((p = memmem(p, (size_t)(end - p), name, n)) != NULL && p[n] != ':')
			p += n;
		if (p != NULL)
			return true;
	}
	return false;
}

/* check: and on-change: of files and containers that can be. */
static void
take_actions(struct one *o)
{
	char key[NAME_CAP], path[2 * NAME_CAP], text[PLACE_CAP];
	struct flat_rec rec, of;
	size_t off = 0;

	while (flat_next(&o->doc, &off, &rec)) {
		if (!flat_child(&rec, "on-change", key, sizeof key) || strcmp(key, "*") == 0)
			continue;
		snprintf(path, sizeof path, "files/%s", key);
		if (flat_find(&o->doc, path, &of))
			continue;
		snprintf(text, sizeof text, "on-change: files: has no '%s', so this never happens", key);
		found(o, false, "render.yaml", rec.line, rec.col, text, "");
	}
	if (!flat_find(&o->doc, "check/container", &rec) || rec.type != FLAT_STR)
		return;
	if (!flat_find(&o->doc, "processes", &of)) {
		found(o, false, "render.yaml", rec.line, rec.col,
		    "check: its container is a Command of the processes file; name one with processes:", "");
		return;
	}
	snprintf(key, sizeof key, "%.*s", (int)rec.str_len, rec.str);
	if (is_named(o, key))
		return;
	snprintf(text, sizeof text,
	    "check: no template here has '%s:'; the processes file has to give a Command of that name", key);
	found(o, true, "render.yaml", rec.line, rec.col, text, "");
}

/* --- the templates ------------------------------------------------------------------- */

static uint32_t
number(const json_t *o, const char *key)
{
	json_int_t n = json_integer_value(json_object_get(o, key));

	return n > 0 && n < INT32_MAX ? (uint32_t)n : 0;
}

static int
compile(struct one *o, struct err *err)
{
	struct sandbox_ask q = {.mode = "check",
	    .files = &o->tree,
	    .wants = o->wants,
	    .wants_count = o->wants_count};
	struct sandbox_answer a;
	const char *text, *place;
	const json_t *result;
	size_t i;
	json_t *f;
	int rc = sandbox_run(&q, &a, err);

	if (rc < 0)
		return rc;
	result = json_object_get(a.json, "result");
	json_array_foreach(json_object_get(result, "findings"), i, f)
		found(o, false, value_str(f, "file"), number(f, "line"), number(f, "col"), value_str(f, "text"),
		    value_str(f, "excerpt"));
	o->all->files += number(result, "files");
	text = value_str(a.json, "error");
	/* The place is in fields of its own. */
	place = number(a.json, "line") > 0 ? strstr(text, ": ") : NULL;
	if (!json_is_true(json_object_get(a.json, "ok")))
		found(o, false, value_str(a.json, "file"), number(a.json, "line"), number(a.json, "col"),
		    place != NULL ? place + 2 : text, value_str(a.json, "excerpt"));
	sandbox_free(&a);
	return 0;
}

static int
check_one(struct one *o, struct err *err)
{
	AUTO_FREE uint8_t *bytes = NULL;
	bool good = false;
	int rc;

	o->wants = calloc(GENS_FILES_MAX * 4, sizeof *o->wants);
	if (o->wants == NULL)
		return err_set(err, EXIT_ENVIRONMENT, "out of memory");
	rc = read_yaml(o, &good, &bytes, err);
	if (rc == 0 && good) {
		take_files(o);
		take_actions(o);
	}
	if (rc == 0)
		rc = compile(o, err);
	for (size_t i = 0; i < o->wants_count; i++) {
		free(o->wants[i].name);
		free(o->wants[i].template_name);
	}
	free(o->wants);
	return rc;
}

/* The files of the template of this name, borrowed; name_len 0 = all. */
static int
check_template(struct check *c, const char *path, size_t name_len, struct err *err)
{
	char name[TREE_PATH_CAP];
	struct one o = {.all = c, .name = name};
	AUTO_FREE struct tree_file *files = calloc(c->tree.tree.count, sizeof *files);
	size_t skip = name_len > 0 ? name_len + 1 : 0;

	if (files == NULL)
		return err_set(err, EXIT_ENVIRONMENT, "out of memory");
	snprintf(name, sizeof name, "%.*s", (int)name_len, path);
	for (size_t i = 0; i < c->tree.tree.count; i++) {
		const struct tree_file *f = &c->tree.tree.files[i];

		if (strncmp(f->path, path, skip) != 0)
			continue;
		files[o.tree.count] = *f;
		files[o.tree.count++].path += skip;
	}
	o.tree.files = files;
	if (name_len > 0 && !name_image_ok(name, name_len, 8))
		found(&o, false, "render.yaml", 0, 0,
		    "its directory can't be the name of a template ([a-z0-9][a-z0-9_.-]*)", "");
	json_array_append_new(c->names, json_string(name_len > 0 ? name : "."));
	return check_one(&o, err);
}

/* --- all of them --------------------------------------------------------------------- */

static bool
is_there(const char *dir, const char *name)
{
	char path[AUTHORS_PATH_CAP + 32];

	snprintf(path, sizeof path, "%s/%s", dir, name);
	return access(path, F_OK) == 0;
}

/* A template's directory, a tree of them, or a config directory that has one. */
static int
read_tree(struct check *c, struct err *err)
{
	const char *path = c->s->args->second != NULL ? c->s->args->second : ".";
	AUTO_CLOSE int fd = -1;

	c->alone = is_there(path, "render.yaml");
	if (c->alone || !is_there(path, "templates"))
		snprintf(c->tree.dir, sizeof c->tree.dir, "%.4095s", path);
	else
		snprintf(c->tree.dir, sizeof c->tree.dir, "%.4000s%stemplates",
		    strcmp(path, ".") != 0 ? path : "", strcmp(path, ".") != 0 ? "/" : "");
	fd = open(c->tree.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_set(err, EXIT_CONFIG, "%.300s: %s", c->tree.dir, strerror(errno));
	if (tree_read(fd, ".", &c->tree.tree, err) == 0)
		return 0;
	err_prefix(err, "%.200s: ", c->tree.dir);
	return EXIT_CONFIG;
}

static int
check_all(struct check *c, struct err *err)
{
	static const char tail[] = "/render.yaml";
	int rc = 0;

	if (c->alone)
		return check_template(c, "", 0, err);
	for (size_t i = 0; rc == 0 && i < c->tree.tree.count; i++) {
		const char *path = c->tree.tree.files[i].path;
		size_t len = strlen(path), n = sizeof tail - 1;

		if (len > n && strcmp(path + len - n, tail) == 0)
			rc = check_template(c, path, len - n, err);
	}
	if (rc == 0 && json_array_size(c->names) == 0)
		return err_set(err, EXIT_CONFIG, "%.300s: no directory with a render.yaml; mesh new role writes a first one",
		    c->tree.dir);
	return rc;
}

static void
show_all(const struct check *c, const json_t *list, const char *word)
{
	const struct show *s = c->s;
	size_t i;
	json_t *f;

	json_array_foreach(list, i, f) {
		if (word != NULL)
			fprintf(s->out, "%s: ", word);
		if (strcmp(c->tree.dir, ".") != 0) {
			show_put(s, c->tree.dir);
			fputc('/', s->out);
		}
		show_put(s, value_str(f, "file"));
		if (number(f, "line") > 0)
			fprintf(s->out, ":%u", number(f, "line"));
		if (number(f, "line") > 0 && number(f, "column") > 0)
			fprintf(s->out, ":%u", number(f, "column"));
		fputs(": ", s->out);
		show_put(s, value_str(f, "text"));
		fputc('\n', s->out);
		if (*value_str(f, "excerpt") != '\0' && !show_names(s))
			show_lines(s, value_str(f, "excerpt"), "    ", "");
	}
}

static int
tell(struct check *c)
{
	const struct show *s = c->s;
	size_t errors = json_array_size(c->errors);

	if (s->args->output == ARGS_JSON) {
		json_t *v = json_pack("{s:b, s:O, s:O, s:O, s:I}", "ok", errors == 0, "errors", c->errors,
		    "notes", c->notes, "templates", c->names, "files", (json_int_t)c->files);

		json_dumpf(v, s->out, JSON_INDENT(2) | (s->terminal ? JSON_ENSURE_ASCII : 0));
		fputc('\n', s->out);
		json_decref(v);
		return errors > 0;
	}
	show_all(c, c->errors, NULL);
	if (!show_names(s)) {
		show_all(c, c->notes, "note");
		fprintf(s->out, "%zu templates, %zu files, %zu errors, %zu notes\n",
		    json_array_size(c->names), c->files, errors, json_array_size(c->notes));
	}
	return errors > 0;
}

int
show_template(const struct show *s, struct err *err)
{
	struct check c = {
	    .s = s, .errors = json_array(), .notes = json_array(), .names = json_array()};
	int rc = read_tree(&c, err);

	if (rc == 0)
		rc = check_all(&c, err);
	if (rc == 0)
		rc = tell(&c);
	tree_free(&c.tree.tree);
	json_decref(c.errors);
	json_decref(c.notes);
	json_decref(c.names);
	return rc;
}
