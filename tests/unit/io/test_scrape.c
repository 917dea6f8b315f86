/*
 * test_scrape.c - what applications answer, by real servers on 127.0.0.1: which series
 * come of it, and of those who lie or stall.
 */
#include "appdesk.h"

#include <stdlib.h>

/* A server that says one thing to everybody. */
struct server {
	uv_tcp_t listen;
	struct addr addr;
	const char *says; /* NULL: silence */
	size_t len;
	bool drips; /* a byte each 5 ms, for ever */
	int accepted;
	char heard[2048];
};

struct peer {
	uv_tcp_t tcp;
	uv_write_t write;
	uv_timer_t timer;
	struct server *server;
	int open;
	char in[2048];
};

static struct server server;

static void
peer_closed(uv_handle_t *h)
{
	struct peer *p = h->data;

	if (--p->open == 0)
		free(p);
}

static void
peer_close(struct peer *p)
{
	if (uv_is_closing((uv_handle_t *)&p->tcp))
		return;
	uv_close((uv_handle_t *)&p->tcp, peer_closed);
	uv_close((uv_handle_t *)&p->timer, peer_closed);
}

static void
peer_alloc(uv_handle_t *h, size_t hint, uv_buf_t *buf)
{
	struct peer *p = h->data;

	(void)hint;
	*buf = uv_buf_init(p->in, sizeof p->in - 1);
}

static void
peer_written(uv_write_t *w, int status)
{
	struct peer *p = w->data;

	if (status < 0 || !p->server->drips)
		peer_close(p);
}

static void
say(uv_timer_t *t)
{
	struct peer *p = t->data;
	uv_buf_t buf = uv_buf_init((char *)(uintptr_t)p->server->says, (unsigned)p->server->len);

	p->write.data = p;
	if (uv_write(&p->write, (uv_stream_t *)&p->tcp, &buf, 1, peer_written) != 0)
		peer_close(p);
	else if (p->server->drips)
		uv_timer_start(&p->timer, say, 5, 0);
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
	if (p->server->says != NULL)
		say(&p->timer);
}

static void
on_connection(uv_stream_t *listen, int status)
{
	struct server *s = listen->data;
	struct peer *p = calloc(1, sizeof *p);

	assert_int_equal(status, 0);
	s->accepted++;
	p->server = s;
	p->open = 2;
	uv_tcp_init(&loop, &p->tcp);
	uv_timer_init(&loop, &p->timer);
	p->tcp.data = p->timer.data = p;
	assert_int_equal(uv_accept(listen, (uv_stream_t *)&p->tcp), 0);
	uv_read_start((uv_stream_t *)&p->tcp, peer_alloc, peer_read);
}

static void
serve(const char *says)
{
	struct sockaddr_in at, name;
	int len = sizeof name;

	memset(&server, 0, sizeof server);
	server.says = says;
	server.len = says != NULL ? strlen(says) : 0;
	uv_ip4_addr("127.0.0.1", 0, &at);
	uv_tcp_init(&loop, &server.listen);
	server.listen.data = &server;
	assert_int_equal(uv_tcp_bind(&server.listen, (struct sockaddr *)&at, 0), 0);
	assert_int_equal(uv_listen((uv_stream_t *)&server.listen, 16, on_connection), 0);
	assert_int_equal(uv_tcp_getsockname(&server.listen, (struct sockaddr *)&name, &len), 0);
	server.addr.port = ntohs(name.sin_port);
}

static int
setup(void **state)
{
	(void)state;
	memset(&server, 0, sizeof server);
	return apps_begin();
}

static int
teardown(void **state)
{
	(void)state;
	apps_free(apps);
	if (server.listen.data != NULL)
		uv_close((uv_handle_t *)&server.listen, NULL);
	loop_end(&loop);
	series_free(store);
	return 0;
}

#define OK_TEXT "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\n\r\n"
#define OK_OM "HTTP/1.1 200 OK\r\nContent-Type: application/openmetrics-text; version=1.0.0\r\n\r\n"

