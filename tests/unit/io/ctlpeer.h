/*
 * ctlpeer.h - the other end of a control socket for test_ctl.c: what asks, in
 * any pieces, and reads what comes back.
 */
#ifndef TEST_IO_CTLPEER_H
#define TEST_IO_CTLPEER_H

#include "world.h"

#include <sys/socket.h>
#include <sys/un.h>

#include "../../../daemon/io/ctl.h"
#include "../../../daemon/io/pack.h"
#include "loop.h"

static uv_loop_t loop;
static struct sockaddr_un at;

static int
dial(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	while (connect(fd, (struct sockaddr *)&at, sizeof at) != 0) {
		assert_int_equal(errno, EAGAIN); /* the backlog is full */
		uv_run(&loop, UV_RUN_NOWAIT);
	}
	return fd;
}

static void
put(int fd, const void *p, size_t n)
{
	for (size_t off = 0; off < n;) {
		ssize_t k = send(fd, (const char *)p + off, n - off, MSG_NOSIGNAL);

		if (k < 0 && errno != EAGAIN)
			return; /* refused meanwhile: what is read says so */
		off += k > 0 ? (size_t)k : 0;
		uv_run(&loop, UV_RUN_NOWAIT);
	}
}

struct text {
	uint8_t b[1 << 17];
	size_t len;
};

static void
framed(struct text *t, const void *body, size_t n)
{
	for (int i = 0; i < 4; i++)
		t->b[i] = (uint8_t)(n >> (8 * i));
	memcpy(t->b + 4, body, n);
	t->len = 4 + n;
}

/* {"verb": verb, "args": {"name": "web", "n": 7, "yes": true, "pad": ...}} */
WORLD_UNUSED static void
question(struct text *t, const char *verb, size_t pad)
{
	msgpack_sbuffer b;
	msgpack_packer pk;

	msgpack_sbuffer_init(&b);
	msgpack_packer_init(&pk, &b, msgpack_sbuffer_write);
	msgpack_pack_map(&pk, 2);
	pk_kstr(&pk, "verb", verb);
	pk_str(&pk, "args");
	msgpack_pack_map(&pk, 4);
	pk_kstr(&pk, "name", "web");
	pk_kint(&pk, "n", 7);
	pk_kbool(&pk, "yes", true);
	pk_str(&pk, "pad");
	msgpack_pack_bin(&pk, pad);
	for (size_t i = 0; i < pad; i++)
		msgpack_pack_bin_body(&pk, "", 1);
	framed(t, b.data, b.size);
	msgpack_sbuffer_destroy(&b);
}

/* All the peer gets until it is closed. */
static size_t
drain(int fd, uint8_t **out)
{
	size_t cap = 1 << 16, len = 0;
	ssize_t n = 1;

	*out = malloc(cap);
	loop_until(&loop, ({
		while ((n = recv(fd, *out + len, cap - len, 0)) > 0) {
			len += (size_t)n;
			if (len == cap)
				*out = realloc(*out, cap *= 2);
		}
		n == 0 || errno != EAGAIN;
	}));
	close(fd);
	return len;
}

/* One frame of buf: its body; how many bytes it was. */
WORLD_UNUSED static size_t
frame_of(const uint8_t *buf, size_t len, struct mp *mp)
{
	size_t n;

	assert_true(len >= 4);
	n = (size_t)buf[0] | (size_t)buf[1] << 8 | (size_t)buf[2] << 16 | (size_t)buf[3] << 24;
	assert_true(n <= len - 4 && n <= CTL_FRAME_BYTES_MAX);
	mp_init(mp, buf + 4, n, 8);
	return n + 4;
}

static bool
key_of(struct mp mp, const char *key, struct mp *value)
{
	uint32_t n;

	assert_int_equal(mp_map(&mp, &n), 0);
	while (n-- > 0) {
		char k[32];

		assert_int_equal(mp_cstr(&mp, k, sizeof k), 0);
		if (strcmp(k, key) == 0) {
			*value = mp;
			return true;
		}
		assert_int_equal(mp_skip(&mp), 0);
	}
	return false;
}

WORLD_UNUSED static bool
flag(const struct mp *mp, const char *key)
{
	struct mp v;
	bool b = false;

	assert_true(key_of(*mp, key, &v));
	assert_int_equal(mp_bool(&v, &b), 0);
	return b;
}

#endif
