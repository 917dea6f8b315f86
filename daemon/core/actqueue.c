/*
 * actqueue.c - see actqueue.h.
 */
#include "actqueue.h"

#include <stdio.h>

enum {
	FORMAT = 1,
	READ_DEPTH = 5,
	TENTH_MS = 100,
	SOON_MS = 250,	/* again to the same leader, when it has just come */
	FRESH_MS = 3000,
	LATER_MS = 2000,
};
#define EPOCH_MS UINT64_C(1767225600000) /* 2026-01-01 */
#define STALE_MS (UINT64_C(48) * 3600 * 1000)

static uint64_t
tenths(uint64_t wall_ms)
{
	return wall_ms > EPOCH_MS ? (wall_ms - EPOCH_MS) / TENTH_MS : 0;
}

static void
moved(struct actqueue *q, msec now)
{
	q->turn++;
	q->moved = now;
	q->tell_at = now;
}

/* --- the disk ----------------------------------------------------------------------- */

static int
read_saved(struct actqueue *q, struct slice saved)
{
	uint64_t format, before = 0;
	uint32_t n, count;
	struct mp r;
	int rc;

	mp_init(&r, saved.b, saved.len, READ_DEPTH);
	if ((rc = mp_array(&r, &n)) < 0 || (rc = mp_uint(&r, &format)) < 0)
		return rc;
	if (n != 4 || format != FORMAT)
		return -ERR_VERSION;
	if ((rc = mp_uint_max(&r, INT64_MAX, &q->last)) < 0 ||
	    (rc = mp_uint_max(&r, INT64_MAX, &q->last_stamp_ms)) < 0 ||
	    (rc = mp_array(&r, &count)) < 0)
		return rc;
	if (count > ACTION_QUEUE_MAX)
		return -ERR_LONG;
	for (uint32_t i = 0; i < count; i++) {
		if ((rc = action_read(&r, &q->actions[i])) < 0)
			return rc;
		if (q->actions[i].number <= before || q->actions[i].number > q->last)
			return -ERR_MALFORMED;
		before = q->actions[i].number;
	}
	if ((rc = mp_end(&r)) < 0)
		return rc;
	q->count = count;
	return 0;
}

int
actqueue_init(struct actqueue *q, struct slice saved, uint64_t generation, uint64_t wall_ms,
    msec now)
{
	uint64_t at = tenths(wall_ms);
	int rc = 0;

	memset(q, 0, sizeof *q);
	if (saved.len > 0 && (rc = read_saved(q, saved)) < 0)
		memset(q, 0, sizeof *q);
	/* Nothing is known of what was handed out: above all that can have been. */
	if (q->last == 0)
		q->last = at + ACTQUEUE_BURST;
	q->tokens = ACTQUEUE_BURST;
	/* A clock that went back by much is no measure. */
	if (q->last > at && q->last - at <= ACTQUEUE_BURST)
		q->tokens = ACTQUEUE_BURST - (q->last - at);
	q->filled = now;
	q->turn = (generation & INT32_MAX) << 32 | 1;
	q->moved = q->tell_at = now;
	q->told = q->count == 0 ? q->turn : 0;
	return rc;
}

size_t
actqueue_save(const struct actqueue *q, uint8_t *buf)
{
	struct mpw w;

	mpw_init(&w, buf, ACTQUEUE_SAVED_BYTES_MAX);
	mpw_array(&w, 4);
	mpw_uint(&w, FORMAT);
	mpw_uint(&w, q->last);
	mpw_uint(&w, q->last_stamp_ms);
	mpw_array(&w, q->count);
	for (uint32_t i = 0; i < q->count; i++)
		action_pack(&w, &q->actions[i]);
	assert(!w.full);
	return w.len;
}

/* --- in, and out --------------------------------------------------------------------- */

static void
fill(struct actqueue *q, msec now)
{
	uint64_t more = now > q->filled ? (uint64_t)(now - q->filled) / TENTH_MS : 0;

	q->filled += (msec)more * TENTH_MS;
	q->tokens = more >= ACTQUEUE_BURST - q->tokens ? ACTQUEUE_BURST : q->tokens + more;
}

/* Rising; but a clock that was far ahead, and was set right, is no measure: such a stamp no
 * leader takes. */
static uint64_t
next_stamp(struct actqueue *q, uint64_t wall_ms)
{
	bool far = q->last_stamp_ms > wall_ms && q->last_stamp_ms - wall_ms > ACTION_AHEAD_MS_MAX;

	q->last_stamp_ms = far || wall_ms > q->last_stamp_ms ? wall_ms : q->last_stamp_ms + 1;
	return q->last_stamp_ms;
}

int
actqueue_add(struct actqueue *q, msec now, uint64_t wall_ms, struct action *a)
{
	uint64_t at = tenths(wall_ms);

	fill(q, now);
	if (q->count == ACTION_QUEUE_MAX)
		return -ERR_FULL;
	if (q->tokens == 0 || q->last >= INT64_MAX - 1)
		return -ERR_RANGE;
	q->tokens--;
	q->last = at > q->last ? at : q->last + 1;
	a->number = q->last;
	a->stamp_ms = next_stamp(q, wall_ms);
	q->actions[q->count++] = *a;
	moved(q, now);
	return 0;
}

