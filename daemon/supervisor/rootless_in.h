/*
 * rootless_in.h - what the files of --rootless share.
 */
#ifndef SUPERVISOR_ROOTLESS_IN_H
#define SUPERVISOR_ROOTLESS_IN_H

#include <sys/types.h>

#include "rootless.h"

/* From here on this process is a rootless one, not yet in its namespace. */
void rootless_begin(void);

/* Out of the group that containers' are to be made in.  (rootless_group.c) */
void rootless_groups_settle(void);

/*
 * The process that stays outside: it maps the ids, which the user's own process
 * can't, and tells whose a file is, which nobody inside can see.  It holds nothing
 * but its end of a socket, and ends with the other one.  (rootless_owners.c)
 */
enum owners_ask { OWNERS_MAP = 1, OWNERS_WHOSE };

/* The user's ranges of sub ids; a count of 0: none. */
struct owners_ids {
	uint32_t uid_first, uid_count, gid_first, gid_count;
};

/* Start it, for this process; the other end of its socket, or negative. */
MUST_CHECK int owners_start(const struct owners_ids *ids, struct err *err);
/* fd: of OWNERS_WHOSE.  True: *answer is the uid; for OWNERS_MAP 0: done. */
MUST_CHECK bool owners_ask(int owners, enum owners_ask what, int fd, uint32_t *answer);

#endif
