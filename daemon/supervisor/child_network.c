/*
 * child_network.c - the child's way onto a network of its own: the one that is kept
 * for its instance, or a new one with a loopback, a link to the bridge and sockets.
 *
 * All of it is the kernel's (rtnl.h), while the child is still the host's root and
 * nothing of the image has run.  What it has made is gone with it.  The network belongs
 * to the host's user namespace, so nobody in the container can change it.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../base/own.h"
#include "../base/weak.h"
#include "child.h"
#include "nets.h"
#include "ports.h"
#include "rootless.h"
#include "sys.h"

enum { LOOPBACK = 1, WAIT_MS = 10, WAITS_MAX = 100, UP_MS_MAX = 200 };

/* Both ends of what is to be made. */
struct sides {
	struct rtnl host, own;
};

/* Of this network, since that is what /proc/sys/net shows to who is on it. */
static int
set_up_kernel(const struct child *c)
{
	const struct {
		const char *file, *value;
	} all[] = {
	    /* As lithos does by a capability: nobody else's ports are here. */
	    {"/proc/sys/net/ipv4/ip_unprivileged_port_start", "0"},
	    /* Routers of the bridge's network give it no address, and nothing is sent
	     * from one that it made up, as any process may of IPv6. */
	    {"/proc/sys/net/ipv6/conf/default/disable_ipv6", "1"},
	    /* It tells its neighbours where its address is now (announce). */
	    {"/proc/sys/net/ipv4/conf/default/arp_notify", "1"},
	};

	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		if (sys_write_file(AT_FDCWD, all[i].file, all[i].value) < 0 && errno != ENOENT)
			return child_say(c, "network: %s: %s", all[i].file, strerror(errno));
	return 0;
}

static int
failed(const struct child *c, const char *what, int rc)
{
	return child_say(c, "network: %s: %s", what, strerror(-rc));
}

/* --- the link --------------------------------------------------------------- */

static void
macs(const struct spec *s, struct rtnl_veth *v)
{
	/* By the address: whoever has it, wherever, neighbours have it right.  The
	 * host's end is above all others, as a bridge takes the lowest of its ports'. */
	const uint8_t mac[] = {0x02, 'm', (uint8_t)(s->address >> 24), (uint8_t)(s->address >> 16),
	    (uint8_t)(s->address >> 8), (uint8_t)s->address};

	memcpy(v->peer_mac, mac, sizeof mac);
	memcpy(v->mac, mac, sizeof mac);
	v->mac[0] = 0xfe;
}

/* The name is taken: by a network of this instance that nobody holds any more, which
 * goes now, or one of another that is about to end. */
static int
make_way(const struct child *c, struct rtnl *host, const char *name, bool last)
{
	const struct timespec wait = {.tv_nsec = WAIT_MS * 1000000L};
	char address[INET_ADDRSTRLEN];
	struct in_addr a = {.s_addr = htonl(c->spec->address)};
	struct rtnl_link link;
	int rc = rtnl_find(host, name, &link);

	if (rc == -ENODEV)
		return 0;
	if (rc < 0)
		return failed(c, "find a link", rc);
	if (strcmp(link.alias, c->alias) == 0) {
		rc = rtnl_delete(host, link.index);
		return rc < 0 && rc != -ENODEV ? failed(c, "remove its old link", rc) : 0;
	}
	if (last)
		return child_say(c, "network: %s is taken on this host: link %s is there (%s)",
		    inet_ntop(AF_INET, &a, address, sizeof address), name,
		    link.alias[0] != '\0' ? link.alias : "not of mesh");
	nanosleep(&wait, NULL);
	return 0;
}

static int
make_link(const struct child *c, struct sides *to, const struct rtnl_link *bridge,
    const char *name)
{
	AUTO_CLOSE int here = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	struct rtnl_veth v = {.name = name, .peer = NETS_INSIDE, .bridge = bridge->index,
	    .mtu = bridge->mtu, .netns = here};
	struct rtnl_link link;
	int rc = -EEXIST;

	if (here < 0)
		return failed(c, "open it", -errno);
	macs(c->spec, &v);
	for (int i = 0; i < WAITS_MAX; i++) {
		rc = rtnl_add_veth(&to->host, &v);
		if (rc != -EEXIST)
			break;
		if (make_way(c, &to->host, name, i + 1 == WAITS_MAX) < 0)
			return -1;
	}
	if (rc == 0)
		rc = rtnl_find(&to->host, name, &link);
	if (rc == 0)
		rc = rtnl_set_alias(&to->host, link.index, c->alias);
	return rc < 0 ? failed(c, "make its link", rc) : 0;
}

/* The kernel lets a port of a bridge carry packets a moment after its link is up; what
 * is sent before that is lost, and nobody knows.  So it is waited for, and then the
 * address is announced. */
static int
announce(const struct child *c, struct sides *to, const char *name, int index)
{
	const struct timespec wait = {.tv_nsec = 1000000};
	struct rtnl_link link = {.up = false};
	struct rtnl_veth v;
	int rc = 0;

	for (int i = 0; rc == 0 && !link.up && i < UP_MS_MAX; i++) {
		if (i > 0)
			nanosleep(&wait, NULL);
		rc = rtnl_find(&to->host, name, &link);
	}
	macs(c->spec, &v);
	if (rc == 0)
		rc = rtnl_set_mac(&to->own, index, v.peer_mac);
	return rc < 0 ? failed(c, "announce its address", rc) : 0;
}

