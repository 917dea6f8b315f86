/*
 * A walk that never leaves the directory it was given: every step is an
 * openat2 below the last descriptor, without symlinks, so a tree that changes
 * under us can be refused but can't lead us elsewhere.
 */
#include "tree.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../base/own.h"

enum { ENTRIES_MAX = 4 * TREE_FILES_MAX }; /* leftovers count here */

struct walk {
	const char *dir;  /* as given, for messages */
	size_t entries;	  /* seen, of every kind */
	struct tree *tree; /* tree_read */
	size_t cap;
	struct hash *stat; /* tree_stat_hash */
	struct err *err;
};

/* A path for a message: below dir, and harmless for a terminal. */
struct label {
	char s[300];
};

static struct label
label(const struct walk *w, const char *path)
{
	struct label l;
	char both[TREE_PATH_CAP + 256];
	bool top = strcmp(w->dir, ".") == 0;

	snprintf(both, sizeof both, "%s%s%s", top ? "" : w->dir,
	    top || *path == '\0' ? "" : "/", path);
	err_escape(l.s, sizeof l.s, both[0] == '\0' ? "." : both,
	    both[0] == '\0' ? 1 : strlen(both));
	return l;
}

static int
open_below(int fd, const char *name, uint64_t flags)
{
	struct open_how how = {
		.flags = flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
	int rc;

	/* EAGAIN: a rename raced with the walk. */
	for (int i = 0; i < 10; i++) {
		rc = (int)syscall(SYS_openat2, fd, name, &how, sizeof how);
		if (rc >= 0 || (errno != EAGAIN && errno != EINTR))
			break;
	}
	return rc;
}

/* Editors' and version control's, not the author's. */
static bool
leftover(const char *name)
{
	size_t n = strlen(name);

	return name[0] == '.' || name[n - 1] == '~' ||
	    (n > 1 && name[0] == '#' && name[n - 1] == '#');
}

static int
open_failed(const struct walk *w, const char *path, int e)
{
	if (e == ELOOP)
		return err_set(w->err, EXIT_CONFIG, "%s is a symlink: a tree must hold the "
		    "files themselves", label(w, path).s);
	if (e == EACCES)
		return err_set(w->err, EXIT_CONFIG, "%s: Permission denied: uid %u, as which "
		    "meshd-engine runs, must be able to read it: chmod o+rX", label(w, path).s, geteuid());
	return err_set(w->err, EXIT_CONFIG, "%s: %s", label(w, path).s, strerror(e));
}

/* --- reading --------------------------------------------------------------- */

static int
read_bytes(const struct walk *w, int fd, const char *path, const struct stat *st,
    uint8_t **out)
{
	AUTO_FREE uint8_t *buf = NULL;
	size_t size = (size_t)st->st_size, got = 0;
	struct stat after;

	buf = malloc(size + 1);
	if (buf == NULL)
		return err_set(w->err, EXIT_CONFIG, "%s: out of memory", label(w, path).s);
	while (got < size + 1) { /* one more: it must be the end */
		ssize_t n = read(fd, buf + got, size + 1 - got);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return open_failed(w, path, errno);
		if (n == 0)
			break;
		got += (size_t)n;
	}
	if (got != size || fstat(fd, &after) != 0 || after.st_size != st->st_size ||
	    after.st_mtim.tv_sec != st->st_mtim.tv_sec ||
	    after.st_mtim.tv_nsec != st->st_mtim.tv_nsec)
		return err_set(w->err, EXIT_CONFIG, "%s: changed while it was read",
		    label(w, path).s);
	buf[size] = 0;
	*out = buf;
	buf = NULL;
	return 0;
}

static int
add(struct walk *w, const char *path, uint8_t **data, size_t len)
{
	struct tree *t = w->tree;

	if (t->count == w->cap) {
		size_t cap = w->cap == 0 ? 16 : w->cap * 2;
		struct tree_file *f = reallocarray(t->files, cap, sizeof *f);

		if (f == NULL)
			return err_set(w->err, EXIT_CONFIG, "%s: out of memory",
			    label(w, path).s);
		t->files = f;
		w->cap = cap;
	}
	char *copy = strdup(path);

	if (copy == NULL)
		return err_set(w->err, EXIT_CONFIG, "%s: out of memory", label(w, path).s);
	t->files[t->count++] = (struct tree_file){ copy, *data, len };
	t->bytes += len;
	*data = NULL;
	return 0;
}

static int
take_file(struct walk *w, int fd, const char *path, const struct stat *st)
{
	AUTO_FREE uint8_t *data = NULL;
	int rc;

	if (st->st_size > TREE_FILE_BYTES_MAX)
		return err_set(w->err, EXIT_CONFIG, "%s: %lld bytes, at most %d",
		    label(w, path).s, (long long)st->st_size, (int)TREE_FILE_BYTES_MAX);
	if (w->tree->count == TREE_FILES_MAX)
		return err_set(w->err, EXIT_CONFIG, "%s: more than %d files in one tree",
		    label(w, path).s, (int)TREE_FILES_MAX);
	if (w->tree->bytes + (size_t)st->st_size > TREE_BYTES_MAX)
		return err_set(w->err, EXIT_CONFIG, "%s: more than %d bytes in one tree",
		    label(w, path).s, (int)TREE_BYTES_MAX);
	rc = read_bytes(w, fd, path, st, &data);
	return rc != 0 ? rc : add(w, path, &data, (size_t)st->st_size);
}

static int walk_dir(struct walk *w, int dir_fd, const char *path, int depth);

static int
read_entry(struct walk *w, int dir_fd, const char *name, const char *path, int depth)
{
	AUTO_CLOSE int fd = -1;
	char seen[TREE_PATH_CAP];
	struct stat st;

	err_escape(seen, sizeof seen, path, strlen(path));
	if (strcmp(seen, path) != 0)
		return err_set(w->err, EXIT_CONFIG, "%s: a name must be plain UTF-8 text",
		    label(w, path).s);
	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return open_failed(w, path, errno);
	if (S_ISLNK(st.st_mode))
		return open_failed(w, path, ELOOP);
	if (!S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode))
		return err_set(w->err, EXIT_CONFIG, "%s is not a regular file",
		    label(w, path).s);
	fd = open_below(dir_fd, name, O_RDONLY);
	if (fd < 0 || fstat(fd, &st) != 0)
		return open_failed(w, path, errno);
	if (S_ISREG(st.st_mode))
		return take_file(w, fd, path, &st);
	if (!S_ISDIR(st.st_mode))
		return err_set(w->err, EXIT_CONFIG, "%s: changed while it was read",
		    label(w, path).s);
	if (depth == TREE_DEPTH_MAX)
		return err_set(w->err, EXIT_CONFIG, "%s: more than %d directories deep",
		    label(w, path).s, (int)TREE_DEPTH_MAX);
	return walk_dir(w, fd, path, depth + 1);
}

