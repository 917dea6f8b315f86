/*
 * test_rtnl.c - the reader of what the kernel answers: what is right is read, what is
 * cut, too long or another's is an error, and no bytes make it read past their end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include "../../../daemon/supervisor/rtnl.h"

enum { SEQ = 7 };

static uint8_t buf[1024];
static size_t len;

static void
put(const void *p, size_t n)
{
	memcpy(buf + len, p, n);
	len += (n + 3) / 4 * 4;
}

static void
attr(uint16_t type, const void *p, size_t n)
{
	struct nlattr a = {(uint16_t)(sizeof a + n), type};

	put(&a, sizeof a);
	put(p, n);
}

/* What it is about comes later: the header's length is of all. */
static void
head(uint16_t type)
{
	struct nlmsghdr h = {.nlmsg_type = type, .nlmsg_seq = SEQ};

	memset(buf, 0, sizeof buf);
	len = 0;
	put(&h, sizeof h);
}

static void
finish(void)
{
	uint32_t n = (uint32_t)len;

	memcpy(buf, &n, sizeof n);
}

static void
a_bridge(void)
{
	struct ifinfomsg ifi = {.ifi_index = 5};
	uint32_t mtu = 1400, master = 9;
	uint8_t up = 6;
	struct nlattr nest = {sizeof nest + sizeof nest + 8, IFLA_LINKINFO | NLA_F_NESTED};

	head(RTM_NEWLINK);
	put(&ifi, sizeof ifi);
	attr(IFLA_IFNAME, "br0", 4);
	attr(IFLA_MTU, &mtu, 4);
	attr(IFLA_MASTER, &master, 4);
	attr(IFLA_OPERSTATE, &up, 1);
	attr(IFLA_IFALIAS, "mine", 4); /* without a NUL, as the kernel has it */
	put(&nest, sizeof nest);
	attr(IFLA_INFO_KIND, "bridge", 7);
	finish();
}

static void
error(int32_t code)
{
	struct nlmsgerr e = {.error = code};

	head(NLMSG_ERROR);
	put(&e, sizeof e);
	finish();
}

static void
what_is_right_is_read(void **state)
{
	struct rtnl_link l;

	(void)state;
	a_bridge();
	assert_int_equal(rtnl_read(buf, len, SEQ, &l), 0);
	assert_int_equal(l.index, 5);
	assert_int_equal(l.mtu, 1400);
	assert_int_equal(l.master, 9);
	assert_true(l.up);
	assert_string_equal(l.kind, "bridge");
	assert_string_equal(l.alias, "mine");
	error(0);
	assert_int_equal(rtnl_read(buf, len, SEQ, NULL), 0);
	error(-EEXIST);
	assert_int_equal(rtnl_read(buf, len, SEQ, NULL), -EEXIST);
	assert_int_equal(rtnl_read(buf, len, SEQ, &l), -EEXIST);
}

static void
what_is_no_answer(void **state)
{
	struct rtnl_link l;

	(void)state;
	a_bridge();
	assert_int_equal(rtnl_read(buf, len, SEQ + 1, &l), -EPROTO);
	assert_int_equal(rtnl_read(buf, len, SEQ, NULL), -EPROTO);
	assert_int_equal(rtnl_read(buf, len - 1, SEQ, &l), -EPROTO);
	error(0);
	assert_int_equal(rtnl_read(buf, len, SEQ, &l), -EPROTO);
	error(5);
	assert_int_equal(rtnl_read(buf, len, SEQ, NULL), -EPROTO);
	error(INT32_MIN);
	assert_int_equal(rtnl_read(buf, len, SEQ, NULL), -EPROTO);
	head(NLMSG_DONE);
	finish();
	assert_int_equal(rtnl_read(buf, len, SEQ, NULL), -EPROTO);
}

/* Each length and each byte: in memory of just that size, so that a sanitizer, or
 * malloc itself, sees who reads beyond. */
static void
nothing_is_read_beyond(void **state)
{
	struct rtnl_link l;

	(void)state;
	a_bridge();
	for (size_t n = 0; n <= len; n++) {
		uint8_t *cut = malloc(n > 0 ? n : 1);
		uint32_t said = (uint32_t)n;

		memcpy(cut, buf, n);
		if (n >= sizeof said)
			memcpy(cut, &said, sizeof said);
		assert_true(rtnl_read(cut, n, SEQ, &l) <= 0);
		free(cut);
	}
	for (size_t at = 0; at < len; at++)
		for (int bit = 0; bit < 8; bit++) {
			uint8_t *flipped = malloc(len);

			memcpy(flipped, buf, len);
			flipped[at] ^= (uint8_t)(1 << bit);
			assert_true(rtnl_read(flipped, len, SEQ, &l) <= 0);
			assert_true(memchr(l.kind, 0, sizeof l.kind) != NULL);
			assert_true(memchr(l.alias, 0, sizeof l.alias) != NULL);
			free(flipped);
		}
}

static void
long_words_are_cut(void **state)
{
	struct ifinfomsg ifi = {.ifi_index = 5};
	char big[600];
	struct rtnl_link l;

	(void)state;
	memset(big, 'x', sizeof big);
	head(RTM_NEWLINK);
	put(&ifi, sizeof ifi);
	attr(IFLA_IFALIAS, big, sizeof big);
	attr(IFLA_MTU, big, 3);
	finish();
	assert_int_equal(rtnl_read(buf, len, SEQ, &l), 0);
	assert_int_equal(strlen(l.alias), RTNL_ALIAS_CAP - 1);
	assert_int_equal(l.mtu, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_is_right_is_read),
	    cmocka_unit_test(what_is_no_answer),
	    cmocka_unit_test(nothing_is_read_beyond),
	    cmocka_unit_test(long_words_are_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
