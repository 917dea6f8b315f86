/*
 * routes.h - what can be asked for: a path, its methods, and the question to the engine
 * that it becomes.
 *
 *	GET|POST /api/v1/query query_range series labels    Prometheus' HTTP API, v1
 *	GET      /api/v1/label/NAME/values  /api/v1/metadata
 *	GET      /api/v1/status/buildinfo  /api/v1/rules  /api/v1/alerts    always the same
 *	GET      /metrics                                   text 0.0.4 or OpenMetrics 1.0
 *	GET      /-/healthy  /-/ready
 */
#ifndef HTTP_ROUTES_H
#define HTTP_ROUTES_H

#include "../../gossip/mpw.h"
#include "params.h"

enum route_answer { ANSWER_QUERY, ANSWER_LIST, ANSWER_METADATA, ANSWER_TEXT, ANSWER_OPENMETRICS, ANSWER_HEALTHY, ANSWER_READY };

enum { ROUTE_WAIT_MS = 10000, ROUTE_NAME_CAP = 256 };

struct route {
	const char *path; /* ends in '*': what stands there is its name */
	const char *allow; /* methods, as the header has them */
	enum route_answer answer;
	/* Pack the question; -1: the parameters are wrong, and how.  NULL: see fixed, route_metrics. */
	int (*question)(const struct params *p, const char *name, struct mpw *w, struct err *err);
	const char *fixed; /* or NULL: the answer, for which nobody is asked */
};

/* NULL: there is no such thing.  name (ROUTE_NAME_CAP) is what stood for '*', decoded. */
const struct route *route_find(const char *path, size_t len, char *name);
/* HEAD where GET may. */
bool route_allows(const struct route *r, const char *method);
/* Does it take a form? */
bool route_posts(const struct route *r);
/* Which format an Accept asks for (NULL: any). */
bool route_openmetrics(const char *accept);
/* The question of /metrics in that format. */
void route_metrics(struct mpw *w, bool openmetrics);

#endif
