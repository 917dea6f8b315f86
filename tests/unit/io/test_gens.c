/*
 * Rendered generations on a real disk: what a reader sees is one generation,
 * whole; and whatever a crash or a stranger left there is coped with.
 */
#include "world.h"

#include <sys/mount.h>

#include "../../../daemon/base/own.h"
#include "../../../daemon/io/gens.h"

static struct world w;
static int role = -1;

static int
setup(void **state)
{
	struct err err = { 0 };

	(void)state;
	world_open(&w);
	assert_int_equal(mkdirat(w.fd, "rendered", 0755), 0);
	assert_int_equal(mkdirat(w.fd, "rendered/web", 0775), 0);
	role = gens_open(w.fd, "web", &err);
	return role >= 0 ? 0 : -1;
}

static int
teardown(void **state)
{
	(void)state;
	close(role);
	world_close(&w);
	return 0;
}

static struct gens_file
file(const char *name, const char *text, uint32_t mode)
{
	struct gens_file f = { .data = (const uint8_t *)text, .len = strlen(text), .mode = mode };

	snprintf(f.name, sizeof f.name, "%s", name);
	return f;
}

static void
text_is(const char *path, const char *want)
{
	char full[128], buf[256] = "";

	snprintf(full, sizeof full, "rendered/web/%s", path);
	assert_int_equal(world_read(&w, full, buf, sizeof buf - 1), strlen(want));
	assert_string_equal(buf, want);
}

