/*
 * request.c - see request.h.
 */
#include "request.h"

#include <stdlib.h>
#include <strings.h>
#include <time.h>

#include "../../gossip/mp.h"
#include "../base/ctl.h"
#include "head.h"

#define JSON "application/json"
#define TEXT_004 "text/plain; version=0.0.4; charset=utf-8"
#define OPENMETRICS "application/openmetrics-text; version=1.0.0; charset=utf-8"

static void
fail(struct request *q, int status, const char *type, const char *why)
{
	text_free(&q->answer);
	api_error(&q->answer, type, why);
	q->status = status;
	q->type = JSON;
}

void *
request_new(void *arg, const char *target, struct MHD_Connection *conn)
{
	struct request *q = calloc(1, sizeof *q);

	(void)arg;
	if (q == NULL)
		return NULL;
	q->conn = conn;
	q->target = strdup(target);
	return q;
}

static void
leave_line(struct requests *r, const struct request *q)
{
	struct request **at = &r->first;

	while (*at != NULL && *at != q)
		at = &(*at)->next;
	if (*at != NULL)
		*at = q->next;
}

void
request_done(void *arg, struct MHD_Connection *conn, void **state, enum MHD_RequestTerminationCode why)
{
	struct requests *r = arg;
	struct request *q = *state;

	(void)conn;
	(void)why;
	if (q == NULL)
		return;
	for (size_t i = 0; i < SERVER_PLACES; i++)
		if (r->asking[i] == q)
			r->asking[i] = NULL;
	leave_line(r, q);
	ask_free(q->ask);
	params_free(&q->params);
	text_free(&q->body);
	text_free(&q->answer);
	free(q->target);
	free(q);
	*state = NULL;
}

/* --- what is asked ------------------------------------------------------------------ */

static const char *
field(const struct request *q, const char *name)
{
	return MHD_lookup_connection_value(q->conn, MHD_HEADER_KIND, name);
}

/* Before its body: is there such a thing, and may one do that to it? */
static void
judge(struct request *q, const char *method)
{
	size_t len = strcspn(q->target, "?#");
	const char *type = field(q, "Content-Type");
	static const char form[] = "application/x-www-form-urlencoded";
	struct err err;

	q->heard = true;
	if (!head_path_ok(q->target, len)) {
		fail(q, 400, "bad_data", "bad path");
		return;
	}
	if ((q->route = route_find(q->target, len, q->name)) == NULL) {
		fail(q, 404, "not_found", "no such path; there are /metrics, /api/v1/query, query_range, series, labels, label/NAME/values and metadata, /-/healthy, /-/ready");
		return;
	}
	if (!route_allows(q->route, method)) {
		fail(q, 405, "bad_data", "that method is not for this path");
		q->allow = q->route->allow;
		return;
	}
	if (strcmp(method, "POST") == 0 && (type == NULL || strncasecmp(type, form, sizeof form - 1) != 0)) {
		fail(q, 415, "bad_data", "use application/x-www-form-urlencoded");
		return;
	}
	if (q->target[len] == '?' && params_read(&q->params, q->target + len + 1, strcspn(q->target + len + 1, "#"), &err) < 0)
		fail(q, 400, "bad_data", err.text);
}

static msec
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (msec)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* The question to the engine; false: there is none, and the answer says why. */
static bool
pack(struct request *q, struct mpw *w)
{
	static uint8_t question[CTL_REQUEST_BYTES_MAX];
	struct err err;

	mpw_init(w, question, sizeof question);
	q->openmetrics = q->route->answer == ANSWER_TEXT && route_openmetrics(field(q, "Accept"));
	if (q->route->question == NULL)
		route_metrics(w, q->openmetrics);
	else if (q->route->question(&q->params, q->name, w, &err) < 0) {
		fail(q, 400, "bad_data", err.text);
		return false;
	}
	if (w->full)
		fail(q, 413, "bad_data", "too much is asked for at once");
	return !w->full;
}

static bool
is_probe(const struct request *q)
{
	return q->route->answer == ANSWER_HEALTHY || q->route->answer == ANSWER_READY;
}

