/*
 * weigh.c - see weigh.h.
 */
#include "weigh.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <lauxlib.h>

#include "../base/scriptio.h"

enum { LOOKED_MAX = 1 << 21 /* values: one may be there a million times */, SHOWN = 3, LABEL_CAP = 80 };

struct weighing {
	size_t left; /* values that are still looked at */
	int sums, counts; /* stack: label -> bytes, instances */
};

static size_t
weigh(lua_State *L, int idx, int depth, struct weighing *w)
{
	size_t bytes = 1;

	if (w->left == 0)
		return 0;
	w->left--;
	if (lua_type(L, idx) == LUA_TSTRING)
		return lua_rawlen(L, idx) + (lua_rawlen(L, idx) < 32 ? 1 : lua_rawlen(L, idx) < 1 << 16 ? 3 : 5);
	if (lua_type(L, idx) == LUA_TNUMBER)
		return lua_isinteger(L, idx) ? 3 : 9;
	if (lua_type(L, idx) != LUA_TTABLE || depth == SCRIPT_DEPTH_MAX)
		return bytes;
	idx = lua_absindex(L, idx);
	luaL_checkstack(L, 4, "result nested too deep");
	lua_pushnil(L);
	while (lua_next(L, idx) != 0) {
		if (lua_type(L, -2) == LUA_TSTRING)
			bytes += weigh(L, -2, depth + 1, w);
		bytes += weigh(L, -1, depth + 1, w);
		lua_pop(L, 1);
	}
	return bytes;
}

static void
add(lua_State *L, int sums, const char *label, size_t n)
{
	lua_pushstring(L, label);
	lua_pushvalue(L, -1);
	lua_rawget(L, sums);
	n += (size_t)lua_tointeger(L, -1);
	lua_pop(L, 1);
	lua_pushinteger(L, (lua_Integer)n);
	lua_rawset(L, sums);
}

/* The table under that key of the one on top is on top of it: or nothing is. */
static bool
enter(lua_State *L, const char *key)
{
	lua_pushstring(L, key);
	lua_rawget(L, -2);
	if (lua_istable(L, -1))
		return true;
	lua_pop(L, 1);
	return false;
}

static size_t
count(lua_State *L)
{
	size_t n = 0;

	lua_pushnil(L);
	for (; lua_next(L, -2) != 0; n++)
		lua_pop(L, 1);
	return n;
}

/* A map of roles is on top. */
static void
add_roles(lua_State *L, struct weighing *w)
{
	char label[LABEL_CAP];

	lua_pushnil(L);
	for (; lua_next(L, -2) != 0; lua_pop(L, 1)) {
		if (lua_type(L, -2) != LUA_TSTRING)
			continue;
		snprintf(label, sizeof label, "role %.63s", lua_tostring(L, -2));
		add(L, w->sums, label, weigh(L, -2, 0, w) + weigh(L, -1, 0, w));
		if (lua_istable(L, -1) && enter(L, "instances")) {
			add(L, w->counts, label, count(L));
			lua_pop(L, 1);
		}
	}
}

/* A map of nodes is on top. */
static void
add_nodes(lua_State *L, struct weighing *w)
{
	lua_pushnil(L);
	for (; lua_next(L, -2) != 0; lua_pop(L, 1)) {
		if (!lua_istable(L, -1))
			continue;
		if (enter(L, "roles")) {
			add_roles(L, w);
			lua_pop(L, 1);
		}
		if (enter(L, "vars")) {
			add(L, w->sums, "vars of nodes", weigh(L, -1, 0, w));
			lua_pop(L, 1);
		}
	}
}

static void
add_all(lua_State *L, int idx, struct weighing *w)
{
	char label[LABEL_CAP];

	lua_pushnil(L);
	for (; lua_next(L, idx) != 0; lua_pop(L, 1)) {
		const char *key = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "a list";

		if (strcmp(key, "roles") == 0 && lua_istable(L, -1)) {
			add_roles(L, w);
		} else if (strcmp(key, "nodes") == 0 && lua_istable(L, -1)) {
			add_nodes(L, w);
		} else {
			snprintf(label, sizeof label, "%.63s", key);
			add(L, w->sums, label, weigh(L, -1, 0, w));
		}
	}
}

/* The label of the largest on top, and its row is gone; false: there is none. */
static bool
take_largest(lua_State *L, int sums, size_t *bytes)
{
	const char *best = NULL;
	size_t most = 0;

	lua_pushnil(L);
	for (; lua_next(L, sums) != 0; lua_pop(L, 1)) {
		size_t n = (size_t)lua_tointeger(L, -1);

		if (best != NULL && (n < most || (n == most && strcmp(lua_tostring(L, -2), best) > 0)))
			continue;
		best = lua_tostring(L, -2); /* its table has it */
		most = n;
	}
	if (best == NULL)
		return false;
	lua_pushstring(L, best);
	lua_pushvalue(L, -1);
	lua_pushnil(L);
	lua_rawset(L, sums);
	*bytes = most;
	return true;
}

void
weigh_largest(lua_State *L, int idx, char *out, size_t cap)
{
	struct weighing w = {.left = LOOKED_MAX};
	int top = lua_gettop(L);
	bool role = false;
	size_t at = 0, bytes;

	*out = '\0';
	if (!lua_istable(L, idx))
		return;
	idx = lua_absindex(L, idx);
	luaL_checkstack(L, 24, "result nested too deep");
	lua_newtable(L);
	lua_newtable(L);
	w.sums = top + 1;
	w.counts = top + 2;
	add_all(L, idx, &w);
	for (int i = 0; i < SHOWN && at < cap && take_largest(L, w.sums, &bytes); i++) {
		const char *label = lua_tostring(L, -1);

		role = role || (i == 0 && strncmp(label, "role ", 5) == 0);
		lua_pushvalue(L, -1);
		lua_rawget(L, w.counts);
		at += (size_t)snprintf(out + at, cap - at, "%s%s %s%zu KiB", i > 0 ? ", " : "", label,
		    i == 0 ? "takes " : "", (bytes + 1023) >> 10);
		if (lua_tointeger(L, -1) > 0 && at < cap)
			at += (size_t)snprintf(out + at, cap - at, " in %lld instances", lua_tointeger(L, -1));
		lua_settop(L, w.counts);
	}
	if (role && at < cap)
		snprintf(out + at, cap - at,
		    "; what its instances share belongs into roles.ROLE.vars, once, and large data into its image");
	lua_settop(L, top);
}
