/*
 * The whole way of actions (core/actqueue.h) in a small mesh: nodes that accept and restart,
 * words that are lost or late, leaders that die at every step, replies that some nodes never
 * got.  Whatever happens, what was accepted is carried out, once, and its node hears of it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../../../daemon/core/actdesk.h"
#include "../../../daemon/core/actqueue.h"

#define WALL UINT64_C(1800000000000)

static struct actdesk d; /* of whoever leads */
static struct action_words words;
static const struct actdesk_item *given[ACTDESK_ROUND_MAX];

static struct node_id
id_of(int n)
{
	return (struct node_id){{(uint8_t)n}};
}

enum { NODES = 4, ASKED = 30, STEPS = 4000 };

struct world {
	uint64_t rng, wall;
	msec now;
	struct actqueue q[NODES];
	uint8_t disk[NODES][ACTQUEUE_SAVED_BYTES_MAX];
	size_t disk_bytes[NODES];
	uint64_t generation[NODES];
	struct actdone newest; /* the replies of the schedule that all who lead start from */
	struct actdone held[NODES]; /* of the schedule in force at each */
	int leader;
	uint32_t asked, carried;
	struct { int by; uint64_t number; } done[2 * ASKED];
};

static uint32_t
chance(struct world *w, uint32_t of)
{
	w->rng = w->rng * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(w->rng >> 33) % of;
}

static void
copy_done(struct actdone *to, const struct actdone *from)
{
	actdone_free(to);
	for (size_t i = 0; i < from->count; i++)
		assert_int_equal(actdone_add(to, &from->rows[i]), 0);
}

static void
save(struct world *w, int n)
{
	w->disk_bytes[n] = actqueue_save(&w->q[n], w->disk[n]);
}

static void
restart(struct world *w, int n)
{
	assert_int_equal(actqueue_init(&w->q[n], (struct slice){w->disk[n], w->disk_bytes[n]},
			     ++w->generation[n], w->wall, w->now), 0);
}

static void
ask_one(struct world *w, int n)
{
	struct action a;
	struct err err;

	assert_int_equal(action_make(&a, "web", "scale", NULL, 0, &err), 0);
	if (actqueue_add(&w->q[n], w->now, w->wall, &a) < 0)
		return;
	if (chance(w, 8) == 0) { /* it dies before it was saved: nobody was told "accepted" */
		restart(w, n);
		return;
	}
	save(w, n);
	w->asked++;
}

static void
hand_over(struct world *w, int n)
{
	static struct action_bundle b;
	struct node_id leader = id_of(w->leader), id = id_of(n + 100);
	char name[NAME_CAP];

	if (!actqueue_due(&w->q[n], w->now, &leader))
		return;
	snprintf(name, sizeof name, "n%d", n);
	actqueue_bundle(&w->q[n], w->now, &leader, &b);
	if (chance(w, 5) == 0) { /* lost on the way, or late */
		(void)actqueue_told(&w->q[n], w->now, b.turn, NULL);
		if (chance(w, 2) == 0)
			return;
		(void)actdesk_bundle(&d, &id, name, &b, &w->newest, w->wall, &words);
		return;
	}
	(void)actdesk_bundle(&d, &id, name, &b, &w->newest, w->wall, &words);
	if (actqueue_told(&w->q[n], w->now, b.turn, &words))
		save(w, n);
}

/* A round, its leader dead at some step of it or not. */
static void
round_once(struct world *w)
{
	struct actdone next = {0};
	size_t n;

	copy_done(&next, &w->newest);
	actdesk_prune(&d, &next, w->wall);
	n = actdesk_give(&d, &next, w->now, given);
	if (n == 0 || chance(w, 6) == 0) { /* nothing, or it dies while the script runs */
		(void)actdesk_ended(&d, n == 0 ? ACTDESK_ISSUED : ACTDESK_AGAIN, "");
		if (n > 0)
			actdesk_clear(&d);
		actdone_free(&next);
		return;
	}
	assert_int_equal(actdesk_reply(&d, (struct slice){NULL, 0}, w->wall, &next), 0);
	if (chance(w, 6) == 0) { /* it dies with a schedule that was not kept */
		actdesk_clear(&d);
		actdone_free(&next);
		return;
	}
	for (size_t i = 0; i < n; i++) { /* given is of this desk: ids 100.. */
		int by = given[i]->by.b[0] - 100;

		for (uint32_t k = 0; k < w->carried; k++) /* never twice */
			assert_false(w->done[k].by == by && w->done[k].number == given[i]->a.number);
		assert_true(w->carried < ARRAY_LEN(w->done));
		w->done[w->carried].by = by;
		w->done[w->carried++].number = given[i]->a.number;
	}
	copy_done(&w->newest, &next);
	actdone_free(&next);
	if (chance(w, 6) == 0)
		actdesk_clear(&d); /* it dies when it had told of it, or before */
	else
		(void)actdesk_ended(&d, ACTDESK_ISSUED, "");
}

static void
adopt(struct world *w, int n)
{
	struct node_id me = id_of(n + 100);
	bool any = false;

	copy_done(&w->held[n], &w->newest);
	for (size_t i = 0; i < w->held[n].count; i++) {
		const struct actdone_row *row = &w->held[n].rows[i];

		if (id_eq(&row->by, &me))
			any |= actqueue_done(&w->q[n], w->now, row->number, row->ok, row->text);
	}
	if (any && chance(w, 4) != 0)
		save(w, n);
}

static void
step(struct world *w)
{
	int n = (int)chance(w, NODES);

	w->now += 37;
	w->wall += 37;
	if (w->asked < ASKED && chance(w, 20) == 0)
		ask_one(w, n);
	if (chance(w, 40) == 0)
		restart(w, n);
	if (chance(w, 60) == 0) { /* another one leads */
		w->leader = (int)chance(w, NODES);
		actdesk_clear(&d);
	}
	hand_over(w, (int)chance(w, NODES));
	if (chance(w, 3) == 0)
		round_once(w);
	if (chance(w, 6) == 0)
		adopt(w, (int)chance(w, NODES));
}

static void
leaders_die_at_every_step(void **state)
{
	static struct world w;

	(void)state;
	for (uint64_t seed = 1; seed <= 60; seed++) {
		memset(&w, 0, sizeof w);
		w.rng = seed * UINT64_C(0x9e3779b97f4a7c15);
		w.wall = WALL;
		assert_int_equal(actdesk_init(&d), 0);
		for (int n = 0; n < NODES; n++) {
			assert_int_equal(actqueue_init(&w.q[n], (struct slice){NULL, 0}, 1, w.wall, 0), 0);
			save(&w, n);
		}
		w.now = 10000; /* tokens; the clock is asked for nothing else */
		for (int i = 0; i < STEPS; i++)
			step(&w);
		/* All that were said to be accepted were carried out, and their nodes know. */
		if (w.carried != w.asked || w.q[0].count + w.q[1].count + w.q[2].count + w.q[3].count > 0)
			fail_msg("seed %llu: %u accepted, %u carried out", (unsigned long long)seed, w.asked, w.carried);
		assert_int_equal(w.asked, ASKED);
		actdesk_free(&d);
		actdone_free(&w.newest);
		for (int n = 0; n < NODES; n++)
			actdone_free(&w.held[n]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(leaders_die_at_every_step),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
