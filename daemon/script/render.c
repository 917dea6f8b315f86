/*
 * render.c - runs compiled templates.
 *
 * A chunk tells by _at(TAG) where it is, so every error, also one that Lua
 * itself raises, gets file, line and column of the template.  Names are strict:
 * what is not in the variables is an error, and so is writing nil.
 */
#include "render_in.h"
#include "fault.h"
#include "given.h"
#include "guard.h"
#include "libs.h"
#include "loader.h"
#include "order.h"
#include "quote.h"
#include "template.h"
#include "text.h"
#include "value.h"
#include "../base/scriptio.h"
#include "../../gossip/mpw.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <lauxlib.h>

/* Registry keys: the variables, what templates have of them, compiled templates by name. */
static const char env_key = 'e', view_key = 'w', cache_key = 'c';

static struct render *
self(lua_State *L)
{
	return lua_touserdata(L, lua_upvalueindex(1));
}

static const struct template_tag *
tag(const struct render *r)
{
	static const struct template_tag none = {.line = 1, .col = 1};

	return r->tag < r->t->tags_count ? &r->t->tags[r->tag] : &none;
}

/* Where in the tag a name stands: a whole word that is no field. */
static size_t
find_word(const struct render *r, const char *word)
{
	const struct template_tag *g = tag(r);
	size_t len = strlen(word);

	for (size_t i = 0; i + len <= g->expr.len; i++) {
		const char *p = g->expr.p + i;
		char before = i > 0 ? p[-1] : ' ', after = i + len < g->expr.len ? p[len] : ' ';

		if (memcmp(p, word, len) != 0 || before == '.' || before == ':' || before == '_' ||
		    after == '_' || (uint8_t)((before | 32) - 'a') < 26 ||
		    (uint8_t)((after | 32) - 'a') < 26 || (uint8_t)(before - '0') < 10 ||
		    (uint8_t)(after - '0') < 10)
			continue;
		return (size_t)(p - r->t->text.p);
	}
	return g->off;
}

/* __index of the variables. */
static int
unknown_variable(lua_State *L)
{
	struct render *r = self(L);
	char hint[96], text[256];

	if (lua_type(L, 2) != LUA_TSTRING)
		return 0;
	const char *name = lua_tostring(L, 2);
	libs_suggest(L, 1, name, hint, sizeof hint);
	if (hint[0] == '\0' && libs_sandboxed(name))
		snprintf(hint, sizeof hint, "; sandboxed: templates have variables only");
	snprintf(text, sizeof text, "unknown variable '%.64s'%s", name, hint);
	return render_fail(L, r, find_word(r, name), text);
}

/* __newindex of what templates have of the variables. */
static int
refuse_variable(lua_State *L)
{
	return given_refuse(L, 2);
}

static int
render_at(lua_State *L)
{
	struct render *r = self(L);

	r->tag = (uint32_t)lua_tointeger(L, 1);
	guard_at(r->name, (int)tag(r)->line);
	lua_pushboolean(L, 1);
	return 1;
}

static void
write_out(lua_State *L, struct render *r, const char *s, size_t len)
{
	if (len > SCRIPT_OUT_BYTES_MAX ||
	    r->total_bytes + r->out.len + len > r->job->output_bytes ||
	    r->total_bytes + r->out.len + len > SCRIPT_OUT_BYTES_MAX) {
		char text[64];

		snprintf(
		    text, sizeof text, "output larger than %zu MiB", r->job->output_bytes >> 20);
		render_fail(L, r, tag(r)->off, text);
	}
	text_put(&r->out, s, len);
	if (r->out.cut)
		render_fail(L, r, tag(r)->off, "out of memory for the output");
}

static int
render_raw(lua_State *L)
{
	struct render *r = self(L);
	size_t from = (size_t)lua_tointeger(L, 1), to = (size_t)lua_tointeger(L, 2);

	/* Offsets of our own compiler, but the chunk could be called by hand. */
	if (from > to || to > r->t->text.len)
		return luaL_error(L, "no such piece of the template");
	write_out(L, r, r->t->text.p + from, to - from);
	return 0;
}

/* "variable 'a.b'" or "the value of 'a .. b'"; a literal in it is not for logs. */
static void
name_value(const struct render *r, char *out, size_t cap)
{
	struct slice e = tag(r)->expr;
	int n = (int)(e.len < NAME_SHOW_MAX ? e.len : NAME_SHOW_MAX);
	bool plain = e.len > 0;

	for (size_t i = 0; i < e.len; i++)
		if (memchr(" ()[]{}'\"+-*/%^#&~|<>=,:\n\t", e.p[i], 26) != NULL)
			plain = false;
	if (memchr(e.p, '"', e.len) != NULL || memchr(e.p, '\'', e.len) != NULL ||
	    memmem(e.p, e.len, "[[", 2) != NULL || memmem(e.p, e.len, "[=", 2) != NULL) {
		snprintf(out, cap, "the value of this expression");
		return;
	}
	snprintf(out, cap, "%s '%.*s'", plain ? "variable" : "the value of", n, e.p);
}

