/*
 * foreign.h - naming the members with whom no version of the wire is common.
 */
#ifndef IO_FOREIGN_H
#define IO_FOREIGN_H

#include <stdbool.h>
#include <stddef.h>

struct mesh;

enum { FOREIGN_TEXT_CAP = 400 };

/* "no common wire version: n3 speaks 2 to 3, this node 0 to 1"; mesh may be NULL.
 * false: with everybody there is one. */
bool foreign_line(const struct mesh *mesh, char *out, size_t cap);

#endif
