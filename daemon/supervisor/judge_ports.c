/*
 * judge_ports.c - which TCP ports a container has.
 *
 * On the host's network what it may bind itself is what its sandbox lists; in one
 * of its own, where it takes nobody's, anything.  A rule of the kernel is of
 * one port, and is copied at each start: of a long list a container gets what its
 * own file names, its variables of type !TcpPort.  What is opened for it
 * (tcp-ports, and variables that say so) needs no right to bind.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#include "../base/weak.h"
#include "judge_in.h"
#include "ports.h"

static bool
range_of(const struct judge *j, int64_t i, uint64_t *first, uint64_t *last)
{
	char path[48], text[48], *end;

	snprintf(path, sizeof path, "allow-tcp-ports/%d", (int)i);
	if (!flat_str(j->sandbox, path, text, sizeof text))
		return false;
	*first = strtoull(text, &end, 10);
	*last = *end == '-' ? strtoull(end + 1, NULL, 10) : *first;
	if (*last > 65535)
		*last = 65535;
	return *first <= *last;
}

static int64_t
ranges_count(const struct judge *j)
{
	struct flat_rec rec;

	return flat_find(j->sandbox, "allow-tcp-ports", &rec) &&
		rec.type == FLAT_LIST ?
	    rec.num :
	    0;
}

bool
judge_port_ok(const struct judge *j, uint64_t port)
{
	return ranges_count(j) == 0 ||
	    ranges_hold(j->sandbox, "allow-tcp-ports", port);
}

uint64_t
judge_ports_listed(const struct judge *j)
{
	uint64_t first, last, n = 0;

	for (int64_t i = 0, count = ranges_count(j); i < count; i++)
		if (range_of(j, i, &first, &last))
			n += last - first + 1;
	return ranges_count(j) > 0 && n == 0 ? 1 : n;
}

static int
add_bind(struct spec *s, uint64_t first, uint64_t last, struct err *err)
{
	char text[48];
	int n = snprintf(text, sizeof text, "%llu-%llu",
	    (unsigned long long)first, (unsigned long long)last);

	return strs_add(&s->bind, text, (size_t)n, err);
}

static int
bind_listed(const struct judge *j, struct spec *s, struct err *err)
{
	uint64_t first, last;
	int rc = 0;

	for (int64_t i = 0, n = ranges_count(j); i < n && rc == 0; i++)
		if (range_of(j, i, &first, &last))
			rc = add_bind(s, first, last, err);
	return rc;
}

/* They were checked: each is a port that the sandbox lists. */
static int
bind_variables(const struct judge *j, struct spec *s, struct err *err)
{
	char name[256], tag[32];
	struct flat_rec rec;
	const char *value;
	size_t off = 0;
	int rc = 0;

	while (rc == 0 && flat_next(j->container, &off, &rec)) {
		if (!flat_child(&rec, "variables", name, sizeof name))
			continue;
		judge_tag(j, &rec, tag, sizeof tag);
		value = vars_given(j, name, strlen(name));
		if (strcmp(tag, "TcpPort") == 0 && value != NULL)
			rc = add_bind(s, strtoull(value, NULL, 10),
			    strtoull(value, NULL, 10), err);
	}
	return rc;
}

static int
judge_bind(const struct judge *j, struct spec *s, struct err *err)
{
	uint64_t listed = judge_ports_listed(j);
	int rc;

	if (listed == 0 || s->network != SPEC_NET_HOST)
		return 0;
	/* 0 is any that is free, by the kernel's choice: listen() without a bind
	 * gets that too. */
	rc = add_bind(s, 0, 0, err);
	if (rc == 0)
		rc = listed <= JUDGE_BIND_MAX ? bind_listed(j, s, err) :
						bind_variables(j, s, err);
	return rc;
}

/* --- opened for it ----------------------------------------------------------- */

