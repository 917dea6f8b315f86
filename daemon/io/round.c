/*
 * round.c - see round.h.  Any failure on the way leaves the schedule in force
 * as it is, with the line in `mesh status`.
 */
#include "round.h"

#include <stdio.h>
#include <stdlib.h>

#include "../base/log.h"
#include "actlead.h"
#include "engine.h"
#include "events.h"
#include "roundjudge.h"

struct round {
	enum { AT_PACK, AT_QUESTION, AT_START, AT_SCRIPT, AT_JUDGE, AT_END } at; /* the next piece */
	bool working;	/* a piece of it runs: it is not freed under its feet */
	bool abandoned; /* meanwhile */
	struct blob code; /* the packed script tree */
	struct roundask ask;
	msgpack_sbuffer question;
	struct script_run *run;
	struct script_answer answer; /* owned: */
	struct blob result, log;
	struct roundjudge judge;
	struct err err; /* of judge: code 0, it went well */
	void (*told)(void *arg, int rc, const struct err *err); /* of an operator's wish; NULL: it is a script's */
	void *told_arg;
};

enum pace {
	PACE_MORE, /* of what round.at says, in the next turn */
	PACE_WAIT, /* for the script */
	PACE_OVER, /* it has ended, and is freed by who called */
};

/* --- ends ------------------------------------------------------------------------- */

/* It is under way no more: another may begin. */
static void
leave(struct engine *e, struct round *r)
{
	turns_drop(e, &e->lead.turn);
	if (e->lead.under_way == r)
		e->lead.under_way = NULL;
}

static void
round_free(struct round *r)
{
	if (r->run != NULL)
		script_cancel(r->run);
	roundask_free(&r->ask);
	roundjudge_free(&r->judge);
	msgpack_sbuffer_destroy(&r->question);
	blob_free(&r->code);
	blob_free(&r->result);
	blob_free(&r->log);
	free(r);
}

/* how: ACTDESK_FAILED where a script or what it was given may be to blame. */
static void
fail(struct engine *e, enum actdesk_end how, const char *why, const char *excerpt)
{
	struct lead *l = &e->lead;

	if (strcmp(l->error, why) != 0) {
		log_warn("scheduler: %s", why);
		events_note(e, "scheduler", e->conf.name, "%s", why);
	}
	snprintf(l->error, sizeof l->error, "%s", why);
	snprintf(l->excerpt, sizeof l->excerpt, "%s", excerpt);
	lead_ended(e, false);
	actlead_ended(e, how, why);
}

/* Nothing is wrong with the script: the office is shaky, or the disk full.
 * Soon again. */
static void
again(struct engine *e, const char *why)
{
	log_info("round given up: %s", why);
	lead_ended(e, true);
	actlead_ended(e, ACTDESK_AGAIN, why);
	lead_note(e, SCHED_LEASE);
}

/* Before the script ran: there is nothing to record. */
static enum pace
give_up(struct engine *e, struct round *r, const struct err *err)
{
	leave(e, r);
	if (err->code == ROUND_AGAIN)
		again(e, err->text);
	else
		fail(e, ACTDESK_AGAIN, err->text, "");
	return PACE_OVER;
}

/* Of a script that answered, whatever came of it. */
static void
over(struct engine *e, struct round *r, enum round_fate fate, enum actdesk_end how,
    const char *why, const char *excerpt)
{
	const struct script_answer *a = &r->answer;

	leave(e, r);
	if (fate == ROUND_ISSUED || fate == ROUND_SAME)
		shadow_round(e, &r->judge.asked, blob_slice(&e->lead.recording.input), a->result);
	recording_end(e, a, fate, why);
	if (fate == ROUND_GIVEN_UP) {
		again(e, why);
	} else if (fate == ROUND_FAILED) {
		fail(e, how, why, excerpt);
	} else {
		e->lead.error[0] = e->lead.excerpt[0] = '\0';
		lead_ended(e, true);
		actlead_ended(e, how, "");
	}
}

/* --- behind the answer ---------------------------------------------------------------- */

/* The next round starts from it. */
static enum pace
end_wish(struct engine *e, struct round *r)
{
	leave(e, r);
	sched_done(&e->lead.sched, net_now(), true);
	lead_note(e, SCHED_ACTION);
	r->told(r->told_arg, r->err.code != 0 ? -1 : 0, &r->err);
	return PACE_OVER;
}

