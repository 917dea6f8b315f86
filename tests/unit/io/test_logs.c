/*
 * What an instance printed, from two files that are written in turn: in order,
 * each line once, and never the torn ones.
 */
#include "world.h"

#include "../../../daemon/base/own.h"
#include "../../../daemon/io/logs.h"

static struct world w;
static char after[LOGS_TIME_CAP];

static int
setup(void **state)
{
	(void)state;
	after[0] = '\0';
	world_open(&w);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	world_close(&w);
	return 0;
}

#define T(s, ms) "2026-01-02T03:04:" s "." ms "Z "
#define L(s, ms, text) T(s, ms) "out " text "\n"

static void
tail_is(size_t lines, const char *want)
{
	struct blob out;
	struct err err = { 0 };

	if (logs_look(w.fd, "web.1", lines, after, &out, &err) != 0)
		fail_msg("%s", err.text);
	if (out.len != strlen(want) || memcmp(out.b, want, out.len) != 0)
		fail_msg("got  '%.*s'\nwant '%s'", (int)out.len, (char *)out.b, want);
	blob_free(&out);
}

static void
the_last_lines_oldest_first(void **state)
{
	(void)state;
	world_text(&w, "web.1.log", L("01", "000", "a") L("02", "000", "b") L("03", "000", "c"));
	tail_is(2, L("02", "000", "b") L("03", "000", "c"));
	after[0] = '\0';
	tail_is(0, "");
	after[0] = '\0';
	tail_is(LOGS_LINES_MAX, L("01", "000", "a") L("02", "000", "b") L("03", "000", "c"));
	tail_is(10, ""); /* nothing new */
}

static void
whichever_file_is_older_comes_first(void **state)
{
	static const char old[] = L("01", "000", "a") L("02", "000", "b");
	static const char young[] = L("02", "001", "c") L("09", "000", "d");

	(void)state;
	world_text(&w, "web.1.log", old);
	world_text(&w, "web.1.log.1", young);
	tail_is(10, L("01", "000", "a") L("02", "000", "b") L("02", "001", "c") L("09", "000", "d"));
	after[0] = '\0';
	tail_is(3, L("02", "000", "b") L("02", "001", "c") L("09", "000", "d"));
	world_text(&w, "web.1.log", young);
	world_text(&w, "web.1.log.1", old);
	after[0] = '\0';
	tail_is(10, L("01", "000", "a") L("02", "000", "b") L("02", "001", "c") L("09", "000", "d"));
	/* One was just emptied, or is not there yet. */
	world_text(&w, "web.1.log", "");
	after[0] = '\0';
	tail_is(10, L("01", "000", "a") L("02", "000", "b"));
	world_text(&w, "web.1.log.1", "");
	after[0] = '\0';
	tail_is(10, "");
	assert_string_equal(after, "");
}

static void
a_follower_sees_each_line_once_through_a_rotation(void **state)
{
	(void)state;
	world_text(&w, "web.1.log", L("01", "000", "a"));
	tail_is(10, L("01", "000", "a"));
	world_text(&w, "web.1.log", L("01", "000", "a") L("02", "000", "b"));
	tail_is(10, L("02", "000", "b"));
	world_text(&w, "web.1.log.1", L("03", "000", "c"));
	tail_is(10, L("03", "000", "c"));
	world_text(&w, "web.1.log", L("04", "000", "d")); /* full: the first one again */
	tail_is(10, L("04", "000", "d"));
	tail_is(10, "");
}

/* A busy program prints many lines in a millisecond; a look falls between. */
static void
lines_of_one_millisecond_are_not_lost(void **state)
{
	static const char *const texts[] = { "one", "two", "three", "four", "five" };
	char all[512] = "", line[64];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		snprintf(line, sizeof line, T("01", "007") "out %s\n", texts[i]);
		strcat(all, line);
		world_text(&w, "web.1.log", all);
		tail_is(10, line);
		tail_is(10, "");
	}
	strcat(all, L("01", "007", "six") L("01", "007", "seven") L("01", "008", "eight"));
	world_text(&w, "web.1.log", all);
	tail_is(10, L("01", "007", "six") L("01", "007", "seven") L("01", "008", "eight"));
	strcat(all, L("01", "008", "nine"));
	world_text(&w, "web.1.log", all);
	tail_is(10, L("01", "008", "nine"));
	/* Asked for the last ones only, the others of that time are not new. */
	after[0] = '\0';
	tail_is(1, L("01", "008", "nine"));
	tail_is(10, "");
	after[0] = '\0';
	world_text(&w, "web.1.log", L("05", "000", "a") L("05", "000", "b") L("05", "000", "c"));
	tail_is(2, L("05", "000", "b") L("05", "000", "c"));
	tail_is(10, "");
}

