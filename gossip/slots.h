/*
 * slots.h - which places of an array are taken, when few of many ever are: the one
 * given back last is taken first, so what is never needed at once is never touched.
 * A place is a number from 1; 0 is none.
 */
#ifndef GOSSIP_SLOTS_H
#define GOSSIP_SLOTS_H

#include "base.h"

struct slots {
	uint16_t *next; /* by place, of those given back */
	uint32_t max, used; /* used: places ever taken */
	uint16_t free; /* given back last; 0 = none */
};

/* Allocates for max <= 65534 places; false when memory is gone. */
MUST_CHECK bool slots_init(struct slots *s, uint32_t max);
void slots_fini(struct slots *s);
/* The caller takes no more than max at once. */
uint16_t slots_take(struct slots *s);
void slots_give(struct slots *s, uint16_t place);

#endif
