/*
 * Real programs in real processes: what they get, what they may not keep, and
 * that nobody outlives its deadline, its output or us.
 */
#include "world.h"

#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>

#include "../../../daemon/io/spawn.h"
#include "loop.h"

struct run {
	int called;
	struct spawn_result r; /* out is ours */
};

static uv_loop_t loop;

static int
setup(void **state)
{
	(void)state;
	return uv_loop_init(&loop);
}

static int
teardown(void **state)
{
	(void)state;
	loop_end(&loop);
	/* No child is left, not even a zombie. */
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
	return 0;
}

static void
done(void *arg, struct spawn_result *r)
{
	struct run *run = arg;

	run->called++;
	run->r = *r;
	r->out = NULL;
}

static struct spawn *
start(struct run *run, const char *const *argv, const void *input, size_t len, size_t out_cap,
    uint32_t deadline_ms)
{
	struct spawn *s;
	struct err err = { 0 };
	int fd = open(argv[0], O_PATH | O_CLOEXEC);
	struct spawn_conf conf = { .prog_fd = fd, .argv = argv, .input = input,
	    .input_len = len, .out_cap = out_cap, .deadline_ms = deadline_ms };

	assert_true(fd >= 0);
	memset(run, 0, sizeof *run);
	if (spawn_run(&loop, &conf, done, run, &s, &err) != 0)
		fail_msg("%s", err.text);
	close(fd);
	assert_int_equal(run->called, 0);
	return s;
}

static void
run_sh(struct run *run, const char *script, size_t out_cap, uint32_t deadline_ms)
{
	const char *argv[] = { "/bin/sh", "-c", script, NULL };

	start(run, argv, NULL, 0, out_cap, deadline_ms);
	loop_until(&loop, run->called);
}

static void
a_megabyte_goes_in_and_out(void **state)
{
	const char *argv[] = { "/bin/cat", NULL };
	size_t len = 3 << 20;
	uint8_t *in = malloc(len);
	struct run run;

	(void)state;
	for (size_t i = 0; i < len; i++)
		in[i] = (uint8_t)(i * 7 + i / 4096);
	start(&run, argv, in, len, len, 20000);
	memset(in + len / 2, 0, 100); /* it was copied */
	loop_until(&loop, run.called);
	assert_int_equal(run.r.exit_status, 0);
	assert_int_equal(run.r.out_len, len);
	for (size_t i = 0; i < len; i++)
		if (run.r.out[i] != (uint8_t)(i * 7 + i / 4096))
			fail_msg("byte %zu differs", i);
	assert_false(run.r.killed_by_deadline || run.r.killed_by_output);
	assert_string_equal(run.r.errtext, "");
	free(run.r.out);
	free(in);
}

static void
exit_status_and_stderr_come_back(void **state)
{
	struct run run;

	(void)state;
	run_sh(&run, "echo no >&2; echo yes; exit 3", 100, 20000);
	assert_int_equal(run.r.exit_status, 3);
	assert_string_equal(run.r.errtext, "no\n");
	assert_int_equal(run.r.out_len, 4);
	free(run.r.out);
	run_sh(&run, "kill -SEGV $$", 100, 20000);
	assert_int_equal(run.r.exit_status, -SIGSEGV);
	assert_false(run.r.killed_by_deadline);
	free(run.r.out);
}

static void
the_end_of_a_long_stderr_is_kept(void **state)
{
	struct run run;

	(void)state;
	run_sh(&run, "i=0; while [ $i -lt 3000 ]; do echo line $i >&2; i=$((i+1)); done", 1, 20000);
	assert_int_equal(strlen(run.r.errtext), SPAWN_ERRTEXT_BYTES);
	assert_string_equal(run.r.errtext + SPAWN_ERRTEXT_BYTES - 10, "line 2999\n");
	free(run.r.out);
}

static void
the_deadline_kills(void **state)
{
	struct run run;

	(void)state;
	run_sh(&run, "trap '' TERM; echo early; while :; do :; done", 100, 200);
	assert_true(run.r.killed_by_deadline);
	assert_int_equal(run.r.exit_status, -SIGKILL);
	assert_true(run.r.ms >= 200);
	assert_int_equal(run.r.out_len, 6);
	free(run.r.out);
}

static void
too_much_output_kills(void **state)
{
	const char *argv[] = { "/usr/bin/yes", NULL };
	struct run run;

	(void)state;
	start(&run, argv, NULL, 0, 100000, 20000);
	loop_until(&loop, run.called);
	assert_true(run.r.killed_by_output);
	assert_false(run.r.killed_by_deadline);
	assert_int_equal(run.r.out_len, 100000);
	free(run.r.out);
	/* Exactly the cap is not too much. */
	run_sh(&run, "printf 12345", 5, 20000);
	assert_false(run.r.killed_by_output);
	assert_int_equal(run.r.exit_status, 0);
	assert_int_equal(run.r.out_len, 5);
	free(run.r.out);
	run_sh(&run, "printf 123456", 5, 20000);
	assert_true(run.r.killed_by_output);
	free(run.r.out);
}

