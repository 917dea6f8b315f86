/*
 * test_good.c - what good files become: values, units, tags, order, places.
 */
#include "yaml.h"

static void
expect_str(const struct flat *f, const char *path, const char *want)
{
	char got[512];

	if (!flat_str(f, path, got, sizeof got))
		fail_msg("%s: no string", path);
	assert_string_equal(got, want);
}

static void
expect_int(const struct flat *f, const char *path, int64_t want)
{
	int64_t got = 0;

	if (!flat_int(f, path, &got))
		fail_msg("%s: no integer", path);
	assert_int_equal(got, want);
}

static void
test_daemon(void **state)
{
	struct flat f;

	(void)state;
	yaml_ok("daemon",
	    "name: n1\nlisten: 0.0.0.0:7780\nseeds: ['[::1]:7780', n2.example:7780]\n"
	    "tags: {disk: ssd, rack: \"5\"}\nelection: {quorum: any, lease: 1.5s}\n"
	    "limits: {script-memory: 64Mi, script-cpu: 500ms}\nlog: {level: debug}\n"
	    "user: 64780\nconf-user: mesh-conf\noperators: [1000, alice]\n"
	    "uid-range: 100000-165535\ncgroup: mesh/n1\n",
	    &f);
	expect_str(&f, "name", "n1");
	expect_str(&f, "listen", "0.0.0.0:7780");
	expect_str(&f, "seeds/0", "[::1]:7780");
	expect_str(&f, "seeds/1", "n2.example:7780");
	expect_str(&f, "tags/rack", "5");
	expect_str(&f, "election/quorum", "any");
	expect_int(&f, "election/lease", 1500);
	expect_int(&f, "limits/script-memory", 64 << 20);
	expect_int(&f, "limits/script-cpu", 500);
	expect_str(&f, "user", "64780");
	expect_str(&f, "conf-user", "mesh-conf");
	expect_str(&f, "operators/0", "1000");
	expect_str(&f, "operators/1", "alice");
	expect_str(&f, "uid-range", "100000-165535");
	expect_str(&f, "cgroup", "mesh/n1");
	yaml_ok("daemon", "election: {lease: auto}", &f);
	expect_str(&f, "election/lease", "auto");
	yaml_ok("daemon",
	    "election: {quorum: {weight: 5}, degraded: {min: 2, after: 3s}, "
	    "weights: {n1: 3}, priority: {n1: 2, n2: -1}, tie-breaker: n1}",
	    &f);
	expect_int(&f, "election/quorum/weight", 5);
	expect_int(&f, "election/degraded/min", 2);
	expect_int(&f, "election/degraded/after", 3000);
	expect_int(&f, "election/weights/n1", 3);
	expect_int(&f, "election/priority/n2", -1);
	expect_str(&f, "election/tie-breaker", "n1");
}

static void
test_empty(void **state)
{
	static const char *const texts[] = {
	    "", "# nothing yet\n", "---\n", "---\n...\n", "{}", "~"};
	struct flat_rec rec;
	struct flat f;
	size_t off;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		yaml_ok("daemon", texts[i], &f);
		off = 0;
		assert_true(flat_next(&f, &off, &rec));
		assert_int_equal(rec.type, FLAT_MAP);
		assert_int_equal(rec.num, 0);
		assert_false(flat_next(&f, &off, &rec));
	}
	/* A list whose items are all commented out. */
	yaml_ok("daemon", "seeds:\n#  - n1:7780\n", &f);
	assert_true(flat_find(&f, "seeds", &rec));
	assert_int_equal(rec.type, FLAT_LIST);
}

