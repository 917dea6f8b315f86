/*
 * render.h - modes "render" and "check": all templates of one role, at once.
 */
#ifndef SCRIPT_RENDER_H
#define SCRIPT_RENDER_H

#include "job.h"

#include <lua.h>

struct mpw;

enum { RENDER_INCLUDES_MAX = 16 };

/* Render what the job wants and pack {name: text}.  Raises a Lua error, with
 * "FILE:LINE:COL: " in front, for the first thing that is wrong. */
void render_run(lua_State *L, const struct job *job, struct mpw *out);
/* Mode "check" (render_check.c): all *.tmpl of the job and what it wants, compiled; nothing
 * runs.  Packs {findings = {{file, line, col, text, excerpt}...}, files = how many}: all that
 * is wrong in them, at most 1000. */
void check_run(lua_State *L, const struct job *job, struct mpw *out);

#endif
