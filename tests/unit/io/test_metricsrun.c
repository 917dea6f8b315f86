/*
 * Copies of this process that answer: what they see, what they can't do, what ends
 * them, and who waits.
 */
#include "world.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>

#include "../../../daemon/base/sanitized.h"
#include "../../../daemon/io/agreed.h"
#include "../../../daemon/io/crypto.h"
#include "../../../daemon/io/identity.h"
#include "../../../daemon/io/metricsrun.h"
#include "loop.h"

enum { LONG_MS = 20000 };

struct run {
	unsigned called, order;
	char why[ERR_TEXT_CAP], text[256];
	size_t len;
};

static uv_loop_t loop;
static struct metricsrun m;
static struct keyring keys;
static struct identity identity;
static unsigned ended;
static int number, held[2];

static int
setup(void **state)
{
	(void)state;
	m = (struct metricsrun){.loop = &loop, .keys = &keys, .identity = &identity};
	memset(&keys, 0x55, sizeof keys);
	keys.agreed = NULL;
	memset(&identity, 0x66, sizeof identity);
	ended = 0;
	assert_int_equal(pipe2(held, O_CLOEXEC), 0);
	return uv_loop_init(&loop);
}

static int
teardown(void **state)
{
	(void)state;
	close(held[0]);
	close(held[1]);
	loop_end(&loop);
	assert_int_equal(m.running + m.waiting, 0);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	return 0;
}

static void
done(void *arg, const char *why, struct slice answer)
{
	struct run *r = arg;

	r->called++;
	r->order = ++ended;
	snprintf(r->why, sizeof r->why, "%s", why != NULL ? why : "");
	snprintf(r->text, sizeof r->text, "%.*s", (int)answer.len, (const char *)answer.b);
	r->len = answer.len;
}

static int
begin(struct run *r, metricsrun_work *work, size_t out_max, uint32_t wait_ms, bool at_once)
{
	struct metricsrun_conf c = {work, done, r, out_max, wait_ms, at_once};

	memset(r, 0, sizeof *r);
	return metricsrun_start(&m, &c);
}

static void
run(struct run *r, metricsrun_work *work, size_t out_max, uint32_t wait_ms)
{
	assert_int_equal(begin(r, work, out_max, wait_ms, false), 0);
	assert_int_equal(r->called, 0);
	loop_until(&loop, r->called);
	assert_int_equal(r->called, 1);
}

static int
say(struct blob *out, const char *text)
{
	return blob_copy(out, (struct slice){(const uint8_t *)text, strlen(text)});
}

static int
work_number(void *arg, struct blob *out, struct err *err)
{
	char text[16];

	(void)arg;
	(void)err;
	snprintf(text, sizeof text, "%d", number++);
	return say(out, text);
}

static void
it_sees_what_is_and_changes_nothing(void **state)
{
	struct run a, b;

	(void)state;
	number = 41;
	run(&a, work_number, 100, LONG_MS);
	assert_string_equal(a.text, "41");
	assert_string_equal(a.why, "");
	assert_int_equal(number, 41);
	number = 7;
	run(&b, work_number, 100, LONG_MS);
	assert_string_equal(b.text, "7");
	assert_int_equal(m.done, 2);
	assert_int_equal(m.failed + m.late + m.refused, 0);
	assert_true(m.us > 0);
}

static struct agreed *shared;

static int
work_secret(void *arg, struct blob *out, struct err *err)
{
	uint8_t any = 0;

	(void)arg;
	(void)err;
	for (size_t i = 0; i < KEY_BYTES; i++)
		any |= keys.key[i] | keys.sk[i] | identity.sk[i];
	for (size_t i = 0; i < sizeof *shared; i++)
		any |= ((const uint8_t *)shared)[i];
	return say(out, any == 0 ? "wiped" : "there");
}

static void
keys_are_wiped_in_it(void **state)
{
	struct run r;

	(void)state;
	keys.agreed = shared = agreed_new();
	agreed_put(shared, (const uint8_t *)"12345678901234567890123456789012",
	    (const uint8_t *)"abcdefghijklmnopqrstuvwxyzabcdef", (const uint8_t *)"what these two share, 32 bytes..");
	run(&r, work_secret, 100, LONG_MS);
	assert_string_equal(r.text, "wiped");
	assert_int_equal(shared->of[0], '1');
	keys.agreed = NULL;
	free(shared);
	shared = NULL;
	assert_int_equal(keys.key[0], 0x55);
	assert_int_equal(identity.sk[0], 0x66);
}

static int
work_outside(void *arg, struct blob *out, struct err *err)
{
	char text[100];

	(void)arg;
	(void)err;
	snprintf(text, sizeof text, "%d%d%d%d%d", open("/etc/passwd", O_RDONLY) >= 0,
	    socket(AF_INET, SOCK_DGRAM, 0) >= 0, fork() >= 0, kill(getppid(), 0) >= 0,
	    write(held[1], "x", 1) >= 0);
	return say(out, text);
}

static void
it_reaches_nothing(void **state)
{
	struct run r;

	(void)state;
	run(&r, work_outside, 100, LONG_MS);
	assert_string_equal(r.text, "00000");
}

static int
work_refuse(void *arg, struct blob *out, struct err *err)
{
	(void)arg;
	(void)out;
	return err_set(err, 1, "1:3: parse error: that is no expression");
}

