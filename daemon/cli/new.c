/*
 * new.c - mesh new: the files that an author begins with, daemon/cli/start/, under the name
 * that was asked for.
 *
 * Nothing that exists is written over, and if one of them exists none is written.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../base/own.h"
#include "args.h"
#include "show.h"

/* The text is put in by the assembler, as meshd-script's library is (daemon/script/stdlib.c). */
#define TEXT(symbol, file)                                                                         \
	__asm__(".pushsection .rodata\n"                                                           \
		"start_" #symbol ":\n"                                                             \
		".incbin \"daemon/cli/start/" file "\"\n"                                          \
		".byte 0\n"                                                                        \
		".popsection\n");                                                                  \
	extern const char start_##symbol[];

TEXT(main, "main.lua")
TEXT(role, "role.lua")
TEXT(spec, "role_spec.lua")
TEXT(render, "render.yaml")
TEXT(template, "role.conf.tmpl")
TEXT(luarc, "luarc.json")

#define NAME_MARK "@NAME@"

enum { PATH_CAP = 512 };

/* Where a file goes: "%S" is the script tree, "%T" the templates, NAME_MARK the role. */
static const struct start_file {
	const char *path, *text;
	bool scheduler; /* only of a whole scheduler */
} files[] = {
    {"%S/main.lua", start_main, true},
    {"%S/.luarc.json", start_luarc, true},
    {"%S/" NAME_MARK ".lua", start_role, false},
    {"%S/spec/" NAME_MARK "_spec.lua", start_spec, false},
    {"%T/" NAME_MARK "/render.yaml", start_render, false},
    {"%T/" NAME_MARK "/" NAME_MARK ".conf.tmpl", start_template, false},
};

struct start {
	const struct show *s;
	const char *scripts, *templates, *role;
	bool scheduler;
	char root[PATH_CAP];
};

/* text with the role's name for each mark; malloc'd, NULL: no memory. */
static char *
named(const char *text, const char *role)
{
	size_t marks = 0;
	char *out, *to;

	for (const char *p = text; (p = strstr(p, NAME_MARK)) != NULL; p++)
		marks++;
	out = to = malloc(strlen(text) + marks * strlen(role) + 1);
	for (const char *p; out != NULL && (p = strstr(text, NAME_MARK)) != NULL;
	     text = p + sizeof NAME_MARK - 1) {
		memcpy(to, text, (size_t)(p - text));
		to = stpcpy(to + (p - text), role);
	}
	if (out != NULL)
		strcpy(to, text);
	return out;
}

static int
file_path(const struct start *n, const struct start_file *f, char *out, struct err *err)
{
	AUTO_FREE char *rest = named(f->path + 2, n->role);
	int len;

	if (rest == NULL)
		return err_set(err, 1, "new: out of memory");
	len = snprintf(out, PATH_CAP, "%s%s%s", n->root, f->path[1] == 'S' ? n->scripts : n->templates, rest);
	return len > 0 && len < PATH_CAP ? 0 : err_set(err, EXIT_USAGE_, "new: '%.200s': path too long", out);
}

static int
make_parents(const char *path, struct err *err)
{
	char dir[PATH_CAP];

	for (const char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
		snprintf(dir, sizeof dir, "%.*s", (int)(slash - path), path);
		if (mkdir(dir, 0777) != 0 && errno != EEXIST)
			return err_set(err, 1, "new: %.300s: %s", dir, strerror(errno));
	}
	return 0;
}

static int
write_file(const char *path, const char *text, struct err *err)
{
	AUTO_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
	size_t len = strlen(text);

	if (fd < 0 || write(fd, text, len) != (ssize_t)len)
		return err_set(err, 1, "new: %.300s: %s", path, strerror(errno));
	return 0;
}

static int
make(const struct start *n, const struct start_file *f, bool look, struct err *err)
{
	AUTO_FREE char *text = named(f->text, n->role);
	char path[PATH_CAP];
	struct stat st;
	int rc = file_path(n, f, path, err);

	if (rc < 0 || (f->scheduler && !n->scheduler))
		return rc;
	if (text == NULL)
		return err_set(err, 1, "new: out of memory");
	if (look)
		return lstat(path, &st) != 0 ?
			   0 :
			   err_set(err, 1, "new: %.300s exists; nothing was written", path);
	if ((rc = make_parents(path, err)) < 0 || (rc = write_file(path, text, err)) < 0)
		return rc;
	fprintf(n->s->out, "wrote %s\n", path);
	return 0;
}

/* A role goes where a scheduler is: in a config directory, or in the script tree itself. */
static int
find_scheduler(struct start *n, struct err *err)
{
	if (access("scheduler-scripts/main.lua", F_OK) == 0)
		return 0;
	if (access("main.lua", F_OK) != 0)
		return err_set(err, EXIT_CONFIG,
		    "new: no scheduler here (neither scheduler-scripts/main.lua nor main.lua); mesh new scheduler NAME makes one");
	n->scripts = ".";
	n->templates = "../templates";
	return 0;
}

int
show_new(const struct show *s, struct err *err)
{
	const struct args *a = s->args;
	struct start n = {.s = s, .scripts = "scheduler-scripts", .templates = "templates", .role = a->second,
	    .scheduler = strcmp(a->operand, "scheduler") == 0};
	int rc = 0;

	if (a->second == NULL)
		return err_set(err, EXIT_USAGE_, "new: missing NAME; usage: mesh new %s NAME", a->operand);
	if (n.scheduler) {
		snprintf(n.root, sizeof n.root, "%s/", a->second);
		n.role = "web";
	} else if (strchr(n.role, '.') != NULL || strcmp(n.role, "mesh") == 0) {
		return err_set(err, EXIT_USAGE_,
		    "new: role '%s': require takes %s; make it under another name, and give the role its own in the file",
		    n.role, n.role[0] == 'm' && n.role[4] == '\0' ? "that for the library" : "a dot for a directory");
	} else {
		rc = find_scheduler(&n, err);
	}
	for (int look = 1; look >= 0; look--)
		for (size_t i = 0; rc == 0 && i < ARRAY_LEN(files); i++)
			rc = make(&n, &files[i], look == 1, err);
	if (rc < 0)
		return rc;
	if (n.scheduler)
		fprintf(s->out, "next: mesh test %s; mesh lint %s; as config-dir it is what a daemon runs\n",
		    a->second, a->second);
	else
		fprintf(s->out, "next: add require \"%s\" to %s/main.lua; mesh test\n", n.role, n.scripts);
	return 0;
}
