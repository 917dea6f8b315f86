/*
 * status.h - what this node knows, packed as the CLI prints it (base/ctl.h).
 *
 * The *view* is what only a leader knows in full: all containers, the roles'
 * counts, the scheduler's state, the problems.  A follower asks its leader for
 * it and, when nobody answers, packs its own from the schedule and its own
 * containers.
 */
#ifndef IO_STATUS_H
#define IO_STATUS_H

#include <msgpack.h>

#include "../../gossip/mesh.h"
#include "../core/blob.h"

struct engine;
struct schedule;

/* {ps: [...], roles: [...], scheduler: {...}, problems: [...], held: [...],
 *  level: 0|1|2, actions: [...], fresh: this node leads and everybody has reported} */
void status_pack_view(struct engine *e, msgpack_packer *pk);
/* The value of a key of a view; empty when the view is malformed. */
struct slice status_view_get(struct slice view, const char *key);
/* The answer of `status`, with a view from wherever. */
void status_pack(struct engine *e, struct slice view, msgpack_packer *pk);
/* A host action that failed: role, node, action; why follows. */
#define STATUS_HOSTACT "role %s on %s: host action %s: "
#define STATUS_HOSTACT_HINT                                                                        \
	"it is tried again by itself; there: lithos-configs/host-actions.yaml, mesh logs --daemon"
const char *status_grade(enum mesh_grade g);
/* How many are here, and their weight, in one line; whoever is given up by nobody yet and
 * not heard counts as suspected, as in the answer of `status`.  Returns text. */
enum { STATUS_SIDE_CAP = 128 };
const char *status_side_text(const struct mesh_side *s, char text[STATUS_SIDE_CAP]);
/* One map; 0, or -1 when it can't be read. */
int status_pack_schedule(const struct engine *e, const struct schedule *s, struct slice held, msgpack_packer *pk);

#endif
