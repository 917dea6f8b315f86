/*
 * The asking side: connect, hello, one message out, one message in, close.
 * One timer covers all of it.
 */
#include "stream.h"

#include <stdlib.h>

#include "addr.h"
#include "session.h"

enum { READ_BYTES = 32 << 10 };

struct stream_call {
	uv_tcp_t tcp;
	uv_timer_t timer;
	uv_connect_t connect;
	uv_write_t hello_write, write;
	int open_handles;
	int early; /* what a failed start ends with, once the loop runs */
	bool ended;
	stream_done *done;
	void *arg;
	struct session session;
	uint8_t kind;
	uint8_t *payload, *sealed; /* owned */
	size_t len;
	uint8_t hello[SESSION_HELLO_BYTES];
	uint8_t in[READ_BYTES];
};

const char *
stream_error(int rc)
{
	switch (rc) {
	case STREAM_CONNECT:
		return "cannot connect";
	case STREAM_TIMEOUT:
		return "timed out";
	case STREAM_TRUNCATED:
		return "truncated";
	case STREAM_CLOSED:
		return "the other end closed before it answered: its engine ended?";
	case STREAM_AUTH:
		return "no authenticated answer (another cluster key?)";
	case STREAM_TOO_LARGE:
		return "frame too large";
	case STREAM_NO_KEY:
		return "no cluster key";
	case STREAM_EPOCH:
		return "its cluster key is of another epoch; mesh keys status";
	case 0:
		return "ok";
	default:
		break;
	}
	static const char *const texts[] = {
#define X(name, text) [ERR_##name] = text,
		ERRORS(X)
#undef X
	};

	if (rc < 0 && rc > -ERR_COUNT)
		return texts[-rc];
	return "unknown error";
}

static void
on_closed(uv_handle_t *h)
{
	struct stream_call *c = h->data;

	if (--c->open_handles > 0)
		return;
	session_free(&c->session);
	free(c->payload);
	free(c->sealed);
	free(c);
}

static void
close_call(struct stream_call *c)
{
	c->ended = true;
	uv_close((uv_handle_t *)&c->tcp, on_closed);
	uv_close((uv_handle_t *)&c->timer, on_closed);
}

static void
end(struct stream_call *c, int rc)
{
	if (c->ended)
		return;
	close_call(c);
	if (rc == 0)
		c->done(c->arg, 0, c->session.payload, c->session.payload_len);
	else
		c->done(c->arg, rc, NULL, 0);
}

static void
on_timer(uv_timer_t *t)
{
	struct stream_call *c = t->data;

	end(c, c->early != 0 ? c->early : STREAM_TIMEOUT);
}

static void
on_written(uv_write_t *w, int status)
{
	struct stream_call *c = w->data;

	/* Closed on us: what was read tells more than EPIPE. */
	if (status < 0 && status != UV_EPIPE && status != UV_ECONNRESET)
		end(c, STREAM_TRUNCATED);
}

static void
ask(struct stream_call *c)
{
	size_t n = session_sealed_bytes(c->len);
	uv_buf_t buf;

	c->sealed = malloc(n);
	if (c->sealed == NULL) {
		end(c, STREAM_TOO_LARGE);
		return;
	}
	session_seal(&c->session, c->kind, c->payload, c->len, c->sealed);
	free(c->payload);
	c->payload = NULL;
	buf = uv_buf_init((char *)c->sealed, (unsigned)n);
	if (uv_write(&c->write, (uv_stream_t *)&c->tcp, &buf, 1, on_written) != 0)
		end(c, STREAM_TRUNCATED);
}

static void
on_message(struct stream_call *c)
{
	uint8_t code = c->session.code;

	if (code == 0)
		end(c, 0);
	else
		end(c, code < ERR_COUNT ? -code : -ERR_UNKNOWN);
}

/* Closed by the peer: how far were we? */
static int
closed_rc(const struct stream_call *c)
{
	if (c->sealed == NULL)
		return STREAM_CONNECT;
	return c->session.authenticated ? STREAM_TRUNCATED : STREAM_CLOSED;
}

