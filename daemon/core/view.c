/*
 * view.c - the words for the world's states: one table each, the same in
 * `mesh ps`, in the scheduler's input and on the wire's far side.
 */
#include "view.h"

#include <stdlib.h>

static const char *const state_names[] = {
	[VIEW_UNKNOWN] = "unknown",
	[VIEW_STARTING] = "starting",
	[VIEW_RUNNING] = "running",
	[VIEW_STOPPING] = "stopping",
	[VIEW_BACKOFF] = "backoff",
	[VIEW_CRASH_LOOP] = "crash-loop",
	[VIEW_FAILED] = "failed",
	[VIEW_LOST] = "lost",
	[VIEW_EXITED] = "exited",
	[VIEW_WAITING] = "waiting",
	[VIEW_HELD] = "held",
};

static const char *const health_names[] = {
	[VIEW_HEALTH_NONE] = "none",
	[VIEW_HEALTH_WAIT] = "wait",
	[VIEW_HEALTHY] = "healthy",
	[VIEW_UNHEALTHY] = "unhealthy",
};

static const char *const node_names[] = {
	[VIEW_ALIVE] = "alive",
	[VIEW_SUSPECT] = "suspect",
	[VIEW_NODE_FAILED] = "failed",
	[VIEW_LEFT] = "left",
	[VIEW_RESTARTING] = "restarting",
};

const char *
view_state_name(enum view_state s)
{
	return (size_t)s < ARRAY_LEN(state_names) ? state_names[s] : "unknown";
}

const char *
view_health_name(enum view_health h)
{
	return (size_t)h < ARRAY_LEN(health_names) ? health_names[h] : "unknown";
}

const char *
view_node_state_name(enum view_node_state s)
{
	return (size_t)s < ARRAY_LEN(node_names) ? node_names[s] : "unknown";
}

void
view_facts_free(struct view_facts *f)
{
	free(f->images);
	free(f->sandboxes);
	f->images = NULL;
	f->sandboxes = NULL;
	f->images_count = 0;
	f->sandboxes_count = 0;
}
