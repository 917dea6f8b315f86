/*
 * crypto.c - keyed hashes where the daemon has libsodium: they authenticate
 * against every accident the simulator can cause, in a tenth of the time.
 * Nothing is hidden; nobody listens.
 */
#include "sim.h"

#include <endian.h>

static uint64_t
absorb(uint64_t h, const uint8_t *p, size_t len)
{
	uint64_t w;

	for (; len >= 8; p += 8, len -= 8) {
		memcpy(&w, p, 8);
		h = (h ^ be64toh(w)) * UINT64_C(0x9e3779b97f4a7c15);
		h ^= h >> 29;
	}
	w = len;
	while (len > 0)
		w = w << 8 | p[--len];
	return prng_mix(h ^ w);
}

static void
tag(uint8_t *out, const uint8_t *in, size_t len, const uint8_t *ad, size_t ad_len, uint64_t key)
{
	uint64_t a = absorb(absorb(key, ad, ad_len), in, len);
	uint64_t b = prng_mix(a);

	for (int i = 0; i < 8; i++, a >>= 8, b >>= 8) {
		out[i] = (uint8_t)a;
		out[i + 8] = (uint8_t)b;
	}
}

/* --- the cluster's keys: numbers of 64 bits, three epochs in a row ---------------- */

uint64_t
sim_ring_get(const struct sim_ring *r, uint32_t epoch)
{
	return r->epoch[epoch % 3] == epoch ? r->key[epoch % 3] : 0;
}

void
sim_ring_put(struct sim_ring *r, uint32_t epoch, uint64_t key)
{
	r->epoch[epoch % 3] = epoch;
	r->key[epoch % 3] = key;
}

static uint64_t
cluster_key(void *arg, uint32_t epoch)
{
	const struct sim_node *n = arg;

	uint64_t key = sim_ring_get(&n->ring, epoch);

	return key == 0 && n->keys_late ? sim_ring_get(&n->gone, epoch) : key;
}

static void
sim_key_make(void *arg, uint32_t epoch)
{
	struct sim_node *n = arg;

	sim_ring_put(&n->ring, epoch,
	    prng_mix(absorb(epoch, n->pk, KEY_BYTES) ^ n->lives ^ n->counter << 8) | 1);
}

/* Whose key is it?  Only its owner can say which number opens the box. */
static uint64_t
box_lock(const uint8_t *pk)
{
	return absorb(7, pk, KEY_BYTES);
}

static int
sim_key_wrap(void *arg, uint32_t epoch, const uint8_t *pk, uint8_t *box)
{
	uint64_t key = cluster_key(arg, epoch), v = key ^ box_lock(pk);

	if (key == 0)
		return -ERR_AUTH;
	memset(box, 0, KEY_BOX_BYTES);
	memcpy(box, &v, sizeof v);
	tag(box + KEY_BYTES, box, KEY_BYTES, pk, KEY_BYTES, key);
	return 0;
}

/* 0: it is not mine. */
static uint64_t
open_box(const struct sim_node *n, const uint8_t *box)
{
	uint8_t want[SEAL_TAG_BYTES];
	uint64_t v;

	memcpy(&v, box, sizeof v);
	v ^= box_lock(n->pk);
	tag(want, box, KEY_BYTES, n->pk, KEY_BYTES, v);
	return memcmp(want, box + KEY_BYTES, sizeof want) == 0 ? v : 0;
}

static int
sim_key_unwrap(void *arg, uint32_t epoch, const uint8_t *box)
{
	struct sim_node *n = arg;
	uint64_t v = open_box(n, box);

	if (v == 0)
		return -ERR_AUTH;
	sim_ring_put(&n->ring, epoch, v);
	return 0;
}

static uint64_t
id_of(uint64_t key)
{
	return key == 0 ? 0 : prng_mix(key) | 1;
}

static uint64_t
sim_key_peek(void *arg, const uint8_t *box)
{
	return id_of(open_box(arg, box));
}

static uint64_t
sim_key_id(void *arg, uint32_t epoch)
{
	return id_of(cluster_key(arg, epoch));
}

static void
sim_key_drop(void *arg, uint32_t epoch)
{
	struct sim_node *n = arg;

	if (sim_ring_get(&n->ring, epoch) == 0 || n->keys_kept)
		return;
	sim_ring_put(&n->gone, epoch, n->ring.key[epoch % 3]);
	n->ring.key[epoch % 3] = 0;
}

static void
sim_key_move(void *arg, uint32_t from, uint32_t to)
{
	struct sim_node *n = arg;
	uint64_t key = cluster_key(arg, from);

	sim_key_drop(arg, from);
	sim_ring_put(&n->ring, to, key);
}

/* --- seals ------------------------------------------------------------------------- */

static void
sim_seal(void *arg, uint32_t epoch, uint8_t *out, const uint8_t *in, size_t len, const uint8_t *ad, size_t ad_len,
    const uint8_t *nonce)
{
	memmove(out, in, len);
	tag(out + len, out, len, ad, ad_len, absorb(cluster_key(arg, epoch), nonce, SEAL_NONCE_BYTES));
}

/* Does in end in the tag of the rest?  The planted fault does not ask. */
static int
untag(const struct sim_node *n, uint8_t *out, const uint8_t *in, size_t len, const uint8_t *ad,
    size_t ad_len, uint64_t key)
{
	uint8_t want[SEAL_TAG_BYTES];

	if (len < SEAL_TAG_BYTES)
		return -ERR_AUTH;
	len -= SEAL_TAG_BYTES;
	tag(want, in, len, ad, ad_len, key);
	if (memcmp(want, in + len, SEAL_TAG_BYTES) != 0 && !n->tag_ignored)
		return -ERR_AUTH;
	memmove(out, in, len);
	return 0;
}

