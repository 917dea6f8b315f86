/*
 * prom_text.h - writing expressions: for prom_text and for the parts of prom_split.
 */
#ifndef CORE_PROM_TEXT_H
#define CORE_PROM_TEXT_H

#include "prom_in.h"

/* Grows as needed; b is malloc'd, and the caller's. */
struct prom_out {
	char *b;
	size_t len, cap;
	bool failed; /* no memory: what is there is not all */
};

void prom_put(struct prom_out *o, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void prom_put_names(struct prom_out *o, const char *word, const struct prom_names *n);
void prom_put_expr(struct prom_out *o, const struct prom_expr *e);

#endif
