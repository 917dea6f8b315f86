/*
 * render.h - one role's template directory turned into bytes, nothing written
 * yet: render.yaml through meshd-conf, all templates through one meshd-script,
 * the rendered processes file through meshd-conf again.  `mesh render` shows
 * exactly what apply.c would stage.
 */
#ifndef IO_RENDER_H
#define IO_RENDER_H

#include "../base/flat.h"
#include "gens.h"
#include "renderdocs.h"
#include "script.h"

struct render_out {
	struct gens_file *files; /* sorted by name; data borrowed from `text` */
	size_t files_count;
	struct flat doc;       /* render.yaml; on-change lives here */
	struct flat processes; /* the lithos processes; len 0 = none */
	char check[NAME_CAP];  /* check: {container: NAME}, or "" */
	/* what the above borrow from; owned */
	uint8_t *doc_bytes, *text_bytes, *processes_bytes;
	struct slice processes_text;
};

struct render_in {
	uv_loop_t *loop;
	int script_fd, conf_fd;
	const struct config *conf;
	const struct trees *trees;
	const struct renderdocs *docs; /* of these trees; NULL: meshd-conf is asked */
	const char *role, *template_name;
	struct slice vars; /* made by vars_render; borrowed for the call */
};

struct render;
/* Exactly once, unless cancelled: out to take with render_out_free, or NULL
 * and the line ("web/index.html.tmpl:8:14: ..."). */
typedef void render_done(void *arg, struct render_out *out, const char *error);

/* NULL and *err when it can't even start (no such template). */
struct render *render_start(const struct render_in *in, render_done *done, void *arg,
    struct err *err);
void render_cancel(struct render *r);
/* Frees what out holds, not out itself. */
void render_out_free(struct render_out *out);

#endif
