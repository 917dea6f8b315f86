/*
 * The asking side: connect, hello, one message out, one message in, close.
 * One timer covers all of it.  A call of a stream_kept is not closed then, but waits,
 * idle, to be the call of the next question to the same address.
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
	bool ended, writing;
	const struct keyring *keys;
	struct stream_kept *home; /* NULL: it is closed when it is answered */
	struct stream_call *next; /* idle ones of home */
	struct addr to;
	bool idle, reused;
	uint64_t until; /* of uv_now */
	stream_done *done;
	void *arg;
	struct session session;
	uint8_t kind;
	uint8_t *payload, *sealed; /* owned */
	size_t len;
	uint8_t hello[SESSION_HELLO_BYTES];
	uint8_t *in; /* READ_BYTES: home's, or behind this */
};

struct question {
	uint8_t kind;
	const void *payload;
	size_t len;
	uint32_t timeout_ms;
	stream_done *done;
	void *arg;
};

struct stream_kept {
	uv_loop_t *loop;
	const struct keyring *keys;
	struct stream_call *idle;
	unsigned count;
	uint8_t in[READ_BYTES]; /* one loop, one read at a time */
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

/* --- idle ------------------------------------------------------------------------ */

static void
unlist(struct stream_call *c)
{
	struct stream_call **at = &c->home->idle;

	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	c->home->count--;
	c->idle = false;
}

static void
close_idle(struct stream_call *c)
{
	unlist(c);
	close_call(c);
}

/* Answered: it may carry another question. */
static bool
can_wait(const struct stream_call *c)
{
	return c->home != NULL && !c->writing && c->home->count < STREAM_KEPT_MAX &&
	    session_current(&c->session);
}

static void on_timer(uv_timer_t *t);

static void
wait_idle(struct stream_call *c)
{
	free(c->payload);
	free(c->sealed);
	c->payload = c->sealed = NULL;
	c->idle = true;
	c->next = c->home->idle;
	c->home->idle = c;
	c->home->count++;
	uv_timer_start(&c->timer, on_timer, STREAM_KEPT_MS, 0);
}

/* --- its end ------------------------------------------------------------------- */

static void
end(struct stream_call *c, int rc)
{
	bool stays = rc == 0 && can_wait(c);

	if (c->ended)
		return;
	if (!stays)
		close_call(c);
	if (rc == 0)
		c->done(c->arg, 0, c->session.payload, c->session.payload_len);
	else
		c->done(c->arg, rc, NULL, 0);
	if (stays)
		wait_idle(c);
}

static void
on_timer(uv_timer_t *t)
{
	struct stream_call *c = t->data;

	if (c->idle)
		close_idle(c);
	else
		end(c, c->early != 0 ? c->early : STREAM_TIMEOUT);
}

static void
on_written(uv_write_t *w, int status)
{
	struct stream_call *c = w->data;

	if (w == &c->write)
		c->writing = false;
	/* Closed on us: what was read tells more than EPIPE. */
	if (status < 0 && status != UV_EPIPE && status != UV_ECONNRESET)
		end(c, STREAM_TRUNCATED);
}

/* 0, or what it ends with. */
static int
ask(struct stream_call *c)
{
	size_t n = session_sealed_bytes(c->len);
	uv_buf_t buf;

	c->sealed = malloc(n);
	if (c->sealed == NULL)
		return STREAM_TOO_LARGE;
	n = session_seal(&c->session, c->kind, c->payload, c->len, c->sealed);
	if (c->home == NULL) { /* else it may be asked anew */
		free(c->payload);
		c->payload = NULL;
	}
	buf = uv_buf_init((char *)c->sealed, (unsigned)n);
	c->writing = uv_write(&c->write, (uv_stream_t *)&c->tcp, &buf, 1, on_written) == 0;
	return c->writing ? 0 : STREAM_TRUNCATED;
}

static void
on_hello(struct stream_call *c)
{
	int rc = ask(c);

	if (rc != 0)
		end(c, rc);
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

static struct stream_call *call_new(uv_loop_t *loop, const struct keyring *keys, struct stream_kept *home);
static void begin(struct stream_call *c, const struct addr *to, const struct question *q);

/* The other side closed it while nobody asked: over a new one, in the time that is left. */
static bool
ask_anew(struct stream_call *c)
{
	uint64_t now = uv_now(c->timer.loop);
	struct stream_call *again;

	if (c->ended || !c->reused || c->session.got > 0 || c->session.payload != NULL || now >= c->until)
		return false;
	again = call_new(c->home->loop, c->keys, c->home);
	if (again == NULL)
		return false;
	begin(again, &c->to, &(struct question){c->kind, c->payload, c->len,
	    (uint32_t)(c->until - now), c->done, c->arg});
	close_call(c);
	return true;
}

static void
alloc_in(uv_handle_t *h, size_t hint, uv_buf_t *buf)
{
	struct stream_call *c = h->data;

	(void)hint;
	*buf = uv_buf_init((char *)c->in, READ_BYTES);
}

static void
on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct stream_call *c = stream->data;
	size_t at = 0;

	(void)buf;
	if (c->idle && n != 0) { /* nothing is to be said now */
		close_idle(c);
		return;
	}
	if (n < 0 && !ask_anew(c))
		end(c, closed_rc(c));
	while (n > 0 && at < (size_t)n && !c->ended) {
		size_t len = (size_t)n - at;

		if (c->idle) { /* answered, and more than that */
			close_idle(c);
			return;
		}
		int rc = session_feed(&c->session, c->in + at, &len);

		at += len;
		if (rc == SESSION_HELLO)
			on_hello(c);
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

/* The question, in memory of its own. */
static bool
take(struct stream_call *c, const struct question *q)
{
	uint8_t *payload = q->len <= STREAM_ASK_BYTES_MAX ? malloc(q->len + 1) : NULL;

	if (payload == NULL)
		return false;
	if (q->len > 0)
		memcpy(payload, q->payload, q->len);
	c->payload = payload;
	c->len = q->len;
	c->kind = q->kind;
	return true;
}

/* 0, or what the call will end with. */
static int
start(struct stream_call *c, const struct question *q)
{
	const struct keyring *keys = c->keys;

	if (!keys->has_key)
		return STREAM_NO_KEY;
	if (!take(c, q))
		return STREAM_TOO_LARGE;
	session_init(&c->session, keys, false, STREAM_BYTES_MAX);
	if (connect_from(c, &keys->from, &c->to) != 0)
		return STREAM_CONNECT;
	return 0;
}

/* early: what it ends with at once; 0: with the answer, or so much later. */
static void
arm(struct stream_call *c, const struct question *q, int early)
{
	uv_loop_t *loop = c->timer.loop;

	c->done = q->done;
	c->arg = q->arg;
	c->early = early;
	uv_update_time(loop);
	c->until = uv_now(loop) + q->timeout_ms;
	uv_timer_start(&c->timer, on_timer, early != 0 ? 0 : q->timeout_ms, 0);
}

static void
begin(struct stream_call *c, const struct addr *to, const struct question *q)
{
	c->to = *to;
	arm(c, q, start(c, q));
}

static struct stream_call *
call_new(uv_loop_t *loop, const struct keyring *keys, struct stream_kept *home)
{
	struct stream_call *c = malloc(sizeof *c + (home == NULL ? READ_BYTES : 0));

	/* All but what it reads into: of a hundred calls that is 3 MiB not to be touched. */
	if (c != NULL)
		memset(c, 0, sizeof *c);
	if (c == NULL || uv_tcp_init(loop, &c->tcp) != 0) {
		free(c);
		return NULL;
	}
	uv_timer_init(loop, &c->timer);
	c->tcp.data = c->timer.data = c->connect.data = c->write.data = c->hello_write.data = c;
	c->open_handles = 2;
	c->keys = keys;
	c->home = home;
	c->in = home != NULL ? home->in : (uint8_t *)(c + 1);
	return c;
}

struct stream_call *
stream_request(uv_loop_t *loop, const struct keyring *keys, const struct addr *to, uint8_t kind,
    const void *payload, size_t len, uint32_t timeout_ms, stream_done *done, void *arg)
{
	struct stream_call *c = call_new(loop, keys, NULL);

	if (c != NULL)
		begin(c, to, &(struct question){kind, payload, len, timeout_ms, done, arg});
	return c;
}

void
stream_cancel(struct stream_call *call)
{
	assert(!call->ended);
	close_call(call);
}

/* --- connections that stay ------------------------------------------------------- */

struct stream_kept *
stream_kept_new(uv_loop_t *loop, const struct keyring *keys)
{
	struct stream_kept *k = malloc(sizeof *k);

	if (k == NULL)
		return NULL;
	memset(k, 0, offsetof(struct stream_kept, in));
	k->loop = loop;
	k->keys = keys;
	return k;
}

void
stream_kept_free(struct stream_kept *k)
{
	while (k != NULL && k->idle != NULL)
		close_idle(k->idle);
	free(k);
}

/* Those under another key, which is used no more, end. */
static struct stream_call *
take_idle(struct stream_kept *k, const struct addr *to)
{
	for (struct stream_call *c = k->idle, *next; c != NULL; c = next) {
		next = c->next;
		if (!addr_eq(&c->to, to))
			continue;
		if (session_current(&c->session)) {
			unlist(c);
			return c;
		}
		close_idle(c);
	}
	return NULL;
}

bool
stream_kept_ask(struct stream_kept *k, const struct addr *to, uint8_t kind, const void *payload,
    size_t len, uint32_t timeout_ms, stream_done *done, void *arg)
{
	struct question q = {kind, payload, len, timeout_ms, done, arg};
	struct stream_call *c = take_idle(k, to);

	if (c != NULL && take(c, &q)) {
		c->reused = true;
		session_again(&c->session);
		arm(c, &q, ask(c));
		return true;
	}
	if (c != NULL)
		close_call(c);
	if ((c = call_new(k->loop, k->keys, k)) == NULL)
		return false;
	begin(c, to, &q);
	return true;
}

unsigned
stream_kept_idle(const struct stream_kept *k)
{
	return k->count;
}
