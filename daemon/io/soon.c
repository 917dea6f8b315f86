/*
 * soon.c - see soon.h.
 */
#include "soon.h"

#include <poll.h>

#include "apply.h"
#include "engine.h"

static struct apply_job *
unsettled(const struct engine *e)
{
	struct apply_job *j = e->apply.jobs;

	while (j != NULL && !j->unsettled)
		j = j->next;
	return j;
}

static void
on_soon(uv_timer_t *timer)
{
	struct engine *e = timer->data;
	struct pollfd more = {.fd = e->launch.fd, .events = POLLIN};
	struct apply_job *j;
	char role[NAME_CAP];

	if (net_now() - e->soon.since < SOON_MS_MAX && poll(&more, 1, 0) > 0) {
		uv_timer_start(timer, on_soon, 1, 0);
		return;
	}
	e->soon.since = 0;
	while ((j = unsettled(e)) != NULL) {
		memcpy(role, j->role, sizeof role);
		j->unsettled = false;
		e->soon.settles++;
		apply_settle(e, role); /* it may be the end of the job */
	}
}

void
soon_init(struct engine *e, uv_loop_t *loop)
{
	memset(&e->soon, 0, sizeof e->soon);
	(void)uv_timer_init(loop, &e->soon.timer);
	e->soon.timer.data = e;
}

void
soon_settle(struct engine *e, const char *role)
{
	struct apply_job *j = apply_job(e, role);

	if (j == NULL)
		return;
	j->unsettled = true;
	if (e->soon.since != 0)
		return;
	e->soon.since = net_now();
	uv_timer_start(&e->soon.timer, on_soon, 0, 0);
}