static bool
there(const char *path)
{
	struct stat st;

	return fstatat(role, path, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static uint32_t
mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(fstatat(role, path, &st, AT_SYMLINK_NOFOLLOW), 0);
	return st.st_mode & 07777;
}

static void
link_is(const char *want)
{
	char target[64];
	ssize_t n = readlinkat(role, "current", target, sizeof target - 1);

	assert_true(n > 0);
	target[n] = '\0';
	assert_string_equal(target, want);
}

static void
write_beside(const char *path, const char *text)
{
	char full[128];

	snprintf(full, sizeof full, "rendered/web/%s", path);
	world_text(&w, full, text);
}

static void
stage(const struct gens_file *files, size_t count)
{
	struct err err = { 0 };

	if (gens_stage(role, files, count, &err) != 0)
		fail_msg("%s", err.text);
}

static void
publish(const struct gens_file *files, size_t count, uint64_t gen)
{
	struct err err = { 0 };
	uint64_t got = 0;

	stage(files, count);
	if (gens_switch(role, &got, &err) != 0)
		fail_msg("%s", err.text);
	assert_int_equal(got, gen);
}

/* Is this the current generation?  gen as gens_compare says it. */
static bool
same(struct gens_file *files, size_t count, uint64_t *gen)
{
	struct err err = { 0 };
	bool is = false;

	if (gens_compare(role, files, count, &is, gen, &err) != 0)
		fail_msg("%s", err.text);
	return is;
}

static void
the_first_generation_is_all_new(void **state)
{
	struct gens_file f[] = { file("a", "1", 0644), file("b", "", 0600) };
	uint64_t gen = 9;

	(void)state;
	assert_false(same(f, 2, &gen));
	assert_int_equal(gen, 0);
	assert_true(f[0].changed && f[1].changed);
	assert_false(same(f, 0, &gen)); /* no files, and never rendered: still to do */
	stage(f, 2);
	text_is("check/current/a", "1");
	assert_false(there("current")); /* staged is not published */
	publish(f, 2, 1);
	link_is("gens/1");
	text_is("current/a", "1");
	text_is("current/b", "");
	assert_true(same(f, 2, &gen));
	assert_int_equal(gen, 1);
	assert_false(f[0].changed || f[1].changed);
	/* Whatever our umask, the application's user reads it. */
	assert_int_equal(mode_of("gens"), 0755);
	assert_int_equal(mode_of("gens/1"), 0755);
	assert_int_equal(mode_of("gens/1/a"), 0644);
	assert_int_equal(mode_of("gens/1/b"), 0600);
}

static void
the_umask_does_not_matter(void **state)
{
	mode_t old = umask(077);
	struct gens_file f[] = { file("a", "1", 0755) };

	(void)state;
	publish(f, 1, 1);
	umask(old);
	assert_int_equal(mode_of("gens"), 0755);
	assert_int_equal(mode_of("gens/1"), 0755);
	assert_int_equal(mode_of("gens/1/a"), 0755);
	assert_int_equal(mode_of("check"), 0755);
}

static void
any_difference_is_seen_and_named(void **state)
{
	struct gens_file one[] = { file("a", "one", 0644), file("b", "two", 0644) };
	struct gens_file text[] = { file("a", "onE", 0644), file("b", "two", 0644) };
	struct gens_file longer[] = { file("a", "one", 0644), file("b", "two2", 0644) };
	struct gens_file shorter[] = { file("a", "on", 0644), file("b", "two", 0644) };
	struct gens_file mode[] = { file("a", "one", 0600), file("b", "two", 0644) };
	struct gens_file fewer[] = { file("a", "one", 0644) };
	struct gens_file more[] = { file("a", "one", 0644), file("b", "two", 0644),
		file("c", "", 0644) };
	struct gens_file renamed[] = { file("a", "one", 0644), file("c", "two", 0644) };
	uint64_t gen;

	(void)state;
	publish(one, 2, 1);
	assert_true(same(one, 2, &gen));
	assert_false(same(text, 2, &gen));
	assert_true(text[0].changed && !text[1].changed);
	assert_false(same(longer, 2, &gen));
	assert_true(!longer[0].changed && longer[1].changed);
	assert_false(same(shorter, 2, &gen));
	assert_true(shorter[0].changed && !shorter[1].changed);
	assert_false(same(mode, 2, &gen));
	assert_true(mode[0].changed && !mode[1].changed);
	assert_false(same(fewer, 1, &gen)); /* b left the set */
	assert_false(fewer[0].changed);
	assert_false(same(fewer, 0, &gen));
	assert_false(same(more, 3, &gen));
	assert_true(!more[0].changed && !more[1].changed && more[2].changed);
	assert_false(same(renamed, 2, &gen));
	assert_true(!renamed[0].changed && renamed[1].changed);
	assert_true(same(one, 2, &gen)); /* looking changed nothing */
}

static void
large_files_are_compared_to_the_last_byte(void **state)
{
	size_t len = (2 << 20) + 17;
	char *a = malloc(len + 1), *b = malloc(len + 1);
	struct gens_file f, g;
	uint64_t gen;

	(void)state;
	memset(a, 'x', len);
	a[len] = '\0';
	memcpy(b, a, len + 1);
	b[len - 1] = 'y';
	f = file("big", a, 0644);
	g = file("big", b, 0644);
	publish(&f, 1, 1);
	assert_true(same(&f, 1, &gen));
	assert_false(same(&g, 1, &gen));
	free(a);
	free(b);
}

static void
three_generations_stay(void **state)
{
	char text[16], path[32];

	(void)state;
	for (uint64_t n = 1; n <= 12; n++) {
		struct gens_file f;

		snprintf(text, sizeof text, "%d", (int)n);
		f = file("a", text, 0644);
		publish(&f, 1, n);
		text_is("current/a", text);
		for (uint64_t k = 1; k <= n; k++) {
			snprintf(path, sizeof path, "gens/%d", (int)k);
			assert_int_equal(there(path), k + GENS_KEPT > n);
		}
	}
	assert_false(there("next"));
	assert_false(there("check/current"));
}

/* A reader that has opened the directory keeps what it saw. */
static void
who_reads_the_old_one_goes_on_reading_it(void **state)
{
	struct gens_file one = file("a", "old", 0644), two = file("a", "new", 0644);
	char buf[8] = "";

	(void)state;
	publish(&one, 1, 1);
	AUTO_CLOSE int dir = openat(role, "current", O_DIRECTORY | O_RDONLY | O_CLOEXEC);
	AUTO_CLOSE int fd = openat(dir, "a", O_RDONLY | O_CLOEXEC);
	publish(&two, 1, 2);
	assert_int_equal(read(fd, buf, sizeof buf), 3);
	assert_string_equal(buf, "old");
	AUTO_CLOSE int again = openat(dir, "a", O_RDONLY | O_CLOEXEC);
	assert_true(again >= 0);
	text_is("current/a", "new");
}

/* --- what a crash leaves -------------------------------------------------------- */

static void
a_half_staged_set_is_staged_anew(void **state)
{
	struct gens_file f[] = { file("a", "1", 0644) };

	(void)state;
	assert_int_equal(mkdirat(role, "check", 0700), 0);
	stage(f, 1); /* died after the first mkdir */
	write_beside("check/current/half", "torn");
	write_beside("check/current/a", "torn");
	stage(f, 1);
	text_is("check/current/a", "1");
	assert_false(there("check/current/half"));
	/* A file where the directory should be. */
	assert_int_equal(unlinkat(role, "check/current/a", 0), 0);
	assert_int_equal(unlinkat(role, "check/current", AT_REMOVEDIR), 0);
	assert_int_equal(unlinkat(role, "check", AT_REMOVEDIR), 0);
	write_beside("check", "a file");
	stage(f, 1);
	text_is("check/current/a", "1");
}

static void
a_crash_before_the_link_leaves_the_old_generation(void **state)
{
	struct gens_file one = file("a", "1", 0644), two = file("a", "2", 0644);
	uint64_t gen;

	(void)state;
	publish(&one, 1, 1);
	stage(&two, 1);
	assert_int_equal(renameat(role, "check/current", role, "gens/2"), 0);
	text_is("current/a", "1");
	assert_true(same(&one, 1, &gen));
	assert_false(same(&two, 1, &gen));
	assert_int_equal(gen, 1);
	publish(&two, 1, 3); /* above the leftover gens/2 */
	link_is("gens/3");
	text_is("current/a", "2");
}

static void
a_crash_between_link_and_rename_is_healed(void **state)
{
	struct gens_file one = file("a", "1", 0644), two = file("a", "2", 0644);
	uint64_t gen;

	(void)state;
	publish(&one, 1, 1);
	assert_int_equal(symlinkat("gens/77", role, "next"), 0);
	assert_true(same(&one, 1, &gen));
	publish(&two, 1, 2);
	link_is("gens/2");
	assert_false(there("next"));
}

static void
a_link_to_nothing_is_rendered_again(void **state)
{
	struct gens_file f = file("a", "1", 0644);
	uint64_t gen;

	(void)state;
	assert_int_equal(mkdirat(role, "gens", 0755), 0);
	assert_int_equal(symlinkat("gens/5", role, "current"), 0);
	assert_false(same(&f, 1, &gen));
	assert_int_equal(gen, 5);
	assert_true(f.changed);
	publish(&f, 1, gen + 1);
	link_is("gens/6");
	text_is("current/a", "1");
}

static void
a_lost_link_starts_over(void **state)
{
	struct gens_file one = file("a", "1", 0644), two = file("a", "2", 0644);
	uint64_t gen;

	(void)state;
	publish(&one, 1, 1);
	publish(&two, 1, 2);
	assert_int_equal(unlinkat(role, "current", 0), 0);
	assert_false(same(&two, 1, &gen));
	assert_int_equal(gen, 0);
	publish(&two, 1, 3); /* above what is there */
	link_is("gens/3");
	text_is("current/a", "2");
}

static void
a_switch_without_a_stage_changes_nothing(void **state)
{
	struct gens_file one = file("a", "1", 0644);
	struct err err = { 0 };
	uint64_t gen;

	(void)state;
	publish(&one, 1, 1);
	assert_true(gens_switch(role, &gen, &err) < 0);
	assert_err(err, EXIT_STATE, "gens/2: No such file");
	link_is("gens/1");
	text_is("current/a", "1");
}

/* --- what a stranger leaves -------------------------------------------------------- */

static void
no_symlink_leads_out(void **state)
{
	struct gens_file f[] = { file("a", "secret", 0644) };
	struct err err = { 0 };
	uint64_t gen;

	(void)state;
	assert_int_equal(mkdirat(w.fd, "outside", 0755), 0);
	world_text(&w, "outside/a", "secret");
	assert_int_equal(symlinkat("web", w.fd, "rendered/alias"), 0);
	assert_int_equal(symlinkat("../outside", w.fd, "rendered/out"), 0);
	assert_int_equal(gens_open(w.fd, "alias", &err), -1);
	assert_err(err, EXIT_STATE, "rendered/alias: Too many levels of symbolic links");
	assert_int_equal(gens_open(w.fd, "out", &err), -1);
	assert_int_equal(gens_open(w.fd, "absent", &err), -1);
	assert_err(err, EXIT_STATE, "rendered/absent: No such file or directory");
	/* A generation, a file or `check` that is a symlink. */
	assert_int_equal(symlinkat("gens/1", role, "current"), 0);
	assert_int_equal(mkdirat(role, "gens", 0755), 0);
	assert_int_equal(symlinkat("../../../outside", role, "gens/1"), 0);
	bool is = true;
	assert_true(gens_compare(role, f, 1, &is, &gen, &err) < 0);
	assert_err(err, EXIT_STATE, "gens/1: Too many levels of symbolic links");
	assert_false(is);
	assert_int_equal(unlinkat(role, "gens/1", 0), 0);
	assert_int_equal(mkdirat(role, "gens/1", 0755), 0);
	assert_int_equal(symlinkat("../../../../outside/a", role, "gens/1/a"), 0);
	assert_false(same(f, 1, &gen)); /* the same bytes, but not ours */
	assert_true(f[0].changed);
	assert_int_equal(symlinkat("../../outside", role, "check"), 0);
	publish(f, 1, 2);
	assert_int_equal(gens_clear(role, &err), 0);
	assert_false(there("gens"));
	char buf[16] = "";
	assert_int_equal(world_read(&w, "outside/a", buf, sizeof buf), 6); /* untouched */
}

static void
a_link_that_is_no_generation_is_none(void **state)
{
	static const char *const odd[] = { "/etc", "gens/", "gens/x", "../web/gens/1", "gens" };
	struct gens_file f = file("a", "1", 0644);
	uint64_t gen;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(odd); i++) {
		assert_int_equal(symlinkat(odd[i], role, "current"), 0);
		assert_false(same(&f, 1, &gen));
		assert_int_equal(gen, 0);
		publish(&f, 1, i + 1);
		text_is("current/a", "1");
		assert_int_equal(unlinkat(role, "current", 0), 0);
	}
}

