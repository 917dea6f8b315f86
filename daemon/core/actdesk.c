/*
 * actdesk.c - see actdesk.h.
 */
#include "actdesk.h"

#include <stdio.h>
#include <stdlib.h>

#define REPLY_MS_MAX (UINT64_C(72) * 3600 * 1000)

int
actdesk_init(struct actdesk *d)
{
	memset(d, 0, sizeof *d);
	d->items = calloc(ACTDESK_MAX, sizeof *d->items);
	d->nodes = calloc(ACTDESK_NODES_MAX, sizeof *d->nodes);
	if (d->items != NULL && d->nodes != NULL)
		return 0;
	actdesk_free(d);
	return -ERR_FULL;
}

void
actdesk_free(struct actdesk *d)
{
	free(d->items);
	free(d->nodes);
	memset(d, 0, sizeof *d);
}

void
actdesk_clear(struct actdesk *d)
{
	d->count = d->nodes_count = d->given = d->roles_count = 0;
	d->probe = d->broken = false;
}

/* --- what nodes say ------------------------------------------------------------------ */

static struct actdesk_node *
node_of(const struct actdesk *d, const struct node_id *id)
{
	for (uint32_t i = 0; i < d->nodes_count; i++)
		if (id_eq(&d->nodes[i].id, id))
			return &d->nodes[i];
	return NULL;
}

static struct actdesk_item *
item_of(const struct actdesk *d, const struct node_id *by, uint64_t number)
{
	for (uint32_t i = 0; i < d->count; i++)
		if (d->items[i].a.number == number && id_eq(&d->items[i].by, by))
			return &d->items[i];
	return NULL;
}

static void
remove_item(struct actdesk *d, uint32_t i)
{
	d->given -= d->items[i].given;
	d->count--;
	memmove(&d->items[i], &d->items[i + 1], (d->count - i) * sizeof *d->items);
}

static struct actdesk_item *
insert(struct actdesk *d, const struct node_id *by, const char *node, const struct action *a)
{
	struct actdesk_item *x;
	uint32_t i = 0;

	if (d->count == ACTDESK_MAX)
		return NULL;
	while (i < d->count && action_cmp(&d->items[i].a, d->items[i].node, a, node) < 0)
		i++;
	x = &d->items[i];
	memmove(x + 1, x, (d->count++ - i) * sizeof *x);
	*x = (struct actdesk_item){.by = *by, .a = *a, .listed = true};
	snprintf(x->node, sizeof x->node, "%s", node);
	return x;
}

/* Known: the desk knows better how often it failed, unless an operator said retry. */
static bool
take(struct actdesk *d, const struct node_id *by, const char *node, const struct action *a,
    const struct actdone *done)
{
	struct actdesk_item *x = item_of(d, by, a->number);

	if (x != NULL && (x->given || x->a.stamp_ms == a->stamp_ms)) {
		x->listed = true;
		return false;
	}
	if (x != NULL)
		remove_item(d, (uint32_t)(x - d->items));
	if ((x = insert(d, by, node, a)) == NULL)
		return false;
	x->answered = actdone_of(done, by, a->number) != NULL;
	return !x->answered && !a->aside;
}

static bool
is_ahead(const struct action *a, uint64_t wall_ms)
{
	return a->stamp_ms > wall_ms && a->stamp_ms - wall_ms > ACTION_AHEAD_MS_MAX;
}

static void
say_ahead(const struct action *a, uint64_t wall_ms, struct action_word *w)
{
	uint64_t minutes = (a->stamp_ms - wall_ms) / 60000;

	w->state = ACTION_ASIDE;
	snprintf(w->text, sizeof w->text,
	    "its stamp is %llu minutes ahead of the leader's clock: set the clock that is wrong, then --retry",
	    (unsigned long long)minutes);
}

static void
say(const struct actdesk *d, const struct node_id *by, const struct action_bundle *b,
    uint64_t wall_ms, struct action_words *words)
{
	words->count = b->count;
	for (uint32_t i = 0; i < b->count; i++) {
		const struct actdesk_item *x = item_of(d, by, b->actions[i].number);
		struct action_word *w = &words->words[i];

		*w = (struct action_word){.number = b->actions[i].number, .state = ACTION_NO_ROOM};
		if (x == NULL && is_ahead(&b->actions[i], wall_ms))
			say_ahead(&b->actions[i], wall_ms, w);
		if (x == NULL)
			continue;
		w->state = x->a.aside ? ACTION_ASIDE : ACTION_WAITS;
		w->tries = x->a.tries;
		memcpy(w->text, x->a.error, sizeof w->text);
		if (x->answered)
			snprintf(w->text, sizeof w->text, "answered: the schedule that says so is on its way");
		else if (!x->a.aside && d->broken && w->text[0] == '\0')
			snprintf(w->text, sizeof w->text, "the scheduler fails also without it");
	}
}

