/*
 * program.c - see program.h.  Every number in it is the file's own word: nothing
 * is looked at before it is known to lie within the bytes that were read.
 */
#include "program.h"

#include <elf.h>

struct elf {
	const uint8_t *head;
	size_t len;
	bool big, wide; /* big-endian, of 64 bits */
};

static uint64_t
number(const struct elf *e, size_t at, size_t bytes)
{
	uint64_t n = 0;

	for (size_t i = 0; i < bytes; i++)
		n = n << 8 | e->head[at + (e->big ? i : bytes - 1 - i)];
	return n;
}

/* An absolute path without a NUL in it. */
static void
put_interpreter(struct flat_out *out, const uint8_t *path, size_t len)
{
	if (len > 0 && len <= PROGRAM_PATH_MAX && path[0] == '/')
		flat_put(out, "interpreter", FLAT_STR, 0, 0, path, len);
}

static void
segment(const struct elf *e, size_t at, uint64_t *end, bool *loader, struct flat_out *out)
{
	const uint64_t type = number(e, at, 4),
		       offset = number(e, at + (e->wide ? 8 : 4), e->wide ? 8 : 4),
		       size = number(e, at + (e->wide ? 32 : 16), e->wide ? 8 : 4);

	/* A sum that no file can have says the same: it is not whole. */
	if (type == PT_LOAD && size > 0) {
		uint64_t last = offset > INT64_MAX || size > INT64_MAX - offset ? INT64_MAX : offset + size;

		*end = last > *end ? last : *end;
	}
	/* The kernel takes the first. */
	if (type == PT_INTERP && !*loader && offset < e->len && size <= e->len - offset)
		put_interpreter(out, e->head + offset, strnlen((const char *)e->head + offset, size));
	*loader = *loader || type == PT_INTERP;
}

static void
read_elf(const struct elf *e, struct flat_out *out)
{
	const size_t header = e->wide ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr),
		     entry = e->wide ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
	const uint8_t big = e->big;
	uint64_t end = header, at, count, size;
	bool loader = false;

	flat_put_int(out, "machine", (int64_t)number(e, 18, 2));
	flat_put_int(out, "bits", e->wide ? 64 : 32);
	flat_put(out, "big-endian", FLAT_BOOL, 0, 0, &big, 1);
	if (e->len >= header) {
		at = number(e, e->wide ? 32 : 28, e->wide ? 8 : 4);
		size = number(e, e->wide ? 54 : 42, 2);
		count = number(e, e->wide ? 56 : 44, 2);
		/* The kernel takes no other size, and no table that is far off. */
		for (; size == entry && count > 0 && at <= e->len && entry <= e->len - at; count--, at += entry)
			segment(e, (size_t)at, &end, &loader, out);
	}
	flat_put_int(out, "bytes", (int64_t)end);
}

static void
read_script(const uint8_t *line, size_t len, struct flat_out *out)
{
	size_t start = 2, end;

	while (start < len && (line[start] == ' ' || line[start] == '\t'))
		start++;
	end = start;
	while (end < len && end - start <= PROGRAM_PATH_MAX && line[end] > ' ')
		end++;
	put_interpreter(out, line + start, end - start);
}

size_t
program_read(const uint8_t *head, size_t len, struct flat_out *out)
{
	const uint32_t children = 0;
	struct elf e = {head, len, false, false};

	flat_put(out, "", FLAT_MAP, 0, 0, &children, sizeof children);
	if (len >= 20 && memcmp(head, ELFMAG, SELFMAG) == 0) {
		e.big = head[EI_DATA] == ELFDATA2MSB;
		e.wide = head[EI_CLASS] == ELFCLASS64;
		read_elf(&e, out);
	} else if (len >= 2 && head[0] == '#' && head[1] == '!') {
		read_script(head, len, out);
	}
	return flat_end(out);
}
