/*
 * Addresses: what an operator may write, what is refused and how it is said.
 */
#include "world.h"

#include <netinet/in.h>

#include "../../../daemon/io/addr.h"

static void
good_texts_come_back(void **state)
{
	static const char *const texts[] = {
		"127.0.0.1:7780",
		"0.0.0.0:0",
		"255.255.255.255:65535",
		"[::1]:7780",
		"[::]:1",
		"[fd80::1:2]:80",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		char out[ADDR_TEXT_CAP];
		struct sockaddr_storage ss;
		struct addr a, b;
		struct err err;

		assert_int_equal(addr_parse(texts[i], &a, &err), 0);
		addr_format(&a, out, sizeof out);
		assert_string_equal(out, texts[i]);
		assert_true(addr_to_sockaddr(&a, &ss) > 0);
		assert_int_equal(ss.ss_family, texts[i][0] == '[' ? AF_INET6 : AF_INET);
		assert_true(addr_from_sockaddr((struct sockaddr *)&ss, &b));
		assert_true(addr_eq(&a, &b));
	}
}

/* Seeds that nobody can answer, and the same from nodes that may get an answer. */
static void
what_is_in_vain_is_said(void **state)
{
	static const struct {
		const char *listen, *own, *to, *why; /* NULL: it may answer */
	} rows[] = {
		{ "10.1.1.1:7780", "10.1.1.1:7780", "10.1.1.2:7780", NULL },
		{ "10.1.1.1:7780", "10.1.1.1:7780", "10.1.1.1:7780", "this node itself" },
		{ "10.1.1.1:7780", "10.1.1.1:7780", "10.1.1.1:7781", NULL },
		{ "10.1.1.1:7780", "192.0.2.1:7780", "192.0.2.1:7780", "this node itself" },
		{ "10.1.1.1:7780", "10.1.1.1:7780", "[fd00::1]:7780", "is IPv6" },
		{ "0.0.0.0:7780", "10.1.1.1:7780", "127.0.0.1:7780", "this node itself" },
		{ "0.0.0.0:7780", "10.1.1.1:7780", "127.0.0.1:7781", NULL },
		{ "127.0.0.2:7780", "127.0.0.2:7780", "127.0.0.1:7780", NULL },
		{ "[fd00::1]:7780", "[fd00::1]:7780", "127.0.0.1:7780", "is IPv4" },
		{ "[fd00::1]:7780", "[fd00::1]:7780", "[fd00::2]:7780", NULL },
		{ "[::]:7780", "[fd00::1]:7780", "10.1.1.2:7780", NULL },
		{ "[::]:7780", "[fd00::1]:7780", "[::1]:7780", "this node itself" },
		{ "[::]:7780", "[fd00::1]:7780", "127.0.0.1:7780", "this node itself" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct addr listen, own, to;
		struct err err;
		const char *why;

		assert_int_equal(addr_parse(rows[i].listen, &listen, &err), 0);
		assert_int_equal(addr_parse(rows[i].own, &own, &err), 0);
		assert_int_equal(addr_parse(rows[i].to, &to, &err), 0);
		why = addr_in_vain(&listen, &own, &to);
		assert_int_equal(why == NULL, rows[i].why == NULL);
		if (why != NULL)
			assert_non_null(strstr(why, rows[i].why));
	}
}

/* A socket of IPv6 names IPv4 peers so; they are the same address. */
static void
mapped_is_ipv4(void **state)
{
	char out[ADDR_TEXT_CAP];
	struct addr a, b;
	struct err err;

	(void)state;
	assert_int_equal(addr_parse("[::ffff:10.0.0.1]:7780", &a, &err), 0);
	assert_int_equal(addr_parse("10.0.0.1:7780", &b, &err), 0);
	assert_true(addr_eq(&a, &b));
	addr_format(&a, out, sizeof out);
	assert_string_equal(out, "10.0.0.1:7780");
}

static void
longest_address_fits(void **state)
{
	struct addr a = { .port = 65535 };
	char out[ADDR_TEXT_CAP];

	(void)state;
	memset(a.ip, 0xfe, sizeof a.ip);
	addr_format(&a, out, sizeof out);
	assert_string_equal(out, "[fefe:fefe:fefe:fefe:fefe:fefe:fefe:fefe]:65535");
	addr_format_host(&a, out, sizeof out);
	assert_string_equal(out, "fefe:fefe:fefe:fefe:fefe:fefe:fefe:fefe");
}

static void
bad_texts_are_named(void **state)
{
	static const struct {
		const char *text, *words;
	} bad[] = {
		{ "", "use HOST:PORT" },
		{ "127.0.0.1", "use HOST:PORT" },
		{ "127.0.0.1:", "use HOST:PORT" },
		{ "127.0.0.1:65536", "use HOST:PORT" },
		{ "127.0.0.1:99999999999999999999", "use HOST:PORT" },
		{ "127.0.0.1:-1", "use HOST:PORT" },
		{ "127.0.0.1:+1", "use HOST:PORT" },
		{ "127.0.0.1: 1", "use HOST:PORT" },
		{ "127.0.0.1:080", "use HOST:PORT" },
		{ ":7780", "no host" },
		{ "[]:7780", "no host" },
		{ "::1:7780", "[ADDRESS]:PORT" },
		{ "[127.0.0.1]:7780", "IPv6" },
		{ "[fe80::1]:7780", "link-local" },
		{ "[fe80::1%eth0]:7780", "link-local" },
		{ "[febf::2%7]:7780", "unique local" },
		{ "[fd00::1%eth0]:7780", "IPv6" },
		{ "256.0.0.1:7780", "IPv4" },
		{ "127.1:7780", "IPv4" },
		{ "host:7780", "IPv4" },
		{ "a\033[2Jb:7780", "\\x1b" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct addr a;
		struct err err = { 0 };

		assert_int_equal(addr_parse(bad[i].text, &a, &err), -EXIT_CONFIG);
		assert_err(err, EXIT_CONFIG, bad[i].words);
		assert_int_equal(a.port, 0);
	}
}

static void
very_long_text_is_refused(void **state)
{
	char text[4096];
	struct addr a;
	struct err err;

	(void)state;
	memset(text, '1', sizeof text - 1);
	memcpy(text + sizeof text - 4, ":80", 4);
	assert_int_equal(addr_parse(text, &a, &err), -EXIT_CONFIG);
	assert_int_equal(addr_resolve_blocking(text, &a, &err), -EXIT_CONFIG);
}

static void
names_are_resolved(void **state)
{
	struct addr a;
	struct err err;

	(void)state;
	assert_int_equal(addr_resolve_blocking("localhost:81", &a, &err), 0);
	assert_int_equal(a.port, 81);
	assert_int_equal(a.ip[15], 1); /* 127.0.0.1 or ::1 */
	assert_int_equal(addr_resolve_blocking("127.0.0.3:82", &a, &err), 0);
	assert_int_equal(a.ip[15], 3);
}

static void
any_is_known(void **state)
{
	struct addr a;
	struct err err;

	(void)state;
	assert_int_equal(addr_parse("0.0.0.0:7780", &a, &err), 0);
	assert_true(addr_is_any(&a) && addr_is_ipv4(&a));
	assert_int_equal(addr_parse("[::]:7780", &a, &err), 0);
	assert_true(addr_is_any(&a) && !addr_is_ipv4(&a));
	assert_int_equal(addr_parse("0.0.0.1:7780", &a, &err), 0);
	assert_false(addr_is_any(&a));
}

static void
other_families_are_refused(void **state)
{
	struct sockaddr_storage ss = { .ss_family = AF_UNIX };
	struct addr a;

	(void)state;
	assert_false(addr_from_sockaddr((struct sockaddr *)&ss, &a));
}

/* In a network without a route, then with one. */
static int
routes(void *arg)
{
	struct err err = { 0 };
	struct addr a;
	char out[ADDR_TEXT_CAP];

	(void)arg;
	APART_CHECK(addr_default_route(7780, &a, &err) == -EXIT_CONFIG);
	APART_CHECK(strncmp(err.text, "this host has no default route", 30) == 0);
	APART_CHECK(addr_resolve_blocking("no-such-host.invalid:1", &a, &err) ==
	    -EXIT_ENVIRONMENT);
	APART_CHECK(strstr(err.text, "no-such-host.invalid") != NULL);
	APART_CHECK(system("ip link set lo up && ip addr add 10.9.8.7/32 dev lo && "
	                   "ip route add default dev lo src 10.9.8.7") == 0);
	APART_CHECK(addr_default_route(7780, &a, &err) == 0);
	addr_format(&a, out, sizeof out);
	APART_CHECK(strcmp(out, "10.9.8.7:7780") == 0);
	return 0;
}

static void
default_route_gives_its_source(void **state)
{
	(void)state;
	world_apart(CLONE_NEWNET, routes, NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_texts_come_back),
		cmocka_unit_test(what_is_in_vain_is_said),
		cmocka_unit_test(mapped_is_ipv4),
		cmocka_unit_test(longest_address_fits),
		cmocka_unit_test(bad_texts_are_named),
		cmocka_unit_test(very_long_text_is_refused),
		cmocka_unit_test(names_are_resolved),
		cmocka_unit_test(any_is_known),
		cmocka_unit_test(other_families_are_refused),
		cmocka_unit_test(default_route_gives_its_source),
	};

	return cmocka_run_group_tests_name("addr", tests, NULL, NULL);
}
