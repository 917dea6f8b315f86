/*
 * health.h - asks each local instance whether it works, as its config says:
 * a TCP connect, or an HTTP GET that answers 2xx or 3xx.
 * WAIT until the first success (asked each 100 ms), then HEALTHY; UNHEALTHY
 * after so many failures in a row, HEALTHY again after so many successes.  A
 * liveness may become UNHEALTHY without ever having been well.
 *
 * Of an answer 13 bytes are read, whatever comes; what is slow, is late.
 */
#ifndef IO_HEALTH_H
#define IO_HEALTH_H

#include <uv.h>

#include "../../gossip/base.h"
#include "../base/proto.h"
#include "../core/view.h"

enum {
	HEALTH_FAST_MS = 100,
	HEALTH_INTERVAL_MS = 1000, /* for interval 0 */
	HEALTH_TIMEOUT_MS = 1000,  /* for timeout 0 */
	HEALTH_FAILURES = 3,	   /* for failures 0 */
	HEALTH_PATH_CAP = 128,
};

struct health_conf {
	enum sup_health kind; /* TCP or HTTP */
	struct addr addr;     /* of the node, and the port */
	char path[HEALTH_PATH_CAP]; /* HTTP; "" = "/" */
	uint32_t interval_ms, timeout_ms;
	uint32_t failures, successes; /* in a row */
	uint32_t start_ms; /* liveness: not asked in the first ... of a run */
	bool live;
};

struct health;

/* changed is called from the loop when a probe changed a state (never for the
 * WAIT that health_set and health_reset begin with).  It may call health_* for
 * any id.  NULL only without memory. */
struct health *health_new(uv_loop_t *loop,
    void (*changed)(void *arg, const char *id, enum view_health state),
    void *arg);
/* Ends all probes; the memory goes when the loop has closed the handles. */
void health_free(struct health *h);

/* Start probing, or go on if id is probed with this very conf.  A different
 * conf starts again in WAIT. */
void health_set(struct health *h, const char *id, const struct health_conf *conf);
/* The instance was restarted: WAIT again.  Unknown ids are ignored. */
void health_reset(struct health *h, const char *id);
void health_remove(struct health *h, const char *id);
/* VIEW_HEALTH_NONE for an id that is not probed. */
enum view_health health_state(const struct health *h, const char *id);
/* What the last attempt failed of ("10.0.0.1:80/ready: answered with status 503"); false
 * when it did not fail, or none was made. */
bool health_why(const struct health *h, const char *id, char *out, size_t cap);
/* At least once since it began or was reset. */
bool health_was_well(const struct health *h, const char *id);

#endif
