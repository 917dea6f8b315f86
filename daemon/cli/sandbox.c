/*
 * sandbox.c - see sandbox.h.
 *
 * One child at a time and nothing else to wait for, so this needs no loop: poll on its
 * pidfd and its two pipes until it is gone or its time is up.
 */
#include "sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../../gossip/mp.h"
#include "../base/own.h"
#include "../base/scriptio.h"
#include "../io/memfd.h"
#include "../io/pack.h"
#include "answer.h"
#include "client.h"

enum { PATH_CAP = 1024, SAID_CAP = 256, FIRST_BYTES = 64 << 10 };

struct child {
	const struct sandbox_ask *ask;
	int64_t wall_ms;
	pid_t pid;
	int pidfd, out, err;
	uint8_t *bytes; /* owned */
	size_t len, cap;
	char said[SAID_CAP]; /* the beginning of stderr */
	size_t said_len;
	bool late, too_much;
	int status;
};

/* Beside us, as after `make`; or in ../libexec/mesh, as after `make install`. */
int
sandbox_program(const char *name, struct err *err)
{
	static const char *const places[] = {"", "../libexec/mesh/"};
	char dir[PATH_CAP - 64], path[PATH_CAP];
	ssize_t n = readlink("/proc/self/exe", dir, sizeof dir - 1);
	int fd;

	if (n <= 0)
		return err_set(err, 1, "cannot read /proc/self/exe: %s", strerror(errno));
	dir[n] = '\0';
	*(strrchr(dir, '/') + 1) = '\0';
	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		snprintf(path, sizeof path, "%s%s%.32s", dir, places[i], name);
		if ((fd = open(path, O_PATH | O_CLOEXEC)) > STDERR_FILENO)
			return fd;
	}
	return err_set(err, 1, "cannot find %s in %.200s or %.200s../libexec/mesh", name, dir, dir);
}

static void
pack_question(const struct sandbox_ask *q, msgpack_sbuffer *buf)
{
	msgpack_packer pk;

	pk_begin_map(buf, &pk, q->wants_count > 0 ? 8 : 7);
	pk_kstr(&pk, "mode", q->mode);
	pk_str(&pk, "limits");
	msgpack_pack_map(&pk, 3);
	pk_kint(&pk, "heap", q->heap_bytes > 0 ? q->heap_bytes : SCRIPT_HEAP_BYTES);
	pk_kint(&pk, "cpu_ms", q->cpu_ms > 0 ? q->cpu_ms : SCRIPT_CPU_MS);
	pk_kint(&pk, "output",
	    strcmp(q->mode, "schedule") == 0 ? SCRIPT_SCHEDULE_BYTES_MAX : SCRIPT_OUT_BYTES_MAX);
	pk_kuint(&pk, "seed", q->seed >> 1); /* as the engine packs it */
	pk_str(&pk, "files");
	msgpack_pack_map(&pk, q->files->count);
	for (size_t i = 0; i < q->files->count; i++) {
		pk_str(&pk, q->files->files[i].path);
		pk_strn(&pk, (const char *)q->files->files[i].data, q->files->files[i].len);
	}
	pk_kstr(&pk, "entry", q->entry != NULL ? q->entry : "main.lua");
	if (q->wants_count > 0) {
		pk_str(&pk, "render");
		msgpack_pack_array(&pk, q->wants_count);
	}
	for (size_t i = 0; i < q->wants_count; i++) {
		msgpack_pack_map(&pk, 2);
		pk_kstr(&pk, "name", q->wants[i].name);
		pk_kstr(&pk, "template", q->wants[i].template_name);
	}
	pk_kbool(&pk, "check_input", q->check_input);
	pk_str(&pk, "input");
	if (q->input.len > 0)
		pk_raw(&pk, q->input.b, q->input.len);
	else
		msgpack_pack_map(&pk, 0);
}

/* --- the child ------------------------------------------------------------------ */