static struct request **
free_place(struct requests *r, const struct request *q)
{
	for (size_t i = 0; i < (is_probe(q) ? SERVER_PLACES : SERVER_ASKS_MAX); i++)
		if (r->asking[i] == NULL)
			return &r->asking[i];
	return NULL;
}

static void
ask_engine(struct requests *r, struct request *q, struct request **place, const struct mpw *w)
{
	struct err err;

	q->ask = ask_start(r->ctl, w->buf, w->len, now_ms() + ROUTE_WAIT_MS + 1000, &err);
	if (q->ask == NULL)
		fail(q, 503, "unavailable", err.text);
	else
		*place = q;
}

/* A page of Grafana asks for more at once than the engine is asked: who comes later waits. */
static void
line_up(struct requests *r, struct request *q)
{
	struct request **at = &r->first;

	while (*at != NULL)
		at = &(*at)->next;
	*at = q;
	q->until = now_ms() + ROUTE_WAIT_MS;
}

/* Whose turn it is; those for whom it is too late. */
static void
go_on(struct requests *r, msec now)
{
	struct request *q;

	while ((q = r->first) != NULL) {
		struct request **place = free_place(r, q);
		struct mpw w;

		if (place == NULL && now < q->until)
			return;
		r->first = q->next;
		if (place == NULL)
			fail(q, 503, "unavailable", "16 questions are under way, and its turn did not come within 10 s");
		else if (pack(q, &w))
			ask_engine(r, q, place, &w);
		if (q->status != 0)
			MHD_resume_connection(q->conn);
	}
}

/* All of it is here. */
static void
ask(struct requests *r, struct request *q)
{
	struct request **place = r->first == NULL || is_probe(q) ? free_place(r, q) : NULL;
	struct mpw w;
	struct err err;

	if (params_read(&q->params, q->body.b != NULL ? q->body.b : "", q->body.len, &err) < 0) {
		fail(q, 400, "bad_data", err.text);
		return;
	}
	if (q->route->fixed != NULL) {
		text_puts(&q->answer, q->route->fixed);
		q->status = 200;
		q->type = JSON;
		return;
	}
	if (!pack(q, &w))
		return;
	if (place != NULL)
		ask_engine(r, q, place, &w);
	else
		line_up(r, q);
	if (q->status == 0)
		MHD_suspend_connection(q->conn);
}

/* --- what is answered ------------------------------------------------------------------ */

static bool
is_well(struct slice data)
{
	struct slice member = api_field(data, "member"), health = api_field(data, "health");
	bool in = false;
	int64_t code = 2;
	struct mp mp;

	mp_init(&mp, member.b, member.len, 0);
	if (member.len == 0 || mp_bool(&mp, &in) < 0 || !in)
		return false;
	mp_init(&mp, health.b, health.len, 0);
	return health.len > 0 && mp_int(&mp, &code) == 0 && code < 2;
}

static int
exposition(struct request *q, struct slice data)
{
	struct slice v = api_field(data, "text");
	const char *text;
	struct mp mp;
	size_t len;

	mp_init(&mp, v.b, v.len, 0);
	if (v.len == 0 || mp_str(&mp, &text, &len) < 0)
		return -1;
	q->type = q->openmetrics ? OPENMETRICS : TEXT_004;
	text_put(&q->answer, text, len);
	return 0;
}

