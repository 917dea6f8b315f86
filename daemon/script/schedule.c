/*
 * schedule.c - one round of the scheduler: input in, schedule out.
 */
#include "schedule.h"
#include "libs.h"
#include "loader.h"
#include "value.h"
#include "../base/scriptio.h"

#include <lauxlib.h>

/* What the entry file returned is below its name, which is on top. */
static void
check_api(lua_State *L)
{
	lua_pushliteral(L, "api");
	lua_rawget(L, -3);
	if (!lua_isnil(L, -1) && !(lua_isnumber(L, -1) && lua_tonumber(L, -1) == SCRIPT_API)) {
		const char *got = libs_tostring(L, -1, NULL);

		lua_pushfstring(L, "%s: api %s is not one of this mesh, which has api %d",
		    lua_tostring(L, -3), got, SCRIPT_API);
		lua_error(L);
	}
	lua_pop(L, 1);
}

/* Push the function `schedule` that the entry file returned. */
static void
push_entry(lua_State *L, const struct job *job)
{
	loader_chunk(L, job, job->entry.p, job->entry.len);
	lua_call(L, 0, 1);
	lua_pushlstring(L, job->entry.p, job->entry.len);
	if (!lua_istable(L, -2)) {
		lua_pushfstring(L, "%s: must return a table with a function 'schedule', got %s",
		    lua_tostring(L, -1), luaL_typename(L, -2));
		lua_error(L);
	}
	check_api(L);
	lua_pushliteral(L, "schedule");
	lua_rawget(L, -3);
	if (!lua_isfunction(L, -1)) {
		lua_pushfstring(L,
		    "%s: must return a table with a function 'schedule', its 'schedule' is %s",
		    lua_tostring(L, -2), luaL_typename(L, -1));
		lua_error(L);
	}
	lua_replace(L, -3);
	lua_pop(L, 1);
}

/* Of an input that somebody wrote, maybe in part: the first thing that is not as the contract says. */
static void
check_input(lua_State *L)
{
	loader_require(L, "mesh.check");
	lua_pushliteral(L, "Input");
	lua_pushvalue(L, -3);
	lua_pushboolean(L, true);
	lua_call(L, 3, 1);
	if (lua_isstring(L, -1)) {
		lua_pushfstring(L, "the input is none of a round: %s", lua_tostring(L, -1));
		lua_error(L);
	}
	lua_pop(L, 1);
}

void
schedule_run(lua_State *L, const struct job *job, struct mpw *out)
{
	loader_require(L, "mesh");
	libs_protect(L, "mesh");
	libs_global(L, "mesh");
	push_entry(L, job);
	value_push(L, job->value.p, job->value.len);
	if (job->check_input)
		check_input(L);
	lua_call(L, 1, 1);
	if (!lua_istable(L, -1)) {
		lua_pushfstring(L, "scheduler must return a table, got %s", luaL_typename(L, -1));
		lua_error(L);
	}
	value_pack(L, -1, out, "return", job->output_bytes);
	lua_pop(L, 1);
}
