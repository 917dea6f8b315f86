/*
 * prom_parse.h - what the two files of the parser share.  All give NULL or -1 once the
 * error is said.
 */
#ifndef CORE_PROM_PARSE_H
#define CORE_PROM_PARSE_H

#include "prom_in.h"

struct parser {
	struct prom *p;
	const struct prom_token *t; /* the next one */
	struct err *err;
	uint32_t depth;
};

/* "unexpected ... in where, expected ..." (either may be ""): NULL. */
void *parse_fail(struct parser *s, const char *where, const char *expected);
void *parse_no_memory(struct parser *s);
bool parse_take(struct parser *s, enum prom_tok t);
/* With room for so many children. */
struct prom_expr *parse_new(struct parser *s, enum prom_expr_kind kind, uint32_t at, uint32_t args);
/* A child that may have failed: its parent, or NULL. */
struct prom_expr *parse_add(struct parser *s, struct prom_expr *e, struct prom_expr *kid);
int parse_names(struct parser *s, struct prom_names *out);
struct prom_expr *parse_selector(struct parser *s);
struct prom_expr *parse_postfix(struct parser *s, struct prom_expr *e);

#endif
