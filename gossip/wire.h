/*
 * wire.h - which versions of the wire a node speaks, and which one two of them
 * speak with each other.
 *
 *	in the head of a HELLO or WHO: min 1 | max 1 | features 4
 *
 * Each node tells the lowest and the highest version that it reads; two speak the
 * highest that both do, and a release reads the version before its own, so a
 * mesh is updated node by node.  Frames under the pair's key carry that version.  The
 * introductions (HELLO, WHO, JOIN, ENTER, KEY_ASK and their answers), said before anybody knows
 * what the other speaks, carry SEAL_VERSION: they only ever grow by fields, which
 * older nodes skip.  Version 1 is the first that is kept: what came before it was of
 * one build with itself.  Features are bits for what a node can do or wants beyond its version:
 *
 *	 31        26 25                    16 15              3     2      1       0
 *	+------------+------------------------+-----------------+---------+---------+
 *	| free       | lease configured, in   | free            | signs   | profile |
 *	|            | 100 ms; 0 = by profile |                 | rosters | pace.h  |
 *	+------------+------------------------+-----------------+---------+---------+
 *
 * Unknown ones are kept and told.
 */
#ifndef GOSSIP_WIRE_H
#define GOSSIP_WIRE_H

#include "be.h"

enum {
	WIRE_MIN = 1,
	WIRE_MAX = 1,
	WIRE_BYTES = 1 + 1 + 4,
	WIRE_NONE = -1, /* no version that both speak */
	WIRE_PROFILE_MASK = 3, /* of the features */
	WIRE_SIGNS_ROSTERS = 4, /* roster_sign.h */
	WIRE_LEASE_SHIFT = 16, /* holdoff.h */
	WIRE_LEASE_BITS = 10,
	WIRE_LEASE_MASK = ((1 << WIRE_LEASE_BITS) - 1) << WIRE_LEASE_SHIFT,
};

struct wire_range {
	uint8_t min, max; /* min <= max */
	uint32_t features;
};

/* out holds WIRE_BYTES. */
static inline void
wire_pack(const struct wire_range *w, uint8_t *out)
{
	out[0] = w->min;
	out[1] = w->max;
	be_put(out + 2, w->features, 4);
}

static inline struct wire_range
wire_read(const uint8_t *b)
{
	return (struct wire_range){.min = b[0], .max = b[1], .features = (uint32_t)be_get(b + 2, 4)};
}

/* The highest version that both speak, or WIRE_NONE: also of a range that is none. */
static inline int
wire_common(const struct wire_range *a, const struct wire_range *b)
{
	int low = a->min > b->min ? a->min : b->min, high = a->max < b->max ? a->max : b->max;

	return low <= high && a->min <= a->max && b->min <= b->max ? high : WIRE_NONE;
}

#endif
