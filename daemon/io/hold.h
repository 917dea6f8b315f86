/*
 * hold.h - instances that an operator of this host stopped: they are held down
 * against the schedule until `mesh start`, over restarts of the engine and the
 * host, and say so wherever an instance is shown.
 */
#ifndef IO_HOLD_H
#define IO_HOLD_H

#include "../core/view.h"
#include "ctl.h"

enum { HOLDS_MAX = 256 };

struct engine;

struct hold {
	struct hold_one {
		char instance[NAME_CAP];
		uint64_t since_ms; /* wall clock */
		uint32_t uid;	   /* who said so */
	} held[HOLDS_MAX];
	size_t count;
};

/* What is kept, a line each: "INSTANCE SINCE_MS UID\n".  Anything else is no hold
 * of ours: *h is then empty and this false. */
bool hold_parse(struct hold *h, const uint8_t *text, size_t len);
MUST_CHECK int hold_load(struct engine *e, struct err *err);
bool hold_is(const struct hold *h, const char *instance);
/* ids without those of held instances; how many are left. */
size_t hold_leave_out(const struct hold *h, uint64_t *ids, size_t count);
/* Rows of this node: those that are held say so, and are added where the schedule
 * has them here.  How many there are now. */
size_t hold_rows(const struct engine *e, struct view_instance *rows, size_t count, size_t cap);

/* mesh stop, start, restart. */
void hold_stop(struct engine *e, struct ctl_req *r);
void hold_start(struct engine *e, struct ctl_req *r);
void hold_restart(struct engine *e, struct ctl_req *r);

#endif