static void
test_container(void **state)
{
	struct flat_rec rec;
	struct flat f;

	(void)state;
	yaml_ok("container",
	    "kind: Daemon\nexecutable: /bin/httpd\n"
	    "arguments: [-f, 8080, \"@{port}\", 0o17, yes, '']\n"
	    "environ: {COUNTRY: no, EMPTY: \"\"}\nuser_id: 0x3e8\ngroup-id: 1_000\n"
	    "memory_limit: 64Mi\ncpu-shares: 1k\ncpu-quota: 150%\nrestart-timeout: 0.5\n"
	    "kill-timeout: 10s\nnormal-exit-codes: [0, 255]\n_note: {any: [thing]}\n"
	    "metadata: {other: {tools: 1}}\n"
	    "health: {tcp: 8080, interval: 50ms, timeout: 60s}\nlog: {size: 10Mi}\n",
	    &f);
	expect_str(&f, "arguments/1", "8080");
	expect_str(&f, "arguments/2", "@{port}");
	expect_str(&f, "arguments/3", "0o17");
	expect_str(&f, "arguments/4", "yes");
	expect_str(&f, "arguments/5", "");
	expect_str(&f, "environ/COUNTRY", "no");
	expect_str(&f, "environ/EMPTY", "");
	expect_int(&f, "user-id", 1000);
	expect_int(&f, "group-id", 1000);
	expect_int(&f, "memory-limit", 64 << 20);
	expect_int(&f, "cpu-shares", 1000);
	expect_int(&f, "cpu-quota", 1500);
	expect_int(&f, "restart-timeout", 500);
	expect_int(&f, "kill-timeout", 10000);
	expect_int(&f, "normal-exit-codes/1", 255);
	expect_str(&f, "health/tcp", "8080");
	expect_int(&f, "health/interval", 50);
	expect_int(&f, "health/timeout", 60000);
	expect_int(&f, "log/size", 10 << 20);
	assert_false(flat_find(&f, "_note", &rec));
	assert_false(flat_find(&f, "metadata", &rec));
	/* The root counts only what is written. */
	assert_true(flat_find(&f, "", &rec));
	assert_int_equal(rec.num, 14);
}

static void
test_tags(void **state)
{
	struct flat_rec rec;
	struct flat f;
	char key[64];
	size_t off = 0, children = 0;

	(void)state;
	yaml_ok("container",
	    "executable: /x\nvariables:\n  port: !TcpPort\n  p2: !TcpPort {}\n  n: !Name\n"
	    "  d: !DottedName\n  c: !Choice [a, b]\n"
	    "volumes:\n  /rendered: !Readonly /rendered\n"
	    "  /tmp: !Tmpfs {size: 10Mi, mode: 0o1777}\n  /t2: !Tmpfs\n",
	    &f);
	expect_str(&f, "variables/port!", "TcpPort");
	expect_str(&f, "variables/p2!", "TcpPort");
	assert_true(flat_find(&f, "variables/p2", &rec));
	assert_int_equal(rec.type, FLAT_NULL);
	expect_str(&f, "variables/c!", "Choice");
	expect_str(&f, "variables/c/1", "b");
	expect_str(&f, "volumes/\\/rendered!", "Readonly");
	expect_str(&f, "volumes/\\/rendered", "/rendered");
	expect_int(&f, "volumes/\\/tmp/size", 10 << 20);
	expect_int(&f, "volumes/\\/tmp/mode", 01777);
	assert_true(flat_find(&f, "volumes/\\/t2", &rec));
	assert_int_equal(rec.type, FLAT_MAP);
	/* The tag stands just before its node, and is no child. */
	while (flat_next(&f, &off, &rec))
		if (flat_child(&rec, "volumes", key, sizeof key)) {
			children++;
			assert_int_equal(key[0], '/');
		}
	assert_int_equal(children, 3);
}

