/*
 * safe.c - our own or wrapped library functions (see safe.h).
 *
 * A wrapper calls the stock C function in its own frame, with the arguments
 * where they are: so argument errors still name the function and the line.
 */
#include "safe.h"
#include "guard.h"
#include "libs.h"
#include "order.h"
#include "text.h"

#include <stdio.h>

enum {
	PATTERN_BYTES_MAX = 1024,
	REP_BYTES_MAX = 16 << 20,
	MOVE_MAX = 10 << 20,
	FORMAT_ARGS_MAX = 200,
};

const char *
libs_tostring(lua_State *L, int idx, size_t *len)
{
	int type = lua_type(L, idx);

	if (luaL_getmetafield(L, idx, "__tostring") != LUA_TNIL)
		lua_pop(L, 1);
	else if (type == LUA_TTABLE || type == LUA_TFUNCTION || type == LUA_TUSERDATA ||
		 type == LUA_TTHREAD || type == LUA_TLIGHTUSERDATA) {
		/* Stock Lua adds an address, another one in every process. */
		lua_pushstring(L, lua_typename(L, type));
		return lua_tolstring(L, -1, len);
	}
	return luaL_tolstring(L, idx, len);
}

static int
base_tostring(lua_State *L)
{
	luaL_checkany(L, 1);
	libs_tostring(L, 1, NULL);
	return 1;
}

static int
base_print(lua_State *L)
{
	struct log_text *log = lua_touserdata(L, lua_upvalueindex(1));
	int n = lua_gettop(L);

	for (int i = 1; i <= n; i++) {
		size_t len;
		const char *s = libs_tostring(L, i, &len);

		if (i > 1)
			text_put(log, "\t", 1);
		text_put_clean(log, s, len);
		lua_pop(L, 1);
	}
	text_put(log, "\n", 1);
	return 0;
}

static bool
is_view(lua_State *L, int idx)
{
	bool view = luaL_getmetafield(L, idx, "__metatable") != LUA_TNIL;

	if (view)
		lua_pop(L, 1);
	return view;
}

static int
base_rawset(lua_State *L)
{
	luaL_checktype(L, 1, LUA_TTABLE);
	luaL_checkany(L, 2);
	luaL_checkany(L, 3);
	lua_settop(L, 3);
	if (is_view(L, 1))
		return luaL_error(L, "rawset: the table is protected");
	lua_rawset(L, 1);
	return 1;
}

/* As stock, but a finalizer is refused: it would run with hooks off. */
static int
base_setmetatable(lua_State *L)
{
	int type = lua_type(L, 2);

	luaL_checktype(L, 1, LUA_TTABLE);
	luaL_argexpected(L, type == LUA_TNIL || type == LUA_TTABLE, 2, "nil or table");
	lua_settop(L, 2);
	if (type == LUA_TTABLE) {
		lua_pushliteral(L, "__gc");
		if (lua_rawget(L, 2) != LUA_TNIL)
			return luaL_error(L,
			    "setmetatable: '__gc' is not accepted: nothing here needs a finalizer");
		lua_pop(L, 1);
	}
	if (is_view(L, 1))
		return luaL_error(L, "cannot change a protected metatable");
	lua_setmetatable(L, 1);
	return 1;
}

/* What was called protectedly is over, also when it failed amid a function that
 * is marked for the timer.  Called directly, or by Lua after a yield.  pcall (extra 0) is told what
 * was refused, and where: whoever shows its text has no other way to know. */
static int
protected_done(lua_State *L, int status, lua_KContext extra)
{
	char text[LUA_IDSIZE + 256];

	guard_leave();
	if (status == LUA_OK || status == LUA_YIELD)
		return lua_gettop(L) - (int)extra;
	if (status == LUA_ERRMEM && extra == 0) {
		guard_memory_text(L, text, sizeof text);
		guard_spare(L);
		lua_pop(L, 1);
		lua_pushstring(L, text);
	}
	lua_pushboolean(L, 0);
	lua_pushvalue(L, -2);
	return 2;
}

static int
base_pcall(lua_State *L)
{
	luaL_checkany(L, 1);
	lua_pushboolean(L, 1);
	lua_insert(L, 1);
	return protected_done(L,
	    lua_pcallk(L, lua_gettop(L) - 2, LUA_MULTRET, 0, 0, protected_done), 0);
}

