/*
 * toy_keys.h - cluster keys of whatever epoch, all held and all the same: what is
 * sealed under them is what is fuzzed.  Part of toy_crypto.h.
 */
#ifndef FUZZ_TOY_KEYS_H
#define FUZZ_TOY_KEYS_H

#include "../../gossip/crypto.h"

static inline int
copy_pair_epoch(void *arg, uint32_t epoch, uint8_t *key, const uint8_t *secret)
{
	(void)arg, (void)epoch;
	memcpy(key, secret, KEY_BYTES);
	return 0;
}

/* Every key is held by everybody, and all are one. */
static inline void
copy_key(void *arg, uint32_t epoch)
{
	(void)arg, (void)epoch;
}

static inline void
copy_key_move(void *arg, uint32_t from, uint32_t to)
{
	(void)arg, (void)from, (void)to;
}

static inline int
copy_key_wrap(void *arg, uint32_t epoch, const uint8_t *pk, uint8_t *box)
{
	(void)arg, (void)epoch, (void)pk;
	memset(box, 1, KEY_BOX_BYTES);
	return 0;
}

static inline int
copy_key_unwrap(void *arg, uint32_t epoch, const uint8_t *box)
{
	(void)arg, (void)epoch;
	return box[0] != 0 ? 0 : -ERR_AUTH;
}

static inline uint64_t
copy_key_peek(void *arg, const uint8_t *box)
{
	(void)arg;
	return box[0];
}

static inline uint64_t
copy_key_id(void *arg, uint32_t epoch)
{
	(void)arg;
	return epoch + 1;
}

#endif
