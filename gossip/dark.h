/*
 * dark.h - members that datagrams do not reach: asked over a stream (TCP).
 * Inner: part of struct mesh, used by the files of gossip/ alone.
 */
#ifndef GOSSIP_DARK_H
#define GOSSIP_DARK_H

#include "members.h"

struct mesh;

enum {
	DARK_MAX = 32, /* wishes at once; more wait for their next probe */
	DARK_ANSWERS = 2, /* so many answers without a datagram: they are blocked */
};

struct dark {
	uint16_t wanted[DARK_MAX];
	uint32_t len;
};

/* Ask member i over a stream too. */
void dark_want(struct mesh *m, uint32_t i);
/* A datagram of member i came. */
void dark_lit(struct mesh *m, uint32_t i);
/* It lives, and only streams get through between it and this node. */
bool dark_blocked(const struct mesh *m, uint32_t i);

#endif