/* Three are there; the first is held, and stays whatever comes. */
static void
a_held_one_is_current_again(void **state)
{
	struct gens_file f[] = { file("a", "1", 0644), file("b", "x", 0644) };
	struct gens_one list[GENS_KEPT + 1];
	struct err err = { 0 };

	(void)state;
	assert_int_equal(gens_list(role, list), 0);
	assert_true(gens_hold(role, 1, &err) < 0);
	assert_string_equal(err.text, "there is no generation 1");
	for (uint64_t gen = 1; gen <= 3; gen++) {
		f[0] = file("a", gen == 1 ? "1" : gen == 2 ? "2" : "3", 0644);
		publish(f, 2, gen);
	}
	assert_int_equal(gens_held(role), 0);
	assert_true(gens_hold(role, 0, &err) < 0);
	assert_int_equal(gens_hold(role, 1, &err), 0);
	assert_int_equal(gens_held(role), 1);
	link_is("gens/3");
	assert_int_equal(gens_use(role, 1, f, 2, &err), 1);
	assert_true(f[0].changed && !f[1].changed);
	link_is("gens/1");
	text_is("current/a", "1");
	assert_int_equal(gens_use(role, 1, f, 2, &err), 0); /* it is */
	assert_false(f[0].changed || f[1].changed);
	assert_int_equal(gens_list(role, list), 3);
	assert_true(list[0].gen == 1 && list[0].current && list[0].held && list[0].files == 2);
	assert_true(list[2].gen == 3 && !list[2].current && !list[2].held);
	/* Released: the next is above all, and the held one goes in its turn. */
	assert_int_equal(gens_release(role, &err), 0);
	assert_int_equal(gens_release(role, &err), 0);
	f[0] = file("a", "4", 0644);
	publish(f, 2, 4);
	link_is("gens/4");
	assert_false(there("gens/1"));
	assert_true(there("gens/2"));
	assert_true(gens_use(role, 1, f, 2, &err) < 0);
	assert_string_equal(err.text, "generation 1 is held, and is not there any more");
	link_is("gens/4");
	assert_int_equal(gens_clear(role, &err), 0);
	assert_int_equal(gens_held(role), 0);
}

