/*
 * keyfile.h - a small file that must be whole or not there: written beside its place,
 * synced, renamed, and the directory synced.  Mode 0600.
 */
#ifndef IO_KEYFILE_H
#define IO_KEYFILE_H

#include <stddef.h>

#include "../base/err.h"

/* name: at most 32 characters, a plain name in the directory, which is borrowed.
 * Replaces what is there.  EXIT_STATE: "write NAME: ...". */
MUST_CHECK int keyfile_write(int dir, const char *name, const void *bytes, size_t len,
    struct err *err);

#endif
