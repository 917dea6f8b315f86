/*
 * test_appfile.c - what applications tell by files, real ones in a real directory: which
 * series come of it, and what those who leave traps among them bring about.
 */
#include "appdesk.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir_path[64];
static int dir = -1;

static int
setup(void **state)
{
	(void)state;
	snprintf(dir_path, sizeof dir_path, "/tmp/mesh-apps-XXXXXX");
	assert_non_null(mkdtemp(dir_path));
	dir = open(dir_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(dir >= 0);
	return apps_begin();
}

static int
teardown(void **state)
{
	static const char *const names[] = {"app.meta", "app.values", "new", "other"};

	(void)state;
	apps_free(apps);
	loop_end(&loop);
	series_free(store);
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (unlinkat(dir, names[i], 0) < 0)
			unlinkat(dir, names[i], AT_REMOVEDIR);
	close(dir);
	return rmdir(dir_path);
}

static void
write_file(const char *name, const void *bytes, size_t n)
{
	int fd = openat(dir, "new", O_WRONLY | O_CREAT | O_TRUNC, 0644);

	assert_int_equal(write(fd, bytes, n), n);
	close(fd);
	assert_int_equal(renameat(dir, "new", dir, name), 0);
}

static const char meta[] = "level 8 float: {\"metric\": \"load\"}\n"
			   "counter 8: {\"metric\": \"requests.number\", \"job\": \"mine\"}\npad 48\n"
			   "state 64: {\"state\": \"http\"}";

static void
write_values(double load, uint64_t requests, uint64_t since_ms, const char *text)
{
	uint8_t v[128] = {0};

	memcpy(v, &load, 8);
	memcpy(v + 8, &requests, 8);
	memcpy(v + 64, &since_ms, 8);
	strcpy((char *)v + 72, text);
	write_file("app.values", v, sizeof v);
}

static void
begin_files(void)
{
	struct sup_event ev = event(SUP_ST_RUNNING);

	write_file("app.meta", meta, sizeof meta - 1);
	write_values(0.5, 7, 1700000000000, "GET /");
	apps_state(apps, &ev, dup(dir));
	next();
	assert_string_equal(wrong(), "");
	assert_true(value("load", "instance", "web.1") == 0.5);
}

static void
files_as_python_writes_them(void **state)
{
	struct sup_event ev = event(SUP_ST_RUNNING);

	(void)state;
	begin_files();
	assert_true(value("requests_number_total", "exported_job", "mine") == 7);
	assert_true(value("requests_number_total", "job", "web") == 7);
	assert_true(value("requests_number_total", "node", "n1") == 7);
	assert_true(value("requests_number_total", "role", "web") == 7);
	assert_true(value("cantal_state_info", "text", "GET /") == 1);
	assert_true(value("cantal_state_since_seconds", "state", "http") == 1.7e9);
	/* The very same directory comes with each STATE. */
	apps_state(apps, &ev, dup(dir));
	write_values(0.25, 9, 1700000001000, "POST /x");
	next();
	assert_true(value("load", "job", "web") == 0.25);
	assert_true(value("cantal_state_info", "text", "GET /") == -1);
	assert_true(value("cantal_state_info", "text", "POST /x") == 1);
	write_values(0.25, 9, 0, "POST /x"); /* idle */
	next();
	assert_true(value("cantal_state_info", "text", "POST /x") == -1);
	assert_true(value("cantal_state_since_seconds", "job", "web") == 0);
	/* Another set of metrics: what it has no more has ended. */
	write_file("app.meta", "counter 8: {\"metric\": \"requests.number\"}", 40);
	next();
	assert_true(value("load", "job", "web") == -1);
	assert_true(value("requests_number_total", "exported_job", "mine") == -1);
	assert_true(value("requests_number_total", "job", "web") == value("requests_number_total", "node", "n1"));
	unlinkat(dir, "app.meta", 0);
	next();
	assert_true(value("requests_number_total", "job", "web") == -1);
	assert_string_equal(wrong(), "");
}

static void
names_that_are_ours(void **state)
{
	struct sup_event ev = event(SUP_ST_RUNNING);
	static const char bad[] = "level 8 float: {\"metric\": \"up\"}\ncounter 8: {\"metric\": \"requests.number\"}\npad 48\n"
				  "state 64: {\"metric\": \"mesh.instance\", \"state\": \"http\"}";

	(void)state;
	write_file("app.meta", bad, sizeof bad - 1);
	write_values(0.5, 7, 1700000000000, "GET /");
	apps_state(apps, &ev, dup(dir));
	next();
	next();
	assert_true(value("up", "job", "web") == -1);
	assert_true(value("mesh_instance_state_info", "job", "web") == -1);
	assert_true(value("mesh_instance_state_since_seconds", "job", "web") == -1);
	assert_true(value("requests_number_total", "job", "web") == 7);
	assert_string_equal(wrong(), "app.meta: metric 'up' rejected: mesh tells that of each endpoint: take another name");
	write_file("app.meta", meta, sizeof meta - 1);
	next();
	assert_string_equal(wrong(), "");
	assert_true(value("load", "job", "web") == 0.5);
}

static void
texts_without_end(void **state)
{
	struct series_stats st;
	char text[16];
	int shown = 0;

	(void)state;
	begin_files();
	tick = 1020; /* a minute begins */
	for (int i = 0; i < 59; i++) {
		snprintf(text, sizeof text, "id %d", i);
		write_values(1, 1, 5, text);
		next();
		shown += value("cantal_state_info", "text", text) == 1;
	}
	assert_int_equal(shown, 59);
	series_stats(store, &st);
	assert_int_equal(st.series_live, 4);
}

/* Of a writer that stops in the midst of one word or text, into the same file: as an
 * application does by the memory it has of it. */
static void
write_half(size_t at, const void *bytes, size_t n)
{
	int fd = openat(dir, "app.values", O_WRONLY | O_CLOEXEC);

	assert_int_equal(pwrite(fd, bytes, n, (off_t)at), n);
	close(fd);
}

/* Words of 8 bytes are whole, says the format; all else can be read half written: so a text
 * may be two for a second, cut where it is none, and nothing else is wrong, nor anything
 * after that second.  A file that is shorter than it should be has no sample at all. */
static void
torn_writes(void **state)
{
	static const uint64_t since = 1700000005000, none = 0;
	static const char text[] = "DELETE /y\xe2\x82\xac", rest[] = {(char)0x82, (char)0xac, '\0'};

	(void)state;
	begin_files();
	/* The time is the new text's, the text is still the old one's. */
	write_half(64, &since, sizeof since);
	next();
	assert_true(value("cantal_state_since_seconds", "state", "http") == 1700000005.0);
	assert_true(value("cantal_state_info", "text", "GET /") == 1);
	/* Half of the new one, over the old. */
	write_half(72, text, 2);
	next();
	assert_true(value("cantal_state_info", "text", "DET /") == 1);
	assert_true(value("cantal_state_info", "text", "GET /") == -1);
	/* As far as the first byte of its last character, and behind it what there was: no NUL. */
	write_half(72, text, 10);
	write_half(82, "\xff\xff", 2);
	next();
	assert_true(value("cantal_state_info", "text", "DELETE /y") == 1);
	assert_true(value("load", "job", "web") == 0.5);
	assert_true(value("requests_number_total", "node", "n1") == 7);
	write_half(82, rest, sizeof rest);
	next();
	assert_true(value("cantal_state_info", "text", text) == 1);
	assert_true(value("cantal_state_info", "text", "DELETE /y") == -1);
	/* Idle, while the text still stands there. */
	write_half(64, &none, sizeof none);
	next();
	assert_true(value("cantal_state_info", "text", text) == -1);
	assert_string_equal(wrong(), "");
	/* The file itself is half: made, and not yet of its size. */
	write_file("app.values", &since, sizeof since);
	next();
	assert_true(value("load", "job", "web") == -1);
	assert_string_equal(wrong(), "app.values: has 8 bytes, app.meta speaks of 128");
	write_values(0.75, 8, 5, "x");
	next();
	assert_true(value("load", "job", "web") == 0.75);
	assert_true(value("requests_number_total", "node", "n1") == 8);
	assert_string_equal(wrong(), "");
}

/* Whatever it is: nobody waits, nothing is read, it is named, and the next good one is
 * taken again. */
static void
traps_among_the_files(void **state)
{
	static const char *const names[] = {"app.meta", "app.values"};
	static char many[600000];
	size_t n = 0;
	int fd;

	(void)state;
	begin_files();
	for (size_t i = 0; i < 2; i++) {
		char want[128];

		unlinkat(dir, names[i], 0);
		assert_int_equal(mkfifoat(dir, names[i], 0666), 0);
		next();
		snprintf(want, sizeof want, "%s: is no regular file", names[i]);
		assert_string_equal(wrong(), want);
		assert_true(value("load", "job", "web") == -1);
		unlinkat(dir, names[i], 0);
		assert_int_equal(symlinkat("/etc/passwd", dir, names[i]), 0);
		next();
		snprintf(want, sizeof want, "%s: Too many levels of symbolic links", names[i]);
		assert_string_equal(wrong(), want);
		unlinkat(dir, names[i], 0);
		assert_int_equal(mkdirat(dir, names[i], 0777), 0);
		next();
		snprintf(want, sizeof want, "%s: is no regular file", names[i]);
		assert_string_equal(wrong(), want);
		unlinkat(dir, names[i], AT_REMOVEDIR);
		fd = openat(dir, names[i], O_WRONLY | O_CREAT, 0644);
		assert_int_equal(ftruncate(fd, INT64_C(1) << 40), 0);
		close(fd);
		next();
		snprintf(want, sizeof want, "%s: has more than 128 KiB", names[i]);
		assert_string_equal(wrong(), want);
		write_file("app.meta", meta, sizeof meta - 1);
		write_values(2, 1, 5, "x");
		next();
		assert_string_equal(wrong(), "");
		assert_true(value("load", "job", "web") == 2);
	}
	write_file("app.values", meta, 20);
	next();
	assert_string_equal(wrong(), "app.values: has 20 bytes, app.meta speaks of 128");
	for (int i = 0; i < 100000; i++)
		n += (size_t)snprintf(many + n, sizeof many - n, "pad 1\n");
	write_file("app.meta", many, 6 * 2000);
	next();
	assert_string_equal(wrong(), "app.meta:1001:1: more than 1000 lines");
	next();
	assert_string_equal(wrong(), "app.meta:1001:1: more than 1000 lines");
	write_file("app.meta", many, n);
	next();
	assert_string_equal(wrong(), "app.meta: has more than 128 KiB");
	write_file("app.meta", "level 8 odd: {}", 15);
	next();
	assert_string_equal(wrong(), "app.meta:1:12: a level is signed, unsigned or float");
	/* A hard link is a file like another. */
	write_file("other", meta, sizeof meta - 1);
	unlinkat(dir, "app.meta", 0);
	assert_int_equal(linkat(dir, "other", dir, "app.meta", 0), 0);
	write_values(3, 1, 5, "x");
	next();
	assert_true(value("load", "job", "web") == 3);
}

/* What runs no more says nothing, and what starts again is read anew. */
static void
with_its_run(void **state)
{
	struct sup_event ev = event(SUP_ST_BACKOFF);

	(void)state;
	begin_files();
	ev.pid = 0;
	apps_state(apps, &ev, -1);
	next();
	assert_true(value("load", "job", "web") == -1);
	ev = event(SUP_ST_RUNNING);
	ev.pid = 78;
	apps_state(apps, &ev, dup(dir));
	next();
	assert_true(value("load", "job", "web") == 0.5);
	ev = event(SUP_ST_GONE);
	apps_state(apps, &ev, -1);
	next();
	assert_true(value("load", "job", "web") == -1);
	assert_false(apps_why(apps, "web.1", why, sizeof why));
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	    T(files_as_python_writes_them),
	    T(texts_without_end),
	    T(names_that_are_ours),
	    T(torn_writes),
	    T(traps_among_the_files),
	    T(with_its_run),
	};

	return cmocka_run_group_tests_name("appfile", tests, NULL, NULL);
}
