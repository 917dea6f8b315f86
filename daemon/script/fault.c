/*
 * fault.c - error text, place, source excerpt, traceback (see fault.h).
 */
#include "fault.h"
#include "guard.h"
#include "libs.h"
#include "loader.h"
#include "locals.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>

#include <lauxlib.h>

enum { EXCERPT_LINES = 2, EXCERPT_WIDTH = 160, LEVELS_MAX = 100, SIGN_BYTES_MAX = 6 /* <\\255> */ };

/* Marks the {message, traceback, mark, locals} tables that the handler makes. */
static const char pair_mark = 'p';

static bool
is_pair(lua_State *L, int idx)
{
	bool ours;

	if (!lua_istable(L, idx))
		return false;
	lua_rawgeti(L, idx, 3);
	ours = lua_touserdata(L, -1) == &pair_mark;
	lua_pop(L, 1);
	return ours;
}

/* --- what a message may quote ------------------------------------------------ */

/* What Lua quotes of a script: a word of the language and a sign stay, as they are none
 * of the author's. */
static const char *
kind_of(const char *token, size_t len)
{
	static const char *const words[] = {"and", "break", "do", "else", "elseif", "end", "false",
	    "for", "function", "goto", "if", "in", "local", "nil", "not", "or", "repeat", "return",
	    "then", "true", "until", "while"};
	unsigned char c = len > 0 ? (unsigned char)token[0] : ' ';

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strlen(words[i]) == len && memcmp(words[i], token, len) == 0)
			return NULL;
	if (c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))
		return "a name";
	if ((c >= '0' && c <= '9') || (c == '.' && len > 1 && token[1] >= '0' && token[1] <= '9'))
		return "a number";
	if (c == '"' || c == '\'' || (c == '[' && len > 1))
		return "a string";
	return len <= SIGN_BYTES_MAX ? NULL : "a comment";
}

void
fault_unquote(lua_State *L)
{
	const char *msg = lua_tostring(L, -1), *near = msg != NULL ? strstr(msg, " near '") : NULL;
	const char *token = near != NULL ? near + strlen(" near '") : NULL, *kind = NULL;
	size_t len = token != NULL ? strlen(token) : 0;

	if (len > 0)
		kind = kind_of(token, len - (token[len - 1] == '\''));
	if (kind == NULL)
		return;
	lua_pushlstring(L, msg, (size_t)(near - msg));
	lua_pushfstring(L, " near %s", kind);
	lua_concat(L, 2);
	lua_replace(L, -2);
}

/* "... on a string value (constant 'hunter2')": of names the author must know, of a
 * literal not. */
static void
put_without_constant(lua_State *L, int idx)
{
	static const char intro[] = " (constant '";
	size_t len;
	const char *text = lua_tolstring(L, idx, &len), *at = strstr(text, intro);

	if (at == NULL || len < 2 || memcmp(text + len - 2, "')", 2) != 0)
		return;
	lua_pushlstring(L, text, (size_t)(at - text));
	lua_pushliteral(L, " (a constant)");
	lua_concat(L, 2);
	lua_replace(L, idx);
}

/* "C stack overflow" names no place, as Lua raises it from C: then that of whoever called. */
static void
put_place(lua_State *L, int idx)
{
	lua_Debug ar;

	if (strncmp(lua_tostring(L, idx), "C stack overflow", strlen("C stack overflow")) != 0)
		return;
	for (int level = 1; level < LEVELS_MAX && lua_getstack(L, level, &ar); level++)
		if (lua_getinfo(L, "Sl", &ar) && ar.currentline > 0) {
			lua_pushfstring(L, "%s:%d: %s", ar.short_src, ar.currentline, lua_tostring(L, idx));
			lua_replace(L, idx);
			return;
		}
}

/* coroutine.wrap puts the place before what has one: of "P: P: P: text" one is enough. */
static const char *
once(const char *text)
{
	const char *end = strstr(text, ": ");
	size_t len = end != NULL ? (size_t)(end - text) + 2 : 0;

	while (len > 0 && strncmp(text + len, text, len) == 0)
		text += len;
	return text;
}

void
fault_of_file(lua_State *L, const char *name)
{
	/* Lua calls the handler for an overflow within its parser already. */
	bool pair = is_pair(L, -1);
	const char *text;

	if (pair)
		lua_rawgeti(L, -1, 1);
	text = lua_tostring(L, -1);
	if (text == NULL || strncmp(text, name, strlen(name)) == 0) {
		lua_pop(L, pair);
		return;
	}
	lua_pushfstring(L, "%s: %s", name, text);
	lua_replace(L, -2);
	if (pair)
		lua_rawseti(L, -2, 1);
}

int
fault_handler(lua_State *L)
{
	int type = lua_type(L, 1);

	lua_settop(L, 1);
	/* Lua calls the handler again when the handler itself overflows. */
	if (is_pair(L, 1))
		return 1;
	if (type == LUA_TSTRING || type == LUA_TNUMBER || luaL_getmetafield(L, 1, "__tostring")) {
		lua_settop(L, 1);
		libs_tostring(L, 1, NULL);
		put_without_constant(L, lua_gettop(L));
		put_place(L, lua_gettop(L));
	} else
		lua_pushfstring(L, "error object is a %s value", luaL_typename(L, 1));
	lua_createtable(L, 4, 0);
	lua_insert(L, 2);
	locals_push(L, lua_tostring(L, 3));
	lua_rawseti(L, 2, 4);
	lua_rawseti(L, 2, 1);
	lua_pushlightuserdata(L, (void *)(uintptr_t)&pair_mark);
	lua_rawseti(L, 2, 3);
	luaL_traceback(L, L, NULL, 1);
	lua_rawseti(L, 2, 2);
	return 1;
}

