/*
 * wire.h - a few whole machines with the daemon's own cryptography on a wire in
 * memory: for what must be true of real keys, and for what it costs.
 */
#ifndef TEST_WIRE_H
#define TEST_WIRE_H

#include <sodium.h>
#include <stdio.h>

#include "../../../daemon/io/crypto.h"
#include "../../../daemon/io/identity.h"
#include "../../../gossip/mesh.h"
#include "../../../gossip/seal.h"
#include "../../shared/toy.h"

#ifndef WIRE_NODES
#define WIRE_NODES 3 /* at most as many as there are toy addresses; before the include */
#endif
enum { WIRE_FLIGHTS = 4096 };

struct wire {
	msec now;
	struct keyring keys[WIRE_NODES];
	struct mesh *node[WIRE_NODES];
	/* What a node must have on disk, before it says what depends on it; NULL: nothing to do. */
	void (*save)(struct wire *w, uint32_t i, const struct mesh_saved *facts);
	bool deaf[WIRE_NODES]; /* nothing comes to it, nor from it */
	size_t flights;
	struct {
		uint32_t from, to;
		size_t len;
		uint8_t b[DGRAM_BYTES_MAX];
	} flight[WIRE_FLIGHTS];
};

static inline bool
wire_start(struct wire *w, uint32_t i, const uint8_t *key)
{
	struct mesh_conf c = {.addr = toy_addr(i), .members_max = 32,
	    .seed = crypto_random64(), .seeds = {toy_addr(0)}, .seeds_count = 1,
	    .saved = {.generation = 1}};
	struct keyring *k = &w->keys[i];

	memcpy(k->key, key, KEY_BYTES);
	k->has_key = true;
	crypto_sign_keypair(k->pk, k->sk);
	crypto_fill(&c.crypto, k);
	identity_id(k->pk, &c.self);
	memcpy(c.pk, k->pk, KEY_BYTES);
	crypto_random(c.salt, sizeof c.salt);
	snprintf(c.name, sizeof c.name, "n%u", i);
	w->node[i] = mesh_new(&c, w->now);
	return w->node[i] != NULL;
}

/* Nodes of one cluster key; the first has made the cluster. */
static inline bool
wire_init(struct wire *w)
{
	static const uint8_t cluster[ID_BYTES] = {4, 2};
	uint8_t key[KEY_BYTES];

	memset(w, 0, sizeof *w);
	w->now = 1000;
	crypto_random(key, sizeof key);
	for (uint32_t i = 0; i < WIRE_NODES; i++)
		if (!wire_start(w, i, key))
			return false;
	return mesh_init(w->node[0], w->now, cluster) == 0;
}

static inline void
wire_free(struct wire *w)
{
	for (uint32_t i = 0; i < WIRE_NODES; i++)
		mesh_free(w->node[i]);
}

/* What was sent arrives; then a millisecond passes. */
static inline void
wire_step(struct wire *w)
{
	size_t n = w->flights, len;
	struct mesh_saved facts;
	struct addr to;

	for (size_t k = 0; k < n; k++) {
		struct addr from = toy_addr(w->flight[k].from);

		(void)!mesh_recv(w->node[w->flight[k].to], w->now, &from, w->flight[k].b,
		    w->flight[k].len);
	}
	w->flights = 0;
	w->now++;
	for (uint32_t i = 0; i < WIRE_NODES; i++) {
		mesh_tick(w->node[i], w->now);
		while (mesh_must_save(w->node[i], &facts)) {
			if (w->save != NULL)
				w->save(w, i, &facts);
			mesh_saved(w->node[i]);
		}
		while (w->flights < WIRE_FLIGHTS &&
		    (len = mesh_poll(w->node[i], w->now, &to, w->flight[w->flights].b,
			 DGRAM_BYTES_MAX)) > 0) {
			if (to.ip[15] - 1u >= WIRE_NODES || w->deaf[i] || w->deaf[to.ip[15] - 1u])
				continue;
			w->flight[w->flights].from = i;
			w->flight[w->flights].to = to.ip[15] - 1u;
			w->flight[w->flights++].len = len;
		}
	}
}

/* A datagram that somebody outside makes up: as if from node 1, of that form. */
static inline void
wire_forge(const struct wire *w, enum seal_form form, uint8_t *buf, size_t len)
{
	struct node_id id;

	identity_id(w->keys[1].pk, &id);
	crypto_random(buf, len);
	buf[0] = SEAL_VERSION;
	buf[1] = (uint8_t)form;
	memcpy(buf + 2, id.b, SHORT_ID_BYTES);
	memset(buf + 10, 0, 4); /* a counter of some life that may be */
	buf[13] = 0x10;
}

#endif
