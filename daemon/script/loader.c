/*
 * loader.c - require "lib.foo" finds lib/foo.lua in the script tree, then in
 * the built-in library; no path, no search list, no binary chunk but the library's own.
 */
#include "loader.h"
#include "fault.h"
#include "libs.h"
#include "stdlib.h"
#include "../base/name.h"

#include <stdio.h>
#include <stdlib.h>

#include <lauxlib.h>

enum { MODULE_BYTES_MAX = 200, REQUIRE_DEPTH_MAX = 64, GUESSED_MAX = 256 };

static const char loaded_key = 'l';

struct slice
loader_text(const struct job *job, const char *name, size_t len)
{
	const struct job_file *f = job_file_find(job, name, len);
	const struct stdlib_file *std;

	if (f != NULL)
		return f->text;
	std = stdlib_find(name, len);
	if (std != NULL)
		return (struct slice){std->text, (size_t)(std->end - std->text)};
	return (struct slice){NULL, 0};
}

/* Push the chunk of a file of the library as it was compiled with this program (bake.c): of
 * these bytes alone nobody else has a say.  False: there is none, the text has to be parsed. */
static bool
push_baked(lua_State *L, const struct job *job, const char *name, size_t len, const char *chunk)
{
	const struct stdlib_file *std = stdlib_find(name, len);
	struct slice baked;

	if (std == NULL || job_file_find(job, name, len) != NULL)
		return false;
	baked = stdlib_chunk(std);
	if (baked.len == 0)
		return false;
	if (luaL_loadbufferx(L, baked.p, baked.len, chunk, "b") == LUA_OK)
		return true;
	lua_pop(L, 1);
	return false;
}

/* Where the last "return " begins a line, or 0. */
static size_t
last_return(struct slice text)
{
	static const char word[] = "\nreturn ";
	enum { LEN = sizeof word - 1 };

	for (size_t i = text.len; i-- > 0;)
		if (text.p[i] == '\n' && text.len - i > LEN && memcmp(text.p + i, word, LEN) == 0)
			return i + LEN;
	return text.len > LEN && memcmp(text.p, word + 1, LEN - 1) == 0 ? LEN - 1 : 0;
}

/* `return mesh.role(...)` at the end of a file is a tail call: whatever is wrong with the role, Lua
 * has no line of it any more.  In brackets it is none.  The chunk of the file as it is, which is on
 * top, is replaced; if that does not compile, the brackets were not around a value, and it stands. */
static void
call_last(lua_State *L, struct slice text, const char *chunk)
{
	size_t at = last_return(text);
	char *p = at > 0 ? malloc(text.len + 3) : NULL;
	int rc;

	if (p == NULL)
		return;
	memcpy(p, text.p, at);
	p[at] = '(';
	memcpy(p + at + 1, text.p + at, text.len - at);
	memcpy(p + text.len + 1, "\n)", 2);
	rc = luaL_loadbufferx(L, p, text.len + 3, chunk, "t");
	free(p);
	lua_remove(L, rc == LUA_OK ? -2 : -1);
}

void
loader_chunk(lua_State *L, const struct job *job, const char *name, size_t len)
{
	struct slice text = loader_text(job, name, len);
	const char *chunk;

	lua_pushlstring(L, name, len);
	if (text.p == NULL) {
		lua_pushfstring(L, "%s: No such file or directory", lua_tostring(L, -1));
		lua_error(L);
	}
	if (text.len > 0 && text.p[0] == LUA_SIGNATURE[0]) {
		lua_pushfstring(L, "%s: precompiled chunks are not accepted", lua_tostring(L, -1));
		lua_error(L);
	}
	chunk = lua_pushfstring(L, "@%s", lua_tostring(L, -1));
	if (!push_baked(L, job, name, len, chunk)) {
		if (luaL_loadbufferx(L, text.p, text.len, chunk, "t") != LUA_OK) {
			fault_unquote(L);
			fault_of_file(L, chunk + 1); /* "C stack overflow", of many brackets, says not where */
			lua_error(L);
		}
		call_last(L, text, chunk);
	}
	lua_replace(L, -3);
	lua_pop(L, 1);
}

/* "lib.foo" to "lib/foo.lua"; false for anything that is not a plain name. */
static bool
module_path(const char *name, size_t len, char *out, size_t cap)
{
	bool start = true;

	if (len == 0 || len > MODULE_BYTES_MAX || len + 5 > cap)
		return false;
	for (size_t i = 0; i < len; i++) {
		char c = name[i];
		bool word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			    (c >= '0' && c <= '9') || c == '_' || c == '-';

		if (!word && (c != '.' || start))
			return false;
		start = c == '.';
		out[i] = c == '.' ? '/' : c;
	}
	memcpy(out + len, ".lua", 5);
	return !start;
}

/* "lib/foo.lua" as require has it; false: it is no module, or of a name too long for one. */
static bool
module_name(struct slice path, char out[MODULE_BYTES_MAX + 1])
{
	size_t len = path.len - 4;

	if (path.len < 5 || len > MODULE_BYTES_MAX || memcmp(path.p + len, ".lua", 4) != 0)
		return false;
	for (size_t i = 0; i < len; i++)
		out[i] = path.p[i] == '/' ? '.' : path.p[i];
	out[len] = '\0';
	return true;
}