static enum pace
end(struct engine *e, struct round *r)
{
	char stamp[STAMP_TEXT_CAP];

	if (r->told != NULL)
		return end_wish(e, r);
	if (!r->answer.ok) {
		over(e, r, ROUND_FAILED, ACTDESK_FAILED, r->answer.error, r->answer.excerpt);
	} else if (r->err.code != 0) {
		over(e, r, r->err.code == ROUND_AGAIN ? ROUND_GIVEN_UP : ROUND_FAILED,
		    r->err.code == ROUND_SCRIPT ? ACTDESK_FAILED : ACTDESK_AGAIN, r->err.text, "");
	} else {
		stamp_text(&e->keep.current.meta.stamp, stamp);
		over(e, r, r->judge.same ? ROUND_SAME : ROUND_ISSUED, ACTDESK_ISSUED, stamp, "");
	}
	return PACE_OVER;
}

static enum pace
judge(struct engine *e, struct round *r)
{
	struct err err = {.code = 0};
	int rc = roundjudge_more(e, &r->judge, r->answer.result, &err);

	if (rc < 0)
		r->err = err;
	if (rc <= 0)
		r->at = AT_END;
	return PACE_MORE;
}

static void
note_crash(struct engine *e, const struct script_answer *a)
{
	struct lead *l = &e->lead;
	bool was = quarantine_is(&l->quarantine, &l->code);

	quarantine_ended(&l->quarantine, net_now(), &l->code, a->ok, a->crashed);
	if (was || !quarantine_is(&l->quarantine, &l->code))
		return;
	log_warn("scheduler: its code crashed %d times in a row: it runs once a minute from now on",
	    QUARANTINE_CRASHES);
	events_note(e, "scheduler", e->conf.name, "its code crashed %d times in a row: in quarantine",
	    QUARANTINE_CRASHES);
}

/* What is lent for the call is wanted for longer. */
static void
keep_answer(struct round *r, const struct script_answer *a)
{
	r->answer = *a;
	if (blob_copy(&r->result, a->result) < 0 || blob_copy(&r->log, a->log) < 0)
		(void)err_set(&r->err, ROUND_FAULT, "out of memory");
	r->answer.result = blob_slice(&r->result);
	r->answer.log = blob_slice(&r->log);
}

static void
on_answer(void *arg, const struct script_answer *a)
{
	struct engine *e = arg;
	struct lead *l = &e->lead;
	struct round *r = l->under_way;

	r->run = NULL;
	l->round++;
	l->ms = a->ms;
	note_crash(e, a);
	l->round_ms_wall = engine_wall_ms();
	if (a->log.len > 0) {
		char text[ERR_TEXT_CAP];

		err_escape(text, sizeof text, (const char *)a->log.b, a->log.len);
		log_debug("scheduler says: %s", text);
	}
	keep_answer(r, a);
	r->judge.asked = r->ask.asked;
	r->at = a->ok && r->err.code == 0 ? AT_JUDGE : AT_END;
	turns_add(e, &l->turn);
}

/* --- before it -------------------------------------------------------------------------- */

static enum pace
pack(struct engine *e, struct round *r)
{
	struct err err;
	int rc = roundask_more(e, &r->ask, &err);

	if (rc < 0)
		return give_up(e, r, &err);
	if (rc == 0)
		r->at = AT_QUESTION;
	return PACE_MORE;
}

static enum pace
question(struct engine *e, struct round *r)
{
	script_question(&e->conf, blob_slice(&r->code), blob_slice(&r->ask.input), &r->question);
	world_free(&r->ask.world);
	recording_begin(e, &r->ask.input, blob_slice(&r->code));
	r->at = AT_START;
	return PACE_MORE;
}

static enum pace
start(struct engine *e, struct round *r)
{
	struct slice bytes = {(uint8_t *)r->question.data, r->question.size};
	struct err err;

	r->run = script_start(e->loop, e->script_fd, &e->conf, "scheduler", bytes, on_answer, e, &err);
	msgpack_sbuffer_destroy(&r->question);
	msgpack_sbuffer_init(&r->question);
	if (r->run == NULL) {
		err.code = ROUND_FAULT;
		return give_up(e, r, &err);
	}
	r->at = AT_SCRIPT;
	return PACE_WAIT;
}

