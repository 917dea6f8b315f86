/*
 * tree.c - libyaml's events become a tree, or one located line.
 *
 * Nodes live in chunks freed together.  Repeated keys are found by sorting a
 * map's keys: no table that a hostile file could make collide.
 */
#include "tree_in.h"
#include "conf.h"

#include <stdlib.h>

enum { CHUNK_BYTES = 64 << 10 };

struct tree_chunk {
	struct tree_chunk *next;
	size_t used, cap;
	_Alignas(16) char bytes[];
};

void *
tree_alloc(struct tree *t, size_t n)
{
	struct tree_chunk *c = t->chunks;

	n = (n + 15) & ~(size_t)15;
	if (c == NULL || c->cap - c->used < n) {
		size_t cap = n > CHUNK_BYTES ? n : CHUNK_BYTES;

		c = malloc(sizeof *c + cap);
		if (c == NULL)
			return NULL;
		*c = (struct tree_chunk){.next = t->chunks, .cap = cap};
		t->chunks = c;
	}
	void *p = c->bytes + c->used;

	c->used += n;
	memset(p, 0, n);
	return p;
}

void
tree_free(struct tree *t)
{
	while (t->chunks != NULL) {
		struct tree_chunk *c = t->chunks;

		t->chunks = c->next;
		free(c);
	}
	t->root = NULL;
}

uint32_t
tree_line(const yaml_mark_t *m)
{
	return (uint32_t)m->line + 1;
}

uint32_t
tree_col(const yaml_mark_t *m)
{
	return (uint32_t)m->column + 1;
}

int
tree_out_of_memory(const struct builder *b)
{
	return place_fail(b->place, 1, 1, "out of memory");
}

/* The marked line.  libyaml counts characters, not bytes, so marks can't index. */
static const char *
marked_line(const struct builder *b, const yaml_mark_t *m)
{
	const char *s = b->text, *end = b->text + b->len;

	for (size_t line = 0; line < m->line && s < end; line++) {
		s += strcspn(s, "\r\n");
		s += s < end && s[0] == '\r' && s[1] == '\n' ? 2 : s < end;
	}
	return s;
}

/* The first tab in the white space that begins the line, or 0. */
static uint32_t
tab_in_indent(const char *line)
{
	size_t i = strspn(line, " ");

	return line[i] == '\t' ? (uint32_t)i + 1 : 0;
}

/* The byte at the mark. */
static char
marked_byte(const char *s, const yaml_mark_t *m)
{
	for (size_t col = 0; col < m->column && *s != '\0'; col++)
		for (s++; (*s & 0xc0) == 0x80; s++)
			;
	return *s;
}

/* libyaml's complaint in our form. */
static int
parser_fail(const struct builder *b)
{
	const yaml_parser_t *y = &b->parser;
	const yaml_mark_t *m = &y->problem_mark;
	const char *problem = y->problem != NULL ? y->problem : "cannot be parsed";
	const char *line = marked_line(b, m);
	uint32_t tab = tab_in_indent(line);
	char c = marked_byte(line, m);

	if (y->error == YAML_MEMORY_ERROR)
		return tree_out_of_memory(b);
	if (y->error == YAML_SCANNER_ERROR && tab != 0 && tab <= tree_col(m))
		return place_fail(b->place, tree_line(m), tab, "tab in indentation");
	if (y->error == YAML_SCANNER_ERROR && strstr(problem, "cannot start any token") != NULL &&
	    c > ' ')
		return place_fail(
		    b->place, tree_line(m), tree_col(m), "'%c' cannot start a value; quote it", c);
	if (strstr(problem, "expected <document start>") != NULL)
		return place_fail(b->place, tree_line(m), tree_col(m),
		    m->column == 0 ? "second document in file"
				   : "text after the end of the document");
	if (strstr(problem, "undefined tag handle") != NULL ||
	    (y->context != NULL && strstr(y->context, "anchor") != NULL))
		return place_fail(
		    b->place, tree_line(m), tree_col(m), "anchors and tags are not supported");
	if (y->context != NULL && y->context_mark.line != m->line)
		return place_fail(b->place, tree_line(m), tree_col(m),
		    "not YAML: %s (%s that began at line %u)", problem, y->context,
		    tree_line(&y->context_mark));
	return place_fail(b->place, tree_line(m), tree_col(m), "not YAML: %s", problem);
}

int
tree_no_anchors(const struct builder *b, const yaml_event_t *ev)
{
	return place_fail(b->place, tree_line(&ev->start_mark), tree_col(&ev->start_mark),
	    "anchors and tags are not supported");
}

/* Anchor and tag of the event, whatever its type; NULL when none. */
static void
event_props(const yaml_event_t *ev, const char **anchor, const char **tag)
{
	*anchor = *tag = NULL;
	if (ev->type == YAML_SCALAR_EVENT) {
		*anchor = (const char *)ev->data.scalar.anchor;
		*tag = (const char *)ev->data.scalar.tag;
	} else if (ev->type == YAML_SEQUENCE_START_EVENT) {
		*anchor = (const char *)ev->data.sequence_start.anchor;
		*tag = (const char *)ev->data.sequence_start.tag;
	} else if (ev->type == YAML_MAPPING_START_EVENT) {
		*anchor = (const char *)ev->data.mapping_start.anchor;
		*tag = (const char *)ev->data.mapping_start.tag;
	}
}

