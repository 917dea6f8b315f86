/*
 * bundle.c - `mesh debug bundle`: what somebody who helps wants to see, in one
 * file that may be given away.
 *
 * It is made of answers that any member of group mesh may have, asked one after
 * the other; one that fails leaves its error instead, for a sick daemon is when
 * this is wanted.  No keys, no lines of scripts, no variables of roles, no output of
 * containers: what a check said of a config is left out of the problems.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../base/ctl.h"
#include "../base/name.h"
#include "../base/own.h"
#include "args.h"
#include "run.h"
#include "show.h"
#include "tar.h"
#include "value.h"

enum { WORDS_MAX = 6, PATH_CAP = 4200, STAMP_CAP = 32 };

static const struct part {
	const char *name;
	const char *words[WORDS_MAX];
} parts[] = {
    /* The first must answer: it says who this is. */
    {"debug.json", {"debug", "show"}},
    {"status.json", {"status"}},
    {"members.json", {"members"}},
    {"facts.json", {"facts"}},
    {"leader.json", {"leader"}},
    {"roster.json", {"roster"}},
    {"partition.json", {"partition"}},
    {"rtt.json", {"rtt"}},
    {"reachability.json", {"reachability"}},
    {"compare.json", {"members", "--compare"}},
    {"compare.txt", {"members", "--compare"}},
    {"events.jsonl", {"events", "-n", "1024"}},
    {"version.json", {"version"}},
};

static const char about[] =
    "What `mesh debug bundle` saw of one node, by file:\n"
    "  debug.json         configuration in force (no keys), queues, counters, usage,\n"
    "                     the last lines of the engine's log\n"
    "  status.json        mesh status        members.json       mesh members\n"
    "  facts.json         mesh facts\n"
    "  leader.json        mesh leader        roster.json        mesh roster\n"
    "  partition.json     mesh partition     rtt.json           mesh rtt\n"
    "  reachability.json  mesh reachability  compare.json, .txt mesh members --compare\n"
    "  events.jsonl       mesh events        version.json       mesh version\n"
    "NAME.error: what was answered instead.\n"
    "Not in it: keys, lines of scripts, variables of roles, rendered files, recorded rounds,\n"
    "output of containers.\n";

struct bundle {
	const struct show *s;
	FILE *out;
	char *bytes; /* of the archive, in memory until all is there */
	size_t len;
	char dir[2 * NAME_CAP + STAMP_CAP], stamp[STAMP_CAP];
	json_t *said; /* [{name, bytes}] */
};

/* One command as it would be typed; its output, or its error line. */
static int
ask(const struct bundle *b, const struct part *p, char **text, size_t *len)
{
	char *argv[WORDS_MAX + 6] = {"mesh", "--socket", (char *)(uintptr_t)b->s->args->socket};
	const char *dot = strrchr(p->name, '.');
	struct show mine = *b->s;
	struct run_error e = {0};
	int argc = 3, code;
	struct args a;

	for (size_t i = 0; i < WORDS_MAX && p->words[i] != NULL; i++)
		argv[argc++] = (char *)(uintptr_t)p->words[i];
	if (strcmp(dot, ".txt") != 0)
		argv[argc++] = "--json";
	mine.out = open_memstream(text, len);
	if (mine.out == NULL)
		abort();
	mine.args = &a;
	mine.color = mine.terminal = false;
	code = args_parse(&a, argc, argv, NULL, b->s->now_ms, &e.err);
	assert(code == 0); /* they are ours */
	code = run_verb(&mine, run_timeout_ms(&a), &e);
	if (code < 0)
		code = -run_report(&a, &e, mine.out);
	run_error_free(&e);
	fclose(mine.out);
	return code;
}

/* Lines of scripts and words of containers are for who asks this host, not to be given away. */
static void
unsay(char **text, size_t *len)
{
	json_t *v = json_loadb(*text, *len, 0, NULL), *p;
	char *rest;
	size_t i;

	json_object_del(json_object_get(v, "scheduler"), "excerpt");
	json_array_foreach(json_object_get(v, "problems"), i, p)
		json_object_del(p, "said");
	if (v != NULL && (rest = json_dumps(v, JSON_INDENT(2))) != NULL) {
		free(*text);
		*text = rest;
		*len = strlen(rest);
	}
	json_decref(v);
}

static void
add(struct bundle *b, const char *name, const char *suffix, const char *text, size_t len)
{
	char path[TAR_NAME_MAX + 1];

	/* dir is a name and a time, and the names are ours: it fits. */
	int n = snprintf(path, sizeof path, "%s/%s%s", b->dir, name, suffix);
	if (n < 0 || (size_t)n >= sizeof path)
		snprintf(path, sizeof path, "mesh-debug/%.40s%s", name, suffix);
	tar_add(b->out, path, text, len, b->s->now_ms / 1000);
	json_array_append_new(
	    b->said, json_pack("{s:s+,s:I}", "name", name, suffix, "bytes", (json_int_t)len));
}

