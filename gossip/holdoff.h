/*
 * holdoff.h - what an elector may have promised in a life that it forgot, and how
 * long it therefore binds itself to nobody.
 *
 * An elector that starts finds on its disk how long a promise of its may live
 * (mesh_saved.promise_ms), waits that long, and then is free.
 *
 * One that lost its disk finds nothing, and what it promised was the lease of some
 * leader: of any profile (pace.h), or configured.  It is let in as somebody who had a
 * vote; then it waits as long as the slowest of those that have one could have asked
 * for.  Each tells that in the features of its introduction (wire.h).  Whoever has
 * not, since then, may be the one that leads, cut off: for him the longest that any
 * profile asks for in a roster of that size is waited, or what is configured here, if
 * that is more.  (A leader
 * whose own configuration asks for more than either, whom nobody hears, and who was
 * promised that by who then lost its disk: that one could be a second one.)  An
 * introduction is of the life that tells it: a promise to an earlier one is to nobody.
 *
 * Inner: part of struct mesh, used by the files of gossip/ alone.
 */
#ifndef GOSSIP_HOLDOFF_H
#define GOSSIP_HOLDOFF_H

#include "base.h"

struct mesh;
struct packet;

/* What this node says of the leases that it asks for, in the bits of
 * WIRE_LEASE_MASK: 0 = as its profile does. */
uint32_t holdoff_feature(msec lease_ms);
/* At a start, also of a membership: from what is saved. */
void holdoff_init(struct mesh *m, msec now);
/* May an old promise be alive still? */
bool holdoff_lasts(const struct mesh *m, msec now);
/* Does this leader's beat show that none is, or that it was given to him? */
bool holdoff_outlived(const struct mesh *m, uint32_t from, const struct packet *p);
/* It follows one that may be followed. */
void holdoff_end(struct mesh *m, msec now);

#endif
