/*
 * An image is a directory with a /proc to mount on, the one thing that each must
 * have; what has none may hold images of more levels, or be one that can't be
 * looked into.  Or it is a file, erofs or squashfs: by its name's end, or, where it
 * has none, by its first bytes.
 *
 * Facts are read seldom and sent whole, so lists are bounded and sorted: two
 * nodes with the same files tell the same bytes.
 */
#include "facts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "../base/name.h"
#include "../base/own.h"

enum { LOOKS_MAX = 4096 }; /* directories and files below images-dir */

/* Rows of cap bytes each, count of them used. */
struct names {
	char *rows;
	size_t cap;
	uint32_t *count;
};

static int
by_text(const void *a, const void *b)
{
	return strcmp(a, b);
}

static bool
is_kind(int fd, const struct dirent *e, bool dirs)
{
	struct stat st;

	if (e->d_type == DT_DIR || e->d_type == DT_REG)
		return (e->d_type == DT_DIR) == dirs;
	if (e->d_type != DT_UNKNOWN)
		return false;
	return fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    (dirs ? S_ISDIR(st.st_mode) : S_ISREG(st.st_mode));
}

/* Length of the name to tell, or 0. */
static size_t
told(int fd, const struct dirent *e, const char *suffix, bool image, bool dirs)
{
	size_t n = strlen(e->d_name), s = strlen(suffix);

	if (n <= s || strcmp(e->d_name + n - s, suffix) != 0 ||
	    !(image ? name_image_part_ok : name_ok)(e->d_name, n - s) ||
	    !is_kind(fd, e, dirs))
		return 0;
	return n - s;
}

/*
 * Keeps the VIEW_LIST_MAX smallest names whatever the order of the directory:
 * a full list is sorted once, then a smaller name takes the largest one's
 * place.
 */
static void
keep(const struct names *l, const char *name, size_t len)
{
	char text[VIEW_IMAGE_CAP];
	size_t at, cap = l->cap;

	if (len >= cap)
		return;
	memcpy(text, name, len);
	text[len] = '\0';
	if (*l->count < VIEW_LIST_MAX) {
		snprintf(l->rows + *l->count * cap, cap, "%s", text);
		if (++*l->count == VIEW_LIST_MAX)
			qsort(l->rows, *l->count, cap, by_text);
		return;
	}
	if (strcmp(text, l->rows + (VIEW_LIST_MAX - 1) * cap) >= 0)
		return;
	for (at = VIEW_LIST_MAX - 1; at > 0 && strcmp(l->rows + (at - 1) * cap, text) > 0; at--)
		memcpy(l->rows + at * cap, l->rows + (at - 1) * cap, cap);
	snprintf(l->rows + at * cap, cap, "%s", text);
}

