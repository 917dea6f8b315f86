/*
 * test_enter.c - the way in with a certificate: what a member does before it knows from
 * where it is asked (nothing), what it answers, and whom a newcomer believes.
 */
#include "../../../gossip/be.h"
#include "../../shared/toy_ca.h"
#include "world.h"

static const uint8_t ca[KEY_BYTES] = {0xca, 1};

enum { WALL_S = 100000 };

static void
certify_by(struct world *w, const uint8_t *by_ca, uint32_t i, uint8_t token, uint32_t uses,
    uint64_t expiry_s)
{
	struct crypto c = world_crypto(7, i);
	uint8_t key[KEY_BYTES] = {0x70, token}, by[CERT_DELEGATION_MAX], pk[KEY_BYTES];
	char name[NAME_CAP];
	size_t len;

	world_pk(i, pk);
	snprintf(name, sizeof name, "n%u", i);
	w->ca[i] = (struct mesh_ca){.wall_s = WALL_S};
	memcpy(w->ca[i].pk, by_ca, KEY_BYTES);
	len = toy_delegate(&c, toy_sig, by_ca, key, expiry_s, uses, "", by);
	w->ca[i].cert_bytes = toy_certify(&c, toy_sig, by_ca, by, len, pk, name, "", w->ca[i].cert);
}

static void
certify(struct world *w, uint32_t i, uint8_t token, uint32_t uses, uint64_t expiry_s)
{
	certify_by(w, ca, i, token, uses, expiry_s);
}

/* Node 0 made the cluster; the others have certificates and are not in it yet. */
static struct world *
begin(uint32_t count)
{
	struct world *w = calloc(1, sizeof *w);
	struct crypto c = world_crypto(7, 0);
	uint8_t cluster[ID_BYTES];

	assert_non_null(w);
	memset(world_held, 0, sizeof world_held);
	w->count = count;
	w->now = 1000;
	for (uint32_t i = 0; i < count; i++) {
		certify(w, i, 1, 100, WALL_S + 3600);
		world_start(w, i);
	}
	cert_cluster(&c, ca, cluster);
	assert_int_equal(mesh_init(w->node[0], w->now, cluster), 0);
	return w;
}

static void
all_come_in(void **state)
{
	struct world *w = begin(4);
	struct mesh_member x;
	struct mesh_came came;
	struct node_id id = world_id(2);

	(void)state;
	world_run(w, 8000);
	for (uint32_t i = 0; i < 4; i++) {
		assert_int_equal(w->node[i]->ms.by_state[MESH_ALIVE], 4);
		assert_int_equal(w->node[i]->roster.n.all, 4);
		assert_int_equal(w->node[i]->saved.keys.used, 1);
		assert_true(w->disk[i].certified);
	}
	assert_true(mesh_find(w->node[3], &id, &x));
	assert_true(x.certified && x.entry == MESH_ENTRY_OK);
	assert_true(mesh_came(w->node[3], &id, &came));
	assert_int_equal(came.uses, 100);
	/* Who has been in needs nobody to come back. */
	for (uint32_t i = 0; i < 4; i++) {
		world_kill(w, i);
		world_start(w, i);
	}
	memset(w->sent_kind, 0, sizeof w->sent_kind);
	world_run(w, 8000);
	assert_int_equal(w->node[3]->ms.by_state[MESH_ALIVE], 4);
	assert_int_equal(w->sent_kind[PACKET_ENTER], 0);
	world_free(w);
}

/* --- frames by hand ---------------------------------------------------------------- */

/* An ENTER of node 5, which is nobody yet, from its address; the buffer it lies in. */
static size_t
enter(const struct mesh_ca *mine, uint64_t cookie, size_t bytes, uint8_t *buf)
{
	struct crypto c = world_crypto(7, 5);
	struct node_id id = world_id(5);
	uint8_t body[ENTER_BYTES] = {0};
	static const uint8_t nobody[ID_BYTES];
	struct packet p = {.kind = PACKET_ENTER, .seq = 99, .cookie = cookie, .bare = true,
	    .bytes = body, .bytes_len = bytes};
	struct mpw w, none = {0};
	struct seal s;

	seal_init(&s, &c, &id, nobody, 1, 5);
	world_pk(5, body);
	be_put(body + KEY_BYTES, mine->cert_bytes, 2);
	memcpy(body + KEY_BYTES + 2, mine->cert, mine->cert_bytes);
	mpw_init(&w, buf + seal_header_bytes(SEAL_BARE), SEAL_BODY_MAX);
	packet_begin(&w, &p);
	packet_end(&w, &none, 0);
	return seal_close(&s, SEAL_BARE, NULL, buf, w.len);
}

