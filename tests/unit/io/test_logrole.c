/*
 * test_logrole.c - what a role's instances wrote on one node: which logs are its own, how
 * much is read at once, what questions and answers of a peer gone bad do; and the verb on
 * a node of no mesh, asked by who reads and who doesn't.
 */
#define world engine_world
#include "../../../daemon/io/engine.h"
#undef world

#include "ctlpeer.h"
#include "ctldesk.h"

#include <sys/resource.h>

#include "../../../daemon/io/logall.h"
#include "../../../daemon/io/logrole.h"
#include "../../../daemon/io/logs.h"
#include "../../../daemon/io/logverb.h"

#define L(s, ms, text) "2026-01-02T03:04:" s "." ms "Z stdout " text "\n"

static struct engine e;
static struct ctl ctl;
static struct world w;
static struct plan_role roles[] = {{.name = "web"}, {.name = "web.api"}};

/* The last answer. */
static struct {
	bool came;
	int rc;
	struct blob bytes, cursors;
	struct logrole_answer a;
} got;

static bool
writer(void *arg, uint32_t uid)
{
	(void)arg, (void)uid;
	return true;
}

static void
handle(void *arg, struct ctl_req *r)
{
	logverb(arg, r);
}

static int
setup(void **state)
{
	(void)state;
	world_open(&w);
	at.sun_family = AF_UNIX;
	snprintf(at.sun_path, sizeof at.sun_path, "%s/ctl", w.path);
	memset(&e, 0, sizeof e);
	snprintf(e.conf.name, sizeof e.conf.name, "n1");
	snprintf(e.conf.log_dir, sizeof e.conf.log_dir, "%s", w.path);
	e.apply.plan.roles = roles;
	e.apply.plan.roles_count = ARRAY_LEN(roles);
	e.loop = &loop;
	assert_int_equal(local_init(&e.local), 0);
	return ctldesk_open(&ctl, &loop, w.path, &e, writer, handle);
}

static int
teardown(void **state)
{
	(void)state;
	loop_until(&loop, e.log_askers == 0 && e.log_readings == 0);
	ctldesk_close(&ctl, &loop);
	local_free(&e.local);
	blob_free(&got.bytes);
	blob_free(&got.cursors);
	world_close(&w);
	return 0;
}

/* --- one node -------------------------------------------------------------------- */

static void
on_read(void *arg, int rc, const uint8_t *data, size_t len)
{
	(void)arg;
	got.came = true;
	got.rc = rc;
	blob_free(&got.bytes);
	assert_int_equal(blob_copy(&got.bytes, (struct slice){data, len}), 0);
}

/* Asked on from the last answer, if go_on. */
static void
asks(const char *name, size_t lines, size_t bytes, uint64_t since_ms, bool go_on)
{
	struct slice cursors = {NULL, 0};
	struct blob question;

	if (go_on)
		cursors = blob_slice(&got.cursors);
	assert_int_equal(logrole_question(name, lines, bytes, since_ms, cursors, &question), 0);
	got.came = false;
	assert_int_equal(logrole_start(&e, question.b, question.len, on_read, NULL), 0);
	assert_false(got.came);
	loop_until(&loop, got.came);
	blob_free(&question);
	assert_int_equal(got.rc, 0);
	assert_int_equal(logrole_answer_open(&got.a, got.bytes.b, got.bytes.len), 0);
	blob_free(&got.cursors);
	assert_int_equal(blob_copy(&got.cursors, got.a.cursors), 0);
}

/* "web.1:LINES" ... in the order of the answer. */
static void
says(const char *want)
{
	char instance[NAME_CAP], text[4096] = "";
	struct slice s;
	int rc;

	while ((rc = logrole_answer_next(&got.a, instance, &s)) > 0)
		sprintf(text + strlen(text), "%s:%.*s", instance, (int)s.len, (const char *)s.b);
	assert_int_equal(rc, 0);
	assert_string_equal(text, want);
}

/* What was written last comes first. */
static void
written(const char *name, const char *text, time_t at_s)
{
	const struct timespec t[2] = {{.tv_sec = at_s}, {.tv_sec = at_s}};

	world_text(&w, name, text);
	assert_int_equal(utimensat(AT_FDCWD, ({
		static char path[128];
		snprintf(path, sizeof path, "%s/%s", w.path, name);
		path;
	}), t, 0), 0);
}

