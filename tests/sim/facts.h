/*
 * facts.h - what nodes say of themselves in the world (facts.c), and who holds what.
 */
#ifndef SIM_FACTS_H
#define SIM_FACTS_H

#include "fault.h"

/* All that a node said, and how often it changed. */
struct sim_owner {
	struct said *said;
	uint32_t count;
	uint64_t content;
};

struct sim_facts {
	struct sim_owner *owner;
	uint32_t *held; /* [holder * nodes + owner]: which of said, from 1; 0 = none */
	uint32_t *lack; /* of each node: of how many it holds not the last */
	usec *whole_at; /* when that became none */
	uint64_t streams, records;
	bool often; /* each says something now and then */
};

struct sim;

void facts_begin(struct sim *s);
void facts_free(struct sim *s);
/* Node i, which is up, says what it is, or something new. */
void facts_say(struct sim *s, uint32_t i, bool changed);
/* Its engine, where they are said now and then. */
void facts_act(struct sim *s, uint32_t i);
void facts_forget(struct sim *s, uint32_t i);
/* Who lacks how many, from now on; and the costs are counted anew. */
void facts_count(struct sim *s);

#endif
