/*
 * The schedules a node holds, in a real store: durable or not at all, whole or
 * not at all, and nothing kept that no header names.
 */
#include "world.h"

#include <sys/mount.h>

#include "../../../daemon/io/keep.h"
#include "schedules.h"

static struct world w;
static struct store *store;
static struct keep keep;

static void
open_store(void)
{
	char note[256];
	struct err err = { 0 };

	if (store_open(w.fd, &store, note, sizeof note, &err) != 0)
		fail_msg("%s", err.text);
	assert_string_equal(note, "");
}

static void
load(void)
{
	struct err err = { 0 };

	if (keep_load(&keep, store, &crypto, &err) != 0)
		fail_msg("%s", err.text);
}

static int
setup(void **state)
{
	(void)state;
	world_open(&w);
	open_store();
	load();
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	keep_free(&keep);
	store_close(store);
	world_close(&w);
	return 0;
}

static void
restart(void)
{
	keep_free(&keep);
	store_close(store);
	open_store();
	load();
}

static void
set(struct schedule s)
{
	struct err err = { 0 };

	if (keep_set(&keep, &s, &err) != 0)
		fail_msg("%s", err.text);
	assert_null(s.parts); /* taken */
}

/* The header and every part of it come back, byte for byte. */
static bool
held(const struct schedule *s)
{
	struct err err = { 0 };
	uint8_t *buf;
	size_t len;
	int rc = keep_header(&keep, &s->hash, &buf, &len, &err);

	assert_true(rc >= 0);
	if (rc == 0)
		return false;
	assert_int_equal(len, s->header.len);
	assert_memory_equal(buf, s->header.b, len);
	free(buf);
	for (size_t i = 0; i < s->parts_count; i++) {
		if (keep_part(&keep, &s->parts[i].hash, &buf, &len, &err) != 1)
			return false;
		assert_int_equal(len, s->data[i].len);
		assert_memory_equal(buf, s->data[i].b, len);
		free(buf);
	}
	return true;
}

static bool
count_one(void *arg, const uint8_t *key, size_t key_len, const uint8_t *body, size_t len)
{
	(void)key;
	(void)body;
	(void)len;
	assert_int_equal(key_len, HASH_BYTES);
	++*(size_t *)arg;
	return true;
}

static size_t
stored(enum store_kind kind)
{
	struct err err = { 0 };
	size_t n = 0;

	assert_int_equal(store_each(store, kind, count_one, &n, &err), 0);
	return n;
}

static struct schedule
two_roles(uint64_t seq, const char *front, const char *web)
{
	const struct role_of r[] = { { "front", front, 1 }, { "web", web, 1 } };

	return schedule_of(seq, r, 2);
}

static void
nothing_is_held_at_first(void **state)
{
	struct hash none = { { 1 } };
	struct err err;
	uint8_t *buf;
	size_t len;

	(void)state;
	assert_false(keep.has);
	assert_int_equal(keep.history_count, 0);
	assert_int_equal(keep_header(&keep, &none, &buf, &len, &err), 0);
	assert_int_equal(keep_part(&keep, &none, &buf, &len, &err), 0);
}

static void
it_comes_back_after_a_restart(void **state)
{
	struct schedule want = two_roles(1, "f", "w");

	(void)state;
	set(two_roles(1, "f", "w"));
	restart();
	assert_true(keep.has);
	assert_true(hash_eq(&keep.current.hash, &want.hash));
	assert_int_equal(stamp_cmp(&keep.current.meta.stamp, &want.meta.stamp), 0);
	assert_true(schedule_complete(&keep.current, false));
	assert_true(held(&want));
	schedule_free(&want);
}

