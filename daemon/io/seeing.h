/*
 * seeing.h - the verbs that show the mesh itself: who is there, who sees whom,
 * who leads, whose votes count, how long a word takes.  All of them only read.
 */
#ifndef IO_SEEING_H
#define IO_SEEING_H

#include "ctl.h"

struct engine;

void seeing_members(struct engine *e, struct ctl_req *r);
void seeing_leader(struct engine *e, struct ctl_req *r);
void seeing_partition(struct engine *e, struct ctl_req *r);
void seeing_roster(struct engine *e, struct ctl_req *r);
void seeing_rtt(struct engine *e, struct ctl_req *r);
void seeing_reachability(struct engine *e, struct ctl_req *r);

#endif
