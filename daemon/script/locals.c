/*
 * locals.c - see locals.h.
 *
 * An error goes to status pages and logs of helpers, so a value is shown only if nothing
 * speaks against it: not under a name like password or key, not what such a variable of
 * the same frame holds too, not what looks like a key or a token by itself.
 */
#include "locals.h"
#include "order.h"
#include "text.h"

#include <ctype.h>
#include <stdio.h>
#include <strings.h>

#include <lauxlib.h>

enum {
	LOCALS_MAX = 24,
	LOCALS_BYTES = 2000,
	FIELDS_SHOWN = 8,
	FIELDS_MAX = 256,
	STRING_SHOWN = 60,
	SECRETS_MAX = 32,
	SECRET_BYTES_MIN = 4,
	TOKEN_BYTES_MIN = 20,
};

struct secret {
	const char *p;
	size_t len;
};

struct locals {
	struct log_text text;
	struct secret secrets[SECRETS_MAX]; /* of this frame; they stay as long as it does */
	size_t secrets_count;
};

static bool
secret_name(const char *name)
{
	static const char *const words[] = {"password", "passwd", "passphrase", "secret", "token",
	    "credential", "private"};
	size_t len = strlen(name);

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strcasestr(name, words[i]) != NULL)
			return true;
	return (len >= 3 && strcasecmp(name + len - 3, "key") == 0) ||
	       (len >= 4 && strcasecmp(name + len - 4, "keys") == 0);
}

/* A long word of letters of both kinds and digits: made by a machine, to be guessed by nobody. */
static bool
secret_look(const char *s, size_t len)
{
	size_t run = 0;
	int kinds = 0;

	if (memmem(s, len, "-----BEGIN", 10) != NULL)
		return true;
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)s[i];

		if (!isalnum(c) && c != '+' && c != '/' && c != '=' && c != '_') {
			run = 0;
			kinds = 0;
			continue;
		}
		run++;
		kinds |= islower(c) ? 1 : isupper(c) ? 2 : isdigit(c) ? 4 : 0;
		if (run >= TOKEN_BYTES_MIN && kinds == 7)
			return true;
		/* Hexadecimal of 128 bits or more. */
		if (run >= 32 && kinds == 5 && strspn(s + i + 1 - run, "0123456789abcdef") >= 32)
			return true;
	}
	return false;
}

static bool
is_secret(const struct locals *l, const char *s, size_t len)
{
	for (size_t i = 0; i < l->secrets_count; i++)
		if (memmem(s, len, l->secrets[i].p, l->secrets[i].len) != NULL)
			return true;
	return secret_look(s, len);
}

static void
put(struct locals *l, const char *s)
{
	text_put(&l->text, s, strlen(s));
}

static void
put_string(struct locals *l, const char *s, size_t len)
{
	char out[4 * STRING_SHOWN + 1];
	struct log_text t = {.max = sizeof out - 1};
	size_t shown = len < STRING_SHOWN ? len : STRING_SHOWN;

	if (is_secret(l, s, len)) {
		put(l, "(redacted)");
		return;
	}
	text_put_clean(&t, s, shown);
	put(l, "\"");
	for (size_t i = 0; i < t.len; i++)
		if (t.buf[i] == '\n')
			put(l, "\\n");
		else
			text_put(&l->text, &t.buf[i], 1);
	put(l, shown < len ? "...\"" : "\"");
	text_free(&t);
}

static void
put_plain(struct locals *l, lua_State *L, int idx)
{
	char word[64];
	size_t len;

	switch (lua_type(L, idx)) {
	case LUA_TNIL:
		put(l, "nil");
		break;
	case LUA_TBOOLEAN:
		put(l, lua_toboolean(L, idx) ? "true" : "false");
		break;
	case LUA_TNUMBER:
		if (lua_isinteger(L, idx))
			snprintf(word, sizeof word, LUA_INTEGER_FMT, lua_tointeger(L, idx));
		else
			snprintf(word, sizeof word, "%.14g", lua_tonumber(L, idx));
		put(l, word);
		break;
	case LUA_TSTRING: {
		const char *s = lua_tolstring(L, idx, &len);

		put_string(l, s, len);
		break;
	}
	case LUA_TTABLE:
		put(l, "{...}");
		break;
	default:
		put(l, luaL_typename(L, idx));
	}
}

/* The keys of the table at idx, sorted; each stays on the stack.  -1: too many, or of a
 * kind without order. */
static int
sorted_keys(lua_State *L, int idx, struct order_key keys[FIELDS_MAX])
{
	struct order_key spare[FIELDS_MAX];
	int n = 0;

	lua_pushnil(L);
	while (lua_next(L, idx) != 0) {
		lua_pop(L, 1);
		if (n == FIELDS_MAX || !order_key_set(L, -1, &keys[n]))
			return -1;
		keys[n++].at = lua_gettop(L);
		lua_pushvalue(L, -1);
	}
	order_keys(keys, spare, (size_t)n);
	return n;
}

