/*
 * listening.h - a stream server on loopback for one test, and how a guest without any
 * manners gets to it.  Needs loop.h, cmocka and the stream's headers before it.
 */
#ifndef TEST_IO_LISTENING_H
#define TEST_IO_LISTENING_H

static uv_loop_t loop;
static struct keyring keys; /* of the server, and of who may ask */
static struct stream_server *server;
static struct addr at;

/* keys.epoch is the test's to set before. */
static int
listening_begin(stream_handler *handler, void *arg)
{
	struct err err;

	if (uv_loop_init(&loop) != 0 || crypto_init(&err) != 0 ||
	    addr_parse("127.0.0.1:0", &at, &err) != 0)
		return -1;
	crypto_random(keys.key, sizeof keys.key);
	keys.has_key = true;
	crypto_sign_keypair(keys.pk, keys.sk);
	if (stream_server_new(&loop, &at, &keys, handler, arg, &server, &err) != 0)
		return -1;
	stream_server_addr(server, &at);
	return 0;
}

static int
listening_end(void **state)
{
	(void)state;
	stream_server_free(server);
	loop_end(&loop);
	return 0;
}

static struct stream_stats
stats(void)
{
	struct stream_stats st;

	stream_server_stats(server, &st);
	return st;
}

static int
dial(void)
{
	struct sockaddr_storage ss;
	socklen_t len = addr_to_sockaddr(&at, &ss);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(connect(fd, (struct sockaddr *)&ss, len), 0);
	return fd;
}

#endif
