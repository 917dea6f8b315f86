/*
 * program.h - may this program of an image run here?  Asked at a START, before
 * anything of it counts: the executable, then the loader or interpreter that it
 * names, then that one's.
 *
 * What can't be said (it is not in the image, but in a volume; it is not for us to
 * read) is no refusal: the exec says what is wrong with it.
 */
#ifndef SUPERVISOR_PROGRAM_H
#define SUPERVISOR_PROGRAM_H

#include <sys/stat.h>

#include "spec.h"

enum { PROGRAM_CHAIN_MAX = 8 };

/* What is mounted at path is not the image's: nothing to look at. */
bool program_in_volume(const struct spec *s, const char *path);
/* The program at path, found inside the image, may be read by meshd-conf: 1; 0: there is
 * nothing to look at; negative: refused.  owner: it must be root's alone. */
struct found;
MUST_CHECK int program_may(const struct spec *s, const struct found *at,
    const char *path, bool owner, struct err *err);
/* Likewise, looked for, however long that takes, and open for reading. */
MUST_CHECK int program_open(const struct spec *s, int root, const char *path,
    bool owner, int *fd, struct stat *st, struct err *err);
/* doc: what meshd-conf said of it; nothing, if nobody may read it.  1: it needs the
 * program at next; 0: it needs none; negative: refused. */
MUST_CHECK int program_judge(const struct spec *s, const char *path,
    const struct stat *st, const uint8_t *doc, size_t len,
    char next[SUP_PATH_CAP], struct err *err);

#endif
