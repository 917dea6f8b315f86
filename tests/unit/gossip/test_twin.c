/*
 * test_twin.c - one identity in two places: which of the two stays, and that no
 * packet that is repeated, moved or made up silences anybody.
 */
#include "../../../gossip/be.h"
#include "world.h"

/* Node `at` starts as node `as`, in that life. */
static void
start_as(struct world *w, uint32_t at, uint32_t as, uint64_t generation, uint8_t salt)
{
	struct mesh_conf c = {.self = world_id(as), .addr = toy_addr(at), .members_max = 32,
	    .seed = at + 200, .crypto = world_crypto(7, as)};

	world_pk(as, c.pk);
	memset(c.salt, salt, sizeof c.salt);
	c.saved = w->disk[as];
	c.saved.generation = generation;
	snprintf(c.name, sizeof c.name, "n%u", as);
	c.seeds[0] = toy_addr(0);
	c.seeds_count = 1;
	mesh_free(w->node[at]);
	w->node[at] = mesh_new(&c, w->now);
	assert_non_null(w->node[at]);
}

/* Four, of whom the last is put away, to come again as another. */
static struct world *
three_and_a_place(void)
{
	struct world *w = world_new(4, MESH_QUORUM_MAJORITY);

	world_run(w, 6000);
	mesh_leave(w->node[3], w->now);
	world_run(w, 3000);
	world_kill(w, 3);
	return w;
}

static bool
names(struct world *w, uint32_t i, uint32_t other, bool *yielded)
{
	struct addr at, want = toy_addr(other);

	return mesh_twin(w->node[i], w->now, &at, yielded) && addr_eq(&at, &want);
}

static void
told_apart(struct world *w, uint32_t stays, uint32_t goes)
{
	bool yielded;
	struct node_id id = world_id(stays == 3 ? goes : stays);
	struct mesh_member x;
	struct addr at = toy_addr(stays);

	assert_true(names(w, stays, goes, &yielded) && !yielded);
	assert_true(names(w, goes, stays, &yielded) && yielded);
	for (uint32_t i = 0; i < 3; i++) {
		if (i == goes || i == stays)
			continue;
		assert_true(mesh_find(w->node[i], &id, &x));
		assert_int_equal(x.state, MESH_ALIVE);
		assert_true(addr_eq(&x.addr, &at));
	}
}

static void
the_older_one_stays(void **state)
{
	(void)state;
	/* Of the same life, of an earlier one, of a later one; whatever the salt. */
	for (uint64_t generation = 2; generation <= 4; generation++)
		for (int salt = 1; salt <= 0xff; salt += 0xfe) {
			struct world *w = three_and_a_place();

			world_kill(w, 1);
			world_run(w, 100);
			world_start(w, 1);
			world_kill(w, 1);
			world_start(w, 1); /* the third life of n1 */
			world_run(w, 12000);
			assert_int_equal(w->node[1]->ms.m[0].generation, 3);
			start_as(w, 3, 1, generation, (uint8_t)salt);
			world_run(w, 10000);
			told_apart(w, 1, 3);
			assert_true(w->node[1]->ms.m[0].generation >= generation);
			world_free(w);
		}
}

/* Two that began at once: one of them stays, and it is the one of the lower salt. */
static void
one_of_two_stays(void **state)
{
	(void)state;
	for (int salt = 1; salt <= 0xff; salt += 0xfe) {
		struct world *w = three_and_a_place();

		world_kill(w, 1);
		world_run(w, 100);
		world_start(w, 1);
		start_as(w, 3, 1, w->disk[1].generation, (uint8_t)salt);
		world_run(w, 10000);
		told_apart(w, salt == 1 ? 3 : 1, salt == 1 ? 1 : 3);
		world_free(w);
	}
}

