/*
 * The critical record under every damage one disk can do to it: what comes
 * back is a record that was saved, or a fresh start that says so.
 */
#include "world.h"

#include <signal.h>
#include <sys/resource.h>
#include <time.h>

#include "../../../daemon/io/critical.h"
#include "../../../daemon/io/crypto.h"

enum { FILE_BYTES = 4096 + 512 };

static time_t wall = 100; /* of whoever asks; generation 5 */

time_t __wrap_time(time_t *out);

time_t
__wrap_time(time_t *out)
{
	if (out != NULL)
		*out = wall;
	return wall;
}

static int
setup(void **state)
{
	struct err err;

	(void)state;
	return crypto_init(&err);
}

static struct mesh_saved
sample(uint64_t n)
{
	struct mesh_saved s = { .generation = 1000 + n, .term = n, .applied = { .term = n, .seq = 7 } };

	memset(s.cluster, (int)n, sizeof s.cluster);
	memset(s.voted_for.b, (int)n + 1, ID_BYTES);
	memset(s.applied.leader.b, (int)n + 2, ID_BYTES);
	memset(s.applied_hash.b, (int)n + 3, HASH_BYTES);
	s.promise_ms = 1500 + (msec)n;
	memset(s.promised_to.b, (int)n + 4, ID_BYTES);
	s.keys = (struct mesh_keys){.used = (uint32_t)n * 0x1000101, .next = n % 2 == 0, .old = n % 3 == 0};
	s.leaving = n % 2 == 0;
	s.left = n % 3 == 0;
	memset(s.was, (int)n + 5, sizeof s.was);
	return s;
}

static bool
same(const struct mesh_saved *a, const struct mesh_saved *b)
{
	return memcmp(a->cluster, b->cluster, ID_BYTES) == 0 && a->term == b->term &&
	    id_eq(&a->voted_for, &b->voted_for) && stamp_cmp(&a->applied, &b->applied) == 0 &&
	    hash_eq(&a->applied_hash, &b->applied_hash) &&
	    a->promise_ms == b->promise_ms && id_eq(&a->promised_to, &b->promised_to) &&
	    a->leaving == b->leaving && a->left == b->left && memcmp(a->was, b->was, ID_BYTES) == 0 &&
	    a->keys.used == b->keys.used && a->keys.next == b->keys.next && a->keys.old == b->keys.old;
}

