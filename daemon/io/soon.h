/*
 * soon.h - many events, one settle.  What happens to hundreds of instances at once comes
 * as an event each; what is to be asked for then is worked out of all of them (settle.h),
 * once, when no more of them are there to be read, or at the latest SOON_MS_MAX after
 * the first.
 */
#ifndef IO_SOON_H
#define IO_SOON_H

#include <uv.h>

#include "../../gossip/base.h"

enum { SOON_MS_MAX = 100 };

struct engine;

struct soon {
	uv_timer_t timer;
	msec since;	  /* of the first event; 0: none waits */
	uint64_t settles; /* so far, of roles */
};

void soon_init(struct engine *e, uv_loop_t *loop);
/* This role is settled soon (apply_settle). */
void soon_settle(struct engine *e, const char *role);

#endif
