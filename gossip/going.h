/*
 * going.h - how a node goes: what it says of it beforehand, signed in its record.
 *
 * A node that restarts is dead to all for some seconds, and back with everything
 * it ran.  So it says so first, and whoever schedules leaves its work alone for as
 * long as it asked.  For votes and liveness it is as dead as any other: only what
 * is made of its death waits.
 *
 *	notice 2 bytes = drained << 15 | seconds << 2 | kind: 0 it stays, 1 it restarts,
 *	                 2 it drains: a schedule is to move its work; 3 it leaves
 *	                 for good (leave.h), which is draining too
 *
 * drained: of one that restarts, so that nobody takes it for free meanwhile.  A release
 * that does not know the bit reads it as the longest grace, which ends when it is back.
 *
 * The grace runs from the death, on the clock of each who saw it: no two clocks
 * are compared.  Who started since then counts from when the tables of others say it
 * was (forget.c), or from when he learned of it.  A record of a later generation ends it.
 * Inner: part of struct mesh, used by the files of gossip/ alone.
 */
#ifndef GOSSIP_GOING_H
#define GOSSIP_GOING_H

#include "members.h"

struct mesh;

enum mesh_going going_kind(const struct member *x);
/* Is its work to be moved away, also while it restarts? */
bool going_drains(const struct member *x);
/* MSEC_NEVER while it is not dead yet; 0 when nobody has to wait for it. */
msec going_wait_until(const struct member *x);
/* May this node lead?  Who restarts does not; who leaves does when nobody who stays
 * is alive to do it. */
bool going_may_lead(const struct mesh *m);
/* This node's own word, outbidding what all know of it as a refutation would. */
void going_say(struct mesh *m, msec now, uint32_t notice);
/* The owner's word on member i. */
void going_told(struct mesh *m, uint32_t i, uint16_t notice);
/* Who shall lead after me, or MEMBER_NONE: an elector that does not go itself. */
uint32_t going_successor(const struct mesh *m);
/* My record, to as many as one datagram each is no burden for. */
void going_tell(struct mesh *m);

#endif
