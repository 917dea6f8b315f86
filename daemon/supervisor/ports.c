/*
 * ports.c - see ports.h.
 */
#include "ports.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../base/initproto.h"
#include "../base/log.h"
#include "../base/own.h"
#include "sup.h"

void
port_write(const struct port *p, char *line, size_t cap)
{
	snprintf(line, cap, "%u %u %u %u %s", p->number, p->fd, p->backlog,
	    p->flags, p->host);
}

bool
port_read(const char *line, struct port *out)
{
	return sscanf(line, "%u %u %u %u %45s", &out->number, &out->fd,
		   &out->backlog, &out->flags, out->host) == 5 &&
	    out->number >= 1 && out->number <= 65535;
}

static socklen_t
address_of(const struct port *p, struct sockaddr_storage *ss)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)ss;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)ss;

	memset(ss, 0, sizeof *ss);
	if (inet_pton(AF_INET, p->host, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons((uint16_t)p->number);
		return sizeof *v4;
	}
	if (inet_pton(AF_INET6, p->host, &v6->sin6_addr) != 1)
		return 0;
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons((uint16_t)p->number);
	return sizeof *v6;
}

static int
option(int fd, int level, int name)
{
	int value = 0;
	socklen_t len = sizeof value;

	return getsockopt(fd, level, name, &value, &len) < 0 ? -1 : value;
}

/* On the network that we are on ourselves, the host's? */
static bool
is_hosts(int fd)
{
	AUTO_CLOSE int ours = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	uint64_t a = 0, b = 1;
	socklen_t len = sizeof a;

	return getsockopt(ours, SOL_SOCKET, SO_NETNS_COOKIE, &a, &len) == 0 &&
	    getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &b, &len) == 0 && a == b;
}

/* Is it what it was?  An application can shut it down, or worse. */
static bool
listens_at(int fd, const struct port *p)
{
	struct sockaddr_storage want, is;
	socklen_t want_len = address_of(p, &want), is_len = sizeof is;

	memset(&is, 0, sizeof is);
	return want_len > 0 &&
	    is_hosts(fd) == !(p->flags & PORT_INSIDE) && option(fd, SOL_SOCKET, SO_ACCEPTCONN) == 1 &&
	    option(fd, SOL_SOCKET, SO_PROTOCOL) == IPPROTO_TCP &&
	    (option(fd, SOL_SOCKET, SO_REUSEPORT) == 1) ==
	    ((p->flags & PORT_REUSE_PORT) != 0) &&
	    getsockname(fd, (struct sockaddr *)&is, &is_len) == 0 &&
	    is_len == want_len && memcmp(&is, &want, want_len) == 0;
}

/* "::" is every address, of v4 too. */
int
ports_listen(const struct port *p)
{
	const int on = 1, off = 0;
	const int type = SOCK_STREAM | SOCK_CLOEXEC |
	    (p->flags & PORT_NONBLOCK ? SOCK_NONBLOCK : 0);
	int reuse = (p->flags & PORT_REUSE_ADDR) != 0, fd;
	struct sockaddr_storage ss;
	socklen_t len = address_of(p, &ss);

	if (len == 0) {
		errno = EINVAL;
		return -1;
	}
	fd = socket(ss.ss_family, type, IPPROTO_TCP);
	if (fd < 0)
		return -1;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &reuse, sizeof reuse) == 0 &&
	    (!(p->flags & PORT_REUSE_PORT) ||
		setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) == 0) &&
	    (ss.ss_family == AF_INET ||
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off) == 0) &&
	    bind(fd, (struct sockaddr *)&ss, len) == 0 &&
	    listen(fd, (int)p->backlog) == 0)
		return fd;
	reuse = errno;
	close(fd);
	errno = reuse;
	return -1;
}

static bool
is_of(const struct ports_socket *k, const struct port *p, const struct spec *s)
{
	const uint32_t kind = PORT_REUSE_PORT | PORT_INSIDE;

	return k->port.number == p->number && strcmp(k->port.host, p->host) == 0 &&
	    ((k->port.flags ^ p->flags) & kind) == 0 &&
	    strcmp(k->role, s->role) == 0 &&
	    strcmp(k->sandbox, s->sandbox) == 0 &&
	    (!(p->flags & kind) || strcmp(k->instance, s->instance) == 0);
}

