/*
 * check_image.c - container files, judged as a START would be: by the sandbox,
 * with the values that a processes file gives, or else with ones that fit.
 */
#include "check.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../base/name.h"
#include "../base/own.h"
#include "../base/weak.h"
#include "helper.h"
#include "judge.h"
#include "launch.h"
#include "program.h"
#include "sys.h"

enum { VARS_CAP = SUP_VARS_BYTES_MAX, RANGE_ANY = 700000000 };

/* One START that nobody asks for. */
struct trial {
	const struct check_sandbox *sandbox;
	struct sup_req req;
	struct judge judge;
	struct check_doc container, secrets;
	bool others; /* the image may be anybody's: it was not yet copied to where it counts */
	char vars[VARS_CAP];
};

static void
begin(struct trial *t, const struct check *c, const struct check_sandbox *s)
{
	char role[NAME_CAP];

	memset(t, 0, sizeof *t);
	t->sandbox = s;
	t->req.version = SUP_VERSION;
	t->req.op = SUP_START;
	snprintf(t->req.sandbox, sizeof t->req.sandbox, "%s", s->name);
	snprintf(t->req.role, sizeof t->req.role, "%s",
	    flat_str(&s->doc.flat, "roles/0", role, sizeof role) ? role :
								   s->name);
	t->judge = (struct judge){.req = &t->req,
	    .vars = t->vars,
	    .sandbox = &s->doc.flat,
	    .container = &t->container.flat,
	    .sandbox_file = s->doc.file,
	    .images_dir = c->config.images_dir,
	    .range_first = RANGE_ANY};
}

static bool
add_var(struct trial *t, const char *name, const char *value, size_t len)
{
	size_t at = t->judge.vars_bytes;
	int n = snprintf(t->vars + at, sizeof t->vars - at, "%s=%.*s", name,
	    (int)len, value);

	if (n < 0 || (size_t)n >= sizeof t->vars - at)
		return false;
	t->judge.vars_bytes += (size_t)n + 1;
	return true;
}

/* What follows "IMAGE/CONFIG" at the front of a line, or NULL: the judge knows the
 * file by these, who asked by its path. */
static const char *
after_name(const struct trial *t, const char *line)
{
	size_t image = strlen(t->req.image), config = strlen(t->req.config);

	return strncmp(line, t->req.image, image) == 0 &&
			strncmp(line + image, t->req.config, config) == 0 &&
			line[image + config] == ':' ?
		   line + image + config :
		   NULL;
}

/* What it runs, as job_program.c has it. */
static int
judge_programs(struct check *c, const struct trial *t, const struct spec *spec,
    int root, struct err *err)
{
	char path[SUP_PATH_CAP], next[SUP_PATH_CAP], display[CHECK_PATH_CAP];
	struct stat st;
	size_t len;
	int rc = 1;

	snprintf(path, sizeof path, "%s", spec->executable);
	for (int i = 0; rc > 0 && i < PROGRAM_CHAIN_MAX; i++) {
		AUTO_FREE uint8_t *doc = NULL;
		AUTO_CLOSE int fd = -1;

		rc = program_open(spec, root, path, !t->others, &fd, &st, err);
		if (rc <= 0)
			break;
		snprintf(display, sizeof display, "%s%s", spec->image, path);
		rc = helper_run(c->conf, CHECK_NOBODY, CHECK_NOBODY, "program",
		    display, fd, NULL, &doc, &len, err);
		if (rc == 0)
			rc = program_judge(spec, path, &st, doc, len, next, err);
		if (rc > 0)
			memcpy(path, next, sizeof path);
	}
	return rc < 0 ? rc : 0;
}

/* 0, or *err: the container file as it was read, by the sandbox. */
static int
judge_it(struct check *c, struct trial *t, int root, struct err *err)
{
	char notes[JUDGE_TOLD_CAP], line[JUDGE_TOLD_CAP + CHECK_PATH_CAP];
	struct spec spec;
	int rc = judge_container(&t->judge, &spec, err);

	if (rc < 0)
		return rc;
	judge_told(&t->judge, notes, sizeof notes);
	for (char *rest = notes, *one; (one = strsep(&rest, "\n")) != NULL;) {
		const char *place = after_name(t, one);

		snprintf(line, sizeof line, "%s%s",
		    place != NULL ? t->container.file : "",
		    place != NULL ? place : one);
		check_notes(c, line);
	}
	rc = judge_programs(c, t, &spec, root, err);
	spec_free(&spec);
	return rc;
}

