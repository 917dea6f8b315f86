/*
 * order.c - sorted pairs and next, stable sort (see order.h).
 *
 * pairs() looks through the table once.  Keys 1..n need no sorting and are
 * walked in place.  Otherwise the keys are copied and sorted (by an 8-byte
 * prefix first: most comparisons never touch the string), and put into a list
 * that a closure steps through, skipping keys removed meanwhile.
 */
#include "order.h"
#include "given.h"
#include "guard.h"

#include <endian.h>
#include <stdlib.h>

#include <lauxlib.h>

bool
order_key_set(lua_State *L, int idx, struct order_key *k)
{
	uint64_t eight;

	switch (lua_type(L, idx)) {
	case LUA_TNUMBER:
		if (lua_isinteger(L, idx)) {
			k->rank = 0;
			k->i = lua_tointeger(L, idx);
			return true;
		}
		k->rank = 1;
		k->n = lua_tonumber(L, idx);
		return true;
	case LUA_TBOOLEAN:
		k->rank = 3;
		k->i = lua_toboolean(L, idx);
		return true;
	case LUA_TSTRING:
		k->rank = 2;
		k->str = lua_tolstring(L, idx, &k->len);
		if (k->len >= sizeof eight) {
			memcpy(&eight, k->str, sizeof eight);
			k->prefix = be64toh(eight);
			return true;
		}
		k->prefix = 0;
		for (size_t i = 0; i < k->len; i++)
			k->prefix |= (uint64_t)(uint8_t)k->str[i] << (56 - 8 * i);
		return true;
	default:
		return false;
	}
}

static int
str_cmp(const struct order_key *a, const struct order_key *b)
{
	size_t n = a->len < b->len ? a->len : b->len;
	int c;

	if (a->prefix != b->prefix)
		return a->prefix < b->prefix ? -1 : 1;
	c = memcmp(a->str, b->str, n);
	if (c != 0 || a->len == b->len)
		return c;
	return a->len < b->len ? -1 : 1;
}

int
order_key_cmp(const struct order_key *a, const struct order_key *b)
{
	if (a->rank < 2 && b->rank < 2) {
		/* long double holds every 64-bit integer and every double. */
		long double x = a->rank == 0 ? (long double)a->i : (long double)a->n;
		long double y = b->rank == 0 ? (long double)b->i : (long double)b->n;

		return x < y ? -1 : x > y;
	}
	if (a->rank != b->rank)
		return a->rank < b->rank ? -1 : 1;
	if (a->rank == 2)
		return str_cmp(a, b);
	return a->i < b->i ? -1 : a->i > b->i;
}

void
order_keys(struct order_key *keys, struct order_key *tmp, size_t n)
{
	struct order_key *from = keys, *to = tmp, *swap;

	for (size_t width = 1; width < n; width *= 2) {
		for (size_t lo = 0; lo < n; lo += 2 * width) {
			size_t mid = lo + width < n ? lo + width : n;
			size_t hi = mid + width < n ? mid + width : n;
			size_t a = lo, b = mid;

			for (size_t out = lo; out < hi; out++) {
				if (a < mid && (b >= hi || order_key_cmp(&from[a], &from[b]) <= 0))
					to[out] = from[a++];
				else
					to[out] = from[b++];
			}
		}
		swap = from;
		from = to;
		to = swap;
	}
	if (from != keys)
		memcpy(keys, from, n * sizeof *keys);
}

static void
push_key(lua_State *L, const struct order_key *k)
{
	if (k->rank == 0)
		lua_pushinteger(L, k->i);
	else if (k->rank == 1)
		lua_pushnumber(L, k->n);
	else if (k->rank == 2)
		lua_pushlstring(L, k->str, k->len);
	else
		lua_pushboolean(L, (int)k->i);
}

static int
no_order(lua_State *L, const char *who, int idx)
{
	guard_leave();
	return luaL_error(L, "%s: a key is a %s, there is no fixed order over such keys", who,
	    luaL_typename(L, idx));
}

/* Keys 1..n: upvalue 1 is n, so a value cleared ahead does not end the walk. */
static int
step_list(lua_State *L)
{
	lua_Integer n = lua_tointeger(L, lua_upvalueindex(1));
	lua_Integer i = lua_tointeger(L, 2);

	while (i < n) {
		i++;
		if (lua_rawgeti(L, 1, i) != LUA_TNIL) {
			lua_pushinteger(L, i);
			lua_insert(L, -2);
			return 2;
		}
		lua_pop(L, 1);
	}
	lua_pushnil(L);
	return 1;
}

