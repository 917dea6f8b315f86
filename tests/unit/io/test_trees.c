/*
 * The operator's trees on a real disk, looked at by the real code, role
 * metadata through the real meshd-conf.  A change comes once, a broken tree
 * keeps the old one and says so until it is mended.
 */
#include "programs.h"

#include "../../../daemon/io/crypto.h"
#include "../../../daemon/io/trees.h"
#include "loop.h"

static uv_loop_t loop;
static struct world w;
static struct trees trees;
static int changed;

static void
on_changed(void *arg)
{
	assert_ptr_equal(arg, &changed);
	changed++;
}

static void
dirs(const char *path)
{
	char part[256];

	for (const char *p = path; (p = strchr(p, '/')) != NULL; p++) {
		snprintf(part, sizeof part, "%.*s", (int)(p - path), path);
		assert_true(mkdirat(w.fd, part, 0755) == 0 || errno == EEXIST);
	}
}

static void
put(const char *path, const char *text)
{
	dirs(path);
	world_text(&w, path, text);
}

static int
setup(void **state)
{
	struct err err;

	(void)state;
	changed = 0;
	world_open(&w);
	put("scheduler-scripts/main.lua", "return 1\n");
	put("templates/web/render.yaml", "files: {}\n");
	put("templates/web/a.tmpl", "a");
	put("templates/web/sub/deep.tmpl", "d");
	put("templates/front/render.yaml", "files: {}\n");
	put("templates/loose.tmpl", "l");
	put("templates/none/x.tmpl", "no render.yaml here");
	put("roles/web/v1/main.yaml", "image: web-v1\nports: [80]\n");
	put("roles/web/v2/main.yaml", "image: web-v2\n");
	return uv_loop_init(&loop) != 0 || crypto_init(&err) != 0;
}

static int
teardown(void **state)
{
	(void)state;
	loop_until(&loop, trees.reading == NULL);
	uv_close((uv_handle_t *)&trees.timer, NULL);
	loop_end(&loop);
	for (int i = 0; i < TREES_COUNT; i++)
		tree_free(&trees.slot[i].tree);
	for (size_t i = 0; i < trees.metas_count; i++)
		free(trees.meta_docs[i]);
	free(trees.meta_docs);
	free(trees.metas);
	free(trees.templates);
	close(trees.config_fd);
	free(trees.config_dir);
	close(trees.conf_prog_fd);
	world_close(&w);
	return 0;
}

static void
start(void)
{
	struct err err = { 0 };

	if (trees_init(&trees, &loop, w.path, program_open("meshd-conf"), &changed, on_changed,
		&err) != 0)
		fail_msg("%s", err.text);
	/* Look often, so that the test need not wait for seconds. */
	uv_timer_start(&trees.timer, trees.timer.timer_cb, 20, 20);
	loop_until(&loop, trees.reading == NULL);
	changed = 0;
}

/* After a look or ten: how often was it said since the last time? */
static int
looks(void)
{
	int n;

	loop_for(&loop, 250);
	loop_until(&loop, trees.reading == NULL);
	n = changed;
	changed = 0;
	return n;
}

static const struct input_meta *
meta(const char *role, const char *version)
{
	for (size_t i = 0; i < trees.metas_count; i++)
		if (strcmp(trees.metas[i].role, role) == 0 &&
		    strcmp(trees.metas[i].version, version) == 0)
			return &trees.metas[i];
	return NULL;
}

static void
image_is(const char *version, const char *want)
{
	const struct input_meta *m = meta("web", version);
	char text[64];

	assert_non_null(m);
	assert_string_equal(m->file, "main");
	assert_true(flat_str(&m->doc, "image", text, sizeof text));
	assert_string_equal(text, want);
}

static void
collect(void *arg, const char *name, const struct tree_file *f)
{
	(void)f;
	strcat(arg, name);
	strcat(arg, " ");
}

static void
all_is_read_at_the_start(void **state)
{
	char names[256] = "";

	(void)state;
	start();
	assert_int_equal(trees.templates_count, 2);
	assert_non_null(trees_template(&trees, "web"));
	assert_non_null(trees_template(&trees, "front"));
	assert_null(trees_template(&trees, "none"));
	assert_null(trees_template(&trees, "we"));
	assert_null(trees_template(&trees, ""));
	trees_template_files(&trees, "web", names, collect);
	assert_string_equal(names, "a.tmpl render.yaml sub/deep.tmpl ");
	names[0] = '\0';
	trees_template_files(&trees, "we", names, collect);
	assert_string_equal(names, "");
	assert_int_equal(trees.metas_count, 2);
	image_is("v1", "web-v1");
	image_is("v2", "web-v2");
	for (int i = 0; i < TREES_COUNT; i++)
		assert_string_equal(trees.slot[i].error, "");
	assert_int_not_equal(trees.config_hash, 0);
	assert_int_equal(looks(), 0); /* nothing moves by itself */
}

