/*
 * programs.h - where the other programs are: beside meshd, or in
 * ../libexec/mesh.  EXIT_ENVIRONMENT when one is missing.
 */
#ifndef SUPERVISOR_PROGRAMS_H
#define SUPERVISOR_PROGRAMS_H

#include "../base/err.h"

enum { PROGRAMS_PATH_CAP = 1024 };

/* Open NAME with these flags (O_PATH to exec it, O_RDONLY to read it). */
MUST_CHECK int programs_open(const char *name, int flags, int *fd,
    struct err *err);
/* The path of an executable NAME. */
MUST_CHECK int programs_path(const char *name, char *path, size_t cap,
    struct err *err);

#endif
