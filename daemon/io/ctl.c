/*
 * ctl.c - see ctl.h.  A connection carries one request.  It ends when its last
 * answer has been written, when the peer closes, when a request is not whole
 * within 5 s, or when the peer reads nothing for 30 s (unless ctl_patient); at most CTL_CONNS_MAX
 * are open, and when places run out the oldest that has asked nothing goes.
 */
#include "ctl.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "pack.h"

enum { REQUEST_MS = 5000, READ_MS = 30000 };

static void on_slow(uv_timer_t *timer);

struct ctl_conn {
	struct ctl_conn *next; /* newest first */
	uv_pipe_t pipe;
	uv_timer_t timer;
	struct ctl *ctl;
	struct ctl_req *req; /* being worked on, or NULL */
	uint8_t *in;
	size_t in_len;
	unsigned handles; /* open uv handles */
	bool writer, closing;
	bool patient; /* who does not read keeps its place */
	uint32_t uid; /* the peer's */
	size_t writing; /* answers not yet out */
	bool last;	/* the last answer was given: close when it is out */
};

struct out {
	uv_write_t w;
	struct ctl_conn *c;
	uint8_t head[4];
	msgpack_sbuffer body;
};

static void
on_closed(uv_handle_t *handle)
{
	struct ctl_conn *c = handle->data;

	if (--c->handles > 0)
		return;
	for (struct ctl_conn **at = &c->ctl->open; *at != NULL; at = &(*at)->next) {
		if (*at != c)
			continue;
		*at = c->next;
		break;
	}
	c->ctl->conns--;
	free(c->in);
	free(c);
}

static void
conn_close(struct ctl_conn *c)
{
	struct ctl_req *r = c->req;

	if (c->closing)
		return;
	c->closing = true;
	uv_close((uv_handle_t *)&c->pipe, on_closed);
	uv_close((uv_handle_t *)&c->timer, on_closed);
	if (r == NULL)
		return;
	c->req = NULL;
	r->conn = NULL;
	r->args = NULL;
	r->args_bytes = 0;
	if (r->on_gone != NULL)
		r->on_gone(r);
}

bool
ctl_alive(const struct ctl_req *r)
{
	return r->conn != NULL;
}

bool
ctl_busy(const struct ctl_req *r)
{
	return r->conn != NULL &&
	    uv_stream_get_write_queue_size((uv_stream_t *)&r->conn->pipe) > CTL_BUSY_BYTES;
}

void
ctl_patient(struct ctl_req *r)
{
	if (r->conn != NULL)
		r->conn->patient = true;
}

static void
on_written(uv_write_t *w, int status)
{
	struct out *o = w->data;
	struct ctl_conn *c = o->c;

	msgpack_sbuffer_destroy(&o->body);
	free(o);
	c->writing--;
	if (status < 0 || (c->last && c->writing == 0))
		conn_close(c);
	else if (!c->closing && c->writing == 0)
		uv_timer_stop(&c->timer);
	else if (!c->closing && !c->patient)
		uv_timer_start(&c->timer, on_slow, READ_MS, 0);
}

/* Send the frame in o->body; takes o. */
static void
frame(struct ctl_conn *c, struct out *o)
{
	uv_buf_t bufs[2];

	for (int i = 0; i < 4; i++)
		o->head[i] = (uint8_t)(o->body.size >> (8 * i));
	bufs[0] = uv_buf_init((char *)o->head, 4);
	bufs[1] = uv_buf_init(o->body.data, (unsigned)o->body.size);
	o->c = c;
	o->w.data = o;
	if (c->writing++ == 0 && !c->patient) /* who does not read gives the place free */
		uv_timer_start(&c->timer, on_slow, READ_MS, 0);
	if (uv_write(&o->w, (uv_stream_t *)&c->pipe, bufs, 2, on_written) < 0) {
		c->writing--;
		msgpack_sbuffer_destroy(&o->body);
		free(o);
		conn_close(c);
	}
}

static struct out *
out_new(msgpack_packer *pk)
{
	struct out *o = calloc(1, sizeof *o);

	if (o != NULL) {
		msgpack_sbuffer_init(&o->body);
		msgpack_packer_init(pk, &o->body, msgpack_sbuffer_write);
	}
	return o;
}

static void
finish(struct ctl_req *r)
{
	if (r->conn != NULL) {
		r->conn->req = NULL;
		r->conn->last = true;
		if (r->conn->writing == 0)
			conn_close(r->conn);
	}
	msgpack_sbuffer_destroy(&r->body);
	free(r);
}

