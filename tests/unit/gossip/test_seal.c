/*
 * test_seal.c - frames that must be refused (rows 47-50 of the bad inputs),
 * each counted under its own name, none answered.
 */
#include "world.h"

static const uint8_t cluster_a[ID_BYTES] = {1}, cluster_b[ID_BYTES] = {2};

static struct seal
sealer(uint32_t i, const uint8_t *cluster, uint64_t generation, uint8_t key)
{
	struct crypto c = world_crypto(key, i);
	struct node_id id = world_id(i);
	struct seal s;

	seal_init(&s, &c, &id, cluster, generation, i);
	return s;
}

/* Header and body together, as mesh.c does it. */
static int
open_frame(struct seal *s, const uint8_t *key, const uint8_t *buf, size_t len,
    struct seal_frame *f, uint8_t *body, size_t *n)
{
	int rc = seal_read(buf, len, f);

	return rc < 0 ? rc : seal_open(s, f, key, buf, len, body, n);
}

static const uint8_t pair_key[KEY_BYTES] = {9, 9};
static const enum seal_form forms[] = {SEAL_PAIR, SEAL_SHARED, SEAL_JOIN};

static void
lengths(void **state)
{
	struct seal s = sealer(0, cluster_a, 1, 7);
	static const size_t lens[] = {0, 1, SEAL_OVERHEAD - 1, SEAL_OVERHEAD};
	uint8_t buf[DGRAM_BYTES_MAX + 1] = {0}, body[SEAL_BODY_MAX];
	struct seal_frame f;
	size_t n;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lens); i++)
		assert_int_equal(open_frame(&s, pair_key, buf, lens[i], &f, body, &n), -ERR_SHORT);
	assert_int_equal(open_frame(&s, pair_key, buf, sizeof buf, &f, body, &n), -ERR_LONG);
	buf[1] = SEAL_SHARED;
	assert_int_equal(open_frame(&s, NULL, buf, SEAL_SHARED_OVERHEAD, &f, body, &n), -ERR_SHORT);
	buf[1] = SEAL_BARE;
	assert_int_equal(open_frame(&s, NULL, buf, SEAL_BARE_MAX + 1, &f, body, &n), -ERR_LONG);
}

