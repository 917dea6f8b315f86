/*
 * alloc.c - counts what is asked of malloc while a machine runs.  The linker
 * sends every call here, so the machines stay as they are.
 */
#include "../shared/alloc.h"

#include "sim.h"

static uint64_t before;

void
alloc_forbid(void)
{
	before = alloc_asked;
}

uint64_t
alloc_allow(void)
{
	return alloc_asked - before;
}
