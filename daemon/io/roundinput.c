/*
 * roundinput.c - see roundinput.h.
 */
#include "roundinput.h"

#include <stdlib.h>

#include "engine.h"

enum { TRIES_MAX = 5 /* older schedules come in now and then, after a heal */ };

struct roundinput_who {
	struct roundinput_who *next;
	roundinput_done *done;
	void *arg;
};

static void
tell(struct roundinput_who *all, int rc, struct slice input)
{
	while (all != NULL) {
		struct roundinput_who *w = all;

		all = w->next;
		w->done(w->arg, rc, input);
		free(w);
	}
}

static void
begin(struct engine *e)
{
	struct roundinput *i = &e->lead.input;

	i->now = i->next;
	i->next = NULL;
	i->tries = 0;
	if (i->now != NULL)
		turns_add(e, &i->turn);
}

static void
end(struct engine *e, int rc)
{
	struct roundinput *i = &e->lead.input;
	struct roundinput_who *all = i->now;
	struct blob input = i->ask.input;

	i->ask.input = (struct blob){0};
	roundask_free(&i->ask);
	begin(e);
	tell(all, rc, rc == 0 ? blob_slice(&input) : (struct slice){0});
	blob_free(&input);
}

static void
on_turn(struct engine *e)
{
	struct roundinput *i = &e->lead.input;
	struct err err = {.code = 0};
	int rc = roundask_more(e, &i->ask, &err);

	if (rc < 0 && err.code == ROUND_AGAIN && i->tries++ < TRIES_MAX) {
		roundask_free(&i->ask);
		rc = 1;
	}
	if (rc > 0)
		turns_add(e, &i->turn);
	else
		end(e, rc < 0 ? -ERR_FULL : 0);
}

void
roundinput_ask(struct engine *e, roundinput_done *done, void *arg)
{
	struct roundinput *i = &e->lead.input;
	struct roundinput_who *w;

	if (!e->lead.leading || (w = calloc(1, sizeof *w)) == NULL) {
		done(arg, !e->lead.leading ? -ERR_NOT_LEADER : -ERR_FULL, (struct slice){0});
		return;
	}
	*w = (struct roundinput_who){.next = i->next, .done = done, .arg = arg};
	i->next = w;
	i->turn.run = on_turn;
	if (i->now == NULL)
		begin(e);
}

void
roundinput_stop(struct engine *e)
{
	struct roundinput *i = &e->lead.input;
	struct roundinput_who *now = i->now, *next = i->next;

	turns_drop(e, &i->turn);
	roundask_free(&i->ask);
	i->now = i->next = NULL;
	tell(now, -ERR_NOT_LEADER, (struct slice){0});
	tell(next, -ERR_NOT_LEADER, (struct slice){0});
}
