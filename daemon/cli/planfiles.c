/*
 * planfiles.c - see plan.h.  The very code of the engine: plan_check, vars_render, render.c with
 * meshd-conf and meshd-script; a loop that runs until one render is done.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../base/name.h"
#include "../base/own.h"
#include "../base/scriptio.h"
#include "../core/plan.h"
#include "../core/rail.h"
#include "../core/vars.h"
#include "../io/render.h"
#include "inforce.h"
#include "plan.h"
#include "raw.h"
#include "sandbox.h"
#include "value.h"

struct files {
	struct plan_asked *asked;
	uv_loop_t loop;
	struct trees trees;
	bool has_loop, has_trees;
	int script_fd, conf_fd;
	struct config conf;
	struct inforce_world world; /* its templates: where there are none, whatever is named */
	struct plan before, after;
	unsigned renders, left;
};

/* --- as the host would take it ----------------------------------------------------------------- */

/* What is in force, as if a script had said it; what it says of itself is left out. */
static int
take_before(struct files *f, const struct plan_world *w)
{
	static const char *const keys[] = {"roles", "nodes", "vars"};
	json_t *rest = json_object();
	struct blob packed = {0};
	struct err none;
	int rc;

	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		json_t *v = json_object_get(f->asked->before, keys[i]);

		if (json_is_object(v))
			json_object_set(rest, keys[i], v);
	}
	rc = raw_of_json(rest, &packed, &none);
	if (rc == 0)
		rc = plan_check(packed.b, packed.len, w, &f->before, &none);
	blob_free(&packed);
	json_decref(rest);
	return rc;
}

