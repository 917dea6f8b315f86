/*
 * A node's identity: made once, kept for ever, and never guessed at when the
 * file looks wrong.
 */
#include "world.h"

#include <sodium.h>

#include "../../../daemon/io/crypto.h"
#include "../../../daemon/io/identity.h"

static int
setup(void **state)
{
	struct err err;

	(void)state;
	return crypto_init(&err);
}

static void
first_start_makes_it_and_the_next_reads_it(void **state)
{
	struct identity a, b;
	struct stat st;
	struct world w;
	struct err err;
	uint8_t raw[100];
	struct hash h;

	(void)state;
	world_open(&w);
	world_text(&w, "identity.key.tmp", "what a crash left");
	assert_int_equal(identity_open(w.fd, &a, &err), 0);
	assert_true(a.created);
	assert_int_equal(fstatat(w.fd, "identity.key", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(world_read(&w, "identity.key", raw, sizeof raw), 64);
	assert_int_equal(faccessat(w.fd, "identity.key.tmp", F_OK, 0), -1);
	assert_int_equal(identity_open(w.fd, &b, &err), 0);
	assert_false(b.created);
	assert_true(id_eq(&a.id, &b.id));
	assert_memory_equal(a.sk, b.sk, sizeof a.sk);
	assert_memory_equal(a.pk, b.pk, sizeof a.pk);
	crypto_hash256(&h, a.pk, sizeof a.pk);
	assert_memory_equal(a.id.b, h.b, ID_BYTES);
	world_close(&w);
}

static void
two_nodes_differ(void **state)
{
	struct identity a, b;
	struct world w, v;
	struct err err;

	(void)state;
	world_open(&w);
	world_open(&v);
	assert_int_equal(identity_open(w.fd, &a, &err), 0);
	assert_int_equal(identity_open(v.fd, &b, &err), 0);
	assert_false(id_eq(&a.id, &b.id));
	world_close(&w);
	world_close(&v);
}

static void
a_seed_of_32_bytes_is_enough(void **state)
{
	struct identity a, b;
	uint8_t raw[64];
	struct world w;
	struct err err;

	(void)state;
	world_open(&w);
	assert_int_equal(identity_open(w.fd, &a, &err), 0);
	world_read(&w, "identity.key", raw, sizeof raw);
	world_write(&w, "identity.key", raw, 32, 0600);
	assert_int_equal(identity_open(w.fd, &b, &err), 0);
	assert_memory_equal(a.sk, b.sk, sizeof a.sk);
	world_close(&w);
}

static void
wrong_files_are_refused_and_left_alone(void **state)
{
	static const struct {
		size_t len;
		mode_t mode;
		const char *words;
	} bad[] = {
		{ 64, 0644, "identity.key: mode 0644, must be 0600" },
		{ 64, 0660, "mode 0660" },
		{ 0, 0600, "0 bytes, need 64" },
		{ 31, 0600, "31 bytes, need 64" },
		{ 63, 0600, "63 bytes, need 64" },
		{ 65, 0600, "65 bytes, need 64" },
		{ 64, 0600, "damaged" },
	};
	uint8_t raw[100], after[100];
	struct identity id;
	struct world w;
	struct err err;

	(void)state;
	world_open(&w);
	memset(raw, 0x11, sizeof raw);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		world_write(&w, "identity.key", raw, bad[i].len, bad[i].mode);
		assert_int_equal(identity_open(w.fd, &id, &err), -EXIT_KEY);
		assert_err(err, EXIT_KEY, bad[i].words);
		assert_true(sodium_is_zero((uint8_t *)&id, sizeof id));
		assert_int_equal(world_read(&w, "identity.key", after, sizeof after), bad[i].len);
		assert_memory_equal(raw, after, bad[i].len);
	}
	memset(raw, 0, sizeof raw);
	world_write(&w, "identity.key", raw, 32, 0600);
	assert_int_equal(identity_open(w.fd, &id, &err), -EXIT_KEY);
	assert_err(err, EXIT_KEY, "all zero");
	world_close(&w);
}

static void
it_must_be_a_file(void **state)
{
	struct identity id;
	struct world w;
	struct err err;

	(void)state;
	world_open(&w);
	assert_int_equal(symlinkat("elsewhere", w.fd, "identity.key"), 0);
	assert_int_equal(identity_open(w.fd, &id, &err), -EXIT_KEY);
	assert_err(err, EXIT_KEY, "symlink");
	assert_int_equal(unlinkat(w.fd, "identity.key", 0), 0);
	assert_int_equal(mkfifoat(w.fd, "identity.key", 0600), 0);
	assert_int_equal(identity_open(w.fd, &id, &err), -EXIT_KEY);
	assert_err(err, EXIT_KEY, "not a regular file");
	assert_int_equal(unlinkat(w.fd, "identity.key", 0), 0);
	assert_int_equal(mkdirat(w.fd, "identity.key", 0700), 0);
	assert_int_equal(identity_open(w.fd, &id, &err), -EXIT_KEY);
	assert_err(err, EXIT_KEY, "not a regular file");
	world_close(&w);
}

static void
no_directory_is_a_state_error(void **state)
{
	struct identity id;
	struct world w;
	struct err err;

	(void)state;
	world_open(&w);
	assert_int_equal(rmdir(w.path), 0); /* open, but gone */
	assert_int_equal(identity_open(w.fd, &id, &err), -EXIT_STATE);
	assert_err(err, EXIT_STATE, "identity.key: No such file");
	close(w.fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_start_makes_it_and_the_next_reads_it),
		cmocka_unit_test(two_nodes_differ),
		cmocka_unit_test(a_seed_of_32_bytes_is_enough),
		cmocka_unit_test(wrong_files_are_refused_and_left_alone),
		cmocka_unit_test(it_must_be_a_file),
		cmocka_unit_test(no_directory_is_a_state_error),
	};

	return cmocka_run_group_tests_name("identity", tests, setup, NULL);
}
