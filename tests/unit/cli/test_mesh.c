/*
 * test_mesh.c - how the mesh itself is shown: sides, votes, who sees whom; from
 * a healthy daemon, and from one that lies.
 */
#include "line.h"

/* --- who sees whom ------------------------------------------------------------- */

#define NODE(name, asked, why, via, sees)                                                          \
	"{\"name\":\"" name "\",\"asked\":\"" asked "\",\"why\":" why ",\"via\":" via                  \
	",\"sees\":" sees "}"
#define TOLD(name, sees) NODE(name, "answered", "null", "null", "\"" sees "\"")
#define MATRIX(nodes, faults)                                                                      \
	ANSWER("{\"node\":\"n1\",\"took_ms\":1100,\"nodes\":[" nodes "],\"faults\":[" faults           \
	       "],\"faults_more\":0,\"unlisted\":0}")

static void
all_agree(void **state)
{
	/* In the order of ids; shown in that of names. */
	const struct script s = {.verb = "members",
	    .frames = {MATRIX(TOLD("n2", "*++") "," TOLD("n10", "+*+") "," TOLD("n1", "++*"), "")}};

	(void)state;
	check("members --compare", 0, &s, 0,
	    "asked by n1: 3 of 3 answered, in 1.1s\n"
	    "  no fault: all who answered agree\n"
	    "      1 2 3\n"
	    "1 n1  * + +\n"
	    "2 n2  + * +\n"
	    "3 n10 + + *\n"
	    "+ alive, answers\n",
	    "");
}

static void
one_way_stands_out(void **state)
{
	const struct script s = {.verb = "reachability",
	    .frames = {MATRIX(TOLD("n1", "*>+x") "," NODE("n2", "answered", "null", "\"n3\"",
				  "\"!*+x\"") "," TOLD("n3", "++*x") ","
				  NODE("n4", "not asked", "\"it is failed\"", "null", "null"),
		"{\"kind\":\"one-way\",\"text\":\"n1 -> n2: one way\",\"node\":\"n1\","
		"\"other\":\"n2\"}")}};

	(void)state;
	check("reachability --matrix", 0, &s, 1,
	    "asked by n1: 3 of 4 answered, in 1.1s\n"
	    "  n1 -> n2: one way\n"
	    "     1 2 3 4\n"
	    "1 n1 * > + x\n"
	    "2 n2 ! * + x  told through n3\n"
	    "3 n3 + + * x\n"
	    "4 n4 not asked: it is failed\n"
	    "+ alive, answers   > one way: heard, but does not hear   "
	    "! alive by the word of others only   x failed\n",
	    "");
	check("reachability --matrix -q", 0, &s, 1, "", "");
}

/* No fault, but not all answer: that is what was asked.  Who left is not expected to. */
static void
silent_ones(void **state)
{
#define THIRD(asked, why) {.verb = "reachability", .frames = {MATRIX(TOLD("n1", "*+?") "," \
	TOLD("n2", "+*?") "," NODE("n3", asked, "\"" why "\"", "null", "null"), "")}}
	struct script rows[] = {THIRD("silent", "no answer in time"), THIRD("not asked", "it is failed"),
	    THIRD("not asked", "it left")};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		check("reachability --matrix -q", 0, &rows[i], i < 2, "", "");
		rows[i].verb = "members";
		check("members --compare -q", 0, &rows[i], 0, "", "");
	}
}

/* Forty nodes: only what is not as everywhere else. */
static void
only_what_differs(void **state)
{
	static char frame[16 << 10];
	struct script s = {.verb = "members", .frames = {frame}};
	size_t n = 0;

	(void)state;
	n += (size_t)snprintf(frame, sizeof frame,
	    "{\"ok\":true,\"more\":false,\"data\":{\"node\":\"n1\",\"took_ms\":9,\"faults\":[],"
	    "\"nodes\":[");
	for (int i = 0; i < 40; i++) {
		char sees[41];

		memset(sees, '+', 40);
		sees[i] = '*';
		sees[38] = i == 38 ? '*' : 'x'; /* all agree on that */
		if (i == 6)
			sees[8] = '?';
		sees[40] = '\0';
		n += (size_t)snprintf(frame + n, sizeof frame - n,
		    "%s{\"name\":\"n%d\",\"asked\":\"answered\",\"sees\":\"%s\"}",
		    i > 0 ? "," : "", i + 1, sees);
	}
	snprintf(frame + n, sizeof frame - n, "]}}");
	check("members --compare", 0, &s, 0,
	    "asked by n1: 40 of 40 answered, in 9ms\n"
	    "  no fault: all who answered agree\n"
	    "1 of 40 rows, those that differ:\n"
	    "       9\n"
	    " 7 n7  ?\n"
	    "? suspect\n",
	    "");
}

