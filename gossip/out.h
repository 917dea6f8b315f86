/*
 * out.h - the queue of what is to be sent, and the long answers that go out in
 * bursts.  Intents only: the bytes are made when they are polled.
 * Inner: part of struct mesh, used by the files of gossip/ alone.
 */
#ifndef GOSSIP_OUT_H
#define GOSSIP_OUT_H

#include "roster.h"

struct mesh;

enum { JOBS_MAX = 64 };

/* A datagram to be built when it is polled.  a, b, c by kind. */
struct out {
	uint8_t kind;
	bool introduce; /* put my own record first */
	bool notice;	/* with the act of eviction a */
	uint16_t to;	/* member, or MEMBER_NONE: addr */
	uint16_t around; /* to whom its frame goes, for `to`; 0 = to itself */
	struct addr addr;
	uint64_t a, b, c;
};

/* A long answer, sent some datagrams at a time. */
struct job {
	uint8_t kind; /* PACKET_TABLE, PACKET_ROSTER; 0 = free */
	uint16_t to;
	uint32_t buckets, whole; /* bits: which to tell; of these, with the records */
	uint32_t cursor;
	uint32_t evictions; /* after the members, those who are out */
	struct roster_id roster;
	struct roster_place place;
};

/* term: of the beat that was sent at `sent`, 0 = it is no echo.  other: my roster is not
 * the one that the leader asks about. */
void out_fill_echo(const struct mesh *m, uint64_t term, uint32_t to, uint64_t sent, bool other,
    struct packet *p);
void out_to(struct mesh *m, enum packet_kind kind, uint32_t to, uint64_t a, uint64_t b, uint64_t c);
void out_introduce(struct mesh *m, enum packet_kind kind, uint32_t to, uint64_t a);
/* JOIN and JOINED: about that token; to a voter my term, and its last generation. */
void out_join(struct mesh *m, enum packet_kind kind, const struct addr *addr, uint64_t token,
    uint64_t term, uint64_t generation);
/* A JOINED without a cluster: in place of the term is why not. */
void out_join_not(struct mesh *m, const struct addr *addr, uint64_t token, enum mesh_entry why);
/* HELLO and WHO, to whoever is there; their salt, or NULL; their cookie back, or 0. */
void out_addr(struct mesh *m, enum packet_kind kind, const struct addr *addr, const uint8_t *salt,
    uint64_t cookie, bool introduce);
/* In a bare frame: KEY_ASK and KEY; a, b, c are keys.c's. */
void out_bare(struct mesh *m, enum packet_kind kind, const struct addr *addr, uint64_t a,
    uint64_t b, uint64_t c);
/* Keys anew with member i, in case it lives anew; whole = with my record. */
void out_hello(struct mesh *m, uint32_t to, uint64_t cookie, bool whole);
/* A HELLO that says: you are out, by that act. */
void out_notice(struct mesh *m, const struct addr *addr, uint32_t eviction);
/* A TWIN: to one that may be me, or that says it is member `hint`. */
void out_twin(struct mesh *m, const struct addr *addr, uint32_t hint);
void out_parked(struct mesh *m, uint32_t to, const struct parked *p);
/* My table's buckets; those in whole as records, of the others only the states. */
void out_table(struct mesh *m, uint32_t to, uint32_t buckets, uint32_t whole);
/* My roster from that chunk on. */
void out_roster(struct mesh *m, uint32_t to, uint32_t chunk);
size_t out_poll(struct mesh *m, msec now, struct addr *to, uint8_t *buf);

/* cargo.c: the rumours of one packet. */
struct cargo {
	struct mpw w;
	uint32_t count;
};
/* All or nothing: false when there is no room for it. */
bool cargo_load(struct cargo *c, const struct rumour *r);
bool cargo_eviction(const struct mesh *m, struct cargo *c, uint32_t k);
/* Somebody's table is mine, so what is news to me it knows: who has joined is told on
 * until enough of those who are asked know it, not for as long as there are words left. */
void cargo_known(struct mesh *m);
/* With what rides along with o. */
void cargo_fill(struct mesh *m, msec now, struct cargo *c, const struct out *o);
/* How often a rumour is told: 4 x ceil(log10(N + 1)). */
uint32_t out_limit(const struct mesh *m);
void out_tick(struct mesh *m, msec now);

#endif
