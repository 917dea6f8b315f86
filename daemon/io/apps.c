/*
 * apps.c - see apps.h.  Instances are few on a node, so they sit in a list.
 */
#include "apps.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "addr.h"
#include "appfile.h"
#include "scrape.h"

enum { LOOPBACK = 0x7f000001, OWNER_CAP = NAME_CAP + 8 };

struct app {
	struct app *next;
	char instance[NAME_CAP], role[NAME_CAP];
	char endpoints[SUP_SCRAPES_MAX][SUP_HTTP_PATH_CAP + 8];
	struct target target;
	uint32_t owner;
	int32_t pid; /* of the run that is read; 0: none */
	uint32_t address;
	struct sup_scrape how[SUP_SCRAPES_MAX];
	struct appfile_of of;
	struct appfile *file;
	int dir; /* owned, or -1 */
	struct scrape *scrapes[SUP_SCRAPES_MAX];
};

struct apps {
	struct apps_conf conf;
	struct app *all;
	int64_t tick; /* the last one */
};

struct apps *
apps_new(const struct apps_conf *conf)
{
	struct apps *a = calloc(1, sizeof *a);

	if (a != NULL)
		a->conf = *conf;
	return a;
}

static struct app **
find(struct apps *a, const char *instance)
{
	struct app **at = &a->all;

	while (*at != NULL && strcmp((*at)->instance, instance) != 0)
		at = &(*at)->next;
	return at;
}

/* Its run is over, or is asked otherwise from now on. */
static void
end_run(struct apps *a, struct app *x)
{
	for (size_t i = 0; i < SUP_SCRAPES_MAX; i++) {
		scrape_free(x->scrapes[i], a->tick);
		x->scrapes[i] = NULL;
	}
	appfile_free(x->file, a->tick);
	x->file = NULL;
	if (x->dir >= 0)
		close(x->dir);
	x->dir = -1;
	x->pid = 0;
}

void
apps_gone(struct apps *a, const char *instance)
{
	struct app **at = find(a, instance), *x = *at;

	if (x == NULL)
		return;
	end_run(a, x);
	series_owner_end(a->conf.store, x->owner, a->tick);
	*at = x->next;
	free(x);
}

static struct app *
add(struct apps *a, const struct sup_event *ev)
{
	struct app *x = calloc(1, sizeof *x);
	char owner[OWNER_CAP];

	if (x == NULL)
		return NULL;
	snprintf(x->instance, sizeof x->instance, "%.*s", NAME_CAP - 1, ev->instance);
	snprintf(x->role, sizeof x->role, "%.*s", NAME_CAP - 1, ev->role);
	snprintf(owner, sizeof owner, "app/%s", x->instance);
	if (series_owner(a->conf.store, slice_of(owner), &x->owner) < 0) {
		free(x);
		return NULL; /* more owners than the store has: it tells so */
	}
	x->dir = -1;
	x->target = (struct target){.role = slice_of(x->role),
	    .instance = slice_of(x->instance),
	    .node = slice_of(a->conf.node)};
	x->of = (struct appfile_of){a->conf.store, x->owner, &x->target};
	x->next = a->all;
	a->all = x;
	return x;
}

/* On its own address, or on ours. */
static void
begin_scrapes(struct apps *a, struct app *x)
{
	bool several = x->how[1].port != 0;

	for (size_t i = 0; i < SUP_SCRAPES_MAX && x->how[i].port != 0; i++) {
		struct scrape_of of = {.loop = a->conf.loop,
		    .store = a->conf.store,
		    .owner = x->owner,
		    .instance = x->instance,
		    .target = x->target,
		    .addr = addr_of_ipv4(x->address != 0 ? x->address : LOOPBACK),
		    .how = x->how[i]};

		if (of.how.port > UINT16_MAX)
			continue;
		of.addr.port = (uint16_t)of.how.port;
		snprintf(x->endpoints[i], sizeof x->endpoints[i], ":%u%.*s", (unsigned)of.how.port,
		    SUP_HTTP_PATH_CAP - 1, of.how.path);
		if (several)
			of.target.endpoint = slice_of(x->endpoints[i]);
		x->scrapes[i] = scrape_new(&of);
	}
}

void
apps_state(struct apps *a, const struct sup_event *ev, int dir)
{
	struct app *x = *find(a, ev->instance);
	bool runs = ev->state == SUP_ST_RUNNING && ev->pid != 0, same;

	if (ev->state == SUP_ST_GONE || ev->state == SUP_ST_NONE)
		apps_gone(a, ev->instance);
	else if (x != NULL && !runs && ev->state != SUP_ST_STOPPING)
		end_run(a, x);
	if (x == NULL && runs && (dir >= 0 || ev->scrapes[0].port != 0))
		x = add(a, ev);
	if (x == NULL || !runs) {
		if (dir >= 0)
			close(dir);
		return;
	}
	same = x->pid == ev->pid && x->address == ev->address &&
	    memcmp(x->how, ev->scrapes, sizeof x->how) == 0;
	if (!same) {
		end_run(a, x);
		x->pid = ev->pid;
		x->address = ev->address;
		memcpy(x->how, ev->scrapes, sizeof x->how);
		begin_scrapes(a, x);
	}
	if (same && x->dir >= 0 && dir >= 0) {
		close(dir); /* the same one again */
		return;
	}
	if (dir >= 0 && x->file == NULL)
		x->file = appfile_new(&x->of);
	x->dir = dir >= 0 ? dir : x->dir;
}

void
apps_tick(struct apps *a, int64_t tick)
{
	a->tick = tick;
	for (struct app *x = a->all; x != NULL; x = x->next) {
		if (x->file != NULL)
			appfile_tick(x->file, x->dir, tick);
		for (size_t i = 0; i < SUP_SCRAPES_MAX; i++)
			if (x->scrapes[i] != NULL)
				scrape_tick(x->scrapes[i], tick);
	}
}

bool
apps_why(const struct apps *a, const char *instance, char *out, size_t cap)
{
	const struct app *x = a->all;

	while (x != NULL && strcmp(x->instance, instance) != 0)
		x = x->next;
	if (x == NULL)
		return false;
	out[0] = '\0';
	if (x->file != NULL)
		snprintf(out, cap, "%s", appfile_why(x->file));
	for (size_t i = 0; i < SUP_SCRAPES_MAX && out[0] == '\0'; i++)
		if (x->scrapes[i] != NULL)
			snprintf(out, cap, "%s", scrape_why(x->scrapes[i]));
	return out[0] != '\0';
}

void
apps_free(struct apps *a)
{
	if (a == NULL)
		return;
	while (a->all != NULL)
		apps_gone(a, a->all->instance);
	free(a);
}