static int
work_spin(void *arg, struct blob *out, struct err *err)
{
	(void)arg;
	(void)out;
	(void)err;
	for (volatile bool on = true; on;)
		;
	return 0;
}

static void *volatile eaten;

static int
work_eat(void *arg, struct blob *out, struct err *err)
{
	size_t had = 0;

	(void)arg;
	for (; had < (size_t)4 * METRICSRUN_BYTES; had += 1 << 20) {
		char *p = malloc(1 << 20);

		if (p == NULL)
			return err_set(err, 1, "no memory: narrow the selector");
		memset(p, 1, 1 << 20);
		eaten = p; /* else a compiler leaves it out */
	}
	return say(out, "all of it");
}

static int
work_crash(void *arg, struct blob *out, struct err *err)
{
	(void)arg;
	(void)out;
	(void)err;
	raise(SIGSEGV);
	return 0;
}

static int
work_large(void *arg, struct blob *out, struct err *err)
{
	(void)arg;
	(void)err;
	out->len = 1 << 20;
	out->b = calloc(1, out->len);
	return 0;
}

static void
what_ends_it_is_said(void **state)
{
	struct run r;

	(void)state;
	run(&r, work_refuse, 100, LONG_MS);
	assert_string_equal(r.why, "1:3: parse error: that is no expression");
	run(&r, work_spin, 100, LONG_MS);
	assert_string_equal(r.why, "ended by its limit of 2 s of CPU: narrow the selector or the range");
	run(&r, work_spin, 100, 300);
	assert_string_equal(r.why, "it took longer than 300 ms: narrow the selector or the range");
	assert_int_equal(m.late, 1);
	assert_int_equal(m.failed, 2);
	run(&r, work_large, 64 << 10, LONG_MS);
	assert_string_equal(r.why, "its answer is larger than 64 KiB: narrow the selector, or take a longer step");
	assert_int_equal(r.len, 0);
	run(&r, work_large, 1 << 20, LONG_MS);
	assert_string_equal(r.why, "");
	assert_int_equal(r.len, 1 << 20);
}

static void
a_crash_is_its_own(void **state)
{
	struct run r;

	(void)state;
	run(&r, work_crash, 100, LONG_MS);
	assert_ptr_equal(strstr(r.why, "its process ended by signal "), r.why);
	run(&r, work_number, 100, LONG_MS);
	assert_string_equal(r.why, "");
}

static void
memory_has_a_bound(void **state)
{
	struct run r;

	(void)state;
#if SANITIZED /* its allocator ends the program by itself */
	run(&r, work_eat, 100, 3000);
	assert_string_not_equal(r.why, "");
#else
	run(&r, work_eat, 100, LONG_MS);
	assert_string_equal(r.why, "no memory: narrow the selector");
#endif
}

static void
others_wait_in_order(void **state)
{
	static struct run slow[METRICSRUN_AT_ONCE], queue[METRICSRUN_WAIT_MAX], more, first;

	(void)state;
	for (unsigned i = 0; i < METRICSRUN_AT_ONCE; i++)
		assert_int_equal(begin(&slow[i], work_spin, 100, 400, false), 0);
	for (unsigned i = 0; i < METRICSRUN_WAIT_MAX; i++)
		assert_int_equal(begin(&queue[i], work_number, 100, LONG_MS, false), 0);
	assert_int_equal(begin(&more, work_number, 100, LONG_MS, false), -ERR_FULL);
	assert_int_equal(begin(&first, work_number, 100, LONG_MS, true), 0);
	assert_int_equal(m.running, METRICSRUN_AT_ONCE);
	assert_int_equal(m.waiting, METRICSRUN_WAIT_MAX + 1);
	loop_until(&loop, ended == METRICSRUN_AT_ONCE + METRICSRUN_WAIT_MAX + 1);
	assert_int_equal(more.called, 0);
	assert_string_equal(first.why, "");
	/* Four at once: who came much earlier ended earlier. */
	assert_true(first.order < queue[METRICSRUN_WAIT_MAX - 1].order);
	assert_true(queue[0].order < queue[METRICSRUN_WAIT_MAX - 1].order);
	assert_int_equal(m.refused, 1);
}

static void
a_turn_that_comes_too_late_is_none(void **state)
{
	static struct run slow[METRICSRUN_AT_ONCE], late;

	(void)state;
	for (unsigned i = 0; i < METRICSRUN_AT_ONCE; i++)
		assert_int_equal(begin(&slow[i], work_spin, 100, 500, false), 0);
	assert_int_equal(begin(&late, work_number, 100, 100, false), 0);
	loop_until(&loop, late.called);
	assert_string_equal(late.why, "busy: 4 queries are under way, and its turn did not come within 100 ms");
	loop_until(&loop, ended == METRICSRUN_AT_ONCE + 1);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	    T(it_sees_what_is_and_changes_nothing),
	    T(keys_are_wiped_in_it),
	    T(it_reaches_nothing),
	    T(what_ends_it_is_said),
	    T(a_crash_is_its_own),
	    T(memory_has_a_bound),
	    T(others_wait_in_order),
	    T(a_turn_that_comes_too_late_is_none),
	};

	return cmocka_run_group_tests_name("metricsrun", tests, NULL, NULL);
}
