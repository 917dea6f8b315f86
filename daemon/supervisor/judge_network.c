/*
 * judge_network.c - whose network a container has: the host's, one of its own with
 * nothing but a loopback, or one with a port of a bridge and an address there.
 *
 * Which bridge and which network, its sandbox says; the address comes with the
 * request, as the schedule knows what else has one.  A container file can only
 * ask for less: none.
 */
#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "judge_in.h"

enum { PREFIX_MIN = 8, PREFIX_MAX = 30, COMMAND_MAX = 64 };

#define CONTAINER_IP "@{container_ip}"
#define BRIDGED "bridged-network"

/* Of addresses: each on the same line. */
struct ipv4 {
	char text[INET_ADDRSTRLEN];
};

static struct ipv4
show(uint32_t address)
{
	struct in_addr a = {.s_addr = htonl(address)};
	struct ipv4 t;

	inet_ntop(AF_INET, &a, t.text, sizeof t.text);
	return t;
}

/* "web.0: sandboxes/web.yaml:LINE:COL: bridged-network: " and the text. */
static int fail(const struct judge *j, const char *path, struct err *err, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

static int
fail(const struct judge *j, const char *path, struct err *err, const char *fmt, ...)
{
	char text[ERR_TEXT_CAP];
	struct flat_rec rec = {0};
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	(void)flat_find(j->sandbox, path, &rec);
	return err_set(err, EXIT_CONFIG, "%s: %s:%u:%u: %s: %s", j->req->instance,
	    j->sandbox_file, rec.line, rec.col, path, text);
}

static bool
ipv4_at(const struct flat *f, const char *path, uint32_t *out)
{
	char text[INET_ADDRSTRLEN];
	struct in_addr a;

	if (!flat_str(f, path, text, sizeof text) || inet_pton(AF_INET, text, &a) != 1)
		return false;
	*out = ntohl(a.s_addr);
	return true;
}

/* "A.B.C.D/N", its host's bits taken off. */
static bool
network_at(const struct flat *f, uint32_t *network, uint32_t *prefix)
{
	char text[INET_ADDRSTRLEN + 4], *slash;
	struct in_addr a;

	if (!flat_str(f, BRIDGED "/network", text, sizeof text) ||
	    (slash = strchr(text, '/')) == NULL)
		return false;
	*slash = '\0';
	*prefix = (uint32_t)strtoul(slash + 1, NULL, 10);
	if (inet_pton(AF_INET, text, &a) != 1 || *prefix < PREFIX_MIN || *prefix > PREFIX_MAX)
		return false;
	*network = ntohl(a.s_addr) & (UINT32_MAX << (32 - *prefix));
	return true;
}

/* Of a host: not the first of its network, which names it, nor the last. */
static bool
is_host(uint32_t address, uint32_t network, uint32_t prefix)
{
	const uint32_t hosts = UINT32_MAX >> prefix;

	return (address & ~hosts) == network && (address & hosts) != 0 &&
	    (address & hosts) != hosts;
}

/* As the kernel takes names of interfaces. */
static bool
bridge_ok(const char *s)
{
	for (const char *p = s; *p != '\0'; p++)
		if (*p <= ' ' || *p > '~' || *p == '/' || *p == ':' || *p == '%')
			return false;
	return s[0] != '\0' && strcmp(s, ".") != 0 && strcmp(s, "..") != 0;
}

/* lithos runs it as the host's root, with the address filled in. */
static int
after_setup(const struct judge *j, struct spec *s, struct err *err)
{
	static const char list[] = BRIDGED "/after-setup-command";
	char key[16], item[64], text[1024], filled[1024 + 2 * INET_ADDRSTRLEN], *at;
	struct flat_rec rec;
	size_t off = 0;

	while (flat_next(j->sandbox, &off, &rec)) {
		if (!flat_child(&rec, list, key, sizeof key))
			continue;
		snprintf(item, sizeof item, "%s/%s", list, key);
		if (!flat_str(j->sandbox, item, text, sizeof text) ||
		    s->after_setup.count == COMMAND_MAX)
			return fail(j, list, err, "more than %d words, or one of more than %zu bytes",
			    COMMAND_MAX, sizeof text - 1);
		at = strstr(text, CONTAINER_IP);
		if (at != NULL)
			snprintf(filled, sizeof filled, "%.*s%s%s", (int)(at - text), text,
			    show(s->address).text, at + sizeof CONTAINER_IP - 1);
		else
			snprintf(filled, sizeof filled, "%s", text);
		if (strs_add(&s->after_setup, filled, strlen(filled), err) < 0)
			return -err->code;
	}
	if (s->after_setup.count > 0 && s->after_setup.buf[0] != '/')
		return fail(j, list, err, "the program's absolute path on this host comes first");
	return 0;
}

static int
bridged(const struct judge *j, struct spec *s, struct err *err)
{
	struct flat_rec at = {0};
	uint32_t network = 0;

	if (!network_at(j->sandbox, &network, &s->prefix) || network >> 24 == 127 ||
	    network >> 28 >= 14 || network >> 24 == 0)
		return fail(j, BRIDGED "/network", err,
		    "a network of hosts is needed, with a prefix of %d to %d", PREFIX_MIN, PREFIX_MAX);
	if (!flat_str(j->sandbox, BRIDGED "/bridge", s->bridge, sizeof s->bridge) ||
	    !bridge_ok(s->bridge))
		return fail(j, BRIDGED "/bridge", err, "the name of an interface is needed");
	if (ipv4_at(j->sandbox, BRIDGED "/default-gateway", &s->gateway) &&
	    !is_host(s->gateway, network, s->prefix))
		return fail(j, BRIDGED "/default-gateway", err,
		    "%s is no address of a host in %s/%u: nothing could be sent there",
		    show(s->gateway).text, show(network).text, s->prefix);
	s->address = j->req->address;
	(void)flat_find(j->sandbox, BRIDGED, &at);
	if (s->address == 0)
		return err_set(err, EXIT_CONFIG,
		    "%s: ip-addresses: one address is needed, as sandbox '%s' has a bridged-network (%s:%u:%u)",
		    j->req->instance, j->req->sandbox, j->sandbox_file, at.line, at.col);
	if (!is_host(s->address, network, s->prefix))
		return fail(j, BRIDGED "/network", err,
		    "ip-addresses: %s is no address of a host in %s/%u",
		    show(s->address).text, show(network).text, s->prefix);
	if (s->address == s->gateway)
		return fail(j, BRIDGED "/default-gateway", err,
		    "ip-addresses: %s is the gateway's", show(s->address).text);
	return after_setup(j, s, err);
}

/* What the sandbox says, before its containers are asked. */
static int
of_sandbox(const struct judge *j, struct spec *s, struct err *err)
{
	char word[16] = "";
	struct flat_rec rec;
	bool has = flat_find(j->sandbox, BRIDGED, &rec);

	(void)flat_str(j->sandbox, "network", word, sizeof word);
	if (strcmp(word, "bridged") == 0 && !has)
		return fail(j, "network", err,
		    "bridged needs a bridged-network: {bridge: NAME, network: A.B.C.D/N}");
	if (has && word[0] != '\0' && strcmp(word, "bridged") != 0)
		return fail(j, "network", err, "it is %s, and there is a bridged-network: one has to go",
		    word);
	s->network = has ? SPEC_NET_BRIDGED :
	    strcmp(word, "none") == 0 ? SPEC_NET_NONE :
					SPEC_NET_HOST;
	return 0;
}

int
judge_network(const struct judge *j, struct spec *s, struct err *err)
{
	char word[16] = "";
	struct flat_rec rec = {0};
	int rc = of_sandbox(j, s, err);

	if (rc < 0)
		return rc;
	if (flat_str(j->container, "network", word, sizeof word) && strcmp(word, "none") == 0) {
		(void)flat_find(j->container, "network", &rec);
		if (j->req->address != 0)
			return judge_fail(j, &rec, err,
			    "network: none, and ip-addresses gives it %s",
			    show(j->req->address).text);
		s->network = SPEC_NET_NONE;
	}
	/* A Command has an address only if somebody gave it one. */
	if (s->network == SPEC_NET_BRIDGED && s->command && j->req->address == 0)
		s->network = SPEC_NET_NONE;
	if (s->network == SPEC_NET_BRIDGED)
		return bridged(j, s, err);
	if (j->req->address != 0)
		return err_set(err, EXIT_CONFIG,
		    "%s: ip-addresses: %s: sandbox '%s' has no bridged-network (%s)", j->req->instance,
		    show(j->req->address).text, j->req->sandbox, j->sandbox_file);
	return 0;
}

uint32_t
judge_any_address(const struct judge *j)
{
	uint32_t network, prefix, gateway = 0;

	if (!network_at(j->sandbox, &network, &prefix))
		return 0;
	(void)ipv4_at(j->sandbox, BRIDGED "/default-gateway", &gateway);
	return network + 1 == gateway ? network + 2 : network + 1;
}
