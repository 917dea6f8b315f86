/*
 * Config trees from a real disk: what is read is what was hashed, and whatever
 * can't be part of a tree is said with its path.
 */
#include "world.h"

#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "../../../daemon/io/crypto.h"
#include "../../../daemon/io/tree.h"

static int
setup(void **state)
{
	struct err err;

	(void)state;
	return crypto_init(&err);
}

static void
sample(const struct world *w)
{
	assert_int_equal(mkdirat(w->fd, "s", 0755), 0);
	assert_int_equal(mkdirat(w->fd, "s/lib", 0755), 0);
	world_text(w, "s/main.lua", "return 1\n");
	world_text(w, "s/lib/a.lua", "a");
	world_text(w, "s/lib.lua", "b");
	world_text(w, "s/empty", "");
}

static struct hash
hash_of(const struct world *w, const char *dir)
{
	struct tree t;
	struct err err = { 0 };
	struct hash h;

	if (tree_read(w->fd, dir, &t, &err) != 0)
		fail_msg("%s", err.text);
	h = t.hash;
	tree_free(&t);
	return h;
}

static struct hash
stat_of(const struct world *w, const char *dir)
{
	struct err err = { 0 };
	struct hash h;

	if (tree_stat_hash(w->fd, dir, &h, &err) != 0)
		fail_msg("%s", err.text);
	return h;
}

static void
a_tree_is_read_sorted_and_whole(void **state)
{
	static const char *const want[][2] = {
		{ "empty", "" },
		{ "lib.lua", "b" },
		{ "lib/a.lua", "a" },
		{ "main.lua", "return 1\n" },
	};
	struct world w;
	struct tree t;
	struct err err;

	(void)state;
	world_open(&w);
	sample(&w);
	assert_int_equal(tree_read(w.fd, "s", &t, &err), 0);
	assert_int_equal(t.count, 4);
	assert_int_equal(t.bytes, 11);
	for (size_t i = 0; i < t.count; i++) {
		assert_string_equal(t.files[i].path, want[i][0]);
		assert_string_equal((char *)t.files[i].data, want[i][1]);
		assert_int_equal(t.files[i].len, strlen(want[i][1]));
	}
	assert_ptr_equal(tree_find(&t, "main.lua"), &t.files[3]);
	assert_null(tree_find(&t, "main.lu"));
	tree_free(&t);
	assert_null(tree_find(&t, "main.lua"));
	world_close(&w);
}

static void
leftovers_are_no_part_of_it(void **state)
{
	struct hash h;
	struct world w;

	(void)state;
	world_open(&w);
	sample(&w);
	h = hash_of(&w, "s");
	world_text(&w, "s/.main.lua.swp", "x");
	world_text(&w, "s/main.lua~", "x");
	world_text(&w, "s/#main.lua#", "x");
	assert_int_equal(mkdirat(w.fd, "s/.git", 0755), 0);
	world_text(&w, "s/.git/config", "x");
	assert_int_equal(symlinkat("nobody@host", w.fd, "s/.#main.lua"), 0);
	assert_memory_equal(h.b, hash_of(&w, "s").b, HASH_BYTES);
	world_close(&w);
}

/* The hash is of names and bytes alone. */
static void
hash_is_of_paths_and_contents(void **state)
{
	struct world w, v;
	struct hash h;

	(void)state;
	world_open(&w);
	world_open(&v);
	sample(&w);
	assert_int_equal(mkdirat(v.fd, "other-name", 0700), 0);
	world_text(&v, "other-name/empty", "");
	world_write(&v, "other-name/main.lua", "return 1\n", 9, 0600);
	assert_int_equal(mkdirat(v.fd, "other-name/lib", 0755), 0);
	world_text(&v, "other-name/lib/a.lua", "a");
	world_text(&v, "other-name/lib.lua", "b");
	h = hash_of(&w, "s");
	assert_memory_equal(h.b, hash_of(&v, "other-name").b, HASH_BYTES);
	world_text(&w, "s/main.lua", "return 2\n");
	assert_memory_not_equal(h.b, hash_of(&w, "s").b, HASH_BYTES);
	world_text(&w, "s/main.lua", "return 1\n");
	assert_memory_equal(h.b, hash_of(&w, "s").b, HASH_BYTES);
	assert_int_equal(renameat(w.fd, "s/empty", w.fd, "s/empt"), 0);
	assert_memory_not_equal(h.b, hash_of(&w, "s").b, HASH_BYTES);
	/* "ab" + "c" is not "a" + "bc". */
	assert_int_equal(mkdirat(w.fd, "x", 0755), 0);
	assert_int_equal(mkdirat(v.fd, "x", 0755), 0);
	world_text(&w, "x/ab", "c");
	world_text(&v, "x/a", "bc");
	assert_memory_not_equal(hash_of(&w, "x").b, hash_of(&v, "x").b, HASH_BYTES);
	world_close(&w);
	world_close(&v);
}

