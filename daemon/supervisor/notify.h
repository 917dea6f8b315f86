/*
 * notify.h - what a service manager is told: one datagram to the socket that it
 * named in the environment, as sd_notify(3) describes it.
 *
 *   READY=1     what was known here runs, was adopted or was tried, and the engine
 *               has answered once (with work here, READY does not wait for it)
 *   STATUS=...  how many run, for people; at most one in NOTIFY_STATUS_MS
 *   WATCHDOG=1  four times in the manager's period, by the loop alone, as long as
 *               the engine answers; one that does not run is started again by us,
 *               which is well
 *   STOPPING=1  at the end
 *
 * Without a manager nothing is asked of the engine, and nothing said.
 */
#ifndef SUPERVISOR_NOTIFY_H
#define SUPERVISOR_NOTIFY_H

#include <sys/socket.h>
#include <sys/un.h>

#include "../base/err.h"

struct sup;

enum { NOTIFY_TEXT_CAP = 128, NOTIFY_STATUS_MS = 1000 };

struct notify {
	int sock; /* -1: nobody is told */
	struct sockaddr_un to;
	socklen_t to_bytes;
	msec every_ms; /* 0: there is no watchdog */
	msec watchdog_at, status_at;
	msec look_at; /* something is not said yet */
	bool ready, stopping, mute; /* said; said that it can't be said */
	bool answered;		    /* the engine, what it was asked last */
	uint32_t asked;		    /* which engine that was: engine.starts, or 0 */
	char status[NOTIFY_TEXT_CAP];
};

/* By NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID in the environment, which no
 * process of ours inherits: each is given one of its own.  What can't be used is
 * told in the log, and then nobody is told. */
void notify_open(struct notify *n);
/* The engine says that it is well. */
void notify_answered(struct notify *n);
void notify_tick(struct sup *s, msec now);
/* When that is due next; MSEC_NEVER: never. */
msec notify_deadline(const struct notify *n);

#endif
