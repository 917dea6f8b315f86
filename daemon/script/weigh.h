/*
 * weigh.h - what is large in an answer that is too large: the error names it.
 */
#ifndef SCRIPT_WEIGH_H
#define SCRIPT_WEIGH_H

#include <stddef.h>

#include <lua.h>

/* "role web takes 3900 KiB in 40 instances, state 80 KiB; what to do", or "": of the table at idx, which
 * should be a scheduler's result, but may be anything.  Roles are summed over nodes, all else goes by its
 * key; the three that take most.  Sizes are packed ones, near enough.  May raise an error: no memory. */
void weigh_largest(lua_State *L, int idx, char *out, size_t cap);

#endif
