/*
 * test_judge_keys.c - keys of a container or sandbox file one by one: what is
 * written there is used or refused, never taken for absent.
 */
#include "../../../daemon/base/caps.h"
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

/* The sandbox's limits are its group's; a container has those it asks for. */
static void
a_sandbox_has_limits_of_its_own(void **state)
{
	struct spec s;

	(void)state;
	flat_put_int(&sandbox.out, "default-user", 1);
	flat_put_int(&sandbox.out, "limits/memory", 64 << 20);
	flat_put_int(&sandbox.out, "limits/pids", 20);
	flat_put_int(&sandbox.out, "limits/cpu-quota", 1500);
	accepted(&s);
	assert_true(s.memory_bytes == 0 && s.cpu_milli == 0 && s.pids == 4096);
	assert_true(s.all_memory_bytes == 64 << 20 && s.all_cpu_milli == 1500 &&
	    s.all_pids == 20);
	spec_free(&s);
}

static void
oom_score_is_bounded(void **state)
{
	static const struct {
		int64_t least, asked; /* 2000: not said */
		int score;	      /* 2000: refused, 0: the default */
	} cases[] = {
	    {2000, 2000, 0}, {2000, 200, 200}, {2000, 1000, 1000},
	    {2000, 199, 2000}, {2000, -1, 2000}, {-500, 2000, 0},
	    {-500, -500, -500}, {-500, -501, 2000}, {300, 2000, 300},
	    {300, 299, 2000}, {2000, INT64_MIN, 2000},
	};
	struct spec s;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		setup(state);
		flat_put_int(&sandbox.out, "default-user", 1);
		if (cases[i].least != 2000)
			flat_put_int(&sandbox.out, "limits/oom-score",
			    cases[i].least);
		if (cases[i].asked != 2000)
			flat_put_int(&container.out, "oom-score",
			    cases[i].asked);
		if (cases[i].score == 2000) {
			refused("the least that sandbox 'web' allows (limits: oom-score in /etc/web.yaml)");
			continue;
		}
		accepted(&s);
		assert_int_equal(s.oom_score,
		    cases[i].score == 0 ? 0 : cases[i].score + SPEC_OOM_SCORE);
		spec_free(&s);
	}
}

/* meshd-conf refuses them too; it reads what others wrote, so nothing relies on it. */
static void
oom_scores_that_no_kernel_has(void **state)
{
	static const int64_t wrong[] = {1001, INT32_MAX, INT64_MAX - 1000, INT64_MAX};

	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		setup(state);
		flat_put_int(&sandbox.out, "default-user", 1);
		flat_put_int(&container.out, "oom-score", wrong[i]);
		refused("oom-score: above 1000, the kernel's most");
		for (int sign = -1; sign <= 1; sign += 2) {
			setup(state);
			flat_put_int(&sandbox.out, "default-user", 1);
			flat_put_int(&sandbox.out, "limits/oom-score", sign * wrong[i]);
			refused("is not within -1000 and 1000");
		}
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

/* Of several the shortest, and "/" is above all; one that is too long is not
 * passed over for another. */
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
		assert_string_equal(s.volumes[0].source, "/srv/data");
		assert_string_equal(s.volumes[0].below, "/deep/x");
		spec_free(&s);
		setup(state);
		sandbox_with(lists[i], "/", path_of(dir, SPEC_PATH_CAP - 1));
		accepted(&s);
		assert_string_equal(s.volumes[0].source, dir);
		assert_string_equal(s.volumes[0].below, "/data/deep/x");
		spec_free(&s);
		setup(state);
		sandbox_with(lists[i], "/data\\/deep", path_of(dir, SPEC_PATH_CAP));
		refused(words);
		setup(state);
		sandbox_with(lists[i], path_of(name, SUP_PATH_CAP), "/srv/other");
		refused(words);
	}
}

