/*
 * sched.h - when to run a round (DESIGN §6).  A machine without a clock: the
 * engine notes what changed and asks whether a round is due.
 *
 *   sched_lead / sched_unlead   this node took or lost office
 *   sched_note                  something changed
 *   sched_due(now)              start one now?  then sched_started
 *   sched_done(now, ok)         it ended; a failing script is retried slowly
 *   sched_deadline              when to ask again; MSEC_NEVER = on a note
 */
#ifndef CORE_SCHED_H
#define CORE_SCHED_H

#include "../../gossip/base.h"

enum sched_what {
	SCHED_CONFIG, /* script, templates or metadata changed: also ends a back-off */
	SCHED_DEATH,  /* once per node that died */
	SCHED_JOIN,   /* a node came, came back or left */
	SCHED_HEALTH, /* an instance changed state or health */
	SCHED_ACTION, /* an operator's wish: also ends a back-off */
	SCHED_LEASE,  /* grade or term changed while in office */
};

struct sched_conf {
	msec after_change_ms;  /* 50 */
	msec gap_ms;	       /* 250: at most 4 a second, start to start */
	msec period_ms;	       /* 5000: at least that often */
	msec retry_ms;	       /* 5000: after a failed round */
	msec view_wait_ms;     /* 500: for reports, after taking office */
	msec parents_wait_ms;  /* 500: for parents, after taking office */
	msec deaths_window_ms; /* 1000 */
	msec stable_after_ms;  /* 2000: after the last of many deaths */
	uint32_t deaths_many;  /* 3 */
};
extern const struct sched_conf sched_conf_default;

struct sched {
	struct sched_conf conf;
	bool leading, running, view_ok, parents_ok, failed;
	msec since;	   /* in office */
	msec started;	   /* last start; MSEC_NEVER = none in this office */
	msec ended;	   /* last end of a failed round */
	msec changed;	   /* first change not yet acted on; MSEC_NEVER = none */
	msec stable_until; /* many deaths: not before; 0 = no wait */
	msec storm;	   /* first of them; MSEC_NEVER = none */
	msec deaths[8];	   /* times of the last deaths, ring */
	uint32_t deaths_next;
};

void sched_init(struct sched *s, const struct sched_conf *conf);
void sched_lead(struct sched *s, msec now);
void sched_unlead(struct sched *s, msec now);
/* Every node believed alive has reported since this node took office. */
void sched_view_complete(struct sched *s, msec now);
/* Every parent known of has been fetched (or there is none).  Reports name them,
 * so before sched_view_complete this says nothing: call it again after that. */
void sched_parents_complete(struct sched *s, msec now);
void sched_note(struct sched *s, msec now, enum sched_what what);
bool sched_due(const struct sched *s, msec now);
msec sched_deadline(const struct sched *s, msec now);
/* Changes noted from here on start another round. */
void sched_started(struct sched *s, msec now);
/* What is no round is under way, until sched_done: none begins, and what was noted stands. */
void sched_busy(struct sched *s);
void sched_done(struct sched *s, msec now, bool ok);

#endif
