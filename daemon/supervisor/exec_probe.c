/*
 * exec_probe.c - a probe of a container's own: the way in is that of a command
 * of root's (exec.c), but nobody calls, so there are no caller's descriptors to
 * judge and no sandbox file to ask.  It reads nothing; what it says is read
 * once, at its end, and no more than a line of it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../base/own.h"
#include "exec_in.h"
#include "sup.h"

enum { SAYS_CAP = 200, LINE_CAP = 160 };

static bool
descriptors(struct exec *x)
{
	int in[2], out[2];

	if (pipe2(in, O_CLOEXEC) < 0)
		return false;
	x->stdio[0] = in[0];
	close(in[1]); /* at its end from the start */
	if (pipe2(out, O_CLOEXEC) < 0)
		return false;
	x->output = out[0];
	x->stdio[1] = out[1];
	x->stdio[2] = fcntl(out[1], F_DUPFD_CLOEXEC, 0);
	return x->stdio[2] >= 0 && fcntl(out[0], F_SETFL, O_NONBLOCK) == 0;
}

/* One that is free.  How long a probe takes an image says (60 s at most): without a
 * share for each sandbox those of one could keep all others' from being asked. */
static struct exec *
find_slot(struct sup *s, const char *sandbox)
{
	struct exec *found = NULL;
	size_t theirs = 0;

	for (size_t i = EXEC_MAX; i < EXEC_SLOTS; i++) {
		struct exec *x = &s->execs.slots[i];

		if (x->stage == EXEC_FREE)
			found = found ? found : x;
		else
			theirs += strcmp(x->sandbox, sandbox) == 0;
	}
	return theirs < EXEC_PROBES_EACH ? found : NULL;
}

bool
exec_probe(struct sup *s, const struct row *r, enum exec_why why, msec now)
{
	const struct spec_probe *p = why == EXEC_LIVE ? &r->spec.live : &r->spec.ready;
	struct exec *x = find_slot(s, r->spec.sandbox);

	if (x == NULL)
		return false;
	x->stage = EXEC_WAITS;
	x->why = why;
	x->pid = r->run.pid;
	x->turn = r->probes[why == EXEC_LIVE ? PROBE_LIVE : PROBE_READY].turn;
	x->deadline = now + (msec)p->how.timeout_ms;
	memcpy(x->sandbox, r->spec.sandbox, sizeof x->sandbox);
	snprintf(x->ask.instance, sizeof x->ask.instance, "%s", r->instance);
	x->ask.argv.buf = malloc(p->argv.len);
	if (x->ask.argv.buf == NULL || !descriptors(x)) {
		/* Our own trouble is no word about the container. */
		exec_slot_free(x);
		return false;
	}
	memcpy(x->ask.argv.buf, p->argv.buf, p->argv.len);
	x->ask.argv.len = p->argv.len;
	x->ask.argv.count = p->argv.count;
	exec_begin(s, x, now);
	return x->stage != EXEC_FREE;
}

/* The first line of what it said. */
static void
said(const struct exec *x, char out[SAYS_CAP])
{
	char raw[LINE_CAP];
	ssize_t n = read(x->output, raw, sizeof raw);
	size_t len = 0;

	while (n > 0 && len < (size_t)n && raw[len] != '\n')
		len++;
	err_escape(out, SAYS_CAP, raw, len);
}

void
exec_probe_ended(struct sup *s, struct exec *x, msec now)
{
	const char *program = x->ask.argv.buf;
	char name[64], line[SAYS_CAP], text[SUP_TEXT_CAP];
	int st = x->status;
	bool ok = x->text[0] == '\0' && WIFEXITED(st) && WEXITSTATUS(st) == 0;

	err_escape(name, sizeof name, program, strlen(program));
	said(x, line);
	if (x->text[0] != '\0')
		snprintf(text, sizeof text, "%s: %.*s", name, 300, x->text);
	else
		snprintf(text, sizeof text, "%s: %s %d%s%s", name,
		    WIFSIGNALED(st) ? "signal" : "status",
		    WIFSIGNALED(st) ? WTERMSIG(st) : WEXITSTATUS(st),
		    line[0] ? ": " : "", line);
	if (x->sealed) {
		/* Not the container's fault: it has its own since its start. */
		snprintf(text, sizeof text, "%s: a probe can't be asked: %.*s\n", x->ask.instance, 300, x->text);
		told_lines(&s->told, text);
		health_not_asked(s, x, now);
		return;
	}
	health_probed(s, x, ok, text, now);
}
