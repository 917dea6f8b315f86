/*
 * check.c - see check.h: the directory, its sandboxes and processes files.
 */
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../base/name.h"
#include "../base/own.h"
#include "helper.h"
#include "hostact.h"
#include "judge.h"
#include "programs.h"
#include "ranges.h"

void
check_say(struct check *c, const char *kind, const char *fmt, ...)
{
	char text[2 * CHECK_PATH_CAP], shown[2 * CHECK_PATH_CAP];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	err_escape(shown, sizeof shown, text, strlen(text));
	printf("%s: %s\n", kind, shown);
	c->errors += kind[0] == 'e';
}

void
check_notes(struct check *c, const char *lines)
{
	while (*lines != '\0') {
		size_t len = strcspn(lines, "\n");

		if (len > 0 && told_new(&c->told, lines, len))
			check_say(c, "note", "%.*s", (int)len, lines);
		lines += len + (lines[len] == '\n');
	}
}

bool
check_read(struct check *c, struct check_doc *d, const char *kind, int yaml)
{
	AUTO_CLOSE int fd = yaml;
	char notes[HELPER_NOTES_CAP];
	struct err err = {0};
	size_t len = 0;

	if (helper_run(c->conf, CHECK_NOBODY, CHECK_NOBODY, kind, d->file, fd, notes,
		&d->raw, &len, &err) < 0) {
		check_say(c, "error", "%s", err.text);
		return false;
	}
	check_notes(c, notes);
	if (flat_open(&d->flat, d->raw, len) == 0)
		return true;
	check_say(c, "error", "%s: meshd-conf gave no records", d->file);
	free(d->raw);
	d->raw = NULL;
	return false;
}

/* A file of the administrator's.  In a directory that is not root's, a
 * checkout, nobody's files are. */
static int
open_file(const struct check *c, const char *file, struct err *err)
{
	struct stat st;
	AUTO_CLOSE int fd = -1;
	int out;

	if (c->strict)
		return helper_open_yaml(AT_FDCWD, file, file, err);
	fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_set(err, EXIT_CONFIG, "%s: %s", file,
		    strerror(errno));
	if (!S_ISREG(st.st_mode))
		return err_set(err, EXIT_CONFIG, "%s: not a regular file", file);
	out = fd;
	fd = -1;
	return out;
}

/* d->file as this kind: true, or an error line was said. */
static bool
read_file(struct check *c, struct check_doc *d, const char *kind)
{
	struct err err = {0};
	int fd = open_file(c, d->file, &err);

	if (fd >= 0)
		return check_read(c, d, kind, fd);
	check_say(c, "error", "%s", err.text);
	return false;
}

static bool
is_there(const char *path)
{
	return access(path, F_OK) == 0 || errno != ENOENT;
}

/* A path of the file's own: absolute, or from `from` on.  False: too long. */
static bool
place_of(char *out, const char *from, const struct flat *f, const char *key,
    const char *dflt)
{
	char value[CHECK_PATH_CAP];
	const char *rest = value;

	if (f == NULL || !flat_str(f, key, value, sizeof value))
		snprintf(value, sizeof value, "%s", dflt);
	while (strncmp(rest, "./", 2) == 0)
		rest += 2;
	return snprintf(out, CHECK_PATH_CAP, "%s%s%s",
		   rest[0] == '/' ? "" : from, rest[0] == '/' ? "" : "/", rest) <
	    CHECK_PATH_CAP;
}

static int
by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The files *.yaml of a directory, sorted; names (owned) without it. */
static size_t
list(struct check *c, const char *dir, char ***out)
{
	AUTO_CLOSEDIR DIR *d = opendir(dir);
	char **names = calloc(CHECK_FILES_MAX, sizeof *names);
	const struct dirent *e;
	size_t n = 0, len;

	*out = names;
	if (d == NULL || names == NULL) {
		check_say(c, "error", "%s: %s", dir, strerror(errno));
		return 0;
	}
	while ((e = readdir(d)) != NULL) {
		len = strlen(e->d_name);
		if (e->d_name[0] == '.' || len < 6 ||
		    strcmp(e->d_name + len - 5, ".yaml") != 0)
			continue;
		if (n == CHECK_FILES_MAX) {
			check_say(c, "error", "%s: more than %d files", dir,
			    CHECK_FILES_MAX);
			break;
		}
		if ((names[n] = strndup(e->d_name, len - 5)) != NULL)
			n++;
	}
	qsort(names, n, sizeof *names, by_text);
	return n;
}

static void
list_free(char **names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(names[i]);
	free(names);
}

