/*
 * The control socket over a real socket: requests in any pieces, peers that
 * lie, leave, wait, or send too much, and who may write.
 */
#include "ctlanswer.h"
#include "ctldesk.h"

static struct ctl ctl;
static struct world w;

/* What the handler does, and saw. */
static struct {
	enum { SAY, HOLD, HOLD_ALL } mode;
	struct ctl_req *held, *all[CTL_CONNS_MAX];
	int handled, gone;
	bool may_write;
	char verb[CTL_VERB_CAP];
	uint32_t uid;
} desk;

static bool
writer(void *arg, uint32_t uid)
{
	assert_ptr_equal(arg, &desk);
	desk.uid = uid;
	return uid == 0;
}

/* data = {"echo": verb} */
static void
say(struct ctl_req *r, bool more)
{
	msgpack_sbuffer b;
	msgpack_packer pk;

	msgpack_sbuffer_init(&b);
	msgpack_packer_init(&pk, &b, msgpack_sbuffer_write);
	msgpack_pack_map(&pk, 1);
	pk_kstr(&pk, "echo", r->verb);
	ctl_answer(r, b.data, b.size, more);
	msgpack_sbuffer_destroy(&b);
}

static void
on_gone(struct ctl_req *r)
{
	assert_ptr_equal(r, desk.held);
	assert_false(ctl_alive(r));
	assert_false(ctl_busy(r));
	desk.gone++;
}

static void
handle(void *arg, struct ctl_req *r)
{
	assert_ptr_equal(arg, &desk);
	desk.handled++;
	desk.may_write = r->may_write;
	strcpy(desk.verb, r->verb);
	if (desk.mode == SAY) {
		say(r, false);
		return;
	}
	if (desk.mode == HOLD_ALL) {
		desk.all[desk.handled - 1] = r;
		return;
	}
	r->on_gone = on_gone;
	desk.held = r;
}

static int
setup(void **state)
{
	(void)state;
	memset(&desk, 0, sizeof desk);
	world_open(&w);
	at.sun_family = AF_UNIX;
	snprintf(at.sun_path, sizeof at.sun_path, "%s/ctl", w.path);
	return ctldesk_open(&ctl, &loop, w.path, &desk, writer, handle);
}

static int
teardown(void **state)
{
	(void)state;
	ctldesk_close(&ctl, &loop);
	world_close(&w);
	return 0;
}

static void
one_question_one_answer(void **state)
{
	struct text t;
	int fd = dial();

	(void)state;
	question(&t, "status", 0);
	put(fd, t.b, t.len);
	answered(fd, "status");
	assert_string_equal(desk.verb, "status");
	assert_int_equal(desk.uid, geteuid());
	assert_int_equal(desk.may_write, geteuid() == 0);
}

static void
a_request_may_come_byte_by_byte(void **state)
{
	struct text t;
	int fd = dial();

	(void)state;
	question(&t, "members", 0);
	for (size_t i = 0; i < t.len; i++) {
		assert_int_equal(desk.handled, 0);
		put(fd, t.b + i, 1);
		for (int k = 0; k < 3; k++)
			uv_run(&loop, UV_RUN_NOWAIT);
	}
	answered(fd, "members");
	assert_int_equal(desk.handled, 1);
}

static void
the_largest_request_is_taken_and_no_larger(void **state)
{
	static const uint32_t over[] = { CTL_REQUEST_BYTES_MAX + 1, 1 << 24, UINT32_MAX };
	struct text t;
	int fd = dial();

	(void)state;
	question(&t, "v", 60000);
	question(&t, "v", 60000 + CTL_REQUEST_BYTES_MAX - (t.len - 4));
	assert_int_equal(t.len, CTL_REQUEST_BYTES_MAX + 4);
	put(fd, t.b, t.len);
	answered(fd, "v");
	for (size_t k = 0; k < ARRAY_LEN(over); k++) {
		for (int i = 0; i < 4; i++)
			t.b[i] = (uint8_t)(over[k] >> (8 * i));
		fd = dial();
		put(fd, t.b, 100);
		closed_unanswered(fd);
	}
	assert_int_equal(desk.handled, 1);
}

