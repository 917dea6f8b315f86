/*
 * foreign.c - see foreign.h.  Who left or was put out is nobody's problem.
 */
#include "foreign.h"

#include <stdio.h>

#include "../../gossip/mesh.h"

bool
foreign_line(const struct mesh *mesh, char *out, size_t cap)
{
	static const char first[] = "no common wire version: ", last[] = ", this node 255 to 255";
	struct mesh_member m;
	struct wire_range mine = {.min = 0};
	bool full = false;
	size_t at = 0;

	for (uint32_t i = 0; mesh != NULL && mesh_member(mesh, i, &m); i++) {
		if (m.self)
			mine = m.wire;
		if (full || !m.foreign || m.state == MESH_LEFT)
			continue;
		if (at + sizeof first + NAME_CAP + sizeof " speaks 255 to 255" + sizeof last + 4 > cap) {
			at += (size_t)snprintf(out + at, cap - at, " ...");
			full = true;
			continue;
		}
		at += (size_t)snprintf(out + at, cap - at, "%s%s speaks %u to %u",
		    at == 0 ? first : ", ", m.name, m.wire.min, m.wire.max);
	}
	if (at == 0)
		return false;
	snprintf(out + at, cap - at, ", this node %u to %u", mine.min, mine.max);
	return true;
}