/* What node 1 and node 3 say to each other of the one kind takes so much longer. */
static void
step_with_late(struct world *w, bool questions, uint32_t from, msec late)
{
	static struct flight held[256];
	static msec due[256];
	static size_t n;
	size_t kept = 0, waiting = 0;

	for (size_t i = 0; i < w->flights; i++) {
		const struct flight *f = &w->flight[i];
		struct packet p;

		world_decode(f->b, f->len, &p);
		if (f->from == from && f->to == 4 - from && p.kind == PACKET_TWIN &&
		    p.bytes_len == TWIN_BYTES && questions == (be_get(p.bytes + SALT_BYTES, 8) == 0)) {
			assert_true(n < ARRAY_LEN(held));
			due[n] = w->now + late;
			held[n++] = *f;
		} else {
			w->flight[kept++] = *f;
		}
	}
	w->flights = kept;
	for (size_t i = 0; i < n; i++)
		if (due[i] <= w->now) {
			w->flight[w->flights++] = held[i];
		} else {
			due[waiting] = due[i];
			held[waiting++] = held[i];
		}
	n = waiting;
	world_step(w);
}

/* However far apart they began, whichever packets are late, and whoever has the
 * lower salt: one of two stays, and no more. */
static void
late_packets_silence_no_two(void **state)
{
	static const msec gaps[] = {0, 5, 2975, 2999, 3001};
	bool first, second;

	(void)state;
	for (size_t g = 0; g < ARRAY_LEN(gaps); g++)
		for (uint32_t how = 0; how < 16; how++) {
			struct world *w = three_and_a_place();

			world_kill(w, 1);
			world_run(w, 100);
			world_start(w, 1);
			world_run(w, gaps[g]);
			start_as(w, 3, 1, w->disk[1].generation, how & 1 ? 0xff : 1);
			for (msec end = w->now + 6000; w->now < end;)
				step_with_late(w, how & 2, how & 4 ? 1 : 3, how & 8 ? 30 : 1);
			step_with_late(w, false, 1, 0);
			assert_true(names(w, 1, 3, &first) && names(w, 3, 1, &second));
			assert_true(first != second);
			assert_true(gaps[g] < 100 || second); /* the younger one */
			world_free(w);
		}
}

/* Whoever was told by a signed word, and only he: three copies of one disk. */
static void
one_of_three_stays(void **state)
{
	(void)state;
	for (uint8_t salt = 1; salt < 4; salt++) {
		struct world *w = world_new(5, MESH_QUORUM_MAJORITY);
		bool yielded;
		size_t silent = 0;

		world_run(w, 6000);
		for (uint32_t i = 3; i < 5; i++)
			mesh_leave(w->node[i], w->now);
		world_run(w, 3000);
		for (uint32_t i = 3; i < 5; i++)
			world_kill(w, i);
		world_kill(w, 1);
		world_run(w, 100);
		start_as(w, 1, 1, w->disk[1].generation + 1, salt);
		world_run(w, 2000);
		start_as(w, 3, 1, w->disk[1].generation, (uint8_t)(salt % 3 + 1));
		world_run(w, 2000);
		start_as(w, 4, 1, w->disk[1].generation, (uint8_t)((salt + 1) % 3 + 1));
		world_run(w, 20000);
		for (uint32_t i = 1; i < 5; i += i == 1 ? 2 : 1) {
			struct addr at;

			assert_true(mesh_twin(w->node[i], w->now, &at, &yielded));
			assert_int_equal(yielded, i != 1);
			silent += yielded;
		}
		assert_int_equal(silent, 2);
		world_free(w);
	}
}

/* All that n1 ever sent, from wherever: it may be asked who is there, and no
 * more; and who never was a twin goes on. */
static void
a_recording_silences_nobody(void **state)
{
	static struct flight kept[200];
	struct world *w = world_new(3, MESH_QUORUM_MAJORITY);
	struct addr elsewhere = toy_addr(7);
	struct mesh_side side;
	size_t n = 0;
	bool yielded;

	(void)state;
	for (msec end = w->now + 6000; w->now < end; world_step(w))
		for (size_t k = 0; k < w->flights && n < ARRAY_LEN(kept); k++)
			if (w->flight[k].from == 1 &&
			    (w->flight[k].b[1] & SEAL_FORM_MASK) != SEAL_PAIR)
				kept[n++] = w->flight[k];
	assert_true(n > 2);
	for (int life = 0; life < 2; life++) {
		for (size_t k = 0; k < n; k++) {
			for (uint32_t i = 0; i < 3; i++)
				(void)!mesh_recv(w->node[i], w->now, &elsewhere, kept[k].b, kept[k].len);
			world_step(w);
		}
		for (uint32_t i = 0; i < 3; i++)
			assert_false(names(w, i, 7, &yielded));
		world_run(w, 3000);
		mesh_side(w->node[1], w->now, &side);
		assert_true(side.has_leader && world_state(w, 0, 1) == MESH_ALIVE);
		world_kill(w, 1); /* and again in its next life */
		world_start(w, 1);
		world_run(w, 6000);
	}
	world_free(w);
}

