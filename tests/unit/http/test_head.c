/*
 * test_head.c - heads of requests: what is taken, and each way to be refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../../../daemon/http/head.h"

#define GET "GET /metrics HTTP/1.1\r\n"
#define HOST "Host: localhost\r\n"

static struct head
judged(const char *text, size_t len)
{
	struct head h;

	/* However it comes, byte by byte too: the same is said of it. */
	for (size_t n = 0; n < len; n++)
		if (head_read((const uint8_t *)text, n, &h)) {
			struct head whole;

			assert_true(head_read((const uint8_t *)text, len, &whole));
			assert_int_equal(whole.status, h.status);
			assert_int_not_equal(h.status, 0);
			return h;
		}
	assert_true(head_read((const uint8_t *)text, len, &h));
	return h;
}

static void
good(void **state)
{
	static const char *const heads[] = {
	    GET HOST "\r\n",
	    "GET /api/v1/query?query=up%7Ba%3D%22b%22%7D&time=1 HTTP/1.1\r\nhost:\tlocalhost:7781 \r\nAccept: */*\r\n\r\n",
	    "POST /api/v1/query HTTP/1.0\r\nHost: [::1]:7781\r\nContent-Length: 65536\r\n\r\n",
	    "HEAD / HTTP/1.1\r\nHost:\r\nX-\x21: \xc3\xa4\r\n\r\n",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(heads); i++) {
		struct head h = judged(heads[i], strlen(heads[i]));

		assert_int_equal(h.status, 0);
		assert_int_equal(h.len, strlen(heads[i]));
	}
}

