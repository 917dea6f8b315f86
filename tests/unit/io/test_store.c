/*
 * The store on a real disk, and over files that somebody damaged: it starts, it
 * never lies, it says what it lost.
 */
#include "world.h"

#include <lmdb.h>

#include "../../../daemon/io/crypto.h"
#include "../../../daemon/io/store_check.h"

static int
setup(void **state)
{
	struct err err;

	(void)state;
	return crypto_init(&err);
}

static struct store *
open_quiet(const struct world *w)
{
	char note[256];
	struct store *s;
	struct err err = { 0 };

	if (store_open(w->fd, &s, note, sizeof note, &err) != 0)
		fail_msg("%s", err.text);
	assert_string_equal(note, "");
	return s;
}

static void
put_text(struct store *s, enum store_kind kind, const char *key, const char *text)
{
	struct err err;

	assert_int_equal(store_put(s, kind, key, strlen(key), text, strlen(text), &err), 0);
}

static void
assert_text(struct store *s, enum store_kind kind, const char *key, const char *text)
{
	uint8_t *out;
	size_t len;
	struct err err;

	assert_int_equal(store_get(s, kind, key, strlen(key), &out, &len, &err), 1);
	assert_int_equal(len, strlen(text));
	assert_string_equal((char *)out, text);
	free(out);
}

static void
values_come_back_after_a_restart(void **state)
{
	struct store *s;
	struct world w;
	struct err err;
	uint8_t *out;
	size_t len;

	(void)state;
	world_open(&w);
	s = open_quiet(&w);
	put_text(s, STORE_ROSTER, "r", "one");
	put_text(s, STORE_ROSTER, "r", "two");
	put_text(s, STORE_ROSTER, "r", "two");
	put_text(s, STORE_PART, "r", "other kind");
	put_text(s, STORE_PART, "empty", "");
	store_close(s);
	s = open_quiet(&w);
	assert_text(s, STORE_ROSTER, "r", "two");
	assert_text(s, STORE_PART, "r", "other kind");
	assert_text(s, STORE_PART, "empty", "");
	assert_int_equal(store_get(s, STORE_ROUND, "r", 1, &out, &len, &err), 0);
	assert_null(out);
	assert_int_equal(store_del(s, STORE_ROSTER, "r", 1, &err), 0);
	assert_int_equal(store_del(s, STORE_ROSTER, "r", 1, &err), 0);
	assert_int_equal(store_get(s, STORE_ROSTER, "r", 1, &out, &len, &err), 0);
	store_close(s);
	world_close(&w);
}

struct walk {
	char text[256];
	int left;
};

static bool
collect(void *arg, const uint8_t *key, size_t key_len, const uint8_t *body, size_t len)
{
	struct walk *k = arg;
	size_t at = strlen(k->text);

	snprintf(k->text + at, sizeof k->text - at, "%.*s=%.*s ", (int)key_len,
	    (const char *)key, (int)len, (const char *)body);
	return --k->left > 0;
}

static void
each_walks_one_kind_in_order(void **state)
{
	struct walk all = { .left = 100 }, two = { .left = 2 }, none = { .left = 100 };
	struct store *s;
	struct world w;
	struct err err;

	(void)state;
	world_open(&w);
	s = open_quiet(&w);
	put_text(s, STORE_PART, "b", "2");
	put_text(s, STORE_PART, "a", "1");
	put_text(s, STORE_PART, "c", "3");
	put_text(s, STORE_HEADER, "z", "x");
	put_text(s, STORE_PEER, "0", "y");
	assert_int_equal(store_each(s, STORE_PART, collect, &all, &err), 0);
	assert_string_equal(all.text, "a=1 b=2 c=3 ");
	assert_int_equal(store_each(s, STORE_PART, collect, &two, &err), 0);
	assert_string_equal(two.text, "a=1 b=2 ");
	assert_int_equal(store_each(s, STORE_MISC, collect, &none, &err), 0);
	assert_string_equal(none.text, "");
	store_close(s);
	world_close(&w);
}

static void
big_and_binary_values(void **state)
{
	size_t len = STORE_BODY_BYTES_MAX, got;
	uint8_t *body = malloc(len + 1), key[STORE_KEY_BYTES_MAX], *out;
	struct store *s;
	struct world w;
	struct err err;

	(void)state;
	world_open(&w);
	s = open_quiet(&w);
	crypto_random(body, len + 1);
	memset(key, 0, sizeof key);
	assert_int_equal(store_put(s, STORE_PART, key, sizeof key, body, len, &err), 0);
	assert_int_equal(store_put(s, STORE_PART, key, sizeof key, body, len + 1, &err), -1);
	assert_err(err, 1, "at most");
	store_close(s);
	s = open_quiet(&w);
	assert_int_equal(store_get(s, STORE_PART, key, sizeof key, &out, &got, &err), 1);
	assert_int_equal(got, len);
	assert_memory_equal(out, body, len);
	free(out);
	free(body);
	store_close(s);
	world_close(&w);
}