static int
bad_value(lua_State *L, struct render *r)
{
	char name[96], hint[96] = "", text[256];
	struct slice e = tag(r)->expr;
	const char *dot = e.len > 0 ? memrchr(e.p, '.', e.len) : NULL;

	name_value(r, name, sizeof name);
	if (!lua_isnil(L, 1)) {
		snprintf(text, sizeof text, "%s is a %s; use json() or yaml()", name,
		    lua_type(L, 1) == LUA_TTABLE ? "table" : luaL_typename(L, 1));
		return render_fail(L, r, tag(r)->off, text);
	}
	if (lua_istable(L, 2) && dot != NULL) {
		char field[NAME_SHOW_MAX];

		snprintf(field, sizeof field, "%.*s", (int)(e.p + e.len - dot - 1), dot + 1);
		given_unwrap(L, 2);
		libs_suggest(L, 2, field, hint, sizeof hint);
	}
	snprintf(text, sizeof text, "%s is nil%s", name, hint);
	return render_fail(L, r, tag(r)->off, text);
}

static int
bad_text(lua_State *L, struct render *r, int byte)
{
	char name[96];

	name_value(r, name, sizeof name);
	r->placed = true;
	if (byte == '\n')
		lua_pushfstring(L, "%s:%d: %s contains a newline; use json(), yaml() or lines()",
		    r->name, (int)tag(r)->line, name);
	else
		lua_pushfstring(L, "%s:%d: %s contains control byte %d; use json() or yaml()",
		    r->name, (int)tag(r)->line, name, byte & 255);
	return lua_error(L);
}

static int
render_out(lua_State *L)
{
	struct render *r = self(L);
	size_t len;
	int byte;
	const char *s = quote_marked(L, 1, &len);

	if (s != NULL) {
		write_out(L, r, s, len);
		return 0;
	}
	switch (lua_type(L, 1)) {
	case LUA_TNUMBER:
		if (!lua_isinteger(L, 1) && !isfinite(lua_tonumber(L, 1)))
			return render_fail(L, r, tag(r)->off, "not a finite number");
		/* fall through */
	case LUA_TBOOLEAN:
		s = luaL_tolstring(L, 1, &len);
		break;
	case LUA_TSTRING:
		s = lua_tolstring(L, 1, &len);
		byte = quote_control(s, len);
		if (byte != 0)
			return bad_text(L, r, byte);
		if (value_utf8(s, len) != len)
			return render_fail(L, r, tag(r)->off, "the value is not UTF-8");
		break;
	default:
		return bad_value(L, r);
	}
	write_out(L, r, s, len);
	return 0;
}

/* The values of a list, one by one, for `for x in list`.  Upvalues: the last, is it given? */
static int
step_values(lua_State *L)
{
	lua_Integer i = lua_tointeger(L, lua_upvalueindex(1)) + 1;

	lua_pushinteger(L, i);
	lua_replace(L, lua_upvalueindex(1));
	lua_rawgeti(L, 1, i);
	if (lua_toboolean(L, lua_upvalueindex(2)))
		given_wrap(L);
	return 1;
}

static int
render_each(lua_State *L)
{
	struct render *r = self(L);
	lua_Integer names = lua_tointeger(L, 1);
	bool given;

	if (lua_isnoneornil(L, 2))
		return render_fail(L, r, tag(r)->off, "'for' over nil: is the list missing?");
	if (!lua_istable(L, 2)) {
		/* An iterator, its state and first key, as pairs() gives. */
		lua_settop(L, 5);
		return 4;
	}
	lua_settop(L, 2);
	if (names > 1) {
		lua_pushcfunction(L, order_pairs);
		lua_insert(L, 2);
		lua_call(L, 1, 3);
		return 3;
	}
	given = given_unwrap(L, 2);
	if (lua_rawlen(L, 2) == 0) {
		lua_pushnil(L);
		if (lua_next(L, 2) != 0)
			return render_fail(L, r, tag(r)->off,
			    "'for' with one name walks a list, this is a map; write 'for key, "
			    "value in'");
	}
	lua_pushinteger(L, 0);
	lua_pushboolean(L, given);
	lua_pushcclosure(L, step_values, 2);
	lua_pushvalue(L, 2);
	return 2;
}

/* Compile a template and push its cache entry {chunk, struct template, name}.
 * Its memory is freed by nobody: the process ends first. */
