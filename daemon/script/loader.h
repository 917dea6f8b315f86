/*
 * loader.h - chunks: from the request's files and the built-in library, as
 * text, and from nowhere else.
 */
#ifndef SCRIPT_LOADER_H
#define SCRIPT_LOADER_H

#include "job.h"

#include <lua.h>

/* Make require() a global.  job outlives L. */
void loader_open(lua_State *L, const struct job *job);
/* Push the chunk of a file, as a function.  Raises a Lua error with the file's
 * name: not there, precompiled, or a syntax error. */
void loader_chunk(lua_State *L, const struct job *job, const char *name, size_t len);
/* The text of a file of the request or of the library; NULL text if none. */
struct slice loader_text(const struct job *job, const char *name, size_t len);
/* require(name), for C. */
void loader_require(lua_State *L, const char *name);

#endif