/* A map after the tag. */
static void
volume(const char *name, uint32_t count)
{
	flat_put_int(&sandbox.out, "default-user", 1);
	map(&sandbox, "writable-paths", FLAT_MAP, 1);
	item(&sandbox, "writable-paths/\\/db\\/", "/srv/db");
	map(&container, "volumes", FLAT_MAP, 1);
	tag(&container, "volumes/\\/a\\/", name);
	map(&container, "volumes/\\/a\\/", FLAT_MAP, count);
}

static void
yes(const char *key)
{
	const uint8_t on = 1;

	flat_put(&container.out, key, FLAT_BOOL, 1, 1, &on, 1);
}

static void
writable_volumes(void **state)
{
	struct spec s;

	volume("Persistent", 1);
	item(&container, "volumes/\\/a\\//path", "/db/");
	accepted(&s);
	assert_int_equal(s.volumes[0].kind, SPEC_PERSISTENT);
	assert_string_equal(s.volumes[0].target, "/a");
	assert_string_equal(s.volumes[0].source, "/srv/db");
	assert_string_equal(s.volumes[0].below, "");
	assert_int_equal(s.volumes[0].mode, 0777);
	assert_int_equal(s.volumes[0].user, 0);
	assert_int_equal(s.volumes[0].flags, 0);
	spec_free(&s);
	setup(state);
	volume("Persistent", 6);
	item(&container, "volumes/\\/a\\//path", "/db/x/y");
	yes("volumes/\\/a\\//mkdir");
	yes("volumes/\\/a\\//exec");
	flat_put_int(&container.out, "volumes/\\/a\\//mode", 01750);
	flat_put_int(&container.out, "volumes/\\/a\\//user", 65535);
	flat_put_int(&container.out, "volumes/\\/a\\//group", 7);
	map(&sandbox, "require-mount", FLAT_LIST, 1);
	item(&sandbox, "require-mount/0", "/db");
	accepted(&s);
	assert_string_equal(s.volumes[0].below, "/x/y");
	assert_int_equal(s.volumes[0].mode, 01750);
	assert_int_equal(s.volumes[0].user, 65535);
	assert_int_equal(s.volumes[0].group, 7);
	assert_int_equal(s.volumes[0].flags, SPEC_MKDIR | SPEC_EXEC | SPEC_MUST_MOUNT);
	spec_free(&s);
	setup(state);
	volume("Statedir", 0);
	accepted(&s);
	assert_int_equal(s.volumes[0].kind, SPEC_STATEDIR);
	assert_string_equal(s.volumes[0].below, "");
	spec_free(&s);
}

static void
writable_volumes_refused(void **state)
{
	volume("Persistent", 1);
	item(&container, "volumes/\\/a\\//path", "/dbx");
	refused("/a: '/dbx' is not in writable-paths of sandbox 'web' (/etc/web.yaml)");
	setup(state);
	volume("Persistent", 1);
	item(&container, "volumes/\\/a\\//path", "/db/../etc");
	refused("/a: path: empty, '.' and '..' parts are not allowed");
	setup(state);
	volume("Statedir", 1);
	flat_put_int(&container.out, "volumes/\\/a\\//group", 65536);
	refused("/a: user 0, group 65536: not both are in uid-map and gid-map");
	setup(state);
	volume("Statedir", 0);
	tag(&container, "volumes/\\/a", "Tmpfs");
	map(&container, "volumes/\\/a", FLAT_MAP, 0);
	refused("target /a: there are two volumes");
	setup(state);
	volume("Statedir", 0);
	tag(&container, "volumes/\\/bin", "Statedir");
	map(&container, "volumes/\\/bin", FLAT_MAP, 0);
	refused("executable /bin/app: volume /bin is mounted noexec; add exec: on");
	setup(state);
	volume("Statedir", 0);
	map(&container, "require-mount", FLAT_LIST, 1);
	item(&container, "require-mount/0", "/a");
	refused("require-mount: '/a' is no !Readonly or !Persistent volume");
	setup(state);
	volume("Statedir", 0);
	map(&sandbox, "require-mount", FLAT_LIST, 1);
	item(&sandbox, "require-mount/0", "/db/x");
	refused("require-mount: a name in readonly-paths or writable-paths is needed");
}