/* A whole answer of a twin: no byte of it may be another. */
static void
an_answer_is_signed_and_fresh(void **state)
{
	struct world *w = world_new(2, MESH_QUORUM_MAJORITY);
	struct mesh *m = w->node[1];
	uint8_t said[TWIN_BYTES], buf[11 + ID_BYTES + TWIN_BYTES], other[SALT_BYTES] = {9};
	struct packet p = {.kind = PACKET_TWIN, .bytes = said, .bytes_len = TWIN_BYTES};
	struct addr there = toy_addr(5);
	uint8_t pk[KEY_BYTES];
	bool yielded;

	(void)state;
	world_run(w, 5000);
	twin_suspect(m, w->now, &there);
	memset(said, 0, sizeof said);
	memcpy(said, other, SALT_BYTES);
	memcpy(said + SALT_BYTES, m->conf.salt, SALT_BYTES);
	for (int k = 0; k < 8; k++)
		said[2 * SALT_BYTES + k] = (uint8_t)(m->twin.nonce >> (56 - 8 * k));
	said[2 * SALT_BYTES + 8 + 8] = 0x10; /* very old */
	said[TWIN_BYTES - SIG_BYTES - 1] = 1; /* it stays */
	memcpy(buf, "mesh twin 0", 11);
	memcpy(buf + 11, m->saved.cluster, ID_BYTES);
	memcpy(buf + 11 + ID_BYTES, said, TWIN_BYTES - SIG_BYTES);
	world_pk(1, pk);
	toy_sig(pk, said + TWIN_BYTES - SIG_BYTES, buf, 11 + ID_BYTES + TWIN_BYTES - SIG_BYTES);
	for (size_t k = 0; k < TWIN_BYTES; k++) {
		said[k] ^= 1;
		assert_int_not_equal(twin_recv(m, w->now, &there, &p), -ERR_IDENTITY);
		said[k] ^= 1;
		assert_false(m->left || names(w, 1, 5, &yielded));
	}
	p.bytes_len--;
	assert_int_equal(twin_recv(m, w->now, &there, &p), -ERR_MALFORMED);
	p.bytes_len++;
	/* Too late is no answer to that question. */
	assert_int_equal(twin_recv(m, w->now + 2000, &there, &p), -ERR_REPLAY);
	assert_int_equal(twin_recv(m, w->now, &there, &p), -ERR_IDENTITY);
	assert_true(m->left && names(w, 1, 5, &yielded) && yielded);
	/* Nor is one answer good for two. */
	assert_int_equal(twin_recv(m, w->now, &there, &p), -ERR_REPLAY);
	world_free(w);
}

/* Only the one of the lower salt judges; the other one falls silent by its signed
 * word and by nothing else, however much older that one says it is. */
static void
the_lower_salt_judges(void **state)
{
	struct world *w = world_new(2, MESH_QUORUM_MAJORITY);
	struct mesh *m = w->node[1];
	struct addr there = toy_addr(5);
	uint8_t said[TWIN_BYTES] = {1}; /* its salt; mine begins with 2 */
	struct packet p = {.kind = PACKET_TWIN, .bytes = said, .bytes_len = TWIN_BYTES};
	uint8_t pk[KEY_BYTES], buf[11 + ID_BYTES + TWIN_BYTES];
	bool yielded;

	(void)state;
	world_run(w, 5000);
	twin_suspect(m, w->now, &there);
	memcpy(said + SALT_BYTES, m->conf.salt, SALT_BYTES);
	be_put(said + 2 * SALT_BYTES, m->twin.nonce, 8);
	world_pk(1, pk);
	for (uint8_t word = 0; word < 2; word++) {
		for (int older = 0; older < 2; older++) {
			assert_false(m->left);
			be_put(said + 2 * SALT_BYTES + 16, older ? UINT64_C(1) << 40 : 0, 8);
			said[TWIN_BYTES - SIG_BYTES - 1] = word;
			memcpy(buf, "mesh twin 0", 11);
			memcpy(buf + 11, m->saved.cluster, ID_BYTES);
			memcpy(buf + 11 + ID_BYTES, said, TWIN_BYTES - SIG_BYTES);
			toy_sig(pk, said + TWIN_BYTES - SIG_BYTES, buf,
			    11 + ID_BYTES + TWIN_BYTES - SIG_BYTES);
			assert_int_equal(twin_recv(m, w->now, &there, &p), -ERR_IDENTITY);
			assert_true(names(w, 1, 5, &yielded) && yielded == (word == 1));
			if (word == 1)
				break;
		}
	}
	assert_true(m->left);
	world_free(w);
}

