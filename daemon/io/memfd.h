/*
 * memfd.h - bytes for another process, sealed: it may map or read them again
 * and again, and nobody can change them any more.
 */
#ifndef IO_MEMFD_H
#define IO_MEMFD_H

#include <stddef.h>

/* At offset 0, above the standard descriptors, CLOEXEC; -1 with errno. */
int memfd_sealed(const void *data, size_t len);

#endif
