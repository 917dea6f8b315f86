/*
 * alloc.c - counts what is asked of malloc while a machine runs.  The linker
 * sends every call here (--wrap), so the machines stay as they are.
 */
#include <stdlib.h>

#include "sim.h"

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);

static bool forbidden;
static uint64_t asked;

void *
__wrap_malloc(size_t size)
{
	asked += forbidden;
	return __real_malloc(size);
}

void *
__wrap_calloc(size_t n, size_t size)
{
	asked += forbidden;
	return __real_calloc(n, size);
}

void *
__wrap_realloc(void *p, size_t size)
{
	asked += forbidden;
	return __real_realloc(p, size);
}

void
alloc_forbid(void)
{
	forbidden = true;
	asked = 0;
}

uint64_t
alloc_allow(void)
{
	forbidden = false;
	return asked;
}
