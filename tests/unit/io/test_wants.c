/*
 * A rendered processes file against what the schedule placed here: every way
 * in which the two can disagree is one line that names both.
 */
#include "flatdoc.h"

#include "../../../daemon/io/wants.h"

static struct plan_instance instances[2];
static struct plan_place place;

static int
setup(void **state)
{
	(void)state;
	memset(instances, 0, sizeof instances);
	memset(&place, 0, sizeof place);
	strcpy(instances[0].id, "web.1");
	strcpy(instances[0].process, "httpd");
	strcpy(instances[1].id, "web.2");
	strcpy(instances[1].process, "httpd");
	place.instances = instances;
	place.instances_count = 2;
	return 0;
}

#define ONE(id) id ":\n  image: web-v1\n  config: /config/httpd.yaml\n"

static void
what_is_placed_is_wanted(void **state)
{
	struct apply_want *w;
	struct flatdoc d;
	struct err err;
	size_t n;

	(void)state;
	assert_true(doc_yaml(&d, "processes",
	    ONE("web.1") "  kind: Daemon\n  instances: 1\n"
	    "  ip-addresses: [10.0.0.5]\n  variables: {port: 8000, b: \"x y\", a: \"\", a.b: 'line=1'}\n"
	    ONE("web.2") ONE("check") "  kind: Command\n"));
	assert_int_equal(wants_read(&d.f, &place, "web", &w, &n, &err), 0);
	assert_int_equal(n, 3);
	const struct apply_want *one = wants_find(w, n, "web.1");
	assert_string_equal(one->process, "httpd");
	assert_string_equal(one->image, "web-v1");
	assert_string_equal(one->config, "/config/httpd.yaml");
	assert_false(one->command);
	/* Sorted, so that the same is the same. */
	static const char vars[] = "a=\0a.b=line=1\0b=x y\0port=8000";
	assert_int_equal(one->vars.len, sizeof vars);
	assert_memory_equal(one->vars.b, vars, sizeof vars);
	assert_int_equal(one->address, 0x0a000005);
	assert_int_equal(wants_find(w, n, "web.2")->address, 0);
	assert_int_equal(wants_find(w, n, "web.2")->vars.len, 0);
	assert_true(wants_find(w, n, "check")->command);
	assert_string_equal(wants_find(w, n, "check")->process, "check");
	assert_null(wants_find(w, n, "web.3"));
	wants_free(w, n);
	doc_free(&d);
}

static void
no_processes_and_nothing_placed_is_fine(void **state)
{
	struct flat none = { 0 };
	struct apply_want *w;
	struct err err;
	size_t n = 9;

	(void)state;
	place.instances_count = 0;
	assert_int_equal(wants_read(&none, &place, "web", &w, &n, &err), 0);
	assert_int_equal(n, 0);
	assert_null(wants_find(w, n, "web.1"));
	wants_free(w, n);
	wants_free(NULL, 0);
}

static void
refused(const struct flat *f, const char *line)
{
	struct apply_want *w;
	struct err err = { 0 };
	size_t n;

	assert_true(wants_read(f, &place, "web", &w, &n, &err) < 0);
	assert_int_equal(err.code, EXIT_CONFIG);
	assert_string_equal(err.text, line);
}

static void
refused_yaml(const char *yaml, const char *line)
{
	struct flatdoc d;

	if (!doc_yaml(&d, "processes", yaml))
		fail_msg("meshd-conf: %s", d.error);
	refused(&d.f, line);
	doc_free(&d);
}

static void
every_disagreement_is_named(void **state)
{
	struct flat none = { 0 };

	(void)state;
	refused(&none,
	    "web: the processes file lacks 'web.1', which the schedule placed here");
	refused_yaml(ONE("web.1"),
	    "web: the processes file lacks 'web.2', which the schedule placed here");
	refused_yaml(ONE("web.1") ONE("web.2") ONE("web.3"),
	    "web: the processes file names 'web.3', which the schedule did not place here");
	refused_yaml(ONE("web.1") ONE("web.2") ONE("front.1"),
	    "web: the processes file names 'front.1', which the schedule did not place here");
	refused_yaml(ONE("web.1") ONE("web.2") "  instances: 3\n",
	    "web: web.2: instances is 3; the schedule names each instance, so it must be 1");
	refused_yaml(ONE("web.1") "  instances: 0\n" ONE("web.2"),
	    "web: web.1: instances is 0; the schedule names each instance, so it must be 1");
	refused_yaml(ONE("web.1") "  ip-addresses: [10.0.0.5, 10.0.0.6]\n" ONE("web.2"),
	    "web: the processes file:4:17: web.1: ip-addresses has 2; an entry is one instance, so it must be one");
	refused_yaml(ONE("web.1") "  ip-addresses: [0.0.0.0]\n" ONE("web.2"),
	    "web: the processes file:4:17: web.1: ip-addresses: an address of a host is needed");
	refused_yaml(ONE("web.1") ONE("web.2") "  kind: Command\n",
	    "web: the processes file makes 'web.2' a Command; the schedule placed it here to run, "
	    "kind must be Daemon");
}