/* Rows too short, letters that are none, names with escapes: shown harmlessly. */
static void
a_liar(void **state)
{
	const struct script s = {.verb = "members",
	    .frames = {MATRIX(TOLD("a\\u001b[2J", "*\\u001b") "," TOLD("b", "+") ","
		    "7,{\"name\":9,\"sees\":[1]}",
		"{\"text\":\"x\\u009by\"},3,null")}};
	const struct script none = {.verb = "members", .frames = {ANSWER("\"?\"")}};

	(void)state;
	check("members --compare", 0, &s, 1,
	    "asked by n1: 2 of 4 answered, in 1.1s\n"
	    "  x\\xc2\\x9by\n"
	    "  <none>\n"
	    "  <none>\n"
	    "           1 2 3 4\n"
	    "1          <none>: <none>\n"
	    "2          <none>: <none>\n"
	    "3 a\\x1b[2J answered: <none>\n"
	    "4 b        answered: <none>\n",
	    "");
	check("members --compare", 0, &none, 0,
	    "asked by <none>: 0 of 0 answered, in <1ms\n"
	    "  no fault: all who answered agree\n",
	    "");
}

/* --- sides and votes --------------------------------------------------------------- */

static void
partition(void **state)
{
	const struct script split = {.verb = "partition",
	    .frames = {ANSWER("{\"node\":\"n1\",\"grade\":\"full\",\"visible\":2,\"known\":3,"
			      "\"visible_weight\":2,\"known_weight\":3,\"term\":4,\"since_ms\":61000,"
			      "\"leader\":\"n2\",\"tie_breaker\":\"n1\",\"here\":[\"n2\",\"n1\"],\"suspected\":[\"n4\"],"
			      "\"missing\":[{\"name\":\"n3\",\"address\":\"10.0.0.3:7780\",\"state\":"
			      "\"failed\",\"since_ms\":59000,\"weight\":1}],\"sides\":[{\"leader\":"
			      "\"n2\",\"term\":4,\"grade\":\"full\",\"since_ms\":61000,\"nodes\":"
			      "[\"n1\",\"n2\"]}],\"silent\":[]}")}};
	const struct script none = {.verb = "partition",
	    .frames = {ANSWER("{\"node\":\"n3\",\"grade\":\"none\",\"leader\":null,\"silent\":"
			      "[\"n9\"],\"sides\":[{\"leader\":null,\"grade\":\"none\",\"nodes\":"
			      "[\"n3\"]}]}")}};
	const struct script whole = {.verb = "partition",
	    .frames = {ANSWER("{\"node\":\"n1\",\"grade\":\"full\",\"leader\":\"n1\",\"here\":"
			      "[\"n1\"],\"missing\":[],\"sides\":[{}]}")}};

	(void)state;
	check("partition", 0, &split, 1,
	    "side of n1: full  weight 2 of 3  members 2 of 3  since 1m1s  tie-breaker n1\n"
	    "here: n1 n2\n"
	    "suspected: n4\n"
	    "leaders, as heard:\n"
	    "  n1 n2: n2 leads  term 4  side full  since 1m1s\n"
	    "missing:\n"
	    "  n3  10.0.0.3:7780  failed  since 59s  weight 1\n",
	    "");
	check("partition", 0, &none, 2,
	    "side of n3: none  weight 0 of 0  members 0 of 0  since 0s\n"
	    "here: nobody\n"
	    "leaders, as heard:\n"
	    "  n3: no leader  side none  since 0s\n"
	    "did not say: n9\n",
	    "");
	check("partition -q", 0, &whole, 0, "n1\n", "");
}

static void
roster(void **state)
{
	const struct script s = {.verb = "roster",
	    .frames = {ANSWER("{\"node\":\"n1\",\"roster\":\"4.9\",\"electors\":3,\"weight\":3,"
			      "\"joint\":true,\"waits_for\":\"a majority\",\"knows_stored\":true,"
			      "\"stored_weight\":1,\"votes\":["
			      "{\"name\":\"n2\",\"state\":\"failed\",\"weight\":1,\"change\":\"joins\","
			      "\"tie_breaker\":false,\"stored\":false},"
			      "{\"name\":\"n1\",\"state\":\"alive\",\"weight\":2,\"change\":null,"
			      "\"tie_breaker\":true,\"stored\":true}]}")}};

	(void)state;
	check("roster", 0, &s, 0,
	    "roster 4.9  3 electors  weight 3  stored by weight 1  as known to n1\n"
	    "a change is under way: the old and the new set must both agree\n"
	    "waits for: a majority\n"
	    "NODE  STATE   WEIGHT  CHANGE  NOTE         STORED\n"
	    "n1    alive   2       <none>  tie-breaker  yes\n"
	    "n2    failed  1       joins   <none>       no\n",
	    "");
	check("roster -q", 0, &s, 0, "n1\nn2\n", "");
}

