/*
 * walk.h - one walk over a tree along a schema: what walk.c (maps and lists)
 * and value.c (scalars) share.
 */
#ifndef CONF_WALK_H
#define CONF_WALK_H

#include "../base/flat.h"
#include "conf.h"
#include "place.h"
#include "schema.h"
#include "tree.h"

enum { WHERE_CAP = 160, SHOWN_CAP = 80 };

struct walk {
	struct place place;
	struct flat_out *out;
	struct conf_notes *notes; /* or NULL */
	bool lithos;
	char path[FLAT_PATH_BYTES_MAX + 1]; /* of the record being written */
	size_t path_len;
	char where[WHERE_CAP]; /* the same for people: "health.http" */
	size_t where_len;
};

/* Both return -EXIT_CONFIG.  walk_fail puts "health.interval: " in front. */
int walk_fail(struct walk *w, const struct tree_node *n, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
int walk_expected(struct walk *w, const struct tree_node *n, const char *what);

/* This is accepted, and becomes what `how` says. */
void walk_note(struct walk *w, const struct tree_node *n, const char *how);

/* The node's text, escaped and cut. */
void node_show(const struct tree_node *n, char *dst, size_t cap);
/* Does a YAML reader see text here, and nothing else? */
bool node_is_null(const struct tree_node *n);

/* Write a record at the path of now. */
int walk_put(
    struct walk *w, const struct tree_node *n, enum flat_type type, const void *value, size_t len);
int walk_put_int(struct walk *w, const struct tree_node *n, int64_t v);

/* Check and write one scalar of a field whose type is not a collection. */
int value_scalar(struct walk *w, const struct field *f, const struct tree_node *n);
/* A scalar by YAML's own types (T_ANY). */
int value_any(struct walk *w, const struct tree_node *n);
/* "a, b, c" */
void words_join(char *dst, size_t cap, const char *const *words);
bool words_have(const char *const *words, const char *s);

#endif
