/*
 * libs.c - the environment: allow-lists, read-only views, strict names.
 *
 * The stock libraries are opened once, the allowed functions are copied out,
 * and the tables they came in are dropped with the stock globals: nothing is
 * "removed", so nothing can be forgotten.  What a script holds is an empty
 * table whose metatable reads from the real one; so even existing names can't
 * be overwritten for the other roles.
 */
#include "libs.h"
#include "order.h"
#include "safe.h"
#include "text.h"
#include "../base/name.h"

#include <stdio.h>

#include <lauxlib.h>
#include <lualib.h>

static const char globals_key = 'g';

static const char *const base_names[] = {"assert", "error", "getmetatable", "ipairs",
    "rawequal", "rawget", "rawlen", "select", "tonumber", "type", NULL};
static const char *const string_names[] = {
    "byte", "char", "len", "lower", "pack", "packsize", "reverse", "sub", "unpack", "upper", NULL};
static const char *const table_names[] = {"pack", "unpack", NULL};
static const char *const utf8_names[] = {
    "char", "charpattern", "codepoint", "codes", "len", "offset", NULL};
static const char *const math_names[] = {"abs", "acos", "asin", "atan", "ceil", "cos", "deg", "exp",
    "floor", "fmod", "huge", "log", "max", "maxinteger", "min", "mininteger", "modf", "pi", "rad",
    "random", "sin", "sqrt", "tan", "tointeger", "type", "ult", NULL};
static const char *const coroutine_names[] = {
    "close", "isyieldable", "running", "status", "yield", NULL};

static const char *const sandboxed_names[] = {"os", "io", "debug", "package", "load", "loadstring",
    "dofile", "loadfile", "collectgarbage", "dump", "randomseed", "ffi", "jit", "socket", "lfs",
    "posix", "_G"};

bool
libs_sandboxed(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(sandboxed_names); i++)
		if (strcmp(sandboxed_names[i], name) == 0)
			return true;
	return false;
}

void
libs_suggest(lua_State *L, int idx, const char *name, char *out, size_t cap)
{
	enum { WORDS_MAX = 512 };
	const char *words[WORDS_MAX], *best;
	size_t n = 0;

	out[0] = '\0';
	idx = lua_absindex(L, idx);
	if (!lua_istable(L, idx))
		return;
	lua_pushnil(L);
	while (lua_next(L, idx) != 0) {
		lua_pop(L, 1);
		if (n == WORDS_MAX) {
			lua_pop(L, 1);
			break;
		}
		if (lua_type(L, -1) == LUA_TSTRING)
			words[n++] = lua_tostring(L, -1);
	}
	/* Table order is random; the nearest of equals must not be. */
	for (size_t i = 1; i < n; i++)
		for (size_t j = i; j > 0 && strcmp(words[j - 1], words[j]) > 0; j--) {
			const char *w = words[j];

			words[j] = words[j - 1];
			words[j - 1] = w;
		}
	best = name_suggest(name, words, n);
	if (best != NULL)
		snprintf(out, cap, "; did you mean '%s'?", best);
}

/* __index of a library's real table: upvalue 1 = its name. */
static int
missing_field(lua_State *L)
{
	const char *lib = lua_tostring(L, lua_upvalueindex(1));
	char hint[96];

	/* Other key types can't be misspelt: they are just absent. */
	if (lua_type(L, 2) != LUA_TSTRING)
		return 0;
	const char *name = lua_tostring(L, 2);
	if (libs_sandboxed(name))
		return luaL_error(L,
		    "sandboxed: there is no '%s.%s' here: the input has all there is", lib, name);
	libs_suggest(L, 1, name, hint, sizeof hint);
	return luaL_error(L, "%s has no '%s'%s", lib, name, hint);
}

/* Of the names that whoever asked has as locals and upvalues, the nearest. */
static void
suggest_local(lua_State *L, const char *name, char *out, size_t cap)
{
	enum { NAMES_MAX = 256 };
	const char *words[NAMES_MAX], *best, *word;
	lua_Debug ar;
	size_t n = 0;

	out[0] = '\0';
	if (!lua_getstack(L, 1, &ar) || !lua_getinfo(L, "f", &ar))
		return;
	for (int i = 1; n < NAMES_MAX && (word = lua_getlocal(L, &ar, i)) != NULL; i++, lua_pop(L, 1))
		if (*word != '(')
			words[n++] = word;
	for (int i = 1; n < NAMES_MAX && (word = lua_getupvalue(L, -1, i)) != NULL; i++, lua_pop(L, 1))
		if (strcmp(word, "_ENV") != 0 && *word != '\0')
			words[n++] = word;
	best = name_suggest(name, words, n);
	if (best != NULL)
		snprintf(out, cap, "; did you mean the local '%s'?", best);
	lua_pop(L, 1);
}

static int
missing_global(lua_State *L)
{
	char hint[96];

	if (lua_type(L, 2) != LUA_TSTRING)
		return 0;
	const char *name = lua_tostring(L, 2);
	if (libs_sandboxed(name))
		return luaL_error(
		    L, "sandboxed: there is no '%s' here: the input has all there is", name);
	libs_suggest(L, 1, name, hint, sizeof hint);
	if (hint[0] == '\0')
		suggest_local(L, name, hint, sizeof hint);
	return luaL_error(L, "undefined global '%s'%s", name, hint);
}

static int
set_global(lua_State *L)
{
	const char *name = libs_tostring(L, 2, NULL);
	char hint[96];

	suggest_local(L, name, hint, sizeof hint);
	if (hint[0] != '\0')
		return luaL_error(L, "assignment to undefined global '%s'%s", name, hint);
	return luaL_error(
	    L, "assignment to undefined global '%s'; write 'local %s = ...'", name, name);
}