/* One line of text, cleaned, into out; cut with "..." when it does not fit. */
static void
put_clean(char *out, size_t cap, const char *s, size_t len)
{
	struct log_text t = {.max = cap - 4};

	text_put_clean(&t, s, len);
	if (t.len > 0)
		memcpy(out, t.buf, t.len);
	memcpy(out + t.len, "...", 4);
	if (!t.cut)
		out[t.len] = '\0';
	text_free(&t);
}

/* Bounded copy of a long text: keeps whole lines from its start. */
static void
put_long(char *out, size_t cap, const char *s)
{
	static const char host[] = "\n\t[C]: in ?";
	size_t len = strlen(s), used = 0, tail = sizeof host - 1;

	/* The last frame is the host's own call; alone it says nothing. */
	if (len >= tail && memcmp(s + len - tail, host, tail) == 0)
		len -= tail;
	if (memchr(s, '\n', len) == NULL)
		len = 0;
	out[0] = '\0';
	while (len > 0) {
		const char *nl = memchr(s, '\n', len);
		size_t n = nl != NULL ? (size_t)(nl - s) : len;
		char line[512];

		put_clean(line, sizeof line, s, n);
		if (used + strlen(line) + 8 > cap) {
			snprintf(out + used, cap - used, "\t...");
			return;
		}
		used +=
		    (size_t)snprintf(out + used, cap - used, "%s%s", used > 0 ? "\n" : "", line);
		s += n + (nl != NULL);
		len -= n + (nl != NULL);
	}
}

/* Lines line-2..line of the text, numbered, the last one marked. */
static void
put_excerpt(struct fault *f, struct slice text)
{
	int line = 1;
	size_t start = 0, used = 0;

	for (size_t i = 0; i <= text.len && line <= f->line; i++) {
		if (i < text.len && text.p[i] != '\n')
			continue;
		if (line >= f->line - EXCERPT_LINES &&
		    (i > start || i < text.len || line == f->line)) {
			char clean[EXCERPT_WIDTH];

			put_clean(clean, sizeof clean, text.p + start, i - start);
			used += (size_t)snprintf(f->excerpt + used, sizeof f->excerpt - used,
			    "%c%5d | %s\n", line == f->line ? '>' : ' ', line, clean);
		}
		line++;
		start = i + 1;
	}
}

/* "NAME:LINE:" or "NAME:LINE:COL:" at the start of text, NAME a known file. */
static void
find_place(struct fault *f, const char *text, const struct job *job)
{
	const char *colon = text;
	struct slice src;
	char *end;

	while ((colon = strchr(colon, ':')) != NULL) {
		long line = strtol(colon + 1, &end, 10);
		size_t len = (size_t)(colon - text);

		if (end == colon + 1 || *end != ':' || line < 1 || len >= sizeof f->file) {
			colon++;
			continue;
		}
		src = loader_text(job, text, len);
		if (src.p == NULL)
			return;
		memcpy(f->file, text, len);
		f->file[len] = '\0';
		f->line = line > 1000000 ? 0 : (int)line;
		if (end[1] >= '0' && end[1] <= '9') {
			long col = strtol(end + 1, &end, 10);

			f->col = *end == ':' && col < 1000000 ? (int)col : 0;
		}
		put_excerpt(f, src);
		return;
	}
	/* "main.lua: precompiled chunks ..." */
	colon = strchr(text, ':');
	if (colon != NULL && (size_t)(colon - text) < sizeof f->file &&
	    loader_text(job, text, (size_t)(colon - text)).p != NULL)
		snprintf(f->file, sizeof f->file, "%.*s", (int)(colon - text), text);
}

void
fault_from_text(struct fault *f, const char *text, const struct job *job)
{
	memset(f, 0, sizeof *f);
	put_clean(f->text, sizeof f->text, text, strlen(text));
	find_place(f, text, job);
}

/* A limit that was hit, and where: that is elsewhere than where the last error was. */
static void
put_limit(struct fault *f, const char *limit, const struct job *job)
{
	char text[FAULT_FILE_CAP + 64];
	int line;
	const char *file = guard_place(&line);

	if (line > 0) {
		snprintf(text, sizeof text, "%.200s:%d: ", file, line);
		fault_from_text(f, text, job);
	} else {
		file = f->file;
		line = f->line;
	}
	guard_limit_text(f->text, sizeof f->text, limit, file, line);
}

void
fault_from_lua(struct fault *f, lua_State *L, int status, const struct job *job,
    size_t heap_limit_bytes, bool heap_hit)
{
	const char *what = job_what(job);
	const char *text = "error without a message", *trace = "", *locals = "";
	char limit[128];
	int top = lua_gettop(L);

	if (is_pair(L, top)) {
		lua_rawgeti(L, top, 1);
		lua_rawgeti(L, top, 2);
		lua_rawgeti(L, top, 4);
		text = lua_tostring(L, -3);
		trace = lua_tostring(L, -2);
		locals = lua_tostring(L, -1);
	} else if (lua_type(L, top) == LUA_TSTRING)
		text = lua_tostring(L, top);
	fault_from_text(f, once(text), job);
	limit[0] = '\0';
	if (guard_expired())
		guard_time_text(limit, sizeof limit);
	else if (status == LUA_ERRMEM || (heap_hit && strcmp(text, "not enough memory") == 0))
		snprintf(limit, sizeof limit, "%s exceeded %zu MiB (%s)", what, heap_limit_bytes >> 20,
		    guard_limit(what, "limit limits: script-memory"));
	if (limit[0] != '\0')
		put_limit(f, limit, job);
	put_long(f->traceback, sizeof f->traceback, trace);
	put_long(f->locals, sizeof f->locals, locals);
	lua_settop(L, top - 1);
}
