/*
 * prom_in.h - what the files of PromQL share: tokens, the tree of an expression, and
 * memory of a parse.  Nobody else includes it but tests.  Evaluation: prom_ev.h.
 */
#ifndef CORE_PROM_IN_H
#define CORE_PROM_IN_H

#include "pattern.h"
#include "prom.h"
#include "prom_words.h"

/* Chunks that live as long as their owner; NULL beyond max. */
struct prom_arena {
	struct prom_chunk *chunks;
	size_t used, max;
};
void *prom_alloc(struct prom_arena *a, size_t bytes); /* zeroed */
void prom_arena_free(struct prom_arena *a);

enum prom_expr_kind {
	EXPR_NUMBER,
	EXPR_STRING,
	EXPR_SELECTOR,
	EXPR_MATRIX, /* a selector and [range] */
	EXPR_SUBQUERY,
	EXPR_PAREN,
	EXPR_UNARY,
	EXPR_BINARY,
	EXPR_CALL,
	EXPR_AGGR, /* args: what is aggregated, then the parameter */
	EXPR_PART, /* prom_split.c: what the nodes answered; part */
};

struct prom_names {
	struct slice *v;
	uint32_t count;
};

enum prom_at { AT_NONE, AT_TIME, AT_START, AT_END };
enum prom_card { CARD_ONE, CARD_LEFT /* many to one: group_left */, CARD_RIGHT, CARD_MANY /* and or unless */ };

struct prom_expr {
	enum prom_expr_kind kind;
	enum prom_kind type;
	uint32_t at, depth;
	double number;
	struct slice text; /* of a string */
	struct prom_expr **args;
	uint32_t count;
	enum prom_tok op;
	const struct prom_func *func;
	const struct pattern *re; /* of label_replace */
	struct prom_names labels, include; /* by, without, on, ignoring; group_left(...) */
	bool without, grouped, is_bool, on, matched; /* matched: on or ignoring was said */
	enum prom_card card;
	/* selectors, ranges, subqueries */
	struct series_matcher *matchers;
	uint32_t matchers_count, selector, part;
	int64_t range_ms, step_ms, offset_ms, at_ms;
	enum prom_at at_kind;
	bool has_offset, is_default_step;
	bool is_merged; /* of prom_split: a variance of counts, means and variances */
};

struct prom {
	struct prom_arena arena;
	struct prom_expr *root;
	struct prom_expr *selectors[PROM_SELECTORS_MAX];
	uint32_t selectors_count;
	struct pattern **patterns; /* owned */
	uint32_t patterns_count, patterns_cap;
	char *text; /* a copy of what was parsed, in the arena */
	uint32_t len;
};

enum { PROM_PARSE_BYTES_MAX = 4 << 20, PROM_ARGS_MAX = 64, PROM_SUBQUERY_STEP_MS = 60000 };

/* "line:col: parse error: ..." at that byte of the text; -1. */
int prom_error(const struct prom *p, uint32_t at, struct err *err, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* All tokens, TOK_END last; NULL and why. */
struct prom_token *prom_lex(struct prom *p, struct err *err);
const char *prom_word(enum prom_tok t);
/* How an error says this token. */
void prom_say(const struct prom *p, const struct prom_token *t, char *out, size_t cap);
/* The value of a string token, of a number, of a duration in ms: 0 or -1. */
int prom_unquote(struct prom *p, const struct prom_token *t, struct slice *out, struct err *err);
int prom_number(const struct prom *p, const struct prom_token *t, double *out, struct err *err);
int prom_duration(const struct prom *p, const struct prom_token *t, int64_t *out, struct err *err);
/* Compile and keep with p. */
const struct pattern *prom_pattern(struct prom *p, struct slice re, struct err *err);
/* Types of all below: 0, or -1 and where. */
int prom_check(struct prom *p, struct prom_expr *e, struct err *err);
const char *prom_type_name(enum prom_kind k);

#endif
