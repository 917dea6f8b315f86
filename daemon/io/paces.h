/*
 * paces.h - naming the members whose `profile` is not this node's: they wait for
 * answers for other times, so one of them finds the others late, or is found so.
 */
#ifndef IO_PACES_H
#define IO_PACES_H

#include <stdbool.h>
#include <stddef.h>

#include "../../gossip/mesh.h"

enum { PACES_TEXT_CAP = 300 };

/* "lan", "wan", "local"; "unknown" of a newer version's. */
const char *paces_name(enum mesh_profile profile);
/* "profiles differ: n3 runs wan, n4 lan, this node local"; mesh may be NULL.
 * false: of all who told theirs it is the same. */
bool paces_line(const struct mesh *mesh, char *out, size_t cap);

#endif