/* --- fingerprint ----------------------------------------------------------- */

/* Entries are combined by exclusive or: the order of a directory is its own. */
static int
stat_entry(struct walk *w, int dir_fd, const char *name, const char *path, int depth)
{
	struct stat st;
	uint8_t sum[HASH_BYTES];
	crypto_generichash_state h;

	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return errno == ENOENT ? 0 : open_failed(w, path, errno);
	int64_t facts[] = {
		(int64_t)st.st_mode, st.st_size, (int64_t)st.st_ino,
		S_ISDIR(st.st_mode) ? 0 : st.st_mtim.tv_sec,
		S_ISDIR(st.st_mode) ? 0 : st.st_mtim.tv_nsec,
		S_ISDIR(st.st_mode) ? 0 : st.st_ctim.tv_sec,
		S_ISDIR(st.st_mode) ? 0 : st.st_ctim.tv_nsec,
	};

	if (S_ISDIR(st.st_mode))
		facts[1] = 0;
	crypto_generichash_init(&h, NULL, 0, sizeof sum);
	crypto_generichash_update(&h, (const uint8_t *)facts, sizeof facts);
	crypto_generichash_update(&h, (const uint8_t *)path, strlen(path));
	crypto_generichash_final(&h, sum, sizeof sum);
	for (size_t i = 0; i < sizeof sum; i++)
		w->stat->b[i] ^= sum[i];
	if (!S_ISDIR(st.st_mode) || depth == TREE_DEPTH_MAX)
		return 0;
	AUTO_CLOSE int fd = open_below(dir_fd, name, O_RDONLY | O_DIRECTORY);

	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR || errno == ELOOP ? 0 :
		    open_failed(w, path, errno);
	return walk_dir(w, fd, path, depth + 1);
}

