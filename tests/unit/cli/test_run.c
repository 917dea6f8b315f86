/*
 * test_run.c - whole verbs against a server on a real socket (server.h).
 */
#include "line.h"

#define STATUS(health, more)                                                                       \
	"{\"ok\":true,\"more\":false,\"data\":{\"cluster\":\"prod\","                              \
	"\"node\":\"n1\",\"version\":\"0.1.0\",\"member\":true,"                                   \
	"\"uptime_ms\":273600000,\"health\":" health ","                                           \
	"\"side\":{\"grade\":\"full\",\"visible\":3,\"known\":3,\"term\":2,"                       \
	"\"leader\":\"n1\",\"role\":\"leader\",\"since_ms\":240000},"                              \
	"\"config\":{\"hash\":\"3fa9c1d2\",\"agreed_by\":3,\"errors\":[]}," more "}}"

static void
status_healthy(void **state)
{
	const struct script s = {.verb = "status",
	    .frames = {
		STATUS("0", "\"scheduler\":{\"ok\":true,\"round\":14022,\"stamp\":\"2.ab.17\","
			    "\"ms\":8.1,\"error\":null},\"problems\":[],\"roles\":[{\"name\":"
			    "\"web\",\"version\":\"v14\",\"desired\":4,\"running\":4,"
			    "\"healthy\":4,\"on_split\":\"replace\",\"note\":null}]")}};

	(void)state;
	check("status", 0, &s, 0,
	    "cluster prod   node n1   meshd 0.1.0 up 3d4h\n"
	    "side:      full  3 of 3 visible   leader n1 (term 2, since 4m)\n"
	    "config:    3fa9c1d2  agreed by 3 of 3\n"
	    "scheduler: ok  8.1ms  round 14022  stamp 2.ab.17\n"
	    "ROLE  VERSION  DESIRED  RUNNING  HEALTHY  ON-SPLIT  NOTE\n"
	    "web   v14      4        4        4        replace   <none>\n",
	    "");
	check("status -q", 0, &s, 0, "", "");
	check("status -o name", 0, &s, 0, "web\n", "");
}

static void
status_dropped(void **state)
{
	const struct script s = {.verb = "status",
	    .frames = {
		STATUS("0", "\"scheduler\":null,\"problems\":[],\"roles\":[],\"counters\":{\"recent\":["
			    "{\"reason\":\"short\",\"count\":20,\"means\":\"too short\"},"
			    "{\"reason\":\"auth\",\"count\":3,\"means\":\"not ours\\u001b\"}]}")}};

	(void)state;
	check("status", 0, &s, 0,
	    "cluster prod   node n1   meshd 0.1.0 up 3d4h\n"
	    "side:      full  3 of 3 visible   leader n1 (term 2, since 4m)\n"
	    "config:    3fa9c1d2  agreed by 3 of 3\n"
	    "no roles are scheduled\n"
	    "dropped:   20 short (too short) in the last minutes\n"
	    "           3 auth (not ours\\x1b)\n",
	    "");
}

static void
status_broken_script(void **state)
{
	const struct script s = {.verb = "status",
	    .frames = {
		STATUS("1", "\"scheduler\":{\"ok\":false,\"round\":5,\"stamp\":\"2.ab.1\","
			    "\"ms\":1,\"error\":\"main.lua:12: '=' expected near 'x'\\u001b[2J\","
			    "\"excerpt\":\"12: y x\\n\"},"
			    "\"roles\":[],\"problems\":[{\"text\":\"n3 lost\","
			    "\"hint\":\"mesh members\"},\"plain\"]")}};

	(void)state;
	check("status", 0, &s, 1,
	    "cluster prod   node n1   meshd 0.1.0 up 3d4h\n"
	    "side:      full  3 of 3 visible   leader n1 (term 2, since 4m)\n"
	    "config:    3fa9c1d2  agreed by 3 of 3\n"
	    "scheduler: failed  1ms  round 5  stamp 2.ab.1 (the last good "
	    "schedule stays)\n"
	    "  main.lua:12: '=' expected near 'x'\\x1b[2J\n"
	    "    12: y x\n"
	    "no roles are scheduled\n"
	    "problems:\n"
	    "  n3 lost\n"
	    "    hint: mesh members\n"
	    "  plain\n",
	    "");
}

