/*
 * line.h - a command line run against the child that plays the daemon (server.h),
 * and what it must say.
 */
#ifndef TEST_CLI_LINE_H
#define TEST_CLI_LINE_H

#include "server.h"

#include "../../../daemon/base/ctl.h"
#include "../../../daemon/cli/run.h"

#define NOW INT64_C(1795248000000)

/* --- the client's side ----------------------------------------------------- */

struct outcome {
	int code; /* as the program would exit */
	char *out, *error;
};

static inline void
run_line(struct outcome *o, const char *line, int timeout_ms, bool color)
{
	char words[256], *argv[16] = {"mesh"};
	struct run_error e = {0};
	struct args a;
	size_t out_len, error_len;
	int argc = 1;

	snprintf(words, sizeof words, "%s", line);
	for (char *p = strtok(words, " "); p != NULL; p = strtok(NULL, " "))
		argv[argc++] = p;
	assert_int_equal(args_parse(&a, argc, argv, path, NOW, &e.err), 0);
	FILE *out = open_memstream(&o->out, &out_len);
	FILE *error = open_memstream(&o->error, &error_len);
	struct show s = {.out = out, .args = &a, .color = color, .now_ms = NOW};
	o->code = run_verb(&s, timeout_ms > 0 ? timeout_ms : a.verb->timeout_ms, &e);
	if (o->code < 0)
		o->code = run_report(&a, &e, error);
	run_error_free(&e);
	fclose(out);
	fclose(error);
}

static inline void
check(const char *line, int timeout_ms, const struct script *s, int code, const char *out,
    const char *error)
{
	struct outcome o;
	pid_t pid = serve(s);
	int status;

	run_line(&o, line, timeout_ms, false);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0); /* the request was as expected */
	assert_string_equal(o.error, error);
	assert_string_equal(o.out, out);
	assert_int_equal(o.code, code);
	free(o.out);
	free(o.error);
}

#define ANSWER(data) "{\"ok\":true,\"data\":" data ",\"more\":false}"

#endif
