/*
 * starting.h - a member without its mesh machine: its key is not there yet, is gone, or
 * what it must remember could not be written and its engine ends.  It is a member all the
 * same, and says which of these it is instead of what a host of no cluster says.
 *
 *	start -> key asked of the supervisor -> questions wait a moment -> answered by the machine
 *	                                   `-> why not: said, and nothing is made in its place
 *	start -> can't go on within LONG_MS -> says why to whoever asks, LAST_MS long -> exit
 *
 * An engine that ends young would end again and again, and nobody who asks in between
 * would hear why: so it stays, mute to all other nodes, for as long as the supervisor
 * would hold the next one back.
 */
#ifndef IO_STARTING_H
#define IO_STARTING_H

#include "ctl.h"

struct engine;

enum { STARTING_HOLD_MS = 2000, STARTING_LONG_MS = 10000, STARTING_LAST_MS = 10000 };

struct starting {
	struct ctl_req *held[CTL_CONNS_MAX]; /* until there is a machine */
	size_t count;
	const char *ends; /* why this engine ends, which answers for the last time; NULL */
};

/* Is it a member, by its disk, and has no machine? */
bool starting_is(const struct engine *e);
/* Keep r, which is run by verbs_handle later; false: answer it now. */
MUST_CHECK bool starting_holds(struct engine *e, struct ctl_req *r);
/* There is a machine, or it is known why not: what was held is run. */
void starting_over(struct engine *e);
/* Once a second: who waited too long is answered as things are. */
void starting_second(struct engine *e);
/* What mesh status says of it, or NULL; may write text. */
const char *starting_problem(const struct engine *e, char text[ERR_TEXT_CAP], const char **hint);
/* The same as an answer to r: there is no machine to ask; false: there is, or it is no member. */
bool starting_refuses(const struct engine *e, struct ctl_req *r);
/* The last words of an engine that can't go on, if it is young; then it exits. */
void starting_ends(struct engine *e, int code, const char *why) __attribute__((noreturn));

#endif
