/*
 * audit_network.c - which interfaces there are on a container's own network, and which
 * addresses they have: seen from there, so it is what its processes see too.
 */
#include <arpa/inet.h>
#include <ifaddrs.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>

#include "audit.h"

enum { LINES_CAP = 8192 };

static unsigned
bits(const uint8_t *mask, size_t len)
{
	unsigned n = 0;

	for (size_t i = 0; i < len; i++)
		n += (unsigned)__builtin_popcount(mask[i]);
	return n;
}

/* "02:6d:0a:00:00:05" or "10.0.0.5/24"; "": nothing to tell. */
static void
show(const struct ifaddrs *a, char *out, size_t cap)
{
	const struct sockaddr *sa = a->ifa_addr;
	const struct sockaddr_ll *link = (const struct sockaddr_ll *)(const void *)sa;
	char text[INET6_ADDRSTRLEN];
	size_t n = 0;

	out[0] = '\0';
	if (sa->sa_family == AF_PACKET && link->sll_halen == 6 && !(a->ifa_flags & IFF_LOOPBACK)) {
		for (int i = 0; i < 6; i++)
			n += (size_t)snprintf(out + n, cap - n, "%s%02x", i > 0 ? ":" : "",
			    link->sll_addr[i]);
		return;
	}
	if (a->ifa_netmask == NULL)
		return;
	if (sa->sa_family == AF_INET)
		snprintf(out, cap, "%s/%u",
		    inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)sa)->sin_addr,
			text, sizeof text),
		    bits((const uint8_t *)&((const struct sockaddr_in *)(const void *)a->ifa_netmask)->sin_addr, 4));
	if (sa->sa_family == AF_INET6)
		snprintf(out, cap, "%s/%u",
		    inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr,
			text, sizeof text),
		    bits((const uint8_t *)&((const struct sockaddr_in6 *)(const void *)a->ifa_netmask)->sin6_addr, 16));
}

/* One interface: "eth0 up ADDRESS...". */
static size_t
put_interface(const struct ifaddrs *all, const struct ifaddrs *one, char *text, size_t cap)
{
	char address[80];
	size_t n = (size_t)snprintf(text, cap, "%s %s", one->ifa_name,
	    one->ifa_flags & IFF_UP ? "up" : "down");

	for (const struct ifaddrs *a = all; a != NULL && n < cap; a = a->ifa_next) {
		if (a->ifa_addr == NULL || strcmp(a->ifa_name, one->ifa_name) != 0)
			continue;
		show(a, address, sizeof address);
		if (address[0] != '\0')
			n += (size_t)snprintf(text + n, cap - n, " %s", address);
	}
	if (n < cap)
		n += (size_t)snprintf(text + n, cap - n, "\n");
	return n;
}

void
audit_network(struct flat_out *o, int pidfd)
{
	struct ifaddrs *all = NULL;
	char text[LINES_CAP];
	size_t n = 0;

	if (setns(pidfd, CLONE_NEWNET) < 0 || getifaddrs(&all) < 0)
		return;
	/* Each has one entry of this family, with addresses or without. */
	for (const struct ifaddrs *a = all; a != NULL && n < sizeof text; a = a->ifa_next)
		if (a->ifa_addr != NULL && a->ifa_addr->sa_family == AF_PACKET)
			n += put_interface(all, a, text + n, sizeof text - n);
	flat_put(o, "init/network", FLAT_STR, 0, 0, text, n < sizeof text ? n : sizeof text - 1);
	freeifaddrs(all);
}
