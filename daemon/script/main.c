/*
 * meshd-script - runs what others wrote: one scheduler round, one render, one file of tests.
 *
 * One request on stdin, one answer on stdout, then exit (daemon/base/
 * scriptio.h).  The order matters: read the raw bytes, give up every power,
 * and only then look at them.
 */
#include "answer.h"
#include "confine.h"
#include "fault.h"
#include "guard.h"
#include "job.h"
#include "libs.h"
#include "loader.h"
#include "render.h"
#include "schedule.h"
#include "spec.h"
#include "text.h"
#include "../base/own.h"
#include "../base/scriptio.h"
#include "../../gossip/mpw.h"

#include <errno.h>
#include <sys/stat.h>

#include <lauxlib.h>

enum {
	LOG_BYTES_MAX = 64 << 10,
	/* Program, stack, answer and the mallocs around Lua's heap. */
	FIXED_BYTES = 64 << 20,
	ANSWER_EXTRA_BYTES = 256 << 10,
	GC_PAUSE_PERCENT = 400,
	/* An input of this size fills pages enough for huge ones to pay. */
	INPUT_BYTES_LARGE = 256 << 10,
};

struct run {
	struct job job;
	struct guard guard;
	struct log_text log;
	struct mpw result;
};

static int
read_all(int fd, char **out, size_t *out_len, struct err *err)
{
	struct stat st;
	/* The engine's is a file in memory; one byte more, and its end is seen without room made. */
	bool known = fstat(fd, &st) == 0 && st.st_size > 0 && st.st_size < SCRIPT_IN_BYTES_MAX;
	size_t cap = known ? (size_t)st.st_size + 1 : 1 << 20, len = 0;
	AUTO_FREE char *buf = malloc(cap);
	ssize_t n = 1;

	while (buf != NULL && n > 0) {
		if (len == cap) {
			char *p = cap > SCRIPT_IN_BYTES_MAX ? NULL : realloc(buf, cap * 2);

			if (p == NULL)
				return err_set(err, EXIT_USAGE_, "request larger than %d MiB",
				    SCRIPT_IN_BYTES_MAX >> 20);
			buf = p;
			cap *= 2;
		}
		n = read(fd, buf + len, cap - len);
		if (n < 0 && errno == EINTR)
			n = 1;
		else if (n < 0)
			return err_set(err, EXIT_ENVIRONMENT, "read stdin: %s", strerror(errno));
		else
			len += (size_t)n;
	}
	if (buf == NULL || len > SCRIPT_IN_BYTES_MAX)
		return err_set(
		    err, EXIT_USAGE_, "request larger than %d MiB", SCRIPT_IN_BYTES_MAX >> 20);
	*out = buf;
	buf = NULL;
	*out_len = len;
	return 0;
}

/* Everything that may raise a Lua error; upvalues none, argument: the run. */
static int
protected_run(lua_State *L)
{
	struct run *run = lua_touserdata(L, 1);

	libs_open(L, run->job.seed, &run->log);
	loader_open(L, &run->job);
	guard_start(L, job_what(&run->job), run->job.cpu_ms);
	switch (run->job.mode) {
	case JOB_RENDER:
		render_run(L, &run->job, &run->result);
		break;
	case JOB_CHECK:
		check_run(L, &run->job, &run->result);
		break;
	case JOB_TEST:
		spec_run(L, &run->job, &run->result);
		break;
	case JOB_LINT:
		lint_run(L, &run->job, &run->result);
		break;
	case JOB_SCHEDULE:
		schedule_run(L, &run->job, &run->result);
		break;
	}
	return 0;
}

