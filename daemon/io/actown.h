/*
 * actown.h - what the two files of the accepting node share: actions.c (the queue) and
 * actverb.c (what is asked of it).
 */
#ifndef IO_ACTOWN_H
#define IO_ACTOWN_H

#include <uv.h>

#include "../core/actqueue.h"

struct engine;

struct actions {
	struct actqueue q;
	uv_timer_t timer;
	bool asking;		/* a bundle is under way */
	uint64_t asked_turn;
	int rc;			/* what became of the last one */
	struct action_bundle bundle;
	struct action_words words;
};

/* The queue as it is now, durable.  Negative: err->code, 1 or EXIT_STATE. */
MUST_CHECK int actions_save(struct engine *e, struct err *err);
/* The queue moved, and is saved. */
void actions_moved(struct engine *e);
/* What this one of the queue waits for. */
const char *actions_why(const struct engine *e, const struct action *a);

#endif
