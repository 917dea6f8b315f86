/*
 * given.h - what a template is given, to read and not to change: each table of it, at any
 * depth, is seen through a view, an empty table that reads from the real one.
 *
 * A view is made when somebody looks, once for each table; none is copied.
 */
#ifndef SCRIPT_GIVEN_H
#define SCRIPT_GIVEN_H

#include "../../gossip/base.h"

#include <lua.h>

/* Once, before all others. */
void given_open(lua_State *L);
/* The value on top: of a table its view, instead of it. */
void given_wrap(lua_State *L);
/* Of a view at idx its table, instead of it: for C that reads tables raw.  What is in it is
 * no view.  Returns whether it was one. */
bool given_unwrap(lua_State *L, int idx);
/* Raise that it, by the name of the key at idx, can't be set. */
int given_refuse(lua_State *L, int idx);

#endif