char *
tree_copy(struct tree *t, const char *s, size_t len)
{
	char *p = tree_alloc(t, len + 1);

	if (p != NULL && len > 0)
		memcpy(p, s, len);
	return p;
}

int
tree_count(const struct builder *b, const yaml_mark_t *m, uint32_t more)
{
	if (more <= TREE_NODES_MAX - b->tree->nodes) {
		b->tree->nodes += more;
		return 0;
	}
	return place_fail(b->place, tree_line(m), tree_col(m), "more than %d values in one file",
	    TREE_NODES_MAX);
}

/* A node for a scalar, list or map event, without children yet. */
static int
node_make(struct builder *b, const yaml_event_t *ev, struct tree_node **out)
{
	const yaml_mark_t *m = &ev->start_mark;
	const char *anchor, *tag;
	struct tree_node *n;
	int rc;

	event_props(ev, &anchor, &tag);
	if ((anchor != NULL && !b->allowed) || (tag != NULL && (tag[0] != '!' || tag[1] == '\0')))
		return tree_no_anchors(b, ev);
	rc = tree_count(b, m, 1);
	if (rc != 0)
		return rc;
	n = tree_alloc(b->tree, sizeof *n);
	if (n == NULL)
		return tree_out_of_memory(b);
	n->line = tree_line(m);
	n->col = tree_col(m);
	n->total = 1;
	n->type = ev->type == YAML_SEQUENCE_START_EVENT	 ? TREE_LIST
		  : ev->type == YAML_MAPPING_START_EVENT ? TREE_MAP
							 : TREE_SCALAR;
	if (tag != NULL && (n->tag = tree_copy(b->tree, tag + 1, strlen(tag + 1))) == NULL)
		return tree_out_of_memory(b);
	if (n->type == TREE_SCALAR) {
		const char *s = (const char *)ev->data.scalar.value;

		n->len = ev->data.scalar.length;
		n->plain = ev->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
		if (n->len > 0 && memchr(s, '\0', n->len) != NULL)
			return place_fail(b->place, n->line, n->col, "NUL byte in a string");
		if ((n->text = tree_copy(b->tree, s, n->len)) == NULL)
			return tree_out_of_memory(b);
	}
	*out = n;
	return 0;
}

/* By text, then by place. */
static int
key_cmp(const struct tree_node *a, const struct tree_node *b)
{
	int c = strcmp(a->text, b->text);

	if (c != 0)
		return c;
	if (a->line != b->line)
		return a->line < b->line ? -1 : 1;
	return a->col < b->col ? -1 : a->col > b->col;
}

static void
sift_down(const struct tree_node **list, size_t i, size_t n)
{
	for (size_t child; (child = 2 * i + 1) < n; i = child) {
		const struct tree_node *swap = list[i];

		if (child + 1 < n && key_cmp(list[child], list[child + 1]) < 0)
			child++;
		if (key_cmp(list[i], list[child]) >= 0)
			return;
		list[i] = list[child];
		list[child] = swap;
	}
}

/* Heap sort: libc's qsort asks the kernel for the size of memory, and the
 * system call filter has no ear for that. */
static void
sort_keys(const struct tree_node **list, size_t n)
{
	for (size_t i = n / 2; i > 0; i--)
		sift_down(list, i - 1, n);
	for (size_t end = n; end > 1; end--) {
		const struct tree_node *top = list[0];

		list[0] = list[end - 1];
		list[end - 1] = top;
		sift_down(list, 0, end - 1);
	}
}

/* Refuse a key that its map already has: the first one in the file. */
static int
keys_unique(const struct builder *b, const struct tree_node *map)
{
	const struct tree_node *bad = NULL, *first = NULL;
	const struct tree_node **list;
	char name[128];
	size_t n = 0;

	if (map->count < 2)
		return 0;
	list = calloc(map->count, sizeof(const struct tree_node *));
	if (list == NULL)
		return tree_out_of_memory(b);
	for (const struct tree_node *c = map->first; c != NULL; c = c->next)
		list[n++] = c->key;
	sort_keys(list, n);
	for (size_t i = 1; i < n; i++) {
		const struct tree_node *k = list[i];

		if (strcmp(list[i - 1]->text, k->text) != 0 ||
		    (i > 1 && strcmp(list[i - 2]->text, k->text) == 0))
			continue;
		if (bad == NULL || k->line < bad->line ||
		    (k->line == bad->line && k->col < bad->col)) {
			bad = k;
			first = list[i - 1];
		}
	}
	free(list);
	if (bad == NULL)
		return 0;
	err_escape(name, sizeof name, bad->text, bad->len);
	return place_fail(b->place, bad->line, bad->col, "key '%s' repeated, first at line %u",
	    name, first->line);
}

