/*
 * hostacts.h - host actions that changed files ask for (on-change: {host-action: NAME}).
 *
 * The supervisor runs them (supervisor/hostact.h); from here it hears a name and a role.
 * What is asked for is kept until it went well, over restarts of the engine and the
 * host: a file that changed while its action was owed is followed by that action.  So one
 * may run once more than files changed, never once less.  Failed, it is tried again, 1 s
 * later, then 2 s, at most 60 s; and says so in `mesh status` until it went well.  One at
 * a time of each action; several changes while it runs are one more run.
 */
#ifndef IO_HOSTACTS_H
#define IO_HOSTACTS_H

#include "../base/err.h"
#include "../base/proto.h"
#include "../core/view.h"

enum { HOSTACTS_WAIT_MAX = 64 };

struct engine;

struct hostacts {
	struct hostact_owed {
		char role[NAME_CAP], action[NAME_CAP];
		uint64_t ticket; /* under way; 0: not */
		msec at;	 /* the next try; under way: the answer comes by then, or never */
		uint32_t failures;
		bool again; /* asked for while it was under way */
		char error[4 * SUP_TEXT_CAP]; /* of the last try, or "" */
	} all[HOSTACTS_WAIT_MAX];
	size_t count;
};

/* What is kept, a line each: "ROLE ACTION\n".  Anything else is nothing of ours: false,
 * and none is owed. */
bool hostacts_parse(struct hostacts *h, const uint8_t *text, size_t len);
MUST_CHECK int hostacts_load(struct engine *e, struct err *err);
/* A file of the role changed. */
void hostacts_want(struct engine *e, const char *role, const char *action);
/* REPLY or EXIT of the supervisor: is it the answer to one of these? */
bool hostacts_event(struct engine *e, const struct sup_event *ev);
/* Answers were lost: what was under way is asked for again. */
void hostacts_lost(struct engine *e);
/* Once a second. */
void hostacts_second(struct engine *e, msec now);
/* How many of them failed, and, as others are told of it, the first `cap` of those. */
size_t hostacts_failed(const struct hostacts *h);
size_t hostacts_view(const struct hostacts *h, struct view_hostact *out, size_t cap);

#endif
