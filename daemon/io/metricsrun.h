/*
 * metricsrun.h - questions about metrics are answered by copies of this engine, so that
 * gossip waits for none of them: whatever an expression costs, and whatever is wrong
 * with what evaluates it.
 *
 *	engine --fork--> copy: the store as it is now   work -> pipe -> engine
 *
 * A copy of 17 MB takes about a millisecond to make.  It first wipes the keys that it
 * has with it, may then do nothing but compute, take memory within METRICSRUN_BYTES and
 * write its answer (seccomp), and is ended by METRICSRUN_CPU_S of CPU or by its deadline.
 * METRICSRUN_AT_ONCE are under way; others wait in order, at most METRICSRUN_WAIT_MAX.
 */
#ifndef IO_METRICSRUN_H
#define IO_METRICSRUN_H

#include <uv.h>

#include "../base/err.h"
#include "../core/blob.h"

struct keyring;
struct identity;

enum {
	METRICSRUN_AT_ONCE = 4,
	METRICSRUN_WAIT_MAX = 128,
	METRICSRUN_CPU_S = 2,
	METRICSRUN_BYTES = 96 << 20, /* on top of what the engine has */
};

struct metricsrun_job;

/* Of all questions, since the start; metricsask.c counts them. */
struct metricsrun_asked {
	uint64_t answered, failed, refused; /* that were asked here; refused: too many at once */
	uint64_t late;	  /* nodes that did not answer one of them in time */
	uint64_t us;	  /* by the clock, of those that were answered or failed */
	uint64_t at_once; /* parts that took no copy of the engine */
};

struct metricsrun {
	uv_loop_t *loop;
	struct keyring *keys;	   /* wiped in copies; NULL: none */
	struct identity *identity; /* likewise */
	unsigned running, waiting;
	struct metricsrun_job *first, *last; /* who waits */
	/* How they ended; late: by their deadline, as one that waited for its turn too long. */
	uint64_t done, failed, late, refused;
	uint64_t us; /* by the clock, of those that were begun */
	struct metricsrun_asked asked;
};

/* In the copy.  0 and *out, or -1 and why; what it allocates it need not free. */
typedef int metricsrun_work(void *arg, struct blob *out, struct err *err);
/* In the engine: why NULL and the answer (borrowed), or why there is none. */
typedef void metricsrun_done(void *arg, const char *why, struct slice answer);

struct metricsrun_conf {
	metricsrun_work *work;
	metricsrun_done *done;
	void *arg;	  /* of both; good until done was called */
	size_t out_max;
	uint32_t wait_ms; /* from now on, with what it waits for its turn; > 0 */
	bool at_once;	  /* before all who wait, and however many these are */
};
/* done is called exactly once, from the loop; never from inside this call.  -ERR_FULL: too
 * many wait, or no memory; then it is not called. */
MUST_CHECK int metricsrun_start(struct metricsrun *m, const struct metricsrun_conf *conf);

#endif
