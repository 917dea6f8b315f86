/*
 * test_ring.c - the cluster keys on disk: what is written is read, nothing old is
 * left in it, and a file that is not what it should be is an error that says so.
 */
#include "world.h"

#include <sodium.h>
#include <sys/resource.h>

#include "../../../daemon/io/ring.h"

static struct world w;
static struct keyring k;
static struct crypto c;
static struct err err;

static int
setup(void **state)
{
	(void)state;
	if (crypto_init(&err) != 0)
		return -1;
	world_open(&w);
	memset(&k, 0, sizeof k);
	memset(k.key, 5, sizeof k.key);
	k.has_key = true;
	crypto_fill(&c, &k);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	world_close(&w);
	return 0;
}

static void
one_key_is_in_no_file(void **state)
{
	struct keyring none = {.has_key = false};

	(void)state;
	assert_int_equal(ring_save(w.fd, &k, &(struct mesh_keys){.used = 0}, &err), 0);
	assert_int_equal(faccessat(w.fd, "keys", F_OK, 0), -1);
	assert_int_equal(ring_load(w.fd, &none, &err), 0);
	assert_false(none.has_key);
	assert_int_equal(ring_save(w.fd, &k, &(struct mesh_keys){.used = 1}, &err), -EXIT_STATE);
	assert_err(err, EXIT_STATE, "keys in state-dir: the cluster's key 1 is in use and is not in it: "
	    "remove it, and put the key of now (on another member: mesh keys export) where cluster-key says");
}

/* Through a whole change, as the engine saves it: read back at each step. */
static void
a_change_survives(void **state)
{
	static const struct mesh_keys steps[] = {{.used = 0, .next = true}, {.used = 1, .old = true},
	    {.used = 1}};
	uint8_t old[KEY_BYTES], bytes[512];
	size_t n;

	(void)state;
	memcpy(old, k.key, sizeof old);
	c.key_make(c.arg, 1);
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		struct keyring back = {.has_key = false};
		struct stat st;

		if (i == 2)
			c.key_drop(c.arg, 0);
		assert_int_equal(ring_save(w.fd, &k, &steps[i], &err), 0);
		assert_int_equal(k.epoch, steps[i].used);
		assert_int_equal(fstatat(w.fd, "keys", &st, 0), 0);
		assert_int_equal(st.st_mode & 07777, 0600);
		assert_int_equal(ring_load(w.fd, &back, &err), 0);
		assert_memory_equal(&back, &k, sizeof k.key);
		assert_int_equal(back.epoch, k.epoch);
		for (uint32_t e = 0; e < 3; e++)
			assert_true((crypto_key(&back, e) == NULL) == (crypto_key(&k, e) == NULL));
		assert_memory_equal(crypto_key(&back, 1), crypto_key(&k, 1), KEY_BYTES);
	}
	n = world_read(&w, "keys", bytes, sizeof bytes);
	for (size_t i = 0; i + KEY_BYTES <= n; i++)
		assert_memory_not_equal(bytes + i, old, KEY_BYTES);
	/* The administrator's file still has the old one: it is not taken. */
	assert_false(ring_offer(&k, 1, old));
	assert_null(crypto_key(&k, 0));
	assert_true(ring_offer(&k, 1, k.key));
}

/* It was asked for twice, and came again after this node joined a cluster whose key is
 * of another epoch. */
static void
the_file_never_replaces_the_key_in_use(void **state)
{
	uint8_t used[KEY_BYTES], other[KEY_BYTES] = {7};

	(void)state;
	c.key_make(c.arg, 0);
	memcpy(used, k.key, sizeof used);
	c.key_move(c.arg, 0, 5);
	assert_true(ring_offer(&k, 0, used));
	assert_false(ring_offer(&k, 0, other));
	assert_int_equal(k.epoch, 5);
	assert_memory_equal(crypto_key(&k, 5), used, KEY_BYTES);
}

static void
expect(int code, const char *text)
{
	struct keyring into = {.has_key = false};

	assert_int_equal(ring_load(w.fd, &into, &err), -code);
	assert_err(err, code, text);
	assert_false(into.has_key);
}

static void
bad_files_are_named(void **state)
{
	uint8_t good[512], bad[512];
	size_t n;

	(void)state;
	c.key_make(c.arg, 1);
	assert_int_equal(ring_save(w.fd, &k, &(struct mesh_keys){.used = 1, .old = true}, &err), 0);
	n = world_read(&w, "keys", good, sizeof good);
	assert_true(n > 100);
	for (size_t i = 0; i < n; i += 3) {
		memcpy(bad, good, n);
		bad[i] ^= 0x20;
		world_write(&w, "keys", bad, n, 0600);
		expect(EXIT_KEY, "keys: damaged: restore it, or remove it");
	}
	world_write(&w, "keys", good, n - 1, 0600);
	expect(EXIT_KEY, "keys: damaged");
	memcpy(bad, good, n);
	world_write(&w, "keys", bad, n + 1, 0600);
	expect(EXIT_KEY, "keys: damaged");
	world_write(&w, "keys", good, n, 0644);
	expect(EXIT_KEY, "keys: mode 0644, must be 0600");
	assert_int_equal(unlinkat(w.fd, "keys", 0), 0);
	assert_int_equal(symlinkat("elsewhere", w.fd, "keys"), 0);
	expect(EXIT_KEY, "open keys: ");
	assert_int_equal(unlinkat(w.fd, "keys", 0), 0);
	assert_int_equal(mkdirat(w.fd, "keys", 0700), 0);
	expect(EXIT_KEY, "keys: not a regular file");
}

/* The disk takes half of it: what it says of the rest is the error, and nothing of it stays. */
static int
half_a_disk(void *arg)
{
	const struct world *at = arg;
	struct rlimit most = {.rlim_cur = 50, .rlim_max = 50};

	APART_CHECK(signal(SIGXFSZ, SIG_IGN) != SIG_ERR && setrlimit(RLIMIT_FSIZE, &most) == 0);
	errno = 0;
	APART_CHECK(ring_save(at->fd, &k, &(struct mesh_keys){.used = 1, .old = true}, &err) == -EXIT_STATE);
	APART_CHECK(strcmp(err.text, "write keys: File too large") == 0);
	APART_CHECK(faccessat(at->fd, "keys", F_OK, 0) == -1);
	APART_CHECK(faccessat(at->fd, "keys.tmp", F_OK, 0) == -1);
	return 0;
}

static void
a_short_write_says_why(void **state)
{
	(void)state;
	c.key_make(c.arg, 1);
	world_apart(0, half_a_disk, &w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(one_key_is_in_no_file, setup, teardown),
	    cmocka_unit_test_setup_teardown(a_change_survives, setup, teardown),
	    cmocka_unit_test_setup_teardown(the_file_never_replaces_the_key_in_use, setup, teardown),
	    cmocka_unit_test_setup_teardown(bad_files_are_named, setup, teardown),
	    cmocka_unit_test_setup_teardown(a_short_write_says_why, setup, teardown),
	};

	return cmocka_run_group_tests_name("ring", tests, NULL, NULL);
}
