/*
 * nets.h - the networks that containers have for themselves.
 *
 *   child --makes it, with its link and sockets--> the init's <--nets_keep-- us
 *   the next child <--nets_take-- us
 *
 * A network lives as long as a process is in it or a descriptor of it is open, and its
 * link with it: of one that nobody held nothing is left, whenever we are killed.  We
 * hold that of an instance that runs until the instance is not wanted any more, so it
 * keeps its sockets, its address and its link over restarts.
 *
 * The link's end on the host is named by bridge and address: the kernel lets no two
 * containers of a host have the same one.  Its alias says whose it is.
 */
#ifndef SUPERVISOR_NETS_H
#define SUPERVISOR_NETS_H

#include "rtnl.h"
#include "spec.h"

/* How a container's end of its link is called. */
#define NETS_INSIDE "eth0"

struct nets_kept {
	int fd; /* owned */
	char instance[NAME_CAP], sandbox[NAME_CAP], bridge[SPEC_BRIDGE_CAP];
	uint32_t network, address, prefix, gateway;
	uint64_t after_setup; /* hash of what was run in it */
};

struct nets {
	struct nets_kept *list; /* owned */
	size_t count;
	int remover;	  /* owned: pidfd of who removes a link; -1: nobody */
	char removing[RTNL_NAME_CAP];
	bool not_ours;	  /* what the last one said of that */
	const char *host; /* borrowed: our group's name, which no other meshd here has */
};

struct judge;
struct launcher;
struct row;
struct running;
struct sup;

void nets_new(struct nets *n, const char *host);
/* The end on the host of the link of a spec that is bridged. */
void nets_name(const struct spec *s, char out[RTNL_NAME_CAP]);
void nets_alias(const struct nets *n, const struct spec *s, char out[RTNL_ALIAS_CAP]);

/* Once it is judged: is there such a bridge, is the address not this host's own, can its
 * probes reach it?  EXIT_CONFIG, EXIT_ENVIRONMENT. */
MUST_CHECK int nets_ask(const struct spec *spec, const struct judge *j, struct err *err);
/* Before it is accepted: has no other instance its address, and is neither the other's
 * way out?  EXIT_CONFIG. */
MUST_CHECK int nets_alone(const struct sup *s, const struct row *r, const struct spec *spec,
    struct err *err);
/* For a start: the network that is kept for it, borrowed, or -1: make one. */
MUST_CHECK int nets_take(struct launcher *l, const struct spec *s, int *fd, struct err *err);
/* It runs: hold its network and take the sockets in it. */
void nets_keep(struct launcher *l, const struct spec *s, const struct running *r);
/* Nothing of it runs and it is not wanted: its network goes.  False: its link is still
 * there; call it again, the tries-th time. */
MUST_CHECK bool nets_leave(struct launcher *l, const struct spec *s, uint32_t tries);
/* Is there still a link of its name? */
bool nets_left(const struct spec *s);
/* The remover's pidfd is readable. */
void nets_removed(struct nets *n);

#endif