/* Whoever asks gets no more bytes than it sent, and a hint costs less than any. */
static void
nothing_is_amplified(void **state)
{
	struct world *w = three_and_a_place();
	size_t question = 0;
	uint64_t questions = 0;

	(void)state;
	start_as(w, 3, 1, 1, 0x77);
	for (msec end = w->now + 5000; w->now < end; world_step(w))
		for (size_t k = 0; k < w->flights; k++) {
			struct packet p;

			world_decode(w->flight[k].b, w->flight[k].len, &p);
			if (p.kind != PACKET_TWIN)
				continue;
			questions++;
			if (p.bytes_len == TWIN_HINT_BYTES)
				assert_true(w->flight[k].len <= HELLO_BYTES);
			else if (question == 0)
				question = w->flight[k].len;
			else
				assert_int_equal(w->flight[k].len, question);
		}
	assert_true(question > 0 && questions < 60);
	world_free(w);
}

/* Seeds are the same list on each host, and one of them is another address of this
 * very host, as 127.0.1.1 is on Debian: what it says there comes back to it, and is
 * no other host's; before it joined as after. */
static void
its_own_words_are_no_twin(void **state)
{
	struct world *w = world_new(2, MESH_QUORUM_MAJORITY);
	struct addr alias = toy_addr(6), to;
	uint8_t buf[DGRAM_BYTES_MAX];
	struct mesh_stats st;
	size_t len, back = 0;
	bool yielded;

	(void)state;
	for (uint32_t i = 0; i < 2; i++) {
		struct addr me = toy_addr(i);

		back = 0;
		assert_int_equal(mesh_add_seed(w->node[i], w->now, &alias), 0);
		for (msec end = w->now + 20000; w->now < end; w->now++) {
			mesh_tick(w->node[i], w->now);
			world_save(w, i);
			while ((len = mesh_poll(w->node[i], w->now, &to, buf, sizeof buf)) > 0)
				if (addr_eq(&to, &alias)) {
					back++;
					assert_int_equal(mesh_recv(w->node[i], w->now, &me, buf, len), 0);
				}
		}
		assert_true(back > 3);
		mesh_stats(w->node[i], &st);
		assert_int_equal(st.dropped[ERR_IDENTITY], 0);
		assert_false(mesh_twin(w->node[i], w->now, &to, &yielded));
	}
	world_free(w);
}

/* A member gone bad makes up a salt for another: before that one ever spoke it
 * gains nothing, for the true one is still heard; and after, neither. */
static void
a_made_up_salt_locks_nobody_out(void **state)
{
	struct world *w = world_new(3, MESH_QUORUM_MAJORITY);
	struct mesh *m = w->node[0];
	uint32_t i;
	struct node_id id = world_id(1);
	uint8_t salts[HELLO_HEAD_BYTES] = {0xee};
	struct packet p = {.kind = PACKET_HELLO, .bytes = salts, .bytes_len = HELLO_HEAD_BYTES};
	struct seal_frame f = {.form = SEAL_SHARED};
	struct addr liar = toy_addr(2);

	(void)state;
	world_run(w, 5000);
	be_put(salts + SALTS_BYTES + 8, cookie_make(m, w->now, &liar), 8); /* it is where it says */
	i = members_find_id(&m->ms, &id);
	f.sender = seal_short(&id);
	f.counter = (m->ms.m[i].generation << SEAL_COUNTER_BITS) + 1000000;
	assert_int_equal(pair_recv(m, w->now, &liar, &f, &p), -ERR_IDENTITY);
	assert_true(pair_stands(m, i));
	members_pair(&m->ms, i)->spoke = false; /* as if it had only said HELLO */
	assert_int_equal(pair_recv(m, w->now, &liar, &f, &p), 0);
	assert_false(pair_stands(m, i));
	world_run(w, 10000);
	assert_true(pair_stands(m, i) && world_state(w, 0, 1) == MESH_ALIVE);
	world_free(w);
}

