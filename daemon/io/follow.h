/*
 * follow.h - when the leader announces a schedule that this node does not have
 * yet: fetch it (from the leader, then from any member), keep it, apply it.
 * Never an older one than the one in force.  One that does not come from the
 * one in force (two sides met) waits a little: the leader is about to issue one
 * that comes from both, and that one restarts less.
 *
 * Of a large mesh it is read in turns of the loop before it is kept: who has it in force
 * has it at hand, and nobody who can be heard waits for all of it.
 */
#ifndef IO_FOLLOW_H
#define IO_FOLLOW_H

#include "../core/plan.h"
#include "fetch.h"
#include "turns.h"

struct engine;

enum {
	FOLLOW_RETRY_MS = 500,
	/* After a heal: for the leader to merge what this side did meanwhile. */
	FOLLOW_MERGE_MS = 2000,
};

struct follow {
	struct fetch *fetch; /* under way, or NULL */
	bool reading;	     /* what was fetched: got, of which plan is read up to at */
	struct schedule got;
	struct plan plan;
	size_t at;
	struct work turn;
	uv_timer_t retry;
	uint32_t failures; /* of this announcement; picks the next holder */
	struct hash wanted;
	msec wanted_since;
	char error[ERR_TEXT_CAP]; /* of the last try, or "" */
	struct hash other; /* what was refused last, as the stamp in force has another content */
	char twice[ERR_TEXT_CAP]; /* that, in words, until a newer one is in force; or "" */
};

void follow_init(struct engine *e);
/* It was fetched: read it, then keep it and have it in force, unless something newer is by
 * then.  Takes s, if it is due. */
void follow_fetched(struct engine *e, struct schedule *s);
/* This node leads now: nothing to follow. */
void follow_stop(struct engine *e);
/* A newer one is in force: that is over. */
void follow_newer(struct engine *e);
/* The mesh moved: is there something newer to fetch? */
void follow_look(struct engine *e);

#endif
