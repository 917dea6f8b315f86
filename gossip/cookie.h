/*
 * cookie.h - "say that again from where you say you are": before a frame of an
 * unknown source costs a signature check, a pair of keys or a place in a table,
 * that source must send back eight bytes that only its address receives.
 *
 *	cookie = first 8 bytes of BLAKE2b(secret 32 | period 8 | ip 16 | port 2)
 *
 * The secret is drawn at every start and told nobody; period is the clock in
 * units of ten seconds, so each cookie holds for ten to twenty.  Nothing is
 * kept for anybody: the source remembers, or starts again.  Always, not only
 * under load: it costs who comes one round trip in its life, and what is always
 * on is always tested.  (The idea: SYN cookies, Bernstein 1996; WireGuard §5.3
 * has it under load.)
 *
 * Inner: part of struct mesh, used by the files of gossip/ alone.
 */
#ifndef GOSSIP_COOKIE_H
#define GOSSIP_COOKIE_H

#include "base.h"

struct mesh;
struct packet;

/* The last one that another gave: to be given back there. */
struct cookie_got {
	struct addr from;
	uint64_t cookie; /* 0 = none */
};

/* Never 0: that means "none". */
uint64_t cookie_make(const struct mesh *m, msec now, const struct addr *to);
/* May one more be given now?  Then it is counted. */
bool cookie_afford(struct mesh *m, msec now);
/* Keep the one that this HELLO or WHO gave; nothing of any other packet. */
void cookie_keep(struct mesh *m, const struct addr *from, const struct packet *p);
/* To give back at that address, or 0. */
uint64_t cookie_back(const struct mesh *m, const struct addr *to);
bool cookie_holds(const struct mesh *m, msec now, const struct addr *from, uint64_t cookie);

#endif
