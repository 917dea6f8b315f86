/*
 * One run of meshd-script, and every way in which it can end.  A shell that
 * reads the question as its commands plays the broken ones; it is a real
 * process, and what it says is bytes.
 */
#include "programs.h"

#include "../../../daemon/base/scriptio.h"
#include "../../../daemon/io/pack.h"
#include "../../../daemon/io/script.h"
#include "loop.h"

static uv_loop_t loop;
static struct config conf;

static struct {
	struct script_answer a;
	int called;
	char result[256], log[256];
} got;

static void
on_done(void *arg, const struct script_answer *a)
{
	assert_ptr_equal(arg, &got);
	got.called++;
	got.a = *a;
	snprintf(got.log, sizeof got.log, "%.*s", (int)a->log.len, (const char *)a->log.b);
	if (a->result.len > 0)
		memcpy(got.result, a->result.b, a->result.len < 256 ? a->result.len : 256);
}

static int
setup(void **state)
{
	(void)state;
	memset(&got, 0, sizeof got);
	conf.script_heap_bytes = SCRIPT_HEAP_BYTES;
	conf.script_cpu_ms = SCRIPT_CPU_MS;
	conf.script_wall_ms = 20000;
	return uv_loop_init(&loop);
}

static int
teardown(void **state)
{
	(void)state;
	loop_end(&loop);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* nobody is left */
	return 0;
}

static struct script_run *
begin(int fd, const void *question, size_t len)
{
	struct err err = { 0 };
	struct script_run *r = script_start(&loop, fd, &conf, "scheduler",
	    (struct slice){ question, len }, on_done, &got, &err);

	if (r == NULL)
		fail_msg("%s", err.text);
	close(fd);
	assert_int_equal(got.called, 0);
	return r;
}

static void
shell(const char *commands)
{
	memset(&got, 0, sizeof got);
	begin(open("/bin/sh", O_PATH | O_CLOEXEC), commands, strlen(commands));
	loop_until(&loop, got.called > 0);
	assert_int_equal(got.called, 1);
}

/* The process says exactly these bytes and ends well. */
static void
say(const void *bytes, size_t len)
{
	char *commands = malloc(len * 4 + 32), *p = commands;

	p += sprintf(p, "printf '");
	for (size_t i = 0; i < len; i++)
		p += sprintf(p, "\\%03o", ((const uint8_t *)bytes)[i]);
	sprintf(p, "'\n");
	shell(commands);
	free(commands);
}

static void
failed_with(const char *line)
{
	assert_false(got.a.ok);
	assert_string_equal(got.a.error, line);
}

static void
an_answer_is_taken(void **state)
{
	static const char a[] = "\x84\xa2ok\xc3\xa6result\x81\xa1x\x01\xa3log\xa5hello\xa4more\xc0";

	(void)state;
	say(a, sizeof a - 1);
	assert_true(got.a.ok);
	assert_string_equal(got.a.error, "");
	assert_string_equal(got.log, "hello");
	assert_int_equal(got.a.result.len, 4);
	assert_memory_equal(got.result, "\x81\xa1x\x01", 4);
}

static void
the_way_a_process_ended_is_said(void **state)
{
	(void)state;
	shell("exit 3");
	failed_with("scheduler process ended with code 3");
	shell("printf 'the \\033[31mfirst\\n' >&2; echo last >&2; exit 4");
	failed_with("scheduler process ended with code 4: the \\x1b[31mfirst");
	shell("kill -SEGV $$");
	failed_with("scheduler process ended with signal 11");
	shell("kill -XCPU $$");
	failed_with("scheduler killed: over its CPU limit (limits: script-cpu)");
	/* A good answer does not count when its process then fails. */
	shell("printf '\\202\\242ok\\303\\246result\\001'; exit 1");
	failed_with("scheduler process ended with code 1");
	shell("head -c 3000 /dev/zero | tr '\\0' x >&2; exit 9");
	assert_false(got.a.ok);
	assert_non_null(strstr(got.a.error, "ended with code 9: xxxxx"));
}