static struct ports_socket *
find(struct ports *ports, const struct port *p, const struct spec *s)
{
	for (size_t i = 0; i < ports->count; i++)
		if (is_of(&ports->list[i], p, s))
			return &ports->list[i];
	return NULL;
}

/* Takes fd. */
static struct ports_socket *
keep(struct ports *ports, const struct port *p, const struct spec *s, int fd)
{
	struct ports_socket *list = realloc(ports->list,
	    (ports->count + 1) * sizeof *list);

	if (list == NULL) {
		close(fd);
		errno = ENOMEM;
		return NULL;
	}
	ports->list = list;
	list += ports->count++;
	*list = (struct ports_socket){.fd = fd, .port = *p};
	memcpy(list->role, s->role, sizeof list->role);
	memcpy(list->sandbox, s->sandbox, sizeof list->sandbox);
	memcpy(list->instance, s->instance, sizeof list->instance);
	return list;
}

static void
drop(struct ports *ports, struct ports_socket *k)
{
	close(k->fd);
	*k = ports->list[--ports->count];
}

static struct ports_socket *
open_one(struct ports *ports, const struct port *p, const struct spec *s)
{
	struct ports_socket *k = find(ports, p, s);
	int fd, flags;

	if (k != NULL && !listens_at(k->fd, p)) {
		log_warn("%s: port %u of %s was shut down by its application: opened anew",
		    s->instance, p->number, p->host);
		drop(ports, k);
		k = NULL;
	}
	if (k == NULL && (p->flags & PORT_INSIDE))
		return NULL;
	if (k == NULL) {
		fd = ports_listen(p);
		if (fd < 0 || (k = keep(ports, p, s, fd)) == NULL)
			return NULL;
	}
	k->port = *p;
	flags = fcntl(k->fd, F_GETFL);
	flags = p->flags & PORT_NONBLOCK ? flags | O_NONBLOCK :
					   flags & ~O_NONBLOCK;
	return fcntl(k->fd, F_SETFL, flags) < 0 ||
		listen(k->fd, (int)p->backlog) < 0 ?
	    NULL :
	    k;
}

int
ports_open(struct ports *ports, const struct spec *s, int fds[SPEC_PORTS_MAX],
    struct err *err)
{
	const char *line = s->ports.buf;
	const struct ports_socket *k;
	struct port p;

	ports->busy = false;
	for (uint32_t i = 0; i < SPEC_PORTS_MAX; i++)
		fds[i] = -1;
	for (uint32_t i = 0; i < s->ports.count; i++, line += strlen(line) + 1) {
		if (!port_read(line, &p))
			return err_set(err, EXIT_STATE, "%s: bad port in its record",
			    s->instance);
		if ((p.flags & PORT_INSIDE) && find(ports, &p, s) == NULL)
			continue; /* the child does */
		if ((k = open_one(ports, &p, s)) == NULL) {
			if (p.flags & PORT_INSIDE)
				continue;
			ports->busy = errno == EADDRINUSE;
			return err_set(err, EXIT_ENVIRONMENT,
			    "%s: tcp-ports: cannot listen on port %u of %s: %s%s",
			    s->instance, p.number, p.host, strerror(errno),
			    errno == EACCES ?
				" (below net.ipv4.ip_unprivileged_port_start they are root's)" :
				"");
		}
		fds[i] = k->fd;
	}
	return 0;
}

/* Takes fd.  Its own spec may be of before a change: which socket is which, they say
 * themselves. */
static void
take_back(struct ports *ports, const struct spec *s, int fd)
{
	const char *line = s->ports.buf;
	struct port p;

	for (uint32_t i = 0; i < s->ports.count; i++, line += strlen(line) + 1) {
		if (!port_read(line, &p) || !listens_at(fd, &p))
			continue;
		if (find(ports, &p, s) != NULL)
			break;
		(void)keep(ports, &p, s, fd);
		return;
	}
	close(fd);
}

