/*
 * going.h - how this node goes: on SIGTERM it tells the others that it is back
 * soon, hands over what it leads, and ends.  Containers stay.
 */
#ifndef IO_GOING_H
#define IO_GOING_H

struct engine;

/* SIGTERM came.  Ends the process, at the latest after a second. */
void going_restart(struct engine *e);

#endif
