/*
 * tar.h - files of this program's own making into one POSIX (ustar) archive.
 */
#ifndef CLI_TAR_H
#define CLI_TAR_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { TAR_BLOCK = 512, TAR_NAME_MAX = 99 };

/* One file, 0600, root's.  name: 1..TAR_NAME_MAX bytes.  Errors are out's. */
void tar_add(FILE *out, const char *name, const void *data, size_t len, int64_t at_s);
void tar_end(FILE *out);

#endif
