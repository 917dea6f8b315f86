/*
 * owned.c - see owned.h.
 */
#include "owned.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store_check.h"

/* All that the engine makes there (saving.h); its caller checks each when it opens it. */
static const struct {
	const char *path;
	const char *given; /* what to give back with it */
} ours[] = {
    {"identity.key", "identity.key"}, {"critical", "critical"}, {"keys", "keys"},
    {"certificate", "certificate"}, {"db.lock", "db.lock"}, {"db", "db"}, {"db/data.mdb", "db"},
};

static bool
denied(int state_fd, const char *path, struct stat *st)
{
	int wanted = R_OK | W_OK;

	if (fstatat(state_fd, path, st, AT_SYMLINK_NOFOLLOW) != 0)
		return false; /* absent, or in a `db` that was named already */
	if (S_ISDIR(st->st_mode))
		wanted |= X_OK;
	return faccessat(state_fd, path, wanted, AT_EACCESS | AT_SYMLINK_NOFOLLOW) != 0 &&
	    errno == EACCES;
}

int
owned_check(int state_fd, struct err *err)
{
	char names[128] = "";
	const char *last = "";
	struct stat st;
	uid_t whose = 0;

	for (size_t i = 0; i < ARRAY_LEN(ours); i++) {
		size_t at = strlen(names);

		if (!denied(state_fd, ours[i].path, &st) || strcmp(last, ours[i].given) == 0)
			continue;
		if (at == 0)
			whose = st.st_uid;
		last = ours[i].given;
		snprintf(names + at, sizeof names - at, "%s%s", at > 0 ? " " : "", last);
	}
	if (names[0] == '\0')
		return 0;
	return err_set(err, EXIT_STATE,
	    "%s: Permission denied (of uid %u, and meshd-engine runs as uid %u): put back as root? "
	    "cd %s && chown -R %u:%u %s",
	    names, whose, geteuid(), store_dir_name(state_fd).s, geteuid(), getegid(), names);
}
