/*
 * audit.c - who asks, in turn: the supervisor looks at one container at a time.
 */
#include "audit.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../base/name.h"
#include "../base/own.h"
#include "engine.h"
#include "over.h"
#include "pack.h"
#include "where.h"
#include "wire.h"

struct auditing {
	struct engine *e;
	struct auditing *next;
	struct ctl_req *r; /* either this asks, or a peer: answer */
	struct stream_answer *answer;
	char (*names)[NAME_CAP]; /* owned */
	size_t count, at;
	uint64_t ticket; /* asked, and not answered; 0: none */
	uv_timer_t timer;
	msgpack_sbuffer rows;
	msgpack_packer pk;
	bool one; /* a name was given: an error is the answer */
};

static void turn(struct auditing *a);

/* --- the answer ------------------------------------------------------------- */

static void
on_closed(uv_handle_t *handle)
{
	struct auditing *a = handle->data;

	msgpack_sbuffer_destroy(&a->rows);
	free(a->names);
	free(a);
}

/* Takes it out of the queue; whoever waits next begins. */
static void
over(struct auditing *a)
{
	struct auditing **at = &a->e->auditing;

	while (*at != NULL && *at != a)
		at = &(*at)->next;
	if (*at != NULL)
		*at = a->next;
	uv_close((uv_handle_t *)&a->timer, on_closed);
	if (a->e->auditing != NULL && a->e->auditing->ticket == 0)
		turn(a->e->auditing);
}

static void
failed(struct auditing *a, const char *why)
{
	if (a->r != NULL)
		ctl_fail(a->r, 1, "mesh ps", "%s", why);
	else
		stream_answer_fail(a->answer, ERR_UNKNOWN);
	over(a);
}

static void
done(struct auditing *a)
{
	msgpack_sbuffer all;
	msgpack_packer pk;

	pk_begin_array(&all, &pk, a->count);
	if (a->rows.size > 0)
		pk_raw(&pk, a->rows.data, a->rows.size);
	if (a->r != NULL)
		ctl_answer(a->r, all.data, all.size, false);
	else if (all.size <= STREAM_BYTES_MAX)
		stream_answer_send(a->answer, all.data, all.size);
	else
		stream_answer_fail(a->answer, ERR_LONG);
	msgpack_sbuffer_destroy(&all);
	over(a);
}

/* Of one of several: a row that says why, and the others go on. */
static void
row_failed(struct auditing *a, const char *why)
{
	char text[SUP_TEXT_CAP * 4];

	err_escape(text, sizeof text, why, strlen(why));
	a->ticket = 0;
	uv_timer_stop(&a->timer);
	if (a->one) {
		failed(a, text);
		return;
	}
	msgpack_pack_map(&a->pk, 3);
	pk_kstr(&a->pk, "instance", a->names[a->at]);
	pk_kstr(&a->pk, "node", a->e->conf.name);
	pk_kstr(&a->pk, "error", text);
	a->at++;
	turn(a);
}

/* --- asking the supervisor ----------------------------------------------------- */

static void
on_late(uv_timer_t *timer)
{
	row_failed(timer->data, "the supervisor does not answer");
}

static void
turn(struct auditing *a)
{
	struct sup_req req;

	if (a->at == a->count) {
		done(a);
		return;
	}
	if (launch_req(&req, SUP_AUDIT, "", a->names[a->at]))
		a->ticket = launch_send(&a->e->launch, &req, NULL, 0);
	/* Without a ticket it is late too. */
	uv_timer_start(&a->timer, on_late, a->ticket != 0 ? AUDIT_WAIT_MS : 0, 0);
}

static int
read_document(int fd, uint8_t **buf, struct flat *doc)
{
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || st.st_size > FLAT_BYTES_MAX ||
	    (*buf = malloc((size_t)st.st_size + 1)) == NULL ||
	    pread(fd, *buf, (size_t)st.st_size, 0) != st.st_size)
		return -1;
	return flat_open(doc, *buf, (size_t)st.st_size);
}

bool
audit_event(struct engine *e, const struct sup_event *ev, int fd)
{
	struct auditing *a = e->auditing;
	AUTO_FREE uint8_t *buf = NULL;
	struct flat doc;

	if (a == NULL || a->ticket == 0 || ev->ticket != a->ticket)
		return ev->kind == SUP_EV_AUDIT;
	if (ev->code != 0) {
		row_failed(a, ev->text);
		return true;
	}
	if (read_document(fd, &buf, &doc) < 0) {
		row_failed(a, "the supervisor gave a malformed answer");
		return true;
	}
	a->ticket = 0;
	uv_timer_stop(&a->timer);
	audit_pack(&a->pk, &doc, a->names[a->at], e->conf.name);
	a->at++;
	turn(a);
	return true;
}