static int
key_check(const struct builder *b, const struct tree_node *k)
{
	if (k->type != TREE_SCALAR || k->tag != NULL)
		return place_fail(b->place, k->line, k->col, "a key must be a plain word");
	if (k->len == 0)
		return place_fail(b->place, k->line, k->col, "empty key");
	if (!b->allowed && alias_is_merge(k))
		return place_fail(b->place, k->line, k->col,
		    "anchors and tags are not supported (merge key '<<')");
	return 0;
}

static int build(struct builder *b, struct tree_node **out, bool *ended);

void
tree_append(struct tree_node *parent, struct tree_node *n)
{
	if (parent->last != NULL)
		parent->last->next = n;
	else
		parent->first = n;
	parent->last = n;
	parent->count++;
	parent->total += n->total;
	if (n->height + 1 > parent->height)
		parent->height = n->height + 1;
}

/* Children up to the end of the list or map. */
static int
build_children(struct builder *b, struct tree_node *parent)
{
	const struct tree_node *merged = NULL;

	for (;;) {
		struct tree_node *key = NULL, *n = NULL;
		bool ended = false;
		int rc = build(b, &n, &ended);

		if (rc == 0 && ended && parent->type == TREE_MAP)
			rc = keys_unique(b, parent);
		if (rc == 0 && ended && merged != NULL)
			rc = alias_merge(b, parent, merged);
		if (rc != 0 || ended)
			return rc;
		if (parent->type == TREE_MAP) {
			key = n;
			rc = key_check(b, key);
			if (rc == 0)
				rc = build(b, &n, &ended);
			if (rc != 0)
				return rc;
		}
		n->key = key;
		if (key == NULL || !alias_is_merge(key)) {
			tree_append(parent, n);
			continue;
		}
		if (merged != NULL)
			return place_fail(b->place, key->line, key->col,
			    "key '<<' repeated; give it a list");
		merged = n;
	}
}

/* One node with all below it; *ended when the next event ends a collection. */
static int
build(struct builder *b, struct tree_node **out, bool *ended)
{
	const char *anchor, *tag;
	yaml_event_t ev;
	bool alias;
	int rc;

	if (!yaml_parser_parse(&b->parser, &ev))
		return parser_fail(b);
	*ended = ev.type == YAML_SEQUENCE_END_EVENT || ev.type == YAML_MAPPING_END_EVENT;
	alias = ev.type == YAML_ALIAS_EVENT;
	rc = *ended ? 0 : alias ? alias_make(b, &ev, out) : node_make(b, &ev, out);
	if (rc == 0 && !*ended && !alias && (*out)->type != TREE_SCALAR) {
		if (++b->depth > CONF_DEPTH_MAX)
			rc = place_fail(b->place, (*out)->line, (*out)->col,
			    "nesting deeper than %d", CONF_DEPTH_MAX);
		else
			rc = build_children(b, *out);
		b->depth--;
	}
	event_props(&ev, &anchor, &tag);
	if (rc == 0 && anchor != NULL)
		rc = alias_name(b, anchor, *out);
	yaml_event_delete(&ev);
	return rc;
}

/* The stream: at most one document, no directives that rename tags. */
static int
build_stream(struct builder *b)
{
	yaml_event_t ev;
	bool done = false, ended;
	int rc = 0, documents = 0;

	while (rc == 0 && !done) {
		if (!yaml_parser_parse(&b->parser, &ev))
			return parser_fail(b);
		if (ev.type == YAML_STREAM_END_EVENT) {
			done = true;
		} else if (ev.type == YAML_DOCUMENT_START_EVENT) {
			if (documents++ > 0)
				rc = place_fail(b->place, tree_line(&ev.start_mark),
				    tree_col(&ev.start_mark), "second document in file");
			else if (ev.data.document_start.tag_directives.start !=
				 ev.data.document_start.tag_directives.end)
				rc = tree_no_anchors(b, &ev);
			else
				rc = build(b, &b->tree->root, &ended);
		}
		yaml_event_delete(&ev);
	}
	return rc;
}

int
tree_parse(struct tree *t, const struct place *p, const char *text, size_t len, bool anchors)
{
	struct builder b = {
	    .tree = t, .place = p, .text = text, .len = len, .allowed = anchors};
	struct tree_node *root;
	int rc;

	memset(t, 0, sizeof *t);
	if (!yaml_parser_initialize(&b.parser))
		return tree_out_of_memory(&b);
	yaml_parser_set_encoding(&b.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&b.parser, (const unsigned char *)text, len);
	rc = build_stream(&b);
	yaml_parser_delete(&b.parser);
	root = t->root;
	if (rc != 0 ||
	    (root != NULL && (root->type != TREE_SCALAR || root->len > 0 || !root->plain)))
		return rc;
	/* Nothing but comments: an empty map. */
	if (root == NULL && (root = tree_alloc(t, sizeof *root)) == NULL)
		return tree_out_of_memory(&b);
	root->type = TREE_MAP;
	root->line = root->col = 1;
	root->plain = false;
	t->root = root;
	return 0;
}