/* It is told of no change any more, and what it shows is no lie. */
static void
roster_of_who_is_out(void **state)
{
	const struct script s = {.verb = "roster",
	    .frames = {ANSWER("{\"node\":\"n3\",\"out\":true,\"roster\":\"4.9\",\"electors\":1,\"weight\":1,"
			      "\"votes\":[{\"name\":\"n3\",\"state\":\"evicted\",\"weight\":1}]}")}};

	(void)state;
	check("roster", 0, &s, 0,
	    "roster 4.9  1 electors  weight 1  as known to n3\n"
	    "as of when this node was a member: it is none now, and hears of no change\n"
	    "NODE  STATE    WEIGHT  CHANGE  NOTE    STORED\n"
	    "n3    evicted  1       <none>  <none>  <none>\n",
	    "");
}

/* --- what nodes say of themselves ---------------------------------------------------- */

#define FACTS(name, more)                                                                          \
	"{\"name\":\"" name "\"," more ",\"arch\":\"x86_64\",\"cpus\":2,\"memory_bytes\":1048576,"      \
	"\"kernel\":\"6.1\",\"config_hash\":\"ab\",\"sandboxes\":[\"web\"],\"images\":[]}"

/* A state is as old as what was last heard. */
static void
facts(void **state)
{
	const struct script all = {.verb = "facts",
	    .frames = {ANSWER("[" FACTS("n2", "\"state\":\"alive\",\"draining\":true,\"known\":\"yes\",\"seen_ms\":4000")
		"," FACTS("n1", "\"state\":\"alive\",\"self\":true,\"known\":\"yes\",\"seen_ms\":0")
		",{\"name\":\"n3\",\"state\":\"suspect\",\"known\":\"no\",\"seen_ms\":null}]")}};
	const struct script one = {.verb = "facts",
	    .frames = {ANSWER("[" FACTS("n2", "\"state\":\"failed\",\"unstable\":true,\"known\":\"old\",\"seen_ms\":61000,"
					      "\"version\":3,\"generation\":9") "]")}};
	const struct script never = {.verb = "facts",
	    .frames = {ANSWER("[{\"name\":\"n3\",\"state\":\"alive\",\"known\":\"no\",\"seen_ms\":null}]")}};

	(void)state;
	check("facts", 0, &all, 0,
	    "NODE  STATE           SEEN    KNOWN  ARCH    CPUS    MEMORY  KERNEL  CONFIG  SANDBOXES  IMAGES\n"
	    "n1*   alive           0s      yes    x86_64  2       1Mi     6.1     ab      1          0\n"
	    "n2    alive,draining  4s      yes    x86_64  2       1Mi     6.1     ab      1          0\n"
	    "n3    suspect         <none>  no     <none>  <none>  <none>  <none>  <none>  <none>     <none>\n",
	    "");
	check("facts n2", 0, &one, 0,
	    "n2  failed,unstable  heard 1m1s ago  version 3 of life 9, and it has said something newer since\n"
	    "arch x86_64\nkernel 6.1\ncpus 2\nmemory 1Mi\nconfig_hash ab\nsandboxes 1\n  web\nimages 0\n",
	    "");
	check("facts n3", 0, &never, 0, "n3  alive  never heard  its facts are not known here (yet)\n", "");
}

/* --- who misses a change of the key ---------------------------------------------------- */

#define KEYS(certified)                                                                            \
	ANSWER("{\"epoch\":2,\"phase\":\"steady\",\"leader\":true,\"members\":1,\"waiting\":0,\"certified\":" certified \
	       ",\"without_vote\":[{\"name\":\"n5\",\"state\":\"failed\",\"up\":false},"                   \
	       "{\"name\":\"n4\",\"state\":\"alive\",\"up\":true}],\"nodes\":[{\"name\":\"n1\",\"epoch\":2,"   \
	       "\"state\":\"done\",\"waited\":false,\"passed\":false}]}")

