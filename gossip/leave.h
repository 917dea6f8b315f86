/*
 * leave.h - leaving for good: the vote first, then the goodbye.
 *
 *	STAYS --- mesh_leaving --> LEAVING    in its signed record (going.h); on disk
 *	LEAVING - a roster without it is in force --> LEFT    on disk, then signed
 *	LEFT ---- told for BYE_MS --> silence    and the caller wipes what it holds
 *
 * Whoever only says goodbye takes a vote away that those who stay may need to agree that
 * it is gone: of two, the other would never lead again.  So the leaver asks, and the
 * leader wants no vote for it any more; it votes, echoes and stores what it is sent
 * until the change is over.  The roster without it is not for its disk (roster.c:
 * leaves_me_out): until that is in force its vote in the one before may be needed.  In
 * force it is once a quorum of those it names stored this very one, and the leaver asks
 * them, as a node does that knows no roster (PREVOTE for no term; PREVOTED tells what
 * its sender stored).  A later id would not do: a leader that does not know this roster
 * makes one of the roster before, which has the leaver in it.
 *
 * Who had no vote yet waits until the leader has its word, so that no change under way
 * counts on it.  A leader hands over first.  Where all leave, the last to lead stays.
 *
 * So who hears LEFT of one that went this way, and still holds a roster that names it, knows
 * that this is history, and counts no vote of it by that: it may come back and have
 * forgotten all (roster_spent).  Who is told to go at once has not given its vote away, and
 * says LEFT without the word of LEAVING.
 *
 * LEFT ends this generation in all tables, without a suspicion: for BYE_MS the leaver
 * answers who pings it, with its record, and says nothing else.  A crash on the way
 * leaves LEAVING on disk, and the next life goes on with it; or LEFT, and the next
 * life is silent.  Its disk then says which cluster it left (saved.h), and seeds bring
 * it back only when an operator says so (mesh_return).
 *
 * Inner: part of struct mesh, used by the files of gossip/ alone.
 */
#ifndef GOSSIP_LEAVE_H
#define GOSSIP_LEAVE_H

#include "roster.h"

struct leave {
	struct roster_id without; /* fetched whole, and names others alone; version 0: none */
	msec ask_at;
	msec agreed;	     /* without a vote: since when the leader knows; 0 = does it? */
	msec bye_at, end_at; /* told next, told enough; 0 = it did not say goodbye */
};

/* After a start: what was on disk of it. */
void leave_init(struct mesh *m);
/* Is what is being fetched, a roster without me, to be kept for that? */
bool leave_fetched(struct mesh *m, msec now);
/* It is held already. */
bool leave_holds(const struct mesh *m, const struct roster_id *id);
/* Member from stored that one. */
void leave_told(struct mesh *m, msec now, uint32_t from, const struct roster_id *id);
/* A beat of its leader's: the roster that is known here is the one it has. */
void leave_led(struct mesh *m, uint32_t from, const struct packet *p);
/* Member from has a table of that hash. */
void leave_compared(struct mesh *m, msec now, uint32_t from, uint64_t hash);
/* It said goodbye, and still answers. */
bool leave_said(const struct mesh *m);
/* Then this is all the answer there is. */
int leave_recv(struct mesh *m, uint32_t from, const struct packet *p);
void leave_tick(struct mesh *m, msec now);
msec leave_deadline(const struct mesh *m);
/* Kept out until somebody says otherwise: no seed is asked. */
bool leave_keeps_out(const struct mesh *m);
/* A member of that cluster from now on: what it had of another is history. */
void leave_entered(struct mesh *m, const uint8_t *cluster);

#endif
