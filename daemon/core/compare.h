/*
 * compare.h - what many nodes see, side by side: who sees whom, where they
 * disagree, and which paths carry one way only.
 *
 * The columns are the nodes that the asking one knows, and a few that only others
 * know.  Each column is a row too: what that node sees, when it answered.
 */
#ifndef CORE_COMPARE_H
#define CORE_COMPARE_H

#include "outlook.h"

enum {
	COMPARE_STRANGERS_MAX = 32, /* nodes that the asking one does not know */
	COMPARE_FAULTS_MAX = 128,
	COMPARE_TEXT_CAP = 400,
	COMPARE_WHY_CAP = 80,
};

/* What one node sees of another, as the letter that tables and JSON show. */
enum see {
	SEE_NOTHING = '.', /* does not know it */
	SEE_SELF = '*',
	SEE_OK = '+',	   /* alive; answers, when it was pinged */
	SEE_ONE_WAY = '>', /* alive and heard, but does not get what is sent to it */
	SEE_HEARSAY = '!', /* alive by the word of others: nothing came from it */
	SEE_BLOCKED = 'u', /* alive: it answers over TCP, and no datagram passes */
	SEE_SUSPECT = '?',
	SEE_FAILED = 'x',
	SEE_LEFT = '-',
	SEE_UNTOLD = ' ', /* the row's node did not answer */
};

enum compare_asked { COMPARE_NOT_ASKED, COMPARE_SILENT, COMPARE_ANSWERED };

struct compare_node {
	struct node_id id;
	char name[NAME_CAP];
	bool stranger; /* the asking node does not know it */
	enum compare_asked asked;
	char why[COMPARE_WHY_CAP]; /* why not asked, or silent */
	char via[NAME_CAP];	   /* who passed the question on, or "" */
	/* as it answered */
	uint8_t grade;
	uint64_t term;
	int64_t since_ms;
	bool has_leader;
	struct node_id leader;
};

struct compare_cell {
	char see; /* enum see */
	int32_t rtt_ms; /* -1 = not measured */
};

struct compare_fault {
	const char *kind; /* "one-way", "loss", "no-path", "udp-blocked", "disagree", "leaders", "silent" */
	char text[COMPARE_TEXT_CAP];
	uint32_t about; /* a node; of a path its start */
	uint32_t other; /* its end, or about */
};

struct compare {
	uint32_t count, cap; /* nodes, and how many may be */
	uint32_t self;	     /* the one that asks */
	struct compare_node *nodes;
	struct compare_cell *cells; /* [row * cap + column] */
	uint32_t unlisted;	    /* strangers that had no place */
	struct compare_fault *faults;
	uint32_t faults_count, faults_more;
};

/* Room for `members` nodes; NULL without memory. */
struct compare *compare_new(uint32_t members);
void compare_free(struct compare *c);
/* A node of the asking one's table; all of them before the first answer. */
void compare_know(struct compare *c, const struct node_id *id, const char *name, bool self);
/* Its index, or count. */
uint32_t compare_find(const struct compare *c, const struct node_id *id);
/* o is what node i sees.  -ERR_IDENTITY: somebody else answered in its place. */
MUST_CHECK int compare_answer(struct compare *c, uint32_t i, const struct outlook *o);
/* i did not answer (or was not asked): why. */
void compare_silent(struct compare *c, uint32_t i, bool asked, const char *why);
/* Do two that answered follow the same leader of the same term, or both none? */
bool compare_same_side(const struct compare_node *a, const struct compare_node *b);
/* i answered, and is the first of its side: so many sides are heard of. */
bool compare_opens_side(const struct compare *c, uint32_t i);
/* After the last answer: fill faults. */
void compare_judge(struct compare *c);

static inline struct compare_cell *
compare_cell(const struct compare *c, uint32_t row, uint32_t column)
{
	return &c->cells[(size_t)row * c->cap + column];
}

#endif