static _Noreturn void
exec_child(pid_t parent, int program, int in, int out, int err)
{
	static char *const argv[] = {(char *)"meshd-script", NULL}, *const envp[] = {(char *)"LC_ALL=C", NULL};
	sigset_t none;

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent)
		_exit(127);
	if (dup2(err, STDERR_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0 || dup2(in, STDIN_FILENO) < 0)
		_exit(127);
	signal(SIGPIPE, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (syscall(SYS_close_range, 3u, ~0u, CLOSE_RANGE_CLOEXEC) == 0)
		syscall(SYS_execveat, program, "", argv, envp, AT_EMPTY_PATH);
	dprintf(STDERR_FILENO, "%s\n", strerror(errno));
	_exit(127);
}

static int
start(struct child *c, int program, int in, struct err *err)
{
	AUTO_CLOSE int out_w = -1, err_w = -1;
	pid_t parent = getpid();
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) != 0)
		return err_set(err, EXIT_ENVIRONMENT, "start meshd-script: %s", strerror(errno));
	c->out = fds[0];
	out_w = fds[1];
	if (pipe2(fds, O_CLOEXEC) != 0)
		return err_set(err, EXIT_ENVIRONMENT, "start meshd-script: %s", strerror(errno));
	c->err = fds[0];
	err_w = fds[1];
	c->pid = fork();
	if (c->pid == 0)
		exec_child(parent, program, in, out_w, err_w);
	if (c->pid > 0)
		c->pidfd = (int)syscall(SYS_pidfd_open, c->pid, 0);
	return c->pid > 0 && c->pidfd >= 0 ?
		   0 :
		   err_set(err, EXIT_ENVIRONMENT, "start meshd-script: %s", strerror(errno));
}

/* False: the pipe has ended, or too much has come. */
static bool
take_output(struct child *c)
{
	ssize_t n;

	if (c->len == c->cap) {
		size_t cap = c->cap == 0 ? FIRST_BYTES : c->cap * 2;
		uint8_t *p = c->len > SCRIPT_OUT_BYTES_MAX ? NULL : realloc(c->bytes, cap);

		c->too_much = p == NULL;
		if (p == NULL)
			return false;
		c->bytes = p;
		c->cap = cap;
	}
	n = read(c->out, c->bytes + c->len, c->cap - c->len);
	if (n > 0)
		c->len += (size_t)n;
	return n > 0 || (n < 0 && errno == EINTR);
}

static bool
take_words(struct child *c)
{
	char more[SAID_CAP];
	ssize_t n = read(c->err, more, sizeof more);
	size_t room = sizeof c->said - c->said_len, take = n > 0 && (size_t)n < room ? (size_t)n : room;

	if (n > 0) {
		memcpy(c->said + c->said_len, more, take);
		c->said_len += take;
	}
	return n > 0 || (n < 0 && errno == EINTR);
}

/* Until both pipes have ended: whoever held them is gone then, or has closed them. */
static void
listen_to(struct child *c, int64_t until_ms)
{
	struct pollfd fds[] = {{c->out, POLLIN, 0}, {c->err, POLLIN, 0}};

	while (fds[0].fd >= 0 || fds[1].fd >= 0) {
		int64_t left = until_ms - client_now_ms();

		if (left <= 0) {
			c->late = true;
			return;
		}
		if (poll(fds, ARRAY_LEN(fds), (int)left) < 0 && errno != EINTR)
			return;
		if (fds[0].fd >= 0 && fds[0].revents != 0 && !take_output(c))
			fds[0].fd = -1;
		if (fds[1].fd >= 0 && fds[1].revents != 0 && !take_words(c))
			fds[1].fd = -1;
		if (c->too_much)
			return;
	}
}

static void
finish(struct child *c, int64_t until_ms)
{
	struct pollfd gone = {c->pidfd, POLLIN, 0};
	int64_t left = until_ms - client_now_ms();

	if (!c->late && !c->too_much && poll(&gone, 1, left > 0 ? (int)left : 0) == 0)
		c->late = true;
	if (c->late || c->too_much)
		kill(c->pid, SIGKILL);
	while (waitpid(c->pid, &c->status, 0) < 0 && errno == EINTR)
		;
}

/* --- the answer ------------------------------------------------------------------- */