/* A small map: upvalue 1 is the position, the keys follow. */
static int
step_few(lua_State *L)
{
	lua_Integer pos = lua_tointeger(L, lua_upvalueindex(1));

	for (;;) {
		pos++;
		if (pos > ORDER_FEW || lua_isnone(L, lua_upvalueindex((int)pos + 1))) {
			lua_pushnil(L);
			return 1;
		}
		lua_pushvalue(L, lua_upvalueindex((int)pos + 1));
		lua_pushvalue(L, -1);
		if (lua_rawget(L, 1) != LUA_TNIL)
			break;
		lua_pop(L, 2);
	}
	lua_pushinteger(L, pos);
	lua_replace(L, lua_upvalueindex(1));
	return 2;
}

/* Upvalues: the sorted keys, the next position. */
static int
step_keys(lua_State *L)
{
	lua_Integer pos = lua_tointeger(L, lua_upvalueindex(2));

	for (;;) {
		pos++;
		if (lua_rawgeti(L, lua_upvalueindex(1), pos) == LUA_TNIL)
			return 1;
		lua_pushvalue(L, -1);
		if (lua_rawget(L, 1) != LUA_TNIL)
			break;
		lua_pop(L, 2);
	}
	lua_pushinteger(L, pos);
	lua_replace(L, lua_upvalueindex(2));
	return 2;
}

/* What one walk through a table tells.  The first ORDER_FEW keys wait on the stack. */
struct walked {
	struct order_key keys[ORDER_FEW + 1]; /* and one that all others go through */
	size_t n;
	bool list; /* the keys are exactly 1..n */
};

static void
walk(lua_State *L, int t, struct walked *w)
{
	lua_Integer max = 0;
	bool ints = true;

	w->n = 0;
	lua_pushnil(L);
	for (; lua_next(L, t) != 0; w->n++) {
		struct order_key *k = &w->keys[w->n < ORDER_FEW ? w->n : ORDER_FEW];

		lua_pop(L, 1);
		if (!order_key_set(L, -1, k))
			no_order(L, "pairs", -1);
		if (k->rank != 0 || k->i < 1)
			ints = false;
		else if (k->i > max)
			max = k->i;
		if (w->n < ORDER_FEW) {
			k->at = lua_gettop(L);
			lua_pushvalue(L, -1);
		}
	}
	w->list = ints && (size_t)max == w->n;
}

/* Push the iterator over at most ORDER_FEW keys: they fit into its upvalues, so no table
 * is made and no string is looked up again. */
static void
push_few(lua_State *L, struct walked *w)
{
	struct order_key tmp[ORDER_FEW];

	order_keys(w->keys, tmp, w->n);
	lua_pushinteger(L, 0);
	for (size_t i = 0; i < w->n; i++)
		lua_pushvalue(L, w->keys[i].at);
	lua_pushcclosure(L, step_few, (int)w->n + 1);
}

/* Push the table's n keys, sorted, as a list. */
static void
push_sorted(lua_State *L, int t, size_t n)
{
	struct order_key *keys = lua_newuserdatauv(L, 2 * n * sizeof *keys, 0);
	int keys_at = lua_gettop(L);
	size_t i = 0;

	lua_pushnil(L);
	while (lua_next(L, t) != 0) {
		lua_pop(L, 1);
		if (!order_key_set(L, lua_gettop(L), &keys[i++]))
			no_order(L, "pairs", -1);
	}
	order_keys(keys, keys + n, n);
	lua_createtable(L, (int)n, 0);
	for (i = 0; i < n; i++) {
		push_key(L, &keys[i]);
		lua_rawseti(L, -2, (lua_Integer)i + 1);
	}
	lua_remove(L, keys_at);
}

