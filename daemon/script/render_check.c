/*
 * render_check.c - is a template right, before anything runs it: each expression and filter
 * alone; and mode "check", which goes through all and stops at none.
 *
 * A check knows no variables: they are the scheduler's.  What it finds is wrong whatever
 * they are.
 */
#include "render_in.h"
#include "fault.h"
#include "guard.h"
#include "libs.h"
#include "loader.h"
#include "quote.h"
#include "value.h"

#include <stdio.h>
#include <stdlib.h>

#include <lauxlib.h>

enum { FILE_ERRORS_MAX = 64, FINDINGS_MAX = 1000 };

const char render_functions = 'f';

/* Behind what Lua says: "not enough memory". */
static const char no_memory[] = " to compile it (limit limits: script-memory)";

int
render_fail(lua_State *L, struct render *r, size_t off, const char *text)
{
	uint32_t line, col;
	char place[64];

	template_place(r->t->text, off, &line, &col);
	snprintf(place, sizeof place, ":%u:%u: ", line, col);
	r->placed = true;
	lua_pushfstring(L, "%s%s%s", r->name, place, text);
	return lua_error(L);
}

/* Does one expression stand on its own?  If not, raise with its place. */
static void
check_expression(lua_State *L, struct render *r, const struct template_tag *g)
{
	const char *msg, *p;
	uint32_t line = g->line;
	int status;

	lua_pushstring(L, g->kind == TAG_FOR		? "for "
			  : g->kind == TAG_ARGUMENTS	? "return f("
							: "return (");
	lua_pushlstring(L, g->expr.p, g->expr.len);
	lua_pushstring(L, g->kind == TAG_FOR ? " do end" : ")");
	lua_concat(L, 3);
	if (g->kind == TAG_FOR && memmem(g->expr.p, g->expr.len, " in ", 4) == NULL &&
	    memchr(g->expr.p, '=', g->expr.len) == NULL)
		luaL_error(L, "%s:%d:%d: bad 'for'", r->name, (int)g->line, (int)g->col);
	status = luaL_loadbufferx(L, lua_tostring(L, -1), lua_rawlen(L, -1), "=e", "t");
	if (status == LUA_OK) {
		lua_pop(L, 2);
		return;
	}
	/* "e:2: unexpected symbol near a name" */
	fault_unquote(L);
	msg = lua_tostring(L, -1);
	p = strncmp(msg, "e:", 2) == 0 ? strstr(msg, ": ") : NULL;
	if (p != NULL) {
		line += (uint32_t)strtoul(msg + 2, NULL, 10) - 1;
		msg = p + 2;
	}
	r->placed = true;
	lua_pushfstring(L, "%s:%d:%d: %s%s", r->name, (int)line, (int)g->col, msg,
	    status == LUA_ERRMEM ? no_memory : "");
	lua_error(L);
}

/* The filters, loaded once somebody names one; pushed. */
static void
push_filters(lua_State *L)
{
	lua_rawgetp(L, LUA_REGISTRYINDEX, &render_functions);
	if (lua_rawgeti(L, -1, FILTERS) == LUA_TNIL) {
		loader_require(L, "mesh.filters");
		lua_newtable(L);
		quote_open(L);
		lua_call(L, 1, 1);
		lua_replace(L, -2);
		lua_pushvalue(L, -1);
		lua_rawseti(L, -3, FILTERS);
	}
	lua_remove(L, -2);
}

static void
check_filter(lua_State *L, struct render *r, const struct template_tag *g)
{
	char name[NAME_SHOW_MAX], hint[96], text[192];

	push_filters(L);
	lua_pushlstring(L, g->expr.p, g->expr.len);
	if (lua_rawget(L, -2) == LUA_TFUNCTION) {
		lua_pop(L, 2);
		return;
	}
	snprintf(name, sizeof name, "%.*s", (int)g->expr.len, g->expr.p);
	libs_suggest(L, -2, name, hint, sizeof hint);
	snprintf(text, sizeof text, "unknown filter '%s'%s", name, hint);
	render_fail(L, r, (size_t)(g->expr.p - r->t->text.p), text);
}

void
render_check(lua_State *L, struct render *r, const struct template_tag *g)
{
	if (g->kind == TAG_FILTER)
		check_filter(L, r, g);
	else
		check_expression(L, r, g);
}

/* --- mode "check" ------------------------------------------------------------------ */

struct check {
	struct render r;
	lua_Integer found; /* in the list on top of the stack */
};

/* Add the message on top of the stack, "FILE:LINE:COL: text", to the list below it. */
static void
add_finding(lua_State *L, struct check *c)
{
	const char *msg = lua_tostring(L, -1), *text;
	struct fault f;

	if (c->found == FINDINGS_MAX) {
		lua_pop(L, 1);
		return;
	}
	fault_from_text(&f, msg != NULL ? msg : "unknown error", c->r.job);
	/* The place is in fields of its own. */
	text = f.line > 0 ? strstr(f.text, ": ") : NULL;
	lua_createtable(L, 0, 5);
	lua_pushstring(L, text != NULL ? text + 2 : f.text);
	lua_setfield(L, -2, "text");
	lua_pushstring(L, f.file);
	lua_setfield(L, -2, "file");
	lua_pushinteger(L, f.line);
	lua_setfield(L, -2, "line");
	lua_pushinteger(L, f.col);
	lua_setfield(L, -2, "col");
	lua_pushstring(L, f.excerpt);
	lua_setfield(L, -2, "excerpt");
	lua_rawseti(L, -3, ++c->found);
	lua_pop(L, 1);
}

