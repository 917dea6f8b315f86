/*
 * test_recording.c - the copy of the engine that writes rounds: it keeps them behind its filter,
 * and whatever else it is brought to do ends it, and is told.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../../../daemon/io/crypto.h"
#include "../../../daemon/io/engine.h"
#include "../../../daemon/io/recording.h"
#include "../../../daemon/io/turns.h"
#include "loop.h"

enum { INPUT = 20000 };

static struct engine e;
static uv_loop_t loop;
static char path[64];
enum { WELL, ASKS_NETWORK, READS_HOST, RUNS };
static int gone_bad;

int __real_rounds_add(int dir, const struct rounds_bound *bound, struct rounds_at *at,
    const struct rounds_new *r, uint64_t *total, struct err *err);
int __wrap_rounds_add(int dir, const struct rounds_bound *bound, struct rounds_at *at,
    const struct rounds_new *r, uint64_t *total, struct err *err);

/* In the copy: as if what it packs had got hold of it. */
int
__wrap_rounds_add(int dir, const struct rounds_bound *bound, struct rounds_at *at,
    const struct rounds_new *r, uint64_t *total, struct err *err)
{
	static char *const argv[] = {(char *)"/bin/true", NULL};

	if (gone_bad == ASKS_NETWORK)
		(void)!socket(AF_INET, SOCK_DGRAM, 0);
	if (gone_bad == RUNS)
		execve(argv[0], argv, argv + 1);
	if (gone_bad == READS_HOST)
		return err_set(err, 1, "/etc/passwd: %s",
		    open("/etc/passwd", O_RDONLY | O_CLOEXEC) >= 0 ? "open" : strerror(errno));
	return __real_rounds_add(dir, bound, at, r, total, err);
}

static int
setup(void **state)
{
	struct err err;

	(void)state;
	memset(&e, 0, sizeof e);
	gone_bad = WELL;
	if (crypto_init(&err) != 0 || uv_loop_init(&loop) != 0)
		return -1;
	snprintf(path, sizeof path, "/tmp/mesh-recording.XXXXXX");
	if (mkdtemp(path) == NULL)
		return -1;
	e.loop = &loop;
	e.state_fd = engine_open_dir(path);
	e.conf.rounds_bytes = 400 << 10;
	e.conf.rounds_keep_ms = 86400000;
	turns_init(&e);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	recording_wipe(&e);
	if (e.lead.recording.dir > 0)
		close(e.lead.recording.dir);
	unlinkat(e.state_fd, "rounds", AT_REMOVEDIR);
	close(e.state_fd);
	return loop_shut(&loop) != 0 ? -1 : rmdir(path);
}

/* A round, and until it is kept or not. */
static void
one(uint32_t n)
{
	const struct recording *r = &e.lead.recording;
	uint64_t ended = r->kept + r->failed;
	static uint8_t bytes[INPUT + 5];
	struct script_answer a = {.ok = true, .result = {(const uint8_t *)"\x80", 1}};
	char code[64];
	struct blob input;
	int len;

	bytes[0] = 0xc6;
	bytes[3] = INPUT >> 8 & 255;
	bytes[4] = INPUT & 255;
	for (uint32_t i = 0, x = n + 1; i < INPUT; i++) { /* nothing of it was there before */
		x = x * 1664525u + 1013904223u;
		bytes[5 + i] = (uint8_t)(x >> 24);
	}
	len = snprintf(code, sizeof code, "\x81\xa8main.lua\xa3%03u", n / 5);
	assert_int_equal(blob_copy(&input, (struct slice){bytes, sizeof bytes}), 0);
	recording_begin(&e, &input, (struct slice){(const uint8_t *)code, (size_t)len});
	recording_end(&e, &a, ROUND_ISSUED, "1.00000000.1");
	loop_until(&loop, r->kept + r->failed > ended);
}

static bool
count(void *arg, const struct rounds_one *x)
{
	(void)x;
	++*(int *)arg;
	return true;
}

/* Files that begin, are full, make room; scripts that come and go: all of it behind the filter. */
static void
rounds_are_kept(void **state)
{
	struct recording *r = &e.lead.recording;
	struct err err;
	int left = 0;

	(void)state;
	for (uint32_t n = 0; n < 60; n++) {
		one(n);
		assert_string_equal(r->error, "");
	}
	assert_int_equal(r->kept, 60);
	assert_true(r->bytes <= (uint64_t)e.conf.rounds_bytes);
	assert_int_equal(rounds_each(r->dir, 0, count, NULL, &left, &err), 0);
	assert_true(left > 5 && left < 60);
}

static void
ends_by(int how, const char *why)
{
	struct recording *r = &e.lead.recording;

	gone_bad = how;
	one(1);
	assert_int_equal(r->failed, 1);
	if (strstr(r->error, why) == NULL)
		fail_msg("'%s' not in '%s'", why, r->error);
	/* It is tried again by itself. */
	gone_bad = WELL;
	r->again = 0;
	one(2);
	assert_int_equal(r->kept, 1);
	assert_string_equal(r->error, "");
}

static void
a_socket_ends_it(void **state)
{
	(void)state;
	ends_by(ASKS_NETWORK, "asked the kernel for something that it may not");
}

static void
a_program_ends_it(void **state)
{
	(void)state;
	ends_by(RUNS, "asked the kernel for something that it may not");
}

static void
another_file_does_not_open(void **state)
{
	(void)state;
	if (syscall(SYS_landlock_create_ruleset, NULL, 0, 1) < 0)
		skip(); /* a kernel without: of files only their directory is known to be its own */
	ends_by(READS_HOST, "/etc/passwd: Permission denied");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(rounds_are_kept, setup, teardown),
	    cmocka_unit_test_setup_teardown(a_socket_ends_it, setup, teardown),
	    cmocka_unit_test_setup_teardown(a_program_ends_it, setup, teardown),
	    cmocka_unit_test_setup_teardown(another_file_does_not_open, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
