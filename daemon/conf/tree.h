/*
 * tree.h - YAML as a small tree: maps, lists and scalars with their places.
 *
 * Built from libyaml's events, never its document loader: we stop at depth 64
 * (libyaml takes 11 s for 80 kB of '['), refuse YAML's own tags, second
 * documents and repeated keys, and bound what is allocated.
 *
 * Anchors, aliases and merge keys ("<<") are lithos' users' habit, so they are
 * taken in lithos' files and refused in ours.  What an alias stands for counts
 * as if it were written there, in depth and in number: ten lines that mean a
 * billion values are refused like a billion values.
 */
#ifndef CONF_TREE_H
#define CONF_TREE_H

#include "place.h"

enum { TREE_NODES_MAX = 1 << 17, TREE_ANCHORS_MAX = 256, TREE_MERGED_MAX = 1024 };

enum tree_type { TREE_SCALAR, TREE_LIST, TREE_MAP };

struct tree_node {
	enum tree_type type;
	bool plain; /* scalar without quotes or '|' */
	uint32_t line, col;
	uint32_t count;	  /* children */
	uint32_t height;  /* of the collections in it; a scalar's is 0 */
	uint32_t total;	  /* it, and all below it */
	const char *tag;  /* local tag without '!', or NULL */
	const char *text; /* scalar: NUL-terminated, no NUL inside */
	size_t len;
	struct tree_node *key;		/* of a map's child: a scalar */
	struct tree_node *first, *last; /* children */
	struct tree_node *next;
};

struct tree {
	struct tree_node *root; /* an empty map for an empty document */
	struct tree_chunk *chunks;
	uint32_t nodes;
};

/* Refuse what is not plain UTF-8 text of at most CONF_BYTES_MAX. */
MUST_CHECK int text_check(const struct place *p, const char *text, size_t len);

/* Parse checked text, whose text[len] is a NUL; anchors: as in lithos' files.  0 or -EXIT_CONFIG;
 * tree_free is needed either way. */
MUST_CHECK int tree_parse(
    struct tree *t, const struct place *p, const char *text, size_t len, bool anchors);
void tree_free(struct tree *t);

#endif
