/*
 * spec.c - see spec.h.
 */
#include "spec.h"
#include "fault.h"
#include "guard.h"
#include "libs.h"
#include "loader.h"
#include "value.h"

#include <lauxlib.h>

static bool
is_lua(struct slice name)
{
	return name.len > 4 && memcmp(name.p + name.len - 4, ".lua", 4) == 0;
}

static void
set_text(lua_State *L, const char *key, const char *text)
{
	lua_pushstring(L, text);
	lua_setfield(L, -2, key);
}

static void
push_fault(lua_State *L, const struct fault *f)
{
	lua_createtable(L, 0, 7);
	set_text(L, "error", f->text);
	set_text(L, "file", f->file);
	set_text(L, "excerpt", f->excerpt);
	set_text(L, "traceback", f->traceback);
	set_text(L, "locals", f->locals);
	lua_pushinteger(L, f->line);
	lua_setfield(L, -2, "line");
}

/* A message handler for xpcall: a table that tells all of it.  Upvalue 1: the job. */
static int
host_fault(lua_State *L)
{
	const struct job *job = lua_touserdata(L, lua_upvalueindex(1));
	struct fault f;

	fault_handler(L);
	fault_from_lua(&f, L, LUA_ERRRUN, job, 0, false);
	push_fault(L, &f);
	return 1;
}

/* Of what Lua asks no message handler for, since it has no memory left: what was refused, and where. */
static int
host_refused(lua_State *L)
{
	const struct job *job = lua_touserdata(L, lua_upvalueindex(1));
	struct fault f;

	guard_spare(L);
	fault_from_lua(&f, L, LUA_ERRMEM, job, job->heap_bytes, true);
	push_fault(L, &f);
	return 1;
}

/* mesh, and in it what only tests have. */
static void
open_mesh(lua_State *L, const struct job *job)
{
	static const char spec[] = "_spec.lua";
	size_t n = sizeof spec - 1, len = job->entry.len;

	loader_require(L, "mesh");
	lua_pushliteral(L, "sim");
	loader_require(L, "mesh.sim");
	lua_pushinteger(L, (lua_Integer)job->seed);
	lua_setfield(L, -2, "seed");
	/* Of a hundred worlds of tests each would be noise; of one that is run to be looked at none is. */
	lua_pushboolean(L, len < n || memcmp(job->entry.p + len - n, spec, n) != 0);
	lua_setfield(L, -2, "announce");
	lua_rawset(L, -3);
	libs_protect(L, "mesh");
	libs_global(L, "mesh");
}

void
spec_run(lua_State *L, const struct job *job, struct mpw *out)
{
	open_mesh(L, job);
	loader_require(L, "mesh.spec");
	lua_pushlightuserdata(L, (void *)(uintptr_t)job);
	lua_pushcclosure(L, host_fault, 1);
	lua_pushlightuserdata(L, (void *)(uintptr_t)job);
	lua_pushcclosure(L, host_refused, 1);
	lua_call(L, 2, 2); /* the words of tests, and what runs them */
	lua_pushnil(L);
	while (lua_next(L, -3) != 0) {
		libs_global(L, lua_tostring(L, -2));
	}
	loader_chunk(L, job, job->entry.p, job->entry.len);
	lua_call(L, 0, 0);
	lua_call(L, 0, 1);
	value_pack(L, -1, out, "tests", job->output_bytes);
	lua_pop(L, 2);
}

/* --- lint ------------------------------------------------------------------- */

/* Push {name = text} of the files that compile, and a list of faults of the others. */
static void
push_sources(lua_State *L, const struct job *job)
{
	lua_Integer bad = 0;

	lua_newtable(L);
	lua_newtable(L);
	for (uint32_t i = 0; i < job->files_count; i++) {
		const struct job_file *file = &job->files[i];
		char chunk[FAULT_FILE_CAP];
		struct fault f;

		if (!is_lua(file->name))
			continue;
		snprintf(chunk, sizeof chunk, "@%.*s", (int)file->name.len, file->name.p);
		if (luaL_loadbufferx(L, file->text.p, file->text.len, chunk, "t") == LUA_OK) {
			lua_pop(L, 1);
			lua_pushlstring(L, file->name.p, file->name.len);
			lua_pushlstring(L, file->text.p, file->text.len);
			lua_rawset(L, -4);
			continue;
		}
		fault_unquote(L);
		fault_from_text(&f, lua_tostring(L, -1), job);
		lua_pop(L, 1);
		if (f.file[0] == '\0') /* bytecode, say: the message names no line */
			snprintf(f.file, sizeof f.file, "%.*s", (int)file->name.len, file->name.p);
		push_fault(L, &f);
		lua_rawseti(L, -2, ++bad);
	}
}

static void
push_global_names(lua_State *L)
{
	lua_newtable(L);
	libs_push_globals(L);
	lua_pushnil(L);
	while (lua_next(L, -2) != 0) {
		lua_pop(L, 1);
		lua_pushvalue(L, -1);
		lua_pushboolean(L, 1);
		lua_rawset(L, -5);
	}
	lua_pop(L, 1);
}

/* Is there such a file in the tree, or in what is built in? */
static int
host_exists(lua_State *L)
{
	const struct job *job = lua_touserdata(L, lua_upvalueindex(1));
	size_t len;
	const char *name = luaL_checklstring(L, 1, &len);

	lua_pushboolean(L, loader_text(job, name, len).p != NULL);
	return 1;
}

void
lint_run(lua_State *L, const struct job *job, struct mpw *out)
{
	open_mesh(L, job);
	loader_require(L, "mesh.lint");
	push_sources(L, job);
	push_global_names(L);
	lua_pushlightuserdata(L, (void *)(uintptr_t)job);
	lua_pushcclosure(L, host_exists, 1);
	lua_call(L, 4, 1);
	value_pack(L, -1, out, "findings", job->output_bytes);
	lua_pop(L, 1);
}
