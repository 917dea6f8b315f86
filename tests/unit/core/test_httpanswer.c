/*
 * test_httpanswer.c - answers of HTTP in one piece and byte by byte, and what a server
 * that lies, or never ends, is told to be.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../../daemon/core/httpanswer.h"

static char out[512];

/* By pieces of `step` bytes, then the end. */
static void
answer(const char *text, size_t len, size_t step)
{
	struct httpanswer *h = httpanswer_new(20);
	struct err err = {0};
	int rc = 0;

	for (size_t at = 0; at < len && rc == 0; at += step) {
		size_t n = len - at < step ? len - at : step;
		uint8_t *piece = malloc(n);

		memcpy(piece, text + at, n);
		rc = httpanswer_feed(h, piece, n, &err);
		free(piece);
	}
	if (rc == 0)
		rc = httpanswer_end(h, &err);
	if (rc < 0)
		snprintf(out, sizeof out, "%s", err.text);
	else
		snprintf(out, sizeof out, "%.*s|%.*s", (int)httpanswer_type(h).len,
		    (const char *)httpanswer_type(h).b, (int)httpanswer_body(h).len,
		    httpanswer_body(h).len > 0 ? (const char *)httpanswer_body(h).b : "");
	httpanswer_free(h);
}

static void
is(const char *text, const char *want)
{
	for (size_t step = 1; step < 40; step += 6) {
		answer(text, strlen(text), step);
		assert_string_equal(out, want);
	}
	answer(text, strlen(text), 1 << 20);
	assert_string_equal(out, want);
}

#define OK "HTTP/1.1 200 OK\r\n"

static void
bodies(void **state)
{
	(void)state;
	is(OK "Content-Type: text/plain; version=0.0.4 \r\nContent-Length: 5\r\n\r\nhello", "text/plain; version=0.0.4|hello");
	is(OK "content-LENGTH:5\r\n\r\nhello and more", "|hello");
	is(OK "\r\nup to the end", "|up to the end");
	is("HTTP/1.0 200\n\nx", "|x");
	is(OK "Content-Length: 0\r\n\r\n", "|");
	is(OK "Transfer-Encoding: chunked\r\nX: y\r\n\r\n5\r\nhello\r\nA;ext=1\r\n, and more\r\n0\r\nTrailer: x\r\n\r\nrest",
	    "|hello, and more");
	is(OK "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "|");
	is(OK "Content-Length: 20\r\nContent-Length: 20\r\nContent-Encoding: identity\r\n\r\n01234567890123456789",
	    "|01234567890123456789");
}

static void
lies(void **state)
{
	(void)state;
	is("", "answer, line 1: it ends here");
	is("SSH-2.0-OpenSSH\r\n", "answer, line 1: no HTTP/1.1");
	is("HTTP/2 200\r\n", "answer, line 1: no HTTP/1.1");
	is("HTTP/1.1 20 OK\r\n", "answer, line 1: no HTTP/1.1");
	is("HTTP/1.1 503 Busy\r\n\r\n", "answer, line 1: status 503");
	is("HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n", "answer, line 1: status 302, and redirects are not followed");
	is(OK "no field\r\n", "answer, line 2: 'NAME: VALUE' is needed");
	is(OK "X: 1\r\n folded\r\n", "answer, line 3: 'NAME: VALUE' is needed");
	is(OK "Name : x\r\n", "answer, line 2: 'NAME: VALUE' is needed");
	is(OK ": x\r\n", "answer, line 2: 'NAME: VALUE' is needed");
	is(OK "Content-Length: -1\r\n", "answer, line 2: Content-Length: a number is needed");
	is(OK "Content-Length: 5x\r\n", "answer, line 2: Content-Length: a number is needed");
	is(OK "Content-Length:\r\n", "answer, line 2: Content-Length: a number is needed");
	is(OK "Content-Length: 1000000000\r\n", "answer: its body has more than 20 bytes");
	is(OK "Content-Length: 99999999999999999999999\r\n", "answer: its body has more than 20 bytes");
	is(OK "Content-Length: 5\r\nContent-Length: 6\r\n", "answer, line 3: Content-Length: there is another one already");
	is(OK "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", "answer, line 4: a Content-Length, and chunks");
	is(OK "Transfer-Encoding: gzip, chunked\r\n", "answer, line 2: Transfer-Encoding: only chunked, and once");
	is(OK "Content-Encoding: gzip\r\n", "answer, line 2: Content-Encoding: nobody asked for one");
	is(OK "Transfer-Encoding: chunked\r\n\r\nxyz\r\n", "answer, line 4: the size of a chunk is needed");
	is(OK "Transfer-Encoding: chunked\r\n\r\n\r\n", "answer, line 4: the size of a chunk is needed");
	is(OK "Transfer-Encoding: chunked\r\n\r\nffffffffffffffffffff\r\n", "answer: its body has more than 20 bytes");
	is(OK "Transfer-Encoding: chunked\r\n\r\n10\r\n0123456789abcdef\r\n5\r\n", "answer: its body has more than 20 bytes");
	is(OK "Transfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n", "answer, line 5: a chunk is longer than it said");
	is(OK "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n", "answer, line 6: it ends here");
	is(OK "Transfer-Encoding: chunked\r\n\r\n4\r\nab", "answer: it ends 2 bytes too early");
	is(OK "Content-Length: 5\r\n\r\nhe", "answer: it ends 3 bytes too early");
	is(OK "\r\n012345678901234567890", "answer: its body has more than 20 bytes");
	answer(OK "X: \0\r\n", sizeof(OK "X: \0\r\n") - 1, 7);
	assert_string_equal(out, "answer, line 2: a NUL byte");
}

/* However long it goes on. */
static void
without_an_end(void **state)
{
	struct httpanswer *h = httpanswer_new(1 << 20);
	struct err err;
	int rc = 0;
	size_t n = 0;

	(void)state;
	assert_int_equal(httpanswer_feed(h, (const uint8_t *)OK, sizeof OK - 1, &err), 0);
	for (; rc == 0 && n < 1 << 20; n++)
		rc = httpanswer_feed(h, (const uint8_t *)"x", 1, &err);
	assert_int_equal(rc, -1);
	assert_string_equal(err.text, "answer, line 2: longer than 4096 bytes");
	httpanswer_free(h);
	h = httpanswer_new(1 << 20);
	rc = httpanswer_feed(h, (const uint8_t *)OK, sizeof OK - 1, &err);
	for (n = 0; rc == 0 && n < 1 << 20; n++)
		rc = httpanswer_feed(h, (const uint8_t *)"A: b\r\n", 6, &err);
	assert_string_equal(err.text, "answer, line 10921: more than 64 KiB beside the body");
	httpanswer_free(h);
	h = httpanswer_new(1 << 20);
	rc = httpanswer_feed(h, (const uint8_t *)OK "Transfer-Encoding: chunked\r\n\r\n", sizeof OK - 1 + 30, &err);
	for (n = 0; rc == 0 && n < 1 << 20; n++)
		rc = httpanswer_feed(h, (const uint8_t *)"1\r\nx\r\n", 6, &err);
	assert_non_null(strstr(err.text, "more than 64 KiB beside the body"));
	httpanswer_free(h);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(bodies),
	    cmocka_unit_test(lies),
	    cmocka_unit_test(without_an_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