static bool
has_items(const struct actdesk *d, const struct node_id *by)
{
	for (uint32_t i = 0; i < d->count; i++)
		if (id_eq(&d->items[i].by, by))
			return true;
	return false;
}

/* A place for one who was not heard yet: a new one, or of one who waits for nothing. */
static struct actdesk_node *
node_new(struct actdesk *d, const struct node_id *by)
{
	struct actdesk_node *n = NULL;

	if (d->nodes_count < ACTDESK_NODES_MAX)
		n = &d->nodes[d->nodes_count++];
	for (uint32_t i = 0; n == NULL && i < d->nodes_count; i++)
		if (!has_items(d, &d->nodes[i].id))
			n = &d->nodes[i];
	if (n != NULL)
		*n = (struct actdesk_node){.id = *by};
	return n;
}

bool
actdesk_is_old(const struct actdesk *d, const struct node_id *by, uint64_t turn)
{
	const struct actdesk_node *n = node_of(d, by);

	return n != NULL && turn < n->turn;
}

bool
actdesk_bundle(struct actdesk *d, const struct node_id *by, const char *node,
    const struct action_bundle *b, const struct actdone *done, uint64_t wall_ms,
    struct action_words *words)
{
	struct actdesk_node *n = node_of(d, by);
	bool fresh = false;

	words->count = 0;
	if (n == NULL)
		n = node_new(d, by);
	if (n == NULL || b->turn < n->turn) {
		if (n == NULL)
			say(d, by, b, wall_ms, words);
		return false;
	}
	n->turn = b->turn;
	n->last = b->last;
	for (uint32_t i = 0; i < d->count; i++)
		if (id_eq(&d->items[i].by, by))
			d->items[i].listed = false;
	for (uint32_t i = 0; i < b->count; i++)
		if (!is_ahead(&b->actions[i], wall_ms) || item_of(d, by, b->actions[i].number) != NULL)
			fresh |= take(d, by, node, &b->actions[i], done);
	for (uint32_t i = d->count; i-- > 0;)
		if (!d->items[i].listed && !d->items[i].given)
			remove_item(d, i);
	say(d, by, b, wall_ms, words);
	return fresh;
}

void
actdesk_forget(struct actdesk *d, const struct node_id *by)
{
	for (uint32_t i = d->count; i-- > 0;) {
		if (!id_eq(&d->items[i].by, by))
			continue;
		d->items[i].listed = false;
		if (!d->items[i].given)
			remove_item(d, i);
	}
}

/* --- rounds --------------------------------------------------------------------------- */

static bool
node_has(const struct actdesk *d, const struct actdone_row *row)
{
	const struct actdesk_node *n = node_of(d, &row->by);
	const struct actdesk_item *x = item_of(d, &row->by, row->number);

	return n != NULL && row->number <= n->last && (x == NULL || !x->listed);
}

void
actdesk_prune(const struct actdesk *d, struct actdone *done, uint64_t wall_ms)
{
	for (size_t i = done->count; i-- > 0;) {
		const struct actdone_row *row = &done->rows[i];
		uint64_t age = wall_ms > row->at_ms ? wall_ms - row->at_ms : 0;

		if (age > REPLY_MS_MAX || (age > ACTDESK_HAVE_MS && node_has(d, row)))
			actdone_drop(done, i);
	}
}

static void
touch(struct actdesk *d, const char *role, msec now)
{
	uint32_t i = 0;

	if (role[0] == '\0')
		return;
	while (i < d->roles_count && strcmp(d->roles[i].name, role) != 0 && d->roles[i].until > now)
		i++;
	if (i == ACTDESK_ROLES_MAX)
		return;
	d->roles_count += i == d->roles_count;
	snprintf(d->roles[i].name, sizeof d->roles[i].name, "%s", role);
	d->roles[i].until = now + ACTDESK_TOUCHED_MS;
}

void
actdesk_about(struct actdesk *d, const struct plan *plan, const struct plan *last, msec now)
{
	char roles[ACTDONE_ROLES_MAX][NAME_CAP], id[ACTION_ID_CAP];

	for (uint32_t i = 0; i < d->count; i++) {
		const struct actdesk_item *x = &d->items[i];

		if (!x->given || x->a.role[0] == '\0' || plan_role(plan, x->a.role) != NULL ||
		    (last != NULL && plan_role(last, x->a.role) != NULL))
			continue;
		action_id(id, x->node, x->a.number);
		for (size_t n = actdone_roles(blob_slice(&plan->replies), id, roles); n > 0; n--)
			touch(d, roles[n - 1], now);
	}
}

