/*
 * Templates turned into bytes by the real programs: the shipped ones, and
 * broken ones, each with the line an author gets to see.
 */
#include "programs.h"

#include <msgpack.h>

#include "../../../daemon/base/scriptio.h"
#include "../../../daemon/core/vars.h"
#include "../../../daemon/io/crypto.h"
#include "../../../daemon/io/pack.h"
#include "../../../daemon/io/render.h"
#include "../../../daemon/io/wants.h"
#include "loop.h"

static uv_loop_t loop;
static struct world w;
static struct trees trees;
static struct renderdocs *docs; /* of these, or NULL */
static struct config conf;
static int script_fd, conf_fd;
static struct plan plan;

static struct {
	int called;
	bool ok;
	struct render_out out;
	char error[ERR_TEXT_CAP];
} got;

/* "{key: value, ...}" of strings. */
static struct blob
map_of(const char *const *pairs, size_t count)
{
	msgpack_sbuffer b;
	msgpack_packer pk;
	struct blob out;

	msgpack_sbuffer_init(&b);
	msgpack_packer_init(&pk, &b, msgpack_sbuffer_write);
	msgpack_pack_map(&pk, count);
	for (size_t i = 0; i < 2 * count; i++)
		pk_str(&pk, pairs[i]);
	assert_int_equal(blob_copy(&out, (struct slice){ (uint8_t *)b.data, b.size }), 0);
	msgpack_sbuffer_destroy(&b);
	return out;
}

/* One role on one node with one instance, as a schedule gives it. */
static void
make_plan(const char *role, const char *process)
{
	static const char *const all[] = { "page", "Hello <you>", "port", "8000", "evil", "a\nb" };
	static const char *const own[] = { "address", "127.0.0.1", "port", "8080" };
	struct plan_place *pl;

	plan_free(&plan);
	memset(&plan, 0, sizeof plan);
	plan.vars = map_of(all, 3);
	plan.roles = calloc(1, sizeof *plan.roles);
	plan.roles_count = 1;
	strcpy(plan.roles[0].name, role);
	strcpy(plan.roles[0].version, "v1");
	plan.nodes = calloc(1, sizeof *plan.nodes);
	plan.nodes_count = 1;
	strcpy(plan.nodes[0].name, "n1");
	plan.nodes[0].places = pl = calloc(1, sizeof *pl);
	plan.nodes[0].places_count = 1;
	strcpy(pl->role, role);
	strcpy(pl->sandbox, role);
	pl->instances = calloc(1, sizeof *pl->instances);
	pl->instances_count = 1;
	snprintf(pl->instances[0].id, NAME_CAP, "%s.1", role);
	strcpy(pl->instances[0].process, process);
	snprintf(pl->instances[0].image, VIEW_IMAGE_CAP, "%s-v1", role);
	pl->instances[0].vars = map_of(own, 2);
}

static void
on_changed(void *arg)
{
	(void)arg;
}

static void
look_at(const char *dir)
{
	struct err err = { 0 };

	if (trees_init(&trees, &loop, dir, conf_fd, NULL, on_changed, &err) != 0)
		fail_msg("%s", err.text);
	loop_until(&loop, trees.reading == NULL);
	uv_timer_stop(&trees.timer);
}

static int
setup(void **state)
{
	struct err err;

	(void)state;
	memset(&got, 0, sizeof got);
	conf.script_heap_bytes = SCRIPT_HEAP_BYTES;
	conf.script_cpu_ms = SCRIPT_CPU_MS;
	conf.script_wall_ms = 60000;
	script_fd = program_open("meshd-script");
	conf_fd = program_open("meshd-conf");
	world_open(&w);
	make_plan("web", "httpd");
	assert_int_equal(mkdirat(w.fd, "templates", 0755), 0);
	assert_int_equal(mkdirat(w.fd, "templates/t", 0755), 0);
	return uv_loop_init(&loop) != 0 || crypto_init(&err) != 0;
}

