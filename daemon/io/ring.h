/*
 * ring.h - the cluster keys on disk, once there is more than the one of the
 * administrator's file: state-dir/keys, mode 0600, made by the first change of
 * keys or by joining a cluster that had one.  From then on the file that
 * `cluster-key` names is only what this host came in with; until it leaves: then
 * nothing but that file says a key.
 *
 *	 0           8           12      16              4 entries of 36             160
 *	 +-----------+-----------+-------+---------------+------------------+-------+
 *	 | MESHKEYS  | version 0 | count | epoch | key 32 | ... zeroes       | sum 32|
 *	 +-----------+-----------+-------+---------------+------------------+-------+
 *	numbers of 4 bytes, little-endian; sum = BLAKE2b-256 of all before it
 */
#ifndef IO_RING_H
#define IO_RING_H

#include "../../gossip/saved.h"
#include "crypto.h"

/* Into k; 0 and nothing when there is no such file.  EXIT_KEY: it is not a regular
 * file of mode 0600, or damaged; never replaced by itself. */
MUST_CHECK int ring_load(int state_fd, struct keyring *k, struct err *err);
/* The administrator's file says this key: taken as the one of epoch used, unless one
 * is in use or of that epoch.  False: it is none of those held. */
bool ring_offer(struct keyring *k, uint32_t used, const uint8_t key[KEY_BYTES]);
/* Before critical_save: durable on return 0, when it differs from what is there; then
 * k->key is the one in use.  EXIT_STATE. */
MUST_CHECK int ring_save(int state_fd, struct keyring *k, const struct mesh_keys *keys,
    struct err *err);

/* No key is kept any more; durable on return 0, also when there was none.  EXIT_STATE. */
MUST_CHECK int ring_forget(int state_fd, struct err *err);

#endif
