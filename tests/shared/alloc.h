/*
 * alloc.h - counts what is asked of the allocator.  For a program linked with
 * --wrap=malloc,--wrap=calloc,--wrap=realloc; included by one file of it.
 */
#ifndef TEST_ALLOC_H
#define TEST_ALLOC_H

#include <stdint.h>
#include <stdlib.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);

static uint64_t alloc_asked; /* by anybody, since the start */
static uint64_t alloc_bytes; /* how much, in all */

void *
__wrap_malloc(size_t size)
{
	alloc_asked++;
	alloc_bytes += size;
	return __real_malloc(size);
}

void *
__wrap_calloc(size_t n, size_t size)
{
	alloc_asked++;
	alloc_bytes += n * size;
	return __real_calloc(n, size);
}

void *
__wrap_realloc(void *p, size_t size)
{
	alloc_asked++;
	alloc_bytes += size;
	return __real_realloc(p, size);
}

#endif
