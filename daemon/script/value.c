/*
 * value.c - msgpack <-> Lua (see value.h).  Both ways are recursive and both
 * are bounded by SCRIPT_DEPTH_MAX.
 */
#include "value.h"

#include "../base/utf8.h"
#include "order.h"
#include "../base/scriptio.h"
#include "../../gossip/mp.h"
#include "../../gossip/mpw.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <lauxlib.h>

enum { PATH_CAP = 320 };

static const char list_key = 'L';

static void push_item(lua_State *L, struct mp *r);

static void
bad_input(lua_State *L, const struct mp *r)
{
	luaL_error(
	    L, "input: malformed, or deeper than %d, at byte %d", SCRIPT_DEPTH_MAX, (int)r->off);
}

static void
push_number(lua_State *L, struct mp *r)
{
	int64_t i = 0;
	uint64_t u;
	int rc = mp_int(r, &i);

	/* Above INT64_MAX Lua's integers wrap; the bits stay the same. */
	if (rc != 0 && mp_uint(r, &u) == 0) {
		i = (int64_t)u;
		rc = 0;
	}
	if (rc != 0)
		bad_input(L, r);
	lua_pushinteger(L, i);
}

static void
push_map(lua_State *L, struct mp *r)
{
	uint32_t n;

	if (mp_map(r, &n) != 0)
		bad_input(L, r);
	lua_createtable(L, 0, n < 65536 ? (int)n : 65536);
	for (uint32_t i = 0; i < n; i++) {
		push_item(L, r);
		if (lua_isnil(L, -1))
			bad_input(L, r);
		push_item(L, r);
		lua_rawset(L, -3);
	}
}

static void
push_list(lua_State *L, struct mp *r)
{
	uint32_t n;

	if (mp_array(r, &n) != 0)
		bad_input(L, r);
	lua_createtable(L, n < 65536 ? (int)n : 65536, 0);
	if (n == 0 && lua_rawgetp(L, LUA_REGISTRYINDEX, &list_key) == LUA_TTABLE)
		lua_setmetatable(L, -2);
	for (uint32_t i = 0; i < n; i++) {
		push_item(L, r);
		lua_rawseti(L, -2, (lua_Integer)i + 1);
	}
}

static void
push_item(lua_State *L, struct mp *r)
{
	const char *s = "";
	const uint8_t *p;
	size_t len = 0;
	double d = 0;
	bool b = false;
	int rc = 0;

	luaL_checkstack(L, 4, "input nested too deep");
	switch (mp_peek(r)) {
	case MP_MAP:
		push_map(L, r);
		return;
	case MP_ARRAY:
		push_list(L, r);
		return;
	case MP_INT:
		push_number(L, r);
		return;
	case MP_STR:
		rc = mp_str(r, &s, &len);
		lua_pushlstring(L, s, rc == 0 ? len : 0);
		break;
	case MP_BIN:
		rc = mp_bin(r, &p, &len);
		lua_pushlstring(L, rc == 0 ? (const char *)p : "", rc == 0 ? len : 0);
		break;
	case MP_DOUBLE:
		rc = mp_double(r, &d);
		lua_pushnumber(L, d);
		break;
	case MP_BOOL:
		rc = mp_bool(r, &b);
		lua_pushboolean(L, b);
		break;
	case MP_NIL:
		rc = mp_nil(r);
		lua_pushnil(L);
		break;
	default:
		rc = -ERR_MALFORMED;
	}
	if (rc != 0)
		bad_input(L, r);
}

void
value_push(lua_State *L, const void *buf, size_t len)
{
	struct mp r;

	lua_newtable(L);
	lua_rawsetp(L, LUA_REGISTRYINDEX, &list_key);
	mp_init(&r, buf, len, SCRIPT_DEPTH_MAX + 1);
	push_item(L, &r);
	if (mp_end(&r) != 0)
		bad_input(L, &r);
}

bool
value_empty_list(lua_State *L, int idx)
{
	bool same;

	if (!lua_getmetatable(L, idx))
		return false;
	lua_rawgetp(L, LUA_REGISTRYINDEX, &list_key);
	same = lua_rawequal(L, -1, -2);
	lua_pop(L, 2);
	return same;
}

size_t
value_utf8(const char *str, size_t len)
{
	const uint8_t *s = (const uint8_t *)str;
	size_t i = 0;

	while (i < len) {
		size_t n = utf8_len(s + i, len - i);

		if (n == 0)
			return i;
		i += n;
	}
	return len;
}