static void
forget_trees(void)
{
	uv_close((uv_handle_t *)&trees.timer, NULL);
	loop_dry(&loop);
	for (int i = 0; i < TREES_COUNT; i++)
		tree_free(&trees.slot[i].tree);
	for (size_t i = 0; i < trees.metas_count; i++)
		free(trees.meta_docs[i]);
	free(trees.meta_docs);
	free(trees.metas);
	free(trees.templates);
	close(trees.config_fd);
	free(trees.config_dir);
	memset(&trees, 0, sizeof trees);
	trees.config_fd = -1;
}

static int
teardown(void **state)
{
	(void)state;
	loop_end(&loop);
	render_out_free(&got.out);
	plan_free(&plan);
	memset(&plan, 0, sizeof plan);
	close(script_fd);
	close(conf_fd);
	world_close(&w);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	return 0;
}

static void
on_done(void *arg, struct render_out *out, const char *error)
{
	assert_ptr_equal(arg, &got);
	assert_int_equal(got.called++, 0);
	got.ok = out != NULL;
	if (out != NULL) {
		assert_null(error);
		got.out = *out;
	} else {
		snprintf(got.error, sizeof got.error, "%s", error);
	}
}

static struct render *
begin(const char *template, struct err *err)
{
	const char *role = plan.roles[0].name;
	struct vars_render vr = { .plan = &plan, .node = "n1", .role = role,
		.address = "127.0.0.1", .zone = "", .stamp = "3.abcdef01.7" };
	struct blob vars = { 0 };
	struct render *r;

	render_out_free(&got.out);
	memset(&got, 0, sizeof got);
	assert_int_equal(vars_render(&vr, &vars), 0);
	struct render_in in = { .loop = &loop, .script_fd = script_fd, .conf_fd = conf_fd,
		.conf = &conf, .trees = &trees, .docs = docs, .role = role, .template_name = template,
		.vars = blob_slice(&vars) };
	r = render_start(&in, on_done, &got, err);
	blob_free(&vars); /* borrowed for the call only */
	return r;
}

static void
render(const char *template)
{
	struct err err = { 0 };

	if (begin(template, &err) == NULL)
		fail_msg("%s", err.text);
	assert_int_equal(got.called, 0);
	loop_until(&loop, got.called);
}

static void
rendered(const char *template)
{
	render(template);
	if (!got.ok)
		fail_msg("%s", got.error);
}

static void
file_is(size_t i, const char *name, uint32_t mode, const char *want)
{
	assert_true(i < got.out.files_count);
	assert_string_equal(got.out.files[i].name, name);
	assert_int_equal(got.out.files[i].mode, mode);
	assert_int_equal(got.out.files[i].len, strlen(want));
	assert_memory_equal(got.out.files[i].data, want, strlen(want));
}

/* Render what the files of templates/t say; pairs of name, text; NULL ends. */
static void
with(const char *const *files)
{
	char path[128];

	for (; *files != NULL; files += 2) {
		snprintf(path, sizeof path, "templates/t/%s", files[0]);
		world_text(&w, path, files[1]);
	}
	look_at(w.path);
	render("t");
	forget_trees();
}

#define WITH(...) with((const char *const[]){ __VA_ARGS__, NULL })
#define YAML "render.yaml", "files: {a: {template: a.tmpl}}\n"

static void
fails_with(const char *line)
{
	assert_false(got.ok);
	assert_string_equal(got.error, line);
}

static void
fails_like(const char *begin_, const char *words)
{
	assert_false(got.ok);
	if (strncmp(got.error, begin_, strlen(begin_)) != 0 || strstr(got.error, words) == NULL)
		fail_msg("'%s' is not '%s ... %s'", got.error, begin_, words);
	assert_null(strchr(got.error, '\n'));
}

static void
shipped(const char *template)
{
	char root[PATH_MAX];

	programs_root(root);
	look_at(root);
	rendered(template);
	forget_trees();
}

