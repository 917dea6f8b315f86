/*
 * ports.h - listening sockets that containers get ready made (`tcp-ports`).
 *
 *   spec --ports_open--> socket --dup--> init --dup--> application
 *                          ^               |
 *                          `-ports_adopt---'  a supervisor after us
 *
 * We keep each socket as long as an instance wants it, so its queue outlives all
 * processes of a container; the init keeps it while we are away.  Instances of one
 * role in one sandbox that name the same address share it, as in lithos; with
 * reuse-port each has one of its own.
 *
 * Where an instance has a network of its own the child opens them there, and we take
 * them from the init once it runs; they are kept as long as that network (nets.h).
 */
#ifndef SUPERVISOR_PORTS_H
#define SUPERVISOR_PORTS_H

#include "spec.h"

enum port_flag {
	PORT_REUSE_ADDR = 1,
	PORT_REUSE_PORT = 2,
	PORT_NONBLOCK = 4,
	PORT_INSIDE = 8, /* of the instance's own network, not of the host's */
};

/* One line of spec.ports: "NUMBER FD BACKLOG FLAGS HOST". */
struct port {
	uint32_t number, fd, backlog, flags; /* port_flag */
	char host[46];			     /* an address, of v4 or v6 */
};

enum { PORT_LINE_CAP = 96 };
void port_write(const struct port *p, char *line, size_t cap);
bool port_read(const char *line, struct port *out);

struct ports_socket {
	int fd; /* owned */
	struct port port;
	char role[NAME_CAP], sandbox[NAME_CAP];
	char instance[NAME_CAP]; /* that opened it; with reuse-port whose it is */
};

struct ports {
	struct ports_socket *list; /* owned */
	size_t count;
	bool busy; /* the last ports_open failed as an address is in use */
};

/* A socket for it on the network that this process is in, or -1 and errno. */
int ports_listen(const struct port *p);
/* fds[i]: the socket of the spec's i-th port, borrowed; -1 after the last, and for one
 * that the child has to open.  EXIT_ENVIRONMENT. */
MUST_CHECK int ports_open(struct ports *p, const struct spec *s,
    int fds[SPEC_PORTS_MAX], struct err *err);
/* Take back what the init behind pidfd keeps of the spec's ports. */
void ports_adopt(struct ports *p, const struct spec *s, int pidfd);
/* The network of the instance is gone, and those in it with it. */
void ports_drop_inside(struct ports *p, const char *instance);
bool ports_has_inside(const struct spec *s);

struct sup;
struct row;

/* Before the spec is accepted: does another instance have one of its ports, or
 * can one never be opened here?  EXIT_CONFIG, EXIT_ENVIRONMENT. */
MUST_CHECK int ports_ask(struct sup *s, const struct row *r,
    const struct spec *spec, struct err *err);
/* Close what no instance wants any more. */
void ports_tidy(struct sup *s);

#endif