static void
a_run_that_does_not_end_is_killed(void **state)
{
	(void)state;
	conf.script_wall_ms = 200;
	shell("sleep 1000");
	failed_with("scheduler killed after 200 ms (limit limits: script-wall)");
	shell("trap '' TERM INT; while :; do :; done");
	failed_with("scheduler killed after 200 ms (limit limits: script-wall)");
}

static void
an_answer_without_an_end_is_cut(void **state)
{
	(void)state;
	shell("while :; do head -c 1000000 /dev/zero; done");
	failed_with("scheduler output larger than 16 MiB");
}

static void
a_program_that_is_none_is_said(void **state)
{
	struct world w;

	(void)state;
	world_open(&w);
	world_write(&w, "prog", "\x7f" "ELF junk", 9, 0755);
	begin(openat(w.fd, "prog", O_PATH | O_CLOEXEC), "", 0);
	loop_until(&loop, got.called);
	assert_false(got.a.ok);
	assert_non_null(strstr(got.a.error, "scheduler process ended with code 127"));
	world_close(&w);
}

static void
malformed_answers_are_refused(void **state)
{
#define B(s) { s, sizeof s - 1 }
	static const struct {
		const char *bytes;
		size_t len;
	} bad[] = {
		B(""),
		B("\xc0"),
		B("\x93\x01\x02\x03"),
		B("\x80"),				   /* no ok */
		B("\x81\xa2ok\xc3"),			   /* ok, but no result */
		B("\x82\xa2ok\x01\xa6result\x01"),	   /* ok: 1 */
		B("\x82\xa2ok\xc3\xa6result"),		   /* cut */
		B("\x82\xa2ok\xc3\xa6result\x01\x01"),	   /* more than one value */
		B("\x82\xa2ok\xc3\x07\x01"),		   /* a key that is no string */
		B("\xdf\xff\xff\xff\xff\xa2ok\xc3"),	   /* four billion pairs */
		B("\x82\xa2ok\xc3\xa6result\xdd\xff\xff\xff\xff"),
		B("\x82\xa2ok\xc3\xa6result\xc6\x7f\xff\xff\xff"),
		B("oops, a print statement\n"),
	};
	uint8_t deep[128] = "\x82\xa2ok\xc3\xa6result";

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		say(bad[i].bytes, bad[i].len);
		failed_with("scheduler process gave a malformed answer");
	}
	memset(deep + 12, 0x91, 60);
	deep[72] = 0xc0;
	say(deep, 73);
	failed_with("scheduler process gave a malformed answer");
}

static void
a_failure_is_told_in_one_line_with_its_excerpt(void **state)
{
	static const char a[] = "\x83\xa2ok\xc2\xa5" "error\xb2main.lua:2:\n\x1b[1mno"
				"\xa7" "excerpt\xaf" "1| a\n2| \x1b b\n3|!";
	static const char none[] = "\x81\xa2ok\xc2", number[] = "\x82\xa2ok\xc2\xa5" "error\x07";
	static const char both[] = "\x83\xa2ok\xc3\xa6result\x01\xa5" "error\xa4oops";

	(void)state;
	say(a, sizeof a - 1);
	failed_with("main.lua:2:\\x0a\\x1b[1mno");
	assert_string_equal(got.a.excerpt, "1| a\n2| \\x1b b\n3|!");
	say(none, sizeof none - 1);
	failed_with("scheduler failed and did not say why");
	say(number, sizeof number - 1);
	failed_with("scheduler failed and did not say why");
	say(both, sizeof both - 1);
	failed_with("oops");
}