static void
the_shipped_web_renders(void **state)
{
	struct apply_want *wants;
	struct err err = { 0 };
	size_t n;

	(void)state;
	shipped("web");
	assert_int_equal(got.out.files_count, 1);
	file_is(0, "index.html", 0644,
	    "<!DOCTYPE html>\n<title>Hello &lt;you&gt;</title>\n<h1>Hello &lt;you&gt;</h1>\n"
	    "<p>served by n1, web v1</p>\n");
	assert_string_equal(got.out.check, "");
	/* And its processes are what the schedule placed. */
	if (wants_read(&got.out.processes, &plan.nodes[0].places[0], "web", &wants, &n, &err) != 0)
		fail_msg("%s", err.text);
	assert_int_equal(n, 1);
	assert_string_equal(wants[0].instance, "web.1");
	assert_string_equal(wants[0].image, "web-v1");
	assert_string_equal(wants[0].config, "/config/httpd.yaml");
	static const char vars[] = "address=127.0.0.1\0port=8080";
	assert_int_equal(wants[0].vars.len, sizeof vars);
	assert_memory_equal(wants[0].vars.b, vars, sizeof vars);
	wants_free(wants, n);
}

static void
the_shipped_front_names_its_check(void **state)
{
	struct apply_want *wants;
	struct blob old;
	struct err err = { 0 };
	char text[32];
	size_t n;

	(void)state;
	make_plan("front", "haproxy");
	old = plan.vars;
	static const uint8_t vars[] = "\x81\xa8" "backends\x91\x83\xa2id\xa5web.1\xa7" "address\xa9"
				      "127.0.0.2\xa4port\xcd\x1f\x90";
	assert_int_equal(blob_copy(&plan.vars, (struct slice){ vars, sizeof vars - 1 }), 0);
	blob_free(&old);
	shipped("front");
	assert_string_equal(got.out.check, "haproxy-check");
	assert_true(flat_str(&got.out.doc, "on-change/haproxy.cfg/signal", text, sizeof text));
	assert_string_equal(text, "USR2");
	char *cfg = strndup((const char *)got.out.files[0].data, got.out.files[0].len);
	assert_non_null(strstr(cfg, "bind 127.0.0.1:8080\n"));
	assert_non_null(strstr(cfg, "server web.1 127.0.0.2:8080\n"));
	free(cfg);
	if (wants_read(&got.out.processes, &plan.nodes[0].places[0], "front", &wants, &n, &err) != 0)
		fail_msg("%s", err.text);
	assert_int_equal(n, 2);
	assert_true(wants_find(wants, n, "haproxy-check")->command);
	assert_false(wants_find(wants, n, "front.1")->command);
	wants_free(wants, n);
}

static void
files_modes_and_nothing_else(void **state)
{
	(void)state;
	WITH("render.yaml",
	    "files:\n  b: {template: x.tmpl, mode: \"0600\"}\n  a: {template: x.tmpl}\n"
	    "  empty: {template: e.tmpl, mode: \"0755\"}\n",
	    "x.tmpl", "{{ port }}\n", "e.tmpl", "", "unused.tmpl", "{{ broken");
	assert_true(got.ok);
	assert_int_equal(got.out.files_count, 3);
	for (size_t i = 0; i < 3; i++) {
		const char *name = got.out.files[i].name;

		file_is(i, name, name[0] == 'b' ? 0600 : name[0] == 'a' ? 0644 : 0755,
		    name[0] == 'e' ? "" : "8000\n");
	}
	assert_int_equal(got.out.processes.len, 0);
	WITH("render.yaml", "files: {}\n");
	assert_true(got.ok);
	assert_int_equal(got.out.files_count, 0);
}

/* reliability.md section 5, rows 42 to 44. */
static void
an_author_sees_where_it_is(void **state)
{
	(void)state;
	WITH("render.yaml", "files: {a: {template: gone.tmpl}}\n");
	fails_like("t/gone.tmpl", "");
	WITH(YAML, "a.tmpl", "one\ntwo {{ port\nthree\n");
	fails_with("t/a.tmpl:2:5: unclosed '{{'");
	WITH(YAML, "a.tmpl", "one\n{{ prot }}\n");
	fails_like("t/a.tmpl:2:", "did you mean 'port'?");
	WITH(YAML, "a.tmpl", "{% include \"a.tmpl\" %}\n");
	fails_like("t/a.tmpl:1:", "includes deeper than 16");
	WITH(YAML, "a.tmpl", "\n\nhost {{ evil }}\n");
	fails_like("t/a.tmpl:3:", "contains a newline");
	WITH(YAML, "a.tmpl", "{% for i in 1 %}x{% end %}\n");
	fails_like("t/a.tmpl:1:", "");
	WITH(YAML, "a.tmpl", "{% include \"../../etc/passwd\" %}\n");
	fails_like("t/a.tmpl:1:", "etc/passwd");
}

