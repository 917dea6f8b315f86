/*
 * The directory of recorded rounds, on a real disk: a crash at any byte of a write, a bound
 * in bytes and in age, a disk that is full, and what comes back.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../../daemon/io/crypto.h"
#include "../../../daemon/io/rounds.h"

enum { INPUT = 60000, MIB = 1 << 20 };

struct place {
	char path[64];
	int dir;
	struct rounds_at at;
	struct blob before;
	uint64_t total;
};

static const struct rounds_bound wide = {.bytes = 64 << 20, .keep_ms = 86400000};
static const char code_a[] = "\x81\xa8main.lua\xa1""a", code_b[] = "\x81\xa8main.lua\xa1""b";

static void
place_open(struct place *p)
{
	memset(p, 0, sizeof *p);
	snprintf(p->path, sizeof p->path, "/tmp/mesh-rounds.XXXXXX");
	assert_non_null(mkdtemp(p->path));
	p->dir = open(p->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(p->dir >= 0);
}

static void
place_close(struct place *p)
{
	char command[128];

	snprintf(command, sizeof command, "rm -rf %s", p->path);
	assert_int_equal(system(command), 0);
	close(p->dir);
	blob_free(&p->before);
}

/* An input that is the same from round to round, but for a few numbers. */
static void
plain_of(int round, struct blob *out)
{
	static uint8_t input[INPUT + 5];
	uint32_t x = 7;

	input[0] = 0xc6;
	input[1] = 0;
	input[2] = (uint8_t)(INPUT >> 16 & 255);
	input[3] = (uint8_t)(INPUT >> 8 & 255);
	input[4] = (uint8_t)(INPUT & 255);
	for (size_t i = 0; i < INPUT; i++) {
		x = x * 1664525u + 1013904223u;
		input[5 + i] = (uint8_t)(x >> 24);
	}
	for (int k = 0; k < 20; k++)
		input[5 + k * 2000] = (uint8_t)(round + k);
	struct round_rec r = {.ok = true,
	    .ms = (uint32_t)round,
	    .result = {(const uint8_t *)"\x80", 1},
	    .input = {input, sizeof input}};
	assert_int_equal(round_pack(&r, out), 0);
}

static int
add(struct place *p, const struct rounds_bound *bound, int round, uint64_t at_ms, const char *code,
    struct err *err)
{
	struct blob plain;
	int rc;

	plain_of(round, &plain);
	rc = rounds_add(p->dir, bound, &p->at,
	    &(struct rounds_new){.plain = blob_slice(&plain),
		.before = blob_slice(&p->before),
		.code = {(const uint8_t *)code, sizeof code_a - 1},
		.at_ms = at_ms},
	    &p->total, err);
	if (rc < 0) {
		blob_free(&plain);
		return rc;
	}
	blob_free(&p->before);
	p->before = plain;
	return 0;
}

struct seen {
	uint32_t ms[4096], count, no_code, notes;
	char note[300], code_last;
};

static bool
see(void *arg, const struct rounds_one *one)
{
	struct seen *s = arg;
	struct blob plain;
	struct round_rec r;

	assert_true(s->count < ARRAY_LEN(s->ms));
	plain_of((int)one->rec.ms, &plain);
	assert_int_equal(round_read(&r, plain.b, plain.len), 0);
	assert_true(slice_eq(r.input, one->rec.input));
	blob_free(&plain);
	s->ms[s->count++] = one->rec.ms;
	s->no_code += one->code.len == 0;
	if (one->code.len > 0)
		s->code_last = (char)one->code.b[one->code.len - 1];
	return true;
}

static void
see_note(void *arg, const char *line)
{
	struct seen *s = arg;

	s->notes++;
	snprintf(s->note, sizeof s->note, "%s", line);
}

static void
look(const struct place *p, uint64_t since_ms, struct seen *s)
{
	struct err err;

	memset(s, 0, sizeof *s);
	assert_int_equal(rounds_each(p->dir, since_ms, see, see_note, s, &err), 0);
}