static void
nonsense_is_answered_with_a_line(void **state)
{
	static const struct {
		const char *what;
		size_t len;
	} bad[] = {
		{ "", 0 },
		{ "\x80", 1 },					/* {} */
		{ "\x90", 1 },					/* [] */
		{ "\xc1", 1 },					/* no msgpack */
		{ "\x81\xa4verb\x01", 7 },			/* a number */
		{ "\x81\xa4verb\xa0", 7 },			/* empty */
		{ "\x81\xa4verb\xa3" "a\0b", 10 },		/* NUL */
		{ "\x81\xa4verb\xd9\x20" "01234567890123456789012345678901", 40 },
		{ "\x81\xa4verb\xa1v\xc0", 9 },			/* one byte too many */
		{ "\x82\xa4verb\xa1v", 8 },			/* one pair too few */
		{ "\x81\xa4" "args\x80", 7 },			/* no verb */
		{ "\xdf\xff\xff\xff\xff", 5 },			/* four billion pairs */
		{ "\x82\xa4verb\xa1v\xa4" "args\x91\x91\x91\x91\x91\x91\x91\x91\xc0", 22 },
	};
	struct text t;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		int fd = dial();

		framed(&t, bad[i].what, bad[i].len);
		put(fd, t.b, t.len);
		failed(fd, EXIT_USAGE_, "malformed request");
	}
	assert_int_equal(desk.handled, 0);
}

static void
a_connection_carries_one_request(void **state)
{
	struct text t, u;
	int fd = dial();

	(void)state;
	question(&t, "first", 0);
	question(&u, "second", 0);
	memcpy(t.b + t.len, u.b, u.len);
	put(fd, t.b, t.len + u.len);
	answered(fd, "first");
	/* Also while the first is being worked on. */
	desk.mode = HOLD;
	fd = dial();
	question(&t, "third", 0);
	put(fd, t.b, t.len);
	loop_until(&loop, desk.held != NULL);
	put(fd, u.b, u.len);
	loop_for(&loop, 30);
	assert_true(ctl_alive(desk.held));
	say(desk.held, false);
	answered(fd, "third");
	assert_int_equal(desk.handled, 2);
	assert_int_equal(desk.gone, 0);
}

static void
who_floods_while_he_waits_is_closed(void **state)
{
	static uint8_t flood[CTL_REQUEST_BYTES_MAX * 2];
	struct text t;
	int fd = dial();

	(void)state;
	desk.mode = HOLD;
	question(&t, "v", 0);
	put(fd, t.b, t.len);
	put(fd, flood, sizeof flood);
	loop_until(&loop, desk.gone == 1);
	say(desk.held, true);
	say(desk.held, false);
	closed_unanswered(fd);
}

static void
arguments_are_what_they_are_asked_as(void **state)
{
	struct text t;
	int fd = dial();
	char s[64];
	int64_t n = 0;

	(void)state;
	desk.mode = HOLD;
	question(&t, "v", 5);
	put(fd, t.b, t.len);
	loop_until(&loop, desk.held != NULL);
	struct ctl_req *r = desk.held;
	assert_true(ctl_arg_str(r, "name", s, sizeof s));
	assert_string_equal(s, "web");
	assert_true(ctl_arg_str(r, "name", s, 4));
	assert_false(ctl_arg_str(r, "name", s, 3)); /* never cut */
	assert_string_equal(s, "");
	assert_false(ctl_arg_str(r, "n", s, sizeof s));
	assert_false(ctl_arg_str(r, "pad", s, sizeof s));
	assert_false(ctl_arg_str(r, "nam", s, sizeof s));
	assert_true(ctl_arg_int(r, "n", &n));
	assert_int_equal(n, 7);
	assert_false(ctl_arg_int(r, "name", &n));
	assert_false(ctl_arg_int(r, "none", &n));
	assert_true(ctl_arg_bool(r, "yes"));
	assert_false(ctl_arg_bool(r, "n"));
	assert_false(ctl_arg_bool(r, "none"));
	say(r, false);
	answered(fd, "v");
	/* Without arguments, or with something else in their place. */
	for (int i = 0; i < 2; i++) {
		desk.held = NULL;
		fd = dial();
		if (i == 0)
			framed(&t, "\x81\xa4verb\xa1v", 8);
		else
			framed(&t, "\x82\xa4" "args\x93\x01\x02\x03\xa4verb\xa1v", 17);
		put(fd, t.b, t.len);
		loop_until(&loop, desk.held != NULL);
		assert_false(ctl_arg_str(desk.held, "name", s, sizeof s));
		assert_false(ctl_arg_int(desk.held, "n", &n));
		assert_false(ctl_arg_bool(desk.held, "yes"));
		say(desk.held, false);
		answered(fd, "v");
	}
}

