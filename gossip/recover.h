/*
 * recover.h - a roster by order of an operator, when those who could agree on one are
 * gone for good.
 *
 *	 0          8           16                      48                       112
 *	 +----------+-----------+-----------------------+-------------------------+
 *	 | number 8 | "recover" | pk of who recovers 32 | signature 64            |
 *	 +----------+-----------+-----------------------+-------------------------+
 *	signed = "mesh recover 0" | cluster 16 | number 8
 *
 * It has the shape of an eviction (evict.h), and lives among them: told, compared, kept
 * and answered with like these.  Whoever recovers gives up all who are dead: each is
 * evicted, and the roster becomes those who are alive, in one step and without the
 * joint one, for nobody is there to agree.  Safety then rests on the operator's word
 * that they are gone; the command says what that gives up.
 *
 * The roster takes the recovery's number for its term, which is above every term seen:
 * all who belong take it from their leader as any later roster, and a vote for an older
 * one is refused.  Who was given up and returns is refused by name and told the act;
 * by the roster on its own disk whoever signed that has a vote, so it falls silent
 * before it leads anybody: as soon as it sees one of those who went on.
 *
 * Two sides may do so, each of which gives up the other.  They go on calling whom they
 * gave up, and the higher number wins on both: its acts count for those whom it gave up,
 * though their own recovery evicted who signed them.  The lowest bits of a number are of
 * its maker's id, so two are not equal.  Where all hold one key, a node that was given up
 * could make a number above all: as much as it could do before, or as a newcomer; who was
 * put out by name, by whomever, makes nothing that counts.  The two are told apart by who
 * signed: a node that recovered once puts nobody else out.  Where there is a CA,
 * that alone signs, as its decree "recover", over id and pk, and for each evicted over
 * its id, its token and the number (decree.h has both).
 *
 * Inner: part of struct mesh, used by the files of gossip/ alone.
 */
#ifndef GOSSIP_RECOVER_H
#define GOSSIP_RECOVER_H

#include "evict.h"

struct mesh;
struct packet;
struct roster_id;

/* Is that no eviction, but a recovery? */
bool recover_is(const struct eviction *x);
/* The highest held, or EVICT_NONE. */
uint32_t recover_best(const struct mesh *m);
/* Is that roster older than a recovery that is known?  It elects nobody any more: those
 * whom the recovery gave up may be in it, and not know that yet. */
bool recover_voids(const struct mesh *m, const struct roster_id *id);
/* Has its maker a right to it, told by member by?  0, -ERR_UNKNOWN, -ERR_RANGE. */
int recover_may(const struct mesh *m, const struct eviction *x, uint32_t by);
/* Where there is a CA: does it hold, a recovery, or an eviction by one of which the
 * best counts, and any if a voter tells it? */
bool recover_holds(const struct mesh *m, const struct eviction *x, bool any);
/* Without a CA: is it signed by whoever made the best one, and whom nobody put out since? */
bool recover_signed(const struct mesh *m, const struct eviction *x);
/* Did this node make one that is held? */
bool recover_made(const struct mesh *m);
/* It was added to the set, as number k. */
void recover_added(struct mesh *m, msec now, uint32_t k);
/* It came once more, as only who is refused is told it: the rest of it is asked for. */
void recover_again(struct mesh *m, msec now);
/* A HELLO of sender, who is out: only the acts in it are heard, and only from where it is
 * known to be or returned a cookie, as a signature costs. */
void recover_listen(struct mesh *m, msec now, const struct addr *from, uint64_t sender,
    const struct packet *p);
/* Calls whom it gave up, now and then. */
void recover_tick(struct mesh *m, msec now);
msec recover_deadline(const struct mesh *m);

#endif