static void
test_sandbox_and_others(void **state)
{
	struct flat f;
	bool on = true;

	(void)state;
	yaml_ok("sandbox",
	    "image-dir: /images\nimage_dir_levels: 2\nreadonly-paths: {/etc: /srv/etc}\n"
	    "allow-users: [1, 1000-2000]\nuserns: off\nallow-exec: yes\nroles: [web, front]\n"
	    "uid-map: [{inside: 0, outside: 100000, count: 65536}]\n"
	    "limits: {memory: 1Gi, cpu-quota: 0.5, pids: 100}\nallow-tcp-ports: [80, 8000-9000]\n",
	    &f);
	expect_int(&f, "image-dir-levels", 2);
	expect_str(&f, "readonly-paths/\\/etc", "/srv/etc");
	expect_str(&f, "allow-users/0", "1");
	expect_str(&f, "allow-users/1", "1000-2000");
	assert_true(flat_bool(&f, "userns", &on));
	assert_false(on);
	assert_true(flat_bool(&f, "allow-exec", &on));
	assert_true(on);
	expect_int(&f, "uid-map/0/outside", 100000);
	expect_int(&f, "limits/cpu-quota", 500);
	yaml_ok("processes",
	    "web.1: {kind: Daemon, image: web/v14, config: /web.yaml, variables: {port: 80}}\n",
	    &f);
	expect_str(&f, "web.1/image", "web/v14");
	expect_str(&f, "web.1/variables/port", "80");
	yaml_ok("master", "sandboxes_dir: ./sandboxes\n", &f);
	expect_str(&f, "sandboxes-dir", "./sandboxes");
	yaml_ok("render",
	    "files: {haproxy.cfg: {template: haproxy.cfg.tmpl, mode: \"0644\"}}\n"
	    "processes: processes.yaml.tmpl\ncheck: {container: haproxy-check}\n"
	    "on-change: {haproxy.cfg: {signal: USR2, container: haproxy}, \"*\": restart}\n",
	    &f);
	expect_int(&f, "files/haproxy.cfg/mode", 0644);
	expect_str(&f, "check/container", "haproxy-check");
	expect_str(&f, "on-change/haproxy.cfg/signal", "USR2");
	expect_str(&f, "on-change/*", "restart");
	yaml_ok("render", "on-change: {\"*\": {host-action: reload}}\n", &f);
	expect_str(&f, "on-change/*/host-action", "reload");
	yaml_ok("host-actions",
	    "reload: {command: [/bin/x, 5, \"\"], roles: [web], timeout: 1m, user: 7,\n"
	    " files: {a.cfg: {to: /etc/a.cfg, mode: \"0600\", owner: root}}}\n",
	    &f);
	expect_str(&f, "reload/command/1", "5");
	expect_str(&f, "reload/roles/0", "web");
	expect_int(&f, "reload/timeout", 60000);
	expect_str(&f, "reload/user", "7");
	expect_str(&f, "reload/files/a.cfg/to", "/etc/a.cfg");
	expect_int(&f, "reload/files/a.cfg/mode", 0600);
}

static void
test_meta(void **state)
{
	struct flat_rec rec;
	struct flat f;

	(void)state;
	yaml_ok("meta",
	    "a: [1, -2, +3, 1.5, true, null, \"no\", 'x']\n"
	    "t: |\n  two\n  \tlines\n"
	    "b/c: {d\\e: {f!: {}}}\n",
	    &f);
	expect_int(&f, "a/1", -2);
	expect_int(&f, "a/2", 3);
	assert_true(flat_find(&f, "a/3", &rec));
	assert_true(rec.type == FLAT_FLOAT && rec.real > 1.49 && rec.real < 1.51);
	assert_true(flat_find(&f, "a/4", &rec) && rec.type == FLAT_BOOL && rec.num == 1);
	assert_true(flat_find(&f, "a/5", &rec) && rec.type == FLAT_NULL);
	expect_str(&f, "a/6", "no");
	expect_str(&f, "t", "two\n\tlines\n");
	assert_true(flat_find(&f, "b\\/c/d\\\\e/f\\!", &rec));
	assert_int_equal(rec.type, FLAT_MAP);
	assert_int_equal(rec.line, 5);
	assert_int_equal(rec.col, 17);
}

static void
test_depth_64_is_fine(void **state)
{
	char text[512] = "a: ";
	struct flat f;

	(void)state;
	for (int i = 0; i < 63; i++)
		strcat(text, "[");
	for (int i = 0; i < 63; i++)
		strcat(text, "]");
	yaml_ok("meta", text, &f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_daemon),
	    cmocka_unit_test(test_empty),
	    cmocka_unit_test(test_container),
	    cmocka_unit_test(test_tags),
	    cmocka_unit_test(test_sandbox_and_others),
	    cmocka_unit_test(test_meta),
	    cmocka_unit_test(test_depth_64_is_fine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