/* Puts it last.  NULL: too many wait, or there is no memory. */
static struct auditing *
enqueue(struct engine *e, size_t names)
{
	struct auditing *a, **at = &e->auditing;
	size_t n = 0;

	for (; *at != NULL; at = &(*at)->next)
		n++;
	if (n >= AUDIT_ASKERS_MAX || (a = calloc(1, sizeof *a)) == NULL)
		return NULL;
	a->names = calloc(names + 1, sizeof *a->names);
	if (a->names == NULL) {
		free(a);
		return NULL;
	}
	a->e = e;
	uv_timer_init(e->loop, &a->timer);
	a->timer.data = a;
	pk_begin(&a->rows, &a->pk);
	*at = a;
	return a;
}

/* All that run here, or the one. */
static struct auditing *
begin(struct engine *e, const char *instance)
{
	struct auditing *a = enqueue(e, instance != NULL ? 1 : e->local.count);

	if (a == NULL)
		return NULL;
	a->one = instance != NULL;
	if (a->one)
		snprintf(a->names[a->count++], NAME_CAP, "%s", instance);
	for (size_t i = 0; !a->one && i < e->local.count; i++)
		if (e->local.items[i].ev.state == SUP_ST_RUNNING)
			memcpy(a->names[a->count++], e->local.items[i].ev.instance, NAME_CAP);
	return a;
}

/* --- of another node -------------------------------------------------------------- */

struct elsewhere {
	struct ctl_req *r;
	char instance[NAME_CAP], node[NAME_CAP];
};

static void
on_remote(void *arg, int rc, const uint8_t *data, size_t len)
{
	struct elsewhere *v = arg;
	struct mp mp;

	mp_init(&mp, data, rc == 0 ? len : 0, CTL_DEPTH_MAX - 4);
	if (rc < 0)
		ctl_fail(v->r, 1, "mesh reachability; mesh ps", "%s should run on %s: %s", v->instance,
		    v->node, rc == -ERR_UNKNOWN ? "it does not run there, or can't be looked at" :
						  stream_error(rc));
	else if (mp_peek(&mp) != MP_ARRAY || mp_skip(&mp) < 0 || mp_end(&mp) < 0)
		ctl_fail(v->r, 1, "mesh ps", "%s gave a malformed answer", v->node);
	else
		ctl_answer(v->r, data, len, false);
	free(v);
}

static void
ask_there(struct engine *e, struct ctl_req *r, const char *instance, const struct node_id *on,
    const char *node)
{
	struct elsewhere *v = calloc(1, sizeof *v);

	if (v == NULL) {
		ctl_fail(r, 1, "", "out of memory");
		return;
	}
	v->r = r;
	snprintf(v->instance, sizeof v->instance, "%s", instance);
	snprintf(v->node, sizeof v->node, "%s", node);
	if (!over_ask(e, on,
		&(struct over_question){QUERY_AUDIT, false, instance, strlen(instance),
		    AUDIT_WAIT_MS + 500},
		on_remote, v))
		on_remote(v, STREAM_CONNECT, NULL, 0);
}

/* --- being asked -------------------------------------------------------------------- */

void
audit_verb(struct engine *e, struct ctl_req *r)
{
	char instance[NAME_CAP] = "", node[NAME_CAP];
	bool named = ctl_arg_str(r, "instance", instance, sizeof instance);
	struct node_id on;
	struct auditing *a;

	if (named && !name_ok(instance, strlen(instance))) {
		ctl_fail(r, EXIT_USAGE_, "mesh audit [INSTANCE]", "audit: that is no instance name");
		return;
	}
	if (named && local_find(&e->local, instance) == NULL && where_is(e, instance, &on, node)) {
		ask_there(e, r, instance, &on, node);
		return;
	}
	if (named && local_find(&e->local, instance) == NULL) {
		ctl_fail(r, 1, "mesh ps", "no instance %s runs on this node, nor should it on another", instance);
		return;
	}
	a = begin(e, named ? instance : NULL);
	if (a == NULL) {
		ctl_fail(r, 1, "", "too many audits wait");
		return;
	}
	a->r = r;
	if (e->auditing == a)
		turn(a);
}

void
audit_serve(struct engine *e, const uint8_t *payload, size_t len, struct stream_answer *answer)
{
	char instance[NAME_CAP] = "";
	struct auditing *a;

	if (len < NAME_CAP)
		memcpy(instance, payload, len);
	if (!name_ok(instance, len) || local_find(&e->local, instance) == NULL ||
	    (a = begin(e, instance)) == NULL) {
		stream_answer_fail(answer, ERR_UNKNOWN);
		return;
	}
	a->answer = answer;
	if (e->auditing == a)
		turn(a);
}