static void
pack_failure(msgpack_packer *pk, int code, const char *hint, const char *text)
{
	msgpack_pack_map(pk, 4);
	pk_kbool(pk, "ok", false);
	pk_kint(pk, "code", code);
	pk_str(pk, "error");
	pk_str(pk, text);
	pk_str(pk, "hint");
	pk_str(pk, hint);
}

void
ctl_answer(struct ctl_req *r, const void *data, size_t data_bytes, bool more)
{
	msgpack_packer pk;
	struct out *o = r->conn != NULL && !r->conn->closing ? out_new(&pk) : NULL;

	if (o != NULL) {
		msgpack_pack_map(&pk, 3);
		pk_kbool(&pk, "ok", true);
		pk_str(&pk, "data");
		pk_raw(&pk, data, data_bytes);
		pk_kbool(&pk, "more", more);
		if (o->body.size > CTL_FRAME_BYTES_MAX) { /* the peer would refuse it */
			msgpack_sbuffer_clear(&o->body);
			pack_failure(&pk, 1, "", "the answer is larger than 16 MiB");
		}
		frame(r->conn, o);
	}
	if (!more)
		finish(r);
}

msgpack_packer *
ctl_begin(struct ctl_req *r)
{
	pk_begin(&r->body, &r->pk);
	return &r->pk;
}

void
ctl_end(struct ctl_req *r)
{
	ctl_answer(r, r->body.data, r->body.size, false);
}

void
ctl_fail(struct ctl_req *r, int code, const char *hint, const char *fmt, ...)
{
	msgpack_packer pk;
	struct out *o = r->conn != NULL && !r->conn->closing ? out_new(&pk) : NULL;
	char text[ERR_TEXT_CAP];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	if (o != NULL) {
		pack_failure(&pk, code, hint, text);
		frame(r->conn, o);
	}
	finish(r);
}

/* --- arguments ---------------------------------------------------------------- */

/* Leave r at the value of key; false when there is none. */
static bool
find_arg(const struct ctl_req *req, const char *key, struct mp *r)
{
	uint32_t n;

	mp_init(r, req->args, req->args_bytes, 4);
	if (req->args == NULL || mp_map(r, &n) < 0)
		return false;
	for (uint32_t i = 0; i < n; i++) {
		const char *s;
		size_t len;

		if (mp_str(r, &s, &len) < 0)
			return false;
		if (len == strlen(key) && memcmp(s, key, len) == 0)
			return true;
		if (mp_skip(r) < 0)
			return false;
	}
	return false;
}

bool
ctl_arg_str(const struct ctl_req *r, const char *key, char *out, size_t cap)
{
	struct mp mp;

	out[0] = '\0';
	return find_arg(r, key, &mp) && mp_cstr(&mp, out, cap) == 0;
}

bool
ctl_arg_has(const struct ctl_req *r, const char *key)
{
	struct mp mp;

	return find_arg(r, key, &mp) && mp_peek(&mp) != MP_NIL;
}

bool
ctl_arg_int(const struct ctl_req *r, const char *key, int64_t *out)
{
	struct mp mp;

	return find_arg(r, key, &mp) && mp_int(&mp, out) == 0;
}

bool
ctl_arg_bool(const struct ctl_req *r, const char *key)
{
	struct mp mp;
	bool v = false;

	return find_arg(r, key, &mp) && mp_bool(&mp, &v) == 0 && v;
}

bool
ctl_arg_slice(const struct ctl_req *r, const char *key, struct slice *out)
{
	struct mp mp;
	const char *s;

	if (!find_arg(r, key, &mp) || mp_str(&mp, &s, &out->len) < 0)
		return false;
	out->b = (const uint8_t *)s;
	return true;
}

int
ctl_arg_list(const struct ctl_req *r, const char *key, struct slice *out, size_t cap)
{
	struct mp mp;
	uint32_t n;

	if (!find_arg(r, key, &mp) || mp_peek(&mp) == MP_NIL)
		return 0;
	if (mp_array(&mp, &n) < 0 || n > cap)
		return -1;
	for (uint32_t i = 0; i < n; i++) {
		const char *s;

		if (mp_str(&mp, &s, &out[i].len) < 0)
			return -1;
		out[i].b = (const uint8_t *)s;
	}
	return (int)n;
}

/* --- requests ------------------------------------------------------------------- */

/* {"verb": str, "args": map}, in any order. */
static bool
parse(struct ctl_req *r, const uint8_t *buf, size_t len)
{
	struct mp mp;
	uint32_t n;

	mp_init(&mp, buf, len, 6);
	if (mp_map(&mp, &n) < 0)
		return false;
	for (uint32_t i = 0; i < n; i++) {
		const char *s;
		size_t k;

		if (mp_str(&mp, &s, &k) < 0)
			return false;
		if (k == 4 && memcmp(s, "verb", 4) == 0) {
			if (mp_cstr(&mp, r->verb, sizeof r->verb) < 0)
				return false;
			continue;
		}
		size_t from = mp.off;
		if (mp_skip(&mp) < 0)
			return false;
		if (k == 4 && memcmp(s, "args", 4) == 0) {
			r->args = buf + from;
			r->args_bytes = mp.off - from;
		}
	}
	return mp_end(&mp) == 0 && r->verb[0] != '\0';
}

