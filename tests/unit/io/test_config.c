/*
 * The daemon config from YAML through the real meshd-conf to what the engine
 * uses; and nothing that is written there silently becomes a default.
 */
#include "flatdoc.h"

#include "../../../daemon/base/ctl.h"
#include "../../../daemon/base/scriptio.h"
#include "../../../daemon/io/addr.h"
#include "../../../daemon/io/config.h"

static struct config c;

static void
good(const char *yaml)
{
	struct flatdoc d;
	struct err err = { 0 };

	if (!doc_yaml(&d, "daemon", yaml))
		fail_msg("meshd-conf: %s", d.error);
	if (config_read(&c, &d.f, &err) != 0)
		fail_msg("%s", err.text);
	doc_free(&d);
}

static void
refused(const char *yaml, int code, const char *words)
{
	struct flatdoc d;
	struct err err = { 0 };

	if (!doc_yaml(&d, "daemon", yaml))
		fail_msg("meshd-conf: %s", d.error);
	assert_int_equal(config_read(&c, &d.f, &err), -code);
	assert_err(err, code, words);
	doc_free(&d);
}

static void
address_is(const struct addr *a, const char *want)
{
	char text[ADDR_TEXT_CAP];

	addr_format(a, text, sizeof text);
	assert_string_equal(text, want);
}

static void
what_is_not_said_has_the_documented_default(void **state)
{
	(void)state;
	good("name: n1\nadvertise: 127.0.0.1:7780\n");
	assert_int_equal(c.profile, MESH_LAN);
	assert_int_equal(c.members_max, MESH_MEMBERS_LIMIT);
	assert_string_equal(c.name, "n1");
	assert_string_equal(c.zone, "");
	assert_string_equal(c.tags, "");
	assert_string_equal(c.cluster, "mesh");
	assert_string_equal(c.config_dir, "/etc/mesh");
	assert_string_equal(c.state_dir, "/var/lib/mesh");
	assert_string_equal(c.images_dir, "/var/lib/mesh/images");
	assert_string_equal(c.log_dir, "/var/log/mesh");
	assert_string_equal(c.key_path, "");
	address_is(&c.listen, "0.0.0.0:7780");
	address_is(&c.advertise, "127.0.0.1:7780");
	assert_int_equal(c.seeds_count, 0);
	assert_int_equal(c.policy.quorum, MESH_QUORUM_MAJORITY);
	assert_int_equal(c.lease_ms, 0);
	assert_int_equal(c.operators_count, 0);
	assert_int_equal(c.http_uid, 0);
	assert_int_equal(c.script_heap_bytes, SCRIPT_HEAP_BYTES);
	assert_int_equal(c.script_cpu_ms, SCRIPT_CPU_MS);
	assert_int_equal(c.script_wall_ms, 2 * SCRIPT_CPU_MS);
	assert_int_equal(c.metrics_bytes, 16 << 20);
	assert_int_equal(c.metrics_keep_ms, 3600000);
	assert_int_equal(c.log_level, LOG_LEVEL_INFO);
	assert_string_equal(c.sandboxes_dir, "/etc/mesh/lithos-configs/sandboxes");
}

static void
what_is_said_is_used(void **state)
{
	(void)state;
	good("name: n1\nzone: z1\ncluster: prod\nlisten: 127.0.0.1:7001\n"
	     "tags: {disk: ssd, rack: r1}\nseeds: [10.0.0.1:7780, \"[::1]:1\", host.example:65535]\n"
	     "config-dir: /c\nstate-dir: /s\nimages-dir: /i\nlog-dir: /l\ncluster-key: /k\n"
	     "operators: [1000, root, \"7\", 4294967294]\n"
	     "members-max: 12\nelection: {quorum: any, lease: 3s}\n"
	     "limits: {script-memory: 32Mi, script-cpu: 100ms, metrics-memory: 64Mi, metrics-keep: 90s, rounds-disk: 0Mi, rounds-keep: 60s}\nlog: {level: debug}\n");
	assert_string_equal(c.zone, "z1");
	assert_string_equal(c.cluster, "prod");
	assert_string_equal(c.tags, "disk=ssd,rack=r1");
	address_is(&c.listen, "127.0.0.1:7001");
	address_is(&c.advertise, "127.0.0.1:7001"); /* listen's, when it is one */
	assert_int_equal(c.seeds_count, 3);
	assert_string_equal(c.seed_names[0], "10.0.0.1:7780");
	assert_string_equal(c.seed_names[1], "[::1]:1");
	assert_string_equal(c.seed_names[2], "host.example:65535");
	assert_string_equal(c.config_dir, "/c");
	assert_string_equal(c.state_dir, "/s");
	assert_string_equal(c.images_dir, "/i");
	assert_string_equal(c.log_dir, "/l");
	assert_string_equal(c.key_path, "/k");
	assert_int_equal(c.operators_count, 4);
	assert_int_equal(c.operators[0], 1000);
	assert_int_equal(c.operators[1], 0);
	assert_int_equal(c.operators[2], 7);
	assert_int_equal(c.operators[3], 4294967294);
	assert_int_equal(c.policy.quorum, MESH_QUORUM_ANY);
	assert_int_equal(c.lease_ms, 3000);
	assert_int_equal(c.members_max, 12);
	assert_int_equal(c.script_heap_bytes, 32 << 20);
	assert_int_equal(c.script_cpu_ms, 100);
	assert_int_equal(c.metrics_bytes, 64 << 20);
	assert_int_equal(c.metrics_keep_ms, 90000);
	assert_int_equal(c.rounds_bytes, 0);
	assert_int_equal(c.rounds_keep_ms, 60000);
	assert_int_equal(c.script_wall_ms, 200); /* follows the CPU limit */
	assert_int_equal(c.log_level, LOG_LEVEL_DEBUG);
	assert_string_equal(c.sandboxes_dir, "/c/lithos-configs/sandboxes");
	good("name: n1\nlisten: 127.0.0.1:1\nlog: {level: warn}\n");
	assert_int_equal(c.log_level, LOG_LEVEL_WARN);
}

