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
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <lauxlib.h>

enum {
	LOG_BYTES_MAX = 64 << 10,
	/* Program, stack, answer and the mallocs around Lua's heap. */
	FIXED_BYTES = 64 << 20,
	ANSWER_EXTRA_BYTES = 256 << 10,
	GC_PAUSE_PERCENT = 400,
	/* So much is used before anything is collected, and so many times the input: its
	 * tables take three times its bytes, what is made of it as much again. */
	HEAP_FREE_BYTES = 8 << 20,
	HEAP_OF_INPUT = 6,
	/* An input of this size fills pages enough for huge ones to pay. */
	INPUT_BYTES_LARGE = 256 << 10,
};

struct run {
	struct job job;
	struct guard guard;
	struct log_text log;
	struct mpw answer;
};

struct request {
	char *p;
	size_t len;
	bool mapped;
};

/* The engine's is a file in memory that nobody can change any more: it is read where it lies. */
static bool
map_sealed(int fd, struct request *r)
{
	const int whole = F_SEAL_WRITE | F_SEAL_SHRINK;
	int seals = fcntl(fd, F_GET_SEALS);
	struct stat st;
	void *p;

	if (seals < 0 || (seals & whole) != whole || lseek(fd, 0, SEEK_CUR) != 0 || fstat(fd, &st) != 0 ||
	    st.st_size <= 0 || st.st_size > SCRIPT_IN_BYTES_MAX)
		return false;
	p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
	if (p == MAP_FAILED)
		return false;
	*r = (struct request){.p = p, .len = (size_t)st.st_size, .mapped = true};
	return true;
}

static void
request_free(struct request *r)
{
	if (r->mapped)
		munmap(r->p, r->len);
	else
		free(r->p);
}

static int
read_all(int fd, struct request *r, struct err *err)
{
	size_t cap = 1 << 20;
	ssize_t n = 1;

	r->p = malloc(cap);
	while (r->p != NULL && n > 0) {
		if (r->len == cap) {
			char *p = cap > SCRIPT_IN_BYTES_MAX ? NULL : realloc(r->p, cap * 2);

			if (p == NULL)
				return err_set(err, EXIT_USAGE_, "request larger than %d MiB",
				    SCRIPT_IN_BYTES_MAX >> 20);
			r->p = p;
			cap *= 2;
		}
		n = read(fd, r->p + r->len, cap - r->len);
		if (n < 0 && errno == EINTR)
			n = 1;
		else if (n < 0)
			return err_set(err, EXIT_ENVIRONMENT, "read stdin: %s", strerror(errno));
		else
			r->len += (size_t)n;
	}
	if (r->p == NULL || r->len > SCRIPT_IN_BYTES_MAX)
		return err_set(
		    err, EXIT_USAGE_, "request larger than %d MiB", SCRIPT_IN_BYTES_MAX >> 20);
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
		render_run(L, &run->job, &run->answer);
		break;
	case JOB_CHECK:
		check_run(L, &run->job, &run->answer);
		break;
	case JOB_TEST:
		spec_run(L, &run->job, &run->answer);
		break;
	case JOB_LINT:
		lint_run(L, &run->job, &run->answer);
		break;
	case JOB_SCHEDULE:
		schedule_run(L, &run->job, &run->answer);
		break;
	}
	return 0;
}

/* A run is short and its heap bounded.  At the limit Lua collects everything before it gives
 * up.  A step of less than nothing puts the first collection off: else it would walk through
 * input and library again and again as they grow. */
static void
collect_late(lua_State *L, const struct run *run)
{
	size_t till = HEAP_FREE_BYTES + HEAP_OF_INPUT * run->job.value.len;
	size_t most = run->guard.limit_bytes / 4 * 3;

	lua_gc(L, LUA_GCINC, GC_PAUSE_PERCENT, 0, 0);
	lua_gc(L, LUA_GCSTEP, -(int)((till < most ? till : most) / 1024));
}

/* 0 with run->answer filled, or -1 with *fault. */
static int
run_lua(struct run *run, struct fault *fault)
{
	lua_State *L = lua_newstate(guard_alloc, &run->guard);
	int status;

	if (L == NULL) {
		fault_from_text(fault, "not enough memory to start Lua", &run->job);
		return -1;
	}
	collect_late(L, run);
	lua_pushcfunction(L, fault_handler);
	lua_pushcfunction(L, protected_run);
	lua_pushlightuserdata(L, run);
	status = lua_pcall(L, 1, 0, 1);
	guard_stop();
	if (status == LUA_OK && !guard_expired())
		return 0;
	if (status == LUA_OK)
		lua_pushliteral(L, "time is up");
	fault_from_lua(fault, L, status, &run->job, run->job.heap_bytes, run->guard.heap_hit);
	return -1;
}

static int
answer(struct run *run, struct err *err)
{
	struct fault fault;
	struct mpw *w = &run->answer;
	size_t cap = run->job.output_bytes + 2 * ANSWER_EXTRA_BYTES;
	AUTO_FREE uint8_t *buf = malloc(cap);

	if (buf == NULL)
		return err_set(err, EXIT_ENVIRONMENT, "out of memory for the answer");
	/* A result may fill no more than this, whatever is still to be said. */
	mpw_init(w, buf, cap - ANSWER_EXTRA_BYTES);
	answer_begin(w);
	if (run_lua(run, &fault) == 0) {
		w->cap = cap;
		answer_end(w, &run->log, guard_cpu_ms(), run->guard.peak_bytes);
	} else {
		mpw_init(w, buf, cap);
		answer_fault(w, &fault, &run->log);
	}
	assert(!w->full);
	if (answer_write(STDOUT_FILENO, buf, w->len) != 0)
		return err_set(err, EXIT_ENVIRONMENT, "write stdout: %s", strerror(errno));
	return 0;
}

static int
work_on(const struct request *request, struct err *err)
{
	/* A little less than a power of two: answer.c may add that it was cut. */
	struct run run = {.log = {.max = LOG_BYTES_MAX - 64}};
	int rc = job_read(&run.job, request->p, request->len, err);

	if (rc != 0)
		err_prefix(err, "meshd-script: ");
	if (rc != 0)
		return rc;
	run.guard.limit_bytes = run.job.heap_bytes;
	if (!SANITIZED)
		arena_open(&run.guard.arena, run.job.heap_bytes, run.job.value.len >= INPUT_BYTES_LARGE);
	rc = confine_more(2 * (uint64_t)run.job.heap_bytes + 2 * request->len +
			      4 * run.job.output_bytes + FIXED_BYTES,
	    run.job.cpu_ms, err);
	if (rc == 0)
		rc = answer(&run, err);
	text_free(&run.log);
	job_free(&run.job);
	return rc;
}

static int
work(struct err *err)
{
	struct request request = {0};
	int rc = map_sealed(STDIN_FILENO, &request) ? 0 : read_all(STDIN_FILENO, &request, err);

	if (rc == 0)
		rc = confine(4 * (uint64_t)SCRIPT_IN_BYTES_MAX + (1 << 30), err);
	if (rc == 0)
		rc = work_on(&request, err);
	request_free(&request);
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