static void
begin_scrape(const char *says, uint32_t timeout_ms)
{
	struct sup_event ev = event(SUP_ST_RUNNING);

	serve(says);
	ev.scrapes[0] = (struct sup_scrape){.port = server.addr.port, .interval_ms = 1000, .timeout_ms = timeout_ms,
	    .path = "/metrics?a=b"};
	apps_state(apps, &ev, -1);
}

static void
says(const char *text)
{
	server.says = text;
	server.len = strlen(text);
}

/* The next second, until it was asked in it. */
static void
ask(void)
{
	next();
	loop_until(&loop, value("up", "instance", "web.1") != -1);
}

/* Down, for that reason, whose place stands first. */
static void
fails(const char *text, const char *reason)
{
	char want[512];

	says(text);
	ask();
	assert_true(value("up", "job", "web") == 0);
	assert_true(value("scrape_samples_scraped", "job", "web") == 0);
	assert_true(value("a", "job", "web") == -1);
	snprintf(want, sizeof want, ":%u/metrics?a=b: %s", server.addr.port, reason);
	assert_string_equal(wrong(), want);
}

static void
an_endpoint(void **state)
{
	(void)state;
	begin_scrape(OK_TEXT "# TYPE a gauge\na{instance=\"i\"} 1.5\nb 2\n", 5000);
	ask();
	assert_string_equal(wrong(), "");
	assert_true(value("up", "role", "web") == 1);
	assert_true(value("a", "exported_instance", "i") == 1.5);
	assert_true(value("b", "node", "n1") == 2);
	assert_true(value("scrape_samples_scraped", "job", "web") == 2);
	assert_true(value("scrape_duration_seconds", "job", "web") >= 0);
	assert_non_null(strstr(server.heard, "GET /metrics?a=b HTTP/1.1\r\n"));
	assert_non_null(strstr(server.heard, "Accept: application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"));
	/* b is not told any more. */
	says(OK_OM "# TYPE a gauge\na 3\n# EOF\n");
	ask();
	assert_true(value("a", "job", "web") == 3);
	assert_true(value("b", "job", "web") == -1);
	says("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\na 4\n\r\n0\r\n\r\n");
	ask();
	assert_true(value("a", "job", "web") == 4);
}

static void
several_endpoints(void **state)
{
	struct sup_event ev = event(SUP_ST_RUNNING);
	char one[64];

	(void)state;
	serve(OK_TEXT "a 1\n");
	for (int i = 0; i < 2; i++)
		ev.scrapes[i] = (struct sup_scrape){.port = server.addr.port, .interval_ms = 1000, .timeout_ms = 9000,
		    .path = "/0"};
	ev.scrapes[1].path[1] = '1';
	apps_state(apps, &ev, -1);
	next();
	snprintf(one, sizeof one, ":%u/1", server.addr.port);
	loop_until(&loop, value("up", "endpoint", one) == 1);
	one[strlen(one) - 1] = '0';
	loop_until(&loop, value("up", "endpoint", one) == 1);
	assert_true(value("a", "endpoint", one) == 1);
}

static void
another_type(void **state)
{
	(void)state;
	begin_scrape(OK_TEXT "# TYPE a gauge\na 1\n# TYPE c gauge\nc 1\n", 5000);
	ask();
	says(OK_TEXT "# TYPE a counter\na 2\n# TYPE c gauge\nc 2\n");
	ask();
	assert_true(value("up", "job", "web") == 1);
	assert_true(value("a", "job", "web") == -1);
	assert_true(value("c", "job", "web") == 2);
	assert_non_null(strstr(wrong(), ": metric 'a' rejected: type changed gauge->counter"));
	says(OK_TEXT "# TYPE a gauge\na 3\n");
	ask();
	assert_string_equal(wrong(), "");
	assert_true(value("a", "job", "web") == 3);
}