/* What no YAML can say: the master file's sandboxes-dir, and --debug. */
static void
what_the_supervisor_adds_is_used(void **state)
{
	static const uint8_t yes = 1;
	struct flatdoc d;
	struct err err = { 0 };
	char wide[1200];

	(void)state;
	for (int i = 0; i < 2; i++) {
		memset(wide, 'x', sizeof wide - 1);
		wide[sizeof wide - 1] = '\0';
		doc_begin(&d);
		doc_group(&d, "", FLAT_MAP);
		flat_put_str(&d.out, "name", "n1");
		flat_put_str(&d.out, "listen", "127.0.0.1:1");
		flat_put_str(&d.out, "sandboxes-dir", i == 0 ? "/srv/sb" : wide);
		flat_put(&d.out, "debug", FLAT_BOOL, 0, 0, &yes, 1);
		flat_put_int(&d.out, "http-uid", 64782);
		doc_end(&d);
		assert_int_equal(config_read(&c, &d.f, &err), i == 0 ? 0 : -EXIT_CONFIG);
		doc_free(&d);
		if (i == 0)
			assert_string_equal(c.sandboxes_dir, "/srv/sb");
	}
	assert_int_equal(c.log_level, LOG_LEVEL_DEBUG);
	assert_int_equal(c.http_uid, 64782);
	assert_err(err, EXIT_CONFIG, "sandboxes-dir: longer than");
}

static void
who_may_lead_is_read_whole(void **state)
{
	char yaml[4096] = "name: n1\nlisten: 127.0.0.1:1\nelection:\n  weights:\n";
	const struct mesh_policy *p = &c.policy;

	(void)state;
	good("name: n1\nlisten: 127.0.0.1:1\nelection: {quorum: {min: 3}, degraded: {min: 2}}\n");
	assert_int_equal(p->quorum, MESH_QUORUM_MIN);
	assert_int_equal(p->quorum_min, 3);
	assert_int_equal(p->degraded_min, 2);
	assert_int_equal(p->degraded_after_ms, 10000);
	assert_int_equal(p->prefs_count, 0);
	good("name: n1\nlisten: 127.0.0.1:1\nelection: {quorum: {weight: 5}, tie-breaker: n2,\n"
	     "  weights: {n1: 3}, priority: {n2: -4, n1: 7}, degraded: {min: 1, after: 2s}}\n");
	assert_int_equal(p->quorum, MESH_QUORUM_WEIGHT);
	assert_int_equal(p->quorum_min, 5);
	assert_int_equal(p->degraded_after_ms, 2000);
	assert_int_equal(p->prefs_count, 2);
	assert_string_equal(p->prefs[0].name, "n1");
	assert_int_equal(p->prefs[0].weight, 3);
	assert_int_equal(p->prefs[0].priority, 7);
	assert_false(p->prefs[0].tie_breaker);
	assert_string_equal(p->prefs[1].name, "n2");
	assert_int_equal(p->prefs[1].weight, 0);
	assert_int_equal(p->prefs[1].priority, -4);
	assert_true(p->prefs[1].tie_breaker);
	for (int i = 0; i < MESH_PREFS_MAX; i++)
		snprintf(yaml + strlen(yaml), 32, "    n%d: 2\n", i);
	good(yaml);
	assert_int_equal(p->prefs_count, MESH_PREFS_MAX);
	snprintf(yaml + strlen(yaml), 32, "  tie-breaker: other\n");
	refused(yaml, EXIT_CONFIG, "election: names more than 64 nodes");
}

