/*
 * renderdocs.h - what meshd-conf makes of the templates' render.yaml files, made ahead
 * when the templates are read: whoever renders starts with the templates themselves.
 * What is not here (too large, broken, not yet read) is asked for by who renders, and
 * that one has the error.
 */
#ifndef IO_RENDERDOCS_H
#define IO_RENDERDOCS_H

#include "trees.h"

enum { RENDERDOCS_MAX = 256, RENDERDOC_BYTES_MAX = 64 << 10 };

struct renderdocs;
/* All borrowed, until renderdocs_free.  NULL: no memory. */
MUST_CHECK struct renderdocs *renderdocs_new(uv_loop_t *loop, int conf_fd, const struct trees *t);
/* Nothing more is read; the loop may still have a handle to close.  NULL is fine. */
void renderdocs_free(struct renderdocs *d);
/* The trees moved, or were just read: what no template has any more is forgotten, what is
 * new is read, one after another. */
void renderdocs_look(struct renderdocs *d);
/* The document of a render.yaml with these bytes: valid until the next look; b NULL: it
 * is not here.  d may be NULL. */
struct slice renderdocs_find(const struct renderdocs *d, const uint8_t *yaml, size_t len);
/* Is one being read? */
bool renderdocs_busy(const struct renderdocs *d);

#endif
