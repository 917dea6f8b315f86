/*
 * addr.h - addresses between text, struct addr and the kernel's sockaddr.
 * IPv4 lives in struct addr as ::ffff:a.b.c.d and in the kernel as AF_INET, so
 * a daemon on 10.1.1.9 never needs IPv6 to be there.
 */
#ifndef IO_ADDR_H
#define IO_ADDR_H

#include <sys/socket.h>

#include "../../gossip/base.h"
#include "../base/err.h"

enum { ADDR_TEXT_CAP = 64 };

/* "1.2.3.4:7780" or "[fd00::1]:7780"; literals only, port 0..65535.
 * Link-local ones are refused; a v4-mapped one is the IPv4 address it maps.
 * 0, or an err of EXIT_CONFIG that names the text. */
MUST_CHECK int addr_parse(const char *text, struct addr *out, struct err *err);
/* As addr_parse, and names too, by getaddrinfo.  BLOCKS: only at start and in
 * programs that may wait.  EXIT_ENVIRONMENT when the name is not found. */
MUST_CHECK int addr_resolve_blocking(const char *text, struct addr *out,
    struct err *err);
/* "HOST:PORT", always NUL-terminated; cap >= ADDR_TEXT_CAP never cuts. */
void addr_format(const struct addr *a, char *out, size_t cap);
/* The host alone, without port and brackets. */
void addr_format_host(const struct addr *a, char *out, size_t cap);

bool addr_is_ipv4(const struct addr *a);
/* 0x0a000001 is 10.0.0.1; port 0. */
struct addr addr_of_ipv4(uint32_t address);
/* 0.0.0.0 or ::, "every address of this host". */
bool addr_is_any(const struct addr *a);
/* Why a daemon that listens at `listen` and tells `own` gets no answer from `to`, whoever
 * is there, as the end of a sentence that begins with it; NULL: it may get one. */
const char *addr_in_vain(const struct addr *listen, const struct addr *own, const struct addr *to);
/* Bytes of *out used. */
socklen_t addr_to_sockaddr(const struct addr *a, struct sockaddr_storage *out);
/* False for a family that is neither AF_INET nor AF_INET6. */
bool addr_from_sockaddr(const struct sockaddr *sa, struct addr *out);
/* The address the default route would send from (no packet leaves), with
 * port.  EXIT_CONFIG when there is no route: `advertise` must then be set. */
MUST_CHECK int addr_default_route(uint16_t port, struct addr *out,
    struct err *err);

#endif
