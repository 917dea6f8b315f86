/*
 * libs.h - the Lua that a script sees: an environment built from nothing.
 *
 * Every global and every library function is on an allow-list; the rest does
 * not exist.  Environment and libraries are read-only and strict: an unknown
 * name is an error with a "did you mean".  Iteration, sorting, random numbers
 * and the text of tables and functions are the same in every process.
 */
#ifndef SCRIPT_LIBS_H
#define SCRIPT_LIBS_H

#include "../../gossip/base.h"

#include <lua.h>

struct log_text;

/* Open the libraries into a fresh state and make the environment of every
 * chunk loaded later.  log takes what print() says; it outlives L. */
void libs_open(lua_State *L, uint64_t seed, struct log_text *log);

/* Add a global (value on top of the stack, popped). */
void libs_global(lua_State *L, const char *name);
/* Push the table of all globals (to read from, never to show). */
void libs_push_globals(lua_State *L);
/* Replace the table on top by a read-only, strict view of it.  what names it
 * in errors: "string has no 'frmat'; did you mean 'format'?" */
void libs_protect(lua_State *L, const char *what);
/* ": did you mean 'x'?" for a name that the table at idx does not have (its
 * string keys are the candidates), or "". */
void libs_suggest(lua_State *L, int idx, const char *name, char *out, size_t cap);
/* Is this a name that Lua has and we took away? */
bool libs_sandboxed(const char *name);
/* tostring() without addresses; pushes the string. */
const char *libs_tostring(lua_State *L, int idx, size_t *len);

#endif