static void
status_not_a_member(void **state)
{
	const struct script s = {.verb = "status",
	    .frames = {ANSWER("{\"cluster\":null,\"node\":\"n1\",\"version\":\"0.1.0\","
			      "\"member\":false,\"health\":1,\"uptime_ms\":1000}")}};

	(void)state;
	check("status", 0, &s, 1,
	    "cluster <none>   node n1   meshd 0.1.0 up 1s\n"
	    "not a member: mesh init | mesh join\n",
	    "");
}

/* A daemon of another version may send anything: no crash, and never exit 0. */
static void
status_of_strange_shape(void **state)
{
	const struct script list = {.verb = "status", .frames = {ANSWER("[1]")}};
	const struct script types = {.verb = "status",
	    .frames = {ANSWER("{\"side\":5,\"roles\":{\"a\":1},\"config\":[],\"problems\":[7,[]],"
			      "\"scheduler\":[],\"health\":9,\"cluster\":{\"x\":[]}}")}};
	struct outcome o;
	pid_t pid;

	(void)state;
	const struct script *scripts[] = {&list, &types};
	for (size_t i = 0; i < 2; i++) {
		pid = serve(scripts[i]);
		run_line(&o, "status", 0, true);
		waitpid(pid, NULL, 0);
		assert_int_equal(o.code, 2);
		free(o.out);
		free(o.error);
	}
}

/* Its work is gone with it: what it last said of that is no state. */
static void
who_left_has_left(void **state)
{
	const struct script members = {.verb = "members",
	    .frames = {ANSWER("[{\"name\":\"n1\",\"state\":\"left\",\"draining\":true,\"leaving\":false},"
			      "{\"name\":\"n2\",\"state\":\"alive\",\"draining\":true,\"leaving\":true},"
			      "{\"name\":\"n3\",\"state\":\"failed\",\"draining\":true,\"leaving\":false}]")}};
	struct outcome o;
	pid_t pid = serve(&members);

	(void)state;
	run_line(&o, "members", 0, true);
	waitpid(pid, NULL, 0);
	assert_non_null(strstr(o.out, " left "));
	assert_null(strstr(o.out, "left,"));
	assert_non_null(strstr(o.out, "alive,leaving"));
	assert_non_null(strstr(o.out, "failed,draining"));
	free(o.out);
	free(o.error);
}

static void
lists(void **state)
{
	const struct script members = {.verb = "members",
	    .frames = {ANSWER("[{\"name\":\"n1\",\"id\":\"0011\",\"address\":\"127.0.0.1:7780\","
			      "\"state\":\"alive\",\"zone\":null,\"tags\":null,\"rtt_ms\":0,"
			      "\"seen_ms\":0,\"version\":\"0.1.0\",\"leader\":true,\"self\":true},"
			      "{\"name\":\"n2\",\"id\":\"0022\",\"address\":\"127.0.0.2:7780\","
			      "\"state\":\"failed\",\"zone\":\"b\",\"tags\":\"k=v\",\"rtt_ms\":12,"
			      "\"seen_ms\":130000,\"version\":null,\"leader\":false,"
			      "\"self\":false}]")}};
	const struct script ps = {.verb = "ps",
	    .frames = {ANSWER("[{\"instance\":\"web.1\",\"role\":\"web\",\"version\":\"v1\","
			      "\"node\":\"n1\",\"state\":\"crash-loop\",\"health\":\"unhealthy\","
			      "\"restarts\":7,\"pid\":0,\"image\":\"web-v14\",\"since_ms\":"
			      "1795247808000,\"error\":\"exited with 1\"}]")}};

	(void)state;
	check("members", 0, &members, 0,
	    "as seen by n1\n"
	    "NODE  ADDRESS         STATE   ZONE    TAGS    RTT     SEEN   "
	    "VERSION  LEADER\n"
	    "n1*   127.0.0.1:7780  alive   <none>  <none>  <none>  0s     "
	    "0.1.0    leader\n"
	    "n2    127.0.0.2:7780  failed  b       k=v     12ms    2m10s  "
	    "<none>   <none>\n",
	    "");
	check("members -q", 0, &members, 0, "n1\nn2\n", "");
	check("ps web", 0, &ps, 0,
	    "INSTANCE  ROLE  VERSION  NODE  STATE       HEALTH     RESTARTS  "
	    "PID     IMAGE    AGE\n"
	    "web.1     web   v1       n1    crash-loop  unhealthy  7         "
	    "<none>  web-v14  3m12s\n"
	    "web.1: exited with 1\n",
	    "");
	const struct script leased = {.verb = "ps",
	    .frames = {ANSWER("[{\"instance\":\"db.1\",\"role\":\"db\",\"version\":\"v1\","
			      "\"node\":\"n1\",\"state\":\"running\",\"health\":\"none\","
			      "\"restarts\":0,\"pid\":7,\"image\":\"db-v1\",\"since_ms\":"
			      "1795247808000,\"lease_until_ms\":1795248012000,\"error\":\"\"},"
			      "{\"instance\":\"db.2\",\"role\":\"db\",\"version\":\"v1\","
			      "\"node\":\"n2\",\"state\":\"waiting\",\"health\":\"none\","
			      "\"restarts\":0,\"pid\":0,\"image\":\"db-v1\",\"since_ms\":"
			      "1795247808000,\"lease_until_ms\":0,\"error\":\"waits\"}]")}};

	check("ps -o wide --no-headers", 0, &leased, 0,
	    "db.1      db    v1       n1    running  none    0         7       db-v1  3m12s  12s     <none>\n"
	    "db.2      db    v1       n2    waiting  none    0         <none>  db-v1  3m12s  <none>  waits\n",
	    "");
	check("ps --no-headers", 0, &ps, 0,
	    "web.1     web   v1       n1    crash-loop  unhealthy  7         "
	    "<none>  web-v14  3m12s\n",
	    "");
}