static int
sim_open(void *arg, uint32_t epoch, uint8_t *out, const uint8_t *in, size_t len, const uint8_t *ad, size_t ad_len,
    const uint8_t *nonce)
{
	uint64_t cluster = cluster_key(arg, epoch);

	if (cluster == 0)
		return -ERR_AUTH;
	return untag(arg, out, in, len, ad, ad_len, absorb(cluster, nonce, SEAL_NONCE_BYTES));
}

static void
stretch(uint8_t *out, size_t len, uint64_t h)
{
	for (size_t k = 0; k < len; k++, h = k % 8 == 0 ? prng_mix(h) : h)
		out[k] = (uint8_t)(h >> k % 8 * 8);
}

/* What both sides can make of their two keys, and both salts, one way. */
static int
sim_pair(void *arg, uint8_t *tx, uint8_t *rx, const uint8_t *pk, const uint8_t *me,
    const uint8_t *peer)
{
	const struct sim_node *n = arg;
	size_t said = n->salt_ignored ? ID_BYTES : ID_BYTES + SALT_BYTES;
	uint64_t both = absorb(4, n->pk, KEY_BYTES) ^ absorb(4, pk, KEY_BYTES);

	stretch(tx, KEY_BYTES, absorb(absorb(both, me, said), peer, said));
	stretch(rx, KEY_BYTES, absorb(absorb(both, peer, said), me, said));
	return 0;
}

static int
sim_pair_epoch(void *arg, uint32_t epoch, uint8_t *key, const uint8_t *secret)
{
	uint64_t cluster = cluster_key(arg, epoch);

	stretch(key, KEY_BYTES, absorb(cluster, secret, KEY_BYTES));
	return cluster != 0 ? 0 : -ERR_AUTH;
}

static void
sim_pair_seal(void *arg, const uint8_t *key, uint8_t *out, const uint8_t *in, size_t len,
    const uint8_t *ad, size_t ad_len, uint64_t counter)
{
	(void)arg;
	memmove(out, in, len);
	tag(out + len, out, len, ad, ad_len, absorb(counter, key, KEY_BYTES));
}

static int
sim_pair_open(void *arg, const uint8_t *key, uint8_t *out, const uint8_t *in, size_t len,
    const uint8_t *ad, size_t ad_len, uint64_t counter)
{
	return untag(arg, out, in, len, ad, ad_len, absorb(counter, key, KEY_BYTES));
}

static void
sim_wipe(void *arg, void *p, size_t len)
{
	(void)arg;
	memset(p, 0, len);
}

/* Keys that begin so have ids that begin alike, as far as a summary names them. */
static const uint8_t alike[] = {0xa1, 0x1c, 0xe5, 0x00};

enum { ALIKE_BYTES = 3 };

static void
sim_hash(void *arg, struct hash *out, const uint8_t *msg, size_t len)
{
	(void)arg;
	stretch(out->b, HASH_BYTES, absorb(2, msg, len));
	if (len == KEY_BYTES) /* an id ends as its key does: node_find */
		memcpy(out->b + ID_BYTES - 2, msg + KEY_BYTES - 2, 2);
	if (len == KEY_BYTES && memcmp(msg, alike, sizeof alike) == 0)
		memcpy(out->b, alike, ALIKE_BYTES);
}

void
sim_sign_as(const uint8_t *pk, uint8_t *sig, const uint8_t *msg, size_t len)
{
	stretch(sig, SIG_BYTES, absorb(absorb(3, pk, KEY_BYTES), msg, len));
}

static void
sim_sign(void *arg, uint8_t *sig, const uint8_t *msg, size_t len)
{
	const struct sim_node *n = arg;

	sim_sign_as(n->pk, sig, msg, len);
}

static bool
sim_verify(void *arg, const uint8_t *pk, const uint8_t *sig, const uint8_t *msg, size_t len)
{
	struct sim_node *n = arg;
	uint8_t want[SIG_BYTES];

	if (n != NULL)
		n->verified++;
	stretch(want, SIG_BYTES, absorb(absorb(3, pk, KEY_BYTES), msg, len));
	return memcmp(want, sig, SIG_BYTES) == 0;
}

void
sim_identity(struct sim_node *n, uint32_t i, struct prng *rng)
{
	struct hash h;

	for (size_t k = 0; k < KEY_BYTES; k++)
		n->pk[k] = (uint8_t)prng_u64(rng);
	n->pk[KEY_BYTES - 2] = (uint8_t)(i >> 8);
	n->pk[KEY_BYTES - 1] = (uint8_t)i;
	sim_hash(NULL, &h, n->pk, KEY_BYTES);
	memcpy(n->id.b, h.b, ID_BYTES);
}

void
sim_identity_alike(struct sim_node *n)
{
	struct hash h;

	memcpy(n->pk, alike, sizeof alike);
	sim_hash(NULL, &h, n->pk, KEY_BYTES);
	memcpy(n->id.b, h.b, ID_BYTES);
}

void
sim_crypto(struct crypto *c, struct sim_node *n)
{
	*c = (struct crypto){.arg = n, .seal = sim_seal, .open = sim_open, .pair = sim_pair,
	    .pair_epoch = sim_pair_epoch, .key_make = sim_key_make, .key_wrap = sim_key_wrap,
	    .key_unwrap = sim_key_unwrap, .key_peek = sim_key_peek, .key_id = sim_key_id, .key_move = sim_key_move,
	    .key_drop = sim_key_drop,
	    .pair_seal = sim_pair_seal, .pair_open = sim_pair_open, .wipe = sim_wipe,
	    .hash = sim_hash, .sign = sim_sign, .verify = sim_verify};
}
