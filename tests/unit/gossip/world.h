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

#include "../../../gossip/inner.h"

enum { WORLD_MAX = 8, FLIGHT_MAX = 4096, TEXT_MAX = 1 << 16 };

struct world {
	uint32_t count;
	msec now;
	struct mesh_policy policy; /* of nodes started from now on */
	struct mesh *node[WORLD_MAX];
	struct mesh_saved disk[WORLD_MAX];
	uint8_t roster[WORLD_MAX][4096];
	bool deaf[WORLD_MAX][WORLD_MAX]; /* [from][to] */
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
world_tag(uint8_t *out, const uint8_t *in, size_t len, const uint8_t *ad, size_t ad_len,
    const uint8_t *nonce, uint64_t key)
{
	uint64_t h = key;

	for (size_t i = 0; i < ad_len; i++)
		h = prng_mix(h ^ ad[i]);
	for (size_t i = 0; i < SEAL_NONCE_BYTES; i++)
		h = prng_mix(h ^ nonce[i]);
	for (size_t i = 0; i < len; i++)
		h = prng_mix(h ^ in[i]);
	for (size_t i = 0; i < SEAL_TAG_BYTES; i++)
		out[i] = (uint8_t)(prng_mix(h + i));
}

static inline void
world_seal(void *arg, uint8_t *out, const uint8_t *in, size_t len, const uint8_t *ad,
    size_t ad_len, const uint8_t *nonce)
{
	memmove(out, in, len);
	world_tag(out + len, out, len, ad, ad_len, nonce, (uintptr_t)arg);
}

static inline int
world_open(void *arg, uint8_t *out, const uint8_t *in, size_t len, const uint8_t *ad,
    size_t ad_len, const uint8_t *nonce)
{
	uint8_t want[SEAL_TAG_BYTES];

	if (len < SEAL_TAG_BYTES)
		return -ERR_AUTH;
	world_tag(want, in, len - SEAL_TAG_BYTES, ad, ad_len, nonce, (uintptr_t)arg);
	if (memcmp(want, in + len - SEAL_TAG_BYTES, SEAL_TAG_BYTES) != 0)
		return -ERR_AUTH;
	memmove(out, in, len - SEAL_TAG_BYTES);
	return 0;
}

/* arg = the key, as a number */
static inline struct crypto
world_crypto(uintptr_t key)
{
	return (struct crypto){.arg = (void *)key, .seal = world_seal, .open = world_open};
}

static inline struct addr
world_addr(uint32_t i)
{
	struct addr a = {.port = 7780};

	a.ip[10] = a.ip[11] = 0xff;
	a.ip[12] = 127;
	a.ip[15] = (uint8_t)(i + 1);
	return a;
}

static inline struct node_id
world_id(uint32_t i)
{
	struct node_id id = {{(uint8_t)(i + 1), 0xaa}};

	return id;
}

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
	struct mesh_conf c = {.self = world_id(i), .addr = world_addr(i), .policy = w->policy,
	    .members_max = 32, .seed = i + 100, .crypto = world_crypto(7)};

	c.saved = w->disk[i];
	c.saved.generation = ++w->disk[i].generation;
	snprintf(c.name, sizeof c.name, "n%u", i);
	c.seeds[0] = world_addr(0);
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

#endif
