/*
 * test_metrics.c - how `mesh metrics` and `mesh top` are shown: values by labels, lines
 * that are drawn, errors with their place; from a daemon that tells all, little, or lies.
 */
#include "line.h"

#include <math.h>

#include "../../../daemon/cli/spark.h"

#define DATA(kind, series)                                                                         \
	ANSWER("{\"kind\":\"" kind "\",\"text\":null,\"nodes\":2,\"missing\":[],\"took_ms\":3,\"series\":[" series "]}")
#define ONE(labels, points) "{\"labels\":{" labels "},\"points\":[" points "]}"

static void
values_by_labels(void **state)
{
	const struct script s = {.verb = "metrics", .frames = {DATA("vector",
	    ONE("\"node\":\"n1\",\"__name__\":\"up\"", "[1795248000000,1.5]") ","
	    ONE("\"__name__\":\"up\",\"role\":\"db\"", "[1795248000000,\"NaN\"]") ","
	    ONE("\"__name__\":\"up\",\"node\":\"n3\"", "[1795248000000,\"-Inf\"]"))}};
	const struct script many = {.verb = "metrics", .frames = {DATA("vector",
	    ONE("\"a\":\"1\",\"b\":\"2\",\"c\":\"3\",\"d\":\"4\",\"e\":\"5\",\"f\":\"6\",\"g\":\"7\\\"\"", "[1,2]"))}};
	const struct script none = {.verb = "metrics", .frames = {DATA("vector", "")}};
	static const struct {
		const char *frame, *text;
	} numbers[] = {{DATA("scalar", ONE("", "[1,25205342208]")), "25205342208\n"},
	    {DATA("scalar", ONE("", "[1,-999999999999999]")), "-999999999999999\n"},
	    {DATA("scalar", ONE("", "[1,1e15]")), "1e+15\n"}, {DATA("scalar", ONE("", "[1,0.1]")), "0.1\n"},
	    {DATA("scalar", ONE("", "[1,76721352704.25]")), "7.67213527e+10\n"}};
	const struct script number = {.verb = "metrics", .frames = {DATA("scalar", ONE("", "[1,\"+Inf\"]"))}};

	(void)state;
	check("metrics up", 0, &s, 0,
	    "METRIC  node    role    VALUE\n"
	    "up      n1      <none>  1.5\n"
	    "up      <none>  db      NaN\n"
	    "up      n3      <none>  -Inf\n", "");
	check("metrics up -o wide", 0, &s, 0,
	    "SERIES         VALUE\n"
	    "up{node=\"n1\"}  1.5\n"
	    "up{role=\"db\"}  NaN\n"
	    "up{node=\"n3\"}  -Inf\n", "");
	check("metrics up -q", 0, &s, 0, "up{node=\"n1\"}\nup{role=\"db\"}\nup{node=\"n3\"}\n", "");
	check("metrics x --no-headers", 0, &many, 0,
	    "{a=\"1\",b=\"2\",c=\"3\",d=\"4\",e=\"5\",f=\"6\",g=\"7\\\"\"}  2\n", "");
	check("metrics x --no-headers", 0, &none, 0, "", "");
	check("metrics 1/0", 0, &number, 0, "+Inf\n", "");
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		const struct script one = {.verb = "metrics", .frames = {numbers[i].frame}};

		check("metrics x", 0, &one, 0, numbers[i].text, "");
	}
}

static void
lines_are_drawn(void **state)
{
	const struct script s = {.verb = "metrics", .frames = {DATA("matrix",
	    ONE("\"n\":\"1\"", "[1795247940000,0],[1795247950000,7],[1795247960000,3.5],[1795247970000,\"NaN\"],"
			       "[1795247990000,7],[1795248000000,1]") ","
	    ONE("", "[1795247940000,5]"))}};

	(void)state;
	/* The same minute is drawn, whether it is the last one or was asked for. */
	check("metrics x --range 1m --step 10s --at 2026-11-21T08:00:00", 0, &s, 0,
	    "SERIES   MIN  MAX  LAST  OVER TIME\n"
	    "{n=\"1\"}  0    7    1     \xe2\x96\x81\xe2\x96\x88\xe2\x96\x85! \xe2\x96\x88\xe2\x96\x82\n"
	    "{}       5    5    5     \xe2\x96\x81      \n", "");
	check("metrics x --range 1m --step 10s", 0, &s, 0,
	    "SERIES   MIN  MAX  LAST  OVER TIME\n"
	    "{n=\"1\"}  0    7    1     \xe2\x96\x81\xe2\x96\x88\xe2\x96\x85! \xe2\x96\x88\xe2\x96\x82\n"
	    "{}       5    5    5     \xe2\x96\x81      \n", "");
}

static void
no_peak_is_lost(void **state)
{
	struct spark s;
	char *text;

	(void)state;
	spark_begin(&s, 0, 999, 10);
	for (int i = 0; i < 1000; i++)
		spark_add(&s, i, i == 555 ? 9 : 1);
	text = spark_text(&s);
	assert_string_equal(text, "\xe2\x96\x81\xe2\x96\x81\xe2\x96\x81\xe2\x96\x81\xe2\x96\x81\xe2\x96\x88"
				  "\xe2\x96\x81\xe2\x96\x81\xe2\x96\x81\xe2\x96\x81");
	free(text);
	/* What a daemon may say of times and values. */
	spark_begin(&s, 5, 5, 100000);
	spark_add(&s, INT64_MIN / 4, 1e308);
	spark_add(&s, INT64_MAX / 4, -1e308);
	spark_add(&s, 5, INFINITY);
	text = spark_text(&s);
	assert_true(strlen(text) <= 3 * SPARK_COLUMNS_MAX);
	free(text);
}

