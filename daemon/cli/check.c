/*
 * check.c - mesh check: what meshd --check finds, for people or as JSON.
 *
 * The one judge of configs is the daemon's own (daemon/supervisor/check.h);
 * here its lines are only shown.
 */
#include <errno.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../base/own.h"
#include "args.h"
#include "show.h"

enum { PATH_CAP = 1024 };

extern char **environ;

struct finding {
	const struct show *s;
	json_t *errors, *notes, *files;
};

/* Beside us, as after `make`; or in ../sbin, as after `make install`. */
static int
find_meshd(char *path, size_t cap, struct err *err)
{
	static const char *const places[] = {"meshd", "../sbin/meshd"};
	char dir[PATH_CAP - 64];
	ssize_t n = readlink("/proc/self/exe", dir, sizeof dir - 1);

	if (n <= 0)
		return err_set(err, 1, "check: cannot read /proc/self/exe: %s", strerror(errno));
	dir[n] = '\0';
	*(strrchr(dir, '/') + 1) = '\0';
	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		snprintf(path, cap, "%s%s", dir, places[i]);
		if (access(path, X_OK) == 0)
			return 0;
	}
	return err_set(err, 1, "check: cannot find meshd in %.200s or %.200s../sbin", dir, dir);
}

static int
start(const struct args *a, pid_t *pid, FILE **out, struct err *err)
{
	char path[PATH_CAP], *argv[] = {"meshd", "--check", (char *)(uintptr_t)a->operand,
	    (char *)(uintptr_t)a->second, NULL};
	posix_spawn_file_actions_t fa;
	int fds[2], rc = find_meshd(path, sizeof path, err);

	if (rc < 0)
		return rc;
	if (pipe(fds) < 0 || posix_spawn_file_actions_init(&fa) != 0)
		return err_set(err, 1, "check: pipe: %s", strerror(errno));
	posix_spawn_file_actions_adddup2(&fa, fds[1], STDOUT_FILENO);
	posix_spawn_file_actions_addclose(&fa, fds[0]);
	posix_spawn_file_actions_addclose(&fa, fds[1]);
	rc = posix_spawn(pid, path, &fa, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&fa);
	close(fds[1]);
	*out = rc == 0 ? fdopen(fds[0], "r") : NULL;
	if (*out != NULL)
		return 0;
	close(fds[0]);
	return err_set(err, 1, "check: cannot run %.300s: %s", path, strerror(rc != 0 ? rc : errno));
}

/* "FILE:LINE:COL: text", as far as it has them. */
static json_t *
located(const char *text)
{
	for (const char *p = strchr(text, ':'); p != NULL; p = strchr(p + 1, ':')) {
		char *end;
		unsigned long line, col;

		if (p[1] < '1' || p[1] > '9')
			continue;
		line = strtoul(p + 1, &end, 10);
		if (*end != ':' || end[1] < '1' || end[1] > '9')
			continue;
		col = strtoul(end + 1, &end, 10);
		if (*end == ':')
			return json_pack("{s:s, s:s%, s:I, s:I}", "text", text, "file", text,
			    (size_t)(p - text), "line", (json_int_t)line, "column", (json_int_t)col);
	}
	return json_pack("{s:s, s:n, s:n, s:n}", "text", text, "file", "line", "column");
}

static void
found(struct finding *f, const char *line)
{
	const char *text = strchr(line, ' ');
	const bool error = strncmp(line, "error: ", 7) == 0, note = strncmp(line, "note: ", 6) == 0;

	if (text == NULL)
		return;
	text++;
	if (error || note)
		json_array_append_new(error ? f->errors : f->notes, located(text));
	else
		json_array_append_new(f->files, json_string(text));
	if (f->s->args->output == ARGS_JSON || (!error && show_names(f->s)))
		return;
	if (error || note) {
		show_word(f->s, error ? "error" : "note");
		fputs(": ", f->s->out);
	} else {
		fputs("ok: ", f->s->out);
	}
	show_put(f->s, text);
	fputc('\n', f->s->out);
}

static void
summary(const struct finding *f)
{
	const struct show *s = f->s;
	const bool ok = json_array_size(f->errors) == 0;

	if (s->args->output == ARGS_JSON) {
		json_t *v = json_pack("{s:b, s:O, s:O, s:O}", "ok", ok, "errors", f->errors, "notes",
		    f->notes, "files", f->files);

		json_dumpf(v, s->out, JSON_INDENT(2) | (s->terminal ? JSON_ENSURE_ASCII : 0));
		fputc('\n', s->out);
		json_decref(v);
	} else if (!show_names(s)) {
		fprintf(s->out, "%zu in order, %zu errors, %zu notes\n", json_array_size(f->files),
		    json_array_size(f->errors), json_array_size(f->notes));
	}
}

int
show_check(const struct show *s, struct err *err)
{
	struct finding f = {s, json_array(), json_array(), json_array()};
	AUTO_FREE char *line = NULL;
	size_t cap = 0;
	FILE *in = NULL;
	ssize_t n;
	pid_t pid = -1;
	int status = 0, rc = start(s->args, &pid, &in, err);

	if (rc < 0)
		return rc;
	while ((n = getline(&line, &cap, in)) > 0) {
		line[n - (line[n - 1] == '\n')] = '\0';
		found(&f, line);
	}
	fclose(in);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	/* What else it ends with it has said itself, on stderr. */
	rc = WIFEXITED(status) ? WEXITSTATUS(status) : 5;
	if (rc <= 1)
		summary(&f);
	json_decref(f.errors);
	json_decref(f.notes);
	json_decref(f.files);
	return rc;
}
