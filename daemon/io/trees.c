/*
 * trees.c - see trees.h.  What is read is hashed and what is hashed is what
 * runs: nothing is read twice.  Role metadata is YAML, so it goes file by file
 * through meshd-conf; until the last file is parsed the old set stands.
 */
#include "trees.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../base/log.h"
#include "../base/name.h"
#include "crypto.h"
#include "spawn.h"

static const char *const dirs[TREES_COUNT] = {
    [TREES_SCRIPTS] = "scheduler-scripts",
    [TREES_TEMPLATES] = "templates",
    [TREES_ROLES] = "roles",
    [TREES_SHADOW] = "scheduler-scripts-shadow",
};

/* Role metadata being parsed, one file at a time. */
struct trees_read {
	struct trees *t;
	struct spawn *spawn;
	size_t at; /* index into the roles tree */
	struct input_meta *metas;
	uint8_t **docs;
	size_t count;
};

/* --- templates ------------------------------------------------------------- */

/* The name of a file in its template's directory, or NULL. */
static const char *
template_member(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	if (strncmp(path, dir, n) == 0 && path[n] == '/')
		return path + n + 1;
	return NULL;
}

void
trees_template_files(const struct trees *t, const char *name, void *arg,
    void (*each)(void *, const char *, const struct tree_file *))
{
	const struct tree *tree = &t->slot[TREES_TEMPLATES].tree;

	for (size_t i = 0; i < tree->count; i++) {
		const char *as = template_member(tree->files[i].path, name);

		if (as != NULL)
			each(arg, as, &tree->files[i]);
	}
}

static void
find_yaml(void *arg, const char *name, const struct tree_file *f)
{
	if (strcmp(name, "render.yaml") == 0)
		*(const struct tree_file **)arg = f;
}

const struct tree_file *
trees_render_yaml(const struct trees *t, const char *name)
{
	const struct tree_file *yaml = NULL;

	trees_template_files(t, name, &yaml, find_yaml);
	return yaml;
}

struct hashing {
	uint8_t *buf;
	size_t len, cap;
	bool failed;
};

static void
hash_file(void *arg, const char *name, const struct tree_file *f)
{
	struct hashing *h = arg;
	size_t need = strlen(name) + 1 + HASH_BYTES;

	if (h->len + need > h->cap) {
		uint8_t *more = realloc(h->buf, (h->cap + need) * 2);

		if (more == NULL) {
			h->failed = true;
			return;
		}
		h->buf = more;
		h->cap = (h->cap + need) * 2;
	}
	memcpy(h->buf + h->len, name, strlen(name) + 1);
	crypto_hash256((struct hash *)(void *)(h->buf + h->len + strlen(name) + 1), f->data, f->len);
	h->len += need;
}

/* Every directory that holds a render.yaml is a template. */
static void
find_templates(struct trees *t)
{
	const struct tree *tree = &t->slot[TREES_TEMPLATES].tree;
	static const char tail[] = "/render.yaml";

	free(t->templates);
	t->templates_count = 0;
	t->templates = calloc(tree->count + 1, sizeof *t->templates);
	for (size_t i = 0; t->templates != NULL && i < tree->count; i++) {
		struct plan_template *x = &t->templates[t->templates_count];
		const char *path = tree->files[i].path;
		size_t n = strlen(path);
		struct hashing h = {0};

		if (n < sizeof tail || strcmp(path + n - (sizeof tail - 1), tail) != 0)
			continue;
		n -= sizeof tail - 1;
		if (n >= sizeof x->name || !name_image_ok(path, n, 8))
			continue;
		memcpy(x->name, path, n);
		x->name[n] = '\0';
		trees_template_files(t, x->name, &h, hash_file);
		if (!h.failed) {
			crypto_hash256(&x->hash, h.buf, h.len);
			t->templates_count++;
		}
		free(h.buf);
	}
}

const struct plan_template *
trees_template(const struct trees *t, const char *name)
{
	for (size_t i = 0; i < t->templates_count; i++)
		if (strcmp(t->templates[i].name, name) == 0)
			return &t->templates[i];
	return NULL;
}

/* --- role metadata ----------------------------------------------------------- */

static void
free_metas(struct input_meta *metas, uint8_t **docs, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(docs[i]);
	free(docs);
	free(metas);
}