static void
runs(const char *instance, const char *role)
{
	struct local_instance *l = &e.local.items[e.local.count++];

	snprintf(l->ev.instance, NAME_CAP, "%s", instance);
	snprintf(l->ev.role, NAME_CAP, "%s", role);
	l->ev.state = SUP_ST_RUNNING;
}

static void
which_logs_are_its_own(void **state)
{
	(void)state;
	written("web.1.log", L("01", "000", "a"), 9);
	written("web.2.log", L("02", "000", "b"), 8);
	written("web.2.log.1", L("01", "500", "b0"), 1);
	written("web.n1.example.log", L("03", "000", "c"), 7);
	/* Of another role, which has a dot; of none; no names. */
	written("web.api.1.log", L("04", "000", "no"), 1);
	written("website.1.log", L("04", "000", "no"), 1);
	written("web.log", L("04", "000", "its own name"), 6);
	written("web..log", L("04", "000", "no"), 1);
	written("web.3.log.1", L("04", "000", "no"), 1);
	written(".log", L("04", "000", "no"), 1);
	written("WEB.1.log", L("04", "000", "no"), 1);
	written("secret", L("04", "000", "secret"), 1);
	assert_int_equal(symlinkat("secret", w.fd, "web.5.log"), 0);
	assert_int_equal(mkdirat(w.fd, "web.6.log", 0755), 0);
	asks("web", 100, 1 << 16, 0, false);
	assert_true(got.a.has && !got.a.cut && got.a.more == 0);
	says("web.1:" L("01", "000", "a") "web.2:" L("01", "500", "b0") L("02", "000", "b")
	     "web.n1.example:" L("03", "000", "c") "web:" L("04", "000", "its own name"));
	asks("web.api", 100, 1 << 16, 0, false);
	says("web.api.1:" L("04", "000", "no"));
	asks("web.2", 100, 1 << 16, 0, false);
	says("web.2:" L("01", "500", "b0") L("02", "000", "b"));
	/* Of what runs it is known whose it is. */
	runs("web.api.1", "web");
	asks("web.api", 100, 1 << 16, 0, false);
	says("");
	assert_false(got.a.has);
	assert_true(logrole_known(&e, "web") && !logrole_known(&e, "api"));
	/* Nothing was ever logged here. */
	snprintf(e.conf.log_dir, sizeof e.conf.log_dir, "%s/none", w.path);
	asks("web", 100, 1 << 16, 0, false);
	says("");
	assert_false(got.a.has);
}

static void
the_last_of_all_and_then_what_is_new(void **state)
{
	(void)state;
	written("web.1.log", L("01", "000", "a") L("04", "000", "d"), 2);
	written("web.2.log", L("02", "000", "b") L("03", "000", "c"), 1);
	asks("web", 3, 1 << 16, 0, false);
	says("web.1:" L("04", "000", "d") "web.2:" L("02", "000", "b") L("03", "000", "c"));
	asks("web", 100, 1 << 16, 0, true);
	says("");
	/* Older than what the other said, and nevertheless new. */
	written("web.2.log", L("02", "000", "b") L("03", "000", "c") L("03", "500", "late"), 1);
	asks("web", 100, 1 << 16, 0, true);
	says("web.2:" L("03", "500", "late"));
	/* One that came later: what it said since then. */
	written("web.3.log", L("01", "000", "of long ago") L("05", "000", "new"), 1);
	asks("web", 100, 1 << 16, UINT64_C(1767323044500), true);
	says("web.3:" L("05", "000", "new"));
	/* What went is forgotten; no line counts as one asked for. */
	assert_int_equal(unlinkat(w.fd, "web.1.log", 0), 0);
	asks("web", 0, 1 << 16, 0, false);
	says("");
	asks("web", 100, 1 << 16, 0, true);
	says("");
	asks("web", 100, 30, 0, false);
	assert_true(got.a.cut);
}