bool
actdesk_touched(const struct actdesk *d, const char *role, msec now)
{
	for (uint32_t i = 0; i < d->roles_count; i++)
		if (strcmp(d->roles[i].name, role) == 0 && d->roles[i].until > now)
			return true;
	return false;
}

/* Answered already; or by name another's, until that one's reply has gone. */
static bool
answered(const struct actdone *done, const struct actdesk_item *x)
{
	char id[ACTION_ID_CAP];

	action_id(id, x->node, x->a.number);
	return x->answered || actdone_of(done, &x->by, x->a.number) != NULL ||
	    actdone_find(done, id) != NULL;
}

static bool
has_room(const struct actdesk *d, const struct actdone *done, const struct node_id *by)
{
	size_t mine = actdone_count_of(done, by);

	for (uint32_t i = 0; i < d->count; i++)
		mine += d->items[i].given && id_eq(&d->items[i].by, by);
	return mine < ACTDONE_NODE_MAX && done->count + d->given < ACTDONE_ROWS_MAX;
}

size_t
actdesk_give(struct actdesk *d, const struct actdone *done, msec now,
    const struct actdesk_item *out[ACTDESK_ROUND_MAX])
{
	size_t most = ACTDESK_ROUND_MAX;

	assert(d->given == 0);
	if (d->probe || d->broken)
		return 0;
	for (uint32_t i = 0; i < d->count; i++)
		if (d->items[i].a.tries > 0 && !d->items[i].a.aside && !answered(done, &d->items[i]))
			most = 1;
	for (uint32_t i = 0; i < d->count && d->given < most; i++) {
		struct actdesk_item *x = &d->items[i];

		/* A schedule that was kept and not told yet says so, of a round that was given up. */
		x->answered = x->answered || actdone_of(done, &x->by, x->a.number) != NULL;
		if (x->a.aside || answered(done, x) || !has_room(d, done, &x->by))
			continue;
		x->given = true;
		touch(d, x->a.role, now);
		out[d->given++] = x;
	}
	return d->given;
}

/* A round that was given some has failed. */
static void
failed(struct actdesk *d, const char *error)
{
	for (uint32_t i = 0; i < d->count; i++) {
		struct actdesk_item *x = &d->items[i];

		if (!x->given)
			continue;
		x->suspect = true;
		x->a.tries++;
		action_text(x->a.error, error, strlen(error));
	}
	d->probe = true;
}

/* A round without any has ended, and so it is known whose fault the last one was. */
static void
probed(struct actdesk *d, bool passed)
{
	for (uint32_t i = 0; i < d->count; i++) {
		struct actdesk_item *x = &d->items[i];

		if (x->suspect && passed && x->a.tries >= ACTION_TRIES_MAX)
			x->a.aside = true;
		if (x->suspect && !passed) {
			x->a.tries--;
			x->a.error[0] = '\0';
		}
		x->suspect = false;
	}
	d->probe = false;
	d->broken = !passed;
}

static bool
some_wait(const struct actdesk *d)
{
	for (uint32_t i = 0; i < d->count; i++)
		if (!d->items[i].a.aside && !d->items[i].answered)
			return true;
	return false;
}

bool
actdesk_ended(struct actdesk *d, enum actdesk_end how, const char *error)
{
	bool had = d->given > 0, more = false;

	if (how == ACTDESK_FAILED && had)
		failed(d, error);
	else if (how != ACTDESK_AGAIN && !had)
		probed(d, how == ACTDESK_ISSUED);
	if (how == ACTDESK_FAILED)
		more = had; /* the probe */
	for (uint32_t i = d->count; i-- > 0;) {
		struct actdesk_item *x = &d->items[i];

		x->answered = x->answered || (x->given && how == ACTDESK_ISSUED);
		x->given = false;
		if (!x->listed)
			remove_item(d, i);
	}
	d->given = 0;
	return more || (how == ACTDESK_ISSUED && some_wait(d));
}

int
actdesk_reply(const struct actdesk *d, struct slice replies, uint64_t wall_ms, struct actdone *done)
{
	int rc = 0;

	for (uint32_t i = 0; i < d->count && rc == 0; i++) {
		const struct actdesk_item *x = &d->items[i];
		struct actdone_row row = {.by = x->by, .number = x->a.number, .at_ms = wall_ms};

		if (!x->given)
			continue;
		action_id(row.id, x->node, x->a.number);
		actdone_reply(replies, row.id, &row.ok, row.text);
		rc = actdone_add(done, &row);
	}
	return rc;
}
