/*
 * hold.h - instances that an operator of this host stopped: they are held down
 * against the schedule until `mesh start`, over restarts of the engine and the
 * host, and say so wherever an instance is shown.
 */
#ifndef IO_HOLD_H
#define IO_HOLD_H

#include "../core/view.h"
#include "ctl.h"

enum { HOLDS_MAX = 256, HOLD_ASKED_MAX = 32, HOLD_WAIT_MS = 50000 };

struct engine;
struct sup_event;

struct hold {
	struct hold_one {
		char instance[NAME_CAP];
		uint64_t since_ms; /* wall clock */
		uint32_t uid;	   /* who said so */
	} held[HOLDS_MAX];
	size_t count;
	/* Restarts that the supervisor judges; r is NULL: a free place. */
	struct hold_asked {
		struct ctl_req *r; /* owned */
		uint64_t ticket;
		msec until;
		char instance[NAME_CAP];
	} asked[HOLD_ASKED_MAX];
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

/* The supervisor's word on a restart; ev is NULL: words were lost.  Others may want to
 * hear it too. */
void hold_event(struct engine *e, const struct sup_event *ev);
/* Once a second: who waits too long is told so. */
void hold_second(struct engine *e, msec now);
/* mesh stop, start, restart.  A restart ends nothing that would not come up again: it is
 * a START of another run, and what the supervisor says to that is the answer. */
void hold_stop(struct engine *e, struct ctl_req *r);
void hold_start(struct engine *e, struct ctl_req *r);
void hold_restart(struct engine *e, struct ctl_req *r);

#endif
