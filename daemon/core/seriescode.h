/*
 * seriescode.h - up to 512 samples of one series as few bytes, and back bit for bit.
 *
 * A block is written the way that makes it smallest:
 *
 *	line	value, value + d, value + 2d ...: any count, no body
 *	ints	whole numbers, or decimals (a whole number by a power of ten: 0.52 is
 *		52 / 10^2), divided by what divides all their differences: as they are
 *		above the least, as differences, as differences of differences, or as
 *		differences above the least; with or without runs of zeros; in Rice's or
 *		the exponential code (bits.h)
 *	xor	all else: bits that differ from the last value's (Pelkonen and others,
 *		Gorilla, VLDB 2015, 4.1.2), NaN and its payload, -0 and infinities too
 *
 *	+------+-------+--------------------------------+--------+- - - - - - - - - - - +
 *	| form | count | if not plain: diff step span   | length | body		|
 *	+------+-------+--------------------------------+--------+- - - - - - - - - - - +
 *	form	bits 0..1: line, ints, xor, or ints of 512 (and no count); 2: not plain; 3: odd ticks; 4: stale marks;
 *		5: a divisor; 6..7: the order (of ints)
 *	count, diff ... varints (7 bits a byte, the lowest first)
 *	plain	the first tick follows the last one of the block before, and each the one
 *		before it
 *	body	odd ticks (their count; each: index after the one before, distance),
 *		stale marks (likewise), then the values that are no marks
 *
 * Ticks here are 32 bits of the store's own count.
 */
#ifndef CORE_SERIESCODE_H
#define CORE_SERIESCODE_H

#include "bits.h"

enum {
	SERIESCODE_SAMPLES_MAX = 512,
	SERIESCODE_HEAD_BYTES_MAX = 40,
	SERIESCODE_BYTES_MAX = 12288, /* of a block, head and body */
	SERIESCODE_SCALE_MAX = 9,
	SERIESCODE_KIB = 10, /* scales that divide: by 1024, by 4096; not in packed ints */
	SERIESCODE_PAGE = 11,
	SERIESCODE_RAW = 15, /* in place of a scale: bits of a double */
};
#define SERIESCODE_STALE UINT64_C(0x7ff0000000000002)

struct seriescode_block {
	uint32_t count;
	uint32_t ticks[SERIESCODE_SAMPLES_MAX]; /* rising */
	uint64_t bits[SERIESCODE_SAMPLES_MAX];	/* of the doubles */
};

enum seriescode_form { SERIESCODE_LINE, SERIESCODE_INTS, SERIESCODE_XOR, SERIESCODE_FULL };

/* What a head says. */
struct seriescode_head {
	enum seriescode_form form;
	uint32_t count, first, last, step; /* step: between ticks that are not odd */
	uint32_t body;			   /* bytes that follow */
	uint8_t flags;
	uint8_t scale; /* of a line: this and the next two */
	int64_t value, delta;
};

/* A whole number by 10^scale: is the double with these bits such a one? */
bool seriescode_whole(uint64_t bits, unsigned scale, int64_t *whole);
/* And back; scale SERIESCODE_RAW: its bits. */
uint64_t seriescode_bits(int64_t whole, unsigned scale);
/* The scale that a block is begun with: sizes in memory are so many pages or KiB. */
unsigned seriescode_begin(uint64_t bits, int64_t *whole);
/* The least scale from `from` on by which it is one, or SERIESCODE_RAW and its bits. */
unsigned seriescode_scale(uint64_t bits, unsigned from, int64_t *whole);

/* before: the last tick of the block before, less than the first here.  Bytes. */
size_t seriescode_pack(const struct seriescode_block *b, uint32_t before, uint8_t out[SERIESCODE_BYTES_MAX]);
/* A line: first, step, count, scale, value and delta of h. */
size_t seriescode_pack_line(const struct seriescode_head *h, uint32_t before,
    uint8_t out[SERIESCODE_HEAD_BYTES_MAX]);

/* in: SERIESCODE_HEAD_BYTES_MAX bytes can be looked at.  Bytes of the head. */
size_t seriescode_head(const uint8_t *in, uint32_t before, struct seriescode_head *h);
/* Of ints and xor.  body: BITS_PAD more bytes can be looked at. */
void seriescode_unpack(const struct seriescode_head *h, const uint8_t *body, struct seriescode_block *out);

#endif
