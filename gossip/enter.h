/*
 * enter.h - the way into a cluster that has a CA, for a node with a certificate and no
 * key; and for a member that lost the key.
 *
 *	newcomer                                   any member
 *	  ENTER nonce, my key, certificate    ->
 *	                                      <-   ENTERED nonce, a cookie
 *	  ENTER the same, the cookie          ->   the chain is checked: is it let in?
 *	                                      <-   ENTERED nonce, epoch, why not,
 *	                                           [pk 32 | box 80 | sig 64 | certificate]
 *	  the giver's chain is checked, the
 *	  box opened; both are on disk
 *	  WHO, my record with certificate     ->   from here on as in pair.h
 *
 * All bare frames (seal.h): the newcomer has no key.  Until the cookie came back the
 * member keeps nothing and checks nothing; an ENTER carries as many bytes as the
 * longest ENTERED.  The box is the cluster key in use, sealed to the newcomer's
 * identity, or zeroes where the answer is no: then `why` says why not (entry.h), and
 * is signed too.
 *
 *	sig over "mesh enter 1" | cluster 16 | newcomer's key 32 | epoch 4 | word 8 | nonce 8
 *	       | why 2 | last life 8 | term 8 | box 80
 *
 * While the key changes nobody is answered: who comes in has the one that stays.
 *
 * Inner: part of struct mesh, used by the files of gossip/ alone.
 */
#ifndef GOSSIP_ENTER_H
#define GOSSIP_ENTER_H

#include "entry.h"
#include "keys.h"

struct mesh;
struct out;

enum {
	ENTERED_BYTES_MAX = KEY_BLOB_BYTES + CERT_BYTES_MAX,
	/* pk 32, length 2, certificate, ballast: an answer is never longer */
	ENTER_BYTES = ENTERED_BYTES_MAX + 48,
	ENTER_ANSWERS = 8,
	ENTER_TOLD = 8, /* so many refusals are told in one ENTER_ANEW_MS, each once; half of them of certificates */
	ENTER_ANEW_MS = 300000,
};

struct enter {
	uint64_t nonce;	   /* of my question; 0 = none yet */
	uint64_t returned; /* the cookie I gave back last */
	struct mesh_refusal refusal;
	struct mesh_newcomer told[ENTER_TOLD];
	struct ration given;
	/* to be signed when it is polled */
	struct enter_answer {
		uint8_t pk[KEY_BYTES];
		uint64_t serial, term, lived;
		enum mesh_entry why;
	} answers[ENTER_ANSWERS];
	uint64_t serial;
};

/* Does this node need to be let in? */
bool enter_wanted(const struct mesh *m);
/* Why not, from there; x: the certificate of who proved it, or NULL.  -ERR_CERT. */
int enter_refused(struct mesh *m, msec now, const struct addr *from, enum mesh_entry why,
    const struct cert *x);
/* Tell, unless it was told a while ago, who was not let in and why; from may be NULL, and
 * x, whose certificate holds, too. */
void enter_tell(struct mesh *m, msec now, uint64_t short_id, const struct addr *from,
    const struct cert *x, enum mesh_entry why);
/* Ask that seed. */
void enter_ask(struct mesh *m, const struct addr *seed);
/* A bare frame of that sender. */
int enter_recv(struct mesh *m, msec now, const struct addr *from, uint64_t sender,
    const struct packet *p);
/* The bytes of ENTER and ENTERED; scratch holds ENTER_BYTES. */
void enter_fill(struct mesh *m, const struct out *o, struct packet *p, uint8_t *scratch);

#endif
