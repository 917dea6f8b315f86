/*
 * logall.c - see logall.h.
 */
#include "logall.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "../base/name.h"
#include "../base/own.h"
#include "engine.h"
#include "logrole.h"
#include "logs.h"
#include "over.h"
#include "pack.h"
#include "where.h"
#include "wire.h"

enum {
	ROUND_MS = 5000, /* a question of a path that is cut takes two timeouts */
	FOLLOW_ROUND_MS = 1000,
	ASK_MS = 2000,
	POLL_MS = 300,
	POLL_EACH_MS = 10, /* of more nodes each is asked less often */
	IDLE_MS = 5000,	   /* who has no such log, and who does not answer */
	FIRST_BYTES = LOGROLE_BYTES_MAX,
	NEXT_BYTES = 256 << 10,
};

struct source {
	struct node_id id;
	char node[NAME_CAP];
	bool self, member, open;
	bool due;	   /* to be asked in this round */
	bool answered;	   /* ever */
	bool silent;	   /* that it does not answer was told */
	bool has;	   /* logs of it */
	uint64_t since_ms; /* by its own clock: what came later has no cursor */
	int64_t skew_ms;   /* as it was told */
	uint64_t more;	   /* likewise */
	uint64_t asked_ms; /* by this node's wall clock */
	msec next;	   /* asked again then */
	uint32_t round;	   /* that waits for it */
	struct blob cursors;
};

/* Whose lines these are; of one round. */
struct owner {
	uint32_t source;
	char instance[NAME_CAP];
};

struct logall {
	struct engine *e;
	struct ctl_req *r; /* NULL: it is over, and answers under way are not wanted */
	uv_timer_t timer;
	char name[NAME_CAP];
	size_t lines; /* of the first round */
	uint64_t since_ms, began_ms;
	bool follow, resting; /* between two rounds */
	uint32_t round;	      /* 1, 2, ... */
	struct source *all;   /* owned */
	size_t count, open, waits;
	struct lines kept;
	struct owner *owners; /* owned */
	size_t owners_count;
};

struct asked {
	struct logall *a;
	uint32_t source;
};

/* --- telling ------------------------------------------------------------------- */

void
logall_note(struct ctl_req *r, const char *node, const char *fmt, ...)
{
	char text[ERR_TEXT_CAP];
	msgpack_sbuffer buf;
	msgpack_packer pk;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	pk_begin_map(&buf, &pk, 2);
	pk_kstr(&pk, "node", node);
	pk_kstr(&pk, "note", text);
	ctl_answer(r, buf.data, buf.size, true);
	msgpack_sbuffer_destroy(&buf);
}

/* Lines from, from + 1, ... that have one owner: how many. */
static size_t
tell_run(struct logall *a, size_t from)
{
	const struct line *l = &a->kept.all[from];
	const struct owner *o = &a->owners[l->owner];
	size_t n = 0, bytes = 0;
	msgpack_sbuffer buf;
	msgpack_packer pk;

	for (; from + n < a->kept.count && l[n].owner == l->owner; n++)
		bytes += l[n].len;
	pk_begin_map(&buf, &pk, 3);
	pk_kstr(&pk, "instance", o->instance);
	pk_kstr(&pk, "node", a->all[o->source].node);
	pk_str(&pk, "text");
	msgpack_pack_str(&pk, bytes);
	for (size_t i = 0; i < n; i++)
		msgpack_pack_str_body(&pk, l[i].text, l[i].len);
	ctl_answer(a->r, buf.data, buf.size, true);
	msgpack_sbuffer_destroy(&buf);
	return n;
}

static void
tell_kept(struct logall *a)
{
	if (a->round == 1 && a->since_ms > 0 && a->kept.count > 0 && a->kept.count == a->lines)
		logall_note(a->r, "", "the last %zu lines: there may be older ones since then", a->lines);
	if (a->kept.cut)
		logall_note(a->r, "", "older lines are left out: no more than %d MiB are merged at once",
		    LOGALL_BYTES_MAX >> 20);
	for (size_t i = 0; i < a->kept.count;)
		i += tell_run(a, i);
	lines_clear(&a->kept);
	a->owners_count = 0;
}

/* --- its end ------------------------------------------------------------------- */

static void
on_closed(uv_handle_t *h)
{
	struct logall *a = h->data;

	for (size_t i = 0; i < a->count; i++)
		blob_free(&a->all[i].cursors);
	lines_free(&a->kept);
	free(a->owners);
	free(a->all);
	free(a);
}

