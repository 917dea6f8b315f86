/*
 * local.c - see local.h.  Linear search: a host runs tens of containers, and
 * events are rare.
 */
#include "local.h"

#include <stdio.h>
#include <stdlib.h>

int
local_init(struct local *l)
{
	memset(l, 0, sizeof *l);
	l->items = calloc(LOCAL_INSTANCES_MAX, sizeof *l->items);
	return l->items == NULL ? -1 : 0;
}

void
local_free(struct local *l)
{
	free(l->items);
	memset(l, 0, sizeof *l);
}

struct local_instance *
local_find(struct local *l, const char *instance)
{
	for (size_t i = 0; i < l->count; i++)
		if (strcmp(l->items[i].ev.instance, instance) == 0)
			return &l->items[i];
	return NULL;
}

bool
local_is_told(const struct local *l, const struct sup_event *ev)
{
	for (size_t i = 0; i < l->count; i++)
		if (l->items[i].ev.state == SUP_ST_FAILED &&
		    strcmp(l->items[i].ev.text, ev->text) == 0)
			return true;
	return false;
}

static void
forget(struct local *l, struct local_instance *i)
{
	*i = l->items[--l->count];
	memset(&l->items[l->count], 0, sizeof l->items[0]);
}

void
local_list_begin(struct local *l, uint64_t ticket)
{
	l->list_ticket = ticket;
	for (size_t i = 0; i < l->count; i++)
		l->items[i].listed = false;
}

struct local_instance *
local_state(struct local *l, const struct sup_event *ev)
{
	struct local_instance *i = local_find(l, ev->instance);

	if (ev->state == SUP_ST_GONE || ev->state == SUP_ST_NONE) {
		if (i != NULL)
			forget(l, i);
		return NULL;
	}
	if (i == NULL) {
		if (l->count == LOCAL_INSTANCES_MAX)
			return NULL;
		i = &l->items[l->count++];
		memset(i, 0, sizeof *i);
	}
	/* A new run, and an old one of which other things are asked now. */
	if (i->ev.pid != ev->pid || ev->state != SUP_ST_RUNNING ||
	    memcmp(&i->ev.ready, &ev->ready, sizeof ev->ready) != 0)
		i->health = ev->ready.kind == SUP_HEALTH_NONE ? VIEW_HEALTH_NONE : VIEW_HEALTH_WAIT;
	if (ev->ready.kind == SUP_HEALTH_EXEC && ev->state == SUP_ST_RUNNING)
		i->health = ev->well == SUP_WELL_YES ? VIEW_HEALTHY :
		    ev->well == SUP_WELL_NO	     ? VIEW_UNHEALTHY :
						       VIEW_HEALTH_WAIT;
	i->ev = *ev;
	i->listed = true;
	return i;
}

void
local_list_end(struct local *l, uint64_t ticket, void *arg,
    void (*gone)(void *arg, const struct local_instance *i))
{
	if (ticket != l->list_ticket)
		return;
	l->list_ticket = 0;
	l->known = true;
	for (size_t i = 0; i < l->count;) {
		if (l->items[i].listed) {
			i++;
			continue;
		}
		gone(arg, &l->items[i]);
		forget(l, &l->items[i]);
	}
}

bool
local_is_instance(const struct sup_event *ev)
{
	size_t n = strlen(ev->role);

	return ev->state != SUP_ST_EXITED && n > 0 && strncmp(ev->instance, ev->role, n) == 0 &&
	    ev->instance[n] == '.';
}

static enum view_state
view_of(const struct sup_event *ev)
{
	switch ((enum sup_state)ev->state) {
	case SUP_ST_STARTING:
		return VIEW_STARTING;
	case SUP_ST_RUNNING:
		return VIEW_RUNNING;
	case SUP_ST_STOPPING:
		return VIEW_STOPPING;
	case SUP_ST_BACKOFF:
		return ev->crash_loop ? VIEW_CRASH_LOOP : VIEW_BACKOFF;
	case SUP_ST_FAILED:
		return VIEW_FAILED;
	case SUP_ST_EXITED:
		return VIEW_EXITED;
	case SUP_ST_NONE:
	case SUP_ST_GONE:
		break;
	}
	return VIEW_UNKNOWN;
}

void
local_error(const struct sup_event *ev, char *out, size_t cap)
{
	size_t n = strlen(ev->instance), len;
	const char *text = ev->text;

	if (n > 0 && strncmp(text, ev->instance, n) == 0 && strncmp(text + n, ": ", 2) == 0)
		text += n + 2;
	len = strlen(text);
	if (len < cap)
		memcpy(out, text, len + 1);
	else
		snprintf(out, cap, "%.*s...", (int)cap - 4, text);
}

void
local_view(const struct local_instance *i, const char *node, struct view_instance *out)
{
	memset(out, 0, sizeof *out);
	snprintf(out->id, sizeof out->id, "%s", i->ev.instance);
	snprintf(out->role, sizeof out->role, "%s", i->ev.role);
	snprintf(out->version, sizeof out->version, "%s", i->version);
	snprintf(out->node, sizeof out->node, "%s", node);
	snprintf(out->image, sizeof out->image, "%s", i->ev.image);
	local_error(&i->ev, out->error, sizeof out->error);
	out->state = view_of(&i->ev);
	out->health = i->health;
	out->restarts = i->ev.restarts;
	out->pid = i->ev.pid;
	out->since_ms = i->ev.since_ms;
}
