/*
 * value.c - msgpack <-> Lua (see value.h).  Both ways are recursive and both
 * are bounded by SCRIPT_DEPTH_MAX.
 */
#include "value.h"

#include "../base/utf8.h"
#include "order.h"
#include "weigh.h"
#include "../base/scriptio.h"
#include "../../gossip/mp.h"
#include "../../gossip/mpw.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <lauxlib.h>

enum { PATH_CAP = 320 };

static const char list_key = 'L';

enum {
	WORDS = 256,	       /* texts that are at hand: most texts of an input come again and again */
	WORD_BYTES_MAX = 40,   /* all longer ones are made anew; so does Lua, from there on */
	RECORD_KEYS_MAX = 64,  /* a larger map is one by id: no key of it comes again soon */
	TABLE_SIZE_MAX = 65536 /* room made beforehand, whatever a map says of itself */
};

struct reading {
	struct mp r;
	int words_at; /* stack index of the first of WORDS texts that were read */
	struct {
		const uint8_t *p;
		size_t len; /* 0: none yet */
	} words[WORDS];
};

static void push_item(lua_State *L, struct reading *in, bool again);

static void
bad_input(lua_State *L, const struct mp *r)
{
	luaL_error(
	    L, "input: malformed, or deeper than %d, at byte %d", SCRIPT_DEPTH_MAX, (int)r->off);
}

/* A text, which may well be one of those that were read a moment ago: then Lua need not
 * look for it among all that it has. */
static void
push_word(lua_State *L, struct reading *in, const uint8_t *p, size_t len)
{
	size_t at = (p[0] + 3u * p[len - 1] + 17u * p[len / 2] + 31u * len) % WORDS;
	int idx = in->words_at + (int)at;

	if (in->words[at].len == len && memcmp(in->words[at].p, p, len) == 0) {
		lua_pushvalue(L, idx);
		return;
	}
	lua_pushlstring(L, (const char *)p, len);
	lua_copy(L, -1, idx);
	in->words[at].p = p;
	in->words[at].len = len;
}

static void
push_map(lua_State *L, struct reading *in, uint64_t n)
{
	bool again = n <= RECORD_KEYS_MAX;

	luaL_checkstack(L, 4, "input nested too deep");
	lua_createtable(L, 0, n < TABLE_SIZE_MAX ? (int)n : TABLE_SIZE_MAX);
	for (uint64_t i = 0; i < n; i++) {
		push_item(L, in, again);
		if (lua_isnil(L, -1))
			bad_input(L, &in->r);
		push_item(L, in, true);
		lua_rawset(L, -3);
	}
}

static void
push_list(lua_State *L, struct reading *in, uint64_t n)
{
	luaL_checkstack(L, 4, "input nested too deep");
	lua_createtable(L, n < TABLE_SIZE_MAX ? (int)n : TABLE_SIZE_MAX, 0);
	if (n == 0 && lua_rawgetp(L, LUA_REGISTRYINDEX, &list_key) == LUA_TTABLE)
		lua_setmetatable(L, -2);
	for (uint64_t i = 0; i < n; i++) {
		push_item(L, in, true);
		lua_rawseti(L, -2, (lua_Integer)i + 1);
	}
}

/* again: a text may be one that comes more than once. */
static void
push_item(lua_State *L, struct reading *in, bool again)
{
	struct mp_value v;
	size_t at = in->r.off;

	if (mp_next(&in->r, &v) != 0)
		bad_input(L, &in->r);
	switch (v.type) {
	case MP_MAP:
		push_map(L, in, v.n);
		return;
	case MP_ARRAY:
		push_list(L, in, v.n);
		return;
	case MP_INT:
		/* Above INT64_MAX Lua's integers wrap; the bits stay the same. */
		lua_pushinteger(L, (lua_Integer)v.n);
		return;
	case MP_STR:
	case MP_BIN:
		if (again && v.n > 0 && v.n <= WORD_BYTES_MAX)
			push_word(L, in, v.p, (size_t)v.n);
		else
			lua_pushlstring(L, (const char *)v.p, (size_t)v.n);
		return;
	case MP_DOUBLE:
		lua_pushnumber(L, v.d);
		return;
	case MP_BOOL:
		lua_pushboolean(L, v.n != 0);
		return;
	case MP_NIL:
		lua_pushnil(L);
		return;
	default:
		in->r.off = at;
		bad_input(L, &in->r);
	}
}

