/*
 * fault.h - from a Lua error to a line that says what, where and why.
 */
#ifndef SCRIPT_FAULT_H
#define SCRIPT_FAULT_H

#include "answer.h"
#include "job.h"

#include <lua.h>

/* Message handler for lua_pcall: makes text of any error value and appends the
 * traceback, which only exists before the stack unwinds. */
int fault_handler(lua_State *L);
/* The message of a failed load, on top of the stack: Lua quotes the source where it
 * stopped ("near '\"hunter2'"), and messages go to logs.  What is no word or sign of the
 * language becomes what it is: "near a string".  The excerpt shows it, to who may look. */
void fault_unquote(lua_State *L);
/* The error of a failed load, on top of the stack, is about that file: it says so. */
void fault_of_file(lua_State *L, const char *name);
/* Read what fault_handler left on top of the stack (popped) after status. */
void fault_from_lua(struct fault *f, lua_State *L, int status, const struct job *job,
    size_t heap_limit_bytes, bool heap_hit);
/* Fill in text; file and line when it starts with "NAME:LINE:" of a known
 * file (":COL:" too), and the excerpt around it. */
void fault_from_text(struct fault *f, const char *text, const struct job *job);

#endif