/* The outside ids of a sandbox's map; count 0: it has none, or it is not one. */
static uint32_t
outside(const struct flat *f, struct spec_map *maps)
{
	struct flat_rec rec;
	char path[64];
	int64_t first, count;
	uint32_t n = 0;

	if (!flat_find(f, "uid-map", &rec) || rec.type != FLAT_LIST ||
	    rec.num > SPEC_MAPS_MAX)
		return 0;
	for (; n < rec.num; n++) {
		snprintf(path, sizeof path, "uid-map/%u/outside", n);
		if (!flat_int(f, path, &first))
			return 0;
		snprintf(path, sizeof path, "uid-map/%u/count", n);
		if (!flat_int(f, path, &count))
			return 0;
		maps[n] = (struct spec_map){0, (uint32_t)first, (uint32_t)count};
	}
	return n;
}

/* As job.c tells it when both run: nothing keeps them apart. */
static void
shared_ids(struct check *c)
{
	struct spec_map a[SPEC_MAPS_MAX], b[SPEC_MAPS_MAX];
	uint32_t an, bn, id;

	for (size_t i = 0; i < c->sandboxes_count; i++) {
		const struct check_doc *x = &c->sandboxes[i]->doc;

		an = x->raw != NULL ? outside(&x->flat, a) : 0;
		for (size_t k = 0; k < i && an > 0; k++) {
			const struct check_doc *y = &c->sandboxes[k]->doc;

			bn = y->raw != NULL ? outside(&y->flat, b) : 0;
			if (bn > 0 && ranges_meet(a, an, b, bn, &id))
				check_say(c, "note",
				    "%s: uid-map: shares outside ids with %s, from %u on: nothing keeps their containers apart",
				    x->file, y->file, id);
		}
	}
}

static void
one_sandbox(struct check *c, const char *dir, const char *name)
{
	struct check_sandbox *s = calloc(1, sizeof *s);
	char dflt[CHECK_PATH_CAP];

	if (s == NULL || c->sandboxes_count == CHECK_SANDBOXES_MAX) {
		check_say(c, "error", "%s/%s.yaml: more than %d sandboxes", dir,
		    name, CHECK_SANDBOXES_MAX);
		free(s);
		return;
	}
	c->sandboxes[c->sandboxes_count++] = s;
	snprintf(s->name, sizeof s->name, "%s", name);
	snprintf(s->doc.file, sizeof s->doc.file, "%.700s/%.255s.yaml", dir, name);
	snprintf(dflt, sizeof dflt, "%.255s.yaml", name);
	if (!name_ok(name, strlen(name))) {
		check_say(c, "error",
		    "%s: the name of a sandbox is [a-z0-9][a-z0-9_.-]{0,62}; rename the file",
		    s->doc.file);
		s->name[0] = '\0';
	}
	if (!read_file(c, &s->doc, "sandbox"))
		return;
	if (s->name[0] != '\0' && check_sandbox(c, s))
		check_say(c, "ok", "%s", s->doc.file);
	if (!place_of(s->processes, c->processes_dir, &s->doc.flat,
		"config-file", dflt))
		check_say(c, "error", "%s: config-file: path too long",
		    s->doc.file);
}

static void
sandboxes(struct check *c, const char *dir)
{
	char **names;
	size_t n = list(c, dir, &names);

	for (size_t i = 0; i < n; i++)
		one_sandbox(c, dir, names[i]);
	if (n == 0 && names != NULL)
		check_say(c, "note", "%s: there is no sandbox (NAME.yaml)", dir);
	shared_ids(c);
	list_free(names, n);
}

static void
one_processes(struct check *c, const char *file, const struct check_sandbox *of)
{
	struct check_doc d = {.raw = NULL};

	snprintf(d.file, sizeof d.file, "%s", file);
	if (!read_file(c, &d, "processes"))
		return;
	check_say(c, "ok", "%s", d.file);
	if (of != NULL && of->doc.raw != NULL && of->name[0] != '\0')
		check_processes(c, of, &d);
	free(d.raw);
}

/* What lithos would run.  Here they are rendered from the schedule; but who
 * comes from there has them, and they say which container files matter. */
static void
processes(struct check *c)
{
	char file[CHECK_PATH_CAP], **names;
	size_t n;

	for (size_t i = 0; i < c->sandboxes_count; i++)
		if (c->sandboxes[i]->processes[0] != '\0' &&
		    is_there(c->sandboxes[i]->processes))
			one_processes(c, c->sandboxes[i]->processes,
			    c->sandboxes[i]);
	if (!is_there(c->processes_dir))
		return;
	n = list(c, c->processes_dir, &names);
	for (size_t i = 0; i < n; i++) {
		bool read = false;

		snprintf(file, sizeof file, "%.700s/%.255s.yaml", c->processes_dir,
		    names[i]);
		for (size_t k = 0; k < c->sandboxes_count; k++)
			read = read ||
			    strcmp(c->sandboxes[k]->processes, file) == 0;
		if (read)
			continue;
		check_say(c, "note", "%s: no sandbox reads it", file);
		one_processes(c, file, NULL);
	}
	list_free(names, n);
}