static void
a_name_that_is_no_address_is_refused(void **state)
{
	(void)state;
	refused("name: n1\nlisten: some.host:7780\n", EXIT_CONFIG, "listen: ");
	refused("name: n1\nlisten: 127.0.0.1:1\nadvertise: no-such-host.invalid:7780\n",
	    EXIT_ENVIRONMENT, "advertise: ");
	good("name: n1\nlisten: 127.0.0.1:1\nadvertise: localhost:9\n");
	address_is(&c.advertise, c.advertise.ip[15] == 1 && addr_is_ipv4(&c.advertise)
		? "127.0.0.1:9" : "[::1]:9");
}

/* Nobody could send anything there: it would look like a network that is blocked. */
static void
an_address_of_no_host_is_not_told_to_others(void **state)
{
	static const char *const none[] = {"0.0.0.0:7780", "'[::]:7780'", "224.0.0.1:7780", "'[ff02::1]:7780'",
	    "255.255.255.255:7780"};
	char yaml[128];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(none); i++) {
		snprintf(yaml, sizeof yaml, "name: n1\nadvertise: %s\n", none[i]);
		refused(yaml, EXIT_CONFIG, "advertise: ");
	}
	refused("name: n1\nadvertise: 0.0.0.0:7780\n", EXIT_CONFIG, "0.0.0.0:7780 is no address at which");
	refused("name: n1\nlisten: 224.0.0.1:7780\n", EXIT_CONFIG, "listen: 224.0.0.1:7780 is no address");
	good("name: n1\nlisten: 224.0.0.1:7780\nadvertise: 10.0.0.1:7780\n");
}

/* Paths up to 4000 bytes and long host names pass the schema. */
static void
what_does_not_fit_is_said_and_not_replaced(void **state)
{
	static const char *const paths[] = { "config-dir", "state-dir", "images-dir", "log-dir",
		"cluster-key" };
	char yaml[4096], words[64], label[201], host[260];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		snprintf(yaml, sizeof yaml, "name: n1\nlisten: 127.0.0.1:1\n%s: /%01200d\n", paths[i], 0);
		snprintf(words, sizeof words, "%s: longer than 1023 bytes", paths[i]);
		refused(yaml, EXIT_CONFIG, words);
	}
	for (size_t i = 0; i < sizeof label - 1; i++)
		label[i] = i % 50 == 49 ? '.' : 'a';
	label[sizeof label - 2] = 'a';
	label[sizeof label - 1] = '\0';
	snprintf(yaml, sizeof yaml, "name: n1\nlisten: %s:7780\n", label);
	refused(yaml, EXIT_CONFIG, "listen: ");
	snprintf(yaml, sizeof yaml, "name: n1\nlisten: 127.0.0.1:1\nadvertise: %s:7780\n", label);
	refused(yaml, EXIT_ENVIRONMENT, "advertise: ");
	/* As long as a DNS name may be; meshd-conf lets no longer one pass. */
	snprintf(host, sizeof host, "%s.%.52s", label, label);
	snprintf(yaml, sizeof yaml, "name: n1\nlisten: 127.0.0.1:1\nseeds: [\"%s:65535\"]\n", host);
	good(yaml);
	assert_int_equal(strlen(c.seed_names[0]), 259);
	strcpy(yaml, "name: n1\nlisten: 127.0.0.1:1\ntags: {");
	for (int i = 0; i < 8; i++)
		sprintf(yaml + strlen(yaml), "k%d: x%029d, ", i, i);
	strcat(yaml, "}\n");
	refused(yaml, EXIT_CONFIG, "tags: together longer than 159 bytes");
}

/* Each fits alone; a node must not say nothing of itself instead. */
static void
zone_and_tags_fit_together(void **state)
{
	char yaml[512], words[160];
	/* One NUL after each of zone, tags and version. */
	const int most = MESH_META_BYTES_MAX - (int)sizeof MESH_VERSION - 2;

	(void)state;
	for (int more = 0; more < 2; more++) {
		snprintf(yaml, sizeof yaml,
		    "name: n1\nlisten: 127.0.0.1:1\nzone: z%048d\n"
		    "tags: {k: x%060d, l: x%060d, m: x%0*d}\n", 0, 0, 0,
		    most - 49 - 2 * 64 - 3 + more, 0);
		if (more == 0)
			good(yaml);
	}
	snprintf(words, sizeof words, "zone, tags: 49 and %d bytes (tags as k=v,k=v); together at most %d are told",
	    most - 49 + 1, most);
	refused(yaml, EXIT_CONFIG, words);
}

