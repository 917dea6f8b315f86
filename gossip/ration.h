/*
 * ration.h - so many answers in so much time, and no more: what a stranger can make
 * this node do costs it a known share of a core, whoever asks and however often.
 *
 * Inner: part of what is kept of each kind of answer, used by the files of gossip/ alone.
 */
#ifndef GOSSIP_RATION_H
#define GOSSIP_RATION_H

#include "base.h"

/* All zero: none given yet. */
struct ration {
	msec at; /* when this stretch began */
	uint32_t given;
};

/* May one more of max in each_ms be given now?  Then it is counted. */
static inline bool
ration_take(struct ration *r, msec now, msec each_ms, uint32_t max)
{
	if (now - r->at >= each_ms)
		*r = (struct ration){.at = now};
	return r->given < max && ++r->given > 0;
}

#endif