static void
request(struct ctl_conn *c, size_t len)
{
	struct ctl_req *r = calloc(1, sizeof *r);

	if (r == NULL) {
		conn_close(c);
		return;
	}
	uv_timer_stop(&c->timer);
	c->req = r;
	r->conn = c;
	r->may_write = c->writer;
	r->uid = c->uid;
	if (!parse(r, c->in + 4, len))
		ctl_fail(r, EXIT_USAGE_, "", "malformed request");
	else
		c->ctl->handle(c->ctl->arg, r);
}

static void
on_alloc(uv_handle_t *handle, size_t hint, uv_buf_t *buf)
{
	struct ctl_conn *c = handle->data;

	(void)hint;
	*buf = uv_buf_init((char *)c->in + c->in_len,
	    (unsigned)(CTL_REQUEST_BYTES_MAX + 4 - c->in_len));
}

static void
on_read(uv_stream_t *s, ssize_t n, const uv_buf_t *buf)
{
	struct ctl_conn *c = s->data;
	size_t len;

	(void)buf;
	if (n < 0) {
		conn_close(c);
		return;
	}
	c->in_len += (size_t)n;
	if (c->in_len < 4 || c->req != NULL || c->last)
		return;
	len = (size_t)c->in[0] | (size_t)c->in[1] << 8 | (size_t)c->in[2] << 16 |
	    (size_t)c->in[3] << 24;
	if (len > CTL_REQUEST_BYTES_MAX)
		conn_close(c);
	else if (c->in_len - 4 >= len)
		request(c, len);
}

static void
on_slow(uv_timer_t *timer)
{
	conn_close(timer->data);
}

/* One place more than there are: whoever only holds one gives it up, or the
 * operator is locked out by clients that say nothing.  False when all have
 * asked, and some are not about to leave. */
static bool
make_room(struct ctl *ctl)
{
	struct ctl_conn *oldest = NULL;
	unsigned stay = 0;

	for (struct ctl_conn *c = ctl->open; c != NULL; c = c->next) {
		stay += !c->closing;
		if (!c->closing && c->req == NULL && !c->last)
			oldest = c;
	}
	if (stay < CTL_CONNS_MAX)
		return true;
	if (oldest == NULL)
		return false;
	conn_close(oldest);
	return true;
}

static void
on_connect(uv_stream_t *listener, int status)
{
	struct ctl *ctl = listener->data;
	struct ctl_conn *c = calloc(1, sizeof *c);
	struct ucred cred = {.uid = (uid_t)-1};
	socklen_t len = sizeof cred;
	uv_os_fd_t fd;
	bool room;

	if (c == NULL)
		return;
	c->ctl = ctl;
	c->in = malloc(CTL_REQUEST_BYTES_MAX + 4);
	uv_pipe_init(listener->loop, &c->pipe, 0);
	uv_timer_init(listener->loop, &c->timer);
	c->pipe.data = c->timer.data = c;
	c->handles = 2;
	room = make_room(ctl);
	ctl->conns++;
	c->next = ctl->open;
	ctl->open = c;
	if (status < 0 || uv_accept(listener, (uv_stream_t *)&c->pipe) < 0 || c->in == NULL ||
	    !room || uv_fileno((uv_handle_t *)&c->pipe, &fd) < 0 ||
	    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0) {
		conn_close(c);
		return;
	}
	c->uid = cred.uid;
	c->writer = ctl->writer(ctl->arg, cred.uid);
	uv_timer_start(&c->timer, on_slow, REQUEST_MS, 0);
	uv_read_start((uv_stream_t *)&c->pipe, on_alloc, on_read);
}

int
ctl_init(struct ctl *c, uv_loop_t *loop, int fd, void *arg, bool (*writer)(void *, uint32_t),
    void (*handle)(void *, struct ctl_req *))
{
	int rc;

	memset(c, 0, sizeof *c);
	c->arg = arg;
	c->writer = writer;
	c->handle = handle;
	if ((rc = uv_pipe_init(loop, &c->listener, 0)) < 0 ||
	    (rc = uv_pipe_open(&c->listener, fd)) < 0)
		return rc;
	c->listener.data = c;
	return uv_listen((uv_stream_t *)&c->listener, 16, on_connect);
}
