/*
 * One prober per instance: a timer that starts an attempt, and at most one
 * attempt under way.  Instances are few on a node, so they sit in a list.
 *
 * libuv frees handles later, so a removed prober lives, detached, until its
 * handles are closed; nothing it hears by then counts.
 */
#include "health.h"

#include <stdio.h>
#include <stdlib.h>

#include "addr.h"

enum { ANSWER_CAP = 64, WHY_CAP = 48, REQUEST_CAP = HEALTH_PATH_CAP + 128 };

/* One connection.  Its own allocation: it may outlive its prober. */
struct attempt {
	uv_tcp_t tcp;
	uv_timer_t timeout;
	uv_connect_t connect;
	uv_write_t write;
	struct prober *prober; /* NULL = nobody cares any more */
	int open_handles;
	size_t len;
	char request[REQUEST_CAP], answer[ANSWER_CAP];
};

struct prober {
	struct prober *next;
	struct health *health; /* NULL = removed */
	uv_timer_t timer;
	char id[NAME_CAP];
	struct health_conf conf;
	struct attempt *attempt;
	enum view_health state;
	uint32_t failures, successes; /* in a row */
	bool was_well;
	char why[WHY_CAP]; /* of the last attempt that failed */
};

struct health {
	uv_loop_t *loop;
	void (*changed)(void *arg, const char *id, enum view_health state);
	void *arg;
	struct prober *probers;
};

/* --- one attempt ----------------------------------------------------------- */

static void
attempt_closed(uv_handle_t *h)
{
	struct attempt *a = h->data;

	if (--a->open_handles == 0)
		free(a);
}

static void
attempt_close(struct attempt *a)
{
	a->prober = NULL;
	uv_close((uv_handle_t *)&a->tcp, attempt_closed);
	uv_close((uv_handle_t *)&a->timeout, attempt_closed);
}

static uint32_t
next_ms(const struct prober *p)
{
	if (p->state == VIEW_HEALTH_WAIT && !p->conf.live && p->conf.interval_ms > HEALTH_FAST_MS)
		return HEALTH_FAST_MS;
	return p->conf.interval_ms;
}

static void on_timer(uv_timer_t *t);

/* Re-arms before telling: the callback may remove this prober. */
static void
result(struct prober *p, bool ok, const char *why)
{
	enum view_health old = p->state;
	struct health *h = p->health;

	p->attempt = NULL;
	snprintf(p->why, sizeof p->why, "%s", ok ? "" : why);
	p->failures = ok ? 0 : p->failures + 1;
	p->successes = ok ? p->successes + 1 : 0;
	if (p->successes >= p->conf.successes)
		p->state = VIEW_HEALTHY;
	else if ((old == VIEW_HEALTHY || p->conf.live) && p->failures >= p->conf.failures)
		p->state = VIEW_UNHEALTHY;
	p->was_well = p->was_well || p->state == VIEW_HEALTHY;
	uv_timer_start(&p->timer, on_timer, next_ms(p), 0);
	if (p->state != old)
		h->changed(h->arg, p->id, p->state);
}

static void
attempt_done(struct attempt *a, bool ok, const char *why)
{
	struct prober *p = a->prober;

	if (p == NULL)
		return;
	attempt_close(a);
	result(p, ok, why);
}

static void
on_timeout(uv_timer_t *t)
{
	attempt_done(t->data, false, "no answer in time");
}

/* "HTTP/1.x 2yz" or 3yz: all that is read of an answer. */
static bool
status_ok(const char *s, size_t len)
{
	return len >= 12 && memcmp(s, "HTTP/1.", 7) == 0 && s[8] == ' ' &&
	    (s[9] == '2' || s[9] == '3') && s[10] >= '0' && s[10] <= '9' &&
	    s[11] >= '0' && s[11] <= '9' &&
	    (len == 12 || s[12] == ' ' || s[12] == '\r' || s[12] == '\n');
}

static void
alloc_answer(uv_handle_t *handle, size_t hint, uv_buf_t *buf)
{
	struct attempt *a = handle->data;

	(void)hint;
	*buf = uv_buf_init(a->answer + a->len, (unsigned)(ANSWER_CAP - a->len));
}

static void
on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct attempt *a = stream->data;
	char why[WHY_CAP];
	bool is_http;

	(void)buf;
	if (n > 0)
		a->len += (size_t)n;
	if (n < 0 || a->len > 12) {
		is_http = a->len >= 12 && memcmp(a->answer, "HTTP/", 5) == 0;
		for (size_t i = 9; i < 12; i++)
			is_http = is_http && a->answer[i] >= '0' && a->answer[i] <= '9';
		snprintf(why, sizeof why, is_http ? "answered with status %.3s" : "no HTTP in the answer",
		    a->answer + 9);
		attempt_done(a, status_ok(a->answer, a->len), why);
	}
}

static void
on_written(uv_write_t *w, int status)
{
	if (status < 0)
		attempt_done(w->data, false, uv_strerror(status));
}

static void
on_connect(uv_connect_t *c, int status)
{
	struct attempt *a = c->data;
	char host[ADDR_TEXT_CAP];
	uv_buf_t buf;
	int n;

	if (a->prober == NULL)
		return;
	const struct health_conf *conf = &a->prober->conf;

	if (status < 0 || conf->kind == SUP_HEALTH_TCP) {
		attempt_done(a, status == 0, status < 0 ? uv_strerror(status) : "");
		return;
	}
	addr_format(&conf->addr, host, sizeof host);
	n = snprintf(a->request, sizeof a->request,
	    "GET %s HTTP/1.0\r\nHost: %s\r\nUser-Agent: mesh\r\n\r\n",
	    conf->path[0] == '\0' ? "/" : conf->path, host);
	buf = uv_buf_init(a->request, (unsigned)n);
	if (uv_read_start((uv_stream_t *)&a->tcp, alloc_answer, on_read) != 0 ||
	    uv_write(&a->write, (uv_stream_t *)&a->tcp, &buf, 1, on_written) != 0)
		attempt_done(a, false, "cannot ask");
}

