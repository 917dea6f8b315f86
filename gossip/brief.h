/*
 * brief.h - summaries as bytes: how old they are is how many fit.
 *
 * All of a datagram's are one block, a msgpack string; in it one follows the other:
 *
 *	 0      3        5     6     7      8      9
 *	 +------+--------+-----+-----+------+------+-----------+- - - - -+- - - - - +
 *	 | who 3| count 2| cpu | mem | disk | load | instances | who +5  | facts 4 |
 *	 +------+--------+-----+-----+------+------+-----------+- - - - -+- - - - - +
 *
 * who: the first bytes of the short id.  Where the teller knows two that begin so,
 * the rest follows: bit 7 of mem.  A hearer that knows two takes neither.
 * count: rises with each that its owner makes in one life, never 0; a larger one, as
 * far as 16 bits tell, is newer.  Bit 7 of cpu is the last bit of the owner's
 * generation: of another life than the one known nothing is taken.
 * load: 16 steps between two powers of two.  instances: 7 bits a byte, the lowest
 * first, bit 7 = more.  facts: where bit 7 of disk is set; else as in the one before,
 * and 0 in the first: hosts of one make have the same.
 *
 * Inner: used by the files of gossip/ alone.
 */
#ifndef GOSSIP_BRIEF_H
#define GOSSIP_BRIEF_H

#include "summary.h"

enum { BRIEF_BYTES_MAX = 9 + 3 + 5 + 4 };

struct brief {
	uint64_t who;	/* short id; its first three bytes, unless whole */
	bool whole, odd;
	uint16_t count; /* 1.. */
	struct mesh_summary summary;
};

struct briefs_out {
	uint8_t *buf; /* the caller's */
	size_t cap, len;
	uint32_t facts; /* of the last */
};

struct briefs_in {
	const uint8_t *at, *end; /* borrowed */
	uint32_t facts;
};

/* All or nothing: false when there is no room for it. */
bool brief_put(struct briefs_out *w, const struct brief *b);
/* 1, or 0 at the end, or -ERR_MALFORMED. */
MUST_CHECK int brief_next(struct briefs_in *r, struct brief *out);
/* What a hearer reads where a teller has that load. */
uint16_t brief_load(uint16_t centi);

#endif