/* What the judge says, without the instance that nobody asked for. */
static const char *
said_of(const struct trial *t, const struct err *err)
{
	size_t n = strlen(t->req.instance);

	return strncmp(err->text, t->req.instance, n) == 0 &&
		strncmp(err->text + n, ": ", 2) == 0 ?
	    err->text + n + 2 :
	    err->text;
}

/* --- what a processes file names ------------------------------------------ */

static bool
given_vars(struct trial *t, const struct check_doc *d, const char *process)
{
	char prefix[NAME_CAP + 16], name[256];
	struct flat_rec rec;
	size_t off = 0;

	snprintf(prefix, sizeof prefix, "%s/variables", process);
	while (flat_next(&d->flat, &off, &rec))
		if (flat_child(&rec, prefix, name, sizeof name) &&
		    rec.type == FLAT_STR &&
		    !add_var(t, name, rec.str, rec.str_len))
			return false;
	return true;
}

/* A file system is mounted by root alone: to others that is no error. */
static bool
only_root(struct check *c, const char *where, const struct err *err)
{
	if (err->code != EXIT_ENVIRONMENT || geteuid() == 0)
		return false;
	check_say(c, "note",
	    "%s: only root can look into an image that is a file: what is in it is not checked",
	    where);
	return true;
}

/* The container file in the image of the request: 1 open, 0 said why not. */
static int
open_image(struct check *c, struct trial *t, const char *where, int *yaml,
    int *root, struct err *err)
{
	struct judge_image image;
	int dir = -1, rc;

	if ((rc = judge_names(&t->req, err)) < 0 ||
	    (rc = judge_sandbox(&t->judge, &image, err)) < 0)
		return rc;
	const struct image_who who = {t->req.instance, image.dir, t->req.image, false, false};

	rc = launch_image(&c->images, &who, &dir, err);
	if (rc < 0 && strstr(err->text, ": not found under ") != NULL) {
		check_say(c, "note",
		    "%s: image %s is not here (%s): its container file is not checked",
		    where, t->req.image, image.dir);
		return 0;
	}
	if (rc < 0 && only_root(c, where, err))
		return 0;
	if (rc < 0)
		return rc;
	snprintf(t->container.file, sizeof t->container.file, "%.500s/%.255s%.255s",
	    image.dir, t->req.image, t->req.config);
	*yaml = launch_container_at_once(&t->req, dir, err);
	if (*yaml < 0) {
		close(dir);
		return *yaml;
	}
	*root = dir;
	return 1;
}

/* Its file of sealed secrets: 1 read or there is none, 0 said what is wrong. */
static int
read_secrets(struct check *c, struct trial *t, int root, struct err *err)
{
	struct sup_req req = t->req;
	size_t top = strlen(t->container.file) - strlen(t->req.config);
	int yaml;

	if (!flat_str(&t->container.flat, "secret-environ-file", req.config,
		sizeof req.config))
		return 1;
	yaml = launch_container_at_once(&req, root, err);
	if (yaml < 0) {
		err_prefix(err, "secret-environ-file: ");
		return yaml;
	}
	snprintf(t->secrets.file, sizeof t->secrets.file, "%.*s%.255s", (int)top,
	    t->container.file, req.config);
	if (!check_read(c, &t->secrets, "secrets", yaml))
		return 0;
	t->judge.secrets = &t->secrets.flat;
	return 1;
}

/* Each of its instances has one, or none has: all are judged. */
static int
by_addresses(struct check *c, struct trial *t, const struct check_doc *d,
    const char *name, int root, struct err *err)
{
	char key[NAME_CAP + 48], text[INET_ADDRSTRLEN];
	struct flat_rec list = {0};
	int64_t instances = 1;
	struct in_addr a;
	int rc = 0;

	snprintf(key, sizeof key, "%s/instances", name);
	(void)flat_int(&d->flat, key, &instances);
	snprintf(key, sizeof key, "%s/ip-addresses", name);
	if (!flat_find(&d->flat, key, &list) || list.num == 0)
		return judge_it(c, t, root, err);
	if (list.num != instances)
		return err_set(err, EXIT_CONFIG,
		    "ip-addresses has %lld, and there are %lld instances",
		    (long long)list.num, (long long)instances);
	for (int64_t i = 0; rc == 0 && i < list.num; i++) {
		snprintf(key, sizeof key, "%s/ip-addresses/%lld", name, (long long)i);
		snprintf(t->req.instance, sizeof t->req.instance, "%.40s.%u", name,
		    (unsigned)i % 1000);
		if (flat_str(&d->flat, key, text, sizeof text) &&
		    inet_pton(AF_INET, text, &a) == 1)
			t->req.address = ntohl(a.s_addr);
		rc = judge_it(c, t, root, err);
	}
	return rc;
}

