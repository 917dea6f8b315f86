/*
 * looks.h - what this node knows of the mesh itself, packed as the CLI prints it
 * (base/ctl.h): members, leader, roster, round trips, its own insides.
 */
#ifndef IO_LOOKS_H
#define IO_LOOKS_H

#include <msgpack.h>

#include "../../gossip/mesh.h"
#include "../core/blob.h"

enum { LOOKS_TAG_CAP = 176 };

struct engine;
struct ctl_req;

/* Which members; "" = all. */
struct looks_filter {
	char status[16], tag[LOOKS_TAG_CAP], name[NAME_CAP];
};

/* alive, suspect, failed, left, evicted */
const char *looks_state(const struct mesh_member *m);
/* How it is, and since when it was not heard: LOOKS_STATE_KEYS keys of a map, as
 * `mesh members` and `mesh facts` show them. */
enum { LOOKS_STATE_KEYS = 6 };
void looks_pack_state(const struct mesh_member *m, msgpack_packer *pk);
void looks_id_text(const struct node_id *id, char out[2 * ID_BYTES + 1]);
/* The member of that name: of twins the one that is up.  False: none. */
bool looks_find(const struct engine *e, const char *name, struct mesh_member *out);

/* The name closest to this, in *m; NULL when none is close. */
const char *looks_suggest(const struct engine *e, const char *name, struct mesh_member *m);

/* The member that argument `key` names; false: it was said what is wrong, and the request
 * is answered. */
MUST_CHECK bool looks_find_asked(const struct engine *e, struct ctl_req *r, const char *key,
    const char *usage, struct mesh_member *out);

void looks_pack_members(const struct engine *e, const struct looks_filter *f, msgpack_packer *pk);
/* theirs: the same of the leader, or empty. */
void looks_pack_leader(const struct engine *e, struct slice theirs, msgpack_packer *pk);
void looks_pack_roster(const struct engine *e, msgpack_packer *pk);
/* One map: how much waits where. */
void looks_pack_queues(const struct engine *e, msgpack_packer *pk);

#endif