/* We open it, as root: a port of the host's own services has to be listed. */
static int
check_port(const struct judge *j, const struct flat_rec *at,
    const struct spec *s, const struct port *p, struct err *err)
{
	const char *line = s->ports.buf;
	bool low = p->number < 1024 && !(p->flags & PORT_INSIDE);
	struct port q;

	if (!judge_port_ok(j, p->number) || (low && judge_ports_listed(j) == 0))
		return judge_fail(j, at, err,
		    "tcp-ports: port %u is not in allow-tcp-ports of sandbox '%s'%s",
		    p->number, j->req->sandbox,
		    low ? ", as one below 1024 has to be" : "");
	if (p->fd == 1 || p->fd == 2)
		return judge_fail(j, at, err,
		    "tcp-ports: port %u: fd %u is its output; 0 or 3 and more are free",
		    p->number, p->fd);
	if (p->fd >= s->fileno)
		return judge_fail(j, at, err,
		    "tcp-ports: port %u: fd %u is not below fileno-limit, %u",
		    p->number, p->fd, s->fileno);
	if (s->ports.count == SPEC_PORTS_MAX)
		return judge_fail(j, at, err, "tcp-ports: more than %d ports",
		    SPEC_PORTS_MAX);
	for (uint32_t i = 0; i < s->ports.count; i++, line += strlen(line) + 1) {
		if (!port_read(line, &q))
			continue;
		if (q.number == p->number)
			return judge_fail(j, at, err,
			    "tcp-ports: port %u is there twice", p->number);
		if (q.fd == p->fd)
			return judge_fail(j, at, err,
			    "tcp-ports: port %u: fd %u is that of port %u",
			    p->number, p->fd, q.number);
	}
	return 0;
}

static int
add_port(const struct judge *j, const struct flat_rec *at, struct spec *s,
    const struct port *p, struct err *err)
{
	char line[PORT_LINE_CAP];
	int rc = check_port(j, at, s, p, err);

	if (rc < 0)
		return rc;
	port_write(p, line, sizeof line);
	return strs_add(&s->ports, line, strlen(line), err);
}

static bool
is_on(const struct judge *j, const char *entry, const char *key, bool dflt)
{
	char path[FLAT_PATH_BYTES_MAX + 32];
	bool on;

	snprintf(path, sizeof path, "%s/%s", entry, key);
	return flat_bool(j->container, path, &on) ? on : dflt;
}

/* An address can be written in several ways; here they are compared. */
static bool
one_form(char *host, socklen_t cap)
{
	uint8_t bytes[16];
	int family = strchr(host, ':') ? AF_INET6 : AF_INET;

	return inet_pton(family, host, bytes) == 1 &&
	    inet_ntop(family, bytes, host, cap) != NULL;
}

/* One entry of tcp-ports; an `external` one is the host's whatever the network. */
static int
judge_entry(const struct judge *j, const struct flat_rec *rec, const char *key,
    struct spec *s, struct err *err)
{
	char entry[FLAT_PATH_BYTES_MAX + 1], path[FLAT_PATH_BYTES_MAX + 32];
	char number[16], *end;
	struct port p = {.backlog = 128, .host = "0.0.0.0"};
	struct flat_rec host;
	int64_t n = -1;
	int rc = vars_fill(j, rec, "tcp-ports", key, strlen(key), number,
	    sizeof number, err);

	if (rc < 0)
		return rc;
	p.number = (uint32_t)strtoul(number, &end, 10);
	if (number[0] < '0' || number[0] > '9' || *end != '\0' || p.number < 1 ||
	    p.number > 65535)
		return judge_fail(j, rec, err,
		    "tcp-ports: '%s' is no port, 1 to 65535", number);
	snprintf(entry, sizeof entry, "%.*s", (int)rec->path_len, rec->path);
	snprintf(path, sizeof path, "%s/fd", entry);
	if (!flat_int(j->container, path, &n) || n < 0 || n > INT32_MAX)
		return judge_fail(j, rec, err,
		    "tcp-ports: port %u: fd is missing, the number it is passed as",
		    p.number);
	p.fd = (uint32_t)n;
	snprintf(path, sizeof path, "%s/listen-backlog", entry);
	if (flat_int(j->container, path, &n) && n >= 0 && n <= INT32_MAX)
		p.backlog = (uint32_t)n;
	snprintf(path, sizeof path, "%s/host", entry);
	if (flat_find(j->container, path, &host) &&
	    (!flat_str(j->container, path, p.host, sizeof p.host) ||
		!one_form(p.host, sizeof p.host)))
		return judge_fail(j, &host, err,
		    "tcp-ports: port %u: host: an address is needed", p.number);
	p.flags = (is_on(j, entry, "reuse-addr", true) ? PORT_REUSE_ADDR : 0) |
	    (is_on(j, entry, "reuse-port", false) ? PORT_REUSE_PORT : 0) |
	    (is_on(j, entry, "set-non-block", false) ? PORT_NONBLOCK : 0) |
	    (s->network != SPEC_NET_HOST && !is_on(j, entry, "external", false) ? PORT_INSIDE : 0);
	if (p.number == j->own_port && !(p.flags & PORT_INSIDE) && HOLDS("own-port"))
		return judge_fail(j, rec, err,
		    "tcp-ports: port %u is the mesh's own (listen: of meshd's config)", p.number);
	return add_port(j, rec, s, &p, err);
}

