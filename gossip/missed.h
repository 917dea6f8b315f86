/*
 * missed.h - summaries that passed a node by: it asks somebody what it lacks.
 *
 * A summary is told so often that nearly all hear it, and nobody knows who did not.
 * So each ASK_MS a node tells one other, at random, what it holds:
 *
 *	COUNTS	whose short id comes first, a hash of all of them, a byte each
 *	HELD	as many as a datagram holds of those where the other's byte is another
 *
 * Who hears COUNTS that are ahead of its own asks back at once: of one who was cut off
 * while it told of itself nobody else knows that there is anything to ask for.
 *
 * The bytes stand in the order of ids, and no id is sent: who has another table finds
 * another hash, and says nothing, for tables are compared elsewhere (SYNC).  A byte
 * is 0 where nothing is held, else count % 255 + 1.  Up to WINDOW members are told at
 * once, the next time those that follow.  An answer is said as one of the last
 * two times: all others know it.
 *
 * Inner: part of struct mesh, used by the files of gossip/ alone.
 */
#ifndef GOSSIP_MISSED_H
#define GOSSIP_MISSED_H

#include "out.h"

enum { MISSED_WINDOW = 1024, MISSED_WANTS = 128 };

struct missed {
	msec at;	/* the next question */
	uint64_t first; /* whose short id begins it */
	msec back_at;	/* not before then one who is ahead is asked back */
	/* To whom I answer, and what: member indices. */
	uint16_t to;
	uint16_t want[MISSED_WANTS];
	uint32_t wants;
};

void missed_init(struct mesh *m, msec now);
/* COUNTS: 0, or what it is dropped for. */
int missed_recv(struct mesh *m, msec now, uint32_t from, const struct packet *p);
void missed_tick(struct mesh *m, msec now);
/* COUNTS from that short id on; scratch holds MISSED_WINDOW. */
void missed_fill(const struct mesh *m, uint64_t first, struct packet *p, uint8_t *scratch);
/* HELD: what member to was found to lack. */
void missed_load(struct mesh *m, uint32_t to, struct cargo *c);

#endif
