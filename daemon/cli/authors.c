/*
 * authors.c - see authors.h.
 */
#include "authors.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../base/own.h"

static bool
has(const char *dir, const char *name)
{
	AUTO_CLOSE int fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct stat st;

	return fd >= 0 && fstatat(fd, name, &st, 0) == 0;
}

/* Of "/a/b/spec/x_spec.lua" the top is where main.lua is, else "/a/b/spec"; the rest is
 * the entry. */
static int
split(const char *file, struct authors_tree *out, struct err *err)
{
	AUTO_FREE char *path = realpath(file, NULL);
	size_t len, top = 0;

	if (path == NULL)
		return err_set(err, EXIT_CONFIG, "%.300s: %s", file, strerror(errno));
	len = strlen(path);
	for (size_t i = len; i-- > 1 && len < sizeof out->dir;) {
		if (path[i] != '/')
			continue;
		top = top == 0 ? i : top;
		snprintf(out->dir, sizeof out->dir, "%.*s", (int)i, path);
		if (has(out->dir, "main.lua")) {
			top = i;
			break;
		}
	}
	if (len >= sizeof out->dir || len - top > sizeof out->entry)
		return err_set(err, EXIT_CONFIG, "%.300s: path too long", file);
	snprintf(out->dir, sizeof out->dir, "%.*s", top == 0 ? 1 : (int)top, path);
	snprintf(out->entry, sizeof out->entry, "%.511s", path + top + 1);
	return 0;
}

int
authors_read(const char *named, struct authors_tree *out, struct err *err)
{
	const char *path = named != NULL ? named : ".";
	AUTO_CLOSE int fd = -1;
	struct stat st;
	int rc = 0;

	memset(out, 0, sizeof *out);
	if (stat(path, &st) != 0)
		return err_set(err, EXIT_CONFIG, "%.300s: %s", path, strerror(errno));
	if (!S_ISDIR(st.st_mode))
		rc = split(path, out, err);
	else if (!has(path, "main.lua") && has(path, "scheduler-scripts"))
		snprintf(out->dir, sizeof out->dir, "%.4000s/scheduler-scripts", path);
	else
		snprintf(out->dir, sizeof out->dir, "%.4095s", path);
	if (rc != 0)
		return rc;
	fd = open(out->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_set(err, EXIT_CONFIG, "%.300s: %s", out->dir, strerror(errno));
	rc = tree_read(fd, ".", &out->tree, err);
	if (rc != 0)
		err_prefix(err, "%.200s: ", out->dir);
	return rc;
}
