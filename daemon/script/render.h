/*
 * render.h - mode "render": all templates of one role, at once.
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

#endif