static int
one_process(struct check *c, struct trial *t, const struct check_doc *d,
    const char *name, const char *where, struct err *err)
{
	char key[NAME_CAP + 16], kind[32];
	AUTO_CLOSE int root = -1;
	int yaml = -1, rc;

	snprintf(t->req.instance, sizeof t->req.instance, "%.60s.0", name);
	snprintf(key, sizeof key, "%s/kind", name);
	if (flat_str(&d->flat, key, kind, sizeof kind) &&
	    strcmp(kind, "Command") == 0)
		t->req.op = SUP_RUN;
	snprintf(key, sizeof key, "%s/image", name);
	if (!flat_str(&d->flat, key, t->req.image, sizeof t->req.image))
		return err_set(err, EXIT_CONFIG, "%s: image: longer than %zu bytes",
		    name, sizeof t->req.image - 1);
	snprintf(key, sizeof key, "%s/config", name);
	if (!flat_str(&d->flat, key, t->req.config, sizeof t->req.config))
		return err_set(err, EXIT_CONFIG, "%s: config: longer than %zu bytes",
		    name, sizeof t->req.config - 1);
	if (!given_vars(t, d, name))
		return err_set(err, EXIT_CONFIG,
		    "%s: variables: more than %d bytes", name, VARS_CAP);
	rc = open_image(c, t, where, &yaml, &root, err);
	if (rc <= 0)
		return rc;
	if (!check_read(c, &t->container, "container", yaml))
		return 0;
	rc = read_secrets(c, t, root, err);
	return rc <= 0 ? rc : by_addresses(c, t, d, name, root, err);
}

void
check_processes(struct check *c, const struct check_sandbox *s,
    const struct check_doc *d)
{
	AUTO_FREE struct trial *t = malloc(sizeof *t);
	char name[NAME_CAP], where[CHECK_PATH_CAP + NAME_CAP + 32];
	struct flat_rec rec;
	size_t off = 0;

	while (t != NULL && flat_next(&d->flat, &off, &rec)) {
		struct err err = {0};

		if (!flat_child(&rec, "", name, sizeof name) || name[0] == '\0')
			continue;
		begin(t, c, s);
		snprintf(where, sizeof where, "%.1000s:%u:%u: %s", d->file, rec.line,
		    rec.col, name);
		if (one_process(c, t, d, name, where, &err) < 0)
			check_say(c, "error", "%s: %s", where,
			    said_of(t, &err));
		free(t->container.raw);
		free(t->secrets.raw);
	}
}

/* --- an image by itself ---------------------------------------------------- */

/* The nth port that the sandbox lets a container have, without those that the
 * container file names itself: no two variables get the same one. */
static unsigned
sample_port(const struct trial *t, unsigned nth)
{
	char path[48], range[32], *end;
	struct flat_rec rec;
	unsigned found = 0;

	if (!flat_str(t->judge.sandbox, "allow-tcp-ports/0", range, sizeof range))
		snprintf(range, sizeof range, "1024-65535");
	for (unsigned i = 1; found <= nth; i++) {
		unsigned long p = strtoul(range, &end, 10),
			      last = *end == '-' ? strtoul(end + 1, NULL, 10) : p;

		for (; p <= last && p <= 65535; p++) {
			snprintf(path, sizeof path, "tcp-ports/%lu", p);
			if (!flat_find(&t->container.flat, path, &rec) &&
			    found++ == nth)
				return (unsigned)p;
		}
		snprintf(path, sizeof path, "allow-tcp-ports/%u", i);
		if (!flat_str(t->judge.sandbox, path, range, sizeof range))
			break;
	}
	return 1024; /* there are not as many */
}

