/*
 * alias.c - anchors, aliases and merge keys of lithos' files; see tree.h.
 *
 * A node is never shared, only what is below it: a copy has a place and a
 * neighbour of its own.  Nothing can stand in itself, so a walk ends.
 */
#include "tree_in.h"
#include "conf.h"

int
alias_name(struct builder *b, const char *name, const struct tree_node *n)
{
	struct anchor *a;

	if (++b->anchors_count > TREE_ANCHORS_MAX)
		return place_fail(
		    b->place, n->line, n->col, "more than %d anchors in one file", TREE_ANCHORS_MAX);
	a = tree_alloc(b->tree, sizeof *a);
	if (a == NULL || (a->name = tree_copy(b->tree, name, strlen(name))) == NULL)
		return tree_out_of_memory(b);
	a->node = n;
	a->next = b->anchors;
	b->anchors = a;
	return 0;
}

static struct tree_node *
copy_node(struct builder *b, const struct tree_node *from)
{
	struct tree_node *n = tree_alloc(b->tree, sizeof *n);

	if (n != NULL) {
		*n = *from;
		n->key = n->next = NULL;
	}
	return n;
}

int
alias_make(struct builder *b, const yaml_event_t *ev, struct tree_node **out)
{
	const char *name = (const char *)ev->data.alias.anchor;
	const yaml_mark_t *m = &ev->start_mark;
	const struct anchor *a = b->anchors;
	char shown[80];
	int rc;

	if (!b->allowed)
		return tree_no_anchors(b, ev);
	while (a != NULL && strcmp(a->name, name) != 0)
		a = a->next;
	if (a == NULL) {
		err_escape(shown, sizeof shown, name, strlen(name));
		return place_fail(b->place, tree_line(m), tree_col(m),
		    "'*%s' stands for nothing: there is no '&%s' before it", shown, shown);
	}
	if ((uint32_t)b->depth + a->node->height > CONF_DEPTH_MAX)
		return place_fail(b->place, tree_line(m), tree_col(m), "nesting deeper than %d",
		    CONF_DEPTH_MAX);
	rc = tree_count(b, m, a->node->total);
	if (rc != 0)
		return rc;
	*out = copy_node(b, a->node);
	if (*out == NULL)
		return tree_out_of_memory(b);
	(*out)->line = tree_line(m);
	(*out)->col = tree_col(m);
	return 0;
}

bool
alias_is_merge(const struct tree_node *k)
{
	return k->plain && strcmp(k->text, "<<") == 0;
}

/* The keys of one map that the map has not of its own, or of one before. */
static int
merge_one(struct builder *b, struct tree_node *map, const struct tree_node *from)
{
	if (from->type != TREE_MAP)
		return place_fail(b->place, from->line, from->col,
		    "'<<' needs a map, or a list of maps");
	if (from->count > TREE_MERGED_MAX || map->count > TREE_MERGED_MAX)
		return place_fail(b->place, from->line, from->col,
		    "'<<' with more than %d keys", TREE_MERGED_MAX);
	for (const struct tree_node *c = from->first; c != NULL; c = c->next) {
		const struct tree_node *own = map->first;
		struct tree_node *n;

		while (own != NULL && strcmp(own->key->text, c->key->text) != 0)
			own = own->next;
		if (own != NULL)
			continue;
		n = copy_node(b, c);
		if (n == NULL)
			return tree_out_of_memory(b);
		n->key = c->key;
		tree_append(map, n);
	}
	return 0;
}

/* What it brings was counted as the alias was. */
int
alias_merge(struct builder *b, struct tree_node *map, const struct tree_node *value)
{
	int rc = 0;

	if (value->type != TREE_LIST)
		return merge_one(b, map, value);
	for (const struct tree_node *v = value->first; v != NULL && rc == 0; v = v->next)
		rc = merge_one(b, map, v);
	return rc;
}
