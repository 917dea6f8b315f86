/*
 * render.c - see render.h.  Up to three processes in a row; each answer is bounded
 * and checked before the next starts.
 */
#include "render.h"

#include <stdio.h>
#include <stdlib.h>

#include "../../gossip/mp.h"
#include "../base/scriptio.h"
#include "crypto.h"
#include "pack.h"

static const char processes_slot[] = "/processes"; /* no file can have this name */

struct render {
	struct render_in in;
	char role[NAME_CAP], template_name[VIEW_IMAGE_CAP];
	struct blob vars;
	struct spawn *spawn;
	struct script_run *script;
	struct render_out out;
	render_done *done;
	void *arg;
};

void
render_out_free(struct render_out *out)
{
	free(out->files);
	free(out->doc_bytes);
	free(out->text_bytes);
	free(out->processes_bytes);
	memset(out, 0, sizeof *out);
}

static void
finish(struct render *r, const char *error)
{
	render_done *done = r->done;
	void *arg = r->arg;
	struct render_out out = r->out;

	blob_free(&r->vars);
	free(r);
	if (error == NULL) {
		done(arg, &out, NULL);
		return;
	}
	render_out_free(&out);
	done(arg, NULL, error);
}

/* The last line that meshd-conf said, without its newline. */
static void
conf_error(struct render *r, const struct spawn_result *res)
{
	char text[ERR_TEXT_CAP];

	if (res->errtext[0] == '\0')
		snprintf(text, sizeof text, "meshd-conf ended with %d", res->exit_status);
	else
		err_escape(text, sizeof text, res->errtext, strcspn(res->errtext, "\n"));
	finish(r, text);
}

/* --- 3: the processes file ------------------------------------------------------ */

static void
on_processes(void *arg, struct spawn_result *res)
{
	struct render *r = arg;

	r->spawn = NULL;
	if (res->exit_status != 0) {
		conf_error(r, res);
		return;
	}
	if (flat_open(&r->out.processes, res->out, res->out_len) < 0) {
		finish(r, "meshd-conf wrote a malformed document");
		return;
	}
	r->out.processes_bytes = res->out;
	res->out = NULL;
	finish(r, NULL);
}

static int
run_conf(struct render *r, const char *kind, const char *display, struct slice text,
    spawn_done *done, struct err *err)
{
	const char *argv[] = {"meshd-conf", kind, display, NULL};
	struct spawn_conf c = {.prog_fd = r->in.conf_fd,
	    .argv = argv,
	    .input = text.b,
	    .input_len = text.len,
	    .out_cap = FLAT_BYTES_MAX,
	    .deadline_ms = 5000};

	return spawn_run(r->in.loop, &c, done, r, &r->spawn, err);
}

/* --- 2: the templates ------------------------------------------------------------ */

static struct gens_file *
file_of(struct render *r, const char *name, size_t len)
{
	for (size_t i = 0; i < r->out.files_count; i++)
		if (strlen(r->out.files[i].name) == len &&
		    memcmp(r->out.files[i].name, name, len) == 0)
			return &r->out.files[i];
	return NULL;
}

/* {name: text}, from our own copy of the answer. */
static bool
take_texts(struct render *r, size_t len)
{
	struct mp mp;
	uint32_t n;
	size_t got = 0;

	mp_init(&mp, r->out.text_bytes, len, 4);
	if (mp_map(&mp, &n) < 0)
		return false;
	for (uint32_t i = 0; i < n; i++) {
		const char *name, *text;
		size_t name_len, text_len;
		struct gens_file *f;

		if (mp_str(&mp, &name, &name_len) < 0)
			return false;
		if (mp_peek(&mp) == MP_BIN) {
			const uint8_t *bin;

			if (mp_bin(&mp, &bin, &text_len) < 0)
				return false;
			text = (const char *)bin;
		} else if (mp_str(&mp, &text, &text_len) < 0) {
			return false;
		}
		if (name_len == strlen(processes_slot) &&
		    memcmp(name, processes_slot, name_len) == 0) {
			r->out.processes_text = (struct slice){(const uint8_t *)text, text_len};
		} else if ((f = file_of(r, name, name_len)) != NULL && f->data == NULL) {
			f->data = (const uint8_t *)text;
			f->len = text_len;
			got++;
		}
	}
	return got == r->out.files_count;
}

