/*
 * appdesk.h - one application as the engine sees it: its STATE, what it tells, and what
 * comes of that in a store.  One test program includes it once.
 */
#ifndef TEST_IO_APPDESK_H
#define TEST_IO_APPDESK_H

#include "world.h"

#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../../daemon/io/addr.h"
#include "../../../daemon/io/apps.h"
#include "loop.h"

static uv_loop_t loop;
static struct series_store *store;
static struct apps *apps;
static int64_t tick;
static char why[512];

static inline int
apps_begin(void)
{
	const struct series_conf conf = {.bytes_max = 8 << 20, .series_max = 10000, .owner_series_max = 3000, .keep_ticks = 3600};

	uv_loop_init(&loop);
	store = series_new(&conf);
	apps = apps_new(&(struct apps_conf){&loop, store, "n1"});
	assert_non_null(store);
	assert_non_null(apps);
	tick = 1000;
	return 0;
}

static inline struct sup_event
event(enum sup_state state)
{
	struct sup_event ev = {.version = SUP_VERSION, .kind = SUP_EV_STATE, .state = state, .pid = 77};

	strcpy(ev.instance, "web.1");
	strcpy(ev.role, "web");
	return ev;
}

/* The value at the last tick of the one series in which all of these stand; -1 when there
 * is none that lives. */
static inline double
value(const char *name, const char *label, const char *is)
{
	const struct series_matcher m[] = {{SERIES_EQ, slice_of(LABEL_NAME), slice_of(name), NULL},
	    {SERIES_EQ, slice_of(label), slice_of(is), NULL}};
	struct series_point p;
	series_id *ids = NULL;
	int64_t n = series_select(store, m, 2, 100, &ids);
	double found = -1;

	assert_true(n >= 0);
	for (int64_t i = 0; i < n; i++)
		if (series_last(store, ids[i], &p) && !series_is_stale(p.value) && p.tick == tick) {
			assert_true(found == -1);
			found = p.value;
		}
	free(ids);
	return found;
}

static inline const char *
wrong(void)
{
	if (!apps_why(apps, "web.1", why, sizeof why))
		why[0] = '\0';
	return why;
}

static inline void
next(void)
{
	apps_tick(apps, ++tick);
}

#endif
