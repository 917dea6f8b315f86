/*
 * tree.h - a config tree (scheduler scripts, one role's templates) read into
 * memory whole, so that what runs is exactly what was hashed.  Regular files
 * only, never through a symlink; hidden files and editors' leftovers
 * (.x  x~  #x#) are not part of a tree.
 */
#ifndef IO_TREE_H
#define IO_TREE_H

#include "../../gossip/base.h"
#include "../base/err.h"

enum {
	TREE_FILES_MAX = 4096,
	TREE_FILE_BYTES_MAX = 1 << 20,
	TREE_BYTES_MAX = 16 << 20,
	TREE_DEPTH_MAX = 8,
	TREE_PATH_CAP = 512,
};

struct tree_file {
	char *path;    /* relative, '/' between parts */
	uint8_t *data; /* owned; a NUL follows the last byte */
	size_t len;
};

struct tree {
	struct tree_file *files; /* sorted by path as bytes */
	size_t count, bytes;
	struct hash hash; /* of all paths and contents; not of times or modes */
};

/*
 * Read dir (relative to base_fd; "." = base_fd itself).  base_fd is borrowed.
 * EXIT_CONFIG with the path in the line: missing, a symlink, not a regular
 * file, too big, too many, too deep, changed while being read.  *out is then
 * empty.
 */
MUST_CHECK int tree_read(int base_fd, const char *dir, struct tree *out,
    struct err *err);
void tree_free(struct tree *t);
const struct tree_file *tree_find(const struct tree *t, const char *path);

/*
 * A cheap fingerprint (names, kinds, sizes, times, inodes) to ask each second
 * whether tree_read is worth it.  A missing directory is all zero and no
 * error; a change that keeps all of these is not seen.
 */
MUST_CHECK int tree_stat_hash(int base_fd, const char *dir, struct hash *out,
    struct err *err);

#endif