static void
render_yaml_is_read_strictly(void **state)
{
	char longer[200];

	(void)state;
	WITH("render.yaml", "files: {a: {template: a.tmpl}}\nprocesess: p.tmpl\n", "a.tmpl", "x");
	fails_like("t/render.yaml:2:1: ", "did you mean 'processes'?");
	WITH("render.yaml", "files: [\n");
	fails_like("t/render.yaml:2:", "");
	WITH("render.yaml", "files: {a: {mode: \"0644\"}}\n");
	fails_like("t/render.yaml:1:", "template");
	WITH("render.yaml", "files: {../a: {template: a.tmpl}}\n");
	fails_like("t/render.yaml:1:", "");
	WITH("render.yaml", "files: {a: {template: a.tmpl, mode: \"04755\"}}\n");
	fails_like("t/render.yaml:1:", "mode");
	WITH("render.yaml", "files:\n  a: {template: a.tmpl, mode: \"0200\"}\n");
	fails_like("t/render.yaml:2:", "mode must be 0400-0777, readable by its owner");
	snprintf(longer, sizeof longer, "files:\n  a%080d: {template: a.tmpl}\n", 0);
	WITH("render.yaml", longer);
	fails_like("t/render.yaml:2:", "a file's name has 1 to 63 bytes");
}

static void
too_many_files_are_refused(void **state)
{
	char *yaml = malloc(64 * (GENS_FILES_MAX + 2)), *p = yaml;

	(void)state;
	p += sprintf(p, "files:\n");
	for (int i = 0; i <= GENS_FILES_MAX; i++)
		p += sprintf(p, "  f%d: {template: a.tmpl}\n", i);
	WITH("render.yaml", yaml, "a.tmpl", "x");
	fails_like("t/render.yaml:258:", "more than 256 files");
	free(yaml);
}

static void
the_rendered_processes_are_read_strictly(void **state)
{
	(void)state;
	WITH("render.yaml", "files: {}\nprocesses: p.tmpl\n", "p.tmpl",
	    "web.1:\n  image: i\n  config: /c\n  kind: Deamon\n");
	fails_like("web: rendered processes:4:", "did you mean 'Daemon'?");
	WITH("p.tmpl", "web.1: [\n");
	fails_like("web: rendered processes:2:", "");
	WITH("p.tmpl", "{{ prot }}\n");
	fails_like("t/p.tmpl:1:", "did you mean 'port'?");
	WITH("p.tmpl", "");
	assert_true(got.ok); /* none: what is placed here is then missed by wants_read */
	assert_int_equal(got.out.processes.len, 0);
}

static void
a_template_that_does_not_end_is_killed(void **state)
{
	(void)state;
	conf.script_cpu_ms = 200;
	WITH(YAML, "a.tmpl", "{% for i in function() return 1 end %}{% end %}x");
	fails_with("t/a.tmpl:1: template killed after 200 ms of CPU (limit limits: script-cpu)");
	WITH(YAML, "a.tmpl", "x\n{{ ('a'):rep(2000):find(('.-'):rep(6) .. 'b') }}");
	fails_with("t/a.tmpl:2: template killed after 200 ms of CPU (limit limits: script-cpu)");
	conf.script_cpu_ms = 60000;
	conf.script_wall_ms = 300;
	WITH(YAML, "a.tmpl", "{% for i in function() return 1 end %}{% end %}x");
	fails_with("t: template killed after 300 ms (limit limits: script-wall)");
}

static void
an_output_without_end_is_refused(void **state)
{
	(void)state;
	WITH(YAML, "a.tmpl", "{% for i in function() return 1 end %}0123456789abcdef{% end %}");
	assert_false(got.ok);
	assert_null(strchr(got.error, '\n'));
	if (strstr(got.error, "16 MiB") == NULL && strstr(got.error, "memory") == NULL)
		fail_msg("%s", got.error);
}

