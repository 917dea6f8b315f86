/*
 * lease.h - until when an exclusive instance may run: its fence file, and its
 * end.  (daemon/base/fence.h says what is in the file and what is due when.)
 *
 * The file is run-dir/supervisor/INSTANCE.fence, root's.  Of another boot, or
 * unreadable, it means that the lease is long over.
 */
#ifndef SUPERVISOR_LEASE_H
#define SUPERVISOR_LEASE_H

#include "sup.h"

/* EXIT_ENVIRONMENT. */
MUST_CHECK int lease_open(struct sup *s, struct err *err);

/* A START that was judged, before its record is written: is there time left to
 * run in, and write it down.  EXIT_CONFIG, EXIT_STATE. */
MUST_CHECK int lease_take(struct sup *s, struct row *r, const struct spec *spec,
    const struct sup_req *q, struct err *err);
/* Its record could not be written, or another policy was accepted. */
void lease_drop(struct sup *s, struct row *r);
/* A later deadline for what has a lease; an earlier one changes nothing. */
MUST_CHECK int lease_raise(struct sup *s, struct row *r, uint64_t deadline_ms,
    struct err *err);
/* FENCE; the caller says ok. */
MUST_CHECK int lease_fence(struct sup *s, const struct sup_req *q, msec now,
    struct err *err);

/* At start, of a row with a spec: what the file says.  must: it is exclusive,
 * so without a file its lease is over. */
void lease_load(struct sup *s, struct row *r, bool must);

/* May it be launched now? */
bool lease_lets_run(const struct row *r);
/* Is its end not yet on the way? */
bool lease_goes_on(const struct row *r);
/* Do what is due.  The row may be over after it. */
void lease_tick(struct sup *s, struct row *r, msec now);
/* The supervisor's timer fires when something is due; poll() alone would sleep
 * on when the host was suspended. */
void lease_arm(struct sup *s);

/* An open file for pid 1, read-only, or -1 and errno. */
int lease_file(const struct place *p, const char *instance);

#endif
