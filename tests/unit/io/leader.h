/*
 * leader.h - an engine that leads a cluster of its own, as far as a round needs one, and
 * all of it real: the machine on a socket of loopback, the store, recorded rounds, scripts
 * from a directory, meshd-script.  No supervisor.
 */
#ifndef TEST_IO_LEADER_H
#define TEST_IO_LEADER_H

#include "leaderparts.h"

#include <ftw.h>

static inline int
leader_write(const struct leader *l, const char *tree, const char *text)
{
	char path[PATH_MAX + 64];
	FILE *f;

	snprintf(path, sizeof path, "%s/%s", l->path, tree);
	(void)mkdir(path, 0755);
	snprintf(path, sizeof path, "%s/%s/main.lua", l->path, tree);
	if ((f = fopen(path, "w")) == NULL || fputs(text, f) < 0)
		return -1;
	return fclose(f);
}

/* Its scheduler, or its shadow, is that from now on. */
static inline int
leader_scripts(struct leader *l, enum trees_kind kind, const char *text)
{
	const char *name = kind == TREES_SHADOW ? "scheduler-scripts-shadow" : "scheduler-scripts";
	struct tree *t = &l->e->trees.slot[kind].tree;
	struct err err;

	tree_free(t);
	return leader_write(l, name, text) < 0 ? -1 : tree_read(l->e->state_fd, name, t, &err);
}

/* 0, or -1.  It leads, and no round begins unasked: round_start does it. */
static inline int
leader_open(struct leader *l, uint32_t members_max, int script_fd)
{
	struct err err;

	memset(l, 0, sizeof *l);
	log_init("leader", LOG_LEVEL_WARN);
	snprintf(l->path, sizeof l->path, "/tmp/mesh-leader-XXXXXX");
	if (mkdtemp(l->path) == NULL || (l->e = calloc(1, sizeof *l->e)) == NULL ||
	    uv_loop_init(&l->loop) < 0 || crypto_init(&err) < 0 || leader_parts_(l, script_fd) < 0 ||
	    leader_mesh_(l, members_max) < 0)
		return -1;
	l->e->lead.sched.conf.after_change_ms = l->e->lead.sched.conf.period_ms = LEADER_NEVER_MS;
	net_attach(&l->e->net, l->e->mesh);
	net_kick(&l->e->net);
	return l->e->lead.leading ? 0 : -1;
}

static inline void
leader_hang_up_(uv_handle_t *h, void *arg)
{
	(void)arg;
	if (!uv_is_closing(h))
		uv_close(h, NULL);
}

static inline int
leader_remove_(const char *path, const struct stat *st, int kind, struct FTW *f)
{
	(void)st;
	(void)kind;
	(void)f;
	return remove(path);
}

/* No child of it runs any more.  What was allocated is free again: for ASan. */
static inline int
leader_close(struct leader *l)
{
	struct engine *e = l->e;

	round_abandon(e);
	shadow_stop(e);
	recording_wipe(e);
	l->deaf = true;
	uv_walk(e->loop, leader_hang_up_, NULL);
	uv_run(e->loop, UV_RUN_DEFAULT);
	for (size_t i = 0; i < e->lead.parents_count; i++)
		schedule_free(&e->lead.parents[i].s);
	for (size_t i = 0; i < e->lead.nodes_count; i++)
		report_table_free(&e->lead.nodes[i].engine_report);
	free(e->lead.nodes);
	free(e->lead.missing);
	free(e->lead.role_errors);
	rail_free(&e->lead.rail);
	world_room_free(&e->lead.room);
	plan_free(&e->apply.plan);
	plan_free(&e->apply.next);
	for (size_t i = 0; i < TREES_COUNT; i++)
		tree_free(&e->trees.slot[i].tree);
	actions_free(e);
	keep_free(&e->keep);
	store_close(e->store);
	local_free(&e->local);
	journal_free(&e->journal);
	mesh_free(e->mesh);
	if (e->lead.recording.dir > 0)
		close(e->lead.recording.dir);
	close(e->state_fd);
	free(e);
	nftw(l->path, leader_remove_, 16, FTW_DEPTH | FTW_PHYS);
	return uv_loop_close(&l->loop);
}

#endif