/* Commands of the host, which it has only where somebody wrote them down. */
static void
host_actions(struct check *c)
{
	AUTO_FREE struct hostact_spec *spec = calloc(1, sizeof *spec);
	struct check_doc d = {.raw = NULL};
	char name[NAME_CAP];
	struct flat_rec rec;
	struct err err;
	size_t off = 0, errors = 0;

	snprintf(d.file, sizeof d.file, "%.900s/host-actions.yaml", c->base);
	if (spec == NULL || !is_there(d.file) || !read_file(c, &d, "host-actions"))
		return;
	while (flat_next(&d.flat, &off, &rec)) {
		if (!flat_child(&rec, "", name, sizeof name))
			continue;
		if (hostact_judge(&d.flat, d.file, name, NULL, spec, &err) < 0) {
			errors++;
			check_say(c, "error", "%s", err.text);
		}
		hostact_free(spec);
	}
	if (errors == 0)
		check_say(c, "ok", "%s", d.file);
	free(d.raw);
}

/* mesh.yaml, where there is one, says where images are. */
static void
daemon_config(struct check *c, const char *dir)
{
	struct check_doc d = {.raw = NULL};
	struct flat nothing = {NULL, 0};
	struct err err = {0};
	bool given;

	snprintf(d.file, sizeof d.file, "%.900s/mesh.yaml", dir);
	snprintf(c->config.file, sizeof c->config.file, "%.500s", d.file);
	given = is_there(d.file);
	if (given && !read_file(c, &d, "daemon"))
		given = false;
	else if (given)
		check_say(c, "ok", "%s", d.file);
	if (config_read(&c->config, given ? &d.flat : &nothing, &err) < 0)
		check_say(c, "error", "%s", err.text);
	free(d.raw);
}

static int
look(struct check *c, const char *dir, struct err *err)
{
	struct check_doc master = {.raw = NULL};
	char sandboxes_dir[CHECK_PATH_CAP];
	const struct flat *f = NULL;
	size_t len = strlen(dir);
	struct stat st;

	if (len > 400 || stat(dir, &st) < 0)
		return err_set(err, EXIT_CONFIG, "%.200s: %s", dir,
		    len > 400 ? "path too long" : strerror(errno));
	if (!S_ISDIR(st.st_mode))
		return err_set(err, EXIT_CONFIG, "%.200s: not a directory", dir);
	c->strict = st.st_uid == 0;
	while (len > 1 && dir[len - 1] == '/')
		len--;
	snprintf(c->base, sizeof c->base, "%.*s/lithos-configs", (int)len, dir);
	if (!is_there(c->base))
		snprintf(c->base, sizeof c->base, "%.*s", (int)len, dir);
	snprintf(master.file, sizeof master.file, "%.900s/master.yaml", c->base);
	snprintf(sandboxes_dir, sizeof sandboxes_dir, "%.900s/sandboxes", c->base);
	if (!is_there(master.file) && !is_there(sandboxes_dir))
		return err_set(err, EXIT_CONFIG,
		    "%.200s: neither master.yaml nor sandboxes/ is there, nor lithos-configs/",
		    dir);
	daemon_config(c, dir);
	if (is_there(master.file) && read_file(c, &master, "master")) {
		check_say(c, "ok", "%s", master.file);
		f = &master.flat;
	}
	if (!place_of(sandboxes_dir, c->base, f, "sandboxes-dir", "sandboxes") ||
	    !place_of(c->processes_dir, c->base, f, "processes-dir", "processes"))
		check_say(c, "error", "%s: a path is too long", master.file);
	free(master.raw);
	sandboxes(c, sandboxes_dir);
	processes(c);
	host_actions(c);
	return 0;
}

int
check_run(const char *dir, const char *image, struct err *err)
{
	AUTO_FREE struct check *c = calloc(1, sizeof *c);
	int rc;

	if (c == NULL)
		return err_set(err, EXIT_ENVIRONMENT, "out of memory");
	if ((rc = programs_open("meshd-conf", O_PATH, &c->conf, err)) < 0)
		return rc;
	rc = look(c, dir, err);
	if (rc == 0 && image != NULL)
		check_image(c, image);
	for (size_t i = 0; i < c->sandboxes_count; i++) {
		free(c->sandboxes[i]->doc.raw);
		free(c->sandboxes[i]);
	}
	images_close(&c->images);
	close(c->conf);
	if (rc == 0 && (fflush(stdout) != 0 || ferror(stdout)))
		return err_set(err, EXIT_ENVIRONMENT, "standard output: %s",
		    strerror(errno));
	return rc < 0 ? rc : c->errors > 0;
}