void
value_push(lua_State *L, const void *buf, size_t len)
{
	struct reading in = {.words_at = lua_gettop(L) + 1};

	lua_newtable(L);
	lua_rawsetp(L, LUA_REGISTRYINDEX, &list_key);
	luaL_checkstack(L, WORDS + 4, "no room for the input");
	lua_settop(L, in.words_at - 1 + WORDS);
	mp_init(&in.r, buf, len, SCRIPT_DEPTH_MAX + 1);
	push_item(L, &in, true);
	if (mp_end(&in.r) != 0)
		bad_input(L, &in.r);
	lua_replace(L, in.words_at);
	lua_settop(L, in.words_at);
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
	uint64_t eight;

	while (i < len) {
		size_t n;

		if (len - i >= sizeof eight) {
			memcpy(&eight, s + i, sizeof eight);
			if ((eight & 0x8080808080808080u) == 0) { /* ASCII, as most is */
				i += sizeof eight;
				continue;
			}
		}
		n = utf8_len(s + i, len - i);

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
	size_t from, limit_bytes, keys; /* limit_bytes: of w in all, from the first */
	int depth, idx;			/* idx: of the root */
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
fail_large(lua_State *L, struct packing *p)
{
	char what[PATH_CAP + 40], largest[PATH_CAP];

	p->depth = 0;
	weigh_largest(L, p->idx, largest, sizeof largest);
	snprintf(what, sizeof what, "larger than %zu MiB%s%s", (p->limit_bytes - p->from) >> 20,
	    largest[0] != '\0' ? ": " : "", largest);
	fail(L, p, what);
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

/* What the keys of a table say of it.  Of the first ORDER_FEW the key is kept, its value
 * waits on the stack. */
struct keys {
	size_t strings, ints;
	lua_Integer min, max;
	struct order_key word;		       /* the first of the strings */
	struct order_key few[ORDER_FEW + 1]; /* and one that all others go through */
};

static void
note_key(lua_State *L, const struct packing *p, struct keys *keys, const struct order_key *k)
{
	char text[128];

	if (k->rank == 2) {
		if (keys->strings++ == 0 || order_key_cmp(k, &keys->word) < 0)
			keys->word = *k;
		return;
	}
	if (k->rank != 0) {
		snprintf(text, sizeof text, "a key is a %s, not a string or 1..n",
		    k->rank == 1 ? "number" : k->rank == 3 ? "boolean" : luaL_typename(L, -2));
		fail(L, p, text);
	}
	if (keys->ints++ == 0)
		keys->min = keys->max = k->i;
	keys->max = k->i > keys->max ? k->i : keys->max;
	keys->min = k->i < keys->min ? k->i : keys->min;
}

/* Look at all keys of the table: how many, and is it a list or a map? */
static size_t
look_at(lua_State *L, int idx, struct packing *p, struct keys *keys, bool *list)
{
	enum { NO_ORDER = 4 };
	size_t n = 0;
	char text[128];

	keys->strings = keys->ints = 0;
	lua_pushnil(L);
	for (; lua_next(L, idx) != 0; n++) {
		struct order_key *k = &keys->few[n < ORDER_FEW ? n : ORDER_FEW];

		if (!order_key_set(L, -2, k))
			k->rank = NO_ORDER;
		note_key(L, p, keys, k);
		if (n >= ORDER_FEW) {
			lua_pop(L, 1);
			continue;
		}
		k->at = lua_gettop(L);
		lua_pushvalue(L, -2);
	}
	if (keys->strings > 0 && keys->ints > 0) {
		snprintf(text, sizeof text, "mixed keys %lld and '%.*s'", (long long)keys->min,
		    (int)(keys->word.len < 64 ? keys->word.len : 64), keys->word.str);
		fail(L, p, text);
	}
	if (keys->ints > 0 && keys->min < 1)
		fail_fmt(L, p, "key %lld: a list has keys 1..n", (long long)keys->min);
	if (keys->ints > 0 && (size_t)keys->max != keys->ints)
		fail_fmt(L, p, "a list with holes: %lld is its last key", (long long)keys->max);
	p->keys += n;
	if (p->keys > SCRIPT_KEYS_MAX)
		fail_fmt(L, p, "more than %lld keys in all", (long long)SCRIPT_KEYS_MAX);
	*list = keys->ints > 0 || (keys->strings == 0 && value_empty_list(L, idx));
	return n;
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

/* A small map: its values wait on the stack, nothing is looked up. */
static void
pack_few(lua_State *L, struct packing *p, struct keys *keys, size_t n)
{
	struct order_key tmp[ORDER_FEW];

	order_keys(keys->few, tmp, n);
	for (size_t i = 0; i < n; i++) {
		pack_key(L, p, &keys->few[i]);
		pack_value(L, keys->few[i].at, p);
	}
}

static void
pack_many(lua_State *L, int idx, struct packing *p, size_t n)
{
	struct order_key *keys = lua_newuserdatauv(L, 2 * n * sizeof *keys, 0);
	size_t i = 0;

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
}

static void
pack_table(lua_State *L, int idx, struct packing *p)
{
	const void *table = lua_topointer(L, idx);
	struct keys keys;
	int top = lua_gettop(L);
	bool list;
	size_t n;

	for (int i = 0; i < p->depth; i++)
		if (p->steps[i].table == table)
			fail(L, p, "cycle");
	if (p->depth == SCRIPT_DEPTH_MAX)
		fail_fmt(L, p, "deeper than %lld", (long long)SCRIPT_DEPTH_MAX);
	luaL_checkstack(L, 2 * ORDER_FEW + 12, "result nested too deep");
	n = look_at(L, idx, p, &keys, &list);
	p->steps[p->depth++] = (struct step){.table = table};
	if (list) {
		lua_settop(L, top);
		pack_list(L, idx, p, n);
	} else {
		mpw_map(p->w, (uint32_t)n);
		if (n <= ORDER_FEW)
			pack_few(L, p, &keys, n);
		else
			pack_many(L, idx, p, n);
	}
	lua_settop(L, top);
	p->depth--;
	if (p->w->full || p->w->len > p->limit_bytes)
		fail_large(L, p);
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
	struct packing p = {.w = w, .root = root, .from = w->len, .limit_bytes = w->len + limit_bytes,
	    .idx = lua_absindex(L, idx)};

	pack_value(L, p.idx, &p);
	if (w->full || w->len > p.limit_bytes)
		fail_large(L, &p);
}
