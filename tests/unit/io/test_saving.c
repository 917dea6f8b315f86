/*
 * test_saving.c - a node is killed before each single step by which it makes facts
 * durable, in the files of a real state directory: when it comes back from what lies
 * there, it is a member as before, and the mesh settles as if nothing had been.
 *
 * Three machines under real keys talk in memory; the disk is that of node 1.  Whenever
 * it has something to save, a child writes it into a copy of its directory and is killed
 * before its first step, then its second ...; each time another child, which has the
 * whole world as it is at that instant, starts node 1 from that copy and goes on.
 */
/* The engine's words for what the machine and these tests have under the same names. */
#define world engine_world
#define report engine_report
#include "../../../daemon/io/actions.h"
#include "../../../daemon/io/engine.h"
#undef world
#undef report
#include "../../../daemon/io/ring.h"
#include "../../../daemon/io/saving.h"
#include "world.h"

#include <sys/uio.h>

#include "../../../gossip/inner.h"
#include "wire.h"

enum {
	B = 1,		  /* whose disk it is */
	TURN_MS = 5,
	SETTLES_MS = 60000,
	FILE_CAP = 100,
};

static struct wire wire;
static struct world disk; /* what B has, as the story goes on */
static struct engine engine, again;
static struct engine *b; /* of B, now */
static bool has_file;	 /* the administrator's file of the first key is there still */
static uint8_t file_key[KEY_BYTES];
static int kills, passed;
static bool (*may_be)(void); /* how it may end else; NULL: no other way */

/* --- the clock on the wall ------------------------------------------------------------ */

static time_t wall = 1000000000;

time_t __wrap_time(time_t *out);

time_t
__wrap_time(time_t *out)
{
	if (out != NULL)
		*out = wall;
	return wall;
}

/* --- the step before which the child dies -------------------------------------------- */

static int left; /* 0 = it lives */

static void
durable(void)
{
	if (left > 0 && --left == 0)
		kill(getpid(), SIGKILL);
}

#define WRAP(type, name, args, call)                                                               \
	type __real_##name args;                                                                   \
	type __wrap_##name args;                                                                   \
	type __wrap_##name args                                                                    \
	{                                                                                          \
		durable();                                                                         \
		return __real_##name call;                                                         \
	}

WRAP(ssize_t, write, (int fd, const void *p, size_t n), (fd, p, n))
WRAP(ssize_t, pwrite, (int fd, const void *p, size_t n, off_t at), (fd, p, n, at))
WRAP(ssize_t, writev, (int fd, const struct iovec *v, int n), (fd, v, n))
WRAP(int, fsync, (int fd), (fd))
WRAP(int, fdatasync, (int fd), (fd))
WRAP(int, renameat, (int a, const char *p, int c, const char *q), (a, p, c, q))
WRAP(int, unlinkat, (int a, const char *p, int flags), (a, p, flags))
WRAP(int, ftruncate, (int fd, off_t len), (fd, len))

/* --- the world ------------------------------------------------------------------------- */

/* As the engine does. */
static bool
start(struct engine *e, int state_fd)
{
	struct mesh_conf c = {.name = "n1", .addr = toy_addr(B), .members_max = 32,
	    .seed = crypto_random64(), .seeds = {toy_addr(0)}, .seeds_count = 1};
	struct err err = {.code = 0};

	memset(e, 0, sizeof *e);
	e->state_fd = state_fd;
	snprintf(e->conf.name, sizeof e->conf.name, "n1");
	snprintf(e->conf.key_path, sizeof e->conf.key_path, "/cluster.key");
	if (saving_open(e, &err) < 0) {
		print_error("it does not start: %s\n", err.text);
		return false;
	}
	if (has_file)
		(void)ring_offer(&e->keys, e->saved.keys.used, file_key);
	if (!e->keys.has_key) {
		print_error("it has no key\n");
		return false;
	}
	c.saved = e->saved;
	c.crypto = e->crypto;
	c.self = e->identity.id;
	memcpy(c.pk, e->identity.pk, KEY_BYTES);
	crypto_random(c.salt, sizeof c.salt);
	crypto_random(c.secret, sizeof c.secret);
	wire.node[B] = mesh_new(&c, wire.now);
	b = e;
	return wire.node[B] != NULL;
}

static bool
out(uint32_t i)
{
	struct mesh_member x;

	return mesh_find(wire.node[0], &wire.node[i]->conf.self, &x) && x.evicted;
}

