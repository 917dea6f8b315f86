/*
 * world_ring.h - who the nodes of a test world are, and which cluster keys each
 * holds.  Included by world_seal.h alone.
 */
#ifndef TEST_WORLD_RING_H
#define TEST_WORLD_RING_H

#include "../../../gossip/be.h"
#include "../../../gossip/inner.h"

static inline struct node_id
world_id(uint32_t i)
{
	struct node_id id = {{(uint8_t)(i + 1), 0xaa}};

	return id;
}

/* A key begins with the id: its hash is itself, so that n0 < n1 < n2. */
static inline void
world_pk(uint32_t i, uint8_t *pk)
{
	struct node_id id = world_id(i);

	memset(pk, 0x55, KEY_BYTES);
	memcpy(pk, id.b, ID_BYTES);
}

/* The cluster key of an epoch is its first one and the number; who holds which is
 * all that there is to know.  Bit e of a node; the first is held when it is 0. */
static uint64_t world_held[256];

static inline uint64_t *
world_ring(void *arg)
{
	return &world_held[(uintptr_t)arg >> 8 & 0xff];
}

static inline uint64_t
world_key_of(void *arg, uint32_t epoch)
{
	bool held = (*world_ring(arg) >> epoch % 64 & 1) != (epoch == 0);

	return held ? (uint8_t)(uintptr_t)arg + UINT64_C(1000) * epoch + 1 : 0;
}

static inline int
world_pair_epoch(void *arg, uint32_t epoch, uint8_t *key, const uint8_t *secret)
{
	for (size_t i = 0; i < KEY_BYTES; i++)
		key[i] = (uint8_t)prng_mix(secret[i] + world_key_of(arg, epoch));
	return world_key_of(arg, epoch) != 0 ? 0 : -ERR_AUTH;
}

static inline void
world_key_make(void *arg, uint32_t epoch)
{
	if (world_key_of(arg, epoch) == 0)
		*world_ring(arg) ^= UINT64_C(1) << epoch % 64;
}

static inline void
world_key_drop(void *arg, uint32_t epoch)
{
	if (world_key_of(arg, epoch) != 0)
		*world_ring(arg) ^= UINT64_C(1) << epoch % 64;
}

static inline void
world_key_move(void *arg, uint32_t from, uint32_t to)
{
	world_key_drop(arg, from);
	world_key_make(arg, to);
}

static inline int
world_key_wrap(void *arg, uint32_t epoch, const uint8_t *pk, uint8_t *box)
{
	memset(box, 0, KEY_BOX_BYTES);
	memcpy(box, pk, KEY_BYTES);
	be_put(box + KEY_BYTES, world_key_of(arg, epoch), 8);
	return world_key_of(arg, epoch) != 0 ? 0 : -ERR_AUTH;
}

static inline int
world_key_unwrap(void *arg, uint32_t epoch, const uint8_t *box)
{
	uint8_t mine[KEY_BYTES];

	world_pk((uint32_t)((uintptr_t)arg >> 8), mine);
	if (memcmp(mine, box, KEY_BYTES) != 0)
		return -ERR_AUTH;
	world_key_make(arg, epoch);
	return 0;
}

static inline uint64_t
world_key_peek(void *arg, const uint8_t *box)
{
	uint8_t mine[KEY_BYTES];

	world_pk((uint32_t)((uintptr_t)arg >> 8), mine);
	return memcmp(mine, box, KEY_BYTES) == 0 ? be_get(box + KEY_BYTES, 8) : 0;
}

static inline uint64_t
world_key_id(void *arg, uint32_t epoch)
{
	return world_key_of(arg, epoch);
}

#endif
