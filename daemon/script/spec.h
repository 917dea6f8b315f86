/*
 * spec.h - modes "test" and "lint": what an author runs before a daemon does.
 *
 * Both are Lua (scheduler-scripts/lib/spec.lua, lint.lua); here is only what a script
 * can't do by itself: be told where an error was, and compile without running.
 */
#ifndef SCRIPT_SPEC_H
#define SCRIPT_SPEC_H

#include "job.h"

#include <lua.h>

struct mpw;

/* Run the entry as a file of tests (or a simulation: one without a test is one too) and
 * pack what became of each.  Raises Lua errors; call it under fault_handler. */
void spec_run(lua_State *L, const struct job *job, struct mpw *out);
/* Look at each *.lua of the tree, run none; pack what was found.  The same. */
void lint_run(lua_State *L, const struct job *job, struct mpw *out);

#endif