/* Hundreds: with a few descriptors, and no more of them than a question holds. */
static void
of_hundreds_those_that_matter(void **state)
{
	enum { ALL = 700, LONG = 61 };
	struct rlimit was, few = {.rlim_cur = 32};
	char name[NAME_CAP + 8];
	struct slice text;
	size_t count = 0;

	(void)state;
	for (int i = 0; i < ALL; i++) {
		snprintf(name, sizeof name, "web.%0*d.log", LONG - 4, i);
		written(name, L("01", "000", "a"), 1000 + i);
	}
	snprintf(name, sizeof name, "web.%0*d", LONG - 4, 7);
	runs(name, "web");
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
	few.rlim_max = was.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	asks("web", 10000, 1 << 20, 0, false);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &was), 0);
	assert_true(got.a.cursors.len <= LOGROLE_CURSORS_BYTES);
	assert_int_equal(logrole_answer_next(&got.a, name, &text), 1);
	assert_int_equal(atoi(name + 4), 7); /* it runs */
	for (count = 1; logrole_answer_next(&got.a, name, &text) > 0; count++)
		assert_int_equal(atoi(name + 4), (int)(ALL - count));
	assert_true(count > 250 && count < ALL);
	assert_int_equal(count + got.a.more, ALL);
	asks("web", 10000, 1 << 20, 0, true);
	says("");
}

static void
refuses(const void *b, size_t len)
{
	assert_int_equal(logrole_start(&e, b, len, on_read, NULL), -ERR_MALFORMED);
	assert_int_equal(e.log_readings, 0);
}

static void
questions_of_a_peer_gone_bad(void **state)
{
	static const char *const names[] = {"..", "a/b", "Web", "a b", "a\x1b"};
	static const uint8_t cursors[][8] = {{0x91, 0xa1, 'a'}, {0xdf, 0xff, 0xff, 0xff, 0xff},
	    {0x92, 0xa1, 'a', 0xd9, 0xff}, {0xdc, 0xff, 0xfe}, {0x92, 0xc0, 0xc0}, {0xc1}};
	struct blob q;

	(void)state;
	written("web.1.log", L("01", "000", "a"), 1);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		assert_int_equal(logrole_question(names[i], 1, 1, 0, (struct slice){NULL, 0}, &q), 0);
		refuses(q.b, q.len);
		blob_free(&q);
	}
	for (size_t i = 0; i < ARRAY_LEN(cursors); i++) {
		assert_int_equal(logrole_question("web", 1, 1, 0,
		    (struct slice){cursors[i], sizeof cursors[i]}, &q), 0);
		refuses(q.b, q.len);
		blob_free(&q);
	}
	assert_int_equal(logrole_question("web", LOGROLE_BYTES_MAX + 1, 1, 0, (struct slice){NULL, 0}, &q), 0);
	refuses(q.b, q.len);
	blob_free(&q);
	assert_int_equal(logrole_question("web", 1, SIZE_MAX, 0, (struct slice){NULL, 0}, &q), 0);
	refuses(q.b, q.len);
	blob_free(&q);
	assert_int_equal(logrole_question("web", 1, 1, UINT64_MAX, (struct slice){NULL, 0}, &q), 0);
	for (size_t n = 0; n < q.len; n++)
		refuses(q.b, n);
	/* And no more of them at once. */
	for (int i = 0; i < LOGROLE_MAX; i++)
		assert_int_equal(logrole_start(&e, q.b, q.len, on_read, NULL), 0);
	assert_int_equal(logrole_start(&e, q.b, q.len, on_read, NULL), -ERR_FULL);
	loop_until(&loop, e.log_readings == 0);
	blob_free(&q);
}

