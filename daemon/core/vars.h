/*
 * vars.h - the variables of a template: four layers merged two levels deep,
 * and the whole map that meshd-script renders with (scriptio.h, DESIGN §7).
 */
#ifndef CORE_VARS_H
#define CORE_VARS_H

#include "blob.h"
#include "plan.h"

enum {
	VARS_BYTES_MAX = 1 << 20, /* a merged map */
	VARS_KEYS_MAX = 4096,	  /* of one map */
	VARS_LAYERS_MAX = 8,
};

/* Later layers win.  Where two layers have a map under the same top-level key
 * its keys are merged too; anything deeper is replaced.  Keys come out sorted.
 * An empty slice is an empty map.  0, -ERR_MALFORMED, -ERR_LONG, -ERR_FULL. */
MUST_CHECK int vars_merge(const struct slice *layers, size_t count,
    struct blob *out);

struct vars_render {
	const struct plan *plan; /* whatever parts this node holds */
	const char *node;	 /* this node: must be in plan to have instances */
	const char *role;
	const char *address, *zone; /* of this node; "" = none */
	const char *stamp;	    /* text */
};

/* {vars, schedule: {stamp, roles: {R: {version, vars}}, nodes: {N: {vars,
 * roles: {R: {sandbox, vars, instances}}}}}, node: {name, address, zone},
 * role: {name, version}, instances: {id: {process, image, vars}},
 * deployment: stamp}.  0 or a negative ERR_ as above. */
MUST_CHECK int vars_render(const struct vars_render *in, struct blob *out);

#endif
