/*
 * test_facts.c - facts are their owner's to say, in an order; a hint makes a node ask,
 * and not again and again.
 */
#include "world.h"

#include "../../../gossip/be.h"
#include "../../../gossip/facts.h"
#include "../../../gossip/inner.h"

enum { NODES = 4, TEXT_CAP = 64 };

struct said {
	uint8_t bytes[FACTS_HEAD_BYTES + TEXT_CAP];
	size_t len;
	uint32_t hint;
};

/* Node i says that of itself; its summary is for the caller to tell. */
static struct said
says(struct world *w, uint32_t i, const char *facts)
{
	struct said t = {.len = FACTS_HEAD_BYTES + strlen(facts)};

	memcpy(t.bytes + FACTS_HEAD_BYTES, facts, strlen(facts));
	assert_int_equal(mesh_facts_say(w->node[i], t.bytes + FACTS_HEAD_BYTES, strlen(facts), t.bytes,
	    &t.hint), 1);
	return t;
}

static void
hints(struct world *w, uint32_t i, uint32_t hint)
{
	mesh_set_summary(w->node[i], w->now, &(struct mesh_summary){.facts_hash = hint});
}

static int
takes(struct world *w, uint32_t i, const struct said *t)
{
	const uint8_t *at = t->bytes;
	struct facts_record r;

	assert_int_equal(facts_next(&r, &at, t->bytes + t->len), 1);
	assert_int_equal(facts_next(&r, &at, t->bytes + t->len), 0);
	at = t->bytes;
	assert_int_equal(facts_next(&r, &at, t->bytes + t->len), 1);
	return mesh_facts_take(w->node[i], &r);
}

static struct world *
whole(void)
{
	struct world *w = world_new(NODES, MESH_QUORUM_MAJORITY);

	world_run(w, 8000);
	return w;
}

/* How often node i asks in so many ms; no question is answered. */
static uint32_t
asks(struct world *w, uint32_t i, msec span, struct mesh_facts_ask *last)
{
	uint32_t n = 0;

	for (msec end = w->now + span; w->now < end;) {
		world_run(w, 10);
		while (mesh_facts_poll(w->node[i], w->now, last)) {
			n++;
			mesh_facts_over(w->node[i], w->now, last->number);
		}
	}
	return n;
}

static void
a_hint_makes_a_node_ask_the_owner(void **state)
{
	struct world *w = whole();
	struct node_id owner = world_id(2);
	struct facts_item it[FACTS_ITEMS_MAX];
	struct mesh_facts_ask ask;
	struct mesh_facts f;
	struct said t = says(w, 2, "eight cpus");

	(void)state;
	assert_int_equal(asks(w, 0, 12000, &ask), 0);
	hints(w, 2, t.hint);
	assert_int_equal(asks(w, 0, 500, &ask), 1);
	assert_true(id_eq(&ask.id, &owner) && addr_eq(&ask.addr, &(struct addr[]){toy_addr(2)}[0]));
	assert_int_equal(facts_items(it, ask.question, ask.len), 1);
	assert_true(it[0].short_id == seal_short(&owner) && it[0].version == 0);
	assert_false(mesh_facts_held(w->node[0], &owner, &f));
	assert_int_equal(takes(w, 0, &t), 0);
	assert_true(mesh_facts_held(w->node[0], &owner, &f) && f.current && f.version == 1);
	assert_int_equal(asks(w, 0, 60000, &ask), 0);
	/* The same again is nothing new. */
	assert_int_equal(mesh_facts_say(w->node[2], t.bytes + FACTS_HEAD_BYTES, t.len - FACTS_HEAD_BYTES,
	    t.bytes, &t.hint), 0);
	world_free(w);
}

/* Said before the node joined: signed for no cluster, and nobody would take it. */
static void
what_was_said_before_joining_is_said_anew(void **state)
{
	struct world *w = world_new(NODES, MESH_QUORUM_MAJORITY);
	struct node_id owner = world_id(2);
	struct said early = says(w, 2, "eight cpus"), again;
	struct mesh_facts f;

	(void)state;
	assert_true(mesh_facts_held(w->node[2], &owner, &f) && !w->node[2]->member);
	for (uint32_t n = 0; n < 800 && !w->node[2]->member; n++)
		world_run(w, 10);
	assert_true(w->node[2]->member);
	assert_false(mesh_facts_held(w->node[2], &owner, &f));
	world_run(w, 8000);
	assert_int_equal(takes(w, 0, &early), -ERR_AUTH);
	again = says(w, 2, "eight cpus");
	assert_true(mesh_facts_held(w->node[2], &owner, &f));
	assert_int_equal(takes(w, 0, &again), 0);
	world_free(w);
}

