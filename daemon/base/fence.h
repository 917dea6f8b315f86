/*
 * fence.h - until when an exclusive instance may run, as a file that the
 * supervisor writes and pid 1 of the container reads (INIT_FD_FENCE).
 *
 *   "MFENCE1\n" | boot u64 | deadline u64 | FNV-1a of those 24 bytes u64
 *
 * all little-endian.  boot names the boot whose CLOCK_BOOTTIME the deadline is
 * of; pid 1 never meets another one and does not look at it.
 *
 * A later deadline is written over the old one with one pwrite of 32 bytes.  A
 * reader may meet bytes of both, and two deadlines mixed can be later than
 * either: the checksum is over all of them, so a mixture is no fence at all,
 * and who reads none keeps the deadline that it has.  No second slot is needed:
 * a kill -9 does not cut such a write in two, and a power cut ends the boot.
 *
 * Ending takes time, and past the deadline somebody else may run.  So pid 1
 * kills FENCE_EARLY_MS before it, the supervisor FENCE_LAST_MS before it,
 * should pid 1 not have been able to, and TERM comes kill-timeout before the
 * first of them.
 */
#ifndef BASE_FENCE_H
#define BASE_FENCE_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define FENCE_MAGIC "MFENCE1\n"

enum {
	FENCE_BYTES = 32,
	FENCE_EARLY_MS = 150,
	FENCE_LAST_MS = 100,
};

/* What is due, the later the more. */
enum fence_due { FENCE_RUN, FENCE_TERM, FENCE_KILL, FENCE_LAST };

static inline uint64_t
fence_before_(uint64_t deadline, uint64_t ms)
{
	return deadline > ms ? deadline - ms : 0;
}

/* When due begins; kill_ms: the container's kill-timeout. */
static inline uint64_t
fence_at(uint64_t deadline, uint32_t kill_ms, enum fence_due due)
{
	if (due == FENCE_RUN)
		return 0;
	if (due == FENCE_LAST)
		return fence_before_(deadline, FENCE_LAST_MS);
	return fence_before_(deadline,
	    (uint64_t)FENCE_EARLY_MS + (due == FENCE_TERM ? kill_ms : 0));
}

static inline enum fence_due
fence_due(uint64_t deadline, uint32_t kill_ms, uint64_t now)
{
	enum fence_due due = FENCE_LAST;

	while (due != FENCE_RUN && now < fence_at(deadline, kill_ms, due))
		due = (enum fence_due)(due - 1);
	return due;
}

static inline uint64_t
fence_sum_(const uint8_t *p, size_t n)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < n; i++)
		h = (h ^ p[i]) * UINT64_C(0x100000001b3);
	return h;
}

static inline void
fence_put_(uint8_t *p, uint64_t v)
{
	for (int i = 0; i < 8; i++)
		p[i] = (uint8_t)(v >> (8 * i));
}

static inline uint64_t
fence_get_(const uint8_t *p)
{
	uint64_t v = 0;

	for (int i = 0; i < 8; i++)
		v |= (uint64_t)p[i] << (8 * i);
	return v;
}

static inline void
fence_encode(uint8_t *out, uint64_t boot, uint64_t deadline)
{
	memcpy(out, FENCE_MAGIC, 8);
	fence_put_(out + 8, boot);
	fence_put_(out + 16, deadline);
	fence_put_(out + 24, fence_sum_(out, 24));
}

/* False: these bytes are no fence. */
static inline bool
fence_decode(const uint8_t *in, size_t len, uint64_t *boot, uint64_t *deadline)
{
	if (len != FENCE_BYTES || memcmp(in, FENCE_MAGIC, 8) != 0 ||
	    fence_get_(in + 24) != fence_sum_(in, 24))
		return false;
	*boot = fence_get_(in + 8);
	*deadline = fence_get_(in + 16);
	return true;
}

#endif
