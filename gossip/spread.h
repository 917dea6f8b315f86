/*
 * spread.h - which rumours to tell next: fewest-sent first, newest first among
 * equals, one slot per subject.  A subject is an index 0..max-1.  FIFO would
 * let a flood of joins delay the news of a death for a minute.
 */
#ifndef GOSSIP_SPREAD_H
#define GOSSIP_SPREAD_H

#include "base.h"

enum { SPREAD_LEVELS = 32, SPREAD_NONE = UINT16_MAX };

struct spread {
	uint16_t *next, *prev;
	uint8_t *level; /* from 1; 0 = not queued */
	uint16_t head[SPREAD_LEVELS];
	uint32_t count;
};

/* Allocates for max <= 65535 subjects; false when memory is gone. */
MUST_CHECK bool spread_init(struct spread *s, uint32_t max);
void spread_fini(struct spread *s);
/* (Re)start telling about subject. */
void spread_push(struct spread *s, uint32_t subject);
/* ... about something of which all know nearly the same: so often only. */
void spread_push_last(struct spread *s, uint32_t subject, uint32_t times, uint32_t limit);
/* Is anything waiting that was told less often than `times` before the limit? */
bool spread_fresh(const struct spread *s, uint32_t times, uint32_t limit);
void spread_drop(struct spread *s, uint32_t subject);
/* It was sent once more; forgotten after limit times. */
void spread_sent(struct spread *s, uint32_t subject, uint32_t limit);
/* Somebody knows all of them: as if each had been sent so often more, at least once. */
void spread_known(struct spread *s, uint32_t times, uint32_t limit);
/* Up to max subjects in the order to send them. */
uint32_t spread_pick(const struct spread *s, uint16_t *out, uint32_t max);

#endif