/* A value that a variable's type takes. */
static bool
sample_vars(struct trial *t)
{
	const struct flat *f = &t->container.flat;
	char name[256], tag[32], path[FLAT_PATH_BYTES_MAX + 4];
	char value[512];
	struct flat_rec rec;
	unsigned ports = 0;
	size_t off = 0;

	while (flat_next(f, &off, &rec)) {
		if (!flat_child(&rec, "variables", name, sizeof name))
			continue;
		snprintf(path, sizeof path, "%.*s!", (int)rec.path_len, rec.path);
		(void)flat_str(f, path, tag, sizeof tag);
		snprintf(path, sizeof path, "%.*s/0", (int)rec.path_len,
		    rec.path);
		if (strcmp(tag, "TcpPort") == 0)
			snprintf(value, sizeof value, "%u",
			    sample_port(t, ports++));
		else if (!flat_str(f, path, value, sizeof value))
			snprintf(value, sizeof value, "x");
		if (!add_var(t, name, value, strlen(value)))
			return false;
	}
	return true;
}

/* A name of as many levels as the sandbox wants. */
static void
name_image(struct trial *t, const char *last)
{
	int64_t levels = 1;
	size_t n = 0;

	(void)flat_int(t->judge.sandbox, "image-dir-levels", &levels);
	for (; levels > 1 && n + 2 + NAME_CAP < sizeof t->req.image; levels--)
		n += (size_t)snprintf(t->req.image + n, 3, "x/");
	snprintf(t->req.image + n, sizeof t->req.image - n, "%s", last);
}

static bool
takes(struct check *c, const struct check_sandbox *s, int root, const char *image,
    const struct check_doc *d, const char *config, struct err *err)
{
	AUTO_FREE struct trial *t = malloc(sizeof *t);
	char kind[32] = "Daemon";
	const char *place;
	struct flat_rec own;

	if (t == NULL)
		return false;
	begin(t, c, s);
	t->container = *d;
	t->others = true;
	snprintf(t->req.instance, sizeof t->req.instance, "check.0");
	snprintf(t->req.config, sizeof t->req.config, "%s", config);
	name_image(t, image);
	(void)flat_str(&d->flat, "kind", kind, sizeof kind);
	if (strcmp(kind, "Command") == 0)
		t->req.op = SUP_RUN;
	if (!flat_find(&d->flat, "network", &own))
		t->req.address = judge_any_address(&t->judge);
	if (!sample_vars(t)) {
		err_set(err, EXIT_CONFIG, "%s: variables: more than %d bytes",
		    d->file, VARS_CAP);
		return false;
	}
	if (judge_names(&t->req, err) == 0 && judge_it(c, t, root, err) == 0)
		return true;
	memmove(err->text, said_of(t, err), strlen(said_of(t, err)) + 1);
	place = after_name(t, err->text);
	if (place != NULL) {
		memmove(err->text, place, strlen(place) + 1);
		err_prefix(err, "%s", d->file);
	}
	return false;
}

/* By every sandbox; one that takes it is enough, an image is not for all. */
static void
by_sandboxes(struct check *c, int root, const char *image,
    const struct check_doc *d, const char *config)
{
	AUTO_FREE struct err *said = calloc(CHECK_SANDBOXES_MAX, sizeof *said);
	size_t n = 0;

	for (size_t i = 0; said != NULL && i < c->sandboxes_count; i++) {
		const struct check_sandbox *s = c->sandboxes[i];

		if (s->doc.raw == NULL || s->name[0] == '\0' || s->takes_none)
			continue;
		if (takes(c, s, root, image, d, config, &said[n])) {
			check_say(c, "ok", "%s in sandbox '%s'", d->file, s->name);
			return;
		}
		said[n].code = (int)i; /* whose word it is */
		n++;
	}
	for (size_t i = 0; i < n; i++)
		check_say(c, "error", "%s; not for sandbox '%s', then",
		    said[i].text, c->sandboxes[said[i].code]->name);
	if (n == 0)
		check_say(c, "ok", "%s: no sandbox to judge it", d->file);
}