static void
a_fresh_one_starts_at_the_wall_clock(void **state)
{
	uint64_t before = (uint64_t)time(NULL) / 20;
	struct mesh_saved s;
	struct critical c;
	struct world w;
	struct err err;
	struct stat st;

	(void)state;
	world_open(&w);
	assert_int_equal(critical_open(&c, w.fd, &s, &err), 0);
	assert_string_equal(c.warning, "");
	assert_true(s.generation >= before && s.generation < before + 1000);
	assert_int_equal(s.term, 0);
	assert_null(s.roster);
	assert_int_equal(fstatat(w.fd, "critical", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	critical_close(&c);
	world_close(&w);
}

static void
what_was_saved_comes_back_and_the_generation_rises(void **state)
{
	struct mesh_saved in, out;
	struct critical c;
	struct world w;
	struct err err;
	uint64_t generation;

	(void)state;
	world_open(&w);
	assert_int_equal(critical_open(&c, w.fd, &out, &err), 0);
	for (uint64_t n = 1; n < 6; n++) {
		in = sample(n);
		assert_int_equal(critical_save(&c, &in, &err), 0);
		critical_close(&c);
		assert_int_equal(critical_open(&c, w.fd, &out, &err), 0);
		assert_true(same(&in, &out));
		assert_int_equal(out.generation, in.generation + 1);
	}
	/* Raised durably by the opening itself. */
	generation = out.generation;
	critical_close(&c);
	assert_int_equal(critical_open(&c, w.fd, &out, &err), 0);
	assert_int_equal(out.generation, generation + 1);
	critical_close(&c);
	world_close(&w);
}

/* A file whose newest record is 2 and whose other one is 1. */
static size_t
two_records(struct world *w, uint8_t file[FILE_BYTES], size_t *newest)
{
	struct mesh_saved s = { 0 };
	uint8_t before[FILE_BYTES] = { 0 };
	struct critical c;
	struct err err;
	size_t len;

	world_open(w);
	assert_int_equal(critical_open(&c, w->fd, &s, &err), 0);
	s = sample(1);
	assert_int_equal(critical_save(&c, &s, &err), 0);
	world_read(w, "critical", before, sizeof before);
	s = sample(2);
	assert_int_equal(critical_save(&c, &s, &err), 0);
	critical_close(&c);
	len = world_read(w, "critical", file, FILE_BYTES);
	assert_int_equal(len, FILE_BYTES);
	*newest = memcmp(before, file, 512) != 0 ? 0 : 4096;
	assert_memory_not_equal(before + *newest, file + *newest, 512);
	return len;
}

/* Whatever one sector suffers, the other record stands, with a word about it. */
static void
damage_to_the_newest_slot_gives_the_older_one(void **state)
{
	uint8_t file[FILE_BYTES], bad[FILE_BYTES];
	struct mesh_saved one = sample(1), out;
	struct critical c;
	struct world w;
	struct err err;
	size_t newest;

	(void)state;
	two_records(&w, file, &newest);
	for (size_t bit = 0; bit < 512 * 8; bit += 7) {
		memcpy(bad, file, sizeof bad);
		bad[newest + bit / 8] ^= (uint8_t)(1 << bit % 8);
		world_write(&w, "critical", bad, sizeof bad, 0600);
		assert_int_equal(critical_open(&c, w.fd, &out, &err), 0);
		assert_true(same(&one, &out));
		assert_int_equal(out.generation, one.generation + 1);
		assert_non_null(strstr(c.warning, "one slot is damaged"));
		critical_close(&c);
	}
	world_close(&w);
}

/* A write cut anywhere: the first n bytes are new, the rest is the old slot. */
static void
a_torn_write_gives_one_of_the_two(void **state)
{
	uint8_t file[FILE_BYTES], torn[FILE_BYTES], old[FILE_BYTES];
	struct mesh_saved two = sample(2), three = sample(3), out;
	struct critical c;
	struct world w;
	struct err err;
	size_t newest;

	(void)state;
	two_records(&w, old, &newest);
	c = (struct critical){ .fd = openat(w.fd, "critical", O_RDWR), .seq = 3 };
	assert_true(c.fd >= 0);
	assert_int_equal(critical_save(&c, &three, &err), 0);
	critical_close(&c);
	world_read(&w, "critical", file, sizeof file);
	size_t at = newest == 0 ? 4096 : 0;

	for (size_t n = 0; n <= 512; n += 16) {
		memcpy(torn, old, sizeof torn);
		memcpy(torn + at, file + at, n);
		world_write(&w, "critical", torn, sizeof torn, 0600);
		assert_int_equal(critical_open(&c, w.fd, &out, &err), 0);
		assert_true(same(&out, n == 512 ? &three : &two));
		critical_close(&c);
	}
	world_close(&w);
}

static void
damage_to_both_starts_afresh_and_says_so(void **state)
{
	static const char *const how[] = { "random", "zeroes", "short", "text" };
	uint8_t file[FILE_BYTES];
	uint64_t before = (uint64_t)time(NULL) / 20;
	struct mesh_saved out;
	struct critical c;
	struct world w;
	struct err err;
	size_t newest;

	(void)state;
	two_records(&w, file, &newest);
	for (size_t i = 0; i < ARRAY_LEN(how); i++) {
		size_t len = sizeof file;

		crypto_random(file, sizeof file);
		if (i == 1)
			memset(file, 0, sizeof file);
		if (i == 2)
			len = 100;
		if (i == 3)
			memset(file, 'x', sizeof file);
		world_write(&w, "critical", file, len, 0600);
		assert_int_equal(critical_open(&c, w.fd, &out, &err), 0);
		assert_non_null(strstr(c.warning, "both slots are damaged"));
		assert_true(out.generation >= before && out.generation < before + 1000);
		assert_int_equal(out.term, 0);
		critical_close(&c);
		/* And it is whole again. */
		assert_int_equal(critical_open(&c, w.fd, &out, &err), 0);
		critical_close(&c);
	}
	world_close(&w);
}

static void
a_newer_format_is_refused_and_kept(void **state)
{
	uint8_t file[FILE_BYTES], after[FILE_BYTES];
	struct mesh_saved out;
	struct critical c;
	struct world w;
	struct err err;
	struct hash h;
	size_t newest;

	(void)state;
	two_records(&w, file, &newest);
	file[newest + 8] = 2;
	crypto_hash256(&h, file + newest, 480);
	memcpy(file + newest + 480, h.b, HASH_BYTES);
	world_write(&w, "critical", file, sizeof file, 0600);
	assert_int_equal(critical_open(&c, w.fd, &out, &err), -EXIT_STATE);
	assert_err(err, EXIT_STATE, "format 2 is newer than this meshd understands (1)");
	assert_int_equal(c.fd, -1);
	world_read(&w, "critical", after, sizeof after);
	assert_memory_equal(file, after, sizeof file);
	world_close(&w);
}

static void
other_kinds_of_file_are_refused(void **state)
{
	struct mesh_saved out;
	struct critical c;
	struct world w;
	struct err err;

	(void)state;
	world_open(&w);
	assert_int_equal(symlinkat("x", w.fd, "critical"), 0);
	assert_int_equal(critical_open(&c, w.fd, &out, &err), -EXIT_STATE);
	assert_int_equal(unlinkat(w.fd, "critical", 0), 0);
	assert_int_equal(mkfifoat(w.fd, "critical", 0600), 0);
	assert_int_equal(critical_open(&c, w.fd, &out, &err), -EXIT_STATE);
	assert_err(err, EXIT_STATE, "not a regular file");
	world_close(&w);
}

/* A disk that takes no more: here by a limit of the file's size. */
static int
full(void *arg)
{
	struct world *w = arg;
	struct mesh_saved s = sample(9);
	struct critical c;
	struct err err = { 0 };

	APART_CHECK(critical_open(&c, w->fd, &s, &err) == 0);
	signal(SIGXFSZ, SIG_IGN);
	APART_CHECK(setrlimit(RLIMIT_FSIZE, &(struct rlimit){ 0, 0 }) == 0);
	APART_CHECK(critical_save(&c, &s, &err) == -EXIT_STATE);
	APART_CHECK(err.code == EXIT_STATE && strstr(err.text, "write critical: ") != NULL);
	return 0;
}

static void
a_failed_write_is_a_state_error(void **state)
{
	struct mesh_saved out;
	struct critical c;
	struct world w;
	struct err err;

	(void)state;
	world_open(&w);
	world_apart(0, full, &w);
	assert_int_equal(critical_open(&c, w.fd, &out, &err), 0);
	assert_int_equal(out.term, 0);
	critical_close(&c);
	world_close(&w);
}

static uint64_t
life_of(const struct world *w, uint64_t saved, time_t now)
{
	struct mesh_saved s = sample(1);
	struct critical c;
	struct err err;

	wall = 100;
	if (saved > 0) {
		struct mesh_saved was;

		assert_int_equal(critical_open(&c, w->fd, &was, &err), 0);
		s.generation = saved;
		assert_int_equal(critical_save(&c, &s, &err), 0);
		critical_close(&c);
	}
	wall = now;
	assert_int_equal(critical_open(&c, w->fd, &s, &err), 0);
	critical_close(&c);
	wall = 100;
	return s.generation;
}

/* An old copy put back begins above the lives that others saw since, as far as the clock
 * on the wall tells; and one that is wrong uses up no lives. */
static void
a_life_begins_above_those_that_others_saw(void **state)
{
	static const struct {
		uint64_t saved; /* 0: nothing */
		time_t now;
		uint64_t life;
	} rows[] = {
	    {0, 2000, 100},
	    {7, 2000, 100},	  /* the copy is old */
	    {99, 2000, 100},
	    {100, 2000, 101},	  /* it started twice in 20 s */
	    {500, 2000, 501},	  /* the clock was put back */
	    {500, 0, 501},	  /* it has none */
	    {500, -2000, 501},
	    {500, (time_t)1 << 40, (1 << 28) - (1 << 24)},
	    {0, INT64_MAX, (1 << 28) - (1 << 24)},
	    {(1 << 28) - 5, INT64_MAX, (1 << 28) - 4},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct world w;
		uint64_t life;

		world_open(&w);
		life = life_of(&w, rows[i].saved, rows[i].now);
		world_close(&w);
		if (life != rows[i].life)
			fail_msg("row %zu: life %llu", i, (unsigned long long)life);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_fresh_one_starts_at_the_wall_clock),
		cmocka_unit_test(what_was_saved_comes_back_and_the_generation_rises),
		cmocka_unit_test(a_life_begins_above_those_that_others_saw),
		cmocka_unit_test(damage_to_the_newest_slot_gives_the_older_one),
		cmocka_unit_test(a_torn_write_gives_one_of_the_two),
		cmocka_unit_test(damage_to_both_starts_afresh_and_says_so),
		cmocka_unit_test(a_newer_format_is_refused_and_kept),
		cmocka_unit_test(other_kinds_of_file_are_refused),
		cmocka_unit_test(a_failed_write_is_a_state_error),
	};

	return cmocka_run_group_tests_name("critical", tests, setup, NULL);
}
