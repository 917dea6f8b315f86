/*
 * rolelease.h - the role lease: executors ask, a full leader confirms.
 * Inner: part of struct mesh, used by the files of gossip/ alone.
 */
#ifndef GOSSIP_ROLELEASE_H
#define GOSSIP_ROLELEASE_H

#include "members.h"

struct mesh;

enum {
	ROLELEASE_ENTRY_BYTES = 9, /* id 8, flags 1 */
	ROLELEASE_HELD = 1,	   /* its lease had not ended when it was asked for */
	ROLELEASE_RUNS = 2,	   /* a process of it lives */
	ROLELEASE_BYTES_MAX = MESH_EXCLUSIVE_MAX * ROLELEASE_ENTRY_BYTES,
};

struct rolelease {
	/* the executor */
	struct rolelease_slot {
		uint64_t id;
		msec until; /* 0 = no lease */
		bool wanted, running;
		bool claimed; /* the newest question said that it was held */
	} slots[MESH_EXCLUSIVE_MAX];
	uint32_t slots_count;
	bool ready;    /* the first list was given */
	bool answered; /* to the newest question */
	uint32_t farewells; /* empty questions still to be asked */
	msec asked, ask_at;
	/* the leader */
	struct rolelease_grant {
		uint64_t id;
		uint64_t owner;	 /* by the schedule; short id, 0 = nobody */
		uint64_t holder; /* whom it was confirmed to; 0 = nobody */
		uint64_t life;	 /* and to which of its lives */
		msec until;	 /* holder's lease is over by then, on this clock */
		msec asked;	 /* the question confirmed, on the holder's clock */
	} *grants, *spare;	 /* in order of id */
	uint32_t grants_count;
};

int rolelease_init(struct mesh *m, msec now);
void rolelease_fini(struct mesh *m);
int rolelease_recv(struct mesh *m, msec now, uint32_t from, const struct packet *p);
void rolelease_tick(struct mesh *m, msec now);
msec rolelease_deadline(const struct mesh *m);
/* A new office begins: nothing that was confirmed in an older one is known. */
void rolelease_office(struct mesh *m);
/* Bodies of the two packets; out holds ROLELEASE_BYTES_MAX. */
size_t rolelease_fill_ask(const struct mesh *m, uint8_t *out);
size_t rolelease_fill_confirm(const struct mesh *m, uint32_t to, msec asked, uint8_t *out);

#endif
