/*
 * safe.h - library functions of ours in place of stock ones that would show an
 * address, walk in random order, run without end or take too much.
 */
#ifndef SCRIPT_SAFE_H
#define SCRIPT_SAFE_H

#include <lua.h>
#include <lauxlib.h>

/* Registered with one upvalue, a light userdata: struct log_text. */
extern const luaL_Reg safe_base[];
/* Registered with one upvalue: the stock function of the same name. */
extern const luaL_Reg safe_string[];
extern const luaL_Reg safe_table[];
extern const luaL_Reg safe_coroutine[];

#endif
