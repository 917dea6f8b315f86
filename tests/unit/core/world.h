/*
 * world.h - the small worlds of core's tests: nodes a, b, c with what a web
 * role needs, and toy signatures.
 */
#ifndef TEST_WORLD_H
#define TEST_WORLD_H

#include <stdlib.h>

#include "../../../daemon/core/plan.h"
#include "../../shared/toy.h"

static char world_images[2][VIEW_IMAGE_CAP] = {"web-v1", "web-v2"};
static char world_sandboxes[1][NAME_CAP] = {"web"};

static inline struct view_node
world_node(const char *name)
{
	struct view_node n;

	memset(&n, 0, sizeof n);
	memcpy(n.name, name, strlen(name) + 1);
	memcpy(n.id.b, name, strlen(name));
	n.state = VIEW_ALIVE;
	n.reported = true;
	n.facts.images = world_images;
	n.facts.images_count = 2;
	n.facts.sandboxes = world_sandboxes;
	n.facts.sandboxes_count = 1;
	return n;
}

/* Four lanes of FNV-1a: spreads every bit of the input; no secret needed. */
static inline void
world_hash(void *arg, struct hash *out, const uint8_t *msg, size_t len)
{
	(void)arg;
	for (uint64_t lane = 0; lane < 4; lane++) {
		uint64_t h = UINT64_C(0xcbf29ce484222325) + lane * UINT64_C(0x9e3779b97f4a7c15);

		for (size_t i = 0; i < len; i++)
			h = (h ^ msg[i]) * UINT64_C(0x100000001b3);
		h = (h ^ h >> 29) * UINT64_C(0xbf58476d1ce4e5b9);
		h ^= h >> 32;
		memcpy(out->b + lane * 8, &h, 8);
	}
}

/* arg = the signer's public key. */
static inline void
world_sign(void *arg, uint8_t *sig, const uint8_t *msg, size_t len)
{
	toy_sig(arg, sig, msg, len);
}

static uint8_t world_pk[KEY_BYTES] = "the public key of the leader...";

static inline struct crypto
world_crypto(void)
{
	return (struct crypto){
	    .arg = world_pk, .sign = world_sign, .verify = toy_verify, .hash = world_hash};
}

#endif