/* When no answer to it is under way any more. */
static void
leave(struct logall *a)
{
	if (a->r != NULL || a->open > 0)
		return;
	a->e->log_askers--;
	uv_close((uv_handle_t *)&a->timer, on_closed);
}

/* A role nearly so called, or an instance; or NULL. */
static const char *
meant(const struct engine *e, const char *word)
{
	const struct plan *p = &e->apply.plan;
	AUTO_FREE const char **roles = calloc(p->roles_count + 1, sizeof *roles);
	const char *near;

	for (size_t i = 0; roles != NULL && i < p->roles_count; i++)
		roles[i] = p->roles[i].name;
	near = roles != NULL ? name_suggest(word, roles, p->roles_count) : NULL;
	return near != NULL ? near : where_near(e, word);
}

static void
finish(struct logall *a)
{
	size_t asked = 0, answered = 0, logs = 0;
	struct ctl_req *r = a->r;
	msgpack_packer *pk;

	for (size_t i = 0; i < a->count; i++) {
		asked += a->all[i].member;
		answered += a->all[i].member && a->all[i].answered;
		logs += a->all[i].has;
	}
	a->r = NULL;
	uv_timer_stop(&a->timer);
	if (logs == 0) {
		const char *near = logrole_known(a->e, a->name) ? NULL : meant(a->e, a->name);

		ctl_fail(r, 1, "mesh ps", "no log of a role or an instance %s: %zu of %zu nodes answered%s%s%s",
		    a->name, answered, asked, near != NULL ? "; did you mean " : "",
		    near != NULL ? near : "", near != NULL ? "?" : "");
	} else {
		pk = ctl_begin(r);
		msgpack_pack_map(pk, 3);
		pk_kuint(pk, "asked", asked);
		pk_kuint(pk, "answered", answered);
		pk_kuint(pk, "logs", logs);
		ctl_end(r);
	}
	leave(a);
}

/* --- who is asked -------------------------------------------------------------- */

static struct source *
source_of(struct logall *a, const struct node_id *id)
{
	for (size_t i = 0; i < a->count; i++)
		if (id_eq(&a->all[i].id, id))
			return &a->all[i];
	return NULL;
}

static struct source *
source_new(struct logall *a, const struct node_id *id, const char *name)
{
	struct source *all = realloc(a->all, (a->count + 1) * sizeof *all);

	if (all == NULL)
		return NULL; /* in the next round, then */
	a->all = all;
	all[a->count] = (struct source){.id = *id, .since_ms = a->since_ms};
	if (a->round > 1 && a->began_ms > a->since_ms)
		all[a->count].since_ms = a->began_ms;
	snprintf(all[a->count].node, NAME_CAP, "%s", name);
	return &all[a->count++];
}

static bool
placed_there(const struct logall *a, const char *node)
{
	const struct plan *p = &a->e->apply.plan;

	for (size_t i = 0; i < p->nodes_count; i++)
		if (strcmp(p->nodes[i].name, node) == 0 && plan_place(&p->nodes[i], a->name) != NULL)
			return true;
	return false;
}

/* Named once for each time that it falls silent. */
static void
silent(struct logall *a, struct source *s, const char *why)
{
	s->next = net_now() + IDLE_MS;
	if (!s->silent)
		logall_note(a->r, s->node, "%s: what its instances wrote is missing here", why);
	s->silent = true;
}

static void
know(struct logall *a, const struct mesh_member *m)
{
	struct source *s = source_of(a, &m->id);
	msec now = net_now();

	if (m->state == MESH_LEFT || (s == NULL && (s = source_new(a, &m->id, m->name)) == NULL))
		return;
	s->self = m->self;
	s->member = true;
	if (m->state == MESH_FAILED)
		silent(a, s, "is failed");
	else
		s->due = !s->open && (now >= s->next || (!s->silent && placed_there(a, s->node)));
}

/* The members as they are now; this node alone where there is no mesh. */
static void
know_all(struct logall *a)
{
	struct engine *e = a->e;
	struct mesh_member m = {.self = true, .id = e->identity.id};

	for (size_t i = 0; i < a->count; i++)
		a->all[i].member = a->all[i].due = false;
	for (uint32_t i = 0; e->mesh != NULL && mesh_member(e->mesh, i, &m); i++)
		know(a, &m);
	if (e->mesh != NULL)
		return;
	snprintf(m.name, sizeof m.name, "%s", e->conf.name);
	know(a, &m);
}