/* All who belong see each other, have one leader, one key, and one opinion on who is out. */
static bool
settled(void)
{
	const struct keyring *rings[WIRE_NODES] = {&wire.keys[0], &b->keys, &wire.keys[2]};
	const struct mesh_keys *first = &wire.node[0]->saved.keys;
	uint32_t members = WIRE_NODES - out(2);
	struct mesh_side side, all;
	struct mesh_member x;

	mesh_side(wire.node[0], wire.now, &all);
	for (uint32_t i = 0; i < WIRE_NODES; i++) {
		const struct mesh_keys *k = &wire.node[i]->saved.keys;
		const uint8_t *key = crypto_key(rings[i], k->used);

		if (i != 0 && out(i))
			continue;
		mesh_side(wire.node[i], wire.now, &side);
		if (!side.member || side.grade != MESH_GRADE_FULL || !side.has_leader ||
		    side.visible != members || memcmp(&side.leader, &all.leader, ID_BYTES) != 0 ||
		    k->used != first->used || k->next || k->old || key == NULL ||
		    memcmp(key, crypto_key(rings[0], k->used), KEY_BYTES) != 0 ||
		    (out(2) && (!mesh_find(wire.node[i], &wire.node[2]->conf.self, &x) || !x.evicted)))
			return false;
	}
	return true;
}

static uint32_t
full_leaders(void)
{
	struct mesh_side side;
	uint32_t n = 0;

	for (uint32_t i = 0; i < WIRE_NODES; i++) {
		mesh_side(wire.node[i], wire.now, &side);
		n += side.role == MESH_LEADER && side.grade == MESH_GRADE_FULL;
	}
	return n;
}

/* Whom an operator gave up leads on until it hears of it: the operator said that it can't. */
static bool
leads_beside(void)
{
	return may_be != NULL && wire.node[B]->roster.n.all == 1;
}

static bool
settles(void)
{
	bool yes = false;

	for (int ms = 0; ms < SETTLES_MS && !yes; ms += TURN_MS) {
		wire.now += TURN_MS - 1;
		wire_step(&wire);
		if (full_leaders() > 1 && !leads_beside())
			return false;
		yes = settled() || (may_be != NULL && may_be());
	}
	return yes;
}

/* --- cut, and go on ---------------------------------------------------------------------- */

static int
status_of(pid_t pid)
{
	int status;

	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

/* The facts into that directory, until the n-th step; true: it came to its end. */
static bool
written(const char *dir, const struct mesh_saved *facts, int n)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		char note[ERR_TEXT_CAP];
		struct err err;

		again = engine;
		again.state_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		again.critical.fd = openat(again.state_fd, "critical", O_RDWR | O_CLOEXEC);
		if (store_open(again.state_fd, &again.store, note, sizeof note, &err) != 0)
			_exit(1);
		left = n;
		_exit(saving_write(&again, facts, &err) == 0 ? 0 : 2);
	}
	status = status_of(pid);
	assert_true(status == 0 || (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL));
	return status == 0;
}

static void
to_the_disk(struct wire *w, uint32_t i, const struct mesh_saved *facts)
{
	struct err err;

	(void)w;
	if (i == B && saving_write(b, facts, &err) < 0) {
		print_error("it can't go on: %s\n", err.text);
		_exit(3);
	}
}

/* Of the others given up: their votes are gone, but not their right to come back, or the
 * other way round. */
static bool
is_half(void)
{
	const struct mesh *m = wire.node[B];

	return may_be != NULL && ((m->roster.n.all == 1) != (recover_best(m) != EVICT_NONE) ||
	    m->roster.id.term > m->saved.term);
}

/* Node 1 comes back from that directory, and everybody hears everybody. */
static bool
comes_back(const char *dir)
{
	pid_t pid = fork();

	if (pid == 0) {
		wire.save = to_the_disk;
		memset(wire.deaf, 0, sizeof wire.deaf);
		if (!start(&again, open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC)))
			_exit(1);
		_exit(!is_half() && settles() ? 0 : 2);
	}
	return status_of(pid) == 0;
}

/* A copy of what it has on disk now, in the place of the last one. */
static const char *
copy(void)
{
	static char dir[FILE_CAP];
	char command[3 * FILE_CAP];

	snprintf(dir, sizeof dir, "%s.cut", disk.path);
	snprintf(command, sizeof command, "rm -rf %s && cp -a %s %s", dir, disk.path, dir);
	assert_int_equal(system(command), 0);
	return dir;
}

/* Every step of this saving is the last one once; then it is made. */
static void
cut_everywhere(struct wire *w, uint32_t i, const struct mesh_saved *facts)
{
	bool whole = false;

	if (i != B)
		return;
	for (int n = 1; !whole; n++) {
		const char *dir = copy();

		whole = written(dir, facts, n);
		kills += !whole;
		if (!comes_back(dir))
			fail_msg("saving %d, before step %d: it does not settle", passed, n);
	}
	passed++;
	to_the_disk(w, i, facts);
}