static void
one_question_is_of_all_that_is_lacked(void **state)
{
	struct world *w = whole();
	struct facts_item it[FACTS_ITEMS_MAX];
	struct mesh_facts_ask ask;
	struct said t[NODES];

	(void)state;
	for (uint32_t i = 1; i < NODES; i++) {
		char text[] = {'n', (char)('0' + i), 0};

		t[i] = says(w, i, text);
		hints(w, i, t[i].hint);
	}
	/* Its turn comes when all hints have. */
	w->node[0]->gather.round_at = w->now + 3000;
	world_run(w, 3500);
	assert_true(mesh_facts_poll(w->node[0], w->now, &ask));
	assert_int_equal(facts_items(it, ask.question, ask.len), NODES - 1);
	assert_int_equal(ask.len, (NODES - 1) * FACTS_ITEM_BYTES);
	/* While it is under way, what it is about is not asked for twice. */
	for (uint32_t n = 0; n < 300; n++) {
		world_run(w, 10);
		assert_false(mesh_facts_poll(w->node[0], w->now, &(struct mesh_facts_ask){0}));
	}
	for (uint32_t i = 1; i < NODES; i++)
		assert_int_equal(takes(w, 0, &t[i]), 0);
	mesh_facts_over(w->node[0], w->now, ask.number);
	assert_int_equal(asks(w, 0, 30000, &ask), 0);
	world_free(w);
}

/* Neither a hint that is of nothing, nor one that is another each second, makes
 * anybody ask for ever as it did at first. */
static void
a_hint_that_never_matches_is_asked_about_less_and_less(void **state)
{
	struct world *w = whole();
	struct mesh_facts_ask ask;
	uint32_t first = 0, later = 0;

	(void)state;
	hints(w, 3, 77);
	first = asks(w, 0, 60000, &ask);
	assert_true(first >= 4 && first <= 10);
	for (uint32_t k = 0; k < 600; k++) {
		hints(w, 3, 100 + k);
		later += asks(w, 0, 1000, &ask);
	}
	assert_in_range(later, 5, 25);
	world_free(w);
}

/* An owner that signs something new each second. */
static void
success_is_no_reason_to_ask_at_once_again(void **state)
{
	struct world *w = whole();
	struct mesh_facts_ask ask;
	uint32_t n = 0, got;

	(void)state;
	for (uint32_t k = 0; k < 900; k++) {
		char text[TEXT_CAP];

		snprintf(text, sizeof text, "%u", k);
		struct said t = says(w, 3, text);

		hints(w, 3, t.hint);
		got = 0;
		for (uint32_t step = 0; step < 100; step++) {
			world_run(w, 10);
			while (mesh_facts_poll(w->node[0], w->now, &ask)) {
				got += takes(w, 0, &t) == 0;
				mesh_facts_over(w->node[0], w->now, ask.number);
			}
		}
		n += k >= 300 ? got : 0;
	}
	assert_in_range(n, 5, 30); /* in ten minutes */
	world_free(w);
}

static void
an_older_one_never_takes_the_place_of_a_newer(void **state)
{
	struct world *w = whole();
	struct said one = says(w, 2, "one"), two = says(w, 2, "two"), three;
	struct node_id owner = world_id(2);
	struct mesh_facts f;

	(void)state;
	assert_int_equal(takes(w, 0, &two), 0);
	assert_int_equal(takes(w, 0, &one), -ERR_REPLAY);
	assert_int_equal(takes(w, 0, &two), -ERR_REPLAY);
	assert_true(mesh_facts_held(w->node[0], &owner, &f) && f.version == 2);
	/* The first of its next life is newer than all of the one before. */
	world_kill(w, 2);
	world_run(w, 1000);
	world_start(w, 2);
	world_run(w, 12000);
	three = says(w, 2, "three");
	assert_int_equal(takes(w, 0, &three), 0);
	assert_true(mesh_facts_held(w->node[0], &owner, &f) && f.version == 1);
	assert_int_equal(takes(w, 0, &two), -ERR_REPLAY);
	world_free(w);
}

static void
who_restarts_with_the_same_is_asked_by_nobody(void **state)
{
	struct world *w = whole();
	struct mesh_facts_ask ask;
	struct said t = says(w, 2, "same");

	(void)state;
	hints(w, 2, t.hint);
	world_run(w, 2000);
	assert_int_equal(takes(w, 0, &t), 0);
	world_kill(w, 2);
	world_run(w, 1000);
	world_start(w, 2);
	world_run(w, 12000);
	t = says(w, 2, "same");
	hints(w, 2, t.hint);
	assert_int_equal(asks(w, 0, 40000, &ask), 0);
	world_free(w);
}

static void
a_forged_record_is_refused(void **state)
{
	struct world *w = whole();
	struct said t = says(w, 2, "facts"), bad;
	struct node_id other = world_id(1), stranger = world_id(9), own = world_id(0);
	struct mesh_facts_stats st;

	(void)state;
	for (size_t at = ID_BYTES; at < t.len; at++) {
		if (at >= FACTS_HEAD_BYTES - 4 && at < FACTS_HEAD_BYTES)
			continue; /* its length is judged with its bytes */
		bad = t;
		bad.bytes[at] ^= 0x40;
		assert_int_equal(takes(w, 0, &bad), -ERR_AUTH);
	}
	bad = t;
	memcpy(bad.bytes, other.b, ID_BYTES);
	assert_int_equal(takes(w, 0, &bad), -ERR_AUTH);
	mesh_facts_stats(w->node[0], &st);
	assert_true(st.unknown == 0 && st.refused == t.len - ID_BYTES - 4 + 1);
	memcpy(bad.bytes, stranger.b, ID_BYTES);
	assert_int_equal(takes(w, 0, &bad), -ERR_UNKNOWN);
	memcpy(bad.bytes, own.b, ID_BYTES);
	assert_int_equal(takes(w, 0, &bad), -ERR_UNKNOWN);
	/* Said in another cluster. */
	w->node[2]->saved.cluster[3] ^= 1;
	bad = says(w, 2, "facts");
	w->node[2]->saved.cluster[3] ^= 1;
	assert_int_equal(takes(w, 0, &bad), -ERR_AUTH);
	assert_int_equal(takes(w, 0, &t), 0);
	world_free(w);
}