static void
one_file(struct check *c, int root, const char *image, const char *name,
    const char *shown)
{
	struct check_doc d = {.raw = NULL};
	char config[SUP_PATH_CAP];
	struct stat st;
	char self[32];
	AUTO_CLOSE int path = -1;
	int yaml = -1;

	snprintf(config, sizeof config, "/config/%s", name);
	snprintf(d.file, sizeof d.file, "%.700s%s", shown, config);
	/* As at a start: first what it is, for a device may act when it is opened. */
	path = sys_open_inside(root, config, O_PATH);
	if (path < 0 || fstat(path, &st) < 0 || !S_ISREG(st.st_mode)) {
		check_say(c, "error", "%s: %s", d.file,
		    path < 0 ? strerror(errno) : "not a regular file");
		return;
	}
	if (launch_may_be_foreign(&st)) {
		check_say(c, "error",
		    "%s: it has %lu names (hard links), and not everybody may read it: it may be a file from outside of the image; put a copy there",
		    d.file, (unsigned long)st.st_nlink);
		return;
	}
	snprintf(self, sizeof self, "/proc/self/fd/%d", path);
	yaml = open(self, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (yaml < 0) {
		check_say(c, "error", "%s: %s", d.file, strerror(errno));
		return;
	}
	if (check_read(c, &d, "container", yaml))
		by_sandboxes(c, root, image, &d, config);
	free(d.raw);
}

/* The last part of its path, if that can be an image's name. */
static void
last_part(const char *path, char *out, size_t cap)
{
	size_t end = strlen(path), start;

	while (end > 0 && path[end - 1] == '/')
		end--;
	for (start = end; start > 0 && path[start - 1] != '/'; start--)
		;
	snprintf(out, cap, "%.*s", (int)(end - start), path + start);
	if (!name_image_part_ok(out, strlen(out)))
		snprintf(out, cap, "image");
}

static int
yaml_file(const struct dirent *e)
{
	size_t len = strlen(e->d_name);

	return e->d_name[0] != '.' && len > 5 && len < SUP_PATH_CAP - 16 &&
	    strcmp(e->d_name + len - 5, ".yaml") == 0;
}

/* The root of an image at this path, a directory or a file (with or without its
 * suffix), or -1 and it is said. */
static int
open_path(struct check *c, const char *path)
{
	const struct image_who who = {"image", "", path, false, false};
	char file[CHECK_PATH_CAP];
	AUTO_CLOSE int fd = open(path, O_PATH | O_CLOEXEC);
	struct err err = {0};
	struct stat st;
	int root = -1, saved = errno;

	for (int i = 0; fd < 0 && saved == ENOENT && i < IMAGES_SUFFIXES; i++) {
		snprintf(file, sizeof file, "%.900s%s", path, images_suffixes[i]);
		fd = open(file, O_PATH | O_CLOEXEC);
	}
	if (fd < 0 || fstat(fd, &st) < 0) {
		check_say(c, "error", "%s: %s", path, strerror(saved));
		return -1;
	}
	if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)) {
		check_say(c, "error", "%s: neither a directory nor a file", path);
		return -1;
	}
	/* A directory may be anybody's, as it was not yet copied to where it counts.
	 * But a file system that somebody changes while it is mounted is a way into
	 * the kernel. */
	if (S_ISREG(st.st_mode) && geteuid() == 0 && HOLDS("root-owned") &&
	    (st.st_uid != 0 || st.st_mode & 022)) {
		check_say(c, "error",
		    "%s: uid %u, mode %04o: the kernel would read it with root's rights; look into a copy that nobody but root can change",
		    path, st.st_uid, st.st_mode & 07777);
		return -1;
	}
	if (images_root(&c->images, &who, fd, &st, &root, &err) < 0) {
		if (!only_root(c, path, &err))
			check_say(c, "error", "%s", err.text + strlen("image: image "));
		return -1;
	}
	if (root < 0) {
		root = fd;
		fd = -1;
	}
	return root;
}

void
check_image(struct check *c, const char *image)
{
	AUTO_CLOSE int root = open_path(c, image);
	AUTO_CLOSE int config = -1;
	struct dirent **found = NULL;
	char name[NAME_CAP];
	int n = -1;

	if (root < 0)
		return;
	last_part(image, name, sizeof name);
	config = sys_open_inside(root, "/config", O_RDONLY | O_DIRECTORY);
	if (config >= 0)
		n = scandirat(config, ".", &found, yaml_file, alphasort);
	if (n < 0) {
		check_say(c, "error", "%s/config: %s", image, strerror(errno));
		return;
	}
	if (n == 0)
		check_say(c, "error", "%s/config: no container file (*.yaml)",
		    image);
	for (int i = 0; i < n; i++) {
		one_file(c, root, name, found[i]->d_name, image);
		free(found[i]);
	}
	free(found);
}
