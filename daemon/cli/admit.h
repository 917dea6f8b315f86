/*
 * admit.h - what `mesh` signs before it asks the daemon: the first node of a cluster with
 * a CA, a node that joins with a token, an eviction, a recovery; and the token itself.  The CA's
 * key and tokens are read here, by whoever may, and never go to the daemon.
 */
#ifndef CLI_ADMIT_H
#define CLI_ADMIT_H

#include "args.h"
#include "run.h"

/* Fill what the request carries beside its words: a->ca, cert, token, sig; nothing in
 * starter mode.  0, or negative with *e. */
int admit_init(const struct show *s, struct args *a, struct run_error *e);
int admit_join(const struct show *s, struct args *a, struct run_error *e);
int admit_recover(const struct show *s, struct args *a, struct run_error *e);
int admit_evict(const struct show *s, struct args *a, struct run_error *e);

#endif
