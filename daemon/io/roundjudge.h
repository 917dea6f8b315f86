/*
 * roundjudge.h - an answer becomes the schedule in force, in pieces (turns.h).
 *
 *	world    as it is now: reports went on coming while the script ran
 *	rows     what runs there, of some nodes in a piece
 *	check    the answer, whole; some of it in a piece (core/plan.h).  old: of a schedule that was kept
 *	last     what is in force is read, if it is not at hand
 *	rails    what they hold stays as it was (core/rail.h): what runs, what is planned, verdicts;
 *	held     and these, with roles that failed, get what they had, one role in a piece
 *	build    signed; nothing changed: that is all
 *	read     as every node will read it
 *	keep     durable
 *	adopt    in force here, announced
 *	tidy     what was held for all that is free again: tens of thousands of pieces
 *
 * All of it is judged in the one world of the first pieces, as if no time passed.  What may
 * not have moved meanwhile is asked again before each piece from rails on: the lease, the
 * stamp that comes next, the side's grade, the schedules that it starts from.  If one did:
 * ROUND_AGAIN.  From keep on there is no way back: what is durable is adopted, whatever
 * becomes of the office.
 */
#ifndef IO_ROUNDJUDGE_H
#define IO_ROUNDJUDGE_H

#include "../core/schedule.h"
#include "roundask.h"

enum { ROUND_SCRIPT = 100 }; /* err.code, beside roundask.h's: its answer is to blame */

/* What a plan is to become: a round's, or an operator's as a whole or not at all. */
enum wish { WISH_ROUND, WISH_REVERT, WISH_FORCED };

/* A zeroed one begins. */
struct roundjudge {
	enum wish wish;
	struct round_parents asked; /* of WISH_ROUND: what the script saw */
	enum { JUDGE_WORLD, JUDGE_ROWS, JUDGE_CHECK, JUDGE_OLD, JUDGE_LAST, JUDGE_RUNNING, JUDGE_PLANNED, JUDGE_RAILS,
		JUDGE_HELD, JUDGE_BUILD, JUDGE_READ, JUDGE_KEEP, JUDGE_ADOPT, JUDGE_TIDY } at;
	struct world world;
	struct plan_template *templates; /* owned; as of world */
	struct plan_world with;		 /* borrows from these two */
	struct check *check;
	struct schedule old; /* instead of an answer; or empty */
	size_t old_at;
	struct plan plan;
	struct plan last; /* of last_of, if that had to be read */
	struct hash last_of;
	struct railwork *rails;
	size_t held_at;
	struct stamp stamp; /* the schedule's own */
	struct schedule made;
	struct plan next; /* of made, as far as it is read */
	size_t next_at;
	bool same; /* nothing changed: no schedule was made */
};

/* result is borrowed until the piece behind check.  1: there is more of it.  0: done; same says
 * what came of it, and else it is in force.  Negative: err->code, and nothing is in force that was not. */
MUST_CHECK int roundjudge_more(struct engine *e, struct roundjudge *j, struct slice result,
    struct err *err);
/* Only world, without rows, and check, as often as there are answers; 0: j->plan, which is the
 * caller's. */
MUST_CHECK int roundjudge_plan(struct engine *e, struct roundjudge *j, struct slice result,
    struct err *err);
void roundjudge_free(struct roundjudge *j);

#endif