static void
a_change_is_said_once_and_moves_the_hash(void **state)
{
	struct hash all, templates;

	(void)state;
	start();
	all = trees.hash;
	templates = trees.slot[TREES_TEMPLATES].tree.hash;
	put("scheduler-scripts/main.lua", "return 2\n");
	assert_int_equal(looks(), 1);
	assert_false(hash_eq(&trees.hash, &all));
	assert_true(hash_eq(&trees.slot[TREES_TEMPLATES].tree.hash, &templates));
	assert_string_equal(
	    (char *)tree_find(&trees.slot[TREES_SCRIPTS].tree, "main.lua")->data, "return 2\n");
	put("scheduler-scripts/main.lua", "return 1\n");
	assert_int_equal(looks(), 1);
	assert_true(hash_eq(&trees.hash, &all)); /* content, not time */
	put("scheduler-scripts/main.lua", "return 1\n");
	assert_int_equal(looks(), 0); /* touched only */
	put("scheduler-scripts/.main.lua.swp", "editor");
	put("scheduler-scripts/main.lua~", "editor");
	assert_int_equal(looks(), 0);
}

static void
a_templates_hash_covers_its_own_files(void **state)
{
	struct hash web, front;

	(void)state;
	start();
	web = trees_template(&trees, "web")->hash;
	front = trees_template(&trees, "front")->hash;
	assert_false(hash_eq(&web, &front));
	put("templates/web/sub/deep.tmpl", "D");
	assert_int_equal(looks(), 1);
	assert_false(hash_eq(&trees_template(&trees, "web")->hash, &web));
	assert_true(hash_eq(&trees_template(&trees, "front")->hash, &front));
	put("templates/web/sub/deep.tmpl", "d");
	put("templates/webs/render.yaml", "files: {}\n");
	put("templates/loose.tmpl", "L");
	assert_true(looks() >= 1);
	assert_true(hash_eq(&trees_template(&trees, "web")->hash, &web));
	/* The same files under another name are the same template. */
	assert_true(hash_eq(&trees_template(&trees, "webs")->hash, &front));
	/* A file's name counts, and where it is. */
	assert_int_equal(renameat(w.fd, "templates/web/a.tmpl", w.fd, "templates/web/b.tmpl"), 0);
	assert_int_equal(looks(), 1);
	assert_false(hash_eq(&trees_template(&trees, "web")->hash, &web));
	assert_int_equal(unlinkat(w.fd, "templates/front/render.yaml", 0), 0);
	assert_int_equal(looks(), 1);
	assert_null(trees_template(&trees, "front"));
}

static void
a_broken_tree_keeps_the_old_one_until_it_is_mended(void **state)
{
	struct hash all;

	(void)state;
	start();
	all = trees.hash;
	put("templates/web/a.tmpl", "new");
	assert_int_equal(symlinkat("/etc/passwd", w.fd, "templates/web/secret.tmpl"), 0);
	assert_int_equal(looks(), 1); /* said once, not each second */
	assert_non_null(strstr(trees.slot[TREES_TEMPLATES].error, "templates/web/secret.tmpl"));
	assert_null(strchr(trees.slot[TREES_TEMPLATES].error, '\n'));
	assert_true(hash_eq(&trees.hash, &all));
	assert_string_equal(
	    (char *)tree_find(&trees.slot[TREES_TEMPLATES].tree, "web/a.tmpl")->data, "a");
	assert_string_equal(trees.slot[TREES_SCRIPTS].error, "");
	put("scheduler-scripts/main.lua", "return 3\n"); /* the others go on */
	assert_int_equal(looks(), 1);
	assert_int_equal(unlinkat(w.fd, "templates/web/secret.tmpl", 0), 0);
	assert_int_equal(looks(), 1);
	assert_string_equal(trees.slot[TREES_TEMPLATES].error, "");
	assert_string_equal(
	    (char *)tree_find(&trees.slot[TREES_TEMPLATES].tree, "web/a.tmpl")->data, "new");
	/* Broken and mended to what it was: the line goes too. */
	assert_int_equal(mkfifoat(w.fd, "templates/web/pipe", 0644), 0);
	assert_int_equal(looks(), 1);
	assert_int_equal(unlinkat(w.fd, "templates/web/pipe", 0), 0);
	assert_int_equal(looks(), 1);
	assert_string_equal(trees.slot[TREES_TEMPLATES].error, "");
}

/* The whole tree aside and back: nothing in it has moved, not even a time. */
static void
a_tree_that_comes_back_untouched_is_well_again(void **state)
{
	struct hash all;

	(void)state;
	start();
	all = trees.hash;
	assert_int_equal(renameat(w.fd, "templates", w.fd, "aside"), 0);
	assert_int_equal(symlinkat("aside", w.fd, "templates"), 0);
	assert_int_equal(looks(), 1);
	assert_non_null(strstr(trees.slot[TREES_TEMPLATES].error, "templates"));
	assert_true(hash_eq(&trees.hash, &all));
	assert_int_equal(unlinkat(w.fd, "templates", 0), 0);
	assert_int_equal(renameat(w.fd, "aside", w.fd, "templates"), 0);
	assert_int_equal(looks(), 1);
	assert_string_equal(trees.slot[TREES_TEMPLATES].error, "");
	assert_true(hash_eq(&trees.hash, &all));
}