static void
read_free(struct trees_read *r)
{
	if (r == NULL)
		return;
	if (r->spawn != NULL)
		spawn_cancel(r->spawn);
	free_metas(r->metas, r->docs, r->count);
	free(r);
}

/* ROLE/VERSION/FILE.yaml, each a name. */
static bool
meta_name(struct input_meta *m, const char *path)
{
	const char *a = strchr(path, '/'), *b = a != NULL ? strchr(a + 1, '/') : NULL;
	size_t n = b != NULL ? strlen(b + 1) : 0;

	if (b == NULL || n < 6 || strcmp(b + 1 + n - 5, ".yaml") != 0)
		return false;
	n -= 5;
	if (!name_ok(path, (size_t)(a - path)) || !name_ok(a + 1, (size_t)(b - a - 1)) ||
	    !name_ok(b + 1, n))
		return false;
	memcpy(m->role, path, (size_t)(a - path));
	memcpy(m->version, a + 1, (size_t)(b - a - 1));
	memcpy(m->file, b + 1, n);
	return true;
}

static void read_next(struct trees_read *r);

static void
read_done(struct trees_read *r)
{
	struct trees *t = r->t;

	free_metas(t->metas, t->meta_docs, t->metas_count);
	t->metas = r->metas;
	t->meta_docs = r->docs;
	t->metas_count = r->count;
	free(r);
	t->reading = NULL;
	t->slot[TREES_ROLES].error[0] = '\0';
	t->changed(t->arg);
}

/* again: not the file's fault, so the next look tries once more. */
static void
read_failed(struct trees_read *r, const char *why, bool again)
{
	struct trees *t = r->t;
	struct trees_slot *s = &t->slot[TREES_ROLES];
	char old[ERR_TEXT_CAP];

	memcpy(old, s->error, sizeof old);
	err_escape(s->error, sizeof s->error, why, strcspn(why, "\n"));
	if (again)
		memset(&s->stat, 0xff, sizeof s->stat);
	t->reading = NULL;
	read_free(r);
	if (strcmp(old, s->error) == 0)
		return;
	log_warn("roles not reloaded: %s", s->error);
	t->changed(t->arg);
}

static void
on_meta(void *arg, struct spawn_result *res)
{
	struct trees_read *r = arg;
	struct input_meta *m = &r->metas[r->count];

	r->spawn = NULL;
	if (res->exit_status != 0) {
		read_failed(r, res->errtext[0] != '\0' ? res->errtext : "meshd-conf failed",
		    res->exit_status != EXIT_CONFIG);
		return;
	}
	if (flat_open(&m->doc, res->out, res->out_len) < 0) {
		read_failed(r, "meshd-conf wrote a malformed document", false);
		return;
	}
	r->docs[r->count++] = res->out;
	res->out = NULL;
	r->at++;
	read_next(r);
}

static void
read_next(struct trees_read *r)
{
	struct trees *t = r->t;
	const struct tree *tree = &t->slot[TREES_ROLES].tree;

	for (; r->at < tree->count && r->count < TREES_METAS_MAX; r->at++) {
		const struct tree_file *f = &tree->files[r->at];
		const char *argv[] = {"meshd-conf", "meta", f->path, NULL};
		struct spawn_conf c = {.prog_fd = t->conf_prog_fd,
		    .argv = argv,
		    .input = f->data,
		    .input_len = f->len,
		    .out_cap = FLAT_BYTES_MAX,
		    .deadline_ms = 5000};
		struct err err;

		if (!meta_name(&r->metas[r->count], f->path))
			continue;
		if (spawn_run(t->timer.loop, &c, on_meta, r, &r->spawn, &err) < 0)
			read_failed(r, err.text, true);
		return;
	}
	read_done(r);
}

static void
read_metas(struct trees *t)
{
	struct trees_read *r = calloc(1, sizeof *r);
	size_t n = t->slot[TREES_ROLES].tree.count + 1;

	read_free(t->reading);
	t->reading = NULL;
	if (r == NULL)
		return;
	r->t = t;
	r->metas = calloc(n, sizeof *r->metas);
	r->docs = calloc(n, sizeof *r->docs);
	if (r->metas == NULL || r->docs == NULL) {
		read_free(r);
		return;
	}
	t->reading = r;
	read_next(r);
}