/* U+009B starts an escape sequence on some terminals; JSON alone lets it pass. */
static void
json_on_a_terminal(void **state)
{
	const struct script s = {.verb = "leader",
	    .frames = {ANSWER("{\"leader\":\"\xc2\x9b\"}")}};
	struct args a = {.verb = verb_find("leader"), .socket = path, .output = ARGS_JSON};
	struct run_error e;
	char *text = NULL;
	size_t len;

	(void)state;
	for (int terminal = 0; terminal < 2; terminal++) {
		pid_t pid = serve(&s);
		FILE *out = open_memstream(&text, &len);
		struct show show = {.out = out, .args = &a, .terminal = terminal};

		assert_int_equal(run_verb(&show, 5000, &e), 0);
		fclose(out);
		assert_string_equal(text,
		    terminal ? "{\n  \"leader\": \"\\u009B\"\n}\n" :
			       "{\n  \"leader\": \"\xc2\x9b\"\n}\n");
		free(text);
		waitpid(pid, NULL, 0);
	}
}

/* The daemon's order is by id, which means nothing to a person. */
static void
lists_in_natural_order(void **state)
{
	const struct script s = {.verb = "ps",
	    .frames = {ANSWER("[{\"instance\":\"web.10\"},{\"instance\":\"web.9\"},{},"
			      "{\"instance\":\"a.1\"}]")}};

	(void)state;
	check("ps -q", 0, &s, 0, "<none>\na.1\nweb.9\nweb.10\n", "");
}

static void
leader(void **state)
{
	const struct script none = {.verb = "leader",
	    .frames = {ANSWER("{\"leader\":null,\"term\":4,\"grade\":\"none\"}")}};
	const struct script one = {.verb = "leader",
	    .frames = {ANSWER("{\"leader\":\"n1\",\"id\":\"00112233445566\",\"address\":"
			      "\"127.0.0.1:7780\",\"term\":4,\"grade\":\"full\",\"since_ms\":"
			      "60000,\"lease_ms\":1200}")}};

	(void)state;
	check("leader", 0, &none, 1, "no leader  side none  term 4\n", "");
	check("leader -o json", 0, &none, 1,
	    "{\n  \"leader\": null,\n  \"term\": 4,\n  \"grade\": \"none\"\n}\n", "");
	check("leader", 0, &one, 0,
	    "n1 (00112233)  127.0.0.1:7780  term 4  side full  since 1m  "
	    "lease 1.2s\n",
	    "");
	check("leader -q", 0, &one, 0, "n1\n", "");
}