/* --- both ------------------------------------------------------------------ */

static int
walk_dir(struct walk *w, int dir_fd, const char *path, int depth)
{
	AUTO_CLOSEDIR DIR *d = NULL;
	char below[TREE_PATH_CAP];
	struct dirent *e;
	int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc = 0;

	if (fd < 0 || (d = fdopendir(fd)) == NULL) {
		rc = open_failed(w, path, errno);
		own_close_(&fd);
		return rc;
	}
	while (rc == 0 && (errno = 0, e = readdir(d)) != NULL) {
		int n;

		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		if (++w->entries > ENTRIES_MAX)
			return err_set(w->err, EXIT_CONFIG, "%s: more than %d entries in one "
			    "tree", label(w, path).s, (int)ENTRIES_MAX);
		if (leftover(e->d_name))
			continue;
		n = snprintf(below, sizeof below, "%s%s%s", path, *path == '\0' ? "" : "/",
		    e->d_name);
		if (n < 0 || (size_t)n >= sizeof below)
			return err_set(w->err, EXIT_CONFIG, "%s: path too long, at most %d "
			    "bytes", label(w, path).s, (int)TREE_PATH_CAP - 1);
		rc = w->tree != NULL ? read_entry(w, dir_fd, e->d_name, below, depth) :
				       stat_entry(w, dir_fd, e->d_name, below, depth);
	}
	if (rc == 0 && errno != 0)
		rc = open_failed(w, path, errno);
	return rc;
}

static int
by_path(const void *a, const void *b)
{
	return strcmp(((const struct tree_file *)a)->path,
	    ((const struct tree_file *)b)->path);
}

/* Lengths go in, so that no two trees give the same bytes to hash. */
static void
hash_tree(struct tree *t)
{
	crypto_generichash_state h;

	crypto_generichash_init(&h, NULL, 0, HASH_BYTES);
	for (size_t i = 0; i < t->count; i++) {
		const struct tree_file *f = &t->files[i];
		uint64_t lens[2] = { strlen(f->path), f->len };
		uint8_t le[16];

		for (int j = 0; j < 16; j++)
			le[j] = (uint8_t)(lens[j / 8] >> (8 * (j % 8)));
		crypto_generichash_update(&h, le, sizeof le);
		crypto_generichash_update(&h, (const uint8_t *)f->path, lens[0]);
		crypto_generichash_update(&h, f->data, f->len);
	}
	crypto_generichash_final(&h, t->hash.b, HASH_BYTES);
}

int
tree_read(int base_fd, const char *dir, struct tree *out, struct err *err)
{
	struct walk w = { .dir = dir, .tree = out, .err = err };
	AUTO_CLOSE int fd = -1;
	int rc;

	memset(out, 0, sizeof *out);
	fd = open_below(base_fd, dir, O_RDONLY | O_DIRECTORY);
	if (fd < 0)
		return open_failed(&w, "", errno);
	rc = walk_dir(&w, fd, "", 0);
	if (rc != 0) {
		tree_free(out);
		return rc;
	}
	if (out->count > 0)
		qsort(out->files, out->count, sizeof *out->files, by_path);
	hash_tree(out);
	return 0;
}

void
tree_free(struct tree *t)
{
	for (size_t i = 0; i < t->count; i++) {
		free(t->files[i].path);
		free(t->files[i].data);
	}
	free(t->files);
	memset(t, 0, sizeof *t);
}

const struct tree_file *
tree_find(const struct tree *t, const char *path)
{
	struct tree_file key = { .path = (char *)(uintptr_t)path };

	if (t->count == 0)
		return NULL;
	return bsearch(&key, t->files, t->count, sizeof *t->files, by_path);
}

int
tree_stat_hash(int base_fd, const char *dir, struct hash *out, struct err *err)
{
	struct walk w = { .dir = dir, .stat = out, .err = err };
	AUTO_CLOSE int fd = -1;

	memset(out, 0, sizeof *out);
	fd = open_below(base_fd, dir, O_RDONLY | O_DIRECTORY);
	if (fd < 0)
		return errno == ENOENT ? 0 : open_failed(&w, "", errno);
	out->b[0] = 1; /* there, but empty */
	return walk_dir(&w, fd, "", 0);
}
