/*
 * compare.c - see compare.h.
 *
 * A path is judged by pings alone: "one way" is a node that hears another and
 * gets no answer, for then its words are what is lost.  Both ends see it, from
 * both sides; it is told once, by the end that hears.  What the tables say of
 * states is judged apart: with a path cut one way all may agree, and should.
 */
#include "compare.h"

#include <stdio.h>
#include <stdlib.h>

enum { NAMED_MAX = 3 };

struct compare *
compare_new(uint32_t members)
{
	struct compare *c = calloc(1, sizeof *c);

	if (c == NULL)
		return NULL;
	c->cap = members + COMPARE_STRANGERS_MAX;
	c->nodes = calloc(c->cap, sizeof *c->nodes);
	c->cells = calloc((size_t)c->cap * c->cap, sizeof *c->cells);
	c->faults = calloc(COMPARE_FAULTS_MAX, sizeof *c->faults);
	if (c->nodes == NULL || c->cells == NULL || c->faults == NULL) {
		compare_free(c);
		return NULL;
	}
	return c;
}

void
compare_free(struct compare *c)
{
	if (c == NULL)
		return;
	free(c->nodes);
	free(c->cells);
	free(c->faults);
	free(c);
}

static uint32_t
add(struct compare *c, const struct node_id *id, const char *name, bool stranger)
{
	struct compare_node *n = &c->nodes[c->count];

	n->id = *id;
	snprintf(n->name, sizeof n->name, "%s", name);
	n->stranger = stranger;
	return c->count++;
}

void
compare_know(struct compare *c, const struct node_id *id, const char *name, bool self)
{
	assert(c->count + COMPARE_STRANGERS_MAX < c->cap);
	uint32_t i = add(c, id, name, false);

	if (self)
		c->self = i;
}

uint32_t
compare_find(const struct compare *c, const struct node_id *id)
{
	uint32_t i = 0;

	while (i < c->count && !id_eq(&c->nodes[i].id, id))
		i++;
	return i;
}

static char
see(const struct outlook *o, const struct outlook_row *r)
{
	if (id_eq(&o->id, &r->id))
		return SEE_SELF;
	switch (r->state) {
	case 1:
		return SEE_SUSPECT;
	case 2:
		return SEE_FAILED;
	case 3:
		return SEE_LEFT;
	default:
		break;
	}
	if (!o->pinged || (r->flags & (OUTLOOK_ANSWERED | OUTLOOK_ASKED)) != OUTLOOK_ASKED)
		return SEE_OK;
	if ((r->flags & OUTLOOK_BLOCKED) != 0)
		return SEE_BLOCKED;
	return (r->flags & OUTLOOK_HEARD) != 0 ? SEE_ONE_WAY : SEE_HEARSAY;
}

int
compare_answer(struct compare *c, uint32_t i, const struct outlook *o)
{
	struct compare_node *n = &c->nodes[i];

	if (!id_eq(&o->id, &n->id))
		return -ERR_IDENTITY;
	n->asked = COMPARE_ANSWERED;
	n->why[0] = '\0';
	n->grade = o->grade;
	n->term = o->term;
	n->since_ms = o->since_ms;
	n->has_leader = o->has_leader;
	n->leader = o->leader;
	/* Tables are in id order, as ours is: the next is nearly always the next. */
	for (uint32_t k = 0, at = 0; k < o->count; k++) {
		const struct outlook_row *r = &o->rows[k];

		if (at >= c->count || !id_eq(&c->nodes[at].id, &r->id))
			at = compare_find(c, &r->id);
		if (at == c->count) {
			if (r->state == OUTLOOK_STATE_MAX)
				continue; /* gone, and forgotten here */
			if (c->count == c->cap) {
				c->unlisted++;
				continue;
			}
			at = add(c, &r->id, r->name, true);
			snprintf(c->nodes[at].why, sizeof c->nodes[at].why, "not known here");
		}
		*compare_cell(c, i, at) = (struct compare_cell){see(o, r), r->rtt_ms};
		at++;
	}
	return 0;
}

