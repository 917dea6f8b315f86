/*
 * helper.h - one run of meshd-conf: a YAML file in, flat records out.
 *
 * The helper runs as another user, without a capability, with the file as its
 * stdin and nothing else.  Its answer goes to a memfd, so nobody waits on a
 * pipe: the supervisor polls pidfd, and when it is readable calls
 * helper_finish.  One that hangs is killed at the deadline.
 */
#ifndef SUPERVISOR_HELPER_H
#define SUPERVISOR_HELPER_H

#include <sys/types.h>

#include "strays.h"

enum { HELPER_MS_MAX = 5000, HELPER_NOTES_CAP = 4096 };

struct helper {
	int pidfd; /* -1: none runs */
	int out_fd, err_fd;
	msec deadline;
	bool late;
	struct strays *strays; /* borrowed: where it goes if it does not end, or NULL */
	bool secret; /* its answer is wiped, not only closed */
	char display[512];
};

void helper_new(struct helper *h);
/* program: an fd of meshd-conf; yaml: open for reading, or O_PATH, borrowed, as strays is, till
 * it is finished or cancelled. */
MUST_CHECK int helper_start(struct helper *h, struct strays *strays, int program,
    uid_t uid, gid_t gid, const char *kind, const char *display, int yaml, msec now,
    struct err *err);
/* Kill it if its deadline has passed. */
void helper_tick(struct helper *h, msec now);
/* After pidfd became readable.  *out (free it) is a flat document, not yet
 * opened.  notes (HELPER_NOTES_CAP, or NULL: they go to the log): what the
 * helper says of keys that are treated otherwise than by lithos, escaped, each
 * line with its newline.  Negative: *err is the helper's own line, escaped. */
MUST_CHECK int helper_finish(struct helper *h, uint8_t **out, size_t *len,
    char *notes, struct err *err);
/* Start, wait, finish: where there is nothing else to do. */
MUST_CHECK int helper_run(int program, uid_t uid, gid_t gid, const char *kind,
    const char *display, int yaml, char *notes, uint8_t **out, size_t *len,
    struct err *err);
/* As helper_start, of `try`: do these sealed secrets open?  The answer is empty. */
MUST_CHECK int helper_try_secrets(struct helper *h, struct strays *strays, int program,
    uid_t uid, gid_t gid, const char *display, int sealed, int key, msec now,
    struct err *err);
/* As helper_run, of `open` (daemon/conf/secret.h): sealed secrets in, the plain ones
 * out, in no other memory of ours than *out.  key is its descriptor 3.  Asked by
 * who is to become a process of a container. */
MUST_CHECK int helper_open_secrets(int program, uid_t uid, gid_t gid,
    const char *display, int sealed, int key, char **out, size_t *len,
    struct err *err);
/* Kill and forget: who reads from a hostile image may not end before that lets him. */
void helper_cancel(struct helper *h);

/* Open a file of the administrator's for a helper: regular, root's, writable
 * by nobody else.  The fd, or negative and `PATH: why`. */
MUST_CHECK int helper_open_yaml(int dir, const char *name, const char *display,
    struct err *err);

#endif