static void
kept_and_small(void **state)
{
	static struct seen s;
	struct place p;
	struct stat st;
	struct err err;

	(void)state;
	place_open(&p);
	for (int i = 1; i <= 50; i++)
		assert_int_equal(add(&p, &wide, i, 1000u * (unsigned)i, i < 40 ? code_a : code_b, &err), 0);
	look(&p, 0, &s);
	assert_int_equal(s.count, 50);
	assert_int_equal(s.notes + s.no_code, 0);
	assert_int_equal(s.code_last, 'b');
	for (uint32_t i = 0; i < 50; i++)
		assert_int_equal(s.ms[i], i + 1);
	/* 60 KB that don't compress, once, and fifty times what changed. */
	assert_true(p.total < INPUT + 50 * 1000);
	look(&p, 49000, &s);
	assert_int_equal(s.count, 2);
	assert_int_equal(fstatat(p.dir, "00000001.rounds", &st, 0), 0);
	assert_int_equal(st.st_mode & 0777, 0640);
	place_close(&p);
}

/* As a crash leaves it: so many bytes of the last record, whatever so many is. */
static void
torn_at_each_byte(void **state)
{
	static struct seen s;
	struct place p;
	struct err err;
	uint64_t whole;
	int fd;

	(void)state;
	place_open(&p);
	assert_int_equal(add(&p, &wide, 1, 1000, code_a, &err), 0);
	assert_int_equal(add(&p, &wide, 2, 2000, code_a, &err), 0);
	whole = p.at.bytes;
	assert_int_equal(add(&p, &wide, 3, 3000, code_a, &err), 0);
	fd = openat(p.dir, "00000001.rounds", O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	for (uint64_t n = p.at.bytes; n-- > whole;) {
		assert_int_equal(ftruncate(fd, (off_t)n), 0);
		look(&p, 0, &s);
		assert_int_equal(s.count, 2);
		assert_int_equal(s.notes, n > whole);
	}
	close(fd);
	/* Who starts anew begins another file, and loses nothing. */
	p.at = (struct rounds_at){0};
	blob_free(&p.before);
	assert_int_equal(add(&p, &wide, 4, 4000, code_a, &err), 0);
	look(&p, 0, &s);
	assert_int_equal(s.count, 3);
	assert_int_equal(s.ms[2], 4);
	place_close(&p);
}

static void
damaged(void **state)
{
	static struct seen s;
	struct place p;
	uint8_t byte;
	struct err err;
	int fd;

	(void)state;
	place_open(&p);
	for (int i = 1; i <= 3; i++)
		assert_int_equal(add(&p, &wide, i, 1000u * (unsigned)i, code_a, &err), 0);
	fd = openat(p.dir, "00000001.rounds", O_RDWR | O_CLOEXEC);
	for (off_t at = 0; at < (off_t)p.at.bytes; at += 997) {
		assert_int_equal(pread(fd, &byte, 1, at), 1);
		byte ^= 1;
		assert_int_equal(pwrite(fd, &byte, 1, at), 1);
		look(&p, 0, &s);
		assert_true(s.count < 3);
		assert_int_equal(s.notes, 1);
		byte ^= 1;
		assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	}
	close(fd);
	place_close(&p);
}

static void
bound_in_bytes(void **state)
{
	const struct rounds_bound narrow = {.bytes = MIB, .keep_ms = 86400000};
	static struct seen s;
	struct place p;
	struct err err;

	(void)state;
	place_open(&p);
	for (int i = 1; i <= 3000; i++) {
		assert_int_equal(add(&p, &narrow, i, 1000u * (unsigned)i, code_a, &err), 0);
		assert_true(p.total <= MIB);
	}
	look(&p, 0, &s);
	assert_int_equal(s.notes + s.no_code, 0);
	assert_int_equal(s.ms[s.count - 1], 3000);
	assert_true(s.count > 500 && s.count < 3000);
	place_close(&p);
}

static unsigned
count_codes(const struct place *p)
{
	DIR *d = opendir(p->path);
	struct dirent *e;
	unsigned n = 0;

	while ((e = readdir(d)) != NULL)
		n += strstr(e->d_name, ".code") != NULL;
	closedir(d);
	return n;
}

/* Old is what its file's time says; trees go with the last that names them. */
static void
bound_in_age(void **state)
{
	const struct rounds_bound brief = {.bytes = 64 * MIB, .keep_ms = 60000};
	static struct seen s;
	struct timespec at[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
	struct place p;
	struct err err;

	(void)state;
	place_open(&p);
	assert_int_equal(add(&p, &brief, 1, 1000000, code_a, &err), 0);
	assert_int_equal(utimensat(p.dir, "00000001.rounds", at, 0), 0);
	p.at = (struct rounds_at){0};
	assert_int_equal(add(&p, &brief, 2, 1050000, code_b, &err), 0);
	assert_int_equal(count_codes(&p), 2);
	look(&p, 0, &s);
	assert_int_equal(s.count, 2);
	p.at = (struct rounds_at){0};
	assert_int_equal(add(&p, &brief, 3, 1100000, code_b, &err), 0);
	look(&p, 0, &s);
	assert_int_equal(s.count, 2);
	assert_int_equal(s.no_code, 0);
	assert_int_equal(count_codes(&p), 1);
	place_close(&p);
}

/* A file may not grow: what a full disk says, at any byte of a record. */
static void
disk_full(void **state)
{
	struct rlimit was, now;
	static struct seen s;
	struct place p;
	struct err err;

	(void)state;
	place_open(&p);
	assert_int_equal(add(&p, &wide, 1, 1000, code_a, &err), 0);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
	for (rlim_t more = 0; more < 200; more += 7) {
		now = (struct rlimit){p.at.bytes + more, was.rlim_max};
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &now), 0);
		assert_true(add(&p, &wide, 2, 2000, code_a, &err) < 0);
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
		assert_string_equal(err.text, "write 00000001.rounds: File too large");
		look(&p, 0, &s);
		assert_int_equal(s.count, 1);
		assert_int_equal(s.notes, 0); /* nothing torn is left */
	}
	assert_int_equal(add(&p, &wide, 2, 2000, code_a, &err), 0);
	look(&p, 0, &s);
	assert_int_equal(s.count, 2);
	place_close(&p);
}