void
compare_silent(struct compare *c, uint32_t i, bool asked, const char *why)
{
	c->nodes[i].asked = asked ? COMPARE_SILENT : COMPARE_NOT_ASKED;
	snprintf(c->nodes[i].why, sizeof c->nodes[i].why, "%s", why);
}

/* --- faults ---------------------------------------------------------------------- */

static struct compare_fault *
fault(struct compare *c, const char *kind, uint32_t about, uint32_t other)
{
	struct compare_fault *f;

	if (c->faults_count == COMPARE_FAULTS_MAX) {
		c->faults_more++;
		return NULL;
	}
	f = &c->faults[c->faults_count++];
	*f = (struct compare_fault){.kind = kind, .about = about, .other = other};
	return f;
}

/* "a, b, c and 4 more" of the n nodes that `which` marks. */
static void
name_them(const struct compare *c, const bool *which, char *out, size_t cap)
{
	uint32_t n = 0, said = 0;
	size_t at = 0;

	out[0] = '\0';
	for (uint32_t i = 0; i < c->count; i++)
		n += which[i];
	for (uint32_t i = 0; i < c->count && said < NAMED_MAX; i++) {
		if (!which[i] || at >= cap)
			continue;
		at += (size_t)snprintf(
		    out + at, cap - at, "%s%s", said > 0 ? ", " : "", c->nodes[i].name);
		said++;
	}
	if (n > said && at < cap)
		snprintf(out + at, cap - at, " and %u more", n - said);
}

static void
judge_path(struct compare *c, uint32_t row, uint32_t column)
{
	const char *a = c->nodes[row].name, *b = c->nodes[column].name;
	char there = compare_cell(c, row, column)->see, back = compare_cell(c, column, row)->see;
	struct compare_fault *f;

	if (there == SEE_ONE_WAY && back == SEE_OK && (f = fault(c, "loss", row, column)) != NULL)
		snprintf(f->text, sizeof f->text,
		    "%s <-> %s: packets are lost: three pings of %s in vain, while %s's were answered",
		    a, b, a, b);
	else if (there == SEE_ONE_WAY && back != SEE_OK && (f = fault(c, "one-way", row, column)) != NULL)
		snprintf(f->text, sizeof f->text,
		    "%s -> %s: one way: %s hears %s, but what it sends does not arrive", a, b, a, b);
	if (there == SEE_BLOCKED && (back != SEE_BLOCKED || row < column) &&
	    (f = fault(c, "udp-blocked", row, column)) != NULL)
		snprintf(f->text, sizeof f->text,
		    "%s <-> %s: UDP is blocked: only TCP passes, and nobody leads over that", a, b);
	if (there != SEE_HEARSAY || back == SEE_ONE_WAY || back == SEE_BLOCKED)
		return;
	if (back == SEE_HEARSAY && column < row)
		return; /* told from the other end */
	if ((f = fault(c, "no-path", row, column)) != NULL)
		snprintf(f->text, sizeof f->text,
		    "%s <-> %s: no path: nothing arrives, though others reach both", a, b);
}

static const char *
word(char s)
{
	switch (s) {
	case SEE_NOTHING:
		return "not known to";
	case SEE_FAILED:
		return "failed for";
	case SEE_LEFT:
		return "left for";
	case SEE_SUSPECT:
		return "suspect for";
	default:
		return "alive for";
	}
}

/* How a letter counts when tables are compared: paths are judged apart. */
static char
state_of(char s)
{
	return s == SEE_SELF || s == SEE_ONE_WAY || s == SEE_HEARSAY || s == SEE_BLOCKED ? SEE_OK : s;
}

