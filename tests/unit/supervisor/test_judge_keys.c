/*
 * test_judge_keys.c - keys of a container or sandbox file one by one: what is
 * written there is used or refused, never taken for absent.
 */
#include "judging.h"

static void
normal_exits_are_kept(void **state)
{
	static const int64_t wrong[] = {-1, 256, INT64_MAX};
	struct spec s;

	(void)state;
	flat_put_int(&sandbox.out, "default-user", 1);
	map(&container, "normal-exit-codes", FLAT_LIST, 3);
	flat_put_int(&container.out, "normal-exit-codes/0", 0);
	flat_put_int(&container.out, "normal-exit-codes/1", 7);
	flat_put_int(&container.out, "normal-exit-codes/2", 255);
	accepted(&s);
	for (int code = 0; code < 256; code++)
		assert_int_equal(spec_normal_exit(&s, code << 8),
		    code == 0 || code == 7 || code == 255);
	assert_false(spec_normal_exit(&s, 7));  /* by signal 7 */
	assert_false(spec_normal_exit(&s, -1)); /* unknown */
	spec_free(&s);
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		setup(state);
		flat_put_int(&sandbox.out, "default-user", 1);
		map(&container, "normal-exit-codes", FLAT_LIST, 1);
		flat_put_int(&container.out, "normal-exit-codes/0", wrong[i]);
		refused("normal-exit-codes: codes from 0 to 255 are needed");
	}
}

/* An absolute path of that many bytes. */
static const char *
path_of(char *out, size_t bytes)
{
	memset(out, 'x', bytes);
	out[0] = '/';
	out[bytes] = '\0';
	return out;
}

static void
image_dir_is_used_or_refused(void **state)
{
	char dir[SPEC_PATH_CAP + 1];
	struct spec s;

	(void)state;
	flat_put_int(&sandbox.out, "default-user", 1);
	item(&sandbox, "image-dir", path_of(dir, SPEC_PATH_CAP - 1));
	accepted(&s);
	assert_string_equal(s.images_dir, dir);
	spec_free(&s);
	setup(state);
	flat_put_int(&sandbox.out, "default-user", 1);
	item(&sandbox, "image-dir", path_of(dir, SPEC_PATH_CAP));
	refused("/etc/web.yaml:0:0: image-dir: a path of less than 512 bytes is needed");
}

static void
sandbox_with(const char *list, const char *name, const char *dir)
{
	char path[2 * SUP_PATH_CAP];

	flat_put_int(&sandbox.out, "default-user", 1);
	map(&sandbox, list, FLAT_MAP, 2);
	snprintf(path, sizeof path, "%s/\\/data", list);
	item(&sandbox, path, "/srv/data");
	snprintf(path, sizeof path, "%s/\\%s", list, name);
	item(&sandbox, path, dir);
	map(&container, "volumes", FLAT_MAP, 1);
	tag(&container, "volumes/\\/mnt", "Readonly");
	item(&container, "volumes/\\/mnt", "/data/deep/x");
}

/* Else /data would be taken for /data/deep, and a name that is too long for
 * one that everything is below. */
static void
host_paths_are_used_or_refused(void **state)
{
	static const char *const lists[] = {"readonly-paths", "writable-paths"};
	char dir[SPEC_PATH_CAP + 1], name[SUP_PATH_CAP + 1], words[80];
	struct spec s;

	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		snprintf(words, sizeof words,
		    "/etc/web.yaml:0:0: %s: names of less than 256 bytes", lists[i]);
		setup(state);
		sandbox_with(lists[i], "/data\\/deep", path_of(dir, SPEC_PATH_CAP - 1));
		accepted(&s);
		assert_string_equal(s.volumes[0].source, dir);
		assert_string_equal(s.volumes[0].below, "/x");
		spec_free(&s);
		setup(state);
		sandbox_with(lists[i], "/data\\/deep", path_of(dir, SPEC_PATH_CAP));
		refused(words);
		setup(state);
		sandbox_with(lists[i], path_of(name, SUP_PATH_CAP), "/srv/other");
		refused(words);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(normal_exits_are_kept, setup),
	    cmocka_unit_test_setup(image_dir_is_used_or_refused, setup),
	    cmocka_unit_test_setup(host_paths_are_used_or_refused, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
