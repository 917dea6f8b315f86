/*
 * test_bad.c - every way a file can be wrong, and the exact line it gets.
 */
#include "yaml.h"

struct bad {
	const char *kind, *text, *line;
};

static void
check_all(const struct bad *bad, size_t count)
{
	for (size_t i = 0; i < count; i++)
		yaml_bad(bad[i].kind, bad[i].text, bad[i].line);
}

static void
test_syntax(void **state)
{
	static const struct bad bad[] = {
	    {"daemon", "name: a\nlog:\n\tlevel: info\n", "f.yaml:3:1: tab in indentation"},
	    {"daemon", "log:\n  \tlevel: info\n", "f.yaml:2:3: tab in indentation"},
	    {"daemon", "name: a\n# é\nlog:\n \tlevel: info\n", "f.yaml:4:2: tab in indentation"},
	    {"daemon", "name: a\r\nlog:\r\n\tlevel: info\r\n", "f.yaml:3:1: tab in indentation"},
	    {"daemon", "name: @x", "f.yaml:1:7: '@' cannot start a value; quote it"},
	    {"daemon", "name: a\n---\nname: b\n", "f.yaml:2:1: second document in file"},
	    {"daemon", "name: a\n...\nname: b\n", "f.yaml:3:1: second document in file"},
	    {"daemon", "{name: a} b\n", "f.yaml:1:11: text after the end of the document"},
	    {"daemon", "seeds: [a",
		"f.yaml:2:1: not YAML: did not find expected ',' or ']' (while parsing a flow "
		"sequence that began at line 1)"},
	    {"daemon", "tags:\n  a: 'x\n",
		"f.yaml:3:1: not YAML: found unexpected end of stream (while scanning a quoted "
		"scalar that began at line 2)"},
	    {"daemon", "? [a]\n: b\n", "f.yaml:1:3: a key must be a plain word"},
	    {"daemon", "\"\": b\n", "f.yaml:1:1: empty key"},
	    {"daemon", "name: \"a\\0b\"", "f.yaml:1:7: NUL byte in a string"},
	    {"daemon", "\"\"", "f.yaml:1:1: expected map, got string ''"},
	    {"daemon", "[]", "f.yaml:1:1: expected map, got list"},
	};

	(void)state;
	check_all(bad, ARRAY_LEN(bad));
}

static void
test_anchors_and_tags(void **state)
{
	static const struct bad bad[] = {
	    {"daemon", "name: &a b\n", "f.yaml:1:7: anchors and tags are not supported"},
	    {"daemon", "log: &a {}\n", "f.yaml:1:6: anchors and tags are not supported"},
	    {"daemon", "seeds: &a []\n", "f.yaml:1:8: anchors and tags are not supported"},
	    {"daemon", "name: *a\n", "f.yaml:1:7: anchors and tags are not supported"},
	    {"daemon", "&a name: b\n", "f.yaml:1:1: anchors and tags are not supported"},
	    {"daemon", "name: !!python/object x\n",
		"f.yaml:1:7: anchors and tags are not supported"},
	    {"daemon", "name: !!str no\n", "f.yaml:1:7: anchors and tags are not supported"},
	    {"daemon", "name: !<x> no\n", "f.yaml:1:7: anchors and tags are not supported"},
	    {"daemon", "name: ! no\n", "f.yaml:1:7: anchors and tags are not supported"},
	    {"daemon", "name: !x!y no\n", "f.yaml:1:7: anchors and tags are not supported"},
	    {"daemon", "%TAG !e! tag:x,2000:\n---\nname: a\n",
		"f.yaml:1:1: anchors and tags are not supported"},
	    {"daemon", "name: !Readonly a\n",
		"f.yaml:1:7: name: anchors and tags are not supported"},
	    {"meta", "a: !Readonly x\n", "f.yaml:1:4: a: anchors and tags are not supported"},
	    {"meta", "a: {<<: {b: 1}}\n",
		"f.yaml:1:5: anchors and tags are not supported (merge key '<<')"},
	};

	(void)state;
	check_all(bad, ARRAY_LEN(bad));
}