static void
name_it(struct bundle *b, const char *debug, size_t len)
{
	time_t t = (time_t)(b->s->now_ms / 1000);
	json_t *v = json_loadb(debug, len, 0, NULL);
	const char *node = value_str(v, "node");
	struct tm tm;

	if (gmtime_r(&t, &tm) == NULL ||
	    strftime(b->stamp, sizeof b->stamp, "%Y%m%dT%H%M%SZ", &tm) == 0)
		snprintf(b->stamp, sizeof b->stamp, "now");
	snprintf(b->dir, sizeof b->dir, "mesh-debug-%s-%s",
	    name_ok(node, strlen(node)) ? node : "node", b->stamp);
	json_decref(v);
}

/* 0, or a negative exit code with *err. */
static int
gather(struct bundle *b, struct err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		AUTO_FREE char *text = NULL;
		size_t len = 0;
		int code = ask(b, &parts[i], &text, &len);

		if (strcmp(parts[i].words[0], "status") == 0)
			unsay(&text, &len);
		if (i == 0 && code < 0) {
			/* "mesh: cannot connect ...": said once more by who called us. */
			const char *line = strncmp(text, "mesh: ", 6) == 0 ? text + 6 : text;

			return err_set(err, -code, "%.*s", (int)strcspn(line, "\n"), line);
		}
		if (i == 0) {
			name_it(b, text, len);
			add(b, "README", "", about, sizeof about - 1);
		}
		add(b, parts[i].name, code < 0 ? ".error" : "", text, len);
	}
	tar_end(b->out);
	return 0;
}

/* Never over a file that is there, never through a link, for nobody else to read. */
static int
write_file(const struct bundle *b, const char *path, struct err *err)
{
	AUTO_CLOSE int fd =
	    open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	size_t at = 0;

	if (fd < 0 && errno == EEXIST)
		return err_set(
		    err, 1, "debug bundle: %.300s is there already; name another FILE", path);
	if (fd < 0)
		return err_set(err, 1, "debug bundle: %.300s: %s", path, strerror(errno));
	while (at < b->len) {
		ssize_t n = write(fd, b->bytes + at, b->len - at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			(void)err_set(err, 1, "debug bundle: %.300s: %s", path, strerror(errno));
			unlink(path);
			return -1;
		}
		at += (size_t)n;
	}
	return 0;
}

static void
say(const struct bundle *b, const char *path)
{
	FILE *out = b->s->out;

	if (b->s->args->output == ARGS_JSON) {
		json_t *v = json_pack("{s:s,s:I,s:O}", "file", path, "bytes", (json_int_t)b->len,
		    "parts", b->said);

		json_dumpf(v, out, JSON_INDENT(2));
		fputc('\n', out);
		json_decref(v);
		return;
	}
	if (show_names(b->s)) {
		fprintf(out, "%s\n", path);
		return;
	}
	fprintf(out, "%s  %zu bytes, for you alone to read (0600); in it:\n", path, b->len);
	for (size_t i = 0; i < json_array_size(b->said); i++) {
		const json_t *p = json_array_get(b->said, i);

		fprintf(out, "  %-20s %lld bytes\n", value_str(p, "name"),
		    (long long)value_int(p, "bytes", 0));
	}
	fputs("not in it: keys, variables of roles, rendered files, output of containers\n", out);
}

int
show_bundle(const struct show *s, struct err *err)
{
	struct bundle b = {.s = s, .said = json_array()};
	char path[PATH_CAP];
	int rc;

	b.out = open_memstream(&b.bytes, &b.len);
	if (b.out == NULL || b.said == NULL)
		abort();
	rc = gather(&b, err);
	fclose(b.out);
	if (rc == 0) {
		if (s->args->second != NULL)
			snprintf(path, sizeof path, "%s", s->args->second);
		else
			snprintf(path, sizeof path, "%s.tar", b.dir);
		rc = write_file(&b, path, err);
	}
	if (rc == 0)
		say(&b, path);
	json_decref(b.said);
	free(b.bytes);
	return rc < 0 ? -err->code : 0;
}

/* Nested deeper than a table: JSON is what it is read as. */
int
show_debug(const struct show *s, const json_t *data, struct err *err)
{
	AUTO_FREE char *text = json_dumps(data, JSON_INDENT(2) | JSON_ENCODE_ANY | JSON_ENSURE_ASCII);

	(void)err;
	/* DEL is ASCII to JSON, and an order to a terminal. */
	for (const char *p = text; p != NULL && *p != '\0'; p++)
		if (*p == 0x7f)
			fputs("\\u007f", s->out);
		else
			fputc(*p, s->out);
	fputc('\n', s->out);
	return 0;
}
