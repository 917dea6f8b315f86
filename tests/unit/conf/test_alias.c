/*
 * test_alias.c - anchors, aliases and merge keys: taken in lithos' files, and
 * never more than what would be taken if it were written out.
 */
#include "yaml.h"

#define HEAD "executable: /x\n"

static void
expect(const struct flat *f, const char *path, const char *want)
{
	char text[64];

	assert_true(flat_str(f, path, text, sizeof text));
	assert_string_equal(text, want);
}

static void
taken(void **state)
{
	struct flat_rec rec;
	struct flat f;

	(void)state;
	yaml_ok("container", HEAD "environ: &e {A: one, B: two}\nmetadata: {same: *e}\n", &f);
	expect(&f, "environ/B", "two");
	/* A scalar, a list, a tagged value. */
	yaml_ok("container",
	    "executable: &x /bin/x\nworkdir: *x\narguments: &a [1, *x]\nmetadata: *a\n"
	    "volumes:\n  /a: &t !Tmpfs {size: 1Mi}\n  /b: *t\n",
	    &f);
	expect(&f, "workdir", "/bin/x");
	expect(&f, "arguments/1", "/bin/x");
	expect(&f, "volumes/\\/b!", "Tmpfs");
	/* Places: of an alias its own, of what is below it the anchor's. */
	assert_true(flat_find(&f, "volumes/\\/b", &rec));
	assert_int_equal(rec.line, 7);
	assert_true(flat_find(&f, "volumes/\\/b/size", &rec));
	assert_int_equal(rec.line, 6);
	/* A name that is given again is the newer one from there on. */
	yaml_ok("container", "executable: &x /a\nworkdir: &x /b\nmetadata: 1\narguments: [*x]\n", &f);
	expect(&f, "arguments/0", "/b");
	yaml_ok("sandbox",
	    "uid-map: &m [{inside: 0, outside: 100000, count: 1000}]\ngid-map: *m\n", &f);
	assert_true(flat_find(&f, "gid-map/0/outside", &rec));
	assert_int_equal(rec.num, 100000);
}

static void
merged(void **state)
{
	struct flat_rec rec;
	struct flat f;

	(void)state;
	/* Its own keys go first, wherever they stand; then the first of a list. */
	yaml_ok("container",
	    HEAD "_a: &a {A: a, B: a, C: a}\n_b: &b {C: b, D: b}\n"
		 "environ: {A: own, <<: [*a, *b], B: own}\n",
	    &f);
	assert_true(flat_find(&f, "environ", &rec));
	assert_int_equal(rec.num, 4);
	expect(&f, "environ/A", "own");
	expect(&f, "environ/B", "own");
	expect(&f, "environ/C", "a");
	expect(&f, "environ/D", "b");
	/* Of the whole file, and of what was merged itself. */
	yaml_ok("processes",
	    "web: &w {image: a, config: /c}\nold: &o {<<: *w, image: b}\nnew: {<<: *o, config: /d}\n",
	    &f);
	expect(&f, "new/image", "b");
	expect(&f, "new/config", "/d");
	expect(&f, "old/config", "/c");
	/* Quoted it is a key like others. */
	yaml_ok("container", HEAD "environ: {\"<<\": x}\n", &f);
	expect(&f, "environ/<<", "x");
}

static void
refused(void **state)
{
	static const char *const cases[][3] = {
	    {"container", HEAD "environ: *e\n",
		"f.yaml:2:10: '*e' stands for nothing: there is no '&e' before it"},
	    {"container", HEAD "metadata: &m [*m]\n",
		"f.yaml:2:15: '*m' stands for nothing: there is no '&m' before it"},
	    {"container", HEAD "metadata: &m {<<: *m}\n",
		"f.yaml:2:19: '*m' stands for nothing: there is no '&m' before it"},
	    {"container", HEAD "environ: {<<: [x]}\n",
		"f.yaml:2:16: '<<' needs a map, or a list of maps"},
	    {"container", HEAD "environ: {<<: x}\n",
		"f.yaml:2:15: '<<' needs a map, or a list of maps"},
	    {"container", HEAD "<<: {}\n<<: {}\n", "f.yaml:3:1: key '<<' repeated; give it a list"},
	    {"container", HEAD "environ: {A: &a x, *a : y, *a : z}\n",
		"f.yaml:2:28: key 'x' repeated, first at line 2"},
	    {"container", HEAD "metadata: {&a [x]: y}\n", "f.yaml:2:12: a key must be a plain word"},
	    /* What is wrong in what was merged is wrong where it stands. */
	    {"container", HEAD "_c: &c {knid: Daemon}\n<<: *c\n",
		"f.yaml:2:9: unknown key 'knid'; did you mean 'kind'?"},
	    /* Ours have none. */
	    {"daemon", "name: &n a\nzone: *n\n", "f.yaml:1:7: anchors and tags are not supported"},
	    {"daemon", "zone: *n\n", "f.yaml:1:7: anchors and tags are not supported"},
	    {"daemon", "<<: {name: a}\n",
		"f.yaml:1:1: anchors and tags are not supported (merge key '<<')"},
	    {"render", "files: &f {}\n", "f.yaml:1:8: anchors and tags are not supported"},
	    {"meta", "a: &f {}\n", "f.yaml:1:4: anchors and tags are not supported"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		yaml_bad(cases[i][0], cases[i][1], cases[i][2]);
}

/* n lines, each ten (or one) times the one before. */
static const char *
laughs(int n, int each)
{
	static char text[64 << 10];
	size_t len = (size_t)sprintf(text, HEAD "metadata:\n  a0: &a0 [1, 1, 1]\n");

	for (int i = 1; i < n; i++) {
		len += (size_t)sprintf(text + len, "  a%d: &a%d [", i, i);
		for (int k = 0; k < each; k++)
			len += (size_t)sprintf(text + len, "%s*a%d", k > 0 ? ", " : "", i - 1);
		len += (size_t)sprintf(text + len, "]\n");
	}
	return text;
}

static void
bounded(void **state)
{
	static char text[1 << 20];
	struct flat f;
	size_t len;

	(void)state;
	yaml_ok("container", laughs(4, 10), &f);
	yaml_bad("container", laughs(12, 10), "f.yaml:8:22: more than 131072 values in one file");
	yaml_ok("container", laughs(61, 1), &f);
	yaml_bad("container", laughs(64, 1), "f.yaml:65:14: nesting deeper than 64");
	len = (size_t)sprintf(text, HEAD "metadata:\n");
	for (int i = 0; i < 257; i++)
		len += (size_t)sprintf(text + len, "- &a%d x\n", i);
	yaml_bad("container", text, "f.yaml:259:3: more than 256 anchors in one file");
	len = (size_t)sprintf(text, HEAD "_a: &a\n");
	for (int i = 0; i < 1025; i++)
		len += (size_t)sprintf(text + len, "  k%d: x\n", i);
	sprintf(text + len, "environ: {<<: *a}\n");
	yaml_bad("container", text, "f.yaml:1028:15: '<<' with more than 1024 keys");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(taken),
	    cmocka_unit_test(merged),
	    cmocka_unit_test(refused),
	    cmocka_unit_test(bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
