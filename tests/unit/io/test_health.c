/*
 * Health probes against real servers on 127.0.0.1: every state change, and
 * servers that lie, stall or talk without end.
 */
#include "world.h"

#include "../../../daemon/io/addr.h"
#include "../../../daemon/io/health.h"
#include "loop.h"

static uv_loop_t loop;

/* A server that says one thing to everybody. */
struct server {
	uv_tcp_t listen;
	struct addr addr;
	const char *says; /* NULL = silence; "" = closes */
	bool endless;
	int accepted;
	char heard[512];
};

struct peer {
	uv_tcp_t tcp;
	uv_write_t write;
	struct server *server;
	char in[512];
};

struct seen {
	int changes;
	enum view_health last;
	char id[NAME_CAP];
	struct health *remove_from;
};

static void
peer_closed(uv_handle_t *h)
{
	free(h->data);
}

static void
peer_close(struct peer *p)
{
	if (!uv_is_closing((uv_handle_t *)&p->tcp))
		uv_close((uv_handle_t *)&p->tcp, peer_closed);
}

static void
peer_alloc(uv_handle_t *h, size_t hint, uv_buf_t *buf)
{
	struct peer *p = h->data;

	(void)hint;
	*buf = uv_buf_init(p->in, sizeof p->in - 1);
}

static void say(struct peer *p);

static void
peer_written(uv_write_t *w, int status)
{
	struct peer *p = w->data;

	if (status == 0 && p->server->endless)
		say(p);
	else
		peer_close(p);
}

static void
say(struct peer *p)
{
	uv_buf_t buf = uv_buf_init((char *)(uintptr_t)p->server->says,
	    (unsigned)strlen(p->server->says));

	p->write.data = p;
	if (uv_write(&p->write, (uv_stream_t *)&p->tcp, &buf, 1, peer_written) != 0)
		peer_close(p);
}

static void
peer_read(uv_stream_t *s, ssize_t n, const uv_buf_t *buf)
{
	struct peer *p = s->data;

	(void)buf;
	if (n < 0) {
		peer_close(p);
		return;
	}
	p->in[n] = '\0';
	memcpy(p->server->heard, p->in, sizeof p->in);
	if (p->server->says == NULL)
		return;
	if (p->server->says[0] == '\0')
		peer_close(p);
	else
		say(p);
}

static void
on_connection(uv_stream_t *listen, int status)
{
	struct server *s = listen->data;
	struct peer *p = calloc(1, sizeof *p);

	assert_int_equal(status, 0);
	s->accepted++;
	p->server = s;
	uv_tcp_init(&loop, &p->tcp);
	p->tcp.data = p;
	assert_int_equal(uv_accept(listen, (uv_stream_t *)&p->tcp), 0);
	uv_read_start((uv_stream_t *)&p->tcp, peer_alloc, peer_read);
}

/* port 0: a new one. */
static void
serve(struct server *s, uint16_t port, const char *says)
{
	struct sockaddr_storage ss;
	int len = sizeof ss;
	struct err err;

	memset(s, 0, sizeof *s);
	s->says = says;
	assert_int_equal(addr_parse("127.0.0.1:0", &s->addr, &err), 0);
	s->addr.port = port;
	addr_to_sockaddr(&s->addr, &ss);
	uv_tcp_init(&loop, &s->listen);
	s->listen.data = s;
	assert_int_equal(uv_tcp_bind(&s->listen, (struct sockaddr *)&ss, 0), 0);
	assert_int_equal(uv_listen((uv_stream_t *)&s->listen, 16, on_connection), 0);
	assert_int_equal(uv_tcp_getsockname(&s->listen, (struct sockaddr *)&ss, &len), 0);
	assert_true(addr_from_sockaddr((struct sockaddr *)&ss, &s->addr));
}

static void
changed(void *arg, const char *id, enum view_health state)
{
	struct seen *seen = arg;

	seen->changes++;
	seen->last = state;
	snprintf(seen->id, sizeof seen->id, "%s", id);
	if (seen->remove_from != NULL)
		health_remove(seen->remove_from, id);
}

/* Both are gone, and left nothing open. */
static void
done(struct health *h, struct server *s)
{
	health_free(h);
	uv_close((uv_handle_t *)&s->listen, NULL);
	loop_dry(&loop);
}

static int
setup(void **state)
{
	(void)state;
	return uv_loop_init(&loop);
}

static int
teardown(void **state)
{
	(void)state;
	loop_end_of_stack(&loop);
	return 0;
}

