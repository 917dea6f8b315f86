/*
 * appfind.c - see appfind.h.
 */
#include <stdio.h>
#include <unistd.h>

#include "sup.h"

static void
begin(struct sup *s, msec now)
{
	struct err err;

	s->appfind.later = false;
	for (size_t i = 0; i < s->rows_count; i++) {
		struct row *r = s->rows[i];

		if (!r->run.appdir_later || r->run.pidfd < 0 || r->over)
			continue;
		s->appfind.later = true; /* as long as there is one */
		if (s->appfind.opener.pidfd >= 0 ||
		    opener_start_appdir(&s->openers, &s->appfind.opener, r->run.pidfd, now, &err) < 0)
			continue; /* too many look already */
		snprintf(s->appfind.instance, sizeof s->appfind.instance, "%s", r->instance);
		s->appfind.pid = r->run.pid;
	}
}

/* Of the same run still, or NULL. */
static struct row *
found_for(struct sup *s)
{
	struct row *r = row_find(s, s->appfind.instance);

	if (r == NULL || r->run.pidfd < 0 || r->run.pid != s->appfind.pid)
		return NULL;
	r->run.appdir_later = false;
	return r;
}

void
appfind_tick(struct sup *s, msec now)
{
	if (s->appfind.opener.pidfd >= 0 && now >= s->appfind.opener.deadline) {
		(void)found_for(s); /* it has none, then */
		opener_cancel(&s->openers, &s->appfind.opener);
	}
	if (s->appfind.later && s->appfind.opener.pidfd < 0)
		begin(s, now);
}

void
appfind_ready(struct sup *s)
{
	struct found f;
	struct row *r;
	struct err err;

	(void)!opener_finish(&s->openers, &s->appfind.opener, &f, &err); /* it names no image */
	r = found_for(s);
	if (r == NULL || f.fd < 0) {
		found_close(&f);
		return;
	}
	r->run.appdir = f.fd;
	row_tell(s, r);
}