static void
no(const char *key)
{
	const uint8_t off = 0;

	flat_put(&container.out, key, FLAT_BOOL, 1, 1, &off, 1);
}

static void
hosts_as_in_lithos(void **state)
{
	struct spec s;

	flat_put_int(&sandbox.out, "default-user", 1);
	accepted(&s);
	assert_int_equal(s.hosts_flags, SPEC_FILE_AUTO | SPEC_FILE_MADE | SPEC_FILE_COPY);
	assert_int_equal(s.resolv_flags, SPEC_FILE_AUTO | SPEC_FILE_MADE | SPEC_FILE_COPY);
	assert_string_equal(s.hosts_file, "/etc/hosts");
	assert_string_equal(s.resolv_file, "/etc/resolv.conf");
	assert_int_equal(s.hosts.count, 0);
	assert_true(s.run_tmpfs);
	spec_free(&s);
	setup(state);
	flat_put_int(&sandbox.out, "default-user", 1);
	item(&sandbox, "hosts-file", "/srv/hosts");
	map(&sandbox, "additional-hosts", FLAT_MAP, 1);
	item(&sandbox, "additional-hosts/db", "fd00::1");
	yes("hosts-file/mount");
	no("hosts-file/copy-from-host");
	no("hosts-file/public-hostname");
	no("resolv-conf/copy-from-host");
	accepted(&s);
	assert_int_equal(s.hosts_flags, SPEC_FILE_MUST | SPEC_FILE_MADE | SPEC_LOCALHOST);
	assert_int_equal(s.resolv_flags, 0);
	assert_string_equal(s.hosts_file, "/srv/hosts");
	assert_string_equal(s.hosts.buf, "fd00::1 db");
	spec_free(&s);
	setup(state);
	flat_put_int(&sandbox.out, "default-user", 1);
	yes("resolv-conf/mount");
	no("resolv-conf/copy-from-host");
	refused("resolv-conf: mount: on, and copy-from-host: off: there is nothing to mount");
	setup(state);
	volume("Statedir", 0);
	tag(&container, "volumes/\\/run\\/app", "Statedir");
	map(&container, "volumes/\\/run\\/app", FLAT_MAP, 0);
	accepted(&s);
	assert_false(s.run_tmpfs);
	spec_free(&s);
}

/* No more of them than fit into the file. */
static void
too_many_hosts(void **state)
{
	char name[300], key[320];

	(void)state;
	flat_put_int(&sandbox.out, "default-user", 1);
	map(&sandbox, "additional-hosts", FLAT_MAP, 200);
	memset(name, 'x', sizeof name);
	for (int i = 0; i < 200; i++) {
		snprintf(name + 246, sizeof name - 246, "%03d", i);
		snprintf(key, sizeof key, "additional-hosts/%s", name);
		item(&sandbox, key, "10.0.0.1");
	}
	refused("/etc/web.yaml:0:0: additional-hosts: NAME: ADDRESS is needed, 32 KiB of them at most");
}

/* Of every capability: never, or only with or without a user namespace, or both; and
 * none without the sandbox's word. */
