/*
 * events.c - see events.h.  A follower is asked every FOLLOW_MS whether it wants
 * more; one that reads slowly is left alone, and told later how much it missed.
 * So nobody who reads can hold up the engine, or make it keep more.
 */
#include "events.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "../../gossip/look.h"
#include "certify.h"
#include "engine.h"
#include "looks.h"
#include "pack.h"
#include "status.h"

enum { FOLLOW_MS = 200 };

void
events_note(struct engine *e, const char *kind, const char *subject, const char *fmt, ...)
{
	char text[2 * JOURNAL_TEXT_CAP];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	journal_add(&e->journal, engine_wall_ms(), kind, subject, "%s", text);
}

/* Who is not let in, or does not let this node in, and why: names that no line carries. */
static bool
events_refused(struct engine *e, const char *line)
{
	char subject[NAME_CAP], text[ERR_TEXT_CAP];
	const struct mesh_newcomer *x;
	const char *hint;

	if (e->mesh == NULL)
		return false;
	if (strncmp(line, "not let in ", 11) == 0) {
		if (certify_problem(e, text, &hint) == NULL)
			return false;
		events_note(e, "refused", e->conf.name, "%s; mesh status says what to do", text);
		return true;
	}
	if (strncmp(line, "refused ", 8) != 0 || (x = mesh_newcomer(e->mesh, strtoull(line + 8, NULL, 10))) == NULL)
		return false;
	certify_newcomer(x, subject, text);
	events_note(e, "refused", subject, "%s", text);
	return true;
}

void
events_trace(struct engine *e, const char *line)
{
	struct mesh_member m, who;
	struct node_id by;
	bool known = strncmp(line, "suspect ", 8) == 0 && looks_find(e, line + 8, &m) &&
	    mesh_accuser(e->mesh, &m.id, &by) && mesh_find(e->mesh, &by, &who);

	if (events_refused(e, line))
		return;
	journal_trace(&e->journal, engine_wall_ms(), e->conf.name, line, known ? who.name : "");
}

void
events_look(struct engine *e)
{
	char text[STATUS_SIDE_CAP];
	struct mesh_roster r;
	struct mesh_side s;

	mesh_side(e->mesh, net_now(), &s);
	mesh_roster(e->mesh, &r);
	if (!r.joint)
		e->joint_since = 0;
	else if (e->joint_since == 0)
		e->joint_since = net_now();
	if (s.member && (int)s.grade != e->told_grade)
		events_note(e, "side", e->conf.name, "%s", status_side_text(&s, text));
	e->told_grade = s.member ? (int)s.grade : -1;
}

/* --- the verb --------------------------------------------------------------------- */

struct following {
	struct engine *e;
	struct ctl_req *r;
	uv_timer_t timer;
	uint64_t next; /* to be told */
	uint64_t since_ms;
	bool follow;
};

static void
on_closed(uv_handle_t *h)
{
	free(h->data);
}

static void
tell(struct ctl_req *r, const struct journal_event *v, bool more)
{
	msgpack_sbuffer buf;
	msgpack_packer pk;

	pk_begin_map(&buf, &pk, 5);
	pk_kuint(&pk, "seq", v->seq);
	pk_kuint(&pk, "at_ms", v->at_ms);
	pk_kstr(&pk, "kind", v->kind);
	pk_kstr(&pk, "subject", v->subject);
	pk_kstr(&pk, "text", v->text);
	ctl_answer(r, buf.data, buf.size, more);
	msgpack_sbuffer_destroy(&buf);
}

/* What was overwritten before it could be told. */
static void
tell_gap(struct following *f)
{
	uint64_t first = journal_first(&f->e->journal);
	struct journal_event gap = {.at_ms = engine_wall_ms(), .kind = "lost"};

	if (f->next >= first)
		return;
	gap.seq = first - 1;
	memcpy(gap.subject, f->e->conf.name, sizeof gap.subject);
	snprintf(gap.text, sizeof gap.text, "%llu events were overwritten before they were read",
	    (unsigned long long)(first - f->next));
	tell(f->r, &gap, true);
	f->next = first;
}

static void
tell_new(struct following *f)
{
	const struct journal_event *v;

	tell_gap(f);
	for (; !ctl_busy(f->r) && (v = journal_get(&f->e->journal, f->next)) != NULL; f->next++)
		if (v->at_ms >= f->since_ms)
			tell(f->r, v, true);
}

static void
end(struct following *f)
{
	const uint8_t nil = 0xc0;

	ctl_answer(f->r, &nil, 1, false);
	uv_close((uv_handle_t *)&f->timer, on_closed);
}

static void
on_poll(uv_timer_t *timer)
{
	struct following *f = timer->data;

	if (ctl_alive(f->r))
		tell_new(f);
	if (!ctl_alive(f->r) || (!f->follow && f->next >= f->e->journal.next))
		end(f);
}

void
events_verb(struct engine *e, struct ctl_req *r)
{
	struct following *f = calloc(1, sizeof *f);
	uint64_t first = journal_first(&e->journal);
	int64_t n;

	if (f == NULL) {
		ctl_fail(r, 1, "", "out of memory");
		return;
	}
	*f = (struct following){.e = e, .r = r, .follow = ctl_arg_bool(r, "follow")};
	if (ctl_arg_int(r, "since_ms", &n) && n > 0)
		f->since_ms = (uint64_t)n;
	if (!ctl_arg_int(r, "lines", &n) || n < 0 || n > JOURNAL_EVENTS)
		n = JOURNAL_EVENTS;
	f->next = e->journal.next - first > (uint64_t)n ? e->journal.next - (uint64_t)n : first;
	uv_timer_init(e->loop, &f->timer);
	f->timer.data = f;
	uv_timer_start(&f->timer, on_poll, 0, FOLLOW_MS);
}