static struct health_conf
conf(enum sup_health kind, const struct addr *a, const char *path)
{
	/* No answer is late but where silence is the test, however busy the host. */
	struct health_conf c = { .kind = kind, .addr = *a, .interval_ms = 20, .timeout_ms = LOOP_BOUND_MS };

	snprintf(c.path, sizeof c.path, "%s", path);
	return c;
}

/* A port of 127.0.0.1 that nobody else gets, at which nobody listens; closes with the fd. */
static int
keep_port(uint16_t *port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
	socklen_t len = sizeof sin;

	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&sin, sizeof sin), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sin, &len), 0);
	*port = ntohs(sin.sin_port);
	return fd;
}

static void
a_tcp_service_comes_goes_and_comes_back(void **state)
{
	struct seen seen = { 0 };
	struct health *h = health_new(&loop, changed, &seen);
	struct server s;
	struct health_conf c;
	uint16_t port;
	int kept = keep_port(&port);

	(void)state;
	serve(&s, port, "");
	c = conf(SUP_HEALTH_TCP, &s.addr, "");
	uv_close((uv_handle_t *)&s.listen, NULL);
	uv_run(&loop, UV_RUN_NOWAIT);
	assert_int_equal(health_state(h, "web.1"), VIEW_HEALTH_NONE);
	health_set(h, "web.1", &c);
	loop_for(&loop, 200);
	/* Refused again and again: it waits, it is not unhealthy. */
	assert_int_equal(health_state(h, "web.1"), VIEW_HEALTH_WAIT);
	assert_int_equal(seen.changes, 0);
	serve(&s, port, "");
	loop_until(&loop, seen.changes == 1);
	assert_int_equal(seen.last, VIEW_HEALTHY);
	assert_string_equal(seen.id, "web.1");
	assert_int_equal(health_state(h, "web.1"), VIEW_HEALTHY);
	uv_close((uv_handle_t *)&s.listen, NULL);
	loop_until(&loop, seen.changes == 2);
	assert_int_equal(seen.last, VIEW_UNHEALTHY);
	serve(&s, port, "");
	loop_until(&loop, seen.changes == 3);
	assert_int_equal(seen.last, VIEW_HEALTHY);
	health_remove(h, "web.1");
	assert_int_equal(health_state(h, "web.1"), VIEW_HEALTH_NONE);
	uv_close((uv_handle_t *)&s.listen, NULL);
	health_free(h);
	loop_dry(&loop);
	close(kept);
}

/* Two failures are forgiven, three are not. */
static void
three_failures_in_a_row_make_unhealthy(void **state)
{
	struct seen seen = { 0 };
	struct health *h = health_new(&loop, changed, &seen);
	struct health_conf c;
	struct server s;
	int before;

	(void)state;
	serve(&s, 0, "HTTP/1.0 200 OK\r\n\r\n");
	c = conf(SUP_HEALTH_HTTP, &s.addr, "/");
	health_set(h, "x", &c);
	loop_until(&loop, seen.changes == 1);
	for (int i = 0; i < 5; i++) {
		/* Exactly two requests see an error (or fewer: still forgiven). */
		s.says = "HTTP/1.0 500 No\r\n\r\n";
		before = s.accepted;
		loop_until(&loop, s.accepted == before + 2);
		s.says = "HTTP/1.0 200 OK\r\n\r\n";
		before = s.accepted;
		loop_until(&loop, s.accepted == before + 2);
	}
	assert_int_equal(seen.changes, 1);
	s.says = "HTTP/1.0 500 No\r\n\r\n";
	before = s.accepted;
	loop_until(&loop, seen.changes == 2);
	assert_int_equal(seen.last, VIEW_UNHEALTHY);
	assert_in_range(s.accepted, before + 2, before + 3); /* one may be under way */
	done(h, &s);
}

