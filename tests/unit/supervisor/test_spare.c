/*
 * test_spare.c - what is saved by way of the spare is there whole, whenever the
 * power fails, and what was refused or torn never is.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../../daemon/supervisor/spare.h"
#include "../../../daemon/supervisor/spec.h"

enum { TAIL = 4096 };

static uint8_t record[SPEC_RECORD_BYTES_MAX];
static size_t record_len;
static char top[64];
static int dir;

/* A record of web.1 whose image is so. */
static void
encode(const char *image)
{
	struct spec s;
	struct err err;

	memset(&s, 0, sizeof s);
	strcpy(s.instance, "web.1");
	strcpy(s.role, "web");
	strcpy(s.sandbox, "web");
	strcpy(s.image, image);
	assert_int_equal(strs_add(&s.args, "true", 4, &err), 0);
	record_len = spec_encode(&s, record);
	assert_true(record_len > 0);
	memset(record + record_len, 0, TAIL);
	spec_free(&s);
}

static void
put(const char *name, size_t len)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, record, len), len);
	close(fd);
}

static bool
there(const char *name)
{
	return faccessat(dir, name, F_OK, 0) == 0;
}

/* Is web.1 there, with this image and nothing after it? */
static bool
holds(const char *image)
{
	static uint8_t buf[SPEC_RECORD_BYTES_MAX];
	int fd = openat(dir, "web.1", O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, buf, sizeof buf);
	struct spec s;
	struct err err;
	bool is;

	if (fd < 0)
		return false;
	close(fd);
	if (spec_decode(&s, buf, (size_t)n, "web.1", &err) < 0)
		return false;
	is = strcmp(s.image, image) == 0;
	spec_free(&s);
	return is;
}

static int
begin(void **state)
{
	(void)state;
	strcpy(top, "/tmp/test_spare-XXXXXX");
	if (mkdtemp(top) == NULL)
		return -1;
	dir = open(top, O_RDONLY | O_DIRECTORY);
	encode("old");
	return dir < 0;
}

static int
end(void **state)
{
	(void)state;
	unlinkat(dir, "web.1", 0);
	unlinkat(dir, "web.1", AT_REMOVEDIR);
	unlinkat(dir, SPARE_NAME, 0);
	close(dir);
	return rmdir(top);
}

/* With one at hand, wherever the directory is. */
static struct spare
made(void)
{
	struct spare sp;

	spare_found(&sp, dir, 100);
	sp.make_at = 100;
	spare_tick(&sp, 99);
	assert_true(sp.fd < 0 && !there(SPARE_NAME));
	spare_tick(&sp, 100);
	assert_true(sp.fd >= 0 && there(SPARE_NAME) && sp.make_at == MSEC_NEVER);
	return sp;
}

static void
saved(void **state)
{
	struct spare sp = made();
	struct err err;

	(void)state;
	put("web.1", record_len);
	encode("new");
	assert_int_equal(spare_save(&sp, "web.1", record, record_len, 200, &err), 1);
	assert_true(holds("new") && !there(SPARE_NAME));
	/* The next one goes the other way, until another was made in peace. */
	assert_int_equal(spare_save(&sp, "web.1", record, record_len, 210, &err), 0);
	assert_true(sp.make_at > 210);
	spare_tick(&sp, sp.make_at - 1);
	assert_false(there(SPARE_NAME));
	spare_tick(&sp, sp.make_at);
	assert_true(there(SPARE_NAME));
	/* What is too large for it leaves it as it is. */
	assert_int_equal(spare_save(&sp, "web.1", record, sizeof record, 300, &err), 0);
	assert_true(sp.fd >= 0 && there(SPARE_NAME));
	close(sp.fd);
	spare_found(&sp, dir, 400); /* unused, it is of nobody */
	assert_true(holds("new") && !there(SPARE_NAME));
}

static void
found_without_its_name(void **state)
{
	struct spare sp;

	(void)state;
	for (size_t tail = 0; tail <= TAIL; tail += TAIL / 4) {
		put("web.1", record_len);
		encode("new");
		put(SPARE_NAME, record_len + tail);
		spare_found(&sp, dir, 0);
		assert_true(holds("new") && !there(SPARE_NAME) && sp.fd < 0);
		encode("old");
	}
	/* Two names of one file: a rename between those does nothing. */
	put("web.1", record_len);
	assert_int_equal(linkat(dir, "web.1", dir, SPARE_NAME, 0), 0);
	spare_found(&sp, dir, 0);
	assert_true(holds("old") && !there(SPARE_NAME));
}

/* Cut short, so never promised: what was promised before it stands. */
static void
torn(void **state)
{
	struct spare sp;

	(void)state;
	put("web.1", record_len);
	encode("new");
	for (size_t n = 0; n < record_len; n++) {
		uint8_t was = record[n];

		put(SPARE_NAME, n);
		spare_found(&sp, dir, 0);
		assert_true(holds("old") && !there(SPARE_NAME));
		if (n >= 4 && n < 8)
			continue; /* its version: see below */
		record[n] ^= 1;
		put(SPARE_NAME, record_len + TAIL);
		record[n] = was;
		spare_found(&sp, dir, 0);
		assert_true(holds("old") && !there(SPARE_NAME));
	}
}

static void
of_a_later_version(void **state)
{
	struct spare sp;

	(void)state;
	put("web.1", record_len);
	memset(record + 4, 0x7f, 4);
	put(SPARE_NAME, record_len);
	spare_found(&sp, dir, 0);
	sp.make_at = 0;
	spare_tick(&sp, 0);
	assert_true(sp.fd < 0 && there(SPARE_NAME) && holds("old"));
	assert_true(sp.make_at > 1000);
}

static void
refused(void **state)
{
	struct spare sp = made();
	struct err err;
	int rw = sp.fd;

	(void)state;
	put("web.1", record_len);
	encode("new");
	sp.fd = openat(dir, SPARE_NAME, O_RDONLY);
	assert_int_equal(spare_save(&sp, "web.1", record, record_len, 0, &err), -EXIT_STATE);
	assert_string_equal(err.text, "cannot save record web.1: Bad file descriptor");
	assert_true(holds("old") && !there(SPARE_NAME) && sp.fd < 0);
	close(rw);
	/* On disk, but it can't be renamed: at no start may it be found. */
	sp = made();
	unlinkat(dir, "web.1", 0);
	assert_int_equal(mkdirat(dir, "web.1", 0700), 0);
	assert_int_equal(spare_save(&sp, "web.1", record, record_len, 0, &err), -EXIT_STATE);
	assert_string_equal(err.text, "cannot save record web.1: Is a directory");
	assert_false(there(SPARE_NAME));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(saved, begin, end),
	    cmocka_unit_test_setup_teardown(found_without_its_name, begin, end),
	    cmocka_unit_test_setup_teardown(torn, begin, end),
	    cmocka_unit_test_setup_teardown(of_a_later_version, begin, end),
	    cmocka_unit_test_setup_teardown(refused, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