static void
every_bit_is_authenticated(void **state)
{
	uint8_t pair_other[KEY_BYTES] = {9, 9};
	struct seal a = sealer(0, cluster_a, 1, 7), b = sealer(1, cluster_a, 1, 7);
	uint8_t buf[DGRAM_BYTES_MAX] = {0}, body[SEAL_BODY_MAX];
	struct seal_frame f;
	size_t n, len;

	(void)state;
	for (size_t k = 0; k < ARRAY_LEN(forms); k++) {
		memcpy(buf + seal_header_bytes(forms[k]), "hello", 5);
		len = seal_close(&a, forms[k], pair_key, buf, 5);
		assert_int_equal(open_frame(&b, pair_key, buf, len, &f, body, &n), 0);
		assert_int_equal(f.form, forms[k]);
		assert_int_equal(n, 5);
		assert_memory_equal(body, "hello", 5);
		for (size_t bit = 0; bit < 8 * len; bit++) {
			buf[bit / 8] ^= (uint8_t)(1 << bit % 8);
			assert_true(open_frame(&b, pair_key, buf, len, &f, body, &n) < 0);
			buf[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
		assert_int_equal(open_frame(&b, pair_key, buf, len - 1, &f, body, &n), -ERR_AUTH);
		pair_other[0] ^= 1;
		if (forms[k] == SEAL_PAIR)
			assert_int_equal(open_frame(&b, pair_other, buf, len, &f, body, &n),
			    -ERR_AUTH);
		pair_other[0] ^= 1;
	}
}

static void
strangers(void **state)
{
	static const uint8_t none[ID_BYTES];
	struct seal a = sealer(0, cluster_a, 1, 7), other = sealer(1, cluster_b, 1, 7);
	struct seal thief = sealer(1, cluster_a, 1, 8), newcomer = sealer(2, none, 1, 7);
	uint8_t buf[DGRAM_BYTES_MAX] = {0}, body[SEAL_BODY_MAX];
	struct seal_frame f;
	size_t n, len = seal_close(&a, SEAL_SHARED, NULL, buf, 5);

	(void)state;
	assert_int_equal(open_frame(&other, NULL, buf, len, &f, body, &n), -ERR_AUTH);
	assert_int_equal(open_frame(&thief, NULL, buf, len, &f, body, &n), -ERR_AUTH);
	assert_int_equal(open_frame(&newcomer, NULL, buf, len, &f, body, &n), -ERR_UNKNOWN);
	/* Outside any cluster the key alone counts. */
	len = seal_close(&newcomer, SEAL_JOIN, NULL, buf, 5);
	assert_int_equal(open_frame(&a, NULL, buf, len, &f, body, &n), 0);
	assert_int_equal(f.form, SEAL_JOIN);
}

/* Authentic, but of a version nobody speaks yet. */
static void
unknown_version(void **state)
{
	static const uint8_t versions[] = {SEAL_VERSION - 1, SEAL_VERSION + 1, 255};
	struct seal a = sealer(0, cluster_a, 1, 7), b = sealer(1, cluster_a, 1, 7);
	uint8_t buf[DGRAM_BYTES_MAX] = {0}, ad[SEAL_SHARED_HEADER_BYTES + ID_BYTES], body[SEAL_BODY_MAX];
	struct seal_frame f;
	size_t n, len;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(versions); i++) {
		len = seal_close(&a, SEAL_SHARED, NULL, buf, 5);
		buf[0] = versions[i];
		memcpy(ad, buf, SEAL_SHARED_HEADER_BYTES);
		memcpy(ad + SEAL_SHARED_HEADER_BYTES, cluster_a, ID_BYTES);
		world_seal((void *)7, 0, buf + SEAL_SHARED_HEADER_BYTES, buf + SEAL_SHARED_HEADER_BYTES, 5, ad,
		    sizeof ad, buf + 18);
		assert_int_equal(open_frame(&b, NULL, buf, len, &f, body, &n), -ERR_VERSION);
		assert_int_equal(f.version, versions[i]);
	}
}

static void
the_window_slides(void **state)
{
	struct seal_window w = {0};

	(void)state;
	assert_int_equal(seal_fresh(&w, 5000), 0);
	assert_int_equal(seal_fresh(&w, 5000), -ERR_REPLAY);
	assert_int_equal(seal_fresh(&w, 4999), 0); /* late is fine, once */
	assert_int_equal(seal_fresh(&w, 4999), -ERR_REPLAY);
	assert_int_equal(seal_fresh(&w, 5000 - SEAL_WINDOW_BITS + 1), 0);
	assert_int_equal(seal_fresh(&w, 5000 - SEAL_WINDOW_BITS), -ERR_REPLAY);
	assert_int_equal(seal_fresh(&w, 1), -ERR_REPLAY);
	assert_int_equal(seal_fresh(&w, 5000 + 70), 0);
	assert_int_equal(seal_fresh(&w, 5000 - SEAL_WINDOW_BITS + 71), 0);
	assert_int_equal(seal_fresh(&w, 5000 - SEAL_WINDOW_BITS + 70), -ERR_REPLAY);
	assert_int_equal(seal_fresh(&w, 5000), -ERR_REPLAY);
	/* A restart: far ahead, and nothing from before counts. */
	assert_int_equal(seal_fresh(&w, UINT64_C(2) << SEAL_COUNTER_BITS), 0);
	assert_int_equal(seal_fresh(&w, 5100), -ERR_REPLAY);
}

/* Against a set: random counters, forwards and back. */
static void
the_window_equals_a_set(void **state)
{
	static uint8_t seen[1 << 16];
	struct seal_window w = {0};
	struct prng rng;
	uint64_t top = 2000;

	(void)state;
	memset(seen, 0, sizeof seen);
	prng_init(&rng, 3);
	for (int k = 0; k < 40000 && top < 60000; k++) {
		uint64_t c = top + 40 - prng_below(&rng, 1200);
		bool old = c + SEAL_WINDOW_BITS <= (w.top > c ? w.top : c);
		int rc = seal_fresh(&w, c);

		assert_int_equal(rc, old || seen[c] ? -ERR_REPLAY : 0);
		seen[c] = 1;
		top = c > top ? c : top;
	}
	assert_true(top > 2500);
}

/* The same, through the façade: counted by name, and nothing comes back. */
static void
drops_are_counted_and_not_answered(void **state)
{
	struct world *w = world_new(2, MESH_QUORUM_MAJORITY);
	struct mesh_stats before, after;
	struct addr from = toy_addr(1), to;
	uint8_t buf[DGRAM_BYTES_MAX + 1], noise[1024];
	struct seal evil = sealer(1, cluster_a, 1, 7);
	struct prng rng;
	size_t len;

	(void)state;
	world_run(w, 5000);
	w->flights = 0;
	len = 0;
	for (msec end = w->now + 3000; len == 0 && w->now < end;) {
		world_step(w);
		for (size_t k = 0; k < w->flights; k++)
			if (w->flight[k].to == 0 && w->flight[k].from == 1) {
				len = w->flight[k].len;
				memcpy(buf, w->flight[k].b, len);
			}
	}
	assert_true(len > 0);
	world_step(w); /* delivers it once */
	mesh_stats(w->node[0], &before);
	assert_int_equal(mesh_recv(w->node[0], w->now, &from, buf, len), -ERR_REPLAY);
	assert_int_equal(mesh_recv(w->node[0], w->now, &from, buf, 1), -ERR_SHORT);
	prng_init(&rng, 1);
	for (size_t i = 0; i < sizeof noise; i++)
		noise[i] = (uint8_t)prng_u64(&rng);
	noise[1] = SEAL_SHARED;
	assert_int_equal(mesh_recv(w->node[0], w->now, &from, noise, sizeof noise), -ERR_AUTH);
	memcpy(buf + SEAL_HEADER_BYTES, "\xdd\xff\xff\xff\xff", 5);
	memcpy(evil.cluster, w->disk[0].cluster, ID_BYTES);
	evil.counter += 1 << 20;
	len = seal_close(&evil, SEAL_PAIR, pair_tx(w->node[1], 1), buf, 5);
	assert_int_equal(mesh_recv(w->node[0], w->now, &from, buf, len), -ERR_MALFORMED);
	mesh_stats(w->node[0], &after);
	assert_int_equal(after.dropped[ERR_REPLAY], before.dropped[ERR_REPLAY] + 1);
	assert_int_equal(after.dropped[ERR_SHORT], before.dropped[ERR_SHORT] + 1);
	assert_int_equal(after.dropped[ERR_AUTH], before.dropped[ERR_AUTH] + 1);
	assert_int_equal(after.dropped[ERR_MALFORMED], before.dropped[ERR_MALFORMED] + 1);
	assert_int_equal(mesh_poll(w->node[0], w->now, &to, buf, sizeof buf), 0);
	world_free(w);
}

/* The first datagram of a node that looks for a seed, which is a shared frame. */
static void
first_nonce(uint64_t seed, uint8_t secret, uint8_t salt, uint8_t *nonce)
{
	struct mesh_conf c = {.self = world_id(1), .addr = toy_addr(1), .members_max = 4,
	    .seed = seed, .crypto = world_crypto(7, 1), .seeds = {toy_addr(0)}, .seeds_count = 1};
	uint8_t buf[DGRAM_BYTES_MAX];
	struct mesh_saved f;
	struct addr to;
	struct mesh *m;

	world_pk(1, c.pk);
	memset(c.secret, secret, sizeof c.secret);
	memset(c.salt, salt, sizeof c.salt);
	m = mesh_new(&c, 1000);
	assert_non_null(m);
	mesh_tick(m, 1000);
	assert_true(mesh_must_save(m, &f));
	mesh_saved(m);
	assert_true(mesh_poll(m, 1000, &to, buf, sizeof buf) > SEAL_SHARED_OVERHEAD);
	memcpy(nonce, buf + SEAL_HEADER_BYTES, SEAL_NONCE_BYTES);
	mesh_free(m);
}

/* What can be read off the wire comes from the secret and this start's salt: who
 * knows the seed of the timers foretells none of it, and the other way round. */
static void
nonces_are_of_the_secret(void **state)
{
	uint8_t a[SEAL_NONCE_BYTES], b[SEAL_NONCE_BYTES];

	(void)state;
	first_nonce(5, 1, 1, a);
	first_nonce(5, 1, 1, b);
	assert_memory_equal(a, b, sizeof a);
	first_nonce(6, 1, 1, b);
	assert_memory_equal(a, b, sizeof a);
	first_nonce(5, 2, 1, b);
	assert_memory_not_equal(a, b, sizeof a);
	first_nonce(5, 1, 2, b);
	assert_memory_not_equal(a, b, sizeof a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(nonces_are_of_the_secret),
	    cmocka_unit_test(lengths),
	    cmocka_unit_test(every_bit_is_authenticated),
	    cmocka_unit_test(strangers),
	    cmocka_unit_test(unknown_version),
	    cmocka_unit_test(the_window_slides),
	    cmocka_unit_test(the_window_equals_a_set),
	    cmocka_unit_test(drops_are_counted_and_not_answered),
	};

	return cmocka_run_group_tests_name("seal", tests, NULL, NULL);
}
