/*
 * desk.h - an engine at a desk: a follower in a mesh of two, without sockets or
 * programs.  What it asks other nodes and what it starts is kept here, and the fuzzer
 * answers; what it answers goes nowhere, but exactly once.  Time stands still unless a
 * question was answered.  In place of net.c, names.c, stream.c, stream_server.c
 * and spawn.c.
 */
#ifndef FUZZ_DESK_H
#define FUZZ_DESK_H

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../daemon/base/log.h"
#include "../../daemon/io/actions.h"
#include "../../daemon/io/actown.h"
#include "../../daemon/io/peers.h"
#include "desk_mesh.h"

/* One container of a role, placed on the leader: who asks for its log asks there. */
static void
desk_place(struct plan *p)
{
	static struct plan_role role = {.name = "web"};
	static struct plan_instance instance = {.id = "web.1", .process = "web", .image = "web-v1"};
	static struct plan_place place = {
	    .role = "web", .sandbox = "web", .instances = &instance, .instances_count = 1};
	static struct plan_node node = {.name = "n0", .places = &place, .places_count = 1};

	*p = (struct plan){.roles = &role, .roles_count = 1, .nodes = &node, .nodes_count = 1};
}

/* A supervisor who takes what is sent, and says nothing. */
static void
desk_launch(struct engine *e)
{
	int fds[2];

	must(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) == 0);
	must(launch_init(&e->launch, e->loop, fds[0], e, NULL, NULL) == 0);
	desk.supervisor = fds[1];
}

/* What an operator's word may have left behind. */
static void
desk_tidy(void)
{
	struct engine *e = &desk.e;
	struct sup_req req;
	struct err err;

	while (recv(desk.supervisor, &req, sizeof req, MSG_DONTWAIT) > 0)
		continue;
	must(store_del(e->store, STORE_MISC, "leaving", 7, &err) >= 0);
	must(store_del(e->store, STORE_MISC, "draining", 8, &err) >= 0);
	must(actqueue_init(&e->actions->q, (struct slice){NULL, 0}, 1, engine_wall_ms(), net_now()) == 0);
	e->depart = (struct depart){.asked = false};
	e->draining = e->keys.has_key = e->local.known = false;
	e->key_error[0] = '\0';
	if (e->key_waiter != NULL)
		peers_key_done(e, "not at a desk");
	e->key_error[0] = '\0';
	desk_settle();
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
	must(actions_load(e, &err) == 0);
	actions_start(e);
	lead_init(e);
	follow_init(e);
	tell_init(e);
	desk_settle();
	desk_place(&e->apply.plan);
	desk_launch(e);
	memcpy(e->keys.pk, desk.pk[1], KEY_BYTES);
	desk_id(desk.pk[1], &e->identity.id);
	memcpy(e->identity.pk, desk.pk[1], KEY_BYTES);
}

#endif