void
ports_adopt(struct ports *ports, const struct spec *s, int pidfd)
{
	for (int i = 0; s->ports.count > 0 && i < SPEC_PORTS_MAX; i++) {
		int fd = (int)syscall(SYS_pidfd_getfd, pidfd, INIT_FD_PORT + i, 0);

		if (fd < 0 && errno != EBADF)
			log_warn("%s: cannot take back its sockets: %s",
			    s->instance, strerror(errno));
		if (fd < 0)
			return;
		take_back(ports, s, fd);
	}
}

void
ports_drop_inside(struct ports *ports, const char *instance)
{
	for (size_t i = ports->count; i-- > 0;) {
		struct ports_socket *k = &ports->list[i];

		if ((k->port.flags & PORT_INSIDE) && strcmp(k->instance, instance) == 0)
			drop(ports, k);
	}
}

bool
ports_has_inside(const struct spec *s)
{
	const char *line = s->ports.buf;
	struct port p;

	for (uint32_t i = 0; i < s->ports.count; i++, line += strlen(line) + 1)
		if (port_read(line, &p) && (p.flags & PORT_INSIDE))
			return true;
	return false;
}

static bool
wants_ports(const struct row *r)
{
	return r->has_spec && !r->over && r->spec.ports.count > 0 &&
	    (r->life.wanted || r->life.state == LIFE_DOWN);
}

static bool
overlap(const char *a, const char *b)
{
	bool four = strchr(a, ':') == NULL && strchr(b, ':') == NULL;

	return strcmp(a, b) == 0 || strcmp(a, "::") == 0 ||
	    strcmp(b, "::") == 0 ||
	    (four &&
		(strcmp(a, "0.0.0.0") == 0 || strcmp(b, "0.0.0.0") == 0));
}

/* Within a role all have the same port, or follow each other to another. */
static bool
has_port(const struct row *r, const struct port *p, const struct spec *spec)
{
	const char *line = r->spec.ports.buf;
	struct port q;

	if (strcmp(r->spec.role, spec->role) == 0 &&
	    strcmp(r->spec.sandbox, spec->sandbox) == 0)
		return false;
	for (uint32_t i = 0; i < r->spec.ports.count; i++, line += strlen(line) + 1)
		if (port_read(line, &q) && !(q.flags & PORT_INSIDE) && q.number == p->number &&
		    overlap(q.host, p->host))
			return true;
	return false;
}

int
ports_ask(struct sup *s, const struct row *r, const struct spec *spec,
    struct err *err)
{
	const char *line = spec->ports.buf;
	int fds[SPEC_PORTS_MAX], rc;
	struct port p;

	for (uint32_t i = 0; i < spec->ports.count; i++, line += strlen(line) + 1)
		for (size_t k = 0; port_read(line, &p) && k < s->rows_count; k++) {
			const struct row *o = s->rows[k];

			if (o != r && !(p.flags & PORT_INSIDE) && wants_ports(o) &&
			    has_port(o, &p, spec))
				return err_set(err, EXIT_CONFIG,
				    "%s: tcp-ports: port %u of %s is that of %s (role '%s', sandbox '%s'); give one of them another",
				    spec->instance, p.number, p.host, o->instance,
				    o->spec.role, o->spec.sandbox);
		}
	/* Who has it now may be about to end, or is this very instance. */
	rc = ports_open(&s->launcher.ports, spec, fds, err);
	return s->launcher.ports.busy ? 0 : rc;
}

static bool
is_wanted(const struct sup *s, const struct ports_socket *k)
{
	for (size_t i = 0; i < s->rows_count; i++) {
		const struct spec *spec = &s->rows[i]->spec;
		const char *line = spec->ports.buf;
		struct port p;

		if (!wants_ports(s->rows[i]))
			continue;
		for (uint32_t n = 0; n < spec->ports.count; n++, line += strlen(line) + 1)
			if (port_read(line, &p) && is_of(k, &p, spec))
				return true;
	}
	return false;
}

void
ports_tidy(struct sup *s)
{
	struct ports *ports = &s->launcher.ports;

	for (size_t i = ports->count; i-- > 0;)
		if (!is_wanted(s, &ports->list[i]))
			drop(ports, &ports->list[i]);
}