static void
test_keys(void **state)
{
	static const struct bad bad[] = {
	    {"daemon", "name: a\n\nlissten: 0.0.0.0:1\n",
		"f.yaml:3:1: unknown key 'lissten'; did you mean 'listen'?"},
	    {"daemon", "election: {quorun: any}",
		"f.yaml:1:12: election: unknown key 'quorun'; did you mean 'quorum'?"},
	    {"daemon", "log: {colour: red}",
		"f.yaml:1:7: log: unknown key 'colour'; allowed: level"},
	    {"daemon", "\"\\e[31m\": red",
		"f.yaml:1:1: unknown key '\\x1b[31m'; allowed: name, "
		"cluster, cluster-key, listen, advertise, seeds, zone, "
		"tags, config-dir, state-dir, run-dir, log-dir, "
		"images-dir, user, conf-user, cgroup, uid-range, "
		"limits, log, profile, members-max, election, operators, http, restart-grace"},
	    /* Only lithos' files take '_' for '-'. */
	    {"daemon", "state_dir: /x",
		"f.yaml:1:1: unknown key 'state_dir'; did you mean 'state-dir'?"},
	    {"daemon", "name: a\n\n\nlisten: 1.2.3.4:1\nzone: z\n\n\n\nlisten: 1.2.3.4:1\n",
		"f.yaml:9:1: key 'listen' repeated, first at line 4"},
	    {"meta", "a: {x: 1, y: 2, x: 3}", "f.yaml:1:17: key 'x' repeated, first at line 1"},
	    {"meta", "z: 1\nz: 2\na: 1\na: 2\nz: 3\n",
		"f.yaml:2:1: key 'z' repeated, first at line 1"},
	    {"meta", "x: 1\n\"x\": 3", "f.yaml:2:1: key 'x' repeated, first at line 1"},
	    {"container", "executable: /x\nuser-id: 1\nuser_id: 2\n",
		"f.yaml:3:1: key 'user_id' repeated, first at line 2"},
	    /* Also where nobody reads. */
	    {"container", "executable: /x\nmetadata: {a: 1, a: 2}\n",
		"f.yaml:2:18: key 'a' repeated, first at line 2"},
	    {"daemon", "boot-wait: 5s", "f.yaml:1:1: key 'boot-wait' is not supported yet"},
	    {"daemon", "election: {quorum: {min: 3, weight: 2}}",
		"f.yaml:1:20: election.quorum: needs exactly one of: min, weight"},
	    {"daemon", "election: {quorum: {}}",
		"f.yaml:1:20: election.quorum: needs exactly one of: min, weight"},
	    {"daemon", "profile: wam",
		"f.yaml:1:10: profile: unknown value 'wam'; did you mean 'wan'?"},
	    {"daemon", "election: {quorum: \"weight: 2\"}",
		"f.yaml:1:20: election.quorum: unknown value 'weight: 2'; allowed: majority, any, {min: N}, {weight: N}"},
	    {"daemon", "election: {quorum: {mim: 3}}",
		"f.yaml:1:21: election.quorum: unknown key 'mim'; did you mean 'min'?"},
	    {"daemon", "election: {quorum: {min: 0}}",
		"f.yaml:1:26: election.quorum.min: out of range 1-8192 (got 0)"},
	    {"daemon", "election: {weights: {n1: 101}}",
		"f.yaml:1:26: election.weights.n1: out of range 1-100 (got 101)"},
	    {"daemon", "election: {priority: {N1: 1}}",
		"f.yaml:1:23: election.priority: key 'N1' must be [a-z0-9][a-z0-9_.-]{0,62}"},
	    {"daemon", "election: {degraded: {after: 10s}}",
		"f.yaml:1:22: election.degraded: missing key 'min'"},
	    {"daemon", "election: {degraded: {min: 1, after: 10}}",
		"f.yaml:1:38: election.degraded.after: needs a unit (ms, s, m, h) (got 10)"},
	    {"container", "arguments: []\n", "f.yaml:1:1: missing key 'executable'"},
	    {"container", "# nothing\n", "f.yaml:1:1: missing key 'executable'"},
	    {"processes", "web: {image: web-1}\n", "f.yaml:1:6: web: missing key 'config'"},
	};

	(void)state;
	check_all(bad, ARRAY_LEN(bad));
}