static void
note(struct files *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void
note(struct files *f, const char *fmt, ...)
{
	char text[ERR_TEXT_CAP];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	json_array_append_new(f->asked->notes, json_string(text));
}

static int
judge(struct files *f, struct err *err)
{
	struct plan_world w = {.nodes = f->world.nodes,
	    .nodes_count = f->world.nodes_count,
	    .templates = f->has_trees ? f->trees.templates : f->world.named,
	    .templates_count = f->has_trees ? f->trees.templates_count : f->world.named_count};
	int rc = plan_check(f->asked->result.b, f->asked->result.len, &w, &f->after, err);

	if (rc < 0) {
		err_prefix(err, "plan: ");
		return rc;
	}
	for (size_t i = 0; i < f->after.missing_count; i++) {
		const struct plan_missing *m = &f->after.missing[i];

		json_array_append_new(f->asked->missing, json_sprintf("role %s: %s%s lacks %s", m->role,
		    m->node[0] != '\0' ? "node " : "", m->node[0] != '\0' ? m->node : "every node", m->what));
	}
	for (size_t i = 0; i < f->after.errors_count; i++) {
		const struct plan_error *e = &f->after.errors[i];

		json_array_append_new(f->asked->failed, json_pack("{s:s, s:s}", "role", e->role, "error", e->text));
		note(f, "role %s failed, and %s: %s", e->role,
		    json_object_get(json_object_get(f->asked->before, "roles"), e->role) != NULL ?
			"keeps its part" : "has none to keep", e->text);
		if (plan_role(&f->after, e->role) == NULL && json_is_object(f->asked->after))
			inforce_keep(f->asked->after, f->asked->before, json_object_get(f->asked->input, "nodes"), e->role);
	}
	if (take_before(f, &w) < 0)
		note(f, "files are compared with nothing: what is in force names what is not here any more");
	for (size_t i = 0; i < f->before.errors_count; i++)
		note(f, "files of role %s are compared with nothing: what is in force names what is not here any more: %s",
		    f->before.errors[i].role, f->before.errors[i].text);
	return rail_keep_failed(&f->after, &f->before, f->world.nodes, f->world.nodes_count) < 0 ?
	    err_set(err, 1, "out of memory") : 0;
}

/* --- rendering ----------------------------------------------------------------------------------- */

struct rendered {
	bool done, ok;
	struct render_out out;
	char error[ERR_TEXT_CAP];
};

static void
on_render(void *arg, struct render_out *out, const char *error)
{
	struct rendered *r = arg;

	r->done = true;
	r->ok = out != NULL;
	if (out != NULL)
		r->out = *out;
	else
		snprintf(r->error, sizeof r->error, "%s", error);
}

static const struct view_node *
node_of(const struct files *f, const char *name)
{
	for (size_t i = 0; i < f->world.nodes_count; i++)
		if (strcmp(f->world.nodes[i].name, name) == 0)
			return &f->world.nodes[i];
	return NULL;
}

static bool
render(struct files *f, const struct plan *plan, const char *node, const char *role, struct rendered *r)
{
	const struct plan_role *pr = plan_role(plan, role);
	const struct plan_node *pn = plan_node(plan, node);
	const struct view_node *n = node_of(f, node);
	struct vars_render v = {.plan = plan,
	    .node = node,
	    .role = role,
	    .address = n != NULL ? n->address : "",
	    .zone = n != NULL ? n->zone : "",
	    .stamp = "0.00000000.0"};
	struct render_in in = {.loop = &f->loop,
	    .script_fd = f->script_fd,
	    .conf_fd = f->conf_fd,
	    .conf = &f->conf,
	    .trees = &f->trees,
	    .role = role,
	    .template_name = plan_template(pr, pn != NULL ? plan_place(pn, role) : NULL, NULL)};
	struct blob vars;
	struct err err = {0};

	*r = (struct rendered){.done = false};
	if (vars_render(&v, &vars) < 0) {
		snprintf(r->error, sizeof r->error, "its variables can't be merged");
		return false;
	}
	in.vars = blob_slice(&vars);
	f->renders++;
	if (render_start(&in, on_render, r, &err) == NULL)
		snprintf(r->error, sizeof r->error, "%s", err.text);
	else
		while (!r->done)
			uv_run(&f->loop, UV_RUN_ONCE);
	blob_free(&vars);
	return r->ok;
}

static const struct gens_file *
file_of(const struct rendered *r, const char *name)
{
	for (size_t i = 0; r->ok && i < r->out.files_count; i++)
		if (strcmp(r->out.files[i].name, name) == 0)
			return &r->out.files[i];
	return NULL;
}

static void
differs(struct files *f, const char *node, const char *role, const char *file, struct slice from,
    struct slice to)
{
	json_t *a = from.b != NULL ? json_stringn((const char *)from.b, from.len) : json_null();
	json_t *b = to.b != NULL ? json_stringn((const char *)to.b, to.len) : json_null();

	if (from.b != NULL && to.b != NULL && slice_eq(from, to)) {
		json_decref(a);
		json_decref(b);
		return;
	}
	json_array_append_new(f->asked->files, json_pack("{s:s, s:s, s:s, s:o, s:o}", "role", role, "node", node,
	    "file", file, "from", a != NULL ? a : json_string("(not UTF-8)"), "to",
	    b != NULL ? b : json_string("(not UTF-8)")));
}

static void
put_text(json_t *files, const char *name, struct slice text)
{
	json_t *v = json_stringn((const char *)text.b, text.len);

	json_object_set_new(files, name, v != NULL ? v : json_string("(not UTF-8)"));
}

static struct slice
text_of(const struct gens_file *g)
{
	return g != NULL ? (struct slice){(const uint8_t *)g->data, g->len} : (struct slice){0};
}

static void
compare(struct files *f, const char *node, const char *role, const struct rendered *was,
    const struct rendered *now)
{
	for (size_t i = 0; i < now->out.files_count; i++) {
		const char *name = now->out.files[i].name;

		differs(f, node, role, name, text_of(file_of(was, name)), text_of(&now->out.files[i]));
	}
	for (size_t i = 0; was->ok && i < was->out.files_count; i++)
		if (file_of(now, was->out.files[i].name) == NULL)
			differs(f, node, role, was->out.files[i].name, text_of(&was->out.files[i]), (struct slice){0});
	differs(f, node, role, "processes.yaml",
	    was->ok ? blob_slice(&(struct blob){(uint8_t *)(uintptr_t)was->out.processes_text.b, was->out.processes_text.len}) :
		      (struct slice){0},
	    now->out.processes_text.b != NULL ? now->out.processes_text : (struct slice){(const uint8_t *)"", 0});
}

/* Has this role a part there that is rendered? */
static bool
is_rendered(const struct plan *p, const char *node, const char *role)
{
	const struct plan_node *n = plan_node(p, node);
	const struct plan_role *r = plan_role(p, role);
	const struct plan_place *place = n != NULL ? plan_place(n, role) : NULL;

	return place != NULL && plan_template(r, place, NULL)[0] != '\0';
}

static void
one(struct files *f, const char *node, const char *role)
{
	struct rendered was = {.done = false}, now;
	bool before = is_rendered(&f->before, node, role);

	if (f->renders >= PLAN_RENDERS_MAX) {
		f->left++;
		return;
	}
	if (before && !render(f, &f->before, node, role, &was))
		note(f, "role %s on %s: as it is in force it does not render with these templates: %s", role, node, was.error);
	if (render(f, &f->after, node, role, &now)) {
		compare(f, node, role, &was, &now);
		render_out_free(&now.out);
	} else {
		note(f, "role %s on %s does not render: %s; its old files would stay", role, node, now.error);
	}
	if (was.ok)
		render_out_free(&was.out);
}

/* Those whose own part is another first: a bound is spent where it tells most. */
static bool
is_other(const struct files *f, const char *node, const char *role)
{
	static const char *const at[] = {"nodes", "roles"};
	const json_t *a = f->asked->before, *b = f->asked->after;

	for (size_t i = 0; i < ARRAY_LEN(at); i++) {
		a = json_object_get(json_object_get(a, at[i]), i == 0 ? node : role);
		b = json_object_get(json_object_get(b, at[i]), i == 0 ? node : role);
	}
	return json_equal((json_t *)(uintptr_t)a, (json_t *)(uintptr_t)b) != 1 ||
	    json_equal(json_object_get(json_object_get(f->asked->before, "roles"), role),
		json_object_get(json_object_get(f->asked->after, "roles"), role)) != 1;
}

static void
all(struct files *f, bool other)
{
	for (size_t i = 0; i < f->after.nodes_count; i++)
		for (size_t k = 0; k < f->after.nodes[i].places_count; k++) {
			const char *node = f->after.nodes[i].name, *role = f->after.nodes[i].places[k].role;

			if (is_rendered(&f->after, node, role) && is_other(f, node, role) == other)
				one(f, node, role);
		}
}

/* --- the parts of an engine that it takes ------------------------------------------------------ */

static void
changed(void *arg)
{
	(void)arg;
}

static int
set_up(struct files *f, struct err *err)
{
	if ((f->script_fd = sandbox_program("meshd-script", err)) < 0)
		return f->script_fd;
	if ((f->conf_fd = sandbox_program("meshd-conf", err)) < 0)
		return f->conf_fd;
	if (uv_loop_init(&f->loop) != 0)
		return err_set(err, 1, "no event loop");
	f->has_loop = true;
	f->conf.script_heap_bytes = SCRIPT_HEAP_BYTES;
	f->conf.script_cpu_ms = SCRIPT_CPU_MS;
	f->conf.script_wall_ms = 2 * SCRIPT_CPU_MS;
	if (f->asked->config_dir[0] == '\0') {
		note(f, "no file is compared: there is no templates/ beside the scripts, and no daemon to say where another is");
		if (inforce_templates(&f->world, f->asked->after, err) < 0 ||
		    inforce_templates(&f->world, f->asked->before, err) < 0)
			return -1;
		return inforce_nodes(&f->world, f->asked->input, err);
	}
	if (trees_init(&f->trees, &f->loop, f->asked->config_dir, f->conf_fd, f, changed, err) < 0)
		return -1;
	f->has_trees = true;
	return inforce_nodes(&f->world, f->asked->input, err);
}

static void
tear_down(struct files *f)
{
	plan_free(&f->before);
	plan_free(&f->after);
	inforce_free(&f->world);
	if (f->script_fd > 0)
		close(f->script_fd);
	if (f->conf_fd > 0)
		close(f->conf_fd);
	/* The loop and the trees go with the process, which ends now. */
}

/* --- one role on one node ------------------------------------------------------------------------ */

/* "; did you mean 'web'?", or "". */
static void
guess(char *out, size_t cap, const char *word, const char *const *words, size_t count)
{
	const char *near = name_suggest(word, words, count);

	snprintf(out, cap, "%s%s%s", near != NULL ? "; did you mean '" : "", near != NULL ? near : "",
	    near != NULL ? "'?" : "");
}

static int
no_role(const struct plan *p, const char *role, struct err *err)
{
	AUTO_FREE const char **words = calloc(p->roles_count + 1, sizeof *words);
	char near[NAME_CAP + 32] = "";

	for (size_t i = 0; words != NULL && i < p->roles_count; i++)
		words[i] = p->roles[i].name;
	if (words != NULL)
		guess(near, sizeof near, role, words, p->roles_count);
	return err_set(err, 1, "render: role '%s': not in the plan%s", role, near);
}

static int
no_node(const struct files *f, const char *node, struct err *err)
{
	AUTO_FREE const char **words = calloc(f->world.nodes_count + 1, sizeof *words);
	char near[NAME_CAP + 32] = "";

	for (size_t i = 0; words != NULL && i < f->world.nodes_count; i++)
		words[i] = f->world.nodes[i].name;
	if (words != NULL)
		guess(near, sizeof near, node, words, f->world.nodes_count);
	return err_set(err, 1, "render: node '%s': not in the input%s", node, near);
}

/* The node to render on: the one asked for, or else the only one.  NULL and the line. */
static const char *
pick_node(const struct files *f, const char *role, const char *asked, struct err *err)
{
	const struct plan *p = &f->after;
	const char *only = NULL;
	char where[4 * NAME_CAP] = "";
	size_t at = 0, count = 0;

	for (size_t i = 0; i < p->nodes_count; i++) {
		if (plan_place(&p->nodes[i], role) == NULL)
			continue;
		only = p->nodes[i].name;
		if (asked != NULL && strcmp(only, asked) == 0)
			return only;
		if (++count > 1 && at + NAME_CAP + 8 > sizeof where)
			snprintf(where + at, sizeof where - at, ", ...");
		else
			at += (size_t)snprintf(where + at, sizeof where - at, "%s%s", count > 1 ? ", " : "", only);
	}
	if (asked == NULL && count == 1)
		return only;
	if (count == 0)
		err_set(err, 1, "render: role '%s': the plan has it on no node", role);
	else if (asked != NULL)
		err_set(err, 1, "render: role '%s': not on %s; the plan has it on %s", role, asked, where);
	else
		err_set(err, 1, "render: role '%s': on which node? --node NODE: it is on %s", role, where);
	return NULL;
}

static int
render_one(struct files *f, const char *role, const char *node, json_t **out, struct err *err)
{
	json_t *files;
	struct rendered r;

	if (!f->has_trees)
		return err_set(err, 1, "render: there is no templates/ beside the scripts, and no daemon to say where another is");
	for (size_t i = 0; i < f->after.errors_count; i++)
		if (strcmp(f->after.errors[i].role, role) == 0)
			return err_set(err, 1, "render: role '%s' failed, and would keep its part: %s", role,
			    f->after.errors[i].text);
	if (plan_role(&f->after, role) == NULL)
		return no_role(&f->after, role, err);
	if (node != NULL && node_of(f, node) == NULL)
		return no_node(f, node, err);
	if ((node = pick_node(f, role, node, err)) == NULL)
		return -1;
	if (!is_rendered(&f->after, node, role))
		return err_set(err, 1, "render: role '%s': the plan names no template for it", role);
	if (!render(f, &f->after, node, role, &r))
		return err_set(err, 1, "render: role '%s' on %s: %s", role, node, r.error);
	files = json_object();
	for (size_t i = 0; i < r.out.files_count; i++)
		put_text(files, r.out.files[i].name, text_of(&r.out.files[i]));
	if (r.out.processes_text.len > 0)
		put_text(files, "processes.yaml", r.out.processes_text);
	render_out_free(&r.out);
	*out = json_pack("{s:s, s:s, s:o, s:i}", "role", role, "node", node, "files", files, "generation", 0);
	return 0;
}

int
plan_render(struct plan_asked *asked, const char *role, const char *node, json_t **out, struct err *err)
{
	static struct files f;
	int rc;

	f = (struct files){.asked = asked, .script_fd = -1, .conf_fd = -1};
	rc = set_up(&f, err);
	if (rc >= 0)
		rc = judge(&f, err);
	if (rc >= 0)
		rc = render_one(&f, role, node, out, err);
	tear_down(&f);
	return rc < 0 ? rc : 0;
}

int
plan_files(struct plan_asked *asked, struct err *err)
{
	static struct files f;
	int rc;

	f = (struct files){.asked = asked, .script_fd = -1, .conf_fd = -1};
	rc = set_up(&f, err);
	if (rc >= 0)
		rc = judge(&f, err);
	if (rc >= 0 && f.has_trees) {
		all(&f, true);
		all(&f, false);
		if (f.left > 0)
			note(&f, "files of %u more roles on nodes are not compared: %d are, those that change first",
			    f.left, PLAN_RENDERS_MAX);
	}
	tear_down(&f);
	return rc < 0 ? rc : 0;
}
