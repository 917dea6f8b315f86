/*
 * world.h - members and reports put together: what the leader's round starts
 * from, and what `ps` and `status` print.  A snapshot of one instant, or of
 * some ms where a leader makes it in pieces.
 */
#ifndef IO_WORLD_H
#define IO_WORLD_H

#include "../../gossip/mesh.h"
#include "../base/err.h"
#include "../core/plan.h"
#include "../core/view.h"

struct engine;

/* What a leader looks into twice a round stays its own: of ten thousand rows the kernel takes longer
 * to give the pages than it takes to write them.  Zeroed: none yet. */
struct world_room {
	struct view_instance *rows; /* owned */
	size_t cap;
	bool lent; /* to the world that was built last; another gets its own */
};

struct world {
	struct view_node *nodes; /* by id; facts and answers borrow from reports and dossier */
	size_t nodes_count;
	struct view_instance *instances; /* by node, then as reported */
	size_t instances_count;
	struct view_side side;
	struct plan_first *firsts; /* of each name that several have; sorted by name */
	size_t firsts_count;
	char twins[ERR_TEXT_CAP]; /* two hosts of one name: who they are, or "" */
	char *lists; /* of world_own, or NULL */
	struct world_room *room; /* whose rows the instances are, or NULL */
	size_t cap, at; /* rows that there are; whose instances come next, of nodes */
};

/* 0, or -1 without memory.  On a follower the instances are this node's own. */
MUST_CHECK int world_build(struct engine *e, struct world *w);
/* The same in pieces (turns.h): all but instances; then these, of some nodes at a time, as they
 * were reported by then.  world_more: 1, there are more; 0 or -1 without memory. */
enum { WORLD_ROWS_AT_ONCE = 2500, WORLD_ROWS_KEPT = 2000 /* fewer cost nothing to get again */ };
MUST_CHECK int world_begin(struct engine *e, struct world *w);
MUST_CHECK int world_more(struct engine *e, struct world *w);
/* Until now facts and answers are good until the next turn of the loop; from now on the
 * facts are the world's own, and there are no answers.  0, or -1 without memory. */
MUST_CHECK int world_own(struct world *w);
void world_free(struct world *w);
/* While it is not lent. */
void world_room_free(struct world_room *r);
/* Say in a plan whose each part is, and who had a name first.  0, or -1 without memory. */
MUST_CHECK int world_name(const struct world *w, struct plan *plan);

/* A change that it has its turn in waits so long: the error of what runs begins so. */
#define WORLD_WAITS "its change waits since "
enum { WORLD_WAITS_MS = 5000 };

/* This node's containers, those placed here that can't be made (state failed,
 * with the role's error) and those that wait for their role lease.  How many of cap were filled. */
size_t world_local(const struct engine *e, struct view_instance *out, size_t cap);

/* What a member says of itself in its alive record: zone, tags, version. */
size_t world_meta_pack(const char *zone, const char *tags, const char *version, uint8_t *out,
    size_t cap);
/* Restarting as long as its owner asked to be waited for, whoever calls it dead. */
enum view_node_state world_state(const struct mesh_member *m);
void world_meta_read(const struct mesh_member *m, char zone[NAME_CAP], char tags[VIEW_TAGS_CAP],
    char version[NAME_CAP]);

#endif