static void
keys(void **state)
{
	const struct script starter = {.verb = "keys", .frames = {KEYS("false")}};
	const struct script certified = {.verb = "keys", .frames = {KEYS("true")}};
	const struct script liar = {.verb = "keys",
	    .frames = {ANSWER("{\"phase\":\"steady\",\"leader\":true,\"without_vote\":[7,{\"name\":\"n\\u001B\",\"up\":4}]}")}};

	(void)state;
	check("keys status", 0, &starter, 0,
	    "epoch 2  steady\n"
	    "n4 is alive and has no vote: no change of the key begins before it has one (mesh roster)\n"
	    "n5 is failed and has no vote: a change of the key leaves it behind: then it comes as a new node, with mesh keys export\n"
	    "NODE  EPOCH  KEY   NOTE\n"
	    "n1    2      done  <none>\n",
	    "");
	check("keys status", 0, &certified, 0,
	    "epoch 2  steady\n"
	    "n4 is alive and has no vote: no change of the key begins before it has one (mesh roster)\n"
	    "n5 is failed and has no vote: a change of the key goes on without it; its certificate lets it in again\n"
	    "NODE  EPOCH  KEY   NOTE\n"
	    "n1    2      done  <none>\n",
	    "");
	check("keys status", 0, &liar, 0,
	    "epoch 0  steady\n"
	    "<none> is <none> and has no vote: a change of the key leaves it behind: then it comes as a new node, with mesh keys export\n"
	    "n\\x1b is <none> and has no vote: a change of the key leaves it behind: then it comes as a new node, with mesh keys export\n",
	    "");
}

static void
round_trips(void **state)
{
	const struct script s = {.verb = "rtt",
	    .frames = {ANSWER("[{\"from\":\"n1\",\"to\":\"n3\",\"state\":\"alive\",\"rtt_ms\":0,"
			      "\"answers\":true},{\"from\":\"n1\",\"to\":\"n2\",\"state\":\"failed\","
			      "\"rtt_ms\":7,\"answers\":false},{\"from\":\"n5\",\"to\":\"n6\",\"state\":\"alive\","
			      "\"rtt_ms\":null,\"answers\":null}]")}};
	const struct script r = {.verb = "reachability",
	    .frames = {ANSWER("{\"node\":\"n1\",\"took_ms\":1000,\"asked\":4,\"answered\":1,"
			      "\"nodes\":[{\"name\":\"n5\",\"address\":\"d\",\"state\":\"alive\","
			      "\"answered\":false,\"heard\":false,\"udp_blocked\":true,\"rtt_ms\":null},{\"name\":\"n2\",\"address\":\"a\",\"state\":\"alive\","
			      "\"answered\":false,\"heard\":true,\"rtt_ms\":null},{\"name\":\"n4\","
			      "\"address\":\"c\",\"state\":\"alive\",\"answered\":false,\"heard\":false,"
			      "\"rtt_ms\":null},{\"name\":\"n3\",\"address\":\"b\",\"state\":\"alive\","
			      "\"answered\":true,\"heard\":true,\"rtt_ms\":12}]}")}};

	(void)state;
	check("rtt", 0, &s, 0,
	    "FROM  TO  STATE   RTT     ANSWERS\n"
	    "n1    n2  failed  7ms     no\n"
	    "n1    n3  alive   <1ms    yes\n"
	    "n5    n6  alive   <none>  <none>\n",
	    "");
	check("reachability", 0, &r, 1,
	    "pinged from n1: 1 of 4 answer, in 1.0s\n"
	    "NODE  ADDRESS  STATE  ANSWER    RTT\n"
	    "n2    a        alive  one-way   <none>\n"
	    "n3    b        alive  answers   12ms\n"
	    "n4    c        alive  silent    <none>\n"
	    "n5    d        alive  tcp-only  <none>\n",
	    "");
	check("reachability -q", 0, &r, 1, "n2\nn4\nn5\n", "");
}

static void
events(void **state)
{
	const struct script s = {.verb = "events",
	    .frames = {"{\"ok\":true,\"more\":true,\"data\":{\"seq\":7,\"at_ms\":1795248000042,"
		       "\"kind\":\"suspect\",\"subject\":\"n3\",\"text\":\"no answer\\u001b\"}}",
		"{\"ok\":true,\"more\":true,\"data\":{\"at_ms\":-5,\"kind\":3}}", ANSWER("null")}};

	(void)state;
	check("events", 0, &s, 0,
	    "2026-11-21T08:00:00.042Z  suspect    n3          no answer\\x1b\n"
	    "<none>                    <none>     <none>      <none>\n",
	    "");
	check("events --json", 0, &s, 0,
	    "{\"seq\":7,\"at_ms\":1795248000042,\"kind\":\"suspect\",\"subject\":\"n3\","
	    "\"text\":\"no answer\\u001B\"}\n{\"at_ms\":-5,\"kind\":3}\n",
	    "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(all_agree),
	    cmocka_unit_test(one_way_stands_out),
	    cmocka_unit_test(silent_ones),
	    cmocka_unit_test(only_what_differs),
	    cmocka_unit_test(a_liar),
	    cmocka_unit_test(partition),
	    cmocka_unit_test(roster),
	    cmocka_unit_test(roster_of_who_is_out),
	    cmocka_unit_test(facts),
	    cmocka_unit_test(keys),
	    cmocka_unit_test(round_trips),
	    cmocka_unit_test(events),
	};

	return cmocka_run_group_tests(tests, make_dir, drop_dir);
}