static void
answers_of_a_peer_gone_bad(void **state)
{
	static const struct {
		uint8_t b[24];
		size_t len;
		int opens; /* or -1 */
	} bad[] = {
	    {{0x95, 1, 0, 0xc2, 0xc4, 0, 0x90}, 7, 0},
	    {{0x94, 1, 0, 0xc2, 0xc4, 0}, 6, -1},
	    {{0x95, 0xff, 0, 0xc2, 0xc4, 0, 0x90}, 7, -1},
	    {{0x95, 0xcf, 255, 255, 255, 255, 255, 255, 255, 255, 0, 0xc2, 0xc4, 0, 0x90}, 15, -1},
	    /* The last time that a signed sum of two can hold, and the last of year 9999. */
	    {{0x95, 0xcf, 127, 255, 255, 255, 255, 255, 255, 255, 0, 0xc2, 0xc4, 0, 0x90}, 15, -1},
	    {{0x95, 0xcf, 0, 0, 0xe6, 0x77, 0xd2, 0x1f, 0xdb, 0xff, 0, 0xc2, 0xc4, 0, 0x90}, 15, 0},
	    {{0x95, 1, 0, 7, 0xc4, 0, 0x90}, 7, -1},
	    {{0x95, 1, 0, 0xc2, 0xc4, 0, 0x91, 0xa1, 'a'}, 9, -1},
	    {{0x95, 1, 0, 0xc2, 0xc4, 0, 0x92, 0xa1, '/', 0xa0}, 10, -ERR_MALFORMED},
	    {{0x95, 1, 0, 0xc2, 0xc4, 0, 0x92, 0xa0, 0xa0}, 9, -ERR_MALFORMED},
	    {{0x95, 1, 0, 0xc2, 0xc4, 0, 0x92, 0xa1, 'a', 0xc4, 0}, 11, -ERR_MALFORMED},
	    {{0x95, 1, 0, 0xc2, 0xc4, 0, 0x92, 0xa1, 'a', 0xa0}, 10, 1},
	    {{0x95, 1, 0, 0xc2, 0xc4, 0, 0x90, 0}, 8, -ERR_MALFORMED},
	    {{0x95, 1, 0, 0xc2, 0xc4, 0, 0xdd, 0xff, 0xff, 0xff, 0xfe}, 11, -1},
	};
	char instance[NAME_CAP];
	struct logrole_answer a;
	struct slice text;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		int rc = logrole_answer_open(&a, bad[i].b, bad[i].len);

		assert_int_equal(rc, bad[i].opens == -1 ? -ERR_MALFORMED : 0);
		if (rc == 0)
			assert_int_equal(logrole_answer_next(&a, instance, &text), bad[i].opens);
	}
	for (size_t n = 0; n < bad[0].len; n++)
		assert_int_equal(logrole_answer_open(&a, bad[0].b, n), -ERR_MALFORMED);
}

/* --- the verb ------------------------------------------------------------------------ */

static int
logs(const char *name, int64_t lines, bool follow)
{
	msgpack_sbuffer b;
	msgpack_packer pk;
	struct text t;
	int fd = dial();

	pk_begin(&b, &pk);
	msgpack_pack_map(&pk, 2);
	pk_kstr(&pk, "verb", "logs");
	pk_str(&pk, "args");
	msgpack_pack_map(&pk, 3);
	pk_kstr(&pk, "instance", name);
	pk_kint(&pk, "lines", lines);
	pk_kbool(&pk, "follow", follow);
	framed(&t, b.data, b.size);
	msgpack_sbuffer_destroy(&b);
	put(fd, t.b, t.len);
	return fd;
}

static bool
has(const uint8_t *buf, size_t len, const char *text)
{
	return memmem(buf, len, text, strlen(text)) != NULL;
}

static void
answers(const char *name, const char *text)
{
	uint8_t *buf;
	size_t len = drain(logs(name, 100, false), &buf);

	if (!has(buf, len, text))
		fail_msg("'%s' is not in: %.*s", text, (int)len, (char *)buf);
	free(buf);
}

static void
a_role_or_an_instance(void **state)
{
	(void)state;
	written("web.1.log", L("01", "000", "a"), 1);
	written("db.log", L("01", "000", "c"), 1);
	answers("web", "web.1");
	answers("web", "answered");
	answers("web.1", L("01", "000", "a"));
	answers("db", L("01", "000", "c"));
	answers("none", "no log of a role or an instance none: 1 of 1 nodes answered");
	answers("web.77", "no log of a role or an instance web.77: 1 of 1 nodes answered");
	answers("../x", "that is no name of an instance or a role");
	answers("", "missing INSTANCE or ROLE");
}

/* Nothing is read for who does not read: what is overwritten meanwhile was never taken. */
static void
a_slow_reader_waits_and_grows_nothing(void **state)
{
	enum { LINE = 4000, PART = 240 << 10 };
	static char much[PART + LINE];
	uint8_t *buf = malloc(8 << 20);
	size_t len = 0;
	char name[32];
	ssize_t n;
	int fd;

	(void)state;
	for (len = 0; len + LINE < PART;)
		len += (size_t)sprintf(much + len, "2998-01-02T03:04:05.000Z stdout %0*d\n", LINE - 40, 0);
	for (int k = 0; k < 5; k++) {
		snprintf(name, sizeof name, "web.%d.log", k);
		written(name, much, 1);
	}
	fd = logs("web", 10000, true); /* the first round: a mebibyte waits for the reader */
	for (int k = 5; k < 8; k++) {
		loop_for(&loop, 400);
		snprintf(name, sizeof name, "web.%d.log", k);
		written(name, much, 1);
	}
	loop_for(&loop, 400);
	written("web.9.log", "2999-01-02T03:04:05.000Z stdout waits\n", 1);
	loop_for(&loop, 900);
	written("web.9.log", "2999-01-02T03:04:06.000Z stdout takes its place\n", 1);
	len = 0;
	loop_until(&loop, ({
		while ((n = recv(fd, buf + len, (8 << 20) - len, 0)) > 0)
			len += (size_t)n;
		has(buf, len, "takes its place");
	}));
	assert_false(has(buf, len, "stdout waits"));
	close(fd);
	free(buf);
}

