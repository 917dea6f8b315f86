/*
 * regain.h - `mesh recover --lost NAMES`: a roster without those, when the majority
 * is gone for good (gossip/recover.h).
 */
#ifndef IO_REGAIN_H
#define IO_REGAIN_H

#include "ctl.h"

struct engine;

/* Without `yes`: what it would give up, and what a CA is to sign.  With it: done. */
void regain_verb(struct engine *e, struct ctl_req *r);

#endif
