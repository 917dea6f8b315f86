/*
 * lighten.h - gives back what only the start needed: pages of programs and libraries that
 * are mapped because something was read or relocated once, and freed memory that malloc
 * holds.  They stay in the page cache; what is used after all is mapped again when it is.
 */
#ifndef IO_LIGHTEN_H
#define IO_LIGHTEN_H

#include "../core/blob.h"

/* Once, some seconds after the start. */
void lighten(void);
/* Often: what a burst freed (a round, hundreds of starts) is the kernel's again.  *faults is the
 * caller's, 0 at first: until 128 pages more were asked for since, it does nothing. */
void lighten_heap(uint64_t *faults);
/* The next mapping in the text of /proc/self/maps that is code of a file, and nobody can
 * have written to; *text goes behind it.  false: no more. */
bool lighten_next(struct slice *text, uintptr_t *from, uintptr_t *to);

#endif
