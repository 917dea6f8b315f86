/*
 * round.h - one scheduling round: world -> input -> script -> plan -> rails ->
 * signed schedule -> kept, announced, applied here.
 */
#ifndef IO_ROUND_H
#define IO_ROUND_H

struct engine;

/* Start one; its end says lead_ended.  Only while this node leads. */
void round_start(struct engine *e);

#endif
