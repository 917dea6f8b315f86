/*
 * revert.h - mesh schedule revert STAMP: an older schedule that the leader still has is issued
 * again, under a new stamp, as a child of the one in force.
 *
 *	1.ab.7 (in force)  <- parent -  1.ab.8 = what 1.ab.5 said, state and all
 *
 * So every node takes it as any other, and nobody goes back to an older stamp.  The rails
 * judge it as they judge a script's answer; if one would hold a role, nothing is issued at
 * all, unless it is forced: half of an old schedule is none that ever was.  Parts of nodes
 * that are members no more are left out.  The next round has it as its parent: the scripts go
 * on from its placements and its state, and what they decide otherwise they decide again.
 *
 * One that is kept no more (keep.h) is taken from the recorded round that issued it, if this
 * leader ran it: what the scripts answered then, before the rails, checked against the world of
 * now.  A copy of the engine looks for it.
 */
#ifndef IO_REVERT_H
#define IO_REVERT_H

#include "ctl.h"
#include "stream.h"

struct engine;

/* By any node, which passes it on to the leader. */
void revert_verb(struct engine *e, struct ctl_req *r, const char *stamp, bool force);
/* QUERY_REVERT [stamp, force, who] -> [stamp of the new one or "", why not, hint]. */
void revert_serve(struct engine *e, const uint8_t *payload, size_t len,
    struct stream_answer *answer);

#endif