static void
missing_trees_are_empty_ones(void **state)
{
	(void)state;
	start();
	assert_int_equal(renameat(w.fd, "templates", w.fd, "t"), 0);
	assert_int_equal(renameat(w.fd, "roles", w.fd, "r"), 0);
	assert_true(looks() >= 1);
	assert_int_equal(trees.templates_count, 0);
	assert_int_equal(trees.metas_count, 0);
	assert_string_equal(trees.slot[TREES_TEMPLATES].error, "");
	assert_int_equal(renameat(w.fd, "r", w.fd, "roles"), 0);
	assert_true(looks() >= 1);
	image_is("v2", "web-v2");
}

static void
no_config_directory_is_an_error(void **state)
{
	struct trees t;
	struct err err = { 0 };

	(void)state;
	start();
	assert_int_equal(trees_init(&t, &loop, "/nonexistent/mesh", -1, NULL, on_changed, &err),
	    -EXIT_CONFIG);
	assert_err(err, EXIT_CONFIG, "config-dir /nonexistent/mesh: No such file or directory");
}

static void
role_metadata_changes_as_a_whole(void **state)
{
	const char *error = trees.slot[TREES_ROLES].error;

	(void)state;
	start();
	put("roles/web/v1/main.yaml", "image: changed\n");
	put("roles/web/v2/main.yaml", "image: [unclosed\n");
	assert_true(looks() >= 1);
	if (strncmp(error, "web/v2/main.yaml:", 17) != 0)
		fail_msg("%s", error);
	image_is("v1", "web-v1"); /* the old set stands, all of it */
	image_is("v2", "web-v2");
	/* Touched and still broken: the line stays, and is not said again. */
	put("roles/web/v2/main.yaml", "image: [unclosed\n");
	assert_int_equal(looks(), 0);
	assert_non_null(strstr(error, "web/v2/main.yaml:"));
	put("roles/web/v2/main.yaml", "image: mended\n");
	assert_true(looks() >= 1);
	assert_string_equal(error, "");
	image_is("v1", "changed");
	image_is("v2", "mended");
	assert_int_equal(unlinkat(w.fd, "roles/web/v1/main.yaml", 0), 0);
	assert_true(looks() >= 1);
	assert_null(meta("web", "v1"));
	image_is("v2", "mended");
}

static void
what_is_no_metadata_is_left_out(void **state)
{
	static const char *const odd[] = { "roles/README", "roles/top.yaml", "roles/web/v3.yaml",
		"roles/web/v3/notes.txt", "roles/web/V4/main.yaml", "roles/web/v5/a/main.yaml",
		"roles/web/v6/.yaml", "roles/web/v7/Main.yaml", "roles/web/v8/yaml" };
	char path[256];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(odd); i++)
		put(odd[i], "]]] no yaml at all");
	snprintf(path, sizeof path, "roles/%0*d/v1/main.yaml", NAME_CAP, 1);
	put(path, "]]]");
	start();
	assert_string_equal(trees.slot[TREES_ROLES].error, "");
	assert_int_equal(trees.metas_count, 2);
}

/* A parser that can't be run is not the file's fault: it is tried again. */
static void
a_failing_parser_is_tried_again(void **state)
{
	int good, bad = open("/bin/false", O_PATH | O_CLOEXEC);

	(void)state;
	start();
	good = trees.conf_prog_fd;
	trees.conf_prog_fd = bad;
	put("roles/web/v1/main.yaml", "image: changed\n");
	assert_true(looks() >= 1);
	assert_string_equal(trees.slot[TREES_ROLES].error, "meshd-conf failed");
	image_is("v1", "web-v1");
	assert_int_equal(looks(), 0);
	trees.conf_prog_fd = good;
	close(bad);
	assert_int_equal(looks(), 1);
	assert_string_equal(trees.slot[TREES_ROLES].error, "");
	image_is("v1", "changed");
}

/* Changes while metadata is being read: the last one wins. */
static void
changes_overtake_each_other(void **state)
{
	char text[64];

	(void)state;
	start();
	for (int i = 0; i < 20; i++) {
		snprintf(text, sizeof text, "image: n%d\n", i);
		put("roles/web/v1/main.yaml", text);
		loop_for(&loop, 25);
	}
	looks();
	image_is("v1", "n19");
	assert_int_equal(trees.metas_count, 2);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(all_is_read_at_the_start),
		T(a_change_is_said_once_and_moves_the_hash),
		T(a_templates_hash_covers_its_own_files),
		T(a_broken_tree_keeps_the_old_one_until_it_is_mended),
		T(a_tree_that_comes_back_untouched_is_well_again),
		T(missing_trees_are_empty_ones),
		T(no_config_directory_is_an_error),
		T(role_metadata_changes_as_a_whole),
		T(what_is_no_metadata_is_left_out),
		T(a_failing_parser_is_tried_again),
		T(changes_overtake_each_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