/* What node 0 sends next, decoded; its length, or 0. */
static size_t
answer(struct world *w, uint8_t *buf, struct packet *p)
{
	struct addr to;
	size_t len;

	world_save(w, 0);
	while ((len = mesh_poll(w->node[0], w->now, &to, buf, DGRAM_BYTES_MAX)) > 0) {
		world_decode(buf, len, p);
		if (p->kind == PACKET_ENTERED)
			return len;
	}
	return 0;
}

static void
nothing_before_the_cookie(void **state)
{
	struct world *w = begin(1);
	struct addr from = toy_addr(5);
	uint8_t buf[DGRAM_BYTES_MAX], out[DGRAM_BYTES_MAX];
	struct packet p;
	size_t asked, told;

	(void)state;
	world_run(w, 2000);
	certify(w, 5, 1, 100, WALL_S + 3600);
	for (size_t i = 0; i < 2; i++) { /* a certificate, and none: it is not even looked at */
		asked = enter(&w->ca[5], i * 12345, ENTER_BYTES, buf);
		assert_int_equal(mesh_recv(w->node[0], w->now, &from, buf, asked), i == 0 ? 0 : -ERR_AUTH);
		assert_int_equal(w->node[0]->stats.dropped[ERR_AUTH], i); /* the first question is no false one */
		told = answer(w, out, &p);
		assert_true(told > 0 && told < asked / 4);
		assert_int_equal(p.bytes_len, 0);
		assert_true(p.cookie != 0);
		w->ca[5].cert_bytes = 0;
	}
	assert_int_equal(w->node[0]->ms.count, 1);
	/* Shorter than the longest answer: none at all. */
	asked = enter(&w->ca[5], p.cookie, ENTER_BYTES - 1, buf);
	assert_int_equal(mesh_recv(w->node[0], w->now, &from, buf, asked), -ERR_SHORT);
	assert_int_equal(answer(w, out, &p), 0);
	/* In another's name. */
	asked = enter(&w->ca[5], cookie_make(w->node[0], w->now, &from), ENTER_BYTES, buf);
	buf[3] ^= 1;
	assert_int_equal(mesh_recv(w->node[0], w->now, &from, buf, asked), -ERR_IDENTITY);
	world_free(w);
}

/* With its cookie back: yes, or no and why; never longer than the question. */
static void
answers(void **state)
{
	static const struct {
		uint8_t token;
		uint32_t uses;
		uint64_t expiry_s;
		int rc;
		enum mesh_entry why;
	} rows[] = {
	    {1, 100, WALL_S + 3600, 0, MESH_ENTRY_OK},
	    {2, 1, WALL_S + 1, -ERR_EXPIRED, MESH_ENTRY_EXPIRED}, /* two seconds ago */
	    {3, 1, WALL_S + 3600, 0, MESH_ENTRY_OK},
	    {1, 1, WALL_S + 3600, -ERR_SPENT, MESH_ENTRY_SPENT}, /* node 0 came by it */
	    {0, 0, 0, -ERR_CERT, MESH_ENTRY_CERT},
	};
	struct world *w = begin(1);
	struct addr from = toy_addr(5);
	uint8_t buf[DGRAM_BYTES_MAX], out[DGRAM_BYTES_MAX];
	struct packet p;
	size_t asked, told;

	(void)state;
	world_run(w, 3000);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint64_t cookie = cookie_make(w->node[0], w->now, &from);

		if (rows[i].uses > 0)
			certify(w, 5, rows[i].token, rows[i].uses, rows[i].expiry_s);
		else
			w->ca[5].cert[70] ^= 1; /* the CA did not sign that */
		asked = enter(&w->ca[5], cookie, ENTER_BYTES, buf);
		assert_int_equal(mesh_recv(w->node[0], w->now, &from, buf, asked), rows[i].rc);
		told = answer(w, out, &p);
		assert_true(told > 0 && told <= asked);
		assert_int_equal(p.count, rows[i].why);
		assert_int_equal(p.seq, 99);
		assert_true(told + 2 * NAME_BYTES_MAX + NAME_BYTES_MAX <= asked);
		/* A key, or none. */
		assert_true((p.bytes[KEY_BYTES] != 0) == (rows[i].why == MESH_ENTRY_OK));
	}
	assert_int_equal(w->node[0]->ms.count, 1);
	world_free(w);
}