static void
names(void **state)
{
	const struct script s = {.verb = "metadata", .frames = {ANSWER("{\"data\":["
	    "{\"metric\":\"node_load1\",\"type\":\"gauge\",\"help\":\"1m load average.\"},"
	    "{\"metric\":\"up\",\"type\":\"unknown\",\"help\":\"\"}],\"nodes\":1,\"missing\":[],\"took_ms\":1}")}};

	(void)state;
	check("metrics --list", 0, &s, 0,
	    "METRIC      TYPE     HELP\n"
	    "node_load1  gauge    1m load average.\n"
	    "up          unknown  <none>\n", "");
	check("metrics --list node_* -o name", 0, &s, 0, "node_load1\n", "");
}

static void
errors_have_a_place(void **state)
{
	const struct script s = {.verb = "metrics",
	    .frames = {"{\"ok\":false,\"code\":64,\"hint\":\"\",\"error\":\"metrics: 1:6: parse error: unexpected x\"}"}};
	const struct script far = {.verb = "metrics",
	    .frames = {"{\"ok\":false,\"code\":64,\"hint\":\"\",\"error\":\"metrics: 9:4000000000: parse error\"}"}};
	const struct script busy = {.verb = "metrics",
	    .frames = {"{\"ok\":false,\"code\":1,\"hint\":\"\",\"error\":\"metrics: busy: 32 queries are under way\"}"}};
	struct outcome o;

	(void)state;
	check("metrics sum(x(", 0, &s, 64, "",
	    "mesh: metrics: 1:6: parse error: unexpected x\n    sum(x(\n         ^\n");
	check("metrics sum(x(", 0, &far, 64, "", "mesh: metrics: 9:4000000000: parse error\n");
	check("metrics up", 0, &busy, 1, "", "mesh: metrics: busy: 32 queries are under way\n");
	run_line(&o, "metrics", 0, false);
	assert_int_equal(o.code, 64);
	assert_non_null(strstr(o.error, "metrics: missing EXPR"));
	free(o.out);
	free(o.error);
	run_line(&o, "metrics up --step 5s", 0, false);
	assert_int_equal(o.code, 64);
	assert_non_null(strstr(o.error, "--step is of a range"));
	free(o.out);
	free(o.error);
}

static void
a_liar(void **state)
{
	const struct script s = {.verb = "metrics", .frames = {ANSWER("{\"kind\":[],\"series\":[3,{\"labels\":[1],"
	    "\"points\":{}},{\"labels\":{\"\\u001b[2J\":\"\\u001b[2J\"},\"points\":[[1,{}]]}],\"missing\":3}")}};
	const struct script scalar = {.verb = "metrics", .frames = {DATA("scalar", "")}};
	const struct script list = {.verb = "metadata", .frames = {ANSWER("[1]")}};

	(void)state;
	check("metrics up -o wide", 0, &s, 0,
	    "SERIES                 VALUE\n"
	    "{}                     NaN\n"
	    "{}                     NaN\n"
	    "{\\x1b[2J=\"\\u001B[2J\"}  NaN\n", "");
	check("metrics 1", 0, &scalar, 0, "NaN\n", "");
	check("metrics --list --no-headers", 0, &list, 0, "", "");
}

#define OF(what, node, more, value) ONE("\"what\":\"" what "\",\"node\":\"" node "\"" more, "[1," value "]")

static void
top(void **state)
{
	const struct script s = {.verb = "metrics", .frames = {DATA("vector",
	    OF("cpu", "n1", "", "0.5") "," OF("cores", "n1", "", "2") "," OF("memory", "n1", "", "4294967296") ","
	    OF("free", "n1", "", "1073741824") "," OF("cpu", "n2", "", "1.25") "," OF("load", "n2", "", "0.1") ","
	    OF("cpu", "n1", ",\"instance\":\"web.1\",\"role\":\"web\"", "0.1") ","
	    OF("memory", "n1", ",\"instance\":\"web.1\",\"role\":\"web\"", "1048576") ","
	    OF("limit", "n1", ",\"instance\":\"web.1\",\"role\":\"web\"", "0") ","
	    OF("cpu", "n2", ",\"instance\":\"db.1\",\"role\":\"db\"", "0.9"))}};

	(void)state;
	/* ps and members do not answer: what is known is shown. */
	check("top", 0, &s, 0,
	    "NODE  STATE   CPU   CORES   MEM        LOAD    DISK R/W  NET IN/OUT  INSTANCES\n"
	    "n2    <none>  1.25  <none>  <none>     0.10    <none>    <none>      <none>\n"
	    "n1    <none>  0.50  2       3.0G/4.0G  <none>  <none>    <none>      <none>\n"
	    "\n"
	    "INSTANCE  NODE  CPU    MEM/LIMIT  RESTARTS  STATE\n"
	    "db.1      n2    0.900  <none>     <none>    <none>\n"
	    "web.1     n1    0.100  1.0M/-     <none>    <none>\n", "");
	check("top -o name", 0, &s, 0, "db.1\nweb.1\n", "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(values_by_labels),
	    cmocka_unit_test(lines_are_drawn),
	    cmocka_unit_test(no_peak_is_lost),
	    cmocka_unit_test(names),
	    cmocka_unit_test(errors_have_a_place),
	    cmocka_unit_test(a_liar),
	    cmocka_unit_test(top),
	};

	return cmocka_run_group_tests(tests, make_dir, drop_dir);
}
