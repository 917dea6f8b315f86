/*
 * test_audit.c - how `mesh audit` is shown: what is weaker first, and by the exit code; from a
 * daemon that tells all, little, or lies.
 */
#include "line.h"

#define PROCESS                                                                                    \
	"{\"pid\":7,\"Name\":\"sh\",\"Threads\":\"1\",\"NoNewPrivs\":\"1\",\"Seccomp\":\"2\","       \
	"\"Seccomp_filters\":\"2\",\"CapInh\":\"0\",\"CapPrm\":\"0\",\"CapEff\":\"0\",\"CapBnd\":\"0\"," \
	"\"CapAmb\":\"0\",\"Uid\":\"5 5 5 5\",\"Gid\":\"6 6 6 6\",\"Groups\":null,\"uid_map\":[\"0 5 1\"]," \
	"\"gid_map\":[\"0 6 1\"],\"cgroup\":[\"0::/web.1.1\"],\"namespaces\":{\"net\":{\"id\":\"net:[1]\"," \
	"\"host\":true},\"mnt\":{\"id\":\"mnt:[2]\",\"host\":false}},\"rlimits\":{\"open files\":\"9 9\"}," \
	"\"oom_score_adj\":\"200\",\"fds_count\":1,\"fds\":{\"0\":\"/dev/null\"}}"
#define ROW(weaker, findings)                                                                      \
	"{\"instance\":\"web.1\",\"node\":\"n1\",\"role\":\"web\",\"sandbox\":\"box\",\"image\":\"pic\",\"weaker\":" weaker \
	",\"findings\":[" findings "],\"init\":null,\"app\":" PROCESS ",\"mounts\":[{\"at\":\"/\","    \
	"\"type\":\"ext4\",\"options\":\"ro,nosuid\",\"source\":\"/dev/vda\",\"root\":\"/i\",\"spread\":" \
	"null}],\"filters\":[{\"sha256\":\"ab\",\"instructions\":3,\"default\":true},{\"sha256\":\"cd\"," \
	"\"instructions\":4,\"default\":false}],\"limits\":{\"v2/pids.max\":\"20\"},\"others\":2}"
#define SHOWN                                                                                      \
	"  seccomp        3 instructions  sha256 ab  default\n"                                        \
	"                 4 instructions  sha256 cd  not of the default\n"                             \
	"  limits         v2/pids.max 20\n"                                                            \
	"  mounts         /  ext4  ro,nosuid  /dev/vda  /i\n"                                          \
	"  app  pid 7 sh  threads 1\n"                                                                 \
	"    rights         NoNewPrivs 1  Seccomp 2  Seccomp_filters 2\n"                              \
	"    capabilities   CapInh 0  CapPrm 0  CapEff 0  CapBnd 0  CapAmb 0\n"                        \
	"    ids            Uid 5 5 5 5  Gid 6 6 6 6  Groups <none>\n"                                 \
	"    uid map        0 5 1\n"                                                                   \
	"    gid map        0 6 1\n"                                                                   \
	"    namespaces     net:[1] (the host's)  mnt:[2]\n"                                           \
	"    cgroup         0::/web.1.1\n"                                                             \
	"    oom_score_adj  200\n"                                                                     \
	"    rlimits        open files 9 9\n"                                                          \
	"    descriptors    1\n"                                                                       \
	"                   0 /dev/null\n"                                                             \
	"  2 more in its cgroup\n"

static void
nothing_is_weaker(void **state)
{
	const struct script s = {.verb = "audit", .frames = {ANSWER("[" ROW("0",
	    "{\"level\":\"allowed\",\"text\":\"app: so it is\"}") "]")}};
	const struct script none = {.verb = "audit", .frames = {ANSWER("[]")}};

	(void)state;
	check("audit", 0, &s, 0,
	    "web.1  on n1  role web  sandbox box  image pic  nothing is weaker than the default\n"
	    "  allowed  app: so it is\n" SHOWN, "");
	check("audit -q web.1", 0, &s, 0, "web.1\n", "");
	check("audit", 0, &none, 0, "", "");
}

static void
weaker(void **state)
{
	const struct script s = {.verb = "audit", .frames = {ANSWER("[" ROW("2",
	    "{\"level\":\"weaker\",\"text\":\"app: one\"},{\"level\":\"weaker\",\"text\":\"app: two\"}") "]")}};
	const struct script gone = {.verb = "audit",
	    .frames = {ANSWER("[{\"instance\":\"web.10\",\"node\":\"n1\",\"error\":\"it ended\"},"
			      "{\"instance\":\"web.2\",\"node\":\"n1\",\"error\":\"so did this\"}]")}};

	(void)state;
	check("audit web.1", 0, &s, 1,
	    "web.1  on n1  role web  sandbox box  image pic  2 weaker than the default\n"
	    "  weaker  app: one\n"
	    "  weaker  app: two\n" SHOWN, "");
	check("audit -q", 0, &s, 1, "web.1\n", "");
	check("audit", 0, &gone, 1,
	    "web.2  on n1  can't be looked at: so did this\n\n"
	    "web.10  on n1  can't be looked at: it ended\n", "");
}

/* Of other types than it should be, and with what moves a terminal's cursor. */
static void
a_liar(void **state)
{
	const struct script s = {.verb = "audit",
	    .frames = {ANSWER("[3,{\"instance\":\"\\u001b[2J\",\"node\":[],\"weaker\":\"0\",\"findings\":{},"
			      "\"filters\":[1],\"mounts\":[{}],\"limits\":[1],\"app\":{\"fds\":[],\"namespaces\":[1]}},"
			      "{\"findings\":[{\"level\":\"\\u001b\",\"text\":\"\\u009b\"}]}]")}};
	struct outcome o;
	pid_t pid = serve(&s);
	int status;

	(void)state;
	run_line(&o, "audit", 0, false);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(o.code, 1);
	assert_null(strpbrk(o.out, "\033\x9b"));
	assert_non_null(strstr(o.out, "\\x1b[2J  on "));
	free(o.out);
	free(o.error);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(nothing_is_weaker),
	    cmocka_unit_test(weaker),
	    cmocka_unit_test(a_liar),
	};

	return cmocka_run_group_tests(tests, make_dir, drop_dir);
}