static int
set_field(lua_State *L)
{
	return luaL_error(L, "%s is read-only", lua_tostring(L, lua_upvalueindex(1)));
}

/* Iterating over a read-only view walks the real table. */
static int
pairs_view(lua_State *L)
{
	lua_settop(L, 0);
	lua_pushcfunction(L, order_pairs);
	lua_pushvalue(L, lua_upvalueindex(1));
	lua_call(L, 1, 3);
	return 3;
}

static void
protect(lua_State *L, const char *what, lua_CFunction miss, lua_CFunction set)
{
	int real = lua_gettop(L);

	/* The real table: a miss is an error. */
	lua_createtable(L, 0, 1);
	lua_pushstring(L, what);
	lua_pushcclosure(L, miss, 1);
	lua_setfield(L, -2, "__index");
	lua_setmetatable(L, real);
	/* Its view: empty, so no key of it can be assigned. */
	lua_createtable(L, 0, 0);
	lua_createtable(L, 0, 4);
	lua_pushvalue(L, real);
	lua_setfield(L, -2, "__index");
	lua_pushstring(L, what);
	lua_pushcclosure(L, set, 1);
	lua_setfield(L, -2, "__newindex");
	lua_pushvalue(L, real);
	lua_pushcclosure(L, pairs_view, 1);
	lua_setfield(L, -2, "__pairs");
	lua_pushboolean(L, 0);
	lua_setfield(L, -2, "__metatable");
	lua_setmetatable(L, -2);
	lua_remove(L, real);
}

void
libs_protect(lua_State *L, const char *what)
{
	protect(L, what, missing_field, set_field);
}

void
libs_push_globals(lua_State *L)
{
	lua_rawgetp(L, LUA_REGISTRYINDEX, &globals_key);
}

void
libs_global(lua_State *L, const char *name)
{
	libs_push_globals(L);
	lua_insert(L, -2);
	lua_pushstring(L, name);
	lua_insert(L, -2);
	lua_rawset(L, -3);
	lua_pop(L, 1);
}

/* Copy names from the table on top to the one below it. */
static void
copy(lua_State *L, const char *const *names)
{
	for (; *names != NULL; names++) {
		lua_getfield(L, -1, *names);
		assert(!lua_isnil(L, -1));
		lua_setfield(L, -3, *names);
	}
}

/* Replace functions of the stock table on top by ours, into the table below. */
static void
copy_wrapped(lua_State *L, const luaL_Reg *ours)
{
	for (; ours->name != NULL; ours++) {
		lua_getfield(L, -1, ours->name);
		lua_pushcclosure(L, ours->func, 1);
		lua_setfield(L, -3, ours->name);
	}
}

/* ("x"):rep(3) goes through the metatable of strings: let it find the allowed
 * functions, which are in the table on top. */
static void
string_methods(lua_State *L)
{
	lua_pushliteral(L, "");
	lua_getmetatable(L, -1);
	lua_pushvalue(L, -3);
	lua_setfield(L, -2, "__index");
	lua_pushboolean(L, 0);
	lua_setfield(L, -2, "__metatable");
	lua_pop(L, 2);
}

/* The stock math table is on top; its random() keeps the state we seed. */
static void
seed_random(lua_State *L, uint64_t seed)
{
	lua_getfield(L, -1, "randomseed");
	lua_pushinteger(L, (lua_Integer)seed);
	lua_pushinteger(L, 0);
	lua_call(L, 2, 0);
}

/* Open a stock library, copy what is allowed, add ours; leaves the new table
 * and, above it, the stock one. */
static void
library(lua_State *L, const char *name, lua_CFunction open, const char *const *names,
    const luaL_Reg *ours)
{
	lua_newtable(L);
	luaL_requiref(L, name, open, 0);
	copy(L, names);
	if (ours != NULL)
		copy_wrapped(L, ours);
}

static void
library_done(lua_State *L, const char *name)
{
	lua_pop(L, 1);
	if (strcmp(name, "string") == 0)
		string_methods(L);
	libs_protect(L, name);
	libs_global(L, name);
}

void
libs_open(lua_State *L, uint64_t seed, struct log_text *log)
{
	lua_settop(L, 0);
	lua_newtable(L);
	lua_rawsetp(L, LUA_REGISTRYINDEX, &globals_key);

	libs_push_globals(L);
	luaL_requiref(L, LUA_GNAME, luaopen_base, 0);
	copy(L, base_names);
	lua_pop(L, 1);
	lua_pushliteral(L, LUA_VERSION);
	lua_setfield(L, -2, "_VERSION");
	lua_pushlightuserdata(L, log);
	luaL_setfuncs(L, safe_base, 1);
	lua_settop(L, 0);

	library(L, "string", luaopen_string, string_names, safe_string);
	library_done(L, "string");
	library(L, "table", luaopen_table, table_names, safe_table);
	library_done(L, "table");
	library(L, "utf8", luaopen_utf8, utf8_names, NULL);
	library_done(L, "utf8");
	library(L, "math", luaopen_math, math_names, NULL);
	seed_random(L, seed);
	library_done(L, "math");
	library(L, "coroutine", luaopen_coroutine, coroutine_names, safe_coroutine);
	library_done(L, "coroutine");

	/* The stock tables and globals end here. */
	lua_newtable(L);
	lua_setfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
	libs_push_globals(L);
	protect(L, "the environment", missing_global, set_global);
	lua_rawseti(L, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS);
}