static void
schedule_and_render(void **state)
{
	const struct script schedule = {.verb = "schedule",
	    .frames = {ANSWER("{\"stamp\":\"2.0011.7\",\"hash\":\"aabb\",\"leader\":\"n1\","
			      "\"grade\":\"full\",\"at_ms\":1795247940000,\"parents\":"
			      "[\"1.0022.3\"],\"roles\":{},\"nodes\":{\"n2\":{\"roles\":{\"web\":"
			      "{\"sandbox\":\"web\",\"instances\":{\"web.3\":{\"process\":\"web\","
			      "\"image\":\"web-v14\"}}}}}},\"why\":{\"web.3\":\"spread\"},"
			      "\"changes\":[\"web.3 to n2\"],\"held\":[{\"role\":\"db\","
			      "\"stamp\":\"2.0011.8\",\"why\":\"would stop 4 of 4\"}]}")}};
	const struct script render = {.verb = "render",
	    .frames = {ANSWER("{\"role\":\"web\",\"generation\":3,\"files\":{\"a.cfg\":"
			      "\"x\\n\\ty\\n\",\"b\":\"\\u001bc\"}}")}};
	const struct script empty = {.verb = "schedule", .frames = {ANSWER("{\"stamp\":null}")}};

	(void)state;
	check("schedule show", 0, &schedule, 0,
	    "stamp 2.0011.7   leader n1   side full   issued 1m ago\n"
	    "hash  aabb\n"
	    "from  1.0022.3\n"
	    "NODE  INSTANCE  ROLE  SANDBOX  PROCESS  IMAGE    WHY\n"
	    "n2    web.3     web   web      web      web-v14  spread\n"
	    "changes:\n"
	    "  web.3 to n2\n"
	    "held: db: would stop 4 of 4\n"
	    "  hint: mesh apply --force 2.0011.8\n",
	    "");
	check("schedule show", 0, &empty, 0, "no schedule yet; mesh status says why\n", "");
	check("render web", 0, &render, 0, "==> a.cfg <==\nx\n\ty\n\n==> b <==\n\\x1bc\n", "");
	check("render web -q", 0, &render, 0, "a.cfg\nb\n", "");
}

static void
daemon_refuses(void **state)
{
	const struct script s = {.verb = "render",
	    .frames = {"{\"ok\":false,\"code\":3,\"error\":\"web.tmpl:2:7: unknown name "
		       "'prot'\\n  port {{ prot }}\\u0007\",\"hint\":\"mesh help\"}"}};
	const struct script status = {.verb = "status",
	    .frames = {"{\"ok\":false,\"code\":5,\"error\":\"no\",\"hint\":\"\"}"}};

	(void)state;
	check("render web", 0, &s, 3, "",
	    "mesh: web.tmpl:2:7: unknown name 'prot'\n"
	    "      port {{ prot }}\\x07\nhint: mesh help\n");
	check("status", 0, &status, 3, "", "mesh: no\n");
}

static void
broken_answers(void **state)
{
	static const struct {
		const char *raw;
		size_t len;
		int code;
		const char *why;
	} cases[] = {
	    {"", 0, 7, "no answer: the daemon closed the connection"},
	    {"\x05\0", 2, 7, "no answer: the daemon closed the connection"},
	    {"\x05\0\0\0\x81", 5, 7, "no answer: the daemon closed the connection"},
	    {"\0\0\0\0", 4, 7, "answer refused: a frame of 0 bytes (1-16777216)"},
	    {"\xff\xff\xff\xff", 4, 7, "answer refused: a frame of 4294967295 bytes (1-16777216)"},
	    {"\x01\0\0\0\xc1", 5, 1, NULL},
	};
	char error[256];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const struct script s = {
		    .verb = "ps", .raw = cases[i].raw, .raw_bytes = cases[i].len};

		if (cases[i].why != NULL)
			snprintf(error, sizeof error,
			    "mesh: %s: %s\n"
			    "hint: journalctl -u meshd shows what the daemon "
			    "says\n",
			    path, cases[i].why);
		else
			snprintf(error, sizeof error,
			    "mesh: the daemon's answer"
			    " is not understood (at byte 0 of 1); is meshd of "
			    "version " MESH_VERSION "?\n");
		check("ps", 0, &s, cases[i].code, "", error);
	}
}

static void
daemon_hangs(void **state)
{
	const struct script s = {
	    .verb = "ps", .raw = "\x05\0\0\0\x81", .raw_bytes = 5, .hang = true};
	char error[256];

	(void)state;
	snprintf(error, sizeof error,
	    "mesh: %s: no answer: timed out\n"
	    "hint: journalctl -u meshd shows what the daemon says\n",
	    path);
	check("ps", 150, &s, 7, "", error);
}