/* What was checked when it was asked. */
static int64_t
asked_at(const struct request *q)
{
	const char *text = params_get(&q->params, "time");
	struct timespec ts;
	struct err err;
	int64_t ms;

	if (text != NULL && params_time("time", text, &ms, &err) == 0)
		return ms;
	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static uint32_t
limit_of(const struct request *q)
{
	const char *text = params_get(&q->params, "limit");
	uint32_t limit;
	struct err err;

	return text != NULL && params_limit(text, &limit, &err) == 0 ? limit : UINT32_MAX;
}

static int
convert(struct request *q, struct slice data)
{
	q->status = 200;
	q->type = JSON;
	switch (q->route->answer) {
	case ANSWER_QUERY:
		return api_query(data, asked_at(q), &q->answer);
	case ANSWER_LIST:
		return api_list(data, limit_of(q), &q->answer);
	case ANSWER_METADATA:
		return api_metadata(data, limit_of(q), &q->answer);
	case ANSWER_TEXT:
	case ANSWER_OPENMETRICS:
		return exposition(q, data);
	case ANSWER_HEALTHY:
		q->type = "text/plain; charset=utf-8";
		text_puts(&q->answer, "mesh is healthy\n");
		return 0;
	case ANSWER_READY:
		q->type = "text/plain; charset=utf-8";
		q->status = is_well(data) ? 200 : 503;
		text_puts(&q->answer, q->status == 200 ? "mesh is ready\n" : "mesh is not ready: `mesh status` says why\n");
		return 0;
	}
	return -1;
}

static void
take(struct request *q, int rc, struct err *err)
{
	const uint8_t *data;
	size_t len = 0;

	if (rc < 0) {
		fail(q, 503, "unavailable", err->text);
		return;
	}
	if ((data = ask_data(q->ask, &len, err)) == NULL) {
		bool asked_wrong = err->code == EXIT_USAGE_;

		fail(q, asked_wrong ? 400 : err->code == EXIT_NO_DAEMON ? 503 : 422,
		    asked_wrong ? "bad_data" : err->code == EXIT_NO_DAEMON ? "unavailable" : "execution", err->text);
		return;
	}
	if (convert(q, (struct slice){data, len}) < 0)
		fail(q, 500, "internal", "the daemon's answer is not what was asked for: are both of one version?");
	else if (q->answer.failed)
		fail(q, 422, "execution", "the answer is too large: narrow the selector, the range or the step");
}

size_t
requests_poll(const struct requests *r, struct pollfd *out, size_t cap)
{
	size_t n = 0;

	for (size_t i = 0; i < SERVER_PLACES && n < cap; i++)
		if (r->asking[i] != NULL)
			out[n++] = (struct pollfd){.fd = ask_fd(r->asking[i]->ask), .events = ask_events(r->asking[i]->ask)};
	return n;
}

void
requests_turn(struct requests *r, msec now)
{
	for (size_t i = 0; i < SERVER_PLACES; i++) {
		struct request *q = r->asking[i];
		struct err err;
		int rc;

		if (q == NULL || (rc = ask_turn(q->ask, now, &err)) == 0)
			continue;
		take(q, rc, &err);
		ask_free(q->ask);
		q->ask = NULL;
		r->asking[i] = NULL;
		MHD_resume_connection(q->conn);
	}
	go_on(r, now);
}

static enum MHD_Result
answer(struct request *q)
{
	struct MHD_Response *resp =
	    MHD_create_response_from_buffer(q->answer.len, q->answer.b, MHD_RESPMEM_MUST_FREE);
	enum MHD_Result rc;

	if (resp == NULL)
		return MHD_NO;
	q->answer = (struct text){0}; /* it is the response's now */
	MHD_add_response_header(resp, "Content-Type", q->type);
	MHD_add_response_header(resp, "Connection", "close");
	MHD_add_response_header(resp, "X-Content-Type-Options", "nosniff");
	MHD_add_response_header(resp, "Cache-Control", "no-store");
	if (q->allow != NULL)
		MHD_add_response_header(resp, "Allow", q->allow);
	rc = MHD_queue_response(q->conn, (unsigned)q->status, resp);
	MHD_destroy_response(resp);
	return rc;
}

enum MHD_Result
request_handle(void *arg, struct MHD_Connection *conn, const char *url, const char *method, const char *version,
    const char *data, size_t *len, void **state)
{
	struct request *q = *state;

	(void)url;
	(void)conn;
	(void)version;
	if (q == NULL || q->target == NULL)
		return MHD_NO;
	if (!q->heard) {
		judge(q, method);
		return MHD_YES; /* the body comes next, or none */
	}
	if (*len > 0) {
		if (q->body.len + *len > HEAD_BODY_BYTES_MAX)
			return MHD_NO;
		text_put(&q->body, data, *len);
		*len = 0;
		return MHD_YES;
	}
	if (q->status == 0)
		ask(arg, q);
	return q->status != 0 ? answer(q) : MHD_YES;
}
