/*
 * quote.h - the functions a template quotes values with.
 *
 *	json(v) yaml(v)  one line of JSON (which is YAML too), keys sorted
 *	sh(v)            one shell word; of a list: words with spaces between
 *	quote(v)         "..." with \" and \\, as HAProxy and nginx read it
 *	html(v)          & < > " ' as entities
 *	lines(v)         a list, one item a line; or a text with newlines
 *
 * What sh() and lines() give is marked: it may hold newlines.
 */
#ifndef SCRIPT_QUOTE_H
#define SCRIPT_QUOTE_H

#include "../../gossip/base.h"

#include <lauxlib.h>

/* Add the functions to the table on top. */
void quote_open(lua_State *L);

/* The text of a marked value at idx, or NULL. */
const char *quote_marked(lua_State *L, int idx, size_t *len);
/* Does the text hold a byte that no line of a config may hold?  0 none, or the
 * byte ('\n' first of all); tab is fine. */
int quote_control(const char *s, size_t len);

#endif