static void
lists_are_bounded(void **state)
{
	char yaml[8192] = "name: n1\nlisten: 127.0.0.1:1\nseeds: [";

	(void)state;
	for (int i = 0; i <= MESH_SEEDS_MAX; i++)
		sprintf(yaml + strlen(yaml), "10.0.0.1:%d, ", i + 1);
	strcat(yaml, "]\n");
	refused(yaml, EXIT_CONFIG, "seeds: more than 64");
	refused("name: n1\nlisten: 127.0.0.1:1\nseeds: [\"[fe80::1]:7780\"]\n", EXIT_CONFIG,
	    "seeds: '[fe80::1]:7780' is link-local");
	strcpy(yaml, "name: n1\nlisten: 127.0.0.1:1\noperators: [");
	for (int i = 0; i <= CONFIG_OPERATORS_MAX; i++)
		sprintf(yaml + strlen(yaml), "%d, ", i);
	strcat(yaml, "]\n");
	refused(yaml, EXIT_CONFIG, "operators: more than 32");
}

/* A number that wraps must not make somebody root. */
static void
operators_are_users_of_this_host(void **state)
{
	static const char *const wrong[] = { "4294967296", "4294967295", "18446744073709551616",
		"99999999999999999999999" };
	struct flatdoc d;
	struct err err = { 0 };

	(void)state;
	refused("name: n1\nlisten: 127.0.0.1:1\noperators: [no-such-user-here]\n", EXIT_CONFIG,
	    "operators: no user 'no-such-user-here'");
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		doc_begin(&d);
		doc_group(&d, "", FLAT_MAP);
		flat_put_str(&d.out, "name", "n1");
		flat_put_str(&d.out, "listen", "127.0.0.1:1");
		doc_group(&d, "operators", FLAT_LIST);
		flat_put_str(&d.out, "operators/0", wrong[i]);
		doc_end(&d);
		assert_int_equal(config_read(&c, &d.f, &err), -EXIT_CONFIG);
		assert_err(err, EXIT_CONFIG, "is no uid");
		doc_free(&d);
	}
}

static int
host_named(void *arg)
{
	struct flatdoc d;
	struct err err = { 0 };
	const char *host = ((const char **)arg)[0], *want = ((const char **)arg)[1];
	int rc;

	APART_CHECK(sethostname(host, strlen(host)) == 0);
	doc_begin(&d);
	doc_group(&d, "", FLAT_MAP);
	flat_put_str(&d.out, "listen", "127.0.0.1:1");
	doc_end(&d);
	rc = config_read(&c, &d.f, &err);
	doc_free(&d);
	if (want != NULL) {
		APART_CHECK(rc == 0 && strcmp(c.name, want) == 0);
		return 0;
	}
	APART_CHECK(rc == -EXIT_CONFIG && strstr(err.text, "is no node name; set `name:`") != NULL);
	return 0;
}

static void
the_default_name_is_the_hosts(void **state)
{
	const char *cases[][2] = { { "Web-07.Example.ORG", "web-07" }, { "n1", "n1" },
		{ "-bad", NULL }, { "caf\xc3\xa9", NULL }, { ".dot", NULL },
		{ "a234567890123456789012345678901234567890123456789012345678901234", NULL } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		world_apart(CLONE_NEWUTS, host_named, cases[i]);
}

static int
no_route(void *arg)
{
	struct flatdoc d;
	struct err err = { 0 };

	(void)arg;
	doc_begin(&d);
	doc_group(&d, "", FLAT_MAP);
	flat_put_str(&d.out, "name", "n1");
	doc_end(&d);
	APART_CHECK(config_read(&c, &d.f, &err) == -EXIT_CONFIG);
	APART_CHECK(strcmp(err.text,
			"advertise: required when listening on every address, and this host has no "
			"default route to take an address from; set `advertise: ADDRESS:PORT`") == 0);
	doc_free(&d);
	return 0;
}

static void
without_a_route_advertise_is_asked_for(void **state)
{
	(void)state;
	world_apart(CLONE_NEWNET, no_route, NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_not_said_has_the_documented_default),
		cmocka_unit_test(what_is_said_is_used),
		cmocka_unit_test(what_the_supervisor_adds_is_used),
		cmocka_unit_test(who_may_lead_is_read_whole),
		cmocka_unit_test(a_name_that_is_no_address_is_refused),
		cmocka_unit_test(an_address_of_no_host_is_not_told_to_others),
		cmocka_unit_test(what_does_not_fit_is_said_and_not_replaced),
		cmocka_unit_test(zone_and_tags_fit_together),
		cmocka_unit_test(lists_are_bounded),
		cmocka_unit_test(operators_are_users_of_this_host),
		cmocka_unit_test(the_default_name_is_the_hosts),
		cmocka_unit_test(without_a_route_advertise_is_asked_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