/* The handler and `true` stay below the function and its arguments. */
static int
base_xpcall(lua_State *L)
{
	int n = lua_gettop(L);

	luaL_checktype(L, 2, LUA_TFUNCTION);
	lua_pushboolean(L, 1);
	lua_pushvalue(L, 1);
	lua_rotate(L, 3, 2);
	return protected_done(
	    L, lua_pcallk(L, n - 2, LUA_MULTRET, 2, 2, protected_done), 2);
}

const luaL_Reg safe_base[] = {
    {"next", order_next},
    {"pairs", order_pairs},
    {"pcall", base_pcall},
    {"print", base_print},
    {"rawset", base_rawset},
    {"setmetatable", base_setmetatable},
    {"tostring", base_tostring},
    {"xpcall", base_xpcall},
    {NULL, NULL},
};

/* The stock function, in this frame; marked for the timer meanwhile. */
static int
stock(lua_State *L)
{
	lua_CFunction f = lua_tocfunction(L, lua_upvalueindex(1));
	int n;

	guard_enter(L);
	n = f(L);
	guard_leave();
	return n;
}

static int
stock_pattern(lua_State *L)
{
	size_t len = 0;

	if (lua_type(L, 2) == LUA_TSTRING)
		lua_tolstring(L, 2, &len);
	if (len > PATTERN_BYTES_MAX)
		return luaL_error(L, "pattern longer than %d bytes", PATTERN_BYTES_MAX);
	return stock(L);
}

static int
stock_find(lua_State *L)
{
	return lua_toboolean(L, 4) ? stock(L) : stock_pattern(L);
}

static int
stock_rep(lua_State *L)
{
	size_t len, sep_len = 0;
	lua_Integer n = luaL_checkinteger(L, 2);

	luaL_checklstring(L, 1, &len);
	luaL_optlstring(L, 3, "", &sep_len);
	if (n > 0 && (len + sep_len) > REP_BYTES_MAX / (size_t)n)
		return luaL_error(L, "string.rep: result larger than %d MiB", REP_BYTES_MAX >> 20);
	return stock(L);
}

/* %s of a table must not show an address, and %p is nothing else. */
static int
stock_format(lua_State *L)
{
	int n = lua_gettop(L);
	const char *f = luaL_checkstring(L, 1);

	luaL_argcheck(L, n <= FORMAT_ARGS_MAX, n, "too many arguments");
	for (; (f = strchr(f, '%')) != NULL; f++) {
		f++;
		if (*f == '%')
			continue;
		f += strspn(f, "-+ #0123456789.");
		if (*f == 'p')
			return luaL_error(L, "string.format: '%%p' would show an address, which "
					     "differs in every process");
		if (*f == '\0')
			break;
	}
	for (int i = 2; i <= n; i++) {
		int type = lua_type(L, i);

		if (type != LUA_TTABLE && type != LUA_TFUNCTION && type != LUA_TUSERDATA &&
		    type != LUA_TTHREAD && type != LUA_TLIGHTUSERDATA)
			continue;
		libs_tostring(L, i, NULL);
		lua_replace(L, i);
	}
	return stock(L);
}

static int
stock_move(lua_State *L)
{
	lua_Integer from = luaL_checkinteger(L, 2), to = luaL_checkinteger(L, 3);

	/* Unsigned: to - from may not fit a lua_Integer. */
	if (to >= from && (lua_Unsigned)to - (lua_Unsigned)from >= MOVE_MAX)
		return luaL_error(L, "table.move: more than %d elements", MOVE_MAX);
	return stock(L);
}

const luaL_Reg safe_string[] = {
    {"find", stock_find},
    {"format", stock_format},
    {"gmatch", stock_pattern},
    {"gsub", stock_pattern},
    {"match", stock_pattern},
    {"rep", stock_rep},
    {NULL, NULL},
};

const luaL_Reg safe_table[] = {
    {"concat", stock},
    {"insert", stock},
    {"move", stock_move},
    {"remove", stock},
    {"sort", order_sort},
    {NULL, NULL},
};

/* A new coroutine starts with a fresh instruction count, so a loop of short
 * ones might never meet the hook: look at the clock when one is made or run. */
const luaL_Reg safe_coroutine[] = {
    {"create", stock},
    {"resume", stock},
    {"wrap", stock},
    {NULL, NULL},
};