static void
too_much_is_refused(void **state)
{
	struct world *w = whole();
	uint8_t *much = calloc(1, FACTS_BYTES_MAX + 1), head[FACTS_HEAD_BYTES];
	const uint8_t *at;
	struct facts_record r;
	struct said t;
	uint32_t hint;

	(void)state;
	assert_int_equal(mesh_facts_say(w->node[0], much, FACTS_BYTES_MAX + 1, head, &hint), -ERR_LONG);
	assert_int_equal(mesh_facts_say(w->node[0], much, FACTS_BYTES_MAX, head, &hint), 1);
	/* The store is full: what was held stays, nothing new comes. */
	t = says(w, 2, "facts");
	w->node[1]->gather.stats.bytes = FACTS_STORE_MAX;
	assert_int_equal(takes(w, 1, &t), -ERR_FULL);
	/* Bytes that are no record, to the last. */
	be_put(t.bytes + FACTS_HEAD_BYTES - 4, FACTS_BYTES_MAX + 1, 4);
	at = t.bytes;
	assert_int_equal(facts_next(&r, &at, t.bytes + t.len), -ERR_MALFORMED);
	be_put(t.bytes + FACTS_HEAD_BYTES - 4, 6, 4);
	assert_int_equal(facts_next(&r, &at, t.bytes + t.len), -ERR_MALFORMED);
	be_put(t.bytes + FACTS_HEAD_BYTES - 4, 5, 4);
	for (size_t len = 1; len < t.len; len++)
		assert_int_equal(facts_next(&r, &at, t.bytes + len), -ERR_MALFORMED);
	assert_int_equal(facts_next(&r, &at, t.bytes + t.len), 1);
	assert_int_equal(facts_items(&(struct facts_item){0}, much, FACTS_ITEM_BYTES - 1), -ERR_MALFORMED);
	assert_int_equal(facts_items(&(struct facts_item){0}, much, 0), -ERR_MALFORMED);
	assert_int_equal(facts_items(&(struct facts_item){0}, much,
	    (FACTS_ITEMS_MAX + 1) * FACTS_ITEM_BYTES), -ERR_MALFORMED);
	free(much);
	world_free(w);
}

static void
who_left_is_dropped(void **state)
{
	struct world *w = whole();
	struct said t = says(w, 2, "facts");
	struct node_id owner = world_id(2);
	struct mesh_facts_stats st;
	struct mesh_facts f;
	uint32_t i = members_find_id(&w->node[0]->ms, &owner);

	(void)state;
	assert_int_equal(takes(w, 0, &t), 0);
	mesh_facts_stats(w->node[0], &st);
	assert_true(st.held == 1 && st.bytes == 5);
	/* Dead is not gone: a leader may need to know what it was. */
	world_kill(w, 2);
	world_run(w, 30000);
	assert_int_equal(world_seen(w, 0, 2).state, MESH_FAILED);
	assert_true(mesh_facts_held(w->node[0], &owner, &f));
	members_set(&w->node[0]->ms, i, w->now, MESH_LEFT, 1, 9);
	assert_false(mesh_facts_held(w->node[0], &owner, &f));
	assert_int_equal(takes(w, 0, &t), -ERR_UNKNOWN);
	world_run(w, 15000);
	mesh_facts_stats(w->node[0], &st);
	assert_true(st.held == 0 && st.bytes == 0);
	assert_true(st.unknown == 1 && st.refused == 0); /* a late answer is no forgery */
	world_free(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_hint_makes_a_node_ask_the_owner),
	    cmocka_unit_test(what_was_said_before_joining_is_said_anew),
	    cmocka_unit_test(one_question_is_of_all_that_is_lacked),
	    cmocka_unit_test(a_hint_that_never_matches_is_asked_about_less_and_less),
	    cmocka_unit_test(success_is_no_reason_to_ask_at_once_again),
	    cmocka_unit_test(an_older_one_never_takes_the_place_of_a_newer),
	    cmocka_unit_test(who_restarts_with_the_same_is_asked_by_nobody),
	    cmocka_unit_test(a_forged_record_is_refused),
	    cmocka_unit_test(too_much_is_refused),
	    cmocka_unit_test(who_left_is_dropped),
	};
	return cmocka_run_group_tests_name("facts", tests, NULL, NULL);
}