/* A node that still waits, as it was before it heard anything. */
static void
again(struct world *w)
{
	world_kill(w, 1);
	w->disk[1] = (struct mesh_saved){.generation = 1};
	world_held[1] = 0;
	world_start(w, 1);
	mesh_tick(w->node[1], w->now);
	w->node[1]->enter.nonce = 99;
}

/* Each bit of the answer is its giver's word, but for the cookie and the frame's number. */
static void
every_bit_is_signed(void **state)
{
	struct world *w = begin(2);
	struct addr from = toy_addr(0);
	uint8_t buf[DGRAM_BYTES_MAX], good[DGRAM_BYTES_MAX];
	struct packet p;
	size_t len, cookie;

	(void)state;
	world_isolate(w, 1, true);
	world_run(w, 2000);
	w->node[0]->enter.answers[1] = (struct enter_answer){.serial = 1, .why = MESH_ENTRY_OK};
	world_pk(1, w->node[0]->enter.answers[1].pk);
	out_bare(w->node[0], PACKET_ENTERED, &(struct addr){.ip = {9}, .port = 1}, 99, 1, 0);
	len = answer(w, good, &p);
	assert_true(p.bytes_len > KEY_BLOB_BYTES);
	cookie = (size_t)(p.bytes - good) - 3 - 8;
	for (size_t at = 2; at < len; at++) {
		bool free = (at >= 10 && at < SEAL_HEADER_BYTES) || (at >= cookie && at < cookie + 8);

		again(w);
		memcpy(buf, good, len);
		buf[at] ^= 1;
		if ((mesh_recv(w->node[1], w->now, &from, buf, len) == 0) != free)
			fail_msg("byte %zu of %zu", at, len);
		assert_true(w->node[1]->member == free);
	}
	again(w);
	assert_int_equal(mesh_recv(w->node[1], w->now, &from, good, len), 0);
	assert_true(w->node[1]->member);
	assert_int_equal(w->node[1]->saved.keys.used, 1);
	/* Once is enough. */
	assert_int_equal(mesh_recv(w->node[1], w->now, &from, good, len), -ERR_REPLAY);
	world_free(w);
}

/* Another CA's cluster answers: it is said, and nothing of it is taken. */
static void
another_cluster(void **state)
{
	static const uint8_t other[KEY_BYTES] = {0xcb, 1};
	struct world *w = begin(2);
	struct mesh_refusal r;

	(void)state;
	certify_by(w, other, 1, 1, 100, WALL_S + 3600);
	again(w);
	world_run(w, 3000);
	assert_false(w->node[1]->member);
	assert_true(mesh_refused(w->node[1], &r));
	assert_int_equal(r.why, MESH_ENTRY_FOREIGN);
	assert_string_equal(r.by, "");
	assert_true(w->node[0]->stats.dropped[ERR_CERT] > 0);
	assert_int_equal(w->node[0]->ms.count, 1);
	world_free(w);
}