static void
push_compiled(lua_State *L, struct render *r, const char *name, struct slice text)
{
	struct template_error e;
	struct template *t;
	struct template parent = {.text = text};

	lua_createtable(L, 3, 0);
	t = lua_newuserdatauv(L, sizeof *t, 0);
	lua_rawseti(L, -2, 2);
	lua_pushstring(L, name);
	r->name = lua_tostring(L, -1);
	lua_rawseti(L, -2, 3);
	r->t = &parent;
	guard_at(r->name, 1);
	if (template_compile(t, text, &e) != 0) {
		r->placed = true;
		lua_pushfstring(L, "%s:%d:%d: %s", name, (int)e.line, (int)e.col, e.text);
		lua_error(L);
	}
	r->t = t;
	for (r->tag = 0; r->tag < t->tags_count; r->tag++)
		render_check(L, r, &t->tags[r->tag]);
	r->tag = 0;
	if (luaL_loadbufferx(L, t->lua, t->lua_len, "=template", "t") != LUA_OK) {
		fault_unquote(L);
		lua_error(L);
	}
	lua_rawgetp(L, LUA_REGISTRYINDEX, &view_key);
	lua_setupvalue(L, -2, 1);
	lua_rawseti(L, -2, 1);
}

/* Run the template at `name` with its functions; it exists. */
static void
run_template(lua_State *L, struct render *r, const char *name, struct slice text)
{
	struct render saved = *r;
	int top = lua_gettop(L);

	luaL_checkstack(L, 16, "includes nested too deep");
	lua_rawgetp(L, LUA_REGISTRYINDEX, &cache_key);
	if (lua_getfield(L, -1, name) != LUA_TTABLE) {
		lua_pop(L, 1);
		push_compiled(L, r, name, text);
		lua_pushvalue(L, -1);
		lua_setfield(L, top + 1, name);
	}
	lua_rawgeti(L, -1, 2);
	r->t = lua_touserdata(L, -1);
	lua_rawgeti(L, -2, 3);
	r->name = lua_tostring(L, -1);
	r->tag = 0;
	guard_at(r->name, 1);
	r->depth++;
	lua_rawgeti(L, -3, 1);
	lua_rawgetp(L, LUA_REGISTRYINDEX, &render_functions);
	for (int i = 1; i <= FILTERS; i++)
		lua_rawgeti(L, -i, i);
	lua_remove(L, -FILTERS - 1);
	lua_call(L, FILTERS, 0);
	lua_settop(L, top);
	r->t = saved.t;
	r->name = saved.name;
	r->tag = saved.tag;
	r->depth = saved.depth;
	if (r->name != NULL)
		guard_at(r->name, (int)tag(r)->line);
}

struct slice
render_find(const struct render *r, const char *name, size_t len)
{
	char stock[128];
	struct slice text = loader_text(r->job, name, len);
	int n;

	if (text.p != NULL || strlen(name) != len)
		return text;
	n = snprintf(stock, sizeof stock, "mesh/%s", name);
	if (n < 0 || (size_t)n >= sizeof stock)
		return text;
	return loader_text(r->job, stock, (size_t)n);
}

static int
render_include(lua_State *L)
{
	struct render *r = self(L);
	size_t len;
	const char *name = lua_tolstring(L, 1, &len);
	struct slice text;
	char msg[160];

	if (name == NULL)
		return render_fail(L, r, tag(r)->off, "include: the name is not a string");
	if (r->depth >= RENDER_INCLUDES_MAX)
		return render_fail(L, r, tag(r)->off, "includes deeper than 16");
	text = render_find(r, name, len);
	if (text.p == NULL) {
		snprintf(msg, sizeof msg, "include '%.64s': No such file or directory", name);
		return render_fail(L, r, tag(r)->off, msg);
	}
	run_template(L, r, name, text);
	return 0;
}

static int
render_opt(lua_State *L)
{
	lua_settop(L, 1);
	lua_rawgetp(L, LUA_REGISTRYINDEX, &env_key);
	lua_insert(L, 1);
	lua_rawget(L, 1);
	return 1;
}

void
render_open(lua_State *L, struct render *r)
{
	static const lua_CFunction entries[FUNCTIONS] = {
	    render_at, render_out, render_raw, render_each, render_include, render_opt};

	lua_createtable(L, FILTERS, 0);
	for (size_t i = 0; i < ARRAY_LEN(entries); i++) {
		lua_pushlightuserdata(L, r);
		lua_pushcclosure(L, entries[i], 1);
		lua_rawseti(L, -2, (lua_Integer)i + 1);
	}
	lua_rawsetp(L, LUA_REGISTRYINDEX, &render_functions);
	lua_newtable(L);
	lua_rawsetp(L, LUA_REGISTRYINDEX, &cache_key);
}

/* What a template may name: plain functions, quoting, the keys of vars, and
 * the six tables of the request; later ones hide earlier ones. */
