/*
 * apply.h - this node's part of the schedule made true: for each role here,
 * render -> check -> switch -> on-change, then start and stop what differs.
 *
 * One job per role.  A job that fails keeps everything as it was, says why and
 * tries again (1 s, doubling, at most 60 s, or at once when its inputs
 * change).  Nothing is stopped for a role until its new desired set is known;
 * a role that the schedule no longer names here is stopped and un-rendered.
 */
#ifndef IO_APPLY_H
#define IO_APPLY_H

#include "../core/plan.h"
#include "../core/roll.h"
#include "../core/schedule.h"
#include "hostacts.h"
#include "launch.h"
#include "local.h"
#include "render.h"

struct engine;

/* One container that the rendered processes name. */
struct apply_want {
	char instance[NAME_CAP], process[NAME_CAP];
	char image[SUP_IMAGE_CAP], config[SUP_PATH_CAP];
	uint32_t address; /* of IPv4; 0: none */
	struct blob vars; /* NAME=VALUE NUL ... */
	bool command;	  /* kind Command: only for checks */
};

enum apply_step { APPLY_IDLE, APPLY_RENDER, APPLY_ROLE, APPLY_WAIT, APPLY_CHECK };

/* What the schedule says of the role beside its containers. */
struct apply_face {
	char sandbox[NAME_CAP], version[NAME_CAP];
	uint32_t policy; /* enum sup_policy */
};

struct apply_job {
	struct apply_job *next;
	struct engine *e;
	char role[NAME_CAP];
	struct apply_face fresh_face; /* of the schedule in force */
	struct apply_face face;	      /* of `wants`: they switch together */
	struct hash key; /* of what the running or last render came from */
	bool gone;	 /* the schedule does not name this role here */
	bool named;	 /* scratch of apply_update */
	bool unsettled;	 /* settled soon (soon.h) */
	enum apply_step step;
	uint64_t ticket; /* of the SUP_ROLE or SUP_RUN under way */
	msec step_until; /* the supervisor answers by then, or never will */
	bool checking;	 /* a check container of ours may still run */
	struct render *render;
	struct render_out out;
	struct apply_want *fresh; /* of out; become `wants` when it is switched to */
	size_t fresh_count;
	struct apply_want *wants; /* what should run */
	size_t wants_count;
	bool ready; /* wants is known */
	uint64_t gen;	/* the current one */
	uint64_t held;	/* by an operator; 0: none, what is rendered is used */
	char error[ERR_TEXT_CAP]; /* goes into the log, to the leader and to all who ask it */
	char said[SUP_TEXT_CAP];  /* by the check: what it quotes of a config stays on this host */
	uint32_t failures;
	msec retry_at; /* MSEC_NEVER = no retry due */
	msec restart_failed_at;
	struct roll roll; /* in which order its instances are replaced */
};

struct apply {
	struct apply_job *jobs; /* in no order */
	struct renderdocs *docs; /* of e->trees; NULL: no memory for that */
	struct plan plan;	/* of the schedule in force */
	struct hash plan_of;	/* of its header; zero: plan is empty */
	struct plan next;	/* of next_of, if that becomes the one in force; or the one before */
	struct hash next_of;
	struct plan_node here;	/* this node's part of it */
	struct hostacts hostacts; /* what changed files ask of the host */
	bool held; /* in this life a schedule's part for this name was this node's */
};

/* The schedule, the templates or the knowledge of local containers moved. */
void apply_update(struct engine *e);
/* An event of the supervisor that answers a ticket, or ends a check. */
void apply_event(struct engine *e, const struct sup_event *ev);
/* An instance is gone or new: start again what is wanted. */
void apply_settle(struct engine *e, const char *role);
/* As apply_settle, for every role. */
void apply_settle_all(struct engine *e);
/* Events were lost: what waits for an answer starts over. */
void apply_lost(struct engine *e);
/* Once a second: retries, deadlines. */
void apply_tick(struct engine *e, msec now);
struct apply_job *apply_job(struct engine *e, const char *role);
/* The plan of s, if it is that of the schedule in force, read already; borrowed until the next
 * turn of the loop.  Else NULL. */
const struct plan *apply_plan(const struct engine *e, const struct schedule *s);
/* That is s as schedule_plan reads it, for when it is in force soon; takes what plan holds.  Its
 * memory, or that of the one before, is held until the next call: NULL and an empty one. */
void apply_ready(struct engine *e, const struct schedule *s, struct plan *plan);
/* Render it anew: which generation is held moved. */
void apply_again(struct engine *e, const char *role);
/* The render_in for a role of the schedule in force, as apply would use it here, or on that
 * other member of the mesh (NULL: here); *vars is the caller's to free.  0 or -1 and the line. */
MUST_CHECK int apply_render_in(struct engine *e, const char *role, const struct mesh_member *other,
    struct render_in *in, struct blob *vars, char template_name[VIEW_IMAGE_CAP], struct err *err);
/* All that as one hash: it is rendered anew when that moves. */
void apply_key(const struct engine *e, const struct plan_place *p, struct hash *out);

#endif
