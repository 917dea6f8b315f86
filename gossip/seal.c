/*
 * seal.c - framing, the AEAD's additional data, and the replay window.
 */
#include "seal.h"

static void
put64(uint8_t *p, uint64_t v)
{
	for (int i = 7; i >= 0; i--, v >>= 8)
		p[i] = (uint8_t)v;
}

static uint64_t
get64(const uint8_t *p)
{
	uint64_t v = 0;

	for (int i = 0; i < 8; i++)
		v = v << 8 | p[i];
	return v;
}

uint64_t
seal_short(const struct node_id *id)
{
	return get64(id->b);
}

void
seal_init(struct seal *s, const struct crypto *crypto, const struct node_id *self,
    const uint8_t *cluster, uint64_t generation, uint64_t seed)
{
	*s = (struct seal){.crypto = *crypto, .self = seal_short(self)};
	memcpy(s->cluster, cluster, ID_BYTES);
	prng_init(&s->rng, prng_mix(seed));
	s->counter = (generation << SEAL_COUNTER_BITS) + 1;
}

/* Header and cluster id: what the tag also covers. */
static size_t
additional(const struct seal *s, bool join, const uint8_t *header, uint8_t *ad)
{
	memcpy(ad, header, SEAL_HEADER_BYTES);
	if (join)
		memset(ad + SEAL_HEADER_BYTES, 0, ID_BYTES);
	else
		memcpy(ad + SEAL_HEADER_BYTES, s->cluster, ID_BYTES);
	return SEAL_HEADER_BYTES + ID_BYTES;
}

size_t
seal_close(struct seal *s, bool join, uint8_t *buf, size_t body_bytes)
{
	uint8_t ad[SEAL_HEADER_BYTES + ID_BYTES];
	uint8_t *body = buf + SEAL_HEADER_BYTES;
	size_t ad_len;

	assert(body_bytes <= SEAL_BODY_MAX);
	buf[0] = SEAL_VERSION;
	buf[1] = join ? SEAL_JOIN : SEAL_EPOCH;
	put64(buf + 2, s->self);
	put64(buf + 10, s->counter++);
	for (size_t i = 0; i < SEAL_NONCE_BYTES; i += 8)
		put64(buf + 18 + i, prng_u64(&s->rng));
	ad_len = additional(s, join, buf, ad);
	s->crypto.seal(s->crypto.arg, body, body, body_bytes, ad, ad_len, buf + 18);
	return SEAL_OVERHEAD + body_bytes;
}

int
seal_open(struct seal *s, const uint8_t *buf, size_t len, struct seal_frame *frame, uint8_t *body,
    size_t *body_bytes)
{
	static const uint8_t nobody[ID_BYTES];
	uint8_t ad[SEAL_HEADER_BYTES + ID_BYTES];
	size_t ad_len;
	int rc;

	if (len <= SEAL_OVERHEAD)
		return -ERR_SHORT;
	if (len > DGRAM_BYTES_MAX)
		return -ERR_LONG;
	frame->version = buf[0];
	frame->join = buf[1] == SEAL_JOIN;
	frame->sender = get64(buf + 2);
	frame->counter = get64(buf + 10);
	/* Who is in no cluster has no cluster's traffic to read. */
	if (!frame->join && memcmp(s->cluster, nobody, ID_BYTES) == 0)
		return -ERR_AUTH;
	ad_len = additional(s, frame->join, buf, ad);
	rc = s->crypto.open(s->crypto.arg, body, buf + SEAL_HEADER_BYTES, len - SEAL_HEADER_BYTES,
	    ad, ad_len, buf + 18);
	if (rc < 0)
		return -ERR_AUTH;
	if (frame->version != SEAL_VERSION || (!frame->join && buf[1] != SEAL_EPOCH))
		return -ERR_VERSION;
	*body_bytes = len - SEAL_OVERHEAD;
	return 0;
}

int
seal_fresh(struct seal_window *w, uint64_t counter)
{
	uint64_t word = counter / 64 % ARRAY_LEN(w->bits), bit = UINT64_C(1) << counter % 64;

	if (counter > w->top) {
		uint64_t from = w->top / 64, to = counter / 64;

		/* The words between the old top and the new one hold counters a
		 * whole window ago: forget them. */
		if (to - from > ARRAY_LEN(w->bits))
			from = to - ARRAY_LEN(w->bits);
		for (uint64_t i = from + 1; i <= to; i++)
			w->bits[i % ARRAY_LEN(w->bits)] = 0;
		w->top = counter;
	} else if (w->top - counter >= SEAL_WINDOW_BITS) {
		return -ERR_REPLAY;
	}
	if ((w->bits[word] & bit) != 0)
		return -ERR_REPLAY;
	w->bits[word] |= bit;
	return 0;
}
