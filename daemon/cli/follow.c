/*
 * follow.c - `mesh events -f` over the lives of an engine.
 *
 * The journal is the engine's own, and a new one begins it anew: what ends with an
 * engine is one answer, and not what is waited for.  So it is asked again each second,
 * as -w does, with an error line for each thing that is wrong, until the new one tells
 * of its start.  Who never got to a daemon at all is told so, and that is the end.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../base/own.h"
#include "run.h"

enum { AGAIN_S = 1, ALL_LINES = 1024 };

/* Once for as long as it stays the same. */
static void
report(const struct args *a, const struct run_error *e, char **told)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	if (out == NULL)
		abort();
	(void)run_report(a, e, out);
	fclose(out);
	if (*told == NULL || strcmp(*told, text) != 0)
		fputs(text, stderr);
	free(*told);
	*told = text;
}

static int64_t
wall_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int
run_follow(const struct show *s, struct run_error *e)
{
	struct timespec again = {.tv_sec = AGAIN_S};
	AUTO_FREE char *told = NULL;
	struct args args = *s->args;
	struct show mine = *s;
	bool was = false;
	int code;

	mine.args = &args;
	while ((code = run_verb(&mine, run_timeout_ms(&args), e)) < 0 && e->err.code != EXIT_USAGE_ &&
	    (was = was || e->connected) && !ferror(s->out)) {
		fflush(s->out);
		report(&args, e, &told);
		if (e->connected) { /* from here on, and all of it */
			args.lines = ALL_LINES;
			args.since_ms = wall_ms();
		}
		run_error_free(e);
		nanosleep(&again, NULL);
	}
	return code;
}