/* The file that was meant: of the same path further down, else a module of nearly that name. */
static void
guess(const struct job *job, const char *name, const char *path, char *out, size_t cap)
{
	static char names[GUESSED_MAX][MODULE_BYTES_MAX + 1];
	const char *words[GUESSED_MAX], *near;
	size_t n = 0, len = strlen(path);

	*out = '\0';
	for (uint32_t i = 0; i < job->files_count; i++) {
		struct slice f = job->files[i].name;

		if (f.len > len && f.p[f.len - len - 1] == '/' && memcmp(f.p + f.len - len, path, len) == 0) {
			snprintf(out, cap, "; there is '%.*s': a module's name begins at the top of the tree",
			    (int)f.len, f.p);
			return;
		}
		if (n < GUESSED_MAX && module_name(f, names[n])) {
			words[n] = names[n];
			n++;
		}
	}
	for (size_t i = 0; i < stdlib_count && n < GUESSED_MAX; i++)
		if (module_name((struct slice){stdlib_files[i].name, strlen(stdlib_files[i].name)}, names[n])) {
			words[n] = names[n];
			n++;
		}
	if ((near = name_suggest(name, words, n)) != NULL)
		snprintf(out, cap, "; did you mean '%s'?", near);
}

static int
not_found(lua_State *L, const struct job *job, const char *name, const char *path)
{
	char meant[2 * MODULE_BYTES_MAX];

	if (libs_sandboxed(name))
		return luaL_error(
		    L, "sandboxed: there is no '%s' here: the input has all there is", name);
	if (path == NULL)
		return luaL_error(L, "require: '%s' is not a module name like 'lib.foo'", name);
	guess(job, name, path, meant, sizeof meant);
	return luaL_error(L, "module '%s' not found: no file '%s' in the script tree%s", name, path, meant);
}

/* tree.load(path, env): the chunk of a file of the script tree, its globals those of
 * env; nil where there is no such file.  Upvalue 1: the job. */
static int
tree_load(lua_State *L)
{
	const struct job *job = lua_touserdata(L, lua_upvalueindex(1));
	size_t len;
	const char *path = luaL_checklstring(L, 1, &len);

	luaL_checktype(L, 2, LUA_TTABLE);
	lua_settop(L, 2);
	if (job_file_find(job, path, len) == NULL)
		return 0;
	loader_chunk(L, job, path, len);
	lua_pushvalue(L, 2);
	lua_setupvalue(L, 3, 1); /* of a chunk the first is _ENV */
	return 1;
}

/* tree.traceback(text): debug.traceback, as it was; of what is no text, itself. */
static int
tree_traceback(lua_State *L)
{
	lua_settop(L, 1);
	if (!lua_isnoneornil(L, 1) && lua_type(L, 1) != LUA_TSTRING)
		return 1;
	luaL_traceback(L, L, lua_tostring(L, 1), 1);
	return 1;
}

/* What mesh.verwalter needs beside what any script has. */
static void
push_tree(lua_State *L, const struct job *job)
{
	lua_createtable(L, 0, 2);
	lua_pushlightuserdata(L, (void *)(uintptr_t)job);
	lua_pushcclosure(L, tree_load, 1);
	lua_setfield(L, -2, "load");
	lua_pushcfunction(L, tree_traceback);
	lua_setfield(L, -2, "traceback");
	libs_protect(L, "mesh.tree");
}

/* Upvalue 1: the job. */
static int
base_require(lua_State *L)
{
	const struct job *job = lua_touserdata(L, lua_upvalueindex(1));
	size_t len;
	const char *name = luaL_checklstring(L, 1, &len);
	char path[MODULE_BYTES_MAX + 8];

	lua_settop(L, 1);
	lua_rawgetp(L, LUA_REGISTRYINDEX, &loaded_key);
	lua_getfield(L, 2, name);
	if (lua_islightuserdata(L, 3))
		return luaL_error(
		    L, "require: '%s' requires itself, directly or through others", name);
	if (!lua_isnil(L, 3))
		return 1;
	if (!module_path(name, len, path, sizeof path))
		return not_found(L, job, name, NULL);
	if (strcmp(name, "mesh.tree") == 0) {
		push_tree(L, job);
		return 1;
	}
	if (loader_text(job, path, strlen(path)).p == NULL)
		return not_found(L, job, name, path);
	loader_chunk(L, job, path, strlen(path));
	/* A mark while it loads: a circle is an error, not a hang. */
	lua_pushlightuserdata(L, NULL);
	lua_setfield(L, 2, name);
	lua_pushvalue(L, 1);
	lua_call(L, 1, 1);
	if (lua_isnil(L, -1)) {
		lua_pop(L, 1);
		lua_pushboolean(L, 1);
	}
	lua_pushvalue(L, -1);
	lua_setfield(L, 2, name);
	return 1;
}

void
loader_open(lua_State *L, const struct job *job)
{
	lua_newtable(L);
	lua_rawsetp(L, LUA_REGISTRYINDEX, &loaded_key);
	lua_pushlightuserdata(L, (void *)(uintptr_t)job);
	lua_pushcclosure(L, base_require, 1);
	libs_global(L, "require");
}

void
loader_require(lua_State *L, const char *name)
{
	libs_push_globals(L);
	lua_getfield(L, -1, "require");
	lua_remove(L, -2);
	lua_pushstring(L, name);
	lua_call(L, 1, 1);
}