static void
judge_column(struct compare *c, uint32_t column, bool *mark)
{
	static const char states[] = {SEE_OK, SEE_SUSPECT, SEE_FAILED, SEE_LEFT, SEE_NOTHING};
	char names[ARRAY_LEN(states)][COMPARE_TEXT_CAP / 4];
	struct compare_fault *f;
	uint32_t kinds = 0, gone = 0;
	size_t at = 0;

	for (size_t s = 0; s < ARRAY_LEN(states); s++) {
		bool any = false;

		for (uint32_t i = 0; i < c->count; i++) {
			mark[i] = c->nodes[i].asked == COMPARE_ANSWERED &&
			    state_of(compare_cell(c, i, column)->see) == states[s];
			any = any || mark[i];
		}
		name_them(c, mark, names[s], sizeof names[s]);
		kinds += any;
		gone += any && (states[s] == SEE_LEFT || states[s] == SEE_NOTHING);
	}
	/* Who left may be forgotten here and not yet there. */
	if (kinds < 2 || gone == kinds || (f = fault(c, "disagree", column, column)) == NULL)
		return;
	at = (size_t)snprintf(f->text, sizeof f->text, "%s:", c->nodes[column].name);
	for (size_t s = 0, n = 0; s < ARRAY_LEN(states) && at < sizeof f->text; s++) {
		if (names[s][0] == '\0')
			continue;
		at += (size_t)snprintf(f->text + at, sizeof f->text - at, "%s %s %s",
		    n++ > 0 ? ";" : "", word(states[s]), names[s]);
	}
}

bool
compare_same_side(const struct compare_node *a, const struct compare_node *b)
{
	return a->has_leader == b->has_leader &&
	    (!a->has_leader || (a->term == b->term && id_eq(&a->leader, &b->leader)));
}

bool
compare_opens_side(const struct compare *c, uint32_t i)
{
	for (uint32_t k = 0; k < i; k++)
		if (c->nodes[k].asked == COMPARE_ANSWERED &&
		    compare_same_side(&c->nodes[k], &c->nodes[i]))
			return false;
	return c->nodes[i].asked == COMPARE_ANSWERED;
}

static void
judge_leaders(struct compare *c, bool *mark)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < c->count; i++)
		n += compare_opens_side(c, i);
	for (uint32_t i = 0; n > 1 && i < c->count; i++) {
		const struct compare_node *x = &c->nodes[i];
		char names[COMPARE_TEXT_CAP / 2];
		struct compare_fault *f;
		uint32_t leader;

		if (!compare_opens_side(c, i))
			continue;
		for (uint32_t k = 0; k < c->count; k++)
			mark[k] = c->nodes[k].asked == COMPARE_ANSWERED &&
			    compare_same_side(&c->nodes[k], x);
		name_them(c, mark, names, sizeof names);
		leader = x->has_leader ? compare_find(c, &x->leader) : c->count;
		if ((f = fault(c, "leaders", leader < c->count ? leader : i, i)) == NULL)
			return;
		if (x->has_leader)
			snprintf(f->text, sizeof f->text, "%s leads (term %llu) for %s",
			    leader < c->count ? c->nodes[leader].name : "somebody unknown",
			    (unsigned long long)x->term, names);
		else
			snprintf(f->text, sizeof f->text, "nobody leads for %s", names);
	}
}

void
compare_judge(struct compare *c)
{
	bool *mark = calloc(c->count + 1, sizeof *mark);

	for (uint32_t i = 0; i < c->count; i++)
		for (uint32_t k = 0; k < c->count; k++) {
			struct compare_cell *cell = compare_cell(c, i, k);

			if (cell->see == 0)
				cell->see = c->nodes[i].asked == COMPARE_ANSWERED ?
				    SEE_NOTHING :
				    (i == k ? SEE_SELF : SEE_UNTOLD);
		}
	for (uint32_t i = 0; i < c->count; i++)
		for (uint32_t k = 0; k < c->count; k++)
			if (i != k)
				judge_path(c, i, k);
	if (mark != NULL)
		judge_leaders(c, mark);
	for (uint32_t i = 0; mark != NULL && i < c->count; i++)
		judge_column(c, i, mark);
	for (uint32_t i = 0; i < c->count; i++) {
		struct compare_fault *f;

		if (c->nodes[i].asked == COMPARE_SILENT &&
		    (f = fault(c, "silent", i, i)) != NULL)
			snprintf(f->text, sizeof f->text, "%s did not answer: %s", c->nodes[i].name,
			    c->nodes[i].why);
	}
	free(mark);
}
