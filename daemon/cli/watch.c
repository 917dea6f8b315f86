/*
 * watch.c - the same screen again each second.
 *
 * On a terminal it has a screen of its own, cut to its height and restored on
 * every way out that can be caught; elsewhere one text follows the other.  A
 * daemon that is restarted meanwhile is an error line, not the end.
 *
 * A verb that is shown alive (mesh top) has its own period, and ends with q too.
 *
 * An act is begun once, and then looked at until it is over: who asked for it again
 * each second would undo what another did meanwhile.  Refused, it is no screen at all.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "../base/own.h"
#include "client.h"
#include "run.h"

enum { PERIOD_MS = 1000, WATCH_ANSWER_MS = 2000, UNASKED = -2 };

#define SCREEN_ENTER "\033[?1049h\033[?25l\033[?7l"
#define SCREEN_LEAVE "\033[?7h\033[?25h\033[?1049l"
#define SCREEN_HOME "\033[H"
#define LINE_END "\033[K\n"
#define SCREEN_REST "\033[J"

/* Its answer takes what the slowest of others may take. */
static bool
asks_nodes(const struct args *a)
{
	return run_timeout_ms(a) >= RUN_SURVEY_MS || (a->verb->options & OPT_BIT(OPT_TIMEOUT)) != 0;
}

/* One run into memory; a failure is text too. */
static char *
run_to_text(const struct show *s, int *code)
{
	struct run_error e;
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	if (out == NULL)
		abort();
	struct show mine = *s;
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	mine.out = out;
	mine.now_ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
	*code = run_verb(&mine, asks_nodes(s->args) ? run_timeout_ms(s->args) : WATCH_ANSWER_MS, &e);
	if (*code < 0)
		*code = run_report(s->args, &e, out);
	run_error_free(&e);
	fclose(out);
	return text;
}

static int
screen_rows(void)
{
	struct winsize w;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) < 0 || w.ws_row < 2)
		return 24;
	return w.ws_row;
}

static void
draw(FILE *out, const char *text)
{
	int rows = screen_rows() - 1;

	fputs(SCREEN_HOME, out);
	for (; *text != '\0' && rows > 0; text++) {
		if (*text == '\n') {
			fputs(LINE_END, out);
			rows--;
		} else {
			fputc(*text, out);
		}
	}
	fputs(SCREEN_REST, out);
}

/* What ends it: a signal, and of a terminal, for what is shown alive, the key q. */
struct ends {
	int signals, keys; /* keys: -1 = none are read */
	int period_ms;
	struct termios was;
};

/* Sleep a period.  False when it is to end. */
static bool
next_period(struct ends *e)
{
	struct pollfd p[2] = {{.fd = e->signals, .events = POLLIN}, {.fd = e->keys, .events = POLLIN}};
	int64_t until = client_now_ms() + e->period_ms, left;
	char key;

	while ((left = until - client_now_ms()) > 0) {
		int n = poll(p, 2, (int)left);

		if (n < 0 && errno != EINTR)
			return false;
		if (n > 0 && p[0].revents != 0)
			return false;
		if (n > 0 && p[1].revents != 0 && read(e->keys, &key, 1) != 1)
			p[1].fd = -1; /* nobody types any more */
		else if (n > 0 && p[1].revents != 0 && (key == 'q' || key == 'Q'))
			return false;
	}
	return true;
}

/* A key is a key, and is not shown; Ctrl-C stays a signal. */
static void
read_keys(struct ends *e)
{
	struct termios raw;

	if (tcgetattr(STDIN_FILENO, &e->was) < 0)
		return;
	raw = e->was;
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	raw.c_cc[VMIN] = 1;
	raw.c_cc[VTIME] = 0;
	if (tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0)
		e->keys = STDIN_FILENO;
}

/* Block what ends it: it is taken between two runs, and a run is bounded by
 * WATCH_ANSWER_MS, or what asking every node takes. */
static void
block(sigset_t *ends)
{
	sigemptyset(ends);
	sigaddset(ends, SIGINT);
	sigaddset(ends, SIGTERM);
	sigaddset(ends, SIGHUP);
	sigaddset(ends, SIGQUIT);
	sigprocmask(SIG_BLOCK, ends, NULL);
}

static void
ends_begin(struct ends *e, const struct args *a, bool screen)
{
	sigset_t signals;

	block(&signals);
	*e = (struct ends){.signals = signalfd(-1, &signals, SFD_CLOEXEC), .keys = -1};
	if (e->signals < 0)
		abort();
	e->period_ms = a->verb->live_ms > 0 ? a->verb->live_ms : PERIOD_MS;
	if (screen && a->verb->live_ms > 0)
		read_keys(e);
}

static void
ends_end(struct ends *e)
{
	if (e->keys >= 0)
		tcsetattr(STDIN_FILENO, TCSANOW, &e->was);
	close(e->signals);
}

/* True when what the screen shows is the last of it. */
static bool
is_over(struct show *s, struct args *a, int over, int *code)
{
	a->looks = s->over != NULL;
	if (over < 0)
		return false;
	*code = over;
	return true;
}

int
run_watch(const struct show *s)
{
	bool screen = isatty(fileno(s->out)) == 1;
	int code = 0, over = UNASKED;
	AUTO_FREE char *text = NULL;
	struct args args = *s->args;
	struct show mine = *s;
	struct ends ends;

	ends_begin(&ends, &args, screen);
	mine.args = &args;
	mine.over = args.verb->over != NULL ? &over : NULL;
	text = run_to_text(&mine, &code);
	if (mine.over != NULL && over == UNASKED) {
		fputs(text, stderr);
		ends_end(&ends);
		return code;
	}
	if (screen)
		fputs(SCREEN_ENTER, s->out);
	while (true) {
		if (screen)
			draw(s->out, text);
		else
			fputs(text, s->out);
		/* Nobody reads any more, or there is no more to see. */
		if (fflush(s->out) != 0 || is_over(&mine, &args, over, &code) || !next_period(&ends))
			break;
		free(text);
		text = run_to_text(&mine, &code);
	}
	if (screen) {
		/* What was seen last stays. */
		fputs(SCREEN_LEAVE, s->out);
		fputs(text, s->out);
	}
	ends_end(&ends);
	return code;
}
