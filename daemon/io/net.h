/*
 * net.h - the mesh machine on a UDP socket and one timer.
 */
#ifndef IO_NET_H
#define IO_NET_H

#include <uv.h>

#include "../../gossip/mesh.h"
#include "../base/err.h"

enum { NET_SENDS = 16 }; /* datagrams in one call, at most */

struct net {
	uv_udp_t udp;
	uv_timer_t timer;
	struct mesh *mesh; /* NULL until the node has a cluster key */
	bool kicking;
	unsigned heard; /* packets since the last kick */
	uint64_t send_failed;
	void *arg;
	/* Make it durable before returning; there is no failing: exit instead. */
	void (*save)(void *arg, const struct mesh_saved *s);
	/* The machine may have moved: look at changes, reports, announcements. */
	void (*moved)(void *arg);
	uint8_t rx[DGRAM_BYTES_MAX + 1]; /* one more, so that long ones show */
	uint8_t tx[NET_SENDS][DGRAM_BYTES_MAX];
};

/* CLOCK_BOOTTIME in milliseconds: the time of every machine here.  It goes on
 * while the host is suspended, so a lease that was slept through is over. */
msec net_now(void);
/* EXIT_ENVIRONMENT: "bind 10.1.1.9:7780: Cannot assign requested address". */
MUST_CHECK int net_init(struct net *n, uv_loop_t *loop, const struct addr *at, void *arg,
    void (*save)(void *arg, const struct mesh_saved *s), void (*moved)(void *arg),
    struct err *err);
/* Give it the machine; net does not own it. */
void net_attach(struct net *n, struct mesh *m);
/* After every act on the machine: save, send, re-arm. */
void net_kick(struct net *n);
/* The same in the next turn of the loop: for acts on the machine from within `moved`. */
void net_soon(struct net *n);

#endif
