/*
 * given.c - read-only views of a template's tables (see given.h).
 */
#include "given.h"
#include "order.h"

#include <stdio.h>

#include <lauxlib.h>

/* Registry keys: real tables by view, views by real table, what all views have. */
static const char reals_key = 'r', views_key = 'v', meta_key = 'm';

bool
given_unwrap(lua_State *L, int idx)
{
	if (!lua_istable(L, idx))
		return false;
	idx = lua_absindex(L, idx);
	if (lua_rawgetp(L, LUA_REGISTRYINDEX, &reals_key) != LUA_TTABLE) {
		lua_pop(L, 1); /* no template runs */
		return false;
	}
	lua_pushvalue(L, idx);
	if (lua_rawget(L, -2) != LUA_TTABLE) {
		lua_pop(L, 2);
		return false;
	}
	lua_replace(L, idx);
	lua_pop(L, 1);
	return true;
}

void
given_wrap(lua_State *L)
{
	int real = lua_gettop(L);

	if (!lua_istable(L, real))
		return;
	luaL_checkstack(L, 8, "no room for a view");
	lua_rawgetp(L, LUA_REGISTRYINDEX, &views_key);
	lua_pushvalue(L, real);
	if (lua_rawget(L, -2) == LUA_TTABLE) {
		lua_replace(L, real);
		lua_settop(L, real);
		return;
	}
	lua_pop(L, 1);
	lua_createtable(L, 0, 0); /* stack: real, views, view */
	lua_rawgetp(L, LUA_REGISTRYINDEX, &meta_key);
	lua_setmetatable(L, -2);
	lua_rawgetp(L, LUA_REGISTRYINDEX, &reals_key);
	lua_pushvalue(L, -2);
	lua_pushvalue(L, real);
	lua_rawset(L, -3);
	lua_pop(L, 1);
	lua_pushvalue(L, real);
	lua_pushvalue(L, -2);
	lua_rawset(L, -4);
	lua_replace(L, real);
	lua_settop(L, real);
}

int
given_refuse(lua_State *L, int idx)
{
	char name[64] = "a key";

	if (lua_type(L, idx) == LUA_TSTRING)
		snprintf(name, sizeof name, "'%.48s'", lua_tostring(L, idx));
	else if (lua_isinteger(L, idx))
		snprintf(name, sizeof name, "[%lld]", (long long)lua_tointeger(L, idx));
	return luaL_error(L, "%s can't be set: what a template is given is read only; fill a local table", name);
}

static int
view_set(lua_State *L)
{
	return given_refuse(L, 2);
}

static int
view_get(lua_State *L)
{
	lua_settop(L, 2);
	given_unwrap(L, 1);
	lua_rawget(L, 1);
	given_wrap(L);
	return 1;
}

static int
view_len(lua_State *L)
{
	given_unwrap(L, 1);
	lua_pushinteger(L, (lua_Integer)lua_rawlen(L, 1));
	return 1;
}

/* Upvalue 1: the step over the real table. */
static int
view_step(lua_State *L)
{
	lua_settop(L, 2);
	given_unwrap(L, 1);
	lua_pushvalue(L, lua_upvalueindex(1));
	lua_insert(L, 1);
	lua_call(L, 2, 2);
	given_wrap(L);
	return 2;
}

static int
view_pairs(lua_State *L)
{
	lua_settop(L, 1);
	lua_pushvalue(L, 1);
	lua_pushcfunction(L, order_pairs);
	lua_insert(L, 2);
	given_unwrap(L, 3);
	lua_call(L, 1, 1);
	lua_pushcclosure(L, view_step, 1);
	lua_insert(L, 1);
	lua_pushnil(L);
	return 3;
}

void
given_open(lua_State *L)
{
	static const luaL_Reg meta[] = {
	    {"__index", view_get},
	    {"__len", view_len},
	    {"__newindex", view_set},
	    {"__pairs", view_pairs},
	    {NULL, NULL},
	};

	lua_newtable(L);
	lua_rawsetp(L, LUA_REGISTRYINDEX, &reals_key);
	lua_newtable(L);
	lua_rawsetp(L, LUA_REGISTRYINDEX, &views_key);
	lua_createtable(L, 0, (int)ARRAY_LEN(meta));
	luaL_setfuncs(L, meta, 0);
	lua_pushboolean(L, 0);
	lua_setfield(L, -2, "__metatable");
	lua_rawsetp(L, LUA_REGISTRYINDEX, &meta_key);
}
