/*
 * test_ca.c - ca.key as a file, and real signatures: a token of it certifies a node, its
 * orders hold in its cluster, and what is not its own is refused.
 */
#include "world.h"

#include "../../../daemon/io/ca.h"
#include "../../../gossip/entry.h"

static struct world here;

static void
in(char path[128], const char *name)
{
	snprintf(path, 128, "%s/%s", here.path, name);
}

static int
setup(void **state)
{
	(void)state;
	world_open(&here);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	world_close(&here);
	return 0;
}

static void
made_once(void **state)
{
	char path[128];
	struct ca a, b;
	struct stat st;
	struct err err;

	(void)state;
	in(path, CA_FILE);
	assert_int_equal(ca_make(here.path, false, true, &a, &err), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(st.st_size, 32);
	assert_int_equal(ca_make(here.path, true, false, &b, &err), 0);
	assert_memory_equal(&a, &b, sizeof a);
	assert_int_equal(ca_open(path, &b, &err), 0);
	assert_memory_equal(&a, &b, sizeof a);
	/* A mesh init that was interrupted goes on with it; not where a cluster was, nor with
	 * one that was brought from elsewhere. */
	assert_int_equal(ca_make(here.path, false, true, &b, &err), 0);
	assert_memory_equal(&a, &b, sizeof a);
	assert_int_equal(ca_make(here.path, false, false, &b, &err), -EXIT_KEY);
	assert_non_null(strstr(err.text, "it is there already, of another cluster, or of an interrupted mesh init? move it aside first"));
	in(path, CA_FILE ".made");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(ca_make(here.path, false, true, &b, &err), -EXIT_KEY);
	assert_int_equal(ca_make("/nonexistent", false, true, &b, &err), -EXIT_STATE);
}

static void
bad_files(void **state)
{
	static const uint8_t zero[33], key[33] = {1, 2, 3};
	static const struct {
		const char *name;
		const uint8_t *bytes;
		size_t len;
		mode_t mode;
		const char *says;
	} rows[] = {
	    {"short", key, 31, 0600, "31 bytes, need 32"},
	    {"long", key, 33, 0600, "33 bytes, need 32"},
	    {"empty", key, 0, 0600, "0 bytes, need 32"},
	    {"open", key, 32, 0640, "mode 0640, must be 0600"},
	    {"zero", zero, 32, 0600, "key is all zero"},
	};
	char path[128], link[128];
	struct err err;
	struct ca ca;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		world_write(&here, rows[i].name, rows[i].bytes, rows[i].len, rows[i].mode);
		in(path, rows[i].name);
		assert_int_equal(ca_open(path, &ca, &err), -EXIT_KEY);
		if (strstr(err.text, rows[i].says) == NULL)
			fail_msg("%s: %s", rows[i].name, err.text);
	}
	world_write(&here, "good", key, 32, 0600);
	in(path, "good");
	in(link, "link");
	assert_int_equal(symlink(path, link), 0);
	assert_int_equal(ca_open(link, &ca, &err), -EXIT_KEY);
	assert_non_null(strstr(err.text, "is a symlink"));
	assert_int_equal(ca_open(here.path, &ca, &err), -EXIT_KEY);
	assert_non_null(strstr(err.text, "not a regular file"));
	in(link, "none");
	assert_int_equal(ca_open(link, &ca, &err), -EXIT_KEY);
	if (geteuid() == 0) { /* the engine's own file, in a directory that it may write to */
		assert_int_equal(chown(path, 64780, 64780), 0);
		assert_int_equal(ca_open(path, &ca, &err), -EXIT_KEY);
		assert_non_null(strstr(err.text, "whose CA is that?"));
	}
}

static void
the_whole_chain(void **state)
{
	static const uint8_t pk[KEY_BYTES] = {7}, body[48] = {1};
	char text[TOKEN_TEXT_CAP];
	uint8_t cluster[ID_BYTES], sig[SIG_BYTES];
	struct ca ca, other;
	struct token t, r;
	struct mesh_ca mine = {.cert_bytes = 0};
	struct crypto c;
	struct err err;
	size_t at;

	(void)state;
	assert_int_equal(ca_crypto(&c, &err), 0);
	assert_int_equal(ca_make(here.path, true, false, &ca, &err), 0);
	other = ca;
	other.pk[0] ^= 1;
	ca_token(&ca, 4000000000, 3, "eu", &t);
	token_write(&c, &t, text);
	assert_int_equal(token_read(&c, text, strlen(text), &r, &at), TOKEN_FINE);
	assert_memory_equal(&r, &t, sizeof t);
	memcpy(mine.pk, ca.pk, KEY_BYTES);
	mine.cert_bytes = ca_certify(&r, pk, "n1", "eu", mine.cert);
	assert_true(mesh_ca_holds(&c, &mine, pk, "n1"));
	assert_false(mesh_ca_holds(&c, &mine, pk, "n2"));
	assert_false(mesh_ca_holds(&c, &mine, ca.pk, "n1"));
	mine.pk[0] ^= 1;
	assert_false(mesh_ca_holds(&c, &mine, pk, "n1"));
	mine.pk[0] ^= 1;
	mine.cert_bytes = ca_certify(&r, pk, "n1", "us", mine.cert); /* not the token's zone */
	assert_false(mesh_ca_holds(&c, &mine, pk, "n1"));

	cert_cluster(&c, ca.pk, cluster);
	ca_sign_act(&ca, "evict", body, sizeof body, sig);
	assert_true(decree_holds(&c, ca.pk, cluster, "evict", body, sizeof body, sig));
	assert_false(decree_holds(&c, other.pk, cluster, "evict", body, sizeof body, sig));
	assert_false(decree_holds(&c, ca.pk, cluster, "recover", body, sizeof body, sig));
	ca_wipe(&ca);
	assert_int_equal(ca.sk[5], 0);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {T(made_once), T(bad_files), T(the_whole_chain)};
	struct crypto c;
	struct err err;

	if (ca_crypto(&c, &err) < 0)
		return 1;
	return cmocka_run_group_tests_name("ca", tests, NULL, NULL);
}