/* What mesh says of an endpoint, the endpoint does not say; names of the host's are free. */
static void
names_that_are_ours(void **state)
{
	(void)state;
	begin_scrape(OK_TEXT "a 1\nup 0\nup{x=\"y\"} 7\nscrape_duration_seconds -5\nscrape_samples_scraped 99\nmesh_leads 1\n"
			     "mesh_instance_up 0\nup_time 2\nmeshed 3\nnode_load1 4\n",
	    5000);
	ask();
	assert_true(value("up", "job", "web") == 1); /* and there is but one */
	assert_true(value("scrape_samples_scraped", "job", "web") == 10);
	assert_true(value("scrape_duration_seconds", "job", "web") >= 0);
	assert_true(value("mesh_leads", "job", "web") == -1);
	assert_true(value("mesh_instance_up", "job", "web") == -1);
	assert_true(value("a", "job", "web") == 1);
	assert_true(value("up_time", "job", "web") == 2);
	assert_true(value("meshed", "job", "web") == 3);
	assert_true(value("node_load1", "job", "web") == 4);
	assert_non_null(strstr(wrong(), ": metric 'up' rejected: mesh tells that of each endpoint: take another name"));
	says(OK_TEXT "mesh_leads 1\n");
	ask();
	assert_true(value("up", "job", "web") == 1);
	assert_non_null(strstr(wrong(), ": metric 'mesh_leads' rejected: names that begin with mesh_ are mesh's own"));
}

static void
who_lies_is_down(void **state)
{
	(void)state;
	begin_scrape(OK_TEXT "a 1\n", 5000);
	ask();
	assert_true(value("a", "job", "web") == 1);
	/* An error at the end is one of all of it. */
	fails(OK_TEXT "a 1\nb x\n", "2:3: the value: a number is needed, not 'x'");
	fails(OK_OM "a 1\n", "2:1: '# EOF' is missing: the text was cut");
	fails("HTTP/1.1 503 Busy\r\n\r\n", "answer, line 1: status 503");
	fails("HTTP/1.1 301 Moved\r\nLocation: http://127.0.0.1/\r\n\r\n",
	    "answer, line 1: status 301, and redirects are not followed");
	fails("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<p>", "answer: its Content-Type is neither text/plain nor OpenMetrics");
	fails("HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n", "answer: its body has more than 1048576 bytes");
	fails("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\na 1\n", "answer: it ends 6 bytes too early");
	fails("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxx\r\n", "answer, line 4: the size of a chunk is needed");
	says(OK_TEXT "a 5\n");
	ask();
	assert_string_equal(wrong(), "");
	assert_true(value("a", "job", "web") == 5);
}

/* A header without an end, byte after byte; and silence. */
static void
who_stalls_is_late(void **state)
{
	(void)state;
	begin_scrape("HTTP/1.1 200 OK\r\n", 300);
	server.drips = true;
	server.says = "x";
	server.len = 1;
	ask();
	assert_true(value("up", "job", "web") == 0);
	assert_non_null(strstr(wrong(), ": no answer in time"));
	server.says = NULL;
	ask();
	assert_true(value("up", "job", "web") == 0);
	/* While one is asked, no other one is begun. */
	assert_int_equal(server.accepted, 2);
}

static void
nobody_is_there(void **state)
{
	(void)state;
	begin_scrape(OK_TEXT "a 1\n", 5000);
	uv_close((uv_handle_t *)&server.listen, NULL);
	server.listen.data = NULL;
	ask();
	assert_true(value("up", "job", "web") == 0);
	assert_non_null(strstr(wrong(), ": connection refused"));
}

/* Who makes series without an end has his own refused. */
static void
too_many_series(void **state)
{
	static char text[200000];
	size_t n = (size_t)snprintf(text, sizeof text, OK_TEXT);
	struct series_stats st;

	(void)state;
	for (int i = 0; i < 2001; i++)
		n += (size_t)snprintf(text + n, sizeof text - n, "s{i=\"%d\"} 1\n", i);
	begin_scrape(text, 20000);
	ask();
	assert_true(value("up", "job", "web") == 0);
	assert_non_null(strstr(wrong(), ": 2001:1: more than 2000 samples"));
	series_stats(store, &st);
	assert_int_equal(st.series_live, 3);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	    T(an_endpoint),
	    T(several_endpoints),
	    T(another_type),
	    T(names_that_are_ours),
	    T(who_lies_is_down),
	    T(who_stalls_is_late),
	    T(nobody_is_there),
	    T(too_many_series),
	};

	return cmocka_run_group_tests_name("scrape", tests, NULL, NULL);
}
