/*
 * judge_told.c - what is accepted and treated otherwise than by lithos, as far
 * as it takes both files to see it; the rest is meshd-conf's to tell.
 */
#include <stdio.h>

#include "judge_in.h"

static void
add_line(const struct judge *j, const struct flat_rec *at, char *lines,
    size_t cap, const char *text)
{
	size_t n = strlen(lines);

	snprintf(lines + n, cap - n, "%s%s:%u:%u: %s\n", j->req->image,
	    j->req->config, at->line, at->col, text);
}

/* A port in its arguments would be refused by the kernel. */
static void
told_ports(const struct judge *j, char *lines, size_t cap)
{
	char text[NAME_CAP + 200];
	struct flat_rec at;

	if (judge_ports_listed(j) <= JUDGE_BIND_MAX ||
	    !flat_find(j->container, "executable", &at))
		return;
	snprintf(text, sizeof text,
	    "allow-tcp-ports of sandbox '%s' has more than %d ports; of these it can bind only those of its variables of type !TcpPort",
	    j->req->sandbox, JUDGE_BIND_MAX);
	add_line(j, &at, lines, cap, text);
}

/* Its own uid-map, where the sandbox has a range and no map (judge_user.c). */
static void
told_maps(const struct judge *j, char *lines, size_t cap)
{
	struct flat_rec own, maps;
	char text[NAME_CAP + 120];
	bool userns = true;

	(void)flat_bool(j->sandbox, "userns", &userns);
	if (!userns || !flat_find(j->container, "uid-map", &own) ||
	    own.num == 0 ||
	    (flat_find(j->sandbox, "uid-map", &maps) && maps.num > 0))
		return;
	snprintf(text, sizeof text,
	    "uid-map: accepted; ids outside are of the range that belongs to sandbox '%s' alone",
	    j->req->sandbox);
	add_line(j, &own, lines, cap, text);
}

void
judge_told(const struct judge *j, char *lines, size_t cap)
{
	lines[0] = '\0';
	told_maps(j, lines, cap);
	told_ports(j, lines, cap);
}