static void
test_networks(void **state)
{
	static const struct bad bad[] = {
	    {"sandbox", "userns: on\nbridged-network: {}\n",
		"f.yaml:2:18: bridged-network: missing key 'bridge'"},
	    {"sandbox", "bridged_network: {bridge: br0}\n",
		"f.yaml:1:18: bridged-network: missing key 'network'"},
	    {"sandbox", "bridged-network: {bridge: br0123456789abcd, network: 10.0.0.0/8}\n",
		"f.yaml:1:27: bridged-network.bridge: longer than 15 bytes"},
	    {"sandbox", "bridged-network: {bridge: br0, network: 10.0.0.0}\n",
		"f.yaml:1:41: bridged-network.network: '10.0.0.0' is not an IPv4 network like 10.0.0.0/24"},
	    {"sandbox", "bridged-network: {bridge: br0, network: 10.0.0.0/33}\n",
		"f.yaml:1:41: bridged-network.network: '10.0.0.0/33' is not an IPv4 network like 10.0.0.0/24"},
	    {"sandbox", "bridged-network: {bridge: br0, network: \"fd00::/64\"}\n",
		"f.yaml:1:41: bridged-network.network: 'fd00::/64' is not an IPv4 network like 10.0.0.0/24"},
	    {"sandbox", "bridged-network: {bridge: br0, network: 10.0.0.0/8, default-gateway: \"::1\"}\n",
		"f.yaml:1:70: bridged-network.default-gateway: '::1' is not an IPv4 address"},
	    {"sandbox", "network: bridge\n",
		"f.yaml:1:10: network: unknown value 'bridge'; did you mean 'bridged'?"},
	    {"container", "executable: /a\nnetwork: host\n",
		"f.yaml:2:10: network: unknown value 'host'; allowed: none"},
	    {"processes", "web: {image: a, config: /a, ip-addresses: [\"fd00::1\"]}\n",
		"f.yaml:1:44: web.ip-addresses[0]: 'fd00::1' is not an IPv4 address"},
	};

	(void)state;
	check_all(bad, ARRAY_LEN(bad));
}

static void
test_secrets(void **state)
{
	static const struct bad bad[] = {
	    /* What may be the secret itself is never shown. */
	    {"container", "executable: /x\nsecret-environ: {A: hunter2}\n",
		"f.yaml:2:21: secret-environ.A[0]: not a sealed secret, or a part of one: v2:KEY:NAMESPACE:SECRET:SEALED is needed, as `mesh seal` prints it"},
	    {"container", "executable: /x\nsecret-environ: {A: {b: c}}\n",
		"f.yaml:2:21: secret-environ.A: expected list, got map"},
	    {"container", "executable: /x\nsecret-environ: {A: [[b]]}\n",
		"f.yaml:2:22: secret-environ.A[0]: expected string, got list"},
	    {"container", "executable: /x\nsecret-environ: [hunter2]\n",
		"f.yaml:2:17: secret-environ: expected map, got list"},
	    {"secrets", "A: \"v2:aaaaaaaa:bbbbbbbb:cccccccc:\"\n",
		"f.yaml:1:4: A[0]: not a sealed secret, or a part of one: v2:KEY:NAMESPACE:SECRET:SEALED is needed, as `mesh seal` prints it"},
	    {"secrets", "A: v2:aaaaaaaa:bbbbbb!b:cccccccc:ffff\n",
		"f.yaml:1:4: A[0]: not a sealed secret, or a part of one: v2:KEY:NAMESPACE:SECRET:SEALED is needed, as `mesh seal` prints it"},
	    {"secrets", "A: []\n", "f.yaml:1:4: A: must not be empty"},
	    {"sandbox", "secrets-private-key: key\n",
		"f.yaml:1:22: secrets-private-key: must be an absolute path (got 'key')"},
	    {"sandbox", "secrets-namespaces: web\n",
		"f.yaml:1:21: secrets-namespaces: expected list, got string 'web'"},
	};

	(void)state;
	check_all(bad, ARRAY_LEN(bad));
}

