/*
 * actqueue.h - the actions that were accepted on this node and are not over, and the whole
 * way of an action (DESIGN §6: accepted on any node, durable, forwarded, idempotent,
 * answered, and alive after a leader change).
 *
 *	operator          the node that accepts           the leader
 *	 mesh scale web 5
 *	------------------> number, save, fsync
 *	                    "accepted n2.17"
 *	                    bundle: all that is pending --> actdesk: given to a round
 *	                    <-- word: waits | set aside     script, check, rails
 *	                                                    schedule, signed: its private
 *	                    the schedule is in force here   part has n2.17's reply (actdone)
 *	<------------------ "n2.17: 5 instances", forget
 *	                    bundle without it ------------> the reply need not be kept
 *
 * The queue is the truth until a schedule that this node itself took has the reply; the
 * leader's desk is a copy, and a new leader gets it anew.  So no step can lose one: an
 * acceptor that restarts reads its disk, a leader that dies before its schedule is told
 * leaves the action in the queue, and one that dies after it leaves the reply in the
 * schedule, which the next one starts from.  And none is carried out twice, for what has a
 * reply in any schedule that a leader starts from is given to no round.  (Where a leader
 * dies with a schedule that nobody else got, and comes back, both its work and that of its
 * successor come from one action of one stamp: scripts merge by it.)
 *
 * A number is never handed out twice.  It is at least the wall clock's, in tenths of a
 * second, and at most a burst above it: who lost the disk goes on above all it ever gave.
 * A queue that was not kept 48 h long is not sent by itself any more, as replies are kept
 * no longer than 72 h: such an action is set aside until somebody says retry or drop.
 *
 * A pure machine: time comes in, bytes to save and to send go out.
 */
#ifndef CORE_ACTQUEUE_H
#define CORE_ACTQUEUE_H

#include "action.h"

enum {
	ACTQUEUE_BURST = 64, /* at most so many at once, then ten a second */
	ACTQUEUE_ANSWERS = 32,
	ACTQUEUE_SAVED_BYTES_MAX = ACTION_BUNDLE_BYTES_MAX,
};

struct actqueue_answer {
	uint64_t number; /* 0 = none */
	bool ok;
	char line[ACTION_LINE_CAP]; /* what it was */
	char text[ACTION_TEXT_CAP];
};

struct actqueue {
	uint64_t last;		/* number handed out */
	uint64_t last_stamp_ms;
	uint64_t turn;		/* of the bundle as it is now */
	uint64_t told;		/* the last turn that a leader has */
	struct node_id tried; /* the leader that was asked last */
	msec tell_at;		/* not before, unless something moved */
	msec moved;		/* when the queue did */
	msec filled;		/* when tokens was counted */
	uint64_t tokens;
	uint32_t count;
	struct action actions[ACTION_QUEUE_MAX]; /* numbers rise */
	struct actqueue_answer answers[ACTQUEUE_ANSWERS]; /* a ring */
	uint64_t answered;
};

/* saved: what actqueue_save gave, or empty.  generation: of this life of the node, rising
 * by one at least.  0, or a negative ERR_: the bytes are none, and it starts with nothing. */
MUST_CHECK int actqueue_init(struct actqueue *q, struct slice saved, uint64_t generation,
    uint64_t wall_ms, msec now);
/* buf holds ACTQUEUE_SAVED_BYTES_MAX.  What was added or moved is true once this is on
 * disk: save before the operator is told, and before a bundle is sent. */
size_t actqueue_save(const struct actqueue *q, uint8_t *buf);

/* a: of action_make, with its uid; it gets its number and stamp.  0; -ERR_FULL: too many
 * are pending; -ERR_RANGE: too many a second. */
MUST_CHECK int actqueue_add(struct actqueue *q, msec now, uint64_t wall_ms, struct action *a);
/* It could not be saved.  Its number stays used. */
void actqueue_undo(struct actqueue *q, uint64_t number);

const struct action *actqueue_find(const struct actqueue *q, uint64_t number);
const struct actqueue_answer *actqueue_answer(const struct actqueue *q, uint64_t number);

/* Has this leader to be told something now?  Then actqueue_bundle, and actqueue_told when
 * it answered.  MSEC_NEVER from the deadline: when something moves. */
bool actqueue_due(const struct actqueue *q, msec now, const struct node_id *leader);
msec actqueue_deadline(const struct actqueue *q);
void actqueue_bundle(struct actqueue *q, msec now, const struct node_id *leader,
    struct action_bundle *out);
/* words: NULL, no answer.  True: save. */
bool actqueue_told(struct actqueue *q, msec now, uint64_t turn, const struct action_words *words);

/* A schedule in force here has its reply.  True: it was pending; save. */
bool actqueue_done(struct actqueue *q, msec now, uint64_t number, bool ok, const char *text);
/* An operator's word on one that is pending: give it again as if it were asked for now, or
 * forget it.  False: it is not pending.  True: save. */
bool actqueue_resolve(struct actqueue *q, msec now, uint64_t wall_ms, uint64_t number, bool retry);
/* Those that waited too long are set aside.  True: save. */
bool actqueue_expire(struct actqueue *q, msec now, uint64_t wall_ms);

#endif
