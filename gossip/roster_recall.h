/*
 * roster_recall.h - a roster for who knows none, or none with its maker in it: taken when
 * two others say the same.
 *
 * Who lost its disk may have had a vote that is needed to have a leader again, so it asks
 * around: three at random, each half second, by a PREVOTE that can't be granted; the
 * answer names the roster that its sender holds.  What a leader's beat names counts as
 * one word more.  A roster is taken when
 *
 *	two members say the same id and hash; or
 *	one says so, and all others who are up (or seven) answered and know of none: a mesh
 *	begins with one who holds a roster.  Who had a vote, says the one that let it in,
 *	first finds out in a second who else is there; or
 *	for ten seconds no two agreed: then the latest.  In a mesh of two there is but
 *	one to ask, and after a crash in the middle of a change of three there may be two who
 *	differ.
 *
 * So one member gone bad gives nobody a roster of its own while two others are up that
 * agree, unless it is the one seed and names nobody else.  Both of two could.  Who holds a roster, and gets another by one who has a vote
 * there, asks nobody: it is signed by its maker (roster_sign.h).
 *
 * Inner: part of struct mesh, used by the files of gossip/ alone.
 */
#ifndef GOSSIP_ROSTER_RECALL_H
#define GOSSIP_ROSTER_RECALL_H

#include "packet.h"

struct mesh;

enum { RECALL_WORDS = 8 };

struct recall {
	bool had_vote; /* in a life of which it knows nothing, says who let it in */
	msec since; /* when it first heard of one that it did not take; 0 = of none */
	msec doubt_until; /* it holds one, and asks about another until then */
	struct recall_word {
		msec at; /* 0 = none */
		struct roster_id id;
		uint64_t hash; /* 0: not said, by an older release */
		uint16_t from;
	} words[RECALL_WORDS];
};

void recall_tick(struct mesh *m, msec now);
msec recall_deadline(const struct mesh *m);
/* Member from told, asked by recall_tick or leave.c, which roster it holds (roster_told). */
void recall_told(struct mesh *m, msec now, uint32_t from, const struct packet *p);
/* It said so unasked, by a beat. */
void recall_heard(struct mesh *m, msec now, uint32_t from, const struct packet *p);
/* Is there more than one member's word for it? */
bool recall_agreed(const struct mesh *m, msec now, const struct roster_id *id, uint64_t hash);
/* Some roster was taken: what was said is history. */
void recall_over(struct mesh *m);

#endif