static void
test_types(void **state)
{
	static const struct bad bad[] = {
	    {"daemon", "name: a\nzone: b\n\n\nseeds: 5\n",
		"f.yaml:5:8: seeds: expected list, got integer 5"},
	    {"daemon", "seeds: {a: b}\n", "f.yaml:1:8: seeds: expected list, got map"},
	    {"daemon", "tags: [a]\n", "f.yaml:1:7: tags: expected map, got list"},
	    {"daemon", "log: debug\n", "f.yaml:1:6: log: expected map, got string 'debug'"},
	    {"daemon", "name: [a]\n", "f.yaml:1:7: name: expected string, got list"},
	    {"daemon", "name:\n", "f.yaml:1:6: name: expected string, got nothing"},
	    {"daemon", "name: no\n", "f.yaml:1:7: name: expected string, quote it: \"no\""},
	    {"daemon", "zone: On\n", "f.yaml:1:7: zone: expected string, quote it: \"On\""},
	    {"daemon", "name: 0o17\n", "f.yaml:1:7: name: expected string, quote it: \"0o17\""},
	    {"daemon", "name: 1_000\n", "f.yaml:1:7: name: expected string, quote it: \"1_000\""},
	    {"daemon", "name: 0x1f\n", "f.yaml:1:7: name: expected string, quote it: \"0x1f\""},
	    {"daemon", "name: 1e3\n", "f.yaml:1:7: name: expected string, quote it: \"1e3\""},
	    {"daemon", "name: ../x\n",
		"f.yaml:1:7: name: '../x' must match [a-z0-9][a-z0-9_.-]{0,62}"},
	    {"daemon", "log: {level: inf}\n",
		"f.yaml:1:14: log.level: unknown value 'inf'; did you mean 'info'?"},
	    {"daemon", "log: {level: 11}\n",
		"f.yaml:1:14: log.level: unknown value '11'; allowed: debug, info, warn"},
	    {"daemon", "state-dir: var/lib\n",
		"f.yaml:1:12: state-dir: must be an absolute path (got 'var/lib')"},
	    {"daemon", "state-dir: /var/../etc\n",
		"f.yaml:1:12: state-dir: '..' is not allowed in a path (got '/var/../etc')"},
	    {"daemon", "user: Mesh\n", "f.yaml:1:7: user: 'Mesh' is not a user's name or number"},
	    {"daemon", "user: -1\n", "f.yaml:1:7: user: expected string, quote it: \"-1\""},
	    {"daemon", "seeds: [n1.example:7780, n2]\n",
		"f.yaml:1:26: seeds[1]: 'n2' is not HOST:PORT (an IPv4 address, [IPv6] or a name; "
		"port 1-65535)"},
	};

	(void)state;
	check_all(bad, ARRAY_LEN(bad));
}

static void
test_types_of_roles(void **state)
{
	static const struct bad bad[] = {
	    {"container", "executable: /x\nuser-id: 1.5\n",
		"f.yaml:2:10: user-id: expected integer, got number 1.5"},
	    {"container", "executable: /x\nuser-id: \"5\"\n",
		"f.yaml:2:10: user-id: expected integer, got string '5'"},
	    {"container", "executable: /x\nuser-id: 017\n",
		"f.yaml:2:10: user-id: write the integer in plain decimal (got 017)"},
	    {"container", "executable: /x\nuser-id: -1\n",
		"f.yaml:2:10: user-id: out of range 0-4294967294 (got -1)"},
	    {"container", "executable: /x\nuser-id: 99999999999999999999\n",
		"f.yaml:2:10: user-id: out of range 0-4294967294 (got 99999999999999999999)"},
	    {"container", "executable: /x\nenviron: {A: }\n",
		"f.yaml:2:14: environ.A: expected string, got nothing; write \"\" for an empty "
		"one"},
	    {"container", "executable: /x\nenviron: {A=B: c}\n",
		"f.yaml:2:11: environ: key 'A=B' must be printable ASCII without '=' and spaces"},
	    {"sandbox", "allow-users: [1, 9-5]\n",
		"f.yaml:1:18: allow-users[1]: expected N or A-B with A <= B <= 4294967294 "
		"(got '9-5')"},
	    {"sandbox", "userns: maybe\n",
		"f.yaml:1:9: userns: expected on or off, got string 'maybe'"},
	    {"processes", "Web: {}\n", "f.yaml:1:1: key 'Web' must be [a-z0-9][a-z0-9_.-]{0,62}"},
	    {"processes", "web: {image: a//b, config: /c}\n",
		"f.yaml:1:14: web.image: 'a//b' must be 1-16 names joined by '/', each "
		"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}"},
	    {"render", "files: {a: {template: t, mode: 644}}\n",
		"f.yaml:1:32: files.a.mode: expected file mode like \"0644\" (got 644)"},
	    {"render", "on-change: {a: reload}\n",
		"f.yaml:1:16: on-change.a: expected map, got string 'reload'"},
	    {"render", "on-change: {a: {signal: HUP}}\n",
		"f.yaml:1:16: on-change.a: missing key 'container'"},
	    {"render", "on-change: {a: {host-action: x, container: y}}\n",
		"f.yaml:1:16: on-change.a: 'container' goes with 'signal' alone"},
	    {"render", "on-change: {a: {host-action: x, signal: HUP, container: y}}\n",
		"f.yaml:1:16: on-change.a: needs exactly one of: signal, host-action"},
	    {"render", "on-change: {a: {host-action: ../x}}\n",
		"f.yaml:1:30: on-change.a.host-action: '../x' must match [a-z0-9][a-z0-9_.-]{0,62}"},
	    {"host-actions", "a: {command: /bin/x, roles: [b]}\n",
		"f.yaml:1:14: a.command: expected list, got string '/bin/x'"},
	    {"host-actions", "a: {command: [/bin/x]}\n", "f.yaml:1:4: a: missing key 'roles'"},
	    {"meta", "a: [1, yes]\n",
		"f.yaml:1:8: a[1]: write true or false, or quote it: \"yes\""},
	    {"meta", "a: 0777\n",
		"f.yaml:1:4: a: write the integer in plain decimal, or quote it: \"0777\""},
	    {"meta", "a: .inf\n", "f.yaml:1:4: a: not a finite number, quote it: \".inf\""},
	    {"meta", "a: 9223372036854775808\n",
		"f.yaml:1:4: a: integer too large, quote it: \"9223372036854775808\""},
	};

	(void)state;
	check_all(bad, ARRAY_LEN(bad));
}

