/*
 * tree_in.h - a tree in the making: what tree.c and alias.c share.
 */
#ifndef CONF_TREE_IN_H
#define CONF_TREE_IN_H

#include <yaml.h>

#include "tree.h"

/* A node that has a name: `&name value`. */
struct anchor {
	struct anchor *next;
	const char *name;
	const struct tree_node *node;
};

struct builder {
	struct tree *tree;
	struct anchor *anchors; /* the newest first: a name may be given again */
	uint32_t anchors_count;
	bool allowed; /* anchors, aliases, merge keys */
	const struct place *place;
	yaml_parser_t parser;
	const char *text; /* ends with a NUL */
	size_t len;
	int depth;
};

void *tree_alloc(struct tree *t, size_t n);
char *tree_copy(struct tree *t, const char *s, size_t len);
uint32_t tree_line(const yaml_mark_t *m);
uint32_t tree_col(const yaml_mark_t *m);
int tree_out_of_memory(const struct builder *b);
int tree_no_anchors(const struct builder *b, const yaml_event_t *ev);
/* So many nodes more: what is there, and what aliases stand for. */
int tree_count(const struct builder *b, const yaml_mark_t *m, uint32_t more);
/* To the end of a list or map. */
void tree_append(struct tree_node *parent, struct tree_node *n);

/* A whole node has a name from now on; before that it can't stand in itself. */
int alias_name(struct builder *b, const char *name, const struct tree_node *n);
/* `*name`: what that was, here. */
int alias_make(struct builder *b, const yaml_event_t *ev, struct tree_node **out);
/* Is this the key "<<"? */
bool alias_is_merge(const struct tree_node *key);
/* Its value, when all other keys of the map are known. */
int alias_merge(struct builder *b, struct tree_node *map, const struct tree_node *value);

#endif
