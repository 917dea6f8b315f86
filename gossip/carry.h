/*
 * carry.h - a way around: what elects, leads and reports reaches whom the straight
 * way does not reach, over members that hear both.
 *
 *	AROUND [ for whom: short id, hops left, sender hears it: 0|1, the frame ]
 *
 * Inner: part of struct mesh, used by the files of gossip/ alone.
 */
#ifndef GOSSIP_CARRY_H
#define GOSSIP_CARRY_H

#include "packet.h"

struct mesh;
struct out;

enum { CARRY_MAX = 64 }; /* frames of others that wait to be passed on */

struct carry {
	struct carried {
		uint64_t who, hops, hears;
		size_t len;
		uint8_t bytes[DGRAM_BYTES_MAX];
	} *frames;
	uint64_t next; /* so many were taken; the last CARRY_MAX are held */
};

MUST_CHECK int carry_init(struct mesh *m);
void carry_fini(struct mesh *m);
/* Over whom a packet of that kind goes too; MEMBER_NONE: the straight way is enough. */
uint32_t carry_via(struct mesh *m, enum packet_kind kind, uint32_t to);
bool carry_takes(enum packet_kind kind);
/* Member from reaches member i. */
void carry_learn(struct mesh *m, uint32_t i, uint32_t from);
/* A frame of member i came over via; hears: i hears me without that. */
void carry_came(struct mesh *m, msec now, uint32_t i, uint32_t via, bool hears);
/* Member i echoed a beat of mine. */
void carry_echoed(struct mesh *m, uint32_t i);
/* It said lately that it does not hear me. */
bool carry_deaf(const struct mesh *m, uint32_t i);
/* AROUND of mine for member to, but for its bytes; of another's that waits, and
 * PINGON; any other kind is left as it is. */
void carry_label(const struct mesh *m, uint32_t to, struct packet *p);
void carry_fill(const struct mesh *m, const struct out *o, struct packet *p);
int carry_recv(struct mesh *m, msec now, uint32_t from, const struct packet *p);

#endif
