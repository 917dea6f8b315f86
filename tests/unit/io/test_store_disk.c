/*
 * The store on disks that say no: read-only, full, failing; and a full map.
 */
#include "world.h"

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
		cmocka_unit_test(network_file_systems_are_known),
		cmocka_unit_test(a_read_only_disk_is_said),
		cmocka_unit_test(a_full_disk_is_survived),
		cmocka_unit_test(a_failing_disk_ends_with_the_state_code),
		cmocka_unit_test(a_full_map_is_survived),
	};

	return cmocka_run_group_tests_name("store on disks", tests, setup, NULL);
}
