/*
 * world.h - a handful of machines on a wire without surprises: virtual time,
 * 1 ms of delay, nothing lost unless a test says so.  For transcripts; the
 * simulator (tests/sim) is for accidents.
 */
#ifndef TEST_WORLD_H
#define TEST_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "world_crypto.h"

enum { WORLD_MAX = 20, FLIGHT_MAX = 4096, TEXT_MAX = 1 << 16 };

struct world {
	uint32_t count;
	msec now;
	struct mesh_ca ca[WORLD_MAX]; /* of nodes started from now on; zero: no CA */
	struct mesh_policy policy; /* of nodes started from now on */
	enum mesh_profile profile[WORLD_MAX]; /* likewise */
	uint32_t members_max; /* likewise; 0: 32 */
	struct mesh *node[WORLD_MAX];
	struct mesh_saved disk[WORLD_MAX];
	uint8_t roster[WORLD_MAX][4096];
	uint8_t evicted[WORLD_MAX][32 * EVICTION_BYTES];
	bool deaf[WORLD_MAX][WORLD_MAX]; /* [from][to] */
	uint32_t saves[WORLD_MAX];
	uint8_t starts[WORLD_MAX];
	bool slow_disk[WORLD_MAX];	 /* says must_save and never saves */
	struct flight {
		uint32_t from, to;
		size_t len;
		uint8_t b[DGRAM_BYTES_MAX];
	} flight[FLIGHT_MAX], landing[FLIGHT_MAX];
	size_t flights;
	uint64_t sent_kind[PACKET_KINDS_];
	char text[TEXT_MAX]; /* "ms nI event\n" of traced nodes */
	size_t text_len;
	struct tracer {
		struct world *w;
		uint32_t i;
	} tracers[WORLD_MAX];
};

static inline void
world_trace(void *arg, msec now, const char *event)
{
	struct tracer *t = arg;
	struct world *w = t->w;
	int n = snprintf(w->text + w->text_len, TEXT_MAX - w->text_len, "%lld n%u %s\n",
	    (long long)now, t->i, event);

	if (n > 0 && (size_t)n < TEXT_MAX - w->text_len)
		w->text_len += (size_t)n;
}

static inline void
world_isolate(struct world *w, uint32_t i, bool cut)
{
	for (uint32_t j = 0; j < w->count; j++)
		w->deaf[i][j] = w->deaf[j][i] = cut;
}

static inline void
world_start(struct world *w, uint32_t i)
{
	struct mesh_conf c = {.self = world_id(i), .addr = toy_addr(i), .policy = w->policy, .profile = w->profile[i],
	    .members_max = w->members_max > 0 ? w->members_max : 32, .seed = i + 100, .crypto = world_crypto(7, i), .ca = w->ca[i]};

	world_pk(i, c.pk);
	memset(c.secret, (int)(i + 1), sizeof c.secret);
	memset(c.salt, (int)(i + 1), 8);
	c.salt[7] ^= w->starts[i]++;
	memcpy(c.salt + 8, &w->disk[i].generation, 8);
	c.saved = w->disk[i];
	c.saved.generation = ++w->disk[i].generation;
	snprintf(c.name, sizeof c.name, "n%u", i);
	c.seeds[0] = toy_addr(0);
	c.seeds_count = 1;
	w->tracers[i] = (struct tracer){w, i};
	c.trace = world_trace;
	c.trace_arg = &w->tracers[i];
	w->node[i] = mesh_new(&c, w->now);
	assert_non_null(w->node[i]);
}

static inline void
world_kill(struct world *w, uint32_t i)
{
	mesh_free(w->node[i]);
	w->node[i] = NULL;
}

#include "world_run.h"
#include "world_ask.h"

#endif