/* An include of a literal name has to be there; others are seen when it runs. */
static void
check_include(lua_State *L, struct render *r, const struct template_tag *g)
{
	struct slice e = g->expr;
	char quote = e.len > 2 ? e.p[0] : 0, msg[160];

	if ((quote != '"' && quote != '\'') || e.p[e.len - 1] != quote ||
	    memchr(e.p + 1, quote, e.len - 2) != NULL || memchr(e.p + 1, '\\', e.len - 2) != NULL)
		return;
	e = (struct slice){e.p + 1, e.len - 2};
	const char *name = lua_pushlstring(L, e.p, e.len);
	if (render_find(r, name, e.len).p == NULL) {
		snprintf(msg, sizeof msg, "include '%.64s': No such file or directory", name);
		render_fail(L, r, (size_t)(g->expr.p - r->t->text.p), msg);
	}
	lua_pop(L, 1);
}

/* Arguments: the render, a tag. */
static int
check_tag(lua_State *L)
{
	struct render *r = lua_touserdata(L, 1);
	const struct template_tag *g = lua_touserdata(L, 2);

	render_check(L, r, g);
	if (g->kind == TAG_INCLUDE)
		check_include(L, r, g);
	return 0;
}

/* Is something said of this tag already? */
static bool
is_known(const struct template_error *errors, uint32_t n, const struct template_tag *g)
{
	for (uint32_t i = 0; i < n; i++)
		if (errors[i].line == g->line && errors[i].col == g->col)
			return true;
	return false;
}

/* The list is on top of the stack. */
static void
check_text(lua_State *L, struct check *c, const char *name, struct slice text)
{
	struct template_error errors[FILE_ERRORS_MAX];
	struct template t;
	lua_Integer before = c->found;
	uint32_t n;
	int status;

	guard_at(name, 1);
	n = template_check(&t, text, errors, ARRAY_LEN(errors));
	c->r.name = name;
	c->r.t = &t;
	for (uint32_t i = 0; i < n; i++) {
		lua_pushfstring(L, "%s:%d:%d: %s", name, (int)errors[i].line, (int)errors[i].col,
		    errors[i].text);
		add_finding(L, c);
	}
	for (uint32_t i = 0; i < t.tags_count && c->found < FINDINGS_MAX; i++) {
		if (is_known(errors, n, &t.tags[i]))
			continue;
		c->r.tag = i;
		guard_at(name, (int)t.tags[i].line);
		lua_pushcfunction(L, check_tag);
		lua_pushlightuserdata(L, &c->r);
		lua_pushlightuserdata(L, &t.tags[i]);
		status = lua_pcall(L, 2, 0, 0);
		if (status == LUA_ERRMEM) { /* Lua's own word for it has no place */
			lua_pop(L, 1);
			lua_pushfstring(L, "%s:%d:%d: not enough memory%s", name,
			    (int)t.tags[i].line, (int)t.tags[i].col, no_memory);
		}
		if (status != LUA_OK)
			add_finding(L, c);
	}
	/* Of the whole, what no tag has alone: more names than Lua takes, say. */
	if (c->found == before && luaL_loadbufferx(L, t.lua, t.lua_len, "=template", "t") != LUA_OK) {
		fault_unquote(L);
		lua_pushfstring(L, "%s:1:1: %s", name, lua_tostring(L, -1));
		lua_remove(L, -2);
		add_finding(L, c);
	} else if (c->found == before) {
		lua_pop(L, 1);
	}
	template_free(&t);
}

static bool
is_wanted(const struct job *job, struct slice name)
{
	static const char end[] = ".tmpl";
	size_t n = sizeof end - 1;

	if (name.len > n && memcmp(name.p + name.len - n, end, n) == 0)
		return true;
	for (uint32_t i = 0; i < job->wants_count; i++)
		if (job->wants[i].text.len == name.len && memcmp(job->wants[i].text.p, name.p, name.len) == 0)
			return true;
	return false;
}

/* What render.yaml names and nobody has. */
static void
check_wants(lua_State *L, struct check *c)
{
	for (uint32_t i = 0; i < c->r.job->wants_count; i++) {
		const struct job_file *want = &c->r.job->wants[i];
		const char *name = lua_pushlstring(L, want->text.p, want->text.len);

		if (render_find(&c->r, name, want->text.len).p == NULL) {
			lua_pushlstring(L, want->name.p, want->name.len);
			lua_pushfstring(L, "%s: template '%s': No such file or directory",
			    lua_tostring(L, -1), name);
			lua_insert(L, -3);
			lua_pop(L, 2);
			add_finding(L, c);
		} else {
			lua_pop(L, 1);
		}
	}
}

void
check_run(lua_State *L, const struct job *job, struct mpw *out)
{
	struct check *c = lua_newuserdatauv(L, sizeof *c, 0);
	lua_Integer files = 0;

	*c = (struct check){.r = {.job = job}};
	render_open(L, &c->r);
	lua_createtable(L, 0, 2);
	lua_newtable(L);
	check_wants(L, c);
	for (uint32_t i = 0; i < job->files_count; i++) {
		struct slice name = job->files[i].name;

		if (!is_wanted(job, name))
			continue;
		lua_pushlstring(L, name.p, name.len); /* as long as the check runs */
		lua_insert(L, -2);
		check_text(L, c, lua_tostring(L, -2), job->files[i].text);
		lua_remove(L, -2);
		files++;
	}
	lua_setfield(L, -2, "findings");
	lua_pushinteger(L, files);
	lua_setfield(L, -2, "files");
	value_pack(L, -1, out, "findings", job->output_bytes);
	lua_pop(L, 2);
}
