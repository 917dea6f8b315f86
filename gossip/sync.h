/*
 * sync.h - two tables that differ are made equal, without a table for each of those who
 * notice.
 *
 *	anybody      PING, ACK       ->  the hash of all I know
 *	who differs  SYNC            ->  32 buckets: hash of lives and states, of lives alone
 *	the other    <-  TABLE ...       of the buckets that differ; SYNC, for its own lacks,
 *	                                 unless the asker has so much news that it spreads
 *	                                 anyway, and the other will ask too
 *
 * A TABLE has a member as a short word (id, life, state) where only states differ, and
 * whole, as its owner signed it, where the lives do.  A heal makes states differ
 * everywhere, so short words are most of it.  But many who refute at once make the lives of
 * all buckets differ: whole tables would go from all to all, of records that gossip carries
 * within seconds anyway.  So while many owners renew their records no whole ones are handed
 * out - for a while, not for ever: a mesh may be restless for long, and newcomers need them.
 * (Of a cut that heals while it is noticed nobody has to refute: cut.c.)
 *
 * Inner: part of struct mesh, used by the files of gossip/ alone.
 */
#ifndef GOSSIP_SYNC_H
#define GOSSIP_SYNC_H

#include "base.h"

enum { SYNC_RENEWALS = 8 }; /* a second, of a quarter of the buckets: "many" */

struct sync {
	msec at, changed_at; /* next question allowed; table last moved */
	uint64_t last_hash;  /* it moved when this is another */
	msec renewals[SYNC_RENEWALS]; /* when the last ones were heard, a ring */
	uint32_t renewals_next;
	msec withheld, opened; /* whole records were, and are handed out again, since; or MSEC_NEVER */
};

struct mesh;
struct packet;

void sync_init(struct mesh *m, msec now);
/* An owner, perhaps this node, outbid its own record within the same life. */
void sync_renewed(struct mesh *m, msec now);
/* from told the hash of its table. */
void sync_consider(struct mesh *m, msec now, uint32_t from, uint64_t hash);
/* SYNC: 0, or what it is dropped for. */
int sync_recv(struct mesh *m, msec now, uint32_t from, const struct packet *p);
void sync_tick(struct mesh *m, msec now);

#endif
