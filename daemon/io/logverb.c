/*
 * logverb.c - see logverb.h.
 */
#include "logverb.h"

#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>

#include "../../gossip/mp.h"
#include "../base/name.h"
#include "../base/own.h"
#include "engine.h"
#include "logall.h"
#include "logrole.h"
#include "logs.h"
#include "over.h"
#include "pack.h"
#include "status.h"
#include "viewing.h"
#include "where.h"
#include "wire.h"

enum { FOLLOW_POLL_MS = 300 };

/* --- one instance, whose node is known ---------------------------------------------- */

struct logging {
	struct engine *e;
	struct ctl_req *r;
	uv_timer_t timer;
	char instance[NAME_CAP], after[LOGS_TIME_CAP];
	char before[LOGS_TIME_CAP]; /* the cursor that was asked with */
	char failed[ERR_TEXT_CAP];  /* the first look; "" = it did not */
	int64_t lines;
	bool follow, local, sent;
	struct node_id on; /* unless local; its name */
	char node[NAME_CAP];
};

static void
on_log_closed(uv_handle_t *handle)
{
	free(handle->data);
}

static void
log_end(struct logging *v)
{
	uv_close((uv_handle_t *)&v->timer, on_log_closed);
}

static void log_poll(uv_timer_t *timer);
static void log_fail(struct logging *v, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Lines are given, and more is to come or that was all. */
static void
log_give(struct logging *v, const void *text, size_t len)
{
	msgpack_sbuffer buf;
	msgpack_packer pk;
	bool more = v->follow && ctl_alive(v->r);

	if (len > 0 || !more) {
		pk_begin_map(&buf, &pk, 1);
		pk_str(&pk, "text");
		pk_strn(&pk, text, len);
		ctl_answer(v->r, buf.data, buf.size, more);
		msgpack_sbuffer_destroy(&buf);
	}
	v->lines = LOGS_LINES_MAX; /* an older daemon gives no more at a look */
	if (v->after[0] == '\0')
		memcpy(v->after, LOGS_BEGIN, sizeof LOGS_BEGIN);
	v->sent = true;
	if (more) /* at once, where that was not all there is */
		uv_timer_start(&v->timer, log_poll, len > LOGS_READ_BYTES / 2 ? 0 : FOLLOW_POLL_MS, 0);
	else
		log_end(v);
}

/* --- why there is nothing --------------------------------------------------------- */

static void
log_fail(struct logging *v, const char *fmt, ...)
{
	char text[2 * ERR_TEXT_CAP];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	ctl_fail(v->r, 1, v->local ? "mesh ps" : "mesh reachability; mesh ps", "%s", text);
	log_end(v);
}

/* ": text" of a row; or "". */
static void
row_error(struct slice row, char out[ERR_TEXT_CAP])
{
	struct slice v = status_view_get(row, "error");
	const char *s;
	struct mp mp;
	size_t n;

	out[0] = '\0';
	mp_init(&mp, v.b, v.len, 1);
	if (v.len == 0 || mp_str(&mp, &s, &n) < 0 || n == 0)
		return;
	memcpy(out, ": ", 2);
	err_escape(out + 2, ERR_TEXT_CAP - 2, s, n);
}

static bool
row_runs(struct slice row)
{
	struct slice v = status_view_get(row, "pid");
	int64_t pid = 0;
	struct mp mp;

	mp_init(&mp, v.b, v.len, 1);
	return v.len > 0 && mp_int(&mp, &pid) == 0 && pid > 0;
}

/* Nothing was written, or there is no log: by the row of `mesh ps`, why. */
static void
then_why(struct engine *e, struct ctl_req *r, struct slice view)
{
	struct viewing_rows rows = viewing_rows_of(view, "ps");
	char state[NAME_CAP] = "", node[NAME_CAP] = "", error[ERR_TEXT_CAP] = "", what[2 * ERR_TEXT_CAP];
	struct logging *v = r->work;
	struct slice row;
	bool runs = false;

	(void)e;
	while (state[0] == '\0' && viewing_rows_next(&rows, &row))
		if (viewing_row_is(row, "instance", v->instance) && viewing_row_name(row, "node", node) &&
		    viewing_row_name(row, "state", state)) {
			runs = row_runs(row);
			row_error(row, error);
		}
	if (runs && v->failed[0] == '\0') { /* it is just silent */
		log_give(v, "", 0);
		return;
	}
	if (state[0] == '\0')
		snprintf(what, sizeof what, "it is no instance any more");
	else
		snprintf(what, sizeof what, "it is %s on %s%s", state, node, error);
	if (v->failed[0] != '\0') {
		log_fail(v, "%s; %s", v->failed, what);
	} else if (v->follow) {
		logall_note(v->r, "", "%s has written nothing yet: %s", v->instance, what);
		log_give(v, "", 0);
	} else {
		log_fail(v, "%s has written nothing: %s", v->instance, what);
	}
}

static void
log_failed(struct logging *v, const char *why)
{
	if (v->sent && v->follow && ctl_alive(v->r)) {
		uv_timer_start(&v->timer, log_poll, 3 * FOLLOW_POLL_MS, 0);
		return;
	}
	if (v->local)
		snprintf(v->failed, sizeof v->failed, "%s", why);
	else
		snprintf(v->failed, sizeof v->failed, "%s should run on %s: %s", v->instance, v->node, why);
	viewing_start(v->e, v->r, then_why);
}

/* --- a look ------------------------------------------------------------------------ */

/* What stood between the cursor and these lines, or before them, is not among them. */
static void
log_missing(struct logging *v, const char *text, size_t len)
{
	const char *node = v->local ? v->e->conf.name : v->node;
	int from_bytes = (int)strcspn(v->before, "#");
	char to[LINES_STAMP_CAP];

	lines_stamp(text, len, to);
	if (v->before[0] == '\0')
		logall_note(v->r, node, "older lines of %s are left out: no more than %d KiB are read at once",
		    v->instance, LOGS_READ_BYTES >> 10);
	else
		logall_note(v->r, node, "lines of %s are missing, from %.*s to %s: its logs did not keep them until they were read",
		    v->instance, from_bytes, v->before, to);
}

static void
log_text(struct logging *v, const char *text, size_t len)
{
	if (logs_mark_taken(v->after) && ctl_alive(v->r))
		log_missing(v, text, len);
	if (v->sent || len > 0 || v->lines == 0)
		log_give(v, text, len);
	else
		viewing_start(v->e, v->r, then_why);
}

/* A node's answer: [after, text]. */
static void
on_remote(void *arg, int rc, const uint8_t *data, size_t len)
{
	struct logging *v = arg;
	const char *text;
	struct mp mp;
	uint32_t n;
	size_t k;

	mp_init(&mp, data, rc == 0 ? len : 0, 2);
	if (rc < 0) {
		log_failed(v, rc == -ERR_UNKNOWN ? "it has no log of it" : stream_error(rc));
		return;
	}
	if (mp_array(&mp, &n) < 0 || n != 2 || logs_cursor(&mp, v->after) < 0 ||
	    mp_str(&mp, &text, &k) < 0)
		log_failed(v, "the node gave a malformed answer");
	else
		log_text(v, text, k);
}

static void
ask_remote(struct logging *v)
{
	msgpack_sbuffer buf;
	msgpack_packer pk;

	pk_begin_array(&buf, &pk, 3);
	pk_str(&pk, v->instance);
	msgpack_pack_int64(&pk, v->lines);
	pk_str(&pk, v->after);
	if (!over_ask(v->e, &v->on,
		&(struct over_question){QUERY_LOGS, false, buf.data, buf.size, QUERY_TIMEOUT_MS},
		on_remote, v))
		log_failed(v, "it is no member any more");
	msgpack_sbuffer_destroy(&buf);
}

static void
log_poll(uv_timer_t *timer)
{
	struct logging *v = timer->data;
	struct blob text;
	struct err err;

	if (!ctl_alive(v->r)) {
		ctl_fail(v->r, 1, "", "gone");
		log_end(v);
		return;
	}
	if (ctl_busy(v->r)) { /* the reader is slow: don't pile up here */
		uv_timer_start(timer, log_poll, FOLLOW_POLL_MS, 0);
		return;
	}
	memcpy(v->before, v->after, sizeof v->before);
	if (!v->local) {
		ask_remote(v);
		return;
	}
	AUTO_CLOSE int dir = engine_open_dir(v->e->conf.log_dir);
	if (logs_look(dir, v->instance, (size_t)v->lines, v->after, &text, &err) < 0) {
		log_failed(v, err.text);
		return;
	}
	log_text(v, (const char *)text.b, text.len);
	blob_free(&text);
}

static void
one_start(struct engine *e, struct ctl_req *r, const struct logging *as)
{
	struct logging *v = calloc(1, sizeof *v);

	if (v == NULL) {
		ctl_fail(r, 1, "", "out of memory");
		return;
	}
	*v = *as;
	v->e = e;
	v->r = r;
	r->work = v;
	uv_timer_init(e->loop, &v->timer);
	v->timer.data = v;
	log_poll(&v->timer);
}

/* --- the verb ------------------------------------------------------------------------- */

/* What is gone has its log here for a day. */
static bool
is_here(const struct engine *e, const char *instance)
{
	AUTO_CLOSE int dir = engine_open_dir(e->conf.log_dir);
	char name[NAME_CAP + 8];
	struct stat st;

	snprintf(name, sizeof name, "%s.log", instance);
	return fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

/* One instance, by the schedule or by what is here?  Else it is a role, or is looked for
 * everywhere. */
static bool
find_one(struct engine *e, struct logging *v)
{
	const struct local_instance *l = local_find(&e->local, v->instance);

	v->local = l != NULL && local_is_instance(&l->ev);
	if (v->local || where_is(e, v->instance, &v->on, v->node))
		return true;
	v->local = where_here(e, v->instance) ||
	    (!logrole_known(e, v->instance) && (l != NULL || is_here(e, v->instance)));
	return v->local;
}

void
logverb(struct engine *e, struct ctl_req *r)
{
	struct logging v = {.e = e, .follow = ctl_arg_bool(r, "follow")};
	int64_t since_ms = 0;

	if (!ctl_arg_str(r, "instance", v.instance, sizeof v.instance)) {
		ctl_fail(r, EXIT_USAGE_, "mesh logs INSTANCE|ROLE", "logs: missing INSTANCE or ROLE");
		return;
	}
	if (!ctl_arg_int(r, "lines", &v.lines) || v.lines < 0)
		v.lines = 100;
	if (v.lines > LOGS_LINES_MAX)
		v.lines = LOGS_LINES_MAX;
	if (!name_ok(v.instance, strlen(v.instance)))
		ctl_fail(r, EXIT_USAGE_, "mesh ps", "logs: that is no name of an instance or a role");
	else if (find_one(e, &v))
		one_start(e, r, &v);
	else
		logall_start(e, r, v.instance, (size_t)v.lines,
		    ctl_arg_int(r, "since_ms", &since_ms) && since_ms > 0 ? (uint64_t)since_ms : 0,
		    v.follow);
}
