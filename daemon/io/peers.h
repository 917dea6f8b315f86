/*
 * peers.h - how this node gets into a cluster: the key, the seeds, the
 * addresses it saw last time, and the verbs init and join.
 */
#ifndef IO_PEERS_H
#define IO_PEERS_H

#include "../../gossip/mesh.h"
#include "ctl.h"

struct engine;

/* The seed that `mesh join` named last in this engine's life: whoever named it waits for it. */
struct peers_joined {
	struct addr at;
	msec since; /* 0 = none */
};

/* Fill conf->seeds from the config, from `mesh join`, and from memory. */
void peers_seeds(struct engine *e, struct mesh_conf *conf);
/* The mesh moved: remember where its members are. */
void peers_remember(struct engine *e);
/* Ask the supervisor for the cluster key's descriptor. */
void peers_ask_key(struct engine *e, bool create);
/* It came ("" and keys.has_key), or why not. */
void peers_key_done(struct engine *e, const char *why_not);
/* join, once this node has what lets it in: the seed it names; and join --forget, at any
 * time, of which nothing is asked but that the seed was joined. */
void peers_seed(struct engine *e, struct ctl_req *r);
void peers_init(struct engine *e, struct ctl_req *r);
/* What mesh status says of seeds that led nowhere, or NULL; may write text. */
const char *peers_problem(const struct engine *e, char text[ERR_TEXT_CAP], const char **hint);
void peers_join(struct engine *e, struct ctl_req *r);

#endif