static void
put_fields(struct locals *l, lua_State *L, int idx, const struct order_key *keys, int n)
{
	for (int i = 0; i < n && i < FIELDS_SHOWN; i++) {
		bool word = lua_type(L, keys[i].at) == LUA_TSTRING;

		put(l, i > 0 ? ", " : "");
		if (word) {
			text_put_clean(&l->text, keys[i].str, keys[i].len < 64 ? keys[i].len : 64);
			put(l, " = ");
		} else if (keys[i].rank != 0 || keys[i].i != i + 1) {
			put(l, "[");
			put_plain(l, L, keys[i].at);
			put(l, "] = ");
		}
		lua_pushvalue(L, keys[i].at);
		lua_rawget(L, idx);
		if (word && secret_name(keys[i].str))
			put(l, "(redacted)");
		else
			put_plain(l, L, lua_gettop(L));
		lua_pop(L, 1);
	}
	put(l, n > FIELDS_SHOWN ? ", ..." : "");
}

static void
put_value(struct locals *l, lua_State *L, int idx)
{
	struct order_key keys[FIELDS_MAX];
	int top = lua_gettop(L), n;

	if (lua_type(L, idx) != LUA_TTABLE) {
		put_plain(l, L, idx);
		return;
	}
	if (!lua_checkstack(L, FIELDS_MAX + 8) || (n = sorted_keys(L, idx, keys)) < 0) {
		lua_settop(L, top);
		put(l, "{...}");
		return;
	}
	put(l, "{");
	put_fields(l, L, idx, keys, n);
	put(l, "}");
	lua_settop(L, top);
}

static void
note_secret(struct locals *l, lua_State *L, int idx)
{
	struct secret s;

	if (lua_type(L, idx) != LUA_TSTRING || l->secrets_count == SECRETS_MAX)
		return;
	s.p = lua_tolstring(L, idx, &s.len);
	if (s.len >= SECRET_BYTES_MIN)
		l->secrets[l->secrets_count++] = s;
}

/* Those of a variable by its own name, and of the fields of a table. */
static void
note_secrets(struct locals *l, lua_State *L, const char *name, int idx)
{
	if (secret_name(name))
		note_secret(l, L, idx);
	if (lua_type(L, idx) != LUA_TTABLE)
		return;
	lua_pushnil(L);
	while (lua_next(L, idx) != 0) {
		if (lua_type(L, -2) == LUA_TSTRING && secret_name(lua_tostring(L, -2)))
			note_secret(l, L, lua_gettop(L));
		lua_pop(L, 1);
	}
}

static bool
find_frame(lua_State *L, const char *message, lua_Debug *out)
{
	lua_Debug ar;
	bool found = false, own = true; /* found, and it is of the library */

	for (int level = 1; lua_getstack(L, level, &ar) && level < 200; level++) {
		char place[LUA_IDSIZE + 32];

		if (!lua_getinfo(L, "Sl", &ar) || *ar.what == 'C')
			continue;
		if (!found || (own && strncmp(ar.short_src, "mesh/", 5) != 0)) {
			*out = ar;
			own = strncmp(ar.short_src, "mesh/", 5) == 0;
		}
		found = true;
		snprintf(place, sizeof place, "%s:%d:", ar.short_src, ar.currentline);
		if (strncmp(message, place, strlen(place)) == 0) {
			*out = ar;
			break;
		}
	}
	return found;
}

void
locals_push(lua_State *L, const char *message)
{
	struct locals l = {.text = {.max = LOCALS_BYTES}};
	const char *name;
	lua_Debug ar;

	if (!lua_checkstack(L, 8) || !find_frame(L, message, &ar)) {
		lua_pushliteral(L, "");
		return;
	}
	for (int i = 1; i <= LOCALS_MAX && (name = lua_getlocal(L, &ar, i)) != NULL; i++) {
		note_secrets(&l, L, name, lua_gettop(L));
		lua_pop(L, 1);
	}
	for (int i = 1; i <= LOCALS_MAX && (name = lua_getlocal(L, &ar, i)) != NULL; i++) {
		if (*name != '(') { /* "(temporary)" */
			put(&l, name);
			put(&l, " = ");
			if (secret_name(name) && !lua_isnil(L, -1))
				put(&l, "(redacted)");
			else
				put_value(&l, L, lua_gettop(L));
			put(&l, "\n");
		}
		lua_pop(L, 1);
	}
	lua_pushlstring(L, l.text.buf != NULL ? l.text.buf : "", l.text.len);
	text_free(&l.text);
}
