/*
 * test_args.c - the command line: what is taken, and the one line said about
 * everything else.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../../daemon/base/name.h"
#include "../../../daemon/cli/args.h"

#define NOW INT64_C(1795248000000)

/* argv from one string, split at blanks. */
static int
parse(struct args *a, const char *line, struct err *err)
{
	static char buf[512];
	char *argv[16] = {"mesh"};
	int argc = 1;

	snprintf(buf, sizeof buf, "%s", line);
	for (char *p = strtok(buf, " "); p != NULL; p = strtok(NULL, " "))
		argv[argc++] = p;
	return args_parse(a, argc, argv, NULL, NOW, err);
}

static void
takes(const char *line, struct args *a)
{
	struct err err;

	if (parse(a, line, &err) != 0)
		fail_msg("'%s': %s", line, err.text);
}

static void
good(void **state)
{
	struct args a;

	(void)state;
	takes("status", &a);
	assert_string_equal(a.verb->name, "status");
	assert_string_equal(a.socket, "/run/mesh/ctl");
	assert_int_equal(a.output, ARGS_TABLE);
	takes("ps", &a);
	assert_null(a.operand);
	takes("-wq ps web --socket /x", &a);
	assert_true(a.given[OPT_WATCH] && a.given[OPT_QUIET]);
	assert_string_equal(a.operand, "web");
	assert_string_equal(a.socket, "/x");
	takes("--socket=/y members -ojson", &a);
	assert_string_equal(a.socket, "/y");
	assert_int_equal(a.output, ARGS_JSON);
	static const char *const terminal[] = {"exec -it web.1 -- sh -c x", "exec -ti web.1 sh -c x",
	    "exec web.1 -it -- sh -c x", "exec -i --tty web.1 -- sh -c x"};
	for (size_t i = 0; i < ARRAY_LEN(terminal); i++) {
		takes(terminal[i], &a);
		assert_true(a.given[OPT_INTERACTIVE] && a.given[OPT_TTY]);
		assert_string_equal(a.operand, "web.1");
		assert_string_equal(a.command[0], "sh");
		assert_string_equal(a.command[1], "-c");
	}
	takes("exec web.1 sh -it", &a);
	assert_false(a.given[OPT_TTY]);
	takes("members -o wide --json", &a);
	assert_int_equal(a.output, ARGS_JSON);
	takes("logs web.1 -fn5", &a);
	assert_true(a.given[OPT_FOLLOW]);
	assert_int_equal(a.lines, 5);
	takes("logs --lines=0 -- web.1", &a);
	assert_int_equal(a.lines, 0);
	takes("logs web.1 --since 10m", &a);
	assert_int_equal(a.since_ms, NOW - 600000);
	takes("logs web.1 --since 1970-01-02", &a);
	assert_int_equal(a.since_ms, 86400000);
	takes("apply --force 12.deadbeef.3", &a);
	assert_true(a.given[OPT_FORCE]);
	takes("leader --to n2", &a);
	assert_string_equal(a.to, "n2");
	takes("members --status failed --tag disk=ssd --name web-?*", &a);
	assert_string_equal(a.status, "failed");
	assert_string_equal(a.tag, "disk=ssd");
	assert_string_equal(a.name, "web-?*");
	takes("members --compare", &a);
	assert_true(a.given[OPT_COMPARE]);
	takes("rtt", &a);
	assert_null(a.operand);
	takes("rtt n1", &a);
	assert_null(a.second);
	takes("rtt n1 n2", &a);
	assert_string_equal(a.operand, "n1");
	assert_string_equal(a.second, "n2");
	takes("reachability --matrix", &a);
	takes("schedule show --color never", &a);
	assert_int_equal(a.color, ARGS_COLOR_NEVER);
	takes("join [fe80::1]:7780", &a);
	takes("join n1.example.org:7780", &a);
	takes("logs --help", &a);
	takes("--version", &a);
	assert_null(a.verb);
}

static void
times_of_metrics(void **state)
{
	struct args a;

	(void)state;
	takes("metrics up --at 10m --range 1h --timeout 500ms", &a);
	assert_int_equal(a.at_ms, NOW - 600000);
	assert_int_equal(a.wait_ms, 500);
	takes("metrics up --at 2026-01-02T03:04:05Z --timeout 10s", &a);
	assert_int_equal(a.at_ms, INT64_C(1767323045000));
	assert_int_equal(a.wait_ms, 10000);
}

static void
refuses(const char *line, const char *error)
{
	struct args a;
	struct err err = {0};

	assert_int_equal(parse(&a, line, &err), -EXIT_USAGE_);
	assert_int_equal(err.code, 64);
	assert_string_equal(err.text, error);
}