/* Through a dozen schedules: what is in the history is whole, the rest is gone. */
static void
the_history_is_whole_and_nothing_else_stays(void **state)
{
	static const char *const front[] = { "a", "a", "b", "c", "a", "d", "e", "a", "f", "g", "h",
		"h" };
	static const char *const web[] = { "1", "2", "2", "2", "2", "2", "3", "4", "1", "4", "4",
		"4" };
	struct schedule all[ARRAY_LEN(front)];

	(void)state;
	for (size_t n = 0; n < ARRAY_LEN(front); n++) {
		struct hash seen[64];
		size_t distinct = 0;

		all[n] = two_roles(n + 1, front[n], web[n]);
		set(two_roles(n + 1, front[n], web[n]));
		for (size_t k = 0; k <= n; k++) {
			struct err err;
			uint8_t *buf;
			size_t len;

			if (k + KEEP_HISTORY <= n) {
				assert_int_equal(
				    keep_header(&keep, &all[k].hash, &buf, &len, &err), 0);
				continue;
			}
			assert_true(held(&all[k]));
			for (size_t i = 0; i < all[k].parts_count; i++) {
				size_t s = 0;

				while (s < distinct && !hash_eq(&seen[s], &all[k].parts[i].hash))
					s++;
				if (s == distinct)
					seen[distinct++] = all[k].parts[i].hash;
			}
		}
		assert_int_equal(stored(STORE_PART), distinct);
		assert_int_equal(stored(STORE_HEADER), n < KEEP_HISTORY ? n + 1 : KEEP_HISTORY);
		if (n % 3 == 2)
			restart();
		assert_true(keep.has && hash_eq(&keep.current.hash, &all[n].hash));
	}
	for (size_t n = 0; n < ARRAY_LEN(front); n++)
		schedule_free(&all[n]);
}

static void
the_same_schedule_again_is_one(void **state)
{
	(void)state;
	set(two_roles(1, "f", "w"));
	set(two_roles(1, "f", "w"));
	assert_int_equal(keep.history_count, 1);
	assert_true(schedule_complete(&keep.current, false));
	restart();
	assert_int_equal(keep.history_count, 1);
	assert_true(keep.has);
}

/* Lose a part of the current schedule, on disk. */
static void
lose_part(const struct schedule *s, const char *role)
{
	struct err err;
	int i = schedule_find(s, SCHEDULE_ROLE, role);

	assert_true(i >= 0);
	assert_int_equal(store_del(store, STORE_PART, s->parts[i].hash.b, HASH_BYTES, &err), 0);
}

static void
a_schedule_that_lacks_a_part_is_left_out_and_given_back(void **state)
{
	struct schedule one = two_roles(1, "f", "w"), last = two_roles(6, "f6", "w6");

	(void)state;
	set(two_roles(1, "f", "w"));
	lose_part(&one, "web");
	restart();
	assert_false(keep.has);
	assert_null(keep.current.parts);
	set(two_roles(1, "f", "w"));
	assert_true(held(&one));
	restart();
	assert_true(keep.has);
	/* It is in the history once, and leaves it without a trace. */
	for (uint64_t n = 2; n <= KEEP_HISTORY; n++)
		set(two_roles(n, n % 2 ? "f2" : "f3", "w2"));
	assert_true(held(&one));
	assert_int_equal(keep.history_count, KEEP_HISTORY);
	for (uint64_t n = 5; n <= 6 + KEEP_HISTORY; n++)
		set(two_roles(n, "f6", "w6"));
	assert_int_equal(stored(STORE_PART), last.parts_count);
	assert_int_equal(stored(STORE_HEADER), KEEP_HISTORY);
	schedule_free(&one);
	schedule_free(&last);
}

static void
other_bytes_under_a_hash_are_not_believed(void **state)
{
	struct schedule one = two_roles(1, "f", "w"), two = two_roles(2, "f", "v");
	int web = schedule_find(&one, SCHEDULE_ROLE, "web");
	struct err err;

	(void)state;
	set(two_roles(1, "f", "w"));
	assert_int_equal(store_put(store, STORE_PART, one.parts[web].hash.b, HASH_BYTES,
	    two.data[web].b, two.data[web].len, &err), 0);
	restart();
	assert_false(keep.has); /* a part that is another role's */
	set(two_roles(1, "f", "w"));
	assert_true(keep.has);
	one.header.b[one.header.len / 2] ^= 1;
	assert_int_equal(store_put(store, STORE_HEADER, one.hash.b, HASH_BYTES, one.header.b,
	    one.header.len, &err), 0);
	restart();
	assert_false(keep.has); /* a header that nobody signed */
	one.header.b[one.header.len / 2] ^= 1;
	set(two_roles(2, "f", "v"));
	set(two_roles(1, "f", "w"));
	assert_true(held(&one) && held(&two));
	/* A whole, rightly signed one that is not what the history names. */
	assert_int_equal(store_put(store, STORE_HEADER, one.hash.b, HASH_BYTES, two.header.b,
	    two.header.len, &err), 0);
	restart();
	assert_false(keep.has);
	schedule_free(&one);
	schedule_free(&two);
}