static void
refused(const struct world *w, const char *dir, const char *words)
{
	struct tree t;
	struct err err = { 0 };

	assert_int_equal(tree_read(w->fd, dir, &t, &err), -EXIT_CONFIG);
	assert_err(err, EXIT_CONFIG, words);
	assert_null(t.files);
	assert_int_equal(t.count, 0);
}

static void
what_is_no_file_is_named(void **state)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	struct world w;
	int fd;

	(void)state;
	world_open(&w);
	sample(&w);
	assert_int_equal(symlinkat("a.lua", w.fd, "s/lib/b.lua"), 0);
	refused(&w, "s", "s/lib/b.lua is a symlink");
	assert_int_equal(unlinkat(w.fd, "s/lib/b.lua", 0), 0);
	assert_int_equal(symlinkat("/etc", w.fd, "s/etc"), 0);
	refused(&w, "s", "s/etc is a symlink");
	assert_int_equal(unlinkat(w.fd, "s/etc", 0), 0);
	assert_int_equal(mkfifoat(w.fd, "s/pipe", 0600), 0);
	refused(&w, "s", "s/pipe is not a regular file");
	assert_int_equal(unlinkat(w.fd, "s/pipe", 0), 0);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	snprintf(un.sun_path, sizeof un.sun_path, "%s/s/sock", w.path);
	assert_int_equal(bind(fd, (struct sockaddr *)&un, sizeof un), 0);
	refused(&w, "s", "s/sock is not a regular file");
	close(fd);
	assert_int_equal(unlinkat(w.fd, "s/sock", 0), 0);
	world_text(&w, "s/a\033[2Jb", "x");
	refused(&w, "s", "s/a\\x1b[2Jb: a name must be plain");
	assert_int_equal(unlinkat(w.fd, "s/a\033[2Jb", 0), 0);
	world_text(&w, "s/\xff", "x");
	refused(&w, "s", "s/\\xff: a name must be plain");
	world_close(&w);
}

static void
the_directory_itself_must_be_one_below(void **state)
{
	struct world w;

	(void)state;
	world_open(&w);
	sample(&w);
	refused(&w, "nothing", "nothing: No such file");
	refused(&w, "s/main.lua", "s/main.lua: Not a directory");
	assert_int_equal(symlinkat("s", w.fd, "link"), 0);
	refused(&w, "link", "link is a symlink");
	refused(&w, "link/lib", "is a symlink");
	refused(&w, "../tmp", "../tmp: Invalid cross-device link");
	refused(&w, "/etc", "/etc: ");
	world_close(&w);
}

static void
bounds_are_held(void **state)
{
	char path[200] = "deep", name[64];
	struct world w;
	struct tree t;
	struct err err;
	int fd;

	(void)state;
	world_open(&w);
	/* One file: exactly the limit, then one byte more. */
	assert_int_equal(mkdirat(w.fd, "big", 0755), 0);
	world_text(&w, "big/f", "");
	fd = openat(w.fd, "big/f", O_WRONLY);
	assert_int_equal(ftruncate(fd, TREE_FILE_BYTES_MAX), 0);
	assert_int_equal(tree_read(w.fd, "big", &t, &err), 0);
	assert_int_equal(t.files[0].len, TREE_FILE_BYTES_MAX);
	tree_free(&t);
	assert_int_equal(ftruncate(fd, TREE_FILE_BYTES_MAX + 1), 0);
	refused(&w, "big", "big/f: 1048577 bytes, at most 1048576");
	/* All files: 16 of the largest, then one byte. */
	assert_int_equal(ftruncate(fd, TREE_FILE_BYTES_MAX), 0);
	close(fd);
	for (int i = 1; i < 16; i++) {
		snprintf(name, sizeof name, "big/f%d", i);
		world_text(&w, name, "");
		fd = openat(w.fd, name, O_WRONLY);
		assert_int_equal(ftruncate(fd, TREE_FILE_BYTES_MAX), 0);
		close(fd);
	}
	assert_int_equal(tree_read(w.fd, "big", &t, &err), 0);
	assert_int_equal(t.bytes, TREE_BYTES_MAX);
	tree_free(&t);
	world_text(&w, "big/g", "x");
	refused(&w, "big", "more than 16777216 bytes in one tree");
	/* Depth. */
	assert_int_equal(mkdirat(w.fd, path, 0755), 0);
	for (int i = 0; i < TREE_DEPTH_MAX; i++) {
		strcat(path, "/d");
		assert_int_equal(mkdirat(w.fd, path, 0755), 0);
	}
	strcat(path, "/f");
	world_text(&w, path, "x");
	assert_int_equal(tree_read(w.fd, "deep", &t, &err), 0);
	assert_int_equal(t.count, 1);
	tree_free(&t);
	path[strlen(path) - 1] = 'e';
	assert_int_equal(mkdirat(w.fd, path, 0755), 0);
	refused(&w, "deep", "more than 8 directories deep");
	world_close(&w);
}