/* --- answers ------------------------------------------------------------------- */

static int
take_texts(struct logall *a, uint32_t source, struct logrole_answer *answer)
{
	struct owner *owners =
	    realloc(a->owners, (a->owners_count + answer->left / 2 + 1) * sizeof *owners);
	struct slice text;
	int rc;

	if (owners == NULL)
		return -ERR_FULL;
	a->owners = owners;
	while (true) {
		struct owner *o = &owners[a->owners_count];

		if ((rc = logrole_answer_next(answer, o->instance, &text)) <= 0)
			return rc;
		o->source = source;
		if ((rc = lines_add(&a->kept, (uint32_t)a->owners_count,
			 lines_rank(a->all[source].node, o->instance), (const char *)text.b,
			 text.len)) < 0)
			return rc;
		a->owners_count++;
	}
}

/* Its clock stood at at_ms some time between the question and now: what is beyond both. */
int64_t
logall_skew(uint64_t asked_ms, uint64_t now_ms, uint64_t at_ms)
{
	int64_t most = (int64_t)at_ms - (int64_t)asked_ms, least = (int64_t)at_ms - (int64_t)now_ms;

	return least > LOGALL_SKEW_MS ? least : most < -LOGALL_SKEW_MS ? most : 0;
}

static void
look_at_clock(struct logall *a, struct source *s, uint64_t at_ms)
{
	int64_t skew = logall_skew(s->asked_ms, engine_wall_ms(), at_ms);
	int64_t moved = skew - s->skew_ms;

	if (moved >= -LOGALL_SKEW_MS && moved <= LOGALL_SKEW_MS)
		return;
	s->skew_ms = skew;
	if (skew == 0)
		logall_note(a->r, s->node, "its clock agrees with this node's again");
	else
		logall_note(a->r, s->node, "its clock is %" PRId64 ".%" PRId64 " s %s of this node's: its lines stand so much too %s",
		    (skew < 0 ? -skew : skew) / 1000, (skew < 0 ? -skew : skew) % 1000 / 100,
		    skew < 0 ? "behind" : "ahead", skew < 0 ? "early" : "late");
}

static int
take_answer(struct logall *a, uint32_t source, const uint8_t *data, size_t len)
{
	struct source *s = &a->all[source];
	struct logrole_answer answer;
	int rc;

	if ((rc = logrole_answer_open(&answer, data, len)) < 0 ||
	    (rc = take_texts(a, source, &answer)) < 0)
		return rc;
	blob_free(&s->cursors);
	if (blob_copy(&s->cursors, answer.cursors) < 0)
		return -ERR_FULL;
	s->has = answer.has;
	if (!s->answered && answer.at_ms > s->since_ms)
		s->since_ms = answer.at_ms;
	s->answered = true;
	look_at_clock(a, s, answer.at_ms);
	if (answer.more != s->more)
		logall_note(a->r, s->node, "%" PRIu64 " logs more than are read at once: those written last are shown",
		    answer.more);
	s->more = answer.more;
	if (answer.cut && a->round == 1)
		logall_note(a->r, s->node, "older lines are left out: no more than %d KiB are read at once",
		    FIRST_BYTES >> 10);
	else if (answer.cut)
		logall_note(a->r, s->node, "lines are missing: more was written than is read at once (%d KiB) or than its logs keep",
		    NEXT_BYTES >> 10);
	return 0;
}

static void go_on(struct logall *a);

static void
on_answer(void *arg, int rc, const uint8_t *data, size_t len)
{
	struct asked *q = arg;
	struct logall *a = q->a;
	struct source *s = &a->all[q->source];

	s->open = false;
	a->open--;
	if (s->round == a->round) {
		assert(a->waits > 0);
		a->waits--;
	}
	if (a->r == NULL) {
		free(q);
		leave(a);
		return;
	}
	if (rc == 0 && (rc = take_answer(a, q->source, data, len)) == 0) {
		if (s->silent)
			logall_note(a->r, s->node, "answers again");
		s->silent = false;
		s->next = net_now() + (s->has ? 0 : IDLE_MS);
	} else {
		silent(a, s, rc == -ERR_UNKNOWN ? "its meshd knows no mesh logs of a role: it is older" :
				 rc == -ERR_MALFORMED ? "gave a malformed answer" :
							stream_error(rc));
	}
	free(q);
	go_on(a);
}