static void
make_env(lua_State *L, struct render *r)
{
	static const char *const plain[] = {"ipairs", "math", "next", "pairs", "select", "string",
	    "table", "tonumber", "tostring", "type", "utf8"};
	static const char *const tables[] = {
	    "vars", "schedule", "node", "role", "instances", "deployment"};
	int env, request;

	given_open(L);
	lua_newtable(L);
	env = lua_gettop(L);
	libs_push_globals(L);
	for (size_t i = 0; i < ARRAY_LEN(plain); i++) {
		lua_getfield(L, -1, plain[i]);
		lua_setfield(L, env, plain[i]);
	}
	lua_settop(L, env);
	quote_open(L);
	value_push(L, r->job->value.p, r->job->value.len);
	request = lua_gettop(L);
	if (!lua_istable(L, request))
		luaL_error(L, "request: vars is not a map");
	if (lua_getfield(L, request, "vars") == LUA_TTABLE) {
		lua_pushnil(L);
		while (lua_next(L, -2) != 0) {
			lua_pushvalue(L, -2);
			lua_insert(L, -2);
			given_wrap(L);
			lua_rawset(L, env);
		}
	}
	for (size_t i = 0; i < ARRAY_LEN(tables); i++)
		if (lua_getfield(L, request, tables[i]) != LUA_TNIL) {
			given_wrap(L);
			lua_setfield(L, env, tables[i]);
		}
	lua_settop(L, env);
	lua_createtable(L, 0, 2);
	lua_pushlightuserdata(L, r);
	lua_pushcclosure(L, unknown_variable, 1);
	lua_setfield(L, -2, "__index");
	lua_pushboolean(L, 0);
	lua_setfield(L, -2, "__metatable");
	lua_setmetatable(L, env);
	/* Empty, so no variable can be set, and found in the table behind it. */
	lua_newtable(L);
	lua_createtable(L, 0, 3);
	lua_pushvalue(L, env);
	lua_setfield(L, -2, "__index");
	lua_pushcfunction(L, refuse_variable);
	lua_setfield(L, -2, "__newindex");
	lua_pushboolean(L, 0);
	lua_setfield(L, -2, "__metatable");
	lua_setmetatable(L, -2);
	lua_rawsetp(L, LUA_REGISTRYINDEX, &view_key);
	lua_rawsetp(L, LUA_REGISTRYINDEX, &env_key);
}

/* Message handler: "template:7: attempt ..." is a line of our Lua, the author
 * knows only his own. */
static int
place_error(lua_State *L)
{
	struct render *r = self(L);
	const char *msg = lua_tostring(L, 1);

	if (r->placed || msg == NULL || r->name == NULL)
		return 1;
	if (strncmp(msg, "template:", 9) == 0 && strstr(msg, ": ") != NULL)
		msg = strstr(msg, ": ") + 2;
	lua_pushfstring(L, "%s:%d:%d: %s", r->name, (int)tag(r)->line, (int)tag(r)->col, msg);
	return 1;
}

/* Arguments: the render, the wanted file. */
static int
render_one(lua_State *L)
{
	struct render *r = lua_touserdata(L, 1);
	const struct job_file *want = lua_touserdata(L, 2);
	const char *name = lua_pushlstring(L, want->text.p, want->text.len);
	struct slice text = render_find(r, name, want->text.len);

	if (text.p == NULL) {
		lua_pushfstring(L, "%s: No such file or directory", lua_tostring(L, -1));
		return lua_error(L);
	}
	run_template(L, r, name, text);
	return 0;
}

void
render_run(lua_State *L, const struct job *job, struct mpw *out)
{
	struct render *r = lua_newuserdatauv(L, sizeof *r, 0);
	int base = lua_gettop(L);

	*r = (struct render){.job = job, .out = {.max = SCRIPT_OUT_BYTES_MAX}};
	render_open(L, r);
	make_env(L, r);
	mpw_map(out, job->wants_count);
	for (uint32_t i = 0; i < job->wants_count; i++) {
		const struct job_file *want = &job->wants[i];

		lua_settop(L, base);
		r->out.len = 0;
		r->name = NULL;
		lua_pushlightuserdata(L, r);
		lua_pushcclosure(L, place_error, 1);
		lua_pushcfunction(L, render_one);
		lua_pushlightuserdata(L, r);
		lua_pushlightuserdata(L, (void *)(uintptr_t)want);
		if (lua_pcall(L, 2, 0, base + 1) != LUA_OK) {
			text_free(&r->out);
			lua_error(L);
		}
		r->total_bytes += r->out.len;
		mpw_str(out, want->name.p, want->name.len);
		mpw_str(out, r->out.buf != NULL ? r->out.buf : "", r->out.len);
	}
	if (out->full)
		luaL_error(L, "output larger than %d MiB", (int)(job->output_bytes >> 20));
	lua_settop(L, base);
}
