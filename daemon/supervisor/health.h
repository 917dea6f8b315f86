/*
 * health.h - probes that are commands, and what follows from a liveness.
 *
 * Who asks what: TCP and HTTP the engine, since root reads no byte from the
 * network; EXEC we, by ourselves, so that it goes on while the engine is dead.
 * A run whose liveness failed too often in a row is ended as by a stop (TERM,
 * kill-timeout, KILL) and started again by the rules of restarts.  If it was
 * never alive, it counts as a failed run however long that took.
 */
#ifndef SUPERVISOR_HEALTH_H
#define SUPERVISOR_HEALTH_H

#include "../base/err.h"
#include "../base/proto.h"

/* Of the readiness or the liveness of a run. */
enum { PROBE_READY, PROBE_LIVE, ROW_PROBES };
struct row_probe {
	int32_t pid;   /* of the run it is about */
	uint32_t well; /* enum sup_well */
	uint32_t fails, oks; /* in a row */
	bool asks;     /* its command runs */
	uint32_t turn; /* counts its changes */
	msec at;       /* to be asked */
};

struct sup;
struct row;
struct exec;
struct spec;

void health_tick(struct sup *s, msec now);
msec health_deadline(const struct sup *s);
/* next is to be its spec, whether it restarts or not: a probe that is another one
 * begins as after a start, and what the old one still says does not count. */
void health_changed(struct row *r, const struct spec *next);
/* What a command that health_tick began came to; text: which, and what it said. */
void health_probed(struct sup *s, const struct exec *x, bool ok, const char *text,
    msec now);
/* It could not be begun after all, for no reason of the container's. */
void health_not_asked(struct sup *s, const struct exec *x, msec now);
/* SUP_UNWELL.  EXIT_CONFIG: it has no liveness that the engine asks. */
MUST_CHECK int health_unwell(struct sup *s, const struct sup_req *q, msec now,
    struct err *err);

#endif
