/*
 * test_logs.c - how what containers wrote is shown: mesh logs of one and of a role.
 */
#include "line.h"

static void
logs(void **state)
{
	const struct script s = {.verb = "logs",
	    .frames = {"{\"ok\":true,\"more\":true,\"data\":{\"text\":"
		       "\"2026-11-21T07:59:59.001Z out old\\n  stack\\n\"}}",
		"{\"ok\":true,\"more\":false,\"data\":{\"text\":"
		"\"2026-11-21T08:00:00.001Z err \\u001b[2Jnew\\n\"}}"}};

	(void)state;
	check("logs web.1", 0, &s, 0,
	    "2026-11-21T07:59:59.001Z out old\n  stack\n"
	    "2026-11-21T08:00:00.001Z err \\x1b[2Jnew\n",
	    "");
	check("logs web.1 --since 2026-11-21T08:00:00", 0, &s, 0,
	    "2026-11-21T08:00:00.001Z err \\x1b[2Jnew\n", "");
	check("logs web.1 --raw --since 2026-11-21T08:00", 0, &s, 0,
	    "2026-11-21T08:00:00.001Z err \033[2Jnew\n", "");
	check("logs web.1 --json", 0, &s, 0,
	    "{\"text\":\"2026-11-21T07:59:59.001Z out old\\n  stack\\n\"}\n"
	    "{\"text\":\"2026-11-21T08:00:00.001Z err \\u001B[2Jnew\\n\"}\n",
	    "");
}

/* Of a role: whose each line is; what is to be known of nodes is no line. */
static void
logs_of_a_role(void **state)
{
	const struct script s = {.verb = "logs",
	    .frames = {"{\"ok\":true,\"more\":true,\"data\":{\"node\":\"n3\",\"note\":\"is failed \\u001b[2J\"}}",
		"{\"ok\":true,\"more\":true,\"data\":{\"instance\":\"web.1\",\"node\":\"n1\",\"text\":"
		"\"2026-11-21T07:59:59.001Z out old\\n2026-11-21T08:00:00.001Z out web.2@n2 \\u001b[2J\\n\"}}",
		"{\"ok\":true,\"more\":true,\"data\":{\"instance\":\"web.\\u001b2\",\"node\":\"n2\",\"text\":"
		"\"2026-11-21T08:00:00.002Z err new\\n\"}}",
		ANSWER("{\"asked\":3,\"answered\":2,\"logs\":2}")}};
	const struct script all = {.verb = "logs",
	    .frames = {ANSWER("{\"asked\":3,\"answered\":3,\"logs\":2}")}};

	(void)state;
	check("logs web", 0, &s, 1,
	    "web.1@n1 2026-11-21T07:59:59.001Z out old\n"
	    "web.1@n1 2026-11-21T08:00:00.001Z out web.2@n2 \\x1b[2J\n"
	    "web.\\x1b2@n2 2026-11-21T08:00:00.002Z err new\n",
	    "");
	check("logs web --since 2026-11-21T08:00:00 --raw", 0, &s, 1,
	    "web.1@n1 2026-11-21T08:00:00.001Z out web.2@n2 \033[2J\n"
	    "web.\\x1b2@n2 2026-11-21T08:00:00.002Z err new\n",
	    "");
	check("logs web", 0, &all, 0, "", "");
	check("logs web --json", 0, &all, 0, "{\"asked\":3,\"answered\":3,\"logs\":2}\n", "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(logs),
	    cmocka_unit_test(logs_of_a_role),
	};

	return cmocka_run_group_tests(tests, make_dir, drop_dir);
}