/* --- Lua to msgpack --- */

/* The way from the root to where we are, kept for the error that needs it. */
struct step {
	const void *table;
	const char *key; /* NULL: an index of a list */
	size_t key_len;
	lua_Integer index;
};

struct packing {
	struct mpw *w;
	const char *root;
	size_t limit_bytes, keys;
	int depth;
	struct step steps[SCRIPT_DEPTH_MAX + 1];
};

static void pack_value(lua_State *L, int idx, struct packing *p);

static void
fail(lua_State *L, const struct packing *p, const char *what)
{
	char path[PATH_CAP];
	size_t n = (size_t)snprintf(path, sizeof path, "%s", p->root);

	for (int i = 0; i < p->depth && n < sizeof path; i++) {
		const struct step *s = &p->steps[i];

		if (s->key != NULL)
			n += (size_t)snprintf(path + n, sizeof path - n, ".%.*s",
			    (int)(s->key_len < 64 ? s->key_len : 64), s->key);
		else if (s->index > 0)
			n += (size_t)snprintf(
			    path + n, sizeof path - n, "[%lld]", (long long)s->index);
	}
	lua_pushfstring(L, "%s: %s", path, what);
	lua_error(L);
}

static void
fail_fmt(lua_State *L, const struct packing *p, const char *fmt, long long a)
{
	char text[96];

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(text, sizeof text, fmt, a);
#pragma GCC diagnostic pop
	fail(L, p, text);
}

static void
pack_string(lua_State *L, struct packing *p, const char *s, size_t len)
{
	size_t ok = value_utf8(s, len);

	if (ok != len)
		fail_fmt(L, p, "not UTF-8 at byte %lld", (long long)ok + 1);
	mpw_str(p->w, s, len);
}

static void
pack_number(lua_State *L, int idx, struct packing *p)
{
	lua_Number n;

	if (lua_isinteger(L, idx)) {
		mpw_int(p->w, lua_tointeger(L, idx));
		return;
	}
	n = lua_tonumber(L, idx);
	if (isnan(n))
		fail(L, p, "nan is not a finite number");
	if (isinf(n))
		fail(L, p, n > 0 ? "inf is not a finite number" : "-inf is not a finite number");
	mpw_double(p->w, n);
}

/* Look at all keys of the table: how many, and is it a list or a map? */
static size_t
classify(lua_State *L, int idx, struct packing *p, bool *list)
{
	size_t strings = 0, ints = 0;
	lua_Integer max = 0, min = LUA_MAXINTEGER;
	struct order_key k, word = {.rank = 0};
	char text[128];

	lua_pushnil(L);
	while (lua_next(L, idx) != 0) {
		lua_pop(L, 1);
		if (!order_key_set(L, lua_gettop(L), &k) || (k.rank != 0 && k.rank != 2)) {
			snprintf(text, sizeof text, "a key is a %s, not a string or 1..n",
			    luaL_typename(L, -1));
			fail(L, p, text);
		}
		if (k.rank == 2 && (strings++ == 0 || order_key_cmp(&k, &word) < 0))
			word = k;
		if (k.rank == 0) {
			ints++;
			max = k.i > max ? k.i : max;
			min = k.i < min ? k.i : min;
		}
	}
	if (strings > 0 && ints > 0) {
		snprintf(text, sizeof text, "mixed keys %lld and '%.*s'", (long long)min,
		    (int)(word.len < 64 ? word.len : 64), word.str);
		fail(L, p, text);
	}
	if (ints > 0 && min < 1)
		fail_fmt(L, p, "key %lld: a list has keys 1..n", (long long)min);
	if (ints > 0 && (size_t)max != ints)
		fail_fmt(L, p, "a list with holes: %lld is its last key", (long long)max);
	p->keys += strings + ints;
	if (p->keys > SCRIPT_KEYS_MAX)
		fail_fmt(L, p, "more than %lld keys in all", (long long)SCRIPT_KEYS_MAX);
	*list = ints > 0 || (strings == 0 && value_empty_list(L, idx));
	return strings + ints;
}

static void
pack_list(lua_State *L, int idx, struct packing *p, size_t n)
{
	struct step *step = &p->steps[p->depth - 1];

	mpw_array(p->w, (uint32_t)n);
	step->key = NULL;
	for (size_t i = 1; i <= n; i++) {
		step->index = (lua_Integer)i;
		lua_rawgeti(L, idx, (lua_Integer)i);
		pack_value(L, lua_gettop(L), p);
		lua_pop(L, 1);
	}
}