static void
the_cursor_of_many_lines_fits(void **state)
{
	static const char line[] = L("01", "007", "x");
	size_t n = 20000;
	char *all = malloc(n * (sizeof line - 1) + 1);
	struct blob out;
	struct err err;

	(void)state;
	for (size_t i = 0; i < n; i++)
		memcpy(all + i * (sizeof line - 1), line, sizeof line);
	world_text(&w, "web.1.log", all);
	assert_int_equal(logs_look(w.fd, "web.1", LOGS_LINES_MAX, after, &out, &err), 0);
	assert_int_equal(out.len, LOGS_LINES_MAX * (sizeof line - 1));
	blob_free(&out);
	tail_is(10, "");
	free(all);
}

static void
a_torn_line_waits_or_is_left_out(void **state)
{
	(void)state;
	/* Not yet whole: given when it is. */
	world_text(&w, "web.1.log", L("01", "000", "a") T("02", "000") "out hal");
	tail_is(10, L("01", "000", "a"));
	world_text(&w, "web.1.log", L("01", "000", "a") L("02", "000", "half"));
	tail_is(10, L("02", "000", "half"));
	/* The rest of one, from a disk that was full: it may not move the cursor. */
	world_text(&w, "web.1.log", L("03", "000", "b") "zzz zzz\n\n"
	    "9999-99-99T99:99:99.999 no zone\n" L("04", "000", "c"));
	tail_is(10, L("03", "000", "b") L("04", "000", "c"));
	world_text(&w, "web.1.log", L("05", "000", "d"));
	tail_is(10, L("05", "000", "d"));
}

static void
only_the_end_of_a_large_file_from_a_line_on(void **state)
{
	static const char line[] = L("01", "000", "0123456789");
	size_t n = LOGS_READ_BYTES / (sizeof line - 1) + 1000;
	char *all = malloc(n * (sizeof line - 1) + 1);
	struct blob out;
	struct err err;

	(void)state;
	for (size_t i = 0; i < n; i++)
		memcpy(all + i * (sizeof line - 1), line, sizeof line);
	world_text(&w, "web.1.log", all);
	assert_int_equal(logs_look(w.fd, "web.1", SIZE_MAX, after, &out, &err), 0);
	assert_true(out.len <= LOGS_READ_BYTES && out.len > LOGS_READ_BYTES - 2 * sizeof line);
	assert_int_equal(out.len % (sizeof line - 1), 0);
	assert_memory_equal(out.b, line, sizeof line - 1);
	blob_free(&out);
	/* One line without an end. */
	memset(all, 'x', n * (sizeof line - 1));
	world_text(&w, "web.1.log", all);
	after[0] = '\0';
	tail_is(10, "");
	free(all);
}

/* Read from the end in pieces: whatever was said in the last millisecond counts, also
 * what lies before the piece that had enough lines. */
static void
many_lines_of_the_last_millisecond(void **state)
{
	static const char line[] = L("01", "007", "x");
	size_t n = 3000, len = 0;
	char *all = malloc((n + 2) * sizeof line);

	(void)state;
	for (size_t i = 0; i < n; i++, len += sizeof line - 1)
		memcpy(all + len, line, sizeof line);
	world_text(&w, "web.1.log", all);
	tail_is(1, line);
	tail_is(10, "");
	strcpy(all + len, L("01", "007", "y") L("01", "008", "z"));
	world_text(&w, "web.1.log", all);
	tail_is(10, L("01", "007", "y") L("01", "008", "z"));
	/* Half of them in the other file. */
	after[0] = '\0';
	all[len / 2 / (sizeof line - 1) * (sizeof line - 1)] = '\0';
	world_text(&w, "web.1.log.1", all);
	world_text(&w, "web.1.log", line);
	tail_is(1, line);
	tail_is(10, "");
	free(all);
}