/* Each holds what it must, for as long as its reader is there. */
static void
no_more_of_them_than_that(void **state)
{
	int fds[LOGALL_MAX];

	(void)state;
	written("web.1.log", L("01", "000", "a"), 1);
	for (int i = 0; i < LOGALL_MAX; i++)
		fds[i] = logs("web", 100, true);
	loop_until(&loop, e.log_askers == LOGALL_MAX);
	answers("web", "8 logs of whole roles are read here already");
	for (int i = 0; i < LOGALL_MAX; i++)
		close(fds[i]);
	loop_until(&loop, e.log_askers == 0);
	answers("web", "web.1");
}

/* Of a question that is held back: when it is answered, on the clock of the rounds. */
enum { AMID_REST_MS = 1150 }; /* a round ends after 1000, the next begins 300 later */

static struct {
	unsigned after; /* questions from now on; then one is held */
	stream_done *done;
	void *arg;
	uv_timer_t timer;
	bool came;
} late;

int __real_logrole_start(struct engine *e, const uint8_t *payload, size_t len, stream_done *done,
    void *arg);
int __wrap_logrole_start(struct engine *e, const uint8_t *payload, size_t len, stream_done *done,
    void *arg);

static void
on_late(uv_timer_t *timer)
{
	(void)timer;
	late.done(late.arg, -ERR_FULL, NULL, 0);
	late.came = true;
}

int
__wrap_logrole_start(struct engine *engine, const uint8_t *payload, size_t len, stream_done *done,
    void *arg)
{
	if (late.after == 0 || --late.after > 0)
		return __real_logrole_start(engine, payload, len, done, arg);
	late.done = done;
	late.arg = arg;
	uv_timer_start(&late.timer, on_late, AMID_REST_MS, 0);
	return 0;
}

/* An answer that comes when its round is over is of no round: the next one waits for its
 * own questions, and for no fewer. */
static void
an_answer_between_two_rounds(void **state)
{
	int fd;

	(void)state;
	written("web.1.log", L("01", "000", "a"), 1);
	uv_timer_init(&loop, &late.timer);
	late.after = 2; /* that of the second round */
	fd = logs("web", 100, true);
	loop_until(&loop, late.came);
	close(fd);
	loop_until(&loop, e.log_askers == 0);
	uv_close((uv_handle_t *)&late.timer, NULL);
}

/* What a slow answer hides is no difference. */
static void
clocks_that_differ(void **state)
{
	(void)state;
	assert_int_equal(logall_skew(10000, 10000, 10000), 0);
	assert_int_equal(logall_skew(10000, 10000, 10000 + LOGALL_SKEW_MS), 0);
	assert_int_equal(logall_skew(10000, 10000, 10001 + LOGALL_SKEW_MS), LOGALL_SKEW_MS + 1);
	assert_int_equal(logall_skew(10000, 13000, 8500), -1500);
	assert_int_equal(logall_skew(10000, 13000, 9500), 0);
	assert_int_equal(logall_skew(10000, 13000, 13500), 0);
	assert_int_equal(logall_skew(10000, 13000, 16500), 3500);
	assert_true(logall_skew(10000, 13000, 0) < 0 && logall_skew(10000, 13000, INT64_MAX) > 0);
}

int
main(void)
{
#define C(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
	const struct CMUnitTest tests[] = {
	    C(which_logs_are_its_own),
	    C(the_last_of_all_and_then_what_is_new),
	    C(of_hundreds_those_that_matter),
	    C(questions_of_a_peer_gone_bad),
	    C(answers_of_a_peer_gone_bad),
	    C(a_role_or_an_instance),
	    C(a_slow_reader_waits_and_grows_nothing),
	    C(no_more_of_them_than_that),
	    C(an_answer_between_two_rounds),
	    cmocka_unit_test(clocks_that_differ),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