static void
bad(void **state)
{
	static const struct {
		const char *line, *error;
	} cases[] = {
	    {"", "missing command; see mesh --help"},
	    {"stauts", "unknown command 'stauts'; did you mean 'status'? see "
		       "mesh --help"},
	    {"xyzzyx", "unknown command 'xyzzyx'; see mesh --help"},
	    {"logs", "logs: missing INSTANCE|ROLE; usage: mesh logs INSTANCE|ROLE [-f] "
		     "[-n N] [--since TIME] [--raw]"},
	    {"render", "render: missing ROLE; usage: mesh render ROLE [--raw] [--node NODE] [--scheduler DIR] [--input FILE]"},
	    {"leader --to", "--to: missing NODE"},
	    {"leader --to 'N\x9b'", "--to: ''N\\x9b'' is no node's name"},
	    {"ps --to n1", "ps: --to is not for this command; usage: mesh ps [ROLE] [-w]"},
	    {"ps -a", "unknown option '-a'; see mesh --help"},
	    {"apply", "apply: missing STAMP; usage: mesh apply STAMP [--force]"},
	    {"join", "join: missing HOST:PORT; usage: mesh join HOST:PORT [TOKEN] [--token-file FILE] [--forget]"},
	    {"token --uses 0", "--uses: '0' is not a number of nodes (1-65535)"},
	    {"token --uses 65536", "--uses: '65536' is not a number of nodes (1-65535)"},
	    {"token --uses 3x", "--uses: '3x' is not a number of nodes (1-65535)"},
	    {"token --expires 1", "--expires: '1' is not a duration from 1s to 365d (1h)"},
	    {"token --expires 1ms", "--expires: '1ms' is not a duration from 1s to 365d (1h)"},
	    {"token --expires 366d", "--expires: '366d' is not a duration from 1s to 365d (1h)"},
	    {"token --zone EU", "--zone: 'EU' is not a name ([a-z0-9][a-z0-9_.-]{0,62})"},
	    {"token --ca-key", "--ca-key: missing FILE"},
	    {"status --ca-key k", "status: --ca-key is not for this command; usage: mesh status [-w]"},
	    {"schedule", "schedule: missing COMMAND, one of: show, history, diff, revert, input, shadow; see mesh help schedule"},
	    {"schedule sohw", "schedule: unknown COMMAND 'sohw'; did you mean "
			      "'show'? see mesh help schedule"},
	    {"status now", "status: unexpected argument 'now'; usage: mesh "
			   "status [-w]"},
	    {"status -f", "status: --follow is not for this command; usage: "
			  "mesh status [-w]"},
	    {"--frobb", "unknown option '--frobb'; see mesh --help"},
	    {"ps --wacth", "unknown option '--wacth'; did you mean '--watch'? "
			   "see mesh --help"},
	    {"ps -x", "unknown option '-x'; see mesh --help"},
	    {"ps --json=1", "--json takes no value"},
	    {"ps -o", "--output: missing FORMAT"},
	    {"ps -o yaml", "-o: 'yaml' is not a format; allowed: json, wide, "
			   "name; of mesh test also tap, junit"},
	    {"ps --color=red", "--color: 'red' is unknown; allowed: auto, "
			       "always, never"},
	    {"logs w -n -1", "-n: '-1' is not a number of lines (0-10000)"},
	    {"logs w -n 10001", "-n: '10001' is not a number of lines "
				  "(0-10000)"},
	    {"logs w --since 2026-13-40",
		"--since: '2026-13-40' is not a date (YYYY-MM-DD[Thh:mm:ss]) "
		"nor a duration (10m)"},
	    {"logs ../x", "logs: INSTANCE|ROLE '../x' is not a name "
			  "([a-z0-9][a-z0-9_.-]{0,62})"},
	    {"apply --force 1.2.3", "apply: STAMP '1.2.3' is not "
				    "TERM.LEADER8.SEQ as in mesh schedule show"},
	    {"join host", "join: HOST:PORT 'host' is not HOST:PORT (port "
			  "1-65535)"},
	    {"join h:70000", "join: HOST:PORT 'h:70000' is not HOST:PORT (port "
			     "1-65535)"},
	    {"join h:80x", "join: HOST:PORT 'h:80x' is not HOST:PORT (port "
			   "1-65535)"},
	    {"join [1::2:80", "join: HOST:PORT '[1::2:80' is not HOST:PORT "
			      "(port 1-65535)"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		refuses(cases[i].line, cases[i].error);
}

static void
second_operands(void **state)
{
	static const struct {
		const char *line, *error;
	} cases[] = {
	    {"debug show here.json",
		"debug: only bundle takes FILE, not show; see mesh help debug"},
	    {"keys status n1",
		"keys: only rotate takes NODES, not status; see mesh help keys"},
	    {"keys rotate --force n1,", "keys: NODES 'n1,' is not names joined by commas"},
	    {"keys rotate --force n1,,n2",
		"keys: NODES 'n1,,n2' is not names joined by commas"},
	    {"keys rotate --force n1 n2",
		"keys: unexpected argument 'n2'; usage: mesh keys COMMAND [NODES] [--force]"},
	};
	char names[NAME_LIST_CAP + 1];
	char *argv[] = {"mesh", "keys", "rotate", names, "--force"};
	struct args a;
	struct err err;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		refuses(cases[i].line, cases[i].error);
	for (size_t i = 0; i < NAME_LIST_CAP; i++)
		names[i] = i % 2 ? ',' : 'n';
	names[NAME_LIST_CAP - 1] = '\0';
	assert_int_equal(args_parse(&a, ARRAY_LEN(argv), argv, NULL, NOW, &err), 0);
	assert_ptr_equal(a.second, names);
	memcpy(names + NAME_LIST_CAP - 1, "a", 2);
	assert_int_equal(args_parse(&a, ARRAY_LEN(argv), argv, NULL, NOW, &err), -64);
	assert_string_equal(err.text, "keys: NODES is 4096 bytes long; at most 4095");
}

static void
bad_ones_of_later_verbs(void **state)
{
	static const struct {
		const char *line, *error;
	} cases[] = {
	    {"members --status faled", "--status: unknown state 'faled'; did you mean 'failed'?"},
	    {"members --status x", "--status: unknown state 'x'; allowed: alive, suspect, failed, "
				   "left, restarting, evicted"},
	    {"exec -it web.1", "exec: missing COMMAND; usage: mesh exec INSTANCE [-i] [-t] -- COMMAND [ARG...]"},
	    {"exec -ix web.1 -- sh", "unknown option '-ix'; see mesh --help"},
	    {"ps -t", "ps: --tty is not for this command; usage: mesh ps [ROLE] [-w]"},
	    {"members --tag ssd", "--tag: 'ssd' is not KEY=VALUE"},
	    {"members --tag a=b,c=d", "--tag: 'a=b,c=d' is not KEY=VALUE"},
	    {"members --name N[1]", "--name: 'N[1]' can match no name (a-z 0-9 _ . - and * ?)"},
	    {"members --matrix", "members: --matrix is not for this command; usage: mesh members "
				 "[-w] [--compare] [--status STATE] [--tag K=V] [--name GLOB]"},
	    {"members --compare --name n1", "members: --name is not for --compare, which asks and "
					    "shows all; leave one of the two out"},
	    {"members --tag a=b --compare", "members: --tag is not for --compare, which asks and "
					    "shows all; leave one of the two out"},
	    {"members --compare --status alive", "members: --status is not for --compare, which asks "
						 "and shows all; leave one of the two out"},
	    {"rtt n1 N2", "rtt: NODE 'N2' is not a name ([a-z0-9][a-z0-9_.-]{0,62})"},
	    {"keys", "keys: missing COMMAND, one of: status, rotate, export; see mesh help keys"},
	    {"scale", "scale: missing ROLE; usage: mesh scale ROLE N"},
	    {"scale web", "scale: missing N; usage: mesh scale ROLE N"},
	    {"scale web 5 6", "scale: unexpected argument '6'; usage: mesh scale ROLE N"},
	    {"update web V1", "update: VERSION 'V1' is not a name ([a-z0-9][a-z0-9_.-]{0,62})"},
	    {"update web v1 image", "update: 'image' is not KEY=VALUE; see mesh help update"},
	    {"action web x A=1", "action: 'A=1' is not KEY=VALUE; see mesh help action"},
	    {"action --retry n1", "--retry: 'n1' is no action's id (NODE.NUMBER, as in mesh actions)"},
	    {"action --drop n1.x", "--drop: 'n1.x' is no action's id (NODE.NUMBER, as in mesh actions)"},
	    {"role web add", "role: unknown COMMAND 'web', it is one of: add, remove; see mesh help role"},
	    {"node tag N1 a=b", "node: NODE 'N1' is not a name ([a-z0-9][a-z0-9_.-]{0,62})"},
	    {"drain N1", "drain: NODE 'N1' is not a name ([a-z0-9][a-z0-9_.-]{0,62})"},
	    {"leave n2", "leave: unexpected argument 'n2': it is for the node that it is run on, so run it on n2"},
	    {"rtt n1 n2 n3", "rtt: unexpected argument 'n3'; usage: mesh rtt [NODE [NODE]] [-w]"},
	    {"partitoin", "unknown command 'partitoin'; did you mean 'partition'? see mesh --help"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		refuses(cases[i].line, cases[i].error);
}

/* Arguments no shell line above can hold. */
static void
hostile(void **state)
{
	struct args a;
	struct err err;
	char *newline[] = {"mesh", "logs", "web\n\033[2J"};
	char *invalid[] = {"mesh", "ps", "w\xff"};
	char *empty[] = {"mesh", "logs", ""};
	char *huge[] = {"mesh", "logs", NULL};
	char *verb[] = {"mesh", NULL};
	char *option[] = {"mesh", NULL, "ps"};

	(void)state;
	assert_int_equal(args_parse(&a, 3, newline, NULL, NOW, &err), -64);
	assert_string_equal(err.text, "logs: INSTANCE|ROLE 'web\\x0a\\x1b[2J' is not a name "
				      "([a-z0-9][a-z0-9_.-]{0,62})");
	assert_int_equal(args_parse(&a, 3, invalid, NULL, NOW, &err), -64);
	assert_non_null(strstr(err.text, "ROLE 'w\\xff' is not a name"));
	assert_int_equal(args_parse(&a, 3, empty, NULL, NOW, &err), -64);

	size_t len = 4 << 20;
	char *long_word = malloc(len + 3);
	memset(long_word, 'a', len);
	long_word[len] = '\0';
	huge[2] = verb[1] = long_word;
	assert_int_equal(args_parse(&a, 3, huge, NULL, NOW, &err), -64);
	assert_string_equal(err.text, "logs: INSTANCE|ROLE is 4194304 bytes long; at most 4096");
	assert_int_equal(args_parse(&a, 2, verb, NULL, NOW, &err), -64);
	assert_int_equal(strncmp(err.text, "unknown command 'aaaa", 21), 0);
	memcpy(long_word, "--", 2);
	option[1] = long_word;
	assert_int_equal(args_parse(&a, 3, option, NULL, NOW, &err), -64);
	assert_int_equal(strncmp(err.text, "unknown option '--aaa", 21), 0);
	free(long_word);
}

static void
socket_from_environment(void **state)
{
	char *argv[] = {"mesh", "ps", "--socket", "/b"}, path[200];
	struct args a;
	struct err err;

	(void)state;
	assert_int_equal(args_parse(&a, 2, argv, "/a", NOW, &err), 0);
	assert_string_equal(a.socket, "/a");
	assert_int_equal(args_parse(&a, 4, argv, "/a", NOW, &err), 0);
	assert_string_equal(a.socket, "/b");
	assert_int_equal(args_parse(&a, 2, argv, "", NOW, &err), 0);
	assert_string_equal(a.socket, "/run/mesh/ctl");
	memset(path, 'p', sizeof path);
	path[sizeof path - 1] = '\0';
	assert_int_equal(args_parse(&a, 2, argv, path, NOW, &err), -64);
	assert_int_equal(strncmp(err.text, "$MESH_SOCKET: 'ppp", 18), 0);
}

/* The table itself: every row can be reached and run. */
static void
table_is_whole(void **state)
{
	(void)state;
	for (size_t i = 0; i < verbs_count; i++) {
		const struct verb *v = &verbs[i];

		assert_ptr_equal(verb_find(v->name), v);
		assert_non_null(v->summary);
		assert_true(v->local_word != NULL || v->local_options != 0 ? v->local != NULL && v->print != NULL :
						    (v->local != NULL) != (v->print != NULL));
		/* A command of root's may take as long as it likes. */
		assert_true(v->print == NULL || v->timeout_ms > 0 || strcmp(v->name, "run") == 0);
		assert_true((v->operand == OPERAND_NONE) == (v->operand_name == NULL));
		assert_int_equal(v->options & OPT_EVERYWHERE, 0);
	}
	for (int o = 0; o < OPT_COUNT; o++) {
		assert_non_null(options[o].name);
		assert_non_null(options[o].help);
		for (int other = 0; other < o; other++) {
			assert_string_not_equal(options[o].name, options[other].name);
			assert_true(
			    options[o].letter == 0 || options[o].letter != options[other].letter);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(good),
	    cmocka_unit_test(times_of_metrics),
	    cmocka_unit_test(bad),
	    cmocka_unit_test(second_operands),
    cmocka_unit_test(bad_ones_of_later_verbs),
	    cmocka_unit_test(hostile),
	    cmocka_unit_test(socket_from_environment),
	    cmocka_unit_test(table_is_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
