/*
 * The answering side.  A connection is: hello in, hello out, one message in,
 * the handler's answer out, closed; or kept, if the handler says so, for the next
 * message: at most STREAM_KEPT_HERE_MAX of all, for STREAM_KEPT_MS and a little, and they
 * go before anybody is refused.  Before the first frame opens under the
 * cluster key a connection is worth nothing: it has STREAM_AUTH_MS, gets 66
 * bytes, and is the first to go when places run out.
 */
#include <errno.h>
#include <stdlib.h>

#include "addr.h"
#include "session.h"
#include "stream.h"

enum { READ_BYTES = 32 << 10, BACKLOG = 256 };

struct conn {
	struct conn *next; /* newest first */
	struct stream_server *server; /* NULL = closing */
	uv_tcp_t tcp;
	uv_timer_t timer;
	uv_write_t hello_write, write;
	int open_handles;
	bool asked; /* the whole request is here */
	bool keep;  /* when it is answered */
	bool kept;  /* it was, and nobody has asked anything since */
	struct stream_answer *answer; /* the handler holds it */
	struct session session;
	uint8_t hello[SESSION_HELLO_BYTES];
	uint8_t *sealed; /* owned */
	struct addr peer; /* from the first message on */
};

/* What a handler holds: it may outlive the connection. */
struct stream_answer {
	struct conn *conn; /* NULL = the peer is gone */
};

struct stream_server {
	uv_tcp_t listen;
	const struct keyring *keys;
	stream_handler *handler;
	void *arg;
	struct addr addr;
	struct conn *conns;
	int count, kept;
	struct stream_stats stats;
	uint8_t in[READ_BYTES]; /* one loop, one read at a time */
};

/* --- a connection's end ------------------------------------------------------ */

static void
conn_closed(uv_handle_t *h)
{
	struct conn *c = h->data;

	if (--c->open_handles > 0)
		return;
	session_free(&c->session);
	free(c->sealed);
	free(c);
}

static void
conn_close(struct conn *c)
{
	struct stream_server *s = c->server;

	if (s == NULL)
		return;
	for (struct conn **at = &s->conns; *at != NULL; at = &(*at)->next) {
		if (*at != c)
			continue;
		*at = c->next;
		s->count--;
		break;
	}
	s->kept -= c->kept;
	c->server = NULL;
	if (c->answer != NULL)
		c->answer->conn = NULL;
	uv_close((uv_handle_t *)&c->tcp, conn_closed);
	uv_close((uv_handle_t *)&c->timer, conn_closed);
}

static void
conn_fail(struct conn *c, int rc)
{
	struct stream_stats *st = &c->server->stats;

	if (rc == STREAM_TIMEOUT)
		st->timeout++;
	else if (rc == STREAM_TRUNCATED)
		st->truncated++;
	else if (rc == STREAM_TOO_LARGE)
		st->too_large++;
	else if (rc == STREAM_EPOCH)
		st->epoch++;
	else
		st->auth++;
	conn_close(c);
}

static void
on_timer(uv_timer_t *t)
{
	struct conn *c = t->data;

	if (c->kept)
		conn_close(c);
	else
		conn_fail(c, STREAM_TIMEOUT);
}

/* --- kept ---------------------------------------------------------------------- */

static struct conn *
oldest_kept(const struct stream_server *s)
{
	struct conn *oldest = NULL;

	for (struct conn *c = s->conns; c != NULL; c = c->next)
		if (c->kept)
			oldest = c;
	return oldest;
}

static void
keep(struct conn *c)
{
	struct stream_server *s = c->server;

	if (s->kept >= STREAM_KEPT_HERE_MAX)
		conn_close(oldest_kept(s));
	free(c->sealed);
	c->sealed = NULL;
	session_again(&c->session);
	c->asked = c->keep = false;
	c->kept = true;
	s->kept++;
	uv_timer_start(&c->timer, on_timer, STREAM_KEPT_MS + STREAM_IDLE_MS, 0);
}

/* Somebody says something again; false: under a key that is used no more, so it is closed. */
static bool
wake(struct conn *c)
{
	c->kept = false;
	c->server->kept--;
	if (session_current(&c->session))
		return true;
	conn_close(c);
	return false;
}

/* --- answering --------------------------------------------------------------- */

static void
on_answered(uv_write_t *w, int status)
{
	struct conn *c = w->data;

	if (c->server == NULL)
		return;
	if (status == 0)
		c->server->stats.answered++;
	if (status == 0 && c->keep && session_current(&c->session))
		keep(c);
	else
		conn_close(c);
}

