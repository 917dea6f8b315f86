/*
 * appfind.c - the directory of an application's metrics files that was not to be had at
 * once (appdir.h): of a container whose image may not answer, found by a child that waits.
 * One looks at a time; what it brings is told with a STATE of its own.
 */
#include <stdio.h>
#include <unistd.h>

#include "sup.h"

static void
begin(struct sup *s, msec now)
{
	struct err err;

	s->appdirs_later = false;
	for (size_t i = 0; i < s->rows_count; i++) {
		struct row *r = s->rows[i];

		if (!r->run.appdir_later || r->run.pidfd < 0 || r->over)
			continue;
		s->appdirs_later = true; /* as long as there is one */
		if (s->finder.pidfd >= 0 ||
		    opener_start_appdir(&s->openers, &s->finder, r->run.pidfd, now, &err) < 0)
			continue; /* too many look already */
		snprintf(s->finds, sizeof s->finds, "%s", r->instance);
		s->finds_pid = r->run.pid;
	}
}

/* Of the same run still, or NULL. */
static struct row *
found_for(struct sup *s)
{
	struct row *r = row_find(s, s->finds);

	if (r == NULL || r->run.pidfd < 0 || r->run.pid != s->finds_pid)
		return NULL;
	r->run.appdir_later = false;
	return r;
}

void
appfind_tick(struct sup *s, msec now)
{
	if (s->finder.pidfd >= 0 && now >= s->finder.deadline) {
		(void)found_for(s); /* it has none, then */
		opener_cancel(&s->openers, &s->finder);
	}
	if (s->appdirs_later && s->finder.pidfd < 0)
		begin(s, now);
}

void
appfind_ready(struct sup *s)
{
	struct found f;
	struct row *r;
	struct err err;

	(void)!opener_finish(&s->openers, &s->finder, &f, &err); /* it names no image */
	r = found_for(s);
	if (r == NULL || f.fd < 0) {
		found_close(&f);
		return;
	}
	r->run.appdir = f.fd;
	row_tell(s, r);
}
