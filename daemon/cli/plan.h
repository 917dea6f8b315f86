/*
 * plan.h - what mesh plan, and mesh render of a plan, share between their files: the answer of
 * the scripts, judged as the host would judge it, and the files that it gives.
 */
#ifndef CLI_PLAN_H
#define CLI_PLAN_H

#include "../core/blob.h"
#include "verb.h"

enum { PLAN_RENDERS_MAX = 24 /* files are compared for so many roles on nodes */ };

struct plan_asked {
	const char *config_dir; /* where templates/ is; "" = nowhere, so no file is compared */
	const json_t *input, *before; /* before may be NULL: nothing is in force */
	json_t *after;	     /* a role that fails gets what it has in before */
	struct slice result; /* after, as packed */
	json_t *files;	 /* to fill: [{role, node, file, from, to}]: texts, null = not there */
	json_t *notes;	 /* to fill: strings, what could not be compared and why */
	json_t *failed;	 /* to fill: [{role, error}], who keep what they had */
	json_t *missing; /* to fill: strings, what nodes lack */
};

/* Judge, render both, compare.  0; negative: the host would refuse it, the line says where. */
MUST_CHECK int plan_files(struct plan_asked *p, struct err *err);
/* Judge, and render one role on one node (NULL: the only one that it is on).  0 and *out, of
 * the shape that a daemon answers `render` with, the caller's; negative: the line says why not. */
MUST_CHECK int plan_render(struct plan_asked *p, const char *role, const char *node, json_t **out,
    struct err *err);

#endif