/* The cluster's key, and nothing else: a JOIN is refused where there is a CA. */
static void
the_key_alone(void **state)
{
	struct world *w = begin(2);

	(void)state;
	world_kill(w, 1);
	w->ca[1] = (struct mesh_ca){.cert_bytes = 0};
	w->disk[1] = (struct mesh_saved){.generation = 1};
	world_held[1] = world_held[0];
	world_start(w, 1);
	world_key_make((void *)(uintptr_t)(7 | 1 << 8), 1);
	w->node[1]->saved.keys.used = w->node[1]->seal.epoch = 1;
	world_run(w, 5000);
	assert_false(w->node[1]->member);
	assert_true(w->sent_kind[PACKET_JOIN] > 0);
	assert_int_equal(w->sent_kind[PACKET_JOINED], 0);
	assert_true(w->node[0]->stats.dropped[ERR_CERT] > 0);
	assert_int_equal(w->node[0]->ms.count, 1);
	world_free(w);
}

/* One with a token that is used up asks each second, for ever: both sides tell it at once,
 * with its name, and then once in five minutes. */
static void
a_refusal_is_told_now_and_then(void **state)
{
	struct world *w = begin(1);
	const struct mesh_newcomer *x;
	struct node_id id = world_id(1);

	(void)state;
	w->count = 2;
	world_run(w, 2000);
	certify(w, 1, 1, 1, WALL_S + 3600);
	world_start(w, 1);
	world_run(w, 5000);
	assert_int_equal(world_told(w, "n0 refused 1\n"), 1);
	assert_int_equal(world_told(w, "n1 not let in"), 1);
	x = mesh_newcomer(w->node[0], 1);
	assert_non_null(x);
	assert_string_equal(x->name, "n1");
	assert_true(x->short_id == seal_short(&id) && addr_eq(&x->from, &w->node[1]->conf.addr));
	assert_int_equal(x->why, MESH_ENTRY_SPENT);
	assert_null(mesh_newcomer(w->node[0], 0));
	assert_null(mesh_newcomer(w->node[0], 2));
	assert_null(mesh_newcomer(w->node[0], UINT64_MAX));
	world_run(w, 280000);
	assert_int_equal(world_told(w, "n0 refused"), 1);
	assert_true(x->count > 200);
	world_run(w, 360000);
	assert_int_equal(world_told(w, "n0 refused"), 3);
	assert_int_equal(world_told(w, "n1 not let in"), 3);
	world_free(w);
}

/* Nor do many of them fill the journal: so many in five minutes. */
static void
of_many_refused_some_are_told(void **state)
{
	struct world *w = begin(1);
	struct addr from = toy_addr(5);
	struct cert x = {.name = (const char *)"n5", .name_len = 2};

	(void)state;
	world_run(w, 2000);
	for (uint64_t k = 1; k < 100; k++)
		enter_tell(w->node[0], w->now, k, &from, NULL, MESH_ENTRY_CERT);
	assert_int_equal(world_told(w, "n0 refused"), ENTER_TOLD / 2);
	/* Not at the cost of who shows a certificate. */
	for (uint64_t k = 1; k < 100; k++)
		enter_tell(w->node[0], w->now, k, &from, &x, MESH_ENTRY_SPENT);
	assert_int_equal(world_told(w, "n0 refused"), ENTER_TOLD);
	/* An id that begins with noughts is somebody too. */
	world_mark(w);
	w->now += ENTER_ANEW_MS;
	enter_tell(w->node[0], w->now, 0, &from, NULL, MESH_ENTRY_CERT);
	assert_int_equal(world_told(w, "n0 refused"), 1);
	assert_int_equal(world_told(w, "n0 not let in"), 0);
	world_mark(w);
	w->now += ENTER_ANEW_MS;
	for (uint64_t k = 1; k < 100; k++)
		enter_tell(w->node[0], w->now, k, &from, NULL, MESH_ENTRY_CERT);
	assert_int_equal(world_told(w, "n0 refused"), ENTER_TOLD / 2);
	world_free(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(all_come_in),
	    cmocka_unit_test(nothing_before_the_cookie),
	    cmocka_unit_test(answers),
	    cmocka_unit_test(every_bit_is_signed),
	    cmocka_unit_test(another_cluster),
	    cmocka_unit_test(the_key_alone),
	    cmocka_unit_test(a_refusal_is_told_now_and_then),
	    cmocka_unit_test(of_many_refused_some_are_told),
	};

	return cmocka_run_group_tests_name("enter", tests, NULL, NULL);
}