int
order_pairs(lua_State *L)
{
	struct walked w;

	luaL_checkany(L, 1);
	if (luaL_getmetafield(L, 1, "__pairs") != LUA_TNIL) {
		lua_pushvalue(L, 1);
		lua_call(L, 1, 3);
		return 3;
	}
	luaL_checktype(L, 1, LUA_TTABLE);
	guard_enter(L);
	lua_settop(L, 1);
	luaL_checkstack(L, 2 * ORDER_FEW + 8, "pairs");
	walk(L, 1, &w);
	if (w.list) {
		lua_pushinteger(L, (lua_Integer)w.n);
		lua_pushcclosure(L, step_list, 1);
	} else if (w.n <= ORDER_FEW) {
		push_few(L, &w);
	} else {
		push_sorted(L, 1, w.n);
		lua_pushinteger(L, 0);
		lua_pushcclosure(L, step_keys, 2);
	}
	guard_leave();
	lua_pushvalue(L, 1);
	lua_pushnil(L);
	return 3;
}

/* next(t, k): the smallest key above k, by one pass.  Good for "is it empty";
 * loops use pairs. */
int
order_next(lua_State *L)
{
	struct order_key after, best, k;
	bool first = lua_isnoneornil(L, 2), found = false, given;

	luaL_checktype(L, 1, LUA_TTABLE);
	lua_settop(L, 2);
	given = given_unwrap(L, 1);
	if (!first && !order_key_set(L, 2, &after))
		return no_order(L, "next", 2);
	guard_enter(L);
	lua_pushnil(L);
	while (lua_next(L, 1) != 0) {
		lua_pop(L, 1);
		if (!order_key_set(L, lua_gettop(L), &k))
			return no_order(L, "next", -1);
		if (!first && order_key_cmp(&k, &after) <= 0)
			continue;
		if (!found || order_key_cmp(&k, &best) < 0)
			best = k;
		found = true;
	}
	guard_leave();
	if (!found) {
		lua_pushnil(L);
		return 1;
	}
	push_key(L, &best);
	lua_pushvalue(L, -1);
	lua_rawget(L, 1);
	if (given)
		given_wrap(L);
	return 2;
}

/* Is the value at index b to come before the one at a?  Stack: 1 list,
 * 2 order function or nil. */
static bool
comes_before(lua_State *L, int b, int a)
{
	bool r;

	if (lua_isnil(L, 2))
		return lua_compare(L, b, a, LUA_OPLT);
	lua_pushvalue(L, 2);
	lua_pushvalue(L, b);
	lua_pushvalue(L, a);
	lua_call(L, 2, 1);
	r = lua_toboolean(L, -1);
	lua_pop(L, 1);
	return r;
}

static void
merge_runs(lua_State *L, int from, int to, lua_Integer lo, lua_Integer mid, lua_Integer hi)
{
	lua_Integer a = lo, b = mid;

	for (lua_Integer out = lo; out < hi; out++) {
		bool take_b = a >= mid;

		if (a < mid && b < hi) {
			int at = lua_gettop(L);

			lua_rawgeti(L, from, a);
			lua_rawgeti(L, from, b);
			take_b = comes_before(L, at + 2, at + 1);
			lua_settop(L, at);
		}
		lua_rawgeti(L, from, take_b ? b : a);
		if (take_b)
			b++;
		else
			a++;
		lua_rawseti(L, to, out);
	}
}

int
order_sort(lua_State *L)
{
	lua_Integer n;
	int from = 3, to = 4;

	luaL_checktype(L, 1, LUA_TTABLE);
	if (!lua_isnoneornil(L, 2))
		luaL_checktype(L, 2, LUA_TFUNCTION);
	lua_settop(L, 2);
	n = luaL_len(L, 1);
	luaL_argcheck(L, n < (1 << 24), 1, "list too long to sort");
	guard_enter(L);
	guard_leave();
	lua_createtable(L, n > 0 ? (int)n : 0, 0);
	lua_createtable(L, n > 0 ? (int)n : 0, 0);
	for (lua_Integer i = 1; i <= n; i++) {
		lua_geti(L, 1, i);
		lua_rawseti(L, 3, i);
	}
	for (lua_Integer width = 1; width < n; width *= 2) {
		for (lua_Integer lo = 1; lo <= n; lo += 2 * width) {
			lua_Integer mid = lo + width <= n ? lo + width : n + 1;
			lua_Integer hi = mid + width <= n ? mid + width : n + 1;

			merge_runs(L, from, to, lo, mid, hi);
		}
		from = 7 - from;
		to = 7 - to;
	}
	for (lua_Integer i = 1; i <= n; i++) {
		lua_rawgeti(L, from, i);
		lua_seti(L, 1, i);
	}
	return 0;
}