#define HEALTH(v) "executable: /x\nhealth: {tcp: 80, " v "}\n"

static void
test_units(void **state)
{
	static const struct bad bad[] = {
	    {"container", HEALTH("interval: 5"),
		"f.yaml:2:29: health.interval: needs a unit (ms, s, m, h) (got 5)"},
	    {"container", HEALTH("interval: 0"),
		"f.yaml:2:29: health.interval: needs a unit (ms, s, m, h) (got 0)"},
	    {"container", HEALTH("interval: -1s"),
		"f.yaml:2:29: health.interval: out of range 50ms-60s (got -1s)"},
	    {"container", HEALTH("interval: 1e99s"),
		"f.yaml:2:29: health.interval: out of range 50ms-60s (got 1e99s)"},
	    {"container", HEALTH("interval: 49ms"),
		"f.yaml:2:29: health.interval: out of range 50ms-60s (got 49ms)"},
	    {"container", HEALTH("interval: 5 s"),
		"f.yaml:2:29: health.interval: expected duration like 500ms or 3s, got string "
		"'5 s'"},
	    {"container", HEALTH("interval: inf"),
		"f.yaml:2:29: health.interval: expected duration like 500ms or 3s, got string "
		"'inf'"},
	    {"container", HEALTH("http: {port: 80}"),
		"f.yaml:2:9: health: needs exactly one of: tcp, http, exec, readiness"},
	    {"container", "executable: /x\nhealth: {interval: 1s}\n",
		"f.yaml:2:9: health: needs exactly one of: tcp, http, exec, readiness"},
	    {"container", "executable: /x\nhealth: {tcp: 80, readiness: {tcp: 80}}\n",
		"f.yaml:2:9: health: needs exactly one of: tcp, http, exec, readiness"},
	    {"container", "executable: /x\nhealth: {liveness: {interval: 1s}}\n",
		"f.yaml:2:20: health.liveness: needs exactly one of: tcp, http, exec"},
	    {"container", "executable: /x\nhealth: {liveness: {tcp: 80, failures: 0}}\n",
		"f.yaml:2:40: health.liveness.failures: out of range 1-100 (got 0)"},
	    {"container", "executable: /x\nhealth: {liveness: {tcp: 80, successes: 2}}\n",
		"f.yaml:2:30: health.liveness: unknown key 'successes'; allowed: tcp, http, exec, interval, "
		"timeout, failures, start-period"},
	    {"container", "executable: /x\nhealth: {tcp: 80, start-period: 1s}\n",
		"f.yaml:2:19: health: unknown key 'start-period'; allowed: tcp, http, exec, interval, "
		"timeout, failures, successes, readiness, liveness"},
	    {"container", "executable: /x\nhealth: {tcp: 70000}\n",
		"f.yaml:2:15: health.tcp: '70000' is not a port (1-65535, or \"@{variable}\")"},
	    {"container", "executable: /x\nhealth: {tcp: \"@{a b}\"}\n",
		"f.yaml:2:15: health.tcp: '@{a b}' is not a port (1-65535, or \"@{variable}\")"},
	    {"daemon", "limits: {metrics-memory: 1000k}\n",
		"f.yaml:1:26: limits.metrics-memory: out of range 1Mi-1Gi (got 1000k)"},
	    {"daemon", "limits: {metrics-keep: 59s}\n",
		"f.yaml:1:24: limits.metrics-keep: out of range 60s-24h (got 59s)"},
	    {"daemon", "limits: {metrics-keep: 25h}\n",
		"f.yaml:1:24: limits.metrics-keep: out of range 60s-24h (got 25h)"},
	    {"daemon", "limits: {rounds-keep: 2161h}\n",
		"f.yaml:1:23: limits.rounds-keep: out of range 60s-2160h (got 2161h)"},
	    {"daemon", "limits: {rounds-disk: 17Gi}\n",
		"f.yaml:1:23: limits.rounds-disk: out of range 0-16Gi (got 17Gi)"},
	    {"daemon", "limits: {metrics-memory: 16}\n",
		"f.yaml:1:26: limits.metrics-memory: needs a unit (k, ki, M, Mi, G, Gi) (got 16)"},
	    {"daemon", "limits: {script-memory: 64}\n",
		"f.yaml:1:25: limits.script-memory: needs a unit (k, ki, M, Mi, G, Gi) (got 64)"},
	    {"daemon", "limits: {script-memory: 64MB}\n",
		"f.yaml:1:25: limits.script-memory: expected size like 64Mi, got string '64MB'"},
	    {"daemon", "limits: {script-memory: 9999999999Gi}\n",
		"f.yaml:1:25: limits.script-memory: out of range 1Mi-1Gi (got 9999999999Gi)"},
	    {"sandbox", "limits: {cpu-quota: 0}\n",
		"f.yaml:1:21: limits.cpu-quota: out of range 0.01-1024 (got 0)"},
	};

	(void)state;
	check_all(bad, ARRAY_LEN(bad));
}

