/*
 * authors.h - what the verbs for authors of schedulers share: where the script tree is,
 * and its bounds there.
 */
#ifndef CLI_AUTHORS_H
#define CLI_AUTHORS_H

#include "sandbox.h"

enum { AUTHORS_PATH_CAP = 4096 };

/* A simulation computes many rounds: more than one round of a daemon may take. */
enum { AUTHORS_HEAP_BYTES = 256 << 20, AUTHORS_CPU_MS = 10 * 1000, AUTHORS_WALL_MS = 60 * 1000 };

struct authors_tree {
	char dir[AUTHORS_PATH_CAP];   /* as it was named, or found */
	char entry[TREE_PATH_CAP];    /* the file in it that was named; "" = the whole of it */
	struct tree tree;
};

/*
 * named: a script tree, a config directory that holds one as scheduler-scripts/, or a file
 * in a tree, whose top is the nearest directory upwards that has main.lua; NULL = ".".
 * 0 and a tree to tree_free, or EXIT_CONFIG with the path in the line.
 */
MUST_CHECK int authors_read(const char *named, struct authors_tree *out, struct err *err);

#endif