/* --- the story ----------------------------------------------------------------------------- */

static void
begin(bool file)
{
	static const uint8_t cluster[ID_BYTES] = {4, 2};
	struct err err;

	memset(&wire, 0, sizeof wire);
	assert_int_equal(crypto_init(&err), 0);
	world_open_in(&disk, "/dev/shm");
	wire.now = 1000;
	kills = passed = 0;
	crypto_random(file_key, sizeof file_key);
	has_file = true;
	assert_true(wire_start(&wire, 0, file_key) && wire_start(&wire, 2, file_key));
	assert_int_equal(mesh_init(wire.node[0], wire.now, cluster), 0);
	assert_true(start(&engine, disk.fd));
	has_file = file;
	wire.save = file ? cut_everywhere : to_the_disk;
}

static void
end(void)
{
	char command[2 * FILE_CAP];

	snprintf(command, sizeof command, "rm -rf %s.cut", disk.path);
	assert_int_equal(system(command), 0);
	wire_free(&wire);
	store_close(engine.store);
	actions_free(&engine);
	critical_close(&engine.critical);
	free(engine.roster);
	free(engine.evicted);
	world_close(&disk);
}

/* Refused while it is not known of somebody which key he has: an operator asks again. */
static bool
rotates(void)
{
	struct mesh_side side;

	for (uint32_t i = 0; i < WIRE_NODES; i++) {
		mesh_side(wire.node[i], wire.now, &side);
		if (side.role == MESH_LEADER && !wire.deaf[i])
			return mesh_keys_rotate(wire.node[i], wire.now) == 0;
	}
	return false;
}

static bool
passed_over(void)
{
	const struct node_id *id = &wire.node[B]->conf.self;
	struct mesh_side side;

	for (uint32_t i = 0; i < WIRE_NODES; i += 2) {
		mesh_side(wire.node[i], wire.now, &side);
		if (side.role == MESH_LEADER && mesh_keys_pass(wire.node[i], wire.now, id) == 0)
			return true;
	}
	return false;
}

static bool
changed_without_it(uint32_t to)
{
	for (uint32_t i = 0; i < WIRE_NODES; i += 2) {
		const struct mesh_keys *k = &wire.node[i]->saved.keys;

		if (k->used != to || k->next || k->old)
			return false;
	}
	return true;
}

#define world_until(cond)                                                                          \
	do {                                                                                       \
		msec end_ = wire.now + SETTLES_MS;                                                 \
		while (!(cond)) {                                                                  \
			assert_true(wire.now < end_);                                              \
			wire.now += TURN_MS - 1;                                                   \
			wire_step(&wire);                                                          \
		}                                                                                  \
	} while (0)

/* The others change the key twice while it hears nobody: what it had is of no use then. */
static void
away_for_two_keys(uint32_t from)
{
	wire.deaf[B] = true;
	world_until(passed_over());
	for (uint32_t to = from + 1; to <= from + 2; to++) {
		world_until(rotates());
		world_until(passed_over());
		world_until(changed_without_it(to));
	}
	wire.deaf[B] = false;
}

static void
put_out(void)
{
	assert_int_equal(mesh_evict(wire.node[0], wire.now, &wire.node[2]->conf.self), 0);
}

/* It joins, the key changes, it is away, somebody is put out. */
static void
killed_at_each_step_of_a_life(void **state)
{
	(void)state;
	begin(true);
	assert_true(settles());
	world_until(rotates());
	assert_true(settles());
	away_for_two_keys(1);
	assert_true(settles());
	assert_int_equal(b->saved.keys.used, 0); /* as loaded; what it has now is not that */
	assert_non_null(crypto_key(&b->keys, 3));
	put_out();
	assert_true(settles());
	assert_true(passed >= 8 && kills >= 4 * passed);
	end();
}

/* It came in with the file of a key that changed since. */
static void
begin_and_rotate(void)
{
	begin(false);
	has_file = true;
	assert_true(settles());
	world_until(rotates());
	assert_true(settles());
}

/* The same for who came in when there was such a file, and has it no more. */
static void
killed_without_the_file_it_came_in_with(void **state)
{
	(void)state;
	begin_and_rotate();
	has_file = false;
	wire.save = cut_everywhere;
	away_for_two_keys(1);
	assert_true(settles());
	put_out();
	assert_true(settles());
	assert_true(passed >= 2 && kills >= 4 * passed);
	end();
}