static void
more_frames_then_the_last(void **state)
{
	uint8_t *buf;
	struct text t;
	int fd = dial(), frames = 0;
	size_t len, off = 0;

	(void)state;
	desk.mode = HOLD;
	question(&t, "logs", 0);
	put(fd, t.b, t.len);
	loop_until(&loop, desk.held != NULL);
	for (int i = 0; i < 9; i++)
		say(desk.held, true);
	assert_true(ctl_alive(desk.held));
	say(desk.held, false);
	len = drain(fd, &buf);
	for (; off < len; frames++) {
		struct mp mp;

		off += frame_of(buf + off, len - off, &mp);
		assert_true(flag(&mp, "ok"));
		assert_int_equal(flag(&mp, "more"), off < len);
	}
	assert_int_equal(frames, 10);
	free(buf);
}

static void
a_failure_says_code_line_and_hint(void **state)
{
	struct text t;
	int fd = dial();

	(void)state;
	desk.mode = HOLD;
	question(&t, "v", 0);
	put(fd, t.b, t.len);
	loop_until(&loop, desk.held != NULL);
	ctl_fail(desk.held, 4, "mesh status", "no %s at %d", "leader", 7);
	failed(fd, 4, "no leader at 7");
}

static void
who_leaves_is_noticed_once(void **state)
{
	struct text t;
	int fd = dial();

	(void)state;
	desk.mode = HOLD;
	question(&t, "v", 0);
	put(fd, t.b, t.len);
	loop_until(&loop, desk.held != NULL);
	close(fd);
	loop_until(&loop, desk.gone == 1);
	assert_null(desk.held->args);
	say(desk.held, true); /* goes nowhere */
	ctl_fail(desk.held, 1, "", "too late");
	/* Half a request, none at all. */
	fd = dial();
	put(fd, t.b, t.len / 2);
	close(fd);
	close(dial());
	loop_until(&loop, ctl.conns == 0);
	assert_int_equal(desk.handled, 1);
	assert_int_equal(desk.gone, 1);
}

/* A large answer that nobody reads: kept within reason, and whole when read. */
static void
big(struct ctl_req *r, size_t bytes, bool more)
{
	uint8_t *data = malloc(bytes + 5);

	data[0] = 0xc6; /* bin 32 */
	for (int i = 0; i < 4; i++)
		data[1 + i] = (uint8_t)(bytes >> (24 - 8 * i));
	for (size_t i = 0; i < bytes; i++)
		data[5 + i] = (uint8_t)(i * 31 + i / 251);
	ctl_answer(r, data, bytes + 5, more);
	free(data);
}

static void
hold_big(int fd)
{
	struct text t;

	desk.mode = HOLD;
	question(&t, "v", 0);
	put(fd, t.b, t.len);
	loop_until(&loop, desk.held != NULL);
	big(desk.held, 3 << 20, true);
}

static void
a_slow_reader_is_busy_and_gets_it_whole(void **state)
{
	int fd = dial();
	const uint8_t *bin;
	uint8_t *buf;
	struct mp mp, v;
	size_t len, n;

	(void)state;
	hold_big(fd);
	loop_for(&loop, 20);
	assert_true(ctl_busy(desk.held));
	say(desk.held, false);
	len = drain(fd, &buf);
	n = frame_of(buf, len, &mp);
	assert_true(key_of(mp, "data", &v));
	size_t bytes;
	assert_int_equal(mp_bin(&v, &bin, &bytes), 0);
	assert_int_equal(bytes, 3 << 20);
	for (size_t i = 0; i < bytes; i++)
		if (bin[i] != (uint8_t)(i * 31 + i / 251))
			fail_msg("byte %zu", i);
	assert_int_equal(frame_of(buf + n, len - n, &mp), len - n);
	assert_false(flag(&mp, "more"));
	free(buf);
}

static void
who_leaves_amid_the_answer_is_noticed(void **state)
{
	int fd = dial();
	char some[1000];

	(void)state;
	hold_big(fd);
	loop_for(&loop, 20);
	assert_true(recv(fd, some, sizeof some, 0) > 0);
	close(fd);
	loop_until(&loop, desk.gone == 1);
	say(desk.held, false);
	/* And when the last answer was given already: nobody is left to tell. */
	desk.held = NULL;
	fd = dial();
	hold_big(fd);
	big(desk.held, 2 << 20, false);
	loop_for(&loop, 20);
	close(fd);
	loop_until(&loop, ctl.conns == 0);
	assert_int_equal(desk.gone, 1);
}

