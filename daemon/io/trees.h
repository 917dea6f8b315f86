/*
 * trees.h - the operator's config trees: scheduler-scripts/, templates/, roles/
 * and scheduler-scripts-shadow/ (shadow.h), looked at each second and read whole when they changed.  A
 * broken tree keeps the last good one, and says so.
 */
#ifndef IO_TREES_H
#define IO_TREES_H

#include <uv.h>

#include "../base/err.h"
#include "../core/input.h"
#include "../core/plan.h"
#include "tree.h"

enum { TREES_COUNT = 4, TREES_PERIOD_MS = 1000, TREES_METAS_MAX = 4096 };
enum trees_kind { TREES_SCRIPTS, TREES_TEMPLATES, TREES_ROLES, TREES_SHADOW };

struct trees_slot {
	struct hash stat;     /* of the last look */
	struct tree tree;     /* last good one */
	char error[ERR_TEXT_CAP]; /* why the newest one was not taken, or "" */
};

struct trees {
	uv_timer_t timer;
	char *config_dir;
	int config_fd, conf_prog_fd; /* config-dir, meshd-conf */
	struct trees_slot slot[TREES_COUNT];
	struct plan_template *templates; /* owned */
	size_t templates_count;
	struct input_meta *metas; /* owned, with their documents */
	uint8_t **meta_docs;
	size_t metas_count;
	struct trees_read *reading; /* role metadata under way, or NULL */
	struct hash hash;	    /* of all but the shadow, which decides nothing */
	uint64_t config_hash;	    /* its first 8 bytes */
	void *arg;
	void (*changed)(void *arg); /* after any of it moved, errors included */
};

/* Reads scripts and templates before it returns; metadata follows. */
MUST_CHECK int trees_init(struct trees *t, uv_loop_t *loop, const char *config_dir,
    int conf_prog_fd, void *arg, void (*changed)(void *arg), struct err *err);
/* A template: the directory with this name below templates/, or NULL. */
const struct plan_template *trees_template(const struct trees *t, const char *name);
/* The files a template renders from, by their names in its directory, in path
 * order.  (The stock ones are part of meshd-script.) */
void trees_template_files(const struct trees *t, const char *name, void *arg,
    void (*each)(void *arg, const char *name, const struct tree_file *f));
/* The one of them that says what it renders, or NULL. */
const struct tree_file *trees_render_yaml(const struct trees *t, const char *name);

#endif
