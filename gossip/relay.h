/*
 * relay.h - asking for others, and through others: who is within earshot, and who
 * else is reached through whom.
 * Inner: part of struct mesh, used by the files of gossip/ alone.
 */
#ifndef GOSSIP_RELAY_H
#define GOSSIP_RELAY_H

#include "packet.h"

struct mesh;
struct member;

enum {
	RELAY_HOPS = 16, /* what is carried goes over so many at most */
	RELAY_ASKED = 16, /* of whom one asks, so many more are asked at most: all together */
};

void relay_init(struct mesh *m);
/* i was asked by a ping of mine, and said nothing; it did answer me. */
void relay_missed(struct mesh *m, uint32_t i);
void relay_answers(struct mesh *m, uint32_t i);
void relay_measure(struct mesh *m, uint32_t i, msec took);
/* Up to max different members to be asked about target, but not `except`: those within
 * earshot first.  How many. */
uint32_t relay_helpers(struct mesh *m, msec now, uint32_t target, uint32_t except, uint32_t max,
    uint16_t *out);
/* One who answers me, neither of these two; or MEMBER_NONE.  Of a table of thousands it
 * looks at a few, elsewhere each time, and remembers whom it found. */
uint32_t relay_next(struct mesh *m, msec now, uint32_t target, uint32_t except);
/* PINGREQ and PINGON of member from; so many more may be asked. */
void relay_ask(struct mesh *m, msec now, uint32_t from, const struct packet *p, uint32_t more);
/* An ACK to what nobody here asked for himself. */
void relay_acked(struct mesh *m, msec now, uint32_t from, uint64_t seq);
void relay_tick(struct mesh *m, msec now);
msec relay_deadline(const struct mesh *m);

/* It answered my last ping, or none was sent yet. */
bool relay_near(const struct mesh *m, uint32_t i);
/* Most of those up did not. */
bool relay_far(const struct mesh *m);

#endif
