/*
 * ctlanswer.h - what test_ctl.c expects to read from the control socket.
 */
#ifndef TEST_IO_CTLANSWER_H
#define TEST_IO_CTLANSWER_H

#include "ctlpeer.h"

/* Exactly one answer, of a handler that repeats the verb. */
static void
answered(int fd, const char *verb)
{
	uint8_t *buf;
	size_t len = drain(fd, &buf);
	struct mp mp, v, e;
	char s[CTL_VERB_CAP];

	assert_int_equal(frame_of(buf, len, &mp), len);
	assert_true(flag(&mp, "ok") && !flag(&mp, "more"));
	assert_true(key_of(mp, "data", &v) && key_of(v, "echo", &e));
	assert_int_equal(mp_cstr(&e, s, sizeof s), 0);
	assert_string_equal(s, verb);
	free(buf);
}

static void
failed(int fd, int want_code, const char *want)
{
	uint8_t *buf;
	size_t len = drain(fd, &buf);
	struct mp mp, v;
	char s[ERR_TEXT_CAP];
	int64_t code;

	assert_int_equal(frame_of(buf, len, &mp), len);
	assert_false(flag(&mp, "ok"));
	assert_true(key_of(mp, "code", &v));
	assert_int_equal(mp_int(&v, &code), 0);
	assert_int_equal(code, want_code);
	assert_true(key_of(mp, "error", &v));
	assert_int_equal(mp_cstr(&v, s, sizeof s), 0);
	assert_string_equal(s, want);
	free(buf);
}

static void
closed_unanswered(int fd)
{
	uint8_t *buf;

	assert_int_equal(drain(fd, &buf), 0);
	free(buf);
}

#endif