static void
capabilities_are_named_twice(void **state)
{
	static const char *const free_of[] = {"leads out of a container", NULL,
	    "would reach the host", "does nothing in a user namespace"};
	struct spec s;

	for (int i = 0; i < CAPS_COUNT * 4; i++) {
		int cap = i / 4;
		bool userns = i & 1, allowed = i & 2;
		enum caps_kind kind = caps_kind(cap);

		setup(state);
		flat_put_int(&sandbox.out, "default-user", 1);
		flat_put_int(&sandbox.out, "default-group", 1);
		map(&sandbox, "allow-users", FLAT_LIST, 1);
		item(&sandbox, "allow-users/0", "1");
		map(&sandbox, "allow-groups", FLAT_LIST, 1);
		item(&sandbox, "allow-groups/0", "1");
		if (!userns)
			flat_put(&sandbox.out, "userns", FLAT_BOOL, 1, 1, "", 1);
		map(&sandbox, "capabilities", FLAT_LIST, 2);
		item(&sandbox, "capabilities/0", "KILL");
		item(&sandbox, "capabilities/1", allowed ? caps_names[cap] : "KILL");
		map(&container, "capabilities", FLAT_LIST, 2);
		item(&container, "capabilities/0", caps_names[cap]);
		item(&container, "capabilities/1", "KILL");
		if (kind == CAPS_NEVER ||
		    (allowed && (kind == (userns ? CAPS_HOST : CAPS_MAPPED)))) {
			refused(free_of[kind]);
		} else if (!allowed && cap != caps_find("KILL")) {
			refused("sandbox 'web' does not allow");
		} else {
			accepted(&s);
			assert_true(s.capabilities == (1u << cap | 1u << caps_find("KILL")));
			spec_free(&s);
		}
	}
	assert_int_equal(caps_kind(caps_find("SYS_ADMIN")), CAPS_NEVER);
	assert_int_equal(caps_kind(-1), CAPS_NEVER);
}

/* What meshd-conf will be given: still sealed, each with its place. */
static void
secrets_stay_sealed(void **state)
{
	static const char nameless[] = "namespace \0file img/config/web.yaml\0secret 1 1 PW v2:a v2:b";
	static const char named[] = "namespace web\0namespace \0file img/config/web.yaml\0secret 1 1 PW v2:a v2:b";
	struct spec s;

	for (int i = 0; i < 2; i++) {
		setup(state);
		flat_put_int(&sandbox.out, "default-user", 1000);
		item(&sandbox, "secrets-private-key", "/etc/mesh/key");
		if (i == 1) {
			map(&sandbox, "secrets-namespaces", FLAT_LIST, 2);
			item(&sandbox, "secrets-namespaces/0", "web");
			item(&sandbox, "secrets-namespaces/1", "");
		}
		map(&container, "secret-environ", FLAT_MAP, 1);
		map(&container, "secret-environ/PW", FLAT_LIST, 2);
		item(&container, "secret-environ/PW/0", "v2:a");
		item(&container, "secret-environ/PW/1", "v2:b");
		accepted(&s);
		assert_string_equal(s.secrets_key, "/etc/mesh/key");
		assert_int_equal(s.sealed.len, i == 0 ? sizeof nameless : sizeof named);
		assert_memory_equal(s.sealed.buf, i == 0 ? nameless : named, s.sealed.len);
		spec_free(&s);
	}
	/* Without any, the key is nobody's business. */
	setup(state);
	flat_put_int(&sandbox.out, "default-user", 1000);
	item(&sandbox, "secrets-private-key", "/etc/mesh/key");
	map(&container, "secret-environ", FLAT_MAP, 0);
	accepted(&s);
	assert_int_equal(s.sealed.count, 0);
	assert_string_equal(s.secrets_key, "");
	spec_free(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(a_sandbox_has_limits_of_its_own, setup),
	    cmocka_unit_test_setup(oom_score_is_bounded, setup),
	    cmocka_unit_test_setup(oom_scores_that_no_kernel_has, setup),
	    cmocka_unit_test_setup(normal_exits_are_kept, setup),
	    cmocka_unit_test_setup(image_dir_is_used_or_refused, setup),
	    cmocka_unit_test_setup(host_paths_are_used_or_refused, setup),
	    cmocka_unit_test_setup(hosts_as_in_lithos, setup),
	    cmocka_unit_test_setup(too_many_hosts, setup),
	    cmocka_unit_test_setup(capabilities_are_named_twice, setup),
	    cmocka_unit_test_setup(writable_volumes, setup),
	    cmocka_unit_test_setup(secrets_stay_sealed, setup),
	    cmocka_unit_test_setup(writable_volumes_refused, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
