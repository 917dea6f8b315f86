/*
 * programs.c - the other programs, opened once at start: an upgrade of the
 * files under a running daemon mixes no versions.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "programs.h"

/* Beside us, as after `make`; or ../libexec/mesh, as after `make install`. */
static const char *const places[] = {"", "../libexec/mesh/"};

static int
own_directory(char *out, size_t cap, struct err *err)
{
	ssize_t n = readlink("/proc/self/exe", out, cap - 1);

	if (n <= 0 || (size_t)n >= cap - 1)
		return err_set(err, EXIT_ENVIRONMENT,
		    "cannot read /proc/self/exe: %s; is /proc mounted?",
		    strerror(errno));
	out[n] = '\0';
	*(strrchr(out, '/') + 1) = '\0';
	return 0;
}

int
programs_open(const char *name, int flags, int *fd, struct err *err)
{
	char dir[PROGRAMS_PATH_CAP - 64], path[PROGRAMS_PATH_CAP];
	int rc = own_directory(dir, sizeof dir, err);

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		snprintf(path, sizeof path, "%s%s%s", dir, places[i], name);
		*fd = open(path, flags | O_CLOEXEC);
		if (*fd >= 0)
			return 0;
	}
	return err_set(err, EXIT_ENVIRONMENT,
	    "cannot find %s in %s or %s../libexec/mesh: %s", name, dir, dir,
	    strerror(errno));
}

int
programs_path(const char *name, char *path, size_t cap, struct err *err)
{
	char dir[PROGRAMS_PATH_CAP - 64];
	int rc = own_directory(dir, sizeof dir, err);

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		snprintf(path, cap, "%s%s%s", dir, places[i], name);
		if (access(path, X_OK) == 0)
			return 0;
	}
	return err_set(err, EXIT_ENVIRONMENT,
	    "cannot find %s in %s or %s../libexec/mesh", name, dir, dir);
}
