/*
 * nets.c - see nets.h.
 */
#include "nets.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../base/log.h"
#include "../base/own.h"
#include "judge.h"
#include "sup.h"
#include "sys.h"

enum { PATIENCE = 4, ANY_PORT = 9, REMOVER_FAILED = 1, REMOVER_NOT_OURS = 2 };

void
nets_new(struct nets *n, const char *host)
{
	memset(n, 0, sizeof *n);
	n->remover = -1;
	n->host = host;
}

void
nets_name(const struct spec *s, char out[RTNL_NAME_CAP])
{
	uint64_t h = sup_hash_(UINT64_C(0xcbf29ce484222325), s->bridge, strlen(s->bridge));

	snprintf(out, RTNL_NAME_CAP, "m%04x%08x", (unsigned)(h & 0xffff), s->address);
}

void
nets_alias(const struct nets *n, const struct spec *s, char out[RTNL_ALIAS_CAP])
{
	snprintf(out, RTNL_ALIAS_CAP, "mesh %s/%s of %.100s", s->sandbox, s->instance, n->host);
}

static const char *
show(uint32_t address, char text[INET_ADDRSTRLEN])
{
	struct in_addr a = {.s_addr = htonl(address)};

	return inet_ntop(AF_INET, &a, text, INET_ADDRSTRLEN);
}

/* --- kept ------------------------------------------------------------------- */

static struct nets_kept *
find(const struct nets *n, const char *instance)
{
	for (size_t i = 0; i < n->count; i++)
		if (strcmp(n->list[i].instance, instance) == 0)
			return &n->list[i];
	return NULL;
}

static bool
same_address(const struct nets_kept *k, const struct spec *s)
{
	return k->network == s->network && k->address == s->address &&
	    strcmp(k->bridge, s->bridge) == 0;
}

static uint64_t
set_up_by(const struct spec *s)
{
	return sup_hash_(UINT64_C(0xcbf29ce484222325), s->after_setup.buf, s->after_setup.len);
}

/* Of another sandbox, or set up otherwise, it is what somebody else made of it. */
static bool
is_as_asked(const struct nets_kept *k, const struct spec *s)
{
	return strcmp(k->sandbox, s->sandbox) == 0 && same_address(k, s) &&
	    k->prefix == s->prefix && k->gateway == s->gateway &&
	    k->after_setup == set_up_by(s);
}

static void
drop(struct launcher *l, struct nets_kept *k)
{
	ports_drop_inside(&l->ports, k->instance);
	close(k->fd);
	*k = l->nets.list[--l->nets.count];
}

/* Of the process behind the pidfd, and no other with its number. */
static int
network_of(const struct running *r)
{
	char path[48];
	struct stat st, ours;
	int fd;

	snprintf(path, sizeof path, "/proc/%d/ns/net", (int)r->pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || sys_pidfd_kill(r->pidfd, 0) < 0 || fstat(fd, &st) < 0 ||
	    stat("/proc/self/ns/net", &ours) < 0 || st.st_ino == ours.st_ino) {
		if (fd >= 0)
			close(fd);
		return -1;
	}
	return fd;
}

void
nets_keep(struct launcher *l, const struct spec *s, const struct running *r)
{
	struct nets *n = &l->nets;
	struct nets_kept *k = find(n, s->instance), *list;
	int fd;

	/* What runs is not always what was accepted last. */
	if (s->network == SPEC_NET_HOST || r->judged != s->judged)
		return;
	if (k == NULL) {
		if ((fd = network_of(r)) < 0)
			return; /* it has ended by now, and its network with it */
		list = realloc(n->list, (n->count + 1) * sizeof *list);
		if (list == NULL) {
			close(fd);
			return;
		}
		n->list = list;
		k = &list[n->count++];
		*k = (struct nets_kept){.fd = fd, .network = s->network,
		    .address = s->address, .prefix = s->prefix, .gateway = s->gateway,
		    .after_setup = set_up_by(s)};
		memcpy(k->instance, s->instance, sizeof k->instance);
		memcpy(k->sandbox, s->sandbox, sizeof k->sandbox);
		memcpy(k->bridge, s->bridge, sizeof k->bridge);
	}
	if (ports_has_inside(s))
		ports_adopt(&l->ports, s, r->pidfd);
}

/* --- links ------------------------------------------------------------------ */

static bool
is_there(const char *name)
{
	return if_nametoindex(name) != 0;
}

static _Noreturn void
remover(const char *name, const char *alias)
{
	struct rtnl_link link;
	struct rtnl r;
	int rc;

	sys_keep_only(NULL, 0);
	if (rtnl_open(&r) < 0)
		_exit(REMOVER_FAILED);
	rc = rtnl_find(&r, name, &link);
	if (rc == -ENODEV || (rc == 0 && strcmp(link.alias, alias) != 0))
		_exit(REMOVER_NOT_OURS);
	_exit(rc < 0 || rtnl_delete(&r, link.index) < 0 ? REMOVER_FAILED : 0);
}

/* Sockets that outlive their process, to a peer that does not answer, can hold a
 * network for a minute; with its link it would go on answering for its address.  The
 * kernel takes its time over this, so a process of its own asks for it.  True: there
 * is a link of this name, and it is not ours to remove. */
static bool
remove_link(struct nets *n, const struct spec *s, const char *name)
{
	char alias[RTNL_ALIAS_CAP];

	if (n->remover >= 0)
		return false;
	if (n->not_ours && strcmp(n->removing, name) == 0)
		return true;
	n->not_ours = false;
	nets_alias(n, s, alias);
	snprintf(n->removing, sizeof n->removing, "%s", name);
	switch (sys_fork(0, -1, &n->remover)) {
	case 0:
		remover(name, alias);
	case -1:
		n->remover = -1; /* the next time */
	}
	return false;
}