static int
set_address(const struct child *c, struct sides *to, const char *name)
{
	const struct spec *s = c->spec;
	int index = (int)if_nametoindex(NETS_INSIDE), rc;

	if (index <= 0)
		return failed(c, "its link", -errno);
	if ((rc = rtnl_add_address(&to->own, index, s->address, s->prefix)) < 0)
		return failed(c, "set its address", rc);
	if ((rc = rtnl_set_up(&to->own, index, 0)) < 0)
		return failed(c, "set its link up", rc);
	if (s->gateway != 0 && (rc = rtnl_add_default(&to->own, index, s->gateway)) < 0)
		return failed(c, "set its default-gateway", rc);
	return announce(c, to, name, index);
}

/* 1: the link was made; 0: it is there, and where it belongs. */
static int
join_bridge(const struct child *c, struct sides *to)
{
	char name[RTNL_NAME_CAP];
	struct rtnl_link bridge, link;
	int rc = rtnl_find(&to->host, c->spec->bridge, &bridge);

	if (rc == -ENODEV)
		return child_say(c, "network: there is no bridge '%s' on this host; make it: ip link add %s type bridge",
		    c->spec->bridge, c->spec->bridge);
	if (rc < 0)
		return failed(c, "find the bridge", rc);
	if (strcmp(bridge.kind, "bridge") != 0)
		return child_say(c, "network: '%s' is no bridge", c->spec->bridge);
	nets_name(c->spec, name);
	if (c->net >= 0 && if_nametoindex(NETS_INSIDE) > 0 &&
	    rtnl_find(&to->host, name, &link) == 0 && strcmp(link.alias, c->alias) == 0) {
		/* Somebody may have made the bridge anew meanwhile. */
		if (link.master != bridge.index && (rc = rtnl_set_up(&to->host, link.index, bridge.index)) < 0)
			return failed(c, "put its link onto the bridge", rc);
		return 0;
	}
	return make_link(c, to, &bridge, name) < 0 || set_address(c, to, name) < 0 ? -1 : 1;
}

/* --- after it --------------------------------------------------------------- */

/* By the host's root, as in lithos; what it leaves behind ends with it. */
static int
after_setup(const struct child *c)
{
	static char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
	char *env[] = {path, NULL}, **argv;
	int status = -1;
	pid_t pid;

	if (c->spec->after_setup.count == 0)
		return 0;
	argv = child_vector(&c->spec->after_setup, 0);
	pid = fork();
	if (pid == 0) {
		signal(SIGPIPE, SIG_DFL);
		execve(argv[0], argv, env);
		_exit(127);
	}
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (getpid() == 1) { /* of a pid namespace of our own */
		kill(-1, SIGKILL);
		while (waitpid(-1, NULL, 0) > 0)
			;
	}
	if (pid < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return child_say(c, "after-setup-command %s: %s %d", argv[0],
		    pid > 0 && WIFSIGNALED(status) ? "killed by signal" : "ended with code",
		    pid > 0 && WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	free(argv);
	return 0;
}

static int
open_ports(struct child *c)
{
	const char *line = c->spec->ports.buf;
	struct port p;

	for (uint32_t i = 0; i < c->spec->ports.count; i++, line += strlen(line) + 1) {
		if (c->ports[i] >= 0 || !port_read(line, &p))
			continue;
		if ((c->ports[i] = ports_listen(&p)) < 0)
			return child_say(c, "tcp-ports: cannot listen on port %u of %s: %s",
			    p.number, p.host, strerror(errno));
	}
	return 0;
}

static int
enter(const struct child *c, struct sides *to)
{
	int rc = rtnl_open(&to->host);

	if (rc < 0)
		return failed(c, "rtnetlink", rc);
	if (!HOLDS("netns"))
		return 0;
	if (c->net >= 0 ? setns(c->net, CLONE_NEWNET) < 0 : unshare(CLONE_NEWNET) < 0)
		return failed(c, c->net >= 0 ? "enter its own" : "one of its own", -errno);
	rc = rtnl_open(&to->own);
	if (rc == 0 && c->net < 0)
		rc = rtnl_set_up(&to->own, LOOPBACK, 0);
	return rc < 0 ? failed(c, "its loopback", rc) : c->net < 0 ? set_up_kernel(c) : 0;
}

int
child_network(struct child *c)
{
	struct sides to = {.host = {.fd = -1}, .own = {.fd = -1}};
	int rc;

	if (c->spec->network == SPEC_NET_HOST)
		return 0;
	if (c->spec->network == SPEC_NET_BRIDGED && rootless())
		return child_say(c,
		    "network: a port of a bridge is root's to make; with --rootless there are host and none");
	rc = enter(c, &to);
	if (rc == 0 && c->spec->network == SPEC_NET_BRIDGED && HOLDS("netns"))
		rc = join_bridge(c, &to);
	rtnl_close(&to.host);
	rtnl_close(&to.own);
	if (rc > 0)
		rc = after_setup(c);
	return rc < 0 ? -1 : open_ports(c);
}
