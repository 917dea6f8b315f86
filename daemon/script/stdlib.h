/*
 * stdlib.h - the files that are part of meshd-script: the Lua standard library
 * mesh.* (scheduler-scripts/lib) and the stock templates (templates/).
 */
#ifndef SCRIPT_STDLIB_H
#define SCRIPT_STDLIB_H

#include "job.h"

struct stdlib_file {
	const char *name; /* "mesh.lua", "mesh/place.lua", "processes.yaml.tmpl" */
	const char *text, *end;
};

extern const struct stdlib_file stdlib_files[];
extern const size_t stdlib_count;

/* The file of this name, or NULL. */
const struct stdlib_file *stdlib_find(const char *name, size_t len);
/* One of stdlib_files as this Lua compiled it, for luaL_loadbufferx; empty of one that is
 * no Lua. */
struct slice stdlib_chunk(const struct stdlib_file *f);

#endif