static void
on_script(void *arg, const struct script_answer *a)
{
	struct render *r = arg;
	char display[NAME_CAP + 32];
	struct err err;

	r->script = NULL;
	if (!a->ok) {
		char text[ERR_TEXT_CAP];

		/* Of what is about no file the first word is what ran. */
		snprintf(text, sizeof text, "%.200s%s%.300s", r->template_name,
		    strncmp(a->error, "template ", strlen("template ")) == 0 ? ": " : "/", a->error);
		finish(r, text);
		return;
	}
	r->out.text_bytes = malloc(a->result.len);
	if (r->out.text_bytes == NULL) {
		finish(r, "out of memory");
		return;
	}
	memcpy(r->out.text_bytes, a->result.b, a->result.len);
	if (!take_texts(r, a->result.len)) {
		finish(r, "the renderer gave a malformed answer");
		return;
	}
	if (r->out.processes_text.len == 0) {
		finish(r, NULL);
		return;
	}
	snprintf(display, sizeof display, "%s: rendered processes", r->role);
	if (run_conf(r, "processes", display, r->out.processes_text, on_processes, &err) < 0)
		finish(r, err.text);
}

static void
pack_file(void *arg, const char *name, const struct tree_file *f)
{
	msgpack_packer *pk = arg;

	pk_str(pk, name);
	pk_strn(pk, (const char *)f->data, f->len);
}

static void
count_file(void *arg, const char *name, const struct tree_file *f)
{
	(void)name;
	(void)f;
	++*(uint32_t *)arg;
}

static void
pack_task(msgpack_packer *pk, const char *name, const char *file)
{
	msgpack_pack_map(pk, 2);
	pk_kstr(pk, "name", name);
	pk_kstr(pk, "template", file);
}

/* The template of files/NAME. */
static bool
template_of(const struct render *r, const char *name, char *out, size_t cap)
{
	char path[2 * NAME_CAP + 32];

	snprintf(path, sizeof path, "files/%s/template", name);
	return flat_str(&r->out.doc, path, out, cap);
}

static int
run_script(struct render *r, struct err *err)
{
	char file[TREE_PATH_CAP], processes[TREE_PATH_CAP];
	bool has_processes = flat_str(&r->out.doc, "processes", processes, sizeof processes);
	uint32_t files = 0;
	struct hash seed;
	uint64_t seed64;
	msgpack_sbuffer buf;
	msgpack_packer pk;

	crypto_hash256(&seed, r->vars.b, r->vars.len);
	trees_template_files(r->in.trees, r->template_name, &files, count_file);
	msgpack_sbuffer_init(&buf);
	msgpack_packer_init(&pk, &buf, msgpack_sbuffer_write);
	memcpy(&seed64, seed.b, sizeof seed64);
	script_head(&pk, 6, "render", r->in.conf, seed64);
	pk_str(&pk, "files");
	msgpack_pack_map(&pk, files);
	trees_template_files(r->in.trees, r->template_name, &pk, pack_file);
	pk_str(&pk, "render");
	msgpack_pack_array(&pk, r->out.files_count + has_processes);
	for (size_t i = 0; i < r->out.files_count; i++)
		if (template_of(r, r->out.files[i].name, file, sizeof file))
			pack_task(&pk, r->out.files[i].name, file);
	if (has_processes)
		pack_task(&pk, processes_slot, processes);
	pk_str(&pk, "vars");
	pk_raw(&pk, r->vars.b, r->vars.len);
	r->script = script_start(r->in.loop, r->in.script_fd, r->in.conf, "template",
	    (struct slice){(uint8_t *)buf.data, buf.size}, on_script, r, err);
	msgpack_sbuffer_destroy(&buf);
	return r->script == NULL ? -1 : 0;
}

/* --- 1: render.yaml ------------------------------------------------------------------ */

/* What is wrong with this entry of files: , or NULL; fills f. */
static const char *
take_file(struct render *r, const char *name, struct gens_file *f)
{
	char path[2 * NAME_CAP + 32], file[TREE_PATH_CAP];
	int64_t mode = 0644;

	if (name[0] == '\0')
		return "a file's name has 1 to 63 bytes";
	if (name[0] == '.' || strchr(name, '/') != NULL)
		return "a file's name is one path component";
	if (!template_of(r, name, file, sizeof file))
		return "no template is named";
	snprintf(path, sizeof path, "files/%s/mode", name);
	(void)flat_int(&r->out.doc, path, &mode); /* absent: as above */
	if ((mode & ~0777) != 0 || (mode & 0400) == 0)
		return "mode must be 0400-0777, readable by its owner"; /* we compare it */
	memcpy(f->name, name, sizeof f->name);
	f->mode = (uint32_t)mode;
	return NULL;
}