static void
an_answer_counts_by_its_status_line(void **state)
{
	static const struct {
		const char *says;
		bool ok;
	} answers[] = {
		{ "HTTP/1.0 200 OK\r\n\r\n", true },
		{ "HTTP/1.1 204 No Content\r\n\r\n", true },
		{ "HTTP/1.1 302 Found\r\nLocation: /x\r\n\r\n", true },
		{ "HTTP/1.0 200\r\n\r\n", true },
		{ "HTTP/1.0 404 Not Found\r\n\r\n", false },
		{ "HTTP/1.0 503 Busy\r\n\r\n", false },
		{ "HTTP/1.0 100 Continue\r\n\r\n", false },
		{ "HTTP/1.0 2000 Odd\r\n\r\n", false },
		{ "HTTP/1.0 20", false },
		{ "HTTP/2.0 200 OK\r\n\r\n", false },
		{ "SSH-2.0-OpenSSH_9.2\r\n", false },
		{ "\r\n\r\n\r\n\r\n\r\n\r\n\r\n", false },
		{ "", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
		struct seen seen = { 0 };
		struct health *h = health_new(&loop, changed, &seen);
		struct health_conf c;
		struct server s;

		serve(&s, 0, answers[i].says);
		c = conf(SUP_HEALTH_HTTP, &s.addr, "/");
		health_set(h, "x", &c);
		loop_until(&loop, s.accepted >= 3 || seen.changes > 0);
		if ((health_state(h, "x") == VIEW_HEALTHY) != answers[i].ok)
			fail_msg("'%s'", answers[i].says);
		health_free(h);
		uv_close((uv_handle_t *)&s.listen, NULL);
		loop_dry(&loop);
	}
}

static void
silence_times_out_and_is_asked_again(void **state)
{
	struct seen seen = { 0 };
	struct health *h = health_new(&loop, changed, &seen);
	struct health_conf c;
	struct server s;

	(void)state;
	serve(&s, 0, NULL);
	c = conf(SUP_HEALTH_HTTP, &s.addr, "/");
	c.timeout_ms = 30;
	health_set(h, "x", &c);
	loop_until(&loop, s.accepted == 4);
	assert_int_equal(health_state(h, "x"), VIEW_HEALTH_WAIT);
	done(h, &s);
}

static void
an_endless_answer_is_not_read_to_its_end(void **state)
{
	static char flood[60000];
	struct seen seen = { 0 };
	struct health *h = health_new(&loop, changed, &seen);
	struct health_conf c;
	struct server s;

	(void)state;
	memset(flood, 'x', sizeof flood - 1);
	serve(&s, 0, flood);
	s.endless = true;
	c = conf(SUP_HEALTH_HTTP, &s.addr, "/");
	health_set(h, "x", &c);
	loop_until(&loop, s.accepted >= 3);
	assert_int_equal(health_state(h, "x"), VIEW_HEALTH_WAIT);
	memcpy(flood, "HTTP/1.0 200 OK\r\n\r\n", 19);
	loop_until(&loop, seen.changes == 1);
	assert_int_equal(seen.last, VIEW_HEALTHY);
	done(h, &s);
}

static void
the_request_is_what_was_asked_for(void **state)
{
	struct seen seen = { 0 };
	struct health *h = health_new(&loop, changed, &seen);
	struct health_conf c;
	struct server s;
	char host[80];

	(void)state;
	serve(&s, 0, "HTTP/1.0 200 OK\r\n\r\n");
	c = conf(SUP_HEALTH_HTTP, &s.addr, "/up?x=1");
	health_set(h, "x", &c);
	loop_until(&loop, seen.changes == 1);
	assert_ptr_equal(strstr(s.heard, "GET /up?x=1 HTTP/1.0\r\n"), s.heard);
	snprintf(host, sizeof host, "\r\nHost: 127.0.0.1:%u\r\n", s.addr.port);
	assert_non_null(strstr(s.heard, host));
	assert_string_equal(s.heard + strlen(s.heard) - 4, "\r\n\r\n");
	/* A path can't smuggle a second line in. */
	c = conf(SUP_HEALTH_HTTP, &s.addr, "/a\r\nEvil: 1");
	s.heard[0] = '\0';
	health_set(h, "x", &c);
	assert_int_equal(health_state(h, "x"), VIEW_HEALTH_WAIT);
	loop_until(&loop, seen.changes == 2);
	assert_ptr_equal(strstr(s.heard, "GET /a HTTP/1.0\r\n"), s.heard);
	assert_null(strstr(s.heard, "Evil"));
	done(h, &s);
}

static void
same_conf_goes_on_and_reset_waits_again(void **state)
{
	struct seen seen = { 0 };
	struct health *h = health_new(&loop, changed, &seen);
	struct health_conf c;
	struct server s;

	(void)state;
	serve(&s, 0, "HTTP/1.0 200 OK\r\n\r\n");
	c = conf(SUP_HEALTH_HTTP, &s.addr, "/");
	health_set(h, "x", &c);
	loop_until(&loop, seen.changes == 1);
	health_set(h, "x", &c);
	assert_int_equal(health_state(h, "x"), VIEW_HEALTHY);
	health_reset(h, "x");
	assert_int_equal(health_state(h, "x"), VIEW_HEALTH_WAIT);
	loop_until(&loop, seen.changes == 2);
	assert_int_equal(seen.last, VIEW_HEALTHY);
	health_reset(h, "nobody");
	health_remove(h, "nobody");
	done(h, &s);
}

/* Back only after so many successes in a row, gone after so many failures. */
static void
thresholds_are_as_asked(void **state)
{
	struct seen seen = { 0 };
	struct health *h = health_new(&loop, changed, &seen);
	struct health_conf c;
	struct server s;

	(void)state;
	serve(&s, 0, "HTTP/1.0 200 OK\r\n\r\n");
	c = conf(SUP_HEALTH_HTTP, &s.addr, "/");
	c.failures = 1;
	c.successes = 4;
	health_set(h, "x", &c);
	loop_until(&loop, seen.changes == 1);
	assert_int_equal(seen.last, VIEW_HEALTHY);
	assert_int_equal(s.accepted, 4);
	s.says = "HTTP/1.0 500 No\r\n\r\n";
	loop_until(&loop, seen.changes == 2);
	assert_int_equal(seen.last, VIEW_UNHEALTHY);
	assert_in_range(s.accepted, 5, 6); /* one may be under way */
	done(h, &s);
}

/* It need not have been well once, is not hurried, and is left alone at first. */
static void
a_liveness_may_never_have_been_well(void **state)
{
	struct seen seen = { 0 };
	struct health *h = health_new(&loop, changed, &seen);
	struct health_conf c;
	struct server s;
	uint64_t begun;

	(void)state;
	serve(&s, 0, "HTTP/1.0 500 No\r\n\r\n");
	c = conf(SUP_HEALTH_HTTP, &s.addr, "/");
	c.live = true;
	c.failures = 3;
	c.start_ms = 150;
	uv_update_time(&loop);
	begun = uv_now(&loop);
	health_set(h, "x", &c);
	loop_until(&loop, s.accepted == 1);
	assert_true(uv_now(&loop) - begun >= 150);
	loop_until(&loop, seen.changes == 1);
	assert_int_equal(seen.last, VIEW_UNHEALTHY);
	assert_int_equal(s.accepted, 3);
	assert_false(health_was_well(h, "x"));
	/* The next run. */
	s.says = "HTTP/1.0 200 OK\r\n\r\n";
	health_reset(h, "x");
	assert_int_equal(health_state(h, "x"), VIEW_HEALTH_WAIT);
	loop_until(&loop, seen.changes == 2);
	assert_int_equal(seen.last, VIEW_HEALTHY);
	s.says = "HTTP/1.0 500 No\r\n\r\n";
	loop_until(&loop, seen.changes == 3);
	assert_int_equal(seen.last, VIEW_UNHEALTHY);
	assert_true(health_was_well(h, "x"));
	assert_false(health_was_well(h, "nobody"));
	done(h, &s);
}

static void
many_are_told_apart_and_may_go_in_the_callback(void **state)
{
	struct seen seen = { 0 };
	struct health *h = health_new(&loop, changed, &seen);
	struct health_conf c;
	struct server s;
	char id[16];

	(void)state;
	serve(&s, 0, "");
	c = conf(SUP_HEALTH_TCP, &s.addr, "");
	seen.remove_from = h;
	for (int i = 0; i < 50; i++) {
		snprintf(id, sizeof id, "web.%d", i);
		health_set(h, id, &c);
	}
	loop_until(&loop, seen.changes == 50);
	for (int i = 0; i < 50; i++) {
		snprintf(id, sizeof id, "web.%d", i);
		assert_int_equal(health_state(h, id), VIEW_HEALTH_NONE);
	}
	seen.remove_from = NULL;
	health_set(h, "a", &c);
	c.addr.port = 1; /* nobody there */
	health_set(h, "b", &c);
	loop_until(&loop, seen.changes == 51);
	assert_int_equal(health_state(h, "a"), VIEW_HEALTHY);
	assert_int_equal(health_state(h, "b"), VIEW_HEALTH_WAIT);
	done(h, &s);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(a_tcp_service_comes_goes_and_comes_back),
		T(three_failures_in_a_row_make_unhealthy),
		T(an_answer_counts_by_its_status_line),
		T(silence_times_out_and_is_asked_again),
		T(an_endless_answer_is_not_read_to_its_end),
		T(the_request_is_what_was_asked_for),
		T(same_conf_goes_on_and_reset_waits_again),
		T(thresholds_are_as_asked),
		T(a_liveness_may_never_have_been_well),
		T(many_are_told_apart_and_may_go_in_the_callback),
	};

	return cmocka_run_group_tests_name("health", tests, NULL, NULL);
}
