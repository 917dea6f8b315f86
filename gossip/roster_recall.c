/*
 * roster_recall.c - see roster_recall.h.
 */
#include "inner.h"

enum {
	RECALL_MS = 500,
	RECALL_ASKED = 3,
	WORD_MS = 5000,	    /* so long a word stands */
	ALONE_MS = 1000,    /* until who had a vote, and lost it, knows who else is there */
	PATIENCE_MS = 10000,
	DOUBT_MS = 3000,
};

static bool
asks(const struct mesh *m, msec now)
{
	return m->roster.n.all == 0 || now < m->roster.recall.doubt_until;
}

void
recall_tick(struct mesh *m, msec now)
{
	struct elect *e = &m->elect;

	if (!asks(m, now) || now < e->recall_at)
		return;
	e->recall_at = now + pace(m, RECALL_MS);
	for (uint32_t k = 0; k < RECALL_ASKED; k++) {
		uint32_t i = swim_random_up(m, 0);

		if (i != MEMBER_NONE)
			out_to(m, PACKET_PREVOTE, i, e->recall, 0, 0);
	}
}

msec
recall_deadline(const struct mesh *m)
{
	return asks(m, m->ticked) ? m->elect.recall_at : MSEC_NEVER;
}

/* In the place of what it said before, or of the oldest. */
static void
note(struct mesh *m, msec now, uint32_t from, const struct roster_id *id, uint64_t hash)
{
	struct recall *r = &m->roster.recall;
	struct recall_word *to = &r->words[0];

	for (size_t k = 0; k < RECALL_WORDS; k++) {
		struct recall_word *w = &r->words[k];

		if (w->at != 0 && w->from == from) {
			to = w;
			break;
		}
		if (w->at < to->at)
			to = w;
	}
	*to = (struct recall_word){.at = now, .id = *id, .hash = hash, .from = (uint16_t)from};
	if (r->since == 0 && id->version > 0)
		r->since = now;
}

static bool
stands(const struct mesh *m, msec now, const struct recall_word *w)
{
	return w->at != 0 && now - w->at < pace(m, WORD_MS) && member_up(&m->ms.m[w->from]);
}

static bool
says(const struct recall_word *w, const struct roster_id *id, uint64_t hash)
{
	return roster_cmp(&w->id, id) == 0 && (w->hash == hash || w->hash == 0 || hash == 0);
}

bool
recall_agreed(const struct mesh *m, msec now, const struct roster_id *id, uint64_t hash)
{
	const struct recall *r = &m->roster.recall;
	uint32_t said = 0, other = 0, none = 0, others = mesh_up(m) - 1;
	msec waited = r->since != 0 ? now - r->since : 0;
	bool latest = true;

	for (size_t k = 0; k < RECALL_WORDS; k++) {
		const struct recall_word *w = &r->words[k];

		if (!stands(m, now, w))
			continue;
		if (says(w, id, hash)) {
			said++;
		} else if (w->id.version == 0) {
			none++;
		} else {
			other++;
			latest = latest && roster_cmp(&w->id, id) < 0;
		}
	}
	if (said >= 2)
		return true;
	if (said == 1 && other == 0 && (!r->had_vote || waited >= pace(m, ALONE_MS)) &&
	    said + none >= (others < RECALL_WORDS - 1 ? others : RECALL_WORDS - 1))
		return true;
	return said > 0 && latest && waited >= pace(m, PATIENCE_MS);
}

void
recall_told(struct mesh *m, msec now, uint32_t from, const struct packet *p)
{
	if (asks(m, now))
		note(m, now, from, &p->roster, p->hash);
}

void
recall_heard(struct mesh *m, msec now, uint32_t from, const struct packet *p)
{
	note(m, now, from, &p->roster, p->hash);
	m->roster.recall.doubt_until = now + pace(m, DOUBT_MS);
}

void
recall_over(struct mesh *m)
{
	m->roster.recall = (struct recall){0};
}
