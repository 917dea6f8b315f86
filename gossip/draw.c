/*
 * draw.c - see draw.h.
 */
#include "draw.h"

#include "be.h"

static const char domain[] = "mesh draw 0";

enum { DOMAIN_BYTES = sizeof domain - 1 };

void
draw_init(struct draw *d, const struct crypto *c, const uint8_t *secret, const uint8_t *salt)
{
	uint8_t in[DOMAIN_BYTES + KEY_BYTES + SALT_BYTES];
	struct hash h;

	memcpy(in, domain, DOMAIN_BYTES);
	memcpy(in + DOMAIN_BYTES, secret, KEY_BYTES);
	memcpy(in + DOMAIN_BYTES + KEY_BYTES, salt, SALT_BYTES);
	c->hash(c->arg, &h, in, sizeof in);
	memcpy(d->key, h.b, KEY_BYTES);
	d->n = 0;
	c->wipe(c->arg, in, sizeof in);
	c->wipe(c->arg, &h, sizeof h);
}

void
draw_bytes(struct draw *d, const struct crypto *c, uint8_t *out, size_t len)
{
	uint8_t in[1 + KEY_BYTES + 8];
	struct hash h;

	assert(len <= HASH_BYTES);
	memcpy(in + 1, d->key, KEY_BYTES);
	be_put(in + 1 + KEY_BYTES, ++d->n, 8);
	in[0] = 0;
	c->hash(c->arg, &h, in, sizeof in);
	memcpy(out, h.b, len);
	in[0] = 1;
	c->hash(c->arg, &h, in, sizeof in);
	memcpy(d->key, h.b, KEY_BYTES);
	c->wipe(c->arg, in, sizeof in);
	c->wipe(c->arg, &h, sizeof h);
}

uint64_t
draw_u64(struct draw *d, const struct crypto *c)
{
	uint8_t b[8];

	draw_bytes(d, c, b, sizeof b);
	return be_get(b, sizeof b);
}
