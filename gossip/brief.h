/*
 * brief.h - summaries as bytes: how old they are is how many fit.
 *
 * All of a datagram's are one block, a msgpack string; in it one follows the other:
 *
 *	 0      3                  6     7      8      9
 *	 +------+------------------+-----+------+------+-----------+- - - - -+- - - - - +
 *	 | who 3| count, life, cpu | mem | disk | load | instances | who +5  | facts 4  |
 *	 +------+------------------+-----+------+------+-----------+- - - - -+- - - - - +
 *	         13      4     7 bits, the highest first
 *
 * who: the first bytes of the short id.  Where the teller knows two that begin so,
 * the rest follows: bit 7 of mem.  A hearer that knows two takes neither.
 * count: rises with each that its owner makes in one life, never 0; a larger one, as
 * far as 13 bits tell, is newer.  life: the last bits of the owner's generation: of
 * another life than the one known nothing is taken.  One bit is too few: who starts
 * twice within the seconds that a summary is on its way has the first life's again.
 * load: 16 steps between two powers of two.  instances: 7 bits a byte, the lowest
 * first, bit 7 = more.  facts: where bit 7 of disk is set; else as in the one before,
 * and 0 in the first: hosts of one make have the same.
 *
 * Inner: used by the files of gossip/ alone.
 */
#ifndef GOSSIP_BRIEF_H
#define GOSSIP_BRIEF_H

#include "summary.h"

enum {
	BRIEF_BYTES_MAX = 9 + 3 + 5 + 4,
	BRIEF_COUNT_MAX = 0x1fff,
	BRIEF_LIFE_MAX = 0xf, /* of a generation: these bits */
};

struct brief {
	uint64_t who;	/* short id; its first three bytes, unless whole */
	bool whole;
	uint8_t life;	/* generation & BRIEF_LIFE_MAX */
	uint16_t count; /* 1..BRIEF_COUNT_MAX */
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
/* By how many a is newer than b, of one life's counts; below 0: older. */
int32_t brief_ahead(uint16_t a, uint16_t b);
/* What a hearer reads where a teller has that load. */
uint16_t brief_load(uint16_t centi);

#endif
