/*
 * actsign.c - see actsign.h.
 */
#include "actsign.h"

static const char context[] = "mesh actions 2\n";

enum { CONTEXT_BYTES = sizeof context - 1, TEXT_BYTES = CONTEXT_BYTES + ID_BYTES + 8 + HASH_BYTES };

/* What is signed. */
static void
text_of(uint8_t out[TEXT_BYTES], const struct crypto *c, const struct actsign_office *to,
    const uint8_t *body, size_t len)
{
	uint8_t *p = out;
	struct hash h;

	memcpy(p, context, CONTEXT_BYTES);
	p += CONTEXT_BYTES;
	memcpy(p, to->leader.b, ID_BYTES);
	p += ID_BYTES;
	for (int i = 0; i < 8; i++)
		*p++ = (uint8_t)(to->term >> (56 - 8 * i));
	c->hash(c->arg, &h, body, len);
	memcpy(p, h.b, HASH_BYTES);
}

size_t
actsign_pack(uint8_t *buf, const struct crypto *c, const uint8_t pk[KEY_BYTES],
    const struct actsign_office *to, const struct action_bundle *b)
{
	size_t len = action_bundle_pack(buf + ACTSIGN_HEAD_BYTES, b);
	uint8_t text[TEXT_BYTES];

	memcpy(buf, pk, KEY_BYTES);
	text_of(text, c, to, buf + ACTSIGN_HEAD_BYTES, len);
	c->sign(c->arg, buf + KEY_BYTES, text, sizeof text);
	return ACTSIGN_HEAD_BYTES + len;
}

int
actsign_open(struct action_bundle *out, const struct crypto *c, const struct actsign_office *at,
    const uint8_t *buf, size_t len)
{
	uint8_t text[TEXT_BYTES];

	out->count = 0;
	if (len <= ACTSIGN_HEAD_BYTES)
		return -ERR_SHORT;
	if (len > ACTSIGN_BYTES_MAX)
		return -ERR_LONG;
	text_of(text, c, at, buf + ACTSIGN_HEAD_BYTES, len - ACTSIGN_HEAD_BYTES);
	if (!c->verify(c->arg, buf, buf + KEY_BYTES, text, sizeof text))
		return -ERR_AUTH;
	return action_bundle_read(out, buf + ACTSIGN_HEAD_BYTES, len - ACTSIGN_HEAD_BYTES);
}