static void
reply(struct stream_answer *answer, uint8_t code, const void *data, size_t len)
{
	struct conn *c = answer->conn;
	size_t n = session_sealed_bytes(len);
	uv_buf_t buf;

	free(answer);
	if (c == NULL)
		return;
	c->answer = NULL;
	c->sealed = malloc(n);
	if (c->sealed == NULL) {
		conn_close(c);
		return;
	}
	n = session_seal(&c->session, code, data, len, c->sealed);
	buf = uv_buf_init((char *)c->sealed, (unsigned)n);
	uv_timer_start(&c->timer, on_timer, STREAM_HOLD_MS, 0);
	if (uv_write(&c->write, (uv_stream_t *)&c->tcp, &buf, 1, on_answered) != 0)
		conn_close(c);
}

void
stream_answer_send(struct stream_answer *answer, const void *data, size_t len)
{
	assert(len <= STREAM_BYTES_MAX);
	reply(answer, 0, data, len);
}

void
stream_answer_fail(struct stream_answer *answer, int code)
{
	assert(code > 0 && code < ERR_COUNT);
	reply(answer, (uint8_t)code, NULL, 0);
}

void
stream_answer_deny(struct stream_answer *answer, int code)
{
	if (answer->conn != NULL && answer->conn->server != NULL)
		answer->conn->server->stats.denied++;
	stream_answer_fail(answer, code);
}

void
stream_answer_keep(struct stream_answer *answer)
{
	if (answer->conn != NULL)
		answer->conn->keep = true;
}

/* --- reading ------------------------------------------------------------------ */

static void
on_message(struct conn *c)
{
	struct stream_server *s = c->server;
	struct stream_answer *a = calloc(1, sizeof *a);
	struct sockaddr_storage ss;
	int len = sizeof ss;
	struct stream_peer peer;

	if (a == NULL) {
		conn_close(c);
		return;
	}
	if (addr_is_any(&c->peer) && uv_tcp_getpeername(&c->tcp, (struct sockaddr *)&ss, &len) == 0)
		addr_from_sockaddr((struct sockaddr *)&ss, &c->peer);
	peer.addr = c->peer;
	memcpy(peer.pk, c->session.peer, KEY_BYTES);
	c->asked = true;
	c->answer = a;
	a->conn = c;
	uv_timer_start(&c->timer, on_timer, STREAM_HOLD_MS, 0);
	s->handler(s->arg, &peer, c->session.code, c->session.payload, c->session.payload_len, a);
}

static void
on_hello_written(uv_write_t *w, int status)
{
	struct conn *c = w->data;

	if (status != 0 && c->server != NULL)
		conn_fail(c, STREAM_TRUNCATED);
}

static void
on_hello(struct conn *c)
{
	uv_buf_t buf = uv_buf_init((char *)c->hello, sizeof c->hello);

	session_hello(&c->session, c->hello);
	if (uv_write(&c->hello_write, (uv_stream_t *)&c->tcp, &buf, 1, on_hello_written) != 0)
		conn_fail(c, STREAM_TRUNCATED);
}

/* No longer than what was said, and all that is needed to know why. */
static void
turn_away(struct conn *c, int rc)
{
	uv_buf_t buf = uv_buf_init((char *)c->hello, sizeof c->hello);

	session_hello(&c->session, c->hello);
	(void)!uv_try_write((uv_stream_t *)&c->tcp, &buf, 1);
	conn_fail(c, rc);
}

static void
alloc_in(uv_handle_t *h, size_t hint, uv_buf_t *buf)
{
	struct conn *c = h->data;

	(void)hint;
	*buf = uv_buf_init((char *)c->server->in, READ_BYTES);
}

static void
on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct conn *c = stream->data;
	size_t at = 0;

	if (n < 0) {
		if (c->asked || c->kept)
			conn_close(c); /* it stopped waiting, or has no more to ask */
		else
			conn_fail(c, STREAM_TRUNCATED);
		return;
	}
	if (n > 0 && c->kept && !wake(c))
		return;
	while (at < (size_t)n && c->server != NULL) {
		size_t len = (size_t)n - at;
		int rc = session_feed(&c->session, (uint8_t *)buf->base + at, &len);

		at += len;
		if (rc == SESSION_HELLO)
			on_hello(c);
		else if (rc == SESSION_MESSAGE)
			on_message(c);
		else if (rc < 0 && c->session.strange)
			turn_away(c, rc);
		else if (rc < 0)
			conn_fail(c, rc);
	}
	/* The first deadline stands until something was proven. */
	if (n > 0 && c->server != NULL && c->session.authenticated && !c->asked)
		uv_timer_start(&c->timer, on_timer, STREAM_IDLE_MS, 0);
}

