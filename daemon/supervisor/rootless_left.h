/*
 * rootless_left.h - what groups are good for, where there are none: to end all of
 * a container, and to find what a supervisor before us left.
 */
#ifndef SUPERVISOR_ROOTLESS_LEFT_H
#define SUPERVISOR_ROOTLESS_LEFT_H

#include "sup.h"

/* SIGKILL to all of a container: to its group, or to its pid 1, whose end is that of
 * its pid namespace. */
void left_kill(const struct sup *s, const struct running *r);

/* With groups the rest does nothing: they say it better.
 *
 * The engine was started: write down which process it is. */
void left_note_engine(const struct sup *s);
/* In its process, when it has given up its rights: it ends with the supervisor. */
void left_tie_engine(const struct sup *s, pid_t supervisor);
/* The last one that was noted ends; false: it lives on after ms. */
bool left_end_engine(const struct sup *s, int ms);

/* At boot, when all records are known: what runs and is of none ends (a start
 * that was cut short, a Command). */
void left_containers(struct sup *s);

#endif