static void
alloc_in(uv_handle_t *h, size_t hint, uv_buf_t *buf)
{
	struct stream_call *c = h->data;

	(void)hint;
	*buf = uv_buf_init((char *)c->in, sizeof c->in);
}

static void
on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct stream_call *c = stream->data;
	size_t at = 0;

	(void)buf;
	if (n < 0)
		end(c, closed_rc(c));
	while (n > 0 && at < (size_t)n && !c->ended) {
		size_t len = (size_t)n - at;
		int rc = session_feed(&c->session, c->in + at, &len);

		at += len;
		if (rc == SESSION_HELLO)
			ask(c);
		else if (rc == SESSION_MESSAGE)
			on_message(c);
		else if (rc < 0)
			end(c, rc);
	}
}

static void
on_connect(uv_connect_t *req, int status)
{
	struct stream_call *c = req->data;
	uv_buf_t buf;

	if (c->ended)
		return;
	if (status != 0) {
		end(c, STREAM_CONNECT);
		return;
	}
	session_hello(&c->session, c->hello);
	buf = uv_buf_init((char *)c->hello, sizeof c->hello);
	if (uv_write(&c->hello_write, (uv_stream_t *)&c->tcp, &buf, 1, on_written) != 0 ||
	    uv_read_start((uv_stream_t *)&c->tcp, alloc_in, on_read) != 0)
		end(c, STREAM_CONNECT);
}

/* A node's streams come from the address that its datagrams come from: what a
 * firewall says of the one holds for the other. */
static int
connect_from(struct stream_call *c, const struct addr *from, const struct addr *to)
{
	struct sockaddr_storage ss;
	int rc = 0;

	addr_to_sockaddr(from, &ss);
	if (!addr_is_any(from) && addr_is_ipv4(from) == addr_is_ipv4(to))
		rc = uv_tcp_bind(&c->tcp, (struct sockaddr *)&ss, 0);
	addr_to_sockaddr(to, &ss);
	return rc != 0 ? rc : uv_tcp_connect(&c->connect, &c->tcp, (struct sockaddr *)&ss, on_connect);
}

/* 0, or what the call will end with. */
static int
start(struct stream_call *c, const struct keyring *keys, const struct addr *to,
    const void *payload)
{
	if (!keys->has_key)
		return STREAM_NO_KEY;
	if (c->len > STREAM_ASK_BYTES_MAX)
		return STREAM_TOO_LARGE;
	c->payload = malloc(c->len + 1);
	if (c->payload == NULL)
		return STREAM_TOO_LARGE;
	if (c->len > 0)
		memcpy(c->payload, payload, c->len);
	session_init(&c->session, keys, false, STREAM_BYTES_MAX);
	if (connect_from(c, &keys->from, to) != 0)
		return STREAM_CONNECT;
	return 0;
}

struct stream_call *
stream_request(uv_loop_t *loop, const struct keyring *keys, const struct addr *to, uint8_t kind,
    const void *payload, size_t len, uint32_t timeout_ms, stream_done *done, void *arg)
{
	struct stream_call *c = malloc(sizeof *c);

	/* All but what it reads into: of a hundred calls that is 3 MiB not to be touched. */
	if (c != NULL)
		memset(c, 0, offsetof(struct stream_call, in));
	if (c == NULL || uv_tcp_init(loop, &c->tcp) != 0) {
		free(c);
		return NULL;
	}
	uv_timer_init(loop, &c->timer);
	c->tcp.data = c->timer.data = c->connect.data = c->write.data = c->hello_write.data = c;
	c->open_handles = 2;
	c->done = done;
	c->arg = arg;
	c->kind = kind;
	c->len = len;
	c->early = start(c, keys, to, payload);
	uv_update_time(loop);
	uv_timer_start(&c->timer, on_timer, c->early != 0 ? 0 : timeout_ms, 0);
	return c;
}

void
stream_cancel(struct stream_call *call)
{
	assert(!call->ended);
	close_call(call);
}
