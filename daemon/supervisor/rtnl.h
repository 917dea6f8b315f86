/*
 * rtnl.h - interfaces, addresses and routes, asked of the kernel itself (rtnetlink).
 *
 * A socket works on the network that its opener was in; each call sends one message
 * and reads the one answer, which the kernel has ready when the send returns.
 * Nobody waits, but for the kernel's own lock.  What comes back is read within
 * bounds like anybody's bytes, and counts only if it came from the kernel.
 * All return 0 or -errno.  Addresses are of IPv4, 10.0.0.1 is 0x0a000001.
 */
#ifndef SUPERVISOR_RTNL_H
#define SUPERVISOR_RTNL_H

#include "../base/err.h"

enum { RTNL_NAME_CAP = 16, RTNL_ALIAS_CAP = 256, RTNL_ANSWER_CAP = 16 << 10, RTNL_MAC_BYTES = 6 };

struct rtnl {
	int fd; /* owned; -1 */
	uint32_t seq;
};

struct rtnl_link {
	int index;
	uint32_t mtu;
	bool up;		    /* it carries packets */
	int master;		    /* index of the bridge that it is a port of; 0: none */
	char kind[RTNL_NAME_CAP];   /* "bridge", "veth", ...; "" for a real one */
	char alias[RTNL_ALIAS_CAP]; /* what `ip link` shows so; "" */
};

/* A pair: one end here, up and a port of a bridge; the other in netns. */
struct rtnl_veth {
	const char *name, *peer;
	uint8_t mac[RTNL_MAC_BYTES], peer_mac[RTNL_MAC_BYTES];
	int bridge; /* its index */
	uint32_t mtu;
	int netns;
};

MUST_CHECK int rtnl_open(struct rtnl *r);
void rtnl_close(struct rtnl *r);

/* -ENODEV: there is none of that name. */
MUST_CHECK int rtnl_find(struct rtnl *r, const char *name, struct rtnl_link *out);
/* -EEXIST: there is one of that name, here or there. */
MUST_CHECK int rtnl_add_veth(struct rtnl *r, const struct rtnl_veth *v);
MUST_CHECK int rtnl_set_alias(struct rtnl *r, int index, const char *alias);
/* Up, and a port of that bridge (0: of none). */
MUST_CHECK int rtnl_set_up(struct rtnl *r, int index, int bridge);
/* Also of what it is already: then neighbours are told (arp_notify). */
MUST_CHECK int rtnl_set_mac(struct rtnl *r, int index, const uint8_t mac[RTNL_MAC_BYTES]);
/* With its other end. */
MUST_CHECK int rtnl_delete(struct rtnl *r, int index);
MUST_CHECK int rtnl_add_address(struct rtnl *r, int index, uint32_t address, uint32_t prefix);
MUST_CHECK int rtnl_add_default(struct rtnl *r, int index, uint32_t gateway);

/* --- the reader, for any bytes ---------------------------------------------- */
/* Of an answer to message seq: 0 that it was done, or *link filled; -errno as the
 * kernel says; -EPROTO: it is no answer to that.  link NULL: none is expected. */
MUST_CHECK int rtnl_read(const void *buf, size_t len, uint32_t seq, struct rtnl_link *link);

#endif