static void
a_long_excerpt_is_cut_within_bounds(void **state)
{
	msgpack_sbuffer b;
	msgpack_packer pk;
	char text[SCRIPT_EXCERPT_CAP + 900];

	(void)state;
	for (int kind = 0; kind < 3; kind++) {
		memset(text, kind == 0 ? '\n' : kind == 1 ? '\x1b' : 'x', sizeof text - 1);
		text[sizeof text - 1] = '\0';
		if (kind == 2)
			for (size_t i = 7; i < sizeof text - 1; i += 11)
				text[i] = '\n';
		msgpack_sbuffer_init(&b);
		msgpack_packer_init(&pk, &b, msgpack_sbuffer_write);
		msgpack_pack_map(&pk, 3);
		pk_kbool(&pk, "ok", false);
		pk_kstr(&pk, "error", text);
		pk_kstr(&pk, "excerpt", text);
		say(b.data, b.size);
		msgpack_sbuffer_destroy(&b);
		assert_false(got.a.ok);
		size_t n = strlen(got.a.excerpt);
		assert_true(n < sizeof got.a.excerpt && n > sizeof got.a.excerpt - 16);
		assert_null(strchr(got.a.error, '\n'));
		assert_true(strlen(got.a.error) < sizeof got.a.error);
	}
}

static void
who_is_cancelled_says_nothing_more(void **state)
{
	static const char commands[] = "sleep 1000";

	(void)state;
	script_cancel(begin(open("/bin/sh", O_PATH | O_CLOEXEC), commands, strlen(commands)));
	loop_for(&loop, 50);
	assert_int_equal(got.called, 0);
}

/* A whole question with script_head, to the real program. */
static void
ask_the_real_one(const char *main_lua)
{
	msgpack_sbuffer b;
	msgpack_packer pk;

	msgpack_sbuffer_init(&b);
	msgpack_packer_init(&pk, &b, msgpack_sbuffer_write);
	script_head(&pk, 6, "schedule", &conf, UINT64_MAX);
	pk_kstr(&pk, "entry", "main.lua");
	pk_str(&pk, "files");
	msgpack_pack_map(&pk, 1);
	pk_kstr(&pk, "main.lua", main_lua);
	pk_str(&pk, "input");
	msgpack_pack_map(&pk, 0);
	begin(program_open("meshd-script"), b.data, b.size);
	msgpack_sbuffer_destroy(&b);
	loop_until(&loop, got.called);
}

static void
the_real_program_understands_the_head(void **state)
{
	(void)state;
	ask_the_real_one("local a, password = 1, 'hunter22'\nlocal b = nil + a\nreturn {}\n");
	assert_false(got.a.ok);
	if (strncmp(got.a.error, "main.lua:2:", 11) != 0)
		fail_msg("%s", got.a.error);
	assert_non_null(strstr(got.a.excerpt, "local b = nil + a"));
	assert_non_null(strstr(got.a.excerpt, "\n\nstack traceback:\n"));
	assert_non_null(strstr(got.a.excerpt, "main.lua:2: in main chunk\n"));
	assert_non_null(strstr(got.a.excerpt, "\nvariables there:\na = 1\npassword = (redacted)"));
	assert_non_null(strchr(got.a.excerpt, '\n'));
}

static void
a_schedule_is_4_mib_at_most(void **state)
{
	(void)state;
	ask_the_real_one("return {schedule = function() return {x = ('x'):rep(10 << 20)} end}\n");
	assert_false(got.a.ok);
	assert_string_equal(got.a.error, "return: larger than 4 MiB: x takes 10241 KiB");
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(an_answer_is_taken),
		T(the_way_a_process_ended_is_said),
		T(a_run_that_does_not_end_is_killed),
		T(an_answer_without_an_end_is_cut),
		T(a_program_that_is_none_is_said),
		T(malformed_answers_are_refused),
		T(a_failure_is_told_in_one_line_with_its_excerpt),
		T(a_long_excerpt_is_cut_within_bounds),
		T(who_is_cancelled_says_nothing_more),
		T(the_real_program_understands_the_head),
		T(a_schedule_is_4_mib_at_most),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
