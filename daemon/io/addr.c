/*
 * Text, struct addr and sockaddr.  Parsing is inet_pton's and strict about the
 * rest: what an operator wrote must come back the same from addr_format.
 */
#include "addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

#include "../base/own.h"

static const uint8_t v4_prefix[12] = {
	[10] = 0xff,
	[11] = 0xff,
};

bool
addr_is_ipv4(const struct addr *a)
{
	return memcmp(a->ip, v4_prefix, sizeof v4_prefix) == 0;
}

struct addr
addr_of_ipv4(uint32_t address)
{
	struct addr a = {.ip = {[10] = 0xff, 0xff, (uint8_t)(address >> 24),
			     (uint8_t)(address >> 16), (uint8_t)(address >> 8), (uint8_t)address}};

	return a;
}

bool
addr_is_any(const struct addr *a)
{
	static const uint8_t zero[16];

	if (addr_is_ipv4(a))
		return memcmp(a->ip + 12, zero, 4) == 0;
	return memcmp(a->ip, zero, sizeof zero) == 0;
}

socklen_t
addr_to_sockaddr(const struct addr *a, struct sockaddr_storage *out)
{
	memset(out, 0, sizeof *out);
	if (addr_is_ipv4(a)) {
		struct sockaddr_in *in = (struct sockaddr_in *)out;

		in->sin_family = AF_INET;
		in->sin_port = htons(a->port);
		memcpy(&in->sin_addr, a->ip + 12, 4);
		return sizeof *in;
	}
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)out;

	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons(a->port);
	memcpy(&in6->sin6_addr, a->ip, 16);
	return sizeof *in6;
}

bool
addr_from_sockaddr(const struct sockaddr *sa, struct addr *out)
{
	memset(out, 0, sizeof *out);
	if (sa->sa_family == AF_INET) {
		struct sockaddr_in in;

		memcpy(&in, sa, sizeof in);
		memcpy(out->ip, v4_prefix, sizeof v4_prefix);
		memcpy(out->ip + 12, &in.sin_addr, 4);
		out->port = ntohs(in.sin_port);
		return true;
	}
	if (sa->sa_family == AF_INET6) {
		struct sockaddr_in6 in6;

		memcpy(&in6, sa, sizeof in6);
		memcpy(out->ip, &in6.sin6_addr, 16);
		out->port = ntohs(in6.sin6_port);
		return true;
	}
	return false;
}

void
addr_format_host(const struct addr *a, char *out, size_t cap)
{
	char text[INET6_ADDRSTRLEN];
	bool v4 = addr_is_ipv4(a);

	if (inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? a->ip + 12 : a->ip, text,
	        sizeof text) == NULL)
		text[0] = '\0';
	snprintf(out, cap, "%s", text);
}

void
addr_format(const struct addr *a, char *out, size_t cap)
{
	char host[INET6_ADDRSTRLEN];

	addr_format_host(a, host, sizeof host);
	snprintf(out, cap, addr_is_ipv4(a) ? "%s:%u" : "[%s]:%u", host,
	    (unsigned)a->port);
}

/* Only digits, no sign, no leading zero, 0..65535. */
static bool
parse_port(const char *s, uint16_t *out)
{
	uint32_t v = 0;

	if (*s == '\0' || (s[0] == '0' && s[1] != '\0'))
		return false;
	for (; *s != '\0'; s++) {
		if (*s < '0' || *s > '9')
			return false;
		v = v * 10 + (uint32_t)(*s - '0');
		if (v > 65535)
			return false;
	}
	*out = (uint16_t)v;
	return true;
}

/* fe80::/10, with a scope or without. */
static bool
link_local(const char *host)
{
	char bare[INET6_ADDRSTRLEN];
	struct in6_addr a;

	snprintf(bare, sizeof bare, "%.*s", (int)strcspn(host, "%"), host);
	return inet_pton(AF_INET6, bare, &a) == 1 && IN6_IS_ADDR_LINKLOCAL(&a);
}

/* Split at the last colon; brackets must enclose the whole host. */
static int
split(const char *text, char *host, size_t cap, uint16_t *port, bool *bracket,
    struct err *err)
{
	char seen[160];
	const char *colon = strrchr(text, ':');
	size_t n;

	err_escape(seen, sizeof seen, text, strlen(text));
	if (colon == NULL || !parse_port(colon + 1, port))
		return err_set(err, EXIT_CONFIG,
		    "'%s' is not an address: use HOST:PORT, the port 0 to 65535",
		    seen);
	n = (size_t)(colon - text);
	*bracket = n >= 2 && text[0] == '[' && text[n - 1] == ']';
	if (*bracket) {
		text++;
		n -= 2;
	}
	if (n == 0 || n >= cap)
		return err_set(err, EXIT_CONFIG,
		    "'%s' is not an address: no host before the port", seen);
	memcpy(host, text, n);
	host[n] = '\0';
	if (!*bracket && strchr(host, ':') != NULL)
		return err_set(err, EXIT_CONFIG,
		    "'%s' is not an address: write IPv6 as [ADDRESS]:PORT", seen);
	/* Each host names its links itself: what one is told, another can't use. */
	if (*bracket && link_local(host))
		return err_set(err, EXIT_CONFIG,
		    "'%s' is link-local, and means another host on each link: use a global or unique local (fd00::/8) address",
		    seen);
	return 0;
}