/* 0 with run->result filled, or -1 with *fault. */
static int
run_lua(struct run *run, struct fault *fault)
{
	lua_State *L = lua_newstate(guard_alloc, &run->guard);
	int status;

	if (L == NULL) {
		fault_from_text(fault, "not enough memory to start Lua", &run->job);
		return -1;
	}
	/* A run is short and its heap bounded: collect late.  At the limit Lua
	 * collects everything before it gives up.  A step of less than nothing puts the
	 * first one off: input and library are not walked through again and again as
	 * they grow. */
	lua_gc(L, LUA_GCINC, GC_PAUSE_PERCENT, 0, 0);
	lua_gc(L, LUA_GCSTEP, -(int)(run->guard.limit_bytes / 4 * 3 / 1024));
	lua_pushcfunction(L, fault_handler);
	lua_pushcfunction(L, protected_run);
	lua_pushlightuserdata(L, run);
	status = lua_pcall(L, 1, 0, 1);
	guard_stop();
	if (status == LUA_OK && !guard_expired())
		return 0;
	if (status == LUA_OK)
		lua_pushliteral(L, "time is up");
	fault_from_lua(fault, L, status, &run->job, run->guard.limit_bytes, run->guard.heap_hit);
	return -1;
}

static int
answer(struct run *run, struct err *err)
{
	struct fault fault;
	size_t cap = run->job.output_bytes + ANSWER_EXTRA_BYTES;
	AUTO_FREE uint8_t *result = malloc(cap);
	AUTO_FREE uint8_t *buf = malloc(cap + ANSWER_EXTRA_BYTES);
	struct mpw w;

	if (result == NULL || buf == NULL)
		return err_set(err, EXIT_ENVIRONMENT, "out of memory for the answer");
	mpw_init(&run->result, result, cap);
	mpw_init(&w, buf, cap + ANSWER_EXTRA_BYTES);
	if (run_lua(run, &fault) == 0)
		answer_ok(&w, run->result.buf, run->result.len, &run->log, guard_cpu_ms(),
		    run->guard.peak_bytes);
	else
		answer_fault(&w, &fault, &run->log);
	assert(!w.full);
	if (answer_write(STDOUT_FILENO, buf, w.len) != 0)
		return err_set(err, EXIT_ENVIRONMENT, "write stdout: %s", strerror(errno));
	return 0;
}

static int
work(struct err *err)
{
	/* A little less than a power of two: answer.c may add that it was cut. */
	struct run run = {.log = {.max = LOG_BYTES_MAX - 64}};
	AUTO_FREE char *request = NULL;
	size_t len = 0;
	int rc;

	rc = read_all(STDIN_FILENO, &request, &len, err);
	if (rc != 0)
		return rc;
	rc = confine(4 * (uint64_t)SCRIPT_IN_BYTES_MAX + (1 << 30), err);
	if (rc != 0)
		return rc;
	rc = job_read(&run.job, request, len, err);
	if (rc != 0)
		err_prefix(err, "meshd-script: ");
	if (rc != 0)
		return rc;
	run.guard.limit_bytes = run.job.heap_bytes;
	if (!SANITIZED)
		arena_open(&run.guard.arena, run.job.heap_bytes, run.job.value.len >= INPUT_BYTES_LARGE);
	rc = confine_more(
	    2 * (uint64_t)run.job.heap_bytes + 2 * len + 4 * run.job.output_bytes + FIXED_BYTES,
	    run.job.cpu_ms, err);
	if (rc == 0)
		rc = answer(&run, err);
	text_free(&run.log);
	job_free(&run.job);
	return rc;
}

/* Not stdio: it asks the kernel about the descriptor first. */
static void
say(const char *text)
{
	char line[ERR_TEXT_CAP + 32];
	int n = snprintf(line, sizeof line, "%s\n", text);

	if (n > 0)
		(void)!write(STDERR_FILENO, line, (size_t)n);
}

int
main(int argc, char **argv)
{
	struct err err = {0};

	if (argc != 1) {
		(void)argv;
		say("usage: meshd-script < request > answer");
		return EXIT_USAGE_;
	}
	if (work(&err) == 0)
		return 0;
	say(err.text);
	return err.code;
}
