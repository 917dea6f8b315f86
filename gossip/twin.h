/*
 * twin.h - one identity in two places, as after a disk was copied: found, named,
 * and of the two the one that began its life later falls silent.
 *
 * Whoever uses my identity elsewhere says HELLO as me, or its record reaches me
 * as a rumour; and who met the other one first says to the second where that is (a
 * hint).  None of that proves anything: records are repeated, packets are moved.
 * So I ask at that address, and only who signs my fresh question with my own key
 * is a twin:
 *
 *	question, answer
 *	 0         16         32      40         48      56    57            121
 *	 +---------+----------+-------+----------+-------+-----+-------------+
 *	 | salt 16 | salt of  | nonce | genera-  | age   |stay | signature   |
 *	 |         | asker 16 | 8     | tion 8   | ms 8  | 1   | 64          |
 *	 +---------+----------+-------+----------+-------+-----+-------------+
 *	hint: address 18
 *
 * All numbers are big-endian.  In a question the second salt and the signature are
 * zero and the nonce is new; an answer repeats the asker's salt and nonce and signs
 * "mesh twin 0" | cluster 16 | the 57 bytes before the signature.  Both are of one
 * length, so an answer never is longer than its question.
 *
 * One of the two judges, that of the lower salt: it stays when its own age is at
 * least the one that the other signed for it, and sticks to that.  An answer says
 * of its giver UNDECIDED, STAYS or SILENT.  The judge falls silent by its own
 * verdict, the other one when the judge signed STAYS for its salt and at no other
 * time, and for good; so however late packets are, exactly one of two stays, and
 * it is the older one where that is more than a packet's way.  Who stays takes a
 * life above the other's, so that all tables come back to it.
 *
 * A copy may end before anything was judged, and leave a life above mine in the tables
 * of others: these refuse me, and say where it was.  Who is told so for some seconds
 * while nobody answers there takes a life above it; each time a higher one, and not for
 * ever, for a hint proves nothing.  The same is said to who comes from where it was known:
 * its disk was lost, and whoever let it in knew of an older life only.  From one that
 * hears its present life that says nothing: a word of an older one came late, or again.
 *
 * Inner: part of struct mesh, used by the files of gossip/ alone.
 */
#ifndef GOSSIP_TWIN_H
#define GOSSIP_TWIN_H

#include "packet.h"

struct mesh;

enum {
	TWIN_BYTES = 2 * SALT_BYTES + 3 * 8 + 1 + SIG_BYTES,
	TWIN_HINT_BYTES = 18,
	TWIN_JUDGED = 4, /* as many copies of one disk are told apart at once */
};

struct twin {
	msec ask_at;	  /* the next question is allowed */
	msec asked;	  /* the last one was sent; 0 = none */
	uint64_t nonce;	  /* of it */
	uint8_t again;	  /* so often it is sent again while nobody answers */
	struct addr addr; /* where I asked */
	struct addr answer_to; /* who asked me, ... */
	uint8_t answer[TWIN_BYTES]; /* ... and what I say */
	struct addr other; /* where one lives that signed */
	msec proved;	   /* 0 = none ever did */
	bool yielded;	   /* I am the one that fell silent */
	uint64_t life;	   /* the highest that another one of me signed */
	msec hinted, unanswered; /* last hint; first one since an answer, 0 = none */
	uint32_t gone;	   /* how often it was gone */
	struct judged {
		uint8_t salt[SALT_BYTES]; /* of whom I judged */
		bool stay;		  /* I do */
	} judged[TWIN_JUDGED];
	uint32_t judged_count; /* ever; the oldest is forgotten first */
};

/* Perhaps one lives there: ask it, when that is not too often. */
void twin_suspect(struct mesh *m, msec now, const struct addr *at);
/* Under the key of all, sealed by one of my name. */
int twin_recv(struct mesh *m, msec now, const struct addr *from, const struct packet *p);
/* Member `sender` says where one is. */
int twin_hint(struct mesh *m, msec now, uint64_t sender, const struct packet *p);
/* Who says it is member i is not who I know as that: say where the one I know is.
 * At once to who returned a cookie from there: asking for it used up what a source
 * may have, and what is said is shorter than what came. */
void twin_point(struct mesh *m, msec now, const struct addr *from, uint32_t i, bool returned);
/* A question or its answer may be lost, and who fell silent gives no other cause. */
void twin_tick(struct mesh *m, msec now);
msec twin_deadline(const struct mesh *m);
/* The bytes of a TWIN to be sent; out holds TWIN_BYTES.  How many. */
size_t twin_fill(struct mesh *m, msec now, const struct addr *to, uint64_t hint, uint8_t *out);

#endif
