/*
 * run.h - one verb, run once: ask, decode, print.
 */
#ifndef CLI_RUN_H
#define CLI_RUN_H

#include "args.h"

/* What a failed run says on stderr. */
struct run_error {
	struct err err;
	char *text, *hint; /* owned; text is several lines or NULL: err.text */
	bool connected; /* there was a daemon */
};

/* What is asked of every node in turn ends within 5 + 2 x 4 s. */
enum { RUN_SURVEY_MS = 15 * 1000 };
/* How long an answer may take: the verb's, or more when all nodes are asked. */
int run_timeout_ms(const struct args *a);
/* The exit code, or negative with *e filled; free it with run_error_free
 * either way. */
MUST_CHECK int run_verb(const struct show *s, int timeout_ms, struct run_error *e);
/* "mesh: what: why", then a hint line.  Returns the exit code to leave with. */
int run_report(const struct args *a, const struct run_error *e, FILE *out);
void run_error_free(struct run_error *e);
/* Its text as one error, and it is freed.  -err->code. */
int run_error_line(struct run_error *e, struct err *err);

/* As run_verb, but asked again when the daemon is there anew. */
MUST_CHECK int run_follow(const struct show *s, struct run_error *e);

/* -w: each second, in a screen of its own on a terminal, until interrupted.
 * The exit code of the last run. */
int run_watch(const struct show *s);

#endif