static void
an_answer_that_no_peer_would_take_is_a_failure(void **state)
{
	struct text t;
	int fd = dial();

	(void)state;
	desk.mode = HOLD;
	question(&t, "v", 0);
	put(fd, t.b, t.len);
	loop_until(&loop, desk.held != NULL);
	big(desk.held, CTL_FRAME_BYTES_MAX, false);
	failed(fd, 1, "the answer is larger than 16 MiB");
}

/* As many as there are places ask, and wait for their answers: one more is
 * closed at once. */
static void
too_many_connections_wait_for_nobody(void **state)
{
	int fds[CTL_CONNS_MAX], extra;
	struct text t;

	(void)state;
	desk.mode = HOLD_ALL;
	question(&t, "v", 0);
	for (int i = 0; i < CTL_CONNS_MAX; i++) {
		fds[i] = dial();
		put(fds[i], t.b, t.len);
	}
	loop_until(&loop, desk.handled == CTL_CONNS_MAX);
	extra = dial();
	closed_unanswered(extra);
	for (int i = 0; i < CTL_CONNS_MAX; i++) {
		say(desk.all[i], false);
		answered(fds[i], "v");
	}
}

/* Clients that hold a place and say nothing do not lock the operator out. */
static void
who_asks_comes_before_who_is_silent(void **state)
{
	int fds[CTL_CONNS_MAX], extra;
	struct text t;

	(void)state;
	for (int i = 0; i < CTL_CONNS_MAX; i++)
		fds[i] = dial();
	loop_until(&loop, ctl.conns == CTL_CONNS_MAX);
	question(&t, "v", 0);
	for (int i = 0; i < 3; i++) {
		extra = dial();
		put(extra, t.b, t.len);
		answered(extra, "v");
	}
	/* The oldest made room, and nobody else. */
	closed_unanswered(fds[0]);
	for (int i = 3; i < CTL_CONNS_MAX; i++) {
		put(fds[i], t.b, t.len);
		answered(fds[i], "v");
	}
	for (int i = 1; i < 3; i++)
		close(fds[i]);
}

static void
who_dribbles_is_closed(void **state)
{
	struct text t;
	int fd = dial();
	uint64_t next_ns = 0;
	size_t i = 0;
	char c;

	(void)state;
	question(&t, "v", 60000);
	loop_until(&loop, ({
		if (uv_hrtime() >= next_ns) { /* a byte each 50 ms */
			(void)!send(fd, t.b + i++, 1, MSG_NOSIGNAL);
			next_ns = uv_hrtime() + 50000000;
		}
		recv(fd, &c, 1, 0) >= 0 || errno != EAGAIN;
	}));
	close(fd);
	assert_int_equal(desk.handled, 0);
}

/* SO_PEERCRED: who asks, not what he says.  Root asks as somebody else; anybody
 * else may not write as it is. */
static void
only_writers_may_write(void **state)
{
	const uid_t other = geteuid() == 0 ? 64797 : geteuid();
	struct text t;
	int status;
	pid_t pid;

	(void)state;
	assert_int_equal(chmod(w.path, 0755) | chmod(at.sun_path, 0666), 0);
	question(&t, "v", 0);
	pid = fork();
	if (pid == 0) {
		int fd = socket(AF_UNIX, SOCK_STREAM, 0);

		if (setresuid(other, other, other) != 0 ||
		    connect(fd, (struct sockaddr *)&at, sizeof at) != 0 ||
		    send(fd, t.b, t.len, 0) != (ssize_t)t.len || recv(fd, t.b, 10, 0) != 10)
			_exit(1);
		_exit(0);
	}
	desk.may_write = true;
	loop_until(&loop, waitpid(pid, &status, WNOHANG) == pid);
	assert_int_equal(status, 0);
	assert_int_equal(desk.handled, 1);
	assert_int_equal(desk.uid, other);
	assert_false(desk.may_write);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(one_question_one_answer),
		T(a_request_may_come_byte_by_byte),
		T(the_largest_request_is_taken_and_no_larger),
		T(nonsense_is_answered_with_a_line),
		T(a_connection_carries_one_request),
		T(who_floods_while_he_waits_is_closed),
		T(arguments_are_what_they_are_asked_as),
		T(more_frames_then_the_last),
		T(a_failure_says_code_line_and_hint),
		T(who_leaves_is_noticed_once),
		T(a_slow_reader_is_busy_and_gets_it_whole),
		T(who_leaves_amid_the_answer_is_noticed),
		T(an_answer_that_no_peer_would_take_is_a_failure),
		T(too_many_connections_wait_for_nobody),
		T(who_asks_comes_before_who_is_silent),
		T(who_dribbles_is_closed),
		T(only_writers_may_write),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
