/*
 * render_in.h - what rendering and checking of templates share, for render.c and
 * render_check.c alone.
 */
#ifndef SCRIPT_RENDER_IN_H
#define SCRIPT_RENDER_IN_H

#include "render.h"
#include "template.h"
#include "text.h"

/* What a chunk is called with, by place: first the C functions. */
enum { NAME_SHOW_MAX = 48, FUNCTIONS = 6, FILTERS };

struct render {
	const struct job *job;
	struct log_text out; /* the file being written */
	size_t total_bytes;  /* of the files before it */
	const char *name;    /* of the running template; in the Lua cache */
	const struct template *t;
	uint32_t tag;
	int depth;
	bool placed; /* the error on its way has its place already */
};

/* Registry key: our functions, by place. */
extern const char render_functions;

/* Make the functions and the cache of compiled templates. */
void render_open(lua_State *L, struct render *r);
/* A file of the role, or the stock one of this name. */
struct slice render_find(const struct render *r, const char *name, size_t len);
/* Raise "FILE:LINE:COL: text"; off is a place in the template's text. */
int render_fail(lua_State *L, struct render *r, size_t off, const char *text);
/* Does what this tag has stand on its own?  If not, raise with its place. */
void render_check(lua_State *L, struct render *r, const struct template_tag *g);

#endif