/* An operator gives up the others, who are cut off: after a crash on the way it is a member
 * as before, or leads alone, and they are out; and the operator can say it again. */
static bool
recovered(void)
{
	struct mesh_side side;

	mesh_side(wire.node[B], wire.now, &side);
	return side.grade == MESH_GRADE_FULL && side.role == MESH_LEADER && side.known == 1 &&
	    mesh_evicted(wire.node[0]) && mesh_evicted(wire.node[2]);
}

static bool
is_dead(uint32_t i)
{
	struct mesh_member x;

	return mesh_find(wire.node[B], &wire.node[i]->conf.self, &x) && x.state == MESH_FAILED;
}

static int
give_up(void)
{
	struct mesh_lost lost[2];

	memset(lost, 0, sizeof lost);
	lost[0].id = wire.node[0]->conf.self;
	lost[1].id = wire.node[2]->conf.self;
	return mesh_recover(wire.node[B], wire.now, mesh_recovery(wire.node[B]), NULL, lost, 2);
}

static void
killed_while_it_gives_up_the_others(void **state)
{
	(void)state;
	begin(true);
	wire.save = to_the_disk;
	assert_true(settles());
	memset(wire.deaf, true, sizeof wire.deaf);
	world_until(is_dead(0) && is_dead(2) && full_leaders() == 0);
	assert_int_equal(give_up(), 0);
	wire.save = cut_everywhere;
	may_be = recovered;
	world_until(passed > 0);
	assert_true(kills >= 4);
	memset(wire.deaf, false, sizeof wire.deaf);
	world_until(recovered());
	may_be = NULL;
	end();
}

/* Term, vote and cluster are gone, and the first key's file is; the keys are not. */
static void
comes_back_without_what_it_said(void **state)
{
	(void)state;
	begin_and_rotate();
	assert_int_equal(unlinkat(disk.fd, "critical", 0), 0);
	wall += 60;
	assert_true(comes_back(copy())); /* with the file of the key before, or without */
	has_file = false;
	assert_true(comes_back(copy()));
	end();
}

static void
next_life(void)
{
	mesh_free(wire.node[B]);
	store_close(engine.store);
	actions_free(&engine);
	critical_close(&engine.critical);
	free(engine.roster);
	free(engine.evicted);
	wall += 5; /* seconds: each life is only one more */
	assert_true(start(&engine, disk.fd));
}

/* It left, and died before anything else: the file says the key, not what it had there. */
static void
begins_anew_with_the_file(void **state)
{
	struct mesh_saved s;
	struct stat st;
	struct err err;

	(void)state;
	begin_and_rotate();
	assert_int_equal(fstatat(disk.fd, "keys", &st, 0), 0);
	mesh_kept(wire.node[B], &s);
	mesh_left_behind(&s);
	assert_int_equal(critical_save(&engine.critical, &s, &err), 0);
	crypto_random(file_key, sizeof file_key); /* of now, or of another cluster */
	for (int life = 0; life < 2; life++) {
		next_life();
		assert_int_equal(engine.saved.keys.used, 0);
		assert_memory_equal(crypto_key(&engine.keys, 0), file_key, KEY_BYTES);
		assert_null(crypto_key(&engine.keys, 1));
		assert_true(fstatat(disk.fd, "keys", &st, 0) != 0 && errno == ENOENT);
	}
	end();
}

/* Somebody puts back what the directory was some lives ago. */
static void
comes_back_from_an_old_copy(void **state)
{
	char command[4 * FILE_CAP];

	(void)state;
	begin(false);
	has_file = true;
	assert_true(settles());
	snprintf(command, sizeof command, "cp -a %s %s.old", disk.path, disk.path);
	assert_int_equal(system(command), 0);
	for (int life = 0; life < 3; life++) {
		next_life();
		assert_true(settles());
	}
	wall += 200;
	snprintf(command, sizeof command, "%s.old", disk.path);
	assert_true(comes_back(command));
	snprintf(command, sizeof command, "rm -rf %s.old", disk.path);
	assert_int_equal(system(command), 0);
	end();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(killed_at_each_step_of_a_life),
	    cmocka_unit_test(killed_without_the_file_it_came_in_with),
	    cmocka_unit_test(comes_back_without_what_it_said),
	    cmocka_unit_test(begins_anew_with_the_file),
	    cmocka_unit_test(comes_back_from_an_old_copy),
	    cmocka_unit_test(killed_while_it_gives_up_the_others),
	};

	return cmocka_run_group_tests_name("saving", tests, NULL, NULL);
}
