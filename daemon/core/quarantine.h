/*
 * quarantine.h - scheduler code that crashes (killed at a limit or by a signal, no orderly
 * error) costs its leader seconds of CPU each time, and each next leader too.  After
 * three crashes in a row that code, known by its hash, runs once a minute only; other code,
 * a run that ends well, and an operator (`mesh apply --force scheduler`) end that.
 */
#ifndef CORE_QUARANTINE_H
#define CORE_QUARANTINE_H

#include "../../gossip/base.h"

enum { QUARANTINE_CRASHES = 3, QUARANTINE_MS = 60000 };

/* A zeroed one is valid: nothing crashed. */
struct quarantine {
	struct hash code;
	uint32_t crashes; /* of that code, in a row */
	msec last;	  /* crash */
};

/* A run of that code ended.  An orderly error is no crash, and no good end either: it
 * changes nothing. */
void quarantine_ended(struct quarantine *q, msec now, const struct hash *code, bool ok, bool crashed);
/* Is that code not to be run now? */
bool quarantine_holds(const struct quarantine *q, msec now, const struct hash *code);
/* Is it in quarantine, though it may be its turn? */
bool quarantine_is(const struct quarantine *q, const struct hash *code);
/* False: there was nothing. */
bool quarantine_lift(struct quarantine *q);

#endif