static void
on_timer(uv_timer_t *t)
{
	struct prober *p = t->data;
	struct sockaddr_storage to;
	struct attempt *a = calloc(1, sizeof *a);

	if (a == NULL || uv_tcp_init(t->loop, &a->tcp) != 0) {
		free(a);
		result(p, false, "out of memory");
		return;
	}
	uv_timer_init(t->loop, &a->timeout);
	a->open_handles = 2;
	a->prober = p;
	a->tcp.data = a->timeout.data = a->connect.data = a->write.data = a;
	p->attempt = a;
	addr_to_sockaddr(&p->conf.addr, &to);
	uv_timer_start(&a->timeout, on_timeout, p->conf.timeout_ms, 0);
	if (uv_tcp_connect(&a->connect, &a->tcp, (struct sockaddr *)&to, on_connect) != 0)
		attempt_done(a, false, "cannot connect");
}

/* --- probers --------------------------------------------------------------- */

static struct prober *
find(const struct health *h, const char *id)
{
	struct prober *p = h->probers;

	while (p != NULL && strcmp(p->id, id) != 0)
		p = p->next;
	return p;
}

static void
prober_closed(uv_handle_t *h)
{
	free(h->data);
}

static void
prober_close(struct prober *p)
{
	p->health = NULL;
	if (p->attempt != NULL)
		attempt_close(p->attempt);
	uv_close((uv_handle_t *)&p->timer, prober_closed);
}

/* WAIT, and the first attempt when it may be. */
static void
restart(struct prober *p)
{
	if (p->attempt != NULL)
		attempt_close(p->attempt);
	p->attempt = NULL;
	p->state = VIEW_HEALTH_WAIT;
	p->failures = p->successes = 0;
	p->was_well = false;
	p->why[0] = '\0';
	uv_timer_start(&p->timer, on_timer, p->conf.start_ms, 0);
}

struct health *
health_new(uv_loop_t *loop, void (*changed)(void *arg, const char *id, enum view_health state),
    void *arg)
{
	struct health *h = calloc(1, sizeof *h);

	if (h == NULL)
		return NULL;
	h->loop = loop;
	h->changed = changed;
	h->arg = arg;
	return h;
}

void
health_free(struct health *h)
{
	if (h == NULL)
		return;
	for (struct prober *p = h->probers, *next; p != NULL; p = next) {
		next = p->next;
		prober_close(p);
	}
	free(h);
}

/* Defaults in, and nothing in a path that could end the request line. */
static struct health_conf
clean(const struct health_conf *in)
{
	struct health_conf c;

	memset(&c, 0, sizeof c); /* padding too: it is compared */
	c.kind = in->kind;
	memcpy(c.addr.ip, in->addr.ip, sizeof c.addr.ip);
	c.addr.port = in->addr.port;
	c.interval_ms = in->interval_ms == 0 ? HEALTH_INTERVAL_MS : in->interval_ms;
	c.timeout_ms = in->timeout_ms == 0 ? HEALTH_TIMEOUT_MS : in->timeout_ms;
	c.failures = in->failures == 0 ? HEALTH_FAILURES : in->failures;
	c.successes = in->successes == 0 ? 1 : in->successes;
	c.start_ms = in->start_ms;
	c.live = in->live;
	for (size_t i = 0; i + 1 < sizeof c.path && in->path[i] > ' ' && in->path[i] < 0x7f; i++)
		c.path[i] = in->path[i];
	return c;
}

void
health_set(struct health *h, const char *id, const struct health_conf *conf)
{
	struct health_conf c = clean(conf);
	struct prober *p = find(h, id);

	if (p != NULL && memcmp(&p->conf, &c, sizeof c) == 0)
		return;
	if (p == NULL) {
		p = calloc(1, sizeof *p);
		if (p == NULL)
			return; /* unprobed: never healthy, the safe side */
		snprintf(p->id, sizeof p->id, "%s", id);
		p->health = h;
		uv_timer_init(h->loop, &p->timer);
		p->timer.data = p;
		p->next = h->probers;
		h->probers = p;
	}
	p->conf = c;
	restart(p);
}

void
health_reset(struct health *h, const char *id)
{
	struct prober *p = find(h, id);

	if (p != NULL)
		restart(p);
}

void
health_remove(struct health *h, const char *id)
{
	for (struct prober **at = &h->probers; *at != NULL; at = &(*at)->next) {
		struct prober *p = *at;

		if (strcmp(p->id, id) != 0)
			continue;
		*at = p->next;
		prober_close(p);
		return;
	}
}

enum view_health
health_state(const struct health *h, const char *id)
{
	const struct prober *p = find(h, id);

	return p == NULL ? VIEW_HEALTH_NONE : p->state;
}

bool
health_why(const struct health *h, const char *id, char *out, size_t cap)
{
	const struct prober *p = find(h, id);
	char at[ADDR_TEXT_CAP];

	if (p == NULL || p->why[0] == '\0')
		return false;
	addr_format(&p->conf.addr, at, sizeof at);
	snprintf(out, cap, "%s%s: %s", at, p->conf.path, p->why);
	return true;
}

bool
health_was_well(const struct health *h, const char *id)
{
	const struct prober *p = find(h, id);

	return p != NULL && p->was_well;
}