/* Descriptors of ours without O_CLOEXEC are not its business either. */
static void
nothing_is_inherited(void **state)
{
	int leak = open("/etc/passwd", O_RDONLY), high = fcntl(leak, F_DUPFD, 200);
	struct run run;

	(void)state;
	assert_true(leak >= 0 && high >= 200);
	assert_int_equal(setenv("SECRET", "x", 1), 0);
	run_sh(&run, "for f in /proc/$$/fd/*; do echo ${f##*/}; done; exec env", 4000, 20000);
	run.r.out = realloc(run.r.out, run.r.out_len + 1);
	run.r.out[run.r.out_len] = '\0';
	/* The shell's own, and what `env` prints (PWD is the shell's). */
	assert_ptr_equal(strstr((char *)run.r.out, "0\n1\n2\n"), run.r.out);
	assert_null(strstr((char *)run.r.out, "200"));
	assert_null(strstr((char *)run.r.out, "SECRET"));
	assert_non_null(strstr((char *)run.r.out, "LC_ALL=C\n"));
	assert_true(run.r.out_len < 60);
	free(run.r.out);
	close(leak);
	close(high);
}

static void
input_is_sealed(void **state)
{
	struct run run;

	(void)state;
	run_sh(&run, "echo more 2>/dev/null >&0 && echo written || echo refused", 100, 20000);
	assert_int_equal(run.r.out_len, 8);
	assert_memory_equal(run.r.out, "refused\n", 8);
	free(run.r.out);
}

static void
what_is_no_program_ends_with_127(void **state)
{
	const char *argv[] = { "/etc/passwd", NULL };
	struct run run;

	(void)state;
	start(&run, argv, NULL, 0, 100, 20000);
	loop_until(&loop, run.called);
	assert_int_equal(run.r.exit_status, 127);
	assert_string_equal(run.r.errtext, "exec: Permission denied\n");
	free(run.r.out);
}

static void
on_signal(int sig)
{
	(void)sig;
}

/* A program has every signal, whatever we do with ours; and ours are as they were after
 * one that could not be begun, too. */
static void
signals_are_as_usual(void **state)
{
	const char *argv[] = { "/bin/grep", "-E", "^Sig(Blk|Ign)", "/proc/self/status", NULL };
	static const char none[] = "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n";
	struct sigaction ours = { .sa_handler = on_signal }, now;
	sigset_t blocked, old;
	struct run run;

	(void)state;
	assert_int_equal(sigaction(SIGUSR1, &ours, NULL), 0);
	assert_true(signal(SIGHUP, SIG_IGN) != SIG_ERR && signal(SIGPIPE, SIG_IGN) != SIG_ERR);
	/* 32 is libc's own: only the kernel can be told. */
	assert_int_equal(syscall(SYS_rt_sigaction, 32, (unsigned long[]){1, 0, 0, 0}, NULL, 8), 0);
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGUSR2);
	assert_int_equal(sigprocmask(SIG_BLOCK, &blocked, &old), 0);
	start(&run, argv, NULL, 0, 4000, 20000);
	loop_until(&loop, run.called);
	assert_int_equal(run.r.exit_status, 0);
	assert_int_equal(run.r.out_len, strlen(none));
	assert_memory_equal(run.r.out, none, strlen(none));
	free(run.r.out);
	what_is_no_program_ends_with_127(state);
	assert_int_equal(sigaction(SIGUSR1, NULL, &now), 0);
	assert_ptr_equal(now.sa_handler, on_signal);
	assert_int_equal(sigaction(SIGHUP, NULL, &now), 0);
	assert_ptr_equal(now.sa_handler, SIG_IGN);
	assert_int_equal(sigprocmask(SIG_SETMASK, &old, &blocked), 0);
	assert_true(sigismember(&blocked, SIGUSR2) == 1 && sigismember(&blocked, SIGTERM) == 0);
	assert_int_equal(syscall(SYS_rt_sigaction, 32, (unsigned long[]){0, 0, 0, 0}, NULL, 8), 0);
	signal(SIGUSR1, SIG_DFL);
	signal(SIGHUP, SIG_DFL);
	signal(SIGPIPE, SIG_DFL);
}

