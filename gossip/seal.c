/*
 * seal.c - framing, the AEAD's additional data, and the replay window.
 */
#include "seal.h"

#include "be.h"

uint64_t
seal_short(const struct node_id *id)
{
	return be_get(id->b, 8);
}

void
seal_init(struct seal *s, const struct crypto *crypto, const struct node_id *self,
    const uint8_t *cluster, uint64_t generation, uint64_t seed)
{
	*s = (struct seal){.crypto = *crypto, .self = seal_short(self)};
	memcpy(s->cluster, cluster, ID_BYTES);
	be_put(s->nonces.key, seed, 8);
	s->counter = (generation << SEAL_COUNTER_BITS) + 1;
}

/* Does this node read it?  Introductions have a version of their own (wire.h). */
static bool
readable(const struct seal *s, const struct seal_frame *frame)
{
	if (frame->form != SEAL_PAIR)
		return frame->version == SEAL_VERSION;
	return frame->version >= s->wire.min && frame->version <= s->wire.max;
}

/* Header and cluster id: what the tag also covers. */
static size_t
additional(const struct seal *s, enum seal_form form, const uint8_t *header, uint8_t *ad)
{
	size_t n = seal_header_bytes(form);

	memcpy(ad, header, n);
	if (form == SEAL_JOIN)
		memset(ad + n, 0, ID_BYTES);
	else
		memcpy(ad + n, s->cluster, ID_BYTES);
	return n + ID_BYTES;
}

size_t
seal_close(struct seal *s, enum seal_form form, const uint8_t *key, uint8_t *buf, size_t body_bytes)
{
	const struct crypto *c = &s->crypto;
	uint8_t ad[SEAL_SHARED_HEADER_BYTES + ID_BYTES];
	uint8_t *body = buf + seal_header_bytes(form);
	uint64_t counter = s->counter++;
	size_t ad_len;

	assert(body_bytes <= DGRAM_BYTES_MAX - seal_header_bytes(form) - SEAL_TAG_BYTES);
	buf[0] = form == SEAL_PAIR ? s->version : SEAL_VERSION;
	buf[1] = (uint8_t)((unsigned)form | s->epoch % SEAL_EPOCHS);
	be_put(buf + 2, s->self, 8);
	be_put(buf + 10, counter, 8);
	if (form == SEAL_BARE)
		return SEAL_HEADER_BYTES + body_bytes;
	if (form != SEAL_PAIR)
		draw_bytes(&s->nonces, c, buf + 18, SEAL_NONCE_BYTES);
	ad_len = additional(s, form, buf, ad);
	if (form == SEAL_PAIR)
		c->pair_seal(c->arg, key, body, body, body_bytes, ad, ad_len, counter);
	else
		c->seal(c->arg, s->epoch, body, body, body_bytes, ad, ad_len, buf + 18);
	return seal_header_bytes(form) + body_bytes + SEAL_TAG_BYTES;
}

int
seal_read(const uint8_t *buf, size_t len, struct seal_frame *frame)
{
	if (len <= SEAL_OVERHEAD)
		return -ERR_SHORT;
	if (len > DGRAM_BYTES_MAX)
		return -ERR_LONG;
	frame->version = buf[0];
	frame->form = (enum seal_form)(buf[1] & SEAL_FORM_MASK);
	frame->epoch = buf[1] & (uint8_t)~SEAL_FORM_MASK;
	frame->sender = be_get(buf + 2, 8);
	frame->counter = be_get(buf + 10, 8);
	if (frame->form == SEAL_BARE && len > SEAL_BARE_MAX)
		return -ERR_LONG;
	if (seal_header_bytes(frame->form) != SEAL_HEADER_BYTES && len <= SEAL_SHARED_OVERHEAD)
		return -ERR_SHORT;
	return 0;
}

int
seal_open(struct seal *s, const struct seal_frame *frame, const uint8_t *key, const uint8_t *buf,
    size_t len, uint8_t *body, size_t *body_bytes)
{
	static const uint8_t nobody[ID_BYTES];
	const struct crypto *c = &s->crypto;
	uint8_t ad[SEAL_SHARED_HEADER_BYTES + ID_BYTES];
	size_t from = seal_header_bytes(frame->form), ad_len;
	int rc;

	if (frame->form == SEAL_BARE)
		return -ERR_AUTH; /* there is nothing to open */
	/* Who is in no cluster has no cluster's traffic to read, and can't say whose it is. */
	if (frame->form != SEAL_JOIN && memcmp(s->cluster, nobody, ID_BYTES) == 0)
		return -ERR_UNKNOWN;
	ad_len = additional(s, frame->form, buf, ad);
	if (frame->form == SEAL_PAIR)
		rc = c->pair_open(c->arg, key, body, buf + from, len - from, ad, ad_len,
		    frame->counter);
	else
		rc = c->open(c->arg, frame->epoch, body, buf + from, len - from, ad, ad_len, buf + 18);
	if (rc < 0)
		return -ERR_AUTH;
	if (!readable(s, frame))
		return -ERR_VERSION;
	*body_bytes = len - from - SEAL_TAG_BYTES;
	return 0;
}

int
seal_bare(const struct seal_frame *frame, const uint8_t **body, const uint8_t *buf)
{
	*body = buf + SEAL_HEADER_BYTES;
	return frame->version == SEAL_VERSION ? 0 : -ERR_VERSION;
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
