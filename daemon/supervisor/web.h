/*
 * web.h - meshd-http, where `http:` is set: a child as any other user, started again for
 * ever, with growing waits.  It ends with the supervisor, whatever way that ends
 * (PR_SET_PDEATHSIG); no container knows of it.
 */
#ifndef SUPERVISOR_WEB_H
#define SUPERVISOR_WEB_H

#include "config.h"

struct web {
	int program; /* O_PATH, or -1: not configured */
	int pidfd;   /* -1: it does not run */
	msec started, restart_at;
	uint32_t fails;
};

void web_new(struct web *w);
/* EXIT_ENVIRONMENT when it is wanted and not installed. */
MUST_CHECK int web_open(struct web *w, const struct config *c, struct err *err);
msec web_deadline(const struct web *w);
/* Its pidfd is readable. */
void web_ended(struct web *w, msec now);
void web_tick(struct web *w, const struct config *c, msec now);
void web_close(struct web *w);

#endif