static void
abandon(struct engine *e, struct round *r)
{
	if (r->told != NULL) {
		(void)err_set(&r->err, ROUND_AGAIN, "it was given up: this node leads no more, or another one was wished");
		(void)end_wish(e, r);
		return;
	}
	leave(e, r);
	sched_done(&e->lead.sched, net_now(), true);
	actlead_ended(e, ACTDESK_AGAIN, "");
}

static bool
is_durable(const struct round *r)
{
	return r->at == AT_JUDGE && r->judge.at >= JUDGE_ADOPT;
}

static void
on_turn(struct engine *e)
{
	static enum pace (*const pieces[])(struct engine *e, struct round *r) = {
	    [AT_PACK] = pack, [AT_QUESTION] = question, [AT_START] = start, [AT_JUDGE] = judge, [AT_END] = end};
	struct round *r = e->lead.under_way;
	enum pace pace;

	assert(r->at != AT_SCRIPT && !r->working);
	r->working = true;
	pace = pieces[r->at](e, r);
	/* A piece may find the office lost: what it did stands, and that was the last. */
	while (r->abandoned && pace == PACE_MORE && (is_durable(r) || r->at == AT_END))
		pace = pieces[r->at](e, r);
	r->working = false;
	if (r->abandoned && pace != PACE_OVER) {
		abandon(e, r);
		pace = PACE_OVER;
	}
	if (pace == PACE_MORE)
		turns_add(e, &e->lead.turn);
	else if (pace == PACE_OVER)
		round_free(r);
}

void
round_abandon(struct engine *e)
{
	struct round *r = e->lead.under_way;

	if (r == NULL)
		return;
	r->abandoned = true;
	if (r->working)
		return;
	if (is_durable(r) || r->at == AT_END) {
		turns_drop(e, &e->lead.turn);
		on_turn(e);
		return;
	}
	abandon(e, r);
	round_free(r);
}

/* It does not begin. */
static void
refuse(struct engine *e, struct round *r, const char *why)
{
	fail(e, ACTDESK_AGAIN, why, "");
	free(r);
}

void
round_start(struct engine *e)
{
	const struct trees_slot *scripts = &e->trees.slot[TREES_SCRIPTS];
	struct lead *l = &e->lead;
	struct stamp stamp;
	struct round *r;
	struct err err;

	assert(l->under_way == NULL);
	sched_started(&l->sched, net_now());
	if (mesh_next_stamp(e->mesh, net_now(), &stamp) < 0) {
		again(e, "no live lease");
		return;
	}
	if (tree_find(&scripts->tree, "main.lua") == NULL) {
		err_set(&err, 1, "%s/scheduler-scripts/main.lua: %s", e->conf.config_dir,
		    scripts->error[0] != '\0' ? scripts->error : "No such file or directory");
		fail(e, ACTDESK_FAILED, err.text, "");
		return;
	}
	l->code = scripts->tree.hash;
	if (quarantine_holds(&l->quarantine, net_now(), &l->code)) {
		lead_ended(e, false); /* the error of the last crash stands */
		actlead_ended(e, ACTDESK_AGAIN, "");
		return;
	}
	if ((r = calloc(1, sizeof *r)) == NULL || script_pack_files(&scripts->tree, &r->code) < 0) {
		refuse(e, r, "out of memory");
		return;
	}
	r->ask.actions = true;
	msgpack_sbuffer_init(&r->question);
	l->under_way = r;
	l->turn.run = on_turn;
	turns_add(e, &l->turn);
}

/* --- what an operator wants in force ------------------------------------------------------- */

void
round_revert(struct engine *e, struct round_wish *w)
{
	struct round_wish wish = *w;
	struct round *r;

	w->old = (struct schedule){.parts = NULL};
	w->answer = (struct blob){0};
	round_abandon(e); /* it would not know of it */
	if ((r = calloc(1, sizeof *r)) == NULL) {
		schedule_free(&wish.old);
		blob_free(&wish.answer);
		wish.told(wish.arg, -1, &(struct err){.code = ROUND_FAULT, .text = "out of memory"});
		return;
	}
	r->judge = (struct roundjudge){.wish = wish.wish, .old = wish.old};
	r->result = wish.answer;
	r->answer.result = blob_slice(&r->result);
	r->told = wish.told;
	r->told_arg = wish.arg;
	r->at = AT_JUDGE;
	msgpack_sbuffer_init(&r->question);
	sched_busy(&e->lead.sched);
	e->lead.under_way = r;
	e->lead.turn.run = on_turn;
	turns_add(e, &e->lead.turn);
}