/* --- a round ------------------------------------------------------------------- */

static void
ask(struct logall *a, uint32_t i)
{
	struct source *s = &a->all[i];
	struct asked *q = calloc(1, sizeof *q);
	struct blob question = {0};
	bool first = a->round == 1;
	int rc = -ERR_FULL;

	s->due = false;
	s->asked_ms = engine_wall_ms();
	if (q != NULL && logrole_question(a->name, first ? a->lines : LOGROLE_BYTES_MAX,
			     first ? FIRST_BYTES : NEXT_BYTES, s->since_ms,
			     blob_slice(&s->cursors), &question) == 0) {
		const struct over_question over = {
		    QUERY_LOGS_OF, false, question.b, question.len, ASK_MS};

		*q = (struct asked){a, i};
		if (s->self)
			rc = logrole_start(a->e, question.b, question.len, on_answer, q);
		else if (over_ask(a->e, &s->id, &over, on_answer, q))
			rc = 0;
	}
	blob_free(&question);
	if (rc < 0) {
		free(q);
		silent(a, s, "can't be asked: too much is under way here");
		return;
	}
	s->open = true;
	a->open++;
	/* Who was silent before holds nobody up. */
	s->round = s->silent ? 0 : a->round;
	a->waits += !s->silent;
}

static void on_timer(uv_timer_t *timer);

static void
end_round(struct logall *a)
{
	uint64_t polled = 0;
	bool none = true;

	for (size_t i = 0; i < a->count; i++) {
		struct source *s = &a->all[i];

		if (!a->follow && (s->open || s->due))
			silent(a, s, "did not answer in time");
		/* Its answer is of no round: nobody waits for it in the next one either. */
		s->round = 0;
		none = none && !s->has;
		polled += s->has;
	}
	tell_kept(a);
	if (!a->follow || (a->round == 1 && none && !logrole_known(a->e, a->name))) {
		finish(a);
		return;
	}
	if (a->round == 1) /* from now on: all that is new */
		a->kept.lines_max = SIZE_MAX;
	a->waits = 0;
	a->resting = true;
	uv_timer_start(&a->timer, on_timer, POLL_MS + POLL_EACH_MS * polled, 0);
}

/* Ask who is due, as far as there is room; or that was all. */
static void
go_on(struct logall *a)
{
	bool all = true;

	for (uint32_t i = 0; !a->resting && i < a->count; i++) {
		const struct source *s = &a->all[i];

		/* Who is silent for long must not take all places. */
		if (s->due && a->open < (s->silent ? LOGALL_AT_ONCE / 2 : LOGALL_AT_ONCE))
			ask(a, i);
		all = all && (!s->due || (s->silent && a->round > 1));
	}
	if (all && a->waits == 0 && !a->resting)
		end_round(a);
}

static void
on_timer(uv_timer_t *timer)
{
	struct logall *a = timer->data;

	if (!ctl_alive(a->r)) {
		ctl_fail(a->r, 1, "", "gone");
		a->r = NULL;
		leave(a);
	} else if (!a->resting) {
		end_round(a);
	} else if (ctl_busy(a->r)) { /* the reader is slow: don't pile up here */
		uv_timer_start(timer, on_timer, POLL_MS, 0);
	} else {
		a->resting = false;
		a->round++;
		uv_timer_start(timer, on_timer, a->round == 1 ? ROUND_MS : FOLLOW_ROUND_MS, 0);
		know_all(a);
		go_on(a);
	}
}

void
logall_start(struct engine *e, struct ctl_req *r, const char *name, size_t lines,
    uint64_t since_ms, bool follow)
{
	struct logall *a = e->log_askers < LOGALL_MAX ? calloc(1, sizeof *a) : NULL;

	if (a == NULL) {
		ctl_fail(r, 1, "again when one of them has ended",
		    "logs: %d logs of whole roles are read here already", LOGALL_MAX);
		return;
	}
	*a = (struct logall){.e = e, .r = r, .lines = lines, .since_ms = since_ms,
	    .began_ms = engine_wall_ms(), .follow = follow, .resting = true};
	snprintf(a->name, sizeof a->name, "%s", name);
	lines_init(&a->kept, lines, LOGALL_BYTES_MAX);
	e->log_askers++;
	uv_timer_init(e->loop, &a->timer);
	a->timer.data = a;
	uv_timer_start(&a->timer, on_timer, 0, 0);
}
