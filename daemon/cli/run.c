/*
 * run.c - from a checked command line to an exit code.
 */
#include "run.h"

#include <stdlib.h>
#include <string.h>

#include "../base/own.h"
#include "answer.h"
#include "client.h"

/* The first hint stands: the daemon knows more than the connection does. */
static void
set_hint(struct run_error *e, const char *hint)
{
	if (e->hint == NULL && hint != NULL && *hint != '\0')
		e->hint = strdup(hint);
}

static int
print_json(const struct show *s, const json_t *data)
{
	const struct verb *v = s->args->verb;
	size_t flags = v->json_lines ? JSON_COMPACT : JSON_INDENT(2);

	/* JSON leaves the C1 control characters alone; a terminal would not. */
	if (s->terminal)
		flags |= JSON_ENSURE_ASCII;
	json_dumpf(data, s->out, flags | JSON_ENCODE_ANY);
	fputc('\n', s->out);
	if (v->json_lines)
		fflush(s->out);
	return v->code != NULL ? v->code(data) : 0;
}

/* The error of the daemon becomes ours, with its code and its hint. */
static int
refused(const struct show *s, struct answer *a, struct run_error *e)
{
	e->err.code = a->code;
	e->text = a->error;
	a->error = NULL;
	set_hint(e, a->hint);
	if (s->args->verb->explain != NULL)
		s->args->verb->explain(s->args, e);
	return -a->code;
}

static int
answer_one(const struct show *s, struct client *c, bool *more, struct run_error *e)
{
	AUTO_FREE uint8_t *buf = NULL;
	struct answer a;
	size_t len;
	int rc;

	if (client_recv(c, &buf, &len, &e->err) < 0)
		return -e->err.code;
	if (answer_open(&a, buf, len, &e->err) < 0)
		return -e->err.code;
	*more = a.more;
	if (!a.ok)
		rc = refused(s, &a, e);
	else if (s->args->verb->json_lines && json_is_null(a.data))
		rc = 0; /* the end of a stream */
	else if (s->args->output == ARGS_JSON)
		rc = print_json(s, a.data);
	else
		rc = s->args->verb->print(s, a.data, &e->err);
	if (a.ok && s->over != NULL)
		*s->over = s->args->verb->over(s, a.data);
	answer_free(&a);
	return rc;
}

static int
ask(const struct show *s, struct client *c, struct run_error *e)
{
	uint8_t request[ANSWER_REQUEST_CAP];
	size_t len = answer_request(request, sizeof request, s->args);
	bool more = true;
	int rc = 0;

	if (client_send(c, request, len, &e->err) < 0)
		return -e->err.code;
	while (rc >= 0 && more && !ferror(s->out))
		rc = answer_one(s, c, &more, e);
	return rc;
}

int
run_timeout_ms(const struct args *a)
{
	if (a->given[OPT_COMPARE] || a->given[OPT_MATRIX])
		return RUN_SURVEY_MS;
	/* The daemon waits so long for others, and then puts together what came. */
	return a->verb->timeout_ms + (int)a->wait_ms;
}

/* Done here, and no daemon asked for it? */
static bool
is_local(const struct args *a)
{
	const struct verb *v = a->verb;
	bool given = v->local_options == 0;

	for (int o = 0; o < OPT_COUNT; o++)
		given |= a->given[o] && (v->local_options & OPT_BIT(o)) != 0;
	return v->local != NULL && given && (v->local_word == NULL || strcmp(a->operand, v->local_word) == 0);
}

int
run_verb(const struct show *s, int timeout_ms, struct run_error *e)
{
	const struct args *a = s->args;
	struct args words = *a; /* to which is added what is signed */
	struct show mine = *s;
	struct client c;
	int rc = 0;

	mine.args = &words;
	*e = (struct run_error){0};
	if (is_local(a))
		return a->verb->local(s, &e->err);
	if (a->verb->options & OPT_BIT(OPT_FORCE) && a->verb->operand == OPERAND_STAMP &&
	    !a->given[OPT_FORCE])
		return err_set(&e->err, EXIT_USAGE_,
		    "%s: needs --force, for it stops what the rails protect; "
		    "usage: mesh apply --force STAMP",
		    a->verb->name);
	if (a->verb->prepare != NULL && (rc = a->verb->prepare(&mine, &words, e)) < 0)
		return rc;
	/* Who follows a log waits for a line as long as it takes. */
	rc = client_open(&c, a->socket, a->given[OPT_FOLLOW] ? 0 : timeout_ms, &e->err);
	e->connected = rc >= 0;
	if (rc >= 0)
		rc = ask(&mine, &c, e);
	if (rc < 0)
		set_hint(e, c.hint);
	client_close(&c);
	return rc;
}

int
run_report(const struct args *a, const struct run_error *e, FILE *out)
{
	const char *text = e->text != NULL && *e->text != '\0' ? e->text : e->err.text;
	int code = e->err.code;

	fputs("mesh: ", out);
	for (const char *p = text; *p != '\0'; p++) {
		fputc(*p, out);
		if (*p == '\n' && p[1] != '\0')
			fputs("    ", out); /* an excerpt, not a new error */
	}
	if (*text != '\0' && text[strlen(text) - 1] != '\n')
		fputc('\n', out);
	if (e->hint != NULL)
		fprintf(out, "hint: %s\n", e->hint);
	if (code != EXIT_USAGE_ && a->verb != NULL && a->verb->failed_code != 0)
		return a->verb->failed_code;
	return code > 0 ? code : 1;
}

int
run_error_line(struct run_error *e, struct err *err)
{
	*err = e->err;
	if (e->text != NULL)
		err_set(err, e->err.code, "%s", e->text);
	run_error_free(e);
	return -err->code;
}

void
run_error_free(struct run_error *e)
{
	free(e->text);
	free(e->hint);
	e->text = e->hint = NULL;
}
