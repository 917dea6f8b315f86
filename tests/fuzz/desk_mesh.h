/*
 * desk_mesh.h - the mesh of two that an engine at a desk is in.  Part of desk.h.
 */
#ifndef FUZZ_DESK_MESH_H
#define FUZZ_DESK_MESH_H

#include "desk_asked.h"

enum { STEP_MS = 20, SETTLE_MS = 8000, CALM_MS = 500 };

static void
desk_id(const uint8_t *pk, struct node_id *id)
{
	struct hash h;

	toy_hash(NULL, &h, pk, KEY_BYTES);
	memcpy(id->b, h.b, ID_BYTES);
}

static struct mesh *
desk_mesh(uint8_t i)
{
	struct mesh_conf c = {.addr = toy_addr(i), .members_max = 16, .seed = i + 1u,
	    .crypto = copying, .saved.generation = 1, .policy.quorum = MESH_QUORUM_ANY};
	struct mesh *m;

	memset(c.pk, 'a' + i, KEY_BYTES);
	memcpy(desk.pk[i], c.pk, KEY_BYTES);
	desk_id(c.pk, &c.self);
	snprintf(c.name, sizeof c.name, "n%d", i);
	memset(c.salt, i + 1, sizeof c.salt);
	c.seeds[0] = toy_addr(0);
	c.seeds_count = i == 0 ? 0 : 1;
	m = mesh_new(&c, desk.now);
	must(m != NULL);
	return m;
}

static void
desk_pass(struct mesh *from, struct mesh *to, const struct addr *at)
{
	uint8_t buf[DGRAM_BYTES_MAX];
	struct mesh_saved f;
	struct addr addr;
	size_t len;

	mesh_tick(from, desk.now);
	if (mesh_must_save(from, &f))
		mesh_saved(from);
	while ((len = mesh_poll(from, desk.now, &addr, buf, sizeof buf)) > 0)
		(void)!mesh_recv(to, desk.now, at, buf, len);
}

/* The first leads, the second is the engine's. */
static void
desk_settle(void)
{
	static const uint8_t cluster[ID_BYTES] = {1};
	struct addr at[2] = {toy_addr(0), toy_addr(1)};
	struct mesh_side side;

	mesh_free(desk.other);
	mesh_free(desk.e.mesh);
	desk.now = 1000;
	desk.other = desk_mesh(0);
	desk.e.mesh = desk_mesh(1);
	must(mesh_init(desk.other, desk.now, cluster) == 0);
	for (msec end = desk.now + SETTLE_MS, calm = 0; calm < CALM_MS && desk.now < end;
	     desk.now += STEP_MS) {
		desk_pass(desk.other, desk.e.mesh, &at[0]);
		desk_pass(desk.e.mesh, desk.other, &at[1]);
		mesh_side(desk.e.mesh, desk.now, &side);
		calm = side.has_leader && side.known == 2 ? calm + STEP_MS : 0;
	}
	must(side.has_leader && side.known == 2 && side.role != MESH_LEADER);
	desk.settled = desk.now;
}

#endif
