/*
 * arena.h - memory for Lua's small blocks: one stretch of address space, cut into sizes
 * that go back to a list of their own.
 *
 * Lua says how large a block was when it gives it back, so none needs a head, as malloc's
 * do; and a heap that lies together can have huge pages, which costs a run over a large
 * input a tenth of the page faults.  Blocks above ARENA_BLOCK_MAX, and all once the
 * stretch is used up, are malloc's.
 */
#ifndef SCRIPT_ARENA_H
#define SCRIPT_ARENA_H

#include "../../gossip/base.h"

enum { ARENA_BLOCK_MAX = 512, ARENA_STEP = 8 };

/* All zero: an arena without room. */
struct arena {
	char *start, *at, *end;
	void *given_back[ARENA_BLOCK_MAX / ARENA_STEP + 1];
};

/* Up to bytes of address space; none of it is memory before it is used.  huge: in pages
 * of 2 MiB, if the kernel has them.  No address space left: an arena without room. */
void arena_open(struct arena *a, size_t bytes, bool huge);
/* 1..ARENA_BLOCK_MAX bytes, aligned to ARENA_STEP; NULL: no room, or a larger block. */
void *arena_take(struct arena *a, size_t bytes);
bool arena_has(const struct arena *a, const void *p);
/* p came from arena_take, of at most as many bytes as then, and more than 0. */
void arena_give(struct arena *a, void *p, size_t bytes);
/* Does a block that was of so many bytes do for so many now? */
bool arena_same(size_t was, size_t bytes);

#endif