static void
refused(void **state)
{
	static const struct {
		const char *text;
		int status;
	} bad[] = {
	    {"\r\n\r\n", 400},
	    {"get /metrics HTTP/1.1\r\n" HOST "\r\n", 400},
	    {"GET  /metrics HTTP/1.1\r\n" HOST "\r\n", 400},
	    {"GET /metrics  HTTP/1.1\r\n" HOST "\r\n", 400},
	    {"GET http://localhost/metrics HTTP/1.1\r\n" HOST "\r\n", 400},
	    {"GET /a\tb HTTP/1.1\r\n" HOST "\r\n", 400},
	    {"GET /\xc3\xa4 HTTP/1.1\r\n" HOST "\r\n", 400},
	    {"GET /metrics\r\n" HOST "\r\n", 400},
	    {"GET /metrics HTTP/2.0\r\n" HOST "\r\n", 505},
	    {"GET /metrics HTTP/1.2\r\n" HOST "\r\n", 505},
	    {"GET /metrics XTTP/1.1\r\n" HOST "\r\n", 400},
	    {GET "\r\n", 400},
	    {GET HOST HOST "\r\n", 400},
	    {GET "Host : localhost\r\n\r\n", 400},
	    {GET HOST "no colon\r\n\r\n", 400},
	    {GET HOST "X: a\r\n folded\r\n\r\n", 400},
	    {GET HOST ": none\r\n\r\n", 400},
	    {GET HOST "X: a\x01z\r\n\r\n", 400},
	    {GET HOST "X: a\x7fz\r\n\r\n", 400},
	    {GET "Host: localhost\n\r\n", 400},
	    {GET HOST "X: a\rb\r\n\r\n", 400},
	    {GET HOST "Content-Length: -1\r\n\r\n", 400},
	    {GET HOST "Content-Length: +1\r\n\r\n", 400},
	    {GET HOST "Content-Length: 1,1\r\n\r\n", 400},
	    {GET HOST "Content-Length:\r\n\r\n", 400},
	    {GET HOST "Content-Length: 0x10\r\n\r\n", 400},
	    {GET HOST "Content-Length: 1\r\ncontent-length: 1\r\n\r\n", 400},
	    {GET HOST "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
	    {GET HOST "Transfer-Encoding: chunked\r\n\r\n", 411},
	    {GET HOST "transfer-encoding: gzip\r\n\r\n", 411},
	    {GET HOST "Content-Length: 65537\r\n\r\n", 413},
	    {GET HOST "Content-Length: 2097152\r\n\r\n", 413},
	    {GET HOST "Content-Length: 99999999999999999999\r\n\r\n", 400},
	    {GET HOST "Range: bytes=0-1\r\n\r\n", 416},
	    {GET HOST "If-Match: x\r\n\r\n", 400},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct head h = judged(bad[i].text, strlen(bad[i].text));

		if (h.status != bad[i].status || h.why == NULL)
			fail_msg("%zu: %d %s", i, h.status, h.why != NULL ? h.why : "");
	}
	assert_int_equal(judged(GET "Host: a\0b\r\n\r\n", sizeof GET + 13).status, 400);
}

static void
too_much(void **state)
{
	static char text[16 << 10];
	size_t n;
	struct head h;

	(void)state;
	n = (size_t)snprintf(text, sizeof text, GET HOST);
	for (int i = 0; i < 63; i++)
		n += (size_t)snprintf(text + n, sizeof text - n, "X-%d: a\r\n", i);
	n += (size_t)snprintf(text + n, sizeof text - n, "\r\n");
	assert_int_equal(judged(text, n).status, 0); /* 64 */
	n -= 2;
	n += (size_t)snprintf(text + n, sizeof text - n, "X: a\r\n\r\n");
	assert_int_equal(judged(text, n).status, 431);

	n = (size_t)snprintf(text, sizeof text, GET HOST "X: ");
	memset(text + n, 'a', HEAD_BYTES_MAX);
	assert_false(head_read((uint8_t *)text, HEAD_BYTES_MAX, &h));
	assert_true(head_read((uint8_t *)text, HEAD_BYTES_MAX + 1, &h));
	assert_int_equal(h.status, 431);

	n = (size_t)snprintf(text, sizeof text, "GET /");
	memset(text + n, 'a', HEAD_TARGET_BYTES_MAX);
	snprintf(text + n + HEAD_TARGET_BYTES_MAX, 64, " HTTP/1.1\r\n" HOST "\r\n");
	assert_int_equal(judged(text, strlen(text)).status, 414);
}

static void
paths(void **state)
{
	static const char *const good_[] = {"/", "/metrics", "/-/healthy", "/a/.b", "/a/...", "/a%20b", "/a/b.", "/a/"};
	static const char *const bad[] = {"", "metrics", "/../etc/passwd", "/a/..", "/a/../b", "/./a", "/a/.", "//", "/a//b",
	    "/%2e%2e/etc", "/%2E%2e", "/a/%2e", "/.%2e/x", "/a%00", "/a%0a", "/a%2fb", "/a%2F..", "/a%5cb", "/a\\b", "/%", "/%4", "/%zz"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good_); i++)
		if (!head_path_ok(good_[i], strlen(good_[i])))
			fail_msg("%s", good_[i]);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (head_path_ok(bad[i], strlen(bad[i])))
			fail_msg("%s", bad[i]);
}

static void
hosts(void **state)
{
	static const char *const names[] = {"localhost", "127.0.0.1", "[::1]"};
	static const char *const good_[] = {"localhost", "LOCALHOST:7781", "127.0.0.1:1", "[::1]", "[::1]:7781"};
	static const char *const bad[] = {"", ":7781", "evil.com", "localhost.evil.com", "localhost:80:80", "::1", "[::1", "127.0.0.1:a",
	    "[::1]7781", "localhost@evil.com"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good_); i++)
		if (!head_host_is((const uint8_t *)good_[i], strlen(good_[i]), names, ARRAY_LEN(names)))
			fail_msg("%s", good_[i]);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (head_host_is((const uint8_t *)bad[i], strlen(bad[i]), names, ARRAY_LEN(names)))
			fail_msg("%s", bad[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(good),
	    cmocka_unit_test(refused),
	    cmocka_unit_test(too_much),
	    cmocka_unit_test(paths),
	    cmocka_unit_test(hosts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
