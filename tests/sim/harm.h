/*
 * harm.h - what faults did to the world, or to one node, that is not over yet, or that
 * no node can undo.
 */
#ifndef SIM_HARM_H
#define SIM_HARM_H

#include "../../gossip/inner.h"
#include "ring.h"

enum {
	SOCKET_MAX = 256, /* datagrams that wait for a process that is stopped */
	ANY_NODE = 0xffff,
};

/* Some records of a disk as it was once. */
struct harm_disk {
	struct mesh_saved saved; /* but for what it points to */
	struct roster_id roster;
	bool is;
};

struct harm_node {
	usec disk_bad_until; /* writes fail */
	bool readonly;	     /* ... and no byte of them gets there */
	uint32_t dies_after, waiting; /* ends once so many datagrams left; in its socket */
	uint64_t lives_before;	      /* as another node of that name */
	uint64_t forgot;	      /* the last life that its disk knows nothing of */
	struct harm_disk copy, last;  /* of all disks once; before the last write */
};

struct harm {
	/* one datagram in a hundred is late; what a path holds and needs for each, and when
	 * it is done with the last; what goes from one to another (or any) waits */
	uint32_t tail_permille, torn_permille, queue, clog_from, clog_to;
	usec queue_each, clog_until, *path_free;
	/* this cut comes and goes */
	uint8_t *flap;
	usec flap_at, flap_every;
	bool flapped; /* it is there now */
	usec heal_at; /* the second half of a cut ends */
	/* one after another is of the next release, or of the last */
	usec roll_at;
	uint32_t roll_next, roll_left;
	bool roll_newer, reborn;
	usec long_until;     /* somebody is away for minutes, once in the life of a world */
	uint64_t lost_terms; /* a vote in one of them, or before, is on no disk any more */
};

#endif