static void
expect_failure(const char *line, int code, const char *error)
{
	struct outcome o;

	run_line(&o, line, 0, false);
	assert_string_equal(o.error, error);
	assert_string_equal(o.out, "");
	assert_int_equal(o.code, code);
	free(o.out);
	free(o.error);
}

static void
no_daemon(void **state)
{
	char error[256];

	(void)state;
	close(listener()); /* the file stays, nobody listens */
	snprintf(error, sizeof error,
	    "mesh: cannot connect to %s: Connection "
	    "refused; is meshd running?\nhint: systemctl start meshd, or give "
	    "--socket PATH\n",
	    path);
	expect_failure("ps", 7, error);
	expect_failure("status", 3, error);
	unlink(path);
	snprintf(error, sizeof error,
	    "mesh: cannot connect to %s: No such file "
	    "or directory; is meshd running?\nhint: systemctl start meshd, or "
	    "give --socket PATH\n",
	    path);
	expect_failure("status", 3, error);
}

/* Permissions don't hold root, so a child that is somebody else asks. */
static void
no_permission(void **state)
{
	char error[256];
	int fd = listener(), status;

	(void)state;
	assert_return_code(chmod(path, 0600), 0);
	snprintf(error, sizeof error,
	    "mesh: permission denied on %s: join group "
	    "'mesh'\nhint: sudo usermod -aG mesh $USER, then log in again\n",
	    path);
	pid_t pid = fork();
	if (pid == 0) {
		struct outcome o, p;

		if (geteuid() == 0)
			must(setgid(65534) == 0 && setuid(65534) == 0);
		else
			must(chmod(path, 0) == 0);
		run_line(&o, "members", 0, false);
		run_line(&p, "status", 0, false);
		must(strcmp(o.error, error) == 0 && o.code == 7);
		must(strcmp(p.error, error) == 0 && p.code == 3);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	close(fd);
}

/* A daemon gone bad has the CA put out whom it likes: not when the whole id is said. */
static void
evict_signs_for_no_other_node(void **state)
{
	const struct script s = {.verb = "identity", .times = 2,
	    .frames = {"{\"ok\":true,\"data\":{\"node\":\"n1\",\"pk\":\"\",\"zone\":\"\",\"state_dir\":"
		       "\"/nowhere\",\"starter\":false,\"member\":true,\"ca\":"
		       "\"0000000000000000000000000000000000000000000000000000000000000001\",\"cluster\":\"\","
		       "\"other\":\"n4\",\"id\":\"00000000000000000000000000000002\",\"token\":"
		       "\"0000000000000000000000000000000000000000000000000000000000000003\"}}"}};

	(void)state;
	check("evict 00000000000000000000000000000007", 0, &s, 6, "",
	    "mesh: evict: the daemon here answers about another node, 00000000000000000000000000000002, "
	    "than 00000000000000000000000000000007: nothing is signed; ask the daemon of another host "
	    "(--socket), and look at this one\n");
	check("evict 00000000000000000000000000000002 --ca-key /nowhere/ca.key", 0, &s, 6, "",
	    "mesh: evict: /nowhere/ca.key: No such file or directory\n"
	    "hint: run it where ca.key lies (the host of mesh init), as root, or give --ca-key FILE\n");
}

/* Nor does it give up whom it likes: as many as are named, by their names, and where the
 * whole id is said no other. */
static void
recover_signs_for_no_other_node(void **state)
{
#define DIGITS_31 "0000000000000000000000000000000"
#define ID(x) DIGITS_31 x
#define KEY(x) DIGITS_31 "0" DIGITS_31 x
#define LOST(name, id) "{\"name\":\"" name "\",\"id\":\"" id "\",\"token\":\"" KEY("3") "\"}"
	static const char refused[] =
	    "mesh: recover: the daemon here answers about others than --lost names, or for another node than "
	    "itself: nothing is signed; ask the daemon of another host (--socket), and look at this one\n";
	static const char fine[] =
	    "mesh: recover: /nowhere/ca.key: No such file or directory\n"
	    "hint: run it where ca.key lies (the host of mesh init), as root, or give --ca-key FILE\n";
	static const struct {
		const char *asked, *pk, *lost, *error;
	} rows[] = {
	    {"n2,n3", KEY("5"), LOST("n2", ID("2")) "," LOST("n3", ID("3")), fine},
	    {"n2,n3,n2", KEY("5"), LOST("n2", ID("2")) "," LOST("n3", ID("3")), fine},
	    {ID("2") ",0000000000", KEY("5"), LOST("n2", ID("2")), fine},
	    {ID("2") ",n3", KEY("5"), LOST("n2", ID("2")) "," LOST("n3", ID("3")), fine},
	    {ID("2") ",n3", KEY("5"), LOST("n2", ID("7")) "," LOST("n3", ID("3")), refused},
	    {ID("2") ",n3", KEY("5"), LOST(ID("2"), ID("7")) "," LOST("n3", ID("3")), refused},
	    {"n2", KEY("5"), LOST("n2", ID("2")) "," LOST("n2", ID("3")), refused},
	    {"n2,n2", KEY("5"), LOST("n2", ID("2")) "," LOST("n2", ID("3")), refused},
	    {"n2,n3", KEY("5"), LOST("n2", ID("2")) "," LOST("n4", ID("3")), refused},
	    {"n2,n3", KEY("5"), LOST("n2", ID("2")), refused},
	    {"n2,n3", KEY("5"), "7,[]", refused},
	    {"n2", KEY("6"), LOST("n2", ID("2")), refused},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char what[1024], line[256];
		struct script s = {.verb = "identity", .then = "recover", .times = 2,
		    .frames = {"{\"ok\":true,\"data\":{\"node\":\"n1\",\"pk\":\"" KEY("5") "\",\"state_dir\":"
			       "\"/nowhere\",\"ca\":\"" KEY("1") "\"}}", what}};

		snprintf(what, sizeof what, "{\"ok\":true,\"data\":{\"number\":9,\"pk\":\"%s\",\"lost\":[%s]}}",
		    rows[i].pk, rows[i].lost);
		snprintf(line, sizeof line, "recover --yes --lost %s", rows[i].asked);
		check(line, 0, &s, 6, "", rows[i].error);
	}
#undef LOST
#undef KEY
#undef ID
#undef DIGITS_31
}

static void
apply_needs_force(void **state)
{
	(void)state;
	expect_failure("apply 1.00112233.4", 64,
	    "mesh: apply: needs --force, for it stops what the rails protect; "
	    "usage: mesh apply --force STAMP\n");
}

/* Nobody is asked: there is no daemon there. */
static void
the_key_goes_to_no_terminal(void **state)
{
	static char *lines[][5] = {{"mesh", "keys", "export"}, {"mesh", "keys", "export", "--json"},
	    {"mesh", "keys", "export", "-o", "json"}};
	static const int counts[] = {3, 4, 5};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		char *text = NULL;
		size_t len = 0;
		FILE *out = open_memstream(&text, &len);
		struct run_error e;
		struct args a;
		struct show show = {.out = out, .args = &a, .terminal = true};

		assert_int_equal(args_parse(&a, counts[i], lines[i], path, NOW, &e.err), 0);
		assert_int_equal(run_verb(&show, 1000, &e), -EXIT_USAGE_);
		assert_non_null(strstr(e.err.text, "(umask 077; mesh keys export >cluster.key)"));
		fclose(out);
		assert_string_equal(text, "");
		free(text);
		run_error_free(&e);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(status_healthy),
	    cmocka_unit_test(status_dropped),
	    cmocka_unit_test(status_broken_script),
	    cmocka_unit_test(status_not_a_member),
	    cmocka_unit_test(status_of_strange_shape),
	    cmocka_unit_test(who_left_has_left),
	    cmocka_unit_test(lists),
	    cmocka_unit_test(lists_in_natural_order),
	    cmocka_unit_test(json_on_a_terminal),
	    cmocka_unit_test(the_key_goes_to_no_terminal),
	    cmocka_unit_test(leader),
	    cmocka_unit_test(schedule_and_render),
	    cmocka_unit_test(daemon_refuses),
	    cmocka_unit_test(broken_answers),
	    cmocka_unit_test(daemon_hangs),
	    cmocka_unit_test(no_daemon),
	    cmocka_unit_test(no_permission),
	    cmocka_unit_test(evict_signs_for_no_other_node),
	    cmocka_unit_test(recover_signs_for_no_other_node),
	    cmocka_unit_test(apply_needs_force),
	};

	return cmocka_run_group_tests(tests, make_dir, drop_dir);
}