static void
a_pipe_among_the_files_stops_nobody(void **state)
{
	struct gens_file f = file("a", "1", 0644);
	uint64_t gen;

	(void)state;
	publish(&f, 1, 1);
	assert_int_equal(unlinkat(role, "gens/1/a", 0), 0);
	assert_int_equal(mkfifoat(role, "gens/1/a", 0644), 0);
	alarm(20); /* a reader that waits for a writer waits for ever */
	assert_false(same(&f, 1, &gen));
	alarm(0);
	publish(&f, 1, 2);
	text_is("current/a", "1");
}

static void
two_files_of_one_name_are_an_error(void **state)
{
	struct gens_file f[] = { file("a", "1", 0644), file("a", "2", 0644) };
	struct err err = { 0 };

	(void)state;
	assert_true(gens_stage(role, f, 2, &err) < 0);
	assert_err(err, EXIT_STATE, "stage a: File exists");
}

static int
full(void *arg)
{
	static char text[300 << 10];
	struct gens_file small = file("a", "1", 0644), big;
	struct err err = { 0 };
	uint64_t gen;
	bool is = false;

	(void)arg;
	APART_CHECK(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
	APART_CHECK(mount("t", w.path, "tmpfs", 0, "size=256k") == 0);
	memset(text, 'x', sizeof text - 1);
	big = file("a", text, 0644);
	AUTO_CLOSE int state_fd = open(w.path, O_DIRECTORY | O_RDONLY | O_CLOEXEC);
	APART_CHECK(mkdirat(state_fd, "rendered", 0755) == 0);
	APART_CHECK(mkdirat(state_fd, "rendered/web", 0775) == 0);
	AUTO_CLOSE int dir = gens_open(state_fd, "web", &err);
	APART_CHECK(dir >= 0);
	APART_CHECK(gens_stage(dir, &small, 1, &err) == 0 && gens_switch(dir, &gen, &err) == 0);
	APART_CHECK(gens_stage(dir, &big, 1, &err) < 0);
	APART_CHECK(err.code == EXIT_STATE && strstr(err.text, "No space left") != NULL);
	APART_CHECK(gens_compare(dir, &small, 1, &is, &gen, &err) == 0 && is && gen == 1);
	APART_CHECK(gens_stage(dir, &small, 1, &err) == 0 && gens_switch(dir, &gen, &err) == 0);
	return 0;
}

static void
a_full_disk_keeps_the_old_generation(void **state)
{
	(void)state;
	world_apart(CLONE_NEWNS, full, NULL);
}

static void
clear_leaves_an_empty_directory(void **state)
{
	struct gens_file f[] = { file("a", "1", 0644), file("b", "2", 0400) };
	struct err err = { 0 };

	(void)state;
	assert_int_equal(gens_clear(role, &err), 0); /* nothing there: fine */
	publish(f, 2, 1);
	publish(f, 2, 2);
	stage(f, 2);
	assert_int_equal(symlinkat("gens/9", role, "next"), 0);
	assert_int_equal(gens_clear(role, &err), 0);
	assert_int_equal(unlinkat(w.fd, "rendered/web", AT_REMOVEDIR), 0);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(the_first_generation_is_all_new),
		T(the_umask_does_not_matter),
		T(any_difference_is_seen_and_named),
		T(large_files_are_compared_to_the_last_byte),
		T(three_generations_stay),
		T(who_reads_the_old_one_goes_on_reading_it),
		T(a_half_staged_set_is_staged_anew),
		T(a_crash_before_the_link_leaves_the_old_generation),
		T(a_crash_between_link_and_rename_is_healed),
		T(a_link_to_nothing_is_rendered_again),
		T(a_lost_link_starts_over),
		T(a_switch_without_a_stage_changes_nothing),
		T(no_symlink_leads_out),
		T(a_link_that_is_no_generation_is_none),
		T(a_held_one_is_current_again), T(a_pipe_among_the_files_stops_nobody),
		T(two_files_of_one_name_are_an_error),
		T(a_full_disk_keeps_the_old_generation),
		T(clear_leaves_an_empty_directory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