static bool
literal(const char *host, bool bracket, struct addr *out)
{
	memset(out->ip, 0, sizeof out->ip);
	if (bracket)
		return inet_pton(AF_INET6, host, out->ip) == 1;
	memcpy(out->ip, v4_prefix, sizeof v4_prefix);
	return inet_pton(AF_INET, host, out->ip + 12) == 1;
}

int
addr_parse(const char *text, struct addr *out, struct err *err)
{
	char host[256], seen[160];
	bool bracket = false;
	int rc;

	memset(out, 0, sizeof *out);
	rc = split(text, host, sizeof host, &out->port, &bracket, err);
	if (rc == 0 && literal(host, bracket, out))
		return 0;
	memset(out, 0, sizeof *out);
	if (rc != 0)
		return rc;
	err_escape(seen, sizeof seen, text, strlen(text));
	return err_set(err, EXIT_CONFIG,
	    "'%s' is not an address: the host must be %s", seen,
	    bracket ? "IPv6 in the brackets" : "IPv4 like 10.0.0.1");
}

int
addr_resolve_blocking(const char *text, struct addr *out, struct err *err)
{
	struct addrinfo hints = { .ai_socktype = SOCK_DGRAM }, *list = NULL;
	char host[256], seen[160];
	bool bracket = false;
	int rc;

	memset(out, 0, sizeof *out);
	rc = split(text, host, sizeof host, &out->port, &bracket, err);
	if (rc == 0 && literal(host, bracket, out))
		return 0;
	uint16_t port = out->port;

	memset(out, 0, sizeof *out);
	if (rc != 0)
		return rc;

	err_escape(seen, sizeof seen, host, strlen(host));
	rc = bracket ? EAI_NONAME : getaddrinfo(host, NULL, &hints, &list);
	if (rc != 0)
		return err_set(err, EXIT_ENVIRONMENT, "resolve '%s': %s", seen,
		    rc == EAI_SYSTEM ? strerror(errno) : gai_strerror(rc));
	bool found = false;

	for (struct addrinfo *i = list; i != NULL && !found; i = i->ai_next)
		found = addr_from_sockaddr(i->ai_addr, out);
	freeaddrinfo(list);
	if (!found)
		return err_set(err, EXIT_ENVIRONMENT,
		    "resolve '%s': it has no IPv4 or IPv6 address", seen);
	out->port = port;
	return 0;
}

static bool
is_loopback(const struct addr *a)
{
	static const uint8_t one[16] = { [15] = 1 };

	return addr_is_ipv4(a) ? a->ip[12] == 127 : memcmp(a->ip, one, sizeof one) == 0;
}

/* A socket of all addresses of IPv6 sends to IPv4 as well; one of a single address
 * does not, nor the other way round. */
const char *
addr_in_vain(const struct addr *listen, const struct addr *own, const struct addr *to)
{
	bool any = addr_is_any(listen);

	if (addr_eq(to, own) || addr_eq(to, listen) ||
	    (any && to->port == listen->port && is_loopback(to)))
		return "is this node itself: give another member's address";
	if (addr_is_ipv4(to) == addr_is_ipv4(listen) || (any && addr_is_ipv4(to)))
		return NULL;
	return addr_is_ipv4(to) ? "is IPv4, and this node listens on an IPv6 address alone (`listen:`): it can't send there" :
				  "is IPv6, and this node listens on IPv4 alone (`listen:`): it can't send there";
}

/* A connected UDP socket tells the source its route would use. */
static bool
route_source(int family, struct addr *out)
{
	/* TEST-NET-3 and the documentation prefix: no packet is sent. */
	struct addr far = { .port = 9 };
	struct sockaddr_storage ss;
	socklen_t len;

	memcpy(far.ip, v4_prefix, sizeof v4_prefix);
	memcpy(far.ip + 12, (const uint8_t[]){ 203, 0, 113, 1 }, 4);
	if (family == AF_INET6)
		memcpy(far.ip, (const uint8_t[16]){ 0x20, 0x01, 0x0d, 0xb8, [15] = 1 }, 16);
	AUTO_CLOSE int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return false;
	len = addr_to_sockaddr(&far, &ss);
	if (connect(fd, (struct sockaddr *)&ss, len) != 0)
		return false;
	len = sizeof ss;
	if (getsockname(fd, (struct sockaddr *)&ss, &len) != 0)
		return false;
	return addr_from_sockaddr((struct sockaddr *)&ss, out) && !addr_is_any(out);
}

int
addr_default_route(uint16_t port, struct addr *out, struct err *err)
{
	if (!route_source(AF_INET, out) && !route_source(AF_INET6, out)) {
		memset(out, 0, sizeof *out);
		return err_set(err, EXIT_CONFIG,
		    "this host has no default route to take an address "
		    "from; set `advertise: ADDRESS:PORT`");
	}
	out->port = port;
	return 0;
}
