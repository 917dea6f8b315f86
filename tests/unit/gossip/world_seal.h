/*
 * world_seal.h - who the nodes of a test world are, and how they seal: hashes
 * that every test can make itself.  Included by world_crypto.h alone.
 */
#ifndef TEST_WORLD_SEAL_H
#define TEST_WORLD_SEAL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>

#include "world_ring.h"

static inline void
world_tag(uint8_t *out, const uint8_t *in, size_t len, const uint8_t *ad, size_t ad_len,
    const uint8_t *nonce, uint64_t key)
{
	uint64_t h = key;

	for (size_t i = 0; i < ad_len; i++)
		h = prng_mix(h ^ ad[i]);
	for (size_t i = 0; i < SEAL_NONCE_BYTES; i++)
		h = prng_mix(h ^ nonce[i]);
	for (size_t i = 0; i < len; i++)
		h = prng_mix(h ^ in[i]);
	for (size_t i = 0; i < SEAL_TAG_BYTES; i++)
		out[i] = (uint8_t)(prng_mix(h + i));
}

static inline void
world_seal(void *arg, uint32_t epoch, uint8_t *out, const uint8_t *in, size_t len,
    const uint8_t *ad, size_t ad_len, const uint8_t *nonce)
{
	memmove(out, in, len);
	world_tag(out + len, out, len, ad, ad_len, nonce, world_key_of(arg, epoch));
}

static inline int
world_open(void *arg, uint32_t epoch, uint8_t *out, const uint8_t *in, size_t len,
    const uint8_t *ad, size_t ad_len, const uint8_t *nonce)
{
	uint8_t want[SEAL_TAG_BYTES];

	if (len < SEAL_TAG_BYTES || world_key_of(arg, epoch) == 0)
		return -ERR_AUTH;
	world_tag(want, in, len - SEAL_TAG_BYTES, ad, ad_len, nonce, world_key_of(arg, epoch));
	if (memcmp(want, in + len - SEAL_TAG_BYTES, SEAL_TAG_BYTES) != 0)
		return -ERR_AUTH;
	memmove(out, in, len - SEAL_TAG_BYTES);
	return 0;
}

/* Both keys and both lives, one way; a hash of 8 bytes, four times. */
static inline void
world_key(uint8_t *out, const uint8_t *a, const uint8_t *b, const uint8_t *from, const uint8_t *to)
{
	uint64_t h = 5;

	for (size_t i = 0; i < KEY_BYTES; i++)
		h = prng_mix(h ^ (uint64_t)(a[i] + b[i]) << 8 ^ (uint64_t)(a[i] * b[i]));
	for (size_t i = 0; i < ID_BYTES + SALT_BYTES; i++)
		h = prng_mix(h ^ (uint64_t)from[i] << 8 ^ to[i]);
	for (size_t i = 0; i < KEY_BYTES; i++)
		out[i] = (uint8_t)(h >> i % 8 * 8);
}

static inline int
world_pair(void *arg, uint8_t *tx, uint8_t *rx, const uint8_t *pk, const uint8_t *me,
    const uint8_t *peer)
{
	uint8_t mine[KEY_BYTES];

	world_pk((uint32_t)((uintptr_t)arg >> 8), mine);
	world_key(tx, mine, pk, me, peer);
	world_key(rx, mine, pk, peer, me);
	return 0;
}

static inline void
world_nonce(uint8_t nonce[SEAL_NONCE_BYTES], const uint8_t *key, uint64_t counter)
{
	memcpy(nonce, key, 16);
	memcpy(nonce + 16, &counter, 8);
}

static inline void
world_pair_seal(void *arg, const uint8_t *key, uint8_t *out, const uint8_t *in, size_t len,
    const uint8_t *ad, size_t ad_len, uint64_t counter)
{
	uint8_t nonce[SEAL_NONCE_BYTES];

	(void)arg;
	world_nonce(nonce, key, counter);
	world_seal((void *)(uintptr_t)0xffff00, 0, out, in, len, ad, ad_len, nonce);
}

static inline int
world_pair_open(void *arg, const uint8_t *key, uint8_t *out, const uint8_t *in, size_t len,
    const uint8_t *ad, size_t ad_len, uint64_t counter)
{
	uint8_t nonce[SEAL_NONCE_BYTES];

	(void)arg;
	world_nonce(nonce, key, counter);
	return world_open((void *)(uintptr_t)0xffff00, 0, out, in, len, ad, ad_len, nonce);
}

static inline void
world_wipe(void *arg, void *p, size_t len)
{
	(void)arg;
	memset(p, 0, len);
}

/* What this world seals, everybody can read. */
static inline void
world_decode(const uint8_t *buf, size_t len, struct packet *p)
{
	struct seal_frame f;
	size_t from;

	assert_int_equal(seal_read(buf, len, &f), 0);
	from = seal_header_bytes(f.form);
	len -= from + (f.form == SEAL_BARE ? 0 : SEAL_TAG_BYTES);
	assert_int_equal(packet_decode(buf + from, len, p), 0);
	assert_true((f.form == SEAL_PAIR || f.form == SEAL_BARE) == (p->kind != PACKET_HELLO && p->kind != PACKET_WHO &&
	    p->kind != PACKET_TWIN && p->kind != PACKET_JOIN && p->kind != PACKET_JOINED));
}

#endif