static void
counts_are_held(void **state)
{
	char name[64];
	struct world w;
	struct tree t;
	struct err err;

	(void)state;
	world_open(&w);
	assert_int_equal(mkdirat(w.fd, "many", 0755), 0);
	for (int i = 0; i < TREE_FILES_MAX; i++) {
		snprintf(name, sizeof name, "many/%d", i);
		world_text(&w, name, "");
	}
	assert_int_equal(tree_read(w.fd, "many", &t, &err), 0);
	assert_int_equal(t.count, TREE_FILES_MAX);
	tree_free(&t);
	world_text(&w, "many/x", "");
	refused(&w, "many", "more than 4096 files in one tree");
	world_close(&w);
}

static void
fingerprint_sees_every_kind_of_change(void **state)
{
	static const uint8_t zero[HASH_BYTES];
	struct world w;
	struct hash h, n;

	(void)state;
	world_open(&w);
	assert_memory_equal(stat_of(&w, "s").b, zero, HASH_BYTES);
	sample(&w);
	h = stat_of(&w, "s");
	assert_memory_not_equal(h.b, zero, HASH_BYTES);
	assert_memory_equal(h.b, stat_of(&w, "s").b, HASH_BYTES);
	world_text(&w, "s/.main.lua.swp", "x");
	assert_memory_equal(h.b, stat_of(&w, "s").b, HASH_BYTES);
	world_text(&w, "s/lib/a.lua", "aa");
	n = stat_of(&w, "s");
	assert_memory_not_equal(h.b, n.b, HASH_BYTES);
	h = n;
	assert_int_equal(renameat(w.fd, "s/lib/a.lua", w.fd, "s/lib/b.lua"), 0);
	n = stat_of(&w, "s");
	assert_memory_not_equal(h.b, n.b, HASH_BYTES);
	h = n;
	assert_int_equal(unlinkat(w.fd, "s/empty", 0), 0);
	n = stat_of(&w, "s");
	assert_memory_not_equal(h.b, n.b, HASH_BYTES);
	h = n;
	/* Same name, size and time, another file: as rsync and cp -p replace. */
	world_text(&w, "s/tmp~", "return 9\n");
	struct stat st;

	assert_int_equal(fstatat(w.fd, "s/main.lua", &st, 0), 0);
	struct timespec times[2] = { st.st_atim, st.st_mtim };

	assert_int_equal(utimensat(w.fd, "s/tmp~", times, 0), 0);
	assert_int_equal(renameat(w.fd, "s/tmp~", w.fd, "s/main.lua"), 0);
	n = stat_of(&w, "s");
	assert_memory_not_equal(h.b, n.b, HASH_BYTES);
	h = n;
	assert_int_equal(symlinkat("x", w.fd, "s/new"), 0);
	assert_memory_not_equal(h.b, stat_of(&w, "s").b, HASH_BYTES);
	world_close(&w);
}

/* Somebody writes while we read: either the old or the new tree, or an error
 * that says so; never a mixture of one file. */
static void
a_changing_file_is_never_half_read(void **state)
{
	static uint8_t body[200 << 10];
	struct world w;
	int good = 0;
	pid_t pid;

	(void)state;
	world_open(&w);
	assert_int_equal(mkdirat(w.fd, "s", 0755), 0);
	memset(body, 'a', sizeof body);
	world_write(&w, "s/f", body, sizeof body, 0644);
	pid = fork();
	if (pid == 0) {
		for (int i = 0;; i++) {
			int fd = openat(w.fd, "s/f", O_WRONLY | O_TRUNC);

			memset(body, 'a' + i % 26, sizeof body);
			if (write(fd, body, sizeof body - (size_t)(i % 3)) < 0)
				_exit(1);
			close(fd);
			usleep(500);
		}
	}
	for (int i = 0; i < 400 || (good == 0 && i < 400000); i++) {
		struct tree t;
		struct err err = { 0 };

		if (tree_read(w.fd, "s", &t, &err) != 0) {
			assert_err(err, EXIT_CONFIG, "s/f: changed while it was read");
			continue;
		}
		for (size_t j = 1; j < t.files[0].len; j++)
			assert_int_equal(t.files[0].data[j], t.files[0].data[0]);
		good += t.files[0].len > 0;
		tree_free(&t);
	}
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_true(good > 0);
	world_close(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_tree_is_read_sorted_and_whole),
		cmocka_unit_test(leftovers_are_no_part_of_it),
		cmocka_unit_test(hash_is_of_paths_and_contents),
		cmocka_unit_test(what_is_no_file_is_named),
		cmocka_unit_test(the_directory_itself_must_be_one_below),
		cmocka_unit_test(bounds_are_held),
		cmocka_unit_test(counts_are_held),
		cmocka_unit_test(fingerprint_sees_every_kind_of_change),
		cmocka_unit_test(a_changing_file_is_never_half_read),
	};

	return cmocka_run_group_tests_name("tree", tests, setup, NULL);
}