static void
no_such_template_is_said_at_once(void **state)
{
	struct err err = { 0 };

	(void)state;
	look_at(w.path);
	assert_null(begin("none", &err));
	assert_err(err, EXIT_CONFIG, "templates/none/render.yaml: No such file or directory");
	assert_null(begin("t", &err));
	assert_null(begin("", &err));
	assert_int_equal(got.called, 0);
	forget_trees();
}

static void
the_same_gives_the_same_bytes(void **state)
{
	struct render_out first;

	(void)state;
	shipped("web");
	first = got.out;
	memset(&got.out, 0, sizeof got.out);
	shipped("web");
	assert_int_equal(first.files[0].len, got.out.files[0].len);
	assert_memory_equal(first.files[0].data, got.out.files[0].data, first.files[0].len);
	assert_int_equal(first.processes.len, got.out.processes.len);
	assert_memory_equal(first.processes.buf, got.out.processes.buf, first.processes.len);
	render_out_free(&first);
}

/* Read ahead, and then by nobody: meshd-conf is one that only fails. */
static void
what_was_made_ahead_is_used(void **state)
{
	struct err err = { 0 };

	(void)state;
	world_text(&w, "templates/t/a.tmpl", "{{ port }}\n");
	world_text(&w, "templates/t/render.yaml", "files: {a: {template: a.tmpl, mode: \"0640\"}}\n");
	assert_int_equal(mkdirat(w.fd, "templates/wrong", 0755), 0);
	world_text(&w, "templates/wrong/render.yaml", "files: {a: {template: a.tmpl, mode: \"0040\"}}\n");
	assert_int_equal(mkdirat(w.fd, "templates/broken", 0755), 0);
	world_text(&w, "templates/broken/render.yaml", "files: {\n");
	look_at(w.path);
	assert_non_null(docs = renderdocs_new(&loop, conf_fd, &trees));
	renderdocs_look(docs);
	loop_until(&loop, !renderdocs_busy(docs));
	close(conf_fd);
	conf_fd = open("/bin/false", O_PATH | O_CLOEXEC);
	rendered("t");
	file_is(0, "a", 0640, "8000\n");
	assert_null(begin("wrong", &err));
	assert_string_equal(err.text,
	    "wrong/render.yaml:1:12: files.a: mode must be 0400-0777, readable by its owner");
	render("broken");
	fails_with("meshd-conf ended with 1");
	forget_trees();
	/* By its bytes: another's is not taken for it. */
	world_text(&w, "templates/t/render.yaml", "files: {b: {template: a.tmpl}}\n");
	look_at(w.path);
	renderdocs_look(docs);
	loop_until(&loop, !renderdocs_busy(docs));
	render("t");
	fails_with("meshd-conf ended with 1");
	forget_trees();
	renderdocs_free(docs);
	docs = NULL;
}

/* At every moment of its three processes: nothing is told, nobody is left. */
static void
a_cancelled_render_says_nothing(void **state)
{
	char root[PATH_MAX];
	int turns = 0;
	bool ended = false;

	(void)state;
	programs_root(root);
	look_at(root);
	for (; !ended; turns++) {
		struct err err;
		struct render *r = begin("web", &err);
		int i = 0;

		assert_non_null(r);
		for (; i < turns && got.called == 0; i++)
			uv_run(&loop, UV_RUN_ONCE);
		ended = got.called > 0;
		if (!ended)
			render_cancel(r);
		uv_run(&loop, UV_RUN_NOWAIT);
		assert_int_equal(got.called, ended);
	}
	assert_true(turns > 3); /* it was caught in the middle */
	assert_true(got.ok);
	forget_trees();
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(the_shipped_web_renders),
		T(the_shipped_front_names_its_check),
		T(files_modes_and_nothing_else),
		T(an_author_sees_where_it_is),
		T(render_yaml_is_read_strictly),
		T(too_many_files_are_refused),
		T(the_rendered_processes_are_read_strictly),
		T(a_template_that_does_not_end_is_killed),
		T(an_output_without_end_is_refused),
		T(no_such_template_is_said_at_once),
		T(the_same_gives_the_same_bytes),
		T(what_was_made_ahead_is_used),
		T(a_cancelled_render_says_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
