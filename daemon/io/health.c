/*
 * One prober per instance: a timer that starts an attempt (asking.h), and at most one
 * attempt under way.  Instances are few on a node, so they sit in a list.
 *
 * libuv frees handles later, so a removed prober lives, detached, until its timer is
 * closed.
 */
#include "health.h"

#include <stdio.h>
#include <stdlib.h>

#include "addr.h"
#include "asking.h"

enum { ANSWER_CAP = 64, WHY_CAP = 48, REQUEST_CAP = HEALTH_PATH_CAP + 128 };

struct prober {
	struct prober *next;
	struct health *health; /* NULL = removed */
	uv_timer_t timer;
	char id[NAME_CAP];
	struct health_conf conf;
	struct asking *attempt; /* under way, or NULL */
	size_t answer_len;
	char answer[ANSWER_CAP]; /* how it begins */
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
answered(struct prober *p)
{
	char why[WHY_CAP];
	bool is_http = p->answer_len >= 12 && memcmp(p->answer, "HTTP/", 5) == 0;

	for (size_t i = 9; i < 12; i++)
		is_http = is_http && p->answer[i] >= '0' && p->answer[i] <= '9';
	snprintf(why, sizeof why, is_http ? "answered with status %.3s" : "no HTTP in the answer",
	    p->answer + 9);
	result(p, status_ok(p->answer, p->answer_len), why);
}

static bool
on_heard(void *arg, const uint8_t *b, size_t n)
{
	struct prober *p = arg;
	size_t room = sizeof p->answer - p->answer_len;

	memcpy(p->answer + p->answer_len, b, n < room ? n : room);
	p->answer_len += n < room ? n : room;
	if (p->answer_len <= 12)
		return true;
	answered(p);
	return false;
}

static void
on_done(void *arg, const char *why)
{
	struct prober *p = arg;

	if (p->conf.kind == SUP_HEALTH_HTTP && why[0] == '\0')
		answered(p);
	else
		result(p, why[0] == '\0', why);
}

static void
on_timer(uv_timer_t *t)
{
	struct prober *p = t->data;
	char host[ADDR_TEXT_CAP], request[REQUEST_CAP];
	struct asking_conf conf = {.to = p->conf.addr, .timeout_ms = p->conf.timeout_ms,
	    .heard = on_heard, .done = on_done, .arg = p};

	p->answer_len = 0;
	if (p->conf.kind == SUP_HEALTH_HTTP) {
		addr_format(&p->conf.addr, host, sizeof host);
		snprintf(request, sizeof request,
		    "GET %s HTTP/1.0\r\nHost: %s\r\nUser-Agent: mesh\r\n\r\n",
		    p->conf.path[0] == '\0' ? "/" : p->conf.path, host);
		conf.words = request;
	}
	if ((p->attempt = asking_begin(t->loop, &conf)) == NULL)
		result(p, false, "cannot connect");
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
		asking_drop(p->attempt);
	uv_close((uv_handle_t *)&p->timer, prober_closed);
}

/* WAIT, and the first attempt when it may be. */
static void
restart(struct prober *p)
{
	if (p->attempt != NULL)
		asking_drop(p->attempt);
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