static int
add_env(const struct judge *j, struct spec *s, const char *name,
    const char *value, struct err *err)
{
	char path[48], *text;
	struct flat_rec rec;
	int n, rc;

	snprintf(path, sizeof path, "environ/%s", name);
	if (flat_find(j->container, path, &rec))
		return 0; /* it has its own way */
	n = asprintf(&text, "%s=%s", name, value);
	if (n < 0)
		return err_set(err, EXIT_ENVIRONMENT, "out of memory");
	rc = strs_add(&s->env, text, (size_t)n, err);
	free(text);
	return rc;
}

/* `!TcpPort {activation: systemd}`: descriptors from 3 on without a gap, told by
 * sd_listen_fds' variables. */
static int
judge_activation(const struct judge *j, struct spec *s, struct err *err)
{
	char name[256], path[FLAT_PATH_BYTES_MAX + 32], how[16], count[12];
	char names[64 * SPEC_PORTS_MAX] = "";
	struct flat_rec rec;
	uint32_t fd = 3;
	size_t off = 0;
	int rc = 0;

	while (rc == 0 && flat_next(j->container, &off, &rec)) {
		struct port p = {.fd = fd, .backlog = 128,
		    .flags = PORT_REUSE_ADDR |
			(s->network != SPEC_NET_HOST ? PORT_INSIDE : 0),
		    .host = "0.0.0.0"};
		const char *value;

		if (!flat_child(&rec, "variables", name, sizeof name))
			continue;
		snprintf(path, sizeof path, "%.*s/activation",
		    (int)rec.path_len, rec.path);
		value = vars_given(j, name, strlen(name));
		if (!flat_str(j->container, path, how, sizeof how) ||
		    strcmp(how, "systemd") != 0 || value == NULL)
			continue;
		p.number = (uint32_t)strtoul(value, NULL, 10);
		rc = add_port(j, &rec, s, &p, err);
		if (rc == 0)
			snprintf(names + strlen(names), sizeof names - strlen(names),
			    "%s%.63s", fd > 3 ? ":" : "", name);
		fd++;
	}
	if (rc < 0 || fd == 3)
		return rc;
	snprintf(count, sizeof count, "%u", fd - 3);
	if ((rc = add_env(j, s, "LISTEN_FDS", count, err)) == 0 &&
	    (rc = add_env(j, s, "LISTEN_FDNAMES", names, err)) == 0)
		rc = add_env(j, s, "LISTEN_PID", JUDGE_APP_PID, err);
	return rc;
}

int
judge_ports(const struct judge *j, struct spec *s, struct err *err)
{
	char key[FLAT_PATH_BYTES_MAX + 1];
	struct flat_rec rec;
	size_t off = 0;
	int rc = judge_bind(j, s, err);

	/* A Command ends, and nothing is kept for the next one. */
	while (rc == 0 && !s->command && flat_next(j->container, &off, &rec))
		if (flat_child(&rec, "tcp-ports", key, sizeof key))
			rc = judge_entry(j, &rec, key, s, err);
	if (rc == 0 && !s->command)
		rc = judge_activation(j, s, err);
	return rc;
}
