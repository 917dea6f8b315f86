/*
 * confine.h - what a copy of the engine (spawn.h, .work) gives up before it works on what may be
 * hostile: bytes of scripts, of peers, of libraries.  It has the engine's memory and account;
 * from here on it can do nothing with them but its work.  For good, and over to its children.
 *
 * False: it can't be confined here, and must not work.
 */
#ifndef IO_CONFINE_H
#define IO_CONFINE_H

#include <stdbool.h>

#include "../../gossip/base.h"

/* Compute, take memory, write to what is open, end.  Anything else fails with EPERM. */
MUST_CHECK bool confine_compute(void);
/* That, and files of the directory that descriptor 3 is: read, make, write, rename, remove.
 * Where the kernel has Landlock (5.13) no other file of the host opens (EACCES).  Any other call
 * kills: SIGSYS. */
MUST_CHECK bool confine_files(void);

#endif
