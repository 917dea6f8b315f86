/*
 * critical.h - the few facts that must be on disk before a packet that depends
 * on them leaves: cluster, generation, term, vote, last applied schedule.
 * One file, state-dir/critical, two checksummed slots written in turn: a torn
 * write loses at most the newer one, and nothing had depended on that yet.
 */
#ifndef IO_CRITICAL_H
#define IO_CRITICAL_H

#include "../../gossip/mesh.h"
#include "../base/err.h"

struct critical {
	int fd;	      /* owned; -1 = closed */
	uint64_t seq; /* of the newest good slot */
	char warning[ERR_TEXT_CAP]; /* what critical_open had to say, or "" */
};

/*
 * Open or make the file, load the newest good slot into *out, raise
 * out->generation by one and save it at once: when this returns 0 the new
 * generation is durable.  No good slot in a file that is there: warning is
 * set and a fresh record starts, its generation the wall clock in thirds of a minute, so
 * that it still rises.  out->roster is NULL (the roster lives in the store).
 * EXIT_STATE when the disk fails or the file is of a newer meshd.
 */
MUST_CHECK int critical_open(struct critical *c, int state_fd,
    struct mesh_saved *out, struct err *err);
/* Durable on return 0 (pwrite, fdatasync); the roster is not written here.
 * EXIT_STATE on any failure: the caller must stop (reliability: fsyncgate). */
MUST_CHECK int critical_save(struct critical *c, const struct mesh_saved *s,
    struct err *err);
void critical_close(struct critical *c);

#endif
