/*
 * The store on a real disk, on a full one, on a read-only one, and over files
 * that somebody damaged: it starts, it never lies, it says what it lost.
 */
#include "world.h"

#include <lmdb.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>

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

static void
fill(struct store *s)
{
	for (int i = 0; i < KEYS; i++) {
		char key[32], text[600];

		snprintf(key, sizeof key, "key-%03d", i);
		memset(text, 'a' + i % 26, sizeof text);
		snprintf(text + 500, 100, "-%d", i);
		put_text(s, STORE_PART, key, text);
	}
}

static bool
check_one(void *arg, const uint8_t *key, size_t key_len, const uint8_t *body, size_t len)
{
	char name[16] = "", *end;
	int *count = arg;

	memcpy(name, key, key_len < 15 ? key_len : 15);
	long i = strtol(name + 4, &end, 10);

	assert_int_equal(key_len, 7);
	assert_true(len > 500 && body[0] == 'a' + i % 26);
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

/* --- disks --------------------------------------------------------------------- */

static void
network_file_systems_are_known(void **state)
{
	(void)state;
	assert_string_equal(store_network_fs(0x6969), "nfs");
	assert_string_equal(store_network_fs(0xff534d42), "smb");
	assert_null(store_network_fs(0xef53));
}

static int
read_only(void *arg)
{
	struct world *w = arg;
	struct store *s;
	char note[256];
	struct err err = { 0 };
	int fd;

	APART_CHECK(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
	APART_CHECK(mount("t", w->path, "tmpfs", MS_RDONLY, "size=1m") == 0);
	fd = open(w->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	APART_CHECK(fd >= 0);
	APART_CHECK(store_open(fd, &s, note, sizeof note, &err) == -EXIT_STATE);
	APART_CHECK(strstr(err.text, "cannot create /tmp/mesh-test-") != NULL);
	APART_CHECK(strstr(err.text, "/db: Read-only file system") != NULL);
	return 0;
}

static void
a_read_only_disk_is_said(void **state)
{
	struct world w;

	(void)state;
	world_open(&w);
	world_apart(CLONE_NEWNS, read_only, &w);
	world_close(&w);
}

static int
disk_full(void *arg)
{
	static uint8_t body[100 << 10], ballast[400 << 10];
	struct world *w = arg, in = { .fd = -1 };
	char note[256], key[16];
	struct store *s;
	struct err err = { 0 };
	uint8_t *out;
	size_t len;
	int n = 0, fd;

	APART_CHECK(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
	APART_CHECK(mount("t", w->path, "tmpfs", 0, "size=2m") == 0);
	in.fd = open(w->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	APART_CHECK(store_open(in.fd, &s, note, sizeof note, &err) == 0);
	fd = openat(in.fd, "ballast", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	APART_CHECK(write(fd, ballast, sizeof ballast) == sizeof ballast);
	for (; n < 100; n++) {
		snprintf(key, sizeof key, "%d", n);
		memset(body, n, sizeof body);
		if (store_put(s, STORE_PART, key, strlen(key), body, sizeof body, &err) != 0)
			break;
	}
	APART_CHECK(n > 5 && n < 20);
	APART_CHECK(err.code == 1 && strstr(err.text, "No space left") != NULL);
	/* Still there, and as it was. */
	APART_CHECK(store_get(s, STORE_PART, "5", 1, &out, &len, &err) == 1);
	APART_CHECK(len == sizeof body && out[0] == 5);
	free(out);
	APART_CHECK(store_get(s, STORE_PART, key, strlen(key), &out, &len, &err) == 0);
	/* Room again: it goes on without a restart, and survives one. */
	APART_CHECK(unlinkat(in.fd, "ballast", 0) == 0 && close(fd) == 0);
	APART_CHECK(store_put(s, STORE_PART, key, strlen(key), body, sizeof body, &err) == 0);
	store_close(s);
	APART_CHECK(store_open(in.fd, &s, note, sizeof note, &err) == 0 && note[0] == '\0');
	APART_CHECK(store_get(s, STORE_PART, key, strlen(key), &out, &len, &err) == 1);
	free(out);
	store_close(s);
	return 0;
}

static void
a_full_disk_is_survived(void **state)
{
	struct world w;

	(void)state;
	world_open(&w);
	world_apart(CLONE_NEWNS, disk_full, &w);
	world_close(&w);
}

static int
failing(void *arg)
{
	struct world *w = arg;
	struct store *s;
	char note[256];
	struct err err = { 0 };

	APART_CHECK(store_open(w->fd, &s, note, sizeof note, &err) == 0);
	signal(SIGXFSZ, SIG_IGN);
	APART_CHECK(setrlimit(RLIMIT_FSIZE, &(struct rlimit){ 0, 0 }) == 0);
	APART_CHECK(store_put(s, STORE_PART, "k", 1, "v", 1, &err) == -EXIT_STATE);
	APART_CHECK(err.code == EXIT_STATE);
	return 0;
}

static void
a_failing_disk_ends_with_the_state_code(void **state)
{
	struct store *s;
	struct world w;
	struct err err;
	uint8_t *out;
	size_t len;

	(void)state;
	world_open(&w);
	world_apart(0, failing, &w);
	s = open_quiet(&w);
	assert_int_equal(store_get(s, STORE_PART, "k", 1, &out, &len, &err), 0);
	store_close(s);
	world_close(&w);
}

/* More than the map holds: nothing is lost, and deleting makes room. */
static void
a_full_map_is_survived(void **state)
{
	size_t len = 6 << 20, got;
	uint8_t *body = calloc(1, len), *out;
	struct store *s;
	struct world w;
	struct err err;
	char key;

	(void)state;
	world_open(&w);
	s = open_quiet(&w);
	for (key = 'a'; key <= 'z'; key++)
		if (store_put(s, STORE_ROUND, &key, 1, body, len, &err) != 0)
			break;
	assert_true(key > 'f' && key < 'z');
	assert_err(err, 1, "MDB_MAP_FULL");
	assert_int_equal(store_get(s, STORE_ROUND, "a", 1, &out, &got, &err), 1);
	free(out);
	assert_int_equal(store_del(s, STORE_ROUND, "a", 1, &err), 0);
	assert_int_equal(store_del(s, STORE_ROUND, "b", 1, &err), 0);
	put_text(s, STORE_MISC, "tick", "1");
	assert_int_equal(store_put(s, STORE_ROUND, &key, 1, body, len, &err), 0);
	free(body);
	store_close(s);
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
		cmocka_unit_test(network_file_systems_are_known),
		cmocka_unit_test(a_read_only_disk_is_said),
		cmocka_unit_test(a_full_disk_is_survived),
		cmocka_unit_test(a_failing_disk_ends_with_the_state_code),
		cmocka_unit_test(a_full_map_is_survived),
	};

	return cmocka_run_group_tests_name("store", tests, setup, NULL);
}
