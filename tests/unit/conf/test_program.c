/*
 * test_program.c - what the first bytes of a program say, and that a lie in them
 * leads nowhere.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <elf.h>

#include "../../../daemon/conf/program.h"

#define LOADER "/lib/ld.so"

static uint8_t records[PROGRAM_OUT_BYTES];

static struct flat
read_it(const void *head, size_t len)
{
	struct flat_out out;
	struct flat f;

	flat_begin(&out, records, sizeof records);
	assert_int_equal(flat_open(&f, records, program_read(head, len, &out)), 0);
	return f;
}

static int64_t
number(const struct flat *f, const char *key)
{
	int64_t n = -1;

	(void)flat_int(f, key, &n);
	return n;
}

static void
interpreter(const void *head, size_t len, const char *want)
{
	struct flat f = read_it(head, len);
	char path[PROGRAM_PATH_MAX + 1];

	assert_int_equal(flat_str(&f, "interpreter", path, sizeof path), want != NULL);
	if (want != NULL)
		assert_string_equal(path, want);
}

struct program {
	Elf64_Ehdr head;
	Elf64_Phdr segments[3];
	char text[32];
};

static struct program
good(void)
{
	struct program p = {
	    .head = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB}, .e_machine = EM_AARCH64,
		.e_phoff = sizeof p.head, .e_phentsize = sizeof *p.segments, .e_phnum = 3},
	    .segments = {{.p_type = PT_INTERP, .p_offset = offsetof(struct program, text), .p_filesz = sizeof LOADER},
		{.p_type = PT_LOAD, .p_offset = 4096, .p_filesz = 1000}, {.p_type = PT_LOAD, .p_filesz = 4096}},
	    .text = LOADER,
	};

	return p;
}

static void
an_elf_program(void **state)
{
	struct program p = good();
	struct flat f = read_it(&p, sizeof p);
	bool big = true;

	(void)state;
	assert_int_equal(number(&f, "machine"), EM_AARCH64);
	assert_int_equal(number(&f, "bits"), 64);
	assert_true(flat_bool(&f, "big-endian", &big) && !big);
	assert_int_equal(number(&f, "bytes"), 5096);
	interpreter(&p, sizeof p, LOADER);
	p.segments[1].p_type = PT_INTERP; /* the kernel takes the first */
	interpreter(&p, sizeof p, LOADER);
}

static void
one_of_32_bits_and_the_other_order(void **state)
{
	uint8_t head[52 + 32] = {0x7f, 'E', 'L', 'F', ELFCLASS32, ELFDATA2MSB};
	struct flat f;
	bool big = false;

	(void)state;
	head[19] = EM_PPC;
	head[31] = 52; /* e_phoff */
	head[43] = 32;
	head[45] = 1;
	head[52 + 3] = PT_LOAD;
	head[52 + 18] = 0x12; /* p_filesz: 0x1200 */
	f = read_it(head, sizeof head);
	assert_int_equal(number(&f, "machine"), EM_PPC);
	assert_int_equal(number(&f, "bits"), 32);
	assert_true(flat_bool(&f, "big-endian", &big) && big);
	assert_int_equal(number(&f, "bytes"), 0x1200);
}

/* At every length, and with numbers that lead out of it. */
static void
lies(void **state)
{
	struct program p = good();

	(void)state;
	for (size_t len = 0; len < sizeof p; len++)
		interpreter(&p, len, len < offsetof(struct program, text) + sizeof LOADER ? NULL : LOADER);
	p.segments[0].p_filesz = UINT64_MAX;
	interpreter(&p, sizeof p, NULL);
	p.segments[0].p_offset = UINT64_MAX - 2;
	interpreter(&p, sizeof p, NULL);
	p = good();
	p.segments[1].p_offset = UINT64_MAX;
	struct flat f = read_it(&p, sizeof p);
	assert_int_equal(number(&f, "bytes"), INT64_MAX);
	p.head.e_phoff = UINT64_MAX - 10;
	f = read_it(&p, sizeof p);
	assert_int_equal(number(&f, "bytes"), sizeof p.head);
	p.head.e_phoff = sizeof p.head;
	p.head.e_phentsize = 1;
	p.head.e_phnum = UINT16_MAX;
	f = read_it(&p, sizeof p);
	assert_int_equal(number(&f, "bytes"), sizeof p.head);
	p = good();
	p.text[0] = 'l';
	interpreter(&p, sizeof p, NULL); /* relative */
}

static void
scripts(void **state)
{
	static const struct {
		const char *text, *want;
	} rows[] = {{"#!/bin/sh\n", "/bin/sh"}, {"#! \t/bin/sh -e", "/bin/sh"}, {"#!/bin/sh", "/bin/sh"},
	    {"#!sh\n", NULL}, {"#!", NULL}, {"#! \n/bin/sh", NULL}, {"#", NULL}, {"", NULL}, {"echo", NULL}};
	char line[600] = "#!/";

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		interpreter(rows[i].text, strlen(rows[i].text), rows[i].want);
	memset(line + 3, 'x', sizeof line - 3);
	interpreter(line, sizeof line, NULL);
	line[2 + PROGRAM_PATH_MAX] = '\n';
	line[sizeof line - 1] = '\0';
	struct flat f = read_it(line, sizeof line - 1);
	struct flat_rec rec;
	assert_true(flat_find(&f, "interpreter", &rec) && rec.str_len == PROGRAM_PATH_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_elf_program),
	    cmocka_unit_test(one_of_32_bits_and_the_other_order),
	    cmocka_unit_test(lies),
	    cmocka_unit_test(scripts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
