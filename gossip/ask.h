/*
 * ask.h - the mesh's wish to have a member asked over a stream (TCP), because
 * datagrams got no answer.  The caller drains mesh_poll_stream after mesh_poll,
 * asks at that address, and says who answered; silence needs no word.
 * Source: memberlist's fallback TCP ping; gossip/dark.c.
 */
#ifndef GOSSIP_ASK_H
#define GOSSIP_ASK_H

#include "mesh.h"

struct mesh_ask {
	struct node_id id;
	struct addr addr;
};

/* Whom to ask next whether it is there, and in which life; false = nobody. */
bool mesh_poll_stream(struct mesh *m, struct mesh_ask *out);
/* It answered, as itself, just now, in that life.  Who is unknown, or lives
 * another life than the table knows of, is ignored. */
void mesh_stream_heard(struct mesh *m, msec now, const struct node_id *id,
    uint64_t generation);

#endif
