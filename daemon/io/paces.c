/*
 * paces.c - see paces.h.  A node knows what those told it with whom it spoke; the
 * leader speaks with everybody.
 */
#include "paces.h"

#include <stdio.h>

const char *
paces_name(enum mesh_profile profile)
{
	static const char *const names[MESH_PROFILES] = {"lan", "wan", "local"};

	return profile < MESH_PROFILES ? names[profile] : "unknown";
}

bool
paces_line(const struct mesh *mesh, char *out, size_t cap)
{
	static const char first[] = "profiles differ: ", last[] = ", this node local";
	enum mesh_profile mine = MESH_LAN;
	struct mesh_member m;
	bool full = false;
	size_t at = 0;

	for (uint32_t i = 0; mesh != NULL && mesh_member(mesh, i, &m); i++)
		if (m.self)
			mine = m.profile;
	for (uint32_t i = 0; mesh != NULL && mesh_member(mesh, i, &m) && !full; i++) {
		if (!m.profile_known || m.profile == mine || m.state > MESH_SUSPECT)
			continue;
		full = at + sizeof first + NAME_CAP + sizeof " runs unknown ..." + sizeof last > cap;
		at += full ? (size_t)snprintf(out + at, cap - at, " ...") :
			     (size_t)snprintf(out + at, cap - at, "%s%s runs %s",
				 at == 0 ? first : ", ", m.name, paces_name(m.profile));
	}
	if (at == 0)
		return false;
	snprintf(out + at, cap - at, ", this node %s", paces_name(mine));
	return true;
}
