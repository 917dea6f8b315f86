/*
 * desk.h - an engine at a desk: a follower in a mesh of two, without sockets or
 * programs.  What it asks other nodes and what it starts is kept here, and the fuzzer
 * answers; what it answers goes nowhere, but exactly once.  Time stands still unless a
 * question was answered.  In place of net.c, stream.c, stream_server.c and spawn.c.
 */
#ifndef FUZZ_DESK_H
#define FUZZ_DESK_H

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <unistd.h>

#include "../../daemon/base/log.h"
#include "desk_asked.h"

enum { STEP_MS = 20, SETTLE_MS = 8000 };

/* --- the mesh of two ---------------------------------------------------------------- */

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
	for (msec end = desk.now + SETTLE_MS; desk.now < end; desk.now += STEP_MS) {
		desk_pass(desk.other, desk.e.mesh, &at[0]);
		desk_pass(desk.e.mesh, desk.other, &at[1]);
	}
	mesh_side(desk.e.mesh, desk.now, &side);
	must(side.has_leader && side.role != MESH_LEADER);
	desk.settled = desk.now;
}

static int
desk_unlink(const char *path, const struct stat *st, int kind, struct FTW *f)
{
	(void)st, (void)kind, (void)f;
	return remove(path);
}

static void
desk_clear(void)
{
	nftw(desk.path, desk_unlink, 16, FTW_DEPTH | FTW_PHYS);
}

/* Once: a folder of this process' own, and an engine in it. */
static void
desk_open(void)
{
	struct engine *e = &desk.e;
	char *dirs[] = {e->conf.log_dir, e->conf.state_dir, e->conf.config_dir,
	    e->conf.images_dir, e->conf.sandboxes_dir};
	char note[256];
	struct err err;

	if (desk.path[0] != '\0')
		return;
	snprintf(desk.path, sizeof desk.path, "/tmp/fuzz-desk.XXXXXX");
	must(mkdtemp(desk.path) != NULL && atexit(desk_clear) == 0);
	must(crypto_init(&err) == 0 && uv_loop_init(&desk.loop) == 0);
	log_init("fuzz", (enum log_level)(LOG_LEVEL_WARN + 1));
	e->loop = &desk.loop;
	e->crypto = copying;
	e->told_grade = -1;
	snprintf(e->conf.name, sizeof e->conf.name, "n1");
	for (size_t i = 0; i < ARRAY_LEN(dirs); i++)
		snprintf(dirs[i], CONFIG_PATH_CAP, "%s", desk.path);
	e->conf.script_wall_ms = 1000;
	e->state_fd = engine_open_dir(desk.path);
	must(e->state_fd >= 0 && journal_init(&e->journal) == 0 && local_init(&e->local) == 0);
	must(store_open(e->state_fd, &e->store, note, sizeof note, &err) == 0);
	must(keep_load(&e->keep, e->store, &e->crypto, &err) == 0);
	lead_init(e);
	follow_init(e);
	tell_init(e);
	desk_settle();
	memcpy(e->keys.pk, desk.pk[1], KEY_BYTES);
	desk_id(desk.pk[1], &e->identity.id);
	memcpy(e->identity.pk, desk.pk[1], KEY_BYTES);
}

#endif