static void
test_lithos_tags(void **state)
{
	static const struct bad bad[] = {
	    {"container", "executable: /x\nvolumes: {/d: !Persistent {path: d}}\n",
		"f.yaml:2:34: volumes./d.path: must be an absolute path (got 'd')"},
	    {"container", "executable: /x\nvolumes: {/d: !Persistent d}\n",
		"f.yaml:2:15: volumes./d.path: must be an absolute path (got 'd')"},
	    {"container", "executable: /x\nvolumes: {/d: !Statedir {mkdir: on}}\n",
		"f.yaml:2:26: volumes./d: unknown key 'mkdir'; allowed: path, mode, user, group, exec"},
	    {"container", "executable: /x\nvolumes: {/d: !Bind /d}\n",
		"f.yaml:2:15: volumes./d: unknown tag !Bind; allowed: Readonly, Tmpfs, "
		"Persistent, Statedir"},
	    {"container", "executable: /x\nvolumes: {/d: !Tempfs {}}\n",
		"f.yaml:2:15: volumes./d: unknown tag !Tempfs; did you mean !Tmpfs?"},
	    {"container", "executable: /x\ncapabilities: [cap_kill]\n",
		"f.yaml:2:16: capabilities[0]: unknown value 'cap_kill'; did you mean 'KILL'?"},
	    {"container", "executable: /x\nvolumes: {/d: /d}\n",
		"f.yaml:2:15: volumes./d: needs a tag before it (!NAME); allowed: Readonly, Tmpfs, "
		"Persistent, Statedir"},
	    {"container", "executable: /x\nvolumes: {d: !Readonly /d}\n",
		"f.yaml:2:11: volumes: key 'd' must be an absolute path without '..'"},
	    {"container", "executable: /x\nvolumes: {/a/../d: !Readonly /d}\n",
		"f.yaml:2:11: volumes: key '/a/../d' must be an absolute path without '..'"},
	    {"container", "executable: /x\nvolumes: {/d: !Tmpfs {mode: 0o20000}}\n",
		"f.yaml:2:29: volumes./d.mode: out of range 0-07777 (got 0o20000)"},
	    {"container", "executable: /x\nvariables: {p: !TcpPort {activated: systemd}}\n",
		"f.yaml:2:26: variables.p: unknown key 'activated'; did you mean "
		"'activation'?"},
	    {"container", "executable: /x\nvariables: {p: !TcpPort 80}\n",
		"f.yaml:2:16: variables.p: expected nothing after the tag, got integer 80"},
	    {"container", "executable: /x\nvariables: {p: !Choice []}\n",
		"f.yaml:2:16: variables.p: must not be empty"},
	};

	(void)state;
	check_all(bad, ARRAY_LEN(bad));
}

