/*
 * settle.h - what a role's job asks of the supervisor: START and STOP for what
 * differs from its wants, signals for what its new files ask for.
 */
#ifndef IO_SETTLE_H
#define IO_SETTLE_H

#include "apply.h"

enum {
	SETTLE_RETRY_MS = 10000, /* between tries of a FAILED instance */
	SETTLE_BOOT_MS = 10000,	 /* boot-wait: alone for this long, start anyway */
};

/* Ask for what differs.  Idempotent: asked again, it asks the same.  While the
 * wants are not known only what is no longer placed here is stopped; nothing
 * at all before the supervisor has listed the local containers.  Versions of
 * what runs as wanted are brought up to date. */
void settle_containers(struct apply_job *j);
/* An instance of the role is otherwise than it was: who waits for that has its
 * turn soon (soon.h).  must: the supervisor wants to be asked again. */
void settle_moved(struct engine *e, const char *role, const char *instance, bool must);
/* Another run of it, by an operator's word, with what is wanted now: the ticket of that
 * START, whose answer says whether it is accepted; refused, it runs on and nothing is left
 * to be done later.  0 and the line: it can't be asked for. */
MUST_CHECK uint64_t settle_anew(struct engine *e, const char *role, const char *instance,
    struct err *err);
/* After a switch: on-change, once per instance however many files changed; a
 * restart beats signals; what does not run is left alone. */
void settle_actions(struct apply_job *j, const struct render_out *out);

#endif
