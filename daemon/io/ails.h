/*
 * ails.h - what is wrong with the mesh as this node sees it, for `mesh status`;
 * each with the command that shows more.
 */
#ifndef IO_AILS_H
#define IO_AILS_H

#include <stddef.h>

#include "../../gossip/look.h"

struct engine;

enum { AILS_MAX = 8, AILS_TEXT_CAP = 320 };

struct ail {
	char text[AILS_TEXT_CAP];
	const char *hint;
};

/* How long nothing came from a member that is called alive, when that is too long for
 * a mesh of so many in which this node lives since `started`; else 0. */
msec ails_quiet_ms(const struct mesh_member *m, uint32_t members, msec started, msec now);
/* Is that too much to be chance, or a busy moment of one host? */
bool ails_lossy(const struct mesh_loss *l);
/* At most AILS_MAX, the last of which counts those that had no place. */
size_t ails_find(const struct engine *e, struct ail out[AILS_MAX]);

#endif
