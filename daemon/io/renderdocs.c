/*
 * renderdocs.c - see renderdocs.h.  A document belongs to the bytes it was made of, so
 * templates with the same one share it, and an edit elsewhere reads nothing anew.
 */
#include "renderdocs.h"

#include <stdio.h>
#include <stdlib.h>

#include "../base/flat.h"
#include "crypto.h"
#include "spawn.h"

struct doc {
	struct hash of;
	struct blob bytes; /* len 0: it was tried, and is none that is kept */
	bool used;
};

struct renderdocs {
	uv_loop_t *loop;
	int conf_fd;
	const struct trees *trees;
	struct doc all[RENDERDOCS_MAX]; /* the last one may be under way: spawn */
	size_t count;
	struct spawn *spawn;
};

static struct doc *
find(struct renderdocs *d, const struct hash *of)
{
	for (size_t i = 0; i < d->count; i++)
		if (hash_eq(&d->all[i].of, of))
			return &d->all[i];
	return NULL;
}

static const struct tree_file *
yaml_of(const struct renderdocs *d, size_t template)
{
	return trees_render_yaml(d->trees, d->trees->templates[template].name);
}

static void read_next(struct renderdocs *d);

static void
on_read(void *arg, struct spawn_result *res)
{
	struct renderdocs *d = arg;
	struct doc *doc = &d->all[d->count - 1];
	struct flat flat;

	d->spawn = NULL;
	if (res->exit_status == 0 && flat_open(&flat, res->out, res->out_len) == 0)
		(void)!blob_copy(&doc->bytes, (struct slice){res->out, res->out_len});
	read_next(d);
}

/* False: it can't be begun now. */
static bool
begin(struct renderdocs *d, const char *template, const struct tree_file *yaml)
{
	char display[VIEW_IMAGE_CAP + 32];
	const char *argv[] = {"meshd-conf", "render", display, NULL};
	struct spawn_conf c = {.prog_fd = d->conf_fd,
	    .argv = argv,
	    .input = yaml->data,
	    .input_len = yaml->len,
	    .out_cap = RENDERDOC_BYTES_MAX,
	    .deadline_ms = 5000};
	struct err err;

	snprintf(display, sizeof display, "%s/render.yaml", template);
	return spawn_run(d->loop, &c, on_read, d, &d->spawn, &err) == 0;
}

static void
read_next(struct renderdocs *d)
{
	for (size_t i = 0; i < d->trees->templates_count && d->count < RENDERDOCS_MAX; i++) {
		const struct tree_file *yaml = yaml_of(d, i);
		struct hash of;

		if (yaml == NULL)
			continue;
		crypto_hash256(&of, yaml->data, yaml->len);
		if (find(d, &of) != NULL)
			continue;
		if (begin(d, d->trees->templates[i].name, yaml))
			d->all[d->count++] = (struct doc){.of = of};
		return;
	}
}

static void
forget_unused(struct renderdocs *d)
{
	size_t kept = 0;

	for (size_t i = 0; i < d->count; i++)
		d->all[i].used = false;
	for (size_t i = 0; i < d->trees->templates_count; i++) {
		const struct tree_file *yaml = yaml_of(d, i);
		struct doc *doc;
		struct hash of;

		if (yaml == NULL)
			continue;
		crypto_hash256(&of, yaml->data, yaml->len);
		if ((doc = find(d, &of)) != NULL)
			doc->used = true;
	}
	for (size_t i = 0; i < d->count; i++) {
		if (d->all[i].used)
			d->all[kept++] = d->all[i];
		else
			blob_free(&d->all[i].bytes);
	}
	d->count = kept;
}

static void
stop(struct renderdocs *d)
{
	if (d->spawn == NULL)
		return;
	spawn_cancel(d->spawn);
	d->spawn = NULL;
	d->count--; /* it is read again, or not wanted any more */
}

void
renderdocs_look(struct renderdocs *d)
{
	if (d == NULL)
		return;
	stop(d);
	forget_unused(d);
	read_next(d);
}

struct slice
renderdocs_find(const struct renderdocs *d, const uint8_t *yaml, size_t len)
{
	struct hash of;

	if (d == NULL || d->count == 0)
		return (struct slice){0};
	crypto_hash256(&of, yaml, len);
	for (size_t i = 0; i < d->count; i++)
		if (hash_eq(&d->all[i].of, &of) && d->all[i].bytes.len > 0)
			return blob_slice(&d->all[i].bytes);
	return (struct slice){0};
}

bool
renderdocs_busy(const struct renderdocs *d)
{
	return d->spawn != NULL;
}

struct renderdocs *
renderdocs_new(uv_loop_t *loop, int conf_fd, const struct trees *t)
{
	struct renderdocs *d = calloc(1, sizeof *d);

	if (d == NULL)
		return NULL;
	d->loop = loop;
	d->conf_fd = conf_fd;
	d->trees = t;
	return d;
}

void
renderdocs_free(struct renderdocs *d)
{
	if (d == NULL)
		return;
	stop(d);
	for (size_t i = 0; i < d->count; i++)
		blob_free(&d->all[i].bytes);
	free(d);
}
