/*
 * order.h - one fixed order for everything Lua leaves open: pairs, next, sort.
 *
 * Lua seeds its string hash from addresses, so stock pairs() walks a table in
 * another order in every process, and table.sort takes a random pivot.  Here
 * numbers come first, ascending, then strings by bytes, then false, true; a
 * table or function as a key has no fixed order and is an error.  table.sort
 * is a stable merge sort.
 */
#ifndef SCRIPT_ORDER_H
#define SCRIPT_ORDER_H

#include "../../gossip/base.h"

#include <lua.h>

/* Maps up to this size are handled on the stack. */
enum { ORDER_FEW = 24 };

/* A key as the sort sees it.  Strings point into the table that holds them.  Only what its
 * rank has is set. */
struct order_key {
	uint64_t prefix; /* of a string: its first 8 bytes, big-endian */
	const char *str;
	size_t len;
	lua_Integer i;
	lua_Number n;
	int rank; /* 0 integer, 1 float, 2 string, 3 boolean */
	int at;	  /* the caller's: where the key itself is on the stack */
};

int order_pairs(lua_State *L);
int order_next(lua_State *L);
int order_sort(lua_State *L); /* table.sort */

/* Fill *k from the key at stack index idx.  False: no order for its type. */
bool order_key_set(lua_State *L, int idx, struct order_key *k);
int order_key_cmp(const struct order_key *a, const struct order_key *b);
/* Sort keys[0..n); tmp holds n as well. */
void order_keys(struct order_key *keys, struct order_key *tmp, size_t n);

#endif