static void
reads(struct logs_want *want, const char *text, bool is_cut)
{
	struct blob out;
	struct err err = { 0 };
	bool cut = !is_cut;

	if (logs_read(w.fd, "web.1", want, &out, &cut, &err) != 0)
		fail_msg("%s", err.text);
	assert_int_equal(out.len, strlen(text));
	assert_memory_equal(out.b, text, out.len);
	assert_int_equal(cut, is_cut);
	blob_free(&out);
}

static void
since_a_time(void **state)
{
	struct logs_want want = { .lines = SIZE_MAX, .since = "2026-01-02T03:04:02.000Z" };

	(void)state;
	world_text(&w, "web.1.log.1", L("01", "000", "a") L("01", "999", "b"));
	world_text(&w, "web.1.log", L("02", "000", "c") L("03", "000", "d"));
	reads(&want, L("02", "000", "c") L("03", "000", "d"), false);
	reads(&want, "", false);
	want = (struct logs_want){ .lines = SIZE_MAX, .since = "2026-01-02T03:04:09.000Z" };
	reads(&want, "", false);
	world_text(&w, "web.1.log.1", L("08", "000", "e") L("09", "000", "f"));
	reads(&want, L("09", "000", "f"), false);
	want = (struct logs_want){ .lines = 1, .since = "2026-01-02T03:04:02.000Z" };
	reads(&want, L("09", "000", "f"), false);
}

/* A flood between two looks: what is not read is said to be missing. */
static void
more_than_is_read_at_once(void **state)
{
	static const char line[] = L("02", "000", "0123456789");
	size_t n = LOGS_READ_BYTES / (sizeof line - 1) + 1000, at = 0;
	char *all = malloc(n * (sizeof line - 1) + sizeof line);
	struct logs_want want = { .lines = SIZE_MAX };
	struct blob out;
	struct err err;
	bool cut = false;

	(void)state;
	at = (size_t)sprintf(all, "%s", L("01", "000", "a"));
	world_text(&w, "web.1.log", all);
	reads(&want, L("01", "000", "a"), false);
	for (size_t i = 0; i + 1 < n; i++, at += sizeof line - 1)
		memcpy(all + at, line, sizeof line);
	world_text(&w, "web.1.log", all);
	assert_int_equal(logs_read(w.fd, "web.1", &want, &out, &cut, &err), 0);
	assert_true(cut && out.len <= LOGS_READ_BYTES && out.len > LOGS_READ_BYTES - 2 * sizeof line);
	blob_free(&out);
	strcpy(all + at, L("03", "000", "b"));
	world_text(&w, "web.1.log", all);
	reads(&want, L("03", "000", "b"), true); /* the time before is not reached */
	world_text(&w, "web.1.log.1", L("04", "000", "c"));
	reads(&want, L("04", "000", "c"), false);
	free(all);
}

/* Who looks too late is told so; who asks for the first time misses nothing. */
static void
what_was_overwritten_meanwhile(void **state)
{
	struct logs_want want = { .lines = SIZE_MAX };

	(void)state;
	world_text(&w, "web.1.log", L("01", "000", "a"));
	reads(&want, L("01", "000", "a"), false);
	world_text(&w, "web.1.log", L("03", "000", "c"));
	world_text(&w, "web.1.log.1", L("02", "000", "b"));
	reads(&want, L("02", "000", "b") L("03", "000", "c"), true);
	reads(&want, "", false);
	world_text(&w, "web.1.log.1", "");
	reads(&want, "", false);
	want = (struct logs_want){ .lines = SIZE_MAX };
	reads(&want, L("03", "000", "c"), false);
	world_text(&w, "web.1.log", "");
	reads(&want, "", false);
}

/* n lines of 64 bytes, the i'th at i / 100 milliseconds. */
static size_t
many(char *out, size_t from, size_t n)
{
	size_t at = 0;

	for (size_t i = from; i < from + n; i++) {
		size_t ms = i / 100;

		at += (size_t)sprintf(out + at, "2026-01-02T03:%02zu:%02zu.%03zuZ out %034zu\n", ms / 60000,
		    ms / 1000 % 60, ms % 1000, i);
	}
	return at;
}

