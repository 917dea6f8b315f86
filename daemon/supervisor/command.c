/*
 * command.c - what a Command said, and to whom it is told.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../base/own.h"
#include "sup.h"
#include "sys.h"

enum { OUTPUT_BYTES_MAX = 128 << 10 }; /* of one log file, and more than it has */

/* The last lines a Command printed, without their stamps. */
static void
tail(const struct row *r, char *out, size_t cap)
{
	char raw[2048], text[2048];
	size_t n = 0;

	out[0] = '\0';
	for (int i = 0; i < 2; i++) {
		off_t size = r->run.logs[i] < 0 ?
		    0 :
		    lseek(r->run.logs[i], 0, SEEK_END);
		off_t from = size > 700 ? size - 700 : 0;
		ssize_t k = size <= 0 ? 0 :
					pread(r->run.logs[i], raw + n,
					    sizeof raw - 1 - n, from);

		n += k > 0 ? (size_t)k : 0;
	}
	raw[n] = '\0';
	size_t len = 0;
	for (char *line = raw, *next; line != NULL && *line; line = next) {
		next = strchr(line, '\n');
		if (next != NULL)
			*next++ = '\0';
		/* TIME STREAM TEXT */
		char *p = strchr(line, ' ');
		p = p ? strchr(p + 1, ' ') : NULL;
		if (p != NULL && len < sizeof text)
			len += (size_t)snprintf(text + len, sizeof text - len,
			    "%s%s", len ? "; " : "", p + 1);
	}
	if (len >= sizeof text)
		len = sizeof text - 1;
	size_t skip = len > cap - 1 ? len - (cap - 1) : 0;
	err_escape(out, cap, text + skip, len - skip);
}

bool
command_asked(const struct row *r)
{
	return r->spec.command && (r->asked.flags & SUP_F_ASKED);
}

/* Both of its logs, the older first: a memfd, or -1. */
static int
output(const struct row *r)
{
	AUTO_FREE char *text = malloc(2 * (size_t)OUTPUT_BYTES_MAX);
	struct stat st[2] = {{.st_size = 0}};
	size_t len = 0;
	int first;

	for (int i = 0; i < 2; i++)
		if (r->run.logs[i] < 0 || fstat(r->run.logs[i], &st[i]) < 0)
			return -1;
	first = st[1].st_mtim.tv_sec < st[0].st_mtim.tv_sec ||
	    (st[1].st_mtim.tv_sec == st[0].st_mtim.tv_sec &&
		st[1].st_mtim.tv_nsec < st[0].st_mtim.tv_nsec);
	for (int i = 0; i < 2 && text != NULL; i++) {
		ssize_t n = sys_read_all(r->run.logs[i ^ first], text + len,
		    OUTPUT_BYTES_MAX);

		len += n > 0 ? (size_t)n : 0;
	}
	return text != NULL ? sys_memfd("output", text, len) : -1;
}

/*
 * Who asked is to read along.  Each log is opened once more, for reading only, and by its
 * mode (launch_logs.c) the engine can't open it otherwise: it is its container's word.
 */
void
command_tell_output(struct sup *s, const struct row *r)
{
	char self[32];
	struct sup_event ev;
	int fd;

	for (int i = 0; i < 2 && command_asked(r); i++) {
		snprintf(self, sizeof self, "/proc/self/fd/%d", r->run.logs[i]);
		if ((fd = open(self, O_RDONLY | O_CLOEXEC)) < 0)
			return; /* what it said is told at its end */
		row_state(r, &ev);
		ev.kind = SUP_EV_OUTPUT;
		ev.ticket = r->ticket;
		engine_send(s, &ev, fd);
	}
}

/* With the engine that asked goes who asked it. */
void
command_engine_ended(struct sup *s, msec now)
{
	for (size_t i = 0; i < s->rows_count; i++)
		if (!s->rows[i]->over && s->rows[i]->has_spec &&
		    command_asked(s->rows[i]))
			row_step(s, s->rows[i], LIFE_EV_STOP, now);
}

void
command_tell_exit(struct sup *s, struct row *r)
{
	struct sup_event ev;

	row_state(r, &ev);
	ev.kind = SUP_EV_EXIT;
	ev.state = SUP_ST_EXITED;
	ev.ticket = r->ticket;
	if (spec_normal_exit(&r->spec, r->exit_status))
		ev.exit_status = 0; /* the file says that this is success */
	ev.code = r->run.pid == 0 ? EXIT_ENVIRONMENT : 0;
	if (r->text[0] == '\0')
		tail(r, ev.text, sizeof ev.text);
	else
		ev.code = EXIT_ENVIRONMENT;
	engine_send(s, &ev, command_asked(r) ? output(r) : -1);
}