static void
pack_key(lua_State *L, struct packing *p, const struct order_key *k)
{
	struct step *step = &p->steps[p->depth - 1];

	step->key = k->str;
	step->key_len = k->len;
	pack_string(L, p, k->str, k->len);
}

/* A small map: keys and values wait on the stack, nothing is looked up twice. */
static void
pack_few(lua_State *L, int idx, struct packing *p, size_t n)
{
	struct order_key keys[ORDER_FEW], tmp[ORDER_FEW];
	int top = lua_gettop(L);
	size_t i = 0;

	luaL_checkstack(L, 2 * ORDER_FEW + 4, "result nested too deep");
	lua_pushnil(L);
	while (lua_next(L, idx) != 0) {
		order_key_set(L, -2, &keys[i]);
		keys[i++].at = lua_gettop(L);
		lua_pushvalue(L, -2);
	}
	order_keys(keys, tmp, n);
	for (i = 0; i < n; i++) {
		pack_key(L, p, &keys[i]);
		pack_value(L, keys[i].at, p);
	}
	lua_settop(L, top);
}

static void
pack_map(lua_State *L, int idx, struct packing *p, size_t n)
{
	struct order_key *keys;
	size_t i = 0;

	mpw_map(p->w, (uint32_t)n);
	if (n <= ORDER_FEW) {
		pack_few(L, idx, p, n);
		return;
	}
	keys = lua_newuserdatauv(L, 2 * n * sizeof *keys, 0);
	lua_pushnil(L);
	while (lua_next(L, idx) != 0) {
		lua_pop(L, 1);
		order_key_set(L, lua_gettop(L), &keys[i++]);
	}
	order_keys(keys, keys + n, n);
	for (i = 0; i < n; i++) {
		pack_key(L, p, &keys[i]);
		lua_pushlstring(L, keys[i].str, keys[i].len);
		lua_rawget(L, idx);
		pack_value(L, lua_gettop(L), p);
		lua_pop(L, 1);
	}
	lua_pop(L, 1);
}

static void
pack_table(lua_State *L, int idx, struct packing *p)
{
	const void *table = lua_topointer(L, idx);
	bool list;
	size_t n;

	for (int i = 0; i < p->depth; i++)
		if (p->steps[i].table == table)
			fail(L, p, "cycle");
	if (p->depth == SCRIPT_DEPTH_MAX)
		fail_fmt(L, p, "deeper than %lld", (long long)SCRIPT_DEPTH_MAX);
	luaL_checkstack(L, 8, "result nested too deep");
	n = classify(L, idx, p, &list);
	p->steps[p->depth++] = (struct step){.table = table};
	if (list)
		pack_list(L, idx, p, n);
	else
		pack_map(L, idx, p, n);
	p->depth--;
	if (p->w->full || p->w->len > p->limit_bytes) {
		p->depth = 0;
		fail_fmt(L, p, "larger than %lld MiB", (long long)(p->limit_bytes >> 20));
	}
}

static void
pack_value(lua_State *L, int idx, struct packing *p)
{
	const char *s;
	size_t len;
	char text[64];

	switch (lua_type(L, idx)) {
	case LUA_TNIL:
		mpw_nil(p->w);
		return;
	case LUA_TBOOLEAN:
		mpw_bool(p->w, lua_toboolean(L, idx));
		return;
	case LUA_TNUMBER:
		pack_number(L, idx, p);
		return;
	case LUA_TSTRING:
		s = lua_tolstring(L, idx, &len);
		pack_string(L, p, s, len);
		return;
	case LUA_TTABLE:
		pack_table(L, idx, p);
		return;
	default:
		snprintf(text, sizeof text, "%s is not serialisable", luaL_typename(L, idx));
		fail(L, p, text);
	}
}

void
value_pack(lua_State *L, int idx, struct mpw *w, const char *root, size_t limit_bytes)
{
	struct packing p = {.w = w, .root = root, .limit_bytes = limit_bytes};

	pack_value(L, lua_absindex(L, idx), &p);
	if (w->full || w->len > limit_bytes)
		fail_fmt(L, &p, "larger than %lld MiB", (long long)(limit_bytes >> 20));
}
