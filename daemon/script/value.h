/*
 * value.h - between msgpack and Lua tables.
 */
#ifndef SCRIPT_VALUE_H
#define SCRIPT_VALUE_H

#include "../../gossip/base.h"

#include <lua.h>

struct mpw;

/* Push the value that buf holds.  Raises a Lua error for bytes that are not
 * msgpack, nest deeper than SCRIPT_DEPTH_MAX, or do not fit the heap.
 * nil items of a map are left out; binaries become strings. */
void value_push(lua_State *L, const void *buf, size_t len);

/* Pack the value at idx.  Keys of maps are sorted by bytes and lists are tables
 * with keys 1..n, so equal values give equal bytes; a new empty table is an
 * empty map.  Raises a Lua error that names the path, "return.nodes.a: cycle", for
 * anything a reader could not take back: functions, cycles, NaN, mixed keys,
 * text that is not UTF-8, depth over SCRIPT_DEPTH_MAX, more than
 * SCRIPT_KEYS_MAX keys, more than limit_bytes. */
void value_pack(lua_State *L, int idx, struct mpw *w, const char *root, size_t limit_bytes);

/* The one thing keys don't tell: an empty table that came as a list is still
 * one when it goes back. */
bool value_empty_list(lua_State *L, int idx);

/* Bytes of the UTF-8 at s that are valid: len when all are. */
size_t value_utf8(const char *s, size_t len);

#endif