/* Who follows a flood gets each line, once and in order, however much came since the last look. */
static void
a_flood_is_read_on_until_its_end(void **state)
{
	enum { LINES = 100000, LINE = 64 };
	char *all = malloc(LINES * LINE + 1), *got = malloc(LINES * LINE + 1);
	size_t len = 0, looks = 0, half = many(all, 0, LINES / 2);
	struct blob out;
	struct err err;

	(void)state;
	world_text(&w, "web.1.log.1", "");
	world_text(&w, "web.1.log", "");
	tail_is(10, "");
	snprintf(after, sizeof after, LOGS_BEGIN);
	assert_int_equal(half, LINES / 2 * LINE);
	world_text(&w, "web.1.log.1", all);
	many(all + half, LINES / 2, LINES / 2);
	world_text(&w, "web.1.log", all + half);
	do {
		assert_int_equal(logs_look(w.fd, "web.1", 10, after, &out, &err), 0);
		assert_true(out.len <= LOGS_READ_BYTES && len + out.len <= LINES * LINE);
		assert_false(logs_mark_taken(after));
		memcpy(got + len, out.b, out.len);
		len += out.len;
		blob_free(&out);
	} while (looks++ < 100 && len < LINES * LINE);
	assert_int_equal(len, LINES * LINE);
	assert_memory_equal(got, all, len);
	assert_int_equal(looks, (LINES * LINE + LOGS_READ_BYTES - 1) / LOGS_READ_BYTES);
	tail_is(10, "");
	free(got);
	free(all);
}

/* What is no line of ours hides none, wherever the look begins. */
static void
rubbish_between_the_lines(void **state)
{
	enum { RUBBISH = 700 << 10, LINES = 2000 };
	char *all = malloc(2 * RUBBISH), *line = malloc(100);
	size_t n = many(all, 0, LINES), last;
	struct blob out;
	struct err err;

	(void)state;
	memset(all + n, 'x', RUBBISH);
	n += RUBBISH;
	all[n++] = '\n';
	last = many(all + n, LINES, LINES);
	memcpy(all + n + last, "2026-01-02T03:59:00.000Z out not yet whole", 43);
	world_text(&w, "web.1.log", all);
	many(line, LINES - 1, 1);
	snprintf(after, sizeof after, "%.24s#100", line);
	assert_int_equal(logs_look(w.fd, "web.1", 10, after, &out, &err), 0);
	assert_int_equal(out.len, last);
	assert_memory_equal(out.b, all + n, last);
	blob_free(&out);
	tail_is(10, "");
	free(line);
	free(all);
}

/* What the files did not keep is told, once; and so is what a first look left out. */
static void
what_is_missing_is_marked(void **state)
{
	enum { LINES = 20000 };
	char *all = malloc(LINES * 64 + 1);
	struct blob out;
	struct err err;

	(void)state;
	world_text(&w, "web.1.log", L("01", "000", "a"));
	tail_is(10, L("01", "000", "a"));
	world_text(&w, "web.1.log", L("03", "000", "c"));
	tail_is(10, L("03", "000", "c"));
	assert_true(logs_mark_taken(after));
	assert_false(logs_mark_taken(after));
	strcat(after, "!"); /* as it comes back from who does not know of it */
	tail_is(10, "");
	assert_false(logs_mark_taken(after));
	world_text(&w, "web.1.log.1", L("04", "000", "d"));
	tail_is(10, L("04", "000", "d"));
	assert_false(logs_mark_taken(after));
	many(all, 0, LINES);
	world_text(&w, "web.1.log", all);
	after[0] = '\0';
	assert_int_equal(logs_look(w.fd, "web.1", SIZE_MAX, after, &out, &err), 0);
	assert_true(out.len <= LOGS_READ_BYTES && logs_mark_taken(after));
	blob_free(&out);
	free(all);
}

static void
files_that_are_open(void **state)
{
	struct logs_want want = { .lines = SIZE_MAX };
	int pair[2], fds[4];
	struct blob out;
	bool cut;

	(void)state;
	world_text(&w, "a", L("02", "000", "b"));
	world_text(&w, "b", L("01", "000", "a"));
	assert_int_equal(pipe(pair), 0);
	fds[0] = openat(w.fd, "a", O_RDONLY);
	fds[1] = -1;
	fds[2] = pair[0];
	fds[3] = openat(w.fd, "b", O_RDONLY);
	assert_int_equal(logs_read_files(fds, 4, &want, &out, &cut), 0);
	assert_int_equal(out.len, strlen(L("01", "000", "a") L("02", "000", "b")));
	assert_memory_equal(out.b, L("01", "000", "a") L("02", "000", "b"), out.len);
	blob_free(&out);
	close(fds[0]);
	close(fds[3]);
	close(pair[0]);
	close(pair[1]);
}