void
nets_removed(struct nets *n)
{
	int status = 0;

	if (sys_reap(n->remover, &status) == 0)
		return;
	close(n->remover);
	n->remover = -1;
	n->not_ours = WIFEXITED(status) && WEXITSTATUS(status) == REMOVER_NOT_OURS;
}

bool
nets_left(const struct spec *s)
{
	char name[RTNL_NAME_CAP];

	if (s->network != SPEC_NET_BRIDGED)
		return false;
	nets_name(s, name);
	return is_there(name);
}

bool
nets_leave(struct launcher *l, const struct spec *s, uint32_t tries)
{
	struct nets_kept *k = find(&l->nets, s->instance);
	char name[RTNL_NAME_CAP];

	if (k != NULL)
		drop(l, k);
	if (s->network != SPEC_NET_BRIDGED)
		return true;
	nets_name(s, name);
	/* At first the kernel is at it by itself. */
	if (is_there(name) && (tries < PATIENCE || !remove_link(&l->nets, s, name)))
		return false;
	if (strcmp(l->nets.removing, name) == 0)
		l->nets.not_ours = false; /* of a later one that is not said yet */
	return true;
}

int
nets_take(struct launcher *l, const struct spec *s, int *fd, struct err *err)
{
	struct nets *n = &l->nets;
	struct nets_kept *k = find(n, s->instance);
	char text[INET_ADDRSTRLEN];

	*fd = -1;
	if (k != NULL && is_as_asked(k, s)) {
		*fd = k->fd;
		return 0;
	}
	if (k != NULL)
		drop(l, k);
	for (size_t i = 0; s->network == SPEC_NET_BRIDGED && i < n->count; i++)
		if (same_address(&n->list[i], s))
			return err_set(err, EXIT_ENVIRONMENT,
			    "%s: ip-addresses: %s is still that of %s", s->instance,
			    show(s->address, text), n->list[i].instance);
	return 0;
}

/* --- before it is accepted --------------------------------------------------- */

/* Is it, or will it be, on the bridge that this spec is for? */
static bool
is_beside(const struct row *r, const struct spec *spec)
{
	return r->has_spec && !r->over && (r->life.wanted || r->life.state == LIFE_DOWN) &&
	    r->spec.network == SPEC_NET_BRIDGED && strcmp(r->spec.bridge, spec->bridge) == 0;
}

/* From where this host would send to it: 0: nowhere. */
static uint32_t
from_here(uint32_t address)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(ANY_PORT),
	    .sin_addr.s_addr = htonl(address)}, from = {0};
	socklen_t len = sizeof from;
	AUTO_CLOSE int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) < 0 ||
	    getsockname(fd, (struct sockaddr *)&from, &len) < 0)
		return 0;
	return ntohl(from.sin_addr.s_addr);
}

static bool
is_asked(const struct spec_probe *p)
{
	return p->how.kind == SUP_HEALTH_TCP || p->how.kind == SUP_HEALTH_HTTP;
}

/* The address comes with the request, so from the engine; the way out of a network is
 * its administrator's word, and who had that address would get all that goes there. */
static int
beside(const struct spec *o, const struct spec *spec, struct err *err)
{
	char text[INET_ADDRSTRLEN];

	if (o->address == spec->address)
		return err_set(err, EXIT_CONFIG,
		    "%s: ip-addresses: %s is that of %s (role '%s', sandbox '%s'); give one of them another",
		    spec->instance, show(spec->address, text), o->instance, o->role, o->sandbox);
	if (o->gateway == spec->address)
		return err_set(err, EXIT_CONFIG,
		    "%s: ip-addresses: %s is the default-gateway of sandbox '%s' (%s); give it another",
		    spec->instance, show(spec->address, text), o->sandbox, o->instance);
	if (o->address == spec->gateway)
		return err_set(err, EXIT_CONFIG,
		    "%s: bridged-network/default-gateway: %s is the address of %s (role '%s', sandbox '%s'); give one of them another",
		    spec->instance, show(spec->gateway, text), o->instance, o->role, o->sandbox);
	return 0;
}

int
nets_alone(const struct sup *s, const struct row *r, const struct spec *spec, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && spec->network == SPEC_NET_BRIDGED && i < s->rows_count; i++)
		if (s->rows[i] != r && is_beside(s->rows[i], spec))
			rc = beside(&s->rows[i]->spec, spec, err);
	return rc;
}

int
nets_ask(const struct spec *spec, const struct judge *j, struct err *err)
{
	char text[INET_ADDRSTRLEN];
	struct flat_rec at = {0};
	uint32_t from;

	if (spec->network != SPEC_NET_BRIDGED)
		return 0;
	show(spec->address, text);
	(void)flat_find(j->sandbox, "bridged-network/bridge", &at);
	if (!is_there(spec->bridge))
		return err_set(err, EXIT_ENVIRONMENT,
		    "%s: %s:%u:%u: bridged-network/bridge: there is no '%s' on this host; make it: ip link add %s type bridge",
		    spec->instance, j->sandbox_file, at.line, at.col, spec->bridge, spec->bridge);
	from = from_here(spec->address);
	if (from == spec->address)
		return err_set(err, EXIT_CONFIG,
		    "%s: ip-addresses: %s is an address of this host", spec->instance, text);
	if (from == 0 && (is_asked(&spec->ready) || is_asked(&spec->live)))
		return err_set(err, EXIT_ENVIRONMENT,
		    "%s: health: this host has no way to %s, so its tcp or http probe can't reach it; give %s an address there, or probe by exec",
		    spec->instance, text, spec->bridge);
	return 0;
}
