/*
 * lead.h - the leader's office: gather reports and parents, run the user's
 * scheduler when core/sched says so, check its answer, sign and announce.
 * On a follower all of it sleeps.
 */
#ifndef IO_LEAD_H
#define IO_LEAD_H

#include "../core/plan.h"
#include "../core/quarantine.h"
#include "../core/rail.h"
#include "../core/report.h"
#include "../core/sched.h"
#include "fetch.h"
#include "recording.h"
#include "roundinput.h"
#include "script.h"
#include "shadow.h"
#include "turns.h"
#include "world.h"

struct engine;

enum { LEAD_FORCED_MAX = 16 };

/* What a member told this leader or standby, and what it was when last looked at. */
struct lead_node {
	struct node_id id;
	struct report_table report;
	int state; /* enum view_node_state at the last look, -1 = new */
	bool draining; /* likewise */
};

struct lead_parent {
	struct schedule_ref ref;
	struct schedule s; /* whole when got */
	struct fetch *fetch;
	bool got;	/* s is whole, or it can't be had (s is empty) */
	uint32_t tries; /* failed ones */
	msec retry_at;
};

struct lead {
	bool leading;
	uint64_t term;
	msec since;	 /* in office */
	struct sched sched;
	uv_timer_t timer;
	struct turns turns; /* for all that takes long here */
	struct lead_node *nodes; /* sorted by id */
	size_t nodes_count;
	uint64_t hearing; /* mesh_hearing of these */
	struct lead_parent parents[MESH_PARENTS_MAX];
	size_t parents_count;
	struct round *under_way; /* round.c; NULL: none */
	struct work turn;	 /* its next piece */
	struct world_room room;
	struct recording recording;
	struct roundinput input;
	struct shadow shadow;
	struct hash code; /* of what the round under way, or the last one, runs */
	bool issued;		/* a schedule in this office */
	bool unannounced;	/* the one in force is ours, and no beat carries it yet */
	enum mesh_grade grade;	/* at the last look */
	/* of the last round, for status */
	uint64_t rounds_ok, rounds_failed; /* since the start */
	uint64_t round, round_ms_wall;
	uint32_t ms;
	char error[ERR_TEXT_CAP], excerpt[SCRIPT_EXCERPT_CAP];
	struct actlead *desk; /* actlead.h */
	struct quarantine quarantine;
	struct rail rail;
	struct plan_missing *missing;
	size_t missing_count;
	struct plan_error *role_errors;
	size_t role_errors_count;
	char forced[LEAD_FORCED_MAX][STAMP_TEXT_CAP];
	size_t forced_count, forced_seen; /* seen: by the rails of the round under way */
};

void lead_init(struct engine *e);
/* The mesh moved: office taken or lost, deaths, reports. */
void lead_look(struct engine *e);
/* Each second. */
void lead_second(struct engine *e);
void lead_note(struct engine *e, enum sched_what what);
/* A round ended. */
void lead_ended(struct engine *e, bool ok);
/* The schedules a round starts from, oldest stamp first; borrowed until the
 * next turn of the loop. */
size_t lead_parents(struct engine *e, const struct schedule **out, size_t cap);
/* What the schedule now in force came from need not be kept. */
void lead_merged(struct engine *e);
/* Lift what is held at that stamp, or ("scheduler") the quarantine of its code; false when
 * nothing is. */
bool lead_force(struct engine *e, const char *stamp);

#endif
