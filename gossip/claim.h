/*
 * claim.h - how far a member's word of terms, stamps and rosters counts.
 * Inner: part of struct mesh, used by the files of gossip/ alone.
 */
#ifndef GOSSIP_CLAIM_H
#define GOSSIP_CLAIM_H

#include "packet.h"

struct mesh;

/* 0, or the negative ERR_ for which a datagram of member `from` counts as not heard. */
int claim_check(struct mesh *m, msec now, uint32_t from, const struct packet *p);
/* This node leads: by the word of that member it should ask for votes in `term` at
 * least, before it issues anything.  Believed, or not yet. */
void claim_above(struct mesh *m, msec now, uint32_t from, uint64_t term);
/* The stamp of what that member acts on: the same, when it is above what is issued here. */
void claim_stamp(struct mesh *m, msec now, uint32_t from, const struct stamp *s);

#endif