/* Why there is none, or "". */
static void
why_dead(const struct child *c, char *out, size_t cap)
{
	const char *what = strcmp(c->ask->mode, "schedule") == 0 ? "scheduler" : c->ask->mode;
	char said[SAID_CAP];

	err_escape(said, sizeof said, c->said, strnlen(c->said, c->said_len));
	out[0] = '\0';
	if (c->late)
		snprintf(out, cap, "%s killed after %lld ms (%s)", what, (long long)c->wall_ms,
		    strcmp(what, "test") == 0 ? "a file of specs gets no more" : "limit limits: script-wall");
	else if (c->too_much)
		snprintf(out, cap, "%s output larger than %d MiB", what, SCRIPT_OUT_BYTES_MAX >> 20);
	else if (WIFSIGNALED(c->status) && WTERMSIG(c->status) == SIGXCPU)
		snprintf(out, cap, "%s killed: over its CPU limit (limits: script-cpu)", what);
	else if (WIFSIGNALED(c->status))
		snprintf(out, cap, "%s process ended with signal %d", what, WTERMSIG(c->status));
	else if (WEXITSTATUS(c->status) != 0)
		snprintf(out, cap, "%s process ended with code %d: %s", what, WEXITSTATUS(c->status), said);
}

static struct slice
find_result(const uint8_t *buf, size_t len)
{
	struct mp mp;
	uint32_t n;

	mp_init(&mp, buf, len, SCRIPT_DEPTH_MAX + 4);
	if (mp_map(&mp, &n) < 0)
		return (struct slice){0};
	while (n-- > 0) {
		const char *key;
		size_t key_len, from;

		if (mp_str(&mp, &key, &key_len) < 0)
			break;
		from = mp.off;
		if (mp_skip(&mp) < 0)
			break;
		if (key_len == 6 && memcmp(key, "result", 6) == 0)
			return (struct slice){buf + from, mp.off - from};
	}
	return (struct slice){0};
}

static bool
is_answer(const json_t *v)
{
	const json_t *ok = json_object_get(v, "ok");

	return json_is_true(ok) ? json_object_get(v, "result") != NULL :
				  json_is_false(ok) && json_is_string(json_object_get(v, "error"));
}

static void
read_answer(struct child *c, struct sandbox_answer *out)
{
	char why[ERR_TEXT_CAP];
	size_t at;

	why_dead(c, why, sizeof why);
	if (why[0] == '\0') {
		out->json = answer_json(c->bytes, c->len, &at);
		if (!is_answer(out->json)) {
			json_decref(out->json);
			out->json = NULL;
			snprintf(why, sizeof why, "meshd-script gave a malformed answer");
		}
	}
	if (out->json == NULL) {
		out->json = json_pack("{s:b, s:s}", "ok", 0, "error", why);
		return;
	}
	out->bytes = c->bytes;
	out->len = c->len;
	out->result = find_result(c->bytes, c->len);
	c->bytes = NULL;
}

int
sandbox_run(const struct sandbox_ask *q, struct sandbox_answer *out, struct err *err)
{
	struct child c = {.ask = q, .wall_ms = q->wall_ms > 0 ? q->wall_ms : SANDBOX_WALL_MS, .pidfd = -1,
	    .out = -1, .err = -1};
	int64_t begun = client_now_ms();
	AUTO_CLOSE int program = -1, in = -1;
	msgpack_sbuffer buf;
	int rc;

	*out = (struct sandbox_answer){0};
	if ((program = sandbox_program("meshd-script", err)) < 0)
		return program;
	pack_question(q, &buf);
	in = memfd_sealed(buf.data, buf.size);
	msgpack_sbuffer_destroy(&buf);
	if (in < 0)
		return err_set(err, EXIT_ENVIRONMENT, "start meshd-script: %s", strerror(errno));
	rc = start(&c, program, in, err);
	if (rc == 0)
		listen_to(&c, begun + c.wall_ms);
	if (c.pid > 0) {
		c.late = c.late || rc != 0;
		finish(&c, begun + c.wall_ms);
	}
	own_close_(&c.pidfd);
	own_close_(&c.out);
	own_close_(&c.err);
	out->ms = client_now_ms() - begun;
	if (rc == 0)
		read_answer(&c, out);
	free(c.bytes);
	return rc;
}

void
sandbox_free(struct sandbox_answer *a)
{
	json_decref(a->json);
	free(a->bytes);
	*a = (struct sandbox_answer){0};
}
