/*
 * survey.h - ask every node for its own view, side by side (core/compare.h).
 *
 *   1. this node's own; with `reach` after a round of pings
 *   2. all that are up, SURVEY_AT_ONCE at a time, for at most SURVEY_MS; who answers no
 *      ping of this node at once over another (over.h)
 *   3. who stayed silent, through a node that it does answer; and one more round
 *      of pings meanwhile, so that both ends of a path are looked at at one time
 *
 * Bounded in every direction: who lies or sleeps costs its own row.
 */
#ifndef IO_SURVEY_H
#define IO_SURVEY_H

#include "../core/compare.h"

struct engine;

enum {
	SURVEY_AT_ONCE = 128,
	SURVEY_MS = 5000,
	SURVEY_RELAYED_MAX = 16,
	SURVEYS_MAX = 4, /* of one engine at a time */
};

/* c is good for the call; NULL: no memory on the way. */
typedef void survey_then(struct engine *e, void *arg, const struct compare *c, int64_t took_ms);
/* then is called exactly once, later.  0, -ERR_FULL: too many surveys or no memory,
 * -ERR_UNKNOWN: this node is in no mesh. */
MUST_CHECK int survey_start(struct engine *e, bool reach, survey_then *then, void *arg);

#endif