static bool
has_magic(int fd, const char *name)
{
	static const uint8_t erofs[] = {0xe2, 0xe1, 0xf5, 0xe0}, squashfs[] = {'h', 's', 'q', 's'};
	uint8_t head[1028];
	AUTO_CLOSE int f = openat(fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	return f >= 0 && pread(f, head, sizeof head, 0) == (ssize_t)sizeof head &&
	    (memcmp(head, squashfs, sizeof squashfs) == 0 ||
		memcmp(head + 1024, erofs, sizeof erofs) == 0);
}

/* Of a file that is an image: the length of the image's name, or 0.  Two things of
 * one name are told once. */
static size_t
told_file(int fd, const struct dirent *e, int *looks)
{
	char name[VIEW_IMAGE_CAP];
	struct stat st;
	size_t erofs = told(fd, e, ".erofs", true, false), n = erofs > 0 ? erofs :
							 told(fd, e, ".squashfs", true, false);

	if (n == 0)
		return told(fd, e, "", true, false) > 0 && (*looks)-- > 0 && has_magic(fd, e->d_name) ?
		    strlen(e->d_name) :
		    0;
	if (n + sizeof ".erofs" > sizeof name)
		return 0;
	snprintf(name, sizeof name, "%.*s", (int)n, e->d_name);
	if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return 0;
	snprintf(name, sizeof name, "%.*s.erofs", (int)n, e->d_name);
	return erofs > 0 || fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0 ? n : 0;
}

static bool look(int dir_fd, const char *last, const char *name, int level, const struct names *l, int *looks);

/* Keeps the image, or those, that this entry of fd is; above: the names of the levels
 * above it, each with its '/'. */
static bool
look_at(int fd, const struct dirent *e, const char *above, int level, const struct names *l, int *looks)
{
	size_t dir = told(fd, e, "", true, true), n = dir > 0 ? dir : told_file(fd, e, looks);
	char name[VIEW_IMAGE_CAP];

	if (n == 0 || (size_t)snprintf(name, sizeof name, "%s%.*s", above, (int)n, e->d_name) >= sizeof name)
		return false;
	if (dir > 0)
		return look(fd, e->d_name, name, level, l, looks);
	keep(l, name, strlen(name));
	return true;
}

/* Keeps name, or the images below it; false: there is none.  Below the first
 * level nothing is an error: who made it unreadable for us has his reasons. */
static bool
look(int dir_fd, const char *last, const char *name, int level, const struct names *l, int *looks)
{
	AUTO_CLOSEDIR DIR *d = NULL;
	char above[VIEW_IMAGE_CAP];
	struct dirent *e;
	struct stat st;
	bool found = false;
	int fd = -1;

	if ((*looks)-- > 0)
		fd = openat(dir_fd, last, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0 && (d = fdopendir(fd)) == NULL)
		own_close_(&fd);
	if (d != NULL && fstatat(fd, "proc", &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode)) {
		keep(l, name, strlen(name));
		return true;
	}
	while (d != NULL && level < VIEW_IMAGE_LEVELS_MAX && (e = readdir(d)) != NULL)
		if ((size_t)snprintf(above, sizeof above, "%s/", name) < sizeof above)
			found = look_at(fd, e, above, level + 1, l, looks) || found;
	if (!found && level == 1)
		keep(l, name, strlen(name));
	return found;
}

static int
names(int dir_fd, const char *what, const char *suffix, bool dirs, size_t cap,
    void **out, uint32_t *count, struct err *err)
{
	AUTO_CLOSEDIR DIR *d = NULL;
	AUTO_FREE char *list = NULL;
	struct names l = {.cap = cap, .count = count};
	struct dirent *e;
	int fd, looks = LOOKS_MAX;

	fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || (d = fdopendir(fd)) == NULL) {
		int e2 = errno;

		own_close_(&fd);
		return err_set(err, EXIT_STATE, "read %s: %s", what, strerror(e2));
	}
	list = calloc(VIEW_LIST_MAX, cap);
	if (list == NULL)
		return err_set(err, EXIT_STATE, "read %s: out of memory", what);
	l.rows = list;
	while (errno = 0, (e = readdir(d)) != NULL) {
		size_t n = dirs ? 0 : told(fd, e, suffix, false, false);

		if (dirs)
			(void)look_at(fd, e, "", 1, &l, &looks);
		else if (n > 0)
			keep(&l, e->d_name, n);
	}
	if (errno != 0)
		return err_set(err, EXIT_STATE, "read %s: %s", what, strerror(errno));
	if (*count < VIEW_LIST_MAX)
		qsort(list, *count, cap, by_text);
	*out = list;
	list = NULL;
	return 0;
}

int
facts_fill(struct view_facts *out, int images_fd, int sandboxes_fd, struct err *err)
{
	struct utsname u;
	long cpus = sysconf(_SC_NPROCESSORS_ONLN), pages = sysconf(_SC_PHYS_PAGES),
	     page = sysconf(_SC_PAGESIZE);
	void *list = NULL;
	int rc = 0;

	memset(out, 0, sizeof *out);
	if (uname(&u) == 0) {
		snprintf(out->arch, sizeof out->arch, "%.15s", u.machine);
		snprintf(out->kernel, sizeof out->kernel, "%.63s", u.release);
	}
	out->cpus = cpus > 0 ? (uint32_t)cpus : 1;
	if (pages > 0 && page > 0)
		out->memory_bytes = (uint64_t)pages * (uint64_t)page;
	if (images_fd >= 0) {
		rc = names(images_fd, "images-dir", "", true, sizeof *out->images, &list,
		    &out->images_count, err);
		out->images = list;
	}
	list = NULL;
	if (rc == 0 && sandboxes_fd >= 0) {
		rc = names(sandboxes_fd, "sandboxes-dir", ".yaml", false,
		    sizeof *out->sandboxes, &list, &out->sandboxes_count, err);
		out->sandboxes = list;
	}
	if (rc != 0)
		facts_free(out);
	return rc;
}

void
facts_free(struct view_facts *f)
{
	free(f->images);
	free(f->sandboxes);
	memset(f, 0, sizeof *f);
}
