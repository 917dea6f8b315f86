/*
 * pair.h - the two keys that each two nodes share while both live, and how they
 * come to them.
 *
 *	n1                                          n2
 *	  HELLO salt 1, nothing             ->        derives: it has both salts
 *	                                    <-        HELLO salt 2, salt 1
 *	  derives; n2 knows my salt: go on
 *	  what waited, under the key 1 -> 2 ->        it opens: n1 knows my salt
 *
 * head of a HELLO or WHO = my salt 16 | yours as I know it 16 | cookie for you 8 | yours 8
 *                        | versions of the wire that I speak 6 (wire.h)
 *
 * Each carries a cookie for who gets it, and gives back the one it answers.  Whoever
 * is not a member at the address that its owner signed, and gives none back, is
 * asked with a WHO of no more bytes, and his record is not looked at (cookie.h).
 *
 * A salt is drawn at every start.  The keys come from both identities, both
 * salts and the cluster key, whose successors each give new ones at once (keys.h), so nothing recorded in an earlier life of either
 * side opens again, and no member can speak as another.  HELLO, WHO ("introduce
 * yourself": a HELLO with a record is due), TWIN (twin.h), JOIN and JOINED are all that
 * travels under the key that all share.  What they carry is safe from anybody who has
 * it, and from whoever repeats them: records that their owners signed, acts of eviction
 * (a HELLO may be the notice of one; they count by their signer's vote, evict.h), and
 * salts, of which the one that a word was sealed under counts, in the life that the
 * signed record names.  A member gone bad can end another's session with a salt
 * of its own making; it can neither listen nor speak in it.
 *
 * Inner: part of struct mesh, used by the files of gossip/ alone.
 */
#ifndef GOSSIP_PAIR_H
#define GOSSIP_PAIR_H

#include "packet.h"
#include "pairs.h"

struct mesh;

enum {
	SALTS_BYTES = 2 * SALT_BYTES,
	WIRE_AT = SALTS_BYTES + 16, /* after the cookies: for you to return, yours back */
	HELLO_HEAD_BYTES = WIRE_AT + WIRE_BYTES,
	/* A HELLO without a record: array, kind, head, no rumours. */
	HELLO_BYTES = SEAL_SHARED_OVERHEAD + 1 + 1 + 2 + HELLO_HEAD_BYTES + 1,
	SOURCES = 256,
};

/* The key to seal to member i with: it stands. */
const uint8_t *pair_tx(struct mesh *m, uint32_t i);
/* Opens what p's owner sealed under the cluster key of frame->epoch. */
MUST_CHECK int pair_open(struct mesh *m, struct pair *p, const struct seal_frame *frame,
    const uint8_t *buf, size_t len, uint8_t *body, size_t *body_bytes);
/* The version of the wire to speak with member i: it stands. */
uint8_t pair_version(const struct mesh *m, uint32_t i);
/* Can I seal to member i, and does it open that? */
bool pair_stands(const struct mesh *m, uint32_t i);
/* A HELLO or WHO: authentic, but perhaps repeated. */
int pair_recv(struct mesh *m, msec now, const struct addr *from, const struct seal_frame *frame,
    const struct packet *p);
/* A pair frame without keys, as after my restart: say HELLO, when that costs
 * nobody; len is what it may cost. */
void pair_stranger(struct mesh *m, msec now, const struct addr *from, const struct seal_frame *frame,
    size_t len);
/* Member i sealed something under my salt: it stands, what waited may go. */
void pair_heard(struct mesh *m, msec now, uint32_t i);
/* Keep o for member i; true when a HELLO is due in its place. */
struct out;
bool pair_park(struct mesh *m, msec now, const struct out *o);
/* Its owner began another life: the keys are of the last one. */
void pair_drop(struct mesh *m, uint32_t i, uint64_t generation);
/* My salt and that of member i, as far as known; out holds SALTS_BYTES. */
void pair_salts(const struct mesh *m, uint32_t i, uint8_t *out);
/* Was this source left alone for a while?  Who proved nothing, or may be a
 * recording, is answered no more often. */
bool pair_source(struct mesh *m, msec now, const struct addr *from);

#endif