static void
an_odd_history_is_survived(void **state)
{
	uint8_t odd[10 * HASH_BYTES];
	struct schedule one = two_roles(1, "f", "w");
	struct err err;

	(void)state;
	set(two_roles(1, "f", "w"));
	memset(odd, 7, sizeof odd);
	memcpy(odd, one.hash.b, HASH_BYTES);
	for (size_t len = 0; len <= sizeof odd; len += 29) {
		assert_int_equal(
		    store_put(store, STORE_MISC, "history", sizeof "history", odd, len, &err), 0);
		restart();
		assert_int_equal(keep.has, len >= HASH_BYTES);
		assert_true(keep.history_count <= KEEP_HISTORY);
		set(two_roles(2, "f", "w2"));
		set(two_roles(1, "f", "w"));
	}
	schedule_free(&one);
}

static void
what_is_held_is_filled_in(void **state)
{
	struct schedule next = two_roles(2, "f", "new"), got;
	int web = schedule_find(&next, SCHEDULE_ROLE, "web");
	struct err err;

	(void)state;
	set(two_roles(1, "f", "w"));
	for (int round = 0; round < 2; round++) {
		assert_int_equal(schedule_open(&got, next.header.b, next.header.len, &crypto), 0);
		assert_int_equal(keep_fill(&keep, &got, &err), 0);
		for (size_t i = 0; i < got.parts_count; i++)
			assert_int_equal(got.data[i].b != NULL, (int)i != web);
		assert_int_equal(schedule_put(&got, (size_t)web, next.data[web].b,
		    next.data[web].len, &crypto), 0);
		assert_int_equal(keep_fill(&keep, &got, &err), 0); /* nothing left to do */
		assert_true(schedule_complete(&got, false));
		schedule_free(&got);
		schedule_free(&keep.current); /* the second time from the disk alone */
		keep.has = false;
	}
	schedule_free(&next);
}

static int
disk_full(void *arg)
{
	static char ballast[1600 << 10];
	const struct role_of big[] = { { "web", "0123456789abcdef", 20000 } };
	struct schedule one = two_roles(1, "f", "w"), s;
	struct err err = { 0 };
	char note[256];

	(void)arg;
	APART_CHECK(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
	APART_CHECK(mount("t", w.path, "tmpfs", 0, "size=2m") == 0);
	int fd = open(w.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	APART_CHECK(store_open(fd, &store, note, sizeof note, &err) == 0);
	APART_CHECK(keep_load(&keep, store, &crypto, &err) == 0);
	set(two_roles(1, "f", "w"));
	int full = openat(fd, "ballast", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	APART_CHECK(write(full, ballast, sizeof ballast) > 0);
	while (write(full, ballast, 4096) == 4096)
		;
	s = schedule_of(2, big, 1);
	APART_CHECK(keep_set(&keep, &s, &err) < 0);
	APART_CHECK(err.code == 1 && strstr(err.text, "No space left") != NULL);
	APART_CHECK(s.parts == NULL); /* taken and freed all the same */
	APART_CHECK(keep.has && hash_eq(&keep.current.hash, &one.hash));
	APART_CHECK(keep.history_count == 1 && held(&one));
	APART_CHECK(stored(STORE_HEADER) == 1 && stored(STORE_PART) == one.parts_count);
	/* Room again: no restart needed. */
	APART_CHECK(unlinkat(fd, "ballast", 0) == 0 && close(full) == 0);
	s = schedule_of(2, big, 1);
	APART_CHECK(keep_set(&keep, &s, &err) == 0 && keep.history_count == 2);
	keep_free(&keep);
	store_close(store);
	APART_CHECK(store_open(fd, &store, note, sizeof note, &err) == 0 && note[0] == '\0');
	APART_CHECK(keep_load(&keep, store, &crypto, &err) == 0);
	APART_CHECK(keep.has && keep.current.meta.stamp.seq == 2 && held(&one));
	keep_free(&keep);
	store_close(store);
	schedule_free(&one);
	close(fd);
	return 0;
}

static void
a_full_disk_keeps_the_old_schedule(void **state)
{
	(void)state;
	world_open(&w);
	world_apart(CLONE_NEWNS, disk_full, NULL);
	world_close(&w);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(nothing_is_held_at_first),
		T(it_comes_back_after_a_restart),
		T(the_history_is_whole_and_nothing_else_stays),
		T(the_same_schedule_again_is_one),
		T(a_schedule_that_lacks_a_part_is_left_out_and_given_back),
		T(other_bytes_under_a_hash_are_not_believed),
		T(an_odd_history_is_survived),
		T(what_is_held_is_filled_in),
		cmocka_unit_test(a_full_disk_keeps_the_old_schedule),
	};

	return cmocka_run_group_tests(tests, schedules_setup, NULL);
}
