/*
 * going.c - see going.h.
 */
#include "going.h"

#include <stdlib.h>

#include "../base/log.h"
#include "engine.h"

/* A lost datagram is told again by gossip meanwhile; and a successor may need
 * this node's vote.  The supervisor gives it five seconds. */
enum { LOOK_MS = 20, SAY_MS = 150, HAND_OVER_MS = 1000 };

static void
on_look(uv_timer_t *timer)
{
	struct engine *e = timer->data;
	struct mesh_side side;
	msec now = net_now(), said = now - e->going_since;

	mesh_side(e->mesh, now, &side);
	if (said < SAY_MS ||
	    (e->going_led && side.role != MESH_LEADER && !side.has_leader && said < HAND_OVER_MS))
		return;
	exit(0);
}

void
going_restart(struct engine *e)
{
	uint32_t grace_s = (uint32_t)(e->conf.restart_grace_ms / 1000);
	struct mesh_side side;

	if (e->going_since != 0)
		return;
	log_info("SIGTERM: leaving the containers as they are");
	if (e->mesh == NULL)
		exit(0);
	mesh_side(e->mesh, net_now(), &side);
	e->going_led = side.role == MESH_LEADER;
	e->going_since = net_now();
	if (mesh_restarting(e->mesh, net_now(), grace_s) < 0)
		exit(0); /* of no cluster: nobody waits */
	engine_kick(e);
	uv_timer_init(e->loop, &e->going);
	e->going.data = e;
	uv_timer_start(&e->going, on_look, LOOK_MS, LOOK_MS);
}
