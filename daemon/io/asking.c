/*
 * asking.c - see asking.h.  libuv frees handles later, so a question that is over lives,
 * detached, until its handles are closed; nothing it hears by then counts.
 */
#include "asking.h"

#include <stdlib.h>

#include "addr.h"

struct asking {
	uv_tcp_t tcp;
	uv_timer_t timeout;
	uv_connect_t connect;
	uv_write_t write;
	struct asking_conf conf;
	int open_handles;
	bool over;
	char words[ASKING_WORDS_CAP];
};

static void
closed(uv_handle_t *h)
{
	struct asking *a = h->data;

	if (--a->open_handles == 0)
		free(a);
}

void
asking_drop(struct asking *a)
{
	a->over = true;
	uv_close((uv_handle_t *)&a->tcp, closed);
	uv_close((uv_handle_t *)&a->timeout, closed);
}

static void
finish(struct asking *a, const char *why)
{
	if (a->over)
		return;
	asking_drop(a);
	a->conf.done(a->conf.arg, why);
}

static void
on_timeout(uv_timer_t *t)
{
	finish(t->data, "no answer in time");
}

/* One for all: what is in it is used before the next read. */
static void
give_room(uv_handle_t *handle, size_t hint, uv_buf_t *buf)
{
	static char piece[ASKING_PIECE_BYTES];

	(void)handle;
	(void)hint;
	*buf = uv_buf_init(piece, sizeof piece);
}

static void
on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct asking *a = stream->data;

	if (a->over || n == 0)
		return;
	if (n < 0)
		finish(a, n == UV_EOF ? "" : uv_strerror((int)n));
	else if (!a->conf.heard(a->conf.arg, (const uint8_t *)buf->base, (size_t)n))
		asking_drop(a);
}

static void
on_written(uv_write_t *w, int status)
{
	if (status < 0)
		finish(w->data, uv_strerror(status));
}

static void
on_connect(uv_connect_t *c, int status)
{
	struct asking *a = c->data;
	uv_buf_t buf;

	if (a->over)
		return;
	if (status < 0 || a->conf.words == NULL) {
		finish(a, status < 0 ? uv_strerror(status) : "");
		return;
	}
	buf = uv_buf_init(a->words, (unsigned)strlen(a->words));
	if (uv_read_start((uv_stream_t *)&a->tcp, give_room, on_read) != 0 ||
	    uv_write(&a->write, (uv_stream_t *)&a->tcp, &buf, 1, on_written) != 0)
		finish(a, "cannot ask");
}

struct asking *
asking_begin(uv_loop_t *loop, const struct asking_conf *conf)
{
	struct asking *a = calloc(1, sizeof *a);
	struct sockaddr_storage to;

	if (a == NULL || (conf->words != NULL && strlen(conf->words) >= sizeof a->words) ||
	    uv_tcp_init(loop, &a->tcp) != 0) {
		free(a);
		return NULL;
	}
	uv_timer_init(loop, &a->timeout);
	a->open_handles = 2;
	a->conf = *conf;
	if (conf->words != NULL)
		memcpy(a->words, conf->words, strlen(conf->words) + 1);
	a->tcp.data = a->timeout.data = a->connect.data = a->write.data = a;
	addr_to_sockaddr(&conf->to, &to);
	uv_timer_start(&a->timeout, on_timeout, conf->timeout_ms, 0);
	if (uv_tcp_connect(&a->connect, &a->tcp, (struct sockaddr *)&to, on_connect) != 0) {
		asking_drop(a);
		return NULL;
	}
	return a;
}
