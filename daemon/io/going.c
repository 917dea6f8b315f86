/*
 * going.c - see going.h.
 */
#include "going.h"

#include <stdlib.h>
#include <string.h>

#include "../base/log.h"
#include "engine.h"
#include "pack.h"

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

/* --- drain ---------------------------------------------------------------------- */

static const char draining_key[] = "draining";

int
going_load(struct engine *e, struct err *err)
{
	uint8_t *value = NULL;
	size_t len = 0;
	int rc = store_get(e->store, STORE_MISC, draining_key, strlen(draining_key), &value, &len,
	    err);

	free(value);
	e->draining = rc > 0;
	return rc < 0 ? rc : 0;
}

void
going_second(struct engine *e)
{
	struct mesh_member self;
	bool wish = e->draining || e->depart.asked;

	if (e->mesh == NULL || e->going_since != 0 || !mesh_find(e->mesh, &e->identity.id, &self) ||
	    self.draining == wish)
		return;
	if (mesh_drain(e->mesh, net_now(), wish) == 0)
		engine_kick(e);
}

/* What runs here: what the schedule moves, or what only an operator does. */
static uint32_t
pack_those(const struct engine *e, msgpack_packer *pk, bool keep)
{
	uint32_t n = 0;

	for (size_t i = 0; i < e->local.count; i++) {
		const struct sup_event *ev = &e->local.items[i].ev;

		if (!local_is_instance(ev) || (ev->policy == SUP_KEEP) != keep)
			continue;
		n++;
		if (pk != NULL)
			pk_str(pk, ev->instance);
	}
	return n;
}

static void
answer(struct engine *e, struct ctl_req *r)
{
	msgpack_packer *pk = ctl_begin(r);

	msgpack_pack_map(pk, 4);
	pk_kstr(pk, "node", e->conf.name);
	pk_kbool(pk, "draining", e->draining);
	pk_str(pk, "moving");
	msgpack_pack_array(pk, pack_those(e, NULL, false));
	pack_those(e, pk, false);
	pk_str(pk, "staying");
	msgpack_pack_array(pk, pack_those(e, NULL, true));
	pack_those(e, pk, true);
	ctl_end(r);
}

static void
wish(struct engine *e, struct ctl_req *r, bool on)
{
	struct mesh_side side = {.member = false};
	struct err err;
	int rc = 0;

	if (e->mesh != NULL)
		mesh_side(e->mesh, net_now(), &side);
	if (!side.member) {
		ctl_fail(r, 1, "mesh status", "%s: this node is no member: nobody gives it work",
		    r->verb);
		return;
	}
	if (!on && e->depart.asked) {
		ctl_fail(r, 1, "mesh leave --cancel", "%s: this node is leaving", r->verb);
		return;
	}
	if (on && !e->draining)
		rc = store_put(e->store, STORE_MISC, draining_key, strlen(draining_key), "1", 1,
		    &err);
	else if (!on && e->draining)
		rc = store_del(e->store, STORE_MISC, draining_key, strlen(draining_key), &err);
	if (rc < 0) {
		ctl_fail(r, 1, "mesh status", "%s: not kept, so not done: %s", r->verb, err.text);
		return;
	}
	if (on != e->draining)
		log_info(on ? "drains: an operator here said so" : "drains no more");
	e->draining = on;
	going_second(e);
	answer(e, r);
}

void
going_drain(struct engine *e, struct ctl_req *r)
{
	wish(e, r, true);
}

void
going_undrain(struct engine *e, struct ctl_req *r)
{
	wish(e, r, false);
}
