/*
 * vouch.h - what a node says of itself, signed, so that others can pass it on.
 *
 * Its record (generation, incarnation, name, address, meta) and whether it is a
 * member or has left are the owner's to tell; that it looks dead is anybody's.
 * So a rumour of the living and of those who left carries the owner's key and
 * signature, and an accusation moves only a life that its owner once signed.
 *
 *	signed = "mesh record 0" | cluster 16 | pk 32 | left? 1 | generation 8
 *	       | incarnation 4 | notice 2 | ip 16 | port 2 | name length 1 | name | meta
 *
 * Big-endian.  The id is the first 16 bytes of BLAKE2b(pk): nobody can choose
 * another's.  Inner: part of struct mesh, used by the files of gossip/ alone.
 */
#ifndef GOSSIP_VOUCH_H
#define GOSSIP_VOUCH_H

#include "packet.h"

struct mesh;

/* What r says, with r->pk's signature under c's key to sig. */
void vouch_sign(const struct crypto *c, const uint8_t *cluster, const struct rumour *r,
    uint8_t *sig);
/* Sign my own record as the table has it now: after every change of it. */
void vouch_self(struct mesh *m);
/* Whose record a long rumour is: r->id, from its key. */
void vouch_id(const struct mesh *m, struct rumour *r);
/* Did the owner say so, in that cluster?  r is long.  Costs a verification. */
bool vouch_holds(const struct mesh *m, const uint8_t *cluster, const struct rumour *r);

#endif
