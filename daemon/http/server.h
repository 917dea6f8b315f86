/*
 * server.h - requests, from their heads (head.h) to their answers.  libmicrohttpd speaks
 * HTTP; the questions go to the engine meanwhile (ask.h) and nothing waits for anything.
 *
 *   accept -> the head is looked at -> libmicrohttpd -> route -> question -> answer, close
 *
 * Bounds: SERVER_CONNS_MAX connections, SERVER_HEAD_MS for a head, SERVER_IDLE_MS without
 * a byte after it, SERVER_WHOLE_MS for all of it, SERVER_ASKS_MAX questions under way (more
 * wait ROUTE_WAIT_MS for their turn, then 503), one request a connection.  Who is slow makes room: of too many goes who has not said
 * its head for longest, then who has not said its body, or taken its answer, for longest.
 */
#ifndef HTTP_SERVER_H
#define HTTP_SERVER_H

#include "../base/err.h"

enum {
	SERVER_CONNS_MAX = 64,
	SERVER_HEAD_MS = 5000,
	SERVER_IDLE_MS = 10000,
	SERVER_WHOLE_MS = 60000, /* 32 MiB in that time are 4.5 Mbit/s */
	SERVER_ASKS_MAX = 16,
	SERVER_PROBES_MAX = 4, /* besides, of /-/healthy and /-/ready: those wait behind no question */
	SERVER_PLACES = SERVER_ASKS_MAX + SERVER_PROBES_MAX,
	SERVER_HOSTS_MAX = 32,
};

struct server_conf {
	int listener;	 /* non-blocking; taken */
	const char *ctl; /* path of the engine's socket; borrowed */
	const char *const *hosts; /* what a request may call this host; borrowed */
	size_t hosts_count;
	msec whole_ms; /* 0: SERVER_WHOLE_MS */
};

struct server;

MUST_CHECK int server_new(const struct server_conf *c, struct server **out, struct err *err);
/* Wait for something, and do it; never longer than a second. */
void server_turn(struct server *s);

#endif
