/*
 * request.h - one request, between libmicrohttpd and the engine.  The four functions with
 * MHD's types are its callbacks.
 */
#ifndef HTTP_REQUEST_H
#define HTTP_REQUEST_H

#include <microhttpd.h>
#include <poll.h>

#include "api.h"
#include "ask.h"
#include "routes.h"
#include "server.h"

struct request {
	struct MHD_Connection *conn;
	const struct route *route;
	char *target; /* owned, as it came */
	char name[ROUTE_NAME_CAP];
	struct params params;
	struct text body; /* of the request */
	bool heard; /* its method and path were judged */
	bool openmetrics;
	struct ask *ask; /* under way; the connection is suspended */
	struct request *next; /* behind it in the line of requests.first; suspended too */
	msec until; /* so long it stands there */
	/* the answer, as soon as status is not 0 */
	int status;
	const char *type, *allow;
	struct text answer;
};

struct requests {
	const char *ctl;
	struct request *asking[SERVER_PLACES]; /* NULL = free; the last SERVER_PROBES_MAX are of probes alone */
	struct request *first; /* who waits for one to be; SERVER_CONNS_MAX is their bound */
};

void *request_new(void *arg, const char *target, struct MHD_Connection *conn);
enum MHD_Result request_handle(void *arg, struct MHD_Connection *conn, const char *url, const char *method,
    const char *version, const char *data, size_t *len, void **state);
void request_done(void *arg, struct MHD_Connection *conn, void **state, enum MHD_RequestTerminationCode why);
/* What to wait for; how many were filled. */
size_t requests_poll(const struct requests *r, struct pollfd *out, size_t cap);
/* Go on with all that is under way: those whose answer is whole go on. */
void requests_turn(struct requests *r, msec now);

#endif