/* A copy in a higher life, seen by all but the first one, and gone before these two met:
 * the first one is refused from then on, and has to climb above what it left. */
static void
who_is_gone_again_keeps_nobody_out(void **state)
{
	struct world *w = three_and_a_place();
	struct node_id id = world_id(1);
	struct mesh_member x;
	bool yielded;

	(void)state;
	world_isolate(w, 1, true);
	start_as(w, 3, 1, w->disk[1].generation + 5, 9);
	world_run(w, 6000);
	assert_true(mesh_find(w->node[0], &id, &x));
	assert_int_equal(x.addr.port, toy_addr(3).port);
	world_kill(w, 3);
	world_isolate(w, 1, false);
	assert_false(names(w, 1, 3, &yielded));
	world_run(w, 60000);
	for (uint32_t i = 0; i < 3; i++) {
		assert_true(mesh_find(w->node[i], &id, &x));
		assert_int_equal(x.state, MESH_ALIVE);
		assert_true(x.addr.port == toy_addr(1).port && id_eq(&x.id, &id));
		assert_int_equal(mesh_up(w->node[i]), 3);
	}
	world_free(w);
}

/* A word of an older life is repeated to one that hears the present one: no reason to
 * begin another, and no way for whoever has no key to wear lives out. */
static void
old_words_begin_no_life(void **state)
{
	enum { VICTIM = 2, HEARER = 0, TAPE_MAX = 64 };
	static struct {
		size_t len;
		uint8_t b[DGRAM_BYTES_MAX];
	} tape[TAPE_MAX];
	struct world *w = world_new(4, MESH_QUORUM_MAJORITY);
	struct addr from = toy_addr(VICTIM);
	size_t n = 0;
	uint64_t life;

	(void)state;
	for (msec end = w->now + 8000; w->now < end; world_step(w))
		for (size_t k = 0; k < w->flights && n < TAPE_MAX; k++) {
			const struct flight *f = &w->flight[k];

			if (f->from == VICTIM && f->to == HEARER &&
			    (f->b[1] & SEAL_FORM_MASK) == SEAL_SHARED) {
				tape[n].len = f->len;
				memcpy(tape[n++].b, f->b, f->len);
			}
		}
	assert_true(n > 0);
	world_kill(w, VICTIM);
	world_start(w, VICTIM);
	world_run(w, 10000);
	life = w->node[VICTIM]->ms.m[0].generation;
	for (int s = 0; s < 40; s++) {
		world_run(w, 1000);
		for (size_t k = 0; k < n && s % 4 == 0; k++)
			(void)!mesh_recv(w->node[HEARER], w->now, &from, tape[k].b, tape[k].len);
	}
	assert_int_equal(w->node[VICTIM]->ms.m[0].generation, life);
	world_free(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(old_words_begin_no_life),
	    cmocka_unit_test(the_older_one_stays),
	    cmocka_unit_test(one_of_two_stays),
	    cmocka_unit_test(late_packets_silence_no_two),
	    cmocka_unit_test(one_of_three_stays),
	    cmocka_unit_test(the_lower_salt_judges),
	    cmocka_unit_test(a_recording_silences_nobody),
	    cmocka_unit_test(an_answer_is_signed_and_fresh),
	    cmocka_unit_test(nothing_is_amplified),
	    cmocka_unit_test(its_own_words_are_no_twin),
	    cmocka_unit_test(a_made_up_salt_locks_nobody_out),
	    cmocka_unit_test(who_is_gone_again_keeps_nobody_out),
	};

	return cmocka_run_group_tests_name("twin", tests, NULL, NULL);
}
