/*
 * apps.h - what the applications in our containers tell of themselves: by files
 * (appfile.h) and by answering (scrape.h).
 *
 * Each instance's series have an owner of their own in the store, app/INSTANCE, so who
 * makes them without end loses his own.  All get role, instance, node and job (the role),
 * and where an instance has several endpoints also endpoint=":PORT/PATH".
 */
#ifndef IO_APPS_H
#define IO_APPS_H

#include <uv.h>

#include "../base/proto.h"
#include "../core/series.h"

struct apps;

struct apps_conf {
	uv_loop_t *loop;
	struct series_store *store;
	const char *node; /* all borrowed until the end */
};

/* NULL: no memory. */
MUST_CHECK struct apps *apps_new(const struct apps_conf *conf);
/* A STATE of an instance, GONE too.  dir: of its files, taken, or -1: none came with it. */
void apps_state(struct apps *a, const struct sup_event *ev, int dir);
/* The supervisor does not name it any more. */
void apps_gone(struct apps *a, const char *instance);
/* Once a second, ticks rise. */
void apps_tick(struct apps *a, int64_t tick);
/* What is wrong with its metrics, into out; false: nothing. */
bool apps_why(const struct apps *a, const char *instance, char *out, size_t cap);
void apps_free(struct apps *a);

#endif
