/*
 * program.h - the first bytes of a program in, what it needs to run out.
 *
 * meshd-conf reads it as it reads YAML: an image's programs are its maker's.
 *
 *   machine (i, EM_ of elf.h), bits (i, 32 or 64), big-endian (b): of an ELF file
 *   bytes (i): it is not whole with fewer
 *   interpreter (s): the loader of an ELF file, or what a script's #! names;
 *                    absolute; absent if it needs none, or one that can't be
 *
 * What is neither has none of these.
 */
#ifndef CONF_PROGRAM_H
#define CONF_PROGRAM_H

#include "../base/flat.h"

enum { PROGRAM_HEAD_BYTES = 64 << 10, PROGRAM_PATH_MAX = 255, PROGRAM_OUT_BYTES = 1024 };

/* Into out (already begun, of PROGRAM_OUT_BYTES at least).  Bytes of the document. */
size_t program_read(const uint8_t *head, size_t len, struct flat_out *out);

#endif
