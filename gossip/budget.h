/*
 * budget.h - how much a node says in a second, with the summaries of all.
 *
 * Of all that is told only the summaries can wait: a newer one takes the place of
 * an older, and what did not go out now goes a little later.  So all that leaves
 * counts, probes, reports and the HELLOs that new pairs begin with, and the
 * summaries get what is left: a bucket that BUDGET_BYTES_S fill.  Whatever else there is
 * to say, a datagram of them goes out each BUDGET_FLOOR_MS.  Not counted are a
 * leader's beats, which grow with the mesh and are one node's.
 *
 *	age of a summary, p50 = N x 14 / budget + 1 to 1.5 s
 *
 * Inner: part of struct mesh, used by the files of gossip/ alone.
 */
#ifndef GOSSIP_BUDGET_H
#define GOSSIP_BUDGET_H

#include "base.h"

enum {
	BUDGET_BYTES_S = 18000, /* with 28 bytes of IPv4 and UDP around each datagram */
	BUDGET_AROUND_BYTES = 28,
	BUDGET_FLOOR_MS = 500,
};

struct budget {
	int64_t left; /* thousandths of bytes; negative = owed */
	msec at, told;
};

void budget_init(struct budget *b, msec now);
/* A datagram of so many bytes left. */
void budget_spend(struct budget *b, msec now, size_t bytes);
/* Until a whole datagram of summaries may follow, in ms; 0 = now. */
msec budget_wait(struct budget *b, msec now);
/* More than a datagram is owed: not even a question is answered. */
bool budget_owes(struct budget *b, msec now);
/* One is on its way. */
void budget_told(struct budget *b, msec now);

#endif
