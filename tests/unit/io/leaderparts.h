/*
 * leaderparts.h - what an engine that leads is made of: used by leader.h alone.
 */
#ifndef TEST_IO_LEADERPARTS_H
#define TEST_IO_LEADERPARTS_H

/* The engine's words for what the machine and tests have under the same names. */
#define world engine_world
#define report engine_report
#include "../../../daemon/io/actions.h"
#include "../../../daemon/io/engine.h"
#include "../../../daemon/io/hear.h"
#include "../../../daemon/io/roundjudge.h"
#include "../../../daemon/io/round.h"
#include "../../../daemon/io/store.h"
#include "../../../daemon/io/tell.h"
#undef world
#undef report

#include <fcntl.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../../daemon/base/log.h"
#include "../../../daemon/base/scriptio.h"
#include "../../../gossip/inner.h"

/* The machine lives through this before a test begins, so that it leads when that does. */
enum { LEADER_PAST_MS = 60000, LEADER_NEVER_MS = 1 << 30 };

struct leader {
	char path[64]; /* state and config directory */
	struct engine *e;
	uv_loop_t loop;
	bool deaf; /* the engine does not look what its machine became */
};

static inline void
leader_save_(void *arg, const struct mesh_saved *s)
{
	(void)arg;
	(void)s;
}

static inline void
leader_moved_(void *arg)
{
	struct leader *l = arg;

	if (!l->deaf)
		lead_look(l->e);
}

static inline int
leader_mesh_(struct leader *l, uint32_t members_max)
{
	static const uint8_t cluster[ID_BYTES] = {9};
	struct engine *e = l->e;
	struct mesh_conf c = {.lease_ms = 10000,
	    .members_max = members_max,
	    .seed = 7,
	    .crypto = e->crypto};
	uint8_t buf[DGRAM_BYTES_MAX];
	msec begun = net_now() - LEADER_PAST_MS;
	struct mesh_saved saved;
	struct addr to;

	c.self = e->identity.id;
	c.addr = e->conf.listen;
	c.addr.port = 7780; /* that nobody else has; this node's own is any */
	memcpy(c.pk, e->keys.pk, sizeof c.pk);
	memcpy(c.name, e->conf.name, sizeof c.name);
	if ((e->mesh = mesh_new(&c, begun)) == NULL || mesh_init(e->mesh, begun, cluster) < 0)
		return -1;
	for (msec t = begun; t <= net_now(); t += 10) {
		mesh_tick(e->mesh, t);
		while (mesh_must_save(e->mesh, &saved))
			mesh_saved(e->mesh);
		while (mesh_poll(e->mesh, t, &to, buf, sizeof buf) > 0)
			;
	}
	return 0;
}

static inline int
leader_parts_(struct leader *l, int script_fd)
{
	struct engine *e = l->e;
	char note[ERR_TEXT_CAP];
	struct err err;

	e->loop = &l->loop;
	e->script_fd = script_fd;
	e->state_fd = open(l->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	snprintf(e->conf.name, sizeof e->conf.name, "leader");
	snprintf(e->conf.config_dir, sizeof e->conf.config_dir, "%s", l->path);
	snprintf(e->conf.state_dir, sizeof e->conf.state_dir, "%s", l->path);
	e->conf.listen = (struct addr){.ip = {[10] = 0xff, [11] = 0xff, [12] = 127, [15] = 1}};
	e->conf.script_heap_bytes = SCRIPT_HEAP_BYTES;
	e->conf.script_cpu_ms = SCRIPT_CPU_MS;
	e->conf.script_wall_ms = 60000;
	e->conf.rounds_bytes = 64 << 20;
	e->conf.rounds_keep_ms = 1 << 30;
	e->keys.has_key = true;
	crypto_random(e->keys.key, sizeof e->keys.key);
	crypto_sign_keypair(e->keys.pk, e->keys.sk);
	crypto_fill(&e->crypto, &e->keys);
	identity_id(e->keys.pk, &e->identity.id);
	memcpy(e->identity.pk, e->keys.pk, sizeof e->identity.pk);
	lead_init(e);
	follow_init(e);
	tell_init(e);
	soon_init(e, e->loop);
	if (e->state_fd < 0 || journal_init(&e->journal) < 0 || local_init(&e->local) < 0 ||
	    store_open(e->state_fd, &e->store, note, sizeof note, &err) < 0 ||
	    keep_load(&e->keep, e->store, &e->crypto, &err) < 0 || actions_load(e, &err) < 0 ||
	    net_init(&e->net, e->loop, &e->conf.listen, l, leader_save_, leader_moved_, &err) < 0)
		return -1;
	e->local.known = true;
	return 0;
}

#endif