static void
test_not_utf8(void **state)
{
	(void)state;
	yaml_bad_bytes(
	    "daemon", "\xff\xfen\0a\0", 6, "f.yaml:1:1: not UTF-8 (UTF-16 byte order mark)");
	yaml_bad_bytes("daemon", "n\0a\0", 4, "f.yaml:1:2: not UTF-8 text (NUL byte)");
	yaml_bad_bytes("daemon", "a: b\nna\0me: x", 13, "f.yaml:2:3: not UTF-8 text (NUL byte)");
	yaml_bad("daemon", "\xef\xbb\xbfname: x",
	    "f.yaml:1:1: not UTF-8 (starts with a byte order mark); save without it");
	yaml_bad("daemon", "é: \xe9", "f.yaml:1:4: not UTF-8 (byte 0xe9)");
	yaml_bad("daemon", "a: \xed\xa0\x80", "f.yaml:1:4: not UTF-8 (byte 0xed)");
	yaml_bad("daemon", "a: \xc0\xaf", "f.yaml:1:4: not UTF-8 (byte 0xc0)");
	yaml_bad("daemon", "a: \xe2\x82", "f.yaml:1:4: not UTF-8 (byte 0xe2)");
	yaml_bad("daemon", "a: \x1b[31m", "f.yaml:1:4: control character U+001B is not allowed");
}

/* A document of count times unit, which must give the line. */
static void
bad_repeated(const char *kind, const char *head, const char *unit, size_t count, const char *line)
{
	size_t n = strlen(unit), h = strlen(head), len = h + n * count;
	char *text = malloc(len + 1);

	assert_non_null(text);
	memcpy(text, head, h);
	for (size_t i = 0; i < count; i++)
		memcpy(text + h + i * n, unit, n);
	text[len] = '\0';
	yaml_bad_bytes(kind, text, len, line);
	free(text);
}

/* Each of these takes libyaml seconds or gigabytes if nobody stops it. */
static void
test_large(void **state)
{
	(void)state;
	bad_repeated("daemon", "", "[", 80000, "f.yaml:1:65: nesting deeper than 64");
	bad_repeated("meta", "", "{a: ", 80000, "f.yaml:1:257: nesting deeper than 64");
	bad_repeated("meta", "", "- ", 80000, "f.yaml:1:129: nesting deeper than 64");
	bad_repeated("daemon", "", "name: a\n", 1 << 18, "f.yaml:1:1: larger than 1 MiB");
	bad_repeated(
	    "meta", "a: [", "1,", 500000, "f.yaml:1:262143: more than 131072 values in one file");
	bad_repeated("meta", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa:\n", "- 1\n", 130000,
	    "f.yaml:34004:3: the whole is too large: more than 2097152 bytes of records");
	bad_repeated("meta", "", "k: 1\n", 60000, "f.yaml:2:1: key 'k' repeated, first at line 1");
	bad_repeated("daemon", "state-dir: /", "a", 5000,
	    "f.yaml:1:12: state-dir: path longer than 4000 bytes");
}

static void
test_display_is_escaped(void **state)
{
	struct flat_out out;
	struct err err = {0};
	size_t bytes;

	(void)state;
	flat_begin(&out, yaml_records, sizeof yaml_records);
	assert_int_not_equal(conf_run("meta", "a\n\x1b]b", "[", 1, &out, &bytes, NULL, &err), 0);
	assert_string_equal(
	    err.text, "a\\x0a\\x1b]b:2:1: not YAML: did not find expected node content");
	assert_int_not_equal(conf_run("nope", "a", "", 0, &out, &bytes, NULL, &err), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_syntax),
	    cmocka_unit_test(test_anchors_and_tags),
	    cmocka_unit_test(test_keys),
	    cmocka_unit_test(test_networks),
	    cmocka_unit_test(test_secrets),
	    cmocka_unit_test(test_types),
	    cmocka_unit_test(test_types_of_roles),
	    cmocka_unit_test(test_units),
	    cmocka_unit_test(test_lithos_tags),
	    cmocka_unit_test(test_not_utf8),
	    cmocka_unit_test(test_large),
	    cmocka_unit_test(test_display_is_escaped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
