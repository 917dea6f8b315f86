/*
 * collect.c - see collect.h.
 */
#include "collect.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include "../core/ticks.h"
#include "apps.h"
#include "collect_group.h"
#include "collect_host.h"
#include "collect_own.h"
#include "collect_top.h"
#include "engine.h"

enum {
	OWNER_SERIES_MAX = 10000,
	KEPT_SERIES_MAX = 65536,
	EXPIRE_TICKS = 16,
	FILES_OF_INSTANCE = 32, /* descriptors that one container takes, at most */
	FILES_MAX = 65536,
};

struct collect {
	struct ticks ticks;
	struct label host_labels[3], own_labels[3];
	struct reading_of host_of, top_of, own_of;
	struct collect_host *host;
	struct collect_groups *groups;
	struct collect_top *top;
	struct collect_own *own;
	struct collect_self self;
	uv_timer_t timer;
};

static int64_t
clock_ms(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t
collect_wall_offset_ms(const struct engine *e)
{
	return ticks_wall(&e->collect->ticks, clock_ms(CLOCK_BOOTTIME), clock_ms(CLOCK_REALTIME));
}

int64_t
collect_tick(const struct engine *e)
{
	return e->collect->ticks.tick;
}

static void
see_instances(struct engine *e, struct collect_groups *g)
{
	for (size_t i = 0; i < e->local.count; i++) {
		const struct local_instance *l = &e->local.items[i];
		bool runs = l->ev.state == SUP_ST_RUNNING || l->ev.state == SUP_ST_STOPPING;
		struct collect_instance x = {.instance = l->ev.instance,
		    .role = l->ev.role,
		    .image = l->ev.image,
		    .pid = runs ? l->ev.pid : 0,
		    .own_network = l->ev.address != 0,
		    .health = l->health,
		    .restarts = l->ev.restarts,
		    .since_ms = l->ev.since_ms};

		if (local_is_instance(&l->ev))
			collect_groups_see(g, &x);
	}
}

static void on_tick(uv_timer_t *timer);

/* Anew each time, by the wall clock: no delay adds up. */
static void
arm(struct collect *c)
{
	uv_update_time(c->timer.loop);
	uv_timer_start(&c->timer, on_tick, (uint64_t)ticks_wait(clock_ms(CLOCK_REALTIME)), 0);
}

static void
on_tick(uv_timer_t *timer)
{
	struct engine *e = timer->data;
	struct collect *c = e->collect;
	int64_t wall = clock_ms(CLOCK_REALTIME);

	if (ticks_next(&c->ticks, clock_ms(CLOCK_BOOTTIME), wall)) {
		int64_t tick = c->ticks.tick;

		collect_host_tick(c->host, tick, wall);
		collect_groups_begin(c->groups, tick, wall);
		see_instances(e, c->groups);
		collect_groups_end(c->groups);
		collect_top_tick(c->top, tick);
		apps_tick(e->apps, tick);
		c->self.ticks = c->ticks.taken;
		c->self.missed = c->ticks.missed;
		c->self.late_us = wall % 1000 < 500 ? (uint64_t)(wall % 1000) * 1000 : 0;
		c->self.unread = collect_groups_left(c->groups);
		collect_own_tick(c->own, e, &c->self, tick);
		if (tick % EXPIRE_TICKS == 0)
			series_expire(e->series, tick);
	}
	arm(c);
}

/* Files of containers stay open, so there may be many; what is started from here on gets
 * limits of its own.  How many containers that is enough for. */
static uint32_t
raise_files(void)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l) < 0)
		return 1;
	if (l.rlim_cur < FILES_MAX && l.rlim_max > l.rlim_cur) {
		struct rlimit more = {l.rlim_max < FILES_MAX ? l.rlim_max : FILES_MAX, l.rlim_max};

		if (setrlimit(RLIMIT_NOFILE, &more) == 0)
			l = more;
	}
	return (uint32_t)((l.rlim_cur < FILES_MAX ? l.rlim_cur : FILES_MAX) / 2 / FILES_OF_INSTANCE);
}

static void
name_readings(struct collect *c, struct engine *e, char *text)
{
	const struct reading_of of = {.store = e->series,
	    .owner = SERIES_HOST,
	    .labels = c->host_labels,
	    .labels_count = ARRAY_LEN(c->host_labels),
	    .page_bytes = (uint32_t)sysconf(_SC_PAGESIZE),
	    .text = text};

	c->host_labels[0] = (struct label){slice_of("instance"), slice_of(e->conf.name)};
	c->host_labels[1] = (struct label){slice_of("job"), slice_of("node")};
	c->host_labels[2] = (struct label){slice_of("node"), slice_of(e->conf.name)};
	memcpy(c->own_labels, c->host_labels, sizeof c->own_labels);
	c->own_labels[1].value = slice_of("mesh");
	c->host_of = c->top_of = c->own_of = of;
	c->top_of.labels = c->own_of.labels = c->own_labels;
}

int
collect_start(struct engine *e, struct err *err)
{
	struct series_conf conf = {.bytes_max = (size_t)e->conf.metrics_bytes,
	    .series_max = KEPT_SERIES_MAX,
	    .owner_series_max = OWNER_SERIES_MAX,
	    .keep_ticks = (uint32_t)(e->conf.metrics_keep_ms / 1000)};
	struct collect *c = calloc(1, sizeof *c);
	char *text = malloc(READING_TEXT_CAP); /* its pages come as they are used */
	int rc;

	/* Whoever names series can't choose names that meet in one bucket. */
	randombytes_buf(&conf.seed, sizeof conf.seed);
	e->collect = c;
	e->series = series_new(&conf);
	if (c == NULL || text == NULL || e->series == NULL)
		return err_set(err, EXIT_ENVIRONMENT, "metrics: out of memory");
	name_readings(c, e, text);
	/* Of processes come and go many: they have an owner, and bounds, of their own. */
	if (series_owner(e->series, slice_of("processes"), &c->top_of.owner) < 0 ||
	    (c->groups = collect_groups_new(&c->host_of, e->conf.name, raise_files(), "/proc")) == NULL ||
	    (c->top = collect_top_new(&c->top_of)) == NULL || (c->own = collect_own_new(&c->own_of)) == NULL)
		return err_set(err, EXIT_ENVIRONMENT, "metrics: out of memory");
	if ((rc = collect_host_new(&c->host_of, e->probe, &c->host, err)) < 0)
		return rc;
	uv_timer_init(e->loop, &c->timer);
	c->timer.data = e;
	arm(c);
	return 0;
}