/* A grandchild that keeps the pipes open neither holds us up nor stays. */
static void
grandchildren_go_with_it(void **state)
{
	struct run run;
	char out[32] = "";
	pid_t pid;

	(void)state;
	run_sh(&run, "sleep 1000 & echo $!", 100, 20000);
	assert_int_equal(run.r.exit_status, 0);
	assert_true(run.r.out_len > 1 && run.r.out_len < sizeof out);
	memcpy(out, run.r.out, run.r.out_len);
	pid = atoi(out);
	free(run.r.out);
	assert_true(pid > 1);
	for (int i = 0; kill(pid, 0) == 0; i++) {
		char path[64], stat[256] = "";
		FILE *f;

		/* A zombie is dead; who reaps it is init's business. */
		snprintf(path, sizeof path, "/proc/%d/stat", pid);
		f = fopen(path, "r");
		if (f == NULL || fgets(stat, sizeof stat, f) == NULL || strstr(stat, ") Z") != NULL) {
			if (f != NULL)
				fclose(f);
			break;
		}
		fclose(f);
		assert_true(i < 1000);
		usleep(10000);
	}
}

static void
many_at_once(void **state)
{
	const char *argv[] = { "/bin/cat", NULL };
	struct run runs[30];
	int called = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(runs); i++)
		start(&runs[i], argv, &i, sizeof i, 100, 20000);
	loop_until(&loop, ({
		called = 0;
		for (size_t i = 0; i < ARRAY_LEN(runs); i++)
			called += runs[i].called;
		called == ARRAY_LEN(runs);
	}));
	for (size_t i = 0; i < ARRAY_LEN(runs); i++) {
		assert_int_equal(runs[i].r.out_len, sizeof i);
		assert_memory_equal(runs[i].r.out, &i, sizeof i);
		free(runs[i].r.out);
	}
}

static void
a_cancelled_one_is_silent_and_reaped(void **state)
{
	const char *argv[] = { "/bin/sleep", "1000", NULL };
	struct run run;
	struct spawn *s;

	(void)state;
	s = start(&run, argv, NULL, 0, 100, 1000000);
	spawn_cancel(s);
	s = start(&run, argv, NULL, 0, 100, 1000000);
	loop_for(&loop, 50);
	spawn_cancel(s);
	loop_end(&loop); /* runs dry: both are gone */
	assert_int_equal(run.called, 0);
	assert_int_equal(uv_loop_init(&loop), 0);
}

/* The parent's part of the next test: start one, tell its pid, die. */
static void
parent(int fd)
{
	const char *argv[] = { "/bin/sleep", "1000", NULL };
	struct run run;
	char path[64];
	DIR *d;

	start(&run, argv, NULL, 0, 100, 1000000);
	snprintf(path, sizeof path, "/proc");
	d = opendir(path);
	for (struct dirent *e; (e = readdir(d)) != NULL;) {
		char stat[300], name[300];
		int ppid, pid = atoi(e->d_name);
		FILE *f;

		snprintf(name, sizeof name, "/proc/%d/stat", pid);
		if (pid <= 0 || (f = fopen(name, "r")) == NULL)
			continue;
		if (fgets(stat, sizeof stat, f) != NULL && strrchr(stat, ')') != NULL &&
		    sscanf(strrchr(stat, ')'), ") %*c %d", &ppid) == 1 && ppid == getpid() &&
		    write(fd, &pid, sizeof pid) == sizeof pid)
			break;
		fclose(f);
	}
	usleep(100000); /* let it exec; then die as kill -9 does */
	raise(SIGKILL);
}

static void
it_dies_with_us(void **state)
{
	struct pollfd p = { .events = POLLIN };
	pid_t middle, child;
	int fds[2];

	(void)state;
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	middle = fork();
	if (middle == 0)
		parent(fds[1]);
	close(fds[1]);
	assert_int_equal(read(fds[0], &child, sizeof child), sizeof child);
	p.fd = (int)syscall(SYS_pidfd_open, child, 0);
	assert_int_equal(waitpid(middle, NULL, 0), middle);
	if (p.fd >= 0) /* else it is gone already */
		assert_int_equal(poll(&p, 1, LOOP_BOUND_MS), 1);
	close(p.fd);
	close(fds[0]);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(a_megabyte_goes_in_and_out),
		T(exit_status_and_stderr_come_back),
		T(the_end_of_a_long_stderr_is_kept),
		T(the_deadline_kills),
		T(too_much_output_kills),
		T(nothing_is_inherited),
		T(input_is_sealed),
		T(what_is_no_program_ends_with_127),
		T(signals_are_as_usual),
		T(grandchildren_go_with_it),
		T(many_at_once),
		T(a_cancelled_one_is_silent_and_reaped),
		T(it_dies_with_us),
	};

	return cmocka_run_group_tests_name("spawn", tests, NULL, NULL);
}
