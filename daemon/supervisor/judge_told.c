/*
 * judge_told.c - what is accepted and treated otherwise than by lithos, as far
 * as it takes both files to see it; the rest is meshd-conf's to tell.
 */
#include <stdio.h>

#include "judge_in.h"

/* Its own uid-map, where the sandbox has a range and no map (judge_user.c). */
void
judge_told(const struct judge *j, char *lines, size_t cap)
{
	struct flat_rec own, maps;
	bool userns = true;

	lines[0] = '\0';
	(void)flat_bool(j->sandbox, "userns", &userns);
	if (!userns || !flat_find(j->container, "uid-map", &own) ||
	    own.num == 0 ||
	    (flat_find(j->sandbox, "uid-map", &maps) && maps.num > 0))
		return;
	snprintf(lines, cap,
	    "%s%s:%u:%u: uid-map: accepted; ids outside are of the range that belongs to sandbox '%s' alone\n",
	    j->req->image, j->req->config, own.line, own.col, j->req->sandbox);
}
