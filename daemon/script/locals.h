/*
 * locals.h - the variables of the frame in which an error was, for the author's eyes;
 * what may be a secret is left out, by its name and by its look.
 */
#ifndef SCRIPT_LOCALS_H
#define SCRIPT_LOCALS_H

#include <lua.h>

/* Push one text, "name = value" a line, "" if there is nothing.  message decides which
 * frame: the one whose "file:line:" it begins with, else the innermost of Lua.  Runs no
 * code of the script.  To be called with the stack of the error still there. */
void locals_push(lua_State *L, const char *message);

#endif