/* --- what no meshd-conf would write: its answer is checked all the same ---------- */

static void
entry(struct flatdoc *d, const char *name, const char *image, const char *config)
{
	char path[256];

	doc_group(d, name, FLAT_MAP);
	snprintf(path, sizeof path, "%s/image", name);
	if (image != NULL)
		flat_put_str(&d->out, path, image);
	snprintf(path, sizeof path, "%s/config", name);
	if (config != NULL)
		flat_put_str(&d->out, path, config);
}

static void
refused_entry(const char *name, const char *image, const char *config, const char *line)
{
	struct flatdoc d;

	doc_begin(&d);
	doc_group(&d, "", FLAT_MAP);
	entry(&d, name, image, config);
	doc_end(&d);
	refused(&d.f, line);
	doc_free(&d);
}

static void
odd_documents_are_refused(void **state)
{
	char name[80], longer[400];

	(void)state;
	memset(name, 'a', sizeof name - 1);
	name[sizeof name - 1] = '\0';
	memset(longer, 'a', sizeof longer - 1);
	longer[sizeof longer - 1] = '\0';
	refused_entry("web.1", NULL, "/c", "web: web.1: no image, or a longer name than 255");
	refused_entry("web.1", longer, "/c", "web: web.1: no image, or a longer name than 255");
	refused_entry("web.1", "i", NULL, "web: web.1: no config, or a longer path than 255");
	refused_entry("web.1", "i", longer, "web: web.1: no config, or a longer path than 255");
	refused_entry("-x", "i", "/c", "web: the processes file names '-x': not a name");
	refused_entry("Web", "i", "/c", "web: the processes file names 'Web': not a name");
	refused_entry("..", "i", "/c", "web: the processes file names '..': not a name");
	refused_entry(name, "i", "/c", "web: the processes file names '': not a name");
}

static void
variables_are_bounded(void **state)
{
	char *value = malloc(SUP_VARS_BYTES_MAX + 1), path[64];
	struct flatdoc d;

	(void)state;
	memset(value, 'v', SUP_VARS_BYTES_MAX);
	value[SUP_VARS_BYTES_MAX] = '\0';
	doc_begin(&d);
	doc_group(&d, "", FLAT_MAP);
	entry(&d, "web.1", "i", "/c");
	doc_group(&d, "web.1/variables", FLAT_MAP);
	flat_put_str(&d.out, "web.1/variables/a", value);
	doc_end(&d);
	refused(&d.f, "web.1: variables exceed 64 KiB");
	doc_free(&d);
	free(value);
	doc_begin(&d);
	doc_group(&d, "", FLAT_MAP);
	entry(&d, "web.1", "i", "/c");
	doc_group(&d, "web.1/variables", FLAT_MAP);
	for (int i = 0; i < 100; i++) {
		snprintf(path, sizeof path, "web.1/variables/v%d", i);
		flat_put_str(&d.out, path, "x");
	}
	doc_end(&d);
	refused(&d.f, "web.1: too many variables (the limit is 63)");
	doc_free(&d);
}

static void
a_long_variable_name_is_not_cut(void **state)
{
	char path[160];
	struct flatdoc d;

	(void)state;
	doc_begin(&d);
	doc_group(&d, "", FLAT_MAP);
	entry(&d, "web.1", "i", "/c");
	doc_group(&d, "web.1/variables", FLAT_MAP);
	snprintf(path, sizeof path, "web.1/variables/%0*d", NAME_CAP, 0);
	flat_put_str(&d.out, path, "x");
	doc_end(&d);
	refused(&d.f, "web.1: a variable's name is empty or longer than 63 bytes");
	doc_free(&d);
}

static void
entries_are_bounded(void **state)
{
	struct flatdoc d;
	char name[NAME_CAP];

	(void)state;
	doc_begin(&d);
	doc_group(&d, "", FLAT_MAP);
	for (int i = 0; i < 200; i++) {
		snprintf(name, sizeof name, "c%d", i);
		entry(&d, name, "i", "/c");
		snprintf(name, sizeof name, "c%d/kind", i);
		flat_put_str(&d.out, name, "Command");
	}
	doc_end(&d);
	refused(&d.f, "web: the processes file names 'c65': too many entries");
	doc_free(&d);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(what_is_placed_is_wanted, setup),
		cmocka_unit_test_setup(no_processes_and_nothing_placed_is_fine, setup),
		cmocka_unit_test_setup(every_disagreement_is_named, setup),
		cmocka_unit_test_setup(odd_documents_are_refused, setup),
		cmocka_unit_test_setup(variables_are_bounded, setup),
		cmocka_unit_test_setup(a_long_variable_name_is_not_cut, setup),
		cmocka_unit_test_setup(entries_are_bounded, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