/* --- looking ------------------------------------------------------------------ */

static void
rehash(struct trees *t)
{
	uint8_t all[TREES_SHADOW * HASH_BYTES];

	for (int i = 0; i < TREES_SHADOW; i++)
		memcpy(all + i * HASH_BYTES, t->slot[i].tree.hash.b, HASH_BYTES);
	crypto_hash256(&t->hash, all, sizeof all);
	t->config_hash = 0;
	for (int i = 0; i < 8; i++)
		t->config_hash = t->config_hash << 8 | t->hash.b[i];
}

/* Looked at again next second, and told once; true = it was not told yet. */
static bool
unreadable(struct trees_slot *s, enum trees_kind kind, const struct err *err)
{
	bool told = strcmp(s->error, err->text) == 0;

	memset(&s->stat, 0xff, sizeof s->stat);
	if (told)
		return false;
	snprintf(s->error, sizeof s->error, "%s", err->text);
	log_warn("%s not reloaded: %s", dirs[kind], err->text);
	return true;
}

/* True when something moved, an error included. */
static bool
look(struct trees *t, enum trees_kind kind)
{
	struct trees_slot *s = &t->slot[kind];
	static const struct hash none;
	struct tree fresh;
	struct hash stat;
	struct err err;
	char old[ERR_TEXT_CAP];

	memcpy(old, s->error, sizeof old);
	if (tree_stat_hash(t->config_fd, dirs[kind], &stat, &err) < 0)
		return unreadable(s, kind, &err);
	if (hash_eq(&stat, &s->stat))
		return false;
	s->stat = stat;
	if (hash_eq(&stat, &none)) /* there is no such directory */
		memset(&fresh, 0, sizeof fresh);
	else if (tree_read(t->config_fd, dirs[kind], &fresh, &err) < 0)
		return unreadable(s, kind, &err);
	if (hash_eq(&fresh.hash, &s->tree.hash)) {
		tree_free(&fresh);
		if (kind == TREES_ROLES && old[0] != '\0') {
			read_metas(t); /* says itself whether the error is gone */
			return false;
		}
		s->error[0] = '\0';
		return old[0] != '\0';
	}
	s->error[0] = '\0';
	tree_free(&s->tree);
	s->tree = fresh;
	rehash(t);
	if (kind == TREES_TEMPLATES)
		find_templates(t);
	if (kind == TREES_ROLES)
		read_metas(t);
	return true;
}

static bool
look_all(struct trees *t)
{
	bool moved = false;

	for (int i = 0; i < TREES_COUNT; i++)
		moved |= look(t, (enum trees_kind)i);
	return moved;
}

static void
on_timer(uv_timer_t *timer)
{
	struct trees *t = timer->data;
	int fd = open(t->config_dir, O_DIRECTORY | O_PATH | O_CLOEXEC);

	/* By its path each time: it may be replaced as a whole (mv new old). */
	if (fd >= 0) {
		close(t->config_fd);
		t->config_fd = fd;
	}
	if (look_all(t))
		t->changed(t->arg);
}

int
trees_init(struct trees *t, uv_loop_t *loop, const char *config_dir, int conf_prog_fd, void *arg,
    void (*changed)(void *), struct err *err)
{
	memset(t, 0, sizeof *t);
	t->arg = arg;
	t->changed = changed;
	t->conf_prog_fd = conf_prog_fd;
	t->config_fd = open(config_dir, O_DIRECTORY | O_PATH | O_CLOEXEC);
	if (t->config_fd < 0)
		return err_set(err, EXIT_CONFIG, "config-dir %s: %s%s", config_dir, strerror(errno),
		    errno == EACCES ? ": meshd-engine's user must get there: chmod o+x what is above it" : "");
	if ((t->config_dir = strdup(config_dir)) == NULL)
		return err_set(err, EXIT_ENVIRONMENT, "out of memory");
	uv_timer_init(loop, &t->timer);
	t->timer.data = t;
	rehash(t);
	look_all(t);
	uv_timer_start(&t->timer, on_timer, TREES_PERIOD_MS, TREES_PERIOD_MS);
	return 0;
}
