/*
 * test_depart.c - mesh leave over a real control socket and a real store whose disk
 * fails: full, it is refused and nothing is done; not to be trusted, the engine ends,
 * for what it holds of the wish and what lies there may be two things.
 */
/* The engine's words for what the machine and these tests have under the same names. */
#define world engine_world
#define report engine_report
#include "../../../daemon/io/depart.h"
#include "../../../daemon/io/engine.h"
#undef world
#undef report
#include "../../../daemon/io/pack.h"
#include "../../../gossip/inner.h"
#include "world.h"

#include "ctldesk.h"
#include "wire.h"

enum { STEPS_MAX = 120000, SETTLED_MS = 5000, ANSWERED = 42 };

static struct wire wire;
static struct engine engine;
static struct ctl ctl;
static struct world w;
static uv_loop_t loop;
static int sync_fails; /* with that errno; 0: it does not */

int __real_fdatasync(int fd);
int __wrap_fdatasync(int fd);

int
__wrap_fdatasync(int fd)
{
	errno = sync_fails;
	return sync_fails != 0 ? -1 : __real_fdatasync(fd);
}

static bool
writer(void *arg, uint32_t uid)
{
	(void)arg;
	(void)uid;
	return true;
}

static void
handle(void *arg, struct ctl_req *r)
{
	depart_verb(arg, r);
}

static int
setup(void **state)
{
	struct mesh_member m;
	uint32_t there = 0;

	(void)state;
	world_open(&w);
	if (sodium_init() < 0 || !wire_init(&wire))
		return -1;
	for (int i = 0; i < STEPS_MAX && there < WIRE_NODES; i++) {
		wire_step(&wire);
		for (there = 0; mesh_member(wire.node[0], there, &m) && m.in_roster;)
			there++;
	}
	for (int i = 0; i < SETTLED_MS; i++) /* of the change that took the last one in */
		wire_step(&wire);
	engine.mesh = wire.node[0];
	engine.identity.id = wire.node[0]->conf.self;
	engine.local.known = true;
	snprintf(engine.conf.name, sizeof engine.conf.name, "n0");
	return there == WIRE_NODES ? 0 : -1;
}

static int
teardown(void **state)
{
	(void)state;
	wire_free(&wire);
	world_close(&w);
	return 0;
}

/* What is said of `mesh leave ARG` when the disk fails so; never back. */
static void
leave(const char *arg, bool asked, int fails, const char *expect)
{
	uint8_t buf[4096] = {0};
	char note[ERR_TEXT_CAP];
	msgpack_sbuffer b;
	msgpack_packer pk;
	struct err err;
	size_t len;

	if (store_open(w.fd, &engine.store, note, sizeof note, &err) < 0 ||
	    ctldesk_open(&ctl, &loop, w.path, &engine, writer, handle) < 0)
		_exit(1);
	if ((asked ? store_put(engine.store, STORE_MISC, "leaving", 7, "", 1, &err) :
		     store_del(engine.store, STORE_MISC, "leaving", 7, &err)) < 0)
		_exit(1);
	engine.depart.asked = asked;
	sync_fails = fails;
	pk_begin(&b, &pk);
	msgpack_pack_map(&pk, 2);
	pk_kstr(&pk, "verb", "leave");
	pk_str(&pk, "args");
	msgpack_pack_map(&pk, 1);
	pk_kbool(&pk, arg, true);
	len = ctldesk_ask(&loop, w.path, &b, buf, sizeof buf);
	if (memmem(buf, len, expect, strlen(expect)) == NULL || engine.depart.asked != asked)
		fprintf(stderr, "no '%s' in '%.*s'\n", expect, (int)len, (const char *)buf);
	else
		_exit(ANSWERED);
	_exit(1);
}

/* The exit code of an engine that is asked so. */
static int
ends(const char *arg, bool asked, int fails, const char *expect)
{
	char path[sizeof w.path + 8];
	int status = 0;
	pid_t pid;

	snprintf(path, sizeof path, "%s/ctl", w.path);
	unlink(path);
	if ((pid = fork()) == 0)
		leave(arg, asked, fails, expect);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void
a_full_disk_refuses(void **state)
{
	(void)state;
	assert_int_equal(ends("keep", false, ENOSPC, "leave: not kept, so not done: "), ANSWERED);
	assert_int_equal(ends("cancel", true, ENOSPC, "leave: not taken back: "), ANSWERED);
}

static void
a_disk_that_lies_ends_the_engine(void **state)
{
	(void)state;
	assert_int_equal(ends("keep", false, EIO, ""), EXIT_STATE);
	assert_int_equal(ends("cancel", true, EIO, ""), EXIT_STATE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_full_disk_refuses),
	    cmocka_unit_test(a_disk_that_lies_ends_the_engine),
	};

	return cmocka_run_group_tests_name("depart", tests, setup, teardown);
}
