/*
 * schedule.h - mode "schedule": run the author's pure function once.
 */
#ifndef SCRIPT_SCHEDULE_H
#define SCRIPT_SCHEDULE_H

#include "job.h"

#include <lua.h>

struct mpw;

/* Load the entry file, call what it returns with the input, pack what comes
 * back.  Raises Lua errors; call it under fault_handler. */
void schedule_run(lua_State *L, const struct job *job, struct mpw *out);

#endif