/* --- accepting ---------------------------------------------------------------- */

/* Make room: the oldest that proved nothing, else one that is only kept.  False: all have
 * shown the key, and wait for something. */
static bool
evict(struct stream_server *s)
{
	struct conn *oldest = NULL;

	for (struct conn *c = s->conns; c != NULL; c = c->next)
		if (!c->session.authenticated)
			oldest = c;
	if (oldest == NULL)
		oldest = oldest_kept(s);
	if (oldest == NULL)
		return false;
	s->stats.refused += !oldest->kept;
	conn_close(oldest);
	return true;
}

static void
on_connection(uv_stream_t *listen, int status)
{
	struct stream_server *s = listen->data;
	struct conn *c;

	if (status != 0)
		return;
	c = calloc(1, sizeof *c);
	if (c == NULL || uv_tcp_init(listen->loop, &c->tcp) != 0) {
		free(c); /* no memory: it waits, and those behind it */
		return;
	}
	uv_timer_init(listen->loop, &c->timer);
	c->tcp.data = c->timer.data = c->write.data = c->hello_write.data = c;
	c->open_handles = 2;
	if (uv_accept(listen, (uv_stream_t *)&c->tcp) != 0 || !s->keys->has_key ||
	    (s->count >= STREAM_CONNS_MAX && !evict(s))) {
		s->stats.refused++;
		uv_close((uv_handle_t *)&c->tcp, conn_closed);
		uv_close((uv_handle_t *)&c->timer, conn_closed);
		return;
	}
	s->stats.accepted++;
	session_init(&c->session, s->keys, true, STREAM_ASK_BYTES_MAX);
	c->server = s;
	c->next = s->conns;
	s->conns = c;
	s->count++;
	uv_timer_start(&c->timer, on_timer, STREAM_AUTH_MS, 0);
	if (uv_read_start((uv_stream_t *)&c->tcp, alloc_in, on_read) != 0)
		conn_close(c);
}

static void
listen_closed(uv_handle_t *h)
{
	free(h->data);
}

int
stream_server_new(uv_loop_t *loop, const struct addr *at, const struct keyring *keys,
    stream_handler *handler, void *arg, struct stream_server **out, struct err *err)
{
	struct stream_server *s = calloc(1, sizeof *s);
	struct sockaddr_storage ss;
	char text[ADDR_TEXT_CAP];
	int rc, len = sizeof ss;

	*out = NULL;
	addr_format(at, text, sizeof text);
	if (s == NULL || (rc = uv_tcp_init(loop, &s->listen)) != 0) {
		free(s);
		return err_set(err, EXIT_ENVIRONMENT, "bind %s: out of memory", text);
	}
	s->listen.data = s;
	s->keys = keys;
	s->handler = handler;
	s->arg = arg;
	addr_to_sockaddr(at, &ss);
	rc = uv_tcp_bind(&s->listen, (struct sockaddr *)&ss, 0);
	if (rc == 0)
		rc = uv_listen((uv_stream_t *)&s->listen, BACKLOG, on_connection);
	if (rc == 0)
		rc = uv_tcp_getsockname(&s->listen, (struct sockaddr *)&ss, &len);
	if (rc != 0 || !addr_from_sockaddr((struct sockaddr *)&ss, &s->addr)) {
		uv_close((uv_handle_t *)&s->listen, listen_closed);
		return err_set(err, EXIT_ENVIRONMENT, "bind %s: %s", text, strerror(-rc));
	}
	*out = s;
	return 0;
}

void
stream_server_addr(const struct stream_server *s, struct addr *out)
{
	*out = s->addr;
}

unsigned
stream_server_open(const struct stream_server *s)
{
	return (unsigned)s->count;
}

void
stream_server_stats(const struct stream_server *s, struct stream_stats *out)
{
	*out = s->stats;
}

void
stream_server_free(struct stream_server *s)
{
	if (s == NULL)
		return;
	while (s->conns != NULL)
		conn_close(s->conns);
	uv_close((uv_handle_t *)&s->listen, listen_closed);
}