/* No helper may inherit the database (or anything else of ours). */
static void
descriptors_are_close_on_exec(void **state)
{
	struct store *s;
	struct world w;
	int seen = 0;

	(void)state;
	world_open(&w);
	s = open_quiet(&w);
	for (int fd = 3; fd < 256; fd++) {
		char link[64], path[256] = "";

		snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
		if (readlink(link, path, sizeof path - 1) < 0 ||
		    strncmp(path, w.path, strlen(w.path)) != 0)
			continue;
		assert_true((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
		seen += strstr(path, "data.mdb") != NULL;
	}
	assert_true(seen >= 1);
	store_close(s);
	world_close(&w);
}

static void
one_engine_at_a_time(void **state)
{
	struct store *s, *t;
	char note[256];
	struct world w;
	struct err err;

	(void)state;
	world_open(&w);
	s = open_quiet(&w);
	assert_int_equal(store_open(w.fd, &t, note, sizeof note, &err), -EXIT_STATE);
	assert_null(t);
	assert_err(err, EXIT_STATE, "another engine uses it");
	store_close(s);
	s = open_quiet(&w);
	store_close(s);
	world_close(&w);
}

/* --- damage ------------------------------------------------------------------ */

enum { KEYS = 200 };

static size_t
text_of(long i, char text[600])
{
	memset(text, 'a' + (int)(i % 26), 500);
	return 500 + (size_t)snprintf(text + 500, 100, "-%ld", i);
}

static void
fill(struct store *s)
{
	for (int i = 0; i < KEYS; i++) {
		char key[32], text[600];

		snprintf(key, sizeof key, "key-%03d", i);
		text_of(i, text);
		put_text(s, STORE_PART, key, text);
	}
}

static bool
check_one(void *arg, const uint8_t *key, size_t key_len, const uint8_t *body, size_t len)
{
	char name[32], text[600];
	int *count = arg;

	snprintf(name, sizeof name, "key-%03d", *count);
	assert_int_equal(key_len, strlen(name));
	assert_memory_equal(key, name, key_len);
	assert_int_equal(len, text_of(*count, text));
	assert_memory_equal(body, text, len);
	++*count;
	return true;
}

static int
corrupt_dirs(const struct world *w)
{
	DIR *d = opendir(w->path);
	int n = 0;

	for (struct dirent *e; (e = readdir(d)) != NULL;)
		n += strncmp(e->d_name, "db.corrupt-", 11) == 0;
	closedir(d);
	return n;
}

/* Open it: all records are there and right, or none, with a note.  Nothing
 * between.  True if it was set aside. */
static bool
all_or_nothing(const struct world *w)
{
	struct store *s;
	char note[256];
	struct err err = { 0 };
	int count = 0;

	if (store_open(w->fd, &s, note, sizeof note, &err) != 0)
		fail_msg("%s", err.text);
	assert_int_equal(store_each(s, STORE_PART, check_one, &count, &err), 0);
	if (note[0] != '\0') {
		assert_non_null(strstr(note, "state database corrupt ("));
		assert_non_null(strstr(note, "kept as db.corrupt-"));
		assert_int_equal(count, 0);
	} else
		assert_int_equal(count, KEYS);
	put_text(s, STORE_MISC, "works", "again");
	assert_text(s, STORE_MISC, "works", "again");
	store_close(s);
	return note[0] != '\0';
}

static uint32_t
prng(uint32_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 17;
	return *x ^= *x << 5;
}

static void
damage(uint8_t *f, size_t len, int kind, uint32_t *x)
{
	size_t page = 4096 * (prng(x) % (len / 4096)), at = prng(x) % len;

	if (kind == 0)
		f[at] ^= (uint8_t)(1 << prng(x) % 8);
	else if (kind == 1)
		memset(f + page, 0, 4096);
	else if (kind == 2)
		for (size_t i = 0; i < 4096; i++)
			f[page + i] = (uint8_t)prng(x);
	else
		memmove(f + page, f + 4096 * (prng(x) % (len / 4096)), 4096);
}

/* Bit flips, zeroed, random and misplaced pages (LMDB alone: crashes, hangs and
 * silently wrong data). */
static void
damaged_files_are_never_believed(void **state)
{
	size_t cap = 2 << 20, len;
	uint8_t *whole = malloc(cap), *bad = malloc(cap);
	uint32_t x = 2463534242u;
	int aside = 0;
	struct store *s;
	struct world w;

	(void)state;
	world_open(&w);
	s = open_quiet(&w);
	fill(s);
	store_close(s);
	len = world_read(&w, "db/data.mdb", whole, cap);
	assert_true(len > 20 * 4096 && len < cap);
	for (int i = 0; i < 120; i++) {
		memcpy(bad, whole, len);
		damage(bad, len, i % 4, &x);
		world_write(&w, "db/data.mdb", bad, len, 0600);
		aside += all_or_nothing(&w);
	}
	/* Free pages and slack take some of the blows; not most of them. */
	assert_true(aside > 40);
	assert_int_equal(corrupt_dirs(&w), 2);
	free(whole);
	free(bad);
	world_close(&w);
}

static void
truncated_empty_and_foreign_files_are_set_aside(void **state)
{
	static const size_t lens[] = { 0, 1, 100, 4096, 8192, 5 * 4096, 30 * 4096 };
	size_t cap = 2 << 20, len;
	uint8_t *whole = malloc(cap);
	struct store *s;
	struct world w;

	(void)state;
	world_open(&w);
	s = open_quiet(&w);
	fill(s);
	store_close(s);
	len = world_read(&w, "db/data.mdb", whole, cap);
	for (size_t i = 0; i < ARRAY_LEN(lens); i++) {
		assert_true(lens[i] < len);
		world_write(&w, "db/data.mdb", whole, lens[i], 0600);
		assert_true(all_or_nothing(&w));
	}
	memset(whole, 'x', len);
	world_write(&w, "db/data.mdb", whole, len, 0600);
	assert_true(all_or_nothing(&w));
	assert_int_equal(unlinkat(w.fd, "db/data.mdb", 0), 0);
	assert_int_equal(mkdirat(w.fd, "db/data.mdb", 0700), 0);
	assert_true(all_or_nothing(&w));
	assert_int_equal(corrupt_dirs(&w), 2);
	free(whole);
	world_close(&w);
}

/* Write one raw record with LMDB alone. */
static void
raw_put(const struct world *w, const void *key, size_t key_len, const void *val, size_t len)
{
	MDB_val k = { key_len, (void *)(uintptr_t)key }, v = { len, (void *)(uintptr_t)val };
	char path[128];
	MDB_env *env;
	MDB_txn *txn;
	MDB_dbi dbi;

	snprintf(path, sizeof path, "%s/db", w->path);
	mkdir(path, 0700);
	assert_int_equal(mdb_env_create(&env), 0);
	assert_int_equal(mdb_env_open(env, path, MDB_NOLOCK, 0600), 0);
	assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
	assert_int_equal(mdb_dbi_open(txn, NULL, 0, &dbi), 0);
	assert_int_equal(mdb_put(txn, dbi, &k, &v, 0), 0);
	assert_int_equal(mdb_txn_commit(txn), 0);
	mdb_env_close(env);
}

static void
another_programs_database_is_set_aside(void **state)
{
	struct store *s;
	char note[256];
	struct world w;
	struct err err;

	(void)state;
	world_open(&w);
	raw_put(&w, "their key", 9, "their value", 11);
	assert_int_equal(store_open(w.fd, &s, note, sizeof note, &err), 0);
	assert_non_null(strstr(note, "bad checksum"));
	store_close(s);
	world_close(&w);
}

static void
a_newer_schema_is_refused_and_kept(void **state)
{
	uint8_t key[STORE_KEY_CAP], val[STORE_HEAD_BYTES + 4 + STORE_SUM_BYTES];
	size_t n = store_key(key, STORE_META, "schema", 6);
	struct store *s;
	char note[256];
	struct world w;
	struct err err;

	(void)state;
	world_open(&w);
	store_encode(val, key, n, "\5\0\0\0", 4);
	raw_put(&w, key, n, val, sizeof val);
	assert_int_equal(store_open(w.fd, &s, note, sizeof note, &err), -EXIT_STATE);
	assert_err(err, EXIT_STATE,
	    "state schema 5 is newer than this meshd understands (1); upgrade");
	assert_int_equal(corrupt_dirs(&w), 0);
	world_close(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_come_back_after_a_restart),
		cmocka_unit_test(each_walks_one_kind_in_order),
		cmocka_unit_test(big_and_binary_values),
		cmocka_unit_test(descriptors_are_close_on_exec),
		cmocka_unit_test(one_engine_at_a_time),
		cmocka_unit_test(damaged_files_are_never_believed),
		cmocka_unit_test(truncated_empty_and_foreign_files_are_set_aside),
		cmocka_unit_test(another_programs_database_is_set_aside),
		cmocka_unit_test(a_newer_schema_is_refused_and_kept),
	};

	return cmocka_run_group_tests_name("store", tests, setup, NULL);
}
