/*
 * quote.c - quoting for templates (see quote.h).  A value that can't be
 * written safely is an error, never a guess.
 */
#include "quote.h"
#include "given.h"
#include "order.h"
#include "value.h"
#include "../base/scriptio.h"

#include <math.h>
#include <stdio.h>

static const char *const marked_name = "quoted text";

int
quote_control(const char *s, size_t len)
{
	int found = 0;

	for (size_t i = 0; i < len; i++) {
		uint8_t c = (uint8_t)s[i];

		if (c == '\n')
			return c;
		if ((c < 0x20 && c != '\t') || c == 0x7f)
			found = found == 0 ? (c == 0 ? 256 : c) : found;
	}
	return found;
}

static int
push_marked(lua_State *L)
{
	lua_newuserdatauv(L, 0, 1);
	lua_insert(L, -2);
	lua_setiuservalue(L, -2, 1);
	luaL_setmetatable(L, marked_name);
	return 1;
}

const char *
quote_marked(lua_State *L, int idx, size_t *len)
{
	const char *s;

	if (luaL_testudata(L, idx, marked_name) == NULL)
		return NULL;
	lua_getiuservalue(L, idx, 1);
	s = lua_tolstring(L, -1, len);
	/* Still anchored in the userdata. */
	lua_pop(L, 1);
	return s;
}

/* A scalar's text, pushed; anything else is an error of function `who`. */
static const char *
scalar(lua_State *L, int idx, const char *who, size_t *len)
{
	int type = lua_type(L, idx);

	if (type == LUA_TNUMBER && !lua_isinteger(L, idx) && !isfinite(lua_tonumber(L, idx)))
		luaL_error(L, "%s: not a finite number", who);
	if (type != LUA_TSTRING && type != LUA_TNUMBER && type != LUA_TBOOLEAN)
		luaL_error(L, "%s: a %s can't be written here", who, luaL_typename(L, idx));
	return luaL_tolstring(L, idx, len);
}

static void
json_string(lua_State *L, luaL_Buffer *b, const char *s, size_t len)
{
	char u[8];

	if (value_utf8(s, len) != len)
		luaL_error(L, "json: not UTF-8 at byte %d", (int)value_utf8(s, len) + 1);
	luaL_addchar(b, '"');
	for (size_t i = 0; i < len; i++) {
		uint8_t c = (uint8_t)s[i];

		if (c == '"' || c == '\\') {
			luaL_addchar(b, '\\');
			luaL_addchar(b, s[i]);
		} else if (c == '\n')
			luaL_addstring(b, "\\n");
		else if (c == '\t')
			luaL_addstring(b, "\\t");
		else if (c < 0x20 || c == 0x7f) {
			snprintf(u, sizeof u, "\\u%04x", c);
			luaL_addstring(b, u);
		} else
			luaL_addchar(b, s[i]);
	}
	luaL_addchar(b, '"');
}

static void json_table(lua_State *L, int idx, int depth);

/* Push the JSON of the value at idx as a string. */
static void
json_value(lua_State *L, int idx, int depth)
{
	luaL_Buffer b;
	const char *s;
	size_t len;

	if (depth > SCRIPT_DEPTH_MAX)
		luaL_error(L, "json: deeper than %d", SCRIPT_DEPTH_MAX);
	luaL_checkstack(L, 16, "json: nested too deep");
	switch (lua_type(L, idx)) {
	case LUA_TNIL:
		lua_pushliteral(L, "null");
		return;
	case LUA_TSTRING:
		s = lua_tolstring(L, idx, &len);
		luaL_buffinit(L, &b);
		json_string(L, &b, s, len);
		luaL_pushresult(&b);
		return;
	case LUA_TTABLE:
		json_table(L, idx, depth);
		return;
	default:
		scalar(L, idx, "json", &len);
	}
}

/* A list of texts at `parts`, joined; replaces it. */
static void
json_join(lua_State *L, int parts, lua_Integer n, bool list)
{
	luaL_Buffer b;

	lua_settop(L, parts);
	luaL_buffinit(L, &b);
	luaL_addchar(&b, list ? '[' : '{');
	for (lua_Integer k = 1; k <= n; k++) {
		if (k > 1)
			luaL_addchar(&b, ',');
		lua_rawgeti(L, parts, k);
		luaL_addvalue(&b);
	}
	luaL_addchar(&b, list ? ']' : '}');
	luaL_pushresult(&b);
	lua_remove(L, parts);
}

static void
json_table(lua_State *L, int idx, int depth)
{
	lua_Integer n = 0;
	int parts, walk;
	bool list;

	given_unwrap(L, idx);
	list = lua_rawlen(L, idx) > 0 || value_empty_list(L, idx);
	/* Pieces go to a list: a luaL_Buffer can't grow across a recursion. */
	lua_newtable(L);
	parts = lua_gettop(L);
	lua_pushcfunction(L, order_pairs);
	lua_pushvalue(L, idx);
	lua_call(L, 1, 3);
	walk = parts + 1; /* step, table, key */
	for (;;) {
		lua_settop(L, walk + 2);
		lua_pushvalue(L, walk);
		lua_pushvalue(L, walk + 1);
		lua_pushvalue(L, walk + 2);
		lua_call(L, 2, 2);
		if (lua_isnil(L, walk + 3))
			break;
		if (list != (bool)lua_isinteger(L, walk + 3))
			luaL_error(L, "json: a table with list and named keys, or with holes");
		if (!list) {
			json_value(L, walk + 3, depth + 1);
			lua_pushliteral(L, ":");
		}
		json_value(L, walk + 4, depth + 1);
		lua_concat(L, list ? 1 : 3);
		lua_rawseti(L, parts, ++n);
		lua_pushvalue(L, walk + 3);
		lua_replace(L, walk + 2);
	}
	json_join(L, parts, n, list);
}