static uint32_t
place(const struct actqueue *q, uint64_t number)
{
	uint32_t i = 0;

	while (i < q->count && q->actions[i].number != number)
		i++;
	return i;
}

static void
take_out(struct actqueue *q, uint32_t i)
{
	q->count--;
	memmove(&q->actions[i], &q->actions[i + 1], (q->count - i) * sizeof q->actions[0]);
}

void
actqueue_undo(struct actqueue *q, uint64_t number)
{
	uint32_t i = place(q, number);

	if (i < q->count)
		take_out(q, i);
}

const struct action *
actqueue_find(const struct actqueue *q, uint64_t number)
{
	uint32_t i = place(q, number);

	return i < q->count ? &q->actions[i] : NULL;
}

const struct actqueue_answer *
actqueue_answer(const struct actqueue *q, uint64_t number)
{
	for (size_t i = 0; number > 0 && i < ACTQUEUE_ANSWERS; i++)
		if (q->answers[i].number == number)
			return &q->answers[i];
	return NULL;
}

static void
over(struct actqueue *q, msec now, uint32_t i, bool ok, const char *text)
{
	struct actqueue_answer *v = &q->answers[q->answered++ % ACTQUEUE_ANSWERS];

	v->number = q->actions[i].number;
	v->ok = ok;
	action_line(v->line, &q->actions[i]);
	action_text(v->text, text, strlen(text));
	take_out(q, i);
	moved(q, now);
}

bool
actqueue_done(struct actqueue *q, msec now, uint64_t number, bool ok, const char *text)
{
	uint32_t i = place(q, number);

	if (i == q->count)
		return false;
	over(q, now, i, ok, text);
	return true;
}

bool
actqueue_resolve(struct actqueue *q, msec now, uint64_t wall_ms, uint64_t number, bool retry)
{
	uint32_t i = place(q, number);
	struct action *a = &q->actions[i];

	if (i == q->count)
		return false;
	if (!retry) {
		over(q, now, i, false, "dropped by an operator");
		return true;
	}
	a->aside = false;
	a->tries = 0;
	a->error[0] = '\0';
	/* By this it is judged whether it is too old, and the leader sees that it is meant anew. */
	a->stamp_ms = next_stamp(q, wall_ms);
	moved(q, now);
	return true;
}

bool
actqueue_expire(struct actqueue *q, msec now, uint64_t wall_ms)
{
	bool any = false;

	for (uint32_t i = 0; i < q->count; i++) {
		struct action *a = &q->actions[i];

		if (a->aside || wall_ms < a->stamp_ms || wall_ms - a->stamp_ms < STALE_MS)
			continue;
		a->aside = true;
		snprintf(a->error, sizeof a->error,
		    "it waited for 48 h: whether a leader carried it out is not known any more");
		any = true;
	}
	if (any)
		moved(q, now);
	return any;
}

/* --- the leader ------------------------------------------------------------------------ */

msec
actqueue_deadline(const struct actqueue *q)
{
	return q->count > 0 || q->told != q->turn ? q->tell_at : MSEC_NEVER;
}

bool
actqueue_due(const struct actqueue *q, msec now, const struct node_id *leader)
{
	if (q->count == 0 && q->told == q->turn)
		return false;
	return now >= q->tell_at || (q->count > 0 && !id_eq(leader, &q->tried));
}

void
actqueue_bundle(struct actqueue *q, msec now, const struct node_id *leader,
    struct action_bundle *out)
{
	q->tried = *leader;
	out->turn = q->turn;
	out->last = q->last;
	out->count = q->count;
	memcpy(out->actions, q->actions, q->count * sizeof q->actions[0]);
	q->tell_at = now + (now - q->moved < FRESH_MS ? SOON_MS : LATER_MS);
}

static bool
take_word(struct action *a, const struct action_word *v)
{
	bool aside = v->state == ACTION_ASIDE;
	bool moves = a->tries != v->tries || a->aside != aside;

	a->tries = v->tries;
	a->aside = aside;
	memcpy(a->error, v->text, sizeof a->error);
	return moves;
}

bool
actqueue_told(struct actqueue *q, msec now, uint64_t turn, const struct action_words *words)
{
	bool save = false;

	q->tell_at = now + (now - q->moved < FRESH_MS ? SOON_MS : LATER_MS);
	if (words == NULL)
		return false;
	/* The queue went on meanwhile: what was said is of what it was. */
	if (turn != q->turn) {
		q->tell_at = now;
		return false;
	}
	q->told = turn;
	for (uint32_t i = 0; i < words->count; i++) {
		uint32_t k = place(q, words->words[i].number);

		if (k < q->count && words->words[i].state != ACTION_NO_ROOM &&
		    !q->actions[k].aside)
			save |= take_word(&q->actions[k], &words->words[i]);
	}
	return save;
}
