/*
 * arena.c - see arena.h.
 */
#include "arena.h"

#include <sys/mman.h>

enum { HUGE_BYTES = 2 << 20 };

static size_t
class_of(size_t bytes)
{
	return (bytes + ARENA_STEP - 1) / ARENA_STEP;
}

void
arena_open(struct arena *a, size_t bytes, bool huge)
{
	char *p = mmap(NULL, bytes + HUGE_BYTES, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	memset(a, 0, sizeof *a);
	if (p == MAP_FAILED)
		return;
	a->start = p + (HUGE_BYTES - (uintptr_t)p % HUGE_BYTES) % HUGE_BYTES;
	a->at = a->start;
	a->end = a->start + bytes;
	if (huge)
		(void)madvise(a->start, bytes, MADV_HUGEPAGE); /* else in small ones */
}

void *
arena_take(struct arena *a, size_t bytes)
{
	size_t class = class_of(bytes);
	void *p;

	if (bytes > ARENA_BLOCK_MAX)
		return NULL;
	p = a->given_back[class];
	if (p != NULL) {
		memcpy(&a->given_back[class], p, sizeof(void *));
		return p;
	}
	if (class * ARENA_STEP > (size_t)(a->end - a->at))
		return NULL;
	p = a->at;
	a->at += class * ARENA_STEP;
	return p;
}

bool
arena_has(const struct arena *a, const void *p)
{
	return (uintptr_t)p >= (uintptr_t)a->start && (uintptr_t)p < (uintptr_t)a->at;
}

void
arena_give(struct arena *a, void *p, size_t bytes)
{
	size_t class = class_of(bytes);

	memcpy(p, &a->given_back[class], sizeof(void *));
	a->given_back[class] = p;
}

bool
arena_same(size_t was, size_t bytes)
{
	return class_of(was) == class_of(bytes);
}