static void
too_large(void **state)
{
	const struct rounds_bound tiny = {.bytes = 64 << 10, .keep_ms = 60000};
	struct place p;
	struct err err;

	(void)state;
	place_open(&p);
	assert_true(add(&p, &tiny, 1, 1000, code_a, &err) < 0);
	assert_string_equal(err.text, "a round takes 58 KiB, more than half of limits.rounds-disk");
	place_close(&p);
}

static void
wiped(void **state)
{
	static struct seen s;
	struct place p;
	struct err err;

	(void)state;
	place_open(&p);
	assert_int_equal(add(&p, &wide, 1, 1000, code_a, &err), 0);
	p.at = (struct rounds_at){0};
	assert_int_equal(add(&p, &wide, 2, 2000, code_b, &err), 0);
	assert_int_equal(mkdirat(p.dir, "mine", 0755), 0);
	rounds_wipe(p.dir);
	look(&p, 0, &s);
	assert_int_equal(s.count, 0);
	assert_int_equal(count_codes(&p), 0);
	assert_int_equal(faccessat(p.dir, "mine", F_OK, 0), 0);
	place_close(&p);
}

/* Names that are none of ours, links and directories hurt nobody. */
static void
strangers(void **state)
{
	static struct seen s;
	struct place p;
	struct err err;

	(void)state;
	place_open(&p);
	assert_int_equal(mkdirat(p.dir, "00000001.rounds", 0755), 0);
	assert_int_equal(symlinkat("/etc/passwd", p.dir, "00000002.rounds"), 0);
	assert_int_equal(mkfifoat(p.dir, "00000003.rounds", 0600), 0);
	assert_int_equal(symlinkat("/etc/passwd", p.dir, "0000000A.rounds"), 0);
	assert_int_equal(add(&p, &wide, 1, 1000, code_a, &err), 0);
	assert_int_equal(p.at.file, 4);
	look(&p, 0, &s);
	assert_int_equal(s.count, 1);
	assert_int_equal(s.notes, 0);
	place_close(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(kept_and_small),
	    cmocka_unit_test(torn_at_each_byte),
	    cmocka_unit_test(damaged),
	    cmocka_unit_test(bound_in_bytes),
	    cmocka_unit_test(bound_in_age),
	    cmocka_unit_test(disk_full),
	    cmocka_unit_test(too_large),
	    cmocka_unit_test(wiped),
	    cmocka_unit_test(strangers),
	};
	struct err err;

	if (crypto_init(&err) < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
