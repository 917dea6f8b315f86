/*
 * turn.h - whose turn it is to ask for votes when nobody leads.
 * Inner: used by elect.c and lead.c alone.
 *
 * Candidates are ranked by priority, then by a hash of the coming term, so that
 * thousands of nodes do not duel; the first few go one step apart, the rest crowd.
 * That ends at once when one of them can win.  Where none can, in a half that was
 * cut off, every one of the crowd would ask all the others again and again until it
 * suspects enough of those beyond the cut: 10 s and more, 200 questions a second at
 * each node of 1,000 (mesh-sim heal), and more with every node.  So in large rosters
 * turns are taken:
 *
 *	asked    an attempt under way is left alone: whose turn would be within it
 *		 draws another one, somewhere in the next TURNS_MS
 *	asking	 in vain: each time waits longer, so that others get theirs
 *
 * About two ask in a second then, however many they are, and always some: when the cut
 * ends the next of them wins.  Nobody is passed over for ever, for he may be the only
 * one whom enough can hear: after 100 ms for each elector, on average, he asks anyway.
 */
#ifndef GOSSIP_TURN_H
#define GOSSIP_TURN_H

#include "base.h"

struct mesh;

/* How many come before this node, were there an election now. */
uint32_t turn_rank(const struct mesh *m, msec now);
/* Whose turn it would be without this leader; MEMBER_NONE: nobody's. */
uint32_t turn_heir(const struct mesh *m, msec now);
/* Nobody leads from now on. */
void turn_begin(struct mesh *m, msec now);
/* How long until it is this node's turn. */
msec turn_wait(struct mesh *m, msec now);
/* The same after an attempt of its own that came to nothing. */
msec turn_again(struct mesh *m, msec now);
/* Somebody asks who may well win: let it. */
void turn_yield(struct mesh *m, msec now);

#endif
