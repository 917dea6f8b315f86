/*
 * test_exec.c - the record of a command for a container: what is right comes
 * out as it went in, and whatever is wrong is refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../../daemon/supervisor/exec.h"

static uint8_t record[sizeof(struct exec_ask) + EXEC_ARGV_BYTES_MAX + 8];

static struct exec_ask
ask(const char *instance, uint32_t argc, uint32_t bytes)
{
	struct exec_ask a = {.version = EXEC_VERSION, .argc = argc, .bytes = bytes};

	memcpy(a.instance, instance, strlen(instance));
	return a;
}

/* 0 or the code; *out as exec_parse leaves it. */
static int
parse(const struct exec_ask *a, const void *strings, size_t len,
    struct exec_request *out, struct err *err)
{
	memcpy(record, a, sizeof *a);
	memcpy(record + sizeof *a, strings, len);
	return exec_parse(record, sizeof *a + len, out, err);
}

static void
what_is_right(void **state)
{
	static const char strings[] = "printf\0%s\0\0a b";
	struct exec_ask a = ask("web.0", 4, sizeof strings);
	struct exec_request r;
	struct err err;

	(void)state;
	a.flags = EXEC_F_TTY;
	memcpy(a.term, "xterm-256color", 15);
	assert_int_equal(parse(&a, strings, sizeof strings, &r, &err), 0);
	assert_string_equal(r.instance, "web.0");
	assert_string_equal(r.term, "xterm-256color");
	assert_int_equal(r.flags, EXEC_F_TTY);
	assert_int_equal(r.argv.count, 4);
	assert_memory_equal(r.argv.buf, strings, sizeof strings);
	free(r.argv.buf);
	/* As much as there may be. */
	char *most = malloc(EXEC_ARGV_BYTES_MAX);

	assert_non_null(most);
	memset(most, 'x', EXEC_ARGV_BYTES_MAX);
	most[EXEC_ARGV_BYTES_MAX - 1] = '\0';
	a = ask("web.0", 1, EXEC_ARGV_BYTES_MAX);
	assert_int_equal(parse(&a, most, EXEC_ARGV_BYTES_MAX, &r, &err), 0);
	assert_int_equal(r.argv.len, EXEC_ARGV_BYTES_MAX);
	free(r.argv.buf);
	free(most);
}

static void
what_is_wrong(void **state)
{
	const struct exec_ask good = ask("web.0", 2, 5);
	struct exec_ask bad[12];
	struct exec_request r;
	struct err err;
	size_t n = 0;

	(void)state;
	assert_int_equal(parse(&good, "a\0b\0", 4, &r, &err), -EXEC_CODE_REFUSED);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		bad[i] = good;
	bad[n++].version = 0;
	bad[n++].version = EXEC_VERSION + 1;
	bad[n++].flags = 2;
	bad[n++].flags = UINT32_MAX;
	bad[n++].argc = 0;
	bad[n++].argc = 1;
	bad[n++].argc = UINT32_MAX;
	bad[n++].bytes = 4;
	bad[n++].bytes = UINT32_MAX;
	memset(bad[n++].instance, 'a', NAME_CAP);
	memcpy(bad[n++].instance, "../etc", 6);
	memset(bad[n++].term, 'a', EXEC_TERM_CAP);
	assert_int_equal(n, ARRAY_LEN(bad));
	for (size_t i = 0; i < n; i++) {
		memset(&err, 0, sizeof err);
		assert_int_equal(parse(&bad[i], "ab\0c", 5, &r, &err),
		    -EXEC_CODE_REFUSED);
		assert_memory_equal(err.text, "exec: ", 6);
		assert_null(r.argv.buf);
	}
	assert_int_equal(parse(&good, "ab\0c", 5, &r, &err), 0);
	free(r.argv.buf);
	/* Its last byte is no NUL; its name is empty; cut anywhere. */
	assert_int_equal(parse(&good, "ab\0cd", 5, &r, &err), -EXEC_CODE_REFUSED);
	assert_int_equal(parse(&good, "\0abc", 5, &r, &err), -EXEC_CODE_REFUSED);
	assert_string_equal(err.text, "exec: the command's name is empty");
	memcpy(record, &good, sizeof good);
	memcpy(record + sizeof good, "ab\0c", 5);
	for (size_t len = 0; len < sizeof good + 5; len++)
		assert_int_equal(exec_parse(record, len, &r, &err),
		    -EXEC_CODE_REFUSED);
}

static void
too_many_words(void **state)
{
	static char words[2 * (EXEC_ARGC_MAX + 1)];
	struct exec_ask a = ask("web.0", EXEC_ARGC_MAX + 1, sizeof words);
	struct exec_request r;
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof words; i += 2)
		words[i] = 'x';
	assert_int_equal(parse(&a, words, sizeof words, &r, &err),
	    -EXEC_CODE_REFUSED);
	a.argc--;
	a.bytes -= 2;
	assert_int_equal(parse(&a, words, sizeof words - 2, &r, &err), 0);
	free(r.argv.buf);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_is_right),
	    cmocka_unit_test(what_is_wrong),
	    cmocka_unit_test(too_many_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