static int
quote_json(lua_State *L)
{
	luaL_checkany(L, 1);
	lua_settop(L, 1);
	json_value(L, 1, 0);
	return 1;
}

static void
sh_word(lua_State *L, luaL_Buffer *b, const char *s, size_t len)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789_./:=@%+,-";

	if (memchr(s, '\0', len) != NULL)
		luaL_error(L, "sh: a NUL byte can't be written in a shell word");
	if (len > 0 && strspn(s, plain) == len) {
		luaL_addlstring(b, s, len);
		return;
	}
	luaL_addchar(b, '\'');
	for (size_t i = 0; i < len; i++) {
		if (s[i] == '\'')
			luaL_addstring(b, "'\\''");
		else
			luaL_addchar(b, s[i]);
	}
	luaL_addchar(b, '\'');
}

/* Items of the list at 1 as texts in a new list at 2 (a scalar is a list of
 * one); returns how many. */
static lua_Integer
texts(lua_State *L, const char *who)
{
	size_t len;
	lua_Integer n = 1;

	luaL_checkany(L, 1);
	lua_settop(L, 1);
	given_unwrap(L, 1);
	lua_newtable(L);
	if (!lua_istable(L, 1)) {
		scalar(L, 1, who, &len);
		lua_rawseti(L, 2, 1);
		return 1;
	}
	for (; lua_rawgeti(L, 1, n) != LUA_TNIL; n++) {
		scalar(L, -1, who, &len);
		lua_rawseti(L, 2, n);
		lua_pop(L, 1);
	}
	lua_settop(L, 2);
	return n - 1;
}

static int
quote_sh(lua_State *L)
{
	lua_Integer n = texts(L, "sh");
	luaL_Buffer b;
	size_t len;

	luaL_buffinit(L, &b);
	for (lua_Integer i = 1; i <= n; i++) {
		const char *s;

		if (i > 1)
			luaL_addchar(&b, ' ');
		lua_rawgeti(L, 2, i);
		s = lua_tolstring(L, -1, &len);
		/* Anchored in the list: the buffer wants the top for itself. */
		lua_pop(L, 1);
		sh_word(L, &b, s, len);
	}
	luaL_pushresult(&b);
	return push_marked(L);
}

static int
quote_lines(lua_State *L)
{
	bool list = lua_istable(L, 1);
	lua_Integer n = texts(L, "lines");
	luaL_Buffer b;
	size_t len;

	luaL_buffinit(L, &b);
	for (lua_Integer i = 1; i <= n; i++) {
		const char *s;
		int bad;

		if (i > 1)
			luaL_addchar(&b, '\n');
		lua_rawgeti(L, 2, i);
		s = lua_tolstring(L, -1, &len);
		lua_pop(L, 1);
		bad = quote_control(s, len);
		if (list && bad == '\n')
			return luaL_error(L, "lines: item %d contains a newline", (int)i);
		if (bad != 0 && bad != '\n')
			return luaL_error(
			    L, "lines: item %d contains control byte %d", (int)i, bad & 255);
		luaL_addlstring(&b, s, len);
	}
	luaL_pushresult(&b);
	return push_marked(L);
}

static int
quote_quote(lua_State *L)
{
	luaL_Buffer b;
	size_t len;
	const char *s = scalar(L, 1, "quote", &len);

	if (quote_control(s, len) != 0)
		return luaL_error(L, "quote: the value contains a newline or control byte");
	luaL_buffinit(L, &b);
	luaL_addchar(&b, '"');
	for (size_t i = 0; i < len; i++) {
		if (s[i] == '"' || s[i] == '\\')
			luaL_addchar(&b, '\\');
		luaL_addchar(&b, s[i]);
	}
	luaL_addchar(&b, '"');
	luaL_pushresult(&b);
	return 1;
}

static int
quote_html(lua_State *L)
{
	luaL_Buffer b;
	size_t len;
	const char *s = scalar(L, 1, "html", &len);

	luaL_buffinit(L, &b);
	for (size_t i = 0; i < len; i++) {
		const char *e = s[i] == '&'    ? "&amp;"
				: s[i] == '<'  ? "&lt;"
				: s[i] == '>'  ? "&gt;"
				: s[i] == '"'  ? "&quot;"
				: s[i] == '\'' ? "&#39;"
					       : NULL;

		if (e != NULL)
			luaL_addstring(&b, e);
		else
			luaL_addchar(&b, s[i]);
	}
	luaL_pushresult(&b);
	return 1;
}

static int
marked_tostring(lua_State *L)
{
	luaL_checkudata(L, 1, marked_name);
	lua_getiuservalue(L, 1, 1);
	return 1;
}

void
quote_open(lua_State *L)
{
	static const luaL_Reg functions[] = {
	    {"html", quote_html},
	    {"json", quote_json},
	    {"lines", quote_lines},
	    {"quote", quote_quote},
	    {"sh", quote_sh},
	    {"yaml", quote_json},
	    {NULL, NULL},
	};

	luaL_newmetatable(L, marked_name);
	lua_pushcfunction(L, marked_tostring);
	lua_setfield(L, -2, "__tostring");
	lua_pushboolean(L, 0);
	lua_setfield(L, -2, "__metatable");
	lua_pop(L, 1);
	luaL_setfuncs(L, functions, 0);
}