/* files: {NAME: {template, mode}}.  False: wrong is the line. */
static bool
take_files(struct render *r, char *wrong, size_t cap)
{
	struct flat_rec rec;
	size_t off = 0;
	char name[NAME_CAP];

	r->out.files = calloc(GENS_FILES_MAX, sizeof *r->out.files);
	if (r->out.files == NULL) {
		snprintf(wrong, cap, "out of memory");
		return false;
	}
	while (flat_next(&r->out.doc, &off, &rec)) {
		const char *why;

		if (!flat_child(&rec, "files", name, sizeof name) || rec.type != FLAT_MAP)
			continue;
		if (r->out.files_count == GENS_FILES_MAX)
			why = "more than 256 files";
		else if ((why = take_file(r, name, &r->out.files[r->out.files_count])) == NULL) {
			r->out.files_count++;
			continue;
		}
		snprintf(wrong, cap, "%s/render.yaml:%u:%u: files.%s: %s", r->template_name,
		    rec.line, rec.col, name, why);
		return false;
	}
	return true;
}

static int
use_doc(struct render *r, struct err *err)
{
	char wrong[ERR_TEXT_CAP];

	flat_str(&r->out.doc, "check/container", r->out.check, sizeof r->out.check);
	if (!take_files(r, wrong, sizeof wrong))
		return err_set(err, EXIT_CONFIG, "%s", wrong);
	return run_script(r, err);
}

static void
on_conf(void *arg, struct spawn_result *res)
{
	struct render *r = arg;
	struct err err;

	r->spawn = NULL;
	if (res->exit_status != 0) {
		conf_error(r, res);
		return;
	}
	if (flat_open(&r->out.doc, res->out, res->out_len) < 0) {
		finish(r, "meshd-conf wrote a malformed document");
		return;
	}
	r->out.doc_bytes = res->out;
	res->out = NULL;
	if (use_doc(r, &err) < 0)
		finish(r, err.text);
}

/* What was made of it ahead, or meshd-conf now. */
static int
read_yaml(struct render *r, const struct tree_file *yaml, struct err *err)
{
	const struct slice ahead = renderdocs_find(r->in.docs, yaml->data, yaml->len);
	char display[VIEW_IMAGE_CAP + 32];

	if (ahead.len > 0) {
		if ((r->out.doc_bytes = malloc(ahead.len)) == NULL)
			return err_set(err, 1, "out of memory");
		memcpy(r->out.doc_bytes, ahead.b, ahead.len);
		if (flat_open(&r->out.doc, r->out.doc_bytes, ahead.len) < 0)
			return err_set(err, 1, "meshd-conf wrote a malformed document");
		return use_doc(r, err);
	}
	snprintf(display, sizeof display, "%s/render.yaml", r->template_name);
	return run_conf(r, "render", display, (struct slice){yaml->data, yaml->len}, on_conf, err);
}

struct render *
render_start(const struct render_in *in, render_done *done, void *arg, struct err *err)
{
	const struct tree_file *yaml = trees_render_yaml(in->trees, in->template_name);
	struct render *r;

	if (yaml == NULL) {
		err_set(err, EXIT_CONFIG, "templates/%s/render.yaml: No such file or directory",
		    in->template_name);
		return NULL;
	}
	if ((r = calloc(1, sizeof *r)) == NULL || blob_copy(&r->vars, in->vars) < 0) {
		free(r);
		err_set(err, 1, "out of memory");
		return NULL;
	}
	r->in = *in;
	snprintf(r->role, sizeof r->role, "%s", in->role);
	snprintf(r->template_name, sizeof r->template_name, "%s", in->template_name);
	r->done = done;
	r->arg = arg;
	if (read_yaml(r, yaml, err) < 0) {
		blob_free(&r->vars);
		render_out_free(&r->out);
		free(r);
		return NULL;
	}
	return r;
}

void
render_cancel(struct render *r)
{
	if (r->spawn != NULL)
		spawn_cancel(r->spawn);
	if (r->script != NULL)
		script_cancel(r->script);
	blob_free(&r->vars);
	render_out_free(&r->out);
	free(r);
}
