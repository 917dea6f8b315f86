/*
 * metricsrun.c - see metricsrun.h.
 */
#include "metricsrun.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "../base/own.h"
#include "confine.h"
#include "crypto.h"
#include "identity.h"
#include "net.h"
#include "spawn.h"

struct metricsrun_job {
	struct metricsrun_job *next;
	struct metricsrun *m;
	struct metricsrun_conf conf;
	msec until;
	uint64_t begun_ns;
};

/* --- in the copy ----------------------------------------------------------------- */

/* What this process has of private memory, and so much more. */
static bool
limit_memory(void)
{
	AUTO_CLOSE int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	unsigned long long pages = 0;
	char text[256];
	ssize_t n = fd >= 0 ? read(fd, text, sizeof text - 1) : -1;
	struct rlimit r;

	if (n <= 0)
		return false;
	text[n] = '\0';
	if (sscanf(text, "%*u %*u %*u %*u %*u %llu", &pages) != 1)
		return false;
	r.rlim_cur = r.rlim_max =
	    (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE) + METRICSRUN_BYTES;
	return setrlimit(RLIMIT_DATA, &r) == 0;
}

static bool
limit(void)
{
	struct rlimit cpu = {METRICSRUN_CPU_S, METRICSRUN_CPU_S + 1}, none = {0, 0};

	return setrlimit(RLIMIT_CPU, &cpu) == 0 && setrlimit(RLIMIT_CORE, &none) == 0 &&
	    limit_memory() && confine_compute();
}

static int
say(const char *text)
{
	(void)!write(STDERR_FILENO, text, strlen(text));
	return 1;
}

static int
copy(void *arg)
{
	const struct metricsrun_job *j = arg;
	struct blob out = {0};
	struct err err = {0};

	prctl(PR_SET_NAME, "meshd-metrics", 0, 0, 0);
	if (j->m->keys != NULL)
		crypto_keyring_wipe(j->m->keys);
	if (j->m->identity != NULL)
		identity_wipe(j->m->identity);
	if (!limit())
		return say("a copy of the engine can't be confined here");
	if (j->conf.work(j->conf.arg, &out, &err) < 0)
		return say(err.text[0] != '\0' ? err.text : "no memory for it");
	for (size_t at = 0; at < out.len;) {
		ssize_t n = write(STDOUT_FILENO, out.b + at, out.len - at);

		if (n < 0 && errno != EINTR)
			return say(strerror(errno));
		at += n > 0 ? (size_t)n : 0;
	}
	return 0;
}

/* --- in the engine ------------------------------------------------------------------ */

static void go_on(struct metricsrun *m);

static void
end(struct metricsrun_job *j, const char *why, bool late, struct slice answer)
{
	j->m->done += why == NULL;
	j->m->failed += why != NULL && !late;
	j->m->late += late;
	j->conf.done(j->conf.arg, why, answer);
	free(j);
}

/* What ended it, in words that say what to do; NULL: nothing did. */
static const char *
why_of(const struct metricsrun_job *j, const struct spawn_result *r, char *text, size_t cap)
{
	int sig = -r->exit_status;

	if (r->exit_status == 0 && !r->killed_by_output && !r->killed_by_deadline)
		return NULL;
	if (r->killed_by_deadline)
		snprintf(text, cap, "it took longer than %u ms: narrow the selector or the range",
		    j->conf.wait_ms);
	else if (r->killed_by_output)
		snprintf(text, cap, "its answer is larger than %zu KiB: narrow the selector, or take a longer step",
		    j->conf.out_max >> 10);
	else if (sig == SIGKILL)
		snprintf(text, cap, "its process was killed: is that host out of memory?");
	else if (sig == SIGXCPU)
		snprintf(text, cap, "ended by its limit of %d s of CPU: narrow the selector or the range",
		    METRICSRUN_CPU_S);
	else if (sig > 0)
		snprintf(text, cap, "its process ended by signal %d (%s): %.*s", sig, strsignal(sig),
		    ERR_TEXT_CAP / 2, r->errtext);
	else
		snprintf(text, cap, "%.*s", ERR_TEXT_CAP - 1, r->errtext);
	return text;
}

static void
on_end(void *arg, struct spawn_result *r)
{
	struct metricsrun_job *j = arg;
	struct metricsrun *m = j->m;
	char text[ERR_TEXT_CAP];
	const char *why = why_of(j, r, text, sizeof text);

	m->running--;
	m->us += (uv_hrtime() - j->begun_ns) / 1000;
	end(j, why, r->killed_by_deadline, why == NULL ? (struct slice){r->out, r->out_len} : (struct slice){0});
	go_on(m);
}

static int
start(struct metricsrun_job *j, msec left, struct err *err)
{
	struct spawn_conf c = {.prog_fd = -1,
	    .input = "",
	    .out_cap = j->conf.out_max,
	    .deadline_ms = (uint32_t)left,
	    .work = copy,
	    .work_arg = j};

	if (spawn_run(j->m->loop, &c, on_end, j, NULL, err) < 0)
		return -1;
	j->begun_ns = uv_hrtime();
	j->m->running++;
	return 0;
}

/* Its turn has come. */
static void
start_waiting(struct metricsrun_job *j)
{
	msec left = j->until - net_now();
	struct err err;

	if (left <= 0)
		err_set(&err, 1, "busy: %d queries are under way, and its turn did not come within %u ms",
		    METRICSRUN_AT_ONCE, j->conf.wait_ms);
	else if (start(j, left, &err) == 0)
		return;
	end(j, err.text, left <= 0, (struct slice){0});
}

static void
go_on(struct metricsrun *m)
{
	while (m->running < METRICSRUN_AT_ONCE && m->first != NULL) {
		struct metricsrun_job *j = m->first;

		m->first = j->next;
		if (m->first == NULL)
			m->last = NULL;
		m->waiting--;
		start_waiting(j);
	}
}

static void
line_up(struct metricsrun *m, struct metricsrun_job *j)
{
	m->waiting++;
	if (m->first == NULL || j->conf.at_once) {
		j->next = m->first;
		m->first = j;
	} else {
		m->last->next = j;
	}
	if (j->next == NULL)
		m->last = j;
}

int
metricsrun_start(struct metricsrun *m, const struct metricsrun_conf *conf)
{
	bool full = m->waiting >= METRICSRUN_WAIT_MAX && !conf->at_once;
	struct metricsrun_job *j = full ? NULL : calloc(1, sizeof *j);
	struct err err;

	if (j == NULL) {
		m->refused++;
		return -ERR_FULL;
	}
	*j = (struct metricsrun_job){.m = m, .conf = *conf, .until = net_now() + conf->wait_ms};
	if (m->running >= METRICSRUN_AT_ONCE) {
		line_up(m, j);
	} else if (start(j, conf->wait_ms, &err) < 0) {
		m->refused++;
		free(j);
		return -ERR_FULL;
	}
	return 0;
}
