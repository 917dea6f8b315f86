/*
 * join.h - how a node that belongs to no cluster gets into one; join.c has the picture
 * of the way with the cluster key, enter.h that with a certificate.
 *
 * Inner: part of struct mesh, used by the files of gossip/ alone.
 */
#ifndef GOSSIP_JOIN_H
#define GOSSIP_JOIN_H

#include "packet.h"

struct mesh;

/* How many starts, one each 20 s since 1970 at most (daemon/io/critical.c), others may
 * know of that this node's disk forgot; its clock may have forgotten them too. */
enum { GENERATION_JUMP_MAX = 1 << 27 };

/* A frame from outside any cluster. */
int join_recv(struct mesh *m, msec now, const struct addr *from, uint64_t sender,
    const struct packet *p);
/* This node is a member now: a member said so whose term it may have had a vote in
 * (0: it had none), and who knew it in that life. */
void join_begin(struct mesh *m, msec now, const uint8_t *cluster, uint64_t term,
    uint64_t generation);
/* May that be how often this node started, for all that its own disk and clock say?  What
 * a seed made up could leave it no further start. */
bool join_lives_left(const struct mesh *m, uint64_t generation);
/* A lost disk forgot how often this node started. */
void join_relive(struct mesh *m, msec now, uint64_t generation);
/* Live on in a life above that one, and tell all; pairs get keys anew.  False: there
 * is none. */
bool join_next_life(struct mesh *m, msec now, uint64_t generation);
/* The numbers of this life's frames end: go on in the next one. */
void join_count(struct mesh *m, msec now);
void join_init(struct mesh *m, msec now);
/* A member speaks from there. */
void join_heard(struct mesh *m, const struct addr *from);
/* One more is about to follow the last one; the last one took the place of that one. */
void join_seed_added(struct mesh *m);
void join_seed_dropped(struct mesh *m, size_t index);
void join_tick(struct mesh *m, msec now);
msec join_deadline(const struct mesh *m);

#endif