static void
a_time_as_a_stamp(void **state)
{
	char s[LINES_STAMP_CAP];

	(void)state;
	logs_stamp(0, s);
	assert_string_equal(s, "1970-01-01T00:00:00.000Z");
	logs_stamp(UINT64_C(1767323045678), s);
	assert_string_equal(s, "2026-01-02T03:04:05.678Z");
	logs_stamp(UINT64_MAX, s);
	assert_int_equal(strlen(s), LINES_STAMP_BYTES);
	assert_memory_equal(s, "9999-12-31T23:59:59", 19);
}

static void
refused(const char *instance, int code, const char *words)
{
	struct blob out;
	struct err err = { 0 };

	assert_true(logs_look(w.fd, instance, 10, after, &out, &err) < 0);
	assert_err(err, code, words);
	assert_null(out.b);
}

static void
a_name_is_never_a_path(void **state)
{
	static const char *const bad[] = { "", "..", "../web.1", "a/b", "/etc/passwd", ".x", "Web.1",
		"a b", "a\n", "-x" };

	(void)state;
	world_text(&w, "web.1.log", L("01", "000", "a"));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		refused(bad[i], EXIT_USAGE_, "is no instance name");
	refused("web.2", 1, "no log of web.2 on this node: No such file or directory");
}

static void
what_is_no_log_is_not_read(void **state)
{
	(void)state;
	world_text(&w, "secret", L("01", "000", "secret"));
	assert_int_equal(symlinkat("secret", w.fd, "web.1.log"), 0);
	refused("web.1", 1, "no log of web.1 on this node: Too many levels of symbolic links");
	assert_int_equal(unlinkat(w.fd, "web.1.log", 0), 0);
	assert_int_equal(mkfifoat(w.fd, "web.1.log", 0644), 0);
	alarm(20);
	refused("web.1", 1, "no log of web.1 on this node: Invalid argument");
	alarm(0);
	assert_int_equal(unlinkat(w.fd, "web.1.log", 0), 0);
	assert_int_equal(mkdirat(w.fd, "web.1.log", 0755), 0);
	refused("web.1", 1, "no log of web.1 on this node: Invalid argument");
	assert_int_equal(unlinkat(w.fd, "web.1.log", AT_REMOVEDIR), 0);
	/* The second file is left out, the first still told. */
	world_text(&w, "web.1.log", L("01", "000", "a"));
	assert_int_equal(symlinkat("secret", w.fd, "web.1.log.1"), 0);
	tail_is(10, L("01", "000", "a"));
}

static void
a_strange_cursor_harms_nobody(void **state)
{
	static const char *const odd[] = { "#", "#1", "zzz", "2026-01-02T03:04:01.000Z#",
		"2026-01-02T03:04:01.000Z#99999999999999", "2026-01-02T03:04:01.000Z#-1",
		"\xff\xfe", "#####################################" };
	struct blob out;
	struct err err;

	(void)state;
	world_text(&w, "web.1.log", L("01", "000", "a") L("02", "000", "b"));
	for (size_t i = 0; i < ARRAY_LEN(odd); i++) {
		snprintf(after, sizeof after, "%s", odd[i]);
		assert_int_equal(logs_look(w.fd, "web.1", 10, after, &out, &err), 0);
		assert_true(out.len <= 2 * strlen(L("01", "000", "a")));
		assert_true(strlen(after) < sizeof after);
		blob_free(&out);
	}
}

int
main(void)
{
#define C(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		C(the_last_lines_oldest_first),
		C(whichever_file_is_older_comes_first),
		C(a_follower_sees_each_line_once_through_a_rotation),
		C(lines_of_one_millisecond_are_not_lost),
		C(the_cursor_of_many_lines_fits),
		C(a_torn_line_waits_or_is_left_out),
		C(only_the_end_of_a_large_file_from_a_line_on),
		C(many_lines_of_the_last_millisecond),
		C(since_a_time),
		C(more_than_is_read_at_once),
		C(what_was_overwritten_meanwhile),
		C(a_flood_is_read_on_until_its_end),
		C(rubbish_between_the_lines),
		C(what_is_missing_is_marked),
		C(files_that_are_open),
		C(a_time_as_a_stamp),
		C(a_name_is_never_a_path),
		C(what_is_no_log_is_not_read),
		C(a_strange_cursor_harms_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
