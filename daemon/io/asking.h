/*
 * asking.h - one question by TCP: connect, say a few words, hear what comes, within a
 * time.  Of health probes and scrapes.
 *
 * What is asked may be hostile: nothing is kept here of what it says, and the time is for
 * all of it together, so who answers a byte a second is late like who says nothing.
 */
#ifndef IO_ASKING_H
#define IO_ASKING_H

#include <uv.h>

#include "../../gossip/base.h"

enum { ASKING_WORDS_CAP = 1024, ASKING_PIECE_BYTES = 16 << 10 };

struct asking;

struct asking_conf {
	struct addr to;
	const char *words; /* copied; NULL: whether it can be connected to is all */
	uint32_t timeout_ms;
	/* A piece of what it says, in the loop's own buffer; false: enough, the question is
	 * over, and done is not called. */
	bool (*heard)(void *arg, const uint8_t *b, size_t n);
	/* Once: "" = the other end closed (without words: it was connected to), else why not.
	 * The question is over. */
	void (*done)(void *arg, const char *why);
	void *arg;
};

/* NULL: it could not begin (memory, descriptors); nothing is called. */
MUST_CHECK struct asking *asking_begin(uv_loop_t *loop, const struct asking_conf *conf);
/* Nobody cares any more: nothing is called.  Not after done, or a heard that was enough. */
void asking_drop(struct asking *a);

#endif
